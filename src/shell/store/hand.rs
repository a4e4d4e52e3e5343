//! What a person asks of the ledger: whose letter is that, and where does it stand?

use rusqlite::params;

use super::words::{time, word};
use super::{Delivery, Ledger, Moved};
use crate::domain::delivery::State;
use crate::domain::{Decision, Fault, InvitationKey, NoteKind, Timestamp};

/// One invitation with all that the ledger tells of it. For the owner's eyes, never for a log.
#[derive(Clone, PartialEq, Eq)]
pub struct Case {
    /// Its key.
    pub key: InvitationKey,
    /// Whose.
    pub account: String,
    /// Who invites; empty once it is forgotten.
    pub inviter_name: String,
    /// What they wrote.
    pub note: Option<String>,
    /// What kind of note it is.
    pub note_kind: NoteKind,
    /// What was decided.
    pub decision: Decision,
    /// Why, in a sentence.
    pub reason_text: String,
    /// When.
    pub decided_at: Timestamp,
    /// Its letter, where there is one.
    pub letter: Option<Delivery>,
    /// Every move of the letter, oldest first.
    pub history: Vec<Moved>,
}

impl std::fmt::Debug for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Case({}, {:?})", self.key.0, self.decision)
    }
}

/// The states of letters that are on their way, or wait for time or a person.
const OPEN: [State; 7] = [
    State::Held,
    State::Queued,
    State::Appending,
    State::Transmitting,
    State::Uncertain,
    State::Parked,
    State::Refused,
];

impl Ledger {
    /// The keys that begin with `prefix`, in order; at most `most`.
    ///
    /// # Errors
    /// See [`Ledger::start_account`].
    pub fn keys_from(&self, prefix: &str, most: u32) -> Result<Vec<InvitationKey>, Fault> {
        self.read("looking for a key", |connection| {
            connection
                .prepare(
                    "SELECT key FROM invitation WHERE substr(key, 1, length(?1)) = ?1 ORDER BY key LIMIT ?2",
                )?
                .query_map(params![prefix, most], |row| row.get(0).map(InvitationKey))?
                .collect()
        })
    }

    /// The letters that are not at an end, and those the server refused, oldest first.
    ///
    /// # Errors
    /// See [`Ledger::start_account`].
    pub fn open_letters(&self) -> Result<Vec<InvitationKey>, Fault> {
        self.read("reading the queue", |connection| {
            let states = OPEN.map(|state| format!("'{}'", state.as_str())).join(", ");
            connection
                .prepare(&format!(
                    "SELECT key FROM delivery WHERE state IN ({states}) ORDER BY account, created_at, rowid"
                ))?
                .query_map([], |row| row.get(0).map(InvitationKey))?
                .collect()
        })
    }

    /// All that is known of one invitation: by the plan its letter was made by,
    /// else by the newest. `None` where no plan has that key.
    ///
    /// # Errors
    /// See [`Ledger::start_account`].
    pub fn case(&self, key: &InvitationKey) -> Result<Option<Case>, Fault> {
        let found = self.read("reading what was decided", |connection| {
            connection
                .prepare(
                    "SELECT account, inviter_name, note, note_kind, decision, reason_text, made_at FROM plan
                     WHERE key = ?1
                     ORDER BY id = (SELECT plan_id FROM delivery WHERE key = ?1) DESC, id DESC LIMIT 1",
                )?
                .query_map([&key.0], |row| {
                    Ok(Case {
                        key: key.clone(),
                        account: row.get(0)?,
                        inviter_name: row.get(1)?,
                        note: row.get(2)?,
                        note_kind: word(row, 3, NoteKind::parse)?,
                        decision: word(row, 4, Decision::parse)?,
                        reason_text: row.get(5)?,
                        decided_at: time(row, 6)?,
                        letter: None,
                        history: Vec::new(),
                    })
                })?
                .next()
                .transpose()
        })?;
        let Some(case) = found else { return Ok(None) };
        Ok(Some(Case { letter: self.delivery(key)?, history: self.history(key)?, ..case }))
    }
}
