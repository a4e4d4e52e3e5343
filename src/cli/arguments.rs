//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use super::hand_arguments::{ForgetArguments, KeyArguments, QueueArguments};
use super::letters_arguments::LettersCommand;
use crate::app::setup::{self, ConfigFile};
use crate::domain::Problems;

/// Answers invitations to connect with a kind "not like this, not yet".
///
/// notyet watches a mailbox for notifications like "X wants to connect with you",
/// tells a generic note from a personal one, and puts the matching polite decline
/// into your Drafts folder. It sends only where you switched sending on.
#[derive(Debug, Parser)]
#[command(name = "notyet", version, after_help = AFTER_HELP)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const AFTER_HELP: &str = "\
Examples:
  notyet demo                                   see it work, without a mailbox
  notyet check mail.eml                         what would it do with this mail, and why
  notyet preview --since 90d                    the same for your real mailbox; changes nothing
  notyet run                                    the daemon
  notyet run --once                             one pass, for cron

Exit codes: 0 done, 1 failed, 2 usage, 75 try again later, 78 configuration or rules wrong.";

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the real daemon's pass over a bundled sample mailbox and show what it did.
    ///
    /// No network, no configuration. The sample is copied into a temporary folder.
    #[command(
        after_help = "Example:\n  notyet demo --keep ./sample     keep the mailbox, the drafts and the ledger to look at"
    )]
    Demo(DemoArguments),
    /// Watch the configured accounts until stopped; SIGHUP reloads config and rules.
    #[command(
        after_help = "Examples:\n  notyet run --config /etc/notyet/notyet.toml\n  notyet run --config notyet.toml --once"
    )]
    Run(RunArguments),
    /// Explain one mail: what it is, who invites, the gates, the decision, the letter.
    #[command(
        after_help = "Examples:\n  notyet check invitation.eml\n  notyet check --json mails/*.eml | jq .kind\n  notyet check --assume-authentic - < saved.eml"
    )]
    Check(CheckArguments),
    /// Show what would be done with past mail of the real mailbox; writes nothing anywhere.
    #[command(after_help = "Example:\n  notyet preview --since 90d")]
    Preview(PreviewArguments),
    /// Show what the daemon has done, what waits, and what needs you.
    #[command(
        after_help = "Examples:\n  notyet status\n  notyet status --json\n  notyet status --check || mail -s notyet me     nothing is printed while all is well"
    )]
    Status(StatusArguments),
    /// Try everything the daemon needs, change nothing, and say what to mend.
    ///
    /// Logs in to every mailbox and SMTP server, looks for the folders, tries whether the state
    /// folder and a Maildir can be written to, and learns from the headers of the newest mail which
    /// authserv_id your provider signs with. Run it as the user the daemon runs as.
    #[command(
        after_help = "Examples:\n  notyet doctor\n  notyet doctor --write     put the learned authserv_id into the file"
    )]
    Doctor(DoctorArguments),
    /// Say whether a person counts as somebody you know, and why.
    ///
    /// Invitations of people you know are left for you. Without a name: how many forms of
    /// names and addresses each source told of.
    #[command(
        after_help = "Examples:\n  notyet known \"Bob Smith\"\n  notyet known bob@example.org\n  notyet known \"Bob Smith\" --address bob@example.org\n  notyet known \"Bob Smith\" --compare \"Robert Smith\"     two names, without a configuration"
    )]
    Known(KnownArguments),
    /// Look at the letters that wait, and say what shall become of them.
    ///
    /// A letter may be held back, queued, refused, or in doubt ("perhaps sent"): a doubt is never
    /// tried again without your word. A KEY may be cut short as long as it stays the only one.
    /// Works while the daemon runs.
    #[command(
        args_conflicts_with_subcommands = true,
        after_help = "Examples:\n  notyet queue list\n  notyet queue show 3f2a      the letter, its history, what you can do\n  notyet queue retry 3f2a     send it, or put it into Drafts, (again)\n  notyet queue drop 3f2a      never answer this invitation\n  notyet queue sent 3f2a      you found it in your Sent folder"
    )]
    Queue(QueueArguments),
    /// Let sending go on after it stopped by itself.
    ///
    /// A wave of letters, one refusal after the other or a clock that jumps turn all sending into
    /// drafting; `notyet status` says why. Letters that became drafts meanwhile stay drafts.
    /// Works while the daemon runs.
    #[command(after_help = "Example:\n  notyet resume")]
    Resume(ShownArguments),
    /// Take back what was done about one invitation, and never answer it.
    ///
    /// The notification goes back to its folder, with the flags it had; our draft is removed if
    /// nobody has edited it. A letter that was sent stays sent. Works while the daemon runs.
    #[command(after_help = "Example:\n  notyet undo 3f2a     again: how it went")]
    Undo(KeyArguments),
    /// Erase what the ledger knows of one person, at once.
    ///
    /// Name, note, evidence, letter and recipient of every invitation of theirs go; a letter that
    /// waits is dropped. Digests stay, so that nothing is answered twice. Asks nothing.
    #[command(after_help = "Examples:\n  notyet forget \"Ann Lee\"\n  notyet forget ann@example.org --json")]
    Forget(ForgetArguments),
    /// Look after the configuration file.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Look after the rules: networks, notes, letters.
    #[command(subcommand)]
    Rules(RulesCommand),
    /// Look at the letters.
    #[command(subcommand)]
    Letters(LettersCommand),
    /// Print the manual page, of notyet or of one command.
    #[command(
        after_help = "Examples:\n  notyet man | man -l -\n  notyet man queue retry | man -l -\n  notyet man > ~/.local/share/man/man1/notyet.1"
    )]
    Man {
        /// The command: its words.
        #[arg(value_name = "COMMAND")]
        command: Vec<String>,
    },
    /// Print the completions for a shell.
    #[command(
        after_help = "Example:\n  notyet completions bash > ~/.local/share/bash-completion/completions/notyet"
    )]
    Completions {
        /// Which shell.
        #[arg(value_name = "SHELL")]
        shell: clap_complete::Shell,
    },
}

/// The configuration, for commands that cannot do without.
#[derive(Debug, Args)]
pub struct ConfigArgument {
    /// The configuration file; else $NOTYET_CONFIG, else ~/.config/notyet/notyet.toml, else
    /// /etc/notyet/notyet.toml.
    #[arg(long, short, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

impl ConfigArgument {
    /// The file that was named, else the one in its usual place.
    pub(super) fn find(&self) -> Result<ConfigFile, Problems> {
        setup::find(self.config.as_deref())
    }
}

/// `notyet demo`
#[derive(Debug, Args)]
pub struct DemoArguments {
    /// Keep the sample mailbox, its drafts and the ledger in this new folder.
    #[arg(long, value_name = "DIR")]
    pub keep: Option<PathBuf>,
}

/// `notyet run`
#[derive(Debug, Args)]
pub struct RunArguments {
    /// Which configuration.
    #[command(flatten)]
    pub config: ConfigArgument,
    /// One pass over every account, then exit.
    #[arg(long)]
    pub once: bool,
}

/// `notyet check`
#[derive(Debug, Args)]
pub struct CheckArguments {
    /// Mail files (one message each), or `-` for standard input.
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Judge as the daemon would with this file, asking the DNS where the account has dkim = "verify";
    /// else the shipped rules and policy, owner me@example.com.
    #[arg(long, short, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The account to judge for, with --config; else the first.
    #[arg(long, value_name = "NAME", requires = "config")]
    pub account: Option<String>,
    /// Take mail for authentic that was saved without its Authentication-Results or signatures.
    #[arg(long)]
    pub assume_authentic: bool,
    /// Check the network's DKIM signatures in any case: asks the DNS for their keys, and nothing
    /// else is online.
    #[arg(long)]
    pub dkim: bool,
    /// One JSON object per file and line (see README, "check --json").
    #[arg(long)]
    pub json: bool,
}

/// `notyet preview`
#[derive(Debug, Args)]
pub struct PreviewArguments {
    /// Which configuration.
    #[command(flatten)]
    pub config: ConfigArgument,
    /// How far to look back, for example 90d or 2w.
    #[arg(long, value_name = "TIME", default_value = "30d", value_parser = duration)]
    pub since: Duration,
    /// Only this account.
    #[arg(long, value_name = "NAME")]
    pub account: Option<String>,
    /// One JSON object per mail and line, as `check --json`.
    #[arg(long)]
    pub json: bool,
}

/// `notyet status`
#[derive(Debug, Args)]
pub struct StatusArguments {
    /// What is looked at, and how it is printed.
    #[command(flatten)]
    pub shown: ShownArguments,
    /// For monitoring: print only what needs you, and end with 1 if anything does.
    #[arg(long)]
    pub check: bool,
}

/// A configuration, and how to print what is found.
#[derive(Debug, Args)]
pub struct ShownArguments {
    /// Which configuration.
    #[command(flatten)]
    pub config: ConfigArgument,
    /// As JSON.
    #[arg(long)]
    pub json: bool,
}

/// `notyet doctor`
#[derive(Debug, Args)]
pub struct DoctorArguments {
    /// Which configuration.
    #[command(flatten)]
    pub config: ConfigArgument,
    /// Only this account.
    #[arg(long, value_name = "NAME")]
    pub account: Option<String>,
    /// Write the learned authserv_id into the configuration file, where none is set.
    #[arg(long)]
    pub write: bool,
    /// As JSON.
    #[arg(long)]
    pub json: bool,
}

/// `notyet known`
#[derive(Debug, Args)]
pub struct KnownArguments {
    /// The name an invitation shows, or an address.
    #[arg(value_name = "NAME|ADDRESS")]
    pub name: Option<String>,
    /// Which configuration.
    #[command(flatten)]
    pub config: ConfigArgument,
    /// The address an invitation shows.
    #[arg(long, value_name = "ADDRESS", conflicts_with = "compare")]
    pub address: Option<String>,
    /// Hold the name against this one.
    #[arg(long, value_name = "NAME", requires = "name")]
    pub compare: Option<String>,
    /// As JSON.
    #[arg(long)]
    pub json: bool,
}

/// `notyet config …`
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Read the file and show what the daemon would use; secrets stay masked.
    #[command(after_help = "Example:\n  notyet config check")]
    Check(ShownArguments),
}

/// `notyet rules …`
#[derive(Debug, Subcommand)]
pub enum RulesCommand {
    /// Compile the rules and run the examples inside them.
    #[command(after_help = "Examples:\n  notyet rules test\n  notyet rules test --rules ./my-rules")]
    Test(RulesTestArguments),
    /// Write the shipped rules into a new folder, to edit them.
    #[command(
        after_help = "Example:\n  notyet rules eject ./my-rules    then set rules_dir = \"my-rules\" in the config"
    )]
    Eject {
        /// A folder that does not exist yet, or is empty.
        #[arg(value_name = "DIR")]
        dir: PathBuf,
    },
    /// Judge one note and show the votes: kind, confidence, language, every signal with its words.
    #[command(
        after_help = "Examples:\n  notyet rules explain \"Loved your talk on mail queues in Ghent\"\n  notyet rules explain --json - < note.txt"
    )]
    Explain(ExplainArguments),
    /// Learn the weights of notes/weights.tsv from labelled notes, and say how they fare.
    ///
    /// Needs no network and leaves nothing to chance: the same notes and rules give the same file.
    #[command(
        after_help = "Example:\n  notyet rules learn my-notes.tsv --out my-rules/notes/weights.tsv\n\nThe columns are told in rules/README.md, \"Weights\"."
    )]
    Learn(LearnArguments),
    /// Score the rules on labelled mails and notes, and print both tables.
    #[command(
        after_help = "Example:\n  notyet rules score ./corpus      a folder with index.tsv, mail/ and notes.tsv\n\nThe columns are told in rules/README.md."
    )]
    Score {
        /// A folder with index.tsv and mail/ (mails), notes.tsv (notes), or both.
        #[arg(value_name = "DIR")]
        dir: PathBuf,
        /// The owner's own rules, laid over the shipped ones.
        #[arg(long, value_name = "DIR")]
        rules: Option<PathBuf>,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
}

/// `notyet rules test`
#[derive(Debug, Args)]
pub struct RulesTestArguments {
    /// The owner's own rules, laid over the shipped ones.
    #[arg(long, value_name = "DIR")]
    pub rules: Option<PathBuf>,
}

/// `notyet rules learn`
#[derive(Debug, Args)]
pub struct LearnArguments {
    /// Files of labelled notes: label, language, subtlety, theme and text, by tabs.
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Where to write the weights; without it, only the table is printed.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Into how many parts the themes are split: each note is judged by what the other parts teach.
    #[arg(long, value_name = "COUNT", default_value_t = 5, value_parser = clap::value_parser!(u8).range(2..=20))]
    pub folds: u8,
    /// The owner's own rules, laid over the shipped ones.
    #[arg(long, value_name = "DIR")]
    pub rules: Option<PathBuf>,
}

/// `notyet rules explain`
#[derive(Debug, Args)]
pub struct ExplainArguments {
    /// The note's text, or `-` for standard input.
    #[arg(value_name = "NOTE")]
    pub note: String,
    /// The owner's own rules, laid over the shipped ones.
    #[arg(long, value_name = "DIR")]
    pub rules: Option<PathBuf>,
    /// As JSON.
    #[arg(long)]
    pub json: bool,
}

fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|error| format!("{error}; a time like 90d, 12h or 2w is wanted"))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Arguments::command().debug_assert();
    }
}
