//! The words the ledger writes for the domain's enums, and the way back.

use rusqlite::types::{FromSqlError, Type};

use crate::domain::Timestamp;
use crate::domain::delivery::{Event, Mode};

pub(super) fn mode_word(mode: Mode) -> &'static str {
    match mode {
        Mode::Draft => "draft",
        Mode::Send => "send",
    }
}

pub(super) fn parse_mode(word: &str) -> Option<Mode> {
    [Mode::Draft, Mode::Send].into_iter().find(|mode| mode_word(*mode) == word)
}

pub(super) fn event_word(event: Event) -> &'static str {
    match event {
        Event::Released => "released",
        Event::AppendAboutToGo => "append-about-to-go",
        Event::Appended => "appended",
        Event::NotAppended => "not-appended",
        Event::AppendUnclear => "append-unclear",
        Event::BodyAboutToGo => "body-about-to-go",
        Event::Accepted => "accepted",
        Event::TryLater => "try-later",
        Event::Rejected => "rejected",
        Event::Lost => "lost",
        Event::SeenInSent => "seen-in-sent",
        Event::Parked => "parked",
        Event::BecameDraft => "became-draft",
        Event::HoldOver => "hold-over",
        Event::OwnerActed => "owner-acted",
        Event::PersonRetries => "person-retries",
        Event::PersonDrops => "person-drops",
        Event::PersonSaysSent => "person-says-sent",
    }
}

/// Column `index` of `row` as a time.
pub(super) fn time(row: &rusqlite::Row<'_>, index: usize) -> rusqlite::Result<Timestamp> {
    row.get(index).map(Timestamp::from_unix_s)
}

/// Column `index` of `row` as a time, or NULL.
pub(super) fn optional_time(row: &rusqlite::Row<'_>, index: usize) -> rusqlite::Result<Option<Timestamp>> {
    Ok(row.get::<_, Option<i64>>(index)?.map(Timestamp::from_unix_s))
}

/// Column `index` of `row`, a word that `parse` must know.
pub(super) fn word<T>(
    row: &rusqlite::Row<'_>,
    index: usize,
    parse: impl FnOnce(&str) -> Option<T>,
) -> rusqlite::Result<T> {
    let text: String = row.get(index)?;
    parse(&text).ok_or_else(|| {
        rusqlite::Error::FromSqlConversionFailure(index, Type::Text, Box::new(FromSqlError::InvalidType))
    })
}
