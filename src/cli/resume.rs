//! `notyet resume`: sending goes on after it stopped by itself.

use serde_json::json;

use super::arguments::ShownArguments;
use super::out::{End, Outcome, say};
use super::status::stopped_json;
use super::style::{json_text, line};
use super::when;
use crate::app::{brake, look, setup};

pub(super) fn run(arguments: &ShownArguments) -> Outcome {
    let setup = setup::load(&arguments.config.find()?.path)?;
    let stood = brake::resume(&setup.config.state_dir, look::now())?;
    if arguments.json {
        say(&json_text(&format!("{:#}", json!({ "stood_still": stood.as_ref().map(stopped_json) }))))?;
    } else {
        match stood {
            Some(trip) => {
                let (since, words) = (when(trip.at, &setup.zone), line(&trip.words));
                say(&format!("Sending goes on. It stood still since {since}: {words}."))?;
            }
            None => say("Sending did not stand still; nothing was changed.")?,
        }
    }
    Ok(End::Done)
}
