//! What the inviter behind a letter would be known by, as digests.

use rusqlite::{Transaction, params};

use super::Ledger;
use super::people::{digest, secret};
use crate::domain::{Fault, InvitationKey, PersonKey};

impl Ledger {
    /// Whether one of the forms that were kept with the letter of `key` is by now
    /// among those of the people the owner knows.
    ///
    /// # Errors
    /// See [`Ledger::start_account`].
    pub fn meets_inviter(&self, key: &InvitationKey) -> Result<bool, Fault> {
        self.read("looking an inviter up", |connection| {
            connection
                .prepare("SELECT 1 FROM inviter JOIN person USING (digest) WHERE key = ?1 LIMIT 1")?
                .exists([&key.0])
        })
    }

    /// Whether `form` was kept with the letter of `key`: its inviter is known by it.
    ///
    /// # Errors
    /// See [`Ledger::start_account`].
    pub fn is_inviter(&self, key: &InvitationKey, form: &PersonKey) -> Result<bool, Fault> {
        self.read("looking an inviter up", |connection| {
            let digest = digest(&secret(connection)?, form);
            connection
                .prepare("SELECT 1 FROM inviter WHERE key = ?1 AND digest = ?2")?
                .exists(params![key.0, digest])
        })
    }
}

/// Keeps `forms` with the letter of `key`.
pub(super) fn keep(tx: &Transaction<'_>, key: &InvitationKey, forms: &[PersonKey]) -> rusqlite::Result<()> {
    let secret = secret(tx)?;
    let mut insert =
        tx.prepare("INSERT INTO inviter (key, digest) VALUES (?1, ?2) ON CONFLICT DO NOTHING")?;
    forms.iter().try_for_each(|form| insert.execute(params![key.0, digest(&secret, form)]).map(drop))
}
