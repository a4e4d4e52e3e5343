//! One file per command; text and JSON from the same values.

mod arguments;
mod check;
mod config;
mod demo;
mod preview;
mod render;
mod rules;
mod run;
mod status;
mod style;

use std::fmt::Display;
use std::process::ExitCode;

use crate::domain::{Fault, Problems};
pub use arguments::Arguments;
use arguments::{Command, ConfigCommand};

/// Failed.
const FAILED: u8 = 1;
/// EX_TEMPFAIL of sysexits(3): it may work later.
const TRY_AGAIN: u8 = 75;
/// EX_CONFIG of sysexits(3): the configuration or the rules are wrong.
const WRONG: u8 = 78;

/// Runs the command; the exit code says how it went.
pub fn run(arguments: Arguments) -> ExitCode {
    match arguments.command {
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Run(arguments) => run::run(&arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Preview(arguments) => preview::run(&arguments),
        Command::Status(arguments) => status::run(&arguments),
        Command::Config(ConfigCommand::Check(arguments)) => config::check(&arguments),
        Command::Rules(command) => rules::run(&command),
    }
}

/// Says what went wrong on stderr and gives the exit code for it.
fn failed(message: &dyn Display, code: u8) -> ExitCode {
    eprintln!("notyet: {message}");
    ExitCode::from(code)
}

fn wrong(problems: &Problems) -> ExitCode {
    for problem in &problems.0 {
        eprintln!("notyet: {problem}");
    }
    ExitCode::from(WRONG)
}

fn fault(fault: &Fault) -> ExitCode {
    let code = if matches!(fault, Fault::Transient(_)) { TRY_AGAIN } else { FAILED };
    failed(fault, code)
}

/// A runtime for the commands that wait for something.
fn runtime() -> Result<tokio::runtime::Runtime, ExitCode> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .worker_threads(2)
        .build()
        .map_err(|error| failed(&format!("cannot start: {error}"), FAILED))
}
