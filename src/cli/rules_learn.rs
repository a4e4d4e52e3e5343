//! `notyet rules learn`: weights from labelled notes.

use super::arguments::LearnArguments;
use super::out::{End, Outcome, say};
use super::rules::notes_text;
use super::style::line;
use crate::app::{rules, setup};

pub(super) fn run(arguments: &LearnArguments) -> Outcome {
    let compiled = setup::rules(arguments.rules.as_deref())?;
    let learned = rules::learn_weights(&arguments.files, &arguments.out, &compiled)?;
    say("Every note judged by weights that never saw its theme:")?;
    say(notes_text(&learned.unseen).trim_end())?;
    say(&format!("{} bytes written to {}", learned.bytes, line(&arguments.out.display().to_string())))?;
    Ok(End::Done)
}
