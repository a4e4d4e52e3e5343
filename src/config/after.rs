//! `[[after]]`: what is wanted of notifications that are dealt with.

use super::field::{Field, Words};
use super::keys::AFTER;
use super::raw::Section;
use super::types::Account;
use crate::domain::NoteKind;
use crate::domain::after::{AfterRule, Destination, IfMissing, Occasion, Wish};

const OCCASIONS: &Words<Occasion> = &[
    ("draft", Occasion::Draft),
    ("send", Occasion::Send),
    ("leave", Occasion::Leave),
    ("repeat", Occasion::Repeat),
];
const KINDS: &Words<NoteKind> = &[("generic", NoteKind::Generic), ("personalized", NoteKind::Personalized)];

/// All rules. `None` means that a problem was noted.
pub(super) fn rules(root: &Section<'_>, accounts: Option<&[Account]>) -> Option<Vec<AfterRule>> {
    let Some(field) = root.field("after") else { return Some(Vec::new()) };
    let items = field.list("give tables, each under its own [[after]]")?;
    let rules: Vec<_> = items.iter().map(|item| rule(item, accounts.unwrap_or_default())).collect();
    rules.into_iter().collect()
}

fn rule(item: &Field<'_>, accounts: &[Account]) -> Option<AfterRule> {
    let section = item.section(AFTER)?;
    let remedy = "say which notifications: \"draft\", \"send\", \"leave\" or \"repeat\"";
    let occasion = section.required("decision", remedy, |field| field.word(OCCASIONS));
    let note = section.optional("note", |field| field.word(KINDS));
    let seen = section.or("seen", false, Field::flag);
    let flag = section.or("flag", false, Field::flag);
    let folder = section.optional("move", |field| folder(field, accounts));
    let create = section.or("create", false, Field::flag);
    if section.field("create").is_some() && section.field("move").is_none() {
        section.warn("create", "set, while nothing is moved", "name the folder: move = \"...\"");
    }
    let if_missing = if create? { IfMissing::Create } else { IfMissing::Say };
    let to = folder?.map(|folder| Destination { folder, if_missing });
    Some(AfterRule { occasion: occasion?, note: note?, wish: Wish { seen: seen?, flag: flag?, to } })
}

fn folder(field: &Field<'_>, accounts: &[Account]) -> Option<String> {
    let name = field.text()?;
    let watches = |account: &Account| {
        account.mailboxes.iter().any(|one| account.kind.place(one) == account.kind.place(&name))
    };
    if accounts.iter().any(watches) {
        field.refuse("a mailbox that is watched", "name a folder that is not: its mail would be read as new");
        return None;
    }
    Some(name)
}
