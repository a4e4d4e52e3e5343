//! The ways to read a display name. Directories, phones and the people
//! themselves write more into it than a name: `Smith, Robert (ACME)`,
//! `Robert (Bob) Smith`, `Robert Smith Consulting`. Where it is not sure which
//! words are the name, each way to read it counts, as a near name.

use crate::domain::Strength;
use crate::rulebook::Rulebook;
use crate::rulebook::names::Names;
use crate::rulebook::text::{is_word, words};

/// A name of more words is none; its first ones may be.
const MAX_WORDS: usize = 7;
/// So many words of a text that is no name are looked at.
const WORDS_OF_A_TEXT: usize = 4;
/// A family or a given name of more words is a list of something else.
const MAX_WORDS_AT_A_COMMA: usize = 4;
/// So many words in brackets are looked at.
const WORDS_IN_BRACKETS: usize = 2;

/// What stands between a name and something else.
const SEPARATORS: [char; 8] = ['|', '/', '·', '•', '<', '>', '~', '\\'];
/// Before a name by birth.
const BY_BIRTH: [&str; 7] = ["geb", "geborene", "nee", "ne", "born", "formerly", "aka"];

/// One way to read a display name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reading {
    /// The words of the name, given name first, folded.
    pub(super) words: Vec<String>,
    /// How much it says at most to share it.
    pub(super) at_most: Strength,
}

/// All ways to read it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Shown {
    pub(super) readings: Vec<Reading>,
    /// Two words that may be the name: what stands in brackets with what stands outside.
    pub(super) pairs: Vec<[String; 2]>,
}

/// Reads a folded display name.
pub(super) fn read(folded: &str, rules: &Rulebook) -> Shown {
    let names = &rules.names;
    let mut shown = Shown::default();
    if names.nobody.iter().any(|nobody| nobody == folded.trim()) {
        return shown;
    }
    let (mut outside, mut bracketed) = without_brackets(&folded.replace('"', ""));
    if !outside.chars().any(is_word) && !bracketed.is_empty() {
        outside = bracketed.remove(0);
    }
    let outside = outside.trim_start_matches(|c| !is_word(c) && c != '@').trim();
    if let Some((local, _)) = outside.split_once('@')
        && !outside.contains(char::is_whitespace)
    {
        shown.readings = of_local_part(local, rules);
        return shown;
    }
    for (words, at_most) in given_first(head(outside), names) {
        settle(words, at_most, names, &mut shown.readings);
    }
    let all = name_words(outside);
    if shown.readings.iter().all(|reading| reading.words.len() < 2) && all.len() >= 2 {
        shown.add(all.into_iter().take(WORDS_OF_A_TEXT).collect(), Strength::NearName);
    }
    let first = shown.readings.first().cloned();
    if let Some([given, .., family] | [given @ family]) =
        first.as_ref().map(|reading| reading.words.as_slice())
    {
        shown.pairs = pairs(given, family, &bracketed, names);
    }
    shown
}

/// `robert.smith` spells a name; `rsmith` does not.
pub(super) fn of_local_part(local: &str, rules: &Rulebook) -> Vec<Reading> {
    let spelled = local.split('+').next().unwrap_or(local).replace(['.', '_', '-', '@'], " ");
    let mut readings = read(&spelled, rules).readings;
    readings.retain(|reading| {
        reading.words.len() >= 2 && reading.words.iter().all(|word| word.chars().count() >= 2)
    });
    readings.iter_mut().for_each(|reading| reading.at_most = Strength::NearName);
    readings
}

impl Shown {
    fn add(&mut self, words: Vec<String>, at_most: Strength) {
        add(words, at_most, &mut self.readings);
    }
}

fn add(words: Vec<String>, at_most: Strength, readings: &mut Vec<Reading>) {
    if !words.is_empty() && !readings.iter().any(|reading| reading.words == words) {
        readings.push(Reading { words, at_most });
    }
}

/// The text outside of brackets, and what stands in each of them. One that is not closed ends the text.
fn without_brackets(text: &str) -> (String, Vec<String>) {
    let (mut outside, mut inside, mut depth) = (String::new(), Vec::new(), 0_usize);
    for c in text.chars() {
        match c {
            '(' | '[' | '{' | '<' | '【' | '〔' | '〈' => {
                if depth == 0 {
                    inside.push(String::new());
                    outside.push(' ');
                }
                depth += 1;
            }
            ')' | ']' | '}' | '>' | '】' | '〕' | '〉' => depth = depth.saturating_sub(1),
            c if depth == 0 => outside.push(c),
            c => inside.last_mut().into_iter().for_each(|text| text.push(c)),
        }
    }
    (outside, inside)
}

/// What stands before the first separator with a letter before it.
fn head(text: &str) -> &str {
    let piece = text.split(SEPARATORS).find(|piece| piece.chars().any(is_word)).unwrap_or(text);
    let piece = [" - ", " via ", " @ "]
        .iter()
        .fold(piece, |piece, border| piece.split(border).next().unwrap_or(piece));
    // `EXT: Robert Smith`
    piece
        .split_once(':')
        .filter(|(mark, name)| name_words(mark).len() == 1 && name_words(name).len() >= 2)
        .map_or(piece, |(_, name)| name)
}

/// The words of a part of a name. One with a sign or a digit in it ends the
/// name, once there is one: `Robert Smith 2.0`, `Robert Smith @ACME`.
fn name_words(text: &str) -> Vec<String> {
    let text = text.replace('\'', "");
    let mut found: Vec<String> = Vec::new();
    for token in text.split_whitespace() {
        if !token.contains(|c: char| c.is_numeric() || c == '@' || c == '#') {
            found.extend(words(token).into_iter().map(|(_, word)| word.to_owned()));
        } else if found.len() >= 2 {
            break;
        } else {
            let bare = token.trim_matches(|c: char| c.is_numeric() || !is_word(c));
            found.extend((bare.chars().count() >= 2 && bare.chars().all(is_letter)).then(|| bare.to_owned()));
        }
    }
    found
}

fn is_letter(c: char) -> bool {
    is_word(c) && !c.is_numeric()
}

/// `Smith, Robert` is Robert Smith; `Robert Smith, PhD` stays.
fn given_first(text: &str, names: &Names) -> Vec<(Vec<String>, Strength)> {
    let text = text.replace(';', ",");
    let mut parts = text.split(',');
    let head = parts.next().unwrap_or_default();
    let tails: Vec<&str> = parts.filter(|part| part.chars().any(is_word)).collect();
    let family = name_words(head);
    let Some(next) = tails.first().map(|tail| name_words(tail)) else {
        return vec![(family, Strength::Name)];
    };
    if family.is_empty() {
        return vec![(next, Strength::Name)];
    }
    let bare = |part: &&str| name_words(&without_marks(part, names));
    let given = tails.iter().map(bare).find(|given| !given.is_empty());
    let given = given.or((family.len() == 1).then_some(next)).filter(|given| !given.is_empty());
    match given {
        Some(mut given) if given.len().max(family.len()) <= MAX_WORDS_AT_A_COMMA => {
            let alone = family.clone();
            let unmarked = name_words(&without_marks(head, names));
            given.extend(if unmarked.is_empty() { family } else { unmarked });
            // `Robert Smith, Hamburg`; what follows a degree is no given name.
            let at_most = match tails.iter().any(|tail| has_degree(tail, names)) {
                true => Strength::Name,
                false => Strength::NearName,
            };
            let alone = (alone.len() >= 2).then_some((alone, at_most));
            std::iter::once((given, Strength::Name)).chain(alone).collect()
        }
        _ => vec![(family, Strength::Name)],
    }
}

fn without_marks(part: &str, names: &Names) -> String {
    let kept = part.split_whitespace().filter(|word| !is_degree(word, names) && !is_title(word, names));
    kept.collect::<Vec<_>>().join(" ")
}

fn has_degree(part: &str, names: &Names) -> bool {
    part.split_whitespace().any(|word| is_degree(word, names))
}

fn is_degree(word: &str, names: &Names) -> bool {
    names.degrees.contains(&word.replace('.', ""))
}

fn is_title(word: &str, names: &Names) -> bool {
    names.titles.contains(&word.replace('.', ""))
}

/// Takes titles, degrees and companies' words off a name, and leaves them on
/// beside it where they may be part of it.
fn settle(words: Vec<String>, at_most: Strength, names: &Names, readings: &mut Vec<Reading>) {
    let company = words.iter().skip(1).position(|word| names.company_words.contains(word));
    if let Some(before) = company.map(|at| words.iter().take(at + 1).cloned().collect::<Vec<_>>()) {
        add(words.into_iter().take(MAX_WORDS).collect(), Strength::NearName, readings);
        if before.len() >= 2 {
            settle(before, Strength::NearName, names, readings);
        }
        return;
    }
    let before = words.iter().take_while(|word| names.titles.contains(word)).count();
    let before = before.min(words.len().saturating_sub(1));
    let behind = words.iter().rev().take_while(|word| names.degrees.contains(word)).count();
    let behind = behind.min(words.len().saturating_sub(before + 2));
    let name: Vec<String> = words.iter().skip(before).take(words.len() - before - behind).cloned().collect();
    let (titles, degrees) = (words.iter().take(before), words.iter().rev().take(behind));
    let is_name_too = titles.chain(degrees).any(|word| names.is_name_too(word));
    let is_doubtful = is_name_too || (name.len() < 2 && words.len() >= 2);
    if name.len() > MAX_WORDS {
        add(name.into_iter().take(WORDS_OF_A_TEXT).collect(), Strength::NearName, readings);
        return;
    }
    add(name, at_most, readings);
    if is_doubtful {
        add(words.into_iter().take(MAX_WORDS).collect(), Strength::NearName, readings);
    }
}

/// `Robert (Bob) Smith` is Bob Smith, `Anna Weber (Müller)` was Anna Müller.
fn pairs(given: &str, family: &str, bracketed: &[String], names: &Names) -> Vec<[String; 2]> {
    let words: Vec<String> = bracketed
        .iter()
        .flat_map(|text| name_words(&without_marks(text, names)))
        .filter(|word| !names.degrees.contains(word) && !BY_BIRTH.contains(&word.as_str()))
        .take(WORDS_IN_BRACKETS)
        .collect();
    let mut found = Vec::new();
    for word in &words {
        found.push([given.to_owned(), word.clone()]);
        found.push([word.clone(), family.to_owned()]);
    }
    if let [one, other] = words.as_slice() {
        found.push([one.clone(), other.clone()]);
    }
    found
}
