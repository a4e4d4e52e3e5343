//! A person's name as the forms it is found under.

use unicode_normalization::UnicodeNormalization;

use super::heard::{joined, transcribed};
use super::shown::{self, Reading, Shown};
use crate::domain::{PersonKey, Strength};
use crate::rulebook::Rulebook;
use crate::rulebook::text::{fold, is_word};

/// No display name is longer; what is longer is somebody's text.
const MAX_CHARS: usize = 120;
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

/// A display name in the ways it can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name {
    shown: Shown,
    /// All its letters: whoever is shown by the same ones may be the same,
    /// whatever a reader makes of them.
    letters: Vec<String>,
}

impl Name {
    /// The name in a display name; `None` where nothing is shown.
    pub(super) fn read(text: &str, rules: &Rulebook) -> Option<Self> {
        let mut name = Self { shown: Shown::default(), letters: Vec::new() };
        // As it is written, and as it is written where umlauts cannot be.
        for folded in spellings(text) {
            name.letters.push(letters(&folded));
            if text.chars().count() <= MAX_CHARS {
                let Shown { readings, pairs } = shown::read(&folded, rules);
                name.shown.readings.extend(readings);
                name.shown.pairs.extend(pairs);
            }
        }
        name.letters.retain(|letters| !letters.is_empty());
        (!name.letters.is_empty()).then_some(name)
    }

    /// `robert.smith` spells a name; `rsmith` does not.
    pub(super) fn of_local_part(local: &str, rules: &Rulebook) -> Self {
        let readings = shown::of_local_part(&fold(local), rules);
        Self { shown: Shown { readings, pairs: Vec::new() }, letters: Vec::new() }
    }

    /// Whether it shows more than one word of a name.
    pub(super) fn is_full(&self) -> bool {
        self.shown.readings.iter().any(|reading| reading.words.len() >= 2 || is_unspaced(&reading.words))
    }

    /// The forms this name is kept under, or asked for by.
    pub(super) fn keys(&self, side: Side, rules: &Rulebook) -> Vec<PersonKey> {
        let near = |text: String| PersonKey { strength: Strength::NearName, text };
        let mut found: Vec<PersonKey> =
            self.shown.readings.iter().flat_map(|reading| of_reading(reading, side, rules)).collect();
        let pairs = self.shown.pairs.iter();
        found.extend(pairs.map(|[one, other]| near(format!("pair:{}", sorted(&[one, other])))));
        found.extend(self.letters.iter().map(|letters| joined(letters)));
        found
    }
}

fn spellings(text: &str) -> Vec<String> {
    let mut found = vec![fold(text)];
    let spelled_out = fold(&without_umlauts(text));
    if !found.contains(&spelled_out) {
        found.push(spelled_out);
    }
    found
}

/// The letters of a folded text, or its signs where it has none.
fn letters(folded: &str) -> String {
    let letters: String = folded.chars().filter(|c| is_word(*c)).collect();
    if letters.is_empty() { folded.split_whitespace().collect() } else { letters }
}

fn of_reading(reading: &Reading, side: Side, rules: &Rulebook) -> Vec<PersonKey> {
    let words = &reading.words;
    let mut found = Vec::new();
    if is_unspaced(words) {
        found.push(unspaced(words));
    } else {
        spaced(words, side, rules, &mut found);
    }
    found.extend(transcribed(words, side));
    found.extend((words.len() >= 2).then(|| joined(&words.concat())));
    found.into_iter().map(|key| PersonKey { strength: key.strength.min(reading.at_most), ..key }).collect()
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
    let core = core(parts, rules);
    let (Some(first), true) = (core.first().copied(), core.len() >= 2) else {
        found.extend(core.first().map(|only| near(format!("name:{only}"))));
        return;
    };
    let long: Vec<&str> = core.iter().copied().filter(|part| !is_initial(part)).collect();
    // A middle initial is dropped as often as not; a first name that is one tells less.
    let told = if long.len() >= 2 { &long } else { &core };
    let strength = if long.len() >= 2 { Strength::Name } else { Strength::NearName };
    found.push(PersonKey { strength, text: format!("name:{}", sorted(told)) });
    // `De la Cruz Pedro` begins with a family name; `Ben Miller` does not.
    if let Some([_, rest @ ..]) = rules.nicknames.is_particle(first).then_some(told.as_slice())
        && rest.len() >= 2
    {
        found.push(PersonKey { strength, text: format!("name:{}", sorted(rest)) });
    }
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
    let Some(family_initial) = last.chars().next() else { return };
    // Networks show `Robert S.` to those who are not linked.
    let form = match (is_initial(first), is_initial(last), side) {
        (true, ..) => return,
        (_, true, Side::Asked) | (_, false, Side::Kept) => "last-full",
        (_, true, Side::Kept) | (_, false, Side::Asked) => "last-initial",
    };
    let second = others().next().and_then(|second| second.chars().next());
    let mut initials = vec![family_initial];
    initials.extend(second.filter(|second| *second != family_initial));
    found.extend(initials.iter().map(|initial| near(format!("{form}:{first} {initial}"))));
}

/// The words of a name without the small ones of surnames. The first is a given
/// name also where it looks like one of those: Ben, Al, Mac.
fn core<'a>(parts: &'a [String], rules: &Rulebook) -> Vec<&'a str> {
    let all = || parts.iter().map(String::as_str);
    let is_core = |(at, part): &(usize, &str)| *at == 0 || !rules.nicknames.is_particle(part);
    let core: Vec<&str> = all().enumerate().filter(is_core).map(|(_, part)| part).collect();
    if core.len() >= 2 { core } else { all().collect() }
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

pub(super) fn sorted(parts: &[&str]) -> String {
    let mut parts = parts.to_vec();
    parts.sort_unstable();
    parts.join(" ")
}

fn is_initial(part: &str) -> bool {
    part.chars().count() == 1
}

/// Written without blanks between the parts, so that there is one word.
fn is_unspaced(words: &[String]) -> bool {
    let mut letters = words.iter().flat_map(|word| word.chars()).filter(|c| c.is_alphabetic()).peekable();
    letters.peek().is_some() && letters.all(is_without_blanks)
}

fn is_without_blanks(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}' | '\u{20000}'..='\u{3ffff}')
}
