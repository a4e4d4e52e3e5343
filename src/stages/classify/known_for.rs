//! The owner's own words in a note: what they made and where they work.

use std::ops::Range;

use crate::config::Me;
use crate::rulebook::text::{fold, is_word};

/// Whoever names a talk, book or product of the reader wrote to the reader.
const WORK_WEIGHT: f64 = 3.0;
/// A template fills in the employer's name.
const COMPANY_WEIGHT: f64 = 0.5;

/// A work or company of the owner that a note speaks of.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Work {
    /// Which list of the configuration names it: `me.talks`.
    pub(super) rule: &'static str,
    /// How much it speaks for a personal note.
    pub(super) weight: f64,
    /// Where it stands in the folded note.
    pub(super) span: Range<usize>,
}

/// Finds what `me` names in a folded note; each once.
pub(super) fn find(own: &str, me: &Me) -> Vec<Work> {
    let lists = [
        ("me.talks", WORK_WEIGHT, &me.talks),
        ("me.books", WORK_WEIGHT, &me.books),
        ("me.products", WORK_WEIGHT, &me.products),
        ("me.companies", COMPANY_WEIGHT, &me.companies),
    ];
    let mut found = Vec::new();
    for (rule, weight, names) in lists {
        for name in names.iter().map(|name| fold(name)).filter(|name| !name.is_empty()) {
            found.extend(place(own, &name).map(|span| Work { rule, weight, span }));
        }
    }
    found
}

/// Where `name` stands in `text` as words of its own.
fn place(text: &str, name: &str) -> Option<Range<usize>> {
    let stands_alone = |at: &usize| {
        let before = text.get(..*at).and_then(|t| t.chars().next_back());
        let after = text.get(at + name.len()..).and_then(|t| t.chars().next());
        let parted = |neighbour: Option<char>, edge: Option<char>| {
            !neighbour.is_some_and(is_word) || !edge.is_some_and(|c| c.is_ascii_alphanumeric())
        };
        parted(before, name.chars().next()) && parted(after, name.chars().next_back())
    };
    let (at, _) = text.match_indices(name).find(|(at, _)| stands_alone(at))?;
    Some(at..at + name.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(note: &str) -> Vec<&'static str> {
        let names = |list: &[&str]| list.iter().map(|n| (*n).to_owned()).collect();
        let me = Me {
            talks: names(&["Queues without Tears"]),
            books: names(&["静かな郵便"]),
            companies: names(&["Example Works"]),
            products: names(&["Letterbox"]),
        };
        find(&fold(note), &me).iter().map(|work| work.rule).collect()
    }

    #[test]
    fn names_are_found_whole_in_any_dress() {
        assert_eq!(rules("I saw QUEUES  without tears twice"), ["me.talks"]);
        assert_eq!(rules("先日「静かな郵便」を読みました"), ["me.books"]);
        assert_eq!(rules("letterbox at Example Works!"), ["me.products", "me.companies"]);
        assert_eq!(rules("letterboxes and unexample works"), [] as [&str; 0]);
    }
}
