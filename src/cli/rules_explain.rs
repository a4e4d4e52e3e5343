//! `notyet rules explain`: the votes on one note.

use serde::Serialize;

use super::arguments::ExplainArguments;
use super::out::{End, Outcome, say};
use super::render::{EvidenceJson, evidence_text, thousandths};
use super::style::json_text;
use crate::app::{look, rules, setup};

#[derive(Serialize)]
struct JudgementJson<'a> {
    note_kind: &'static str,
    confidence: f64,
    language: &'a str,
    evidence: Vec<EvidenceJson<'a>>,
    /// The kind of opening that a letter begins with; null: a plain thank-you.
    opening: Option<&'a str>,
    /// The kind for which a letter leaves room; null: it leaves none.
    asks: Option<&'a str>,
}

pub(super) fn run(arguments: &ExplainArguments) -> Outcome {
    let compiled = setup::rules(arguments.rules.as_deref())?;
    let note = if arguments.note == "-" { look::read_note()? } else { arguments.note.clone() };
    let judgement = rules::judge_note(&note, &compiled);
    let kind = judgement.kind.as_str();
    let occasion = rules::occasion_of(&note, &judgement, &compiled);
    let opening = occasion.opening.map(|kind| kind.name.as_str());
    let asks = occasion.asks.map(|kind| kind.name.as_str());
    if arguments.json {
        let json = JudgementJson {
            note_kind: kind,
            confidence: thousandths(judgement.confidence),
            language: &judgement.language,
            evidence: judgement.evidence.iter().map(EvidenceJson::of).collect(),
            opening,
            asks,
        };
        // Only maps with keys that are no strings and failing writers make this fail.
        say(&json_text(&serde_json::to_string(&json).unwrap_or_default()))?;
        return Ok(End::Done);
    }
    let language = if judgement.language.is_empty() { "unknown" } else { &judgement.language };
    say(&format!("{kind}, confidence {:.2}, language {language}", judgement.confidence))?;
    for evidence in &judgement.evidence {
        say(&format!("  {}", evidence_text(evidence)))?;
    }
    if let Some(kind) = opening {
        say(&format!("  the letter begins with openings/{kind}"))?;
    }
    if let Some(kind) = asks {
        say(&format!("  the letter leaves room for your answer (openings/{kind})"))?;
    }
    Ok(End::Done)
}
