//! What a letter's state means to its owner, and what a word would do: the
//! state alone does not tell, the configuration and the hour have a say.

use super::look;
use super::queue::Word;
use super::setup::Setup;
use crate::config::{Account, SentCopy};
use crate::domain::delivery::{Mode, ParkedFor, State};
use crate::domain::sending::SendHour;
use crate::domain::{Fault, Timestamp};
use crate::shell::store::Delivery;
use crate::stages::hours;

/// How things stand around all letters.
pub struct Outlook<'a> {
    accounts: &'a [Account],
    hour: SendHour,
    /// The accounts that all sending waits for.
    yet_to_look: Vec<String>,
}

impl<'a> Outlook<'a> {
    /// How things stand at `now` by `setup` and its ledger.
    ///
    /// # Errors
    /// A [`Fault`] of the ledger.
    pub fn of(setup: &'a Setup, now: Timestamp) -> Result<Self, Fault> {
        let config = &setup.config;
        Ok(Self {
            accounts: &config.accounts,
            hour: hours::at(now, &config.sending, &setup.zone),
            yet_to_look: look::report(config)?.status.yet_to_look,
        })
    }

    fn account(&self, letter: &Delivery) -> Option<&Account> {
        self.accounts.iter().find(|account| account.name == letter.account)
    }

    /// Whether Sent would show a letter that went out: one whose copy is filed
    /// by us, after the server's yes, it cannot.
    fn sent_tells(&self, letter: &Delivery) -> bool {
        self.account(letter).is_some_and(|account| account.sent_copy == SentCopy::Provider)
    }

    /// What may be said about `letter` now.
    pub fn fitting(&self, letter: &Delivery) -> Vec<Word> {
        let is_watched = self.account(letter).is_some();
        Word::fitting(letter).into_iter().filter(|word| is_watched || *word != Word::Retry).collect()
    }

    /// What the letter's state means, in sentences without a last full stop.
    pub fn meaning(&self, letter: &Delivery) -> String {
        let mut told = match (letter.state, letter.mode) {
            (State::Held, Mode::Draft) => "held back until the limits have room; then it is put into Drafts",
            (State::Held, Mode::Send) => "held back; it goes by itself",
            (State::Queued, Mode::Draft) => "waits to be put into Drafts; nothing has left yet",
            (State::Queued, Mode::Send) => "waits to be sent; nothing has left yet",
            (State::Appending, _) => {
                "is being put into Drafts, or the line broke there; notyet looks by itself"
            }
            (State::Drafted, _) if letter.open_hold().is_some() => {
                "stands in Drafts for a while, and is sent then. Edit, send or delete the draft, and it is \
                 yours; flag it, and it goes at the next look"
            }
            (State::Drafted, _) => "stands in Drafts, or stood there; it is yours",
            (State::Transmitting, _) => "is being sent this moment",
            (State::Sent, _) => "was sent",
            (State::Refused, _) => "the server refused it; it was not delivered",
            (State::Uncertain, Mode::Send) if self.sent_tells(letter) => {
                "perhaps sent: the line broke after the letter went out. Look into your Sent folder, \
                 or wait: notyet looks there for a day"
            }
            (State::Uncertain, Mode::Send) => PERHAPS,
            (State::Uncertain, Mode::Draft) => {
                "perhaps drafted: the line broke meanwhile. Look into your Drafts folder"
            }
            (State::Parked, Mode::Send)
                if letter.parked_for == Some(ParkedFor::Doubt) && !self.sent_tells(letter) =>
            {
                PERHAPS
            }
            (State::Parked, _) => "waits for you to decide",
            (State::TakenOver, _) => "in your own hands; notyet does no more about it",
        }
        .to_owned();
        let is_held = letter.open_hold().is_some();
        if is_held && letter.state != State::Drafted {
            told += "; from there it is sent after a while, if you leave it as it is";
        }
        if !self.is_open(letter) {
            return told;
        }
        if self.account(letter).is_none() {
            told += &format!(
                ". But no account {:?} is in the configuration: nothing moves it until one has that name again",
                letter.account
            );
        } else if (letter.state == State::Queued && letter.mode == Mode::Send)
            || letter.state == State::Drafted
        {
            if self.hour == SendHour::Later {
                told += ". This is no hour for it by [sending]; it goes at the next one";
            }
            if !self.yet_to_look.is_empty() {
                told += &format!(
                    ". All sending waits until these accounts were read: {}",
                    self.yet_to_look.join(", ")
                );
            }
        }
        told
    }

    /// Whether notyet has something left to do about `letter`.
    fn is_open(&self, letter: &Delivery) -> bool {
        matches!(letter.state, State::Held | State::Queued | State::Appending | State::Uncertain)
            || letter.open_hold().is_some()
    }

    /// What `word` would do to `letter`, to stand behind the command.
    pub fn effect(&self, word: Word, letter: &Delivery) -> &'static str {
        let doubt = if self.sent_tells(letter) {
            "if it is not in Sent: send it again"
        } else {
            "if you know that it did not arrive: send it again"
        };
        match (word, letter.mode, letter.state) {
            (Word::Retry, Mode::Send, State::Uncertain) => doubt,
            (Word::Retry, Mode::Draft, State::Uncertain) => "if it is not in Drafts: write it again",
            (Word::Retry, Mode::Draft, State::Held) => "let it go now, whatever the limits say",
            (Word::Retry, Mode::Send, State::Parked) => match letter.parked_for {
                Some(ParkedFor::DraftStands) => "send it, once its draft is out of Drafts",
                Some(ParkedFor::SwitchedOff) => "send it, once its kind of note is one to send to again",
                Some(ParkedFor::NoServer) => "send it, once its account has an [smtp] section",
                Some(ParkedFor::NotFromOwner) => "send it, once its address is one of owner.addresses again",
                Some(ParkedFor::Doubt) => doubt,
                _ => self
                    .now_or_later("send it now, all the same", "send it, all the same, when it is its hour"),
            },
            (Word::Retry, Mode::Send, State::Held) => self.now_or_later(
                "let it go now, whatever the limits say",
                "let it go at the next hour for sending",
            ),
            (Word::Retry, Mode::Send, _) => {
                self.now_or_later("send it now", "send it at the next hour for sending")
            }
            (Word::Retry, Mode::Draft, _) => "put it into Drafts now",
            (Word::Drop, _, State::Drafted) => "let the draft stay: it is yours, and notyet never sends it",
            (Word::Drop, ..) => "let it be; this invitation is never answered by notyet",
            (Word::Sent, ..) => "if you find that it was sent: note it as sent",
        }
    }

    fn now_or_later(&self, now: &'static str, later: &'static str) -> &'static str {
        if self.hour == SendHour::Now && self.yet_to_look.is_empty() { now } else { later }
    }
}

const PERHAPS: &str = "perhaps sent: the line broke after the letter went out. Your Sent folder cannot tell: \
                       its copy is filed only after the server's yes. Your provider's log of outgoing mail \
                       can; if in doubt, let it be";
