//! The `notyet` command: arguments in, exit code out.

use std::io::ErrorKind;
use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    match notyet::cli::Arguments::try_parse() {
        Ok(arguments) => notyet::cli::run(arguments),
        Err(error) => {
            // Help and version are no errors; everything else is a usage fault (2).
            let code = match error.print() {
                _ if error.use_stderr() => 2,
                Err(failed) if failed.kind() != ErrorKind::BrokenPipe => 1,
                _ => 0,
            };
            ExitCode::from(code)
        }
    }
}
