//! Names across scripts, and names whose words are parted otherwise.

use super::name::{Side, sorted};
use crate::domain::{PersonKey, Strength};

/// What is longer is no name, and compared as it stands.
const MAX_TURNED_CHARS: usize = 120;
/// Fewer letters are heard in too many names.
const MIN_HEARD_CHARS: usize = 5;

/// The letters of a name in a row, from wherever the row is least: the same for
/// `Hans-Peter Meier` and `Hanspeter Meier`, `Kim Min Su` and `Minsu Kim`.
pub(super) fn joined(letters: &str) -> PersonKey {
    PersonKey { strength: Strength::NearName, text: format!("joined:{}", turned(letters)) }
}

fn turned(letters: &str) -> String {
    let letters: Vec<char> = letters.chars().collect();
    if letters.len() > MAX_TURNED_CHARS {
        return letters.into_iter().collect();
    }
    let turns =
        (0..letters.len()).map(|at| letters.iter().cycle().skip(at).take(letters.len()).collect::<String>());
    turns.min().unwrap_or_default()
}

/// Names of other scripts as Latin ones hear them: `Алексей Иванов` finds
/// `Aleksey Ivanov`, which has many spellings; never a Latin name another.
pub(super) fn transcribed(parts: &[String], side: Side) -> Vec<PersonKey> {
    let is_latin = parts.iter().flat_map(|part| part.chars()).all(|c| c.is_ascii() || !c.is_alphabetic());
    let near = |text: String| PersonKey { strength: Strength::NearName, text };
    let form = match (is_latin, side) {
        (true, Side::Asked) | (false, Side::Kept) => "from-other-script",
        (true, Side::Kept) | (false, Side::Asked) => "from-latin",
    };
    let mut found = Vec::new();
    let heard_words: Vec<String> = parts
        .iter()
        .flat_map(|part| latin(part).split_whitespace().map(heard).collect::<Vec<_>>())
        .filter(|part| !part.is_empty())
        .collect();
    let heard_words: Vec<&str> = heard_words.iter().map(String::as_str).collect();
    if heard_words.len() >= 2 {
        found.push(near(format!("{form}:{}", sorted(&heard_words))));
    }
    // Without blanks between the syllables there is no word to sort.
    let row = in_a_row(parts);
    if row.chars().count() >= MIN_HEARD_CHARS {
        found.push(near(format!("{form}-joined:{}", turned(&row))));
    }
    found
}

/// A word in Latin letters.
fn latin(part: &str) -> String {
    let written = any_ascii::any_ascii(part);
    // The Greek letters ου are one sound, and are not written letter by letter.
    if part.chars().any(is_greek) { written.replace("oy", "ou") } else { written }
}

/// What is left when the habits of transcription are evened out.
fn heard(word: &str) -> String {
    let even = evened(word);
    let once = once(even.chars().filter(char::is_ascii_lowercase));
    // -y, -iy, -ij, -ii at the end of Slavic names.
    once.trim_end_matches('i').to_owned()
}

/// The sounds of all words in a row, with more evened out: nothing but the whole name has to fit.
fn in_a_row(parts: &[String]) -> String {
    let mut row = String::new();
    for (at, part) in parts.iter().enumerate() {
        let family = KOREAN_FAMILY_NAMES.iter().find(|(hangul, _)| at == 0 && part.starts_with(*hangul));
        let (family, rest) = match family {
            Some((hangul, latin)) => (*latin, part.trim_start_matches(*hangul)),
            None => ("", part.as_str()),
        };
        row.push_str(&syllable(family));
        // `ZhangWei`: a capital begins each syllable of a script without blanks.
        let spelled = latin(rest);
        let mut syllables = String::with_capacity(spelled.len());
        for c in spelled.chars() {
            if c.is_ascii_uppercase() {
                syllables.push(' ');
            }
            syllables.push(c);
        }
        syllables.split_whitespace().for_each(|one| row.push_str(&syllable(one)));
    }
    let mut row = once(row.chars().filter(char::is_ascii_lowercase));
    // The row is a ring: its last letter stands before its first.
    if row.len() > 1 && row.chars().next() == row.chars().last() {
        row.pop();
    }
    row
}

fn syllable(word: &str) -> String {
    let word = [("oo", "u"), ("ee", "i"), ("eo", "u")]
        .iter()
        .fold(word.to_lowercase(), |word, (from, to)| word.replace(from, to));
    [("g", "k"), ("b", "p"), ("d", "t"), ("h", "")]
        .iter()
        .fold(evened(&word), |word, (from, to)| word.replace(from, to))
}

fn evened(word: &str) -> String {
    EVENED.iter().fold(word.to_lowercase(), |word, (from, to)| word.replace(from, to))
}

fn once(letters: impl Iterator<Item = char>) -> String {
    let mut out = String::new();
    for c in letters {
        if !out.ends_with(c) {
            out.push(c);
        }
    }
    out
}

fn is_greek(c: char) -> bool {
    matches!(c, '\u{370}'..='\u{3ff}' | '\u{1f00}'..='\u{1fff}')
}

/// Family names that are not written in Latin letters as they are transcribed.
const KOREAN_FAMILY_NAMES: [(char, &str); 6] =
    [('이', "lee"), ('박', "park"), ('최', "choi"), ('조', "cho"), ('임', "lim"), ('우', "woo")];

/// Spellings of one sound among the usual transcriptions, in the order they are evened out.
const EVENED: [(&str, &str); 17] = [
    ("shch", "s"),
    ("sch", "s"),
    ("tch", "c"),
    ("sh", "s"),
    ("ch", "c"),
    ("zh", "z"),
    ("kh", "h"),
    ("ts", "c"),
    ("tz", "c"),
    ("ph", "f"),
    ("th", "t"),
    ("ck", "k"),
    ("x", "ks"),
    ("w", "v"),
    ("ou", "u"),
    ("j", "i"),
    ("y", "i"),
];
