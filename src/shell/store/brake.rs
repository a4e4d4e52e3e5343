//! What stops all sending, and who had a letter before.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use super::people::{digest_of, secret};
use super::words::{optional_time, time, word};
use super::{Detail, Ledger, delivery, touch};
use crate::domain::delivery::{Event, Mode, State};
use crate::domain::sending::{Cause, Recipient, Trip, Vitals};
use crate::domain::{Address, Fault, InvitationKey, Timestamp};

/// `seen_at` is written down no more often than this.
const SEEN_EVERY: Duration = Duration::from_secs(60);

impl Ledger {
    /// What the ledger knows that can stop all sending; letters count that were made within `within`.
    ///
    /// # Errors
    /// See [`Ledger::start_account`].
    pub fn vitals(&self, now: Timestamp, within: Duration) -> Result<Vitals, Fault> {
        self.read("looking whether sending has to stop", |connection| {
            let (seen_at, settled, standing) = connection.query_row(
                "SELECT cause, tripped_at, words, seen_at, settled_event FROM brake",
                [],
                |row| Ok((optional_time(row, 3)?, row.get::<_, i64>(4)?, trip(row)?)),
            )?;
            let made_lately = connection.query_row(
                "SELECT count(*) FROM delivery_event e JOIN delivery d ON d.key = e.key
                 WHERE e.event = 'created' AND e.id > ?1 AND e.at > ?2
                   AND (d.mode = 'send' OR EXISTS (SELECT 1 FROM hold h WHERE h.key = d.key))",
                params![settled, now.minus(within).unix_s()],
                |row| row.get(0),
            )?;
            let refused_in_a_row = connection.query_row(
                "SELECT count(*) FROM delivery_event e JOIN delivery d ON d.key = e.key
                 WHERE e.event = 'rejected' AND d.mode = 'send'
                   AND e.id > max(?1, (SELECT coalesce(max(id), 0) FROM delivery_event WHERE event = 'accepted'))",
                params![settled],
                |row| row.get(0),
            )?;
            Ok(Vitals { seen_at, made_lately, refused_in_a_row, standing })
        })
    }

    /// Why sending stands still; `None` while it goes on.
    ///
    /// # Errors
    /// See [`Ledger::start_account`].
    pub fn sending_stopped(&self) -> Result<Option<Trip>, Fault> {
        self.read("looking whether sending stands still", standing)
    }

    /// Notes that a pass is made at `now`, by a clock that is believed.
    ///
    /// # Errors
    /// See [`Ledger::start_account`].
    pub fn note_pass(&mut self, now: Timestamp) -> Result<(), Fault> {
        let stale = self.read("reading when the last pass was", |connection| {
            let seen = connection.query_row("SELECT seen_at FROM brake", [], |row| optional_time(row, 0))?;
            Ok(seen.is_none_or(|seen| now.since(seen) >= SEEN_EVERY))
        })?;
        if !stale {
            return Ok(());
        }
        self.write("noting a pass", |tx| {
            tx.execute("UPDATE brake SET seen_at = ?1", [now.unix_s()]).map(drop)
        })
    }

    /// Stops all sending. One that stands still keeps its first reason.
    ///
    /// # Errors
    /// See [`Ledger::start_account`].
    pub fn stop_sending(&mut self, trip: &Trip) -> Result<(), Fault> {
        self.write("stopping all sending", |tx| {
            tx.execute(
                "UPDATE brake SET cause = ?1, tripped_at = ?2, words = ?3 WHERE cause IS NULL",
                params![trip.cause.as_str(), trip.at.unix_s(), trip.words],
            )
            .map(drop)
        })
    }

    /// Lets sending go on, as a person said: what happened so far counts no
    /// more. Tells why it stood still; `None` when it did not.
    ///
    /// # Errors
    /// See [`Ledger::start_account`].
    pub fn resume_sending(&mut self, now: Timestamp) -> Result<Option<Trip>, Fault> {
        self.write("letting sending go on", |tx| {
            let stood = standing(tx)?;
            if stood.is_some() {
                tx.execute(
                    "UPDATE brake SET cause = NULL, tripped_at = NULL, words = NULL, seen_at = ?1,
                         settled_event = (SELECT coalesce(max(id), 0) FROM delivery_event)",
                    [now.unix_s()],
                )?;
            }
            Ok(stood)
        })
    }

    /// Makes drafts of the letters to send of which nothing has left yet (held
    /// or queued): all of them, or the one of `only`. `as_draft` rewrites the
    /// message. Answers how many there were.
    ///
    /// # Errors
    /// See [`Ledger::start_account`].
    pub fn turn_into_drafts(
        &mut self,
        only: Option<&InvitationKey>,
        as_draft: fn(&[u8]) -> Vec<u8>,
        why: &str,
        now: Timestamp,
    ) -> Result<usize, Fault> {
        const WHICH: &str = "mode = 'send' AND state IN ('held', 'queued') AND key = coalesce(?1, key)";
        let only = only.map(|key| key.0.as_str());
        let any = self.read("looking for letters to send", |connection| {
            connection
                .prepare(&format!("SELECT 1 FROM delivery WHERE {WHICH} LIMIT 1"))?
                .exists(params![only])
        })?;
        if !any {
            return Ok(0);
        }
        self.write("making drafts of letters to send", |tx| {
            let letters: Vec<(InvitationKey, State, Vec<u8>)> = tx
                .prepare(&format!("SELECT key, state, message FROM delivery WHERE {WHICH}"))?
                .query_map(params![only], |row| {
                    Ok((InvitationKey(row.get(0)?), word(row, 1, State::parse)?, row.get(2)?))
                })?
                .collect::<rusqlite::Result<_>>()?;
            let mut turned = 0;
            for (key, from, message) in &letters {
                let Some(to) = from.after(Mode::Send, Event::BecameDraft) else { continue };
                tx.execute(
                    "UPDATE delivery SET message = ?2, attempts = 0 WHERE key = ?1",
                    params![key.0, as_draft(message)],
                )?;
                let moved = (*from, to);
                delivery::move_on(tx, key, Event::BecameDraft, moved, why, now, &Detail::default())?;
                touch::is_not_sent(tx, key)?;
                turned += 1;
            }
            Ok(turned)
        })
    }

    /// Whether a letter to `to` answers another invitation than `key`.
    ///
    /// # Errors
    /// See [`Ledger::start_account`].
    pub fn recipient(&self, to: &Address, key: &InvitationKey) -> Result<Recipient, Fault> {
        self.read("looking whether an address had a letter", |connection| {
            Ok(match claimant(connection, to)? {
                Some(claimed) if claimed != *key => Recipient::WrittenTo,
                _ => Recipient::New,
            })
        })
    }
}

/// Keeps `to` for the letter of `key`; whom another letter was made for stays that one's.
pub(super) fn claim(tx: &Transaction<'_>, to: &Address, key: &InvitationKey) -> rusqlite::Result<()> {
    let holder = claimant(tx, to)?.unwrap_or_else(|| key.clone());
    tx.execute(
        "INSERT INTO recipient (digest, key) VALUES (?1, ?2) ON CONFLICT (digest) DO NOTHING",
        params![recipient_digest(tx, &to.mailbox_form())?, holder.0],
    )
    .map(drop)
}

/// The claims that letters would have made that were there before claims were, or
/// before all spellings of a mailbox made one.
pub(super) fn claim_for_old_letters(tx: &Transaction<'_>) -> rusqlite::Result<()> {
    let letters: Vec<(String, Address)> = tx
        .prepare(
            "SELECT key, recipient FROM delivery WHERE recipient IS NOT NULL ORDER BY created_at, rowid",
        )?
        .query_map([], |row| Ok((row.get(0)?, word(row, 1, Address::parse)?)))?
        .collect::<rusqlite::Result<_>>()?;
    letters.iter().try_for_each(|(key, to)| claim(tx, to, &InvitationKey(key.clone())))
}

/// The invitation that `to` had its letter for.
pub(super) fn claimant(connection: &Connection, to: &Address) -> rusqlite::Result<Option<InvitationKey>> {
    // Earlier ledgers kept each spelling, and no longer hold the address behind every one.
    for text in [to.mailbox_form(), to.canonical()] {
        let found = connection
            .query_row(
                "SELECT key FROM recipient WHERE digest = ?1",
                [recipient_digest(connection, &text)?],
                |row| row.get(0).map(InvitationKey),
            )
            .optional()?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

fn recipient_digest(connection: &Connection, text: &str) -> rusqlite::Result<Vec<u8>> {
    Ok(digest_of(&secret(connection)?, &format!("recipient:{text}")))
}

pub(super) fn standing(connection: &Connection) -> rusqlite::Result<Option<Trip>> {
    connection.query_row("SELECT cause, tripped_at, words FROM brake", [], trip)
}

/// The first three columns: cause, time and words, or all NULL.
fn trip(row: &Row<'_>) -> rusqlite::Result<Option<Trip>> {
    if row.get_ref(0)? == rusqlite::types::ValueRef::Null {
        return Ok(None);
    }
    Ok(Some(Trip { cause: word(row, 0, Cause::parse)?, at: time(row, 1)?, words: row.get(2)? }))
}
