//! Mail addresses we are willing to write to.

use std::fmt;

/// One address in the strict subset of RFC 5321 §4.1.2 that notyet writes to:
/// ASCII dot-atom, one `@`, a domain of two labels or more, no comments, no
/// quoting, no address literal. `%` and `!` once named a further host to send
/// on to (RFC 5321 Appendix C, RFC 1123 §5.2.16): an address with them reaches who knows whom. The domain is held in lower case; the local
/// part as it came (RFC 5321 §2.4 leaves its case to the receiver).
///
/// `Debug` masks the local part, so that an address cannot slip into a log.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address {
    local: String,
    domain: String,
}

impl Address {
    /// Parses `text` (surrounding blanks allowed). `None` for anything that
    /// is not exactly one plain address, or longer than RFC 5321 §4.5.3.1 allows.
    pub fn parse(text: &str) -> Option<Self> {
        let (local, domain) = text.trim().rsplit_once('@')?;
        let domain = domain.to_ascii_lowercase();
        let ok = is_dot_atom(local)
            && local.len() <= 64
            && domain.len() <= 253
            && domain.contains('.')
            && domain.split('.').all(is_label)
            && domain.rsplit('.').next().is_some_and(|top| !top.bytes().all(|b| b.is_ascii_digit()));
        ok.then(|| Self { local: local.to_owned(), domain })
    }

    /// The part before the `@`, as it came.
    pub fn local(&self) -> &str {
        &self.local
    }

    /// The part after the `@`, in lower case.
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// Same mailbox for every purpose of ours, see [`Address::mailbox_form`]. Where
    /// that would allow something, [`Address::same_spelling`] is the one to ask.
    pub fn same_mailbox(&self, other: &Self) -> bool {
        self.mailbox_form() == other.mailbox_form()
    }

    /// The same letters, in whatever case.
    pub fn same_spelling(&self, other: &Self) -> bool {
        self.domain == other.domain && self.local.eq_ignore_ascii_case(&other.local)
    }

    /// One text for all spellings of a mailbox: local parts compare without case,
    /// as every provider does in practice, and without a sub-address (RFC 5233).
    /// Gmail passes over dots and has two domains.
    pub fn mailbox_form(&self) -> String {
        let local = self.local.to_ascii_lowercase();
        let base = local.split('+').next().filter(|base| !base.is_empty()).unwrap_or(&local);
        match self.domain.as_str() {
            "gmail.com" | "googlemail.com" => format!("{}@gmail.com", base.replace('.', "")),
            domain => format!("{base}@{domain}"),
        }
    }

    /// As it is spelled, all lower case: the form of lists in rules.
    pub fn canonical(&self) -> String {
        format!("{}@{}", self.local.to_ascii_lowercase(), self.domain)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.local, self.domain)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address(***@{})", self.domain)
    }
}

/// `host` is `domain` or stands below it (`mail.example.com` below `example.com`).
pub fn is_within(host: &str, domain: &str) -> bool {
    host.eq_ignore_ascii_case(domain)
        || host.len().checked_sub(domain.len() + 1).is_some_and(|cut| {
            host.as_bytes().get(cut) == Some(&b'.')
                && host.get(cut + 1..).is_some_and(|tail| tail.eq_ignore_ascii_case(domain))
        })
}

fn is_dot_atom(text: &str) -> bool {
    text.split('.').all(|atom| {
        !atom.is_empty()
            && atom.bytes().all(|b| b.is_ascii_alphanumeric() || b"#$&'*+-/=?^_`{|}~".contains(&b))
    })
}

fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

/// A display name with its address, as in a From or Reply-To header (RFC 5322 §3.4).
#[derive(Clone, PartialEq, Eq)]
pub struct Mailbox {
    /// The decoded display name; empty when there is none.
    pub name: String,
    /// The address, when it is one we could write to.
    pub address: Option<Address>,
}

impl fmt::Debug for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mailbox({:?})", self.address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_plain_addresses_only() {
        for good in ["a@b.example", "A.b+c@Mail.Example.com", " x@y.org "] {
            assert!(Address::parse(good).is_some(), "{good}");
        }
        for bad in [
            "",
            "@",
            "a@b",
            "a b@c.org",
            "a@b.org,c@d.org",
            "<a@b.org>",
            "\"a\"@b.org",
            "a@[10.0.0.1]",
            "a@10.0.0.1",
            "a..b@c.org",
            "a@-b.org",
            "a@b.org\r\nBcc: x@y.org",
            "victim%other.org@c.org",
            "other.org!victim@c.org",
            "@relay.org:victim@c.org",
            "@a.org,@b.org:victim@c.org",
            "jane(comment)@c.org",
            "\"jane doe\"@c.org",
            "jane@c.org.",
            "j\u{430}ne@c.org",
            "jane@\u{435}xample.org",
            "friends: a@b.org;",
        ] {
            assert!(Address::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn spellings_of_one_mailbox_have_one_form() {
        for (address, form) in [
            ("Jane.Doe@Example.org", "jane.doe@example.org"),
            ("jane.doe+lists+x@example.org", "jane.doe@example.org"),
            ("+x@example.org", "+x@example.org"),
            ("Jane.Doe+x@GMail.com", "janedoe@gmail.com"),
            ("j.a.n.e.doe@googlemail.com", "janedoe@gmail.com"),
            ("jane.doe@mail.gmail.com", "jane.doe@mail.gmail.com"),
        ] {
            assert_eq!(Address::parse(address).unwrap().mailbox_form(), form);
        }
    }

    #[test]
    fn a_spelling_is_the_same_in_any_case_and_no_other_way() {
        let address = |text| Address::parse(text).unwrap();
        let jane = address("jane.doe@gmail.com");
        assert!(jane.same_spelling(&address("Jane.Doe@GMAIL.com")));
        for other in ["janedoe@gmail.com", "jane.doe+x@gmail.com", "jane.doe@googlemail.com"] {
            assert!(!jane.same_spelling(&address(other)) && jane.same_mailbox(&address(other)), "{other}");
        }
        assert!(!jane.same_mailbox(&address("john.doe@gmail.com")));
    }

    #[test]
    fn within_needs_a_label_border() {
        assert!(is_within("mail.example.com", "example.com"));
        assert!(is_within("Example.com", "example.com"));
        assert!(!is_within("badexample.com", "example.com"));
        assert!(!is_within("example.com.evil.org", "example.com"));
    }

    #[test]
    fn debug_hides_the_person() {
        let address = Address::parse("jane@example.org").unwrap();
        assert_eq!(format!("{address:?}"), "Address(***@example.org)");
    }
}
