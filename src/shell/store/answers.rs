//! What came back to letters.

use std::time::Duration;

use rusqlite::{Connection, params};

use super::brake::claimant;
use super::words::{time, word};
use super::{Delivery, Ledger};
use crate::domain::delivery::{Mode, State};
use crate::domain::{Address, AnswerKind, Fault, InvitationKey, Timestamp};

/// Something came back to a letter.
#[derive(Clone, PartialEq, Eq)]
pub struct Answered {
    /// Its invitation's key.
    pub key: InvitationKey,
    /// Who invited.
    pub inviter_name: String,
    /// What came.
    pub kind: AnswerKind,
    /// When the first of its kind came.
    pub at: Timestamp,
}

impl std::fmt::Debug for Answered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Answered({}, {:?})", self.key.0, self.kind)
    }
}

impl Ledger {
    /// Notes that something came back to the letter of `key`. Answers whether
    /// that is new; nothing happens where there is no such letter.
    ///
    /// # Errors
    /// See [`Ledger::start_account`].
    pub fn note_answer(
        &mut self,
        key: &InvitationKey,
        kind: AnswerKind,
        at: Timestamp,
    ) -> Result<bool, Fault> {
        self.write("noting what came back to a letter", |tx| {
            let noted = tx.execute(
                "INSERT INTO answer (key, kind, at)
                 SELECT key, ?2, ?3 FROM delivery WHERE key = ?1 ON CONFLICT (key, kind) DO NOTHING",
                params![key.0, kind.as_str(), at.unix_s()],
            )?;
            Ok(noted == 1)
        })
    }

    /// Notes that the reader of a letter wrote at `at`, in a mail that names no
    /// letter: while it is in doubt or waits for a person, or within `soon` after
    /// it went out. Answers whether that is new.
    ///
    /// # Errors
    /// See [`Ledger::start_account`].
    pub fn note_writer(&mut self, from: &Address, at: Timestamp, soon: Duration) -> Result<bool, Fault> {
        let key = self.read("looking for a letter", |connection| claimant(connection, from))?;
        let Some(key) = key else { return Ok(false) };
        self.write("noting what came back to a letter", |tx| {
            let noted = tx.execute(
                "INSERT INTO answer (key, kind, at)
                 SELECT key, ?2, ?3 FROM delivery WHERE key = ?1 AND mode = 'send' AND created_at <= ?3
                    AND (state IN ('transmitting', 'uncertain', 'parked')
                         OR (state = 'sent' AND changed_at >= ?4))
                 ON CONFLICT (key, kind) DO NOTHING",
                params![key.0, AnswerKind::Replied.as_str(), at.unix_s(), at.minus(soon).unix_s()],
            )?;
            Ok(noted == 1)
        })
    }

    /// The letters to send, of all accounts, of which nothing has left yet, those that are
    /// held in Drafts before it included.
    ///
    /// # Errors
    /// See [`Ledger::start_account`].
    pub fn about_to_be_sent(&self) -> Result<Vec<Delivery>, Fault> {
        let mut found = self.held_anywhere()?;
        for state in [State::Held, State::Queued] {
            found.extend(self.anywhere_in(state)?.into_iter().filter(|letter| letter.mode == Mode::Send));
        }
        Ok(found)
    }

    /// Whether a letter with an address, of any account, was written at `since` or later.
    ///
    /// # Errors
    /// See [`Ledger::start_account`].
    pub fn has_written_since(&self, since: Timestamp) -> Result<bool, Fault> {
        self.read("looking for letters of late", |connection| {
            connection
                .prepare("SELECT 1 FROM delivery WHERE recipient IS NOT NULL AND changed_at >= ?1 LIMIT 1")?
                .exists([since.unix_s()])
        })
    }
}

pub(super) fn of_account(connection: &Connection, account: &str) -> rusqlite::Result<Vec<Answered>> {
    connection
        .prepare(
            "SELECT a.key, p.inviter_name, a.kind, a.at FROM answer a
             JOIN delivery d ON d.key = a.key JOIN plan p ON p.id = d.plan_id
             WHERE d.account = ?1 ORDER BY a.at, a.key",
        )?
        .query_map([account], |row| {
            Ok(Answered {
                key: InvitationKey(row.get(0)?),
                inviter_name: row.get(1)?,
                kind: word(row, 2, AnswerKind::parse)?,
                at: time(row, 3)?,
            })
        })?
        .collect()
}
