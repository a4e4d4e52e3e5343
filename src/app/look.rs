//! Looking without touching: `preview`, `status`, and reading files for `check`.

use std::io::Read as _;
use std::path::Path;

use super::ingest::{Observer, ingest};
use super::port::Port;
use super::setup::Setup;
use super::shared::{Memory, Shared, Stop};
use crate::config::{Account, Config};
use crate::domain::{Fault, Policy, RawMail, Timestamp};
use crate::shell::store::Ledger;
pub use crate::shell::store::{AccountStatus, Status};
use crate::shell::{clock, files};

/// No mail file larger than this is read.
const MAX_MAIL_BYTES: u64 = 64 * 1024 * 1024;

/// Reads one mail file, or standard input for `-`.
///
/// # Errors
/// [`Fault::Permanent`] naming the file.
pub fn read_mail(file: &Path) -> Result<RawMail, Fault> {
    if file != Path::new("-") {
        return files::read_bytes(file, MAX_MAIL_BYTES).map(RawMail);
    }
    let mut bytes = Vec::new();
    std::io::stdin()
        .take(MAX_MAIL_BYTES)
        .read_to_end(&mut bytes)
        .map_err(|error| Fault::Permanent(format!("standard input: {error}")))?;
    Ok(RawMail(bytes))
}

/// The present moment.
pub fn now() -> Timestamp {
    clock::now()
}

/// The ledger at a glance, also while a daemon works on it.
///
/// # Errors
/// See [`Ledger::open_read_only`].
pub fn status(config: &Config) -> Result<Status, Fault> {
    Ledger::open_read_only(&config.state_dir)?.status()
}

/// What a preview works with: the real rules and mailbox, a ledger that is
/// nowhere, and no limit on letters, since time does not pass in it.
///
/// # Errors
/// When SQLite cannot be started.
pub fn preview_of(setup: Setup) -> Result<(Vec<Account>, Shared), Fault> {
    let policy = Policy { max_per_hour: u32::MAX, max_per_day: u32::MAX, ..setup.policy };
    let shared = Shared::new(setup.rules, setup.config.owner, policy, Ledger::in_memory()?, clock::now);
    Ok((setup.config.accounts, shared))
}

/// Looks into `account`'s mailboxes as far back as its `since` says, by the
/// daemon's own code; opens them read-only and writes nothing anywhere.
///
/// # Errors
/// The first [`Fault`] of the port.
pub async fn preview(account: &Account, shared: &Shared, observer: &mut dyn Observer) -> Result<(), Fault> {
    let (_switch, stop) = Stop::new();
    let mut port = Port::connect(account, shared.uids(account)).await?;
    let result = ingest(&mut port, account, shared, &mut Memory::default(), observer, &stop).await;
    port.close().await;
    result.map(|_| ())
}
