//! The command line of what a person does with the ledger.

use clap::{Args, Subcommand};

use super::arguments::{ConfigArgument, ShownArguments};

/// `notyet queue …`
#[derive(Debug, Args)]
pub struct QueueArguments {
    /// What to do; else `list`.
    #[command(subcommand)]
    pub command: Option<QueueCommand>,
    /// Which configuration.
    #[command(flatten)]
    pub config: ConfigArgument,
    /// As JSON.
    #[arg(long)]
    pub json: bool,
}

/// What can be done with the queue.
#[derive(Debug, Subcommand)]
pub enum QueueCommand {
    /// The letters that are not at an end, what each waits for, and what you can say.
    List(ShownArguments),
    /// One invitation: its letter, every step so far, where it stands, what you can do.
    Show(KeyArguments),
    /// Try it (again): also a letter that is perhaps sent, held back, parked or refused.
    Retry(KeyOnlyArguments),
    /// Let it be: this invitation is never answered by notyet. A draft that is held stays one.
    Drop(KeyOnlyArguments),
    /// A letter in doubt was sent: you have seen it.
    Sent(KeyOnlyArguments),
}

/// A key, and how to print what is found.
#[derive(Debug, Args)]
pub struct KeyArguments {
    /// The invitation's key, or its beginning.
    #[arg(value_name = "KEY")]
    pub key: String,
    /// Which configuration.
    #[command(flatten)]
    pub config: ConfigArgument,
    /// As JSON.
    #[arg(long)]
    pub json: bool,
}

/// A key.
#[derive(Debug, Args)]
pub struct KeyOnlyArguments {
    /// The invitation's key, or its beginning.
    #[arg(value_name = "KEY")]
    pub key: String,
    /// Which configuration.
    #[command(flatten)]
    pub config: ConfigArgument,
}

/// `notyet forget`
#[derive(Debug, Args)]
pub struct ForgetArguments {
    /// The inviter's name, whole and as the invitation writes it (capitals and blanks aside), or the
    /// address their letter goes to.
    #[arg(value_name = "NAME|ADDRESS")]
    pub person: String,
    /// Which configuration.
    #[command(flatten)]
    pub config: ConfigArgument,
    /// As JSON.
    #[arg(long)]
    pub json: bool,
}
