//! What a letter shows of the invitation it answers, so that it can be told
//! from the letter alone: written into its header, and read back where the
//! ledger was lost. Digests only, as the ledger keeps them.

use super::mime::KEY_HEADER;
use super::parse;
use crate::domain::{Address, Identity, InvitationKey, Mail, MessageId, RawMail, Timestamp};

/// Names every part of the invitation's identity. A reminder may show other
/// parts than the first mail did, and [`KEY_HEADER`] stands for one of them only.
pub const IDENTITY_HEADER: &str = "X-Notyet-Invitation";

/// The fields of a letter to read.
pub const FIELDS: [&str; 7] =
    [KEY_HEADER, IDENTITY_HEADER, "Message-ID", "From", "To", "Date", AUTO_SUBMITTED];

/// What is in front of the key in a Message-ID of ours.
pub const ID_PREFIX: &str = "notyet.";
/// Hex digits of a digest.
const DIGEST_CHARS: usize = 32;
const AUTO_SUBMITTED: &str = "Auto-Submitted";

/// A letter of ours, as its header tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// Whose invitation it answers.
    pub key: InvitationKey,
    /// The network and the identity; `None` in a letter that shows only the key.
    pub invitation: Option<(String, Identity)>,
    /// Its Message-ID, as it was made.
    pub message_id: MessageId,
    /// Its first reader; `None` for a letter to be pasted.
    pub to: Option<Address>,
    /// Its Date field.
    pub written: Option<Timestamp>,
    /// Whether it is marked as sent by a program (RFC 3834 §5).
    pub by: Hand,
}

/// Who was to send a letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hand {
    /// The owner, from Drafts.
    Owner,
    /// notyet itself.
    Notyet,
}

/// The Message-ID of the letter about `key`, its left side.
pub(super) fn id_left(key: &InvitationKey) -> String {
    format!("{ID_PREFIX}{}", key.0)
}

/// How [`KEY_HEADER`] begins in a letter about `key`, whatever address it came
/// from: its domain is the sender's, and senders change with the configuration.
pub fn key_beginning(key: &InvitationKey) -> String {
    format!("{}@", id_left(key))
}

/// The value of [`IDENTITY_HEADER`].
pub(super) fn identity_value(network: &str, identity: &Identity) -> String {
    let part = |name: &str, digest: &Option<String>| digest.as_ref().map(|d| format!("; {name}={d}"));
    [
        Some(format!("network={network}")),
        part("id", &identity.invitation_id),
        part("shared-key", &identity.shared_key),
        part("profile", &identity.profile),
        Some(format!("; name={}", identity.name)),
    ]
    .into_iter()
    .flatten()
    .collect::<String>()
    .replace("; ", ";\r\n ")
}

/// The letter behind `header`; `None` for a mail that is none of ours.
pub fn read(header: &[u8]) -> Option<Trace> {
    let mail = parse::parse_header(header).ok()?;
    // A mail program that keeps no strange field may still have kept the Message-ID.
    let id = mail.header(KEY_HEADER).or_else(|| mail.header("Message-ID"))?;
    let message_id = MessageId::parse(id)?;
    Some(Trace {
        key: key_of(&message_id)?,
        invitation: mail.header(IDENTITY_HEADER).and_then(read_identity),
        message_id,
        to: mail.recipients.first().and_then(|mailbox| mailbox.address.clone()),
        written: mail.date,
        by: hand(&mail),
    })
}

/// Whom `letter` comes from.
pub fn author(letter: &RawMail) -> Option<Address> {
    parse::parse_header(&letter.0).ok()?.from.address
}

/// The mail that `letter` replies to.
pub fn parent(letter: &RawMail) -> Option<MessageId> {
    let mail = parse::parse_header(&letter.0).ok()?;
    mail.header("In-Reply-To").and_then(MessageId::parse)
}

fn hand(mail: &Mail) -> Hand {
    if mail.header(AUTO_SUBMITTED).is_some() { Hand::Notyet } else { Hand::Owner }
}

/// The invitation that a Message-ID of ours names.
pub fn key_of(id: &MessageId) -> Option<InvitationKey> {
    let (left, _) = id.as_str().split_once('@')?;
    let key = left.strip_prefix(ID_PREFIX)?;
    is_digest(key).then(|| InvitationKey(key.to_owned()))
}

/// A digest, or one behind the revision it was found by ([`Identity::invitation_id`]).
fn is_revised(text: &str) -> bool {
    match text.split_once(':') {
        Some((revision, digest)) => revision.parse::<u32>().is_ok() && is_digest(digest),
        None => is_digest(text),
    }
}

fn is_digest(text: &str) -> bool {
    text.len() == DIGEST_CHARS && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

fn read_identity(value: &str) -> Option<(String, Identity)> {
    let (mut network, mut name) = (None, None);
    let mut identity = Identity { invitation_id: None, shared_key: None, profile: None, name: String::new() };
    for part in value.split(';') {
        let (field, text) = part.trim().split_once('=')?;
        let digest = is_digest(text).then(|| text.to_owned());
        let revised = is_revised(text).then(|| text.to_owned());
        match field {
            "network" => network = Some(text.to_owned()),
            "id" => identity.invitation_id = Some(revised?),
            "shared-key" => identity.shared_key = Some(revised?),
            "profile" => identity.profile = Some(digest?),
            "name" => name = Some(digest?),
            // A later notyet may know more parts.
            _ => {}
        }
    }
    identity.name = name?;
    Some((network?, identity))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "0123456789abcdef0123456789abcdef";

    fn letter(fields: &str) -> Option<Trace> {
        read(format!("From: o@example.com\r\n{fields}\r\n\r\n").as_bytes())
    }

    #[test]
    fn an_identity_comes_back_as_it_was_written() {
        let some = Some("f".repeat(DIGEST_CHARS));
        let revised = Some(format!("12:{}", "a".repeat(DIGEST_CHARS)));
        for (invitation_id, shared_key) in
            [(None, None), (some.clone(), None), (None, revised.clone()), (revised, some.clone())]
        {
            let identity =
                Identity { invitation_id, shared_key, profile: some.clone(), name: "0".repeat(DIGEST_CHARS) };
            let value = identity_value("example", &identity);
            let found =
                letter(&format!("{KEY_HEADER}: notyet.{KEY}@example.com\r\n{IDENTITY_HEADER}: {value}"));
            assert_eq!(found.unwrap().invitation, Some(("example".to_owned(), identity)));
            assert!(value.lines().all(|line| line.len() < 78 - IDENTITY_HEADER.len()), "{value}");
        }
    }

    #[test]
    fn a_letter_is_known_by_its_key_or_else_its_message_id() {
        let by_id =
            letter(&format!("Message-ID: <notyet.{KEY}@example.com>\r\nAuto-Submitted: auto-replied"));
        let by_id = by_id.unwrap();
        assert_eq!((by_id.key.0.as_str(), by_id.by, by_id.invitation), (KEY, Hand::Notyet, None));
        let by_key =
            letter(&format!("Message-ID: <new@example.com>\r\n{KEY_HEADER}: notyet.{KEY}@example.com"));
        let by_key = by_key.unwrap();
        assert_eq!((by_key.key.0.as_str(), by_key.by), (KEY, Hand::Owner));
        for other in ["Message-ID: <a@example.com>", "Message-ID: <notyet.12@example.com>", "Subject: x"] {
            assert_eq!(letter(other), None, "{other}");
        }
    }

    #[test]
    fn a_damaged_identity_is_none() {
        let key = format!("{KEY_HEADER}: notyet.{KEY}@example.com");
        let digest = "0".repeat(DIGEST_CHARS);
        let (no_number, a_name) =
            (format!("network=a; id=x:{digest}; name={digest}"), format!("network=a; name=2:{digest}"));
        for damaged in ["", "network=a", "network=a; name=xyz", "name=0", "garbage", &no_number, &a_name] {
            let found = letter(&format!("{key}\r\n{IDENTITY_HEADER}: {damaged}")).unwrap();
            assert_eq!(found.invitation, None, "{damaged}");
        }
    }
}
