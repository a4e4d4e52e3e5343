//! `notyet doctor`: what the daemon needs, tried.

use serde_json::{Value, json};

use super::arguments::DoctorArguments;
use super::out::{End, Outcome, complain, say};
use super::style::{Paint, cell, json_text, line};
use super::{pick, runtime};
use crate::app::doctor::{self, Advice, Examined, Health};
use crate::app::setup;

pub(super) fn run(arguments: &DoctorArguments) -> Outcome {
    let file = arguments.config.find()?.path;
    let mut setup = setup::load(&file)?;
    for warning in &setup.warnings {
        complain(&format!("warning: {warning}"));
    }
    if arguments.account.is_some() {
        let only = pick(&setup.config.accounts, arguments.account.as_deref())?.clone();
        setup.config.accounts = vec![only];
    }
    let runtime = runtime()?;
    let mut all = Vec::new();
    for account in &setup.config.accounts {
        let mut examined = runtime.block_on(doctor::examine(account, &setup.config));
        if !arguments.json {
            show(&examined)?;
        }
        let learned = examined.signers.as_ref().map(|signers| &signers.advice);
        if let (true, None, Some(Advice::Use(id))) = (arguments.write, &account.authserv_id, learned) {
            doctor::write_authserv_id(&file, &account.name, id)?;
            let words = format!("{id} written into {}", file.display());
            if !arguments.json {
                say(&row("written", Health::Good, &words))?;
            }
            examined.findings.push(doctor::Finding { what: "written", health: Health::Good, words });
        }
        all.push(examined);
    }
    if arguments.json {
        let accounts: Vec<Value> = all.iter().map(as_json).collect();
        say(&json_text(&format!("{:#}", json!({ "accounts": accounts }))))?;
    }
    let is_well = all.iter().all(|examined| examined.health() < Health::Bad);
    Ok(if is_well { End::Done } else { End::Failed })
}

fn show(examined: &Examined) -> std::io::Result<()> {
    say(&Paint::stdout().bold(&line(&examined.account)))?;
    for finding in &examined.findings {
        say(&row(finding.what, finding.health, &finding.words))?;
    }
    Ok(())
}

fn row(what: &str, health: Health, words: &str) -> String {
    format!("  {} {} {}", cell(health.as_str(), 8), cell(what, 12), line(words))
}

fn as_json(examined: &Examined) -> Value {
    let signers = examined.signers.as_ref().map(|signers| {
        json!({
            "looked": signers.looked,
            "seen": signers.seen.iter().map(|(id, mails)| json!({ "authserv_id": id, "mails": mails })).collect::<Vec<_>>(),
            "advice": match &signers.advice { Advice::Use(id) => Some(id), Advice::None | Advice::Unclear => None },
        })
    });
    json!({
        "name": examined.account,
        "health": examined.health().as_str(),
        "findings": examined.findings.iter().map(|f| json!({
            "what": f.what, "health": f.health.as_str(), "words": f.words,
        })).collect::<Vec<_>>(),
        "authserv": signers,
    })
}
