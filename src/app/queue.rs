//! A person's word on a letter: what stands open, and what shall become of it.
//! Works beside a running daemon, which sees it within seconds, and without one.

use crate::config::Config;
use crate::domain::delivery::{Event, State};
use crate::domain::{Fault, InvitationKey, Timestamp};
pub use crate::shell::store::{Case, Delivery, Moved};
use crate::shell::store::{Detail, Ledger};

/// So many candidates are named for a key that is too short.
const CANDIDATES: u32 = 10;
/// A key is shown no shorter than this.
const SHORTEST: usize = 8;

/// What a person can say about a letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// Try it (again).
    Retry,
    /// Let it be.
    Drop,
    /// It was sent.
    Sent,
}

impl Word {
    /// As it is written on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Drop => "drop",
            Self::Sent => "sent",
        }
    }

    /// What it is to the delivery machine.
    pub fn event(self) -> Event {
        match self {
            Self::Retry => Event::PersonRetries,
            Self::Drop => Event::PersonDrops,
            Self::Sent => Event::PersonSaysSent,
        }
    }

    /// What may be said about `letter` now.
    pub fn fitting(letter: &Delivery) -> Vec<Self> {
        let all = [Self::Retry, Self::Drop, Self::Sent].into_iter();
        // A draft that stands in Drafts is its owner's: `notyet undo` takes it back. One that is
        // held there can be let be, so that it is no more than a draft.
        let is_held = letter.open_hold().is_some();
        all.filter(|_| letter.state != State::Drafted || is_held)
            .filter(|word| letter.state.after(letter.mode, word.event()).is_some())
            // What was erased cannot be sent or drafted any more.
            .filter(|word| *word != Self::Retry || !letter.message.0.is_empty())
            .collect()
    }
}

/// Which key a person meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meant {
    /// This one.
    One(InvitationKey),
    /// One of these, and perhaps more.
    Several(Vec<InvitationKey>),
    /// None.
    Nothing,
}

/// What came of a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Came {
    /// The letter stands here now.
    To(State),
    /// It is on the wire this moment.
    Busy,
    /// Not a word for a letter that stands where this one does.
    Unfit(State),
    /// The invitation has no letter.
    NoLetter,
    /// Nobody would try it: its account is not in the configuration.
    Unwatched,
}

/// The ledger as a person holds it.
pub struct Hand {
    pub(super) ledger: Ledger,
    /// The accounts of the configuration.
    watched: Vec<String>,
}

impl Hand {
    /// Opens the ledger to look at it.
    ///
    /// # Errors
    /// See [`Ledger::open_read_only`].
    pub fn looking(config: &Config) -> Result<Self, Fault> {
        Ok(Self { ledger: Ledger::open_read_only(&config.state_dir)?, watched: names(config) })
    }

    /// Opens the ledger to write into it, beside a daemon or not.
    ///
    /// # Errors
    /// See [`Ledger::open_beside`].
    pub fn writing(config: &Config) -> Result<Self, Fault> {
        Ok(Self { ledger: Ledger::open_beside(&config.state_dir)?, watched: names(config) })
    }

    /// Whether `account` is in the configuration: what is not, no pass looks into.
    pub fn is_watched(&self, account: &str) -> bool {
        self.watched.iter().any(|name| name == account)
    }

    /// The key that begins with `prefix`, case aside.
    ///
    /// # Errors
    /// A [`Fault`] of the ledger.
    pub fn meant(&self, prefix: &str) -> Result<Meant, Fault> {
        let prefix = prefix.to_ascii_lowercase();
        let mut keys = self.ledger.keys_from(&prefix, CANDIDATES)?;
        Ok(match (keys.len(), keys.pop()) {
            (1, Some(key)) if !prefix.is_empty() => Meant::One(key),
            (_, Some(last)) => {
                keys.push(last);
                Meant::Several(keys)
            }
            (_, None) => Meant::Nothing,
        })
    }

    /// The shortest beginning of `key`, of 8 digits at least, that no other key shares.
    ///
    /// # Errors
    /// A [`Fault`] of the ledger.
    pub fn short(&self, key: &InvitationKey) -> Result<String, Fault> {
        for length in SHORTEST..key.0.len() {
            let Some(start) = key.0.get(..length) else { break };
            if self.ledger.keys_from(start, 2)?.len() == 1 {
                return Ok(start.to_owned());
            }
        }
        Ok(key.0.clone())
    }

    /// The letters that are not at an end, and those the server refused.
    ///
    /// # Errors
    /// A [`Fault`] of the ledger.
    pub fn open_cases(&self) -> Result<Vec<Case>, Fault> {
        let keys = self.ledger.open_letters()?;
        keys.iter().filter_map(|key| self.ledger.case(key).transpose()).collect()
    }

    /// All that is known of one invitation.
    ///
    /// # Errors
    /// A [`Fault`] of the ledger.
    pub fn case(&self, key: &InvitationKey) -> Result<Option<Case>, Fault> {
        self.ledger.case(key)
    }

    /// Says `word` about the letter of `key`; durable on return. Where a daemon
    /// moved it between the look and the word, nothing is changed.
    ///
    /// # Errors
    /// A [`Fault`] of the ledger.
    pub fn say(&mut self, word: Word, key: &InvitationKey, now: Timestamp) -> Result<Came, Fault> {
        let Some(letter) = self.ledger.delivery(key)? else { return Ok(Came::NoLetter) };
        if letter.state.is_on_the_wire() {
            return Ok(Came::Busy);
        }
        if !Word::fitting(&letter).contains(&word) {
            return Ok(Came::Unfit(letter.state));
        }
        if word == Word::Retry && !self.is_watched(&letter.account) {
            return Ok(Came::Unwatched);
        }
        if letter.state == State::Drafted {
            let ended = self.ledger.end_holds(Some(key), "you let it be: it stays a draft", now)?;
            return Ok(if ended > 0 { Came::To(State::Drafted) } else { Came::Busy });
        }
        let note = match word {
            Word::Retry => "you asked for another try",
            Word::Drop => "you let it be",
            Word::Sent => "you saw that it was sent",
        };
        let detail = Detail::default();
        let to = self.ledger.record_unless_moved(&letter, word.event(), note, now, detail)?;
        Ok(to.map_or(Came::Busy, Came::To))
    }
}

fn names(config: &Config) -> Vec<String> {
    config.accounts.iter().map(|account| account.name.clone()).collect()
}

/// Subject and text of a letter, decoded; of one that is forgotten, a sentence.
pub fn text_of(letter: &Delivery) -> String {
    match crate::stages::parse::parse(&letter.message) {
        Ok(mail) => format!("Subject: {}\n\n{}", mail.subject, mail.text),
        Err(_) => "(The letter's text was erased.)".to_owned(),
    }
}
