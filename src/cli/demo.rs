//! `notyet demo`: the real pass over a sample mailbox, told as a table.

use std::process::ExitCode;

use super::arguments::DemoArguments;
use super::style::{Paint, cell, plain};
use super::{fault, runtime};
use crate::app::demo::Demo;
use crate::app::ingest::{Observer, Seen, Uid};
use crate::domain::{Decision, Fault, Letter};

/// One line of the table.
pub(super) struct Row {
    subject: String,
    kind: String,
    decision: &'static str,
    why: String,
}

/// Collects what a pass tells.
#[derive(Default)]
pub(super) struct Table {
    rows: Vec<Row>,
    letter: Option<Letter>,
}

impl Observer for Table {
    fn seen(&mut self, _uid: Uid, seen: &Seen<'_>) {
        self.rows.extend(rows(seen));
        if let Seen::Read { plans, .. } = seen {
            let drafted = plans.iter().filter(|plan| plan.decision == Decision::Draft);
            // The letter to a note that was written by hand shows more than the other.
            for letter in
                drafted.filter(|plan| plan.invitation.note.is_some()).filter_map(|p| p.letter.clone())
            {
                self.letter = Some(letter);
            }
        }
    }
}

/// What `seen` looks like in a table, a row for each plan.
pub(super) fn rows(seen: &Seen<'_>) -> Vec<Row> {
    let row = |subject: &str, kind: &str, decision, why: &str| Row {
        subject: subject.to_owned(),
        kind: kind.to_owned(),
        decision,
        why: why.to_owned(),
    };
    match seen {
        Seen::Passed { header } => {
            let subject = header.map_or("(unreadable header)", |h| h.subject.as_str());
            vec![row(subject, "-", "leave", "body not fetched: the header is no network's invitation")]
        }
        Seen::Quarantined { header, why } => {
            let subject = header.map_or("(unreadable header)", |h| h.subject.as_str());
            vec![row(subject, "unreadable", "leave", why)]
        }
        Seen::Read { mail, recognised, plans } if plans.is_empty() => {
            let why = recognised.evidence.first().map_or("", |e| e.text.as_str());
            vec![row(&mail.subject, recognised.notice.as_str(), "leave", why)]
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
                row(&mail.subject, &kind, plan.decision.as_str(), &why)
            })
            .collect(),
    }
}

/// The table's head.
pub(super) fn head(paint: Paint) -> String {
    paint.bold(&format!("{} {} {} why", cell("subject", 38), cell("kind, note", 24), cell("decision", 8)))
}

/// One line of the table.
pub(super) fn line(row: &Row, paint: Paint) -> String {
    let decision = paint.decision(row.decision, &cell(row.decision, 8));
    format!("{} {} {decision} {}", cell(&row.subject, 38), cell(&row.kind, 24), plain(&row.why))
}

pub(super) fn run(arguments: &DemoArguments) -> ExitCode {
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(code) => return code,
    };
    match runtime.block_on(show(arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(words) => fault(&words),
    }
}

async fn show(arguments: &DemoArguments) -> Result<(), Fault> {
    let paint = Paint::stdout();
    let temporary = match &arguments.keep {
        Some(_) => None,
        None => Some(
            tempfile::Builder::new()
                .prefix("notyet-demo-")
                .tempdir()
                .map_err(|e| Fault::Permanent(format!("no temporary folder: {e}")))?,
        ),
    };
    let dir = arguments.keep.as_deref().or(temporary.as_ref().map(tempfile::TempDir::path));
    let Some(dir) = dir else { return Ok(()) };
    let demo = Demo::prepare(dir).await?;
    let mut table = Table::default();
    demo.pass(&mut table).await?;
    println!("{}", head(paint));
    for row in &table.rows {
        println!("{}", line(row, paint));
    }
    let count = |word: &str| table.rows.iter().filter(|row| row.decision == word).count();
    println!(
        "\n{} mails: {} drafts written, {} left alone.",
        table.rows.len(),
        count("draft"),
        count("leave")
    );
    if let Some(letter) = &table.letter {
        println!("\n{}\n", paint.bold("One of the drafts, as it stands in the Drafts folder:"));
        println!("  Subject: {}\n", plain(&letter.subject));
        for text in letter.body.lines() {
            println!("{}", format!("  {}", plain(text)).trim_end());
        }
    }
    match &arguments.keep {
        Some(_) => println!("\nThe drafts lie in {}", demo.drafts_dir().display()),
        None => println!(
            "\nThe drafts lay in {} and are gone with it; `notyet demo --keep DIR` keeps them.",
            demo.drafts_dir().display()
        ),
    }
    Ok(())
}
