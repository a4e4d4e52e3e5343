//! What a person asks of the ledger: whose letter is that, and where does it stand?

use rusqlite::{Connection, OptionalExtension, params};

use super::known::similar;
use super::words::{time, word};
use super::{Delivery, Ledger, Moved, hold};
use crate::domain::delivery::State;
use crate::domain::{Decision, Fault, Identity, InvitationKey, NoteKind, Timestamp};

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

    /// All keys of the invitation of `key`: a reminder that shows other parts than
    /// the first mail has one of its own. First the one that its letter has.
    ///
    /// # Errors
    /// See [`Ledger::start_account`].
    pub fn keys_of_invitation(&self, key: &InvitationKey) -> Result<Vec<InvitationKey>, Fault> {
        self.read("looking for the mails of an invitation", |connection| keys_of_invitation(connection, key))
    }

    /// The letters that are not at an end, those held in Drafts until they are sent, and those
    /// the server refused and whose words are kept, oldest first.
    ///
    /// # Errors
    /// See [`Ledger::start_account`].
    pub fn open_letters(&self) -> Result<Vec<InvitationKey>, Fault> {
        self.read("reading the queue", |connection| {
            let states = OPEN.map(|state| format!("'{}'", state.as_str())).join(", ");
            connection
                .prepare(&format!(
                    "SELECT key FROM delivery
                     WHERE (state IN ({states}) AND (state <> 'refused' OR erased_at IS NULL))
                        OR (state = 'drafted' AND {})
                     ORDER BY account, created_at, rowid",
                    hold::IS_OPEN.replace("KEY", "delivery.key")
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

/// See [`Ledger::keys_of_invitation`].
pub(super) fn keys_of_invitation(
    connection: &Connection,
    key: &InvitationKey,
) -> rusqlite::Result<Vec<InvitationKey>> {
    let same = |key: &InvitationKey| -> rusqlite::Result<Vec<InvitationKey>> {
        let stored = connection.query_row(
            "SELECT network, invitation_id_digest, shared_key_digest, profile_digest, name_digest
             FROM invitation WHERE key = ?1",
            [&key.0],
            |row| {
                let identity = Identity {
                    invitation_id: row.get(1)?,
                    shared_key: row.get(2)?,
                    profile: row.get(3)?,
                    name: row.get(4)?,
                };
                Ok((row.get::<_, String>(0)?, identity))
            },
        );
        let Some((network, identity)) = stored.optional()? else { return Ok(Vec::new()) };
        let known = similar(connection, &identity)?.into_iter();
        // A letter that was found again may show its key only; it is like no other.
        let known =
            known.filter(|k| k.network == network && !network.is_empty() && k.identity.same(&identity));
        Ok(known.map(|known| known.key).collect())
    };
    let mut has_letter = connection.prepare("SELECT 1 FROM delivery WHERE key = ?1")?;
    let mut keys = vec![key.clone()];
    if !has_letter.exists([&key.0])? {
        for other in same(key)? {
            if has_letter.exists([&other.0])? {
                keys.insert(0, other);
                break;
            }
        }
    }
    for letter_key in keys.clone() {
        for other in same(&letter_key)? {
            // What has a letter of its own is an invitation of its own.
            if !keys.contains(&other) && !has_letter.exists([&other.0])? {
                keys.push(other);
            }
        }
    }
    Ok(keys)
}
