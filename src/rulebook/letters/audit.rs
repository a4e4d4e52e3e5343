//! Every letter with every opening, as `notyet rules test` reads them.

use std::collections::HashSet;

use super::trial::{self, Source};
use super::{Filling, Letters, MAX_WORDS, Rendered};
use crate::domain::{NoteKind, Problem};
use crate::rulebook::openings::Openings;

/// What an audit has read and what it did not like.
#[derive(Clone, Debug, Default)]
pub struct Audit {
    /// How many letters were rendered.
    pub rendered: usize,
    /// What is wrong with them, without repeats.
    pub problems: Vec<Problem>,
}

impl Letters {
    /// Renders every letter with every opening and every room, with and
    /// without whatever may be absent, and looks at length, leftovers, links
    /// and tone.
    pub fn audit(&self, openings: &Openings) -> Audit {
        let mut audit = Audit::default();
        for ((language, kind), path) in &self.names {
            let (Some(kind), Some((file, text))) = (NoteKind::parse(kind), self.sources.get(path)) else {
                continue;
            };
            let source = Source { file, text };
            let mut read = HashSet::new();
            for (opening, room) in variants(kind, language, openings) {
                for sample in trial::absences(&opening, &room) {
                    // What cannot be filled was refused at load.
                    let Ok(letter) = self.fill(path, &sample) else { continue };
                    audit.rendered += 1;
                    audit.add(faults(&letter, &sample, &source));
                    audit.add(self.tone_faults(&letter, &sample, language, &source, &mut read));
                }
            }
        }
        for opening in openings.all() {
            for (list, word) in
                self.tone_of(&opening.language, &format!("{}\n{}", opening.text, opening.room))
            {
                let key = format!("opening.{}", opening.kind);
                audit.add(vec![opening.place.problem(&key, found_in(word, list), TONE_RULE)]);
            }
        }
        audit
    }

    /// Words that the letter itself should not hold: the sentences of the
    /// openings are looked at where they stand. `read` are the texts that were
    /// looked at before, since most differ in their opening only.
    fn tone_faults(
        &self,
        letter: &Rendered,
        sample: &Filling<'_>,
        language: &str,
        source: &Source<'_>,
        read: &mut HashSet<String>,
    ) -> Vec<Problem> {
        let mut faults = Vec::new();
        let theirs = [sample.opening, sample.room].into_iter().filter(|text| !text.is_empty());
        let own = theirs.fold(letter.body.clone(), |body, text| body.replace(text, "\n"));
        let found = if read.insert(own.clone()) { self.tone_of(language, &own) } else { Vec::new() };
        for (list, word) in found {
            let line = source
                .lines()
                .find(|(_, line)| self.tone_of(language, line).iter().any(|(_, found)| *found == word));
            let line = line.map_or(0, |(number, _)| number);
            faults.push(source.problem(line, "", found_in(word, list), TONE_RULE));
        }
        faults
    }

    fn tone_of(&self, language: &str, text: &str) -> Vec<(&str, &str)> {
        let primary = language.split('-').next().unwrap_or_default();
        let tone = self.tones.get(language).or_else(|| self.tones.get(primary));
        tone.map(|tone| tone.found(text)).unwrap_or_default()
    }
}

/// Length, leftovers and links.
fn faults(letter: &Rendered, sample: &Filling<'_>, source: &Source<'_>) -> Vec<Problem> {
    let mut faults = trial::lint(letter, sample.room, source);
    let words = letter.body.split_whitespace().count();
    if words > MAX_WORDS {
        let found = format!("{words} words with the opening {:?}", sample.opening);
        faults.push(source.problem(0, "", found, &format!("at most {MAX_WORDS}, with every opening")));
    }
    for word in letter.body.split_whitespace().filter(|word| is_target(word)) {
        let own = [sample.link, sample.owner_address];
        if !own.contains(&word.trim_end_matches(['.', ',', ';', ':', '!', '?', ')'])) {
            let found = format!("{word:?}, a link of the letter's own");
            let allowed = "the only link is {{ link }}, the only address {{ owner_address }}";
            faults.push(source.problem(source.line_of(word), "", found, allowed));
        }
    }
    faults
}

const TONE_RULE: &str = "letters/LANGUAGE/tone.toml lists what no letter may hold";

fn found_in(word: &str, list: &str) -> String {
    format!("found {word:?} ({list})")
}

impl Audit {
    fn add(&mut self, faults: Vec<Problem>) {
        for fault in faults {
            if !self.problems.contains(&fault) {
                self.problems.push(fault);
            }
        }
    }
}

/// Every opening and room that a letter can have: none, and for personalized
/// ones each opening with no room and with each.
fn variants(kind: NoteKind, language: &str, openings: &Openings) -> Vec<(String, String)> {
    let mut texts = vec![String::new()];
    let mut rooms = vec![String::new()];
    if kind == NoteKind::Personalized {
        for opening in openings.kinds().iter().filter_map(|kind| openings.of(&kind.name, language)) {
            texts.push(opening.text.clone());
            if !opening.room.is_empty() {
                rooms.push(opening.room.clone());
            }
        }
    }
    texts.iter().flat_map(|text| rooms.iter().map(move |room| (text.clone(), room.clone()))).collect()
}

/// Whether a word of a letter leads somewhere.
fn is_target(word: &str) -> bool {
    let word = word.to_ascii_lowercase();
    word.contains("://") || word.contains("www.") || word.contains('@')
}
