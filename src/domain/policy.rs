//! What the owner allows: the shipped defaults and what the config changes of them.

use std::time::Duration;

use super::NoteKind;

/// What may happen to an answerable invitation of one note kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Leave it alone.
    Leave,
    /// Put the letter into Drafts.
    Draft,
    /// Send the letter where route and evidence allow, else draft it.
    Send,
}

impl Action {
    /// All values.
    pub const ALL: [Self; 3] = [Self::Leave, Self::Draft, Self::Send];

    /// The word used in config and rules.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Leave => "leave",
            Self::Draft => "draft",
            Self::Send => "send",
        }
    }

    /// The inverse of [`Action::as_str`].
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|a| a.as_str() == word)
    }
}

/// The complete policy (`rules/policy.toml`, overlaid by `[policy]` of the config).
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// For invitations with a generic note or none.
    pub generic: Action,
    /// For invitations with a personalized note.
    pub personalized: Action,
    /// Below this confidence (0 to 1) a letter is never sent without review.
    pub send_confidence: f64,
    /// At most so many letters (drafts and sends) in any 60 minutes, per account.
    pub max_per_hour: u32,
    /// At most so many letters in any 24 hours, per account.
    pub max_per_day: u32,
    /// A letter that could not be sent for so long waits for a person instead.
    pub send_within: Duration,
    /// A letter to send stands in Drafts for so long first; `None`: it goes at once.
    pub hold: Option<Duration>,
}

/// The keys of `[policy]` that the config sets.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PolicyOverride {
    /// See [`Policy::generic`].
    pub generic: Option<Action>,
    /// See [`Policy::personalized`].
    pub personalized: Option<Action>,
    /// See [`Policy::send_confidence`].
    pub send_confidence: Option<f64>,
    /// See [`Policy::max_per_hour`].
    pub max_per_hour: Option<u32>,
    /// See [`Policy::max_per_day`].
    pub max_per_day: Option<u32>,
    /// See [`Policy::send_within`].
    pub send_within: Option<Duration>,
    /// See [`Policy::hold`].
    pub hold: Option<Duration>,
}

impl Policy {
    /// What may happen to an answerable invitation with such a note.
    pub fn action(&self, kind: NoteKind) -> Action {
        match kind {
            NoteKind::Generic => self.generic,
            NoteKind::Personalized => self.personalized,
        }
    }

    /// This policy with the keys the config sets.
    pub fn overlaid(&self, by: &PolicyOverride) -> Self {
        Self {
            generic: by.generic.unwrap_or(self.generic),
            personalized: by.personalized.unwrap_or(self.personalized),
            send_confidence: by.send_confidence.unwrap_or(self.send_confidence),
            max_per_hour: by.max_per_hour.unwrap_or(self.max_per_hour),
            max_per_day: by.max_per_day.unwrap_or(self.max_per_day),
            send_within: by.send_within.unwrap_or(self.send_within),
            hold: by.hold.or(self.hold),
        }
    }
}
