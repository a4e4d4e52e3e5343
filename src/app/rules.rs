//! Looking after the rules: examples, ejecting, scores on labelled mail.

use std::path::{Path, PathBuf};

use crate::domain::{Fault, Judgement, NoteKind, Notice, RawMail};
pub use crate::rulebook::letters::Audit;
use crate::rulebook::notes::Signal;
use crate::rulebook::openings::Opening;
use crate::rulebook::{RuleFiles, Rulebook};
use crate::shell::files;
pub use crate::shell::files::is_there;
pub use crate::stages::classify::{Cell, ExampleFailure, ScoreTable};
use crate::stages::classify::{
    LabelledNote, Lesson, NoteContext, classify, learn, read_labelled, read_lessons, run_examples, score,
};
use crate::stages::compose::opening::{self, Occasion};
use crate::stages::identify;

const MAX_FILE_BYTES: u64 = 16 * 1024 * 1024;

/// Runs the examples inside the rule files: of signals and cautions, then of openings.
pub fn test(rules: &Rulebook) -> Vec<ExampleFailure> {
    let mut failures = run_examples(&rules.notes, &rules.boilerplate);
    failures.extend(opening::run_examples(&rules.openings, |note| judge_note(note, rules)));
    failures
}

/// Reads every letter with every opening.
pub fn audit_letters(rules: &Rulebook) -> Audit {
    rules.letters.audit(&rules.openings)
}

/// Writes the shipped rules into `dir`, which must be new or empty; answers how many files.
///
/// # Errors
/// [`Fault::NeedsHuman`] naming the folder.
pub fn eject(dir: &Path) -> Result<usize, Fault> {
    files::make_new(dir)?;
    let shipped = RuleFiles::shipped();
    for (path, text) in shipped.iter() {
        files::write(&dir.join(path), text)?;
    }
    Ok(shipped.iter().count())
}

/// One judgement of a note, without a mail around it.
pub fn judge_note(note: &str, rules: &Rulebook) -> Judgement {
    let context = NoteContext::bare(&rules.boilerplate);
    classify(Some(note), &context, &rules.notes)
}

/// What a letter would make of a note that was so judged.
pub fn occasion_of<'a>(note: &str, judgement: &Judgement, rules: &'a Rulebook) -> Occasion<'a> {
    opening::occasion(Some(note), judgement, &rules.openings)
}

/// Scores labelled notes (`label`, `language`, `subtlety`, `text` by tabs).
///
/// # Errors
/// [`Fault::Permanent`] naming file and line.
pub fn score_notes(file: &Path, rules: &Rulebook) -> Result<ScoreTable, Fault> {
    let text = files::read_text(file, MAX_FILE_BYTES)?;
    let notes = read_labelled(&text).map_err(|line| {
        Fault::Permanent(format!(
            "{}:{line}: label, language, subtlety and text by tabs are wanted",
            file.display()
        ))
    })?;
    Ok(score(&notes, |note| judge_note(note, rules)))
}

/// Weights learned from labelled notes, and how they fare.
#[derive(Clone, Debug)]
pub struct LearnedFile {
    /// The file.
    pub text: String,
    /// Each note judged by weights that never saw its theme.
    pub unseen: ScoreTable,
}

/// Learns weights from files of labelled notes; the cross-validation has `folds` parts.
///
/// # Errors
/// [`Fault::Permanent`] naming file and line.
pub fn learn_weights(paths: &[PathBuf], folds: usize, rules: &Rulebook) -> Result<LearnedFile, Fault> {
    let mut lessons = Vec::new();
    let mut names = Vec::new();
    for file in paths {
        let text = files::read_text(file, MAX_FILE_BYTES)?;
        lessons.extend(read_lessons(&text).map_err(|line| {
            Fault::Permanent(format!(
                "{}:{line}: label, language, subtlety, theme and text by tabs are wanted",
                file.display()
            ))
        })?);
        names.extend(file.file_name().map(|name| name.to_string_lossy().into_owned()));
    }
    lessons.extend(rules.notes.signals().iter().flat_map(examples_of));
    lessons.extend(rules.openings.all().iter().flat_map(examples_of_opening));
    let learned = learn(&lessons, folds, &NoteContext::bare(&rules.boilerplate), &rules.notes);
    let made_from =
        format!("Made by `notyet rules learn` from {} notes: {}.", lessons.len(), names.join(", "));
    let text = learned.file(&made_from);
    Ok(LearnedFile { text, unseen: learned.unseen })
}

/// Writes learned weights to `out`.
///
/// # Errors
/// [`Fault::NeedsHuman`] naming the file.
pub fn write_weights(learned: &LearnedFile, out: &Path) -> Result<(), Fault> {
    files::write(out, &learned.text)
}

/// The examples in a rules file are labelled notes too.
fn examples_of(signal: &Signal) -> impl Iterator<Item = Lesson> {
    signal.examples.iter().map(|example| Lesson {
        note: LabelledNote {
            label: example.expect,
            language: signal.languages.first().cloned().unwrap_or_default(),
            subtlety: "example".to_owned(),
            text: example.text.clone(),
        },
        theme: signal.rule.clone(),
    })
}

/// And so are those of an opening: it answers personal notes only.
fn examples_of_opening(opening: &Opening) -> impl Iterator<Item = Lesson> {
    opening.examples.iter().map(|example| Lesson {
        note: LabelledNote {
            label: NoteKind::Personalized,
            language: opening.language.clone(),
            subtlety: "example".to_owned(),
            text: example.text.clone(),
        },
        theme: opening.kind.clone(),
    })
}

/// What the rules made of one labelled mail.
#[derive(Clone, Debug)]
pub struct ScoredMail {
    /// The file's name.
    pub file: String,
    /// Whether its kind was told rightly.
    pub kind: Answer,
    /// Whether the note was found, where the label tells of one.
    pub note: Answer,
    /// Whether the route is right.
    pub route: Answer,
}

/// One column of a labelled mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The label says nothing.
    NotAsked,
    /// As labelled.
    Right,
    /// Not as labelled: got, expected.
    Wrong(String, String),
}

impl Answer {
    fn of(got: &str, expected: &str) -> Self {
        if got == expected { Self::Right } else { Self::Wrong(got.to_owned(), expected.to_owned()) }
    }
}

/// Scores labelled mails: `index.tsv` (file, network, kind, language, era,
/// note, route, ...) beside the folder `mail`.
///
/// # Errors
/// [`Fault::Permanent`] naming the file.
pub fn score_mails(dir: &Path, rules: &Rulebook) -> Result<Vec<ScoredMail>, Fault> {
    let index = files::read_text(&dir.join("index.tsv"), MAX_FILE_BYTES)?;
    let mut scored = Vec::new();
    for line in index.lines().skip(1) {
        let columns: Vec<&str> = line.split('\t').collect();
        let [file, _, kind, _, _, note, route, ..] = columns.as_slice() else { continue };
        let raw = RawMail(files::read_bytes(&dir.join("mail").join(file), MAX_FILE_BYTES)?);
        let recognised = identify(&raw, rules).map(|(_, recognised)| recognised).ok();
        let got = recognised.as_ref().map_or("refused", |r| r.notice.as_str());
        // A forgery is nothing that any network's rules may claim.
        let expected = if *kind == "phishing" { Notice::Other.as_str() } else { kind };
        let invitation = recognised.as_ref().and_then(|r| r.invitations.first());
        let asks = matches!(*kind, "invitation" | "reminder");
        scored.push(ScoredMail {
            file: (*file).to_owned(),
            kind: Answer::of(got, expected),
            note: match (asks, *note) {
                (true, "none") => Answer::of(found(invitation.is_some_and(|i| i.note.is_some())), "absent"),
                (true, "generic" | "personalized") => {
                    Answer::of(found(invitation.is_some_and(|i| i.note.is_some())), "found")
                }
                _ => Answer::NotAsked,
            },
            route: match (asks, *route) {
                (true, "address" | "relay" | "paste") => {
                    Answer::of(invitation.map_or("none", |i| i.route.as_str()), route)
                }
                _ => Answer::NotAsked,
            },
        });
    }
    Ok(scored)
}

fn found(note: bool) -> &'static str {
    if note { "found" } else { "absent" }
}

/// How many examples the rule files hold.
pub fn example_count(rules: &Rulebook) -> usize {
    let signals: usize = rules.notes.signals().iter().map(|signal| signal.examples.len()).sum();
    let openings: usize = rules.openings.all().iter().map(|opening| opening.examples.len()).sum();
    let cautions: usize = rules.notes.cautions().iter().map(|caution| caution.examples.len()).sum();
    signals + cautions + openings
}
