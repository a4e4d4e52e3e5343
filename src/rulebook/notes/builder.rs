//! From rules files to compiled [`Notes`], with every fault at its place.

use std::collections::HashMap;

use toml::Spanned;

use super::caution::{Caution, CautionExample, Cautions, Expect};
use super::language::{Language, Script};
use super::pattern::Pattern;
use super::{COMMON, Example, Group, Notes, Reads, Signal, raw};
use crate::domain::problem::place;
use crate::domain::{NoteKind, Problem, Problems};
use crate::rulebook::weights::Weights;

/// Collects the files' contents, and everything that is wrong with them.
#[derive(Default)]
pub(super) struct Builder {
    languages: Vec<Language>,
    signals: Vec<Signal>,
    cautions: Vec<Caution>,
    /// Per part of the note and language tag.
    groups: HashMap<Reads, HashMap<String, Group>>,
    problems: Vec<Problem>,
}

impl Builder {
    pub(super) fn file(&mut self, name: &str, text: &str) {
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
        if let Some(tag) = &raw.language
            && !is_primary_tag(tag.get_ref())
        {
            self.wrong(
                source,
                tag.span().start,
                "language",
                format!("\"{}\"", tag.get_ref()),
                "a primary language tag of two or three small letters, for example \"de\"",
            );
            return;
        }
        self.words(source, tag.as_deref().unwrap_or(COMMON), raw.script.as_ref(), &raw.words);
        let stem = name.rsplit('/').next().unwrap_or(name);
        let stem = stem.strip_suffix(".toml").unwrap_or(stem);
        for signal in &raw.signal {
            self.signal(source, stem, tag.as_deref(), signal);
        }
        for caution in &raw.caution {
            self.caution(source, stem, caution);
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
        if let Some(letters) = &raw.letters {
            language.letters.get_or_insert_default().extend(letters.chars().flat_map(char::to_lowercase));
        }
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
        self.name(source, &raw.name, "signal.name");
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
        let patterns = self.patterns(source, &raw.name, &raw.patterns, &key);
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
        let reads = match &raw.reads {
            None => Reads::Body,
            Some(written) => {
                let known = Reads::ALL.into_iter().find(|(name, _)| name == written.get_ref());
                if known.is_none() {
                    self.wrong(
                        source,
                        written.span().start,
                        &format!("{key}.reads"),
                        format!("\"{}\"", written.get_ref()),
                        "\"body\" or \"whole\"",
                    );
                }
                known.map_or(Reads::Body, |(_, reads)| reads)
            }
        };
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
            let group = self.groups.entry(reads).or_default().entry(tag.clone()).or_default();
            group.owners.extend((0..patterns.len()).map(|at| (index, at)));
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

    fn caution(&mut self, source: Source<'_>, stem: &str, raw: &raw::Caution) {
        let key = format!("caution.{}", raw.name.get_ref());
        let before = self.problems.len();
        self.name(source, &raw.name, "caution.name");
        if raw.about.get_ref().trim().is_empty() {
            let allowed = "what it speaks of, for example \"a matter of law\"";
            let at = raw.about.span().start;
            self.wrong(source, at, &format!("{key}.about"), "nothing".to_owned(), allowed);
        }
        let patterns = self.patterns(source, &raw.name, &raw.patterns, &key);
        if self.problems.len() > before {
            return;
        }
        let example = |expect: Expect| {
            move |text: &Spanned<String>| CautionExample {
                text: text.get_ref().clone(),
                expect,
                file: source.name.to_owned(),
                line: place(source.text, text.span().start).0,
            }
        };
        let caught = raw.examples.iter().map(example(Expect::Caught));
        let examples = caught.chain(raw.passes.iter().map(example(Expect::Passed))).collect();
        let rule = format!("{stem}.{}", raw.name.get_ref());
        self.cautions.push(Caution::new(rule, raw.about.get_ref().clone(), examples, patterns));
    }

    fn name(&mut self, source: Source<'_>, name: &Spanned<String>, key: &str) {
        let is_part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if name.get_ref().is_empty() || !name.get_ref().chars().all(is_part) {
            let found = format!("\"{}\"", name.get_ref());
            self.wrong(source, name.span().start, key, found, "small letters, digits and -");
        }
    }

    /// The patterns that compile; the others are told, and so is when there is none.
    fn patterns(
        &mut self,
        source: Source<'_>,
        name: &Spanned<String>,
        written: &[Spanned<String>],
        key: &str,
    ) -> Vec<Pattern> {
        let key = format!("{key}.patterns");
        if written.is_empty() {
            self.wrong(source, name.span().start, &key, "none".to_owned(), "at least one pattern");
        }
        let mut patterns = Vec::new();
        for written in written {
            match Pattern::check(written.get_ref()) {
                Ok(pattern) => patterns.push(pattern),
                Err(wrong) => {
                    self.wrong(source, written.span().start, &key, wrong.found, wrong.allowed);
                }
            }
        }
        patterns
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

    pub(super) fn finish(self) -> Result<Notes, Problems> {
        if self.problems.is_empty() {
            let (mut common, languages) =
                self.languages.into_iter().partition::<Vec<_>, _>(|l| l.tag == COMMON);
            let common = common.pop().unwrap_or_else(|| Language::new(COMMON, Script::Latin));
            Ok(Notes {
                common,
                languages,
                signals: self.signals,
                cautions: Cautions::new(self.cautions),
                groups: self.groups,
                weights: Weights::default(),
            })
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
