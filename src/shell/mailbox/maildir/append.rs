//! Putting a message into a folder exactly once.
//!
//! The message is written and synced to `tmp` under a name made from its
//! Message-ID, and only then renamed into `cur`. So each moment of a crash
//! leaves something that tells how far it came: in `cur`, done; in `tmp`, not
//! done, and the same rename finishes it.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use sha2::{Digest, Sha256};

use super::header;
use super::layout::{create_folder, file_fault, list, sync_dir};
use crate::domain::{Fault, hex};
use crate::shell::files;
use crate::shell::mailbox::Folder;

/// So many digits of a digest tell one message from all others.
const MARK_DIGITS: usize = 32;

/// The name `message` gets: the same for the same Message-ID, and one no other program makes.
pub(super) fn mark(message: &[u8]) -> String {
    let head = message
        .windows(2)
        .position(|pair| pair == b"\n\n")
        .or_else(|| message.windows(4).position(|four| four == b"\r\n\r\n"))
        .and_then(|end| message.get(..end + 1))
        .unwrap_or(message);
    let id = header::values(head, "Message-ID").into_iter().next();
    let digest = match &id {
        Some(id) => Sha256::digest(id.trim().as_bytes()),
        None => Sha256::digest(message),
    };
    let digits = hex(&digest);
    format!("notyet.{}", digits.get(..MARK_DIGITS).unwrap_or(&digits))
}

/// Tries whether messages can be put into `dir`, or the folder be made. Nothing is left behind.
pub(super) fn try_out(dir: &Path) -> Result<(), Fault> {
    ["tmp", "new", "cur"].iter().map(|part| dir.join(part)).try_for_each(|part| {
        files::try_making_in(&part).map_err(|error| file_fault(&part, "writing into the folder", &error))
    })
}

/// Puts the message into `tmp` of `dir`, durable on return. Makes the folder where it is missing.
pub(super) fn stage(dir: &Path, mark: &str, message: &[u8]) -> Result<(), Fault> {
    check(mark)?;
    create_folder(dir)?;
    let tmp = dir.join("tmp");
    let path = tmp.join(mark);
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&path)
        .and_then(|mut file| {
            file.write_all(message)?;
            file.sync_all()?;
            sync_dir(&tmp)
        })
        .map_err(|error| file_fault(&path, "writing a message", &error))
}

/// Brings the staged message into `cur`, durable on return. One that is there already stays as it is.
pub(super) fn finish(dir: &Path, folder: Folder, mark: &str, message: &[u8]) -> Result<(), Fault> {
    check(mark)?;
    if is_there(dir, mark)? {
        return Ok(());
    }
    let flags = match folder {
        Folder::Drafts => "DS",
        Folder::Sent => "S",
    };
    let from = dir.join("tmp").join(mark);
    let to = dir.join("cur").join(format!("{mark}:2,{flags}"));
    let moved = match fs::rename(&from, &to) {
        // Mail programs sweep tmp after 36 hours.
        Err(error) if error.kind() == ErrorKind::NotFound => {
            stage(dir, mark, message)?;
            fs::rename(&from, &to)
        }
        other => other,
    };
    moved
        .and_then(|()| sync_dir(&dir.join("cur")))
        .and_then(|()| sync_dir(&dir.join("tmp")))
        .map_err(|error| file_fault(&to, "putting a message into its folder", &error))
}

/// Whether the folder holds the message under the mark, whatever its flags are now.
pub(super) fn is_there(dir: &Path, mark: &str) -> Result<bool, Fault> {
    Ok(dir.join("cur").is_dir() && list(dir)?.contains_key(std::ffi::OsStr::new(mark)))
}

/// Whether the message waits in `tmp`.
pub(super) fn is_staged(dir: &Path, mark: &str) -> Result<bool, Fault> {
    check(mark)?;
    let path = dir.join("tmp").join(mark);
    path.try_exists().map_err(|error| file_fault(&path, "looking for a message", &error))
}

/// A mark comes back from the ledger and becomes a file name.
fn check(mark: &str) -> Result<(), Fault> {
    let ok = mark
        .strip_prefix("notyet.")
        .is_some_and(|hex| !hex.is_empty() && hex.bytes().all(|byte| byte.is_ascii_hexdigit()));
    if ok {
        return Ok(());
    }
    Err(Fault::Permanent("Maildir: this is no mark that notyet made; nothing was written".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_follows_the_message_id() {
        let a = mark(b"Message-ID: <a@b.example>\r\n\r\none");
        assert_eq!(a, mark(b"Subject: x\nmessage-id:  <a@b.example>\n\ntwo"));
        assert_ne!(a, mark(b"Message-ID: <c@b.example>\r\n\r\none"));
        assert_ne!(mark(b"\r\none"), mark(b"\r\ntwo"));
        assert_eq!(check(&a), Ok(()));
        for bad in ["", "notyet.", "notyet.../x", "../../x", "a"] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }
}
