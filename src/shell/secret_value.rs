//! A secret on its way from its source to a server.

use std::fmt;

use zeroize::Zeroizing;

/// What a login proves itself with; wiped from memory when dropped.
pub enum Secret {
    /// A password.
    Password(Zeroizing<String>),
    /// An OAuth2 access token (XOAUTH2, RFC 7628 OAUTHBEARER).
    Token(Zeroizing<String>),
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Password(_) => "Password(***)",
            Self::Token(_) => "Token(***)",
        })
    }
}
