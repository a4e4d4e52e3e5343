//! Mails that no one may answer by machine, whoever sent them.
//!
//! RFC 3834 §2 forbids automatic answers to automatic mail. A notification is
//! automatic mail itself; answering *it* is what this program is for, so the
//! bulk headers of a network's own mail are the one exception. Everything
//! else, guest mails sent in the inviter's own name above all, is held to
//! the rule, and no exception covers a copy that came through a mailing list.

use crate::domain::{Address, Mail};
use crate::stages::mime::KEY_HEADER;
use crate::stages::trace;

use super::person::is_of_owner;
use super::{Finding, Trust, leave};

/// Fields that only a mailing list manager adds.
const LIST_MANAGER_FIELDS: [&str; 5] =
    ["Mailing-List", "X-Mailing-List", "X-BeenThere", "X-Mailman-Version", "X-Google-Group-Id"];

/// Fields whose mere presence means that a machine answered.
const ROBOT_FIELDS: [&str; 5] =
    ["X-Loop", "X-Autoreply", "X-Autorespond", "X-Autoresponder", "X-Failed-Recipients"];

/// Neither a mail of the owner's nor one of ours.
pub(super) fn not_ours(mail: &Mail, owner: &[Address]) -> Finding {
    if mail.header(KEY_HEADER).is_some() {
        return leave("own-letter", "This mail is a letter of notyet.");
    }
    if mail.references.iter().any(|id| trace::key_of(id).is_some()) {
        return leave("answer-to-ours", "This mail answers a letter of notyet.");
    }
    match &mail.from.address {
        Some(from) if is_of_owner(from, owner) => {
            leave("own-mail", "This mail was sent by the owner of the mailbox.")
        }
        _ => Finding::Pass("neither the owner's nor a letter of ours".to_owned()),
    }
}

/// No list copy, and no automatic mail except the network's own.
pub(super) fn answerable(mail: &Mail, trust: &Trust<'_>) -> Finding {
    if let Some(field) = list_manager(mail) {
        return leave("list-mail", format!("This mail came through a mailing list ({field})."));
    }
    let from = mail.from.address.as_ref().map(Address::domain);
    if from.is_some_and(|domain| trust.is_own(domain)) {
        return Finding::Pass("the network's own notification; its bulk headers are expected".into());
    }
    match robot_sign(mail) {
        Some((code, field)) => leave(code, format!("This mail was sent by a machine or to many ({field}).")),
        None => Finding::Pass("no sign of a machine, a list or a bounce".to_owned()),
    }
}

fn list_manager(mail: &Mail) -> Option<&str> {
    let posts = mail.headers_named("List-Post").any(|value| value.to_ascii_lowercase().contains("mailto:"));
    if posts {
        return Some("List-Post");
    }
    LIST_MANAGER_FIELDS.into_iter().find(|field| mail.header(field).is_some())
}

fn robot_sign(mail: &Mail) -> Option<(&'static str, String)> {
    let automatic = |code, field: &str| Some((code, field.to_owned()));
    for (name, value) in &mail.headers {
        let first = first_word(value);
        let found = match name.to_ascii_lowercase().as_str() {
            "auto-submitted" if first != "no" => automatic("automated-mail", name),
            "precedence" if matches!(first.as_str(), "bulk" | "list" | "junk") => {
                automatic("bulk-mail", name)
            }
            "x-auto-response-suppress" if first != "none" => automatic("automated-mail", name),
            "return-path" if is_null_path(value) => automatic("bounce", name),
            "content-type" if first == "multipart/report" => automatic("bounce", name),
            field if field.starts_with("list-") => automatic("list-mail", name),
            field if ROBOT_FIELDS.iter().any(|f| f.eq_ignore_ascii_case(field)) => {
                automatic("automated-mail", name)
            }
            _ => None,
        };
        if found.is_some() {
            return found;
        }
    }
    None
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
