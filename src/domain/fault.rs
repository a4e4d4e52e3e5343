//! How an effect can fail, as the caller must treat it (four answers, no more).

use std::fmt;

/// A failed effect. The message says what was tried, on which server or file,
/// what came back and what to do next. It never holds an address, subject,
/// body or token: it goes into logs as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Comes and goes: back off, keep the item, try again.
    Transient(String),
    /// Will not get better for this item: end it, record the words, go on.
    Permanent(String),
    /// Only a person can mend it: say so once a day, show it in `status`, and look
    /// again now and then whether they have.
    NeedsHuman(String),
    /// The same of a login, and more: the server refused what we logged in with.
    /// Accounts get locked, so it is not tried again for a day.
    LoginRefused(String),
}

impl Fault {
    /// The message without its class.
    pub fn message(&self) -> &str {
        match self {
            Self::Transient(m) | Self::Permanent(m) | Self::NeedsHuman(m) | Self::LoginRefused(m) => m,
        }
    }

    /// Whether only a person can mend it.
    pub fn is_for_a_person(&self) -> bool {
        matches!(self, Self::NeedsHuman(_) | Self::LoginRefused(_))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

impl std::error::Error for Fault {}
