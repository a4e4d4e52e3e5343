//! How to greet an inviter by the name a network shows.

use crate::rulebook::Names;

const MAX_CHARS: usize = 30;

/// The word a person would greet with, or "" when a greeting should do
/// without: a company, a role, initials alone, a name in a script whose
/// greetings need more than the name, or anything that could be a trick.
pub fn first_name(shown: &str, names: &Names) -> String {
    let shown = shown.trim();
    if shown.contains('@')
        || shown.chars().any(|c| c.is_ascii_digit())
        || names.nobody.contains(&shown.to_lowercase())
    {
        return String::new();
    }
    let head = shown.split([',', '|', '(', '[', '/', '·', '•', '–', '—']).next().unwrap_or_default();
    let head = head.split(" - ").next().unwrap_or_default();
    let mut words: Vec<&str> = head
        .split_whitespace()
        .map(|w| w.trim_matches(|c: char| !c.is_alphabetic() && c != '.'))
        .filter(|w| w.chars().any(char::is_alphabetic))
        .collect();
    let bare = |w: &str| w.replace(['.', '\''], "").to_lowercase();
    if words.iter().skip(1).any(|w| names.company_words.contains(&bare(w))) {
        return String::new();
    }
    while words.len() > 1 && words.first().is_some_and(|w| names.titles.contains(&bare(w))) {
        words.remove(0);
    }
    while words.len() > 2 && words.first().is_some_and(|w| is_initial(w)) {
        words.remove(0);
    }
    match words.first() {
        Some(word) if is_greetable(word) => cased(word.trim_end_matches('.')),
        _ => String::new(),
    }
}

fn is_initial(word: &str) -> bool {
    word.trim_end_matches('.').chars().count() == 1
}

fn is_greetable(word: &str) -> bool {
    let word = word.trim_end_matches('.');
    (2..=MAX_CHARS).contains(&word.chars().count())
        && word.chars().all(|c| {
            (c.is_alphabetic() && !needs_honorific(c)) || is_mark(c) || matches!(c, '\'' | '’' | '-' | 'ʻ')
        })
}

/// Scripts whose names are not greeted bare.
fn needs_honorific(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}' | '\u{f900}'..='\u{faff}'
        | '\u{1d400}'..='\u{1d7ff}' | '\u{ff00}'..='\u{ffef}')
}

fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{900}'..='\u{963}' | '\u{e31}'..='\u{e4e}')
}

/// `ANNA` and `anna` become `Anna`; `McKay` and `DeShawn` stay.
fn cased(word: &str) -> String {
    let shouts = word.chars().filter(|c| c.is_alphabetic()).all(|c| !c.is_lowercase());
    let whispers = !word.chars().any(char::is_uppercase);
    if !shouts && !whispers {
        return word.to_owned();
    }
    let mut start = true;
    let mut out = String::with_capacity(word.len());
    for c in word.chars() {
        if start {
            out.extend(c.to_uppercase());
        } else {
            out.extend(c.to_lowercase());
        }
        start = matches!(c, '-' | '\'' | '’');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rulebook::Rulebook;

    #[test]
    fn greets_as_a_person_would() {
        let rules = Rulebook::shipped().unwrap();
        for (shown, want) in [
            ("Ann Miller", "Ann"),
            ("Dr. Ann Miller, PhD", "Ann"),
            ("JEAN-PIERRE DUPONT", "Jean-Pierre"),
            ("o'neill barnes", "O'Neill"),
            ("J. Robert Smith", "Robert"),
            ("A. Smith", ""),
            ("A. T. DOSSEH", ""),
            ("🚀 Tom Berg 🚀", "Tom"),
            ("Anna (she/her) Klein", "Anna"),
            ("Widodo", "Widodo"),
            ("Acme Solutions GmbH", ""),
            ("田中 太郎", ""),
            ("Şükrü Yılmaz", "Şükrü"),
            ("Élodie d'Arc", "Élodie"),
            ("LinkedIn Member", ""),
            ("ann@evil.example", ""),
            ("{{ name }} Bob", "Name"),
            ("{{ 7*7 }} Bob", ""),
            ("", ""),
        ] {
            assert_eq!(first_name(shown, &rules.names), want, "{shown}");
        }
    }
}
