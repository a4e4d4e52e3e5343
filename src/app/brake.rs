//! The circuit breaker at work: asked before every plan and before every letter.

use std::path::Path;

use super::shared::Shared;
use crate::domain::sending::{Recipient, SendFacts, SendHour, Trip};
use crate::domain::{Fault, Invitation, Timestamp};
use crate::shell::store::{Delivery, Ledger};
use crate::stages::{brake, hours, mime};

/// Whether sending stands still, and why. Where it stops this moment, that is
/// written down and told once; while it stands still, what waits to be sent
/// becomes drafts, and what is held in Drafts stays there.
///
/// # Errors
/// A [`Fault`] of the ledger.
pub fn look(shared: &Shared) -> Result<Option<Trip>, Fault> {
    let now = shared.now();
    let mut ledger = shared.ledger();
    let vitals = ledger.vitals(now, shared.sending.brakes.burst_within)?;
    let standing = match brake::look(&vitals, now, &shared.sending.brakes) {
        Some(trip) => {
            ledger.stop_sending(&trip)?;
            tracing::error!(
                "all sending stands still: {}; letters become drafts until you say `notyet resume`",
                trip.words
            );
            Some(trip)
        }
        None => vitals.standing,
    };
    if standing.is_some() {
        let why = "sending stands still, so it becomes a draft";
        ledger.turn_into_drafts(None, mime::as_draft, why, now)?;
        ledger.end_holds(None, "sending stands still, so it stays a draft", now)?;
    } else {
        ledger.note_pass(now)?;
    }
    Ok(standing)
}

/// What is known about sending a letter for `invitation`.
pub(super) fn facts(invitation: &Invitation, shared: &Shared) -> Result<SendFacts, Fault> {
    let stopped = look(shared)?;
    let recipient = match invitation.route.to() {
        Some(to) => shared.ledger().recipient(to, &invitation.key)?,
        None => Recipient::New,
    };
    Ok(SendFacts { stopped, hour: hour(shared, shared.now()), recipient })
}

/// Whether `now` is an hour for sending.
pub(super) fn hour(shared: &Shared, now: Timestamp) -> SendHour {
    hours::at(now, &shared.sending, &shared.zone)
}

/// Whether another letter was made for the recipient of `letter`, which then
/// becomes a draft: two accounts may have met one inviter at the same time.
pub(super) fn is_second_letter(letter: &Delivery, shared: &Shared) -> Result<bool, Fault> {
    let is_second = had_a_letter(letter, shared)?;
    if is_second {
        let now = shared.now();
        shared.ledger().turn_into_drafts(Some(&letter.key), mime::as_draft, SECOND_LETTER, now)?;
    }
    Ok(is_second)
}

/// Why it is a draft.
pub(super) const SECOND_LETTER: &str =
    "a letter to the same address answers another invitation, so it becomes a draft";

/// Whether another letter was made for the recipient of `letter`.
pub(super) fn had_a_letter(letter: &Delivery, shared: &Shared) -> Result<bool, Fault> {
    let Some(to) = &letter.to else { return Ok(false) };
    Ok(shared.ledger().recipient(to, &letter.key)? != Recipient::New)
}

/// Lets sending go on, also beside a running daemon. Tells why it stood still;
/// `None` when it did not.
///
/// # Errors
/// See [`Ledger::open_beside`].
pub fn resume(state_dir: &Path, now: Timestamp) -> Result<Option<Trip>, Fault> {
    Ledger::open_beside(state_dir)?.resume_sending(now)
}
