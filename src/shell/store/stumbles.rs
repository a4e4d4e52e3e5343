//! How often fetching a mail failed. It is kept, so that a process that ends at
//! such a mail, as one from cron does, is not the first one for ever.

use std::collections::BTreeMap;

use rusqlite::{Connection, Transaction, params};

use super::Ledger;
use crate::domain::Fault;
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

impl Ledger {
    /// How often fetching `part` failed, by UID; mails without trouble are left out.
    ///
    /// # Errors
    /// See [`Ledger::start_account`].
    pub fn stumbles(&self, scope: UidScope<'_>, part: Part) -> Result<BTreeMap<Uid, u32>, Fault> {
        self.read("reading which mail could not be fetched", |connection| of(connection, scope, part))
    }

    /// Counts one more failure of fetching `part` of `uids` together.
    ///
    /// # Errors
    /// See [`Ledger::start_account`].
    pub fn note_stumble(&mut self, scope: UidScope<'_>, part: Part, uids: &[Uid]) -> Result<(), Fault> {
        self.write("noting that mail could not be fetched", |tx| {
            let mut count = tx.prepare(
                "INSERT INTO stumble (account, mailbox, uid_validity, part, uid, times)
                 VALUES (?1, ?2, ?3, ?4, ?5, 1) ON CONFLICT DO UPDATE SET times = times + 1",
            )?;
            for uid in uids {
                count.execute(params![
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

fn of(connection: &Connection, scope: UidScope<'_>, part: Part) -> rusqlite::Result<BTreeMap<Uid, u32>> {
    connection
        .prepare(
            "SELECT uid, times FROM stumble
             WHERE account = ?1 AND mailbox = ?2 AND uid_validity = ?3 AND part = ?4",
        )?
        .query_map(params![scope.account, scope.mailbox, scope.uid_validity, part.as_str()], |row| {
            Ok((row.get(0)?, row.get(1)?))
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
