//! A command before it has a tag: its words, and the literals that have to
//! wait for the server's `+` (RFC 9051 §4.3, §6).

use zeroize::Zeroizing;

use super::utf7;
use crate::shell::mailbox::Uid;

/// Bytes that are wiped when dropped: any of them may be a password.
pub(super) type Wiped = Zeroizing<Vec<u8>>;

/// Longest command line we write; RFC 7162 §4 asks servers for 8192 at least.
pub(super) const LINE_BYTES: usize = 7_500;

/// One command.
pub(super) struct Command {
    /// Its name, for messages: `UID FETCH`.
    pub(super) verb: &'static str,
    /// What to write in one go: the first piece at once, each further one after a `+`.
    pieces: Vec<Wiped>,
}

impl Command {
    /// A command without arguments as yet.
    pub(super) fn new(verb: &'static str) -> Self {
        Self { verb, pieces: vec![Zeroizing::new(verb.as_bytes().to_vec())] }
    }

    /// Adds a blank and `words` as they are: they must not come from a mail or a server.
    pub(super) fn words(mut self, words: &str) -> Self {
        self.push(b" ");
        self.push(words.as_bytes());
        self
    }

    /// Adds a blank and `text` as a string: quoted where that can hold it, else as a literal.
    pub(super) fn string(mut self, text: &str) -> Self {
        let quotable = text.len() <= 1000 && text.bytes().all(|b| matches!(b, b' '..=b'~'));
        if !quotable {
            return self.literal(text.as_bytes());
        }
        self.push(b" \"");
        for byte in text.bytes() {
            if matches!(byte, b'"' | b'\\') {
                self.push(b"\\");
            }
            self.push(&[byte]);
        }
        self.push(b"\"");
        self
    }

    /// Adds a blank and the name of a mailbox.
    pub(super) fn mailbox(self, name: &str) -> Self {
        self.string(&utf7::encode(name))
    }

    /// Adds a blank and a synchronizing literal.
    pub(super) fn literal(mut self, content: &[u8]) -> Self {
        self.push(format!(" {{{}}}\r\n", content.len()).as_bytes());
        self.pieces.push(Zeroizing::new(content.to_vec()));
        self
    }

    /// What to write, each piece ending in CRLF (or being followed by one in the next).
    pub(super) fn into_pieces(mut self, tag: &str) -> impl ExactSizeIterator<Item = Wiped> {
        self.push(b"\r\n");
        if let Some(first) = self.pieces.first_mut() {
            let mut tagged = Vec::with_capacity(tag.len() + 1 + first.len());
            tagged.extend_from_slice(tag.as_bytes());
            tagged.push(b' ');
            tagged.extend_from_slice(first);
            *first = Zeroizing::new(tagged);
        }
        self.pieces.into_iter()
    }

    fn push(&mut self, bytes: &[u8]) {
        let Some(last) = self.pieces.last_mut() else {
            return;
        };
        if last.capacity() - last.len() < bytes.len() {
            // A plain growth would leave the old copy behind unwiped.
            let mut wider = Vec::with_capacity((last.len() + bytes.len()) * 2);
            wider.extend_from_slice(last);
            *last = Zeroizing::new(wider);
        }
        last.extend_from_slice(bytes);
    }
}

/// `uids` as UID sets (RFC 9051 §4.1.1), neighbours joined, none longer than
/// `longest` bytes.
pub(super) fn uid_sets(uids: &[Uid], longest: usize) -> Vec<String> {
    let mut sorted = uids.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    let mut runs: Vec<(Uid, Uid)> = Vec::new();
    for uid in sorted.into_iter().filter(|uid| *uid > 0) {
        match runs.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(uid) => *last = uid,
            _ => runs.push((uid, uid)),
        }
    }
    let mut sets: Vec<String> = Vec::new();
    for (first, last) in runs {
        let run = if first == last { first.to_string() } else { format!("{first}:{last}") };
        match sets.last_mut() {
            Some(set) if set.len() + 1 + run.len() <= longest => {
                set.push(',');
                set.push_str(&run);
            }
            _ => sets.push(run),
        }
    }
    sets
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(command: Command) -> Vec<String> {
        command.into_pieces("N1").map(|piece| String::from_utf8_lossy(&piece).into_owned()).collect()
    }

    #[test]
    fn quotes_and_backslashes_are_escaped() {
        let command = Command::new("LOGIN").string("me").string(r#"a"b\c"#);
        assert_eq!(written(command), ["N1 LOGIN \"me\" \"a\\\"b\\\\c\"\r\n"]);
    }

    #[test]
    fn what_no_quoted_string_can_hold_becomes_a_literal() {
        let command = Command::new("LOGIN").string("me").string("naïve\r\nA LOGOUT");
        assert_eq!(written(command), ["N1 LOGIN \"me\" {16}\r\n", "naïve\r\nA LOGOUT\r\n"]);
    }

    #[test]
    fn uids_are_joined_sorted_and_cut() {
        assert_eq!(uid_sets(&[5, 3, 4, 9, 9, 0], 100), ["3:5,9"]);
        assert_eq!(uid_sets(&[1, 3, 5, 7], 4), ["1,3", "5,7"]);
        assert_eq!(uid_sets(&[Uid::MAX, Uid::MAX - 1], 100), ["4294967294:4294967295"]);
        assert!(uid_sets(&[], 100).is_empty());
    }
}
