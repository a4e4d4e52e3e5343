//! A mail as bytes, and a mail as read.

use std::fmt;

use super::dkim::Oddity;
use super::{Mailbox, Timestamp};

/// The bytes of one message as the mailbox holds them (RFC 5322, any line ends).
#[derive(Clone, PartialEq, Eq)]
pub struct RawMail(pub Vec<u8>);

impl fmt::Debug for RawMail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RawMail({} bytes)", self.0.len())
    }
}

/// A Message-ID without its angle brackets (RFC 5322 §3.6.4): visible ASCII, no blanks.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct MessageId(String);

impl MessageId {
    /// `None` for what could not stand in a header of ours: empty, longer
    /// than 250 bytes, blanks, controls, angle brackets or anything beyond ASCII.
    pub fn parse(text: &str) -> Option<Self> {
        let inner = text.trim().trim_start_matches('<').trim_end_matches('>');
        let ok = !inner.is_empty()
            && inner.len() <= 250
            && inner.bytes().all(|b| b.is_ascii_graphic() && b != b'<' && b != b'>');
        ok.then(|| Self(inner.to_owned()))
    }

    /// An id of our own making: `left@right`, each reduced to what an id may
    /// hold (letters, digits, dots, hyphens) and to 120 bytes. The same parts
    /// always make the same id.
    pub fn compose(left: &str, right: &str) -> Self {
        let plain = |part: &str| -> String {
            part.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-')).take(120).collect()
        };
        Self(format!("{}@{}", plain(left), plain(right)))
    }

    /// The id without angle brackets.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The id as it stands in a header: `<id>`.
    pub fn bracketed(&self) -> String {
        format!("<{}>", self.0)
    }
}

impl fmt::Debug for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MessageId(***)")
    }
}

/// Whether decoding the encoded words (RFC 2047) of some header line in `bytes`
/// would take unreasonably long. The decoder counts its way along the line for
/// each `=?`, and again for each `?=` behind it that ends no word: a line of a
/// few kilobytes, made for it, keeps it busy for days. Honest lines stay far
/// below the limit, a hundred long ones on end included.
pub fn is_tangled(bytes: &[u8]) -> bool {
    const MAX_STEPS: usize = 100_000_000;
    let ends_word =
        |next: Option<&u8>| next.is_none_or(|b| b.is_ascii_whitespace() || b"\"()<>,".contains(b));
    // Each start and each false end has a question mark of its own, so this is never too low.
    let marks = bytes.iter().filter(|b| **b == b'?').count();
    if marks.saturating_mul(marks + 1).saturating_mul(bytes.len()) <= MAX_STEPS {
        return false;
    }
    let mut steps = 0_usize;
    for line in bytes.split(|b| *b == b'\n') {
        let starts = line.windows(2).filter(|pair| pair == b"=?").count();
        if starts > 0 {
            let false_ends = line
                .windows(2)
                .enumerate()
                .filter(|(at, pair)| pair == b"?=" && !ends_word(line.get(at + 2)))
                .count();
            steps = steps.saturating_add(starts.saturating_mul(false_ends + 1).saturating_mul(line.len()));
        }
    }
    steps > MAX_STEPS
}

/// A link of the body: where it leads and what it says.
#[derive(Clone, PartialEq, Eq)]
pub struct Link {
    /// The target as it stands, entities decoded. May hold a sign-in token: never log or store it.
    pub url: String,
    /// The text of the anchor; empty for a bare address in plain text.
    pub label: String,
}

/// A mail as read by `stages::parse`: decoded, bounded, nothing judged.
#[derive(Clone, PartialEq, Eq)]
pub struct Mail {
    /// Every header field in order, top first: name as it came, value on one line,
    /// its encoded words (RFC 2047) as they stand.
    pub headers: Vec<(String, String)>,
    /// What in the header programs read in different ways; then no signature vouches for what is read here.
    pub oddity: Option<Oddity>,
    /// The one From mailbox (RFC 5322 §3.6.2); a mail without exactly one is refused by `parse`.
    pub from: Mailbox,
    /// All Reply-To mailboxes in order.
    pub reply_to: Vec<Mailbox>,
    /// All To and Cc mailboxes in order.
    pub recipients: Vec<Mailbox>,
    /// The decoded Subject; empty when absent.
    pub subject: String,
    /// The Date header, when it can be read.
    pub date: Option<Timestamp>,
    /// The mail's own id.
    pub message_id: Option<MessageId>,
    /// In-Reply-To and References ids, in order, without repeats.
    pub references: Vec<MessageId>,
    /// The text to read: the first text/plain part, else the first text/html part rendered to lines.
    pub text: String,
    /// Whether `text` came from HTML.
    pub text_is_rendered: bool,
    /// The text/html part rendered to lines, where there is one beside a text/plain part.
    pub html_text: Option<String>,
    /// The beginning of what HTML hides from the page for lists of mail to show; may be empty.
    pub preheader: String,
    /// Links of the text and of the HTML part, in order of appearance.
    pub links: Vec<Link>,
}

impl Mail {
    /// The first (topmost) header field of that name, names compared without case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(field, _)| field.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// All header fields of that name, top first.
    pub fn headers_named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> + use<'a> {
        self.headers
            .iter()
            .filter(move |(field, _)| field.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

impl fmt::Debug for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mail({} headers, {} chars)", self.headers.len(), self.text.len())
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Link(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::MessageId;

    #[test]
    fn an_id_is_visible_ascii_of_a_length_that_a_header_line_holds() {
        let longest = format!("{}@example.org", "x".repeat(238));
        for good in ["a@example.org", "a", &longest] {
            for written in [good.to_owned(), format!(" <{good}>\r\n")] {
                assert_eq!(MessageId::parse(&written).unwrap().as_str(), good, "{written:?}");
            }
        }
        for bad in
            ["", "<>", "a b@example.org", "a\r\nBcc: b@example.org", "é@example.org", "a<b@example.org"]
        {
            assert_eq!(MessageId::parse(bad), None, "{bad:?}");
        }
        assert_eq!(MessageId::parse(&format!("x{longest}")), None);
    }
}
