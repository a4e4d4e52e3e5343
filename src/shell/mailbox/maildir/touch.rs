//! Changing mail: flags and moves are renames, each of one file that was shown
//! to be the message that is meant.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::session::{Current, Session};
use super::{header, layout};
use crate::domain::{Fault, MessageId};
use crate::shell::mailbox::{Change, Marks, Sighting, Spot, Uid};

impl Session {
    /// The message with that Message-ID: at `hint` (UIDVALIDITY and UID) while
    /// that is good, else wherever in the folder, if there is only one. `None`
    /// also without a folder.
    pub(super) fn find_to_touch(
        &self,
        mailbox: &str,
        hint: Option<(u32, Uid)>,
        message_id: &MessageId,
    ) -> Result<Option<Spot>, Fault> {
        if !self.is_there(mailbox)? {
            return Ok(None);
        }
        let folder = self.folder(mailbox)?;
        let is_meant = |path: &Path| {
            header::read(&folder.dir.join(path))
                .is_ok_and(|head| header::holds(&head.header, "Message-ID", message_id.as_str()))
        };
        let spot = |uid: Uid, path: &PathBuf| Spot { uid, marks: marks(path) };
        if let Some((_, uid)) = hint.filter(|(validity, _)| *validity == folder.uids.validity()) {
            let path = path_of(&folder, uid).filter(|path| is_meant(path));
            return Ok(path.map(|path| spot(uid, path)));
        }
        let mut meant = folder.listing.iter().filter(|(_, path)| is_meant(path));
        // Anybody can copy a Message-ID.
        let found = meant.next().filter(|_| meant.next().is_none());
        Ok(found.and_then(|(base, path)| Some(spot(folder.uids.uid(base)?, path))))
    }

    /// Sets and takes off flags.
    pub(super) fn mark(&self, mailbox: &str, uid: Uid, on: Marks, off: Marks) -> Result<Change, Fault> {
        let folder = self.folder(mailbox)?;
        let Some(path) = path_of(&folder, uid) else { return Ok(Change::Made) };
        let mut letters: Vec<u8> = flags(path).into_iter().filter(|f| !letters_of(off).contains(f)).collect();
        letters.extend(letters_of(on));
        // In ASCII order (https://cr.yp.to/proto/maildir.html).
        letters.sort_unstable();
        letters.dedup();
        let mut name = layout::base_name(path.file_name().unwrap_or_default());
        name.push(":2,");
        name.push(OsStr::from_bytes(&letters));
        rename(&folder.dir.join(path), &folder.dir.join("cur").join(name))
    }

    /// Moves a message, flags and all, to another folder.
    pub(super) fn move_to(&self, mailbox: &str, uid: Uid, to: &str) -> Result<Change, Fault> {
        let folder = self.folder(mailbox)?;
        let target = layout::folder_dir(&self.root, to)?;
        if !target.join("cur").is_dir() {
            return Ok(Change::NoFolder);
        }
        let Some(path) = path_of(&folder, uid) else { return Ok(Change::Made) };
        let name = path.file_name().unwrap_or_default();
        if layout::list(&target)?.contains_key(&layout::base_name(name)) {
            return Ok(Change::Refused(format!("{}: a message of that name is there", target.display())));
        }
        let name = if path.starts_with("new") && !name.as_bytes().contains(&b':') {
            let mut seen = OsString::from(name);
            seen.push(":2,");
            seen
        } else {
            name.to_owned()
        };
        rename(&folder.dir.join(path), &target.join("cur").join(name))
    }

    /// Removes a message.
    pub(super) fn remove(&self, mailbox: &str, uid: Uid) -> Result<Change, Fault> {
        let folder = self.folder(mailbox)?;
        let Some(path) = path_of(&folder, uid) else { return Ok(Change::Made) };
        let path = folder.dir.join(path);
        match fs::remove_file(&path).and_then(|()| layout::sync_dir(path.parent().unwrap_or(&folder.dir))) {
            Ok(()) => Ok(Change::Made),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Change::Made),
            Err(error) => Err(layout::file_fault(&path, "removing a message", &error)),
        }
    }

    /// Makes a folder where it is missing.
    pub(super) fn make_folder(&self, mailbox: &str) -> Result<(), Fault> {
        layout::create_folder(&layout::folder_dir(&self.root, mailbox)?)
    }
}

fn path_of(folder: &Current, uid: Uid) -> Option<&PathBuf> {
    folder.listing.get(folder.uids.name(uid)?)
}

/// A file that is gone was moved by another program: its owner was first.
fn rename(from: &Path, to: &Path) -> Result<Change, Fault> {
    if from == to {
        return Ok(Change::Made);
    }
    let done = fs::rename(from, to).and_then(|()| {
        for dir in [to.parent(), from.parent()].into_iter().flatten() {
            layout::sync_dir(dir)?;
        }
        Ok(())
    });
    match done {
        Ok(()) => Ok(Change::Made),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Change::Made),
        Err(error) => Err(layout::file_fault(to, "renaming a message", &error)),
    }
}

fn flags(path: &Path) -> Vec<u8> {
    let name = path.file_name().unwrap_or_default().as_bytes();
    let info = name.splitn(2, |byte| *byte == b':').nth(1).unwrap_or_default();
    info.strip_prefix(b"2,").unwrap_or_default().to_vec()
}

fn marks(path: &Path) -> Marks {
    let flags = flags(path);
    Marks { seen: flags.contains(&b'S'), flagged: flags.contains(&b'F') }
}

/// How the message at `path` stands in its folder.
pub(super) fn sighting(uid: Uid, path: &Path) -> Sighting {
    let flags = flags(path);
    Sighting { uid, flagged: flags.contains(&b'F'), deleted: flags.contains(&b'T') }
}

fn letters_of(marks: Marks) -> Vec<u8> {
    let letters = [(marks.seen, b'S'), (marks.flagged, b'F')];
    letters.into_iter().filter_map(|(wanted, letter)| wanted.then_some(letter)).collect()
}
