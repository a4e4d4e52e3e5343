//! `notyet preview`: what would be done with past mail; writes nothing anywhere.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::arguments::PreviewArguments;
use super::out::{Cut, End, Outcome, complain, say};
use super::style::Paint;
use super::table::{head, row_text, rows};
use super::{pick, render, runtime};
use crate::app::examine::Examined;
use crate::app::ingest::{Observer, Seen, Uid};
use crate::app::look::Preview;
use crate::app::shared::{Stop, StopSwitch};
use crate::app::{look, setup};
use crate::domain::{Decision, Fault, Notice};

/// Prints each mail as it is judged, above a bar on stderr.
struct Printer {
    bar: ProgressBar,
    json: bool,
    paint: Paint,
    account: String,
    rows: usize,
    decided: [(&'static str, usize); 4],
    /// Ends the pass when nobody reads any more.
    switch: StopSwitch,
    trouble: Option<std::io::Error>,
}

impl Printer {
    fn say(&mut self, text: &str) {
        if self.trouble.is_some() {
            return;
        }
        if let Err(error) = self.bar.suspend(|| say(text)) {
            self.trouble = Some(error);
            let _ = self.switch.send(true);
        }
    }
}

impl Observer for Printer {
    fn expect(&mut self, mails: usize) {
        self.bar.inc_length(mails as u64);
    }

    fn learning(&mut self, read: u32, all: u32) {
        self.bar.set_message(format!("{}: whom you wrote to", self.account));
        self.bar.set_length(u64::from(all));
        self.bar.set_position(u64::from(read));
        if read >= all {
            self.bar.set_message(self.account.clone());
            self.bar.set_length(0);
            self.bar.set_position(0);
        }
    }

    fn seen(&mut self, uid: Uid, seen: &Seen<'_>) {
        self.bar.inc(1);
        if self.json {
            if let Some(examined) = examined(&self.account, uid, seen) {
                self.say(&render::json(&examined));
            }
        } else if !matches!(seen, Seen::Passed { .. }) {
            if self.rows == 0 {
                self.say(&head(self.paint));
            }
            for row in rows(uid, seen) {
                self.rows += 1;
                for (_, count) in self.decided.iter_mut().filter(|(decision, _)| *decision == row.decision) {
                    *count += 1;
                }
                self.say(&row_text(&row, self.paint));
            }
        }
    }
}

/// The same value that `check` shows; a mail of a mailbox is named by its UID.
fn examined(account: &str, uid: Uid, seen: &Seen<'_>) -> Option<Examined> {
    let file = format!("{account}:{uid}");
    match seen {
        Seen::Passed { .. } => None,
        Seen::Quarantined { why, .. } => Some(Examined {
            file,
            kind: Notice::Other,
            network: None,
            evidence: Vec::new(),
            unreadable: Some((*why).to_owned()),
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

pub(super) fn run(arguments: &PreviewArguments) -> Outcome {
    let mut setup = setup::load(&arguments.config.find()?.path)?;
    if arguments.account.is_some() {
        let only = pick(&setup.config.accounts, arguments.account.as_deref())?.clone();
        setup.config.accounts = vec![only];
    }
    for account in &mut setup.config.accounts {
        account.since = Some(arguments.since);
    }
    runtime()?.block_on(show(arguments, setup))
}

async fn show(arguments: &PreviewArguments, setup: setup::Setup) -> Outcome {
    let Preview { accounts, shared, unused_ledger } = look::preview_of(setup).await?;
    if let Some(fault) = unused_ledger {
        complain(&format!(
            "{fault}. What the daemon has learned is not used: whom you wrote to is read from Sent anew, for this preview only"
        ));
    }
    let mut first_fault = None;
    for account in &accounts {
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len}") {
            bar.set_style(style);
        }
        bar.set_message(account.name.clone());
        let (switch, stop) = Stop::new();
        let mut printer = Printer {
            bar,
            json: arguments.json,
            paint: Paint::stdout(),
            account: account.name.clone(),
            rows: 0,
            decided: [Decision::Draft, Decision::Send, Decision::Hold, Decision::Leave]
                .map(|d| (d.as_str(), 0)),
            switch,
            trouble: None,
        };
        let result = look::preview(account, &shared, &mut printer, &stop).await;
        printer.bar.finish_and_clear();
        if let Some(error) = printer.trouble.take() {
            return Err(Cut::Output(error));
        }
        match result {
            Ok(()) if arguments.json => {}
            Ok(()) => say(&conclusion(&printer, arguments.since))?,
            Err(fault) => {
                complain(&format!("account {}: {fault}", account.name));
                first_fault.get_or_insert(fault);
            }
        }
    }
    // Each fault was told with its account.
    Ok(match first_fault {
        Some(Fault::Transient(_)) => End::TryAgain,
        Some(_) => End::Failed,
        None => End::Done,
    })
}

fn conclusion(printer: &Printer, since: std::time::Duration) -> String {
    let account = &printer.account;
    if printer.rows == 0 {
        let since = humantime::format_duration(since);
        return format!(
            "{account}: no mail of a known network in the last {since}; look further back with --since; nothing was changed"
        );
    }
    let counts: Vec<_> = printer.decided.iter().map(|(d, count)| format!("{count} {d}")).collect();
    format!("{account}: {}; nothing was changed", counts.join(", "))
}
