//! Who signed a note: the inviter, or somebody the owner may know.

use std::ops::Range;

use super::letter::Reader;
use crate::domain::Inviter;
use crate::rulebook::notes::Language;
use crate::rulebook::text::{normalise, words};

/// So many letters of a name are a short form of it: `Alex` for Alexander.
const LEAST_SHORT_FORM: usize = 3;

/// The words of the sign-off, from `start` on, that are neither a closing nor
/// the inviter's name, title, company or job; the first to the last of them.
pub(super) fn foreign(
    folded: &str,
    start: usize,
    inviter: &Inviter,
    reader: &Reader<'_>,
    common: &Language,
) -> Option<Range<usize>> {
    let sign_off = folded.get(start..).unwrap_or_default();
    let found = words(sign_off);
    let bare: Vec<&str> = found.iter().map(|(_, word)| *word).collect();
    let own = Own::of(inviter);
    let mut foreign: Option<Range<usize>> = None;
    let mut at = 0;
    while let (Some(rest), Some((range, word))) = (bare.get(at..), found.get(at)) {
        let closing = reader.languages.iter().map(|l| l.closing.holds_head(rest)).max().unwrap_or(0);
        // Scripts without blanks: closing and name are one word.
        let behind = reader.languages.iter().map(|l| l.closing.holds_prefix(word)).max().unwrap_or(0);
        let name =
            if closing == 0 && reader.unspaced() { word.get(behind..).unwrap_or_default() } else { word };
        let is_known = closing > 0
            || name.is_empty()
            || own.holds(name)
            || common.smalltalk.holds(word)
            || reader.is_filler(word);
        if !is_known {
            let from = foreign.map_or(start + range.start, |known| known.start);
            foreign = Some(from..start + range.end);
        }
        at += closing.max(1);
    }
    foreign
}

/// What an inviter may sign with.
struct Own {
    name: Vec<String>,
    headline: Vec<String>,
    initials: String,
}

impl Own {
    fn of(inviter: &Inviter) -> Self {
        let list = |text: &str| -> Vec<String> {
            words(normalise(text).as_str()).into_iter().map(|(_, word)| word.to_owned()).collect()
        };
        let name = list(&inviter.name);
        let initials = name.iter().filter_map(|word| word.chars().next()).collect();
        Self { headline: list(&inviter.headline), initials, name }
    }

    fn holds(&self, word: &str) -> bool {
        let is_short_form = |name: &String| {
            name == word || (word.chars().count() >= LEAST_SHORT_FORM && name.starts_with(word))
        };
        // The name may stand whole in one word: scripts without blanks, handles.
        self.name.iter().any(is_short_form)
            || self.headline.iter().any(|part| part == word)
            || self.name.concat() == word
            || (!word.is_empty() && self.initials.contains(word))
    }
}
