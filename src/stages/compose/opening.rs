//! How a personalized letter begins, and whether it leaves room for its owner.

use crate::domain::{Judgement, NoteKind};
use crate::rulebook::openings::{Kind, Openings, Wants};
use crate::rulebook::text::normalise;
use crate::stages::classify::ExampleFailure;

/// Below this confidence a letter says no more than thank you. A note for which
/// nothing spoke has 0.5, one for which the weakest signal spoke 0.64.
const SURE: f64 = 0.6;

/// What the note tells of, as far as a letter may say so.
#[derive(Clone, Copy, Debug, Default)]
pub struct Occasion<'a> {
    /// The kind that gives the first sentence; none: a plain thank-you.
    pub opening: Option<&'a Kind>,
    /// The kind that wants an answer only the owner can give.
    pub asks: Option<&'a Kind>,
}

/// What the note tells of, by the judgement's evidence and its words.
///
/// Doubt about the kind of note takes the opening away, never the room: who
/// was perhaps asked something should look.
pub fn occasion<'a>(note: Option<&str>, judgement: &Judgement, openings: &'a Openings) -> Occasion<'a> {
    let Some(note) = note.filter(|_| judgement.kind == NoteKind::Personalized) else {
        return Occasion::default();
    };
    let folded = normalise(note);
    let spoken: Vec<&str> =
        judgement.evidence.iter().filter_map(|evidence| evidence.rule.strip_prefix("notes/")).collect();
    let shown: Vec<&Kind> = openings.shown(folded.as_str(), &judgement.language, &spoken);
    Occasion {
        opening: shown.first().copied().filter(|_| judgement.confidence >= SURE),
        asks: shown.into_iter().find(|kind| kind.wants == Wants::Answer),
    }
}

/// Judges every example of every opening with `judge`: each must choose its own.
pub fn run_examples(openings: &Openings, judge: impl Fn(&str) -> Judgement) -> Vec<ExampleFailure> {
    let mut failures = Vec::new();
    for opening in openings.all() {
        for example in &opening.examples {
            let judgement = judge(&example.text);
            let got = occasion(Some(&example.text), &judgement, openings).opening;
            if got.is_some_and(|kind| kind.name == opening.kind) {
                continue;
            }
            failures.push(ExampleFailure {
                file: example.place.file.clone(),
                line: example.place.line,
                rule: format!("openings/{}", opening.kind),
                text: example.text.clone(),
                expected: "this opening".to_owned(),
                got: format!(
                    "{} ({} with confidence {:.2}, language {:?})",
                    got.map_or("a plain thank-you", |kind| kind.name.as_str()),
                    judgement.kind.as_str(),
                    judgement.confidence,
                    judgement.language
                ),
            });
        }
    }
    failures
}
