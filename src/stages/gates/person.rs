//! Whether a letter would reach a person: rules about the address it goes to.

use crate::domain::{Address, Invitation, Mail, Reason, Route};

use super::authentic::within_any;
use super::mailboxes::{Reader, is_list, is_robot, reader};
use super::{Finding, Trust, leave, vouched};

/// The route leads to one person, or nowhere.
pub(super) fn target(mail: &Mail, invitation: &Invitation, owner: &[Address], trust: &Trust<'_>) -> Finding {
    let Some(to) = invitation.route.to() else {
        return Finding::Pass("no address reaches the inviter; nothing can be sent".to_owned());
    };
    if mail.reply_to.len() > 1 {
        return leave("several-targets", "The mail asks for answers to several addresses.");
    }
    if is_of_owner(to, owner) {
        return leave("target-is-owner", "The answer would go to the owner's own address.");
    }
    if mail.recipients.iter().filter_map(|r| r.address.as_ref()).any(|r| r.same_mailbox(to)) {
        return leave(
            "target-is-recipient",
            "The answer would go to an address this mail was sent to: a list, or the owner.",
        );
    }
    if is_robot(to.local()) {
        return leave("target-is-robot", "The answer would go to an address that no person reads.");
    }
    if is_list(to) {
        return leave("target-is-list", "The answer would go to a mailing list.");
    }
    match reader(to) {
        Reader::Crowd => return leave("target-is-crowd", "The answer would go to many people."),
        Reader::Nobody => {
            return leave(
                "target-is-nowhere",
                "The answer would go to a domain that no public mail reaches.",
            );
        }
        Reader::Office | Reader::Person => {}
    }
    let relayed = within_any(to.domain(), trust.relay_domains);
    match invitation.route {
        Route::FromNote(_) => Finding::Review(Reason {
            code: "address-from-note",
            text:
                "the address stands in the note only, which no signature of the network's makes the inviter's"
                    .to_owned(),
        }),
        Route::Relay(_) if !relayed => leave(
            "target-is-no-relay",
            "The address that should forward the answer is not of the network's relay domain.",
        ),
        Route::Address(_) if !relayed && trust.is_network(to.domain()) => {
            leave("target-is-network", "The answer would go to the network and not to the inviter.")
        }
        Route::Address(_) if !is_shown(to, mail) => {
            leave("target-not-shown", "The address to answer to stands neither in Reply-To nor in From.")
        }
        _ if reader(to) == Reader::Office => Finding::Review(Reason {
            code: "target-is-role",
            text: "The address is an office's by its name: see who reads there before you send.".to_owned(),
        }),
        _ if is_from(to, mail) || vouched::for_field("Reply-To", mail, trust) => {
            Finding::Pass("one address, which may be a person's".to_owned())
        }
        _ => Finding::Review(Reason {
            code: "reply-to-unsigned",
            text: "The address stands in a Reply-To that no signature covers, and the mail did not come \
                   straight from the network: somebody may have changed it on the way."
                .to_owned(),
        }),
    }
}

/// `address` is one of the owner's, in whatever spelling.
pub fn is_of_owner(address: &Address, owner: &[Address]) -> bool {
    owner.iter().any(|own| own.same_mailbox(address))
}

fn is_from(to: &Address, mail: &Mail) -> bool {
    mail.from.address.as_ref().is_some_and(|from| from.same_spelling(to))
}

fn is_shown(to: &Address, mail: &Mail) -> bool {
    std::iter::once(&mail.from)
        .chain(&mail.reply_to)
        .filter_map(|mailbox| mailbox.address.as_ref())
        .any(|shown| shown.same_spelling(to))
}
