//! One daemon per ledger.
//!
//! The lock is the kernel's (`flock`), not the file's existence: it goes with
//! the process, however that ends, and a leftover file means nothing. On NFS
//! `flock` may not reach other machines; the ledger does not belong there.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use super::OURS;
use crate::domain::Fault;
use crate::shell::files;

pub(super) const FILE_NAME: &str = "notyet.lock";

/// So often, and after such a pause, a lock is tried again that only those who look at it hold.
const TRIES: u32 = 1000;
const PAUSE: Duration = Duration::from_millis(1);

/// Whether a daemon, or a pass, works on the ledger of a state folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    /// None.
    Nobody,
    /// One, and its process id as far as the lock file tells.
    Process(Option<u32>),
}

/// Held as long as the value lives.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of the ledger in `dir`.
    ///
    /// # Errors
    /// [`Fault::Transient`] when another process holds it, [`Fault::NeedsHuman`] when the file
    /// cannot be made.
    pub(super) fn take(dir: &Path) -> Result<Self, Fault> {
        let path = dir.join(FILE_NAME);
        let failed = |what: &str, error: &std::io::Error| {
            Fault::NeedsHuman(files::write_trouble(&path, what, error, OURS))
        };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(|error| failed("cannot open the lock file", &error))?;
        let mut tries = 0;
        while let Err(refused) = file.try_lock() {
            let holder = match refused {
                TryLockError::WouldBlock => look(&mut file),
                TryLockError::Error(error) => Err(error),
            };
            match holder.map_err(|error| failed("cannot lock the file", &error))? {
                // `status` looked at the lock this moment.
                Holder::Nobody if tries < TRIES => {
                    tries += 1;
                    // The kernel tells nobody when such a lock is free, unless one waits for whoever is next.
                    #[allow(clippy::disallowed_methods)]
                    std::thread::sleep(PAUSE);
                }
                holder => {
                    return Err(Fault::Transient(format!(
                        "{}: another notyet{} works on this state folder; this one did nothing. Try it again when that one is done, or give this one its own state_dir",
                        path.display(),
                        holder.in_words()
                    )));
                }
            }
        }
        let written = file
            .set_len(0)
            .and_then(|()| file.seek(SeekFrom::Start(0)))
            .and_then(|_| file.write_all(format!("{}\n", std::process::id()).as_bytes()));
        written.map_err(|error| failed("cannot write the lock file", &error))?;
        Ok(Self { _file: file })
    }
}

impl Holder {
    /// Who holds the lock of the ledger in `dir`.
    ///
    /// # Errors
    /// [`Fault::NeedsHuman`] when the lock file is there and cannot be looked at.
    pub(super) fn of(dir: &Path) -> Result<Self, Fault> {
        let path = dir.join(FILE_NAME);
        let looked = match File::open(&path) {
            Ok(mut file) => look(&mut file),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Self::Nobody),
            Err(error) => Err(error),
        };
        looked.map_err(|error| {
            Fault::NeedsHuman(format!("{}: cannot look who holds this lock: {error}", path.display()))
        })
    }

    fn in_words(self) -> String {
        match self {
            Self::Process(Some(id)) => format!(" (process {id})"),
            Self::Process(None) | Self::Nobody => String::new(),
        }
    }
}

/// Who holds the lock on `file`. The kernel tells that only to those who ask for a lock
/// of their own: a shared one, given back at once, so that those who look never meet.
fn look(file: &mut File) -> std::io::Result<Holder> {
    match file.try_lock_shared() {
        Ok(()) => file.unlock().map(|()| Holder::Nobody),
        Err(TryLockError::WouldBlock) => Ok(Holder::Process(written_id(file))),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// The process id in the file: a hint for people only.
fn written_id(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(32).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}
