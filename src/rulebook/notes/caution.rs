//! What no machine should answer, whatever kind of note it stands in: law,
//! death, threats, children, the press, family, what the two had to do before.

use std::ops::Range;
use std::sync::OnceLock;

use regex::RegexSet;

use super::pattern::{self, Pattern};
use crate::rulebook::text::is_word;

/// One matter that only the owner should answer. It counts in every language:
/// a note that is read in the wrong one is not to slip through.
#[derive(Clone, Debug)]
pub struct Caution {
    /// `file stem.name`, for example `cautions.law`; evidence shows it as `notes/cautions.law`.
    pub rule: String,
    /// The matter in the owner's words, behind "it speaks of".
    pub about: String,
    /// Notes with whether it is to speak up on them.
    pub examples: Vec<CautionExample>,
    patterns: Vec<Pattern>,
}

/// A note in a rules file that a caution is to speak up on, or to pass.
#[derive(Clone, Debug)]
pub struct CautionExample {
    /// The note.
    pub text: String,
    /// Which of the two.
    pub expect: Expect,
    /// The file it stands in.
    pub file: String,
    /// The line it stands on, from 1.
    pub line: usize,
}

/// What a caution should make of an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// It speaks up.
    Caught,
    /// It says nothing.
    Passed,
}

impl Caution {
    pub(super) fn new(
        rule: String,
        about: String,
        examples: Vec<CautionExample>,
        patterns: Vec<Pattern>,
    ) -> Self {
        Self { rule, about, examples, patterns }
    }

    /// Whether one of its patterns is larger than a pattern may be.
    pub(super) fn is_too_large(&self) -> bool {
        self.patterns.iter().any(Pattern::is_too_large)
    }
}

/// A caution that was found in a note.
#[derive(Clone, Debug)]
pub struct Warned<'a> {
    /// The caution.
    pub caution: &'a Caution,
    /// Where its pattern matched, in bytes of the folded text.
    pub span: Range<usize>,
}

/// All cautions, and their patterns as one automaton, made when the first note comes.
#[derive(Clone, Debug, Default)]
pub(super) struct Cautions {
    pub(super) all: Vec<Caution>,
    set: OnceLock<Option<RegexSet>>,
}

impl Cautions {
    pub(super) fn new(all: Vec<Caution>) -> Self {
        Self { all, set: OnceLock::new() }
    }

    /// Those that speak up on a folded text, each once, in file order.
    pub(super) fn warned<'a>(&'a self, folded: &str) -> Vec<Warned<'a>> {
        let patterns =
            || self.all.iter().flat_map(|caution| caution.patterns.iter().map(move |p| (caution, p)));
        let set = self.set.get_or_init(|| pattern::set(patterns().map(|(_, pattern)| pattern.source())));
        let matched = set.as_ref().map(|set| set.matches(folded));
        let mut warned: Vec<Warned<'a>> = Vec::new();
        for (at, (caution, pattern)) in patterns().enumerate() {
            let known = warned.last().is_some_and(|last| last.caution.rule == caution.rule);
            if known || matched.as_ref().is_some_and(|matched| !matched.matched(at)) {
                continue;
            }
            let found = pattern.find(folded);
            // A pattern may end within a word; who reads of it sees the whole.
            let whole = |end: usize| {
                let rest = folded.get(end..).unwrap_or_default();
                end + rest.find(|c| !is_word(c)).unwrap_or(rest.len())
            };
            warned.extend(found.map(|found| Warned { caution, span: found.start..whole(found.end) }));
        }
        warned
    }
}
