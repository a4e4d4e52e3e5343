//! Forgetting: the words of an invitation go, its keys and digests stay, so
//! that it is not answered a second time.

use rusqlite::{Transaction, params};

use super::{Detail, Ledger, delivery, hold};
use crate::domain::delivery::Event;
use crate::domain::{Fault, InvitationKey, Timestamp};

/// Satisfies the rule that a sent letter has a recipient; `.invalid` is nobody's (RFC 2606 §2).
const NOBODY: &str = "erased@erased.invalid";

/// An undo, a move of the notification or the removal of a held draft of `KEY` has begun and is not at its end.
const UNFINISHED: &str = "(EXISTS (SELECT 1 FROM undo u WHERE u.key = KEY AND u.draft = 'wanted')
    OR EXISTS (SELECT 1 FROM hold h WHERE h.key = KEY AND h.withdrawing_at IS NOT NULL)
    OR EXISTS (SELECT 1 FROM touch t WHERE t.key = KEY
               AND t.state IN ('marking', 'copying', 'back-wanted', 'back-copying')))";

/// What tells whose invitation it is.
#[derive(Clone, PartialEq, Eq)]
pub struct Trace {
    /// The invitation.
    pub key: InvitationKey,
    /// The inviter, as one of its mails named them.
    pub inviter_name: String,
    /// The recipient of its letter.
    pub recipient: Option<String>,
}

impl std::fmt::Debug for Trace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Trace({})", self.key.0)
    }
}

/// What came of forgetting an invitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forgot {
    /// Its words are erased.
    Erased,
    /// The same, and its letter, which waited, goes nowhere.
    ErasedAndDropped,
    /// Nothing was changed: its letter is on the wire, or an undo, a move of its notification
    /// or the removal of its held draft is begun and not at its end.
    Busy,
}

impl Ledger {
    /// Everything in the ledger that still names a person.
    ///
    /// # Errors
    /// See [`Ledger::start_account`].
    pub fn traces(&self) -> Result<Vec<Trace>, Fault> {
        self.read("looking for a person", |connection| {
            connection
                .prepare(
                    "SELECT DISTINCT p.key, p.inviter_name, d.recipient
                     FROM plan p LEFT JOIN delivery d ON d.key = p.key
                     WHERE p.erased_at IS NULL ORDER BY p.key",
                )?
                .query_map([], |row| {
                    Ok(Trace {
                        key: InvitationKey(row.get(0)?),
                        inviter_name: row.get(1)?,
                        recipient: row.get(2)?,
                    })
                })?
                .collect()
        })
    }

    /// Erases the words of every invitation that is at an end and that nothing
    /// was heard of since `before`; tells how many. What waits, for time or a
    /// person, keeps its words. The bytes are gone after [`Ledger::scrub`].
    ///
    /// # Errors
    /// See [`Ledger::start_account`].
    pub fn erase_older(&mut self, before: Timestamp, now: Timestamp) -> Result<usize, Fault> {
        self.write("erasing what is old", |tx| {
            let keys: Vec<InvitationKey> = tx
                .prepare(&format!(
                    "SELECT p.key FROM plan p LEFT JOIN delivery d ON d.key = p.key
                     GROUP BY p.key
                     HAVING count(p.erased_at) < count(*)
                        AND max(p.made_at) < ?1
                        AND (d.key IS NULL OR
                             (d.changed_at < ?1 AND d.state IN ('drafted', 'sent', 'refused', 'taken-over')))
                        AND (d.key IS NOT NULL OR
                             (SELECT decision FROM plan l WHERE l.key = p.key ORDER BY id DESC LIMIT 1) <> 'hold')
                        AND NOT {} AND NOT {}",
                    UNFINISHED.replace("KEY", "p.key"),
                    hold::IS_OPEN.replace("KEY", "p.key")
                ))?
                .query_map([before.unix_s()], |row| row.get(0).map(InvitationKey))?
                .collect::<rusqlite::Result<_>>()?;
            keys.iter().try_for_each(|key| erase(tx, key, now))?;
            Ok(keys.len())
        })
    }

    /// Forgets whose invitation it is: a letter that waits goes nowhere, the words are
    /// erased, and no later mail of it brings them back or gets a letter.
    ///
    /// # Errors
    /// See [`Ledger::start_account`].
    pub fn forget(&mut self, key: &InvitationKey, now: Timestamp) -> Result<Forgot, Fault> {
        self.write("erasing what is known of a person", |tx| {
            let unfinished = format!("SELECT {}", UNFINISHED.replace("KEY", "?1"));
            if tx.query_row(&unfinished, [&key.0], |row| row.get(0))? {
                return Ok(Forgot::Busy);
            }
            let letter = delivery::standing(tx, key)?;
            if letter.is_some_and(|(_, state)| state.is_on_the_wire()) {
                return Ok(Forgot::Busy);
            }
            let dropped = letter
                .filter(|(_, state)| state.waits())
                .and_then(|(mode, from)| from.after(mode, Event::PersonDrops).map(|to| (from, to)));
            if let Some(moved) = dropped {
                delivery::move_on(tx, key, Event::PersonDrops, moved, "", now, &Detail::default())?;
            }
            erase(tx, key, now)?;
            tx.execute(
                "INSERT INTO forgotten (key, at) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
                params![key.0, now.unix_s()],
            )?;
            Ok(if dropped.is_some() { Forgot::ErasedAndDropped } else { Forgot::Erased })
        })
    }

    /// Makes what was erased vanish from the files: the ledger is written anew
    /// without free pages, and the write-ahead log is cut to nothing.
    ///
    /// # Errors
    /// [`Fault::Transient`] when another program is reading meanwhile: the bytes are there until the next time.
    pub fn scrub(&mut self) -> Result<(), Fault> {
        let busy = self.read("writing the ledger anew", |connection| {
            // Else the copy would lie in a file of the temporary folder for a while.
            connection.execute_batch("PRAGMA temp_store = MEMORY; VACUUM")?;
            connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, bool>(0))
        })?;
        if busy {
            return Err(Fault::Transient(
                "ledger: another program reads it, so the bytes of what was erased are still in its log"
                    .to_owned(),
            ));
        }
        Ok(())
    }
}

/// Whether the words of an invitation were erased.
pub(super) fn is_erased(tx: &Transaction<'_>, key: &InvitationKey) -> rusqlite::Result<bool> {
    tx.prepare("SELECT 1 FROM plan WHERE key = ?1 AND erased_at IS NOT NULL LIMIT 1")?.exists([&key.0])
}

fn erase(tx: &Transaction<'_>, key: &InvitationKey, now: Timestamp) -> rusqlite::Result<()> {
    let now = now.unix_s();
    tx.execute(
        "UPDATE plan SET inviter_name = '', note = NULL, evidence = '[]', reason_text = '', erased_at = ?2
         WHERE key = ?1 AND erased_at IS NULL",
        params![key.0, now],
    )?;
    // A copy for Sent can no more be made.
    tx.execute(
        "UPDATE delivery SET message = x'', last_words = '', erased_at = ?2,
                recipient = CASE mode WHEN 'send' THEN ?3 END,
                sent_copy_at = CASE state WHEN 'sent' THEN coalesce(sent_copy_at, ?2) ELSE sent_copy_at END
         WHERE key = ?1 AND erased_at IS NULL",
        params![key.0, now, NOBODY],
    )?;
    tx.execute("UPDATE delivery_event SET note = '' WHERE key = ?1", [&key.0])?;
    tx.execute("DELETE FROM touch WHERE key = ?1", [&key.0])?;
    tx.execute("DELETE FROM hold WHERE key = ?1", [&key.0])?;
    tx.execute("DELETE FROM inviter WHERE key = ?1", [&key.0])?;
    Ok(())
}
