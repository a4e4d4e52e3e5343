//! `rules/notes/*.toml`, typed and compiled: what speaks for a note that was
//! written for one reader, and what for one that was written for anybody.

mod language;
mod pattern;
mod raw;

use std::collections::HashMap;
use std::ops::Range;

use regex::{Regex, RegexSet};
use toml::Spanned;

use crate::domain::problem::place;
use crate::domain::{NoteKind, Problem, Problems};

pub use language::{Language, Lexicon, Script};

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
    groups: HashMap<String, Group>,
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
    patterns: Vec<Regex>,
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

#[derive(Clone, Debug)]
struct Group {
    set: RegexSet,
    /// Signal and pattern index of each pattern in the set.
    owners: Vec<(usize, usize)>,
}

impl Notes {
    /// Compiles rules files (name as the user knows it, text).
    ///
    /// # Errors
    /// Every fault of every file; a file that is no TOML yields its first one.
    pub fn compile<N: AsRef<str>, T: AsRef<str>>(files: &[(N, T)]) -> Result<Self, Problems> {
        let mut builder = Builder::default();
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

    /// The likeliest language of a folded text, where a function word shows it.
    pub fn language(&self, folded: &str) -> Option<&Language> {
        let scored = language::guess(&self.languages, folded);
        let sure = match scored.as_slice() {
            [] => false,
            [_] => true,
            [first, second, ..] => first.1 > second.1,
        };
        scored.first().filter(|_| sure).map(|(language, _)| *language)
    }

    /// What is known of a language.
    pub fn words_of(&self, tag: &str) -> Option<&Language> {
        self.languages.iter().find(|language| language.tag == tag)
    }

    /// The words that are good in every language.
    pub fn common(&self) -> &Language {
        &self.common
    }

    /// All languages the rules know.
    pub fn all_languages(&self) -> &[Language] {
        &self.languages
    }

    /// All signals, in file order.
    pub fn signals(&self) -> &[Signal] {
        &self.signals
    }

    /// The signals of `languages` (and of all languages) in a folded text.
    pub fn hits<'a>(&'a self, folded: &str, languages: &[&Language]) -> Vec<Hit<'a>> {
        let mut hits: Vec<Hit<'a>> = Vec::new();
        let mut count: HashMap<usize, usize> = HashMap::new();
        let tags = std::iter::once(COMMON).chain(languages.iter().map(|l| l.tag.as_str()));
        for group in tags.filter_map(|tag| self.groups.get(tag)) {
            for (index, pattern) in group.set.matches(folded).iter().filter_map(|at| group.owners.get(at)) {
                let Some(signal) = self.signals.get(*index) else {
                    continue;
                };
                let seen = count.entry(*index).or_default();
                let found = signal.patterns.get(*pattern).and_then(|p| p.find(folded));
                if let Some(found) = found.filter(|_| *seen < signal.at_most) {
                    *seen += 1;
                    hits.push(Hit { signal, span: found.range() });
                }
            }
        }
        hits
    }
}

#[derive(Default)]
struct Builder {
    languages: Vec<Language>,
    signals: Vec<Signal>,
    /// Per language tag: translated patterns and their owners.
    groups: HashMap<String, (Vec<String>, Vec<(usize, usize)>)>,
    problems: Vec<Problem>,
}

impl Builder {
    fn file(&mut self, name: &str, text: &str) {
        let raw: raw::File = match toml::from_str(text) {
            Ok(raw) => raw,
            Err(error) => {
                let at = error.span().map_or(0, |span| span.start);
                self.wrong(
                    Source { name, text },
                    at,
                    "",
                    error.message().to_owned(),
                    "language, script, [words] and [[signal]] as rules/README.md shows them",
                );
                return;
            }
        };
        let source = Source { name, text };
        let tag = raw.language.as_ref().map(|l| l.get_ref().clone());
        if let Some(tag) = &raw.language {
            if !is_primary_tag(tag.get_ref()) {
                self.wrong(
                    source,
                    tag.span().start,
                    "language",
                    format!("\"{}\"", tag.get_ref()),
                    "a primary language tag of two or three small letters, for example \"de\"",
                );
                return;
            }
        }
        self.words(source, tag.as_deref().unwrap_or(COMMON), raw.script.as_ref(), &raw.words);
        let stem = name.rsplit('/').next().unwrap_or(name);
        let stem = stem.strip_suffix(".toml").unwrap_or(stem);
        for signal in &raw.signal {
            self.signal(source, stem, tag.as_deref(), signal);
        }
    }

    fn words(&mut self, source: Source<'_>, tag: &str, script: Option<&Spanned<String>>, raw: &raw::Words) {
        let known = Script::ALL.iter().find(|(name, _)| script.is_none_or(|s| s.get_ref() == name));
        let Some((_, script)) = known else {
            let names: Vec<&str> = Script::ALL.iter().map(|(name, _)| *name).collect();
            if let Some(script) = script {
                self.wrong(
                    source,
                    script.span().start,
                    "script",
                    format!("\"{}\"", script.get_ref()),
                    &format!("one of {}", names.join(", ")),
                );
            }
            return;
        };
        if !self.languages.iter().any(|language| language.tag == tag) {
            self.languages.push(Language::new(tag, *script));
        }
        let Some(language) = self.languages.iter_mut().find(|language| language.tag == tag) else {
            return;
        };
        for (lexicon, entries) in [
            (&mut language.stop, &raw.stop),
            (&mut language.greeting, &raw.greeting),
            (&mut language.closing, &raw.closing),
            (&mut language.title, &raw.title),
            (&mut language.smalltalk, &raw.smalltalk),
        ] {
            // One string may hold many entries, parted by commas.
            for entry in entries.iter().flat_map(|e| e.get_ref().split(',')) {
                lexicon.add(entry.trim());
            }
        }
    }

    fn signal(&mut self, source: Source<'_>, stem: &str, tag: Option<&str>, raw: &raw::Signal) {
        let key = format!("signal.{}", raw.name.get_ref());
        let before = self.problems.len();
        let side = self.side(source, &raw.side, &format!("{key}.side"));
        let weight = *raw.weight.get_ref();
        if !(weight > 0.0 && weight <= 5.0) {
            self.wrong(
                source,
                raw.weight.span().start,
                &format!("{key}.weight"),
                weight.to_string(),
                "a number above 0 and at most 5",
            );
        }
        if raw.name.get_ref().is_empty()
            || !raw.name.get_ref().chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        {
            self.wrong(
                source,
                raw.name.span().start,
                "signal.name",
                format!("\"{}\"", raw.name.get_ref()),
                "small letters, digits and -",
            );
        }
        if let Some(at_most) = raw.at_most.as_ref().filter(|n| *n.get_ref() == 0) {
            self.wrong(source, at_most.span().start, &format!("{key}.at_most"), "0".to_owned(), "1 or more");
        }
        for tag in raw.languages.iter().filter(|tag| !is_primary_tag(tag.get_ref())) {
            self.wrong(
                source,
                tag.span().start,
                &format!("{key}.languages"),
                format!("\"{}\"", tag.get_ref()),
                "primary language tags, for example [\"de\", \"nl\"]",
            );
        }
        if raw.patterns.is_empty() {
            self.wrong(
                source,
                raw.name.span().start,
                &format!("{key}.patterns"),
                "none".to_owned(),
                "at least one pattern",
            );
        }
        let mut patterns = Vec::new();
        let mut sources = Vec::new();
        for written in &raw.patterns {
            match pattern::compile(written.get_ref()) {
                Ok((regex, translated)) => {
                    patterns.push(regex);
                    sources.push(translated);
                }
                Err(wrong) => self.wrong(
                    source,
                    written.span().start,
                    &format!("{key}.patterns"),
                    wrong.found,
                    wrong.allowed,
                ),
            }
        }
        let examples = raw
            .examples
            .iter()
            .filter_map(|example| {
                Some(Example {
                    text: example.text.get_ref().clone(),
                    expect: self.side(source, &example.expect, &format!("{key}.examples.expect"))?,
                    file: source.name.to_owned(),
                    line: place(source.text, example.text.span().start).0,
                })
            })
            .collect();
        let Some(side) = side.filter(|_| self.problems.len() == before) else {
            return;
        };
        let languages: Vec<String> = if raw.languages.is_empty() {
            tag.map(str::to_owned).into_iter().collect()
        } else {
            raw.languages.iter().map(|tag| tag.get_ref().clone()).collect()
        };
        let index = self.signals.len();
        let everywhere = [COMMON.to_owned()];
        let into = if languages.is_empty() { &everywhere[..] } else { &languages };
        for tag in into {
            let (all, owners) = self.groups.entry(tag.clone()).or_default();
            all.extend(sources.iter().cloned());
            owners.extend((0..patterns.len()).map(|at| (index, at)));
        }
        self.signals.push(Signal {
            rule: format!("{stem}.{}", raw.name.get_ref()),
            side,
            weight,
            at_most: raw.at_most.as_ref().map_or(1, |n| *n.get_ref()),
            why: raw.why.clone(),
            examples,
            languages,
            patterns,
        });
    }

    fn side(&mut self, source: Source<'_>, written: &Spanned<String>, key: &str) -> Option<NoteKind> {
        let side = [NoteKind::Generic, NoteKind::Personalized]
            .into_iter()
            .find(|kind| kind.as_str() == written.get_ref());
        if side.is_none() {
            self.wrong(
                source,
                written.span().start,
                key,
                format!("\"{}\"", written.get_ref()),
                "\"generic\" or \"personalized\"",
            );
        }
        side
    }

    fn wrong(&mut self, source: Source<'_>, at: usize, key: &str, found: String, allowed: &str) {
        let (line, column) = place(source.text, at);
        self.problems.push(Problem {
            file: source.name.to_owned(),
            line,
            column,
            key: key.to_owned(),
            found,
            allowed: allowed.to_owned(),
        });
    }

    fn finish(mut self) -> Result<Notes, Problems> {
        let mut groups = HashMap::new();
        for (tag, (sources, owners)) in std::mem::take(&mut self.groups) {
            match pattern::set(&sources) {
                Ok(set) => {
                    groups.insert(tag, Group { set, owners });
                }
                Err(_) => self.problems.push(Problem {
                    file: "rules/notes".to_owned(),
                    line: 0,
                    column: 0,
                    key: "signal.patterns".to_owned(),
                    found: format!("the patterns for language \"{tag}\" are too large together"),
                    allowed: "fewer or simpler patterns".to_owned(),
                }),
            }
        }
        if self.problems.is_empty() {
            let (mut common, languages) =
                self.languages.into_iter().partition::<Vec<_>, _>(|l| l.tag == COMMON);
            let common = common.pop().unwrap_or_else(|| Language::new(COMMON, Script::Latin));
            Ok(Notes { common, languages, signals: self.signals, groups })
        } else {
            Err(Problems(self.problems))
        }
    }
}

#[derive(Clone, Copy)]
struct Source<'a> {
    name: &'a str,
    text: &'a str,
}

fn is_primary_tag(tag: &str) -> bool {
    (2..=3).contains(&tag.len()) && tag.bytes().all(|b| b.is_ascii_lowercase())
}
