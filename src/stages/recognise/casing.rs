//! `ANNA` and `anna` become `Anna`; `McKay` and `DeShawn` stay.

use super::name::{is_joint, is_mark};

/// So few capitals may be initials that somebody goes by.
const INITIALS_CHARS: usize = 2;

/// `word` of the name `words` as it is written in a letter; `None` where that cannot be told.
pub(super) fn cased(word: &str, words: &[&str]) -> Option<String> {
    let word = word.trim_end_matches('.');
    let letters: Vec<char> = word.chars().filter(|c| c.is_alphabetic()).collect();
    let has_cases = letters.iter().any(|c| c.is_lowercase() || c.is_uppercase());
    let shouts = !letters.iter().any(|c| c.is_lowercase());
    let whispers = !letters.iter().any(|c| c.is_uppercase());
    if !has_cases {
        return Some(word.to_owned());
    }
    if !shouts && !whispers {
        return is_a_persons(word).then(|| word.to_owned());
    }
    if shouts && letters.len() <= INITIALS_CHARS {
        // "AJ Miller" goes by AJ, "JO MILLER" is Jo, "LI Wei" shows the family name, "AJ MILLER" cannot be told.
        let reads = letters.last().copied().is_some_and(is_vowel);
        let loud = words.len() > 1 && words.iter().all(|w| !w.chars().any(char::is_lowercase));
        return match (reads, loud) {
            (true, true) => Some(repaired(word, words)?),
            (false, false) => Some(word.to_owned()),
            _ => None,
        };
    }
    if shouts && words.len() == 1 && letters.len() <= 4 {
        return None;
    }
    repaired(word, words)
}

/// Capitals inside a word are a brand's, unless it is made as names are.
fn is_a_persons(word: &str) -> bool {
    word.split(is_joint).all(|part| !part.chars().skip(1).any(char::is_uppercase) || is_camel_name(part))
}

fn is_camel_name(part: &str) -> bool {
    const BEGINNINGS: [&str; 24] = [
        "Mac", "Mc", "De", "Di", "Da", "Du", "La", "Le", "Van", "Fitz", "Ja", "Jo", "Ma", "Ra", "Sha", "Ta",
        "Ke", "Mary", "Anna", "Ann", "Sue", "Lee", "Beth", "Jean",
    ];
    BEGINNINGS.iter().any(|begin| {
        part.strip_prefix(begin)
            .is_some_and(|rest| rest.chars().count() > 1 && rest.chars().skip(1).all(char::is_lowercase))
    })
}

fn is_vowel(c: char) -> bool {
    matches!(c.to_ascii_lowercase(), 'a' | 'e' | 'i' | 'o' | 'u' | 'y') || !c.is_ascii()
}

fn repaired(word: &str, words: &[&str]) -> Option<String> {
    let in_name = |marks: &[char]| words.iter().any(|w| w.contains(marks));
    let turkish = in_name(&['İ', 'ı', 'ğ', 'Ğ']);
    // Turkish or old Romanian: an I in the middle is one of two letters.
    if !turkish && in_name(&['Ş']) && word.contains('I') {
        return None;
    }
    let mut out = String::with_capacity(word.len());
    let mut part = String::new();
    let mut capital = true;
    for c in word.chars() {
        if !is_joint(c) {
            part.push(c);
            continue;
        }
        // O'Neill and Jean-Pierre, but Ra'ed.
        let next_is_capital = matches!(c, '-' | '‐') || part.chars().filter(|c| !is_mark(*c)).count() == 1;
        push_part(&mut out, &part, capital, turkish);
        out.push(c);
        part.clear();
        capital = next_is_capital;
    }
    push_part(&mut out, &part, capital, turkish);
    Some(out)
}

fn push_part(out: &mut String, part: &str, capital: bool, turkish: bool) {
    // By the whole part: a final sigma is another letter.
    let lower = if turkish {
        part.replace('İ', "i").replace('I', "ı").to_lowercase()
    } else {
        part.replace('İ', "i").to_lowercase()
    };
    let mut letters = lower.chars();
    match letters.next() {
        Some('i') if capital && turkish => out.push('İ'),
        Some('ı') if capital => out.push('I'),
        // "SS" for ß would be another letter.
        Some(first) if capital && first.to_uppercase().count() == 1 => out.extend(first.to_uppercase()),
        Some(first) => out.push(first),
        None => {}
    }
    out.push_str(letters.as_str());
}
