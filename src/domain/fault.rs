//! How an effect can fail, as the caller must treat it (three answers, no more).

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
    /// Only a person can mend it: stop that port, say so once a day, show it in `status`.
    NeedsHuman(String),
}

impl Fault {
    /// The message without its class.
    pub fn message(&self) -> &str {
        match self {
            Self::Transient(m) | Self::Permanent(m) | Self::NeedsHuman(m) => m,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

impl std::error::Error for Fault {}
