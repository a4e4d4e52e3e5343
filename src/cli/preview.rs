//! `notyet preview`: what would be done with past mail; writes nothing anywhere.

use std::process::ExitCode;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::arguments::PreviewArguments;
use super::check::pick;
use super::demo::{head, line, rows};
use super::style::Paint;
use super::{failed, fault, render, runtime, wrong};
use crate::app::examine::Examined;
use crate::app::ingest::{Observer, Seen, Uid};
use crate::app::{look, setup};
use crate::domain::{Decision, Fault, Notice};

/// Prints each mail as it is judged, above a bar on stderr.
struct Printer {
    bar: ProgressBar,
    json: bool,
    paint: Paint,
    account: String,
    decided: [(Decision, usize); 4],
}

impl Printer {
    fn say(&self, text: &str) {
        self.bar.suspend(|| println!("{text}"));
    }
}

impl Observer for Printer {
    fn expect(&mut self, mails: usize) {
        self.bar.inc_length(mails as u64);
    }

    fn seen(&mut self, uid: Uid, seen: &Seen<'_>) {
        self.bar.inc(1);
        if let Seen::Read { plans, .. } = seen {
            for plan in *plans {
                for (_, count) in self.decided.iter_mut().filter(|(decision, _)| *decision == plan.decision) {
                    *count += 1;
                }
            }
        }
        if self.json {
            if let Some(examined) = examined(&self.account, uid, seen) {
                self.say(&render::json(&examined).to_string());
            }
        } else if !matches!(seen, Seen::Passed { .. }) {
            for row in rows(seen) {
                self.say(&line(&row, self.paint));
            }
        }
    }
}

/// The same value that `check` shows; a mail of a mailbox is named by its UID.
fn examined(account: &str, uid: Uid, seen: &Seen<'_>) -> Option<Examined> {
    let file = format!("{account}:{uid}");
    match seen {
        Seen::Passed { .. } => None,
        Seen::Quarantined { .. } => Some(Examined {
            file,
            kind: Notice::Other,
            network: None,
            evidence: Vec::new(),
            unreadable: Some("it would be quarantined"),
            plans: Vec::new(),
        }),
        Seen::Read { recognised, plans, .. } => Some(Examined {
            file,
            kind: recognised.notice,
            network: recognised.network.clone(),
            evidence: recognised.evidence.clone(),
            unreadable: None,
            plans: plans.to_vec(),
        }),
    }
}

pub(super) fn run(arguments: &PreviewArguments) -> ExitCode {
    let mut setup = match setup::load(&arguments.config) {
        Ok(setup) => setup,
        Err(problems) => return wrong(&problems),
    };
    if arguments.account.is_some() {
        match pick(&setup.config.accounts, arguments.account.as_deref()).cloned() {
            Ok(only) => setup.config.accounts = vec![only],
            Err(message) => return failed(&message, 2),
        }
    }
    for account in &mut setup.config.accounts {
        account.since = Some(arguments.since);
    }
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(code) => return code,
    };
    match runtime.block_on(show(arguments, setup)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(words) => fault(&words),
    }
}

async fn show(arguments: &PreviewArguments, setup: setup::Setup) -> Result<(), Fault> {
    let (accounts, shared) = look::preview_of(setup)?;
    let paint = Paint::stdout();
    let mut first_fault = None;
    if !arguments.json {
        println!("{}", head(paint));
    }
    for account in &accounts {
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len}") {
            bar.set_style(style);
        }
        bar.set_message(account.name.clone());
        let mut printer = Printer {
            bar,
            json: arguments.json,
            paint,
            account: account.name.clone(),
            decided: [Decision::Draft, Decision::Send, Decision::Hold, Decision::Leave].map(|d| (d, 0)),
        };
        let result = look::preview(account, &shared, &mut printer).await;
        printer.bar.finish_and_clear();
        match result {
            Ok(()) if !arguments.json => {
                let counts: Vec<_> =
                    printer.decided.iter().map(|(d, count)| format!("{count} {}", d.as_str())).collect();
                println!("{}: {}; nothing was changed", account.name, counts.join(", "));
            }
            Ok(()) => {}
            Err(fault) => {
                eprintln!("notyet: account {}: {fault}", account.name);
                first_fault.get_or_insert(fault);
            }
        }
    }
    match first_fault {
        Some(Fault::Transient(_)) => Err(Fault::Transient("the preview is not complete".to_owned())),
        Some(_) => Err(Fault::Permanent("the preview is not complete".to_owned())),
        None => Ok(()),
    }
}
