//! A letter as message bytes (RFC 5322, RFC 2045), the same bytes for the same
//! frame: no clock, no randomness. What is rendered is stored, and what is
//! stored is delivered.

use std::time::{Duration, SystemTime};

use lettre::address::Envelope;
use lettre::message::header::{
    ContentTransferEncoding, ContentType, Date, HeaderName, HeaderValue, Headers, To,
};
use lettre::message::{Body, Mailbox, Mailboxes, SinglePart};

use super::trace;
use crate::domain::{Address, Identity, InvitationKey, Letter, MessageId, Timestamp};

/// Names the invitation in a field of our own, since some servers rewrite
/// Message-ID. Its value is the Message-ID without angle brackets.
pub const KEY_HEADER: &str = "X-Notyet-Key";

/// Unfolded length that References may reach; RFC 5322 §2.1.1 ends a line at 998.
const REFERENCES_MAX_BYTES: usize = 900;
/// Characters of a header line that has an encoded word in it (RFC 2047 §2).
const ENCODED_LINE_MAX_CHARS: usize = 76;
/// Characters of a display name; far more than a person's name, far less than an attack.
const NAME_MAX_CHARS: usize = 120;
/// Characters of a subject; stays below 998 bytes a line even as one long word.
const SUBJECT_MAX_CHARS: usize = 240;
/// 9999-12-31T23:59:59Z: later years have no place in a Date field.
const LAST_DATE_UNIX_S: i64 = 253_402_300_799;

/// Who will transmit the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The owner, by hand, from Drafts: nothing marks it as automatic.
    Draft,
    /// We do: marked `Auto-Submitted: auto-replied` (RFC 3834 §5), so that no
    /// robot answers it, and `X-Auto-Response-Suppress: All`, which Exchange heeds instead.
    Send,
}

/// Everything that a message is made of.
#[derive(Clone, Copy)]
pub struct Frame<'a> {
    /// The invitation it answers; Message-ID derives from it.
    pub key: &'a InvitationKey,
    /// The network and every part of the invitation's identity, for a ledger that is lost.
    pub identity: (&'a str, &'a Identity),
    /// Who writes: the name and the address of From.
    pub from: (&'a str, &'a Address),
    /// Display name (may be empty) and address of the recipient; none: the field is left out.
    pub to: Option<(&'a str, &'a Address)>,
    /// Subject and text.
    pub letter: &'a Letter,
    /// The notification's Message-ID.
    pub in_reply_to: Option<&'a MessageId>,
    /// The notification's own References, oldest first.
    pub references: &'a [MessageId],
    /// The Date field.
    pub date: Timestamp,
    /// Who will transmit it.
    pub purpose: Purpose,
}

/// Why a letter cannot become a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unrenderable {
    /// An address that the message builder does not accept.
    #[error("the address of the {0} cannot stand in a message header")]
    Address(&'static str),
    /// The message builder refused.
    #[error("the message could not be built")]
    Builder,
}

/// The Message-ID of the letter that answers invitation `key`: derived, so that
/// any later run finds the letter again, whatever address it then would come from.
pub fn message_id(key: &InvitationKey, from: &Address) -> MessageId {
    MessageId::compose(&trace::id_left(key), from.domain())
}

/// Fields that mark what a machine sends.
const MACHINE_FIELDS: [(&str, &str); 2] =
    [("Auto-Submitted", "auto-replied"), ("X-Auto-Response-Suppress", "All")];

/// A message of [`render`] for the owner to send by hand: as [`Purpose::Draft`] would have made it.
pub fn as_draft(message: &[u8]) -> Vec<u8> {
    let marks = MACHINE_FIELDS.map(|(name, value)| format!("{name}: {value}\r\n").into_bytes());
    let mut in_header = true;
    let lines = message.split_inclusive(|byte| *byte == b'\n');
    lines
        .filter(|line| {
            in_header &= *line != b"\r\n";
            !(in_header && marks.iter().any(|mark| mark == line))
        })
        .flatten()
        .copied()
        .collect()
}

/// A message of [`render`] for us to transmit: as [`Purpose::Send`] would have made it.
pub fn as_sent(message: &[u8]) -> Vec<u8> {
    let draft = as_draft(message);
    let marks = MACHINE_FIELDS.map(|(name, value)| format!("{name}: {value}\r\n")).concat();
    // Where `render` puts them: behind all our own fields.
    let mut marks = Some(marks.as_bytes());
    let lines = draft.split_inclusive(|byte| *byte == b'\n');
    lines
        .flat_map(|line| {
            let is_next = line.starts_with(b"MIME-Version: ") || line == b"\r\n";
            [is_next.then(|| marks.take()).flatten().unwrap_or_default(), line]
        })
        .flatten()
        .copied()
        .collect()
}

/// A message of [`render`] with another Date field: as a frame of that `date` would have made it.
pub fn dated(message: &[u8], date: Timestamp) -> Vec<u8> {
    let mut field = Headers::new();
    field.set(Date::from(system_time(date)));
    let field = field.to_string().into_bytes();
    let mut in_header = true;
    let lines = message.split_inclusive(|byte| *byte == b'\n');
    lines
        .flat_map(|line| {
            in_header &= line != b"\r\n";
            if in_header && line.starts_with(b"Date: ") { field.as_slice() } else { line }
        })
        .copied()
        .collect()
}

/// The message: one text/plain part, UTF-8, quoted-printable (so that a
/// paragraph stays one line however long it is), CRLF line ends.
///
/// # Errors
///
/// See [`Unrenderable`].
pub fn render(frame: &Frame<'_>) -> Result<Vec<u8>, Unrenderable> {
    let (name, from) = frame.from;
    let id = message_id(frame.key, from);
    // The builder insists on an envelope and finds none without To; nobody reads this one.
    let sender = lettre_address(from).ok_or(Unrenderable::Address("owner"))?;
    let envelope =
        Envelope::new(Some(sender.clone()), vec![sender]).map_err(|_| Unrenderable::Address("owner"))?;

    let mut builder =
        lettre::Message::builder().envelope(envelope).raw_header(mailbox_field("From", name, from, "owner")?);
    if let Some((name, address)) = frame.to {
        builder = builder.raw_header(mailbox_field("To", name, address, "recipient")?);
    }
    builder = builder
        .subject(single_line(&frame.letter.subject, SUBJECT_MAX_CHARS))
        .date(system_time(frame.date))
        .raw_header(plain_field("Message-ID", id.bracketed()));
    if let Some(parent) = frame.in_reply_to {
        builder = builder.raw_header(plain_field("In-Reply-To", parent.bracketed()));
    }
    let thread = thread(frame.references, frame.in_reply_to);
    if !thread.is_empty() {
        builder = builder.raw_header(plain_field("References", thread.join("\r\n ")));
    }
    let (network, identity) = frame.identity;
    builder = builder
        .raw_header(plain_field(KEY_HEADER, id.as_str().to_owned()))
        .raw_header(plain_field(trace::IDENTITY_HEADER, trace::identity_value(network, identity)));
    if frame.purpose == Purpose::Send {
        for (name, value) in MACHINE_FIELDS {
            builder = builder.raw_header(plain_field(name, value.to_owned()));
        }
    }

    let body = Body::new_with_encoding(text(&frame.letter.body), ContentTransferEncoding::QuotedPrintable)
        .map_err(|_| Unrenderable::Builder)?;
    let part = SinglePart::builder().content_type(ContentType::TEXT_PLAIN).body(body);
    let message = builder.singlepart(part).map_err(|_| Unrenderable::Builder)?;
    Ok(message.formatted())
}

/// The References field: first the start of the thread, then as many of the
/// latest ids as fit, last the mail we answer (RFC 5322 §3.6.4).
fn thread(references: &[MessageId], parent: Option<&MessageId>) -> Vec<String> {
    let mut ids: Vec<&MessageId> = Vec::new();
    for id in references.iter().filter(|id| Some(*id) != parent).chain(parent) {
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    let Some((first, rest)) = ids.split_first() else {
        return Vec::new();
    };
    let cost = |id: &MessageId| id.as_str().len() + "<> ".len();
    let mut room = REFERENCES_MAX_BYTES.saturating_sub("References: ".len() + cost(first));
    let mut kept = Vec::new();
    for id in rest.iter().rev() {
        let Some(left) = room.checked_sub(cost(id)) else {
            break;
        };
        room = left;
        kept.push(id.bracketed());
    }
    kept.push(first.bracketed());
    kept.reverse();
    kept
}

/// A From or To field. The raw value, which the builder parses again, is the
/// bare address: its parser does not take back every name it can encode.
fn mailbox_field(
    field: &'static str,
    name: &str,
    address: &Address,
    role: &'static str,
) -> Result<HeaderValue, Unrenderable> {
    let address = lettre_address(address).ok_or(Unrenderable::Address(role))?;
    let name = single_line(name, NAME_MAX_CHARS);
    let mailbox = Mailbox::new((!name.is_empty()).then_some(name), address.clone());
    let mut headers = Headers::new();
    headers.set(To::from(Mailboxes::from(mailbox)));
    let encoded = headers.to_string().trim_start_matches("To: ").trim_end().to_owned();
    Ok(HeaderValue::dangerous_new_pre_encoded(
        HeaderName::new_from_ascii_str(field),
        address.to_string(),
        folded(field, &encoded),
    ))
}

/// `encoded` with what the builder leaves undone: it folds within a name only,
/// never between name and address, and lets a stop stand outside quotes, where
/// it may be read but not written (RFC 5322 §4.1).
fn folded(field: &str, encoded: &str) -> String {
    let Some((name, address)) = encoded.rsplit_once(' ') else { return encoded.to_owned() };
    let is_bare = !name.starts_with('"') && !name.starts_with("=?");
    let name = if is_bare && name.contains('.') { format!("\"{name}\"") } else { name.to_owned() };
    let before =
        name.rsplit_once("\r\n").map_or(field.len() + ": ".len() + name.len(), |(_, last)| last.len());
    let fold = if before + " ".len() + address.len() > ENCODED_LINE_MAX_CHARS { "\r\n " } else { " " };
    format!("{name}{fold}{address}")
}

/// A field whose value is ours alone and plain ASCII: ids and fixed words.
fn plain_field(field: &'static str, value: String) -> HeaderValue {
    HeaderValue::dangerous_new_pre_encoded(HeaderName::new_from_ascii_str(field), value.clone(), value)
}

fn lettre_address(address: &Address) -> Option<lettre::Address> {
    lettre::Address::new(address.local(), address.domain()).ok()
}

/// One line of at most `max` characters without controls, without marks that
/// turn the reading direction, and without anything that reads as an encoded
/// word (RFC 2047 §2) once it stands in a header.
fn single_line(text: &str, max: usize) -> String {
    let turns = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
    let blank = |c: char| c.is_whitespace() || c.is_control();
    let text: String = text.chars().filter(|c| !turns(*c)).collect();
    let words: Vec<&str> = text.split(blank).filter(|word| !word.is_empty()).collect();
    words.join(" ").replace("=?", "= ?").chars().take(max).collect::<String>().trim().to_owned()
}

/// The text with CRLF line ends, lone carriage returns taken as line ends, and
/// without the last line end: the builder writes that one itself. A byte order
/// mark in front goes: readers take it as a sign, not as text.
fn text(body: &str) -> String {
    let text = body.trim_start_matches('\u{feff}').replace("\r\n", "\n").replace('\r', "\n");
    text.strip_suffix('\n').unwrap_or(&text).replace('\n', "\r\n")
}

fn system_time(date: Timestamp) -> SystemTime {
    let seconds = u64::try_from(date.unix_s().clamp(0, LAST_DATE_UNIX_S)).unwrap_or(0);
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use mailparse::MailHeaderMap;
    use proptest::prelude::*;

    use super::*;
    use crate::domain::RawMail;

    fn own() -> Address {
        Address::parse("owner@example.com").unwrap()
    }

    fn letter(subject: &str, body: &str) -> Letter {
        Letter { subject: subject.to_owned(), body: body.to_owned(), language: "en".to_owned() }
    }

    fn id(text: &str) -> MessageId {
        MessageId::parse(text).unwrap()
    }

    fn key() -> InvitationKey {
        InvitationKey("0123456789abcdef0123456789abcdef".to_owned())
    }

    fn identity() -> Identity {
        Identity { invitation_id: None, shared_key: None, profile: None, name: "0f".repeat(16) }
    }

    /// 2025-03-04T05:06:07Z.
    const DATE: Timestamp = Timestamp::from_unix_s(1_741_064_767);

    fn golden(frame: &Frame<'_>, lines: &[&str]) {
        let bytes = render(frame).unwrap();
        let mut expected = lines.join("\r\n");
        expected.push_str("\r\n");
        assert_eq!(String::from_utf8(bytes).unwrap(), expected);
    }

    #[test]
    fn sent_letter_is_marked_threaded_and_addressed() {
        let jane = Address::parse("jane@example.org").unwrap();
        golden(
            &Frame {
                key: &key(),
                identity: ("example", &identity()),
                from: ("Olga Owner", &own()),
                to: Some(("Jane Doe", &jane)),
                letter: &letter("Re: Hello", "Hi Jane,\n\n.hidden\n"),
                in_reply_to: Some(&id("n1@example.net")),
                references: &[id("r1@example.net")],
                date: DATE,
                purpose: Purpose::Send,
            },
            &[
                "From: \"Olga Owner\" <owner@example.com>",
                "To: \"Jane Doe\" <jane@example.org>",
                "Subject: Re: Hello",
                "Date: Tue, 04 Mar 2025 05:06:07 +0000",
                "Message-ID: <notyet.0123456789abcdef0123456789abcdef@example.com>",
                "In-Reply-To: <n1@example.net>",
                "References: <r1@example.net>",
                " <n1@example.net>",
                "X-Notyet-Key: notyet.0123456789abcdef0123456789abcdef@example.com",
                "X-Notyet-Invitation: network=example;",
                " name=0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f",
                "Auto-Submitted: auto-replied",
                "X-Auto-Response-Suppress: All",
                "MIME-Version: 1.0",
                "Content-Type: text/plain; charset=utf-8",
                "Content-Transfer-Encoding: quoted-printable",
                "",
                "Hi Jane,",
                "",
                ".hidden",
            ],
        );
    }

    #[test]
    fn another_date_changes_that_field_and_nothing_else() {
        let jane = Address::parse("jane@example.org").unwrap();
        let at = |date| {
            let letter = letter("Re: Hello", "Hi Jane,\n\nDate: none of the header's.\n");
            render(&Frame {
                key: &key(),
                identity: ("example", &identity()),
                from: ("Olga Owner", &own()),
                to: Some(("Jane Doe", &jane)),
                letter: &letter,
                in_reply_to: Some(&id("n1@example.net")),
                references: &[],
                date,
                purpose: Purpose::Send,
            })
            .unwrap()
        };
        let later = Timestamp::from_unix_s(1_741_099_999);
        assert_ne!(at(DATE), at(later));
        assert_eq!(dated(&at(DATE), later), at(later));
    }

    #[test]
    fn draft_without_route_has_no_recipient_and_no_mark_of_a_robot() {
        let paragraph =
            "Thank you for thinking of me, Zoë; I keep my network small so that I know everyone in it well.";
        golden(
            &Frame {
                key: &key(),
                identity: ("example", &identity()),
                from: ("Jörg Müller", &own()),
                to: None,
                letter: &letter("Grüße", paragraph),
                in_reply_to: None,
                references: &[],
                date: DATE,
                purpose: Purpose::Draft,
            },
            &[
                "From: =?utf-8?b?SsO2cmcgTcO8bGxlcg==?= <owner@example.com>",
                "Subject: =?utf-8?b?R3LDvMOfZQ==?=",
                "Date: Tue, 04 Mar 2025 05:06:07 +0000",
                "Message-ID: <notyet.0123456789abcdef0123456789abcdef@example.com>",
                "X-Notyet-Key: notyet.0123456789abcdef0123456789abcdef@example.com",
                "X-Notyet-Invitation: network=example;",
                " name=0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f",
                "MIME-Version: 1.0",
                "Content-Type: text/plain; charset=utf-8",
                "Content-Transfer-Encoding: quoted-printable",
                "",
                "Thank you for thinking of me, Zo=C3=AB; I keep my network small so that I k=",
                "now everyone in it well.",
            ],
        );
    }

    #[test]
    fn long_threads_keep_their_start_and_their_end() {
        let references: Vec<MessageId> =
            (0..200).map(|n| id(&format!("{n}.{}@example.net", "x".repeat(60)))).collect();
        let parent = id("parent@example.net");
        let kept = thread(&references, Some(&parent));
        assert_eq!(kept.first().unwrap(), &references[0].bracketed());
        assert_eq!(kept.last().unwrap(), "<parent@example.net>");
        assert_eq!(kept[kept.len() - 2], references[199].bracketed());
        assert!(kept.join(" ").len() + "References: ".len() <= REFERENCES_MAX_BYTES);
        assert!(kept.len() > 8, "room was left unused: {}", kept.len());
    }

    #[test]
    fn thread_names_each_mail_once_and_the_parent_last() {
        let parent = id("p@example.net");
        let references = [id("a@example.net"), parent.clone(), id("a@example.net")];
        assert_eq!(thread(&references, Some(&parent)), ["<a@example.net>", "<p@example.net>"]);
        assert_eq!(thread(&references, None).len(), 2);
        assert!(thread(&[], None).is_empty());
    }

    #[test]
    fn message_id_stays_the_same_and_parses() {
        let made = message_id(&key(), &own());
        assert_eq!(id(made.as_str()), made);
        let odd = InvitationKey(format!("{}\r\nBcc: <x@y>", "k".repeat(500)));
        let made = message_id(&odd, &own());
        assert_eq!(id(made.as_str()), made);
    }

    #[test]
    fn dates_out_of_range_do_not_stop_a_letter() {
        for seconds in [i64::MIN, -1, 0, i64::MAX] {
            let bytes = render(&Frame {
                key: &key(),
                identity: ("example", &identity()),
                from: ("O", &own()),
                to: None,
                letter: &letter("s", "b"),
                in_reply_to: None,
                references: &[],
                date: Timestamp::from_unix_s(seconds),
                purpose: Purpose::Draft,
            })
            .unwrap();
            let year = if seconds > 0 { "9999" } else { "1970" };
            assert!(String::from_utf8(bytes).unwrap().contains(&format!(" {year} ")));
        }
    }

    #[test]
    fn a_letter_to_send_becomes_the_draft_it_would_have_been() {
        let jane = Address::parse("jane@example.org").unwrap();
        let letter = letter("s", "Auto-Submitted: auto-replied\n\nmore");
        let rendered = |purpose| {
            render(&Frame {
                key: &key(),
                identity: ("example", &identity()),
                from: ("O", &own()),
                to: Some(("Jane", &jane)),
                letter: &letter,
                in_reply_to: None,
                references: &[],
                date: DATE,
                purpose,
            })
            .unwrap()
        };
        assert_ne!(rendered(Purpose::Send), rendered(Purpose::Draft));
        assert_eq!(as_draft(&rendered(Purpose::Send)), rendered(Purpose::Draft));
        assert_eq!(as_draft(&rendered(Purpose::Draft)), rendered(Purpose::Draft));
        for purpose in [Purpose::Draft, Purpose::Send] {
            assert_eq!(as_sent(&rendered(purpose)), rendered(Purpose::Send), "{purpose:?}");
        }
    }

    /// Renders with `name` as both display names and checks what a reader sees.
    fn check_hostile(name: &str, subject: &str, body: &str) {
        let jane = Address::parse("jane.o'neil+x@example.org").unwrap();
        let bytes = render(&Frame {
            key: &key(),
            identity: ("example", &identity()),
            from: (name, &own()),
            to: Some((name, &jane)),
            letter: &letter(subject, body),
            in_reply_to: Some(&id("n1@example.net")),
            references: &[],
            date: DATE,
            purpose: Purpose::Send,
        })
        .unwrap();
        assert!(bytes.is_ascii(), "no 8BITMIME needed");
        let wire = String::from_utf8(bytes.clone()).unwrap();
        assert!(!wire.replace("\r\n", "").contains(['\r', '\n']), "only CRLF");
        for line in wire.split("\r\n") {
            assert!(line.len() <= 998, "{} bytes in a line", line.len());
        }
        // RFC 2045 §6.7 (3) and (5).
        for line in wire.split_once("\r\n\r\n").unwrap().1.split("\r\n") {
            assert!(line.len() <= 76 && !line.ends_with([' ', '\t']), "{line:?}");
        }
        assert_eq!(trace::author(&RawMail(bytes.clone())), Some(own()), "the envelope sender");
        let mail = mailparse::parse_mail(&bytes).unwrap();
        let names: Vec<String> = mail.headers.iter().map(|h| h.get_key()).collect();
        assert_eq!(
            names,
            [
                "From",
                "To",
                "Subject",
                "Date",
                "Message-ID",
                "In-Reply-To",
                "References",
                KEY_HEADER,
                trace::IDENTITY_HEADER,
                "Auto-Submitted",
                "X-Auto-Response-Suppress",
                "MIME-Version",
                "Content-Type",
                "Content-Transfer-Encoding"
            ]
        );
        for field in ["From", "To"] {
            let header = mail.headers.get_first_header(field).unwrap();
            let list = mailparse::addrparse_header(header).unwrap();
            let one = list.extract_single_info().unwrap();
            assert!(one.addr == "owner@example.com" || one.addr == jane.to_string());
            // The parser used here drops blanks at the end of a quoted name.
            let shown = one.display_name.unwrap_or_default();
            assert_eq!(shown.trim(), single_line(name, NAME_MAX_CHARS));
        }
        let shown = mail.headers.get_first_value("Subject").unwrap();
        assert_eq!(shown.trim(), single_line(subject, SUBJECT_MAX_CHARS));
        assert_eq!(mail.get_body().unwrap(), format!("{}\r\n", text(body)));
    }

    #[test]
    fn hostile_names_stay_names() {
        for name in [
            "",
            " ",
            "a\r\nBcc: victim@example.org",
            "a\nb\u{2028}c\0d",
            "\"Quote\" \\ <x@example.org>, Other",
            "=?utf-8?q?a=0D=0AX-Evil:_1?=",
            "name (comment) [x]; group: a@example.org;",
            "\u{202e}evil",
            "日本語の名前",
            "Ünï 🦀 \"q\"",
            &"x".repeat(10_000),
            &"é ".repeat(5_000),
            &"\"".repeat(10_000),
            &"\\".repeat(10_000),
        ] {
            check_hostile(name, name, name);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]
        #[test]
        fn whatever_goes_in_comes_back_as_one_name_one_subject_one_body(
            name in "(?s).{0,60}", subject in "(?s).{0,300}", body in "(?s).{0,400}",
        ) {
            check_hostile(&name, &subject, &body);
        }

        #[test]
        fn lines_of_dots_blanks_and_equals_survive(
            body in "[ .=\\t\\r\\nFrom>-]{0,300}", name in "[ \"\\\\<>@,;:=?()a\\r\\n.]{0,80}",
        ) {
            check_hostile(&name, &name, &body);
        }
    }
}
