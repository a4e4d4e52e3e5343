//! `notyet run`: the daemon.

use super::arguments::RunArguments;
use super::out::{Cut, End, Outcome};
use super::runtime;
use crate::app::daemon::{self, RunEnd};
use crate::app::sandbox::Confined;
use crate::app::{setup, start_log};

pub(super) fn run(arguments: &RunArguments) -> Outcome {
    daemon::heed_hangup()?;
    let file = arguments.config.find()?.path;
    let setup = setup::load(&file)?;
    let telemetry = start_log(&setup.config.logging)?;
    // The threads of the runtime inherit it.
    let confined = Confined::enter(&setup.config)?;
    let end = runtime()?.block_on(async {
        if arguments.once {
            daemon::once(setup).await
        } else {
            daemon::run(&file, setup, &telemetry, &confined).await
        }
    });
    match end {
        RunEnd::Done => Ok(End::Done),
        RunEnd::TryAgain => Ok(End::TryAgain),
        RunEnd::Failed => Ok(End::Failed),
        RunEnd::Misconfigured => Ok(End::Misconfigured),
        RunEnd::NotStarted(fault) => Err(Cut::Fault(fault)),
    }
}
