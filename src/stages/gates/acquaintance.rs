//! Whether the owner knows the inviter: a friend is never declined.

use super::{Finding, leave};
use crate::domain::{Encounter, Source, Strength};

/// The inviter is a stranger, as far as can be told.
pub(super) fn stranger(encounters: &[Encounter]) -> Finding {
    // Who shares parts of a name may share a short form as well, which says less.
    let shares_parts = |found: &Encounter| form(&found.key.text) == "pair";
    let strongest =
        encounters.iter().max_by_key(|e| (e.key.strength, std::cmp::Reverse(e.source), shares_parts(e)));
    let Some(found) = strongest else {
        return Finding::Pass("not among the people you know".to_owned());
    };
    let source = found.source;
    match found.key.strength {
        Strength::Address if form(&found.key.text) == "domain" => {
            leave("known-person", "You keep everybody of that mail domain.")
        }
        Strength::Address => leave("known-person", format!("That address {}.", whence(source))),
        Strength::Name => leave("known-person", format!("A person of that name {}.", whence(source))),
        Strength::NearName => leave(
            "perhaps-known",
            format!("A person of a similar name ({}) {}.", likeness(&found.key.text), whence(source)),
        ),
    }
}

fn whence(source: Source) -> &'static str {
    match source {
        Source::Keep => "is on your keep list",
        Source::AddressBook => "is in your address book",
        Source::Sent => "is among those you wrote to",
    }
}

/// In what way a key is near, by its form.
fn likeness(key: &str) -> &'static str {
    match form(key) {
        "pair" => "some parts of it are the same",
        "short" => "a short form of the given name",
        "full" | "initial" => "an initial in place of the given name",
        "last-full" | "last-initial" => "an initial in place of the family name",
        "joined" => "the same letters, parted otherwise or with more beside them",
        form if form.starts_with("from-") => "the same in another script",
        _ => "a name that many bear, or one spelled by a mail address",
    }
}

fn form(key: &str) -> &str {
    key.split(':').next().unwrap_or_default()
}
