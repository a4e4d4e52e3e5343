//! `notyet config check`: what the daemon would use.

use std::process::ExitCode;

use super::arguments::StatusArguments;
use super::wrong;
use crate::app::setup;
use crate::config::show;

pub(super) fn check(arguments: &StatusArguments) -> ExitCode {
    let setup = match setup::load(&arguments.config) {
        Ok(setup) => setup,
        Err(problems) => return wrong(&problems),
    };
    for warning in &setup.warnings {
        eprintln!("notyet: warning: {warning}");
    }
    if arguments.json {
        println!("{:#}", show::json(&setup.config, &setup.policy));
    } else {
        print!("{}", show::text(&setup.config, &setup.policy));
    }
    ExitCode::SUCCESS
}
