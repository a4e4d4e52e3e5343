//! The command line of `notyet letters`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::domain::NoteKind;

/// `notyet letters …`
#[derive(Debug, Subcommand)]
pub enum LettersCommand {
    /// Print the letters as they would go out, to an invented inviter.
    #[command(
        after_help = "Examples:\n  notyet letters show --config notyet.toml      in your languages, signed by you\n  notyet letters show --lang de --kind personalized --opening met\n  notyet letters show --lang fr --opening all --paste\n  notyet letters show --rules ./my-rules --json"
    )]
    Show(LettersShowArguments),
}

/// `notyet letters show`
#[derive(Debug, Args)]
pub struct LettersShowArguments {
    /// Only this language; else all you write (with --config), or all there are.
    #[arg(long, value_name = "LANGUAGE")]
    pub lang: Option<String>,
    /// Only this letter: generic or personalized.
    #[arg(long, value_name = "KIND", value_parser = note_kind)]
    pub kind: Option<NoteKind>,
    /// Begin personalized letters with this opening, or with each: all. Else with a plain thank-you.
    #[arg(long, value_name = "NAME")]
    pub opening: Option<String>,
    /// As for an inviter whom no address reaches: to paste.
    #[arg(long)]
    pub paste: bool,
    /// Greet without a name.
    #[arg(long)]
    pub nameless: bool,
    /// Write as this file's owner, from its first account, by its rules; else the shipped rules, owner me@example.com.
    #[arg(long, short, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The owner's own rules, laid over the shipped ones.
    #[arg(long, value_name = "DIR", conflicts_with = "config")]
    pub rules: Option<PathBuf>,
    /// One JSON array of all letters.
    #[arg(long)]
    pub json: bool,
}

fn note_kind(word: &str) -> Result<NoteKind, String> {
    NoteKind::parse(word).ok_or_else(|| "generic or personalized is wanted".to_owned())
}
