//! The folders that letters go to, asked for once in a pass and only when needed.

use super::port::Port;
use crate::config::Account;
use crate::domain::Fault;
use crate::shell::mailbox::SpecialFolders;

/// Drafts and Sent of an account.
pub(super) struct Folders<'a> {
    account: &'a Account,
    found: Option<SpecialFolders>,
}

impl<'a> Folders<'a> {
    /// Nothing is asked yet.
    pub(super) fn of(account: &'a Account) -> Self {
        Self { account, found: None }
    }

    /// What the server shows.
    ///
    /// # Errors
    /// A [`Fault`] of the port.
    pub(super) async fn special(&mut self, port: &mut Port) -> Result<SpecialFolders, Fault> {
        if let Some(found) = &self.found {
            return Ok(found.clone());
        }
        let Account { drafts, sent, .. } = self.account;
        let found = port.folders(drafts.as_deref(), sent.as_deref()).await?;
        Ok(self.found.insert(found).clone())
    }

    /// Where letters are put for the owner.
    ///
    /// # Errors
    /// A [`Fault`] of the port; [`Fault::NeedsHuman`] where there is no such folder.
    pub(super) async fn drafts(&mut self, port: &mut Port) -> Result<String, Fault> {
        let remedy = |name: &str| format!("make one, or name it: account.{name}.drafts = \"...\"");
        self.special(port).await?.drafts.ok_or_else(|| self.missing("Drafts", remedy))
    }

    /// Where copies of letters are filed.
    ///
    /// # Errors
    /// As [`Folders::drafts`].
    pub(super) async fn sent(&mut self, port: &mut Port) -> Result<String, Fault> {
        let remedy = |name: &str| {
            format!("name it: account.{name}.sent = \"...\", or set account.{name}.sent_copy = \"provider\"")
        };
        self.special(port).await?.sent.ok_or_else(|| self.missing("Sent", remedy))
    }

    fn missing(&self, folder: &str, remedy: impl Fn(&str) -> String) -> Fault {
        let name = &self.account.name;
        Fault::NeedsHuman(format!("account {name}: the server shows no {folder} folder; {}", remedy(name)))
    }
}
