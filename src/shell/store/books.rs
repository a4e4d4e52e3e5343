//! Which address books were read, and what stands in the way of the others.

use std::path::{Path, PathBuf};

use rusqlite::params;

use super::Ledger;
use super::people::insert;
use super::words::optional_time;
use crate::domain::{Fault, PersonKey, Source, Timestamp};

/// An address book as the ledger knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Book {
    /// Its file or folder.
    pub path: PathBuf,
    /// When it was read to its end last; `None`: never.
    pub read_at: Option<Timestamp>,
    /// What stands in the way of reading it, and since when.
    pub trouble: Option<(String, Timestamp)>,
}

impl Ledger {
    /// Notes how each of the `books` of the configuration was found (the words say
    /// what stood in the way), and the people in them. Where nothing did, `keys`
    /// stand in the place of everybody the books told of before; else they are
    /// added, and nobody is forgotten.
    ///
    /// # Errors
    /// See [`Ledger::start_account`].
    pub fn note_books(
        &mut self,
        books: &[(&Path, Option<&str>)],
        keys: &[PersonKey],
        now: Timestamp,
    ) -> Result<(), Fault> {
        self.write("writing down who stands in the address books", |tx| {
            if books.iter().all(|(_, words)| words.is_none()) {
                tx.execute("DELETE FROM person WHERE source = ?1", [Source::AddressBook.as_str()])?;
                // A book that comes back to the configuration has to be read again: its people are gone.
                tx.execute("DELETE FROM address_book", [])?;
            }
            insert(tx, Source::AddressBook, "", keys)?;
            let mut note = tx.prepare(
                "INSERT INTO address_book (path, read_at, words, since)
                 VALUES (?1, iif(?2 IS NULL, ?3, NULL), ?2, iif(?2 IS NULL, NULL, ?3))
                 ON CONFLICT (path) DO UPDATE SET words = excluded.words,
                     read_at = coalesce(excluded.read_at, read_at),
                     since = iif(excluded.words IS NULL, NULL, coalesce(since, excluded.since))",
            )?;
            for (path, words) in books {
                note.execute(params![text(path), words, now.unix_s()])?;
            }
            Ok(())
        })
    }

    /// All address books that were looked for, by path.
    ///
    /// # Errors
    /// See [`Ledger::start_account`].
    pub fn books(&self) -> Result<Vec<Book>, Fault> {
        self.read("reading which address books were read", |connection| {
            connection
                .prepare("SELECT path, read_at, words, since FROM address_book ORDER BY path")?
                .query_map([], |row| {
                    let words: Option<String> = row.get(2)?;
                    let since = optional_time(row, 3)?;
                    Ok(Book {
                        path: PathBuf::from(row.get::<_, String>(0)?),
                        read_at: optional_time(row, 1)?,
                        trouble: words.zip(since),
                    })
                })?
                .collect()
        })
    }
}

fn text(path: &Path) -> String {
    path.display().to_string()
}
