//! DKIM (RFC 6376) as values: where a key is, what the DNS says of it, and what
//! a check of our own found. Facts only; `stages::gates` judges them.

use std::fmt;

/// Where a signer publishes a key: `selector._domainkey.domain` (RFC 6376 §3.6.2.1), in lower case.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct KeyName(String);

impl KeyName {
    /// `None` for what is no name in the DNS (RFC 1035 §2.3.4): labels of
    /// letters, digits, `-` and `_`, of 63 bytes at most, 253 in all.
    pub fn new(selector: &str, domain: &str) -> Option<Self> {
        let is_label = |label: &str| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        };
        let name = format!("{selector}._domainkey.{domain}").to_ascii_lowercase();
        (name.len() <= 253 && domain.contains('.') && name.split('.').all(is_label)).then_some(Self(name))
    }

    /// The name without the last dot.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyName({})", self.0)
    }
}

/// What the DNS says of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyAnswer {
    /// The one TXT record, its strings joined.
    Record(Vec<u8>),
    /// More than one record; which of them counts is undefined (RFC 6376 §3.6.2.2).
    Several,
    /// There is no such name, or no TXT record at it.
    Absent,
    /// A server could not tell, for now; its words.
    Failed(String),
    /// No server answered, or none in a form that can be read.
    Silence(String),
}

/// A check of our own of one mail.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum OwnCheck {
    /// It was not asked for.
    #[default]
    NotMade,
    /// The mail is in a form that programs read in different ways, so that no
    /// signature can vouch for what we read.
    Impossible(Oddity),
    /// Every signature of the network, top first.
    Made(Vec<SignatureCheck>),
}

/// One signature of the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignatureCheck {
    /// Who signs (`d=`), in lower case.
    pub domain: String,
    /// Which of its keys (`s=`), in lower case.
    pub selector: String,
    /// The fields that it covers (`h=`), in lower case, as often as they stand there.
    pub signed: Vec<String>,
    /// What came of it.
    pub state: SignatureState,
}

impl SignatureCheck {
    /// Whether it covers `field`.
    pub fn covers(&self, field: &str) -> bool {
        self.signed.iter().any(|name| name.eq_ignore_ascii_case(field))
    }
}

/// What came of the check of one signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignatureState {
    /// The signed fields and the whole body are as they were when it was made.
    Holds,
    /// They are not.
    Altered(Altered),
    /// It shows nothing, whatever the mail is.
    Unusable(Flaw),
    /// The key could not be had for now; the words of the resolver.
    Unknown(String),
}

/// What is not as it was signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Altered {
    /// The body, of which all was there.
    Body,
    /// The body, of which fewer bytes came than the server had announced.
    ShortBody,
    /// A signed field, or the signature is somebody else's.
    Fields,
}

/// Why a signature shows nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// It cannot be read, or lacks what it must have.
    Malformed,
    /// Not `rsa-sha256` or `ed25519-sha256` (RFC 8301, RFC 8463).
    Algorithm,
    /// It covers a part of the body only (`l=`).
    PartOfBody,
    /// It had run out (`x=`) when the mail arrived.
    Expired,
    /// The network publishes no such key.
    KeyAbsent,
    /// The key was taken back.
    KeyRevoked,
    /// The key is for trials (`t=y`): as if there was no signature.
    KeyInTesting,
    /// A key below 1024 bits (RFC 8301 §3.2).
    KeyShort,
    /// A key record that cannot be read, or is not for this signature.
    KeyUnfit,
}

impl Flaw {
    /// What is wrong with the signature, for a sentence that begins with it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "cannot be read",
            Self::Algorithm => "is made in a way that is not safe",
            Self::PartOfBody => "covers a part of the text only (l=)",
            Self::Expired => "had run out when the mail arrived (x=)",
            Self::KeyAbsent => "has no key in the DNS",
            Self::KeyRevoked => "has a key that was taken back",
            Self::KeyInTesting => "has a key for trials only (t=y)",
            Self::KeyShort => "has a key that is too short",
            Self::KeyUnfit => "has no key in the DNS that fits",
        }
    }
}

/// What is odd about a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Oddity {
    /// A line of the header that is no field (RFC 5322 §2.2) nor a part of one.
    Field,
    /// A control character in the header that is no line end.
    Control,
    /// More signatures of the network than any mail of it has.
    ManySignatures,
}

impl Oddity {
    /// What the mail has, for a sentence that ends with it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Field => "a line in its header that is no field",
            Self::Control => "control characters in its header",
            Self::ManySignatures => "more signatures of the network than any mail of it",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_a_name_that_can_be_asked_for() {
        let name = |selector: &str, domain: &str| KeyName::new(selector, domain).map(|name| name.0);
        assert_eq!(name("S1", "Example.org").as_deref(), Some("s1._domainkey.example.org"));
        assert_eq!(name("a.b_c-d", "x.example").as_deref(), Some("a.b_c-d._domainkey.x.example"));
        let long = "l".repeat(64);
        for (selector, domain) in [
            ("", "example.org"),
            ("s", ""),
            ("s", "org"),
            ("s..t", "example.org"),
            ("s", "example.org."),
            ("s t", "example.org"),
            ("s\n", "example.org"),
            ("s", "ex\u{e4}mple.org"),
            (&long, "example.org"),
            ("s", &"a.".repeat(130)),
        ] {
            assert_eq!(name(selector, domain), None, "{selector:?} {domain:?}");
        }
    }
}
