//! Leaving a message in a folder, and finding out afterwards whether we did.

use super::ImapSession;
use super::command::Command;
use super::response::{Code, MailboxStatus, Response, Status};
use super::wire::Failure;
use crate::domain::Fault;
use crate::shell::line_ends::with_crlf;
use crate::shell::mailbox::{AppendTrace, Folder};

/// The mark of a folder that does not exist yet.
const ABSENT: &str = "absent";

impl ImapSession {
    /// The state of `folder` as a mark for [`ImapSession::resolve_append`]; to
    /// be stored before the APPEND.
    ///
    /// # Errors
    /// As every command.
    pub async fn append_mark(&mut self, folder: &str) -> Result<String, Fault> {
        let Some(status) = self.status(folder).await? else {
            return Ok(ABSENT.to_owned());
        };
        let number = |n: Option<u32>| n.map_or_else(|| "?".to_owned(), |n| n.to_string());
        Ok(format!("{}:{}:{}", number(status.uid_validity), number(status.uid_next), number(status.messages)))
    }

    /// Appends `message` to `folder`, flags included (RFC 9051 §6.3.12). A
    /// folder that the server wants created is created, once. A server that takes
    /// nothing while a mailbox is open read-only is asked again, once, without one.
    ///
    /// # Errors
    /// `NeedsHuman` when the mailbox is full or closed to us, `Permanent` when
    /// the server will never take this message, `Transient` otherwise; after
    /// the latter only [`ImapSession::resolve_append`] knows whether it is there.
    pub async fn append(&mut self, folder: &str, kind: Folder, message: &[u8]) -> Result<(), Fault> {
        if message.contains(&0) {
            return Err(Fault::Permanent("a message with a NUL byte cannot be put into a mailbox".into()));
        }
        let message = with_crlf(message);
        let mut answer = self.append_once(folder, kind, &message).await;
        if let Err(Failure::Refused(refusal)) = &answer
            && refusal.status == Status::No
            && refusal.text.code.is_none()
            && self.leave_examined().await?
        {
            answer = self.append_once(folder, kind, &message).await;
        }
        match answer {
            Err(Failure::Refused(refusal)) if refusal.text.code == Some(Code::TryCreate) => {
                self.create(folder).await?;
                Ok(self.append_once(folder, kind, &message).await?)
            }
            answer => Ok(answer?),
        }
    }

    /// Whether the message whose `header` is `value` got into `folder` after
    /// the `mark` was taken. Ask on a new connection: the server may still be
    /// busy with what came over a broken one.
    ///
    /// # Errors
    /// As every command.
    pub async fn resolve_append(
        &mut self,
        folder: &str,
        mark: &str,
        header: &str,
        value: &str,
    ) -> Result<AppendTrace, Fault> {
        let before = self.append_mark(folder).await?;
        if before == ABSENT {
            return Ok(if mark == ABSENT { AppendTrace::Never } else { AppendTrace::Unclear });
        }
        if self.find_by_header(folder, header, value).await?.is_some() {
            return Ok(AppendTrace::There);
        }
        // Taken after the search: what comes in between makes it differ.
        let now = self.append_mark(folder).await?;
        let (was, is) = (unused_uids(mark), unused_uids(&now));
        Ok(if was.is_some() && was == is { AppendTrace::Never } else { AppendTrace::Unclear })
    }

    async fn append_once(&mut self, folder: &str, kind: Folder, message: &[u8]) -> Result<(), Failure> {
        let flags = match kind {
            Folder::Drafts => "(\\Draft \\Seen)",
            Folder::Sent => "(\\Seen)",
        };
        let command = Command::new("APPEND").mailbox(folder).words(flags).literal(message);
        self.run(command, |_| Ok(())).await?;
        Ok(())
    }

    /// Creates `folder`, and shows it in clients that show only what is subscribed.
    pub(super) async fn create(&mut self, folder: &str) -> Result<(), Fault> {
        self.run(Command::new("CREATE").mailbox(folder), |_| Ok(())).await?;
        let subscribe = Command::new("SUBSCRIBE").mailbox(folder);
        match self.run(subscribe, |_| Ok(())).await {
            // The draft is what matters; without the subscription it is still there.
            Ok(_) | Err(Failure::Refused(_)) => Ok(()),
            Err(failure) => Err(failure.into()),
        }
    }

    /// STATUS of `folder`; `None` when there is no such folder.
    pub(super) async fn status(&mut self, folder: &str) -> Result<Option<MailboxStatus>, Fault> {
        let mut status = None;
        let command = Command::new("STATUS").mailbox(folder).words("(MESSAGES UIDNEXT UIDVALIDITY)");
        let answer = self
            .run(command, |response| {
                if let Response::MailboxStatus(told) = response {
                    status = Some(told);
                }
                Ok(())
            })
            .await;
        match answer {
            Ok(_) => Ok(Some(status.unwrap_or_default())),
            Err(Failure::Refused(refusal)) => match refusal.text.code {
                Some(Code::NonExistent | Code::TryCreate) => Ok(None),
                _ if self.is_listed(folder).await? => Err(Failure::Refused(refusal).into()),
                _ => Ok(None),
            },
            Err(failure) => Err(failure.into()),
        }
    }

    async fn is_listed(&mut self, folder: &str) -> Result<bool, Fault> {
        let mut listed = false;
        let command = Command::new("LIST").words("\"\"").mailbox(folder);
        self.run(command, |response| {
            listed |= matches!(response, Response::List(_));
            Ok(())
        })
        .await?;
        Ok(listed)
    }
}

/// UIDVALIDITY and UIDNEXT of a mark: as long as they stand, nothing was added.
fn unused_uids(mark: &str) -> Option<(u32, u32)> {
    let mut parts = mark.split(':');
    let uid_validity = parts.next()?.parse().ok().filter(|n| *n != 0)?;
    let uid_next = parts.next()?.parse().ok().filter(|n| *n != 0)?;
    Some((uid_validity, uid_next))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_without_numbers_shows_nothing() {
        assert_eq!(unused_uids("7:12:3"), Some((7, 12)));
        for vague in ["?:?:3", "0:12:3", "7:?:3", ABSENT, ""] {
            assert_eq!(unused_uids(vague), None, "{vague}");
        }
    }
}
