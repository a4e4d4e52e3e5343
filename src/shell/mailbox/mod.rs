//! The mailbox port: what a source of mail can be asked, whatever it is.

pub mod imap;
pub mod maildir;

use std::fmt;

use crate::domain::{RawMail, Timestamp};

/// A unique identifier within one mailbox and UIDVALIDITY (RFC 9051 §2.3.1.1).
pub type Uid = u32;

/// How a mailbox is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// EXAMINE: nothing can change, not even flags.
    ReadOnly,
    /// For those who will remember UIDs: the same, or SELECT on a server that
    /// keeps no UIDs for who only looks. That changes no mail either.
    LastingUids,
    /// SELECT.
    ReadWrite,
}

/// The state of a mailbox when it was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opened {
    /// UIDVALIDITY; 0 when the server gave none: UIDs are then good for this session only.
    pub uid_validity: u32,
    /// The UID the next mail will get at least.
    pub uid_next: Uid,
    /// How many messages there are.
    pub exists: u32,
}

/// What is known of a message without its body.
#[derive(Clone, PartialEq, Eq)]
pub struct Envelope {
    /// Its UID.
    pub uid: Uid,
    /// Its size (RFC822.SIZE).
    pub size_bytes: u64,
    /// When it arrived here (INTERNALDATE), not what its Date header says.
    pub arrived: Option<Timestamp>,
    /// The header fields that were asked for, as bytes.
    pub header: Vec<u8>,
}

impl fmt::Debug for Envelope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Envelope(uid {}, {} bytes)", self.uid, self.size_bytes)
    }
}

/// One body, or why there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// The whole message.
    Whole(RawMail),
    /// Larger than the cap: not fetched.
    TooLarge {
        /// RFC822.SIZE.
        size_bytes: u64,
    },
    /// Not there any more (expunged meanwhile).
    Gone,
}

/// Folders with a task (RFC 6154).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SpecialFolders {
    /// Where drafts are kept.
    pub drafts: Option<String>,
    /// Where sent mail is kept.
    pub sent: Option<String>,
}

/// Which of the two own folders is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Folder {
    /// The Drafts folder; messages get `\Draft \Seen`.
    Drafts,
    /// The Sent folder; messages get `\Seen`.
    Sent,
}

/// A letter that answers an invitation, as a folder shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The letter that was looked for, by the field that names it.
    Named,
    /// A mail without that field which replies to the invitation's mail: the
    /// owner wrote it, or their mail program dropped the field.
    ByHand,
}

/// How a folder answers an invitation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Survey {
    /// The letters that are looked for, by the field that names them.
    pub named: Vec<Sighting>,
    /// Whether there is a mail without that field which replies to the invitation's mail.
    pub by_hand: bool,
}

/// A letter of ours as its folder shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// Its UID, of the time when it was seen.
    pub uid: Uid,
    /// `\Flagged`.
    pub flagged: bool,
    /// `\Deleted`: gone to its owner, though not yet from the folder.
    pub deleted: bool,
}

impl Survey {
    /// The answer it shows; our letter goes before a mail by hand.
    pub fn answer(&self) -> Option<Answer> {
        if self.named.is_empty() { self.by_hand.then_some(Answer::ByHand) } else { Some(Answer::Named) }
    }
}

/// What `resolve_append` found out about an APPEND whose answer was never recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AppendTrace {
    /// The message is there.
    There,
    /// It is shown that it was never appended.
    Never,
    /// It is not there, but may have been.
    Unclear,
}

/// The flags of a message that we may change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// `\Seen`.
    pub seen: bool,
    /// `\Flagged`.
    pub flagged: bool,
}

/// A message that may be changed now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spot {
    /// Its UID in the folder that is open.
    pub uid: Uid,
    /// Its flags.
    pub marks: Marks,
}

/// How one message gets to another folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moving {
    /// In one step.
    Move,
    /// By a copy and the removal of the original.
    CopyAndRemove,
    /// Not without touching other mail.
    Not,
}

/// What came of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is made, or the message is gone.
    Made,
    /// There is no such folder.
    NoFolder,
    /// It is refused for good, in these words.
    Refused(String),
}

/// Why `wait` came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wake {
    /// The mailbox changed.
    Changed,
    /// The time is up.
    TimedOut,
    /// We were asked to stop waiting.
    Interrupted,
}

/// One alternative of a server-side search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SearchTerm {
    /// The From field contains this.
    From(String),
    /// That header field contains this.
    Header {
        /// The field's name.
        name: String,
        /// What it contains.
        value: String,
    },
}
