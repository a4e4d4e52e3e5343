//! Round one plan: what the gates need to know before it, and the queue entry after it.

use std::time::Duration;

use super::shared::Shared;
use super::{brake, people};
use crate::config::Account;
use crate::domain::delivery::Mode;
use crate::domain::dkim::OwnCheck;
use crate::domain::{Decision, Fault, Invitation, Plan, Timestamp};
use crate::shell::mailbox::Access;
use crate::shell::store::{NewDelivery, Start};
use crate::stages::gates::{Facts, KnownInvitation};
use crate::stages::mime::{self, Frame, Purpose};
use crate::stages::people::keys_of_inviter;

pub(super) const HOUR: Duration = Duration::from_secs(60 * 60);
pub(super) const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// What the gates need to know about `invitation`.
pub(super) fn facts(
    shared: &Shared,
    account: &Account,
    invitation: &Invitation,
    arrived: Option<Timestamp>,
    start: Option<Timestamp>,
    remembered_since: Timestamp,
) -> Result<Facts, Fault> {
    let now = shared.now();
    // A preview tells what would have been done when the mail came.
    let (judged_at, remembered_since) = match shared.looking {
        Access::ReadOnly => (arrived.unwrap_or(now), None),
        Access::LastingUids | Access::ReadWrite => (now, Some(remembered_since)),
    };
    let encounters = people::encounters(invitation, shared)?;
    let sending = brake::facts(invitation, shared)?;
    let ledger = shared.ledger();
    let known = ledger
        .similar(&invitation.identity)?
        .into_iter()
        // Only a letter answers an invitation: a forgery that was left alone must not shield the real one.
        .find_map(|known| match known.state {
            Some(state) if known.identity.same(&invitation.identity) => {
                Some(KnownInvitation { when: known.first_seen, what: state.as_str().to_owned() })
            }
            _ => None,
        });
    Ok(Facts {
        now: judged_at,
        arrived,
        start,
        remembered_since,
        known,
        letters_last_hour: ledger.letters_between(&account.name, now.minus(HOUR), now)?,
        letters_last_day: ledger.letters_between(&account.name, now.minus(DAY), now)?,
        encounters,
        sending,
        own_check: OwnCheck::NotMade,
    })
}

/// Reasons that a mail itself gave. Another of the same Message-ID is judged for
/// itself: a forger may have known it, and been first.
const OF_THE_MAIL: [&str; 4] = ["not-authentic", "own-letter", "answer-to-ours", "own-mail"];

/// What is known of `invitation` where its mail was left before and is read anew:
/// a mailbox that was renumbered brings nobody a letter.
pub(super) fn left_before(
    shared: &Shared,
    account: &Account,
    invitation: &Invitation,
) -> Result<Option<KnownInvitation>, Fault> {
    let left = shared.ledger().left_before(&account.name, invitation)?;
    let counts = left.into_iter().find(|left| !OF_THE_MAIL.contains(&left.reason_code.as_str()));
    Ok(counts.map(|left| KnownInvitation { when: left.at, what: "left".to_owned() }))
}

/// The queue entry of `plan`: rendered once, stored, delivered as stored.
pub(super) fn new_delivery(
    plan: &Plan,
    account: &Account,
    shared: &Shared,
) -> Result<Option<NewDelivery>, Fault> {
    let Some(letter) = &plan.letter else { return Ok(None) };
    let invitation = &plan.invitation;
    let (mode, start) = match (plan.decision, plan.once_released) {
        (Decision::Draft, _) => (Mode::Draft, Start::Queued),
        (Decision::Send, _) => (Mode::Send, Start::Queued),
        (Decision::Hold, Some(Decision::Draft)) => (Mode::Draft, Start::Held),
        (Decision::Hold, Some(Decision::Send)) => (Mode::Send, Start::Held),
        (Decision::Hold | Decision::Leave, _) => return Ok(None),
    };
    let hold = shared.policy.hold.filter(|_| mode == Mode::Send);
    let mode = if hold.is_some() { Mode::Draft } else { mode };
    let purpose = match mode {
        Mode::Draft => Purpose::Draft,
        Mode::Send => Purpose::Send,
    };
    let message = mime::render(&Frame {
        key: &invitation.key,
        identity: (&invitation.network, &invitation.identity),
        from: (&shared.owner.name, &account.from),
        to: invitation.route.to().map(|to| (invitation.inviter.name.as_str(), to)),
        letter,
        in_reply_to: invitation.message_id.as_ref(),
        references: &invitation.references,
        date: shared.now(),
        purpose,
    })
    .map_err(|error| Fault::Permanent(format!("a letter could not be rendered: {error}")))?;
    Ok(Some(NewDelivery {
        mode,
        start,
        message_id: mime::message_id(&invitation.key, &account.from),
        to: invitation.route.to().cloned(),
        inviter: keys_of_inviter(invitation, &shared.rules),
        hold,
        message,
    }))
}
