//! The `notyet` command: arguments in, exit code out.

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    match notyet::cli::Arguments::try_parse() {
        Ok(arguments) => notyet::cli::run(arguments),
        Err(error) => {
            // Help and version are no errors; everything else is a usage fault (2).
            let code = if error.use_stderr() { 2 } else { 0 };
            let _ = error.print();
            ExitCode::from(code)
        }
    }
}
