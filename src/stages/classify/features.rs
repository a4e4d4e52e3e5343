//! A note as the features that weights are learned for and looked up by.
//!
//! Letters and words of what is the writer's own (no greeting, sign-off or
//! default sentence), the shape of its sentences with their subject taken out,
//! the signals that matched, and the note's build. Learning and judging share
//! this, so they cannot drift apart.

use std::ops::Range;

use super::reading::Reading;
use crate::domain::NoteKind;
use crate::rulebook::text::{is_word, words};
use crate::rulebook::weights::Kind;

/// Neighbouring letters: fewer say little, more are words.
const LEAST_LETTERS: usize = 3;
const MOST_LETTERS: usize = 5;
/// Where blanks do not part words, one letter says as much as a syllable.
const MOST_UNSPACED_LETTERS: usize = 4;
/// Neighbouring words.
const MOST_WORDS: usize = 3;
/// Letters kept of a word that names a subject: its ending tells tense and person.
const ENDING_LETTERS: usize = 2;
/// Where words meet.
pub(super) const SEAM: char = '_';
/// What is kept of what is no word.
const MARKS: [char; 8] = ['?', '!', '%', '$', '€', '@', '#', '+'];

/// How much all letters, all words and all shapes of a note count together: a
/// long note has more pieces, and no more say.
const LETTERS_SHARE: f64 = 8.0;
const WORDS_SHARE: f64 = 6.0;
const SHAPES_SHARE: f64 = 5.0;
/// A signal was written by hand for one language; it must not drown what is learned.
const SIGNAL_SHARE: f64 = 0.5;

/// One feature: kind, text, where it stands in the folded note (empty for
/// what has no place), and how much of it there is.
pub(super) type Visit<'v> = dyn FnMut(Kind, &str, Range<usize>, f64) + 'v;

/// A note in one line: its words and marks, a seam round each.
struct Line {
    text: String,
    /// Place in `text` without seams, place in the note, for each word.
    words: Vec<(Range<usize>, Range<usize>)>,
}

impl Line {
    fn new() -> Self {
        Self { text: String::from(SEAM), words: Vec::new() }
    }

    fn push(&mut self, letters: impl Iterator<Item = char>, span: Range<usize>) {
        let start = self.text.len();
        self.text.extend(letters);
        self.words.push((start..self.text.len(), span));
        self.text.push(SEAM);
    }
}

/// A note twice: as it stands, and with its subject taken out of it.
struct Lines {
    words: Line,
    /// Words that any note may have, and of the others a capital or an ending:
    /// `we` `help` `~ers`. What is sold or remembered is gone, so that what was
    /// learned of roofs is true of lawns.
    shapes: Line,
}

impl Lines {
    fn of(reading: &Reading<'_>) -> Self {
        let own = reading.own.as_str();
        let mut lines = Self { words: Line::new(), shapes: Line::new() };
        let mut from = 0;
        let ends = std::iter::once((own.len()..own.len(), ""));
        for (span, word) in words(own).into_iter().chain(ends) {
            let gap = own.get(from..span.start).unwrap_or_default();
            for (at, mark) in gap.char_indices().filter(|(_, c)| MARKS.contains(c)) {
                let place = from + at..from + at + mark.len_utf8();
                lines.words.push(std::iter::once(mark), place.clone());
                lines.shapes.push(std::iter::once(mark), place);
            }
            from = span.end;
            if !word.is_empty() && !reading.names.iter().any(|name| name == word) {
                lines.words.push(word.chars().map(figure), span.clone());
                if !word.chars().any(is_unspaced) {
                    lines.shapes.push(shape(reading, word, span.clone()).chars(), span);
                }
            }
        }
        lines
    }
}

fn figure(c: char) -> char {
    if c.is_numeric() { '0' } else { c }
}

fn shape(reading: &Reading<'_>, word: &str, span: Range<usize>) -> String {
    if reading.languages.iter().any(|language| language.stop.holds(word) || language.smalltalk.holds(word)) {
        return word.to_owned();
    }
    if word.chars().any(char::is_numeric) {
        return "0".to_owned();
    }
    if reading.words_at(span).chars().next().is_some_and(char::is_uppercase) {
        return "A".to_owned();
    }
    let ending = word.char_indices().rev().nth(ENDING_LETTERS - 1).map_or(0, |(at, _)| at);
    format!("~{}", word.get(ending..).unwrap_or_default())
}

/// Shows every feature of `reading` to `visit`.
pub(super) fn each(reading: &Reading<'_>, visit: &mut Visit<'_>) {
    let Lines { words: line, shapes } = Lines::of(reading);
    letters(&line, visit);
    phrases(&line, Kind::Words, WORDS_SHARE, visit);
    phrases(&shapes, Kind::Shape, SHAPES_SHARE, visit);
    for hit in &reading.hits {
        visit(Kind::Signal, &hit.signal.rule, hit.span.clone(), SIGNAL_SHARE);
        if let Some((_, name)) = hit.signal.rule.split_once('.') {
            visit(Kind::Signal, name, hit.span.clone(), SIGNAL_SHARE);
        }
    }
    build(reading, &line, visit);
}

fn letters(line: &Line, visit: &mut Visit<'_>) {
    let mut found: Vec<(Range<usize>, Range<usize>)> = Vec::new();
    for (inner, span) in &line.words {
        let padded = inner.start.saturating_sub(1)..inner.end + 1;
        let Some(word) = line.text.get(padded.clone()) else { continue };
        let unspaced = word.chars().any(is_unspaced);
        let ends: Vec<usize> = word.char_indices().map(|(at, _)| at).chain([word.len()]).collect();
        let (least, most) = if unspaced { (1, MOST_UNSPACED_LETTERS) } else { (LEAST_LETTERS, MOST_LETTERS) };
        for (first, start) in ends.iter().enumerate() {
            for end in ends.iter().skip(first + least).take(most + 1 - least) {
                let place = if unspaced {
                    span.start + start.saturating_sub(1)..span.start + end - 1
                } else {
                    span.clone()
                };
                found.push((padded.start + start..padded.start + end, place));
            }
        }
    }
    let share = LETTERS_SHARE / (found.len().max(1) as f64).sqrt();
    for (piece, place) in found {
        visit(Kind::Letters, line.text.get(piece).unwrap_or_default(), place, share);
    }
}

fn phrases(line: &Line, kind: Kind, share: f64, visit: &mut Visit<'_>) {
    let share = share / ((line.words.len() * MOST_WORDS).max(1) as f64).sqrt();
    for (at, (first, from)) in line.words.iter().enumerate() {
        for (last, to) in line.words.iter().skip(at).take(MOST_WORDS) {
            let phrase = line.text.get(first.start..last.end).unwrap_or_default();
            visit(kind, phrase, from.start..to.end, share);
        }
    }
}

/// Letters of scripts without blanks.
fn is_unspaced(c: char) -> bool {
    matches!(c, '\u{e00}'..='\u{e7f}' | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{20000}'..='\u{3ffff}')
}

fn build(reading: &Reading<'_>, line: &Line, visit: &mut Visit<'_>) {
    let mut say = |feature: &str, much: f64| visit(Kind::Build, feature, 0..0, much);
    let all = line.words.len();
    let length = match all {
        0..=3 => "words-to-3",
        4..=7 => "words-to-7",
        8..=15 => "words-to-15",
        16..=30 => "words-to-30",
        31..=60 => "words-to-60",
        _ => "words-above-60",
    };
    say(length, 1.0);
    if !reading.defaults.is_empty() {
        say("beside-a-default-sentence", 1.0);
    }
    let share = reading.coverage.own.len() as f64 / reading.coverage.all.max(1) as f64;
    say("share-of-own-words", share);
    match reading.coverage.own.len() {
        0 => say("no-own-word", 1.0),
        1 => say("one-own-word", 1.0),
        _ => {}
    }
    let side = |kind: NoteKind| {
        reading
            .hits
            .iter()
            .filter(move |hit| hit.signal.side == kind)
            .map(|hit| hit.signal.weight)
            .sum::<f64>()
    };
    let (generic, personal) = (side(NoteKind::Generic), side(NoteKind::Personalized));
    say("generic-signals", generic.min(4.0) / 2.0);
    say("personal-signals", personal.min(4.0) / 2.0);
    if generic == 0.0 && personal == 0.0 {
        say("no-signal", 1.0);
    }
    let words = || line.words.iter().filter_map(|(place, _)| line.text.get(place.clone()));
    if words().any(|w| w == "0000") {
        say("four-figures", 1.0);
    }
    if words().any(|w| w.starts_with('0') && w != "0000") {
        say("other-figures", 1.0);
    }
    if words().any(|w| w == "?") {
        say("asks", 1.0);
    }
    if words().any(|w| w == "!") {
        say("exclaims", 1.0);
    }
    if words().any(|w| w == "%" || w == "$" || w == "€") {
        say("percent-or-money", 1.0);
    }
    if reading.own.contains("http") || reading.own.contains("www.") {
        say("link", 1.0);
    }
    if reading.own.chars().any(|c| matches!(c, '\u{1f300}'..='\u{1faff}' | '\u{2600}'..='\u{27bf}')) {
        say("emoji", 1.0);
    }
    let capitals = capitals(reading, line);
    match capitals {
        0 => say("no-capital-inside", 1.0),
        1 => say("one-capital-inside", 1.0),
        2 => say("two-capitals-inside", 1.0),
        _ => say("more-capitals-inside", 1.0),
    }
    say("share-of-capitals-inside", capitals as f64 / all.max(1) as f64 * 4.0);
}

/// Words with a capital that no sentence begins with: names of people, places
/// and things. German writes every noun so, which says nothing.
fn capitals(reading: &Reading<'_>, line: &Line) -> usize {
    if reading.language == "de" {
        return 0;
    }
    let begins = |at: usize| {
        let before = reading
            .own
            .get(..at)
            .unwrap_or_default()
            .trim_end_matches(|c: char| !is_word(c) && !matches!(c, '.' | '!' | '?' | '\n' | ':'));
        before.is_empty() || before.ends_with(['.', '!', '?', '\n', ':'])
    };
    let is_capital = |span: &Range<usize>| {
        let word = reading.words_at(span.clone());
        word.chars().next().is_some_and(char::is_uppercase)
            && word.chars().nth(1).is_some_and(char::is_alphabetic)
    };
    line.words.iter().filter(|(_, span)| is_capital(span) && !begins(span.start)).count()
}
