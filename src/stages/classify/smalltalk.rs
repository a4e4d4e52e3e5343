//! How much of a note is more than the vocabulary of making contacts.

use std::ops::Range;

use super::letter::Reader;
use crate::rulebook::notes::{Language, Lexicon};
use crate::rulebook::text::{is_word, words};

/// The words of a text, and those of them that say something of their own.
#[derive(Debug, Default)]
pub(super) struct Coverage {
    /// All words (characters, in unspaced scripts).
    pub(super) all: usize,
    /// Where words stand that no small talk needs.
    pub(super) own: Vec<Range<usize>>,
}

/// Reads `folded` word by word, taking the longest known phrase each time.
pub(super) fn coverage(folded: &str, reader: &Reader<'_>, common: &Language) -> Coverage {
    let languages: Vec<&Language> = reader.languages.iter().copied().chain([common]).collect();
    let unspaced = reader.languages.first().is_some_and(|l| l.script.is_unspaced());
    let mut found = Coverage::default();
    if unspaced {
        let mut at = 0;
        while let Some(rest) = folded.get(at..).filter(|rest| !rest.is_empty()) {
            let known = lexicons(&languages).map(|l| l.holds_prefix(rest)).max().unwrap_or(0);
            let width = rest.chars().next().map_or(1, char::len_utf8);
            let step = known.max(width);
            if rest.chars().next().is_some_and(is_word) {
                found.all += rest.get(..step).map_or(1, |part| part.chars().count());
                if known == 0 {
                    found.own.push(at..at + width);
                }
            }
            at += step;
        }
        return found;
    }
    let all = words(folded);
    let bare: Vec<&str> = all.iter().map(|(_, word)| *word).collect();
    found.all = all.len();
    let mut at = 0;
    while let (Some(rest), Some((range, word))) = (bare.get(at..), all.get(at)) {
        let known = lexicons(&languages).map(|l| l.holds_head(rest)).max().unwrap_or(0);
        if known == 0 && !reader.is_known_name(word) {
            found.own.push(range.clone());
        }
        at += known.max(1);
    }
    found
}

fn lexicons<'a>(languages: &'a [&'a Language]) -> impl Iterator<Item = &'a Lexicon> {
    languages.iter().flat_map(|l| [&l.smalltalk, &l.stop, &l.greeting, &l.closing, &l.title])
}
