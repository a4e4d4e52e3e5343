//! `notyet config check`: what the daemon would use.

use super::arguments::ShownArguments;
use super::out::{End, Outcome, complain, say};
use super::style::{json_text, plain};
use crate::app::setup;
use crate::config::show;

pub(super) fn check(arguments: &ShownArguments) -> Outcome {
    let setup = setup::load(&arguments.config.find()?.path)?;
    for warning in &setup.warnings {
        complain(&format!("warning: {warning}"));
    }
    if arguments.json {
        say(&json_text(&format!("{:#}", show::json(&setup.config, &setup.policy))))?;
    } else {
        say(plain(&show::text(&setup.config, &setup.policy)).trim_end())?;
    }
    Ok(End::Done)
}
