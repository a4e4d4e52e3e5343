//! Where a note's own words begin and end: its greeting and its sign-off.

use std::ops::Range;

use crate::rulebook::notes::Language;
use crate::rulebook::text::words;

/// More words than these between greeting and comma are no name.
const MAX_NAME_WORDS: usize = 4;

/// A line of an unspaced script this short may be a salutation or a name.
const MAX_SALUTATION_CHARS: usize = 12;

/// What the parts of a note are judged by.
pub(super) struct Reader<'a> {
    /// The languages the note may be in, likeliest first.
    pub(super) languages: &'a [&'a Language],
    /// Folded words of the names of inviter and owner.
    pub(super) names: &'a [String],
}

impl Reader<'_> {
    /// The folded note without greeting and sign-off; empty when they are all there is.
    pub(super) fn body(&self, folded: &str) -> Range<usize> {
        let start = self.greeting_end(folded);
        let rest = folded.get(start..).unwrap_or_default();
        start..start + self.signoff_start(rest)
    }

    fn greeting_end(&self, folded: &str) -> usize {
        if self.unspaced() {
            return self.unspaced_greeting_end(folded);
        }
        let found = words(folded);
        let bare: Vec<&str> = found.iter().map(|(_, word)| *word).collect();
        let greeted = self.languages.iter().map(|l| l.greeting.holds_head(&bare)).max().unwrap_or(0);
        let mut name_words = 0;
        for (at, (range, word)) in found.iter().enumerate().skip(greeted.saturating_sub(1)) {
            let is_greeting = at < greeted;
            if !is_greeting {
                if !self.may_be_name(word) {
                    break;
                }
                name_words += 1;
            }
            if name_words > MAX_NAME_WORDS {
                break;
            }
            let next = found.get(at + 1).map_or(folded.len(), |(next, _)| next.start);
            let gap = folded.get(range.end..next).unwrap_or_default();
            let line_ends = gap.contains('\n');
            if self.is_title(word) && !line_ends && !gap.contains(',') {
                continue;
            }
            let parted = gap.contains([',', '!', ':', ';', '.']) || gap.contains("- ") || line_ends;
            if !parted {
                continue;
            }
            // A greeting with a comma before the name: "Bună, Andrei,".
            if is_greeting && !line_ends && self.name_fills_line(folded, next) {
                continue;
            }
            let addressed = greeted > 0
                || (line_ends && gap.trim_end_matches(['\n', ' ']).ends_with([',', ':', '!', '-']))
                || found.iter().take(at + 1).any(|(_, w)| self.is_title(w) || self.is_known_name(w));
            if addressed && !gap.contains('?') {
                return next.min(folded.len());
            }
            break;
        }
        match greeted.checked_sub(1).and_then(|last| found.get(last)) {
            Some((range, _)) => range.end,
            None => 0,
        }
    }

    /// Whether from `at` to the line's end there is a name and nothing else.
    fn name_fills_line(&self, folded: &str, at: usize) -> bool {
        let rest = folded.get(at..).unwrap_or_default();
        let line = rest.lines().next().unwrap_or_default();
        let found = words(line);
        line.len() < rest.len()
            && (1..=MAX_NAME_WORDS).contains(&found.len())
            && found.iter().all(|(_, word)| self.may_be_name(word))
    }

    fn unspaced_greeting_end(&self, folded: &str) -> usize {
        let end = folded.find([',', '。', '!', '\n', ':', '.', '~']).unwrap_or(folded.len());
        let head = folded.get(..end).unwrap_or_default();
        let greeted = self.longest_prefix(head);
        let salutes = head.chars().count() <= MAX_SALUTATION_CHARS
            && self.languages.iter().any(|language| {
                head.char_indices().any(|(at, _)| {
                    let tail = head.get(at..).unwrap_or_default();
                    let whole = |n: usize| n > 0 && n == tail.len();
                    whole(language.title.holds_prefix(tail)) || whole(language.greeting.holds_prefix(tail))
                })
            });
        let end = if salutes { end } else { greeted };
        let rest = folded.get(end..).unwrap_or_default();
        end + (rest.len() - rest.trim_start_matches([',', '。', '!', '\n', ':', '.', '~', ' ']).len())
    }

    fn longest_prefix(&self, text: &str) -> usize {
        self.languages.iter().map(|language| language.greeting.holds_prefix(text)).max().unwrap_or(0)
    }

    fn signoff_start(&self, rest: &str) -> usize {
        let found = words(rest);
        let tail = found.len().saturating_sub(10);
        for (at, (range, _)) in found.iter().enumerate().skip(tail) {
            let from = at.checked_sub(1).and_then(|before| found.get(before)).map_or(0, |(r, _)| r.end);
            let gap = rest.get(from..range.start).unwrap_or_default();
            let first = at == 0;
            if !first
                && !gap.contains(['\n', '.', '!', '?', ',', ';', ':', ')', '。', '~'])
                && !gap.contains("- ")
            {
                continue;
            }
            let bare: Vec<&str> = found.iter().skip(at).map(|(_, word)| *word).collect();
            let closing = self
                .languages
                .iter()
                .map(|l| {
                    l.closing.holds_head(&bare).max(usize::from(
                        l.script.is_unspaced() && bare.first().is_some_and(|w| l.closing.holds(w)),
                    ))
                })
                .max()
                .unwrap_or(0);
            let after = bare.get(closing..).unwrap_or_default();
            let named = after.len() <= MAX_NAME_WORDS && after.iter().all(|word| self.may_be_name(word));
            let own_line = gap.contains('\n') || gap.contains("- ") || (first && rest.starts_with('-'));
            let signs = closing > 0
                || (!first && !after.is_empty() && after.iter().all(|word| self.is_known_name(word)))
                || (own_line
                    && after.len() <= 3
                    && (!first || rest.starts_with('-'))
                    && self.short_enough(after));
            if named && signs && !rest.ends_with('?') {
                return from + (gap.len() - gap.trim_start_matches(['.', '!', '?', ')', '。']).len());
            }
        }
        rest.len()
    }

    fn short_enough(&self, name: &[&str]) -> bool {
        !self.unspaced() || name.iter().map(|word| word.chars().count()).sum::<usize>() <= 6
    }

    fn may_be_name(&self, word: &str) -> bool {
        !word.chars().any(|c| c.is_numeric())
            && (self.is_title(word)
                || self.is_known_name(word)
                || !self.languages.iter().any(|l| l.stop.holds(word)))
    }

    fn is_title(&self, word: &str) -> bool {
        self.languages.iter().any(|language| language.title.holds(word))
    }

    /// A word that says nothing of who signs: `dr`, `your`, `from`.
    pub(super) fn is_filler(&self, word: &str) -> bool {
        self.is_title(word) || self.languages.iter().any(|language| language.stop.holds(word))
    }

    pub(super) fn is_known_name(&self, word: &str) -> bool {
        self.names.iter().any(|name| name == word)
    }

    pub(super) fn unspaced(&self) -> bool {
        self.languages.first().is_some_and(|language| language.script.is_unspaced())
    }
}
