//! What one look into a mailbox adds: cursor, plans, invitations, letters and
//! quarantined mail, all in one transaction.

use std::time::Duration;

use rusqlite::{Transaction, params};

use super::known::{digest, has_letter, is_hidden, is_known};
use super::words::mode_word;
use super::{Ledger, UidScope, hold, stumbles, touch};
use crate::domain::after::Wish;
use crate::domain::delivery::{Mode, State};
use crate::domain::{
    Address, Evidence, Fault, Invitation, InvitationKey, MessageId, PersonKey, Plan, Timestamp,
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
    /// What its inviter is known by, if the owner knows them.
    pub inviter: Vec<PersonKey>,
    /// For so long the draft is held in Drafts, before it is sent; `None`: it is not.
    pub hold: Option<Duration>,
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
    /// (from before, or from an entry earlier in the batch), or its inviter was
    /// forgotten. Their plans are history.
    pub repeated: Vec<InvitationKey>,
}

impl Ledger {
    /// Commits a batch: all of it or nothing. The account must have been started.
    ///
    /// A cursor never moves back within one UIDVALIDITY; one of UIDVALIDITY 0
    /// is not kept. A letter for an invitation that has one (the same key, or
    /// [`Identity::same`](crate::domain::Identity::same) in the same network), or one to
    /// somebody who was forgotten, is not taken; its plan is, of the latter without its words. A mail
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
                && !is_hidden(tx, only.plan)?
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

fn insert_plan(tx: &Transaction<'_>, batch: &Batch<'_>, entry: &Entry<'_>) -> rusqlite::Result<i64> {
    let plan = entry.plan;
    // A mailbox that is read anew must not bring back what was forgotten.
    let hidden = is_hidden(tx, plan)?;
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
            if hidden { "" } else { &plan.reason.text },
            plan.judgement.kind.as_str(),
            plan.judgement.confidence,
            plan.judgement.language,
            plan.invitation.route.as_str(),
            if hidden { "" } else { &plan.invitation.inviter.name },
            plan.invitation.note.as_ref().filter(|_| !hidden),
            evidence_json(if hidden { &[] } else { &plan.evidence }),
            batch.now.unix_s(),
            hidden.then_some(batch.now.unix_s())
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
    super::inviter::keep(tx, key, &delivery.inviter)?;
    if let Some(lasts) = delivery.hold {
        hold::insert(tx, key, lasts)?;
    }
    tx.execute(
        "INSERT INTO delivery_event (key, event, from_state, to_state, note, at)
         VALUES (?1, 'created', NULL, ?2, '', ?3)",
        params![key.0, state, now],
    )
    .map(drop)
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
