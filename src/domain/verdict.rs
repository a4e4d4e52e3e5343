//! Judgements and the plan: the whole decision as data.

use std::fmt;

use super::Invitation;

/// Could the note have been sent unchanged, names and job titles aside, to a hundred strangers?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NoteKind {
    /// Yes, or there is no note.
    Generic,
    /// No, or it could not be shown.
    Personalized,
}

impl NoteKind {
    /// The word used in config, rules and `--json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Generic => "generic",
            Self::Personalized => "personalized",
        }
    }

    /// The inverse of [`NoteKind::as_str`].
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Generic, Self::Personalized].into_iter().find(|kind| kind.as_str() == word)
    }
}

/// Which step of the way said something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// What the mail is.
    Recognise,
    /// Whether it may be answered.
    Gate,
    /// Whether the note is generic.
    Classify,
    /// How the letter came about.
    Compose,
    /// What is to be done.
    Decide,
}

impl Stage {
    /// The word used in `--json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Recognise => "recognise",
            Self::Gate => "gate",
            Self::Classify => "classify",
            Self::Compose => "compose",
            Self::Decide => "decide",
        }
    }
}

/// One reason of a decision: which step, which rule, which words.
#[derive(Clone, PartialEq, Eq)]
pub struct Evidence {
    /// The step.
    pub stage: Stage,
    /// The rule's name, for example `notes/offer.we-help-companies` or `gate.authentic`.
    pub rule: String,
    /// The words that matched, or what was found. One line. May hold the
    /// inviter's words: for the owner's eyes and the ledger, never for a log.
    pub text: String,
}

impl Evidence {
    /// A piece of evidence; line breaks in `text` become blanks.
    pub fn new(stage: Stage, rule: impl Into<String>, text: impl AsRef<str>) -> Self {
        let text = text.as_ref().split_whitespace().collect::<Vec<_>>().join(" ");
        Self { stage, rule: rule.into(), text }
    }
}

impl fmt::Debug for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Evidence({} {})", self.stage.as_str(), self.rule)
    }
}

/// What `stages::classify` thinks of a note.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// The verdict.
    pub kind: NoteKind,
    /// From 0 (a guess) to 1 (shown).
    pub confidence: f64,
    /// The note's language as a BCP 47 primary tag; empty when there is no note or it is unknown.
    pub language: String,
    /// The rules and words that decided.
    pub evidence: Vec<Evidence>,
    /// Why only the owner should answer, in words for them; such a letter is never sent unseen.
    pub for_owner: Option<String>,
}

/// What is to be done with an invitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Decision {
    /// Nothing: not ours to answer.
    Leave,
    /// Put the letter into Drafts.
    Draft,
    /// Nothing yet: wait for time to pass or for a person; listed in `status`.
    Hold,
    /// Send the letter.
    Send,
}

impl Decision {
    /// The word used in the ledger and in `--json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Leave => "leave",
            Self::Draft => "draft",
            Self::Hold => "hold",
            Self::Send => "send",
        }
    }

    /// The inverse of [`Decision::as_str`].
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Leave, Self::Draft, Self::Hold, Self::Send].into_iter().find(|d| d.as_str() == word)
    }
}

/// Why, in a stable word for scripts and a sentence for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// Stable, kebab-case: `not-authentic`, `already-answered`, `hourly-limit`, ...
    pub code: &'static str,
    /// One sentence for the owner, no address and no words of the note.
    pub text: String,
}

/// A decline, rendered once and delivered as rendered.
#[derive(Clone, PartialEq, Eq)]
pub struct Letter {
    /// The subject, decoded.
    pub subject: String,
    /// The text, `\n` line ends, paragraphs on one long line each.
    pub body: String,
    /// The template's language.
    pub language: String,
}

impl fmt::Debug for Letter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Letter({}, {} chars)", self.language, self.body.len())
    }
}

/// The whole decision about one invitation. `check`, `preview` and the daemon
/// all make and show this one value; only `app` acts on it.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// What it is about.
    pub invitation: Invitation,
    /// Generic or personalized, and why.
    pub judgement: Judgement,
    /// What to do.
    pub decision: Decision,
    /// For a plan that a limit holds: what it becomes when there is room.
    pub once_released: Option<Decision>,
    /// Why.
    pub reason: Reason,
    /// Everything every step had to say, in order.
    pub evidence: Vec<Evidence>,
    /// The letter, where one can be written.
    pub letter: Option<Letter>,
}
