//! `notyet forget`: erases what is known of one person.

use serde_json::json;

use super::hand_arguments::ForgetArguments;
use super::out::{End, Outcome, say};
use super::style::{counted, json_text};
use crate::app::queue::Hand;
use crate::app::{look, setup};

pub(super) fn run(arguments: &ForgetArguments) -> Outcome {
    let mut hand = Hand::writing(&setup::load(&arguments.config.find()?.path)?.config)?;
    let forgotten = hand.forget(&arguments.person, look::now())?;
    let end = if forgotten.busy > 0 { End::TryAgain } else { End::Done };
    if arguments.json {
        let json = json!({
            "invitations": forgotten.invitations,
            "letters_dropped": forgotten.letters_dropped,
            "busy": forgotten.busy,
        });
        say(&json_text(&format!("{json:#}")))?;
        return Ok(end);
    }
    if forgotten.invitations == 0 && forgotten.busy == 0 {
        say(
            "Nothing is kept under that name or address. A name must be whole, as the invitation writes it; only capitals and blanks may differ.",
        )?;
        return Ok(end);
    }
    say(&format!(
        "{}: name, note, evidence, letter and recipient are erased.",
        counted(forgotten.invitations, "invitation")
    ))?;
    if forgotten.letters_dropped > 0 {
        say(&format!("{} that waited: dropped.", counted(forgotten.letters_dropped, "letter")))?;
    }
    if forgotten.busy > 0 {
        say(&format!(
            "{} with a letter, a move or an undo under way: say it again after the next pass.",
            counted(forgotten.busy, "invitation")
        ))?;
    }
    say(
        "What stays: digests of the invitations, so that none is answered twice; and digests of whom you know.",
    )?;
    say("Your mailbox is not touched: drafts and mail there are yours to delete.")?;
    Ok(end)
}
