//! One form of a text for matching, with a way back to the words as they stand.
//!
//! Notes reach us in curly quotes, mathematical letters, half-width kana and
//! with invisible characters between the letters. Rules are matched on a
//! folded form (NFKC, lower case, no accents, straight quotes); evidence cites
//! the original, so every folded byte remembers where it came from.

use std::ops::Range;

use unicode_normalization::char::{canonical_combining_class, compose, decompose_compatible};

/// How much of a text is looked at. Networks cap notes at a few hundred
/// characters; what is longer was not written into an invitation form.
pub const MAX_LOOKED_AT_BYTES: usize = 8 * 1024;

/// A text in the form rules are matched on.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Normalised {
    text: String,
    /// For each byte of `text`, the byte range of the original it came from.
    origin: Vec<(u32, u32)>,
    cut: bool,
}

impl Normalised {
    /// The folded text. Lines are kept, blanks within a line are single.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the original was longer than [`MAX_LOOKED_AT_BYTES`] and its rest was left out.
    pub fn is_cut(&self) -> bool {
        self.cut
    }

    /// The byte range of the original behind a byte range of the folded text.
    pub fn original(&self, folded: Range<usize>) -> Range<usize> {
        let start = self.origin.get(folded.start).map_or(0, |o| o.0 as usize);
        let end =
            folded.end.checked_sub(1).and_then(|last| self.origin.get(last)).map_or(start, |o| o.1 as usize);
        start..end.max(start)
    }
}

/// Folds `original` for matching: compatibility forms (NFKC), lower case,
/// Latin, Greek, Cyrillic and Arabic marks, quotes, dashes, digits, invisible
/// characters, look-alike letters inside Latin words, blanks.
pub fn normalise(original: &str) -> Normalised {
    let mut end = original.len().min(MAX_LOOKED_AT_BYTES);
    while !original.is_char_boundary(end) {
        end -= 1;
    }
    let mut folder = Folder::default();
    for (at, c) in original.get(..end).unwrap_or_default().char_indices() {
        // The cap keeps both far below u32::MAX.
        folder.push(c, at as u32, (at + c.len_utf8()) as u32);
    }
    let mut letters = folder.finish();
    unmask(&mut letters);
    let mut folded = Normalised { cut: end < original.len(), ..Normalised::default() };
    for letter in letters {
        folded.text.push(letter.c);
        for _ in 0..letter.c.len_utf8() {
            folded.origin.push((letter.start, letter.end));
        }
    }
    folded
}

/// Folds a word or phrase of a rules file as [`normalise`] folds a note.
pub fn fold(word: &str) -> String {
    normalise(word).text
}

/// Whether `c` belongs to a word in any script.
pub fn is_word(c: char) -> bool {
    c.is_alphanumeric() || canonical_combining_class(c) != 0
}

/// The words of a folded text with their byte ranges. An apostrophe parts words.
pub fn words(folded: &str) -> Vec<(Range<usize>, &str)> {
    let mut found = Vec::new();
    let mut start = None;
    let ends = std::iter::once((folded.len(), ' '));
    for (at, c) in folded.char_indices().chain(ends) {
        match (is_word(c), start) {
            (true, None) => start = Some(at),
            (false, Some(from)) => {
                found.extend(folded.get(from..at).map(|word| (from..at, word)));
                start = None;
            }
            _ => {}
        }
    }
    found
}

/// The sentences of a folded text as byte ranges: cut after `.`, `!`, `?` and
/// their relatives before a blank, at line ends and at a lone slash or bar.
pub fn sentences(folded: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut start = 0;
    let mut chars = folded.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let after = at + c.len_utf8();
        let next = chars.peek().map(|(_, next)| *next);
        let open = next.is_none_or(|next| !is_word(next));
        let ends = match c {
            '\n' | '。' | '।' => true,
            '.' => open && !abbreviates(folded.get(start..at).unwrap_or_default()),
            '!' | '?' => true,
            '/' | '|' => next == Some(' '),
            _ => false,
        };
        let closes = next.is_some_and(|next| matches!(next, '.' | '!' | '?' | '"' | '\'' | ')'));
        if ends && !closes {
            push_trimmed(&mut found, folded, start..after);
            start = after;
        }
    }
    push_trimmed(&mut found, folded, start..folded.len());
    found
}

/// `Mr.`, `St.`, `z.`: a dot after so short a last word seldom ends a sentence.
fn abbreviates(before: &str) -> bool {
    let last = before.rsplit(|c: char| !is_word(c)).next().unwrap_or("");
    matches!(
        last,
        "mr" | "mrs"
            | "ms"
            | "dr"
            | "dott"
            | "ing"
            | "prof"
            | "st"
            | "sr"
            | "sra"
            | "hr"
            | "fr"
            | "nr"
            | "no"
            | "dhr"
            | "mevr"
            | "z"
            | "b"
            | "d"
            | "h"
            | "e"
            | "g"
            | "i"
    )
}

fn push_trimmed(into: &mut Vec<Range<usize>>, text: &str, range: Range<usize>) {
    let part = text.get(range.clone()).unwrap_or_default();
    let start = range.start + (part.len() - part.trim_start().len());
    let end = start + part.trim().len();
    if part.chars().any(is_word) || part.contains(['{', '[', '<']) {
        into.push(start..end);
    }
}

#[derive(Clone, Copy)]
struct Letter {
    c: char,
    start: u32,
    end: u32,
}

#[derive(Default)]
struct Folder {
    letters: Vec<Letter>,
}

impl Folder {
    fn push(&mut self, c: char, start: u32, end: u32) {
        if is_invisible(c) {
            return;
        }
        let line_end = matches!(c, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}');
        if line_end || c.is_whitespace() {
            self.blank(if line_end { '\n' } else { ' ' }, start, end);
            return;
        }
        decompose_compatible(c, |part| {
            if is_folded_mark(part) {
                if let Some(last) = self.letters.last_mut() {
                    last.end = end;
                }
            } else if part.is_whitespace() {
                self.blank(' ', start, end);
            } else {
                for lower in part.to_lowercase() {
                    match letter_name(lower) {
                        Some(letters) => {
                            for c in letters.chars() {
                                self.letter(c, start, end);
                            }
                        }
                        None if lower.is_control() || is_folded_mark(lower) => {}
                        None => self.letter(lower, start, end),
                    }
                }
            }
        });
    }

    fn letter(&mut self, c: char, start: u32, end: u32) {
        if let Some(last) = self.letters.last_mut()
            && let Some(whole) = compose(last.c, c)
        {
            last.c = whole;
            last.end = end;
            return;
        }
        self.letters.push(Letter { c, start, end });
    }

    fn blank(&mut self, c: char, start: u32, end: u32) {
        match self.letters.last_mut() {
            None => {}
            Some(last) if last.c == '\n' => {}
            Some(last) if last.c == ' ' => last.c = c,
            Some(_) => self.letters.push(Letter { c, start, end }),
        }
    }

    fn finish(mut self) -> Vec<Letter> {
        if self.letters.last().is_some_and(|l| l.c.is_whitespace()) {
            self.letters.pop();
        }
        self.letters
    }
}

/// Zero-width, bidi, joiners, soft hyphen, variation selectors, tags, fillers.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
        | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}

/// Marks that carry no meaning for rules. Kana voicing and Indic vowel signs do, and stay.
fn is_folded_mark(c: char) -> bool {
    matches!(c,
        '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{591}'..='\u{5c7}'
        | '\u{640}' | '\u{64b}'..='\u{65f}' | '\u{670}' | '\u{1ab0}'..='\u{1aff}'
        | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}')
}

/// Letters and signs that NFKC leaves alone but people use for one another.
fn letter_name(c: char) -> Option<&'static str> {
    Some(match c {
        'ß' => "ss",
        'æ' => "ae",
        'œ' => "oe",
        'ø' => "o",
        'đ' | 'ð' => "d",
        'þ' => "th",
        'ł' => "l",
        'ı' => "i",
        'ħ' => "h",
        'ς' => "σ",
        'ى' | 'ی' => "ي",
        'ة' => "ه",
        'ک' => "ك",
        '‘' | '’' | '‚' | '‛' | '`' | '´' | 'ʼ' | 'ʻ' | '′' | '＇' => "'",
        '“' | '”' | '„' | '‟' | '«' | '»' | '″' | '「' | '」' | '『' | '』' => "\"",
        '‐' | '‑' | '‒' | '–' | '—' | '―' | '−' => "-",
        '،' | '、' | '，' => ",",
        '؟' => "?",
        '؛' => ";",
        '۔' => ".",
        '⁄' | '∕' => "/",
        '٠' | '۰' | '०' => "0",
        '١' | '۱' | '१' => "1",
        '٢' | '۲' | '२' => "2",
        '٣' | '۳' | '३' => "3",
        '٤' | '۴' | '४' => "4",
        '٥' | '۵' | '५' => "5",
        '٦' | '۶' | '६' => "6",
        '٧' | '۷' | '७' => "7",
        '٨' | '۸' | '८' => "8",
        '٩' | '۹' | '९' => "9",
        _ => return None,
    })
}

/// Writes look-alikes of Latin letters as the letters they pose as, in words
/// that hold Latin letters too; a wholly Cyrillic or Greek word is left alone.
fn unmask(letters: &mut [Letter]) {
    for word in letters.split_mut(|l| !is_word(l.c)) {
        let latin = word.iter().any(|l| l.c.is_ascii_alphabetic());
        let posing = word.iter().all(|l| l.c.is_ascii() || latin_look_alike(l.c).is_some());
        if latin && posing {
            for letter in word {
                letter.c = latin_look_alike(letter.c).unwrap_or(letter.c);
            }
        }
    }
}

/// The Latin letter a Cyrillic, Greek or Armenian one looks like (lower case).
fn latin_look_alike(c: char) -> Option<char> {
    Some(match c {
        'а' | 'α' => 'a',
        'в' | 'β' => 'b',
        'с' | 'ϲ' => 'c',
        'ԁ' => 'd',
        'е' | 'ε' => 'e',
        'һ' | 'հ' => 'h',
        'і' | 'ι' => 'i',
        'ј' => 'j',
        'к' | 'κ' => 'k',
        'ӏ' => 'l',
        'м' | 'μ' => 'm',
        'п' | 'η' | 'ո' => 'n',
        'о' | 'ο' | 'օ' => 'o',
        'р' | 'ρ' => 'p',
        'ԛ' => 'q',
        'г' => 'r',
        'ѕ' => 's',
        'т' | 'τ' => 't',
        'υ' | 'ս' => 'u',
        'ν' | 'ѵ' => 'v',
        'ԝ' | 'ω' => 'w',
        'х' | 'χ' => 'x',
        'у' | 'γ' => 'y',
        'ʀ' => 'r',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_dress_but_keeps_the_letters_of_each_script() {
        for (dressed, plain) in [
            ("I’d  like\u{a0}to", "i'd like to"),
            ("Grüße – ÉTÉ", "grusse - ete"),
            ("𝐇𝐞𝐥𝐥𝐨 Ｗｏｒｌｄ", "hello world"),
            ("c\u{200b}on\u{ad}ne\u{202e}ct", "connect"),
            ("Lіnkеdіn", "linkedin"),
            ("связь", "связь"),
            ("ｶﾞｲﾄﾞ", "ガイド"),
            ("함께", "함께"),
            ("मैं आपको", "मैं आपको"),
            ("Hi\r\n\r\nBo", "hi\nbo"),
        ] {
            assert_eq!(fold(dressed), fold(plain), "{dressed}");
            assert_eq!(fold(dressed), plain, "{dressed}");
        }
    }

    #[test]
    fn leads_back_to_the_words_as_they_stand() {
        let note = "Größte  “Freude”, Jörg";
        let folded = normalise(note);
        let at = folded.as_str().find("freude").unwrap();
        assert_eq!(note.get(folded.original(at..at + 6)), Some("Freude"));
        let at = folded.as_str().find("grosste").unwrap();
        assert_eq!(note.get(folded.original(at..at + 7)), Some("Größte"));
    }

    #[test]
    fn sentences_end_where_a_reader_ends_them() {
        let text = fold("Dear Mr. Bell, hello. How are you? Fine!\nBye 2.5 times");
        let parts: Vec<&str> = sentences(&text).into_iter().filter_map(|r| text.get(r)).collect();
        assert_eq!(parts, ["dear mr. bell, hello.", "how are you?", "fine!", "bye 2.5 times"]);
    }

    #[test]
    fn a_megabyte_is_cut() {
        let folded = normalise(&"é\u{301}".repeat(300_000));
        assert!(folded.is_cut());
        assert!(folded.as_str().len() <= MAX_LOOKED_AT_BYTES);
    }
}
