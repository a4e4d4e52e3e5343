//! Whether a text is in none of the languages that the rules know. The nearest
//! one would be taken for it otherwise, by a handful of short words that many
//! languages have, and its rules would speak of a text that they cannot read.

use std::ops::Range;

use unicode_normalization::char::is_combining_mark;

use super::language::{Language, Script};
use super::{CANDIDATE_SHARE, Notes};
use crate::rulebook::text::words;
use crate::rulebook::weights::Kind;

/// Fewer words with marked letters than this may be names.
const LEAST_MARKED_WORDS: usize = 2;
/// One word of so many with letters that a language does not have is borrowed.
const BORROWED_ONE_OF: usize = 8;
/// Fewer words than this may be of a trade that no list names.
const LEAST_WORDS: usize = 5;
/// A language knows at least one of so many words of a text in it, or one of so
/// many was learned about.
const KNOWN_ONE_OF: usize = 5;

/// What a text has of one language.
struct Seen {
    stop: usize,
    known: usize,
    outside: usize,
}

/// Whether `prose`, folded and without addresses, is in no language of `notes`.
/// `written` gives the words of a part of it as they were written.
pub(super) fn is_foreign<'a>(notes: &Notes, prose: &str, written: &dyn Fn(Range<usize>) -> &'a str) -> bool {
    let Some(script) = Script::of(prose) else {
        return prose.chars().any(char::is_alphabetic);
    };
    let languages: Vec<&Language> = notes.languages.iter().filter(|l| l.script == script).collect();
    if languages.is_empty() || script.is_unspaced() {
        return languages.is_empty();
    }
    let found: Vec<(&str, String)> = words(prose)
        .into_iter()
        .filter(|(_, word)| !word.chars().any(char::is_numeric))
        .map(|(span, word)| (word, written(span).to_lowercase()))
        .collect();
    let all = found.len();
    let marked = found.iter().filter(|(_, as_written)| as_written.chars().any(is_marked)).count();
    let seen: Vec<Seen> = languages.iter().map(|language| see(language, &found)).collect();
    let most = seen.iter().map(|seen| seen.stop).max().unwrap_or(0) as f64;
    let known = seen.iter().map(|seen| seen.known).max().unwrap_or(0);
    let is_at_home = |seen: &Seen| seen.outside == 0 && (marked >= LEAST_MARKED_WORDS || seen.known == known);
    if marked > 0 && seen.iter().any(is_at_home) {
        return false;
    }
    if marked >= LEAST_MARKED_WORDS && marked * BORROWED_ONE_OF >= all {
        let borrows = |seen: &Seen| seen.outside < LEAST_MARKED_WORDS || seen.outside * BORROWED_ONE_OF < all;
        if !seen.iter().any(|seen| seen.stop as f64 >= most * CANDIDATE_SHARE && borrows(seen)) {
            return true;
        }
    }
    let learned = || found.iter().filter(|(word, _)| notes.weights.of(Kind::Words, word) != 0.0).count();
    script == Script::Latin
        && !notes.weights.is_empty()
        && all >= LEAST_WORDS
        && known * KNOWN_ONE_OF < all
        && learned() * KNOWN_ONE_OF < all
}

fn see(language: &Language, found: &[(&str, String)]) -> Seen {
    let lists = [&language.stop, &language.greeting, &language.closing, &language.title, &language.smalltalk];
    let is_outside = |c: char| is_marked(c) && language.letters.as_ref().is_some_and(|own| !own.contains(&c));
    let count = |is: &dyn Fn(&(&str, String)) -> bool| found.iter().filter(|word| is(word)).count();
    Seen {
        stop: count(&|(word, _)| language.stop.holds(word)),
        known: count(&|(word, _)| lists.iter().any(|list| list.holds(word))),
        outside: count(&|(_, as_written)| as_written.chars().any(is_outside)),
    }
}

/// A letter beyond a to z. Vowel signs are none, nor is what stretches a line of Arabic.
fn is_marked(c: char) -> bool {
    const TATWEEL: char = '\u{640}';
    !c.is_ascii() && c.is_alphabetic() && !is_combining_mark(c) && c != TATWEEL
}
