//! The letters and their way through [`State`].

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::words::{event_word, mode_word, optional_time, parse_mode, time, word};
use super::{Hold, Ledger, hold};
use crate::domain::delivery::{Event, LONGEST_WAIT, Mode, ParkedFor, State};
use crate::domain::{Address, Fault, InvitationKey, MessageId, NoteKind, RawMail, Timestamp};

/// A letter and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The invitation it answers.
    pub key: InvitationKey,
    /// Whose.
    pub account: String,
    /// Draft or send.
    pub mode: Mode,
    /// Where it stands.
    pub state: State,
    /// The message as it is to be delivered.
    pub message: RawMail,
    /// Its Message-ID.
    pub message_id: MessageId,
    /// The envelope recipient; `None` for a draft to be pasted.
    pub to: Option<Address>,
    /// Tries begun.
    pub attempts: u32,
    /// When to try (again).
    pub next_attempt_at: Timestamp,
    /// What the mailbox needs to find the trace of an APPEND; `None` before the first.
    pub append_mark: Option<String>,
    /// What came back last; empty when nothing has.
    pub last_words: String,
    /// When it was written down.
    pub created_at: Timestamp,
    /// When it entered the queue; `None` while it is held.
    pub queued_at: Option<Timestamp>,
    /// When it moved last.
    pub changed_at: Timestamp,
    /// When its copy in Sent was filed or seen.
    pub sent_copy_at: Option<Timestamp>,
    /// What kind of note it answers.
    pub note_kind: NoteKind,
    /// When a person wanted it tried (again) last.
    pub retried_at: Option<Timestamp>,
    /// Why it was parked last; `None` when it never was.
    pub parked_for: Option<ParkedFor>,
    /// What it was parked for when a person let it go all the same.
    pub insisted: Vec<ParkedFor>,
    /// Its hold in Drafts; `None` where there is nothing (more) to do about one.
    pub hold: Option<Hold>,
}

/// What else an event changes. Parts that are `None` stay as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Detail {
    /// With [`Event::AppendAboutToGo`]: what the mailbox said to remember.
    pub append_mark: Option<String>,
    /// With [`Event::TryLater`] and [`Event::NotAppended`]: when to try again; at once without.
    pub next_attempt_at: Option<Timestamp>,
    /// With [`Event::Parked`]: why.
    pub parked_for: Option<ParkedFor>,
    /// With [`Event::BodyAboutToGo`] and [`Event::HoldOver`]: the message as it goes.
    pub message: Option<Vec<u8>>,
}

/// One move of a letter, from its history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// The event's word; `created` for the way in.
    pub event: String,
    /// The state it led to.
    pub to: State,
    /// What was noted.
    pub note: String,
    /// When.
    pub at: Timestamp,
}

const COLUMNS: &str = "delivery.key, account, mode, state, message, message_id, recipient, attempts,
    next_attempt_at, append_mark, last_words, created_at, queued_at, changed_at, sent_copy_at,
    (SELECT note_kind FROM plan WHERE plan.id = delivery.plan_id),
    (SELECT at FROM delivery_event e WHERE e.key = delivery.key AND event = 'person-retries'
     ORDER BY id DESC LIMIT 1),
    (SELECT parked_for FROM delivery_event e WHERE e.key = delivery.key AND event = 'parked'
     ORDER BY id DESC LIMIT 1),
    (SELECT group_concat(DISTINCT parked_for) FROM delivery_event e
     WHERE e.key = delivery.key AND event = 'parked'
       AND id < (SELECT max(id) FROM delivery_event r WHERE r.key = e.key AND r.event = 'person-retries'))";

impl Ledger {
    /// How many letters of `account` entered the queue from `since` to `now` (drafts and sends; held ones do
    /// not count). What a clock that was ahead has written counts once its time has come.
    ///
    /// # Errors
    /// See [`Ledger::start_account`].
    pub fn letters_between(&self, account: &str, since: Timestamp, now: Timestamp) -> Result<u32, Fault> {
        self.read("counting letters", |connection| {
            connection.query_row(
                "SELECT count(*) FROM delivery WHERE account = ?1 AND queued_at BETWEEN ?2 AND ?3",
                params![account, since.unix_s(), now.unix_s()],
                |row| row.get(0),
            )
        })
    }

    /// The letters of `account` to deliver now, oldest first. A wait of more
    /// than [`LONGEST_WAIT`] was written by a clock that was ahead, and is over.
    ///
    /// # Errors
    /// See [`Ledger::start_account`].
    pub fn due(&self, account: &str, now: Timestamp) -> Result<Vec<Delivery>, Fault> {
        self.read("reading the queue", |connection| {
            select(
                connection,
                "account = ?1 AND state = 'queued' AND next_attempt_at NOT BETWEEN ?2 + 1 AND ?3",
                params![account, now.unix_s(), now.plus(LONGEST_WAIT).unix_s()],
            )
        })
    }

    /// The letters of `account` that stand in `state`, oldest first.
    ///
    /// # Errors
    /// See [`Ledger::start_account`].
    pub fn in_state(&self, account: &str, state: State) -> Result<Vec<Delivery>, Fault> {
        self.read("reading letters", |connection| {
            select(connection, "account = ?1 AND state = ?2", params![account, state.as_str()])
        })
    }

    /// The letters of all accounts that stand in `state`, oldest first.
    ///
    /// # Errors
    /// See [`Ledger::start_account`].
    pub fn anywhere_in(&self, state: State) -> Result<Vec<Delivery>, Fault> {
        self.read("reading letters", |connection| select(connection, "state = ?1", params![state.as_str()]))
    }

    /// The sent letters of `account` whose copy in Sent is neither filed nor seen yet, oldest first.
    ///
    /// # Errors
    /// See [`Ledger::start_account`].
    pub fn sent_without_copy(&self, account: &str) -> Result<Vec<Delivery>, Fault> {
        self.read("reading letters", |connection| {
            select(connection, "account = ?1 AND state = 'sent' AND sent_copy_at IS NULL", params![account])
        })
    }

    /// The letter of one invitation.
    ///
    /// # Errors
    /// See [`Ledger::start_account`].
    pub fn delivery(&self, key: &InvitationKey) -> Result<Option<Delivery>, Fault> {
        self.read("reading a letter", |connection| of(connection, key))
    }

    /// Every move of one letter, oldest first.
    ///
    /// # Errors
    /// See [`Ledger::start_account`].
    pub fn history(&self, key: &InvitationKey) -> Result<Vec<Moved>, Fault> {
        self.read("reading the history of a letter", |connection| {
            connection
                .prepare("SELECT event, to_state, note, at FROM delivery_event WHERE key = ?1 ORDER BY id")?
                .query_map([&key.0], |row| {
                    Ok(Moved {
                        event: row.get(0)?,
                        to: word(row, 1, State::parse)?,
                        note: row.get(2)?,
                        at: time(row, 3)?,
                    })
                })?
                .collect()
        })
    }

    /// Moves a letter as [`State::after`] says, writes the move into its
    /// history and commits. `note` is kept as the last words unless empty: no
    /// address and no words of the letter.
    ///
    /// # Errors
    /// [`Fault::Permanent`] when there is no such letter or the machine has no such move; nothing
    /// is changed then and the caller must not act. Otherwise as [`Ledger::start_account`].
    pub fn record(
        &mut self,
        key: &InvitationKey,
        event: Event,
        note: &str,
        now: Timestamp,
        detail: Detail,
    ) -> Result<State, Fault> {
        self.write_or("writing down the fate of a letter", |tx, fault| {
            let Some((mode, from)) = standing(tx, key).map_err(fault)? else {
                return Err(Fault::Permanent(format!(
                    "ledger: no letter has the key {}; nothing was changed",
                    key.0
                )));
            };
            let Some(to) = from.after(mode, event) else { return Err(no_such_move(key, mode, from, event)) };
            move_on(tx, key, event, (from, to), note, now, &detail).map_err(fault)?;
            Ok(to)
        })
    }

    /// [`Ledger::record`], if the letter still stands where `letter` was read;
    /// `None`, and nothing changed, when it was moved meanwhile.
    ///
    /// # Errors
    /// As [`Ledger::record`].
    pub fn record_unless_moved(
        &mut self,
        letter: &Delivery,
        event: Event,
        note: &str,
        now: Timestamp,
        detail: Detail,
    ) -> Result<Option<State>, Fault> {
        let (key, mode, from) = (&letter.key, letter.mode, letter.state);
        let Some(to) = from.after(mode, event) else { return Err(no_such_move(key, mode, from, event)) };
        self.write("writing down the fate of a letter", |tx| {
            if standing(tx, key)? != Some((mode, from)) {
                return Ok(None);
            }
            move_on(tx, key, event, (from, to), note, now, &detail)?;
            Ok(Some(to))
        })
    }

    /// Notes that the copy of a sent letter is in Sent. The first time counts.
    ///
    /// # Errors
    /// See [`Ledger::start_account`].
    pub fn mark_sent_copy_done(&mut self, key: &InvitationKey, now: Timestamp) -> Result<(), Fault> {
        self.write("noting the copy in Sent", |tx| {
            tx.execute(
                "UPDATE delivery SET sent_copy_at = coalesce(sent_copy_at, ?2) WHERE key = ?1",
                params![key.0, now.unix_s()],
            )
            .map(drop)
        })
    }
}

/// The letter of one invitation.
pub(super) fn of(connection: &Connection, key: &InvitationKey) -> rusqlite::Result<Option<Delivery>> {
    select(connection, "delivery.key = ?1", params![key.0]).map(|mut found| found.pop())
}

/// How and where a letter stands.
pub(super) fn standing(tx: &Connection, key: &InvitationKey) -> rusqlite::Result<Option<(Mode, State)>> {
    tx.query_row("SELECT mode, state FROM delivery WHERE key = ?1", [&key.0], |row| {
        Ok((word(row, 0, parse_mode)?, word(row, 1, State::parse)?))
    })
    .optional()
}

fn no_such_move(key: &InvitationKey, mode: Mode, from: State, event: Event) -> Fault {
    Fault::Permanent(format!(
        "ledger: a letter to {} that is {} cannot become {}; nothing was changed (key {})",
        mode_word(mode),
        from.as_str(),
        event_word(event),
        key.0
    ))
}

/// Writes a move down, with its place in the letter's history.
pub(super) fn move_on(
    tx: &Connection,
    key: &InvitationKey,
    event: Event,
    (from, to): (State, State),
    note: &str,
    now: Timestamp,
    detail: &Detail,
) -> rusqlite::Result<()> {
    let next_attempt_at = match event {
        Event::TryLater
        | Event::NotAppended
        | Event::Released
        | Event::PersonRetries
        | Event::BecameDraft
        | Event::HoldOver => Some(detail.next_attempt_at.unwrap_or(now)),
        _ => detail.next_attempt_at,
    };
    tx.execute(
        "UPDATE delivery SET
             state = ?2,
             mode = coalesce(?9, mode),
             changed_at = ?3,
             attempts = attempts + ?4,
             next_attempt_at = coalesce(?5, next_attempt_at),
             append_mark = coalesce(?6, append_mark),
             message = coalesce(?8, message),
             last_words = CASE ?7 WHEN '' THEN last_words ELSE ?7 END,
             queued_at = CASE ?2 WHEN 'queued' THEN coalesce(queued_at, ?3) ELSE queued_at END
         WHERE key = ?1",
        params![
            key.0,
            to.as_str(),
            now.unix_s(),
            tries_begun(from, event),
            next_attempt_at.map(Timestamp::unix_s),
            detail.append_mark,
            note,
            detail.message,
            event.turns_into().map(mode_word)
        ],
    )?;
    tx.execute(
        "INSERT INTO delivery_event (key, event, from_state, to_state, note, at, parked_for)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            key.0,
            event_word(event),
            from.as_str(),
            to.as_str(),
            note,
            now.unix_s(),
            detail.parked_for.map(ParkedFor::as_str)
        ],
    )?;
    hold::follow(tx, key, event, now)
}

/// A try begins when something is about to leave, or was put off before anything could.
fn tries_begun(from: State, event: Event) -> u32 {
    match (from, event) {
        (_, Event::AppendAboutToGo | Event::BodyAboutToGo)
        | (State::Queued, Event::TryLater | Event::Rejected) => 1,
        _ => 0,
    }
}

pub(super) fn select(
    connection: &Connection,
    condition: &str,
    values: &[&dyn rusqlite::ToSql],
) -> rusqlite::Result<Vec<Delivery>> {
    connection
        .prepare(&format!(
            "SELECT {COLUMNS}, {} FROM delivery {} WHERE {condition} ORDER BY created_at, delivery.rowid",
            hold::COLUMNS,
            hold::JOIN
        ))?
        .query_map(values, delivery)?
        .collect()
}

fn delivery(row: &Row<'_>) -> rusqlite::Result<Delivery> {
    Ok(Delivery {
        key: InvitationKey(row.get(0)?),
        account: row.get(1)?,
        mode: word(row, 2, parse_mode)?,
        state: word(row, 3, State::parse)?,
        message: RawMail(row.get(4)?),
        message_id: word(row, 5, MessageId::parse)?,
        to: match row.get::<_, Option<String>>(6)? {
            Some(_) => Some(word(row, 6, Address::parse)?),
            None => None,
        },
        attempts: row.get(7)?,
        next_attempt_at: time(row, 8)?,
        append_mark: row.get(9)?,
        last_words: row.get(10)?,
        created_at: time(row, 11)?,
        queued_at: optional_time(row, 12)?,
        changed_at: time(row, 13)?,
        sent_copy_at: optional_time(row, 14)?,
        note_kind: word(row, 15, NoteKind::parse)?,
        retried_at: optional_time(row, 16)?,
        parked_for: match row.get::<_, Option<String>>(17)? {
            Some(_) => Some(word(row, 17, ParkedFor::parse)?),
            None => None,
        },
        insisted: match row.get::<_, Option<String>>(18)? {
            Some(_) => word(row, 18, |list| list.split(',').map(ParkedFor::parse).collect())?,
            None => Vec::new(),
        },
        hold: hold::of(row, 19)?,
    })
}
