//! `notyet rules learn`: weights from labelled notes.

use std::path::{Path, PathBuf};

use super::out::{End, Outcome, say};
use crate::app::{rules, setup};

pub(super) fn run(files: &[PathBuf], out: &Path, folder: Option<&Path>) -> Outcome {
    let compiled = setup::rules(folder)?;
    let (lessons, learned) = rules::learn_weights(files, &compiled)?;
    // Experiment.
    let mut rows: Vec<(f64, bool)> = lessons
        .iter()
        .zip(&learned.unseen)
        .map(|(l, s)| (*s, l.note.label == crate::domain::NoteKind::Generic))
        .collect();
    rows.sort_by(|a, b| a.0.total_cmp(&b.0));
    for t in [-1.0, -0.5, 0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0] {
        let right = rows.iter().filter(|(s, g)| (*s >= t) == *g).count();
        let p: Vec<_> = rows.iter().filter(|(_, g)| !g).collect();
        let kept = p.iter().filter(|(s, _)| *s < t).count();
        let g = rows.len() - p.len();
        let gr = rows.iter().filter(|(s, g)| *g && *s >= t).count();
        say(&format!(
            "{t:>5}: overall {:.2} personalized {:.2} generic {:.2}",
            100.0 * right as f64 / rows.len() as f64,
            100.0 * kept as f64 / p.len() as f64,
            100.0 * gr as f64 / g as f64
        ))?;
    }
    let mut text = format!(
        "level\tbias\t{:.3}\nlevel\tgeneric-from\t{:.3}\nlevel\tsure-from\t{:.3}\n",
        learned.levels.bias, learned.levels.generic_from, learned.levels.sure_from
    );
    for ((kind, feature), weight) in &learned.weights {
        if weight.abs() >= 0.02 {
            text.push_str(&format!("{}\t{feature}\t{weight:.2}\n", kind.as_str()));
        }
    }
    say(&format!("{} features, {} bytes", learned.weights.len(), text.len()))?;
    if std::env::var("MISSES").is_ok() {
        for (l, s) in lessons.iter().zip(&learned.unseen) {
            if (*s >= 0.0) != (l.note.label == crate::domain::NoteKind::Generic) {
                say(&format!(
                    "{s:.2} {} {} {} | {}",
                    l.note.label.as_str(),
                    l.note.language,
                    l.theme,
                    l.note.text.replace('\n', " / ")
                ))?;
            }
        }
    }
    std::fs::write(out, text).map_err(|e| crate::domain::Fault::Permanent(format!("{e}")))?;
    Ok(End::Done)
}
