//! The letters of `rules/letters/<language>/`: `generic.txt`,
//! `personalized.txt`, what is told the owner below a letter to paste
//! (`paste.txt`), and the words no letter may hold (`tone.toml`).
//!
//! A letter is a minijinja template with strict undefined values and without
//! escaping. Whatever could go wrong when it is filled goes wrong here, at
//! load: each letter is rendered with every combination of what may be absent,
//! and a hole, a leftover placeholder or too many words is a [`Problem`] with
//! file and line. What is filled in is data and never looked at as a template.

use std::collections::{BTreeMap, BTreeSet};

use minijinja::{AutoEscape, Environment, UndefinedBehavior, context};

use super::language::is_language;
use crate::domain::{NoteKind, Problem, Problems};

mod audit;
mod tone;
mod trial;

pub use audit::Audit;
use tone::Tone;
use trial::{Source, words_at};

/// The language that must hold every letter, and that serves where the wanted
/// one has none.
pub const FALLBACK_LANGUAGE: &str = "en";

/// A letter has at most so many words.
pub const MAX_WORDS: usize = 120;

/// A subject has at most so many characters.
pub const MAX_SUBJECT_CHARS: usize = 200;

/// What one filling may cost, in minijinja's fuel (steps, and bytes that come about):
/// many times what a long letter takes, and less than a megabyte.
const FUEL: u64 = 10_000;

const FOLDER: &str = "letters/";
const PASTE: &str = "paste.txt";
const TONE: &str = "tone.toml";
const VARIABLES: [&str; 10] = [
    "first_name",
    "inviter",
    "owner",
    "owner_address",
    "link",
    "network",
    "by_mail",
    "subject",
    "opening",
    "room",
];
const PASTE_VARIABLES: [&str; 2] = ["network", "page"];

/// What a letter is filled with. Every text is a single line without control
/// characters; absent ones are empty. `stages::compose` sees to that.
#[derive(Clone, Copy)]
pub struct Filling<'a> {
    /// How to greet the inviter; empty when a greeting should do without a name.
    pub first_name: &'a str,
    /// The inviter's full name; may be empty.
    pub inviter: &'a str,
    /// The owner's name.
    pub owner: &'a str,
    /// The owner's first address.
    pub owner_address: &'a str,
    /// A page of the owner's choice; may be empty.
    pub link: &'a str,
    /// The network's display name.
    pub network: &'a str,
    /// Whether the letter travels as a mail, so that it can be replied to.
    pub by_mail: bool,
    /// The notification's subject without a leading `Re:`; may be empty.
    pub subject: &'a str,
    /// The sentence that answers what a personalized note tells of; may be empty.
    pub opening: &'a str,
    /// The line in brackets that the owner replaces; may be empty.
    pub room: &'a str,
}

/// A filled letter.
#[derive(Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The subject.
    pub subject: String,
    /// The text: `\n` line ends, none at the end.
    pub body: String,
}

/// All letters, compiled and tried.
#[derive(Clone, Debug)]
pub struct Letters {
    environment: Environment<'static>,
    /// Template names by language (lower case) and kind.
    names: BTreeMap<(String, &'static str), String>,
    /// Files as the owner knows them, with their text, by template name.
    sources: BTreeMap<String, (String, String)>,
    /// By language.
    tones: BTreeMap<String, Tone>,
}

/// What a file below `letters/LANGUAGE/` is.
enum Piece {
    Letter(NoteKind),
    Paste,
    Tone,
}

/// One letter.
#[derive(Debug)]
pub struct LetterTemplate<'a> {
    letters: &'a Letters,
    name: &'a str,
    language: &'a str,
}

impl Letters {
    /// Compiles the letters among `files`, which maps a path below the rules
    /// folder (`letters/en/generic.txt`) to the name the owner knows the file
    /// by and its text. Files outside `letters/` are none of ours.
    ///
    /// # Errors
    /// Every fault of every letter at once.
    pub fn compile(files: &BTreeMap<String, (String, String)>) -> Result<Self, Problems> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|_| AutoEscape::None);
        environment.set_fuel(Some(FUEL));
        let (names, sources, tones) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let mut letters = Self { environment, names, sources, tones };
        let mut problems = Vec::new();
        for (path, (file, text)) in files {
            let Some(place) = path.strip_prefix(FOLDER) else {
                continue;
            };
            let source = Source { file, text };
            match piece_at(place) {
                Some((language, Piece::Letter(kind))) => {
                    letters.add(path, (language, kind.as_str()), &source, &mut problems);
                }
                Some((language, Piece::Paste)) => {
                    letters.add(path, (language, PASTE), &source, &mut problems);
                }
                Some((language, Piece::Tone)) => match Tone::parse(file, text) {
                    Ok(tone) => drop(letters.tones.insert(language, tone)),
                    Err(problem) => problems.push(problem),
                },
                None => problems.push(source.problem(
                    0,
                    "",
                    "nothing about letters has this name".to_owned(),
                    "at letters/LANGUAGE/ stand generic.txt, personalized.txt, paste.txt and tone.toml",
                )),
            }
        }
        for name in ["generic.txt", "personalized.txt", PASTE] {
            let path = format!("{FOLDER}{FALLBACK_LANGUAGE}/{name}");
            if !files.contains_key(&path) {
                let source = Source { file: &path, text: "" };
                problems.push(source.problem(
                    0,
                    "",
                    "the file is missing".to_owned(),
                    "it serves every language that has none of its own",
                ));
            }
        }
        if problems.is_empty() { Ok(letters) } else { Err(Problems(problems)) }
    }

    /// The languages that an owner can write: those that have both letters, sorted.
    pub fn written(&self) -> Vec<&str> {
        let personalized = self.languages(NoteKind::Personalized);
        self.languages(NoteKind::Generic).into_iter().filter(|tag| personalized.contains(tag)).collect()
    }

    /// The languages that have a letter of this kind, sorted.
    pub fn languages(&self, kind: NoteKind) -> Vec<&str> {
        self.names
            .keys()
            .filter(|(_, word)| *word == kind.as_str())
            .map(|(language, _)| language.as_str())
            .collect()
    }

    /// The letter in the first of the `wanted` languages (BCP 47) that has
    /// one; `pt-BR` is served by `pt-br`, else by `pt`.
    pub fn pick(&self, kind: NoteKind, wanted: &[&str]) -> Option<LetterTemplate<'_>> {
        let (language, name) = self.find(kind.as_str(), wanted)?;
        Some(LetterTemplate { letters: self, name, language })
    }

    /// What is told the owner below a letter to paste at `page` (may be
    /// empty), in the first of the `wanted` languages that has it.
    ///
    /// # Errors
    /// What cannot be filled, in words for the owner.
    pub fn paste(&self, wanted: &[&str], network: &str, page: &str) -> Result<String, String> {
        let (_, name) = self.find(PASTE, wanted).ok_or_else(|| format!("there is no {PASTE}"))?;
        self.fill_paste(name, network, page).map_err(|error| words_at(name, &error))
    }

    fn find(&self, piece: &'static str, wanted: &[&str]) -> Option<(&str, &str)> {
        wanted.iter().find_map(|tag| {
            let tag = tag.to_ascii_lowercase();
            let primary = tag.split('-').next().unwrap_or_default().to_owned();
            [tag, primary].into_iter().find_map(|language| {
                let ((language, _), name) = self.names.get_key_value(&(language, piece))?;
                Some((language.as_str(), name.as_str()))
            })
        })
    }

    fn add(
        &mut self,
        path: &str,
        at: (String, &'static str),
        source: &Source<'_>,
        problems: &mut Vec<Problem>,
    ) {
        let added = self.environment.add_template_owned(path.to_owned(), source.text.to_owned());
        if let Err(error) = added {
            problems.push(source.template_problem(&error));
            return;
        }
        let allowed: &[&str] = if at.1 == PASTE { &PASTE_VARIABLES } else { &VARIABLES };
        let unknown = self.unknown_variables(path, allowed);
        problems.extend(unknown.iter().map(|name| {
            let allowed = format!("one of {}", allowed.join(", "));
            source.problem(source.line_of(name), name, "no such variable".to_owned(), &allowed)
        }));
        if unknown.is_empty() {
            problems.extend(if at.1 == PASTE {
                self.try_out_paste(path, source)
            } else {
                self.try_out(path, source)
            });
        }
        self.names.insert(at, path.to_owned());
        self.sources.insert(path.to_owned(), (source.file.to_owned(), source.text.to_owned()));
    }

    /// What is wrong with the letter at `path`, found by rendering it.
    fn try_out(&self, path: &str, source: &Source<'_>) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut filled = Vec::new();
        for sample in trial::samples() {
            let faults = match self.fill(path, &sample) {
                Ok(letter) => {
                    let faults = trial::lint(&letter, sample.room, source);
                    filled.push(letter);
                    faults
                }
                Err(Unfilled::Template(error)) => vec![source.template_problem(&error)],
                Err(Unfilled::Shape(found)) => vec![source.problem(
                    1,
                    "Subject",
                    found.to_owned(),
                    "a letter starts with `Subject: ...` and a blank line",
                )],
            };
            for fault in faults {
                if !problems.contains(&fault) {
                    problems.push(fault);
                }
            }
        }
        problems.extend(trial::too_long(&filled, source));
        problems
    }

    fn try_out_paste(&self, path: &str, source: &Source<'_>) -> Vec<Problem> {
        let mut problems = Vec::new();
        for page in ["https://network.example/in/ada", ""] {
            let faults = match self.fill_paste(path, "Network", page) {
                Ok(body) => trial::lint(&Rendered { subject: "x".to_owned(), body }, "", source),
                Err(error) => vec![source.template_problem(&error)],
            };
            problems.extend(faults.into_iter().filter(|fault| !problems.contains(fault)).collect::<Vec<_>>());
        }
        problems
    }

    /// Also those in branches that no sample takes.
    fn unknown_variables(&self, path: &str, known: &[&str]) -> BTreeSet<String> {
        let used = self
            .environment
            .get_template(path)
            .map(|template| template.undeclared_variables(false))
            .unwrap_or_default();
        used.into_iter().filter(|name| !known.contains(&name.as_str())).collect()
    }

    fn fill(&self, path: &str, filling: &Filling<'_>) -> Result<Rendered, Unfilled> {
        let template = self.environment.get_template(path)?;
        let text = template.render(context! {
            first_name => filling.first_name,
            inviter => filling.inviter,
            owner => filling.owner,
            owner_address => filling.owner_address,
            link => filling.link,
            network => filling.network,
            by_mail => filling.by_mail,
            subject => filling.subject,
            opening => filling.opening,
            room => filling.room,
        })?;
        let mut lines = text.trim_start().lines().map(str::trim_end);
        let subject = lines
            .next()
            .and_then(|line| line.strip_prefix("Subject:"))
            .ok_or(Unfilled::Shape("no subject line"))?
            .trim();
        if subject.is_empty() {
            return Err(Unfilled::Shape("an empty subject"));
        }
        if lines.next().is_some_and(|line| !line.is_empty()) {
            return Err(Unfilled::Shape("no blank line after the subject"));
        }
        Ok(Rendered { subject: subject.to_owned(), body: paragraphs(lines) })
    }

    fn fill_paste(&self, path: &str, network: &str, page: &str) -> Result<String, minijinja::Error> {
        let text = self.environment.get_template(path)?.render(context! { network, page })?;
        Ok(paragraphs(text.lines().map(str::trim)))
    }
}

impl LetterTemplate<'_> {
    /// The language's folder name, in lower case.
    pub fn language(&self) -> &str {
        self.language
    }

    /// The letter filled with `filling`.
    ///
    /// # Errors
    /// What cannot be filled, in words for the owner.
    pub fn render(&self, filling: &Filling<'_>) -> Result<Rendered, String> {
        self.letters.fill(self.name, filling).map_err(|unfilled| match unfilled {
            Unfilled::Template(error) => words_at(self.name, &error),
            Unfilled::Shape(found) => format!("{}: {found}", self.name),
        })
    }
}

enum Unfilled {
    Template(minijinja::Error),
    Shape(&'static str),
}

impl From<minijinja::Error> for Unfilled {
    fn from(error: minijinja::Error) -> Self {
        Self::Template(error)
    }
}

/// What `en/generic.txt` is, and in which language.
fn piece_at(place: &str) -> Option<(String, Piece)> {
    let (language, name) = place.split_once('/')?;
    let piece = match name {
        PASTE => Piece::Paste,
        TONE => Piece::Tone,
        _ => Piece::Letter(NoteKind::parse(name.strip_suffix(".txt")?)?),
    };
    is_language(language).then(|| (language.to_ascii_lowercase(), piece))
}

/// Joins the lines, at most one blank line in a row, none at either end:
/// a condition that was not met leaves no gap.
fn paragraphs<'a>(lines: impl Iterator<Item = &'a str>) -> String {
    let mut body = String::new();
    let mut gap = false;
    for line in lines {
        if line.is_empty() {
            gap = true;
            continue;
        }
        if !body.is_empty() {
            body.push_str(if gap { "\n\n" } else { "\n" });
        }
        gap = false;
        body.push_str(line);
    }
    body
}
