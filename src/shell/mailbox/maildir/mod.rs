//! A Maildir as a mailbox: the same questions as IMAP, answered from files.
//!
//! Reading changes nothing: no file is moved from `new` to `cur`, no flag is
//! set, nothing of ours is laid into the Maildir. UIDs are kept outside of it
//! ([`UidBook`]). A message is appended to Drafts or Sent by way of `tmp`, under
//! a name that can be found again after a crash; what else changes mail stands
//! in `touch`, one file at a time.
//!
//! Files are read on the runtime's blocking threads; a call that is dropped
//! half way finishes there and leaves the session whole.
//!
//! Not used: the `maildir` crate. It brings an old mailparse along, and names
//! its `tmp` files by chance, which leaves nothing to look for after a crash.

mod append;
mod header;
mod layout;
mod session;
mod touch;
mod uids;

use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use self::session::Session;
pub use self::uids::UidBook;
use super::{
    Access, AppendTrace, Body, Change, Envelope, Folder, Marks, Opened, SearchTerm, SpecialFolders, Spot,
    Survey, Uid, Wake,
};
use crate::config;
use crate::domain::{Fault, MessageId, Timestamp};

/// Time between two looks at the folders' modification times while waiting.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A Maildir that is being worked on.
pub struct MaildirSession {
    session: Arc<Mutex<Session>>,
}

impl fmt::Debug for MaildirSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MaildirSession")
    }
}

impl MaildirSession {
    /// Looks whether the Maildir is there; `book` keeps the UIDs.
    ///
    /// # Errors
    /// [`Fault::NeedsHuman`] naming the path and what is expected there.
    pub async fn connect(config: &config::Maildir, book: UidBook) -> Result<Self, Fault> {
        let root = config.path.clone();
        let session = off_the_runtime(move || Session::new(root, book)).await?;
        Ok(Self { session: Arc::new(Mutex::new(session)) })
    }

    /// Opens a folder; the calls below that name none work on it. `INBOX` is
    /// the Maildir itself, `A/B` is `.A.B` in it. Reading changes nothing
    /// either way, so `Access` makes no difference here.
    ///
    /// # Errors
    /// [`Fault::NeedsHuman`] when there is no such folder or it cannot be read;
    /// [`Fault::Transient`] when reading failed otherwise.
    pub async fn open(&mut self, mailbox: &str, _access: Access) -> Result<Opened, Fault> {
        let mailbox = mailbox.to_owned();
        self.run(move |session| session.open(&mailbox)).await
    }

    /// What is known of the messages from UID `from` to `upto` (both included), by UID,
    /// with the header fields of those names. Lists the folder anew. Messages that cannot be read are left out; see
    /// [`MaildirSession::take_unreadable`].
    ///
    /// # Errors
    /// As [`MaildirSession::open`].
    pub async fn new_envelopes(
        &mut self,
        from: Uid,
        upto: Option<Uid>,
        fields: &[String],
    ) -> Result<Vec<Envelope>, Fault> {
        let fields = fields.to_vec();
        self.run(move |session| session.new_envelopes(from, upto, &fields)).await
    }

    /// The same for these UIDs; those that are gone are left out.
    ///
    /// # Errors
    /// As [`MaildirSession::open`].
    pub async fn envelopes(&mut self, uids: &[Uid], fields: &[String]) -> Result<Vec<Envelope>, Fault> {
        let (uids, fields) = (uids.to_vec(), fields.to_vec());
        self.run(move |session| session.envelopes(&uids, &fields)).await
    }

    /// The messages that answer any of the terms and arrived at `since` or later, by UID.
    ///
    /// # Errors
    /// As [`MaildirSession::open`].
    pub async fn search(
        &mut self,
        terms: &[SearchTerm],
        since: Option<Timestamp>,
    ) -> Result<Vec<Uid>, Fault> {
        let terms = terms.to_vec();
        self.run(move |session| session.search(&terms, since)).await
    }

    /// The messages themselves, in the order asked for. One that cannot be read
    /// is left out; see [`MaildirSession::take_unreadable`]. The size that comes
    /// with each UID is what a server would be held to; a file tells its own.
    ///
    /// # Errors
    /// As [`MaildirSession::open`].
    pub async fn bodies(&mut self, wanted: &[(Uid, u64)], cap_bytes: u32) -> Result<Vec<(Uid, Body)>, Fault> {
        let wanted = wanted.to_vec();
        self.run(move |session| session.bodies(&wanted, cap_bytes)).await
    }

    /// Messages that could not be read since the last time this was asked, and
    /// why: to be quarantined. No trouble of one message fails a pass.
    ///
    /// # Errors
    /// [`Fault::Transient`] when the runtime is shutting down.
    pub async fn take_unreadable(&mut self) -> Result<Vec<(Uid, String)>, Fault> {
        self.run(|session| Ok(session.take_unreadable())).await
    }

    /// The folders for drafts and sent mail: the configured ones, else the
    /// usual names. One that is missing is made by [`MaildirSession::append_mark`].
    ///
    /// # Errors
    /// [`Fault::NeedsHuman`] for a configured name that is no folder name.
    pub async fn folders(
        &mut self,
        configured_drafts: Option<&str>,
        configured_sent: Option<&str>,
    ) -> Result<SpecialFolders, Fault> {
        let drafts = configured_drafts.map(str::to_owned);
        let sent = configured_sent.map(str::to_owned);
        self.run(move |session| session.special(drafts.as_deref(), sent.as_deref())).await
    }

    /// Whether there is such a folder already.
    ///
    /// # Errors
    /// [`Fault::NeedsHuman`] for what is no folder name.
    pub async fn is_there(&mut self, folder: &str) -> Result<bool, Fault> {
        let folder = folder.to_owned();
        self.run(move |session| session.is_there(&folder)).await
    }

    /// Tries whether messages can be put into `folder`, or it be made. Nothing is left behind.
    ///
    /// # Errors
    /// [`Fault::NeedsHuman`] naming what cannot be written, [`Fault::Transient`] when the disk is full.
    pub async fn try_out(&mut self, folder: &str) -> Result<(), Fault> {
        let folder = folder.to_owned();
        self.run(move |session| session.try_out(&folder)).await
    }

    /// A message of `folder` whose field `header` holds `value`; `None` also when there is no such folder.
    ///
    /// # Errors
    /// As [`MaildirSession::open`].
    pub async fn find_by_header(
        &mut self,
        folder: &str,
        header: &str,
        value: &str,
    ) -> Result<Option<Uid>, Fault> {
        let (folder, header, value) = (folder.to_owned(), header.to_owned(), value.to_owned());
        self.run(move |session| session.find_by_header(&folder, &header, &value)).await
    }

    /// How `folder` answers an invitation: by letters whose field `header` begins
    /// with `beginning`, or by a mail without such a field that replies to `parent`.
    ///
    /// # Errors
    /// As [`MaildirSession::open`].
    pub async fn survey(
        &mut self,
        folder: &str,
        header: &str,
        beginning: &str,
        parent: Option<&str>,
    ) -> Result<Survey, Fault> {
        let (folder, header, beginning) = (folder.to_owned(), header.to_owned(), beginning.to_owned());
        let parent = parent.map(str::to_owned);
        self.run(move |session| session.survey(&folder, &header, &beginning, parent.as_deref())).await
    }

    /// Stages the message for [`MaildirSession::append`]: on disk, in `tmp`,
    /// seen by no mail program. What it returns must be committed before `append`.
    ///
    /// # Errors
    /// As [`MaildirSession::open`].
    pub async fn append_mark(&mut self, folder: &str, message: &[u8]) -> Result<String, Fault> {
        let (folder, message) = (folder.to_owned(), message.to_vec());
        self.run(move |session| session.append_mark(&folder, &message)).await
    }

    /// Puts the staged message into the folder, with the flags of its task.
    /// Safe to repeat: a message that is there already stays as it is.
    ///
    /// # Errors
    /// As [`MaildirSession::open`]; [`Fault::Permanent`] for a mark that is none.
    pub async fn append(
        &mut self,
        folder: &str,
        task: Folder,
        mark: &str,
        message: &[u8],
    ) -> Result<(), Fault> {
        let (folder, mark, message) = (folder.to_owned(), mark.to_owned(), message.to_vec());
        self.run(move |session| session.append(&folder, task, &mark, &message)).await
    }

    /// What became of an append that was interrupted: the message is in the
    /// folder (under its mark or by its header field), still staged, or neither
    /// (its owner deleted it, or a mail program swept `tmp`).
    ///
    /// # Errors
    /// As [`MaildirSession::append`].
    pub async fn resolve_append(
        &mut self,
        folder: &str,
        mark: &str,
        header: &str,
        value: &str,
    ) -> Result<AppendTrace, Fault> {
        let (folder, mark) = (folder.to_owned(), mark.to_owned());
        let (header, value) = (header.to_owned(), value.to_owned());
        self.run(move |session| session.resolve_append(&folder, &mark, &header, &value)).await
    }

    /// See [`super::imap::ImapSession::find_to_touch`].
    ///
    /// # Errors
    /// As [`MaildirSession::open`].
    pub async fn find_to_touch(
        &mut self,
        folder: &str,
        hint: Option<(u32, Uid)>,
        message_id: &MessageId,
    ) -> Result<Option<Spot>, Fault> {
        let (folder, message_id) = (folder.to_owned(), message_id.clone());
        self.run(move |session| session.find_to_touch(&folder, hint, &message_id)).await
    }

    /// Sets and takes off flags of one message.
    ///
    /// # Errors
    /// As [`MaildirSession::open`].
    pub async fn mark(&mut self, folder: &str, uid: Uid, on: Marks, off: Marks) -> Result<Change, Fault> {
        let folder = folder.to_owned();
        self.run(move |session| session.mark(&folder, uid, on, off)).await
    }

    /// Moves one message to another folder.
    ///
    /// # Errors
    /// As [`MaildirSession::open`].
    pub async fn move_to(&mut self, folder: &str, uid: Uid, to: &str) -> Result<Change, Fault> {
        let (folder, to) = (folder.to_owned(), to.to_owned());
        self.run(move |session| session.move_to(&folder, uid, &to)).await
    }

    /// Removes one message.
    ///
    /// # Errors
    /// As [`MaildirSession::open`].
    pub async fn remove(&mut self, folder: &str, uid: Uid) -> Result<Change, Fault> {
        let folder = folder.to_owned();
        self.run(move |session| session.remove(&folder, uid)).await
    }

    /// Makes a folder where it is missing.
    ///
    /// # Errors
    /// As [`MaildirSession::open`].
    pub async fn make_folder(&mut self, folder: &str) -> Result<(), Fault> {
        let folder = folder.to_owned();
        self.run(move |session| session.make_folder(&folder)).await
    }

    /// Waits until the open folder has a message that has not been listed yet,
    /// `longest` is over, or `interrupt` is.
    ///
    /// Looks at the folders' modification times each second: one system call
    /// each, on every file system, network ones included.
    ///
    /// # Errors
    /// As [`MaildirSession::open`], when the folder goes away meanwhile.
    pub async fn wait(
        &mut self,
        longest: Duration,
        interrupt: impl Future<Output = ()>,
    ) -> Result<Wake, Fault> {
        let end = Instant::now() + longest;
        tokio::pin!(interrupt);
        loop {
            if self.run(Session::has_news).await? {
                return Ok(Wake::Changed);
            }
            let now = Instant::now();
            if now >= end {
                return Ok(Wake::TimedOut);
            }
            tokio::select! {
                biased;
                () = &mut interrupt => return Ok(Wake::Interrupted),
                () = tokio::time::sleep_until(end.min(now + LOOK_EVERY)) => {}
            }
        }
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Session) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        let session = Arc::clone(&self.session);
        off_the_runtime(move || work(&mut session.lock().unwrap_or_else(PoisonError::into_inner))).await
    }
}

async fn off_the_runtime<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Fault> + Send + 'static,
) -> Result<T, Fault> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(Fault::Transient(format!(
            "Maildir: the work on the files was broken off: {error}; it is tried again"
        ))),
    }
}
