//! How far each mailbox has been read, when each account began, and which
//! ports wait for a person.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, params};

use super::words::{optional_time, time, word};
use super::{Ledger, UidScope, stumbles};
use crate::domain::{Fault, Timestamp};
use crate::shell::mailbox::Uid;

/// A look is written down no more often than this.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// How far a mailbox has been read (RFC 9051 §2.3.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The UIDVALIDITY the UID belongs to. 0 (the server has none) is never kept.
    pub uid_validity: u32,
    /// Every UID below this one has been dealt with.
    pub next_uid: Uid,
}

/// Who was told of a port's trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// The owner, for whom it waits, and when.
    At(Timestamp),
    /// Nobody: it may pass by itself.
    Nobody,
}

/// A port that can wait for a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PortKind {
    /// The mailbox, over IMAP.
    Imap,
    /// The way out.
    Smtp,
    /// The mailbox, a folder.
    Maildir,
}

impl PortKind {
    /// The word used in the ledger and in `status`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Imap => "imap",
            Self::Smtp => "smtp",
            Self::Maildir => "maildir",
        }
    }

    /// The inverse of [`PortKind::as_str`].
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Imap, Self::Smtp, Self::Maildir].into_iter().find(|port| port.as_str() == word)
    }
}

/// A port that waits for a person ([`Fault::NeedsHuman`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortFault {
    /// Which account.
    pub account: String,
    /// Which port.
    pub port: PortKind,
    /// What is wrong and what to do.
    pub words: String,
    /// Since when.
    pub since: Timestamp,
    /// When the owner was told last.
    pub last_told: Option<Timestamp>,
}

impl Ledger {
    /// When `account` ran for the first time: `now`, if it never did before.
    ///
    /// # Errors
    /// As every call of the ledger: [`Fault::Transient`] when the file is busy or the disk full,
    /// [`Fault::NeedsHuman`] when it is damaged or not ours.
    pub fn start_account(&mut self, account: &str, now: Timestamp) -> Result<Timestamp, Fault> {
        self.write("noting the first run of an account", |tx| {
            tx.execute(
                "INSERT INTO account (name, started_at) VALUES (?1, ?2) ON CONFLICT (name) DO NOTHING",
                params![account, now.unix_s()],
            )?;
            tx.query_row("SELECT started_at FROM account WHERE name = ?1", [account], |row| time(row, 0))
        })
    }

    /// Notes that all mailboxes of `account` were looked into at `now`, once a minute at most.
    ///
    /// # Errors
    /// See [`Ledger::start_account`].
    pub fn note_look(&mut self, account: &str, now: Timestamp) -> Result<(), Fault> {
        let last = self.read("reading when an account was looked into", |connection| {
            let looked_at = "SELECT looked_at FROM account WHERE name = ?1";
            connection.query_row(looked_at, [account], |row| optional_time(row, 0)).optional()
        })?;
        // Also of a look that is said to lie ahead: the clock was set back.
        if last.flatten().is_some_and(|last| now.away_from(last) < LOOK_EVERY) {
            return Ok(());
        }
        self.write("noting a look", |tx| {
            tx.execute("UPDATE account SET looked_at = ?2 WHERE name = ?1", params![account, now.unix_s()])
                .map(drop)
        })
    }

    /// How far `mailbox` of `account` has been read; `None` before its first batch.
    ///
    /// # Errors
    /// See [`Ledger::start_account`].
    pub fn cursor(&self, account: &str, mailbox: &str) -> Result<Option<Cursor>, Fault> {
        self.read("reading a cursor", |connection| {
            connection
                .query_row(
                    "SELECT uid_validity, next_uid FROM cursor WHERE account = ?1 AND mailbox = ?2",
                    [account, mailbox],
                    |row| Ok(Cursor { uid_validity: row.get(0)?, next_uid: row.get(1)? }),
                )
                .optional()
        })
    }

    /// Sets a cursor back, on a server whose UIDNEXT went back: everything
    /// below it has been dealt with all the same, and what could not be fetched
    /// above it is no more.
    ///
    /// # Errors
    /// See [`Ledger::start_account`].
    pub fn turn_back_cursor(
        &mut self,
        account: &str,
        mailbox: &str,
        cursor: Cursor,
        now: Timestamp,
    ) -> Result<(), Fault> {
        self.write("setting a cursor back", |tx| {
            let scope = UidScope { account, mailbox, uid_validity: cursor.uid_validity };
            stumbles::forget_below(tx, scope, Uid::MAX)?;
            tx.execute(
                "UPDATE cursor SET next_uid = ?4, moved_at = ?5
                 WHERE account = ?1 AND mailbox = ?2 AND uid_validity = ?3",
                params![account, mailbox, cursor.uid_validity, cursor.next_uid, now.unix_s()],
            )
            .map(drop)
        })
    }

    /// Notes that a port is in trouble, or changes the words. `since` is when it began;
    /// what waits for a person stands above what may pass by itself.
    ///
    /// # Errors
    /// See [`Ledger::start_account`].
    pub fn note_port_fault(
        &mut self,
        account: &str,
        port: PortKind,
        words: &str,
        told: Told,
        now: Timestamp,
    ) -> Result<(), Fault> {
        let told_at = match told {
            Told::At(when) => Some(when.unix_s()),
            Told::Nobody => None,
        };
        self.write("noting trouble of a port", |tx| {
            tx.execute(
                "INSERT INTO port_fault (account, port, words, since, last_told) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (account, port)
                     DO UPDATE SET words = excluded.words, last_told = excluded.last_told
                     WHERE excluded.last_told IS NOT NULL OR last_told IS NULL",
                params![account, port.as_str(), words, now.unix_s(), told_at],
            )
            .map(drop)
        })
    }

    /// The port works again, and its server lets us in. Nothing happens when nothing was noted.
    ///
    /// # Errors
    /// See [`Ledger::start_account`].
    pub fn clear_port_fault(&mut self, account: &str, port: PortKind) -> Result<(), Fault> {
        self.write("noting that a port works again", |tx| {
            ["port_fault", "refused_login"].into_iter().try_for_each(|table| {
                let clear = format!("DELETE FROM {table} WHERE account = ?1 AND port = ?2");
                tx.execute(&clear, [account, port.as_str()]).map(drop)
            })
        })
    }

    /// All ports that wait for a person, by account.
    ///
    /// # Errors
    /// See [`Ledger::start_account`].
    pub fn port_faults(&self) -> Result<Vec<PortFault>, Fault> {
        self.read("reading the ports that wait", port_faults)
    }
}

/// See [`Ledger::port_faults`].
pub(super) fn port_faults(connection: &Connection) -> rusqlite::Result<Vec<PortFault>> {
    connection
        .prepare("SELECT account, port, words, since, last_told FROM port_fault ORDER BY account, port")?
        .query_map([], |row| {
            Ok(PortFault {
                account: row.get(0)?,
                port: word(row, 1, PortKind::parse)?,
                words: row.get(2)?,
                since: time(row, 3)?,
                last_told: optional_time(row, 4)?,
            })
        })?
        .collect()
}
