//! Wishes for notifications and how far they are, and what was taken back.

use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use super::batch::Batch;
use super::hand::keys_of_invitation;
use super::words::{time, word};
use super::{Detail, Ledger, delivery};
use crate::domain::after::{Destination, IfMissing, Wish};
use crate::domain::delivery::Event;
use crate::domain::{Fault, InvitationKey, MessageId, Plan, Timestamp};
use crate::shell::mailbox::{Marks, Uid};

/// How far a wish is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Touched {
    /// Nothing was done yet.
    Wanted,
    /// Its flags are known; they are set, and it is moved, next.
    Marking,
    /// It is copied next, on a server that cannot move.
    Copying,
    /// Done, or its owner was first. An end.
    Done,
    /// It could not be done; the words say why. An end.
    Left,
    /// It is wanted back as it was.
    BackWanted,
    /// The same as `Copying`, on the way back.
    BackCopying,
    /// It is as it was. An end.
    Back,
}

impl Touched {
    const ALL: [Self; 8] = [
        Self::Wanted,
        Self::Marking,
        Self::Copying,
        Self::Done,
        Self::Left,
        Self::BackWanted,
        Self::BackCopying,
        Self::Back,
    ];

    /// The word used in the ledger and in `--json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Wanted => "wanted",
            Self::Marking => "marking",
            Self::Copying => "copying",
            Self::Done => "done",
            Self::Left => "left",
            Self::BackWanted => "back-wanted",
            Self::BackCopying => "back-copying",
            Self::Back => "back",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

/// A wish for one notification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Touch {
    /// Its row.
    pub id: i64,
    /// The invitation the notification tells of.
    pub key: InvitationKey,
    /// Where it was found.
    pub mailbox: String,
    /// The UIDVALIDITY its UID belongs to.
    pub uid_validity: u32,
    /// Its UID there.
    pub uid: Uid,
    /// Its Message-ID.
    pub message_id: MessageId,
    /// What is wanted.
    pub wish: Wish,
    /// How far it is.
    pub state: Touched,
    /// The flags it had before the first touch.
    pub had: Option<Marks>,
    /// What stood in the way; empty when nothing did.
    pub words: String,
    /// Since when.
    pub changed_at: Timestamp,
    /// When a move or copy was asked for whose end was not heard of.
    pub moving_since: Option<Timestamp>,
}

/// What became of the draft of an invitation that was taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Withdrawn {
    /// There was none.
    None,
    /// It is to be removed.
    Wanted,
    /// It is gone.
    Removed,
    /// It stays; the words say why.
    Left,
}

impl Withdrawn {
    /// The word used in the ledger and in `--json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Wanted => "wanted",
            Self::Removed => "removed",
            Self::Left => "left",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        [Self::None, Self::Wanted, Self::Removed, Self::Left].into_iter().find(|w| w.as_str() == word)
    }
}

/// An invitation that its owner took back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undo {
    /// Its key.
    pub key: InvitationKey,
    /// When.
    pub asked_at: Timestamp,
    /// What became of the draft.
    pub draft: Withdrawn,
    /// Why it stays, where it does.
    pub words: String,
}

const COLUMNS: &str =
    "id, key, mailbox, uid_validity, uid, message_id, seen, flag, folder, may_create, state,
    had_seen, had_flag, words, changed_at, moving_since";

/// Puts a wish for the one notification of `batch` down. A mail without
/// Message-ID cannot be told from others, and is never touched.
pub(super) fn insert(tx: &Transaction<'_>, batch: &Batch<'_>, plan: &Plan, uid: Uid) -> rusqlite::Result<()> {
    let (Some(wish), Some(message_id), 1..) = (batch.wish, &plan.invitation.message_id, batch.uid_validity)
    else {
        return Ok(());
    };
    let to = wish.to.as_ref();
    tx.execute(
        "INSERT INTO touch (key, account, mailbox, uid_validity, uid, message_id, seen, flag, folder,
                            may_create, state, words, changed_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 'wanted', '', ?11)
         ON CONFLICT (account, message_id) DO NOTHING",
        params![
            plan.invitation.key.0,
            batch.account,
            batch.mailbox,
            batch.uid_validity,
            uid,
            message_id.as_str(),
            wish.seen,
            wish.flag,
            to.map(|to| &to.folder),
            to.is_some_and(|to| to.if_missing == IfMissing::Create),
            batch.now.unix_s()
        ],
    )
    .map(drop)
}

/// The letter of `key` is a draft and no more to be sent: what was wanted once it
/// was sent is wanted no more.
pub(super) fn is_not_sent(tx: &Connection, key: &InvitationKey) -> rusqlite::Result<()> {
    tx.execute("UPDATE touch SET state = 'done' WHERE key = ?1 AND state = 'wanted'", [&key.0]).map(drop)
}

impl Ledger {
    /// The wishes of `account` that can be worked on now, oldest first: those
    /// begun, those to be taken back, and those whose letter, if there is to be
    /// one, stands in Drafts (and stays there) or was sent.
    ///
    /// # Errors
    /// See [`Ledger::start_account`].
    pub fn touches_due(&self, account: &str) -> Result<Vec<Touch>, Fault> {
        self.read("reading what is wanted of notifications", |connection| {
            select(
                connection,
                "account = ?1 AND (state IN ('marking', 'copying', 'back-wanted', 'back-copying')
                 OR (state = 'wanted' AND NOT EXISTS
                     (SELECT 1 FROM delivery d WHERE d.key = touch.key
                      AND (d.state NOT IN ('drafted', 'sent')
                           OR EXISTS (SELECT 1 FROM hold h WHERE h.key = d.key AND h.ended_at IS NULL)))))",
                &[&account],
            )
        })
    }

    /// The wishes for the notifications of one invitation, oldest first.
    ///
    /// # Errors
    /// See [`Ledger::start_account`].
    pub fn touches_of(&self, key: &InvitationKey) -> Result<Vec<Touch>, Fault> {
        self.read("reading what is wanted of notifications", |connection| {
            select(connection, "key = ?1", &[&key.0])
        })
    }

    /// Moves a wish on, if it still stands where it was read; tells whether.
    /// The flags it had are kept the first time.
    ///
    /// # Errors
    /// See [`Ledger::start_account`].
    pub fn move_touch(
        &mut self,
        touch: &Touch,
        to: Touched,
        had: Option<Marks>,
        words: &str,
        now: Timestamp,
    ) -> Result<bool, Fault> {
        self.write("noting what was done with a notification", |tx| {
            tx.execute(
                "UPDATE touch SET state = ?3, words = ?4, changed_at = CASE words = ?4 AND state = ?3
                                  WHEN 1 THEN changed_at ELSE ?5 END,
                     had_seen = coalesce(had_seen, ?6), had_flag = coalesce(had_flag, ?7),
                     moving_since = CASE WHEN ?3 IN ('done', 'left', 'back') THEN NULL ELSE moving_since END
                 WHERE id = ?1 AND state = ?2",
                params![
                    touch.id,
                    touch.state.as_str(),
                    to.as_str(),
                    words,
                    now.unix_s(),
                    had.map(|marks| marks.seen),
                    had.map(|marks| marks.flagged)
                ],
            )
            .map(|changed| changed == 1)
        })
    }

    /// Notes since when a move or copy is under way; tells whether the wish still stands as read.
    ///
    /// # Errors
    /// See [`Ledger::start_account`].
    pub fn note_moving(&mut self, touch: &Touch, since: Option<Timestamp>) -> Result<bool, Fault> {
        self.write("noting that a notification is being moved", |tx| {
            tx.execute(
                "UPDATE touch SET moving_since = ?2 WHERE id = ?1 AND (state = ?3 OR ?2 IS NULL)",
                params![touch.id, since.map(Timestamp::unix_s), touch.state.as_str()],
            )
            .map(|changed| changed == 1)
        })
    }

    /// Takes an invitation back: it is never answered again, its letter is let
    /// be, its notifications are wanted as they were, and a draft that may stand
    /// in Drafts is to go. Tells whether: a letter on the wire is nobody's to move.
    ///
    /// # Errors
    /// See [`Ledger::start_account`].
    pub fn take_back(&mut self, key: &InvitationKey, account: &str, now: Timestamp) -> Result<bool, Fault> {
        self.write("taking an invitation back", |tx| {
            // Of a reminder, too, that has a key of its own.
            let keys = keys_of_invitation(tx, key)?;
            let letter = keys.first().map(|first| delivery::of(tx, first)).transpose()?.flatten();
            if letter.as_ref().is_some_and(|letter| letter.state.is_on_the_wire()) {
                return Ok(false);
            }
            let draft = match &letter {
                Some(letter) if letter.state.may_stand_in_drafts(letter.mode, letter.parked_for) => {
                    Withdrawn::Wanted
                }
                _ => Withdrawn::None,
            };
            for one in &keys {
                let own = letter.as_ref().filter(|letter| letter.key == *one);
                let account = own.map_or(account, |letter| letter.account.as_str());
                let draft = own.map_or(Withdrawn::None, |_| draft);
                tx.execute(
                    "INSERT INTO undo (key, account, asked_at, draft, words) VALUES (?1, ?2, ?3, ?4, '')
                     ON CONFLICT (key) DO UPDATE SET draft = ?4 WHERE draft = 'none'",
                    params![one.0, account, now.unix_s(), draft.as_str()],
                )?;
                tx.execute(
                    "UPDATE touch SET state = CASE state WHEN 'wanted' THEN 'back' ELSE 'back-wanted' END,
                         words = '', changed_at = ?2
                     WHERE key = ?1 AND state IN ('wanted', 'marking', 'copying', 'done')",
                    params![one.0, now.unix_s()],
                )?;
            }
            if let Some(letter) = letter
                && let Some(to) = letter.state.after(letter.mode, Event::PersonDrops)
            {
                let moved = (letter.state, to);
                let words = "you took it back";
                delivery::move_on(
                    tx,
                    &letter.key,
                    Event::PersonDrops,
                    moved,
                    words,
                    now,
                    &Detail::default(),
                )?;
            }
            Ok(true)
        })
    }

    /// Whether and how an invitation was taken back.
    ///
    /// # Errors
    /// See [`Ledger::start_account`].
    pub fn undo_of(&self, key: &InvitationKey) -> Result<Option<Undo>, Fault> {
        self.read("reading what was taken back", |connection| {
            connection
                .query_row("SELECT key, asked_at, draft, words FROM undo WHERE key = ?1", [&key.0], undo)
                .optional()
        })
    }

    /// The invitations of `account` whose draft is to be removed.
    ///
    /// # Errors
    /// See [`Ledger::start_account`].
    pub fn drafts_to_remove(&self, account: &str) -> Result<Vec<Undo>, Fault> {
        self.read("reading what was taken back", |connection| {
            connection
                .prepare(
                    "SELECT key, asked_at, draft, words FROM undo WHERE account = ?1 AND draft = 'wanted'
                     ORDER BY asked_at, rowid",
                )?
                .query_map([account], undo)?
                .collect()
        })
    }

    /// Notes what became of the draft of an invitation that was taken back.
    ///
    /// # Errors
    /// See [`Ledger::start_account`].
    pub fn note_draft(&mut self, key: &InvitationKey, draft: Withdrawn, words: &str) -> Result<(), Fault> {
        self.write("noting what became of a draft", |tx| {
            tx.execute(
                "UPDATE undo SET draft = ?2, words = ?3 WHERE key = ?1",
                params![key.0, draft.as_str(), words],
            )
            .map(drop)
        })
    }
}

/// The wishes of `account` that something stands in the way of, oldest first.
pub(super) fn in_trouble(connection: &Connection, account: &str) -> rusqlite::Result<Vec<Touch>> {
    select(connection, "account = ?1 AND words <> '' AND state <> 'done'", &[&account])
}

fn select(
    connection: &Connection,
    condition: &str,
    values: &[&dyn rusqlite::ToSql],
) -> rusqlite::Result<Vec<Touch>> {
    connection
        .prepare(&format!("SELECT {COLUMNS} FROM touch WHERE {condition} ORDER BY id"))?
        .query_map(values, touch)?
        .collect()
}

fn touch(row: &Row<'_>) -> rusqlite::Result<Touch> {
    let if_missing = if row.get(9)? { IfMissing::Create } else { IfMissing::Say };
    let to = row.get::<_, Option<String>>(8)?.map(|folder| Destination { folder, if_missing });
    let had = match (row.get::<_, Option<bool>>(11)?, row.get::<_, Option<bool>>(12)?) {
        (Some(seen), Some(flagged)) => Some(Marks { seen, flagged }),
        _ => None,
    };
    Ok(Touch {
        id: row.get(0)?,
        key: InvitationKey(row.get(1)?),
        mailbox: row.get(2)?,
        uid_validity: row.get(3)?,
        uid: row.get(4)?,
        message_id: word(row, 5, MessageId::parse)?,
        wish: Wish { seen: row.get(6)?, flag: row.get(7)?, to },
        state: word(row, 10, Touched::parse)?,
        had,
        words: row.get(13)?,
        changed_at: time(row, 14)?,
        moving_since: row.get::<_, Option<i64>>(15)?.map(Timestamp::from_unix_s),
    })
}

fn undo(row: &Row<'_>) -> rusqlite::Result<Undo> {
    Ok(Undo {
        key: InvitationKey(row.get(0)?),
        asked_at: time(row, 1)?,
        draft: word(row, 2, Withdrawn::parse)?,
        words: row.get(3)?,
    })
}
