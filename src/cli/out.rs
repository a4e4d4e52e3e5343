//! What goes out: text whose reader may leave or whose disk may be full, and
//! how a command ends.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write as _};
use std::process::ExitCode;

use super::style::plain;
use crate::app::look::Unready;
use crate::domain::{Fault, Problems};

/// Done.
const DONE: u8 = 0;
/// Failed.
const FAILED: u8 = 1;
/// Wrong usage.
const USAGE: u8 = 2;
/// EX_TEMPFAIL of sysexits(3): it may work later.
const TRY_AGAIN: u8 = 75;
/// EX_CONFIG of sysexits(3): the configuration or the rules are wrong.
const WRONG: u8 = 78;

/// How a command that went its whole way ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// All done.
    Done,
    /// Something failed; stderr says what.
    Failed,
    /// Something failed that may work later; stderr or the log says what.
    TryAgain,
    /// What the configuration names is not there; the log says what.
    Misconfigured,
}

/// Why a command ended before its time.
#[derive(Debug)]
pub(super) enum Cut {
    /// Something outside failed.
    Fault(Fault),
    /// The configuration or the rules are wrong.
    Wrong(Problems),
    /// What the configuration names cannot be read.
    Misconfigured(Fault),
    /// The arguments ask for something that is not there.
    Usage(String),
    /// Standard output took no more.
    Output(io::Error),
}

impl From<Fault> for Cut {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<Unready> for Cut {
    fn from(unready: Unready) -> Self {
        match unready {
            Unready::Fault(fault) => Self::Fault(fault),
            Unready::Misconfigured(fault) => Self::Misconfigured(fault),
        }
    }
}

impl From<Problems> for Cut {
    fn from(problems: Problems) -> Self {
        Self::Wrong(problems)
    }
}

impl From<io::Error> for Cut {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

/// What every command comes to.
pub(super) type Outcome = Result<End, Cut>;

/// The exit code for `outcome`; says on stderr why a command was cut short.
pub(super) fn exit_code(outcome: Outcome) -> ExitCode {
    let code = match outcome {
        Ok(End::Done) => DONE,
        Ok(End::Failed) => FAILED,
        Ok(End::TryAgain) => TRY_AGAIN,
        Ok(End::Misconfigured) => WRONG,
        Err(Cut::Fault(fault @ Fault::Transient(_))) => {
            // Nobody but the caller does it over.
            complain(&format!("{fault}; give the command again in a minute"));
            TRY_AGAIN
        }
        Err(Cut::Fault(fault)) => {
            complain(&fault);
            FAILED
        }
        Err(Cut::Wrong(problems)) => {
            for problem in &problems.0 {
                complain(problem);
            }
            WRONG
        }
        Err(Cut::Misconfigured(fault)) => {
            complain(&fault);
            WRONG
        }
        Err(Cut::Usage(words)) => {
            complain(&words);
            USAGE
        }
        // `notyet check ... | head -1`: the reader has what it wanted.
        Err(Cut::Output(error)) if error.kind() == ErrorKind::BrokenPipe => DONE,
        Err(Cut::Output(error)) => {
            complain(&format!("standard output: {error}; not all was written"));
            FAILED
        }
    };
    ExitCode::from(code)
}

/// Writes `text` and a line end to stdout.
///
/// # Errors
/// As the file, pipe or terminal behind stdout has it; `println!` would panic.
pub(super) fn say(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.write_all(b"\n")?;
    stdout.flush()
}

/// One line for the user on stderr. It may quote a hostile mail or file name.
pub(super) fn complain(message: &dyn Display) {
    let line = format!("notyet: {}\n", plain(&message.to_string()));
    // Nobody is left to be told that stderr is closed.
    let _ = io::stderr().lock().write_all(line.as_bytes());
}
