//! Mails that no one may answer by machine, whoever sent them.
//!
//! RFC 3834 §2 forbids automatic answers to automatic mail. A notification is
//! automatic mail itself; answering *it* is what this program is for, so the
//! bulk headers of a network's own mail are the one exception. Everything
//! else, guest mails sent in the inviter's own name above all, is held to
//! the rule, and no exception covers a copy that came through a mailing list.

use crate::domain::{Address, Mail};
use crate::stages::automatic::{By, list_manager, marks};
use crate::stages::mime::KEY_HEADER;
use crate::stages::trace;

use super::person::is_of_owner;
use super::{Finding, Trust, leave};

/// Neither a mail of the owner's nor one of ours.
pub(super) fn not_ours(mail: &Mail, owner: &[Address]) -> Finding {
    if mail.header(KEY_HEADER).is_some() {
        return leave("own-letter", "This mail is a letter of notyet.");
    }
    if mail.references.iter().any(|id| trace::key_of(id).is_some()) {
        return leave("answer-to-ours", "This mail answers a letter of notyet.");
    }
    match &mail.from.address {
        Some(from) if is_of_owner(from, owner) => {
            leave("own-mail", "This mail was sent by the owner of the mailbox.")
        }
        _ => Finding::Pass("neither the owner's nor a letter of ours".to_owned()),
    }
}

/// No list copy, and no automatic mail except the network's own.
pub(super) fn answerable(mail: &Mail, trust: &Trust<'_>) -> Finding {
    let from = mail.from.address.as_ref().map(Address::domain);
    let is_own = from.is_some_and(|domain| trust.is_own(domain));
    if let Some(field) = list_manager(mail, if is_own { trust.own_domains } else { &[] }) {
        return leave("list-mail", format!("This mail came through a mailing list ({field})."));
    }
    if is_own {
        return Finding::Pass("the network's own notification; its bulk headers are expected".into());
    }
    let Some((by, field)) = marks(mail).next() else {
        return Finding::Pass("no sign of a machine, a list or a bounce".to_owned());
    };
    let text = format!("This mail was sent by a machine or to many ({field}).");
    match by {
        By::Machine | By::Forwarder => leave("automated-mail", text),
        By::Bulk => leave("bulk-mail", text),
        By::List => leave("list-mail", text),
        By::Bounce => leave("bounce", text),
    }
}
