//! `notyet rules`: test, eject, score.

use std::path::Path;

use serde_json::json;

use super::arguments::RulesCommand;
use super::out::{End, Outcome, complain, say};
use super::style::{cell, json_text, line, plain};
use super::{rules_explain, rules_learn};
use crate::app::rules::{self, Answer, Cell, ScoreTable, ScoredMail};
use crate::app::setup;
use crate::domain::Fault;

pub(super) fn run(command: &RulesCommand) -> Outcome {
    match command {
        RulesCommand::Test(arguments) => test(arguments.rules.as_deref()),
        RulesCommand::Eject { dir } => eject(dir),
        RulesCommand::Explain(arguments) => rules_explain::run(arguments),
        RulesCommand::Learn(arguments) => rules_learn::run(arguments),
        RulesCommand::Score { dir, rules, json } => score(dir, rules.as_deref(), *json),
    }
}

fn eject(dir: &Path) -> Outcome {
    let count = rules::eject(dir)?;
    say(&format!("{count} files written to {}", line(&dir.display().to_string())))?;
    say("Keep the files you change and delete the others: what is missing comes from the binary.")?;
    Ok(End::Done)
}

fn test(folder: Option<&Path>) -> Outcome {
    let compiled = setup::rules(folder)?;
    let failures = rules::test(&compiled);
    for f in &failures {
        complain(&format!(
            "{}:{}: {}: expected {}, got {}: {}",
            f.file,
            f.line,
            f.rule,
            f.expected,
            f.got,
            line(&f.text)
        ));
    }
    let audit = rules::audit_letters(&compiled);
    for problem in &audit.problems {
        complain(problem);
    }
    let failed = failures.len() + audit.problems.len();
    say(&format!(
        "{} networks, {} examples, {} letters in {} languages, {failed} failed",
        compiled.networks.len(),
        rules::example_count(&compiled),
        audit.rendered,
        compiled.letters.written().len(),
    ))?;
    Ok(if failed == 0 { End::Done } else { End::Failed })
}

fn score(dir: &Path, folder: Option<&Path>, as_json: bool) -> Outcome {
    let compiled = setup::rules(folder)?;
    let mails =
        rules::is_there(&dir.join("index.tsv")).then(|| rules::score_mails(dir, &compiled)).transpose()?;
    let notes = dir.join("notes.tsv");
    let notes = rules::is_there(&notes).then(|| rules::score_notes(&notes, &compiled)).transpose()?;
    if mails.is_none() && notes.is_none() {
        let words = format!("{}: neither index.tsv nor notes.tsv is there", dir.display());
        return Err(Fault::Permanent(words).into());
    }
    if as_json {
        let both =
            json!({ "mails": mails.as_deref().map(mails_json), "notes": notes.as_ref().map(notes_json) });
        say(&json_text(&format!("{both:#}")))?;
        return Ok(End::Done);
    }
    let parts = [mails.as_deref().map(mails_text), notes.as_ref().map(notes_text)];
    say(parts.into_iter().flatten().collect::<Vec<_>>().join("\n").trim_end())?;
    Ok(End::Done)
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
    out
}

fn row(name: &str, counts: Cell) -> String {
    format!("{} {:>6} {:>6} {:>8.1} %\n", cell(name, 16), counts.right, counts.all, counts.percent())
}

pub(super) fn notes_text(table: &ScoreTable) -> String {
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
