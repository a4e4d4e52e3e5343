//! What comes into the mailboxes, and what their owner does in them with another mail program.

use super::traffic::{At, Mail, What};
use super::world::World;
use crate::support::mails::header;

/// What the owner's other mail program did to a mail of the INBOX.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hand {
    None,
    Seen,
    Flagged,
    Archived,
    Deleted,
}

/// A mail that was delivered.
pub struct Delivered {
    pub mail: Mail,
    pub file: String,
    pub hand: Hand,
}

/// What the owner did with a draft.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    Deleted,
    Sent,
    Edited,
}

impl World {
    /// Delivers; the field by which the mail is found again stands last in its header.
    pub fn deliver(&mut self, mut mail: Mail) {
        let id = self.delivered.len();
        let (end, line) = mail
            .text
            .find("\n\n")
            .map_or_else(|| (mail.text.find("\r\n\r\n").expect("a header"), "\r\n"), |at| (at, "\n"));
        mail.text.insert_str(end, &format!("{line}X-Soak: {id}"));
        let file = self.side(mail.to).storage.deliver_named("", &mail.text);
        self.delivered.push(Delivered { mail, file, hand: Hand::None });
    }

    /// Something comes back to a letter that the server took.
    pub fn answer(&mut self) {
        let went = self.transmissions();
        if went.is_empty() {
            return;
        }
        let (number, letter) = &went[self.traffic.rng.usize(..went.len())];
        let kind = ["replied", "auto-answered", "bounced"][self.traffic.rng.usize(..3)];
        let id = header(letter, "Message-ID").expect("an id");
        let to = header(letter, "To").expect("a recipient");
        let address = to.rsplit('<').next().expect("an address").trim_end_matches('>').to_owned();
        let mail = self.traffic.answer(*number, kind, &id, &address);
        self.answers.insert((*number, kind));
        self.deliver(mail);
    }

    /// The owner's other program does something to a mail of the INBOX.
    pub fn touch_inbox(&mut self) {
        let rng = &mut self.traffic.rng;
        let latest = self.delivered.len();
        if latest == 0 {
            return;
        }
        let id = rng.usize(latest.saturating_sub(200)..latest);
        let hand = [Hand::Seen, Hand::Flagged, Hand::Archived, Hand::Deleted][rng.usize(..4)];
        let Delivered { mail, file, hand: before } = &self.delivered[id];
        // What is counted by its having been read is left alone.
        if *before != Hand::None || matches!(mail.what, What::Answer(_) | What::Unreadable) {
            return;
        }
        let storage = &self.side(mail.to).storage;
        let Some(path) = storage.find("", file) else { return };
        let flagged = |letter: &str| {
            path.parent().expect("new").parent().expect("INBOX").join(format!("cur/{file}:2,{letter}"))
        };
        // Flags that stand there are kept: only what has none yet is touched.
        let name = path.file_name().expect("name").to_string_lossy().into_owned();
        if name.split_once(":2,").is_some_and(|(_, flags)| !flags.is_empty()) {
            return;
        }
        let went = match hand {
            Hand::Seen => std::fs::rename(&path, flagged("S")),
            Hand::Flagged => std::fs::rename(&path, flagged("F")),
            Hand::Archived => storage.try_take_to(".Archive", &path),
            _ => std::fs::remove_file(&path),
        };
        // The server may have moved it at the same moment.
        if went.is_ok() {
            self.delivered[id].hand = hand;
        }
    }

    /// The owner deletes, sends or edits a draft.
    pub fn touch_draft(&mut self) {
        let at = At::ALL[self.traffic.rng.usize(..2)];
        let storage = self.side(at).storage.clone();
        let files = storage.paths(".Drafts");
        if files.is_empty() {
            return;
        }
        let path = &files[self.traffic.rng.usize(..files.len())];
        let Ok(text) = std::fs::read_to_string(path) else { return };
        let number = self.number_of(&text);
        let done = match self.traffic.rng.u8(..3) {
            0 => std::fs::remove_file(path).map(|()| Done::Deleted),
            1 => storage.try_take_to(".Posted", path).map(|()| Done::Sent),
            _ => {
                let edited = text.replacen("\nX-Notyet-", "\nX-Was-", 9).replace("Thank you", "Thanks");
                std::fs::remove_file(path).map(|()| {
                    storage.deliver(".Drafts", &edited);
                    Done::Edited
                })
            }
        };
        if let Ok(done) = done {
            self.done.entry(number).or_default().push(done);
        }
    }
}
