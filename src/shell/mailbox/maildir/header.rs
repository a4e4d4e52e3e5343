//! The header section of a message file, read without its body.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::time::SystemTime;

use crate::domain::is_tangled;
use crate::shell::mailbox::SearchTerm;

/// A header section larger than this is cut here (Postfix keeps 100 kB of one).
const CAP_BYTES: usize = 256 * 1024;

const CHUNK_BYTES: usize = 4096;

/// What a message file shows without its body.
pub(super) struct Head {
    pub(super) size_bytes: u64,
    /// The file's modification time: delivery, as nothing writes a message twice.
    pub(super) arrived: SystemTime,
    /// The header section without the blank line that ends it.
    pub(super) header: Vec<u8>,
}

/// Reads up to the first blank line.
pub(super) fn read(path: &Path) -> io::Result<Head> {
    let mut file = File::open(path)?;
    let metadata = file.metadata()?;
    let mut bytes = Vec::with_capacity(CHUNK_BYTES);
    let end = loop {
        // A line end may straddle two chunks.
        let from = bytes.len().saturating_sub(2);
        let read = Read::by_ref(&mut file)
            .take(u64::try_from(CHUNK_BYTES).unwrap_or(u64::MAX))
            .read_to_end(&mut bytes)?;
        if let Some(end) = blank_line(&bytes, from) {
            break end;
        }
        if read == 0 || bytes.len() >= CAP_BYTES {
            break bytes.len();
        }
    };
    bytes.truncate(end);
    Ok(Head { size_bytes: metadata.len(), arrived: metadata.modified()?, header: bytes })
}

/// Where the header section ends, looking for its end from `from` on.
fn blank_line(bytes: &[u8], from: usize) -> Option<usize> {
    if bytes.starts_with(b"\n") || bytes.starts_with(b"\r\n") {
        return Some(0);
    }
    let tail = bytes.get(from..)?;
    tail.iter().enumerate().find_map(|(index, byte)| {
        let after = tail.get(index + 1..)?;
        (*byte == b'\n' && (after.starts_with(b"\n") || after.starts_with(b"\r\n")))
            .then_some(from + index + 1)
    })
}

/// The fields of a header section, folded lines joined to their field as they stand.
pub(super) fn fields(header: &[u8]) -> Vec<&[u8]> {
    let mut fields = Vec::new();
    let mut start = 0;
    let mut at = 0;
    for line in header.split_inclusive(|byte| *byte == b'\n') {
        let continues = matches!(line.first(), Some(b' ' | b'\t'));
        if !continues && at > start {
            fields.extend(header.get(start..at));
            start = at;
        }
        at += line.len();
    }
    fields.extend(header.get(start..).filter(|last| !last.is_empty()));
    fields
}

fn name_of(field: &[u8]) -> &[u8] {
    let name = field.split(|byte| *byte == b':').next().unwrap_or(field);
    if name.len() == field.len() {
        return b"";
    }
    name.trim_ascii_end()
}

/// The fields of those names in the order of the mail, as bytes, and the blank
/// line: what `BODY[HEADER.FIELDS (...)]` gives (RFC 9051 §6.4.5.1).
pub(super) fn select(header: &[u8], names: &[String]) -> Vec<u8> {
    let mut selected = Vec::new();
    for field in fields(header) {
        let name = name_of(field);
        if names.iter().any(|n| n.as_bytes().eq_ignore_ascii_case(name)) {
            selected.extend_from_slice(field);
            if !field.ends_with(b"\n") {
                selected.extend_from_slice(b"\r\n");
            }
        }
    }
    selected.extend_from_slice(b"\r\n");
    selected
}

/// The decoded values (RFC 2047) of every field of that name that can be decoded in time.
pub(super) fn values(header: &[u8], name: &str) -> Vec<String> {
    fields(header)
        .into_iter()
        .filter(|field| name_of(field).eq_ignore_ascii_case(name.as_bytes()))
        .filter(|field| !is_tangled(field))
        .filter_map(|field| mailparse::parse_header(field).ok())
        .map(|(field, _)| field.get_value())
        .collect()
}

/// Whether the header section answers the term.
pub(super) fn matches(header: &[u8], term: &SearchTerm) -> bool {
    let (name, wanted) = match term {
        SearchTerm::From(wanted) => ("From", wanted),
        SearchTerm::Header { name, value } => (name.as_str(), value),
    };
    let wanted = wanted.to_lowercase();
    values(header, name).iter().any(|value| value.to_lowercase().contains(&wanted))
}

/// Whether a field of that name is `value`, angle brackets aside. Exact where
/// a search is not: one Message-ID can be the end of another.
pub(super) fn holds(header: &[u8], name: &str, value: &str) -> bool {
    let wanted = bare(value);
    values(header, name).iter().any(|found| bare(found) == wanted)
}

/// A value without blanks and angle brackets round it.
pub(super) fn bare(value: &str) -> &str {
    let value = value.trim();
    value.strip_prefix('<').and_then(|value| value.strip_suffix('>')).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &[u8] =
        b"From: =?utf-8?q?J=C3=BCrgen?= <j@example.org>\r\nSubject: one\r\n two\r\nX-Y:z\r\nsubject: again";

    #[test]
    fn fields_come_whole_and_in_order() {
        assert_eq!(fields(HEADER).len(), 4);
        let names = ["SUBJECT".to_owned(), "Absent".to_owned()];
        assert_eq!(select(HEADER, &names), b"Subject: one\r\n two\r\nsubject: again\r\n\r\n");
        assert_eq!(select(b"", &names), b"\r\n");
        assert_eq!(select(b"From someone at noon\nSubject\n", &names), b"\r\n");
    }

    #[test]
    fn search_reads_decoded_words_without_case() {
        for (term, answer) in [
            (SearchTerm::From("jÜrgen".into()), true),
            (SearchTerm::From("j@EXAMPLE.org".into()), true),
            (SearchTerm::From("two".into()), false),
            (header("subject", "one two"), true),
            (header("subject", "AGAIN"), true),
            (header("x-y", "Z"), true),
            (header("x-y", ""), true),
            (header("x", ""), false),
        ] {
            assert_eq!(matches(HEADER, &term), answer, "{term:?}");
        }
    }

    #[test]
    fn a_message_id_is_found_whole_or_not_at_all() {
        let header = b"Message-ID:\r\n <a.b@c.example>\r\n";
        assert!(holds(header, "message-id", "<a.b@c.example>"));
        assert!(holds(header, "message-id", "a.b@c.example"));
        assert!(!holds(header, "message-id", "b@c.example"));
        assert!(!holds(header, "subject", "<a.b@c.example>"));
    }

    fn header(name: &str, value: &str) -> SearchTerm {
        SearchTerm::Header { name: name.to_owned(), value: value.to_owned() }
    }

    #[test]
    fn reading_stops_at_the_blank_line_wherever_chunks_end() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("m");
        for end in ["\n\n", "\r\n\r\n"] {
            for pad in CHUNK_BYTES - 8..CHUNK_BYTES + 2 {
                let header = format!("A: {}", "x".repeat(pad));
                let body = "y".repeat(3 * CHUNK_BYTES);
                std::fs::write(&path, format!("{header}{end}{body}")).unwrap();
                let head = read(&path).unwrap();
                assert_eq!(head.header.trim_ascii_end(), header.as_bytes(), "{pad}");
                assert!(head.size_bytes > 4 * 4096 - 8);
            }
        }
        for (text, header) in [("", ""), ("\nbody", ""), ("\r\nbody", ""), ("A: b", "A: b")] {
            std::fs::write(&path, text).unwrap();
            assert_eq!(read(&path).unwrap().header, header.as_bytes(), "{text:?}");
        }
        std::fs::write(&path, "A: b\n".repeat(CAP_BYTES)).unwrap();
        assert!(read(&path).unwrap().header.len() <= CAP_BYTES + CHUNK_BYTES);
    }
}
