//! Learning weights from labelled notes: logistic regression with a penalty on
//! large weights, so that one note cannot make a rule.
//!
//! Pure and without chance: the same notes and rules give the same file. The
//! notes are parted by theme, never by line: what is said about choirs is not
//! tried on choirs.

use std::collections::{BTreeMap, HashMap};

use super::features;
use super::reading::Reading;
use super::vote::Vote;
use super::{Case, LabelledNote, NoteContext, ScoreTable};
use crate::domain::NoteKind;
use crate::rulebook::notes::Notes;
use crate::rulebook::weights::{Kind, LEVELS, Levels, MAX_FILE_BYTES};

/// How hard large weights are penalised.
const PENALTY: f64 = 0.012;
/// Steps of the descent; more change the sums in the third place.
const STEPS: usize = 400;
/// Parts of the cross-validation.
const PARTS: usize = 5;
/// Features of fewer notes are left out: they would be learned by heart.
const LEAST_NOTES: u32 = 2;

/// The share of personal notes that must be kept.
const KEPT: f64 = 0.992;
/// So far above the worst mistake a verdict counts as sure.
const SURE_MARGIN: f64 = 0.5;

/// A labelled note with its theme.
#[derive(Clone, Debug)]
pub struct Lesson {
    /// The note and its label.
    pub note: LabelledNote,
    /// The trade or situation; notes of one theme stay together.
    pub theme: String,
}

/// What was learned.
#[derive(Clone, Debug)]
pub struct Learned {
    /// The levels.
    pub levels: Levels,
    /// The weights, by kind and feature.
    pub weights: BTreeMap<(Kind, String), f64>,
    /// How the lessons came out by weights that never saw their theme.
    pub unseen: ScoreTable,
}

impl Learned {
    /// The file `notes/weights.tsv`; `made_from` says by which command and of what.
    pub fn file(&self, made_from: &str) -> String {
        let mut text = format!("{HEAD}# {made_from}\n");
        let Levels { bias, generic_from, sure_from } = self.levels;
        for (name, level) in LEVELS.iter().zip([bias, generic_from, sure_from]) {
            text.push_str(&format!("level\t{name}\t{level:.3}\n"));
        }
        let mut kept: Vec<_> =
            self.weights.iter().filter(|(_, weight)| weight.abs() >= LEAST_WEIGHT).collect();
        kept.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()));
        let mut room = MAX_FILE_BYTES - text.len();
        let fits =
            |(kind, feature): &(Kind, String)| kind.as_str().len() + feature.len() + "\t\t-00.00\n".len();
        kept.retain(|(feature, _)| {
            let fit = room >= fits(feature);
            room -= if fit { fits(feature) } else { room };
            fit
        });
        kept.sort_by(|a, b| a.0.cmp(b.0));
        for ((kind, feature), weight) in kept {
            text.push_str(&format!("{}\t{feature}\t{weight:.2}\n", kind.as_str()));
        }
        text
    }
}

/// Smaller weights are left out of the file.
const LEAST_WEIGHT: f64 = 0.03;

const HEAD: &str = "\
# What a linear model has learned from labelled notes: weights of pieces of
# notes. A sum above generic-from speaks for generic, one above sure-from surely.
# Columns, by tabs: kind, feature, weight. See rules/README.md, \"Weights\".
";

struct Row {
    features: Vec<(usize, f64)>,
    /// 1 for generic.
    label: f64,
    part: usize,
}

/// Learns from `lessons`.
pub fn learn(lessons: &[Lesson], context: &NoteContext<'_>, notes: &Notes) -> Learned {
    let readings: Vec<Reading<'_>> =
        lessons.iter().map(|lesson| Reading::of(&lesson.note.text, context, notes)).collect();
    let (rows, names) = rows(lessons, &readings);
    let mut unseen = vec![0.0; rows.len()];
    for part in 0..PARTS {
        let train: Vec<&Row> = rows.iter().filter(|row| row.part != part).collect();
        let (bias, weights) = descend(&train, names.len());
        for (row, sum) in rows.iter().zip(&mut unseen).filter(|(row, _)| row.part == part) {
            *sum = bias + dot(row, &weights);
        }
    }
    let (bias, weights) = descend(&rows.iter().collect::<Vec<_>>(), names.len());
    let scale = scale(&rows, &unseen);
    unseen.iter_mut().for_each(|sum| *sum *= scale);
    let weights = names.into_iter().zip(weights.into_iter().map(|weight| weight * scale)).collect();
    let levels = levels(bias * scale, &rows, &unseen);
    let mut table = ScoreTable::default();
    let mut sums = unseen.iter();
    for (lesson, reading) in lessons.iter().zip(&readings) {
        let case = Case { reading, evidence: Vec::new() };
        let vote =
            || Vote { sum: sums.next().copied().unwrap_or_default(), strongest: Vec::new(), known: 1.0 };
        table.count(&lesson.note, case.judge(vote, levels));
    }
    Learned { levels, weights, unseen: table }
}

/// The factor that makes a sum the logarithm of the odds: the penalty keeps
/// weights smaller than that (Platt's scaling without its offset).
fn scale(rows: &[Row], unseen: &[f64]) -> f64 {
    let mut scale = 1.0_f64;
    for _ in 0..50 {
        let (mut slope, mut bend) = (0.0, 1e-9);
        for (row, sum) in rows.iter().zip(unseen) {
            let p = 1.0 / (1.0 + (-scale * sum).exp());
            slope += (p - row.label) * sum;
            bend += p * (1.0 - p) * sum * sum;
        }
        scale = (scale - slope / bend).clamp(0.1, 20.0);
    }
    scale
}

/// Generic has to be shown: of a hundred personal notes of themes never seen,
/// [`KEPT`] must stay personal, and a sure verdict must be surer than any that
/// was wrong.
fn levels(bias: f64, rows: &[Row], unseen: &[f64]) -> Levels {
    let mut personal: Vec<f64> =
        rows.iter().zip(unseen).filter(|(row, _)| row.label == 0.0).map(|(_, sum)| *sum).collect();
    personal.sort_by(|a, b| b.total_cmp(a));
    let lost = ((1.0 - KEPT) * personal.len() as f64) as usize;
    let generic_from = personal.get(lost).map_or(0.0, |sum| sum + 0.01).max(0.0);
    let sure_from = personal.first().map_or(0.0, |sum| sum + SURE_MARGIN).max(generic_from + 1.0);
    Levels { bias, generic_from, sure_from }
}

/// What there is to learn from: notes that rules alone decide are left out.
fn rows(lessons: &[Lesson], readings: &[Reading<'_>]) -> (Vec<Row>, Vec<(Kind, String)>) {
    let mut seen: HashMap<(Kind, String), (usize, u32)> = HashMap::new();
    let mut rows = Vec::new();
    for (lesson, reading) in lessons.iter().zip(readings) {
        if (Case { reading, evidence: Vec::new() }).decided().is_some() {
            continue;
        }
        let mut found: HashMap<usize, f64> = HashMap::new();
        features::each(reading, &mut |kind, feature, _, much| {
            let next = seen.len();
            let (at, count) = seen.entry((kind, feature.to_owned())).or_insert((next, 0));
            // A piece that stands twice counts once in the notes, twice in the sum.
            let slot = found.entry(*at).or_insert_with(|| {
                *count += 1;
                0.0
            });
            *slot += much;
        });
        let mut features: Vec<(usize, f64)> = found.into_iter().collect();
        features.sort_unstable_by_key(|(at, _)| *at);
        let label = if lesson.note.label == NoteKind::Generic { 1.0 } else { 0.0 };
        rows.push(Row { features, label, part: part_of(&lesson.theme) });
    }
    let mut kept: Vec<(Kind, String, usize)> = seen
        .into_iter()
        .filter(|(_, (_, count))| *count >= LEAST_NOTES)
        .map(|((kind, name), (at, _))| (kind, name, at))
        .collect();
    kept.sort();
    let renumbered: HashMap<usize, usize> =
        kept.iter().enumerate().map(|(new, (_, _, old))| (*old, new)).collect();
    for row in &mut rows {
        row.features =
            row.features.iter().filter_map(|(old, much)| Some((*renumbered.get(old)?, *much))).collect();
    }
    (rows, kept.into_iter().map(|(kind, name, _)| (kind, name)).collect())
}

/// Equal themes of different writers go to one part.
fn part_of(theme: &str) -> usize {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    let hash = theme.trim().to_lowercase().bytes().fold(0xcbf2_9ce4_8422_2325, step);
    ((hash >> 17) % PARTS as u64) as usize
}

fn dot(row: &Row, weights: &[f64]) -> f64 {
    row.features.iter().map(|(at, much)| weights.get(*at).copied().unwrap_or_default() * much).sum()
}

/// Accelerated gradient descent (Nesterov) on the penalised log loss; the bias
/// carries no penalty.
fn descend(rows: &[&Row], size: usize) -> (f64, Vec<f64>) {
    let count = rows.len().max(1) as f64;
    let widest =
        rows.iter().map(|row| 1.0 + row.features.iter().map(|(_, m)| m * m).sum::<f64>()).fold(1.0, f64::max);
    let rate = 1.0 / (0.25 * widest + PENALTY);
    let (mut bias, mut weights) = (0.0, vec![0.0; size]);
    let (mut ahead_bias, mut ahead) = (0.0, vec![0.0; size]);
    let mut momentum = 1.0_f64;
    for _ in 0..STEPS {
        let mut slope = vec![0.0; size];
        let mut bias_slope = 0.0;
        for row in rows {
            let sum = ahead_bias + dot(row, &ahead);
            let error = (1.0 / (1.0 + (-sum).exp()) - row.label) / count;
            bias_slope += error;
            for (at, much) in &row.features {
                if let Some(slot) = slope.get_mut(*at) {
                    *slot += error * much;
                }
            }
        }
        let next_momentum = f64::midpoint(1.0, (1.0 + 4.0 * momentum * momentum).sqrt());
        let glide = (momentum - 1.0) / next_momentum;
        momentum = next_momentum;
        let next_bias = ahead_bias - rate * bias_slope;
        ahead_bias = next_bias + glide * (next_bias - bias);
        bias = next_bias;
        for ((weight, ahead), slope) in weights.iter_mut().zip(&mut ahead).zip(slope) {
            let next = *ahead - rate * (slope + PENALTY * *ahead);
            *ahead = next + glide * (next - *weight);
            *weight = next;
        }
    }
    (bias, weights)
}
