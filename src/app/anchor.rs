//! Where a mailbox that is new to the ledger ends: what arrives from here on is new mail.

use super::port::Port;
use super::shared::Shared;
use crate::config::Account;
use crate::domain::Fault;
use crate::shell::mailbox::Access;
use crate::shell::store::Batch;

/// Notes the end of each mailbox of `account` that has no cursor yet, before
/// anything that takes time (the look for lost letters, the reading of Sent):
/// mail that arrives meanwhile must not count as old. With `since` the backlog
/// is read by arrival, and with UIDVALIDITY 0 no UID can be remembered.
///
/// # Errors
/// The first [`Fault`] of the port or the ledger.
pub async fn anchor(port: &mut Port, account: &Account, shared: &Shared) -> Result<(), Fault> {
    if account.since.is_some() {
        return Ok(());
    }
    for mailbox in &account.mailboxes {
        if shared.ledger().cursor(&account.name, mailbox)?.is_some() {
            continue;
        }
        let opened = port.open(mailbox, Access::LastingUids).await?;
        let batch = Batch {
            account: &account.name,
            mailbox,
            uid_validity: opened.uid_validity,
            next_uid: Some(opened.uid_next),
            entries: Vec::new(),
            quarantined: Vec::new(),
            wish: None,
            now: shared.now(),
        };
        shared.ledger().commit_batch(&batch)?;
    }
    Ok(())
}
