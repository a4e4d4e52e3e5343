//! `notyet undo`: a person takes back what was done about an invitation.

use serde_json::json;

use super::hand_arguments::KeyArguments;
use super::out::{Cut, End, Outcome, say};
use super::queue::one_key;
use super::style::{json_text, line};
use crate::app::queue::Hand;
use crate::app::undo::{Standing, TakenBack};
use crate::app::{look, setup};
use crate::domain::Fault;
use crate::domain::delivery::State;

pub(super) fn run(arguments: &KeyArguments) -> Outcome {
    let mut hand = Hand::writing(&setup::load(&arguments.config.find()?.path)?.config)?;
    let key = one_key(&hand, &arguments.key)?;
    let Some(case) = hand.case(&key)? else {
        return Err(Cut::Fault(Fault::Permanent(format!("{}: nothing is known of it", key.0))));
    };
    let standing = match hand.take_back(&key, &case.account, look::now())? {
        TakenBack::So(standing) => standing,
        TakenBack::Busy => {
            return Err(Cut::Fault(Fault::Transient(format!(
                "{}: its letter is on its way this moment",
                key.0
            ))));
        }
    };
    if arguments.json {
        say(&json_text(&format!("{:#}", as_json(&key.0, &standing))))?;
        return Ok(End::Done);
    }
    for sentence in standing.sentences() {
        say(&line(&sentence))?;
    }
    if standing.waits() && !hand.is_watched(&case.account) {
        say(&line(&format!(
            "But its account, {:?}, is not in the configuration: it is done when an account has that name again.",
            case.account
        )))?;
    } else if standing.waits() {
        say(
            "A running daemon does it within seconds, else the next `notyet run --once`; the same command again tells how it went.",
        )?;
    }
    Ok(End::Done)
}

fn as_json(key: &str, standing: &Standing) -> serde_json::Value {
    json!({
        "key": key,
        "letter": standing.letter.map(State::as_str),
        "draft": standing.undo.as_ref().map(|undo| undo.draft.as_str()),
        "draft_words": standing.undo.as_ref().map(|undo| undo.words.as_str()),
        "notifications": standing.touches.iter().map(|touch| json!({
            "mailbox": touch.mailbox, "state": touch.state.as_str(), "words": touch.words,
        })).collect::<Vec<_>>(),
        "waits": standing.waits(),
    })
}
