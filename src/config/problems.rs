//! Collects what is wrong, so that one bad key does not hide the next.

use std::cell::RefCell;
use std::ops::Range;

use toml::Spanned;
use toml::de::DeTable;

use crate::domain::Problem;
use crate::domain::problem::place;

/// How much a finding weighs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Weight {
    /// The text is no TOML here.
    Syntax,
    /// A required key is not there.
    Missing,
    /// A key or value is not allowed.
    Wrong,
    /// Allowed, but it will surprise.
    Warning,
}

struct Finding {
    weight: Weight,
    /// Byte offset; none when the fault is that something is not there at all.
    offset: Option<usize>,
    key: String,
    found: String,
    allowed: String,
}

/// Everything found in one file so far.
pub(super) struct Findings<'t> {
    file: &'t str,
    text: &'t str,
    list: RefCell<Vec<Finding>>,
}

impl<'t> Findings<'t> {
    pub(super) fn new(file: &'t str, text: &'t str) -> Self {
        Self { file, text, list: RefCell::default() }
    }

    /// The file as a tree; where it is no TOML, that is noted and the rest is read on.
    pub(super) fn read_tree(&self) -> Spanned<DeTable<'t>> {
        let (tree, errors) = DeTable::parse_recoverable(self.text);
        for error in errors {
            // The message only: Display would quote the line, which may hold a secret.
            self.push(
                Weight::Syntax,
                Some(error.span().unwrap_or_default().start),
                "",
                format!("not TOML: {}", error.message()),
                "mend the syntax (https://toml.io)".to_owned(),
            );
        }
        tree
    }

    /// The value or key at `span` is not allowed.
    pub(super) fn wrong(&self, span: &Range<usize>, key: &str, found: &str, allowed: &str) {
        let (found, allowed) = (found.to_owned(), allowed.to_owned());
        self.push(Weight::Wrong, Some(span.start), key, found, allowed);
    }

    /// `key` should stand in the table that begins at `table`.
    pub(super) fn missing(&self, table: Option<usize>, key: &str, allowed: &str) {
        let (found, allowed) = ("not set".to_owned(), allowed.to_owned());
        self.push(Weight::Missing, table, key, found, allowed);
    }

    /// Allowed, but the owner should know.
    pub(super) fn warn(&self, offset: Option<usize>, key: &str, found: &str, advice: &str) {
        let (found, advice) = (found.to_owned(), advice.to_owned());
        self.push(Weight::Warning, offset, key, found, advice);
    }

    /// Problems and warnings, each in file order.
    pub(super) fn into_lists(self) -> (Vec<Problem>, Vec<Problem>) {
        let mut findings = self.list.into_inner();
        findings.sort_by_key(|finding| finding.offset);
        let doubt = Doubt::after(self.text, &findings);
        let (warnings, problems): (Vec<_>, Vec<_>) = findings
            .into_iter()
            .filter(|finding| !doubt.covers(self.text, finding))
            .partition(|finding| finding.weight == Weight::Warning);
        let finish = |list: Vec<Finding>| {
            list.into_iter().map(|finding| finding.into_problem(self.file, self.text)).collect()
        };
        (finish(problems), finish(warnings))
    }

    fn push(&self, weight: Weight, offset: Option<usize>, key: &str, found: String, allowed: String) {
        self.list.borrow_mut().push(Finding { weight, offset, key: key.to_owned(), found, allowed });
    }
}

impl Finding {
    fn into_problem(self, file: &str, text: &str) -> Problem {
        let (line, column) = self.offset.map_or((0, 0), |offset| place(text, offset));
        Problem {
            file: file.to_owned(),
            line,
            column,
            key: self.key,
            found: self.found,
            allowed: self.allowed,
        }
    }
}

/// What a syntax error makes doubtful: it may only be its echo.
struct Doubt {
    /// Lines that are no TOML.
    lines: Vec<usize>,
    /// From this line on keys may stand in the wrong table, since a header broke.
    from_line: usize,
}

impl Doubt {
    fn after(text: &str, findings: &[Finding]) -> Self {
        let lines: Vec<usize> = findings
            .iter()
            .filter(|finding| finding.weight == Weight::Syntax)
            .filter_map(|finding| Some(place(text, finding.offset?).0))
            .collect();
        let is_header = |line: &usize| {
            text.lines()
                .nth(line.saturating_sub(1))
                .is_some_and(|content| content.trim_start().starts_with('['))
        };
        let from_line = lines.iter().copied().find(is_header).unwrap_or(usize::MAX);
        Self { lines, from_line }
    }

    fn covers(&self, text: &str, finding: &Finding) -> bool {
        let line = finding.offset.map_or(0, |offset| place(text, offset).0);
        match finding.weight {
            Weight::Syntax => false,
            Weight::Missing => !self.lines.is_empty(),
            Weight::Wrong | Weight::Warning => self.lines.contains(&line) || line >= self.from_line,
        }
    }
}
