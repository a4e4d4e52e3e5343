//! Which folder is the Drafts folder, and which the Sent one.

use super::command::Command;
use super::response::{Listed, Response, Task, Usable};
use super::{ImapSession, utf7};
use crate::domain::Fault;
use crate::shell::mailbox::SpecialFolders;

/// What clients call them, most usual first; compared without case.
const DRAFTS: [&str; 11] = [
    "drafts",
    "draft",
    "entwürfe",
    "brouillons",
    "borradores",
    "bozze",
    "concepten",
    "rascunhos",
    "utkast",
    "kladder",
    "szkice",
];
const SENT: [&str; 12] = [
    "sent",
    "sent mail",
    "sent messages",
    "sent items",
    "gesendet",
    "gesendete elemente",
    "gesendete objekte",
    "envoyés",
    "enviados",
    "inviati",
    "posta inviata",
    "verzonden",
];

/// Where clients and servers keep them, if not at the top.
const PARENTS: [&str; 3] = ["inbox", "[gmail]", "[google mail]"];

impl ImapSession {
    /// The folders with a task: by the attribute of RFC 6154, else the
    /// configured name, else a usual name that exists. One round trip.
    ///
    /// # Errors
    /// As every command.
    pub async fn folders(
        &mut self,
        drafts: Option<&str>,
        sent: Option<&str>,
    ) -> Result<SpecialFolders, Fault> {
        let list = Command::new("LIST").words("\"\" \"*\"");
        // Many servers tell the attributes unasked; those that wait for the
        // question can be known by these two.
        let asks = self.capabilities.has("SPECIAL-USE") && self.capabilities.has("LIST-EXTENDED");
        let list = if asks { list.words("RETURN (SPECIAL-USE)") } else { list };
        let mut folders = Vec::new();
        self.run(list, |response| {
            if let Response::List(listed) = response
                && listed.usable == Usable::Yes
            {
                folders.push(listed);
            }
            Ok(())
        })
        .await?;
        Ok(SpecialFolders {
            drafts: choose(&folders, Task::Drafts, drafts, &DRAFTS),
            sent: choose(&folders, Task::Sent, sent, &SENT),
        })
    }
}

fn choose(folders: &[Listed], task: Task, configured: Option<&str>, usual: &[&str]) -> Option<String> {
    let by_task = folders.iter().find(|folder| folder.task == Some(task));
    if let Some(folder) = by_task {
        return Some(for_people(folder));
    }
    if let Some(name) = configured {
        return Some(name.to_owned());
    }
    usual.iter().find_map(|name| {
        let named = |folder: &&Listed| is_called(folder, name);
        folders.iter().find(named).map(for_people)
    })
}

fn is_called(folder: &Listed, name: &str) -> bool {
    let full = for_people(folder).to_lowercase();
    let delimiter = folder.delimiter.as_deref().unwrap_or("/");
    full == name
        || PARENTS.iter().any(|parent| {
            full.strip_prefix(parent).and_then(|rest| rest.strip_prefix(delimiter)) == Some(name)
        })
}

fn for_people(folder: &Listed) -> String {
    utf7::decode(&folder.name).unwrap_or_else(|| folder.name.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str, task: Option<Task>) -> Listed {
        Listed { name: name.to_owned(), delimiter: Some(".".to_owned()), usable: Usable::Yes, task }
    }

    #[test]
    fn the_attribute_wins_then_the_config_then_a_usual_name() {
        let folders = [folder("INBOX.Drafts", None), folder("Post.Ideen", Some(Task::Drafts))];
        let drafts = |folders: &[Listed], configured| choose(folders, Task::Drafts, configured, &DRAFTS);
        let (plain, _) = folders.split_at(1);
        assert_eq!(drafts(&folders, Some("Mine")).as_deref(), Some("Post.Ideen"));
        assert_eq!(drafts(plain, Some("Mine")).as_deref(), Some("Mine"));
        assert_eq!(drafts(plain, None).as_deref(), Some("INBOX.Drafts"));
        assert_eq!(drafts(&[], None), None);
    }

    #[test]
    fn usual_names_are_found_in_other_languages_but_not_below_other_folders() {
        let folders = [folder("Old.Drafts", None), folder("Entw&APw-rfe", None)];
        let found = choose(&folders, Task::Drafts, None, &DRAFTS);
        assert_eq!(found.as_deref(), Some("Entwürfe"));
    }
}
