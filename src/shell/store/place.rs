//! Whether a file still stands where it was opened.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::domain::Fault;

/// A file that was opened at a path. Who opens the path later may get another file,
/// and with it another ledger and another lock.
#[derive(Debug)]
pub(super) struct Place {
    path: PathBuf,
    /// Device and inode.
    file: (u64, u64),
}

impl Place {
    /// The file at `path`, which was opened this moment; `None` if none is there any more.
    pub(super) fn of(path: &Path) -> Option<Self> {
        Some(Self { path: path.to_owned(), file: file_at(path)? })
    }

    /// # Errors
    /// [`Fault::NeedsHuman`] when the path leads to another file by now, or to none.
    pub(super) fn check(&self) -> Result<(), Fault> {
        if file_at(&self.path) == Some(self.file) {
            return Ok(());
        }
        Err(Fault::NeedsHuman(format!(
            "{}: this file was moved, deleted or replaced while notyet worked on it; nothing more is \
             written or sent until notyet is stopped and started again",
            self.path.display()
        )))
    }
}

fn file_at(path: &Path) -> Option<(u64, u64)> {
    fs::metadata(path).ok().map(|file| (file.dev(), file.ino()))
}
