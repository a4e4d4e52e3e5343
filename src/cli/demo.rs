//! `notyet demo`: the real pass over a sample mailbox, told as a table.

use std::collections::BTreeSet;

use super::arguments::DemoArguments;
use super::out::{End, Outcome, say};
use super::runtime;
use super::style::{Paint, plain};
use super::table::{Row, head, row_text, rows};
use crate::app::demo::Demo;
use crate::app::ingest::{Observer, Seen, Uid};
use crate::domain::{Decision, Letter};

/// Collects what a pass tells.
#[derive(Default)]
struct Table {
    rows: Vec<Row>,
    letter: Option<Letter>,
}

impl Observer for Table {
    fn seen(&mut self, uid: Uid, seen: &Seen<'_>) {
        self.rows.extend(rows(uid, seen));
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

pub(super) fn run(arguments: &DemoArguments) -> Outcome {
    runtime()?.block_on(show(arguments))
}

async fn show(arguments: &DemoArguments) -> Outcome {
    let paint = Paint::stdout();
    let demo = Demo::prepare(arguments.keep.as_deref()).await?;
    let mut table = Table::default();
    demo.pass(&mut table).await?;
    // A pass tells of mail without interest first; people look for the mailbox's own order.
    table.rows.sort_by_key(|row| row.uid);
    say(&head(paint))?;
    for row in &table.rows {
        say(&row_text(row, paint))?;
    }
    let mails: BTreeSet<_> = table.rows.iter().map(|row| row.uid).collect();
    let count = |word: &str| table.rows.iter().filter(|row| row.decision == word).count();
    say(&format!(
        "\n{} mails: {} drafts written, {} left alone.",
        mails.len(),
        count("draft"),
        count("leave")
    ))?;
    if let Some(letter) = &table.letter {
        say(&format!("\n{}\n", paint.bold("One of the drafts, as it stands in the Drafts folder:")))?;
        say(&format!("  Subject: {}\n", plain(&letter.subject)))?;
        for text in letter.body.lines() {
            say(format!("  {}", plain(text)).trim_end())?;
        }
    }
    let drafts = demo.drafts_dir();
    say(&match &arguments.keep {
        Some(_) => format!("\nThe drafts lie in {}", plain(&drafts.display().to_string())),
        None => format!(
            "\nThe drafts lay in {} and are gone with it; `notyet demo --keep DIR` keeps them.",
            plain(&drafts.display().to_string())
        ),
    })?;
    Ok(End::Done)
}
