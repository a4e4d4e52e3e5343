//! The selected mailbox, and what we know of it.

use super::ImapSession;
use super::command::Command;
use super::response::{Code, Response, Status};
use super::wire::Failure;
use crate::domain::Fault;
use crate::shell::mailbox::{Access, Opened, Uid};

/// A mailbox the server has selected for us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Selected {
    pub(super) mailbox: String,
    pub(super) access: Access,
    pub(super) uid_validity: u32,
}

/// For whom the server keeps the UIDs it gives. Courier (measured with 5.0.13)
/// writes them down at a SELECT only. Under EXAMINE a mailbox that nobody has
/// selected yet gets another UIDVALIDITY each time, and new mail is numbered by
/// file name: a UID below one already seen may be a new mail's. It can be known
/// by telling no UIDNEXT (RFC 3501 §6.3.1), without which nothing about later
/// UIDs may be assumed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Numbering {
    #[default]
    ForAll,
    ForSelectOnly,
}

/// How many messages the opened mailbox holds, as far as the server told.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct View {
    exists: u32,
    /// It holds more than the caller can have seen.
    grew: Grew,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Grew {
    #[default]
    No,
    Yes,
}

impl View {
    /// Keeps what `response` tells of the selected mailbox, which any command's answer may.
    pub(super) fn note(&mut self, response: &Response) {
        match response {
            Response::Exists(exists) => {
                if *exists > self.exists {
                    self.grew = Grew::Yes;
                }
                self.exists = *exists;
            }
            Response::Expunge => self.exists = self.exists.saturating_sub(1),
            _ => {}
        }
    }

    /// The caller is about to look at everything there is.
    pub(super) fn looked_at(&mut self) {
        self.grew = Grew::No;
    }

    /// Whether it grew since the caller looked; telling it once is enough.
    pub(super) fn take_growth(&mut self) -> bool {
        std::mem::take(&mut self.grew) == Grew::Yes
    }

    pub(super) fn has_grown(&self) -> bool {
        self.grew == Grew::Yes
    }
}

impl ImapSession {
    /// Opens `mailbox` (in plain Unicode, as people write it). It stays the
    /// mailbox of fetches, searches and waits, even when a look into another
    /// folder comes between.
    ///
    /// # Errors
    /// `NeedsHuman` when there is no such mailbox, `Transient` when it may pass.
    pub async fn open(&mut self, mailbox: &str, access: Access) -> Result<Opened, Fault> {
        self.opened = None;
        let lasting = access == Access::LastingUids;
        if lasting && self.numbering == Numbering::ForSelectOnly {
            return self.open_for_good(mailbox).await;
        }
        let (selected, exists, uid_next) = self.select(mailbox, access).await?;
        if lasting && uid_next.is_none() {
            self.numbering = Numbering::ForSelectOnly;
            return self.open_for_good(mailbox).await;
        }
        self.view.looked_at();
        self.opened = Some(selected.clone());
        let uid_next = match uid_next {
            Some(uid_next) => uid_next,
            None => self.uid_behind_the_last(exists).await?,
        };
        Ok(Opened { uid_validity: selected.uid_validity, uid_next, exists })
    }

    /// Opens `mailbox` with SELECT, on a server that tells no UIDNEXT then.
    /// STATUS tells it; asked before, so that no UID below it belongs to a mail
    /// that this SELECT does not show.
    async fn open_for_good(&mut self, mailbox: &str) -> Result<Opened, Fault> {
        let status = self.status(mailbox).await?.unwrap_or_default();
        let (selected, exists, _) = self.select(mailbox, Access::ReadWrite).await?;
        self.view.looked_at();
        self.opened = Some(selected.clone());
        let behind_the_last = self.uid_behind_the_last(exists).await?;
        // Before the first SELECT it was another one, and the numbers were no good.
        let told = status.uid_next.filter(|_| status.uid_validity == Some(selected.uid_validity));
        let uid_next = told.unwrap_or(0).max(behind_the_last);
        Ok(Opened { uid_validity: selected.uid_validity, uid_next, exists })
    }

    /// Makes the opened mailbox the selected one again.
    pub(super) async fn reselect(&mut self) -> Result<(), Fault> {
        let Some(opened) = self.opened.clone() else {
            return Err(Fault::Permanent(format!("IMAP {}: no mailbox was opened", self.wire.server())));
        };
        if self.selected.as_ref() == Some(&opened) {
            return Ok(());
        }
        let before = self.view;
        let (selected, ..) = self.select(&opened.mailbox, opened.access).await?;
        if selected.uid_validity != opened.uid_validity {
            self.opened = None;
            return Err(self.wire.transient(
                "SELECT",
                "gave the mailbox another UIDVALIDITY meanwhile, so its UIDs must be read anew",
            ));
        }
        if self.view.exists <= before.exists {
            self.view.grew = before.grew;
        }
        Ok(())
    }

    /// Looks into `folder` without changing anything, and without forgetting what is opened.
    pub(super) async fn visit(&mut self, folder: &str) -> Result<(), Fault> {
        let before = self.view;
        let visited = self.select(folder, Access::ReadOnly).await;
        let is_opened = |opened: &Selected| opened.mailbox == folder;
        if !self.opened.as_ref().is_some_and(is_opened) {
            self.view = before;
        }
        visited.map(|_| ())
    }

    /// Leaves a mailbox that is open read-only; whether there was one to leave.
    /// Courier refuses an APPEND to any folder while one is (measured with 5.0.13).
    pub(super) async fn leave_examined(&mut self) -> Result<bool, Fault> {
        // Anywhere else CLOSE would expunge (RFC 9051 §6.4.1).
        if self.selected.as_ref().is_none_or(|selected| selected.access == Access::ReadWrite) {
            return Ok(false);
        }
        self.selected = None;
        self.run(Command::new("CLOSE"), |_| Ok(())).await?;
        Ok(true)
    }

    pub(super) async fn select(
        &mut self,
        mailbox: &str,
        access: Access,
    ) -> Result<(Selected, u32, Option<Uid>), Fault> {
        // A SELECT that fails leaves nothing selected (RFC 9051 §6.3.2).
        self.selected = None;
        let (mut exists, mut uid_validity, mut uid_next) = (0, 0, None);
        let command = match access {
            Access::ReadOnly | Access::LastingUids => Command::new("EXAMINE"),
            Access::ReadWrite => Command::new("SELECT"),
        };
        let answer = self
            .run(command.mailbox(mailbox), |response| {
                match response {
                    Response::Exists(count) => exists = count,
                    Response::Status(Status::Ok, text) => match text.code {
                        Some(Code::UidValidity(value)) => uid_validity = value,
                        Some(Code::UidNext(value)) => uid_next = Some(value),
                        _ => {}
                    },
                    _ => {}
                }
                Ok(())
            })
            .await;
        match answer {
            Ok(_) => {}
            Err(Failure::Refused(refusal)) if !refusal.text.sounds_temporary() => {
                return Err(Fault::NeedsHuman(format!(
                    "{}; check the name of the mailbox in the configuration",
                    refusal.story()
                )));
            }
            Err(failure) => return Err(failure.into()),
        }
        let selected = Selected { mailbox: mailbox.to_owned(), access, uid_validity };
        self.selected = Some(selected.clone());
        Ok((selected, exists, uid_next))
    }

    /// What stands in for a UIDNEXT that is not told: one more than the last UID.
    async fn uid_behind_the_last(&mut self, exists: u32) -> Result<Uid, Fault> {
        let mut last = 0;
        if exists > 0 {
            let command = Command::new("UID FETCH").words("* (UID)");
            self.run(command, |response| {
                if let Response::Fetch(fetched) = response {
                    last = last.max(fetched.uid.unwrap_or(0));
                }
                Ok(())
            })
            .await?;
        }
        Ok(last.saturating_add(1))
    }
}
