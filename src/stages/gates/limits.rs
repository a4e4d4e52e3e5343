//! Whether it was answered already, is too old, or is one too many for now.

use std::time::Duration;

use crate::domain::{Mail, Policy};

use super::{Facts, Finding, hold, leave};

/// How long mail may be on its way: senders give up after four to five days
/// (RFC 5321 §4.5.4.1), and their clocks may be wrong.
const LONGEST_WAY: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// The ledger knows no answer to this invitation.
pub(super) fn unanswered(facts: &Facts) -> Finding {
    match &facts.known {
        None => Finding::Pass("not answered before".to_owned()),
        Some(known) => {
            let day = jiff::Timestamp::from_second(known.when.unix_s())
                .map(|when| when.strftime("%Y-%m-%d").to_string())
                .unwrap_or_else(|_| "an unknown day".to_owned());
            leave("already-answered", format!("This invitation was dealt with on {day}: {}.", known.what))
        }
    }
}

/// It arrived when this account was already being watched, and was not
/// written long before: an old mail that arrives today was moved here, or
/// replayed by somebody whom the rules of its time would believe more.
pub(super) fn recent(mail: &Mail, facts: &Facts) -> Finding {
    let Some(start) = facts.start else {
        return Finding::Pass("no start is set; mail of any age counts".to_owned());
    };
    match facts.arrived.or(mail.date) {
        Some(arrived) if arrived >= start && mail.date.is_some_and(|date| date.plus(LONGEST_WAY) < start) => {
            leave(
                "before-start",
                "This mail was written long before notyet began to watch, and only arrived after; \
                 `since` would take older mail.",
            )
        }
        Some(arrived) if arrived >= start => Finding::Pass("arrived after this account's start".to_owned()),
        Some(_) => leave(
            "before-start",
            "This mail arrived before notyet began to watch; `since` would take older mail.",
        ),
        None => leave("arrival-unknown", "Nothing tells when this mail arrived."),
    }
}

/// There is room for one more letter.
pub(super) fn room(facts: &Facts, policy: &Policy) -> Finding {
    let (hour, day) = (facts.letters_last_hour, facts.letters_last_day);
    if hour >= policy.max_per_hour {
        return hold(
            "hourly-limit",
            format!("{hour} letters in the last hour, {} are allowed.", policy.max_per_hour),
        );
    }
    if day >= policy.max_per_day {
        return hold(
            "daily-limit",
            format!("{day} letters in the last day, {} are allowed.", policy.max_per_day),
        );
    }
    Finding::Pass(format!(
        "{hour} of {} letters this hour, {day} of {} this day",
        policy.max_per_hour, policy.max_per_day
    ))
}
