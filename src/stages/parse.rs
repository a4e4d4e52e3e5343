//! Bytes to [`Mail`]: decode, bound, refuse what is no mail one could answer.

use mailparse::{MailAddr, MailHeader, MailHeaderMap};

pub use super::bodies::MAX_TEXT_BYTES;

use super::bodies::Bodies;
use super::dkim;
use super::html;
use super::lines::{MAX_LINKS, links_of_text, one_line, push_one_line};
use crate::domain::{Address, Mail, Mailbox, MessageId, RawMail, Timestamp, is_tangled};

/// Why a message cannot be read. A value, not a fault: bad mail is expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// The MIME structure cannot be followed (too deep, too broken).
    Structure,
    /// Not exactly one From header with exactly one mailbox (RFC 5322 §3.6.2
    /// allows more with a Sender; nobody honest needs it here).
    From,
    /// The header section alone is larger than [`MAX_HEADER_BYTES`].
    HeaderTooLarge,
    /// Its encoded words are made to keep a reader busy ([`is_tangled`]).
    Tangled,
}

impl Unreadable {
    /// One sentence for the owner.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Structure => "its MIME structure cannot be followed",
            Self::From => "it does not have exactly one From address",
            Self::HeaderTooLarge => "its header section is larger than 256 KiB",
            Self::Tangled => "its encoded words would take too long to read",
        }
    }
}

/// The largest header section we read.
pub const MAX_HEADER_BYTES: usize = 256 * 1024;
/// More lines that begin with `--` than any text has that we read to its end.
const MAX_BORDERS: usize = 5_000;

/// Reads a whole message.
///
/// # Errors
/// [`Unreadable`] for a message that must not be judged at all.
pub fn parse(raw: &RawMail) -> Result<Mail, Unreadable> {
    if header_end(&raw.0) > MAX_HEADER_BYTES {
        return Err(Unreadable::HeaderTooLarge);
    }
    // Parts have headers too.
    if is_tangled(&raw.0) {
        return Err(Unreadable::Tangled);
    }
    let parsed = mailparse::parse_mail(first_parts(&raw.0)).map_err(|_| Unreadable::Structure)?;
    let mut mail = headers(&parsed.headers, &raw.0)?;
    let bodies = Bodies::of(&parsed);
    let rendered = bodies.html.as_deref().map(html::render).unwrap_or_default();
    mail.links = bodies.text.as_deref().map(links_of_text).unwrap_or_default();
    mail.links.extend(rendered.links);
    mail.preheader = rendered.preheader;
    mail.links.truncate(MAX_LINKS);
    match bodies.text.map(|t| lines(&t)).filter(|t| !t.trim().is_empty()) {
        Some(text) => {
            mail.text = text;
            mail.html_text = bodies.html.is_some().then_some(rendered.text);
        }
        None => {
            mail.text = rendered.text;
            mail.text_is_rendered = bodies.html.is_some();
        }
    }
    Ok(mail)
}

/// Reads a header section alone, as a header fetch gives it.
///
/// # Errors
/// As [`parse`].
pub fn parse_header(bytes: &[u8]) -> Result<Mail, Unreadable> {
    if bytes.len() > MAX_HEADER_BYTES {
        return Err(Unreadable::HeaderTooLarge);
    }
    if is_tangled(bytes) {
        return Err(Unreadable::Tangled);
    }
    let (fields, _) = mailparse::parse_headers(bytes).map_err(|_| Unreadable::Structure)?;
    headers(&fields, bytes)
}

/// The mail up to where it has had [`MAX_BORDERS`] lines that may stand between
/// parts. mailparse builds all parts of a mail before any is looked at, each at
/// many times the bytes it came in.
fn first_parts(bytes: &[u8]) -> &[u8] {
    let mut borders = 0;
    let mut at = 0;
    for line in bytes.split_inclusive(|b| *b == b'\n') {
        borders += usize::from(line.starts_with(b"--"));
        if borders > MAX_BORDERS {
            break;
        }
        at += line.len();
    }
    bytes.get(..at).unwrap_or(bytes)
}

/// Where the first blank line begins; a large body behind it is not looked at.
fn header_end(bytes: &[u8]) -> usize {
    let mut at = 0;
    for line in bytes.split_inclusive(|b| *b == b'\n') {
        if line == b"\n" || line == b"\r\n" {
            break;
        }
        at += line.len();
    }
    at
}

fn headers(fields: &[MailHeader<'_>], bytes: &[u8]) -> Result<Mail, Unreadable> {
    let mut from = fields.iter().filter(|h| h.get_key_ref().eq_ignore_ascii_case("from"));
    let (Some(only), None) = (from.next(), from.next()) else {
        return Err(Unreadable::From);
    };
    let mut senders = mailboxes(only).ok_or(Unreadable::From)?;
    let (Some(from), true) = (senders.pop(), senders.is_empty()) else {
        return Err(Unreadable::From);
    };
    if from.address.is_none() {
        return Err(Unreadable::From);
    }
    let all = |name: &str| -> Vec<Mailbox> {
        fields
            .iter()
            .filter(|h| h.get_key_ref().eq_ignore_ascii_case(name))
            .flat_map(|h| {
                mailboxes(h).unwrap_or_else(|| vec![Mailbox { name: String::new(), address: None }])
            })
            .collect()
    };
    let mut recipients = all("to");
    recipients.extend(all("cc"));
    let first = |name: &str| fields.get_first_header(name).map(unfolded);
    let subject = fields.get_first_value("subject").map(|v| one_line(&v));
    let mut references = Vec::new();
    for name in ["references", "in-reply-to"] {
        let value = first(name).unwrap_or_default();
        for id in value.split_whitespace().filter_map(MessageId::parse) {
            if !references.contains(&id) && references.len() < 100 {
                references.push(id);
            }
        }
    }
    Ok(Mail {
        headers: fields.iter().map(|h| (h.get_key(), unfolded(h))).collect(),
        oddity: dkim::oddity(bytes),
        from,
        reply_to: all("reply-to"),
        recipients,
        subject: subject.unwrap_or_default(),
        date: first("date").and_then(|d| mailparse::dateparse(&d).ok()).map(Timestamp::from_unix_s),
        message_id: first("message-id").and_then(|v| MessageId::parse(&v)),
        references,
        text: String::new(),
        text_is_rendered: false,
        html_text: None,
        preheader: String::new(),
        links: Vec::new(),
    })
}

/// The value as it stands, on one line. What looks like an encoded word in a
/// field that may hold none (RFC 2047 §5) is a sender's text: decoded, it would
/// get out of the quotes and comments that an honest server put round it.
fn unfolded(field: &MailHeader<'_>) -> String {
    let value = String::from_utf8_lossy(field.get_value_raw());
    let line = value.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
    // Replaced, not dropped: what stands on both sides must not become neighbours.
    line.replace(char::is_control, "\u{fffd}")
}

fn mailboxes(header: &MailHeader<'_>) -> Option<Vec<Mailbox>> {
    let list = mailparse::addrparse_header(header).ok()?;
    let mut out = Vec::new();
    for entry in list.into_inner() {
        match entry {
            MailAddr::Single(single) => out.push(mailbox(single)),
            MailAddr::Group(group) => {
                // A group is several people, also where it names one: it counts as one more.
                out.push(Mailbox { name: one_line(&group.group_name), address: None });
                out.extend(group.addrs.into_iter().map(mailbox));
            }
        }
    }
    Some(out)
}

fn mailbox(single: mailparse::SingleInfo) -> Mailbox {
    Mailbox {
        name: one_line(&single.display_name.unwrap_or_default()),
        address: Address::parse(&single.addr),
    }
}

fn lines(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.lines() {
        push_one_line(&mut out, line);
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Mail, Unreadable> {
        parse(&RawMail(text.as_bytes().to_vec()))
    }

    #[test]
    fn refuses_all_but_one_from() {
        for bad in [
            "Subject: x\n\nhi",
            "From: a@x.example\nFrom: b@x.example\n\nhi",
            "From: a@x.example, b@x.example\n\nhi",
            "From: nobody\n\nhi",
        ] {
            assert_eq!(read(bad), Err(Unreadable::From), "{bad}");
        }
    }

    #[test]
    fn a_display_name_with_an_address_is_only_a_name() {
        let mail = read("From: \"ceo@bank.example\" <a@x.example>\n\nhi").unwrap();
        assert_eq!(mail.from.address.unwrap().to_string(), "a@x.example");
        assert_eq!(mail.from.name, "ceo@bank.example");
    }

    #[test]
    fn fields_are_kept_as_they_stand_and_only_text_is_decoded() {
        let mail = read(
            "X-A: =?utf-8?q?caf=C3=A9?=\r\n\t\"b\u{200b}\"  \r\nReferences: <=?utf-8?q?a?=@x.example>\r\n\
             Subject: =?utf-8?q?caf=C3=A9?=\r\nFrom: =?utf-8?q?Zo=C3=A9?= <z@x.example>\r\n\r\nhi",
        )
        .unwrap();
        assert_eq!(mail.header("X-A"), Some("=?utf-8?q?caf=C3=A9?= \"b\u{200b}\""));
        assert_eq!(mail.header("Subject"), Some("=?utf-8?q?caf=C3=A9?="));
        assert_eq!(mail.references, [MessageId::parse("=?utf-8?q?a?=@x.example").unwrap()]);
        assert_eq!((mail.subject.as_str(), mail.from.name.as_str()), ("café", "Zoé"));
        let controls = parse_header("From: a@x.example\nX-A: a\0b\u{85}c\n\n".as_bytes()).unwrap();
        assert_eq!(controls.header("X-A"), Some("a\u{fffd}b\u{fffd}c"));
        let latin = parse_header(b"From: a@x.example\nX-A: caf\xe9\n\n").unwrap();
        assert_eq!(latin.header("X-A"), Some("caf\u{fffd}"));
    }

    #[test]
    fn attached_messages_are_not_read() {
        let mail = read(
            "From: a@x.example\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: message/rfc822\n\n\
             From: n@n.example\n\nsecret\n--b\nContent-Type: text/plain\n\nouter\n--b--\n",
        )
        .unwrap();
        assert_eq!(mail.text.trim(), "outer");
    }

    #[test]
    fn a_header_ends_at_the_first_blank_line_of_either_kind() {
        for (mail, end) in
            [("A: b\n\nx\n\n", 5), ("A: b\r\n\r\nx\n\n", 6), ("\nx", 0), ("A: b\n", 5), ("", 0)]
        {
            assert_eq!(header_end(mail.as_bytes()), end, "{mail:?}");
        }
    }

    #[test]
    fn no_header_takes_long_to_read() {
        for piece in ["=?utf-8?q?a?= ", " =?x?=x", "=?utf-8?b?", "(", "\"a\" ", "a@b.example,", "a:;", "\n "]
        {
            for field in ["To", "Subject", "Date", "Content-Type"] {
                let value = piece.repeat(MAX_HEADER_BYTES / piece.len() - 10);
                for text in [
                    format!("From: a@b.example\n{field}: {value}\n\n"),
                    format!(
                        "From: a@b.example\nContent-Type: multipart/mixed; boundary=b\n\n--b\n{field}: {value}\n\n"
                    ),
                ] {
                    let began = std::time::Instant::now();
                    let _ = parse_header(text.as_bytes());
                    let _ = read(&text);
                    let took = began.elapsed();
                    assert!(took.as_secs() < 20, "{field} {piece:?}: {took:?}");
                }
            }
        }
    }

    #[test]
    fn parts_beyond_all_measure_are_not_built() {
        let mail = |parts: usize| {
            let part = "--b\nContent-Type: image/png\n\nx\n";
            format!(
                "From: a@b.example\nContent-Type: multipart/mixed; boundary=b\n\n\
                 --b\nContent-Type: text/plain\n\nfirst\n{}--b--\n",
                part.repeat(parts)
            )
        };
        let few = mail(100);
        assert_eq!(first_parts(few.as_bytes()), few.as_bytes());
        let many = mail(100_000);
        assert!(first_parts(many.as_bytes()).len() < many.len() / 10);
        assert_eq!(read(&many).unwrap().text.trim(), "first");
        let table = format!("From: a@b.example\n\n{}", "-----\n".repeat(MAX_BORDERS));
        assert_eq!(read(&table).unwrap().text.lines().count(), MAX_BORDERS);
    }

    #[test]
    fn many_encoded_words_are_still_read() {
        let subject = "=?utf-8?q?caf=C3=A9?= ".repeat(300);
        let to = "=?utf-8?q?caf=C3=A9?= <a@b.example>,\n ".repeat(2_000);
        let mail = read(&format!("From: a@b.example\nSubject: {subject}\nTo: {to}\n\nhi")).unwrap();
        assert_eq!(mail.subject, "café".repeat(300));
        assert_eq!(mail.recipients.len(), 2_000);
        assert_eq!(
            read(&format!("From: a@b.example\nSubject: {}\n\nhi", " =?x?=x".repeat(1_000))),
            Err(Unreadable::Tangled)
        );
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig { failure_persistence: None, ..proptest::prelude::ProptestConfig::with_cases(4000) })]
        #[test]
        fn no_header_makes_the_parser_panic(
            from in "(=\\?utf-8\\?[qb]\\?[a=20+/]{0,6}\\?=|a@b\\.example|[a\"<>@,:;() =?.\\\\é\r\n\t]){0,14}",
            date in "[0-9]{0,3} ?(Jan|Feb|x) ?[0-9]{0,12} [0-9:]{0,12} ?[-+0-9A-Z()]{0,12}",
            ctype in "(text/plain|multipart/mixed|x)(; ?(boundary|charset|[a*0-9]{1,3})=[\"a'%\\\\ *é=?-]{0,8}){0,3}",
        ) {
            let header = format!("From: a@b.example\nTo: {from}\nReply-To: {from}\nSubject: {from}\nDate: {date}\nContent-Type: {ctype}\nContent-Disposition: {ctype}\n\n--a\n\n--a--");
            let _ = parse_header(header.as_bytes());
            let _ = parse_header(format!("From: {from}\n\n").as_bytes());
            let _ = read(&header);
        }
    }
}
