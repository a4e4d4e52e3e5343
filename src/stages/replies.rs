//! Mail that answers a letter of ours: a person's reply, a machine's, a bounce.
//! It is never answered; it tells what became of the letter.
//!
//! A letter is found by its Message-ID, which names the invitation. A header
//! is enough for replies. What a report is about stands in its body only
//! (RFC 3464), so that the bodies of reports have to be read.

use super::automatic::{self, By};
use super::mime::KEY_HEADER;
use super::trace::{ID_PREFIX, key_of};
use crate::domain::{AnswerKind, InvitationKey, Mail, MessageId};

/// The fields that tell; From comes with every header.
pub fn fields() -> impl Iterator<Item = &'static str> {
    ["In-Reply-To", "References"].into_iter().chain(automatic::FIELDS)
}

/// What a mailbox can be searched for to find what [`read`] knows: a field, and what it contains.
pub const SEARCHED: [(&str, &str); 4] = [
    ("In-Reply-To", ID_PREFIX),
    ("References", ID_PREFIX),
    ("Content-Type", "multipart/report"),
    ("X-Failed-Recipients", "@"),
];

/// Lines of a report that are looked at.
const MAX_LINES: usize = 4_000;
/// Fields of the returned letter, or of the report about it, that name it.
const NAMING_FIELDS: [&str; 4] = ["Message-ID", "Original-Message-ID", "X-Original-Message-ID", KEY_HEADER];

/// What a header shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shown {
    /// It answers the letters of these invitations, as far as there are such letters.
    Answer(AnswerKind, Vec<InvitationKey>),
    /// It reports on some mail; its body tells on which, and what.
    Report,
    /// Neither.
    Nothing,
}

/// What `header` shows of an answer to a letter of ours.
pub fn read(header: &Mail) -> Shown {
    if is_report(header) {
        return Shown::Report;
    }
    let keys: Vec<InvitationKey> = header.references.iter().filter_map(key_of).collect();
    if keys.is_empty() {
        return Shown::Nothing;
    }
    let kind = if is_automatic(header) { AnswerKind::AutoAnswered } else { AnswerKind::Replied };
    Shown::Answer(kind, keys)
}

/// The letters that a report says could not be delivered. A delay, a success
/// and a receipt are not told of: the letter is on its way or there.
pub fn undelivered(header: &Mail, report: &[u8]) -> Vec<InvitationKey> {
    let mut failed = header.header("X-Failed-Recipients").is_some();
    let mut keys = Vec::new();
    let text = String::from_utf8_lossy(report);
    let mut naming = false;
    for line in text.lines().take(MAX_LINES) {
        let folded = line.starts_with([' ', '\t']);
        let (name, value) = match line.split_once(':') {
            Some((name, value)) if !folded => (name.trim(), value),
            _ => ("", line),
        };
        let is = |field: &str| name.eq_ignore_ascii_case(field);
        naming = if folded { naming } else { NAMING_FIELDS.into_iter().any(is) };
        failed |= is("Action") && value.trim().eq_ignore_ascii_case("failed");
        if naming && let Some(key) = MessageId::parse(value).as_ref().and_then(key_of) {
            keys.push(key);
        }
    }
    keys.dedup();
    if failed { keys } else { Vec::new() }
}

/// RFC 3464's `multipart/report` about a delivery, and the form before it.
fn is_report(header: &Mail) -> bool {
    let content_type = header.header("Content-Type").unwrap_or_default().to_ascii_lowercase();
    let reports =
        content_type.starts_with("multipart/report") && !content_type.contains("disposition-notification");
    reports || header.header("X-Failed-Recipients").is_some()
}

/// No person wrote it. What a list or a forwarder adds tells nothing of its writer.
pub fn is_automatic(header: &Mail) -> bool {
    automatic::marks(header).any(|(by, _)| matches!(by, By::Machine | By::Bulk | By::Bounce))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stages::parse::parse_header;

    const ID: &str = "<notyet.0123456789abcdef0123456789abcdef@example.org>";

    fn key() -> InvitationKey {
        InvitationKey("0123456789abcdef0123456789abcdef".into())
    }

    fn header(fields: &str) -> Mail {
        parse_header(format!("From: <ann@example.com>\r\n{fields}\r\n\r\n").as_bytes()).unwrap()
    }

    #[test]
    fn a_reply_is_known_by_the_thread_and_a_machine_by_its_marks() {
        let answer = |kind| Shown::Answer(kind, vec![key()]);
        let (replied, machine) = (answer(AnswerKind::Replied), answer(AnswerKind::AutoAnswered));
        for (fields, shown) in [
            (format!("In-Reply-To: {ID}"), &replied),
            (format!("References: <a@b.example>\r\n {ID} <c@d.example>"), &replied),
            (format!("In-Reply-To: {ID}\r\nAuto-Submitted: no"), &replied),
            (format!("In-Reply-To: {ID}\r\nAuto-Submitted: auto-replied (vacation)"), &machine),
            (format!("In-Reply-To: {ID}\r\nAuto-Submitted: no (a person)"), &replied),
            (format!("In-Reply-To: {ID}\r\nX-Auto-Response-Suppress: DR, RN, NRN"), &replied),
            (format!("In-Reply-To: {ID}\r\nX-Auto-Response-Suppress: None"), &replied),
            (format!("In-Reply-To: {ID}\r\nX-Auto-Response-Suppress: DR, OOF, AutoReply"), &machine),
            (format!("In-Reply-To: {ID}\r\nX-Auto-Response-Suppress: All"), &machine),
            (format!("In-Reply-To: {ID}\r\nReturn-Path: <>"), &machine),
            (format!("In-Reply-To: {ID}\r\nReturn-Path: <ann@example.com>"), &replied),
            (format!("In-Reply-To: {ID}\r\nPrecedence: list\r\nX-Loop: ann@example.com"), &replied),
            (format!("In-Reply-To: {ID}\r\nList-Id: <a.example.com>"), &replied),
            (format!("In-Reply-To: {ID}\r\nPrecedence: auto_reply"), &machine),
            (format!("References: {ID}\r\nPrecedence: bulk"), &machine),
            (format!("References: {ID}\r\nX-Autoreply: yes"), &machine),
            (
                format!(
                    "References: {ID}\r\nContent-Type: multipart/report; report-type=disposition-notification"
                ),
                &machine,
            ),
            (format!("Subject: {ID}"), &Shown::Nothing),
            ("In-Reply-To: <notyet.0123@example.org>".to_owned(), &Shown::Nothing),
            ("Content-Type: multipart/report; report-type=delivery-status".to_owned(), &Shown::Report),
            ("X-Failed-Recipients: ann@example.com".to_owned(), &Shown::Report),
        ] {
            assert_eq!(read(&header(&fields)), *shown, "{fields}");
        }
    }

    #[test]
    fn a_report_names_its_letter_only_where_it_failed() {
        let report = header("Content-Type: multipart/report; report-type=delivery-status");
        let body = |action: &str, naming: &str| {
            format!("Final-Recipient: rfc822; ann@example.com\r\nAction: {action}\r\n\r\n{naming}\r\n")
        };
        for naming in [
            format!("Message-ID: {ID}"),
            format!("Original-Message-ID: {ID}"),
            format!("Message-Id:\r\n\t{ID}"),
            "X-Notyet-Key: notyet.0123456789abcdef0123456789abcdef@example.org".to_owned(),
        ] {
            assert_eq!(undelivered(&report, body("failed", &naming).as_bytes()), [key()], "{naming}");
            assert_eq!(undelivered(&report, body("delayed", &naming).as_bytes()), [], "{naming}");
        }
        let other = body("failed", &format!("Subject: {ID}\r\n {ID}\r\nIn-Reply-To: {ID}"));
        assert_eq!(undelivered(&report, other.as_bytes()), []);
        let old = header("X-Failed-Recipients: ann@example.com");
        assert_eq!(undelivered(&old, format!("Message-ID: {ID}").as_bytes()), [key()]);
    }
}
