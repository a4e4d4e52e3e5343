//! The examples inside the rules files, put to the test.

use super::{NoteContext, classify};
use crate::domain::NoteKind;
use crate::rulebook::boilerplate::Boilerplate;
use crate::rulebook::notes::{Expect, Notes};

/// An example that did not come out as its file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExampleFailure {
    /// The rules file.
    pub file: String,
    /// The example's line, from 1.
    pub line: usize,
    /// The signal it belongs to.
    pub rule: String,
    /// The example.
    pub text: String,
    /// What the file expects.
    pub expected: String,
    /// What came out.
    pub got: String,
}

/// Judges every example of every signal. An example for the signal's own side
/// must also be one that the signal speaks up on. Then those of the cautions.
pub fn run_examples(notes: &Notes, defaults: &Boilerplate) -> Vec<ExampleFailure> {
    let context = NoteContext::bare(defaults);
    let mut failures = Vec::new();
    for signal in notes.signals() {
        let rule = format!("notes/{}", signal.rule);
        for example in &signal.examples {
            let got = classify(Some(&example.text), &context, notes);
            let silent = example.expect == signal.side && !got.evidence.iter().any(|e| e.rule == rule);
            if got.kind == example.expect && !silent {
                continue;
            }
            let mut words = String::from(got.kind.as_str());
            if silent {
                words.push_str(", and the signal did not match");
            }
            failures.push(ExampleFailure {
                file: example.file.clone(),
                line: example.line,
                rule: rule.clone(),
                text: example.text.clone(),
                expected: expected(example.expect, signal.side),
                got: words,
            });
        }
    }
    for caution in notes.cautions() {
        let rule = format!("notes/{}", caution.rule);
        for example in &caution.examples {
            let got = classify(Some(&example.text), &context, notes);
            let spoke = got.evidence.iter().any(|e| e.rule == rule);
            if spoke == (example.expect == Expect::Caught) {
                continue;
            }
            let words = |spoke: bool| if spoke { "the caution" } else { "no such caution" }.to_owned();
            failures.push(ExampleFailure {
                file: example.file.clone(),
                line: example.line,
                rule: rule.clone(),
                text: example.text.clone(),
                expected: words(!spoke),
                got: words(spoke),
            });
        }
    }
    failures
}

fn expected(kind: NoteKind, side: NoteKind) -> String {
    if kind == side { format!("{}, by this signal", kind.as_str()) } else { kind.as_str().to_owned() }
}
