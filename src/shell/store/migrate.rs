//! Forward-only schema versions, kept in SQLite's `user_version`.
//!
//! Version n is the schema after the first n steps. A step never changes once
//! released; a new version is a new step at the end. All missing steps and
//! the new version number commit together, so a crash leaves the old version.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use super::sql_fault;
use crate::domain::Fault;

/// Every step so far, oldest first.
pub(super) const STEPS: &[&str] = &[
    include_str!("schema.sql"),
    include_str!("people.sql"),
    include_str!("hand.sql"),
    include_str!("rebuild.sql"),
    include_str!("brake.sql"),
    include_str!("answers.sql"),
    include_str!("parked.sql"),
    include_str!("whole.sql"),
    include_str!("learned.sql"),
    include_str!("older_copy.sql"),
    include_str!("books.sql"),
    include_str!("stumbles.sql"),
    include_str!("reader.sql"),
    include_str!("forgotten.sql"),
    include_str!("event_words.sql"),
    include_str!("inviter.sql"),
    include_str!("given_up.sql"),
    include_str!("refused.sql"),
    include_str!("look.sql"),
    include_str!("hold.sql"),
    include_str!("moving.sql"),
];

/// The version this program writes.
pub(super) fn current() -> usize {
    STEPS.len()
}

/// The version of the schema behind `connection`; 0 is an empty file.
pub(super) fn version(connection: &Connection, path: &Path) -> Result<usize, Fault> {
    let number: i64 = connection
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .map_err(|error| sql_fault(path, "reading the version of the ledger", &error))?;
    usize::try_from(number).map_err(|_| too_new(path, number))
}

/// Brings the schema up to this program's version.
///
/// # Errors
/// [`Fault::NeedsHuman`] for a ledger of a later version: an old program must not write it.
pub(super) fn migrate(connection: &mut Connection, path: &Path) -> Result<(), Fault> {
    apply(connection, path, STEPS)
}

fn apply(connection: &mut Connection, path: &Path, steps: &[&str]) -> Result<(), Fault> {
    let fault = |error: rusqlite::Error| sql_fault(path, "bringing the ledger up to date", &error);
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(fault)?;
    let from = version(&transaction, path)?;
    let Some(missing) = steps.get(from..) else {
        return Err(too_new(path, i64::try_from(from).unwrap_or(i64::MAX)));
    };
    if missing.is_empty() {
        return Ok(());
    }
    for step in missing {
        transaction.execute_batch(step).map_err(fault)?;
    }
    // SQL alone cannot fill this table: it holds digests, of forms that later versions change.
    if has_table(&transaction, "recipient").map_err(fault)? {
        super::brake::claim_for_old_letters(&transaction).map_err(fault)?;
    }
    let to = i64::try_from(steps.len()).unwrap_or(i64::MAX);
    transaction.pragma_update(None, "user_version", to).map_err(fault)?;
    transaction.commit().map_err(fault)
}

fn has_table(connection: &Connection, name: &str) -> rusqlite::Result<bool> {
    connection.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?1")?.exists([name])
}

fn too_new(path: &Path, found: i64) -> Fault {
    Fault::NeedsHuman(format!(
        "{}: the ledger is of version {found}, this notyet knows versions up to {}; it was written by a later notyet: run that one",
        path.display(),
        current()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A ledger as version `n` left it, with a row in it that must survive.
    /// A new version adds the rows it is about; the old lines stay.
    fn fixture(n: usize) -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        for step in &STEPS[..n] {
            connection.execute_batch(step).unwrap();
        }
        connection.pragma_update(None, "user_version", i64::try_from(n).unwrap()).unwrap();
        if n >= 1 {
            connection
                .execute_batch(
                    "INSERT INTO account (name, started_at) VALUES ('work', 7);
                     INSERT INTO cursor (account, mailbox, uid_validity, next_uid, moved_at)
                         VALUES ('work', 'INBOX', 3, 12, 9);",
                )
                .unwrap();
        }
        connection
    }

    fn shape(connection: &Connection) -> Vec<String> {
        let mut statement =
            connection.prepare("SELECT coalesce(sql, name) FROM sqlite_schema ORDER BY name").unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.map(Result::unwrap).collect()
    }

    #[test]
    fn every_old_version_reaches_the_current_schema_with_its_rows() {
        let fresh = fixture(current());
        for old in 0..=current() {
            let mut connection = fixture(old);
            migrate(&mut connection, Path::new("x")).unwrap();
            assert_eq!(version(&connection, Path::new("x")), Ok(current()));
            assert_eq!(shape(&connection), shape(&fresh), "from version {old}");
            if old >= 1 {
                let row: (i64, i64) = connection
                    .query_row(
                        "SELECT started_at, next_uid FROM account JOIN cursor ON account = name",
                        [],
                        |row| Ok((row.get(0)?, row.get(1)?)),
                    )
                    .unwrap();
                assert_eq!(row, (7, 12), "from version {old}");
            }
        }
    }

    /// A letter that was sent to `recipient`, as every version held it.
    fn add_letter(connection: &Connection, recipient: &str) {
        connection
            .execute_batch(&format!(
                "INSERT INTO invitation (key, network, name_digest, first_seen) VALUES ('k', 'n', 'd', 1);
                 INSERT INTO plan (id, key, account, mailbox, uid_validity, uid, decision, reason_code,
                     reason_text, note_kind, confidence, language, route, inviter_name, evidence, made_at)
                     VALUES (1, 'k', 'work', 'INBOX', 1, 1, 'send', 'r', 't', 'generic', 1.0, '', 'address',
                     'x', '[]', 1);
                 INSERT INTO delivery (key, plan_id, account, mode, state, message, message_id, recipient,
                     attempts, next_attempt_at, last_words, created_at, changed_at)
                     VALUES ('k', 1, 'work', 'send', 'sent', x'00', 'i@d', '{recipient}', 0, 1, '', 1, 1);"
            ))
            .unwrap();
    }

    #[test]
    fn letters_of_old_keep_their_recipients() {
        let mut connection = fixture(2);
        add_letter(&connection, "a@b.example");
        migrate(&mut connection, Path::new("x")).unwrap();
        let (key, digest_bytes): (String, i64) = connection
            .query_row("SELECT key, length(digest) FROM recipient", [], |row| Ok((row.get(0)?, row.get(1)?)))
            .unwrap();
        assert_eq!((key.as_str(), digest_bytes), ("k", 32));
    }

    #[test]
    fn who_had_a_letter_is_found_in_every_spelling() {
        let mut connection = fixture(13);
        let claim = "INSERT INTO recipient (digest, key) VALUES (?1, ?2)";
        let secret = super::super::people::secret(&connection).unwrap();
        add_letter(&connection, "J.Doe+x@gmail.com");
        connection
            .execute_batch(
                "INSERT INTO invitation (key, network, name_digest, first_seen) VALUES ('old', 'n', 'e', 1);",
            )
            .unwrap();
        // As they were made before; of the second only the digest is left.
        for (spelling, key) in [("j.doe+x@gmail.com", "k"), ("ann.lee@gmail.com", "old")] {
            let digest = super::super::people::digest_of(&secret, &format!("recipient:{spelling}"));
            connection.execute(claim, rusqlite::params![digest, key]).unwrap();
        }
        migrate(&mut connection, Path::new("x")).unwrap();
        let claimant = |to: &str| {
            let to = crate::domain::Address::parse(to).unwrap();
            super::super::brake::claimant(&connection, &to).unwrap().map(|key| key.0)
        };
        for (to, key) in [
            ("jdoe@googlemail.com", Some("k")),
            ("j.doe+x@gmail.com", Some("k")),
            ("Ann.Lee@gmail.com", Some("old")),
            ("j.doe@example.org", None),
        ] {
            assert_eq!(claimant(to).as_deref(), key, "{to}");
        }
    }

    #[test]
    fn a_ledger_of_which_one_account_was_not_looked_through_is_not_whole() {
        for (second_done, whole_since) in [("NULL", None), ("8", Some(9))] {
            let mut connection = fixture(7);
            connection
                .execute_batch(&format!(
                    "INSERT INTO account (name, started_at) VALUES ('home', 7);
                     INSERT INTO rebuild (account, done_at, in_drafts, in_sent)
                         VALUES ('work', 9, 0, 0), ('home', {second_done}, 0, 0);"
                ))
                .unwrap();
            migrate(&mut connection, Path::new("x")).unwrap();
            let since: Option<i64> =
                connection.query_row("SELECT since FROM whole", [], |row| row.get(0)).unwrap();
            assert_eq!(since, whole_since);
        }
    }

    #[test]
    fn old_words_of_moves_become_those_of_today() {
        let mut connection = fixture(13);
        connection
            .execute_batch(
                "PRAGMA foreign_keys = OFF;
                 INSERT INTO delivery_event (key, event, from_state, to_state, note, at) VALUES
                     ('k', 'too-late', 'queued', 'parked', 'they wrote to you meanwhile', 1),
                     ('k', 'try-later', 'held', 'held', '', 2),
                     ('k', 'try-later', 'queued', 'queued', 'sending stands still, so it becomes a draft', 3),
                     ('k', 'try-later', 'queued', 'queued', '451 later', 4);",
            )
            .unwrap();
        migrate(&mut connection, Path::new("x")).unwrap();
        let words: String = connection
            .query_row("SELECT group_concat(event ORDER BY id) FROM delivery_event", [], |row| row.get(0))
            .unwrap();
        assert_eq!(words, "parked,became-draft,became-draft,try-later");
    }

    #[test]
    fn who_was_forgotten_by_an_earlier_notyet_stays_so() {
        let mut connection = fixture(13);
        connection
            .execute_batch(
                "INSERT INTO invitation (key, network, name_digest, first_seen)
                     VALUES ('gone', 'n', 'd', 1), ('kept', 'n', 'e', 1);
                 INSERT INTO plan (key, account, mailbox, uid_validity, uid, decision, reason_code,
                     reason_text, note_kind, confidence, language, route, inviter_name, evidence, made_at,
                     erased_at)
                     VALUES ('gone', 'work', 'INBOX', 1, 1, 'leave', 'r', '', 'generic', 1.0, '', 'paste',
                     '', '[]', 1, 5),
                     ('kept', 'work', 'INBOX', 1, 2, 'leave', 'r', 't', 'generic', 1.0, '', 'paste',
                     'x', '[]', 1, NULL);",
            )
            .unwrap();
        migrate(&mut connection, Path::new("x")).unwrap();
        let row: (String, i64) = connection
            .query_row("SELECT group_concat(key), max(at) FROM forgotten", [], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .unwrap();
        assert_eq!(row, ("gone".to_owned(), 5));
    }

    #[test]
    fn a_failing_step_leaves_the_old_version_whole() {
        let mut connection = fixture(1);
        let before = shape(&connection);
        let steps = [STEPS[0], "CREATE TABLE extra (a) ; SYNTAX ERROR"];
        assert!(apply(&mut connection, Path::new("x"), &steps).is_err());
        assert_eq!(version(&connection, Path::new("x")), Ok(1));
        assert_eq!(shape(&connection), before);
    }

    #[test]
    fn a_later_step_runs_alone() {
        let mut connection = fixture(1);
        let steps = ["NOT RUN", "ALTER TABLE account ADD COLUMN colour TEXT NOT NULL DEFAULT 'blue'"];
        apply(&mut connection, Path::new("x"), &steps).unwrap();
        let colour: String =
            connection.query_row("SELECT colour FROM account", [], |row| row.get(0)).unwrap();
        assert_eq!(colour, "blue");
    }

    #[test]
    fn a_ledger_from_the_future_is_refused_untouched() {
        for future in [i64::try_from(current()).unwrap() + 1, -1] {
            let mut connection = fixture(1);
            connection.pragma_update(None, "user_version", future).unwrap();
            let fault = migrate(&mut connection, Path::new("there/ledger")).unwrap_err();
            assert!(matches!(&fault, Fault::NeedsHuman(words) if words.contains("there/ledger")));
        }
    }
}
