//! Whether the mail was written to the owner, and lately.
//!
//! Whoever holds a genuine mail of the network can send it on to anybody, years
//! later, with its signature whole. What it cannot change is the signed To and
//! Date. Where they do not fit, the invitation may be somebody else's, or one
//! long done with: then a person looks before anything goes out.

use crate::domain::{Address, Invitation, Mail, Reason, Timestamp};

use super::authentic::Assume;
use super::person::is_of_owner;
use super::{Finding, Trust, vouched};

/// Queues give up after some days (RFC 5321 §4.5.4.1); no honest mail is longer on its way.
const LONGEST_WAY_S: i64 = 14 * 24 * 3600;

/// The signed To names the owner. A Cc does not count: anybody can add one.
pub(super) fn to_owner(
    mail: &Mail,
    invitation: &Invitation,
    owner: &[Address],
    trust: &Trust<'_>,
) -> Finding {
    if invitation.route.to().is_none() {
        return Finding::Pass("no address reaches the inviter; nothing can be sent".to_owned());
    }
    let mut named = mail.recipients.iter().filter_map(|r| r.address.as_ref());
    if mail.header("Cc").is_some() || !named.any(|address| is_of_owner(address, owner)) {
        return Finding::Review(reason(
            "not-to-owner",
            "None of your addresses stands in its To, so that it may be somebody else's invitation, sent \
             on. If the one there is yours, add it to owner.addresses.",
        ));
    }
    match ["To", "Date"].into_iter().find(|field| !vouched::for_field(field, mail, trust)) {
        Some(field) => Finding::Review(reason(
            "not-vouched-for",
            format!(
                "No signature covers its {field}, and the mail did not come straight from the network: \
                 somebody else's may have been sent on."
            ),
        )),
        None => Finding::Pass("written to an address of the owner's".to_owned()),
    }
}

/// What speaks against its having come soon after it was written. `arrived` is
/// what the mailbox says.
pub(super) fn delayed(mail: &Mail, arrived: Option<Timestamp>, trust: &Trust<'_>) -> Option<Reason> {
    match (arrived.max(taken(mail)), mail.date) {
        (Some(arrived), Some(date)) => {
            let way_s = arrived.unix_s().saturating_sub(date.unix_s());
            (way_s > LONGEST_WAY_S).then(|| {
                reason(
                    "sent-long-ago",
                    "It was written more than 14 days before it arrived: an old mail, sent on.",
                )
            })
        }
        (None, Some(_)) if trust.assume == Assume::Authentic => None,
        _ => Some(reason(
            "age-unknown",
            "Nothing tells how long it was on its way, so that it may be an old mail, sent on.",
        )),
    }
}

/// When the last server on its way took it (RFC 5321 §4.4): copies of a mailbox keep that.
fn taken(mail: &Mail) -> Option<Timestamp> {
    let (_, date) = mail.header("Received")?.rsplit_once(';')?;
    mailparse::dateparse(date).ok().map(Timestamp::from_unix_s)
}

fn reason(code: &'static str, text: impl Into<String>) -> Reason {
    Reason { code, text: text.into() }
}
