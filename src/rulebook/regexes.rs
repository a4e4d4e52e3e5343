//! What the patterns of rules have in common on their way to automata.

use regex::RegexBuilder;
use regex_syntax::ast::parse::Parser;
use regex_syntax::ast::{Ast, GroupKind, Visitor, visit};

/// A compiled pattern of a network or a banner larger than this is refused.
const MAX_BYTES: usize = 1 << 20;

/// What the states of a network's or a banner's pattern may take that are made while
/// it looks; hundreds of patterns meet each mail.
const STATES_BYTES: usize = 64 * 1024;

/// A pattern that meets mails as they were written: it ignores case, and its size is
/// bounded so that a rule cannot make a mail expensive. Of its groups the first yields a value.
pub(super) fn builder_for_mail(pattern: &str) -> RegexBuilder {
    let mut builder = RegexBuilder::new(&of_one_group(pattern));
    builder.case_insensitive(true).size_limit(MAX_BYTES).dfa_size_limit(STATES_BYTES);
    builder
}

/// What is to stand where a pattern is none. What the pattern was made into is not shown.
pub(super) fn wanted(error: &regex::Error) -> String {
    let why = error.to_string();
    let why = why.lines().last().unwrap_or_default();
    format!("a regular expression of Rust's regex crate is wanted ({why})")
}

/// The same pattern, its groups without names but the first remembering nothing. A rule's author writes
/// `(a|b)` to choose, and for each such group every state of the automaton would keep two
/// places: megabytes for one pattern of some length.
///
/// A pattern that is none stays as it is.
fn of_one_group(pattern: &str) -> String {
    let Ok(parsed) = Parser::new().parse(pattern) else { return pattern.to_owned() };
    let mut forgotten = visit(&parsed, Forgotten::default()).unwrap_or_default();
    forgotten.sort_unstable();
    let mut out = String::with_capacity(pattern.len() + 2 * forgotten.len());
    let mut from = 0;
    for behind in forgotten {
        out.push_str(pattern.get(from..behind).unwrap_or_default());
        out.push_str("?:");
        from = behind;
    }
    out.push_str(pattern.get(from..).unwrap_or_default());
    out
}

/// Where the groups behind the first one begin, behind their parentheses.
#[derive(Default)]
struct Forgotten(Vec<usize>);

impl Visitor for Forgotten {
    type Output = Vec<usize>;
    type Err = ();

    fn finish(self) -> Result<Vec<usize>, ()> {
        Ok(self.0)
    }

    fn visit_pre(&mut self, ast: &Ast) -> Result<(), ()> {
        if let Ast::Group(group) = ast
            && let GroupKind::CaptureIndex(index) = group.kind
            && index > 1
        {
            self.0.push(group.span.start.offset + 1);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_behind_the_first_remembers_nothing() {
        for (pattern, changed) in [
            ("a(b|(c))(?:d)", "a(b|(?:c))(?:d)"),
            (r"\([(](x)[^()]é(y)\)", r"\([(](x)[^()]é(?:y)\)"),
            ("(?i)(a)(?P<name>b)(c)", "(?i)(a)(?P<name>b)(?:c)"),
            ("(a", "(a"),
            ("", ""),
        ] {
            assert_eq!(of_one_group(pattern), changed);
        }
    }
}
