//! The one TOML file, validated: a value of type [`Config`] can be run as it is.
//!
//! ```text
//! text --toml--> spanned tree --raw--> sections and fields --validate--> Config
//!                      |                     |                   |
//!                      '----- problems, all of them, with file, line, column, key
//! ```
//!
//! Nothing here touches a disk or the environment: what the surroundings
//! decide comes in as [`Surroundings`].

mod account;
mod after;
mod field;
mod keys;
mod place;
mod problems;
mod raw;
mod sending;
mod server;
pub mod show;
mod surroundings;
mod types;
mod validate;

pub(crate) use field::duration_text;
pub use keys::known_keys;
pub use place::Place;
pub use surroundings::{Places, Surroundings};
pub use types::{
    Account, Config, Dkim, Imap, LogFormat, Logging, Login, MailboxKind, Maildir, Me, Owner, People, Sandbox,
    SecretSource, SentCopy, Smtp, Tls,
};

use crate::domain::{Problem, Problems, problem};

/// A configuration that can be run, and what its owner should know about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// What is allowed but will surprise, in file order.
    pub warnings: Vec<Problem>,
}

/// Line and column (from 1) of `key` in the table `table` of a file that [`parse`] took.
pub fn place_of(text: &str, table: &str, key: &str) -> Option<(usize, usize)> {
    let tree = toml::de::DeTable::parse(text).ok()?;
    let value = tree.get_ref().get(table)?.get_ref().as_table()?.get(key)?;
    Some(problem::place(text, value.span().start))
}

/// Reads the configuration file `file` (the name is for messages only) with content `text`.
///
/// # Errors
/// All problems of the file at once, in file order. Neither they nor the
/// warnings hold an address or anything that may be a secret.
pub fn parse(file: &str, text: &str, around: &Surroundings) -> Result<Loaded, Problems> {
    let findings = problems::Findings::new(file, text);
    let tree = findings.read_tree();
    let config = validate::config(&raw::Section::root(&findings, tree.get_ref()), around);
    let (problems, warnings) = findings.into_lists();
    match config {
        Some(config) if problems.is_empty() => Ok(Loaded { config, warnings }),
        _ => Err(Problems(problems)),
    }
}
