//! UIDs for a store that has none.
//!
//! A Maildir names messages but does not number them, and the rest of notyet
//! counts in UIDs. So each folder gets a list of its own outside the Maildir,
//! in the manner of Dovecot's `dovecot-uidlist`: a header, then one line per
//! message, appended and synced before a UID is given out. The file belongs to
//! nobody else; if it is lost or damaged, a new one with another UIDVALIDITY
//! begins and the cursor's owner re-anchors, as with any IMAP server.
//!
//! Not chosen: the time of arrival as UID, since copying programs set it back
//! (a mail would come in below the cursor and never be seen); a table of the
//! ledger, since the mailbox would then need the ledger's lock to list mail.

use std::collections::{BTreeMap, HashMap};
use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::layout::BaseName;
use crate::domain::Fault;
use crate::shell::mailbox::Uid;
use crate::shell::{clock, files};

const MAGIC: &str = "notyet-uids 1";

/// No folder's list can have this name: a folder's begins with a dot, or is `INBOX`.
const LOCK_NAME: &str = "lock";

/// Far above any list of real mail; a larger file is not ours.
const CAP_BYTES: u64 = 1 << 30;

/// Where the UIDs of an account's folders are kept.
#[derive(Clone, Debug)]
pub struct UidBook {
    dir: Option<PathBuf>,
}

impl UidBook {
    /// Nowhere: UIDs are good for this session (UIDVALIDITY 0) and nothing is
    /// written. For `check`, `preview` and tests.
    pub fn in_memory() -> Self {
        Self { dir: None }
    }

    /// In files in `dir`, a folder of the account's own below the state folder.
    /// Sessions, and processes, may share them.
    pub fn at(dir: impl Into<PathBuf>) -> Self {
        Self { dir: Some(dir.into()) }
    }

    /// The list of the folder with that directory name (`INBOX` for the root).
    pub(super) fn open(&self, folder: &str) -> Result<UidList, Fault> {
        let Some(dir) = &self.dir else {
            return Ok(UidList::empty(0));
        };
        let path = dir.join(escape(OsStr::new(folder)));
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(dir)
            .map_err(|error| list_fault(&path, &error))?;
        let _guard = lock(&path)?;
        let there = path.try_exists().map_err(|error| list_fault(&path, &error))?;
        let found = if there { parse(&files::read_bytes(&path, CAP_BYTES)?) } else { None };
        match found {
            Some((mut list, Shape::Clean)) => {
                list.place = Some(Place::of(&path)?);
                Ok(list)
            }
            Some((list, Shape::Torn)) => list.rewritten(&path),
            None => UidList::empty(fresh_validity()).rewritten(&path),
        }
    }
}

/// Held while a list is read or written: two sessions of one account can have
/// the same folder open.
fn lock(path: &Path) -> Result<File, Fault> {
    let file = File::options()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path.with_file_name(LOCK_NAME))
        .map_err(|error| list_fault(path, &error))?;
    file.lock().map_err(|error| list_fault(path, &error))?;
    Ok(file)
}

/// Where a list is kept, and the file as it was left.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    path: PathBuf,
    inode: u64,
    len_bytes: u64,
}

impl Place {
    fn of(path: &Path) -> Result<Self, Fault> {
        let metadata = std::fs::metadata(path).map_err(|error| list_fault(path, &error))?;
        Ok(Self { path: path.to_path_buf(), inode: metadata.ino(), len_bytes: metadata.len() })
    }
}

/// Seconds since 1970, as most servers do; never 0.
fn fresh_validity() -> u32 {
    u32::try_from(clock::now().unix_s()).unwrap_or(u32::MAX).max(1)
}

/// The UIDs of one folder.
#[derive(Debug)]
pub(super) struct UidList {
    validity: u32,
    next: Uid,
    by_name: HashMap<BaseName, Uid>,
    names: BTreeMap<Uid, BaseName>,
    /// `None`: in memory only.
    place: Option<Place>,
}

/// How a list was found.
enum Shape {
    Clean,
    /// The last line was cut short by a crash: its UID was never given out.
    Torn,
}

impl UidList {
    fn empty(validity: u32) -> Self {
        Self { validity, next: 1, by_name: HashMap::new(), names: BTreeMap::new(), place: None }
    }

    pub(super) fn validity(&self) -> u32 {
        self.validity
    }

    pub(super) fn next(&self) -> Uid {
        self.next
    }

    pub(super) fn uid(&self, name: &OsStr) -> Option<Uid> {
        self.by_name.get(name).copied()
    }

    pub(super) fn name(&self, uid: Uid) -> Option<&BaseName> {
        self.names.get(&uid)
    }

    /// Gives the names that have none UIDs, in the order they come, durable on return.
    pub(super) fn assign(&mut self, names: Vec<BaseName>) -> Result<(), Fault> {
        if names.is_empty() {
            return Ok(());
        }
        let _guard = self.catch_up()?;
        let fresh: Vec<BaseName> =
            names.into_iter().filter(|name| !self.by_name.contains_key(name)).collect();
        let mut lines = String::new();
        let mut uid = self.next;
        for name in &fresh {
            // Writing to a String cannot fail.
            let _ = writeln!(lines, "{uid} {}", escape(name));
            uid = uid.checked_add(1).ok_or_else(|| self.full())?;
        }
        if let Some(place) = &self.place {
            OpenOptions::new()
                .append(true)
                .open(&place.path)
                .and_then(|mut journal| {
                    journal.write_all(lines.as_bytes())?;
                    journal.sync_data()
                })
                .map_err(|error| list_fault(&place.path, &error))?;
            self.place = Some(Place::of(&place.path)?);
        }
        for name in fresh {
            self.insert(self.next, name);
        }
        Ok(())
    }

    /// Forgets names that are gone, once they outnumber those that are not.
    pub(super) fn compact(&mut self, is_there: impl Fn(&BaseName) -> bool) -> Result<(), Fault> {
        let gone = self.names.values().filter(|name| !is_there(name)).count();
        if gone < 1_000 || gone < self.names.len() / 2 {
            return Ok(());
        }
        let _guard = self.catch_up()?;
        self.names.retain(|_, name| is_there(name));
        self.by_name.retain(|name, _| is_there(name));
        match self.place.take() {
            Some(place) => self.write_whole(&place.path),
            None => Ok(()),
        }
    }

    /// Locks the list and takes in what another session wrote meanwhile. A
    /// line that another session, or this one, failed to finish is cut off.
    fn catch_up(&mut self) -> Result<Option<File>, Fault> {
        let Some(known) = self.place.clone() else {
            return Ok(None);
        };
        let guard = lock(&known.path)?;
        if Place::of(&known.path)? != known {
            let bytes = files::read_bytes(&known.path, CAP_BYTES)?;
            let found = parse(&bytes).filter(|(list, _)| list.validity == self.validity);
            let Some((list, shape)) = found else {
                return Err(Fault::Transient(format!(
                    "{}: the list of UIDs was begun anew; the folder is opened again",
                    known.path.display()
                )));
            };
            *self = match shape {
                Shape::Clean => list,
                Shape::Torn => list.rewritten(&known.path)?,
            };
            self.place = Some(Place::of(&known.path)?);
        }
        Ok(Some(guard))
    }

    fn insert(&mut self, uid: Uid, name: BaseName) {
        self.by_name.insert(name.clone(), uid);
        self.names.insert(uid, name);
        self.next = self.next.max(uid.saturating_add(1));
    }

    fn full(&self) -> Fault {
        let path = self.place.as_ref().map(|place| place.path.as_path());
        Fault::NeedsHuman(format!(
            "{}: no UIDs are left; stop notyet and move this file away",
            path.unwrap_or(Path::new("UIDs in memory")).display()
        ))
    }

    fn rewritten(mut self, path: &Path) -> Result<Self, Fault> {
        self.write_whole(path)?;
        Ok(self)
    }

    fn write_whole(&mut self, path: &Path) -> Result<(), Fault> {
        let mut text = format!("{MAGIC} {} {}\n", self.validity, self.next);
        for (uid, name) in &self.names {
            let _ = writeln!(text, "{uid} {}", escape(name));
        }
        files::write_private(path, text.as_bytes())?;
        self.place = Some(Place::of(path)?);
        Ok(())
    }
}

/// `None` for what no crash of ours can have left.
fn parse(bytes: &[u8]) -> Option<(UidList, Shape)> {
    let text = std::str::from_utf8(bytes).ok()?;
    let (whole, torn) = text.rsplit_once('\n')?;
    let mut lines = whole.split('\n');
    let (validity, next) = lines.next()?.strip_prefix(MAGIC)?.trim().split_once(' ')?;
    let mut list = UidList::empty(validity.parse().ok()?);
    let mut least: Uid = 1;
    for line in lines {
        let (uid, name) = line.split_once(' ')?;
        let uid: Uid = uid.parse().ok()?;
        if uid < least {
            return None;
        }
        least = uid.checked_add(1)?;
        list.insert(uid, unescape(name)?);
    }
    list.next = list.next.max(next.parse().ok()?);
    let shape = if torn.is_empty() { Shape::Clean } else { Shape::Torn };
    (list.validity > 0).then_some((list, shape))
}

/// One word of visible ASCII for any file name.
fn escape(name: &OsStr) -> String {
    let mut word = String::with_capacity(name.len());
    for byte in name.as_bytes() {
        if byte.is_ascii_graphic() && !b"%/".contains(byte) {
            word.push(char::from(*byte));
        } else {
            let _ = write!(word, "%{byte:02X}");
        }
    }
    word
}

fn unescape(word: &str) -> Option<OsString> {
    let mut bytes = Vec::with_capacity(word.len());
    let mut rest = word;
    while let Some((plain, coded)) = rest.split_once('%') {
        bytes.extend_from_slice(plain.as_bytes());
        let (hex, tail) = coded.split_at_checked(2)?;
        bytes.push(u8::from_str_radix(hex, 16).ok()?);
        rest = tail;
    }
    bytes.extend_from_slice(rest.as_bytes());
    Some(OsString::from_vec(bytes))
}

fn list_fault(path: &Path, error: &std::io::Error) -> Fault {
    let words = files::write_trouble(
        path,
        "keeping the list of UIDs",
        error,
        "the state folder must have room and belong to the user notyet runs as",
    );
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            Fault::NeedsHuman(words)
        }
        _ => Fault::Transient(words),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(words: &[&str]) -> Vec<BaseName> {
        words.iter().map(OsString::from).collect()
    }

    #[test]
    fn uids_outlive_the_session_and_a_torn_line() {
        let dir = tempfile::tempdir().unwrap();
        let book = UidBook::at(dir.path().join("a"));
        let odd = OsString::from_vec(b"w\xff \n%41".to_vec());
        let mut list = book.open(".Drafts").unwrap();
        list.assign(names(&["x", "y"])).unwrap();
        list.assign(vec![odd.clone()]).unwrap();
        let path = list.place.clone().unwrap().path;
        let validity = list.validity();
        drop(list);
        for torn in ["", "4", "4 ", "4 hal"] {
            let before = std::fs::read(&path).unwrap();
            let mut file = OpenOptions::new().append(true).open(&path).unwrap();
            file.write_all(torn.as_bytes()).unwrap();
            let list = book.open(".Drafts").unwrap();
            assert_eq!((list.validity(), list.next()), (validity, 4), "{torn:?}");
            assert_eq!(list.uid(&odd), Some(3));
            assert_eq!(list.name(1), Some(&OsString::from("x")));
            assert_eq!(std::fs::read(&path).unwrap().len(), before.len());
        }
    }

    #[test]
    fn two_sessions_give_one_name_one_uid() {
        let dir = tempfile::tempdir().unwrap();
        let book = UidBook::at(dir.path());
        let (mut one, mut two) = (book.open("INBOX").unwrap(), book.open("INBOX").unwrap());
        one.assign(names(&["a", "b"])).unwrap();
        two.assign(names(&["b", "c"])).unwrap();
        one.assign(names(&["d"])).unwrap();
        let three = book.open("INBOX").unwrap();
        for (uid, name) in [(1, "a"), (2, "b"), (3, "c"), (4, "d")] {
            assert_eq!(one.uid(OsStr::new(name)), Some(uid));
            assert_eq!(three.uid(OsStr::new(name)), Some(uid));
        }
        std::fs::write(dir.path().join("INBOX"), "notyet-uids 1 77 1\n").unwrap();
        assert!(matches!(two.assign(names(&["e"])), Err(Fault::Transient(_))));
    }

    #[test]
    fn a_damaged_list_begins_anew() {
        let dir = tempfile::tempdir().unwrap();
        let book = UidBook::at(dir.path());
        for rubbish in
            ["", "x", "notyet-uids 1 0 1\n", "notyet-uids 1 5 3\n2 a\n1 b\n", "notyet-uids 1 5 3\n1 %zz\n"]
        {
            std::fs::write(dir.path().join("INBOX"), rubbish).unwrap();
            let list = book.open("INBOX").unwrap();
            assert_eq!(list.next(), 1, "{rubbish:?}");
            assert!(list.validity() > 1_000_000, "{rubbish:?}");
        }
    }

    #[test]
    fn a_compacted_list_gives_no_uid_twice() {
        let dir = tempfile::tempdir().unwrap();
        let book = UidBook::at(dir.path());
        let mut list = book.open("INBOX").unwrap();
        list.assign((0..1_500).map(|n| format!("m{n}").into()).collect()).unwrap();
        list.compact(|name| name == "m7").unwrap();
        list.assign(names(&["after"])).unwrap();
        let again = book.open("INBOX").unwrap();
        for list in [list, again] {
            assert_eq!(list.uid(OsStr::new("m7")), Some(8));
            assert_eq!(list.uid(OsStr::new("m8")), None);
            assert_eq!(list.uid(OsStr::new("after")), Some(1_501));
            assert_eq!(list.next(), 1_502);
        }
    }
}
