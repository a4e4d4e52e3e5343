//! Who passed a mail on, or made it, if no person did: a machine, a mailing
//! list, a server that gives a mail back. Told by header fields alone.

use crate::domain::Mail;
use crate::domain::address::is_within;

/// Who has left a mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// A machine answered or wrote.
    Machine,
    /// A program passed it on and marked it against loops; a person may have written it.
    Forwarder,
    /// Somebody wrote to many.
    Bulk,
    /// A list; a person may have written to it.
    List,
    /// A server gives a mail back, or reports on one.
    Bounce,
}

/// The fields that tell a machine's mail or a bounce from a person's.
pub const FIELDS: [&str; 9] = [
    "Auto-Submitted",
    "Content-Type",
    "Precedence",
    "Return-Path",
    "X-Auto-Response-Suppress",
    "X-Autoreply",
    "X-Autorespond",
    "X-Autoresponder",
    "X-Failed-Recipients",
];

/// Fields that only a mailing list manager adds.
const LIST_MANAGERS: [&str; 7] = [
    "List-Id",
    "List-Post",
    "Mailing-List",
    "X-Mailing-List",
    "X-BeenThere",
    "X-Mailman-Version",
    "X-Google-Group-Id",
];

/// Words of X-Auto-Response-Suppress (MS-OXCMAIL) that ask for no report on the
/// delivery or the reading of a mail, as a person may. The others, OOF, AutoReply
/// and All, ask for no answer by machine: so do out-of-office notices of Exchange.
const REPORTS: [&str; 5] = ["none", "dr", "ndr", "rn", "nrn"];

/// The marks in `mail`, top first, each with its field.
pub fn marks(mail: &Mail) -> impl Iterator<Item = (By, &str)> {
    mail.headers.iter().filter_map(|(name, value)| Some((mark(name, value)?, name.as_str())))
}

/// RFC 3834 §5 and §2, and what machines wrote before it.
fn mark(name: &str, value: &str) -> Option<By> {
    let first = first_word(value);
    match name.to_ascii_lowercase().as_str() {
        "auto-submitted" => (first != "no").then_some(By::Machine),
        "precedence" => match first.as_str() {
            "auto_reply" => Some(By::Machine),
            "bulk" | "junk" => Some(By::Bulk),
            "list" => Some(By::List),
            _ => None,
        },
        "x-auto-response-suppress" => {
            let asks = |word| !REPORTS.contains(&first_word(word).as_str());
            value.split(',').any(asks).then_some(By::Machine)
        }
        "x-autoreply" | "x-autorespond" | "x-autoresponder" | "x-failed-recipients" => Some(By::Machine),
        "x-loop" => Some(By::Forwarder),
        "return-path" => is_null_path(value).then_some(By::Bounce),
        "content-type" => (first == "multipart/report").then_some(By::Bounce),
        field if field.starts_with("list-") => Some(By::List),
        _ => None,
    }
}

/// The field that shows that a mailing list passed `mail` on. A host below one of
/// `own` at the end of such a field is the sender's word for its own mail.
pub fn list_manager<'a>(mail: &'a Mail, own: &[String]) -> Option<&'a str> {
    let of_a_manager = |name: &str, value: &str| {
        LIST_MANAGERS.iter().any(|field| field.eq_ignore_ascii_case(name))
            // RFC 2369 §3.4: NO, for a list that nobody can write to.
            && (!name.eq_ignore_ascii_case("List-Post") || value.to_ascii_lowercase().contains("mailto:"))
            && !last_host(value).is_some_and(|host| own.iter().any(|domain| is_within(host, domain)))
    };
    mail.headers.iter().find(|(name, value)| of_a_manager(name, value)).map(|(name, _)| name.as_str())
}

/// What comes last in `value`, or in its last angle brackets (RFC 2919 §3), and
/// looks like a host.
fn last_host(value: &str) -> Option<&str> {
    let id = value.rsplit_once('<').and_then(|(_, rest)| rest.split('>').next()).unwrap_or(value);
    id.rsplit(|c: char| !(c.is_ascii_alphanumeric() || c == '.' || c == '-')).find(|word| word.contains('.'))
}

/// The value up to its first parameter, comment or blank, in lower case.
fn first_word(value: &str) -> String {
    value
        .trim_start()
        .split(|c: char| c == ';' || c == '(' || c == ',' || c.is_whitespace())
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase()
}

/// `<>` (RFC 5321 §4.5.5): a bounce.
fn is_null_path(value: &str) -> bool {
    let inner: String = value.chars().filter(|c| !c.is_whitespace()).collect();
    inner == "<>"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stages::parse::parse_header;

    #[test]
    fn every_field_that_tells_is_asked_for() {
        for (name, value) in [
            ("Auto-Submitted", "auto-replied"),
            ("Content-Type", "multipart/report"),
            ("Precedence", "bulk"),
            ("Return-Path", "<>"),
            ("X-Auto-Response-Suppress", "All"),
            ("X-Autoreply", "x"),
            ("X-Autorespond", "x"),
            ("X-Autoresponder", "x"),
            ("X-Failed-Recipients", "x"),
        ] {
            assert!(FIELDS.contains(&name));
            let mail = parse_header(format!("From: <a@b.example>\r\n{name}: {value}\r\n\r\n").as_bytes());
            assert_eq!(marks(&mail.unwrap()).count(), 1, "{name}");
        }
    }

    #[test]
    fn the_host_at_the_end_says_whose_list_it_is() {
        for (value, own) in [
            ("<invites.acquaint.example>", true),
            ("Invites <acquaint.example> ", true),
            ("<mailto:a@mail.Acquaint.example>", true),
            ("Acquaint.com <invites.acquaint.example> (Acquaint Inc.)", true),
            ("acquaint.example <invites.example.net> (acquaint.example)", false),
            ("members of acquaint.example", true),
            ("members of-acquaint.example", false),
            ("acquaint.example@lists.example.net", false),
            ("<acquaint.example.lists.example.net>", false),
            ("<lookacquaint.example>", false),
            ("2.1.39", false),
            ("17", false),
            ("", false),
        ] {
            let header = format!("From: <a@b.example>\r\nX-BeenThere: {value}\r\n\r\n");
            let mail = parse_header(header.as_bytes()).unwrap();
            assert_eq!(list_manager(&mail, &["acquaint.example".to_owned()]).is_none(), own, "{value}");
            assert_eq!(list_manager(&mail, &[]), Some("X-BeenThere"), "{value}");
        }
    }
}
