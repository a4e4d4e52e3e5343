//! The learned weights' vote on a note, and the words it stands on.

use std::collections::BTreeMap;
use std::ops::Range;

use super::features::{self, SEAM};
use super::reading::Reading;
use crate::domain::NoteKind;
use crate::rulebook::notes::Hit;
use crate::rulebook::weights::{Kind, Weights};

/// What the weights say.
pub(super) struct Vote {
    /// The sum; above zero speaks for generic.
    pub(super) sum: f64,
    /// The words that weigh most on the sum's side, heaviest first.
    pub(super) strongest: Vec<Range<usize>>,
    /// The share of the note's words that were learned about.
    pub(super) known: f64,
}

/// So many words are cited.
const CITED: usize = 3;

/// Adds up the weights of `reading`; `level` parts the two sides.
pub(super) fn vote(reading: &Reading<'_>, weights: &Weights) -> Vote {
    let mut sum = weights.levels.bias;
    let (mut words, mut known) = (0_u32, 0_u32);
    let mut by_place: BTreeMap<(usize, usize), f64> = BTreeMap::new();
    features::each(reading, &mut |kind, feature, span, much| {
        let weight = weights.of(kind, feature) * much;
        sum += weight;
        if kind == Kind::Words && !feature.contains(SEAM) {
            words += 1;
            known += u32::from(weight != 0.0);
        }
        if !span.is_empty() && weight != 0.0 {
            *by_place.entry((span.start, span.end)).or_default() += weight;
        }
    });
    // What no note that was learned from could hold.
    sum -= reading.works.iter().map(|work| work.weight).sum::<f64>();
    sum +=
        reading.hits.iter().filter(|hit| !weights.knows_signal(&hit.signal.rule)).map(unlearned).sum::<f64>();
    let side = (sum - weights.levels.generic_from).signum();
    let mut places: Vec<((usize, usize), f64)> =
        by_place.into_iter().filter(|(_, w)| w * side > 0.0).collect();
    places.sort_by(|a, b| (b.1 * side).total_cmp(&(a.1 * side)).then(a.0.cmp(&b.0)));
    let mut strongest: Vec<Range<usize>> = Vec::new();
    for ((start, end), _) in places {
        if strongest.len() == CITED {
            break;
        }
        if !strongest.iter().any(|s| s.start < end && start < s.end) {
            strongest.push(start..end);
        }
    }
    Vote { sum, strongest, known: f64::from(known) / f64::from(words.max(1)) }
}

/// An owner's own signal counts with the weight its file gives it.
fn unlearned(hit: &Hit<'_>) -> f64 {
    match hit.signal.side {
        NoteKind::Generic => hit.signal.weight,
        NoteKind::Personalized => -hit.signal.weight,
    }
}
