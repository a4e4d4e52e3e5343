//! SASL (RFC 4422) for IMAP and SMTP: which mechanism, and what it says.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::Secret;

/// A SASL mechanism.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mechanism {
    /// RFC 4616.
    Plain,
    /// The older password mechanism, for servers that have no PLAIN.
    Login,
    /// RFC 7628.
    OauthBearer,
    /// Google's forerunner of it, the only one at Microsoft.
    Xoauth2,
}

impl Mechanism {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::Login => "LOGIN",
            Self::OauthBearer => "OAUTHBEARER",
            Self::Xoauth2 => "XOAUTH2",
        }
    }

    /// The best of those offered that can use this secret.
    pub(super) fn choose(is_offered: impl Fn(Self) -> bool, secret: &Secret) -> Option<Self> {
        let usable: &[Self] = match secret {
            Secret::Password(_) => &[Self::Plain, Self::Login],
            Secret::Token(_) => &[Self::OauthBearer, Self::Xoauth2],
        };
        usable.iter().copied().find(|mechanism| is_offered(*mechanism))
    }

    /// Whether the first response may stand in the command itself.
    pub(super) fn speaks_first(self) -> bool {
        self != Self::Login
    }

    /// Our responses in order, base64, without line end. Wiped when dropped.
    pub(super) fn responses(
        self,
        host: &str,
        port: u16,
        user: &str,
        secret: &Secret,
    ) -> Vec<Zeroizing<String>> {
        let secret = match secret {
            Secret::Password(text) | Secret::Token(text) => text.as_str(),
        };
        match self {
            Self::Plain => vec![base64(&["\0", user, "\0", secret])],
            Self::Login => vec![base64(&[user]), base64(&[secret])],
            Self::OauthBearer => {
                let port = port.to_string();
                let name = user.replace('=', "=3D").replace(',', "=2C");
                vec![base64(&[
                    "n,a=",
                    &name,
                    ",\x01host=",
                    host,
                    "\x01port=",
                    &port,
                    "\x01auth=Bearer ",
                    secret,
                    "\x01\x01",
                ])]
            }
            Self::Xoauth2 => {
                vec![base64(&["user=", user, "\x01auth=Bearer ", secret, "\x01\x01"])]
            }
        }
    }

    /// What to answer when the server, instead of a verdict, explains a failure
    /// in a challenge (RFC 7628 §3.2.3; XOAUTH2 does the same).
    pub(super) fn resignation(self) -> &'static str {
        match self {
            Self::OauthBearer => "AQ==",
            Self::Xoauth2 => "",
            Self::Plain | Self::Login => "*",
        }
    }
}

fn base64(parts: &[&str]) -> Zeroizing<String> {
    // Sized beforehand: a buffer that grows leaves unwiped copies behind.
    let mut plain = Zeroizing::new(Vec::with_capacity(parts.iter().map(|p| p.len()).sum()));
    for part in parts {
        plain.extend_from_slice(part.as_bytes());
    }
    let mut encoded = Zeroizing::new(String::with_capacity(plain.len().div_ceil(3) * 4));
    STANDARD.encode_string(plain.as_slice(), &mut encoded);
    encoded
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn decoded(mechanism: Mechanism, user: &str, secret: &Secret) -> Vec<String> {
        mechanism
            .responses("mx.example.org", 587, user, secret)
            .iter()
            .map(|line| String::from_utf8(STANDARD.decode(line.as_str()).unwrap()).unwrap())
            .collect()
    }

    #[test]
    fn each_mechanism_says_what_its_document_asks_for() {
        let password = Secret::Password(Zeroizing::new("s3cret".to_owned()));
        let token = Secret::Token(Zeroizing::new("tok".to_owned()));
        assert_eq!(decoded(Mechanism::Plain, "u", &password), ["\0u\0s3cret"]);
        assert_eq!(decoded(Mechanism::Login, "u", &password), ["u", "s3cret"]);
        assert_eq!(
            decoded(Mechanism::OauthBearer, "a,b=c", &token),
            ["n,a=a=2Cb=3Dc,\x01host=mx.example.org\x01port=587\x01auth=Bearer tok\x01\x01"]
        );
        assert_eq!(decoded(Mechanism::Xoauth2, "u", &token), ["user=u\x01auth=Bearer tok\x01\x01"]);
    }

    #[test]
    fn a_token_is_never_used_as_a_password_nor_the_other_way_round() {
        let choose = |offered: &[&str], secret: &Secret| {
            Mechanism::choose(|mechanism| offered.contains(&mechanism.as_str()), secret)
        };
        let password = Secret::Password(Zeroizing::new("p".to_owned()));
        let token = Secret::Token(Zeroizing::new("t".to_owned()));
        let all = ["LOGIN", "XOAUTH2", "OAUTHBEARER", "PLAIN", "CRAM-MD5"];
        assert_eq!(choose(&all, &password), Some(Mechanism::Plain));
        assert_eq!(choose(&all, &token), Some(Mechanism::OauthBearer));
        assert_eq!(choose(&["XOAUTH2"], &password), None);
        assert_eq!(choose(&["PLAIN"], &token), None);
    }
}
