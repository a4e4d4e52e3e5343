//! The table of `tests/mail/expected.tsv` and the mails it speaks of.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The columns after `file`, in the order of the table.
pub const COLUMNS: [&str; 12] = [
    "kind",
    "network",
    "inviter",
    "first_name",
    "note",
    "note_kind",
    "route",
    "to",
    "profile_url",
    "authentic",
    "decision",
    "comment",
];

/// What is expected of one mail, or of one entry of a digest.
pub struct Expected {
    /// Path below `tests/mail`.
    pub file: String,
    columns: BTreeMap<&'static str, String>,
}

impl Expected {
    /// A column's value as it stands; `-` is none or empty. Panics on an unknown column.
    pub fn raw(&self, column: &str) -> &str {
        &self.columns[column]
    }

    /// A column's value with its escapes undone; `None` when the table says `-`.
    pub fn value(&self, column: &str) -> Option<String> {
        let raw = self.raw(column);
        (raw != "-").then(|| unescaped(raw))
    }

    /// Whether the table calls this column a matter of taste for this mail.
    pub fn is_loose(&self, column: &str) -> bool {
        self.raw("comment")
            .strip_prefix('?')
            .and_then(|rest| rest.split(':').next())
            .is_some_and(|columns| columns.split(',').any(|named| named == column))
    }

    /// The mail's bytes.
    pub fn mail(&self) -> Vec<u8> {
        fs::read(root().join(&self.file)).unwrap()
    }
}

/// The folder that holds the mails.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mail")
}

/// Every row of the table, in its order.
pub fn expected() -> Vec<Expected> {
    let text = fs::read_to_string(root().join("expected.tsv")).unwrap();
    let mut lines = text.lines().filter(|line| !line.starts_with('#'));
    let head: Vec<&str> = lines.next().unwrap().split('\t').collect();
    assert_eq!(head[0], "file");
    assert_eq!(head[1..], COLUMNS);
    lines
        .map(|line| {
            let cells: Vec<&str> = line.split('\t').collect();
            assert_eq!(cells.len(), head.len(), "{line}");
            Expected {
                file: cells[0].to_owned(),
                columns: COLUMNS.into_iter().zip(cells[1..].iter().map(|cell| (*cell).to_owned())).collect(),
            }
        })
        .collect()
}

/// Paths below `tests/mail` of all mails there, sorted.
pub fn mails() -> Vec<String> {
    let mut found = Vec::new();
    for folder in ["demo", "golden"] {
        for entry in fs::read_dir(root().join(folder)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            found.push(format!("{folder}/{name}"));
        }
    }
    found.sort();
    found
}

fn unescaped(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut chars = raw.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => out.push('\n'),
            Some('t') => out.push('\t'),
            Some(other) => out.push(other),
            None => out.push('\\'),
        }
    }
    out
}
