//! Folders and file names of Maildir (<https://cr.yp.to/proto/maildir.html>)
//! and Maildir++ (<https://www.courier-mta.org/imap/README.maildirquota.html>).

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fs::{self, DirBuilder, File, FileType};
use std::io::{self, ErrorKind};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::config::Place;
use crate::domain::Fault;
use crate::shell::files::write_trouble;

/// The part of a file name that stays when flags change: all before the first `:`.
pub(super) type BaseName = OsString;

/// The messages of one folder: where each file was when it was listed,
/// relative to the folder.
pub(super) type Listing = HashMap<BaseName, PathBuf>;

/// When `new` and `cur` changed last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) new: SystemTime,
    pub(super) cur: SystemTime,
}

/// The folder of `mailbox` below `root`: INBOX is the root, `A/B` and `A.B` are `.A.B`.
///
/// # Errors
/// [`Fault::NeedsHuman`] for a name that is no folder name, such as one with `..`.
pub(super) fn folder_dir(root: &Path, mailbox: &str) -> Result<PathBuf, Fault> {
    let Place::Folder(name) = Place::in_maildir(mailbox) else { return Ok(root.to_path_buf()) };
    if name.split('.').any(str::is_empty) || name.contains('\0') {
        return Err(Fault::NeedsHuman(format!(
            "{}: {mailbox:?} is no name of a folder in it; write for example \"Drafts\" or \"Lists/Work\"",
            root.display()
        )));
    }
    Ok(root.join(format!(".{name}")))
}

/// Refuses what is not a Maildir folder.
///
/// # Errors
/// [`Fault::NeedsHuman`] naming the path and what is expected there.
pub(super) fn require_maildir(dir: &Path) -> Result<(), Fault> {
    for part in ["cur", "new"] {
        let path = dir.join(part);
        let found = match fs::metadata(&path) {
            Ok(metadata) if metadata.is_dir() => continue,
            Ok(_) => "it is no folder".to_owned(),
            Err(error) => error.to_string(),
        };
        return Err(Fault::NeedsHuman(format!(
            "{}: this is not a Maildir: looked for the folder {}: {found}; the path must be the folder that holds cur, new and tmp",
            dir.display(),
            path.display()
        )));
    }
    Ok(())
}

/// Makes the folder where it is missing, as a Maildir++ subfolder of its root.
pub(super) fn create_folder(dir: &Path) -> Result<(), Fault> {
    let make = |path: &Path| DirBuilder::new().recursive(true).mode(0o700).create(path);
    let all = ["tmp", "new", "cur"];
    if all.iter().all(|part| dir.join(part).is_dir()) {
        return Ok(());
    }
    all.iter()
        .try_for_each(|part| make(&dir.join(part)))
        .and_then(|()| {
            File::options().create(true).append(true).open(dir.join("maildirfolder"))?.sync_all()?;
            sync_dir(dir)?;
            dir.parent().map_or(Ok(()), sync_dir)
        })
        .map_err(|error| file_fault(dir, "making the folder", &error))
}

/// Every message in the folder.
///
/// `new` is read before `cur`: a message that a mail program moves meanwhile
/// is seen twice rather than not at all.
pub(super) fn list(dir: &Path) -> Result<Listing, Fault> {
    let mut listing = Listing::new();
    for part in ["new", "cur"] {
        let path = dir.join(part);
        let fault = |error: io::Error| file_fault(&path, "listing the folder", &error);
        for entry in fs::read_dir(&path).map_err(fault)? {
            let entry = entry.map_err(fault)?;
            let name = entry.file_name();
            if is_message(&name, entry.file_type(), &entry.path()) {
                listing.insert(base_name(&name), Path::new(part).join(name));
            }
        }
    }
    Ok(listing)
}

/// A message is a plain file, or a link to one, whose name does not begin with
/// a dot. Anything else (a pipe would block the reader) is not ours.
fn is_message(name: &OsStr, kind: io::Result<FileType>, path: &Path) -> bool {
    !name.as_bytes().starts_with(b".")
        && match kind {
            Ok(kind) if kind.is_symlink() => fs::metadata(path).is_ok_and(|m| m.is_file()),
            Ok(kind) => kind.is_file(),
            Err(_) => false,
        }
}

/// The part of a file name that identifies the message.
pub(super) fn base_name(name: &OsStr) -> BaseName {
    let bytes = name.as_bytes();
    let base = bytes.split(|b| *b == b':').next().unwrap_or(bytes);
    OsString::from_vec(base.to_vec())
}

/// When the folder changed last.
pub(super) fn stamp(dir: &Path) -> Result<Stamp, Fault> {
    let changed = |part: &str| {
        let path = dir.join(part);
        fs::metadata(&path)
            .and_then(|metadata| metadata.modified())
            .map_err(|error| file_fault(&path, "looking at the folder", &error))
    };
    Ok(Stamp { new: changed("new")?, cur: changed("cur")? })
}

/// A rename or a new name is durable once its folder is synced.
pub(super) fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// What a failure on a folder (not on one message) means for the caller.
pub(super) fn file_fault(path: &Path, tried: &str, error: &io::Error) -> Fault {
    let words = |remedy: &str| write_trouble(path, tried, error, remedy);
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => {
            Fault::NeedsHuman(words("the path must be a Maildir: a folder that holds cur, new and tmp"))
        }
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            Fault::NeedsHuman(words("it must belong to the user notyet runs as"))
        }
        _ => Fault::Transient(words("it is tried again")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mailbox_names_become_folders_below_the_root_only() {
        let root = Path::new("/m");
        for (mailbox, dir) in [
            ("INBOX", "/m"),
            ("inbox", "/m"),
            ("Drafts", "/m/.Drafts"),
            (".Drafts", "/m/.Drafts"),
            ("INBOX.Drafts", "/m/.Drafts"),
            ("INBOX/Drafts", "/m/.Drafts"),
            ("A/B", "/m/.A.B"),
            ("Entwürfe", "/m/.Entwürfe"),
        ] {
            assert_eq!(folder_dir(root, mailbox), Ok(dir.into()), "{mailbox}");
        }
        for bad in ["", ".", "..", "../x", "a//b", "a/", "a\0b", "INBOX."] {
            assert!(folder_dir(root, bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn flags_are_no_part_of_the_identity() {
        for name in ["1.a.host", "1.a.host:2,", "1.a.host:2,RS", "1.a.host:1,x:y"] {
            assert_eq!(base_name(OsStr::new(name)), "1.a.host", "{name}");
        }
    }
}
