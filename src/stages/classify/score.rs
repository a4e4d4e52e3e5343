//! How the rules fare on notes somebody has labelled.

use std::collections::BTreeMap;

use super::learn::Lesson;
use crate::domain::{Judgement, NoteKind};

/// What a person says a note is.
pub type Label = NoteKind;

/// A note with the verdict of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelledNote {
    /// Generic or personalized.
    pub label: Label,
    /// Language tag, as the file has it.
    pub language: String,
    /// How hard a case it is, in the file's words.
    pub subtlety: String,
    /// The note.
    pub text: String,
}

/// Right answers out of all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cell {
    /// How many notes.
    pub all: usize,
    /// How many came out as labelled.
    pub right: usize,
}

impl Cell {
    /// Right answers in percent; 100 for an empty cell.
    pub fn percent(self) -> f64 {
        if self.all == 0 { 100.0 } else { 100.0 * self.right as f64 / self.all as f64 }
    }

    fn count(&mut self, right: bool) {
        self.all += 1;
        self.right += usize::from(right);
    }
}

/// A note that came out otherwise than labelled.
#[derive(Clone, Debug, PartialEq)]
pub struct Miss {
    /// The note and its label.
    pub note: LabelledNote,
    /// What came out.
    pub got: Judgement,
}

/// How the rules fared.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ScoreTable {
    /// All notes.
    pub overall: Cell,
    /// Generic notes.
    pub generic: Cell,
    /// Personalized notes.
    pub personalized: Cell,
    /// Personalized notes called generic with a confidence of 0.8 or more.
    pub lost: usize,
    /// By language.
    pub languages: BTreeMap<String, Cell>,
    /// By subtlety.
    pub subtleties: BTreeMap<String, Cell>,
    /// What came out wrong, in file order.
    pub misses: Vec<Miss>,
}

impl ScoreTable {
    /// Counts one note that came out as `got`.
    pub(super) fn count(&mut self, note: &LabelledNote, got: Judgement) {
        let right = got.kind == note.label;
        self.overall.count(right);
        match note.label {
            NoteKind::Generic => self.generic.count(right),
            NoteKind::Personalized => self.personalized.count(right),
        }
        self.languages.entry(note.language.clone()).or_default().count(right);
        self.subtleties.entry(note.subtlety.clone()).or_default().count(right);
        if !right {
            self.lost += usize::from(note.label == NoteKind::Personalized && got.confidence >= 0.8);
            self.misses.push(Miss { note: note.clone(), got });
        }
    }
}

/// Compares labels with what `judge` says.
pub fn score(notes: &[LabelledNote], judge: impl Fn(&str) -> Judgement) -> ScoreTable {
    let mut table = ScoreTable::default();
    for note in notes {
        table.count(note, judge(&note.text));
    }
    table
}

/// Reads `label, language, subtlety, theme, text` in tab-separated columns.
///
/// # Errors
/// The number of the first line (from 1) that is none such.
pub fn read_lessons(tsv: &str) -> Result<Vec<Lesson>, usize> {
    let mut lessons = Vec::new();
    for (at, line) in tsv.lines().enumerate() {
        if line.is_empty() || line.starts_with('#') || (at == 0 && line.starts_with("label\t")) {
            continue;
        }
        let columns: Vec<&str> = line.split('\t').collect();
        let [label, language, subtlety, theme, text] = columns.as_slice() else { return Err(at + 1) };
        let label = NoteKind::parse(label).ok_or(at + 1)?;
        let note = LabelledNote {
            label,
            language: (*language).to_owned(),
            subtlety: (*subtlety).to_owned(),
            text: text.replace("\\n", "\n"),
        };
        lessons.push(Lesson { note, theme: (*theme).to_owned() });
    }
    Ok(lessons)
}

/// Reads `label, language, subtlety, text` in tab-separated columns (more
/// columns are left alone, a header line too). `\n` in a text is a line end.
///
/// # Errors
/// The number of the first line (from 1) that is none such.
pub fn read_labelled(tsv: &str) -> Result<Vec<LabelledNote>, usize> {
    let mut notes = Vec::new();
    for (at, line) in tsv.lines().enumerate() {
        if line.is_empty() || line.starts_with('#') || (at == 0 && line.starts_with("label\t")) {
            continue;
        }
        let mut columns = line.split('\t');
        let (Some(label), Some(language), Some(subtlety), Some(text)) =
            (columns.next(), columns.next(), columns.next(), columns.next())
        else {
            return Err(at + 1);
        };
        let label = [NoteKind::Generic, NoteKind::Personalized]
            .into_iter()
            .find(|kind| kind.as_str() == label)
            .ok_or(at + 1)?;
        notes.push(LabelledNote {
            label,
            language: language.to_owned(),
            subtlety: subtlety.to_owned(),
            text: text.replace("\\n", "\n"),
        });
    }
    Ok(notes)
}
