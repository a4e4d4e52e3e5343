//! The networks' own default sentences, and what counts as one of them.

use std::cell::LazyCell;
use std::collections::{HashMap, HashSet};

use super::text::{self, words};

/// From this share of common character trigrams on (Dice's coefficient), a
/// sentence is a default sentence with a typo, a name or another verb in it.
const SIMILAR: f64 = 0.72;

/// A sentence may have at most so many words that its default sentence has not.
/// More of them say something of their own.
const MAX_OWN_WORDS: usize = 2;

/// All default sentences of all networks, ready to be compared with.
#[derive(Clone, Debug, Default)]
pub struct Boilerplate {
    defaults: Vec<Entry>,
    exact: HashMap<String, usize>,
    /// Which defaults hold a trigram, so that few have to be compared.
    by_trigram: HashMap<Trigram, Vec<usize>>,
}

/// Where a default sentence comes from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Match<'a> {
    /// The source it was compiled under, for example `linkedin.de`.
    pub source: &'a str,
    /// The language's primary tag.
    pub language: &'a str,
    /// 1 for equality after folding, else the share of common trigrams.
    pub similarity: f64,
}

type Trigram = [char; 3];

#[derive(Clone, Debug)]
struct Entry {
    source: String,
    language: String,
    words: HashSet<String>,
    trigrams: usize,
}

impl Boilerplate {
    /// Compiles default sentences, each with its language (`de`) or, to name
    /// the network too, with network and language (`linkedin.de`). A text of
    /// several sentences counts as a whole and sentence by sentence.
    pub fn compile<S: AsRef<str>, T: AsRef<str>>(defaults: impl Iterator<Item = (S, T)>) -> Self {
        let mut all = Self::default();
        for (source, default) in defaults {
            let folded = text::fold(default.as_ref());
            let parts = text::sentences(&folded);
            if parts.len() > 1 {
                for part in parts {
                    all.add(source.as_ref(), folded.get(part).unwrap_or_default());
                }
            }
            all.add(source.as_ref(), &folded);
        }
        all
    }

    /// How many sentences it holds.
    pub fn len(&self) -> usize {
        self.defaults.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.defaults.is_empty()
    }

    /// The default sentence that `sentence` (folded) is, if it is one.
    pub fn find(&self, sentence: &str) -> Option<Match<'_>> {
        let key = key(sentence);
        if let Some(default) = self.exact.get(&key).and_then(|i| self.defaults.get(*i)) {
            return Some(default.matched(1.0));
        }
        let trigrams = trigrams(&key);
        let mut common = vec![0_usize; self.defaults.len()];
        for index in trigrams.iter().filter_map(|t| self.by_trigram.get(t)).flatten() {
            if let Some(count) = common.get_mut(*index) {
                *count += 1;
            }
        }
        // Few sentences come near enough to a default to have their words compared.
        let own =
            LazyCell::new(|| words(sentence).into_iter().map(|(_, word)| word).collect::<HashSet<&str>>());
        self.defaults
            .iter()
            .zip(common)
            .enumerate()
            .filter_map(|(index, (default, common))| {
                let dice = 2.0 * common as f64 / (trigrams.len() + default.trigrams) as f64;
                (dice >= SIMILAR && default.covers(&own)).then_some((dice, index, default))
            })
            .max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)))
            .map(|(dice, _, default)| default.matched(dice))
    }

    fn add(&mut self, source: &str, folded: &str) {
        let key = key(folded);
        if key.is_empty() || self.exact.contains_key(&key) {
            return;
        }
        let index = self.defaults.len();
        let trigrams = trigrams(&key);
        let language = source.rsplit('.').next().unwrap_or(source);
        self.defaults.push(Entry {
            source: source.to_owned(),
            language: language.split('-').next().unwrap_or(language).to_owned(),
            words: words(folded).into_iter().map(|(_, w)| w.to_owned()).collect(),
            trigrams: trigrams.len(),
        });
        for trigram in trigrams {
            self.by_trigram.entry(trigram).or_default().push(index);
        }
        self.exact.insert(key, index);
    }
}

impl Entry {
    fn matched(&self, similarity: f64) -> Match<'_> {
        Match { source: &self.source, language: &self.language, similarity }
    }

    fn covers(&self, own: &HashSet<&str>) -> bool {
        let foreign = own
            .iter()
            .filter(|word| !self.words.contains(**word))
            .filter(|word| !self.words.iter().any(|known| is_slip(known, word)))
            .count();
        let digits = own.iter().any(|w| w.chars().any(|c| c.is_ascii_digit()) && !self.words.contains(*w));
        foreign <= MAX_OWN_WORDS && !digits
    }
}

/// The letters and digits alone, with single blanks: punctuation and quotes do not part sentences.
fn key(folded: &str) -> String {
    let mut key = String::with_capacity(folded.len());
    for (_, word) in words(folded) {
        if !key.is_empty() {
            key.push(' ');
        }
        key.push_str(word);
    }
    key
}

/// Each once.
fn trigrams(key: &str) -> Vec<Trigram> {
    let padded: Vec<char> = std::iter::once(' ').chain(key.chars()).chain(std::iter::once(' ')).collect();
    let mut all: Vec<Trigram> = padded.windows(3).filter_map(|w| <Trigram>::try_from(w).ok()).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// Whether one word is the other with another ending or one slip of the pen.
fn is_slip(known: &str, word: &str) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (known.chars().collect(), word.chars().collect());
    let shorter = a.len().min(b.len());
    if shorter < 4 {
        return false;
    }
    let head = a.iter().zip(&b).take_while(|(x, y)| x == y).count();
    let tail = a.iter().rev().zip(b.iter().rev()).take_while(|(x, y)| x == y).count();
    head + tail >= a.len().max(b.len()).saturating_sub(2) || head * 4 >= shorter * 3
}

#[cfg(test)]
mod tests {
    use super::*;

    fn defaults() -> Boilerplate {
        Boilerplate::compile(
            [
                ("net.en", "I'd like to add you to my professional network on Net."),
                ("net.de", "Ich möchte Sie gerne zu meinem beruflichen Netzwerk hinzufügen."),
            ]
            .into_iter(),
        )
    }

    fn found(sentence: &str) -> Option<String> {
        defaults().find(&text::fold(sentence)).map(|m| m.source.to_owned())
    }

    #[test]
    fn knows_a_default_in_another_dress() {
        assert_eq!(found("I’D LIKE to add you to my professional network on Net").as_deref(), Some("net.en"));
        assert_eq!(
            found("I would like to ad you to my profesional network on Net!").as_deref(),
            Some("net.en")
        );
        assert_eq!(
            found("Ich würde Sie gerne zu meinem berufl. Netzwerk hinzufügen").as_deref(),
            Some("net.de")
        );
    }

    #[test]
    fn leaves_a_sentence_with_words_of_its_own() {
        assert_eq!(found("I'd like to add you to my list of people who owe me a beer in Graz."), None);
        assert_eq!(found("Ich möchte Sie gerne zu meinem Geburtstag am Samstag einladen."), None);
        assert_eq!(found("Thanks for the boat."), None);
    }

    #[test]
    fn an_empty_set_matches_nothing() {
        assert!(Boilerplate::default().find("anything").is_none());
        assert!(Boilerplate::default().is_empty());
    }
}
