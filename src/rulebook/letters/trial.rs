//! Trying a letter out: the samples it is filled with and what is looked for; and
//! how it is told what cannot be filled.

use minijinja::ErrorKind;

use crate::domain::Problem;
use crate::domain::problem::place;

use super::{Filling, MAX_SUBJECT_CHARS, MAX_WORDS, Rendered};

/// A letter's file, for problems to point into.
pub(super) struct Source<'a> {
    pub(super) file: &'a str,
    pub(super) text: &'a str,
}

impl Source<'_> {
    pub(super) fn problem(&self, line: usize, key: &str, found: String, allowed: &str) -> Problem {
        let (line, column) = self.place_in(line, key);
        Problem {
            file: self.file.to_owned(),
            line,
            column,
            key: key.to_owned(),
            found,
            allowed: allowed.to_owned(),
        }
    }

    /// Where `key`, else the first placeholder, else the line begins; of what
    /// is wrong with the whole letter, its beginning.
    fn place_in(&self, line: usize, key: &str) -> (usize, usize) {
        if self.text.is_empty() {
            return (line, line.min(1));
        }
        let line = line.max(1);
        let text = self.text.lines().nth(line - 1).unwrap_or_default();
        let found =
            [key, "{"].into_iter().filter(|needle| !needle.is_empty()).find_map(|needle| text.find(needle));
        let before = text.get(..found.unwrap_or_default()).unwrap_or_default();
        (line, before.chars().count() + 1)
    }

    pub(super) fn template_problem(&self, error: &minijinja::Error) -> Problem {
        self.problem(
            error.line().unwrap_or_default(),
            "",
            words_of(error),
            "the comment at the top of a shipped letter tells what can be used",
        )
    }

    /// The lines behind the opening comment with their numbers, from 1.
    pub(super) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        let behind = self.line_of("#}");
        self.text
            .lines()
            .enumerate()
            .map(|(at, line)| (at + 1, line))
            .filter(move |(number, _)| *number > behind)
    }

    /// The line of the first `needle` behind the opening comment; 0 when it
    /// stands nowhere as such.
    pub(super) fn line_of(&self, needle: &str) -> usize {
        let start = match self.text.trim_start().strip_prefix("{#") {
            Some(_) => self.text.find("#}").unwrap_or_default(),
            None => 0,
        };
        self.text
            .get(start..)
            .and_then(|rest| rest.find(needle))
            .map_or(0, |offset| place(self.text, start + offset).0)
    }
}

/// What cannot be filled, with its place, in words for the owner.
pub(super) fn words_at(name: &str, error: &minijinja::Error) -> String {
    format!("{name}, line {}: {}", error.line().unwrap_or_default(), words_of(error))
}

fn words_of(error: &minijinja::Error) -> String {
    if error.kind() == ErrorKind::OutOfFuel {
        return "it does far more than filling in a letter takes".to_owned();
    }
    match error.detail() {
        Some(detail) => format!("{}: {detail}", error.kind()),
        None => error.kind().to_string(),
    }
}

/// What a personalized letter may begin with, and leave room for.
const OPENINGS: [(&str, &str); 3] =
    [("", ""), ("Thank you for writing.", ""), ("Thank you for writing.", "[Your answer]")];

/// Every combination of what may be absent.
pub(super) fn samples() -> Vec<Filling<'static>> {
    OPENINGS.into_iter().flat_map(|(opening, room)| absences(opening, room)).collect()
}

/// A letter with this opening and room, with and without the rest.
pub(super) fn absences<'a>(opening: &'a str, room: &'a str) -> Vec<Filling<'a>> {
    let mut samples = Vec::new();
    for (first_name, inviter) in [("Ada", "Ada Example"), ("", "")] {
        for link in ["https://owner.example/writing", ""] {
            for subject in ["I would like to connect", ""] {
                for by_mail in [true, false] {
                    samples.push(Filling {
                        first_name,
                        inviter,
                        owner: "Olu Owner",
                        owner_address: "olu@owner.example",
                        link,
                        network: "Network",
                        by_mail,
                        subject,
                        opening,
                        room,
                    });
                }
            }
        }
    }
    samples
}

/// Whether the longest of the filled letters is too long.
pub(super) fn too_long(filled: &[Rendered], source: &Source<'_>) -> Option<Problem> {
    let words = filled
        .iter()
        .map(|letter| letter.body.split_whitespace().count())
        .max()
        .filter(|words| *words > MAX_WORDS)?;
    Some(source.problem(
        0,
        "",
        format!("{words} words"),
        &format!("a letter has at most {MAX_WORDS} words, with all that can be filled in"),
    ))
}

/// What a reader would stumble over in a filled letter.
/// `room` is the line that may stand in brackets.
pub(super) fn lint(letter: &Rendered, room: &str, source: &Source<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    if letter.body.is_empty() {
        problems.push(source.problem(0, "", "no text".to_owned(), "write a letter"));
    }
    if letter.subject.chars().count() > MAX_SUBJECT_CHARS {
        problems.push(source.problem(
            source.line_of("Subject:"),
            "Subject",
            "a subject that is too long".to_owned(),
            &format!("a subject has at most {MAX_SUBJECT_CHARS} characters"),
        ));
    }
    if !room.is_empty() && letter.body.contains(room) && !letter.body.lines().any(|line| line == room) {
        problems.push(source.problem(
            source.line_of("room"),
            "room",
            "other words on its line".to_owned(),
            "the owner replaces the whole line: put {{ room }} on a line of its own",
        ));
    }
    let lines = letter.body.lines().filter(|line| room.is_empty() || *line != room);
    for line in std::iter::once(letter.subject.as_str()).chain(lines) {
        if let Some(mark) = ["{", "}", "[", "]", "<", ">", "%s"].into_iter().find(|mark| line.contains(mark))
        {
            problems.push(source.problem(
                source.line_of(line),
                "",
                format!("`{mark}` is left in the filled letter"),
                "a placeholder is written {{ name }}",
            ));
        }
        if let Some(hole) = [" ,", "  ", " ;", "\" \"", "\"\""]
            .into_iter()
            .find(|hole| line.contains(hole))
            .or_else(|| line.starts_with(',').then_some(","))
        {
            problems.push(source.problem(
                0,
                "",
                format!("`{hole}` is left where a value is absent"),
                "put the words around it into {% if ... %}",
            ));
        }
    }
    problems
}
