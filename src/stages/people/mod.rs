//! Is this inviter somebody the owner knows?
//!
//! Most invitations show a name and no address, so the name decides. A person
//! becomes a few canonical texts ([`PersonKey`]); whoever shares one with an
//! acquaintance may be them. Texts are compared for equality only, so that a
//! store can keep digests; and since a nickname must find a full name and not
//! every nickname, what is stored ([`keys_of`]) and what is asked for
//! ([`keys`]) are two sets.
//!
//! A false match costs a draft that its owner would have liked; a missed one
//! costs a friend. So near matches count, and are left to the owner.

mod heard;
mod name;
pub mod sent;
mod shown;
pub mod vcard;

use crate::domain::{Acquaintance, Address, Encounter, Invitation, PersonKey, Source, Strength};
use crate::rulebook::Rulebook;

use name::{Name, Side};

/// The reader of names, raised with each change of the forms that [`keys_of`]
/// makes: a store keeps digests, so whom it learned before is met by new forms
/// only once their source was read anew.
pub const READER: u32 = 2;

/// The forms under which the inviter is looked for: by name, and by each address
/// that may be theirs. A Reply-To can differ from the From, and a friend may be
/// known by either.
pub fn keys_of_inviter(invitation: &Invitation, rules: &Rulebook) -> Vec<PersonKey> {
    let addresses = invitation.route.to().into_iter().chain(&invitation.inviter.address);
    keys(&invitation.inviter.name, addresses, rules)
}

/// The forms under which a person is looked for.
pub fn keys<'a>(
    name: &str,
    addresses: impl IntoIterator<Item = &'a Address>,
    rules: &Rulebook,
) -> Vec<PersonKey> {
    let mut found = Vec::new();
    for address in addresses {
        found.push(address_key(address));
        let above =
            address.domain().match_indices('.').filter_map(|(dot, _)| address.domain().get(dot + 1..));
        found.extend(std::iter::once(address.domain()).chain(above).map(domain_key));
    }
    if let Some(name) = Name::read(name, rules) {
        found.extend(name.keys(Side::Asked, rules));
    }
    tidy(found)
}

/// The forms under which an acquaintance is kept.
pub fn keys_of(acquaintance: &Acquaintance, rules: &Rulebook) -> Vec<PersonKey> {
    let mut found = Vec::new();
    if let Some(domain) = &acquaintance.domain {
        found.push(domain_key(domain));
    }
    let name = Name::read(&acquaintance.name, rules);
    if let Some(address) = &acquaintance.address {
        found.push(address_key(address));
        if !name.as_ref().is_some_and(Name::is_full) {
            found.extend(Name::of_local_part(address.local(), rules).keys(Side::Kept, rules));
        }
    }
    if let Some(name) = name {
        found.extend(name.keys(Side::Kept, rules));
    }
    tidy(found)
}

/// Where `asked` and `kept` (of one acquaintance) meet; the weaker strength counts.
pub fn meet(asked: &[PersonKey], kept: &[PersonKey], source: Source) -> Vec<Encounter> {
    let shared = |key: &PersonKey| {
        let other = kept.iter().find(|other| other.text == key.text)?;
        let key = PersonKey { strength: key.strength.min(other.strength), text: key.text.clone() };
        Some(Encounter { key, source })
    };
    let mut found: Vec<Encounter> = asked.iter().filter_map(shared).collect();
    found.sort_by(|a, b| b.key.strength.cmp(&a.key.strength).then_with(|| a.key.cmp(&b.key)));
    found
}

/// Two names held against each other: what `notyet known explain` shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// What the inviter is looked for by.
    pub asked: Vec<PersonKey>,
    /// What the acquaintance is kept by.
    pub kept: Vec<PersonKey>,
    /// What both share, strongest first.
    pub shared: Vec<PersonKey>,
}

/// Compares an inviter's name with an acquaintance's.
pub fn compare(inviter: &str, acquaintance: &str, rules: &Rulebook) -> Comparison {
    let asked = keys(inviter, None, rules);
    let someone =
        Acquaintance { name: acquaintance.to_owned(), address: None, domain: None, source: Source::Keep };
    let kept = keys_of(&someone, rules);
    let shared = meet(&asked, &kept, Source::Keep).into_iter().map(|encounter| encounter.key).collect();
    Comparison { asked, kept, shared }
}

/// The form under which the holder of `address` is kept and looked for.
pub fn address_key(address: &Address) -> PersonKey {
    PersonKey { strength: Strength::Address, text: format!("address:{}", address.mailbox_form()) }
}

fn domain_key(domain: &str) -> PersonKey {
    PersonKey { strength: Strength::Address, text: format!("domain:{}", domain.to_lowercase()) }
}

/// Each text once, with the strongest claim it has.
fn tidy(mut keys: Vec<PersonKey>) -> Vec<PersonKey> {
    keys.sort_by(|a, b| a.text.cmp(&b.text).then(b.strength.cmp(&a.strength)));
    keys.dedup_by(|later, first| later.text == first.text);
    keys
}
