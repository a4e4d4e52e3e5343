//! A secret on its way from its source to a login.

use std::fmt;

use zeroize::Zeroizing;

/// What proves who we are. Wiped when dropped, masked in `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub enum Secret {
    /// A password, for PLAIN and LOGIN.
    Password(Zeroizing<String>),
    /// An OAuth 2 access token, for OAUTHBEARER (RFC 7628) and XOAUTH2.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_secret() {
        let secret = Secret::Password(Zeroizing::new("open sesame".to_owned()));
        assert_eq!(format!("{secret:?}"), "Password(***)");
    }
}
