//! `rules/openings/*.toml`, typed and compiled: how a personalized letter
//! begins, by what the note tells of.
//!
//! A *kind* (we met, a work of yours, a question) says by which signals and
//! words a note shows it, in any language. An *opening* gives a kind its
//! sentence in one language, and the words that show it in notes of that
//! language. So a German note can choose the opening of an English letter.

mod builder;
mod raw;

use crate::domain::{Problem, Problems};
use crate::rulebook::notes::Notes;
use crate::rulebook::notes::pattern::Pattern;

/// The compiled openings.
#[derive(Clone, Debug)]
pub struct Openings {
    /// By rank, highest first; equals in file order.
    kinds: Vec<Kind>,
    openings: Vec<Opening>,
}

/// A kind of personal evidence.
#[derive(Clone, Debug)]
pub struct Kind {
    /// Small letters, digits, `-`; evidence shows it as `openings/met`.
    pub name: String,
    /// 1 to 99: of the kinds that fit, the highest gives the sentence.
    pub rank: u32,
    /// What such a note wants.
    pub wants: Wants,
    /// What it is, for people.
    pub why: String,
    signals: Vec<Written>,
    patterns: Vec<Pattern>,
}

/// What a note wants of its reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wants {
    /// To be read: a sentence of thanks will do.
    Reading,
    /// An answer that only its reader can give: the letter leaves room for it.
    Answer,
}

/// How letters in one language begin for one kind.
#[derive(Clone, Debug)]
pub struct Opening {
    /// The kind's name.
    pub kind: String,
    /// BCP 47, lower case.
    pub language: String,
    /// One sentence or two, on one line; true of every note of the kind.
    pub text: String,
    /// For a kind that wants an answer: the line in brackets that the owner replaces.
    pub room: String,
    /// Notes that must choose this opening.
    pub examples: Vec<Written>,
    /// Where the text stands.
    pub place: Place,
    patterns: Vec<Pattern>,
}

/// Words of a rules file and where they stand.
#[derive(Clone, Debug)]
pub struct Written {
    /// The words.
    pub text: String,
    /// Where they stand.
    pub place: Place,
}

/// A place in a rules file.
#[derive(Clone, Debug)]
pub struct Place {
    /// The file as its owner knows it.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// From 1.
    pub column: usize,
}

impl Place {
    /// The problem `found` at this place.
    pub fn problem(&self, key: &str, found: String, allowed: &str) -> Problem {
        Problem {
            file: self.file.clone(),
            line: self.line,
            column: self.column,
            key: key.to_owned(),
            found,
            allowed: allowed.to_owned(),
        }
    }
}

impl Openings {
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

    /// All kinds, highest rank first.
    pub fn kinds(&self) -> &[Kind] {
        &self.kinds
    }

    /// All openings, in file order.
    pub fn all(&self) -> &[Opening] {
        &self.openings
    }

    /// The opening of a kind for letters in `language` (BCP 47); `pt-BR` is
    /// served by `pt-br`, else by `pt`.
    pub fn of(&self, kind: &str, language: &str) -> Option<&Opening> {
        let tag = language.to_ascii_lowercase();
        let primary = tag.split('-').next().unwrap_or_default();
        [tag.as_str(), primary].into_iter().find_map(|wanted| {
            self.openings.iter().find(|opening| opening.kind == kind && opening.language == wanted)
        })
    }

    /// The kinds that a folded note shows, highest rank first. `language` is
    /// the note's primary tag, `spoken` the names of the signals that spoke
    /// (`de.met`).
    ///
    /// A kind that wants only to be read shows when one of its signals spoke
    /// (where it names any) *and* one of its patterns in the note's language
    /// matches (where it has any in any language). One that wants an answer
    /// shows by either, and by a pattern of any language: to leave room for
    /// nothing costs its owner a line, not to leave it would be rude.
    pub fn shown(&self, folded: &str, language: &str, spoken: &[&str]) -> Vec<&Kind> {
        let shows = |kind: &&Kind| {
            let heard = kind.signals.iter().any(|signal| spoken.iter().any(|rule| names(&signal.text, rule)));
            let of_kind = || self.openings.iter().filter(|opening| opening.kind == kind.name);
            let said = || {
                let asks = kind.wants == Wants::Answer;
                let here = of_kind().filter(|o| asks || o.language.split('-').next() == Some(language));
                kind.patterns
                    .iter()
                    .chain(here.flat_map(|o| &o.patterns))
                    .any(|pattern| pattern.is_match(folded))
            };
            match kind.wants {
                Wants::Answer => heard || said(),
                Wants::Reading => {
                    let has_patterns =
                        !kind.patterns.is_empty() || of_kind().any(|opening| !opening.patterns.is_empty());
                    (kind.signals.is_empty() || heard) && (!has_patterns || said())
                }
            }
        };
        self.kinds.iter().filter(shows).collect()
    }

    /// Signals and cautions that a kind names and that no notes file has.
    pub fn unknown_signals(&self, notes: &Notes) -> Vec<Problem> {
        let signals = notes.signals().iter().map(|signal| &signal.rule);
        let rules: Vec<&String> =
            signals.chain(notes.cautions().iter().map(|caution| &caution.rule)).collect();
        let known = |name: &str| rules.iter().any(|rule| names(name, rule));
        self.kinds
            .iter()
            .flat_map(|kind| kind.signals.iter().map(move |signal| (kind, signal)))
            .filter(|(_, signal)| !known(&signal.text))
            .map(|(kind, signal)| {
                signal.place.problem(
                    &format!("kind.{}.signals", kind.name),
                    format!("found {:?}, which no file in notes/ has", signal.text),
                    "the name of a signal (\"met\": in every language) or one of one file (\"own.hives\"), or of a caution",
                )
            })
            .collect()
    }

    /// Kinds with a pattern larger than a pattern may be: it would never match.
    pub fn too_large(&self) -> Vec<&str> {
        let large = |patterns: &[Pattern]| patterns.iter().any(Pattern::is_too_large);
        let kinds = self.kinds.iter().filter(|kind| large(&kind.patterns)).map(|kind| kind.name.as_str());
        let openings = self.openings.iter().filter(|o| large(&o.patterns)).map(|o| o.kind.as_str());
        kinds.chain(openings).collect()
    }
}

/// Whether `name` (`met`, `own.hives`) names the signal `rule` (`de.met`).
fn names(name: &str, rule: &str) -> bool {
    name == rule || (!name.contains('.') && rule.rsplit('.').next() == Some(name))
}
