//! What the log says of a letter: a line at each turn that whoever runs the
//! daemon may want to know of. The server's own words may hold addresses, so
//! they stay in the ledger; the line tells how to see them.

use crate::config::duration_text;
use crate::domain::delivery::{Event, Mode, State};
use crate::shell::store::Delivery;

/// So much of a key is enough to name a letter to `notyet queue`.
const KEY_CHARS: usize = 8;

/// How much a turn matters.
#[derive(Clone, Copy)]
enum Turn {
    /// As it should be.
    Done(&'static str),
    /// It is looked at again without a person.
    Delayed(&'static str),
    /// It goes on, if at all, by a person's word.
    Stuck(&'static str),
}

/// How a turn came to be known.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    /// It was done this moment.
    Done,
    /// It is so: somebody looked, or said so.
    Seen,
}

fn turn(mode: Mode, event: Event, to: State, known: Known) -> Option<Turn> {
    Some(match (mode, event, to) {
        (_, Event::Appended, _) if known == Known::Seen => Turn::Done("a draft was found in Drafts"),
        (_, Event::Appended, _) => Turn::Done("a draft was written"),
        (_, Event::Accepted, _) => Turn::Done("a letter was sent"),
        (_, Event::SeenInSent, _) => Turn::Done("a letter was found in Sent"),
        (Mode::Send, Event::TryLater, _) => Turn::Delayed("a letter could not be sent; it is tried again"),
        (Mode::Draft, Event::TryLater | Event::NotAppended, _) => {
            Turn::Delayed("a draft could not be written; it is tried again")
        }
        (_, _, State::Uncertain) => Turn::Delayed("the line broke: a letter is perhaps done, and looked for"),
        (_, _, State::Refused) => Turn::Stuck("the server refuses a letter"),
        (_, _, State::Parked) => Turn::Stuck("a letter waits for a person"),
        _ => return None,
    })
}

/// Says that `letter` stays a draft.
pub(super) fn hold_ended(letter: &Delivery) {
    let letter_key = short_key(letter);
    let account = letter.account.as_str();
    tracing::info!(
        account,
        letter_key,
        "a letter is not sent from Drafts by itself; `notyet queue show {letter_key}` tells why"
    );
}

fn short_key(letter: &Delivery) -> String {
    letter.key.0.chars().take(KEY_CHARS).collect()
}

/// Says what happened to `letter`, which stands at `to` now.
pub(super) fn tell(letter: &Delivery, event: Event, to: State, known: Known) {
    let letter_key = short_key(letter);
    let account = letter.account.as_str();
    let how = format!("`notyet queue show {letter_key}` tells why");
    match turn(letter.mode, event, to, known) {
        None => {}
        Some(Turn::Done(words)) => {
            let hold = letter.open_hold().filter(|_| to == State::Drafted);
            let then = hold.map_or_else(String::new, |hold| {
                format!("; untouched, it is sent in {}", duration_text(hold.lasts))
            });
            tracing::info!(account, letter_key, "{words}{then}");
        }
        Some(Turn::Delayed(words)) => tracing::warn!(account, letter_key, "{words}; {how}"),
        Some(Turn::Stuck(words)) => {
            tracing::warn!(account, letter_key, "{words}; {how}, and what you can do");
        }
    }
}
