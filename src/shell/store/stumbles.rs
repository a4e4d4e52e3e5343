//! How fetching a mail failed. It is kept, so that a process that ends at
//! such a mail, as one from cron does, is not the first one for ever.

use std::collections::BTreeMap;

use rusqlite::{Connection, Transaction, params};

use super::Ledger;
use super::words::time;
use crate::domain::{Fault, Timestamp};
use crate::shell::mailbox::Uid;

/// A mailbox, and the numbering that its UIDs belong to.
#[derive(Clone, Copy, Debug)]
pub struct UidScope<'a> {
    /// Whose it is.
    pub account: &'a str,
    /// Which one.
    pub mailbox: &'a str,
    /// Its UIDVALIDITY; 0 when the server has none.
    pub uid_validity: u32,
}

/// What is fetched of a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Header fields.
    Header,
    /// All of it.
    Body,
}

impl Part {
    fn as_str(self) -> &'static str {
        match self {
            Self::Header => "header",
            Self::Body => "body",
        }
    }
}

/// How fetching a part of a mail failed so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stumble {
    /// How often so that it counts against the mail.
    pub times: u32,
    /// How often in all.
    pub tries: u32,
    /// When the first time was.
    pub since: Timestamp,
}

impl Ledger {
    /// How fetching `part` failed, by UID; mails without trouble are left out.
    ///
    /// # Errors
    /// See [`Ledger::start_account`].
    pub fn stumbles(&self, scope: UidScope<'_>, part: Part) -> Result<BTreeMap<Uid, Stumble>, Fault> {
        self.read("reading which mail could not be fetched", |connection| of(connection, scope, part))
    }

    /// One more failure of fetching `part` of `uids` together; it counts against
    /// each of them so many `times`.
    ///
    /// # Errors
    /// See [`Ledger::start_account`].
    pub fn note_stumble(
        &mut self,
        scope: UidScope<'_>,
        part: Part,
        uids: &[Uid],
        times: u32,
        now: Timestamp,
    ) -> Result<(), Fault> {
        let UidScope { account, mailbox, uid_validity } = scope;
        self.write("noting that mail could not be fetched", |tx| {
            let mut count = tx.prepare(
                "INSERT INTO stumble (account, mailbox, uid_validity, part, uid, times, tries, since)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, 1, ?7)
                 ON CONFLICT DO UPDATE SET times = times + excluded.times, tries = tries + 1",
            )?;
            for uid in uids {
                count.execute(params![
                    account,
                    mailbox,
                    uid_validity,
                    part.as_str(),
                    uid,
                    times,
                    now.unix_s()
                ])?;
            }
            Ok(())
        })
    }

    /// Notes that the server did not hand out `uid`, which is listed as such, when it was asked at `now`.
    ///
    /// # Errors
    /// See [`Ledger::start_account`].
    pub fn note_given_up(&mut self, scope: UidScope<'_>, uid: Uid, now: Timestamp) -> Result<(), Fault> {
        let UidScope { account, mailbox, uid_validity } = scope;
        self.write("noting that mail is not handed out", |tx| {
            tx.execute(
                "UPDATE quarantine SET tried_at = ?5
                 WHERE account = ?1 AND mailbox = ?2 AND uid_validity = ?3 AND uid = ?4",
                params![account, mailbox, uid_validity, uid, now.unix_s()],
            )
            .map(drop)
        })
    }

    /// What was given up later than `since` and asked for last no later than `tried_by`.
    ///
    /// # Errors
    /// See [`Ledger::start_account`].
    pub fn given_up(
        &self,
        scope: UidScope<'_>,
        since: Timestamp,
        tried_by: Timestamp,
    ) -> Result<Vec<Uid>, Fault> {
        let UidScope { account, mailbox, uid_validity } = scope;
        self.read("reading which mail was not handed out", |connection| {
            connection
                .prepare(
                    "SELECT uid FROM quarantine
                     WHERE account = ?1 AND mailbox = ?2 AND uid_validity = ?3 AND since > ?4 AND tried_at <= ?5
                     ORDER BY uid",
                )?
                .query_map(params![account, mailbox, uid_validity, since.unix_s(), tried_by.unix_s()], |row| {
                    row.get(0)
                })?
                .collect()
        })
    }

    /// The server has handed out `uid` after all; nothing happens where it is listed for another reason.
    ///
    /// # Errors
    /// See [`Ledger::start_account`].
    pub fn forget_given_up(&mut self, scope: UidScope<'_>, uid: Uid) -> Result<(), Fault> {
        let UidScope { account, mailbox, uid_validity } = scope;
        self.write("noting that mail was handed out after all", |tx| {
            tx.execute(
                "DELETE FROM quarantine WHERE account = ?1 AND mailbox = ?2 AND uid_validity = ?3 AND uid = ?4
                    AND tried_at IS NOT NULL",
                params![account, mailbox, uid_validity, uid],
            )
            .map(drop)
        })
    }

    /// `part` of `uids` was fetched: what failed before is forgotten.
    ///
    /// # Errors
    /// See [`Ledger::start_account`].
    pub fn forget_stumbles(&mut self, scope: UidScope<'_>, part: Part, uids: &[Uid]) -> Result<(), Fault> {
        if self.stumbles(scope, part)?.is_empty() {
            return Ok(());
        }
        self.write("noting that mail was fetched", |tx| {
            let mut forget = tx.prepare(
                "DELETE FROM stumble
                 WHERE account = ?1 AND mailbox = ?2 AND uid_validity = ?3 AND part = ?4 AND uid = ?5",
            )?;
            for uid in uids {
                forget.execute(params![
                    scope.account,
                    scope.mailbox,
                    scope.uid_validity,
                    part.as_str(),
                    uid
                ])?;
            }
            Ok(())
        })
    }
}

fn of(connection: &Connection, scope: UidScope<'_>, part: Part) -> rusqlite::Result<BTreeMap<Uid, Stumble>> {
    connection
        .prepare(
            "SELECT uid, times, tries, since FROM stumble
             WHERE account = ?1 AND mailbox = ?2 AND uid_validity = ?3 AND part = ?4",
        )?
        .query_map(params![scope.account, scope.mailbox, scope.uid_validity, part.as_str()], |row| {
            Ok((row.get(0)?, Stumble { times: row.get(1)?, tries: row.get(2)?, since: time(row, 3)? }))
        })?
        .collect()
}

/// Everything below `next_uid` is dealt with, and UIDs of another numbering mean nothing any more.
pub(super) fn forget_below(tx: &Transaction<'_>, scope: UidScope<'_>, next_uid: Uid) -> rusqlite::Result<()> {
    tx.execute(
        "DELETE FROM stumble WHERE account = ?1 AND mailbox = ?2 AND (uid_validity <> ?3 OR uid < ?4)",
        params![scope.account, scope.mailbox, scope.uid_validity, next_uid],
    )
    .map(drop)
}
