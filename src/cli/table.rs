//! Mails and what became of them as a table: `demo` and `preview`.

use super::style::{Paint, cell, line};
use crate::app::ingest::{Seen, Uid};
use crate::domain::{Decision, Mail};

const FROM: usize = 20;
const SUBJECT: usize = 28;
const KIND: usize = 24;
const DECISION: usize = 8;

/// One line of the table.
pub(super) struct Row {
    /// The mail's place in the mailbox.
    pub(super) uid: Uid,
    /// The decision's word.
    pub(super) decision: &'static str,
    /// The inviter; of other mail, the sender.
    from: String,
    subject: String,
    kind: String,
    why: String,
}

/// What `seen` looks like in a table, a row for each plan.
pub(super) fn rows(uid: Uid, seen: &Seen<'_>) -> Vec<Row> {
    let row = |from: &str, subject: &str, kind: &str, decision, why: &str| Row {
        uid,
        decision,
        from: from.to_owned(),
        subject: subject.to_owned(),
        kind: kind.to_owned(),
        why: why.to_owned(),
    };
    let unclaimed = |header: Option<&Mail>, kind, why| {
        let (from, subject) =
            header.map_or((String::new(), "(unreadable header)"), |h| (sender(h), h.subject.as_str()));
        vec![row(&from, subject, kind, "leave", why)]
    };
    match seen {
        Seen::Passed { header } => {
            unclaimed(*header, "other", "its header tells: no invitation; body not read")
        }
        Seen::Quarantined { header, why } => {
            unclaimed(*header, "unreadable", &format!("set aside and listed: {why}"))
        }
        Seen::Read { mail, recognised, plans: [] } => {
            let why = recognised.evidence.first().map_or("", |e| e.text.as_str());
            vec![row(&sender(mail), &mail.subject, recognised.notice.as_str(), "leave", why)]
        }
        Seen::Read { mail, recognised, plans } => plans
            .iter()
            .map(|plan| {
                let kind = format!("{}, {}", recognised.notice.as_str(), plan.judgement.kind.as_str());
                let why = match plan.decision {
                    Decision::Draft => {
                        format!("{} route; {}", plan.invitation.route.as_str(), plan.reason.text)
                    }
                    _ => plan.reason.text.clone(),
                };
                let inviter = &plan.invitation.inviter.name;
                row(inviter, &mail.subject, &kind, plan.decision.as_str(), &why)
            })
            .collect(),
    }
}

fn sender(mail: &Mail) -> String {
    let from = &mail.from;
    if from.name.is_empty() {
        from.address.as_ref().map(ToString::to_string).unwrap_or_default()
    } else {
        from.name.clone()
    }
}

/// The table's head.
pub(super) fn head(paint: Paint) -> String {
    paint.bold(&format!(
        "{} {} {} {} why",
        cell("from", FROM),
        cell("subject", SUBJECT),
        cell("kind, note", KIND),
        cell("decision", DECISION)
    ))
}

/// One line of the table.
pub(super) fn row_text(row: &Row, paint: Paint) -> String {
    let decision = paint.decision(row.decision, &cell(row.decision, DECISION));
    format!(
        "{} {} {} {decision} {}",
        cell(&row.from, FROM),
        cell(&row.subject, SUBJECT),
        cell(&row.kind, KIND),
        line(&row.why)
    )
}
