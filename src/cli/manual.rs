//! `notyet man`, `notyet completions`: the command line, told to other programs.

use clap::CommandFactory as _;
use clap_complete::Shell;
use clap_mangen::Man;

use super::arguments::Arguments;
use super::out::{Cut, End, Outcome, say};

/// The page of the command of these words; without any, of notyet.
pub(super) fn page(words: &[String]) -> Outcome {
    let mut command = Arguments::command();
    // Gives each command its full name.
    command.build();
    for word in words {
        let Some(found) = command.find_subcommand(word) else {
            return Err(Cut::Usage(format!("man: there is no command `notyet {}`", words.join(" "))));
        };
        command = found.clone();
    }
    let mut page = Vec::new();
    Man::new(command).render(&mut page)?;
    say(String::from_utf8_lossy(&page).trim_end())?;
    Ok(End::Done)
}

pub(super) fn completions(shell: Shell) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "notyet", &mut script);
    say(String::from_utf8_lossy(&script).trim_end())?;
    Ok(End::Done)
}
