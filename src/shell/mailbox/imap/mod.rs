//! The IMAP port (RFC 3501, RFC 9051): mail in, drafts out. What else changes
//! mail stands in `touch`, one UID at a time.
//!
//! A layer of its own over the grammar that async-imap brings along, since
//! its session reports a refused command as an empty success and the end of
//! the stream as the end of the answer. Here every command waits for its own
//! tagged line (`wire`), whole responses are cut within limits (`frame`)
//! and read into values (`response`). On top of that, a file per task.

mod append;
mod command;
mod connect;
mod fetch;
mod folders;
mod frame;
mod idle;
mod login;
mod response;
mod search;
mod select;
mod touch;
#[doc(hidden)]
pub mod transcript;
mod utf7;
mod wire;

use std::time::Duration;

use self::command::Command;
use self::frame::Caps;
use self::response::{Capabilities, Response, Text};
use self::select::{Numbering, Selected, View};
use self::wire::{Failure, Wire};
use crate::domain::Fault;

/// How long a LOGOUT may take.
const LOGOUT_WITHIN: Duration = Duration::from_secs(5);

/// A logged-in session.
///
/// After a [`Fault`] that is [`Fault::Transient`] ask [`ImapSession::is_usable`]:
/// a session whose last command was not answered in full refuses every
/// further one, and is to be dropped.
pub struct ImapSession {
    wire: Wire,
    capabilities: Capabilities,
    idling: idle::Idling,
    /// The mailbox the caller opened.
    opened: Option<Selected>,
    /// The mailbox the server has selected; another one while we look into a folder.
    selected: Option<Selected>,
    view: View,
    numbering: Numbering,
}

impl ImapSession {
    /// Whether the last command was answered in full.
    pub fn is_usable(&self) -> bool {
        self.wire.is_ready()
    }

    /// How often we had to wait for the server so far, the login included.
    pub fn round_trips(&self) -> u64 {
        self.wire.round_trips()
    }

    /// How much the server sent so far, after decryption.
    pub fn bytes_received(&self) -> u64 {
        self.wire.bytes_received()
    }

    /// Asks for nothing (NOOP): keeps the session alive, and makes new mail visible.
    ///
    /// # Errors
    /// As every command: `Transient` when the connection is gone.
    pub async fn noop(&mut self) -> Result<(), Fault> {
        self.run(Command::new("NOOP"), |_| Ok(())).await?;
        Ok(())
    }

    /// Says good-bye. That it fails is of no interest: the session ends anyhow.
    pub async fn logout(mut self) {
        if self.is_usable() {
            let goodbye = self.run(Command::new("LOGOUT"), |_| Ok(()));
            // The deadline is the point; both results end the session.
            drop(tokio::time::timeout(LOGOUT_WITHIN, goodbye).await);
        }
    }

    /// Runs a command within the usual limits.
    async fn run(
        &mut self,
        command: Command,
        sink: impl FnMut(Response) -> Result<(), Fault> + Send,
    ) -> Result<Text, Failure> {
        self.run_within(Caps::default(), command, sink).await
    }

    /// Runs a command; what the server tells of the mailbox on the way is kept.
    async fn run_within(
        &mut self,
        caps: Caps,
        command: Command,
        mut sink: impl FnMut(Response) -> Result<(), Fault> + Send,
    ) -> Result<Text, Failure> {
        self.wire.set_caps(caps);
        let view = &mut self.view;
        self.wire
            .run(command, &mut |_| None, &mut |response| {
                view.note(&response);
                sink(response)
            })
            .await
    }
}
