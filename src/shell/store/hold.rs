//! Letters that stand in Drafts for a while before they are sent.
//!
//! A hold begins with its letter. It is over when the draft was removed and the
//! letter is queued to be sent ([`Ledger::hold_over`], one transaction); it ends
//! without that when the letter is not to be sent any more, and the draft stays.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use super::words::optional_time;
use super::{Delivery, Detail, Ledger, delivery, touch};
use crate::domain::delivery::{Event, Mode, State};
use crate::domain::{Fault, InvitationKey, Timestamp};

/// The word for the end of a hold in a letter's history: no move of the letter.
const ENDED: &str = "hold-ended";

/// The hold of a letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hold {
    /// For so long the draft stands.
    pub lasts: Duration,
    /// When the letter is sent; `None` until its draft stands.
    pub goes_at: Option<Timestamp>,
    /// Since when the draft is being removed; `None`: it is to stand.
    pub withdrawing_at: Option<Timestamp>,
    /// When it ended, with its draft being removed; `None` while the letter is to be sent.
    pub ended_at: Option<Timestamp>,
}

/// The columns of a letter's hold; all NULL where it has none.
pub(super) const COLUMNS: &str = "lasts_s, goes_at, withdrawing_at, ended_at";

/// What [`COLUMNS`] are taken from.
pub(super) const JOIN: &str = "LEFT JOIN hold ON hold.key = delivery.key";

/// The letter of `key` (an SQL expression) is to be sent when its hold is over.
pub(super) const IS_OPEN: &str = "EXISTS (SELECT 1 FROM hold h WHERE h.key = KEY AND h.ended_at IS NULL)";

impl Delivery {
    /// The hold after which it is sent; `None` where it is not.
    pub fn open_hold(&self) -> Option<&Hold> {
        self.hold.as_ref().filter(|hold| hold.ended_at.is_none())
    }
}

impl Ledger {
    /// The letters of `account` whose draft stands in Drafts, or did, until they are sent; oldest first.
    ///
    /// # Errors
    /// See [`Ledger::start_account`].
    pub fn held_drafts(&self, account: &str) -> Result<Vec<Delivery>, Fault> {
        self.read("reading letters", |connection| {
            let held = "account = ?1 AND state = ?2 AND hold.key IS NOT NULL";
            delivery::select(connection, held, params![account, State::Drafted.as_str()])
        })
    }

    /// The letters of all accounts that are to be sent when their hold is over.
    ///
    /// # Errors
    /// See [`Ledger::start_account`].
    pub fn held_anywhere(&self) -> Result<Vec<Delivery>, Fault> {
        self.read("reading letters", |connection| {
            delivery::select(connection, &IS_OPEN.replace("KEY", "delivery.key"), &[])
        })
    }

    /// Ends the holds of all letters, or that of `only`: they are not sent by
    /// themselves, and their drafts stay. Answers how many there were.
    ///
    /// # Errors
    /// See [`Ledger::start_account`].
    pub fn end_holds(
        &mut self,
        only: Option<&InvitationKey>,
        why: &str,
        now: Timestamp,
    ) -> Result<usize, Fault> {
        let open = |connection: &Connection| -> rusqlite::Result<Vec<InvitationKey>> {
            connection
                .prepare("SELECT key FROM hold WHERE ended_at IS NULL AND key = coalesce(?1, key)")?
                .query_map([only.map(|key| key.0.as_str())], |row| row.get(0).map(InvitationKey))?
                .collect()
        };
        if self.read("looking for letters that are held", open)?.is_empty() {
            return Ok(0);
        }
        self.write("ending the hold of letters", |tx| {
            let keys = open(tx)?;
            keys.iter().try_for_each(|key| end(tx, key, why, now).map(drop))?;
            Ok(keys.len())
        })
    }

    /// Notes that the draft of `key` is about to be removed so that its letter can
    /// be sent. Tells whether that may be: not where the letter or its hold was
    /// moved meanwhile.
    ///
    /// # Errors
    /// See [`Ledger::start_account`].
    pub fn begin_withdrawal(&mut self, key: &InvitationKey, now: Timestamp) -> Result<bool, Fault> {
        self.write("noting that a draft is about to be removed", |tx| {
            if delivery::standing(tx, key)? != Some((Mode::Draft, State::Drafted)) {
                return Ok(false);
            }
            let noted = tx.execute(
                "UPDATE hold SET withdrawing_at = ?2 WHERE key = ?1 AND ended_at IS NULL",
                params![key.0, now.unix_s()],
            )?;
            Ok(noted == 1)
        })
    }

    /// Notes that the draft of `key` stands all the same; a hold that ended meanwhile is done with.
    ///
    /// # Errors
    /// See [`Ledger::start_account`].
    pub fn draft_stands(&mut self, key: &InvitationKey) -> Result<(), Fault> {
        self.write("noting that a draft stands", |tx| {
            tx.execute("DELETE FROM hold WHERE key = ?1 AND ended_at IS NOT NULL", [&key.0])?;
            tx.execute("UPDATE hold SET withdrawing_at = NULL WHERE key = ?1", [&key.0]).map(drop)
        })
    }

    /// The draft of `letter` was removed by us: it is to be sent now, as `message`,
    /// and counts for the limits from now on. Tells whether that may be: not where
    /// the letter or its hold was moved meanwhile, and nothing is changed then.
    ///
    /// # Errors
    /// See [`Ledger::start_account`].
    pub fn hold_over(
        &mut self,
        letter: &Delivery,
        message: Vec<u8>,
        note: &str,
        now: Timestamp,
    ) -> Result<bool, Fault> {
        let key = &letter.key;
        self.write("noting that a letter is to be sent now", |tx| {
            let is_open: bool = tx
                .query_row(
                    "SELECT ended_at IS NULL AND withdrawing_at IS NOT NULL FROM hold WHERE key = ?1",
                    [&key.0],
                    |row| row.get(0),
                )
                .optional()?
                .unwrap_or(false);
            let from = delivery::standing(tx, key)?.filter(|_| is_open);
            let Some((mode, from)) = from else { return Ok(false) };
            let Some(to) = from.after(mode, Event::HoldOver) else { return Ok(false) };
            let detail = Detail { message: Some(message), ..Detail::default() };
            delivery::move_on(tx, key, Event::HoldOver, (from, to), note, now, &detail)?;
            tx.execute(
                "UPDATE delivery SET attempts = 0, queued_at = ?2 WHERE key = ?1",
                params![key.0, now.unix_s()],
            )?;
            Ok(true)
        })
    }
}

/// Puts down that the letter of `key` is held for `lasts`, once its draft stands.
pub(super) fn insert(tx: &Transaction<'_>, key: &InvitationKey, lasts: Duration) -> rusqlite::Result<()> {
    tx.execute(
        "INSERT INTO hold (key, lasts_s) VALUES (?1, ?2)",
        params![key.0, i64::try_from(lasts.as_secs()).unwrap_or(i64::MAX)],
    )
    .map(drop)
}

/// What a move of the letter of `key` means for its hold. A person's word, a
/// refusal or a doubt ends it: what becomes of the letter then is no sending.
pub(super) fn follow(
    tx: &Connection,
    key: &InvitationKey,
    event: Event,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let change = match event {
        Event::Appended => "UPDATE hold SET goes_at = coalesce(goes_at, ?2 + lasts_s) WHERE key = ?1",
        Event::HoldOver
        | Event::Parked
        | Event::Rejected
        | Event::OwnerActed
        | Event::PersonDrops
        | Event::PersonSaysSent => "DELETE FROM hold WHERE key = ?1 AND ?2 IS NOT NULL",
        _ => return Ok(()),
    };
    tx.execute(change, params![key.0, now.unix_s()]).map(drop)
}

/// Ends the hold of `key`; tells whether there was one. While its draft is being
/// removed the row stays, so that the next pass looks what became of the draft.
pub(super) fn end(tx: &Connection, key: &InvitationKey, why: &str, now: Timestamp) -> rusqlite::Result<bool> {
    let ended = tx.execute(
        "UPDATE hold SET ended_at = ?2 WHERE key = ?1 AND ended_at IS NULL",
        params![key.0, now.unix_s()],
    )?;
    if ended == 0 {
        return Ok(false);
    }
    tx.execute("DELETE FROM hold WHERE key = ?1 AND withdrawing_at IS NULL", [&key.0])?;
    touch::is_not_sent(tx, key)?;
    tx.execute("UPDATE delivery SET last_words = ?2 WHERE key = ?1", params![key.0, why])?;
    tx.execute(
        "INSERT INTO delivery_event (key, event, from_state, to_state, note, at)
         SELECT key, ?2, state, state, ?3, ?4 FROM delivery WHERE key = ?1",
        params![key.0, ENDED, why, now.unix_s()],
    )?;
    Ok(true)
}

/// The hold in the columns of `row` from `at` on, in the order of [`COLUMNS`].
pub(super) fn of(row: &Row<'_>, at: usize) -> rusqlite::Result<Option<Hold>> {
    let Some(lasts_s) = row.get::<_, Option<i64>>(at)? else { return Ok(None) };
    Ok(Some(Hold {
        lasts: Duration::from_secs(u64::try_from(lasts_s).unwrap_or(0)),
        goes_at: optional_time(row, at + 1)?,
        withdrawing_at: optional_time(row, at + 2)?,
        ended_at: optional_time(row, at + 3)?,
    }))
}
