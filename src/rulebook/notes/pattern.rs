//! From the pattern a person wrote to a small, linear-time automaton.
//!
//! Notes are matched in folded form, where Latin letters are plain ASCII. So a
//! pattern may be written with accents (they are folded here), `\b`, `\d`,
//! `\s` and `\w` need no Unicode tables, and automata stay small enough for
//! hundreds of patterns at once.

use std::ops::Range;
use std::sync::OnceLock;

use regex::{RegexSet, RegexSetBuilder};
use regex_automata::nfa::thompson::pikevm::PikeVM;
use regex_automata::nfa::thompson::{self, WhichCaptures};

use crate::rulebook::text;

/// A compiled pattern larger than this is refused.
const MAX_PATTERN_BYTES: usize = 256 * 1024;

/// All patterns of one language together.
const MAX_SET_BYTES: usize = 32 * 1024 * 1024;

/// What the states may take that the automaton of one language makes while it looks; what
/// has no room is looked at state by state, and a note is short.
const STATES_OF_SET_BYTES: usize = 128 * 1024;

/// What is wrong with a pattern.
pub(in crate::rulebook) struct Wrong {
    /// What was found.
    pub(in crate::rulebook) found: String,
    /// What is allowed.
    pub(in crate::rulebook) allowed: &'static str,
}

/// A pattern whose syntax is checked; compiled when a note first needs it,
/// since a mailbox sees few of the languages that the rules know.
#[derive(Clone, Debug)]
pub(in crate::rulebook) struct Pattern {
    source: String,
    machine: OnceLock<Option<PikeVM>>,
}

impl Pattern {
    /// Translates a pattern and checks its syntax.
    pub(in crate::rulebook) fn check(pattern: &str) -> Result<Self, Wrong> {
        let source = translate(pattern)?;
        let parsed = regex_syntax::parse(&source).map_err(|error| Wrong {
            found: first_cause(&error.to_string()),
            allowed: "the syntax of the Rust crate regex: no look-around, no back references, small counted repeats",
        })?;
        if parsed.properties().minimum_len() == Some(0) {
            return Err(Wrong {
                found: "the pattern matches the empty text".to_owned(),
                allowed: "a pattern that needs at least one letter",
            });
        }
        Ok(Self { source, machine: OnceLock::new() })
    }

    /// Where it matches a folded text first, in bytes; never when it is larger than a
    /// pattern may be.
    pub(in crate::rulebook) fn find(&self, folded: &str) -> Option<Range<usize>> {
        let machine = self.machine.get_or_init(|| machine(&self.source)).as_ref()?;
        machine.find(&mut machine.create_cache(), folded).map(|found| found.range())
    }

    /// Whether it matches a folded text anywhere.
    pub(in crate::rulebook) fn is_match(&self, folded: &str) -> bool {
        let machine = self.machine.get_or_init(|| machine(&self.source)).as_ref();
        machine.is_some_and(|machine| machine.is_match(&mut machine.create_cache(), folded))
    }

    /// Whether it is larger than a pattern may be. What is compiled to tell is not kept:
    /// most languages' patterns are never needed, and all together they are tens of megabytes.
    pub(in crate::rulebook) fn is_too_large(&self) -> bool {
        self.machine.get().map_or_else(|| machine(&self.source).is_none(), Option::is_none)
    }

    /// What [`set`] takes.
    pub(super) fn source(&self) -> &str {
        &self.source
    }
}

/// The patterns of one language as one automaton; `None` when they are too
/// large together and each has to be asked.
pub(super) fn set<'a>(sources: impl Iterator<Item = &'a str>) -> Option<RegexSet> {
    RegexSetBuilder::new(sources).size_limit(MAX_SET_BYTES).dfa_size_limit(STATES_OF_SET_BYTES).build().ok()
}

/// There are thousands of patterns, and a year's notes would compile them all. The machine
/// that goes through a text once, with all it could be in at the time, keeps a fraction of
/// what [`regex::Regex`] keeps to be fast, and is quick enough for a note.
fn machine(source: &str) -> Option<PikeVM> {
    let limits = thompson::Config::new()
        .nfa_size_limit(Some(MAX_PATTERN_BYTES))
        .which_captures(WhichCaptures::Implicit);
    PikeVM::builder().thompson(limits).build(source).ok()
}

fn first_cause(error: &str) -> String {
    let last = error.lines().last().unwrap_or("unreadable");
    last.trim_start_matches("error: ").to_owned()
}

/// Folds the letters and makes the classes ASCII. A pattern that begins with a
/// Latin letter begins at the start of a word.
fn translate(pattern: &str) -> Result<String, Wrong> {
    let mut out = String::with_capacity(pattern.len() + 16);
    if pattern
        .trim_start_matches('(')
        .starts_with(|c: char| c.is_alphabetic() && text::fold(&c.to_string()).is_ascii())
    {
        out.push_str(r"(?-u:\b)");
    }
    out.push_str("(?:");
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('b') => out.push_str(r"(?-u:\b)"),
                Some('n') => out.push_str("\\n"),
                Some('d') => out.push_str("[0-9]"),
                Some('s') => out.push_str("[ \\n]"),
                // Every letter beyond ASCII is a letter of a word.
                Some('w') => out.push_str(r"[^\x00-/:-@\[-`{-\x7f]"),
                Some(other) if !other.is_alphanumeric() => {
                    out.push('\\');
                    out.push(other);
                }
                other => {
                    return Err(Wrong {
                        found: format!("\\{}", other.map(String::from).unwrap_or_default()),
                        allowed: r"\b, \d, \s, \w, \n, or a backslash before a sign",
                    });
                }
            },
            c if c.is_ascii_uppercase() => {
                return Err(Wrong {
                    found: format!("the capital letter {c}"),
                    allowed: "small letters: notes are matched in lower case",
                });
            }
            c if c.is_ascii() => out.push(c),
            c => {
                let mut run = String::from(c);
                while let Some(next) = chars.next_if(|next| !next.is_ascii()) {
                    run.push(next);
                }
                out.push_str(&regex::escape(&text::fold(&run)));
            }
        }
    }
    out.push(')');
    Ok(out)
}
