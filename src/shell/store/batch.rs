//! What one look into a mailbox adds: cursor, plans, invitations, letters and
//! quarantined mail, all in one transaction.

use rusqlite::{Connection, OptionalExtension, Transaction, params};
use sha2::{Digest, Sha256};

use super::words::{mode_word, time, word};
use super::{Ledger, UidScope, erase, stumbles, touch};
use crate::domain::after::Wish;
use crate::domain::delivery::{Mode, State};
use crate::domain::{
    Address, Decision, Evidence, Fault, Identity, Invitation, InvitationKey, MessageId, Plan, Timestamp,
};
use crate::shell::mailbox::Uid;

/// The result of one look into one mailbox.
#[derive(Debug)]
pub struct Batch<'a> {
    /// Whose mailbox.
    pub account: &'a str,
    /// Which mailbox.
    pub mailbox: &'a str,
    /// The UIDVALIDITY that its UIDs belong to; 0 when the server has none.
    pub uid_validity: u32,
    /// Every UID below this one is dealt with after this batch; `None` where a
    /// batch says nothing of that (a backlog is not read in UID order).
    pub next_uid: Option<Uid>,
    /// What was decided, in the order of the mails. One mail can stand in several entries (a digest).
    pub entries: Vec<Entry<'a>>,
    /// Mails that could not be read, and why: no address and no words of the mail.
    pub quarantined: Vec<(Uid, String)>,
    /// What is wanted of the mail, where it tells of one invitation.
    pub wish: Option<&'a Wish>,
    /// When.
    pub now: Timestamp,
}

impl Batch<'_> {
    /// The mailbox it is about.
    fn scope(&self) -> UidScope<'_> {
        UidScope { account: self.account, mailbox: self.mailbox, uid_validity: self.uid_validity }
    }
}

/// One decision about one invitation.
#[derive(Debug)]
pub struct Entry<'a> {
    /// The mail it comes from.
    pub uid: Uid,
    /// The decision.
    pub plan: &'a Plan,
    /// The letter to deliver, where the decision asks for one.
    pub delivery: Option<NewDelivery>,
}

/// A letter on its way into the ledger.
#[derive(Clone)]
pub struct NewDelivery {
    /// Draft or send.
    pub mode: Mode,
    /// Where it starts.
    pub start: Start,
    /// The message as it is to be delivered.
    pub message: Vec<u8>,
    /// Its Message-ID.
    pub message_id: MessageId,
    /// The envelope recipient; `None` only for drafts to be pasted.
    pub to: Option<Address>,
}

impl std::fmt::Debug for NewDelivery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let bytes = self.message.len();
        write!(f, "NewDelivery({:?}, {:?}, {bytes} bytes)", self.mode, self.start)
    }
}

/// Where a letter starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// To be delivered now.
    Queued,
    /// Held back by a limit.
    Held,
}

impl Start {
    fn state(self) -> State {
        match self {
            Self::Queued => State::Queued,
            Self::Held => State::Held,
        }
    }
}

/// What a batch came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Committed {
    /// Letters that are new.
    pub created: Vec<InvitationKey>,
    /// Letters that were not taken, since their invitation has one already
    /// (from before, or from an entry earlier in the batch). Their plans are history.
    pub repeated: Vec<InvitationKey>,
}

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
    /// Where its letter stands; `None` when there is none, and its owner did not take it back.
    pub state: Option<State>,
    /// When its first mail was looked at.
    pub first_seen: Timestamp,
    /// When its letter moved last, or else when it was first seen.
    pub changed_at: Timestamp,
}

impl Ledger {
    /// Commits a batch: all of it or nothing. The account must have been started.
    ///
    /// A cursor never moves back within one UIDVALIDITY; one of UIDVALIDITY 0
    /// is not kept. A letter for an invitation that has one (the same key, or
    /// [`Identity::same`] in the same network) is not taken; its plan is. A mail
    /// that is read anew adds nothing where nothing else is decided of it: no plan,
    /// and no wish.
    ///
    /// # Errors
    /// [`Fault::Permanent`] when an entry breaks a rule of the ledger (a letter to send without
    /// recipient, an account that never started); otherwise as [`Ledger::start_account`].
    pub fn commit_batch(&mut self, batch: &Batch<'_>) -> Result<Committed, Fault> {
        self.write("writing down what was decided", |tx| {
            move_cursor(tx, batch)?;
            if let Some(next_uid) = batch.next_uid {
                stumbles::forget_below(tx, batch.scope(), next_uid)?;
            }
            let mut committed = Committed::default();
            let mut is_news = false;
            for entry in &batch.entries {
                let invitation = &entry.plan.invitation;
                insert_invitation(tx, invitation, batch.now)?;
                if entry.delivery.is_none() && is_known(tx, batch.account, entry.plan)? {
                    continue;
                }
                is_news = true;
                let plan_id = insert_plan(tx, batch, entry)?;
                let Some(delivery) = &entry.delivery else {
                    continue;
                };
                if has_letter(tx, invitation)? {
                    committed.repeated.push(invitation.key.clone());
                } else {
                    insert_delivery(tx, batch, &invitation.key, plan_id, delivery)?;
                    committed.created.push(invitation.key.clone());
                }
            }
            if is_news
                && let [only] = batch.entries.as_slice()
                && !erase::is_erased(tx, &only.plan.invitation.key)?
            {
                touch::insert(tx, batch, only.plan, only.uid)?;
            }
            for (uid, why) in &batch.quarantined {
                tx.execute(
                    "INSERT INTO quarantine (account, mailbox, uid_validity, uid, why, since)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                     ON CONFLICT (account, mailbox, uid_validity, uid)
                         DO UPDATE SET why = excluded.why, tried_at = NULL WHERE why <> excluded.why",
                    params![batch.account, batch.mailbox, batch.uid_validity, uid, why, batch.now.unix_s()],
                )?;
            }
            Ok(committed)
        })
    }

    /// Every invitation that shares at least one part with `identity`, oldest
    /// first. Whether it *is* the same is for [`Identity::same`] to say.
    ///
    /// # Errors
    /// See [`Ledger::start_account`].
    pub fn similar(&self, identity: &Identity) -> Result<Vec<Known>, Fault> {
        self.read("looking for earlier mail of an invitation", |connection| similar(connection, identity))
    }
}

pub(super) fn similar(connection: &Connection, identity: &Identity) -> rusqlite::Result<Vec<Known>> {
    connection
        .prepare(
            "SELECT i.key, i.network, i.invitation_id_digest, i.shared_key_digest, i.profile_digest,
                    i.name_digest, i.first_seen,
                    coalesce(d.state, (SELECT 'taken-over' FROM undo WHERE undo.key = i.key)), coalesce(d.changed_at, i.first_seen),
                    (SELECT decision FROM plan WHERE plan.key = i.key ORDER BY id DESC LIMIT 1)
             FROM invitation i LEFT JOIN delivery d ON d.key = i.key
             WHERE i.invitation_id_digest = ?1 OR i.shared_key_digest = ?2
                OR i.profile_digest = ?3 OR i.name_digest = ?4
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

/// Whether the invitation has a letter, under its own key or another.
fn has_letter(tx: &Transaction<'_>, invitation: &Invitation) -> rusqlite::Result<bool> {
    let own: Option<i64> = tx
        .query_row("SELECT 1 FROM delivery WHERE key = ?1", [&invitation.key.0], |row| row.get(0))
        .optional()?;
    Ok(own.is_some()
        || similar(tx, &invitation.identity)?.iter().any(|known| {
            known.state.is_some()
                && known.network == invitation.network
                && known.identity.same(&invitation.identity)
        }))
}

fn move_cursor(tx: &Transaction<'_>, batch: &Batch<'_>) -> rusqlite::Result<()> {
    let (Some(next_uid), 1..) = (batch.next_uid, batch.uid_validity) else {
        return Ok(());
    };
    tx.execute(
        "INSERT INTO cursor (account, mailbox, uid_validity, next_uid, moved_at)
         VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (account, mailbox) DO UPDATE SET
             next_uid = CASE uid_validity WHEN excluded.uid_validity
                        THEN max(next_uid, excluded.next_uid) ELSE excluded.next_uid END,
             uid_validity = excluded.uid_validity,
             moved_at = excluded.moved_at",
        params![batch.account, batch.mailbox, batch.uid_validity, next_uid, batch.now.unix_s()],
    )
    .map(drop)
}

/// A later mail may show parts that the first did not; a part once known stays.
fn insert_invitation(tx: &Transaction<'_>, invitation: &Invitation, now: Timestamp) -> rusqlite::Result<()> {
    let identity = &invitation.identity;
    tx.execute(
        "INSERT INTO invitation (key, network, invitation_id_digest, shared_key_digest,
                                 profile_digest, name_digest, first_seen)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (key) DO UPDATE SET
             invitation_id_digest = coalesce(invitation_id_digest, excluded.invitation_id_digest),
             shared_key_digest = coalesce(shared_key_digest, excluded.shared_key_digest),
             profile_digest = coalesce(profile_digest, excluded.profile_digest)",
        params![
            invitation.key.0,
            invitation.network,
            identity.invitation_id,
            identity.shared_key,
            identity.profile,
            identity.name,
            now.unix_s()
        ],
    )
    .map(drop)
}

/// Whether the newest plan for the same mail says the same. That its invitation has
/// been answered by now is nothing new of a mail: the answer may be to this very one.
fn is_known(tx: &Transaction<'_>, account: &str, plan: &Plan) -> rusqlite::Result<bool> {
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

fn insert_plan(tx: &Transaction<'_>, batch: &Batch<'_>, entry: &Entry<'_>) -> rusqlite::Result<i64> {
    let plan = entry.plan;
    // A mailbox that is read anew must not bring back what was forgotten.
    let forgotten = plan.decision == Decision::Leave && erase::is_erased(tx, &plan.invitation.key)?;
    tx.execute(
        "INSERT INTO plan (key, account, mailbox, uid_validity, uid, source_message_id_digest,
                           decision, reason_code, reason_text, note_kind, confidence, language,
                           route, inviter_name, note, evidence, made_at, erased_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)",
        params![
            plan.invitation.key.0,
            batch.account,
            batch.mailbox,
            batch.uid_validity,
            entry.uid,
            plan.invitation.message_id.as_ref().map(digest),
            plan.decision.as_str(),
            plan.reason.code,
            if forgotten { "" } else { &plan.reason.text },
            plan.judgement.kind.as_str(),
            plan.judgement.confidence,
            plan.judgement.language,
            plan.invitation.route.as_str(),
            if forgotten { "" } else { &plan.invitation.inviter.name },
            plan.invitation.note.as_ref().filter(|_| !forgotten),
            evidence_json(if forgotten { &[] } else { &plan.evidence }),
            batch.now.unix_s(),
            forgotten.then_some(batch.now.unix_s())
        ],
    )?;
    Ok(tx.last_insert_rowid())
}

fn insert_delivery(
    tx: &Transaction<'_>,
    batch: &Batch<'_>,
    key: &InvitationKey,
    plan_id: i64,
    delivery: &NewDelivery,
) -> rusqlite::Result<()> {
    let now = batch.now.unix_s();
    let state = delivery.start.state().as_str();
    tx.execute(
        "INSERT INTO delivery (key, plan_id, account, mode, state, message, message_id, recipient, attempts,
                               next_attempt_at, last_words, created_at, queued_at, changed_at)
         VALUES (?1, ?10, ?2, ?3, ?4, ?5, ?6, ?7, 0, ?8, '', ?8, ?9, ?8)",
        params![
            key.0,
            batch.account,
            mode_word(delivery.mode),
            state,
            delivery.message,
            delivery.message_id.as_str(),
            delivery.to.as_ref().map(Address::to_string),
            now,
            (delivery.start == Start::Queued).then_some(now),
            plan_id
        ],
    )?;
    if let Some(to) = &delivery.to {
        super::brake::claim(tx, to, key)?;
    }
    tx.execute(
        "INSERT INTO delivery_event (key, event, from_state, to_state, note, at)
         VALUES (?1, 'created', NULL, ?2, '', ?3)",
        params![key.0, state, now],
    )
    .map(drop)
}

fn digest(id: &MessageId) -> String {
    use std::fmt::Write as _;
    let mut hex = String::with_capacity(64);
    for byte in Sha256::digest(id.as_str().as_bytes()) {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

fn evidence_json(evidence: &[Evidence]) -> String {
    evidence
        .iter()
        .map(|piece| {
            serde_json::json!({
                "stage": piece.stage.as_str(),
                "rule": piece.rule,
                "text": piece.text,
            })
        })
        .collect::<serde_json::Value>()
        .to_string()
}
