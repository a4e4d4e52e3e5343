//! Whether it was answered already, is too old, or is one too many for now.

use crate::domain::{Invitation, Mail, Policy, Reason};

use super::{Facts, Finding, Trust, addressed, hold, leave};

/// The ledger knows no answer to this invitation, nor that it was left for good.
pub(super) fn unanswered(facts: &Facts) -> Finding {
    match &facts.known {
        None => Finding::Pass("not answered before".to_owned()),
        Some(known) => {
            let day = jiff::Timestamp::from_second(known.when.unix_s())
                .map(|when| when.strftime("%Y-%m-%d").to_string())
                .unwrap_or_else(|_| "an unknown day".to_owned());
            leave(
                "already-answered",
                format!("This invitation was dealt with on {day} already ({}).", known.what),
            )
        }
    }
}

/// It arrived when this account was already being watched, soon after it was written, and lately.
pub(super) fn recent(
    mail: &Mail,
    invitation: &Invitation,
    facts: &Facts,
    policy: &Policy,
    trust: &Trust<'_>,
) -> Finding {
    let passed = match facts.start {
        None => "no start is set; mail of any age counts",
        Some(start) => match facts.arrived.or(mail.date) {
            Some(arrived) if arrived >= start => "arrived after this account's start",
            Some(_) => {
                return leave(
                    "before-start",
                    "This mail arrived before notyet began to watch; `since` would take older mail.",
                );
            }
            None => return leave("arrival-unknown", "Nothing tells when this mail arrived."),
        },
    };
    let reaches = invitation.route.to().is_some();
    let doubt = addressed::delayed(mail, facts.arrived, trust).or_else(|| late(facts, policy));
    match doubt.filter(|_| reaches) {
        Some(reason) => Finding::Review(reason),
        None => Finding::Pass(passed.to_owned()),
    }
}

/// What speaks against answering it by now. A mailbox that is read anew, and a
/// daemon that was off for weeks, show mail as new that is not.
fn late(facts: &Facts, policy: &Policy) -> Option<Reason> {
    let arrived = facts.arrived?;
    if facts.now.since(arrived) > policy.send_within {
        return Some(Reason {
            code: "arrived-long-ago",
            text: "It arrived longer ago than policy.send_within: a late answer is yours to send.".to_owned(),
        });
    }
    facts.remembered_since.is_some_and(|since| arrived < since).then(|| Reason {
        code: "arrived-before",
        text: "It arrived before this ledger began: what you did about it is not known.".to_owned(),
    })
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
