//! One file per command; text and JSON from the same values.

mod arguments;
mod check;
mod config;
mod demo;
mod doctor;
mod forget;
mod hand_arguments;
mod known;
mod letters;
mod letters_arguments;
mod manual;
mod out;
mod preview;
mod queue;
mod render;
mod resume;
mod rules;
mod rules_explain;
mod rules_learn;
mod run;
mod status;
mod style;
mod table;
mod undo;

use std::process::ExitCode;

use jiff::tz::TimeZone;

use crate::app::setup::{ConfigFile, Named};
use crate::config::Account;
use crate::domain::{Fault, Timestamp};
pub use arguments::Arguments;
use arguments::{Command, ConfigCommand};
use letters_arguments::LettersCommand;
use out::Cut;

/// Runs the command; the exit code says how it went.
pub fn run(arguments: Arguments) -> ExitCode {
    out::exit_code(match arguments.command {
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Run(arguments) => run::run(&arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Preview(arguments) => preview::run(&arguments),
        Command::Status(arguments) => status::run(&arguments),
        Command::Doctor(arguments) => doctor::run(&arguments),
        Command::Known(arguments) => known::run(&arguments),
        Command::Queue(arguments) => queue::run(&arguments),
        Command::Resume(arguments) => resume::run(&arguments),
        Command::Undo(arguments) => undo::run(&arguments),
        Command::Forget(arguments) => forget::run(&arguments),
        Command::Config(ConfigCommand::Check(arguments)) => config::check(&arguments),
        Command::Rules(command) => rules::run(&command),
        Command::Letters(LettersCommand::Show(arguments)) => letters::show(&arguments),
        Command::Man { command } => manual::page(&command),
        Command::Completions { shell } => manual::completions(shell),
    })
}

/// A runtime for the commands that wait for something.
fn runtime() -> Result<tokio::runtime::Runtime, Fault> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .worker_threads(2)
        .build()
        .map_err(|error| Fault::Permanent(format!("cannot start: {error}")))
}

/// A moment as people read it, by the owner's clock.
fn when(moment: Timestamp, zone: &TimeZone) -> String {
    // A machine without a table of time zones.
    let zone = if zone.is_unknown() { &TimeZone::UTC } else { zone };
    jiff::Timestamp::from_second(moment.unix_s())
        .map(|t| t.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M %Z").to_string())
        .unwrap_or_default()
}

/// `command` as it can be pasted into a shell: with the config file, if it would not be found.
fn with_config(command: &str, config: &ConfigFile) -> String {
    if config.named == Named::ByItsPlace {
        return command.to_owned();
    }
    let path = config.path.display().to_string();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+,:@~".contains(c);
    if path.chars().all(is_plain) {
        format!("{command} --config {path}")
    } else {
        format!("{command} --config '{}'", path.replace('\'', "'\\''"))
    }
}

/// The account of that name, else the first.
fn pick<'a>(accounts: &'a [Account], name: Option<&str>) -> Result<&'a Account, Cut> {
    let known = || accounts.iter().map(|a| a.name.as_str()).collect::<Vec<_>>().join(", ");
    match name {
        Some(name) => accounts.iter().find(|account| account.name == name).ok_or_else(|| {
            Cut::Usage(format!("--account {name}: not in the configuration; there are: {}", known()))
        }),
        None => accounts.first().ok_or_else(|| Cut::Usage("the configuration has no account".to_owned())),
    }
}
