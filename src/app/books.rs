//! The keep list and the address books: read when they changed, and again and
//! again where they could not be. Nobody becomes a stranger by a book that cannot
//! be read: who was known stays so, and before a book was ever read to its end
//! nothing is judged.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::PoisonError;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::timeout;

use super::entry::DAY;
use super::people::keys_of;
use super::shared::Shared;
use crate::config::People;
use crate::domain::{Acquaintance, Fault, Source, Timestamp};
use crate::shell::files::{self, Beside, Stamp};
use crate::shell::store::Ledger;
use crate::stages::people::vcard;

/// No address book larger than this is read.
const MAX_BOOK_BYTES: u64 = 64 * 1024 * 1024;

/// A disk that says nothing for so long is on a network that is away.
const PATIENCE: Duration = Duration::from_secs(60);

/// What was read last, and what was said.
#[derive(Debug, Default)]
pub struct Books(Mutex<Last>);

#[derive(Debug, Default)]
struct Last {
    /// Whether the keep list is written down: it stands in the configuration, so once is enough.
    is_kept: bool,
    /// The files of all books, if all could be read.
    whole: Option<Vec<(PathBuf, Stamp)>>,
    /// What was said of which book that cannot be read, and when.
    told: BTreeMap<PathBuf, (String, Timestamp)>,
    /// Who still waits for a disk to say something of which book.
    hanging: Hanging,
}

type Hanging = BTreeMap<PathBuf, Beside>;

/// What it means that an address book cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lack {
    /// It never could: who stands in it is not known, so nothing is judged or sent.
    HoldsUp,
    /// What it held when it was read last stays in force.
    Outdated,
}

/// An address book of the configuration that cannot be read, or was not yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// Its file or folder.
    pub path: PathBuf,
    /// What stands in the way.
    pub words: String,
    /// Since when; `None`: nobody has tried.
    pub since: Option<Timestamp>,
    /// What follows.
    pub lack: Lack,
}

/// Writes down the keep list and, when they have changed or could not be read,
/// the address books. Of one that cannot be read the log tells once a day.
///
/// # Errors
/// A [`Fault`] of the ledger.
pub async fn refresh(shared: &Shared) -> Result<(), Fault> {
    // Account by account: what was read earlier must not be written down later.
    let mut last = shared.books.0.lock().await;
    if !last.is_kept {
        shared.ledger().replace_people(Source::Keep, &keys_of(&shared.people.keep, &shared.rules))?;
        last.is_kept = true;
    }
    let mut listed = Vec::new();
    for path in &shared.people.address_books {
        let files = ask(&mut last.hanging, path, Listed::at).await;
        listed.push(files.unwrap_or_else(|fault| Listed { path: path.clone(), files: vec![Err(fault)] }));
    }
    let whole: Option<Vec<_>> = listed.iter().flat_map(|book| &book.files).cloned().map(Result::ok).collect();
    if whole.is_some() && whole == last.whole {
        return Ok(());
    }
    let mut read = Vec::new();
    for book in listed {
        let path = book.path.clone();
        let found = ask(&mut last.hanging, &path, |_| Read::of(book)).await;
        read.push(found.unwrap_or_else(|fault| Read { fault: Some(fault), ..Read::nothing_of(path) }));
    }
    let people: Vec<Acquaintance> = read.iter().flat_map(|book| &book.people).cloned().collect();
    let found: Vec<(&Path, Option<&str>)> =
        read.iter().map(|book| (book.path.as_path(), book.fault.as_ref().map(Fault::message))).collect();
    let now = shared.now();
    shared.ledger().note_books(&found, &keys_of(&people, &shared.rules), now)?;
    last.whole = whole.filter(|_| read.iter().all(|book| book.fault.is_none()));
    if last.whole.is_some() {
        read.iter().flat_map(|book| &book.remarks).for_each(|remark| tracing::warn!("{remark}"));
    }
    let unread = unread(&shared.ledger(), &shared.people)?;
    tell(&mut last.told, &unread, now);
    Ok(())
}

/// What `work` finds at `path`, asked beside all that waits for servers. While it
/// hangs nobody asks there again.
async fn ask<T: Send + 'static>(
    hanging: &mut Hanging,
    path: &Path,
    work: impl FnOnce(&Path) -> T + Send + 'static,
) -> Result<T, Fault> {
    let fault = |words: &str| Fault::NeedsHuman(format!("{}: {words}", path.display()));
    hanging.retain(|_, thread| !thread.is_finished());
    if hanging.contains_key(path) {
        return Err(fault("its disk still does not answer"));
    }
    let own = path.to_owned();
    let (thread, found) = files::beside(move || work(&own)).map_err(|error| fault(&error.to_string()))?;
    match timeout(PATIENCE, found).await {
        Ok(found) => found.map_err(|_| fault("reading it failed inside notyet; please report it")),
        Err(_) => {
            hanging.insert(path.to_owned(), thread);
            Err(fault("its disk does not answer; is it on a network that is away?"))
        }
    }
}

/// What is there of one address book.
struct Listed {
    path: PathBuf,
    files: Vec<Result<(PathBuf, Stamp), Fault>>,
}

impl Listed {
    fn at(path: &Path) -> Self {
        let mut files = files::stamps(path, &["vcf", "vcard"]);
        if files.is_empty() {
            // As good as not there: a disk that is not mounted looks like this.
            files.push(Err(Fault::NeedsHuman(format!("{}: no vCard file in it", path.display()))));
        }
        Self { path: path.to_owned(), files }
    }
}

/// What could be read of one address book.
struct Read {
    path: PathBuf,
    cards: usize,
    people: Vec<Acquaintance>,
    /// Cards that say nothing.
    remarks: Vec<String>,
    /// Why that is not all.
    fault: Option<Fault>,
}

impl Read {
    fn nothing_of(path: PathBuf) -> Self {
        Self { path, cards: 0, people: Vec::new(), remarks: Vec::new(), fault: None }
    }

    fn of(book: Listed) -> Self {
        let mut read = Self::nothing_of(book.path);
        for file in book.files {
            if let Err(fault) = file.and_then(|(path, _)| read.add(&path)) {
                read.fault.get_or_insert(fault);
            }
        }
        read
    }

    fn add(&mut self, file: &Path) -> Result<(), Fault> {
        let bytes = files::read_bytes(file, MAX_BOOK_BYTES)?;
        let book = vcard::read(&bytes);
        if book.cards == 0 {
            return Err(Fault::NeedsHuman(format!("{}: no vCard in it (RFC 6350)", file.display())));
        }
        if let Some(line) = book.unreadable.first() {
            let (file, count) = (file.display(), book.unreadable.len());
            self.remarks.push(format!("{file}:{line}: {count} cards show neither a name nor an address"));
        }
        self.cards += book.cards;
        self.people.extend(book.people);
        match book.torn_at {
            Some(line) => Err(Fault::NeedsHuman(format!(
                "{}:{line}: the card that begins here has no END:VCARD, so the file was cut off; save it anew",
                file.display()
            ))),
            None => Ok(()),
        }
    }
}

/// The address books of `people`, read this moment.
///
/// # Errors
/// [`Fault::NeedsHuman`] naming the first file that cannot be read.
pub(super) fn read_all(people: &People) -> Result<Contents, Fault> {
    let mut all = Contents::default();
    for path in &people.address_books {
        let read = Read::of(Listed::at(path));
        read.fault.map_or(Ok(()), Err)?;
        all.cards += read.cards;
        all.people.extend(read.people);
    }
    Ok(all)
}

/// What address books hold.
#[derive(Debug, Default)]
pub(super) struct Contents {
    /// How many cards there are.
    pub cards: usize,
    /// One entry for each name and address.
    pub people: Vec<Acquaintance>,
}

/// The address books of the configuration that cannot be read, as `ledger` knows it.
///
/// # Errors
/// A [`Fault`] of the ledger.
pub(super) fn unread(ledger: &Ledger, people: &People) -> Result<Vec<Unread>, Fault> {
    let books = ledger.books()?;
    let unread = people.address_books.iter().filter_map(|path| {
        let book = books.iter().find(|book| book.path == *path);
        let lack = match book.and_then(|book| book.read_at) {
            Some(_) => Lack::Outdated,
            None => Lack::HoldsUp,
        };
        let (words, since) = match book.and_then(|book| book.trouble.clone()) {
            Some((words, since)) => (words, Some(since)),
            None if lack == Lack::HoldsUp => (format!("{}: not read yet", path.display()), None),
            None => return None,
        };
        Some(Unread { path: path.clone(), words, since, lack })
    });
    Ok(unread.collect())
}

/// The first address book without which nothing may be judged or sent.
///
/// # Errors
/// A [`Fault`] of a ledger.
pub(super) fn first_missing(shared: &Shared) -> Result<Option<Unread>, Fault> {
    let mut missing = unread(&shared.ledger(), &shared.people)?;
    missing.retain(|book| book.lack == Lack::HoldsUp);
    if let Some(elsewhere) = &shared.elsewhere {
        let known = elsewhere.lock().unwrap_or_else(PoisonError::into_inner).books()?;
        let is_known = |path: &Path| known.iter().any(|book| book.path == path && book.read_at.is_some());
        missing.retain(|book| !is_known(&book.path));
    }
    Ok(missing.into_iter().next())
}

fn tell(told: &mut BTreeMap<PathBuf, (String, Timestamp)>, unread: &[Unread], now: Timestamp) {
    told.retain(|path, _| unread.iter().any(|book| book.path == *path));
    for book in unread {
        let before = told.get(&book.path);
        if before.is_some_and(|(words, at)| *words == book.words && now.since(*at) < DAY) {
            continue;
        }
        match book.lack {
            Lack::HoldsUp => tracing::error!(
                "{}; before it was read once no invitation is judged and nothing is sent: mend it, or take it out of address_books",
                book.words
            ),
            Lack::Outdated => {
                tracing::warn!("{}; the address books read last stay in force", book.words);
            }
        }
        told.insert(book.path.clone(), (book.words.clone(), now));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_disk_that_hangs_holds_nobody_up_and_is_not_asked_again_meanwhile() {
        let (answer, silence) = mpsc::channel::<()>();
        let (mut hanging, book) = (Hanging::new(), Path::new("/net/book.vcf"));
        let fault = ask(&mut hanging, book, move |_| silence.recv().is_ok()).await.unwrap_err();
        assert!(fault.message().contains("/net/book.vcf"), "{fault}");
        tokio::time::resume();
        assert!(ask(&mut hanging, book, |_| ()).await.is_err());
        assert_eq!(ask(&mut hanging, Path::new("/here"), |_| 7).await, Ok(7));
        drop(answer);
        while hanging.values().any(|thread| !thread.is_finished()) {
            tokio::task::yield_now().await;
        }
        assert_eq!(ask(&mut hanging, book, |_| 7).await, Ok(7));
    }

    #[tokio::test]
    async fn a_fault_of_ours_in_reading_a_book_is_that_books_trouble() {
        let fault = ask(&mut Hanging::new(), Path::new("/here"), |_| panic!("as if")).await;
        assert!(matches!(fault, Err::<(), _>(Fault::NeedsHuman(_))), "{fault:?}");
    }
}
