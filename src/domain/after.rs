//! What the owner wants done with a notification once it is dealt with.

use super::NoteKind;

/// What became of a notification, as far as its owner's wishes tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Occasion {
    /// Its letter stands in Drafts.
    Draft,
    /// Its letter was sent.
    Send,
    /// It was left alone, and not for the owner to see to.
    Leave,
    /// It is a further mail about an invitation that has its letter.
    Repeat,
}

impl Occasion {
    /// All values.
    pub const ALL: [Self; 4] = [Self::Draft, Self::Send, Self::Leave, Self::Repeat];

    /// The word used in the config.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Send => "send",
            Self::Leave => "leave",
            Self::Repeat => "repeat",
        }
    }
}

/// What is wanted of a notification.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wish {
    /// Mark it as read.
    pub seen: bool,
    /// Flag it (a star).
    pub flag: bool,
    /// Move it there.
    pub to: Option<Destination>,
}

impl Wish {
    /// Whether nothing is wanted.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

/// Where a notification is moved to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    /// The folder, as people write it.
    pub folder: String,
    /// What to do where there is no such folder.
    pub if_missing: IfMissing,
}

/// What to do where a folder is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IfMissing {
    /// Make it.
    Create,
    /// Say so, and leave the mail where it is.
    Say,
}

/// One wish and when it holds; of several the first that fits counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AfterRule {
    /// For these notifications.
    pub occasion: Occasion,
    /// Only for this kind of note.
    pub note: Option<NoteKind>,
    /// What is wanted.
    pub wish: Wish,
}
