//! Whether a letter may be sent now, or is for a person to send.

use super::Finding;
use crate::domain::Reason;
use crate::domain::sending::{Recipient, SendFacts};

/// Sending does not stand still.
pub(super) fn goes_on(facts: &SendFacts) -> Finding {
    match &facts.stopped {
        None => Finding::Pass("sending goes on".to_owned()),
        Some(trip) => Finding::Review(Reason {
            code: "breaker-open",
            text: format!("all sending stands still ({}); `notyet resume` lets it go on", trip.words),
        }),
    }
}

/// Nobody is sent a second letter, whatever they ask the second time.
pub(super) fn first_letter(facts: &SendFacts) -> Finding {
    match facts.recipient {
        Recipient::New => Finding::Pass("no letter to that address before".to_owned()),
        Recipient::WrittenTo => Finding::Review(Reason {
            code: "recipient-had-letter",
            text: "a letter to the same address answers another invitation: a second one is yours to send"
                .to_owned(),
        }),
    }
}
