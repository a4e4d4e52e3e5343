//! `notyet rules`: test, eject, score.

use std::path::Path;
use std::process::ExitCode;

use serde_json::json;

use super::arguments::RulesCommand;
use super::style::plain;
use super::{FAILED, failed, fault, wrong};
use crate::app::rules::{self, Answer, Cell, ScoreTable, ScoredMail};
use crate::app::setup;

pub(super) fn run(command: &RulesCommand) -> ExitCode {
    match command {
        RulesCommand::Test(arguments) => test(arguments.rules.as_deref()),
        RulesCommand::Eject { dir } => match rules::eject(dir) {
            Ok(count) => {
                println!("{count} files written to {}", dir.display());
                println!(
                    "Keep the files you change and delete the others: what is missing comes from the binary."
                );
                ExitCode::SUCCESS
            }
            Err(words) => fault(&words),
        },
        RulesCommand::Score { dir, rules, json } => score(dir, rules.as_deref(), *json),
    }
}

fn test(folder: Option<&Path>) -> ExitCode {
    let compiled = match setup::rules(folder) {
        Ok(compiled) => compiled,
        Err(problems) => return wrong(&problems),
    };
    let failures = rules::test(&compiled);
    for f in &failures {
        eprintln!(
            "notyet: {}:{}: {}: expected {}, got {}: {}",
            f.file,
            f.line,
            f.rule,
            f.expected,
            f.got,
            plain(&f.text)
        );
    }
    println!(
        "{} networks, {} examples, {} failed",
        compiled.networks.len(),
        rules::example_count(&compiled),
        failures.len()
    );
    if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(FAILED) }
}

fn score(dir: &Path, folder: Option<&Path>, as_json: bool) -> ExitCode {
    let compiled = match setup::rules(folder) {
        Ok(compiled) => compiled,
        Err(problems) => return wrong(&problems),
    };
    let mails = match dir.join("index.tsv").exists().then(|| rules::score_mails(dir, &compiled)).transpose() {
        Ok(mails) => mails,
        Err(words) => return fault(&words),
    };
    let notes = dir.join("notes.tsv");
    let notes = match notes.exists().then(|| rules::score_notes(&notes, &compiled)).transpose() {
        Ok(notes) => notes,
        Err(words) => return fault(&words),
    };
    if mails.is_none() && notes.is_none() {
        return failed(&format!("{}: neither index.tsv nor notes.tsv is there", dir.display()), FAILED);
    }
    if as_json {
        println!(
            "{:#}",
            json!({ "mails": mails.as_deref().map(mails_json), "notes": notes.as_ref().map(notes_json) })
        );
        return ExitCode::SUCCESS;
    }
    if let Some(mails) = &mails {
        print!("{}", mails_text(mails));
    }
    if let Some(notes) = &notes {
        print!("{}", notes_text(notes));
    }
    ExitCode::SUCCESS
}

type Column = (&'static str, fn(&ScoredMail) -> &Answer);
const COLUMNS: [Column; 3] = [("kind", |m| &m.kind), ("note", |m| &m.note), ("route", |m| &m.route)];

fn tally(mails: &[ScoredMail], answer: fn(&ScoredMail) -> &Answer) -> Cell {
    let mut cell = Cell::default();
    for mail in mails {
        match answer(mail) {
            Answer::NotAsked => {}
            Answer::Right => {
                cell.all += 1;
                cell.right += 1;
            }
            Answer::Wrong(..) => cell.all += 1,
        }
    }
    cell
}

fn mails_text(mails: &[ScoredMail]) -> String {
    let mut out = String::from("mails             right    all   percent\n");
    for (name, answer) in COLUMNS {
        out.push_str(&row(name, tally(mails, answer)));
    }
    for mail in mails {
        for (name, answer) in COLUMNS {
            if let Answer::Wrong(got, expected) = answer(mail) {
                out.push_str(&format!("  {}: {name}: {got} instead of {expected}\n", plain(&mail.file)));
            }
        }
    }
    out.push('\n');
    out
}

fn row(name: &str, cell: Cell) -> String {
    format!("{:<16} {:>6} {:>6} {:>8.1} %\n", plain(name), cell.right, cell.all, cell.percent())
}

fn notes_text(table: &ScoreTable) -> String {
    let mut out = String::from("notes             right    all   percent\n");
    out.push_str(&row("overall", table.overall));
    out.push_str(&row("generic", table.generic));
    out.push_str(&row("personalized", table.personalized));
    for (name, cell) in table.subtleties.iter().chain(&table.languages) {
        out.push_str(&row(&format!("  {name}"), *cell));
    }
    out.push_str(&format!("personalized called generic with confidence 0.8 or more: {}\n", table.lost));
    for miss in &table.misses {
        out.push_str(&format!(
            "  {} {:.2} instead of {}: {}\n",
            miss.got.kind.as_str(),
            miss.got.confidence,
            miss.note.label.as_str(),
            plain(&miss.note.text).replace('\n', " / ")
        ));
    }
    out
}

fn mails_json(mails: &[ScoredMail]) -> serde_json::Value {
    COLUMNS.iter().map(|(name, answer)| ((*name).to_owned(), cell_json(tally(mails, *answer)))).collect()
}

fn notes_json(table: &ScoreTable) -> serde_json::Value {
    json!({
        "overall": cell_json(table.overall),
        "generic": cell_json(table.generic),
        "personalized": cell_json(table.personalized),
        "lost": table.lost,
        "languages": table.languages.iter().map(|(k, c)| (k.clone(), cell_json(*c))).collect::<serde_json::Map<_, _>>(),
        "subtleties": table.subtleties.iter().map(|(k, c)| (k.clone(), cell_json(*c))).collect::<serde_json::Map<_, _>>(),
    })
}

fn cell_json(cell: Cell) -> serde_json::Value {
    json!({ "right": cell.right, "all": cell.all })
}
