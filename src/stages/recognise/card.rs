//! The lines of an inviter's card: name, headline, place, common contacts.

use unicode_normalization::UnicodeNormalization;

use super::extract::MAX_NAME_CHARS;

/// What a card adds to a name (degrees, pronouns, "2nd") is no longer.
const MAX_ADDED_CHARS: usize = 40;
/// A place is no longer.
const MAX_PLACE_CHARS: usize = 80;
/// From here on (CJK radicals) words are not parted by blanks.
const FIRST_IDEOGRAPH: char = '\u{2e80}';
/// What survives of a name in a wrong charset must still tell.
const MIN_CORE_CHARS: usize = 4;

/// A name as cards may show it.
pub(super) struct Wanted<'a> {
    name: &'a str,
    words: Vec<String>,
    chars: usize,
}

impl<'a> Wanted<'a> {
    pub(super) fn new(name: &'a str) -> Self {
        Self { name, words: words(name), chars: name.chars().count() }
    }
}

/// Whether `line` is the name as a card shows it: with other blanks, marks and
/// case, without what the sender field adds, or with something added.
pub(super) fn names(line: &str, wanted: &Wanted<'_>) -> bool {
    let Wanted { name, words: wanted, chars } = wanted;
    if name.is_empty() || line.is_empty() {
        return false;
    }
    // A name that was cut is compared with as much of the line.
    if line.chars().nth(MAX_NAME_CHARS.max(chars + MAX_ADDED_CHARS)).is_some() {
        return chars + 1 >= MAX_NAME_CHARS && line.starts_with(name);
    }
    let shown = words(line);
    if shown.is_empty() || wanted.is_empty() {
        return line == *name;
    }
    shown == *wanted
        || shown.concat() == wanted.concat()
        || (shown.len() > 1 && wanted.starts_with(&shown))
        || (wanted.len() > 1 && shown.starts_with(wanted) && only_adds(line, wanted))
        || same_core(line, name)
}

/// Whether `line` says the first or the last word of `name`, perhaps with an ending:
/// not everywhere the given name comes first.
pub(super) fn speaks_of(line: &str, name: &str) -> bool {
    let (line, name) = (line.to_lowercase(), name.to_lowercase());
    let is_of_word = |c: char| c.is_alphanumeric() && c < FIRST_IDEOGRAPH;
    let begins = |at: usize| line.get(..at).is_none_or(|before| !before.ends_with(is_of_word));
    let says = |word: &str| {
        if word.starts_with(|c: char| c < FIRST_IDEOGRAPH) {
            return line.match_indices(word).any(|(at, _)| begins(at));
        }
        // Behind a surname of one character, or of two, stand mostly two.
        let given = word.char_indices().nth_back(1).filter(|(at, _)| *at > 0);
        line.contains(word) || given.and_then(|(at, _)| word.get(at..)).is_some_and(|g| line.contains(g))
    };
    let mut words = name.split_whitespace();
    let first = words.next();
    first.into_iter().chain(words.next_back()).any(says)
}

/// Whether `line` reads like a sentence, and so like nothing a card holds.
pub(super) fn is_sentence(line: &str) -> bool {
    let words = line.split_whitespace().count();
    let ends = line
        .trim_end_matches(['"', '\'', ')', '”', '’'])
        .ends_with(['.', '!', '?', '。', '！', '？', '…', ':']);
    let wide = line.chars().any(|c| matches!(c, '。' | '、' | '，' | '？' | '！'));
    let inner = ["! ", "? ", ", "].iter().any(|mark| line.contains(mark)) && words > 6;
    line.chars().count() > MAX_PLACE_CHARS || (ends && words > 2) || wide || inner || line.contains("://")
}

/// "11 connections in common", in any language.
pub(super) fn is_count(line: &str) -> bool {
    line.starts_with(|c: char| c.is_numeric()) && line.split_whitespace().count() <= 6 && !is_sentence(line)
}

/// Lower-case words of letters and digits; marks are left out, so that two codings of one name agree.
fn words(text: &str) -> Vec<String> {
    text.nfkd()
        .flat_map(char::to_lowercase)
        .filter(|c| !unicode_normalization::char::is_combining_mark(*c) && !matches!(c, '\'' | '’' | '.'))
        .collect::<String>()
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Whether what `line` says beyond the words of a name is set off from it, and short.
fn only_adds(line: &str, name: &[String]) -> bool {
    let mut rest = line;
    let mut left = name.len();
    while left > 0 {
        rest = rest.trim_start_matches(|c: char| !c.is_alphanumeric());
        let end = rest
            .find(|c: char| c.is_whitespace() || matches!(c, ',' | '(' | '|' | '·'))
            .unwrap_or(rest.len());
        let (word, tail) = rest.split_at(end);
        left = left.saturating_sub(words(word).len().max(1));
        rest = tail;
    }
    let rest = rest.trim();
    rest.chars().count() <= MAX_ADDED_CHARS
        && !is_sentence(rest)
        && rest.starts_with(|c: char| !c.is_alphanumeric())
}

/// What survives when one side was decoded by the wrong charset.
fn same_core(line: &str, name: &str) -> bool {
    let core =
        |text: &str| text.to_lowercase().chars().filter(char::is_ascii_alphanumeric).collect::<String>();
    let core_of_line = core(line);
    core_of_line.len() >= MIN_CORE_CHARS && core_of_line == core(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_may_say_more_or_less_than_the_sender_field() {
        for (line, name) in [
            ("Ann Berg", "Ann Berg"),
            ("ANN  BERG", "Ann Berg"),
            ("Ann Berg", "Ann Berg, PhD"),
            ("Ann Berg, PhD", "Ann Berg"),
            ("Ann Berg (She/Her)", "Ann Berg"),
            ("Ann Berg · 2nd", "Ann Berg"),
            ("Ann Berg 🚀", "🚀 Ann Berg"),
            ("Zoë O’Dea", "Zoe\u{308} O'Dea"),
            ("J.P. Berg", "J. P. Berg"),
            ("Zo Brnn", "Zoë Brünn"),
            ("小林美咲", "小林 美咲"),
        ] {
            assert!(names(line, &Wanted::new(name)), "{line} / {name}");
        }
        for (line, name) in [
            ("Ann", "Ann Berg"),
            ("Ann Berg is waiting", "Ann Berg"),
            ("Ann Berg, I met you in Delft. Do you remember?", "Ann Berg"),
            ("Ann Bergmann", "Ann Berg"),
            ("", "Ann Berg"),
            ("Ann Berg", ""),
            ("Best wishes, Ann Berg", "Ann Berg"),
        ] {
            assert!(!names(line, &Wanted::new(name)), "{line} / {name}");
        }
    }

    #[test]
    fn a_place_is_no_sentence() {
        for place in [
            "Porto, Portugal",
            "Greater Boston Area",
            "Washington D.C.",
            "東京都",
            "São Paulo, São Paulo, Brasil",
            "São Paulo und Umgebung, Brasilien",
        ] {
            assert!(!is_sentence(place), "{place}");
        }
        for said in [
            "It was good to meet you.",
            "お会いしました。元気ですか。",
            "Hi Robin, it was good to see you in Delft",
        ] {
            assert!(is_sentence(said), "{said}");
        }
        assert!(is_count("11 connections in common") && !is_count("11 jars are yours."));
    }
}
