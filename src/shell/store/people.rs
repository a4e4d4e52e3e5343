//! Whom the owner knows, as digests.

use rusqlite::{Connection, OptionalExtension, Transaction, params};
use sha2::{Digest, Sha256};

use super::Ledger;
use super::words::word;
use crate::domain::{Encounter, Fault, InvitationKey, PersonKey, Source, Strength};
use crate::shell::mailbox::Uid;

/// How far a Sent folder was read for the people in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentCursor {
    /// The folder.
    pub folder: String,
    /// Its UIDVALIDITY then.
    pub uid_validity: u32,
    /// Every UID below this one has been read.
    pub next_uid: Uid,
    /// By which reader of names (`stages::people`).
    pub reader: u32,
}

impl Ledger {
    /// Where `keys` are found. The weaker strength of both sides counts.
    ///
    /// # Errors
    /// See [`Ledger::start_account`].
    pub fn encounters(&self, keys: &[PersonKey]) -> Result<Vec<Encounter>, Fault> {
        self.read("looking a person up", |connection| {
            let secret = secret(connection)?;
            let mut select = connection
                .prepare("SELECT source, strength FROM person WHERE digest = ?1 ORDER BY source")?;
            let mut found = Vec::new();
            for key in keys {
                let rows = select.query_map([digest(&secret, key)], |row| {
                    Ok((word(row, 0, Source::parse)?, word(row, 1, Strength::parse)?))
                })?;
                for row in rows {
                    let (source, strength) = row?;
                    let key = PersonKey { strength: key.strength.min(strength), text: key.text.clone() };
                    found.push(Encounter { key, source });
                }
            }
            Ok(found)
        })
    }

    /// Puts `keys` in the place of everybody `source` (any but Sent) told of before.
    ///
    /// # Errors
    /// See [`Ledger::start_account`].
    pub fn replace_people(&mut self, source: Source, keys: &[PersonKey]) -> Result<(), Fault> {
        self.write("writing down whom the owner knows", |tx| {
            tx.execute("DELETE FROM person WHERE source = ?1", [source.as_str()])?;
            insert(tx, source, "", keys)
        })
    }

    /// Adds `keys` from the Sent folder of `account`, with how far it was read,
    /// in one transaction. `anew` forgets that it was read to the end, and nobody:
    /// whom the owner wrote to stays known when the mail is archived.
    ///
    /// # Errors
    /// See [`Ledger::start_account`].
    pub fn learn_people(
        &mut self,
        account: &str,
        cursor: &SentCursor,
        keys: &[PersonKey],
        anew: bool,
    ) -> Result<(), Fault> {
        self.write("writing down whom the owner wrote to", |tx| {
            if anew {
                tx.execute("DELETE FROM learned WHERE account = ?1", [account])?;
            }
            insert(tx, Source::Sent, account, keys)?;
            tx.execute(
                "INSERT INTO sent_cursor (account, folder, uid_validity, next_uid, reader)
                 VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (account) DO UPDATE
                 SET folder = ?2, uid_validity = ?3, next_uid = ?4, reader = ?5",
                params![account, cursor.folder, cursor.uid_validity, cursor.next_uid, cursor.reader],
            )
            .map(drop)
        })
    }

    /// Notes that it is known whom the owner wrote to from `account`, by the reader of names `reader`.
    ///
    /// # Errors
    /// See [`Ledger::start_account`].
    pub fn mark_learned(&mut self, account: &str, reader: u32) -> Result<(), Fault> {
        if self.yet_to_learn(&[account.to_owned()], reader)?.is_empty() {
            return Ok(());
        }
        self.write("noting that the Sent folder was read", |tx| {
            // The folder is gone; should it come back, it is read from its beginning.
            tx.execute(
                "DELETE FROM sent_cursor WHERE account = ?1 AND reader <> ?2",
                params![account, reader],
            )?;
            tx.execute("INSERT INTO learned (account) VALUES (?1) ON CONFLICT DO NOTHING", [account])
                .map(drop)
        })
    }

    /// Of which of `accounts` it is not known yet whom the owner wrote to, or not as `reader` reads names.
    ///
    /// # Errors
    /// See [`Ledger::start_account`].
    pub fn yet_to_learn(&self, accounts: &[String], reader: u32) -> Result<Vec<String>, Fault> {
        self.read("reading which Sent folders were read", |connection| {
            let mut learned = connection.prepare(
                "SELECT 1 FROM learned WHERE account = ?1 AND NOT EXISTS
                     (SELECT 1 FROM sent_cursor WHERE account = ?1 AND reader <> ?2)",
            )?;
            let mut missing = Vec::new();
            for account in accounts {
                if !learned.exists(params![account, reader])? {
                    missing.push(account.clone());
                }
            }
            Ok(missing)
        })
    }

    /// How far the Sent folder of `account` was read; `None` before the first time.
    ///
    /// # Errors
    /// See [`Ledger::start_account`].
    pub fn sent_cursor(&self, account: &str) -> Result<Option<SentCursor>, Fault> {
        self.read("reading how far the Sent folder was read", |connection| {
            connection
                .query_row(
                    "SELECT folder, uid_validity, next_uid, reader FROM sent_cursor WHERE account = ?1",
                    [account],
                    |row| {
                        Ok(SentCursor {
                            folder: row.get(0)?,
                            uid_validity: row.get(1)?,
                            next_uid: row.get(2)?,
                            reader: row.get(3)?,
                        })
                    },
                )
                .optional()
        })
    }

    /// Whom the letter of `key` answers, as the plan it was made by says.
    ///
    /// # Errors
    /// See [`Ledger::start_account`].
    pub fn inviter_name(&self, key: &InvitationKey) -> Result<Option<String>, Fault> {
        self.read("reading whom a letter answers", |connection| {
            connection
                .query_row(
                    "SELECT inviter_name FROM plan JOIN delivery ON plan.id = plan_id WHERE delivery.key = ?1",
                    [&key.0],
                    |row| row.get(0),
                )
                .optional()
        })
    }

    /// How many forms of people each source told of.
    ///
    /// # Errors
    /// See [`Ledger::start_account`].
    pub fn people_counts(&self) -> Result<Vec<(Source, u32)>, Fault> {
        self.read("counting people", |connection| {
            connection
                .prepare("SELECT source, count(DISTINCT digest) FROM person GROUP BY source ORDER BY source")?
                .query_map([], |row| Ok((word(row, 0, Source::parse)?, row.get(1)?)))?
                .collect()
        })
    }
}

pub(super) fn insert(
    tx: &Transaction<'_>,
    source: Source,
    account: &str,
    keys: &[PersonKey],
) -> rusqlite::Result<()> {
    let secret = secret(tx)?;
    // Of two claims to one form the stronger counts: Ann Lee herself, and an A. Lee.
    let mut insert = tx.prepare(
        "INSERT INTO person (digest, source, account, strength) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT DO UPDATE SET strength = ?4 WHERE
             (strength = 'near-name' AND ?4 <> 'near-name') OR (strength = 'name' AND ?4 = 'address')",
    )?;
    for key in keys {
        insert.execute(params![digest(&secret, key), source.as_str(), account, key.strength.as_str()])?;
    }
    Ok(())
}

pub(super) fn secret(connection: &Connection) -> rusqlite::Result<Vec<u8>> {
    connection.query_row("SELECT value FROM secret", [], |row| row.get(0))
}

pub(super) fn digest(secret: &[u8], key: &PersonKey) -> Vec<u8> {
    digest_of(secret, &key.text)
}

/// What the ledger keeps of a person in place of `text`.
pub(super) fn digest_of(secret: &[u8], text: &str) -> Vec<u8> {
    let mut hash = Sha256::new();
    hash.update(secret);
    hash.update(text.as_bytes());
    hash.finalize().to_vec()
}
