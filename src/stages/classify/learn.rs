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

/// How hard large weights may be penalised; the cross-validation chooses.
const PENALTIES: [f64; 2] = [0.003, 0.001];
/// Steps of the descent; more change the sums in the third place.
const STEPS: usize = 120;
/// Steps towards the steepest direction there is, which sets the pace.
const PACE_STEPS: usize = 20;
/// Parts of the cross-validation, where nobody says otherwise.
pub const PARTS: usize = 5;
/// A feature is worth this power of the logarithm of its rarity: rare pieces
/// tell more, the rarest are chance.
const RARITY_POWER: f64 = 1.7;

/// The share of personal notes of unseen themes that must be kept by the weights
/// alone, learned from a part of the notes. What learned from all of them and
/// has the rules beside it keeps more.
const KEPT: f64 = 0.98;
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
        let mut text = format!("{HEAD}# {made_from}\n[level]\n");
        let Levels { bias, generic_from, sure_from } = self.levels;
        for (name, level) in LEVELS.iter().zip([bias, generic_from, sure_from]) {
            text.push_str(&format!("{:.1}\t{name}\n", level * 100.0));
        }
        let mut section = None;
        for ((kind, feature), weight) in &self.weights {
            let hundredths = (weight * 100.0).round() as i64;
            if hundredths == 0 {
                continue;
            }
            if section.replace(*kind) != Some(*kind) {
                text.push_str(&format!("[{}]\n", kind.as_str()));
            }
            text.push_str(&format!("{hundredths}\t{feature}\n"));
        }
        text
    }
}

const HEAD: &str = "\
# What a linear model has learned from labelled notes: weights of pieces of
# notes. A sum above generic-from speaks for generic, one above sure-from surely.
# Below the heading of its kind stands each piece behind its weight in hundredths.
# See rules/README.md, \"Weights\".
";
/// What the pieces may take of the file, a line each of its piece and as much as a weight takes.
const ROOM_BYTES: usize = MAX_FILE_BYTES - 40_000;
const WEIGHT_BYTES: usize = "-50\t\n".len();

struct Row {
    features: Vec<(usize, f64)>,
    /// 1 for generic.
    label: f64,
    part: usize,
}

impl Row {
    fn with(&self, fitting: &[bool]) -> Self {
        let fits = |(at, _): &&(usize, f64)| fitting.get(*at).copied().unwrap_or_default();
        Self { features: self.features.iter().filter(fits).copied().collect(), ..*self }
    }
}

/// A feature that is learned about.
struct Feature {
    name: (Kind, String),
    /// What it counts for beside the others.
    worth: f64,
}

/// Learns from `lessons`; the cross-validation has `parts` parts.
pub fn learn(lessons: &[Lesson], parts: usize, context: &NoteContext<'_>, notes: &Notes) -> Learned {
    let readings: Vec<Reading<'_>> =
        lessons.iter().map(|lesson| Reading::of(&lesson.note.text, context, notes)).collect();
    let (rows, features) = rows(lessons, parts, &readings);
    let tried = PENALTIES.map(|penalty| {
        let unseen = unseen(&rows, parts, features.len(), penalty);
        let scale = scale(&rows, &unseen);
        (loss(&rows, &unseen, scale), penalty, scale, unseen)
    });
    let best = tried.into_iter().min_by(|a, b| a.0.total_cmp(&b.0));
    let (_, penalty, scale, mut unseen) = best.unwrap_or((0.0, 1.0, 1.0, Vec::new()));
    let (_, all) = descend(&rows.iter().collect::<Vec<_>>(), features.len(), penalty);
    // What has no room is not merely cut off: the rest learns to do without it.
    let fitting = fitting(&features, &all);
    let slim: Vec<Row> = rows.iter().map(|row| row.with(&fitting)).collect();
    let (bias, weights) = descend(&slim.iter().collect::<Vec<_>>(), features.len(), penalty);
    unseen.iter_mut().for_each(|sum| *sum *= scale);
    let weights = features
        .into_iter()
        .zip(weights)
        .map(|(feature, weight)| (feature.name, weight * feature.worth * scale))
        .collect();
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

/// The features that weigh most, as many as the file has room for.
fn fitting(features: &[Feature], weights: &[f64]) -> Vec<bool> {
    let mut order: Vec<(f64, usize, usize)> = features
        .iter()
        .zip(weights)
        .enumerate()
        .map(|(at, (feature, weight))| ((weight * feature.worth).abs(), at, feature.name.1.len()))
        .collect();
    order.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let mut fitting = vec![false; features.len()];
    let mut room = ROOM_BYTES;
    for (_, at, bytes) in order {
        let Some(left) = room.checked_sub(bytes + WEIGHT_BYTES) else { break };
        room = left;
        if let Some(slot) = fitting.get_mut(at) {
            *slot = true;
        }
    }
    fitting
}

/// Each row's sum by weights that never saw its part.
fn unseen(rows: &[Row], parts: usize, size: usize, penalty: f64) -> Vec<f64> {
    let mut unseen = vec![0.0; rows.len()];
    for part in 0..parts {
        let train: Vec<&Row> = rows.iter().filter(|row| row.part != part).collect();
        let (bias, weights) = descend(&train, size, penalty);
        for (row, sum) in rows.iter().zip(&mut unseen).filter(|(row, _)| row.part == part) {
            *sum = bias + dot(row, &weights);
        }
    }
    unseen
}

/// The mean log loss.
fn loss(rows: &[Row], unseen: &[f64], scale: f64) -> f64 {
    let of = |(row, sum): (&Row, &f64)| {
        let margin = if row.label > 0.5 { scale * sum } else { -scale * sum };
        (-margin).max(0.0) + (-margin.abs()).exp().ln_1p()
    };
    rows.iter().zip(unseen).map(of).sum::<f64>() / rows.len().max(1) as f64
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

/// What there is to learn from: notes that rules alone decide are left out, and
/// so is what stands in one theme only: it would be learned by heart.
fn rows(lessons: &[Lesson], parts: usize, readings: &[Reading<'_>]) -> (Vec<Row>, Vec<Feature>) {
    struct Seen {
        at: usize,
        theme: u64,
        elsewhere: bool,
        notes: u32,
    }
    let mut seen: HashMap<(Kind, String), Seen> = HashMap::new();
    let mut rows = Vec::new();
    for (lesson, reading) in lessons.iter().zip(readings) {
        if (Case { reading, evidence: Vec::new() }).decided().is_some() {
            continue;
        }
        let theme = digest(&lesson.theme);
        let mut found: HashMap<usize, f64> = HashMap::new();
        features::each(reading, &mut |kind, feature, _, much| {
            let next = seen.len();
            let seen = seen.entry((kind, feature.to_owned())).or_insert(Seen {
                at: next,
                theme,
                elsewhere: false,
                notes: 0,
            });
            seen.elsewhere |= seen.theme != theme;
            // A piece that stands twice counts once in the notes, twice in the sum.
            let slot = found.entry(seen.at).or_insert_with(|| {
                seen.notes += 1;
                0.0
            });
            *slot += much;
        });
        let mut features: Vec<(usize, f64)> = found.into_iter().collect();
        features.sort_unstable_by_key(|(at, _)| *at);
        let label = if lesson.note.label == NoteKind::Generic { 1.0 } else { 0.0 };
        rows.push(Row { features, label, part: (theme % parts.max(1) as u64) as usize });
    }
    let all = (rows.len() + 1) as f64;
    let mut kept: Vec<((Kind, String), Seen)> = seen.into_iter().filter(|(_, seen)| seen.elsewhere).collect();
    kept.sort_by(|a, b| a.0.cmp(&b.0));
    let mut renumbered: HashMap<usize, (usize, f64)> = HashMap::new();
    let mut features = Vec::new();
    for (name, seen) in kept {
        let worth = (all / f64::from(seen.notes)).ln().powf(RARITY_POWER);
        renumbered.insert(seen.at, (features.len(), worth));
        features.push(Feature { name, worth });
    }
    for row in &mut rows {
        let known = row.features.iter().filter_map(|(old, much)| Some((renumbered.get(old)?, much)));
        row.features = known.map(|((new, worth), much)| (*new, much * worth)).collect();
    }
    (rows, features)
}

/// Equal themes of different writers are one.
fn digest(theme: &str) -> u64 {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    theme.trim().to_lowercase().bytes().fold(0xcbf2_9ce4_8422_2325, step) >> 17
}

fn dot(row: &Row, weights: &[f64]) -> f64 {
    row.features.iter().map(|(at, much)| weights.get(*at).copied().unwrap_or_default() * much).sum()
}

/// The steepest the sum of squares gets, by walking towards it: the largest
/// eigenvalue of the rows' second moments, the bias counted as a feature.
fn steepest(rows: &[&Row], size: usize) -> f64 {
    let (mut bias, mut direction) = (1.0_f64, vec![1.0_f64; size]);
    let mut steep = 1.0_f64;
    for _ in 0..PACE_STEPS {
        let norm = (bias * bias + direction.iter().map(|d| d * d).sum::<f64>()).sqrt().max(f64::MIN_POSITIVE);
        bias /= norm;
        direction.iter_mut().for_each(|d| *d /= norm);
        let (mut next_bias, mut next) = (0.0, vec![0.0; size]);
        steep = 0.0;
        for row in rows {
            let along = (bias + dot(row, &direction)) / rows.len() as f64;
            steep += along * along * rows.len() as f64;
            next_bias += along;
            add(row, along, &mut next);
        }
        (bias, direction) = (next_bias, next);
    }
    steep
}

fn add(row: &Row, factor: f64, to: &mut [f64]) {
    for (at, much) in &row.features {
        if let Some(slot) = to.get_mut(*at) {
            *slot += factor * much;
        }
    }
}

/// Accelerated gradient descent (Nesterov) on the penalised log loss; the bias
/// carries no penalty.
fn descend(rows: &[&Row], size: usize, penalty: f64) -> (f64, Vec<f64>) {
    let count = rows.len().max(1) as f64;
    // The walk ends a little short of the steepest.
    let rate = 1.0 / (0.25 * 1.2 * steepest(rows, size) + penalty);
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
            add(row, error, &mut slope);
        }
        let next_momentum = f64::midpoint(1.0, (1.0 + 4.0 * momentum * momentum).sqrt());
        let glide = (momentum - 1.0) / next_momentum;
        momentum = next_momentum;
        let next_bias = ahead_bias - rate * bias_slope;
        ahead_bias = next_bias + glide * (next_bias - bias);
        bias = next_bias;
        for ((weight, ahead), slope) in weights.iter_mut().zip(&mut ahead).zip(slope) {
            let next = *ahead - rate * (slope + penalty * *ahead);
            *ahead = next + glide * (next - *weight);
            *weight = next;
        }
    }
    (bias, weights)
}
