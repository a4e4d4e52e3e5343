//! One mail's examination as text and as JSON, from the same values.

use serde_json::{Value, json};

use super::style::{Paint, plain};
use crate::app::examine::Examined;
use crate::domain::{Evidence, Plan};

/// The stable form that scripts read (README, "check --json").
pub(super) fn json(examined: &Examined) -> Value {
    json!({
        "file": examined.file,
        "kind": examined.kind.as_str(),
        "network": examined.network,
        "plans": examined.plans.iter().map(plan_json).collect::<Vec<_>>(),
    })
}

fn plan_json(plan: &Plan) -> Value {
    let invitation = &plan.invitation;
    let inviter = &invitation.inviter;
    json!({
        "key": invitation.key.0,
        "inviter": {
            "name": inviter.name,
            "first_name": inviter.first_name,
            "headline": inviter.headline,
            "address": inviter.address.as_ref().map(ToString::to_string),
            "profile_url": inviter.profile_url,
        },
        "note": invitation.note,
        "note_kind": plan.judgement.kind.as_str(),
        "confidence": (plan.judgement.confidence * 1000.0).round() / 1000.0,
        "language": plan.judgement.language,
        "route": invitation.route.as_str(),
        "to": invitation.route.to().map(ToString::to_string),
        "decision": plan.decision.as_str(),
        "reason": plan.reason.code,
        "evidence": plan.evidence.iter().map(evidence_json).collect::<Vec<_>>(),
        "letter": plan.letter.as_ref().map(|letter| json!({ "subject": letter.subject, "body": letter.body })),
    })
}

fn evidence_json(evidence: &Evidence) -> Value {
    json!({ "stage": evidence.stage.as_str(), "rule": evidence.rule, "text": evidence.text })
}

/// The long form that people read.
pub(super) fn text(examined: &Examined, paint: Paint) -> String {
    let mut out = String::new();
    let mut line = |text: String| {
        out.push_str(&text);
        out.push('\n');
    };
    let network = examined.network.as_deref().unwrap_or("no network");
    line(paint.bold(&plain(&format!("{}: {} ({network})", examined.file, examined.kind.as_str()))));
    if let Some(why) = examined.unreadable {
        line(format!("  cannot be read: {why}; the daemon would list it in `notyet status`"));
    }
    if examined.plans.is_empty() {
        for evidence in &examined.evidence {
            line(format!("  {}", evidence_text(evidence)));
        }
    }
    for plan in &examined.plans {
        for row in plan_text(plan, paint) {
            line(row);
        }
    }
    out
}

fn plan_text(plan: &Plan, paint: Paint) -> Vec<String> {
    let invitation = &plan.invitation;
    let inviter = &invitation.inviter;
    let mut rows = Vec::new();
    let mut row = |name: &str, value: &str| {
        if !value.is_empty() {
            let value = plain(value).replace('\n', "\n              ");
            rows.push(format!("  {name:<11} {value}"));
        }
    };
    row("inviter", &inviter.name);
    row("headline", &inviter.headline);
    row("greeted as", if inviter.first_name.is_empty() { "(without a name)" } else { &inviter.first_name });
    row("address", &inviter.address.as_ref().map(ToString::to_string).unwrap_or_default());
    row("profile", inviter.profile_url.as_deref().unwrap_or_default());
    row("note", invitation.note.as_deref().unwrap_or("(none)"));
    let judgement = &plan.judgement;
    let language = if judgement.language.is_empty() { "" } else { ", language " };
    row(
        "judged",
        &format!(
            "{}, confidence {:.2}{language}{}",
            judgement.kind.as_str(),
            judgement.confidence,
            judgement.language
        ),
    );
    let to = invitation.route.to().map_or_else(|| invitation.answer_page.clone(), ToString::to_string);
    row("route", &format!("{} {to}", invitation.route.as_str()));
    let word = plan.decision.as_str();
    rows.push(format!("  {:<11} {}: {}", "decision", paint.decision(word, word), plain(&plan.reason.text)));
    rows.push(format!("  {}", paint.bold("evidence")));
    rows.extend(plan.evidence.iter().map(|evidence| format!("    {}", evidence_text(evidence))));
    if let Some(letter) = &plan.letter {
        rows.push(format!("  {}", paint.bold("letter")));
        rows.push(format!("    Subject: {}", plain(&letter.subject)));
        rows.push(String::new());
        rows.extend(letter.body.lines().map(|text| format!("    {}", plain(text)).trim_end().to_owned()));
    }
    rows
}

fn evidence_text(evidence: &Evidence) -> String {
    format!("{:<10} {:<28} {}", evidence.stage.as_str(), evidence.rule, plain(&evidence.text))
}
