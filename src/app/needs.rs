//! What needs a person: what `status --check` fails for.

use std::time::Duration;

use super::look::{AccountStatus, PortFault, Report, Unread, Waiting};
use crate::config::Account;
use crate::domain::Timestamp;
use crate::domain::delivery::State;
use crate::domain::sending::Trip;

/// An account that nobody has looked into for so long is forgotten: a daemon looks
/// every few minutes, and the rarest cron job once a day.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(25 * 60 * 60);

/// One thing that does not mend itself.
#[derive(Clone, Copy, Debug)]
pub enum Need<'a> {
    /// All sending stands still.
    SendingStopped(&'a Trip),
    /// An address book cannot be read.
    Book(&'a Unread),
    /// A port of an account waits for a person.
    Port(&'a AccountStatus, &'a PortFault),
    /// An account was last looked into then.
    NotLooked(&'a AccountStatus, Timestamp),
    /// A letter waits for a word.
    Letter(&'a AccountStatus, &'a Waiting),
}

/// All that needs a person; `accounts` are those of the configuration.
pub fn needs<'a>(report: &'a Report, accounts: &[Account]) -> Vec<Need<'a>> {
    let status = &report.status;
    let mut found: Vec<Need<'a>> = status.stopped.iter().map(Need::SendingStopped).collect();
    found.extend(report.unread_books.iter().map(Need::Book));
    for account in &status.accounts {
        if let Some(configured) = accounts.iter().find(|one| one.name == account.name) {
            let faults = account.port_faults.iter().filter(|fault| fault.last_told.is_some());
            found.extend(faults.map(|fault| Need::Port(account, fault)));
            let since = not_looked_since(account, configured, report.now);
            found.extend(since.map(|since| Need::NotLooked(account, since)));
        }
        let waits = |letter: &&Waiting| matches!(letter.state, State::Parked | State::Refused);
        found.extend(account.waiting.iter().filter(waits).map(|letter| Need::Letter(account, letter)));
    }
    found
}

/// Since when nobody has looked into `account`, where that is too long ago.
pub fn not_looked_since(account: &AccountStatus, configured: &Account, now: Timestamp) -> Option<Timestamp> {
    let last = account.looked_at.unwrap_or(account.last_activity);
    let patience = FORGOTTEN_AFTER.max(configured.poll_every * 2);
    (now.since(last) > patience).then_some(last)
}
