//! A secret while it is in memory.

use std::fmt;

use zeroize::Zeroizing;

/// A secret, wiped when dropped. `Debug` tells the kind only.
pub enum Secret {
    /// A password.
    Password(Zeroizing<String>),
    /// An OAuth2 access token.
    Token(Zeroizing<String>),
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Password(_) => f.write_str("Password(***)"),
            Self::Token(_) => f.write_str("Token(***)"),
        }
    }
}
