//! Opening the ledger, and the two ways to touch it: read, and write in one transaction.

use std::fs::{File, OpenOptions, Permissions};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use super::lock::{self, Holder, Lock};
use super::place::Place;
use super::{OURS, migrate, sql_fault};
use crate::domain::Fault;
use crate::shell::files;

const FILE_NAME: &str = "ledger.sqlite3";

/// How long a statement waits for another program that holds the file
/// (a backup, a person with the sqlite3 shell) before it is [`Fault::Transient`].
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// The open ledger. Synchronous; callers on an async runtime keep it behind a mutex.
#[derive(Debug)]
pub struct Ledger {
    connection: Connection,
    path: PathBuf,
    /// The ledger's file, and the lock where it is held; none in memory.
    places: Vec<Place>,
    /// Held while this is the writer on a file.
    _lock: Option<Lock>,
}

impl Ledger {
    /// The ledger's file in the state folder `dir`.
    pub fn file(dir: &Path) -> PathBuf {
        dir.join(FILE_NAME)
    }

    /// Opens the ledger in `dir` for writing: creates folder (0700) and file
    /// (0600), keeps a second daemon out, migrates, checks the file's health.
    ///
    /// # Errors
    /// [`Fault::NeedsHuman`] when it is damaged, written by a later notyet, or not ours to write;
    /// [`Fault::Transient`] when another daemon has it, when it is busy or the disk is full.
    pub fn open(dir: &Path) -> Result<Self, Fault> {
        let path = Self::file(dir);
        create_private(dir, &path).map_err(|error| {
            Fault::NeedsHuman(files::write_trouble(&path, "cannot make the ledger", &error, OURS))
        })?;
        let lock = Lock::take(dir)?;
        let fault = |error: rusqlite::Error| sql_fault(&path, "opening the ledger", &error);
        let mut connection = Connection::open_with_flags(
            &path,
            OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )
        .map_err(fault)?;
        configure(&connection).map_err(fault)?;
        let journal: String = connection
            .pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0))
            .map_err(fault)?;
        if journal != "wal" {
            return Err(Fault::NeedsHuman(format!(
                "{}: this file system has no write-ahead log ({journal} instead); put the state folder on a local disk",
                path.display()
            )));
        }
        connection.pragma_update(None, "synchronous", "full").map_err(fault)?;
        check_health(&connection, &path)?;
        migrate::migrate(&mut connection, &path)?;
        let places =
            [&path, &dir.join(lock::FILE_NAME)].into_iter().filter_map(|file| Place::of(file)).collect();
        Ok(Self { connection, path, places, _lock: Some(lock) })
    }

    /// Tries whether [`Ledger::open`] may make the ledger in `dir`, or write to the
    /// one that is there. Makes nothing, and changes nothing.
    ///
    /// # Errors
    /// [`Fault::NeedsHuman`] naming what cannot be written to.
    pub fn try_out(dir: &Path) -> Result<(), Fault> {
        let tried = |path: &Path, result: std::io::Result<()>| {
            result
                .map_err(|error| Fault::NeedsHuman(files::write_trouble(path, "writing here", &error, OURS)))
        };
        tried(dir, files::try_making_in(dir))?;
        [FILE_NAME, lock::FILE_NAME]
            .iter()
            .map(|name| dir.join(name))
            .try_for_each(|path| tried(&path, files::try_writing_to(&path)))
    }

    /// Whether a daemon, or a pass, works on the ledger in `dir`.
    ///
    /// # Errors
    /// [`Fault::NeedsHuman`] when its lock cannot be looked at.
    pub fn holder(dir: &Path) -> Result<Holder, Fault> {
        Holder::of(dir)
    }

    /// Opens the ledger in `dir` to look at it, also while a daemon works on it.
    /// Mutating calls fail. Where no daemon runs, SQLite leaves its empty -wal
    /// and -shm files beside the ledger; the ledger itself is not touched.
    ///
    /// # Errors
    /// [`Fault::NeedsHuman`] when there is none yet, or one of another version.
    pub fn open_read_only(dir: &Path) -> Result<Self, Fault> {
        Self::open_made(dir, OpenFlags::SQLITE_OPEN_READ_ONLY)
    }

    /// Opens the ledger in `dir` to write a person's word into it, whether or
    /// not a daemon works on it; see the module for why that is safe. Takes no
    /// lock and migrates nothing.
    ///
    /// # Errors
    /// [`Fault::NeedsHuman`] when there is none yet, or one of another version.
    pub fn open_beside(dir: &Path) -> Result<Self, Fault> {
        let ledger = Self::open_made(dir, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        ledger
            .read("opening the ledger", |connection| connection.pragma_update(None, "synchronous", "full"))?;
        Ok(ledger)
    }

    fn open_made(dir: &Path, access: OpenFlags) -> Result<Self, Fault> {
        let path = Self::file(dir);
        match path.try_exists() {
            Ok(true) => {}
            Ok(false) => {
                return Err(Fault::NeedsHuman(format!(
                    "{}: there is no ledger here yet; the first `notyet run` makes it. Does the daemon keep it elsewhere (a system service: /var/lib/notyet)? Then write its folder into the configuration: state_dir = \"...\"",
                    path.display()
                )));
            }
            Err(error) => {
                return Err(Fault::NeedsHuman(format!(
                    "{}: cannot look there: {error}; run this as the user the daemon runs as, or as root",
                    path.display()
                )));
            }
        }
        let fault = |error: rusqlite::Error| sql_fault(&path, "opening the ledger", &error);
        let connection =
            Connection::open_with_flags(&path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX).map_err(fault)?;
        configure(&connection).map_err(fault)?;
        let found = migrate::version(&connection, &path)?;
        if found != migrate::current() {
            return Err(Fault::NeedsHuman(format!(
                "{}: the ledger is of version {found}, this notyet reads version {}; use the notyet the daemon runs, or restart the daemon",
                path.display(),
                migrate::current()
            )));
        }
        let places = Place::of(&path).into_iter().collect();
        Ok(Self { connection, path, places, _lock: None })
    }

    /// A number that changes when another connection has written (`PRAGMA
    /// data_version`). Cheap enough to ask every second.
    ///
    /// # Errors
    /// See [`Ledger::start_account`].
    pub fn writes_of_others(&self) -> Result<i64, Fault> {
        self.read("asking whether another program wrote", |connection| {
            connection.pragma_query_value(None, "data_version", |row| row.get(0))
        })
    }

    /// An empty ledger that is nowhere on disk, for `check`, `preview` and tests.
    ///
    /// # Errors
    /// [`Fault::Permanent`] when SQLite cannot be started at all.
    pub fn in_memory() -> Result<Self, Fault> {
        let path = PathBuf::from("ledger in memory");
        let fault = |error: rusqlite::Error| sql_fault(&path, "opening the ledger", &error);
        let mut connection = Connection::open_in_memory().map_err(fault)?;
        configure(&connection).map_err(fault)?;
        migrate::migrate(&mut connection, &path)?;
        Ok(Self { connection, path, places: Vec::new(), _lock: None })
    }

    /// Runs `ask` on the connection; `tried` says for the message what it was.
    pub(super) fn read<T>(
        &self,
        tried: &str,
        ask: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, Fault> {
        ask(&self.connection).map_err(|error| sql_fault(&self.path, tried, &error))
    }

    /// Runs `act` in one transaction and commits it; any error rolls all of it back.
    pub(super) fn write<T>(
        &mut self,
        tried: &str,
        act: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, Fault> {
        self.write_or(tried, |tx, fault| act(tx).map_err(fault))
    }

    /// Like [`Ledger::write`], for an `act` that has refusals of its own.
    pub(super) fn write_or<T>(
        &mut self,
        tried: &str,
        act: impl FnOnce(&Transaction<'_>, &dyn Fn(rusqlite::Error) -> Fault) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        // Before a letter goes out this is written down, too: two that work on two files
        // of one name would each send it.
        self.places.iter().try_for_each(Place::check)?;
        let path = &self.path;
        let fault = |error: rusqlite::Error| sql_fault(path, tried, &error);
        let transaction =
            self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(fault)?;
        let value = act(&transaction, &fault)?;
        transaction.commit().map_err(fault)?;
        Ok(value)
    }
}

fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    // What is erased is overwritten and not only unlinked.
    connection.pragma_update_and_check(None, "secure_delete", true, |_| Ok(()))?;
    connection.pragma_update(None, "foreign_keys", true)
}

/// SQLite gives its -wal and -shm files the mode of the database file.
fn create_private(dir: &Path, path: &Path) -> std::io::Result<()> {
    files::make_private(dir)?;
    let file =
        OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
    if file.metadata()?.permissions().mode() & 0o077 != 0 {
        file.set_permissions(Permissions::from_mode(0o600))?;
    }
    File::open(dir)?.sync_all()
}

fn check_health(connection: &Connection, path: &Path) -> Result<(), Fault> {
    let verdict: String = connection
        .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        .map_err(|error| sql_fault(path, "checking the ledger", &error))?;
    if verdict == "ok" {
        return Ok(());
    }
    Err(Fault::NeedsHuman(format!(
        "{}: checking the ledger: the file is damaged; put back a copy of it, or move it away (together with its -wal and -shm files) to begin anew",
        path.display()
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Timestamp;

    #[test]
    fn a_full_disk_is_a_fault_that_passes() {
        let dir = tempfile::tempdir().unwrap();
        let mut ledger = Ledger::open(dir.path()).unwrap();
        let now = Timestamp::from_unix_s(1);
        ledger.start_account("work", now).unwrap();
        let pages: i64 = ledger.connection.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
        let limit = |ledger: &Ledger, pages: i64| {
            ledger.connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(())).unwrap();
        };
        limit(&ledger, pages);
        let long = "x".repeat(100_000);
        let fault = ledger.start_account(&long, now).unwrap_err();
        assert!(matches!(&fault, Fault::Transient(words) if words.contains(FILE_NAME)), "{fault:?}");
        assert!(!fault.message().contains("xxx"));
        limit(&ledger, 1_000_000);
        ledger.start_account(&long, now).unwrap();
        assert_eq!(ledger.status().unwrap().accounts.len(), 2);
    }

    #[test]
    fn commits_are_synced_and_references_are_checked() {
        let dir = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(dir.path()).unwrap();
        let pragma = |name: &str| -> i64 {
            ledger.connection.pragma_query_value(None, name, |row| row.get(0)).unwrap()
        };
        assert_eq!(pragma("synchronous"), 2, "FULL");
        assert_eq!(pragma("foreign_keys"), 1);
    }
}
