//! The blocking half of the Maildir port: plain files in, values out.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::layout::{self, BaseName, Listing, Stamp};
use super::uids::{UidBook, UidList};
use super::{append, header, touch};
use crate::domain::{Fault, RawMail, Timestamp};
use crate::shell::clock;
use crate::shell::mailbox::{
    AppendTrace, Body, Envelope, Folder, Opened, SearchTerm, SpecialFolders, Survey, Uid,
};

/// A folder whose stamp is younger than this when it is listed may change
/// again without its stamp changing (FAT counts in two seconds).
const STAMP_GRAIN: Duration = Duration::from_secs(2);

pub(super) struct Session {
    pub(super) root: PathBuf,
    book: UidBook,
    current: Option<Current>,
    unreadable: Vec<(Uid, String)>,
}

/// An open folder as it was listed last.
pub(super) struct Current {
    pub(super) dir: PathBuf,
    pub(super) uids: UidList,
    pub(super) listing: Listing,
    stamp: Stamp,
    /// The stamp may hide a change.
    stamp_is_young: bool,
}

impl Session {
    pub(super) fn new(root: PathBuf, book: UidBook) -> Result<Self, Fault> {
        layout::require_maildir(&root)?;
        Ok(Self { root, book, current: None, unreadable: Vec::new() })
    }

    pub(super) fn open(&mut self, mailbox: &str) -> Result<Opened, Fault> {
        let mut current = self.folder(mailbox)?;
        let listing = &current.listing;
        current.uids.compact(|name| listing.contains_key(name))?;
        let opened = Opened {
            uid_validity: current.uids.validity(),
            uid_next: current.uids.next(),
            exists: u32::try_from(current.listing.len()).unwrap_or(u32::MAX),
        };
        self.current = Some(current);
        // The UIDs were another folder's.
        self.unreadable.clear();
        Ok(opened)
    }

    pub(super) fn is_there(&self, mailbox: &str) -> Result<bool, Fault> {
        Ok(layout::folder_dir(&self.root, mailbox)?.join("cur").is_dir())
    }

    /// The folder of `mailbox`, listed, every message with its UID.
    pub(super) fn folder(&self, mailbox: &str) -> Result<Current, Fault> {
        let dir = layout::folder_dir(&self.root, mailbox)?;
        layout::require_maildir(&dir)?;
        let name = if dir == self.root {
            "INBOX".to_owned()
        } else {
            dir.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
        };
        let mut current = Current {
            uids: self.book.open(&name)?,
            stamp: layout::stamp(&dir)?,
            stamp_is_young: true,
            listing: Listing::new(),
            dir,
        };
        current.refresh()?;
        Ok(current)
    }

    fn current(&mut self) -> Result<&mut Current, Fault> {
        self.current.as_mut().ok_or_else(|| {
            Fault::Permanent("Maildir: no folder is open; this is a fault of the program".to_owned())
        })
    }

    pub(super) fn new_envelopes(
        &mut self,
        from: Uid,
        upto: Option<Uid>,
        fields: &[String],
    ) -> Result<Vec<Envelope>, Fault> {
        let current = self.current()?;
        current.refresh()?;
        let mut uids: Vec<Uid> =
            current.uids_there().filter(|uid| *uid >= from && upto.is_none_or(|last| *uid <= last)).collect();
        uids.sort_unstable();
        self.envelopes(&uids, fields)
    }

    pub(super) fn envelopes(&mut self, uids: &[Uid], fields: &[String]) -> Result<Vec<Envelope>, Fault> {
        let mut envelopes = Vec::with_capacity(uids.len());
        for &uid in uids {
            if let Some(head) = self.read(uid, header::read)? {
                envelopes.push(Envelope {
                    uid,
                    size_bytes: head.size_bytes,
                    arrived: Some(clock::at(head.arrived)),
                    header: header::select(&head.header, fields),
                });
            }
        }
        Ok(envelopes)
    }

    pub(super) fn search(
        &mut self,
        terms: &[SearchTerm],
        since: Option<Timestamp>,
    ) -> Result<Vec<Uid>, Fault> {
        let current = self.current()?;
        current.refresh()?;
        let mut uids: Vec<Uid> = current.uids_there().collect();
        uids.sort_unstable();
        let mut found = Vec::new();
        for uid in uids {
            let Some(head) = self.read(uid, header::read)? else {
                continue;
            };
            let recent = since.is_none_or(|since| clock::at(head.arrived) >= since);
            if recent && terms.iter().any(|term| header::matches(&head.header, term)) {
                found.push(uid);
            }
        }
        Ok(found)
    }

    pub(super) fn bodies(
        &mut self,
        wanted: &[(Uid, u64)],
        cap_bytes: u32,
    ) -> Result<Vec<(Uid, Body)>, Fault> {
        let mut bodies = Vec::with_capacity(wanted.len());
        for &(uid, _) in wanted {
            let known_unreadable = self.unreadable.len();
            match self.read(uid, |path| read_body(path, cap_bytes))? {
                Some(body) => bodies.push((uid, body)),
                None if self.unreadable.len() == known_unreadable => bodies.push((uid, Body::Gone)),
                None => {}
            }
        }
        Ok(bodies)
    }

    pub(super) fn take_unreadable(&mut self) -> Vec<(Uid, String)> {
        std::mem::take(&mut self.unreadable)
    }

    /// Reads a message with `reader`. `None` when it is gone, or cannot be
    /// read, which is noted: a trouble of that one message.
    fn read<T>(&mut self, uid: Uid, reader: impl Fn(&Path) -> io::Result<T>) -> Result<Option<T>, Fault> {
        let current = self.current()?;
        let mut result = current.read(uid, &reader);
        if matches!(&result, Some(Err(error)) if error.kind() == ErrorKind::NotFound) {
            // A mail program moved it or changed its flags: its name is another now.
            current.refresh()?;
            result = current.read(uid, &reader);
        }
        match result {
            None => Ok(None),
            Some(Ok(value)) => Ok(Some(value)),
            Some(Err(error)) if error.kind() == ErrorKind::NotFound => Ok(None),
            Some(Err(error)) if is_of_the_machine(&error) => {
                Err(Fault::Transient(format!("{}: reading mail: {error}", self.root.display())))
            }
            Some(Err(error)) => {
                self.unreadable.push((uid, format!("reading the file: {error}")));
                Ok(None)
            }
        }
    }

    pub(super) fn special(&self, drafts: Option<&str>, sent: Option<&str>) -> Result<SpecialFolders, Fault> {
        Ok(SpecialFolders {
            drafts: Some(self.choose(drafts, &["Drafts", "Draft"])?),
            sent: Some(self.choose(sent, &["Sent", "Sent Items", "Sent Messages", "Sent Mail"])?),
        })
    }

    /// The configured folder, else the first usual one that is there, else the
    /// first usual one, to be made when it is needed.
    fn choose(&self, configured: Option<&str>, usual: &[&str]) -> Result<String, Fault> {
        if let Some(name) = configured {
            layout::folder_dir(&self.root, name)?;
            return Ok(name.to_owned());
        }
        let there = usual.iter().find(|name| self.root.join(format!(".{name}/cur")).is_dir());
        Ok(there.or(usual.first()).copied().unwrap_or("Drafts").to_owned())
    }

    pub(super) fn find_by_header(
        &self,
        mailbox: &str,
        name: &str,
        value: &str,
    ) -> Result<Option<Uid>, Fault> {
        let dir = layout::folder_dir(&self.root, mailbox)?;
        if !dir.join("cur").is_dir() {
            return Ok(None);
        }
        let folder = self.folder(mailbox)?;
        let found = folder.listing.iter().find_map(|(base, path)| {
            let head = header::read(&folder.dir.join(path)).ok()?;
            header::holds(&head.header, name, value).then_some(base)
        });
        Ok(found.and_then(|base| folder.uids.uid(base)))
    }

    pub(super) fn survey(
        &self,
        mailbox: &str,
        name: &str,
        beginning: &str,
        parent: Option<&str>,
    ) -> Result<Survey, Fault> {
        if !layout::folder_dir(&self.root, mailbox)?.join("cur").is_dir() {
            return Ok(Survey::default());
        }
        let folder = self.folder(mailbox)?;
        let mut survey = Survey::default();
        for (base, path) in &folder.listing {
            let Ok(head) = header::read(&folder.dir.join(path)) else { continue };
            let names = header::values(&head.header, name);
            if names.iter().any(|value| header::bare(value).starts_with(beginning)) {
                survey.named.extend(folder.uids.uid(base).map(|uid| touch::sighting(uid, path)));
            }
            let replies = |parent| header::holds(&head.header, "In-Reply-To", parent);
            survey.by_hand |= names.is_empty() && parent.is_some_and(replies);
        }
        Ok(survey)
    }

    pub(super) fn try_out(&self, mailbox: &str) -> Result<(), Fault> {
        append::try_out(&layout::folder_dir(&self.root, mailbox)?)
    }

    pub(super) fn append_mark(&self, mailbox: &str, message: &[u8]) -> Result<String, Fault> {
        let mark = append::mark(message);
        let dir = layout::folder_dir(&self.root, mailbox)?;
        append::stage(&dir, &mark, message)?;
        Ok(mark)
    }

    pub(super) fn append(
        &self,
        mailbox: &str,
        folder: Folder,
        mark: &str,
        message: &[u8],
    ) -> Result<(), Fault> {
        let dir = layout::folder_dir(&self.root, mailbox)?;
        append::finish(&dir, folder, mark, message)
    }

    pub(super) fn resolve_append(
        &self,
        mailbox: &str,
        mark: &str,
        name: &str,
        value: &str,
    ) -> Result<AppendTrace, Fault> {
        let dir = layout::folder_dir(&self.root, mailbox)?;
        let staged = append::is_staged(&dir, mark)?;
        if append::is_there(&dir, mark)? || self.find_by_header(mailbox, name, value)?.is_some() {
            return Ok(AppendTrace::There);
        }
        Ok(if staged { AppendTrace::Never } else { AppendTrace::Unclear })
    }

    /// Whether a message came since the folder was listed last. Flags and moves do not count.
    pub(super) fn has_news(&mut self) -> Result<bool, Fault> {
        let current = self.current()?;
        let stamp = layout::stamp(&current.dir)?;
        if stamp == current.stamp && !current.stamp_is_young {
            return Ok(false);
        }
        current.take_listing()?;
        Ok(current.listing.keys().any(|name| current.uids.uid(name).is_none()))
    }
}

impl Current {
    /// Lists the folder again; new messages get UIDs in the order of their arrival, then name.
    fn refresh(&mut self) -> Result<(), Fault> {
        self.take_listing()?;
        let mut fresh: Vec<(SystemTime, BaseName)> = self
            .listing
            .iter()
            .filter(|(name, _)| self.uids.uid(name).is_none())
            .map(|(name, path)| {
                let arrived = std::fs::metadata(self.dir.join(path))
                    .and_then(|metadata| metadata.modified())
                    .unwrap_or(SystemTime::UNIX_EPOCH);
                (arrived, name.clone())
            })
            .collect();
        fresh.sort_unstable();
        self.uids.assign(fresh.into_iter().map(|(_, name)| name).collect())
    }

    /// The stamp is taken first: what comes between the two is seen the next time.
    fn take_listing(&mut self) -> Result<(), Fault> {
        self.stamp = layout::stamp(&self.dir)?;
        let newest = clock::at(self.stamp.new.max(self.stamp.cur));
        self.stamp_is_young = clock::now() <= newest.plus(STAMP_GRAIN);
        self.listing = layout::list(&self.dir)?;
        if layout::stamp(&self.dir)? != self.stamp {
            // A file that is renamed while its folder is read can be passed
            // over (POSIX readdir). Two readings do not pass over the same one.
            self.listing.extend(layout::list(&self.dir)?);
        }
        Ok(())
    }

    fn uids_there(&self) -> impl Iterator<Item = Uid> {
        self.listing.keys().filter_map(|name| self.uids.uid(name))
    }

    fn read<T>(&self, uid: Uid, reader: impl Fn(&Path) -> io::Result<T>) -> Option<io::Result<T>> {
        let name: &OsString = self.uids.name(uid)?;
        let path = self.listing.get(name)?;
        Some(reader(&self.dir.join(path)))
    }
}

fn read_body(path: &Path, cap_bytes: u32) -> io::Result<Body> {
    let file = File::open(path)?;
    let size_bytes = file.metadata()?.len();
    let cap = u64::from(cap_bytes);
    if size_bytes > cap {
        return Ok(Body::TooLarge { size_bytes });
    }
    let mut bytes = Vec::with_capacity(usize::try_from(size_bytes).unwrap_or(0));
    file.take(cap).read_to_end(&mut bytes)?;
    Ok(Body::Whole(RawMail(bytes)))
}

/// Trouble of the machine, which says nothing of the one message: ENOMEM,
/// ENFILE, EMFILE, ESTALE. Not EIO: a bad sector stays bad, and is one message's.
fn is_of_the_machine(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(12 | 23 | 24 | 116))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_machine_is_no_fault_of_a_mail() {
        assert!(is_of_the_machine(&io::Error::from_raw_os_error(24)), "too many open files");
        assert!(!is_of_the_machine(&io::Error::from_raw_os_error(13)), "permission denied");
        assert!(!is_of_the_machine(&io::Error::from_raw_os_error(21)), "a folder");
        assert!(!is_of_the_machine(&io::Error::from_raw_os_error(5)), "a bad sector");
    }
}
