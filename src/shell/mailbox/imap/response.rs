//! What a server says, as values (RFC 9051 §7).
//!
//! Status lines are read here, since `imap_proto` drops every response code
//! it does not know and panics on a letter beyond ASCII right behind one. The
//! grammar of FETCH, LIST, STATUS and SEARCH is its own.

use std::collections::BTreeSet;

use async_imap::imap_proto::{
    self, AttributeValue, MailboxDatum, MessageSection, NameAttribute, SectionPath, StatusAttribute,
};

use super::frame::Frame;
use crate::domain::Timestamp;
use crate::shell::mailbox::{Marks, Uid};

/// One response.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Response {
    /// `A1 OK …`: the end of the command with that tag.
    Tagged {
        tag: String,
        status: Status,
        text: Text,
    },
    /// `+ …`: go on. The text may be a challenge in base64.
    Continue(Vec<u8>),
    /// `* OK …`, `* NO …`, `* BAD …`.
    Status(Status, Text),
    /// `* PREAUTH …`.
    PreAuth(Text),
    /// `* BYE …`.
    Bye(Text),
    Capability(Capabilities),
    Exists(u32),
    Expunge,
    Fetch(Fetched),
    List(Listed),
    MailboxStatus(MailboxStatus),
    Search(Vec<Uid>),
    /// A FETCH that cannot be read, or tells nothing of what was asked: that mail would be missing.
    Unreadable,
    /// A SEARCH that cannot be read: what was looked for would seem not to be there.
    UnreadableSearch,
    /// Untagged data we have no use for.
    Other,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    Ok,
    No,
    Bad,
}

impl Status {
    /// As it stands on the wire.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::No => "NO",
            Self::Bad => "BAD",
        }
    }
}

/// The part of a status line behind its status word.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Text {
    pub(super) code: Option<Code>,
    /// For people. Never decide on it, save in [`Text::sounds_temporary`].
    pub(super) words: String,
}

/// Response codes that matter to us (RFC 9051 §7.1, RFC 5530).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Code {
    AuthenticationFailed,
    AuthorizationFailed,
    Capability(Capabilities),
    ContactAdmin,
    Expired,
    InUse,
    Limit,
    NonExistent,
    NoPerm,
    OverQuota,
    PrivacyRequired,
    ServerBug,
    TooBig,
    TryCreate,
    UidNext(u32),
    UidValidity(u32),
    Unavailable,
    /// Its name.
    Other(String),
}

/// What a server can do; names in upper case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Capabilities(BTreeSet<String>);

impl Capabilities {
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains(name)
    }

    fn parse(words: &str) -> Self {
        Self(words.split_ascii_whitespace().map(str::to_ascii_uppercase).collect())
    }
}

/// What a FETCH tells of one message.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Fetched {
    pub(super) uid: Option<Uid>,
    pub(super) size_bytes: Option<u64>,
    pub(super) arrived: Option<Timestamp>,
    pub(super) marks: Option<Marks>,
    /// `\Deleted` is among the flags it tells.
    pub(super) deleted: bool,
    pub(super) header: Option<Vec<u8>>,
    pub(super) body: Option<Vec<u8>>,
}

/// One mailbox of a LIST.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Listed {
    /// In modified UTF-7, as it came.
    pub(super) name: String,
    pub(super) delimiter: Option<String>,
    pub(super) usable: Usable,
    pub(super) task: Option<Task>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Usable {
    Yes,
    /// `\Noselect` or `\NonExistent`: a name in the hierarchy and no more.
    NameOnly,
}

/// A special use (RFC 6154) that we look for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Task {
    Drafts,
    Sent,
}

/// The answer to STATUS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct MailboxStatus {
    pub(super) messages: Option<u32>,
    pub(super) uid_next: Option<u32>,
    pub(super) uid_validity: Option<u32>,
}

impl Code {
    fn parse(inside: &str) -> Self {
        let (name, argument) = inside.split_once(' ').unwrap_or((inside, ""));
        let number = || argument.trim().parse().ok();
        let name = name.to_ascii_uppercase();
        match name.as_str() {
            "AUTHENTICATIONFAILED" => Self::AuthenticationFailed,
            "AUTHORIZATIONFAILED" => Self::AuthorizationFailed,
            "CAPABILITY" => Self::Capability(Capabilities::parse(argument)),
            "CONTACTADMIN" => Self::ContactAdmin,
            "EXPIRED" => Self::Expired,
            "INUSE" => Self::InUse,
            "LIMIT" => Self::Limit,
            "NONEXISTENT" => Self::NonExistent,
            "NOPERM" => Self::NoPerm,
            "OVERQUOTA" => Self::OverQuota,
            "PRIVACYREQUIRED" => Self::PrivacyRequired,
            "SERVERBUG" => Self::ServerBug,
            "TOOBIG" => Self::TooBig,
            "TRYCREATE" => Self::TryCreate,
            "UNAVAILABLE" => Self::Unavailable,
            "UIDNEXT" => number().map_or(Self::Other(name), Self::UidNext),
            "UIDVALIDITY" => number().map_or(Self::Other(name), Self::UidValidity),
            _ => Self::Other(name),
        }
    }
}

impl Text {
    fn parse(text: &str) -> Self {
        let text = text.trim();
        let coded = text.strip_prefix('[').and_then(|inside| inside.split_once(']'));
        match coded {
            Some((code, words)) => Self { code: Some(Code::parse(code)), words: words.trim().to_owned() },
            None => Self { code: None, words: text.to_owned() },
        }
    }

    /// The server says that it will pass: by code where there is one that
    /// decides (RFC 5530 §3), else by the words of servers that send none.
    pub(super) fn sounds_temporary(&self) -> bool {
        match &self.code {
            Some(Code::Unavailable | Code::InUse | Code::ServerBug | Code::Limit) => true,
            None | Some(Code::Other(_)) => {
                let words = self.words.to_ascii_lowercase();
                ["temporar", "try again", "too many", "unavailable", "internal error"]
                    .iter()
                    .any(|hint| words.contains(hint))
            }
            Some(_) => false,
        }
    }

    /// For a message to the owner: code and words, without anything that
    /// could be an address, without controls, and not long.
    pub(super) fn for_message(&self) -> String {
        format!("{}\"{}\"", self.code_for_message(), plain(&self.words, 120))
    }

    /// `[CODE] `, or nothing.
    pub(super) fn code_for_message(&self) -> String {
        match &self.code {
            Some(Code::Other(name)) => format!("[{}] ", plain(name, 30)),
            Some(Code::Capability(_)) | None => String::new(),
            Some(code) => format!("[{}] ", format!("{code:?}").to_ascii_uppercase()),
        }
    }
}

fn plain(text: &str, letters: usize) -> String {
    let words: Vec<&str> =
        text.split_whitespace().map(|word| if word.contains('@') { "***" } else { word }).collect();
    words.join(" ").chars().filter(|letter| !letter.is_control()).take(letters).collect()
}

/// Reads one response. `None` when it is neither tagged, nor untagged, nor `+`.
pub(super) fn parse(frame: &Frame) -> Option<Response> {
    let line = String::from_utf8_lossy(&frame.skeleton);
    let line = line.trim_end_matches(['\r', '\n']);
    if let Some(rest) = line.strip_prefix('+') {
        return Some(Response::Continue(rest.trim().as_bytes().to_vec()));
    }
    let (tag, rest) = line.split_once(' ')?;
    let (word, text) = rest.split_once(' ').unwrap_or((rest, ""));
    let word = word.to_ascii_uppercase();
    let status = match word.as_str() {
        "OK" => Some(Status::Ok),
        "NO" => Some(Status::No),
        "BAD" => Some(Status::Bad),
        _ => None,
    };
    if tag != "*" {
        return Some(Response::Tagged { tag: tag.to_owned(), status: status?, text: Text::parse(text) });
    }
    if let Some(status) = status {
        return Some(Response::Status(status, Text::parse(text)));
    }
    Some(match word.as_str() {
        "BYE" => Response::Bye(Text::parse(text)),
        "PREAUTH" => Response::PreAuth(Text::parse(text)),
        "CAPABILITY" => Response::Capability(Capabilities::parse(text)),
        "LIST" | "STATUS" => data(frame),
        "SEARCH" => match data(frame) {
            Response::Other => Response::UnreadableSearch,
            read => read,
        },
        _ => numbered(frame, &word, text),
    })
}

/// `* 12 EXISTS`, `* 12 FETCH (…)` and their like.
fn numbered(frame: &Frame, number: &str, text: &str) -> Response {
    let Ok(number) = number.parse::<u32>() else {
        return Response::Other;
    };
    let kind = text.split(' ').next().unwrap_or_default();
    match kind.to_ascii_uppercase().as_str() {
        "EXISTS" => Response::Exists(number),
        "EXPUNGE" => Response::Expunge,
        "FETCH" if is_safe_to_parse(&frame.skeleton) => match data(frame) {
            Response::Other => Response::Unreadable,
            read => read,
        },
        "FETCH" => Response::Unreadable,
        _ => Response::Other,
    }
}

/// `imap_proto` recurses for every bracket of a BODYSTRUCTURE and unwraps the
/// date of INTERNALDATE; we ask for no structure, and a date is never NIL
/// (RFC 9051 §9, `msg-att-static`).
fn is_safe_to_parse(skeleton: &[u8]) -> bool {
    let text = String::from_utf8_lossy(skeleton).to_ascii_uppercase();
    !["BODYSTRUCTURE (", "BODY (", "ENVELOPE (", "INTERNALDATE NIL"].iter().any(|trap| text.contains(trap))
}

fn data(frame: &Frame) -> Response {
    match imap_proto::Response::parse(&frame.bytes) {
        Ok((_, imap_proto::Response::Fetch(_, attributes))) => {
            fetched(attributes).map_or(Response::Unreadable, Response::Fetch)
        }
        Ok((_, imap_proto::Response::MailboxData(datum))) => match datum {
            MailboxDatum::List(mailbox) => Response::List(listed(&mailbox, frame)),
            MailboxDatum::Search(uids) => Response::Search(uids),
            MailboxDatum::Status { status, .. } => Response::MailboxStatus(mailbox_status(&status)),
            _ => Response::Other,
        },
        _ => Response::Other,
    }
}

/// `None` where a section is NIL: the server has not told what is in it, which
/// is neither an empty one nor a message that is gone.
fn fetched(attributes: Vec<AttributeValue<'_>>) -> Option<Fetched> {
    let mut fetched = Fetched::default();
    for attribute in attributes {
        match attribute {
            AttributeValue::Uid(uid) => fetched.uid = Some(uid),
            AttributeValue::Flags(flags) => {
                let has = |name: &str| flags.iter().any(|flag| flag.eq_ignore_ascii_case(name));
                fetched.marks = Some(Marks { seen: has("\\Seen"), flagged: has("\\Flagged") });
                fetched.deleted = has("\\Deleted");
            }
            AttributeValue::Rfc822Size(size) => fetched.size_bytes = Some(size.into()),
            AttributeValue::InternalDate(date) => fetched.arrived = internal_date(&date),
            AttributeValue::BodySection { section, data, .. } => {
                let data = data?.into_owned();
                match section {
                    None => fetched.body = Some(data),
                    Some(SectionPath::Full(MessageSection::Header)) => fetched.header = Some(data),
                    Some(_) => {}
                }
            }
            _ => {}
        }
    }
    Some(fetched)
}

/// ` 7-Feb-1994 22:43:04 -0800` (RFC 9051 §9, `date-time`).
fn internal_date(text: &str) -> Option<Timestamp> {
    let zoned = jiff::fmt::strtime::parse("%d-%b-%Y %H:%M:%S %z", text.trim()).ok()?;
    Some(Timestamp::from_unix_s(zoned.to_timestamp().ok()?.as_second()))
}

fn listed(mailbox: &imap_proto::MailboxListData<'_>, frame: &Frame) -> Listed {
    let mut task = None;
    let mut usable = Usable::Yes;
    for attribute in &mailbox.name_attributes {
        match attribute {
            NameAttribute::Drafts => task = Some(Task::Drafts),
            NameAttribute::Sent => task = Some(Task::Sent),
            NameAttribute::NoSelect => usable = Usable::NameOnly,
            NameAttribute::Extension(name) if name.eq_ignore_ascii_case("\\NonExistent") => {
                usable = Usable::NameOnly;
            }
            _ => {}
        }
    }
    let quoted = frame.bytes.len() == frame.skeleton.len();
    Listed {
        name: if quoted { unescaped(&mailbox.name) } else { mailbox.name.to_string() },
        delimiter: mailbox.delimiter.as_deref().map(unescaped),
        usable,
        task,
    }
}

/// `imap_proto` leaves the backslashes of a quoted string in.
fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        plain.push(match letter {
            '\\' => letters.next().unwrap_or('\\'),
            letter => letter,
        });
    }
    plain
}

fn mailbox_status(attributes: &[StatusAttribute]) -> MailboxStatus {
    let mut status = MailboxStatus::default();
    for attribute in attributes {
        match attribute {
            StatusAttribute::Messages(n) => status.messages = Some(*n),
            StatusAttribute::UidNext(n) => status.uid_next = Some(*n),
            StatusAttribute::UidValidity(n) => status.uid_validity = Some(*n),
            _ => {}
        }
    }
    status
}

#[cfg(test)]
mod tests {
    use super::super::frame::Framer;
    use super::*;

    fn read(bytes: &[u8]) -> Response {
        let mut framer = Framer::default();
        framer.room().extend_from_slice(bytes);
        let frame = framer.take().expect("small").expect("whole");
        parse(&frame).expect("a response")
    }

    #[test]
    fn every_code_that_decides_something_is_read() {
        let no = |text: &str| match read(format!("A1 NO {text}\r\n").as_bytes()) {
            Response::Tagged { text, .. } => text,
            other => panic!("{other:?}"),
        };
        assert_eq!(no("[OVERQUOTA] full").code, Some(Code::OverQuota));
        assert_eq!(no("[trycreate] no such").code, Some(Code::TryCreate));
        assert_eq!(no("[X-OWN 1 2] hm").code, Some(Code::Other("X-OWN".into())));
        assert_eq!(no("plain").code, None);
        assert!(no("[UNAVAILABLE] later").sounds_temporary());
        assert!(no("[ALERT] Too many simultaneous connections").sounds_temporary());
        assert!(!no("[AUTHENTICATIONFAILED] temporarily wrong").sounds_temporary());
    }

    #[test]
    fn a_letter_beyond_ascii_behind_a_code_is_only_text() {
        let Response::Status(_, text) = read("* OK [ALERT]é\r\n".as_bytes()) else {
            panic!("no status");
        };
        assert_eq!(text.words, "é");
    }

    #[test]
    fn words_for_messages_hold_no_address() {
        let text = Text::parse("[AUTHENTICATIONFAILED] Bad user me@example.com\u{7}");
        assert_eq!(text.for_message(), "[AUTHENTICATIONFAILED] \"Bad user ***\"");
    }

    #[test]
    fn traps_for_the_grammar_never_reach_it() {
        assert_eq!(read(b"* 1 FETCH (INTERNALDATE NIL)\r\n"), Response::Unreadable);
        let mut deep = b"* 1 FETCH (BODYSTRUCTURE ".to_vec();
        deep.resize(200_000, b'(');
        deep.extend_from_slice(b"\r\n");
        assert_eq!(read(&deep), Response::Unreadable);
    }

    #[test]
    fn fetch_is_read_in_any_order_and_with_quoted_field_names() {
        let Response::Fetch(fetched) = read(
            b"* 3 FETCH (BODY[HEADER.FIELDS (\"FROM\" \"SUBJECT\")]<0> {4}\r\na: b \
              INTERNALDATE \" 7-Feb-1994 22:43:04 -0800\" RFC822.SIZE 44 UID 9 FLAGS (\\Seen))\r\n",
        ) else {
            panic!("no fetch");
        };
        assert_eq!(fetched.uid, Some(9));
        assert_eq!(fetched.size_bytes, Some(44));
        assert_eq!(fetched.header.as_deref(), Some(&b"a: b"[..]));
        assert_eq!(fetched.arrived, Some(Timestamp::from_unix_s(760_689_784)));
    }

    #[test]
    fn lists_know_lower_case_tasks_and_names_with_quotes() {
        assert_eq!(
            read(b"* LIST (\\hasnochildren \\drafts) \".\" \"In \\\"work\"\r\n"),
            Response::List(Listed {
                name: "In \"work".into(),
                delimiter: Some(".".into()),
                usable: Usable::Yes,
                task: Some(Task::Drafts),
            })
        );
    }

    #[test]
    fn unknown_untagged_data_is_no_error() {
        assert_eq!(read(b"* XNEWS all fine (\r\n"), Response::Other);
        assert_eq!(read(b"* 5 XTHING\r\n"), Response::Other);
    }
}
