//! A person's name as the forms it is found under.

use unicode_normalization::UnicodeNormalization;

use crate::domain::{PersonKey, Strength};
use crate::rulebook::Rulebook;
use crate::rulebook::text::{fold, words};

/// No display name is longer; what is longer is somebody's text.
const MAX_CHARS: usize = 120;
/// A name of more words is none.
const MAX_WORDS: usize = 7;
/// So few ideograms are a surname, or a name that thousands bear.
const SHORT_UNSPACED_CHARS: usize = 2;

/// Which side of a comparison a name is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// The inviter's.
    Asked,
    /// An acquaintance's.
    Kept,
}

/// The words of a name, given name first, folded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name {
    /// As it is written, and as it is written where umlauts cannot be.
    spellings: Vec<Vec<String>>,
    /// Written without blanks between the parts, so that there is one word.
    unspaced: bool,
}

impl Name {
    /// The name in a display name; `None` where a machine, a company or nobody is shown.
    pub(super) fn read(shown: &str, rules: &Rulebook) -> Option<Self> {
        if shown.chars().count() > MAX_CHARS || shown.contains('@') {
            return None;
        }
        let shown: String = shown.chars().filter(|c| !matches!(c, '"' | '“' | '”' | '„')).collect();
        if rules.names.nobody.contains(&shown.trim().to_lowercase()) {
            return None;
        }
        let given_first = reordered(&shown, rules);
        let mut spellings = vec![parts(&fold(&given_first), rules)?];
        let spelled_out = parts(&fold(&without_umlauts(&given_first)), rules);
        spellings.extend(spelled_out.filter(|other| spellings.first() != Some(other)));
        let unspaced = given_first.chars().filter(|c| c.is_alphabetic()).all(is_unspaced);
        Some(Self { spellings, unspaced })
    }

    /// `robert.smith` spells a name; `rsmith` does not.
    pub(super) fn of_local_part(local: &str, rules: &Rulebook) -> Option<Self> {
        let spelled = local.split('+').next().unwrap_or(local).replace(['.', '_', '-'], " ");
        let name = Self::read(&spelled, rules)?;
        let words = name.spellings.first()?;
        (words.len() >= 2 && words.iter().all(|word| word.chars().count() >= 2)).then_some(name)
    }

    /// The forms this name is kept under, or asked for by.
    pub(super) fn keys(&self, side: Side, rules: &Rulebook) -> Vec<PersonKey> {
        let mut found = Vec::new();
        for parts in &self.spellings {
            if self.unspaced {
                found.push(unspaced(parts));
            } else {
                spaced(parts, side, rules, &mut found);
            }
            found.extend(transcribed(parts, side));
        }
        found
    }
}

/// One whole word: `田中 太郎` is `田中太郎`.
fn unspaced(parts: &[String]) -> PersonKey {
    let whole = parts.concat();
    let strength =
        if whole.chars().count() > SHORT_UNSPACED_CHARS { Strength::Name } else { Strength::NearName };
    PersonKey { strength, text: format!("name:{whole}") }
}

fn spaced(parts: &[String], side: Side, rules: &Rulebook, found: &mut Vec<PersonKey>) {
    let near = |text: String| PersonKey { strength: Strength::NearName, text };
    let core: Vec<&str> =
        parts.iter().map(String::as_str).filter(|part| !rules.nicknames.is_particle(part)).collect();
    let (Some(first), true) = (core.first().copied(), core.len() >= 2) else {
        found.extend(core.first().map(|only| near(format!("name:{only}"))));
        return;
    };
    let long: Vec<&str> = core.iter().copied().filter(|part| !is_initial(part)).collect();
    // A middle initial is dropped as often as not; a first name that is one tells less.
    let told = if long.len() >= 2 { &long } else { &core };
    let strength = if long.len() >= 2 { Strength::Name } else { Strength::NearName };
    found.push(PersonKey { strength, text: format!("name:{}", sorted(told)) });
    let last = core.last().copied().unwrap_or_default();
    let others = || core.iter().copied().skip(1).filter(|other| !is_initial(other));
    if !is_initial(first) {
        // One surname of two, a middle name left out, a name before marriage beside it.
        for other in others() {
            found.push(near(format!("pair:{}", sorted(&[first, other]))));
        }
        let middle = core.iter().copied().skip(1).take(core.len().saturating_sub(2));
        for middle in middle.filter(|middle| !is_initial(middle) && !is_initial(last)) {
            found.push(near(format!("pair:{}", sorted(&[middle, last]))));
        }
        for full in rules.nicknames.full_names(first) {
            found.extend(others().map(|other| near(format!("short:{full} {other}"))));
        }
    }
    let initial = first.chars().next().unwrap_or_default();
    // `R. Smith` finds Robert Smith, and Robert Smith finds `R. Smith`; Robert does not find Rachel.
    let form = match (is_initial(first), side) {
        (true, Side::Asked) | (false, Side::Kept) => "full",
        (true, Side::Kept) | (false, Side::Asked) => "initial",
    };
    found.extend(others().map(|other| near(format!("{form}:{initial} {other}"))));
}

/// Names of other scripts as Latin ones hear them: `Алексей Иванов` finds
/// `Aleksey Ivanov`, which has many spellings; never a Latin name another.
fn transcribed(parts: &[String], side: Side) -> Option<PersonKey> {
    let is_latin = parts.iter().flat_map(|part| part.chars()).all(|c| c.is_ascii() || !c.is_alphabetic());
    let form = match (is_latin, side) {
        (true, Side::Asked) | (false, Side::Kept) => "from-other-script",
        (true, Side::Kept) | (false, Side::Asked) => "from-latin",
    };
    let heard: Vec<String> = parts
        .iter()
        .flat_map(|part| any_ascii::any_ascii(part).split_whitespace().map(heard).collect::<Vec<_>>())
        .filter(|part| !part.is_empty())
        .collect();
    let heard: Vec<&str> = heard.iter().map(String::as_str).collect();
    (heard.len() >= 2)
        .then(|| PersonKey { strength: Strength::NearName, text: format!("{form}:{}", sorted(&heard)) })
}

/// What is left when the habits of transcription are evened out.
fn heard(word: &str) -> String {
    let word = word.to_lowercase();
    let mut even = word;
    for (from, to) in EVENED {
        even = even.replace(from, to);
    }
    let mut out = String::with_capacity(even.len());
    for c in even.chars().filter(char::is_ascii_lowercase) {
        if !out.ends_with(c) {
            out.push(c);
        }
    }
    // -y, -iy, -ij, -ii at the end of Slavic names.
    out.trim_end_matches('i').to_owned()
}

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

/// The words of a folded name that are part of it; `None` where it is none.
fn parts(folded: &str, rules: &Rulebook) -> Option<Vec<String>> {
    let head = folded.split(['|', '(', '[', '{', '/', '·', '•', '–', '—', '<', ';']).next()?;
    let head = head.split(" - ").next()?.split(" via ").next()?.split(" @ ").next()?;
    if head.chars().any(char::is_numeric) {
        return None;
    }
    let head = head.replace(['\'', '’', '`', 'ʻ'], "").replace('.', " ");
    let mut found: Vec<String> = words(&head).into_iter().map(|(_, word)| word.to_owned()).collect();
    let names = &rules.names;
    if found.iter().skip(1).any(|word| names.company_words.contains(word)) {
        return None;
    }
    while found.len() > 1 && found.first().is_some_and(|word| names.titles.contains(word)) {
        found.remove(0);
    }
    while found.len() > 2 && found.last().is_some_and(|word| names.degrees.contains(word)) {
        found.pop();
    }
    (1..=MAX_WORDS).contains(&found.len()).then_some(found)
}

/// `Smith, Robert` is Robert Smith; `Robert Smith, PhD` stays.
fn reordered(shown: &str, rules: &Rulebook) -> String {
    let Some((head, tail)) = shown.split_once(',') else { return shown.to_owned() };
    let tail_words: Vec<String> =
        tail.split_whitespace().map(|w| w.replace('.', "").to_lowercase()).collect();
    let is_degree = |word: &String| rules.names.degrees.contains(word) || rules.names.titles.contains(word);
    let is_given = (1..=3).contains(&tail_words.len())
        && !tail.contains(',')
        && !tail_words.iter().any(is_degree)
        && head.split_whitespace().count() <= 3;
    if is_given { format!("{} {}", tail.trim(), head.trim()) } else { head.to_owned() }
}

/// `ü` as it is written where it cannot be: `ue`.
fn without_umlauts(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for c in name.nfc() {
        match c {
            'ä' | 'Ä' | 'æ' | 'Æ' => out.push_str("ae"),
            'ö' | 'Ö' | 'ø' | 'Ø' | 'œ' | 'Œ' => out.push_str("oe"),
            'ü' | 'Ü' => out.push_str("ue"),
            'å' | 'Å' => out.push_str("aa"),
            c => out.push(c),
        }
    }
    out
}

fn sorted(parts: &[&str]) -> String {
    let mut parts = parts.to_vec();
    parts.sort_unstable();
    parts.join(" ")
}

fn is_initial(part: &str) -> bool {
    part.chars().count() == 1
}

fn is_unspaced(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}' | '\u{20000}'..='\u{3ffff}')
}
