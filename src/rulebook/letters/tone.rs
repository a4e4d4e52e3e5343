//! `letters/<language>/tone.toml`: words that no letter may hold.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::domain::Problem;
use crate::rulebook::text::{normalise, words};
use crate::rulebook::toml_problem;

/// The words of one language, with the name of the list they stand in.
#[derive(Clone, Debug)]
pub(super) struct Tone(Vec<(String, Entry)>);

/// What is looked for.
#[derive(Clone, Debug)]
enum Entry {
    /// Folded words, parted by blanks.
    Phrase { words: String, written: String },
    /// The same; the last word may go on.
    Stem { words: String, written: String },
    /// A sign that is no word, such as `!`.
    Sign(String),
}

impl Entry {
    fn of(written: &str) -> Self {
        let (words, is_stem) = match written.strip_suffix('*') {
            Some(stem) => (joined(stem), true),
            None => (joined(written), false),
        };
        let written = written.to_owned();
        match (words.is_empty(), is_stem) {
            (true, _) => Self::Sign(written),
            (false, true) => Self::Stem { words, written },
            (false, false) => Self::Phrase { words, written },
        }
    }

    /// The words as the file has them, if `text` holds them.
    fn found(&self, text: &str, folded: &str) -> Option<&str> {
        let (hit, written) = match self {
            Self::Phrase { words, written } => (folded.contains(&format!(" {words} ")), written),
            Self::Stem { words, written } => (folded.contains(&format!(" {words}")), written),
            Self::Sign(sign) => (text.contains(sign.as_str()), sign),
        };
        hit.then_some(written.as_str())
    }
}

#[derive(Deserialize)]
#[serde(transparent)]
struct File(BTreeMap<String, Vec<String>>);

impl Tone {
    pub(super) fn parse(file: &str, text: &str) -> Result<Self, Problem> {
        let File(lists) = toml::from_str(text).map_err(|error| toml_problem(file, text, &error))?;
        let entries = lists.into_iter().flat_map(|(list, words)| {
            words
                .into_iter()
                .filter(|word| !word.trim().is_empty())
                .map(move |word| (list.clone(), Entry::of(&word)))
        });
        Ok(Self(entries.collect()))
    }

    /// Every entry that `text` holds, with its list.
    pub(super) fn found<'a>(&'a self, text: &str) -> Vec<(&'a str, &'a str)> {
        let folded = format!(" {} ", joined(text));
        let hits =
            self.0.iter().filter_map(|(list, entry)| Some((list.as_str(), entry.found(text, &folded)?)));
        hits.collect()
    }
}

/// The folded words of `text`, parted by single blanks.
fn joined(text: &str) -> String {
    let folded = normalise(text);
    words(folded.as_str()).into_iter().map(|(_, word)| word).collect::<Vec<_>>().join(" ")
}
