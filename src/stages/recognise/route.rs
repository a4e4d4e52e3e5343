//! How a decline can reach the inviter.

use std::borrow::Cow;

use crate::domain::{Address, Invitation, Inviter, Mail, Route};
use crate::rulebook::Network;
use crate::rulebook::text::fold;
use crate::stages::gates::{is_of_owner, reaches_no_person};

/// A part of a name tells something from so many letters on.
const MIN_NAME_CHARS: usize = 3;

/// The route, the page to answer by hand, and why in words.
pub(super) fn route(
    mail: &Mail,
    network: &Network,
    guest: bool,
    inviter: &Inviter,
    note: Option<&str>,
) -> (Route, String, String) {
    let page = inviter.profile_url.as_deref().unwrap_or(&network.invitations_page).to_owned();
    let paste = |why: &str| (Route::Paste(page.clone()), page.clone(), why.to_owned());
    if guest {
        return match &mail.from.address {
            Some(from) if mail.reply_to.is_empty() => {
                (Route::Address(from.clone()), page, "From is the inviter's own address".to_owned())
            }
            _ => reply_to(mail, network, &page).unwrap_or_else(paste),
        };
    }
    if mail.reply_to.is_empty() {
        return match note.and_then(|note| own_address(note, &inviter.name)) {
            Some(own) if is_a_persons(&own, mail, network) => {
                (Route::FromNote(own), page, "the note names an address like the inviter's name".to_owned())
            }
            _ => paste("no Reply-To: no address reaches the inviter"),
        };
    }
    reply_to(mail, network, &page).unwrap_or_else(paste)
}

/// The one address in `note`, if it bears the inviter's name: "write to my
/// colleague" names an address as well.
fn own_address(note: &str, name: &str) -> Option<Address> {
    let is_edge = |c: char| !c.is_alphanumeric();
    let mut found = note
        .split(|c: char| {
            c.is_whitespace() || matches!(c, '<' | '>' | '(' | ')' | '[' | ']' | ',' | ';' | '"')
        })
        .filter(|word| word.contains('@') && !word.contains("://"))
        .filter_map(|word| Address::parse(word.trim_matches(is_edge).trim_start_matches("mailto:")));
    let only = found.next()?;
    if found.any(|other| !other.same_mailbox(&only)) {
        return None;
    }
    bears(&only.canonical(), &fold(name)).then_some(only)
}

/// Whether a part of `name` stands before the @, or two in one label of the
/// domain. One part there tells nothing: who is called Mail or Web is no host of
/// mailboxes. The last label is nobody's.
fn bears(address: &str, name: &str) -> bool {
    let parts: Vec<&str> = name
        .split(|c: char| !c.is_alphanumeric())
        .filter(|part| part.chars().count() >= MIN_NAME_CHARS)
        .collect();
    let (local, domain) = address.rsplit_once('@').unwrap_or((address, ""));
    let (own, _) = domain.rsplit_once('.').unwrap_or_default();
    parts.iter().any(|part| local.contains(part))
        || own.split('.').any(|label| parts.iter().filter(|part| label.contains(**part)).count() > 1)
}

fn is_a_persons(address: &Address, mail: &Mail, network: &Network) -> bool {
    let to_reader =
        mail.recipients.iter().filter_map(|r| r.address.as_ref()).any(|r| r.same_mailbox(address));
    !to_reader
        && !network.owns(address.domain())
        && !network.relays(address.domain())
        && !reaches_no_person(address)
}

/// The invitation as its owner may answer it: an owner's own address, which a
/// note may name as well, leads nowhere.
pub(in crate::stages) fn for_owner<'a>(invitation: &'a Invitation, owner: &[Address]) -> Cow<'a, Invitation> {
    match &invitation.route {
        Route::FromNote(address) if is_of_owner(address, owner) => {
            let route = Route::Paste(invitation.answer_page.clone());
            Cow::Owned(Invitation { route, ..invitation.clone() })
        }
        _ => Cow::Borrowed(invitation),
    }
}

/// A Reply-To is not signed by the network (FORMATS section 4), so it counts
/// only where the network is known to have put a person's address there.
fn reply_to(mail: &Mail, network: &Network, page: &str) -> Result<(Route, String, String), &'static str> {
    let [only] = mail.reply_to.as_slice() else {
        return Err("more than one Reply-To address: none is believed");
    };
    let Some(address) = &only.address else {
        return Err("Reply-To is not a plain address: not believed");
    };
    if network.relays(address.domain()) {
        return Ok((
            Route::Relay(address.clone()),
            page.to_owned(),
            "Reply-To is the network's relay".to_owned(),
        ));
    }
    if network.owns(address.domain()) {
        return Err("Reply-To is the network's own address: it does not reach the inviter");
    }
    if reaches_no_person(address) {
        return Err("Reply-To is an address that no single person reads");
    }
    let late = match (network.person_reply_until, mail.date) {
        (Some(until), Some(date)) => date >= until,
        (Some(_), None) | (None, _) => true,
    };
    if late {
        return Err("Reply-To is a foreign address, which this network does not write today: not believed");
    }
    Ok((Route::Address(address.clone()), page.to_owned(), "Reply-To is the inviter's own address".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_bears_a_name_before_the_at_or_whole_in_its_domain() {
        for (address, name) in [
            ("mira@example.com", "mira okafor"),
            ("mokafor@example.com", "mira okafor"),
            ("post@miraokafor.example", "mira okafor"),
            ("post@www.mira-okafor.example", "mira okafor"),
        ] {
            assert!(bears(address, name), "{address}");
        }
        for (address, name) in [
            ("boss@gmail.com", "max mail"),
            ("boss@mail.com", "max mail"),
            ("boss@example.com", "ann com"),
            ("boss@web.example", "tom web"),
            ("boss@example.annlee", "ann lee"),
            ("boss@example.com", ""),
        ] {
            assert!(!bears(address, name), "{address} {name}");
        }
    }
}
