//! Where the daemon may write, and that it can write nowhere else.

use std::path::PathBuf;

use crate::config::{Config, MailboxKind, Sandbox, SecretSource};
use crate::domain::Fault;
use crate::shell::files;
use crate::shell::sandbox::{Enforced, write_only_below};

/// What holds for this process until it ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Confined {
    /// It may write wherever its user may.
    No,
    /// It may write below these folders.
    To(Vec<PathBuf>),
}

impl Confined {
    /// Restricts this thread and those it will start, as `config` asks for. To be
    /// called before there are others.
    ///
    /// # Errors
    /// [`Fault::NeedsHuman`] where it is required and cannot be done.
    pub fn enter(config: &Config) -> Result<Self, Fault> {
        if !wants(config) {
            return Ok(Self::No);
        }
        // What is not there cannot be allowed. Where it cannot be made, the ledger will say so.
        let _ = files::make_private(&config.state_dir);
        let folders = writable(config);
        let why_not = match write_only_below(&folders) {
            Ok(Enforced::Fully | Enforced::Partly) => {
                tracing::info!("sandbox: writing is restricted to the state folder and the Maildirs");
                return Ok(Self::To(folders));
            }
            Ok(Enforced::Not) => "this kernel has no Landlock, or it is switched off".to_owned(),
            Err(words) => words,
        };
        if config.sandbox == Sandbox::Required {
            return Err(Fault::NeedsHuman(format!(
                "sandbox = \"required\" cannot be had: {why_not}; use \"auto\" to run without it"
            )));
        }
        tracing::info!("sandbox: none: {why_not}");
        Ok(Self::No)
    }

    /// Whether a `config` that was loaded anew can be run in here.
    ///
    /// # Errors
    /// What stands against it, and the remedy.
    pub fn allows(&self, config: &Config) -> Result<(), String> {
        let Self::To(folders) = self else {
            return Ok(());
        };
        if !wants(config) {
            return Err("sandbox: it is in force, and cannot be left; restart notyet".to_owned());
        }
        match writable(config).iter().find(|new| !folders.iter().any(|folder| new.starts_with(folder))) {
            Some(new) => {
                Err(format!("sandbox: {} may not be written to any more; restart notyet", new.display()))
            }
            None => Ok(()),
        }
    }
}

/// A helper program writes where it likes (a token that was renewed, a lock of
/// GnuPG), and would be restricted with us: that must be asked for.
fn wants(config: &Config) -> bool {
    match config.sandbox {
        Sandbox::Off => false,
        Sandbox::Auto => !config
            .secrets()
            .any(|secret| matches!(secret, SecretSource::PasswordCommand(_) | SecretSource::TokenCommand(_))),
        Sandbox::Required => true,
    }
}

fn writable(config: &Config) -> Vec<PathBuf> {
    let maildirs = config.accounts.iter().filter_map(|account| match &account.kind {
        MailboxKind::Maildir(maildir) => Some(maildir.path.clone()),
        MailboxKind::Imap(_) => None,
    });
    [config.state_dir.clone()].into_iter().chain(maildirs).collect()
}
