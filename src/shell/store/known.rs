//! What the ledger knows of an invitation from other mails of it.

use rusqlite::{Connection, OptionalExtension, Transaction, params};
use sha2::{Digest, Sha256};

use super::words::{time, word};
use super::{Ledger, erase};
use crate::domain::delivery::State;
use crate::domain::{Decision, Fault, Identity, Invitation, InvitationKey, MessageId, Plan, Timestamp, hex};

/// What the ledger holds of an invitation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Its key.
    pub key: InvitationKey,
    /// The network it came from.
    pub network: String,
    /// What tells it from others: every part any of its mails showed.
    pub identity: Identity,
    /// The newest decision.
    pub decision: Decision,
    /// Where its letter stands. Without one: taken over, where its owner took it back or had it
    /// forgotten; else `None`.
    pub state: Option<State>,
    /// When its first mail was looked at.
    pub first_seen: Timestamp,
    /// When its letter moved last, or else when it was first seen.
    pub changed_at: Timestamp,
}

/// A mail that was left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// The reason's stable word.
    pub reason_code: String,
    /// When.
    pub at: Timestamp,
}

impl Ledger {
    /// Every invitation that shares at least one part with `identity`, oldest
    /// first. Whether it *is* the same is for [`Identity::same`] to say.
    ///
    /// # Errors
    /// See [`Ledger::start_account`].
    pub fn similar(&self, identity: &Identity) -> Result<Vec<Known>, Fault> {
        self.read("looking for earlier mail of an invitation", |connection| similar(connection, identity))
    }

    /// The reasons for which mails of `account` that tell of `invitation` by the same
    /// Message-ID were left before, oldest first.
    ///
    /// # Errors
    /// See [`Ledger::start_account`].
    pub fn left_before(&self, account: &str, invitation: &Invitation) -> Result<Vec<Left>, Fault> {
        self.read("looking for what was decided of a mail", |connection| {
            let mut select = connection.prepare(
                "SELECT reason_code, made_at FROM plan
                 WHERE key = ?1 AND account = ?2 AND source_message_id_digest IS ?3 AND decision = 'leave'
                 ORDER BY id",
            )?;
            let message_id = invitation.message_id.as_ref().map(digest);
            let mut found = Vec::new();
            for known in same(connection, invitation)? {
                let rows = select.query_map(params![known.key.0, account, message_id], |row| {
                    Ok(Left { reason_code: row.get(0)?, at: time(row, 1)? })
                })?;
                found.extend(rows.collect::<rusqlite::Result<Vec<_>>>()?);
            }
            Ok(found)
        })
    }
}

pub(super) fn similar(connection: &Connection, identity: &Identity) -> rusqlite::Result<Vec<Known>> {
    connection
        .prepare(
            "SELECT i.key, i.network, i.invitation_id_digest, i.shared_key_digest, i.profile_digest,
                    i.name_digest, i.first_seen,
                    coalesce(d.state, (SELECT 'taken-over' FROM undo WHERE undo.key = i.key),
                             (SELECT 'taken-over' FROM forgotten f WHERE f.key = i.key)),
                    coalesce(d.changed_at, i.first_seen),
                    (SELECT decision FROM plan WHERE plan.key = i.key ORDER BY id DESC LIMIT 1)
             FROM invitation i LEFT JOIN delivery d ON d.key = i.key
             WHERE (i.invitation_id_digest = ?1 OR i.shared_key_digest = ?2
                    OR i.profile_digest = ?3 OR i.name_digest = ?4)
               AND EXISTS (SELECT 1 FROM plan WHERE plan.key = i.key)
             ORDER BY i.first_seen, i.rowid",
        )?
        .query_map(
            params![identity.invitation_id, identity.shared_key, identity.profile, identity.name],
            |row| {
                Ok(Known {
                    key: InvitationKey(row.get(0)?),
                    network: row.get(1)?,
                    identity: Identity {
                        invitation_id: row.get(2)?,
                        shared_key: row.get(3)?,
                        profile: row.get(4)?,
                        name: row.get(5)?,
                    },
                    first_seen: time(row, 6)?,
                    state: match row.get::<_, Option<String>>(7)? {
                        Some(_) => Some(word(row, 7, State::parse)?),
                        None => None,
                    },
                    changed_at: time(row, 8)?,
                    decision: word(row, 9, Decision::parse)?,
                })
            },
        )?
        .collect()
}

/// What is known of `invitation` from its own mails, under whatever key.
fn same(connection: &Connection, invitation: &Invitation) -> rusqlite::Result<Vec<Known>> {
    let mut known = similar(connection, &invitation.identity)?;
    known.retain(|known| known.network == invitation.network && known.identity.same(&invitation.identity));
    Ok(known)
}

/// Whether the invitation has a letter, under its own key or another, or is to have none.
pub(super) fn has_letter(tx: &Transaction<'_>, invitation: &Invitation) -> rusqlite::Result<bool> {
    Ok(tx.prepare("SELECT 1 FROM delivery WHERE key = ?1")?.exists([&invitation.key.0])?
        || same(tx, invitation)?.iter().any(|known| known.state.is_some()))
}

/// Whether no words of the mail that `plan` is about are to be kept: its inviter was
/// forgotten, or it is left as it was before its words grew too old.
pub(super) fn is_hidden(tx: &Transaction<'_>, plan: &Plan) -> rusqlite::Result<bool> {
    let key = &plan.invitation.key;
    if plan.decision == Decision::Leave && erase::is_erased(tx, key)? {
        return Ok(true);
    }
    let mut forgotten = tx.prepare("SELECT 1 FROM forgotten WHERE key = ?1")?;
    for known in same(tx, &plan.invitation)? {
        if forgotten.exists([&known.key.0])? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether the newest plan for the same mail says the same. That its invitation has
/// been answered by now is nothing new of a mail: the answer may be to this very one.
pub(super) fn is_known(tx: &Transaction<'_>, account: &str, plan: &Plan) -> rusqlite::Result<bool> {
    let before: Option<(String, String)> = tx
        .query_row(
            "SELECT decision, reason_code FROM plan
             WHERE key = ?1 AND account = ?2 AND source_message_id_digest IS ?3 ORDER BY id DESC LIMIT 1",
            params![plan.invitation.key.0, account, plan.invitation.message_id.as_ref().map(digest)],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()?;
    let is_answered = plan.decision == Decision::Leave && plan.reason.code == "already-answered";
    Ok(before.is_some_and(|(decision, code)| {
        is_answered || (decision == plan.decision.as_str() && code == plan.reason.code)
    }))
}

pub(super) fn digest(id: &MessageId) -> String {
    hex(&Sha256::digest(id.as_str().as_bytes()))
}
