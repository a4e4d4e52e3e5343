//! A person takes back what was done about an invitation. The word goes into
//! the ledger; the daemon, or the next pass, does the rest in the mailbox.

use super::queue::Hand;
use crate::domain::delivery::State;
use crate::domain::{Fault, InvitationKey, Timestamp};
pub use crate::shell::store::{Touch, Touched, Undo, Withdrawn};

/// What came of the word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TakenBack {
    /// It stands like this now.
    So(Standing),
    /// The letter is on the wire this moment.
    Busy,
}

/// How far the taking back is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Where the letter stands; `None` when there was none.
    pub letter: Option<State>,
    /// What became of the draft; `None` when nothing was taken back.
    pub undo: Option<Undo>,
    /// What became of its notifications.
    pub touches: Vec<Touch>,
}

impl Hand {
    /// Takes the invitation of `key` back; durable on return. Safe to repeat.
    ///
    /// # Errors
    /// A [`Fault`] of the ledger.
    pub fn take_back(
        &mut self,
        key: &InvitationKey,
        account: &str,
        now: Timestamp,
    ) -> Result<TakenBack, Fault> {
        if !self.ledger.take_back(key, account, now)? {
            return Ok(TakenBack::Busy);
        }
        self.standing(key).map(TakenBack::So)
    }

    /// How far the taking back of `key` is.
    ///
    /// # Errors
    /// A [`Fault`] of the ledger.
    pub fn standing(&self, key: &InvitationKey) -> Result<Standing, Fault> {
        let keys = self.ledger.keys_of_invitation(key)?;
        let of_letter = keys.first().unwrap_or(key);
        let mut touches = Vec::new();
        for one in &keys {
            touches.extend(self.ledger.touches_of(one)?);
        }
        Ok(Standing {
            letter: self.ledger.delivery(of_letter)?.map(|letter| letter.state),
            undo: self.ledger.undo_of(of_letter)?,
            touches,
        })
    }
}

impl Standing {
    /// What there is to tell, a sentence each.
    pub fn sentences(&self) -> Vec<String> {
        let mut told = Vec::new();
        let Some(undo) = &self.undo else { return told };
        told.push("This invitation is in your hands: notyet never answers it.".to_owned());
        if self.letter == Some(State::Sent) {
            told.push("Its letter was sent; nothing takes that back.".to_owned());
        }
        told.push(match (undo.draft, undo.words.as_str()) {
            (Withdrawn::None, _) => "No draft of it is to be removed.".to_owned(),
            (Withdrawn::Wanted, _) => "Its draft is removed in the next pass.".to_owned(),
            (Withdrawn::Removed, "") => "Its draft is removed.".to_owned(),
            (Withdrawn::Removed, words) => format!("Its draft is gone: {words}."),
            (Withdrawn::Left, words) => format!("Its draft stays: {words}."),
        });
        for touch in &self.touches {
            told.push(match touch.state {
                Touched::BackWanted | Touched::BackCopying => {
                    "The notification is put back in one of the next passes.".to_owned()
                }
                Touched::Back => format!("The notification is in {} as it was.", touch.mailbox),
                _ if touch.words.is_empty() => "The notification stays as it is.".to_owned(),
                _ => format!("The notification stays as it is: {}.", touch.words),
            });
        }
        told
    }

    /// Whether a pass has something left to do.
    pub fn waits(&self) -> bool {
        let touches = self.touches.iter().map(|touch| touch.state);
        self.undo.as_ref().is_some_and(|undo| undo.draft == Withdrawn::Wanted)
            || touches.into_iter().any(|state| matches!(state, Touched::BackWanted | Touched::BackCopying))
    }
}
