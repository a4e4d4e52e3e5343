//! `rules/notes/*.toml`, typed and compiled: what speaks for a note that was
//! written for one reader, and what for one that was written for anybody.

mod builder;
mod caution;
mod foreign;
mod language;
pub(in crate::rulebook) mod pattern;
mod raw;

use std::collections::HashMap;
use std::ops::Range;
use std::sync::OnceLock;

use regex::RegexSet;

use super::prose::without_addresses;
use super::weights::Weights;
use crate::domain::{NoteKind, Problems};

use caution::Cautions;
pub use caution::{Caution, CautionExample, Expect, Warned};
pub use language::{Language, Lexicon, Script};
use pattern::Pattern;

/// The tag of words and signals that are good in every language.
const COMMON: &str = "";

/// Below this share of the best score a language is no candidate any more.
const CANDIDATE_SHARE: f64 = 0.55;

/// The compiled rules on notes.
#[derive(Clone, Debug)]
pub struct Notes {
    common: Language,
    languages: Vec<Language>,
    signals: Vec<Signal>,
    cautions: Cautions,
    groups: HashMap<Reads, HashMap<String, Group>>,
    weights: Weights,
}

/// One signal: patterns that speak for one side.
#[derive(Clone, Debug)]
pub struct Signal {
    /// `file stem.name`, for example `de.offer`; evidence shows it as `notes/de.offer`.
    pub rule: String,
    /// What it speaks for.
    pub side: NoteKind,
    /// How strongly, above 0 and at most 5; added once per pattern that matches.
    pub weight: f64,
    /// How many of its patterns count.
    pub at_most: usize,
    /// Why it does, for people.
    pub why: String,
    /// Notes with their right verdict.
    pub examples: Vec<Example>,
    /// Primary tags of the languages it is for; empty: all.
    pub languages: Vec<String>,
    patterns: Vec<Pattern>,
}

/// What part of a note a signal looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reads {
    /// What the writer has to say: no greeting, no sign-off, no default sentence.
    Body,
    /// All of it: for what a machine may leave in a greeting.
    Whole,
}

impl Reads {
    const ALL: [(&'static str, Self); 2] = [("body", Self::Body), ("whole", Self::Whole)];
}

/// A note in a rules file with its right verdict.
#[derive(Clone, Debug)]
pub struct Example {
    /// The note.
    pub text: String,
    /// The right verdict.
    pub expect: NoteKind,
    /// The file it stands in.
    pub file: String,
    /// The line it stands on, from 1.
    pub line: usize,
}

/// A signal that was found in a note.
#[derive(Clone, Debug)]
pub struct Hit<'a> {
    /// The signal.
    pub signal: &'a Signal,
    /// Where its pattern matched, in bytes of the folded text.
    pub span: Range<usize>,
}

/// All patterns of one language that read one part of a note.
#[derive(Clone, Debug, Default)]
struct Group {
    /// Signal and pattern index of each.
    owners: Vec<(usize, usize)>,
    /// All of them as one automaton, made when the first note of that language comes.
    set: OnceLock<Option<RegexSet>>,
}

impl Notes {
    /// Compiles rules files (name as the user knows it, text).
    ///
    /// # Errors
    /// Every fault of every file; a file that is no TOML yields its first one.
    pub fn compile<N: AsRef<str>, T: AsRef<str>>(files: &[(N, T)]) -> Result<Self, Problems> {
        let mut builder = builder::Builder::default();
        for (name, text) in files {
            builder.file(name.as_ref(), text.as_ref());
        }
        builder.finish()
    }

    /// The languages a folded text may be in, likeliest first; empty for a
    /// text without letters.
    pub fn languages(&self, folded: &str) -> Vec<&Language> {
        let scored = language::guess(&self.languages, folded);
        let best = scored.first().map_or(0.0, |(_, score)| *score);
        scored
            .into_iter()
            .filter(|(_, score)| *score >= best * CANDIDATE_SHARE)
            .map(|(language, _)| language)
            .collect()
    }

    /// The likeliest language of a folded text, where a function word shows it:
    /// one outside of addresses, which are written in no language.
    pub fn language(&self, folded: &str) -> Option<&Language> {
        let scored = language::guess(&self.languages, &without_addresses(folded));
        let sure = match scored.as_slice() {
            [] => false,
            [_] => true,
            [first, second, ..] => first.1 > second.1,
        };
        scored.first().filter(|_| sure).map(|(language, _)| *language)
    }

    /// Whether a folded text is in none of the languages that the rules know.
    /// `written` gives a part of it as it was written: marks tell languages apart.
    pub fn is_foreign<'a>(&self, folded: &str, written: &dyn Fn(Range<usize>) -> &'a str) -> bool {
        foreign::is_foreign(self, &without_addresses(folded), written)
    }

    /// What is known of a language.
    pub fn words_of(&self, tag: &str) -> Option<&Language> {
        self.languages.iter().find(|language| language.tag == tag)
    }

    /// The words that are good in every language.
    pub fn common(&self) -> &Language {
        &self.common
    }

    /// The same rules with what was learned from labelled notes.
    #[must_use]
    pub fn with_weights(self, weights: Weights) -> Self {
        Self { weights, ..self }
    }

    /// What was learned from labelled notes.
    pub fn weights(&self) -> &Weights {
        &self.weights
    }

    /// All signals, in file order.
    pub fn signals(&self) -> &[Signal] {
        &self.signals
    }

    /// All cautions, in file order.
    pub fn cautions(&self) -> &[Caution] {
        &self.cautions.all
    }

    /// The cautions that speak up on a folded text, whatever language it is in.
    pub fn warned<'a>(&'a self, folded: &str) -> Vec<Warned<'a>> {
        self.cautions.warned(folded)
    }

    /// The signals of `languages` (and of all languages) in a folded text that
    /// is the part of a note that `reads` says.
    pub fn hits<'a>(&'a self, folded: &str, reads: Reads, languages: &[&Language]) -> Vec<Hit<'a>> {
        let mut hits: Vec<Hit<'a>> = Vec::new();
        let mut count: HashMap<usize, usize> = HashMap::new();
        let tags = std::iter::once(COMMON).chain(languages.iter().map(|l| l.tag.as_str()));
        let groups = self.groups.get(&reads);
        for group in tags.filter_map(|tag| groups?.get(tag)) {
            let set = group.set.get_or_init(|| pattern::set(self.sources(group)));
            let matched: Vec<usize> = match set {
                Some(set) => set.matches(folded).iter().collect(),
                None => (0..group.owners.len()).collect(),
            };
            for (index, pattern) in matched.into_iter().filter_map(|at| group.owners.get(at)) {
                let Some(signal) = self.signals.get(*index) else {
                    continue;
                };
                let seen = count.entry(*index).or_default();
                if *seen < signal.at_most
                    && let Some(span) = signal.patterns.get(*pattern).and_then(|one| one.find(folded))
                {
                    *seen += 1;
                    hits.push(Hit { signal, span });
                }
            }
        }
        hits
    }

    fn sources<'a>(&'a self, group: &'a Group) -> impl Iterator<Item = &'a str> {
        group
            .owners
            .iter()
            .filter_map(|(signal, pattern)| Some(self.signals.get(*signal)?.patterns.get(*pattern)?.source()))
    }

    /// Signals and cautions with a pattern larger than a pattern may be: it
    /// would never match. Compiles everything, which takes a moment.
    pub fn too_large(&self) -> Vec<&str> {
        let is_too_large = |signal: &&Signal| signal.patterns.iter().any(Pattern::is_too_large);
        let signals = self.signals.iter().filter(is_too_large).map(|signal| signal.rule.as_str());
        let cautions = self.cautions.all.iter().filter(|caution| caution.is_too_large());
        signals.chain(cautions.map(|caution| caution.rule.as_str())).collect()
    }
}
