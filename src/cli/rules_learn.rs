//! `notyet rules learn`: weights from labelled notes.

use super::arguments::LearnArguments;
use super::out::{End, Outcome, say};
use super::rules::notes_text;
use super::style::line;
use crate::app::{rules, setup};

pub(super) fn run(arguments: &LearnArguments) -> Outcome {
    let compiled = setup::rules(arguments.rules.as_deref())?;
    let learned = rules::learn_weights(&arguments.files, arguments.folds.into(), &compiled)?;
    if let Some(out) = &arguments.out {
        rules::write_weights(&learned, out)?;
    }
    say("Every note judged by weights that never saw its theme:")?;
    say(notes_text(&learned.unseen).trim_end())?;
    if let Some(out) = &arguments.out {
        say(&format!("{} bytes written to {}", learned.text.len(), line(&out.display().to_string())))?;
    }
    Ok(End::Done)
}
