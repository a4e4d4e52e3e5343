//! The only commands that change mail: flags, a move, the removal of one
//! message. Each names one UID, in a mailbox opened for it, after that UID was
//! shown to be the message that is meant.

use super::ImapSession;
use super::command::Command;
use super::fetch::header_item;
use super::response::Code;
use super::search::holds;
use super::wire::Failure;
use crate::domain::{Fault, MessageId};
use crate::shell::mailbox::{Access, Change, Marks, Moving, Spot, Uid};

/// Room for a Message-ID field.
const FIELD_BYTES: usize = 4 << 10;

impl ImapSession {
    /// How this server moves one message to another folder (RFC 6851, RFC 4315).
    pub fn moving(&self) -> Moving {
        if self.capabilities.has("MOVE") {
            Moving::Move
        } else if self.can_remove() {
            Moving::CopyAndRemove
        } else {
            Moving::Not
        }
    }

    /// Whether one message can be removed without touching any other (RFC 4315).
    pub fn can_remove(&self) -> bool {
        self.capabilities.has("UIDPLUS")
    }

    /// Whether there is such a folder.
    ///
    /// # Errors
    /// As every command.
    pub async fn has_folder(&mut self, folder: &str) -> Result<bool, Fault> {
        Ok(self.status(folder).await?.is_some())
    }

    /// Makes a folder.
    ///
    /// # Errors
    /// As every command.
    pub async fn make_folder(&mut self, folder: &str) -> Result<(), Fault> {
        self.create(folder).await
    }

    /// Opens `folder` for writing and looks for the message with that
    /// Message-ID: at `hint` (UIDVALIDITY and UID) while that is good, else by
    /// a search. `None`: it is not there, or cannot be told from another one
    /// of that Message-ID, which anybody can copy.
    ///
    /// # Errors
    /// `NeedsHuman` when there is no such folder.
    pub async fn find_to_touch(
        &mut self,
        folder: &str,
        hint: Option<(u32, Uid)>,
        message_id: &MessageId,
    ) -> Result<Option<Spot>, Fault> {
        let (selected, ..) = self.select(folder, Access::ReadWrite).await?;
        if let Some((_, uid)) = hint.filter(|(validity, _)| *validity == selected.uid_validity) {
            return self.spot(uid, message_id).await;
        }
        let found = self.all_by_header(folder, "Message-ID", message_id.as_str()).await?;
        let (Some(&uid), 1) = (found.first(), found.len()) else {
            return Ok(None);
        };
        // The search looked with EXAMINE.
        self.select(folder, Access::ReadWrite).await?;
        self.spot(uid, message_id).await
    }

    /// Sets and takes off flags of one message.
    ///
    /// # Errors
    /// As every command.
    pub async fn mark(&mut self, folder: &str, uid: Uid, on: Marks, off: Marks) -> Result<Change, Fault> {
        for (sign, marks) in [('+', on), ('-', off)] {
            let names: Vec<&str> = [(marks.seen, "\\Seen"), (marks.flagged, "\\Flagged")]
                .into_iter()
                .filter_map(|(wanted, name)| wanted.then_some(name))
                .collect();
            if names.is_empty() {
                continue;
            }
            let words = format!("{uid} {sign}FLAGS.SILENT ({})", names.join(" "));
            let change = self.change(folder, Command::new("UID STORE").words(&words)).await?;
            if change != Change::Made {
                return Ok(change);
            }
        }
        Ok(Change::Made)
    }

    /// MOVE of one message (RFC 6851): all or nothing.
    ///
    /// # Errors
    /// As every command.
    pub async fn move_to(&mut self, folder: &str, uid: Uid, to: &str) -> Result<Change, Fault> {
        self.change(folder, Command::new("UID MOVE").words(&uid.to_string()).mailbox(to)).await
    }

    /// COPY of one message.
    ///
    /// # Errors
    /// As every command.
    pub async fn copy_to(&mut self, folder: &str, uid: Uid, to: &str) -> Result<Change, Fault> {
        self.change(folder, Command::new("UID COPY").words(&uid.to_string()).mailbox(to)).await
    }

    /// Removes exactly one message. Never EXPUNGE, which removes whatever
    /// another program has marked (RFC 4315 §2.1).
    ///
    /// # Errors
    /// As every command.
    pub async fn remove(&mut self, folder: &str, uid: Uid) -> Result<Change, Fault> {
        if !self.can_remove() {
            return Ok(Change::Refused("the server cannot remove one message alone (UIDPLUS)".to_owned()));
        }
        let mark = Command::new("UID STORE").words(&format!("{uid} +FLAGS.SILENT (\\Deleted)"));
        match self.change(folder, mark).await? {
            Change::Made => {}
            refused => return Ok(refused),
        }
        match self.change(folder, Command::new("UID EXPUNGE").words(&uid.to_string())).await? {
            Change::Made => Ok(Change::Made),
            refused => {
                // Else the next program that expunges would remove it.
                let unmark = Command::new("UID STORE").words(&format!("{uid} -FLAGS.SILENT (\\Deleted)"));
                self.change(folder, unmark).await?;
                Ok(refused)
            }
        }
    }

    async fn change(&mut self, folder: &str, command: Command) -> Result<Change, Fault> {
        let is_open = |selected: &super::select::Selected| {
            selected.mailbox == folder && selected.access == Access::ReadWrite
        };
        if !self.selected.as_ref().is_some_and(is_open) {
            return Err(Fault::Permanent(format!(
                "IMAP {}: another mailbox is open than the one to change; nothing was changed",
                self.wire.server()
            )));
        }
        match self.run(command, |_| Ok(())).await {
            Ok(_) => Ok(Change::Made),
            Err(Failure::Refused(refusal)) if !refusal.text.sounds_temporary() => {
                Ok(match refusal.text.code {
                    Some(Code::TryCreate | Code::NonExistent) => Change::NoFolder,
                    _ => Change::Refused(refusal.story()),
                })
            }
            Err(failure) => Err(failure.into()),
        }
    }

    async fn spot(&mut self, uid: Uid, message_id: &MessageId) -> Result<Option<Spot>, Fault> {
        let item = header_item(&["Message-ID".to_owned()], FIELD_BYTES)?;
        let mut found = None;
        self.fetch(format!("{uid} (UID FLAGS {item})"), FIELD_BYTES, |fetched| {
            let field = fetched.header.unwrap_or_default();
            if fetched.uid == Some(uid) && holds(&field, "Message-ID", message_id.as_str().as_bytes()) {
                found = Some(Spot { uid, marks: fetched.marks.unwrap_or_default() });
            }
        })
        .await?;
        Ok(found)
    }
}
