//! A mailbox session, whatever it stands on. A closed enum: every place that
//! cares for the difference is here.

use std::future::Future;
use std::time::Duration;

use crate::config::{Account, MailboxKind};
use crate::domain::{Fault, MessageId, Timestamp};
use crate::shell::mailbox::imap::ImapSession;
use crate::shell::mailbox::maildir::{MaildirSession, UidBook};
use crate::shell::mailbox::{
    Access, Answer, AppendTrace, Body, Change, Envelope, Folder, Marks, Moving, Opened, SearchTerm,
    SpecialFolders, Spot, Survey, Uid, Wake,
};
use crate::shell::secrets;

/// An open session.
pub enum Port {
    /// On a server.
    Imap(Box<ImapSession>),
    /// On a folder of this machine.
    Maildir(Box<MaildirSession>),
}

/// Runs `$call` on whichever session it is.
macro_rules! on_either {
    ($port:expr, $session:ident => $call:expr) => {
        match $port {
            Port::Imap($session) => $call.await,
            Port::Maildir($session) => $call.await,
        }
    };
}

impl Port {
    /// Opens a session for `account`; reads its secret anew. A Maildir has no
    /// UIDs of its own; `uids` keeps them.
    ///
    /// # Errors
    /// [`Fault::NeedsHuman`] when we are not let in, [`Fault::Transient`] when nobody answers.
    pub async fn connect(account: &Account, uids: UidBook) -> Result<Self, Fault> {
        match &account.kind {
            MailboxKind::Imap(server) => {
                let secret = secrets::read(&server.login.secret).await?;
                Ok(Self::Imap(Box::new(ImapSession::connect(server, &secret).await?)))
            }
            MailboxKind::Maildir(maildir) => {
                Ok(Self::Maildir(Box::new(MaildirSession::connect(maildir, uids).await?)))
            }
        }
    }

    /// Whether anything may still be asked: a refusal is an answer, a broken line is none.
    pub fn is_usable(&self) -> bool {
        match self {
            Self::Imap(session) => session.is_usable(),
            Self::Maildir(_) => true,
        }
    }

    /// SELECT or EXAMINE.
    ///
    /// # Errors
    /// See the session's own.
    pub async fn open(&mut self, mailbox: &str, access: Access) -> Result<Opened, Fault> {
        on_either!(self, session => session.open(mailbox, access))
    }

    /// Headers from `from` up to `upto`.
    ///
    /// # Errors
    /// See the session's own.
    pub async fn new_envelopes(
        &mut self,
        from: Uid,
        upto: Option<Uid>,
        fields: &[String],
    ) -> Result<Vec<Envelope>, Fault> {
        on_either!(self, session => session.new_envelopes(from, upto, fields))
    }

    /// Headers of `uids`.
    ///
    /// # Errors
    /// See the session's own.
    pub async fn envelopes(&mut self, uids: &[Uid], fields: &[String]) -> Result<Vec<Envelope>, Fault> {
        on_either!(self, session => session.envelopes(uids, fields))
    }

    /// UIDs of mail that fits any of `terms` and arrived since.
    ///
    /// # Errors
    /// See the session's own.
    pub async fn search(
        &mut self,
        terms: &[SearchTerm],
        since: Option<Timestamp>,
    ) -> Result<Vec<Uid>, Fault> {
        on_either!(self, session => session.search(terms, since))
    }

    /// Whole messages, as far as they are no larger than the cap.
    ///
    /// # Errors
    /// See the session's own.
    pub async fn bodies(&mut self, wanted: &[(Uid, u64)], cap_bytes: u32) -> Result<Vec<(Uid, Body)>, Fault> {
        on_either!(self, session => session.bodies(wanted, cap_bytes))
    }

    /// Messages met since the last call that could not be read, and why. A
    /// server hands out every message or fails as a whole.
    ///
    /// # Errors
    /// See the session's own.
    pub async fn take_unreadable(&mut self) -> Result<Vec<(Uid, String)>, Fault> {
        match self {
            Self::Imap(_) => Ok(Vec::new()),
            Self::Maildir(session) => session.take_unreadable().await,
        }
    }

    /// The Drafts and Sent folders.
    ///
    /// # Errors
    /// See the session's own.
    pub async fn folders(
        &mut self,
        drafts: Option<&str>,
        sent: Option<&str>,
    ) -> Result<SpecialFolders, Fault> {
        on_either!(self, session => session.folders(drafts, sent))
    }

    /// Whether `folder`, one that [`Port::folders`] named, is there: a server
    /// names what it has, a Maildir what would be made.
    ///
    /// # Errors
    /// See the session's own.
    pub async fn is_there(&mut self, folder: &str) -> Result<bool, Fault> {
        match self {
            Self::Imap(_) => Ok(true),
            Self::Maildir(session) => session.is_there(folder).await,
        }
    }

    /// Tries whether mail can be put into `folder`, as far as that shows without
    /// doing it: a server has no question for it.
    ///
    /// # Errors
    /// See the session's own.
    pub async fn try_out(&mut self, folder: &str) -> Result<(), Fault> {
        match self {
            Self::Imap(_) => Ok(()),
            Self::Maildir(session) => session.try_out(folder).await,
        }
    }

    /// A message of `folder` whose header field `header` is `value`.
    ///
    /// # Errors
    /// See the session's own.
    pub async fn find_by_header(
        &mut self,
        folder: &str,
        header: &str,
        value: &str,
    ) -> Result<Option<Uid>, Fault> {
        on_either!(self, session => session.find_by_header(folder, header, value))
    }

    /// How `folder` answers an invitation: by a letter whose field `header` begins
    /// with `beginning`, or by a mail without such a field that replies to `parent`.
    ///
    /// # Errors
    /// See the session's own.
    pub async fn find_answer(
        &mut self,
        folder: &str,
        header: &str,
        beginning: &str,
        parent: Option<&str>,
    ) -> Result<Option<Answer>, Fault> {
        Ok(self.survey(folder, header, beginning, parent).await?.answer())
    }

    /// The same in full: each of our letters with its flags, and whether there is a mail by hand.
    ///
    /// # Errors
    /// See the session's own.
    pub async fn survey(
        &mut self,
        folder: &str,
        header: &str,
        beginning: &str,
        parent: Option<&str>,
    ) -> Result<Survey, Fault> {
        on_either!(self, session => session.survey(folder, header, beginning, parent))
    }

    /// What to remember before an APPEND, so that its trace can be found.
    ///
    /// # Errors
    /// See the session's own.
    pub async fn append_mark(&mut self, folder: &str, message: &[u8]) -> Result<String, Fault> {
        match self {
            Self::Imap(session) => session.append_mark(folder).await,
            Self::Maildir(session) => session.append_mark(folder, message).await,
        }
    }

    /// Files `message`.
    ///
    /// # Errors
    /// See the session's own.
    pub async fn append(
        &mut self,
        folder: &str,
        flags: Folder,
        mark: &str,
        message: &[u8],
    ) -> Result<(), Fault> {
        match self {
            Self::Imap(session) => session.append(folder, flags, message).await,
            Self::Maildir(session) => session.append(folder, flags, mark, message).await,
        }
    }

    /// What became of an APPEND whose answer was never recorded.
    ///
    /// # Errors
    /// See the session's own.
    pub async fn resolve_append(
        &mut self,
        folder: &str,
        mark: &str,
        header: &str,
        value: &str,
    ) -> Result<AppendTrace, Fault> {
        on_either!(self, session => session.resolve_append(folder, mark, header, value))
    }

    /// How one message gets to another folder.
    pub fn moving(&self) -> Moving {
        match self {
            Self::Imap(session) => session.moving(),
            Self::Maildir(_) => Moving::Move,
        }
    }

    /// Whether `folder` is there already, also on a server.
    ///
    /// # Errors
    /// See the session's own.
    pub async fn has_folder(&mut self, folder: &str) -> Result<bool, Fault> {
        match self {
            Self::Imap(session) => session.has_folder(folder).await,
            Self::Maildir(session) => session.is_there(folder).await,
        }
    }

    /// Makes `folder`.
    ///
    /// # Errors
    /// See the session's own.
    pub async fn make_folder(&mut self, folder: &str) -> Result<(), Fault> {
        on_either!(self, session => session.make_folder(folder))
    }

    /// Opens `folder` for writing and looks for one message in it.
    ///
    /// # Errors
    /// See the session's own.
    pub async fn find_to_touch(
        &mut self,
        folder: &str,
        hint: Option<(u32, Uid)>,
        message_id: &MessageId,
    ) -> Result<Option<Spot>, Fault> {
        on_either!(self, session => session.find_to_touch(folder, hint, message_id))
    }

    /// Sets and takes off flags of a message just found.
    ///
    /// # Errors
    /// See the session's own.
    pub async fn mark(&mut self, folder: &str, uid: Uid, on: Marks, off: Marks) -> Result<Change, Fault> {
        on_either!(self, session => session.mark(folder, uid, on, off))
    }

    /// Moves a message just found; only with [`Moving::Move`].
    ///
    /// # Errors
    /// See the session's own.
    pub async fn move_to(&mut self, folder: &str, uid: Uid, to: &str) -> Result<Change, Fault> {
        on_either!(self, session => session.move_to(folder, uid, to))
    }

    /// Copies a message just found; a Maildir moves instead.
    ///
    /// # Errors
    /// See the session's own.
    pub async fn copy_to(&mut self, folder: &str, uid: Uid, to: &str) -> Result<Change, Fault> {
        match self {
            Self::Imap(session) => session.copy_to(folder, uid, to).await,
            Self::Maildir(session) => session.move_to(folder, uid, to).await,
        }
    }

    /// Whether a message can be removed without touching any other.
    pub fn can_remove(&self) -> bool {
        match self {
            Self::Imap(session) => session.can_remove(),
            Self::Maildir(_) => true,
        }
    }

    /// Removes a message just found, and no other.
    ///
    /// # Errors
    /// See the session's own.
    pub async fn remove(&mut self, folder: &str, uid: Uid) -> Result<Change, Fault> {
        on_either!(self, session => session.remove(folder, uid))
    }

    /// Waits for a change of the opened mailbox.
    ///
    /// # Errors
    /// See the session's own.
    pub async fn wait(
        &mut self,
        longest: Duration,
        interrupt: impl Future<Output = ()>,
    ) -> Result<Wake, Fault> {
        on_either!(self, session => session.wait(longest, interrupt))
    }

    /// Says goodbye where that is polite.
    pub async fn close(self) {
        if let Self::Imap(session) = self {
            session.logout().await;
        }
    }
}
