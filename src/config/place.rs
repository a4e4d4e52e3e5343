//! Which mailbox a name means: two spellings of one are one.

use super::MailboxKind;

/// The mailbox that a name means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// The one that mail arrives in.
    Inbox,
    /// Another one: on a server its name, in a Maildir its folder's without the first dot.
    Folder(String),
}

impl Place {
    /// On a server: INBOX is the same in capitals or not (RFC 9051 §5.1), every other name is as it is.
    pub fn on_server(name: &str) -> Self {
        if is_inbox(name) { Self::Inbox } else { Self::Folder(name.to_owned()) }
    }

    /// In a Maildir (Maildir++): INBOX is the root, and `A/B`, `A.B`, `.A.B` and `INBOX.A.B` are one folder.
    pub fn in_maildir(name: &str) -> Self {
        let name = name.replace('/', ".");
        let name = name.strip_prefix('.').unwrap_or(&name);
        match name.split_at_checked("INBOX.".len()) {
            Some((inbox, rest)) if inbox.strip_suffix('.').is_some_and(is_inbox) => {
                Self::Folder(rest.to_owned())
            }
            _ => Self::on_server(name),
        }
    }
}

impl MailboxKind {
    /// Which mailbox `name` means there.
    pub fn place(&self, name: &str) -> Place {
        match self {
            Self::Imap(_) => Place::on_server(name),
            Self::Maildir(_) => Place::in_maildir(name),
        }
    }
}

fn is_inbox(name: &str) -> bool {
    name.eq_ignore_ascii_case("INBOX")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_mailbox_are_one() {
        let folder = |name: &str| Place::Folder(name.to_owned());
        for name in ["INBOX", "inbox", "Inbox"] {
            assert_eq!(Place::on_server(name), Place::Inbox);
            assert_eq!(Place::in_maildir(name), Place::Inbox);
        }
        for name in ["A/B", "A.B", ".A.B", "INBOX.A.B", "inbox/A/B"] {
            assert_eq!(Place::in_maildir(name), folder("A.B"), "{name}");
            assert_eq!(Place::on_server(name), folder(name));
        }
        assert_eq!(Place::in_maildir("INBOXES"), folder("INBOXES"));
        assert_eq!(Place::in_maildir("INBOX.INBOX"), folder("INBOX"), "a folder of that name");
        assert_ne!(Place::in_maildir("a"), Place::in_maildir("A"));
    }
}
