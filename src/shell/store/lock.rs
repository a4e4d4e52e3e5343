//! One daemon per ledger.
//!
//! The lock is the kernel's (`flock`), not the file's existence: it goes with
//! the process, however that ends, and a leftover file means nothing. On NFS
//! `flock` may not reach other machines; the ledger does not belong there.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::OURS;
use crate::domain::Fault;
use crate::shell::files;

pub(super) const FILE_NAME: &str = "notyet.lock";

/// Held as long as the value lives.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of the ledger in `dir`.
    ///
    /// # Errors
    /// [`Fault::NeedsHuman`] when another process holds it or the file cannot be made.
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
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Fault::NeedsHuman(format!(
                    "{}: another notyet{} works on this state folder; stop it, or give this one its own state_dir",
                    path.display(),
                    holder(&mut file)
                )));
            }
            Err(TryLockError::Error(error)) => {
                return Err(failed("cannot lock the file", &error));
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

/// Who holds the lock, as far as the file tells: a hint for the message only.
fn holder(file: &mut File) -> String {
    let mut text = String::new();
    match file.take(32).read_to_string(&mut text) {
        Ok(_) if !text.trim().is_empty() && text.trim().bytes().all(|b| b.is_ascii_digit()) => {
            format!(" (process {})", text.trim())
        }
        _ => String::new(),
    }
}
