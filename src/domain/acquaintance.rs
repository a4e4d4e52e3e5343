//! People the owner knows, and the forms under which they are found again.
//!
//! An [`Acquaintance`] and an inviter are both turned into [`PersonKey`]s
//! (`stages::people`); they may be one person when they share a key. Keys are
//! compared for equality only, so a store can keep their digests instead.

use std::fmt;

use super::Address;

/// How the owner is known to know somebody; the strongest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// The owner listed them in the configuration.
    Keep,
    /// They stand in an address book (vCard, RFC 6350).
    AddressBook,
    /// The owner wrote to them: To, Cc or Bcc of a mail in the Sent folder.
    Sent,
}

impl Source {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Keep, Self::AddressBook, Self::Sent];

    /// The word used in the ledger and in `--json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::AddressBook => "address-book",
            Self::Sent => "sent",
        }
    }

    /// The inverse of [`Source::as_str`].
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|source| source.as_str() == word)
    }
}

/// Somebody the owner knows.
#[derive(Clone, PartialEq, Eq)]
pub struct Acquaintance {
    /// As the source writes it; may be empty.
    pub name: String,
    /// Where the source knows one.
    pub address: Option<Address>,
    /// A whole domain the owner listed (`@example.org`); then name and address are empty.
    pub domain: Option<String>,
    /// Who says so.
    pub source: Source,
}

impl fmt::Debug for Acquaintance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Acquaintance({})", self.source.as_str())
    }
}

/// How much it says that two people share a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Strength {
    /// A name that may be theirs: a nickname, an initial, one surname of two.
    NearName,
    /// The same full name.
    Name,
    /// The same mail address, or a domain the owner listed.
    Address,
}

impl Strength {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::NearName, Self::Name, Self::Address];

    /// The word used in the ledger and in `--json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NearName => "near-name",
            Self::Name => "name",
            Self::Address => "address",
        }
    }

    /// The inverse of [`Strength::as_str`].
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|strength| strength.as_str() == word)
    }
}

/// A form under which a person is found: canonical text, compared for
/// equality. It holds a name or an address: never for a log.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PersonKey {
    /// What it says when two people share it.
    pub strength: Strength,
    /// The canonical text, which names its form: `address:jane@example.org`.
    pub text: String,
}

impl fmt::Debug for PersonKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PersonKey({})", self.strength.as_str())
    }
}

/// An inviter was found among the people the owner knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encounter {
    /// The key they share.
    pub key: PersonKey,
    /// Whom the owner knows so.
    pub source: Source,
}
