//! Looking without touching: `preview`, `status`, and reading files for `check`.

use std::path::Path;
use std::sync::Mutex;

pub use super::books::{Lack, Unread};
use super::ingest::{Observer, ingest};
use super::port::Port;
use super::setup::Setup;
use super::shared::{Memory, Shared, Stop};
use super::{books, people};
use crate::config::{Account, Config};
use crate::domain::sending::{Brakes, Days, Sending};
use crate::domain::{Fault, Policy, RawMail, Timestamp};
use crate::shell::mailbox::Access;
use crate::shell::store::Ledger;
pub use crate::shell::store::{AccountStatus, Holder, PortFault, Status, Waiting};
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
    files::read_standard_input(MAX_MAIL_BYTES).map(RawMail)
}

/// Reads a note from standard input.
///
/// # Errors
/// [`Fault::Permanent`] when it cannot be read or is not UTF-8 text.
pub fn read_note() -> Result<String, Fault> {
    String::from_utf8(files::read_standard_input(MAX_MAIL_BYTES)?)
        .map_err(|_| Fault::Permanent("standard input: it is not UTF-8 text".to_owned()))
}

/// The present moment.
pub fn now() -> Timestamp {
    clock::now()
}

/// What there is to report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The ledger at a glance.
    pub status: Status,
    /// Address books that cannot be read.
    pub unread_books: Vec<Unread>,
    /// Whether a daemon, or a pass, works on the ledger this moment.
    pub holder: Holder,
    /// This moment.
    pub now: Timestamp,
}

impl Report {
    /// When any account was looked into last; `None` before the first look.
    pub fn last_look(&self) -> Option<Timestamp> {
        self.status.accounts.iter().filter_map(|account| account.looked_at).max()
    }
}

/// What there is to report, also while a daemon works on the ledger.
///
/// # Errors
/// See [`Ledger::open_read_only`].
pub fn report(config: &Config) -> Result<Report, Fault> {
    let ledger = Ledger::open_read_only(&config.state_dir)?;
    let names: Vec<String> = config.accounts.iter().map(|account| account.name.clone()).collect();
    Ok(Report {
        status: Status {
            yet_to_look: people::yet_to_read(&ledger, &names, &config.people)?,
            ..ledger.status()?
        },
        unread_books: books::unread(&ledger, &config.people)?,
        holder: Ledger::holder(&config.state_dir)?,
        now: now(),
    })
}

/// Why a look cannot begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unready {
    /// Something outside failed.
    Fault(Fault),
    /// What the configuration names cannot be read: an address book.
    Misconfigured(Fault),
}

impl From<Fault> for Unready {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// What a preview works with.
pub struct Preview {
    /// The accounts.
    pub accounts: Vec<Account>,
    /// The rest.
    pub shared: Shared,
    /// Why what the daemon has learned is not used, where it is not: it is learned anew, for this once.
    pub unused_ledger: Option<Fault>,
}

/// What a preview works with: the real rules and mailbox, a ledger that is
/// nowhere, and neither limits on letters nor hours, since time does not pass in it.
///
/// # Errors
/// When an address book cannot be read, or SQLite cannot be started.
pub async fn preview_of(setup: Setup) -> Result<Preview, Unready> {
    let policy = Policy { max_per_hour: u32::MAX, max_per_day: u32::MAX, ..setup.policy };
    let mut shared = Shared::new(setup.rules, setup.config.owner, policy, Ledger::in_memory()?, clock::now);
    let mut unused_ledger = None;
    if files::is_there(&Ledger::file(&setup.config.state_dir)) {
        // What the daemon has learned need not be learned again.
        match Ledger::open_read_only(&setup.config.state_dir) {
            Ok(ledger) => shared.elsewhere = Some(Mutex::new(ledger)),
            Err(fault) => unused_ledger = Some(fault),
        }
    }
    shared.looking = Access::ReadOnly;
    shared.people = setup.config.people;
    shared.sending = Sending {
        hours: None,
        days: Days::default(),
        brakes: Brakes { burst_letters: u32::MAX, ..setup.config.sending.brakes },
    };
    shared.zone = setup.zone;
    books::refresh(&shared).await?;
    if let Some(missing) = books::first_missing(&shared)? {
        return Err(Unready::Misconfigured(Fault::NeedsHuman(missing.words)));
    }
    Ok(Preview { accounts: setup.config.accounts, shared, unused_ledger })
}

/// Looks into `account`'s mailboxes as far back as its `since` says, by the
/// daemon's own code; opens them read-only and writes nothing anywhere.
///
/// # Errors
/// The first [`Fault`] of the port.
pub async fn preview(
    account: &Account,
    shared: &Shared,
    observer: &mut dyn Observer,
    stop: &Stop,
) -> Result<(), Fault> {
    let mut port = Port::connect(account, shared.uids(account)).await?;
    let result = look_in(&mut port, account, shared, observer, stop).await;
    port.close().await;
    result
}

async fn look_in(
    port: &mut Port,
    account: &Account,
    shared: &Shared,
    observer: &mut dyn Observer,
    stop: &Stop,
) -> Result<(), Fault> {
    let mut memory = Memory::default();
    let mut told = |read, all| observer.learning(read, all);
    if people::learn_sent(port, account, shared, &mut memory, &mut told, stop).await? {
        ingest(port, account, shared, &mut memory, observer, stop).await?;
    }
    Ok(())
}
