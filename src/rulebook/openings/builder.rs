//! From rules files to compiled [`Openings`], with every fault at its place.

use toml::Spanned;

use super::{Kind, Opening, Openings, Place, Wants, Written, raw};
use crate::domain::problem::place;
use crate::domain::{Problem, Problems};
use crate::rulebook::language::is_language;
use crate::rulebook::notes::pattern::Pattern;
use crate::rulebook::toml_problem;

/// An opening has at most so many characters.
const MAX_TEXT_CHARS: usize = 200;

/// Collects the files' contents, and everything that is wrong with them.
#[derive(Default)]
pub(super) struct Builder {
    kinds: Vec<Kind>,
    openings: Vec<Opening>,
    problems: Vec<Problem>,
}

#[derive(Clone, Copy)]
struct Source<'a> {
    name: &'a str,
    text: &'a str,
}

impl Source<'_> {
    fn place<T>(self, spanned: &Spanned<T>) -> Place {
        let (line, column) = place(self.text, spanned.span().start);
        Place { file: self.name.to_owned(), line, column }
    }

    fn written(self, spanned: &Spanned<String>) -> Written {
        Written { text: spanned.get_ref().clone(), place: self.place(spanned) }
    }
}

impl Builder {
    pub(super) fn file(&mut self, name: &str, text: &str) {
        let source = Source { name, text };
        let raw: raw::File = match toml::from_str(text) {
            Ok(raw) => raw,
            Err(error) => return self.problems.push(toml_problem(name, text, &error)),
        };
        for kind in &raw.kind {
            self.kind(source, kind);
        }
        let tag = raw.language.as_ref().map(|language| language.get_ref().to_ascii_lowercase());
        let language = match (&raw.language, tag) {
            (Some(written), Some(tag)) if !is_language(&tag) => {
                let found = format!("found {:?}", written.get_ref());
                let allowed = "a language tag, for example \"de\" or \"pt-BR\"";
                self.wrong(source, written, "language", found, allowed);
                None
            }
            (_, Some(tag)) => Some(tag),
            (_, None) => {
                if let Some(opening) = raw.opening.first() {
                    let found = "openings without a language".to_owned();
                    self.wrong(source, &opening.kind, "language", found, "set it at the top of the file");
                }
                None
            }
        };
        for opening in language.iter().flat_map(|tag| raw.opening.iter().map(move |o| (tag, o))) {
            self.opening(source, opening.0, opening.1);
        }
    }

    fn kind(&mut self, source: Source<'_>, raw: &raw::Kind) {
        let name = raw.name.get_ref();
        let key = format!("kind.{name}");
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if name.is_empty() || !name.chars().all(fits) {
            let found = format!("found {name:?}");
            self.wrong(source, &raw.name, "kind.name", found, "small letters, digits and -");
        } else if self.kinds.iter().any(|kind| kind.name == *name) {
            let found = format!("found {name:?} a second time");
            self.wrong(source, &raw.name, "kind.name", found, "every kind needs a name of its own");
        }
        if !(1..=99).contains(raw.rank.get_ref()) {
            let found = format!("found {}", raw.rank.get_ref());
            self.wrong(source, &raw.rank, &format!("{key}.rank"), found, "a number from 1 to 99");
        }
        let patterns = self.patterns(source, &raw.patterns, &key);
        self.kinds.push(Kind {
            name: name.clone(),
            rank: *raw.rank.get_ref(),
            wants: if raw.asks { Wants::Answer } else { Wants::Reading },
            why: raw.why.clone(),
            signals: raw.signals.iter().map(|signal| source.written(signal)).collect(),
            patterns,
        });
    }

    fn opening(&mut self, source: Source<'_>, language: &str, raw: &raw::Opening) {
        let key = format!("opening.{}", raw.kind.get_ref());
        if self.openings.iter().any(|o| o.kind == *raw.kind.get_ref() && o.language == language) {
            let found = "a second opening of this kind in this language".to_owned();
            self.wrong(source, &raw.kind, &key, found, "put the patterns of both into one");
        }
        if raw.examples.is_empty() {
            let found = "no example".to_owned();
            self.wrong(source, &raw.kind, &format!("{key}.examples"), found, "at least one note");
        }
        self.line(source, &raw.text, &format!("{key}.text"));
        if let Some(room) = &raw.room {
            self.line(source, room, &format!("{key}.room"));
            let words = room.get_ref();
            if !(words.starts_with('[') && words.ends_with(']') && words.len() > 2) {
                self.wrong(
                    source,
                    room,
                    &format!("{key}.room"),
                    "a line that is not in brackets".to_owned(),
                    "like \"[Your answer to their question]\": nobody overlooks it in a draft",
                );
            }
        }
        let patterns = self.patterns(source, &raw.patterns, &key);
        self.openings.push(Opening {
            kind: raw.kind.get_ref().clone(),
            language: language.to_owned(),
            text: raw.text.get_ref().clone(),
            room: raw.room.as_ref().map(|room| room.get_ref().clone()).unwrap_or_default(),
            examples: raw.examples.iter().map(|example| source.written(example)).collect(),
            place: source.place(&raw.kind),
            patterns,
        });
    }

    fn patterns(&mut self, source: Source<'_>, raw: &[Spanned<String>], key: &str) -> Vec<Pattern> {
        let mut patterns = Vec::new();
        for written in raw {
            match Pattern::check(written.get_ref()) {
                Ok(pattern) => patterns.push(pattern),
                Err(wrong) => {
                    let key = format!("{key}.patterns");
                    self.wrong(source, written, &key, wrong.found, wrong.allowed);
                }
            }
        }
        patterns
    }

    /// Texts are put into letters as they stand: no template, no line break.
    fn line(&mut self, source: Source<'_>, written: &Spanned<String>, key: &str) {
        let text = written.get_ref();
        let found = if text.trim().is_empty() || text.trim() != text {
            "an empty text, or blanks around it"
        } else if text.chars().any(char::is_control) {
            "a line break or control character"
        } else if text.contains(['{', '}', '<', '>']) {
            "a placeholder or markup"
        } else if text.chars().count() > MAX_TEXT_CHARS {
            "more than 200 characters"
        } else {
            return;
        };
        self.wrong(source, written, key, found.to_owned(), "one plain line; nothing is filled in here");
    }

    fn wrong<T>(&mut self, source: Source<'_>, at: &Spanned<T>, key: &str, found: String, allowed: &str) {
        self.problems.push(source.place(at).problem(key, found, allowed));
    }

    pub(super) fn finish(mut self) -> Result<Openings, Problems> {
        // A file that could not be read would make every kind in it unknown.
        let readable = self.problems.is_empty();
        for opening in self.openings.iter().filter(|_| readable) {
            let key = format!("opening.{}", opening.kind);
            match self.kinds.iter().find(|kind| kind.name == opening.kind) {
                None => {
                    let names: Vec<&str> = self.kinds.iter().map(|kind| kind.name.as_str()).collect();
                    let allowed = format!("one of {}, or a [[kind]] of your own", names.join(", "));
                    self.problems.push(opening.place.problem(&key, "no such kind".to_owned(), &allowed));
                }
                Some(kind) if (kind.wants == Wants::Answer) == opening.room.is_empty() => {
                    let (found, allowed) = match kind.wants {
                        Wants::Answer => ("no room", "a kind that asks needs `room`, the line you replace"),
                        Wants::Reading => ("a room", "only a kind with `asks = true` leaves room"),
                    };
                    self.problems.push(opening.place.problem(&key, found.to_owned(), allowed));
                }
                Some(_) => {}
            }
        }
        self.kinds.sort_by_key(|kind| std::cmp::Reverse(kind.rank));
        if self.problems.is_empty() {
            Ok(Openings { kinds: self.kinds, openings: self.openings })
        } else {
            Err(Problems(self.problems))
        }
    }
}
