//! What is known of a language's words, and which language a note is in.

use std::collections::HashSet;

use crate::rulebook::text::{is_word, words};

/// Below it are Latin letters, and marks that folding takes off.
const FIRST_UNFOLDED: char = '\u{370}';

/// How a language is written: decides which languages a note can be in at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Script {
    /// Latin letters.
    Latin,
    /// Cyrillic letters.
    Cyrillic,
    /// Greek letters.
    Greek,
    /// Arabic letters.
    Arabic,
    /// Hebrew letters.
    Hebrew,
    /// Devanagari.
    Devanagari,
    /// Han characters without kana.
    Han,
    /// Kana, with or without Han characters.
    Kana,
    /// Hangul.
    Hangul,
    /// Thai.
    Thai,
}

impl Script {
    pub(super) const ALL: [(&'static str, Self); 10] = [
        ("latin", Self::Latin),
        ("cyrillic", Self::Cyrillic),
        ("greek", Self::Greek),
        ("arabic", Self::Arabic),
        ("hebrew", Self::Hebrew),
        ("devanagari", Self::Devanagari),
        ("han", Self::Han),
        ("kana", Self::Kana),
        ("hangul", Self::Hangul),
        ("thai", Self::Thai),
    ];

    fn of_char(c: char) -> Option<Self> {
        Some(match c {
            'a'..='z' => Self::Latin,
            '\u{370}'..='\u{3ff}' => Self::Greek,
            '\u{400}'..='\u{52f}' => Self::Cyrillic,
            '\u{590}'..='\u{5ff}' => Self::Hebrew,
            '\u{600}'..='\u{6ff}' | '\u{750}'..='\u{77f}' => Self::Arabic,
            // Its full stops serve other scripts, too.
            '\u{964}' | '\u{965}' => return None,
            '\u{900}'..='\u{97f}' => Self::Devanagari,
            '\u{e00}'..='\u{e7f}' => Self::Thai,
            '\u{3040}'..='\u{30ff}' => Self::Kana,
            '\u{3400}'..='\u{9fff}' | '\u{20000}'..='\u{3ffff}' => Self::Han,
            '\u{1100}'..='\u{11ff}' | '\u{3130}'..='\u{318f}' | '\u{ac00}'..='\u{d7af}' => Self::Hangul,
            _ => return None,
        })
    }

    /// The script of a folded text: the one most of its letters belong to,
    /// where a few kana or Hangul outweigh Han and foreign brand names do not count much;
    /// none where most are of a script that no rule can name.
    pub fn of(folded: &str) -> Option<Self> {
        let mut count = [0_usize; Self::ALL.len()];
        for script in folded.chars().filter_map(Self::of_char) {
            // A syllable or an ideogram stands for several Latin letters.
            let weight = match script {
                Self::Han | Self::Kana | Self::Hangul => 4,
                Self::Latin => 1,
                _ => 2,
            };
            if let Some(slot) = count.get_mut(script as usize) {
                *slot += weight;
            }
        }
        let [.., han, kana, _, _] = count;
        if kana > 0
            && kana * 8 >= han
            && let Some(slot) = count.get_mut(Self::Kana as usize)
        {
            *slot += han;
        }
        let (best, most) = count.iter().enumerate().max_by_key(|(at, n)| (**n, usize::MAX - at))?;
        let is_other = |c: &char| *c >= FIRST_UNFOLDED && c.is_alphabetic() && Self::of_char(*c).is_none();
        let other = 2 * folded.chars().filter(is_other).count();
        (*most > 0 && *most >= other).then(|| Self::ALL.get(best).map(|(_, script)| *script))?
    }

    /// Whether words are not parted by blanks.
    pub fn is_unspaced(self) -> bool {
        matches!(self, Self::Han | Self::Kana | Self::Thai)
    }
}

/// The words of one language that rules know, all folded.
#[derive(Clone, Debug)]
pub struct Language {
    /// BCP 47 primary tag.
    pub tag: String,
    /// How it is written.
    pub script: Script,
    /// Its letters beyond a to z, small; none: any.
    pub letters: Option<HashSet<char>>,
    /// Function words: they tell the language, and they say nothing of their own.
    pub stop: Lexicon,
    /// What letters begin with: `hi`, `guten tag`.
    pub greeting: Lexicon,
    /// What letters end with: `best regards`, `mfg`.
    pub closing: Lexicon,
    /// What may stand beside a name: `mr`, `frau`, `様`.
    pub title: Lexicon,
    /// The vocabulary of making contacts: a note of these words alone is generic.
    pub smalltalk: Lexicon,
}

impl Language {
    pub(super) fn new(tag: &str, script: Script) -> Self {
        Self {
            tag: tag.to_owned(),
            script,
            letters: None,
            stop: Lexicon::default(),
            greeting: Lexicon::default(),
            closing: Lexicon::default(),
            title: Lexicon::default(),
            smalltalk: Lexicon::default(),
        }
    }
}

/// Folded words and phrases; one that was written with a final `*` is a stem.
#[derive(Clone, Debug, Default)]
pub struct Lexicon {
    whole: HashSet<String>,
    stems: HashSet<String>,
    /// In bytes, of the stems: no more of a word is looked at for one.
    longest_stem_bytes: usize,
    /// In words for spaced scripts, in characters for unspaced ones.
    longest_chars: usize,
    longest_words: usize,
}

impl Lexicon {
    pub(super) fn add(&mut self, entry: &str) {
        let (word, stem) = match entry.strip_suffix('*') {
            Some(stem) => (stem, true),
            None => (entry, false),
        };
        let folded = words(&crate::rulebook::text::fold(word))
            .into_iter()
            .map(|(_, word)| word.to_owned())
            .collect::<Vec<_>>();
        let phrase = folded.join(" ");
        if phrase.is_empty() {
            return;
        }
        self.longest_chars = self.longest_chars.max(phrase.chars().count());
        self.longest_words = self.longest_words.max(folded.len());
        if stem {
            self.longest_stem_bytes = self.longest_stem_bytes.max(phrase.len());
            self.stems.insert(phrase);
        } else {
            self.whole.insert(phrase);
        }
    }

    /// Whether a folded word or phrase is in it.
    pub fn holds(&self, word: &str) -> bool {
        self.whole.contains(word)
            || (!self.stems.is_empty()
                && word
                    .char_indices()
                    .map(|(at, c)| at + c.len_utf8())
                    .take_while(|end| *end <= self.longest_stem_bytes)
                    .any(|end| word.get(..end).is_some_and(|head| self.stems.contains(head))))
    }

    /// How many words of `found`, from the first, are an entry; the longest entry wins.
    pub fn holds_head(&self, found: &[&str]) -> usize {
        (1..=self.longest_words.min(found.len()))
            .rev()
            .find(|n| found.get(..*n).is_some_and(|head| self.holds(&head.join(" "))))
            .unwrap_or(0)
    }

    /// For unspaced scripts: how many bytes of `text`, from the first, are an entry.
    pub fn holds_prefix(&self, text: &str) -> usize {
        text.char_indices()
            .take(self.longest_chars)
            .map(|(at, c)| at + c.len_utf8())
            .filter(|end| {
                text.get(..*end).is_some_and(|head| self.whole.contains(head) || self.stems.contains(head))
            })
            .last()
            .unwrap_or(0)
    }
}

/// The languages a folded text may be in, likeliest first, with their scores
/// (share of its words that are function words of the language).
pub(super) fn guess<'a>(languages: &'a [Language], folded: &str) -> Vec<(&'a Language, f64)> {
    let Some(script) = Script::of(folded) else {
        return Vec::new();
    };
    let found: Vec<&str> = words(folded).into_iter().map(|(_, word)| word).collect();
    let mut scored: Vec<(&Language, f64)> = languages
        .iter()
        .filter(|language| language.script == script)
        .map(|language| {
            let hits = if script.is_unspaced() {
                folded
                    .char_indices()
                    .filter(|(_, c)| is_word(*c))
                    .filter(|(at, _)| {
                        folded.get(*at..).is_some_and(|rest| language.stop.holds_prefix(rest) > 0)
                    })
                    .count()
            } else {
                found.iter().filter(|word| language.stop.holds(word)).count()
            };
            (language, hits as f64 / found.len().max(1) as f64)
        })
        .collect();
    scored.sort_by(|a, b| b.1.total_cmp(&a.1));
    scored
}
