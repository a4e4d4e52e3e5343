//! `notyet run`: the daemon.

use std::process::ExitCode;

use super::arguments::RunArguments;
use super::{FAILED, TRY_AGAIN, fault, runtime, wrong};
use crate::app::daemon::{self, RunEnd};
use crate::app::{setup, start_log};

pub(super) fn run(arguments: &RunArguments) -> ExitCode {
    let setup = match setup::load(&arguments.config) {
        Ok(setup) => setup,
        Err(problems) => return wrong(&problems),
    };
    let telemetry = match start_log(&setup.config.logging) {
        Ok(telemetry) => telemetry,
        Err(words) => return fault(&words),
    };
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(code) => return code,
    };
    let end = runtime.block_on(async {
        if arguments.once {
            daemon::once(setup).await
        } else {
            daemon::run(&arguments.config, setup, &telemetry).await
        }
    });
    match end {
        RunEnd::Done => ExitCode::SUCCESS,
        RunEnd::TryAgain => ExitCode::from(TRY_AGAIN),
        RunEnd::Failed => ExitCode::from(FAILED),
        RunEnd::NotStarted(words) => fault(&words),
    }
}
