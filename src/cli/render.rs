//! One mail's examination as text and as JSON, from the same values.

use serde::Serialize;

use super::style::{Paint, json_text, line, plain};
use crate::app::examine::Examined;
use crate::domain::{Evidence, Plan};

/// The stable form that scripts read (README, "check --json"): one object on one line.
pub(super) fn json(examined: &Examined) -> String {
    let mail = MailJson {
        file: &examined.file,
        kind: examined.kind.as_str(),
        network: examined.network.as_deref(),
        unreadable: examined.unreadable.as_deref(),
        plans: examined.plans.iter().map(PlanJson::of).collect(),
    };
    // Only maps with keys that are no strings and failing writers make this fail.
    json_text(&serde_json::to_string(&mail).unwrap_or_default())
}

#[derive(Serialize)]
struct MailJson<'a> {
    file: &'a str,
    kind: &'static str,
    network: Option<&'a str>,
    unreadable: Option<&'a str>,
    plans: Vec<PlanJson<'a>>,
}

#[derive(Serialize)]
struct PlanJson<'a> {
    key: &'a str,
    inviter: InviterJson<'a>,
    note: Option<&'a str>,
    note_kind: &'static str,
    confidence: f64,
    language: &'a str,
    route: &'static str,
    to: Option<String>,
    decision: &'static str,
    reason: &'static str,
    evidence: Vec<EvidenceJson<'a>>,
    letter: Option<LetterJson<'a>>,
}

#[derive(Serialize)]
struct InviterJson<'a> {
    name: &'a str,
    first_name: &'a str,
    headline: &'a str,
    address: Option<String>,
    profile_url: Option<&'a str>,
}

/// One piece of evidence, the same wherever evidence is shown as JSON.
#[derive(Serialize)]
pub(super) struct EvidenceJson<'a> {
    stage: &'static str,
    rule: &'a str,
    text: &'a str,
}

#[derive(Serialize)]
struct LetterJson<'a> {
    subject: &'a str,
    body: &'a str,
}

impl<'a> PlanJson<'a> {
    fn of(plan: &'a Plan) -> Self {
        let invitation = &plan.invitation;
        let inviter = &invitation.inviter;
        Self {
            key: &invitation.key.0,
            inviter: InviterJson {
                name: &inviter.name,
                first_name: &inviter.first_name,
                headline: &inviter.headline,
                address: inviter.address.as_ref().map(ToString::to_string),
                profile_url: inviter.profile_url.as_deref(),
            },
            note: invitation.note.as_deref(),
            note_kind: plan.judgement.kind.as_str(),
            confidence: thousandths(plan.judgement.confidence),
            language: &plan.judgement.language,
            route: invitation.route.as_str(),
            to: invitation.route.to().map(ToString::to_string),
            decision: plan.decision.as_str(),
            reason: plan.reason.code,
            evidence: plan.evidence.iter().map(EvidenceJson::of).collect(),
            letter: plan.letter.as_ref().map(|l| LetterJson { subject: &l.subject, body: &l.body }),
        }
    }
}

impl<'a> EvidenceJson<'a> {
    pub(super) fn of(evidence: &'a Evidence) -> Self {
        Self { stage: evidence.stage.as_str(), rule: &evidence.rule, text: &evidence.text }
    }
}

/// Digits beyond these say nothing.
pub(super) fn thousandths(confidence: f64) -> f64 {
    (confidence * 1000.0).round() / 1000.0
}

/// The long form that people read.
pub(super) fn text(examined: &Examined, paint: Paint) -> String {
    let mut out = String::new();
    let mut put = |text: String| {
        out.push_str(&text);
        out.push('\n');
    };
    let network = examined.network.as_deref().unwrap_or("no network");
    put(paint.bold(&line(&format!("{}: {} ({network})", examined.file, examined.kind.as_str()))));
    if let Some(why) = &examined.unreadable {
        put(format!(
            "  cannot be read: {why}; the daemon leaves it alone, and lists it in `notyet status` where it speaks of a network"
        ));
    }
    if examined.plans.is_empty() {
        for evidence in &examined.evidence {
            put(format!("  {}", evidence_text(evidence)));
        }
    }
    for plan in &examined.plans {
        for row in plan_text(plan, paint) {
            put(row);
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
    rows.push(format!("  {:<11} {}: {}", "decision", paint.decision(word, word), line(&plan.reason.text)));
    rows.push(format!("  {}", paint.bold("evidence")));
    rows.extend(plan.evidence.iter().map(|evidence| format!("    {}", evidence_text(evidence))));
    if let Some(letter) = &plan.letter {
        rows.push(format!("  {}", paint.bold("letter")));
        rows.push(format!("    Subject: {}", line(&letter.subject)));
        rows.push(String::new());
        rows.extend(letter.body.lines().map(|text| format!("    {}", plain(text)).trim_end().to_owned()));
    }
    rows
}

pub(super) fn evidence_text(evidence: &Evidence) -> String {
    format!("{:<10} {:<28} {}", evidence.stage.as_str(), line(&evidence.rule), line(&evidence.text))
}
