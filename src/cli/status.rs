//! `notyet status`: what was done, what waits, what needs a person.

use std::time::Duration;

use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::arguments::StatusArguments;
use super::out::{End, Outcome, say};
use super::style::{Paint, json_text, line};
use super::{when, with_config};
use crate::app::look::{AccountStatus, Holder, Lack, PortFault, Report, Unread, Waiting};
use crate::app::needs::{Need, needs, not_looked_since};
use crate::app::setup::ConfigFile;
use crate::app::{look, setup};
use crate::config::Account;
use crate::domain::Timestamp;
use crate::domain::sending::Trip;

pub(super) fn run(arguments: &StatusArguments) -> Outcome {
    let shown = &arguments.shown;
    let config = shown.config.find()?;
    let setup = setup::load(&config.path)?;
    let report = look::report(&setup.config)?;
    let accounts = &setup.config.accounts;
    let view = View { report: &report, accounts, config: &config, zone: &setup.zone, paint: Paint::stdout() };
    let needs = if arguments.check { needs(&report, accounts) } else { Vec::new() };
    if shown.json {
        say(&json_text(&format!("{:#}", as_json(&report, accounts))))?;
    } else if arguments.check {
        needs.iter().try_for_each(|need| say(&view.need(need)))?;
    } else {
        say(view.text().trim_end())?;
    }
    Ok(if needs.is_empty() { End::Done } else { End::Failed })
}

/// What only tells is shown for so long; what waits, until it is done.
const RECENT: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// What is shown, and how.
struct View<'a> {
    report: &'a Report,
    /// Those of the configuration.
    accounts: &'a [Account],
    config: &'a ConfigFile,
    zone: &'a TimeZone,
    paint: Paint,
}

impl View<'_> {
    fn text(&self) -> String {
        let status = &self.report.status;
        let mut parts = vec![self.daemon() + "\n"];
        if let Some(trip) = &status.stopped {
            parts.push(format!(
                "{}  {}\n            letters become drafts until you say `{}`\n",
                self.paint.bold("SENDING STOPPED"),
                self.stop(trip),
                with_config("notyet resume", self.config)
            ));
        }
        if !status.yet_to_look.is_empty() {
            let names = line(&status.yet_to_look.join(", "));
            parts.push(format!(
                "{}  until these accounts were read for earlier letters and people you wrote to: {names}\n",
                self.paint.bold("SENDING WAITS")
            ));
        }
        parts.extend(self.report.unread_books.iter().map(|book| self.book(book)));
        if status.accounts.is_empty() {
            parts.push("No account has run yet.\n".to_owned());
        }
        parts.extend(status.accounts.iter().map(|account| self.account(account)));
        parts.concat()
    }

    fn daemon(&self) -> String {
        let runs = match self.report.holder {
            Holder::Process(Some(id)) => format!("the daemon runs (process {id})"),
            Holder::Process(None) => "the daemon runs".to_owned(),
            Holder::Nobody => "no daemon runs".to_owned(),
        };
        format!(
            "{runs}; last look {}",
            self.report.last_look().map_or("never".to_owned(), |at| self.when(at))
        )
    }

    /// One line for each, without colours: it goes into mails and logs.
    fn need(&self, need: &Need<'_>) -> String {
        match need {
            Need::SendingStopped(trip) => {
                let command = with_config("notyet resume", self.config);
                format!(
                    "sending stopped {}; letters become drafts until you say `{command}`",
                    self.stop(trip)
                )
            }
            Need::Book(book) => format!("address book: {}", self.book_words(book)),
            Need::Port(account, fault) => format!("{}: {}", line(&account.name), self.port_words(fault)),
            Need::NotLooked(account, since) => {
                format!(
                    "{}: nobody has looked into it since {}; {}",
                    line(&account.name),
                    self.when(*since),
                    self.daemon()
                )
            }
            Need::Letter(account, letter) => {
                let command = with_config("notyet queue list", self.config);
                let (name, state) = (line(&account.name), letter.state.as_str());
                format!("{name}: {state} {}; `{command}` tells what you can do", self.letter_words(letter))
            }
        }
    }

    fn book(&self, book: &Unread) -> String {
        let words = self.book_words(book);
        match book.lack {
            Lack::HoldsUp => format!(
                "{}  and no invitation is judged, until this address book was read: {words}\n",
                self.paint.bold("SENDING WAITS")
            ),
            Lack::Outdated => format!(
                "{}      an address book; what it held before stays in force: {words}\n",
                self.paint.bold("NEEDS YOU")
            ),
        }
    }

    fn account(&self, account: &AccountStatus) -> String {
        let configured = self.accounts.iter().find(|one| one.name == account.name);
        let mut rows =
            vec![self.paint.bold(&format!("{} (since {})", account.name, self.when(account.started_at)))];
        for fault in &account.port_faults {
            let word = if fault.last_told.is_some() { "NEEDS YOU" } else { "trouble  " };
            rows.push(format!("  {word}   {}", self.port_words(fault)));
        }
        let forgotten = configured.and_then(|one| not_looked_since(account, one, self.report.now));
        if let Some(since) = forgotten {
            rows.push(format!("  NEEDS YOU   nobody has looked into it since {}", self.when(since)));
        }
        if configured.is_none() {
            let waits = if account.waits() {
                ": what waits here moves when an account has that name again, or by `notyet queue drop`"
            } else {
                ""
            };
            rows.push(format!("  unwatched   not in the configuration any more{waits}"));
        }
        if configured.is_some_and(Account::is_blind) {
            rows.push(
                "  evidence    none to be had without authserv_id: letters are drafted, never sent"
                    .to_owned(),
            );
        }
        let decided = counts(account.decisions.iter().map(|(d, n)| (d.as_str(), *n)));
        let letters = counts(account.states.iter().map(|(s, n)| (s.as_str(), *n)));
        // A letter that was held when its mail came may be drafted or sent by now.
        let decided =
            if decided.is_empty() { "nothing yet".to_owned() } else { decided + " (when the mail came)" };
        rows.push(format!("  decided     {decided}"));
        rows.push(format!("  letters     {}", if letters.is_empty() { "none yet" } else { &letters }));
        rows.push(format!(
            "  last look   {}",
            account.looked_at.map_or("never".to_owned(), |at| self.when(at))
        ));
        rows.push(format!("  last change {}", self.when(account.last_activity)));
        if let Some(found) = account.found_again.filter(|found| found.in_drafts + found.in_sent > 0) {
            rows.push(format!(
                "  found again {} in Drafts, {} in Sent: letters from before this ledger began",
                found.in_drafts, found.in_sent
            ));
        }
        for held in &account.withheld {
            let text = format!("{} since {}: {}", held.inviter_name, self.when(held.since), held.reason_text);
            rows.push(format!("  hold        {}", line(&text)));
        }
        rows.extend(self.recent(
            &account.acquainted,
            "left to you",
            |known| known.since,
            |known| {
                let since = self.when(known.since);
                let text = format!("{} since {since}: {}", known.inviter_name, known.reason_text);
                format!("  left to you {}", line(&text))
            },
        ));
        for letter in &account.waiting {
            rows.push(format!("  {:<11} {}", letter.state.as_str(), self.letter_words(letter)));
        }
        if !account.waiting.is_empty() {
            let command = with_config("notyet queue list", self.config);
            rows.push(format!("              `{command}` tells what you can do about each"));
        }
        for touch in &account.untidy {
            let text = format!(
                "notification {} since {}: {}",
                touch.key.0,
                self.when(touch.changed_at),
                touch.words
            );
            rows.push(format!("  untouched   {}", line(&text)));
        }
        rows.extend(self.recent(
            &account.answered,
            "came back",
            |answer| answer.at,
            |answer| {
                let text = format!("{} {}", answer.inviter_name, self.when(answer.at));
                format!("  {:<11} {}", answer.kind.as_str(), line(&text))
            },
        ));
        rows.extend(self.recent(
            &account.quarantined,
            "unreadable",
            |mail| mail.since,
            |mail| {
                let since = self.when(mail.since);
                format!(
                    "  unreadable  {} UID {} since {since}: {}",
                    line(&mail.mailbox),
                    mail.uid,
                    line(&mail.why)
                )
            },
        ));
        rows.join("\n") + "\n"
    }

    /// Rows for the younger ones of what only tells, and how many more there are.
    fn recent<T>(
        &self,
        all: &[T],
        label: &str,
        at: fn(&T) -> Timestamp,
        row: impl Fn(&T) -> String,
    ) -> Vec<String> {
        let since = self.report.now.minus(RECENT);
        let mut rows: Vec<String> = all.iter().filter(|one| at(one) >= since).map(row).collect();
        if all.len() > rows.len() {
            let older = all.len() - rows.len();
            rows.push(format!("  {label:<11} {older} more before {}: see --json", self.when(since)));
        }
        rows
    }

    fn when(&self, moment: Timestamp) -> String {
        when(moment, self.zone)
    }

    fn stop(&self, trip: &Trip) -> String {
        line(&format!("since {}: {}", self.when(trip.at), trip.words))
    }

    fn book_words(&self, book: &Unread) -> String {
        let since = book.since.map(|since| format!(" (since {})", self.when(since))).unwrap_or_default();
        line(&book.words) + &since
    }

    fn port_words(&self, fault: &PortFault) -> String {
        format!("{} since {}: {}", fault.port.as_str(), self.when(fault.since), line(&fault.words))
    }

    fn letter_words(&self, letter: &Waiting) -> String {
        let goes = letter
            .goes_at
            .map_or_else(String::new, |at| format!("in Drafts; untouched, it is sent {}; ", self.when(at)));
        line(&format!("{} since {}: {goes}{}", letter.inviter_name, self.when(letter.since), letter.words()))
    }
}

fn counts<'a>(pairs: impl Iterator<Item = (&'a str, u32)>) -> String {
    pairs.map(|(word, n)| format!("{n} {word}")).collect::<Vec<_>>().join(", ")
}

fn as_json(report: &Report, configured: &[Account]) -> Value {
    let status = &report.status;
    let is_watched = |account: &AccountStatus| configured.iter().any(|one| one.name == account.name);
    let stopped = status.stopped.as_ref().map(stopped_json);
    let (runs, pid) = match report.holder {
        Holder::Process(id) => (true, id),
        Holder::Nobody => (false, None),
    };
    json!({
        "daemon": { "runs": runs, "pid": pid, "last_look": report.last_look().map(|at| at.unix_s()) },
        "sending_stopped": stopped,
        "sending_waits_for": status.yet_to_look,
        "unread_books": report.unread_books.iter().map(|book| json!({
            "path": book.path.display().to_string(), "words": book.words,
            "since": book.since.map(|since| since.unix_s()), "holds_up": book.lack == Lack::HoldsUp,
        })).collect::<Vec<_>>(),
        "accounts": status.accounts.iter().map(|account| account_json(account, is_watched(account))).collect::<Vec<_>>(),
    })
}

pub(super) fn stopped_json(trip: &Trip) -> Value {
    json!({ "cause": trip.cause.as_str(), "since": trip.at.unix_s(), "words": trip.words })
}

fn faults(account: &AccountStatus, which: fn(&PortFault) -> bool) -> Vec<Value> {
    let found = account.port_faults.iter().filter(|fault| which(fault));
    found.map(|f| json!({ "port": f.port.as_str(), "since": f.since.unix_s(), "words": f.words })).collect()
}

fn account_json(account: &AccountStatus, is_watched: bool) -> Value {
    json!({
        "name": account.name,
        "watched": is_watched,
        "started_at": account.started_at.unix_s(),
        "last_look": account.looked_at.map(|at| at.unix_s()),
        "last_activity": account.last_activity.unix_s(),
        "needs_you": faults(account, |fault| fault.last_told.is_some()),
        "trouble": faults(account, |fault| fault.last_told.is_none()),
        "found_again": account.found_again.map(|found| json!({
            "in_drafts": found.in_drafts, "in_sent": found.in_sent, "done_at": found.done_at.map(|at| at.unix_s()),
        })),
        "mailboxes": account.cursors.iter().map(|(name, cursor)| json!({
            "name": name, "uid_validity": cursor.uid_validity, "next_uid": cursor.next_uid,
        })).collect::<Vec<_>>(),
        "decisions": account.decisions.iter().map(|(d, n)| (d.as_str(), *n)).collect::<std::collections::BTreeMap<_, _>>(),
        "letters": account.states.iter().map(|(s, n)| (s.as_str(), *n)).collect::<std::collections::BTreeMap<_, _>>(),
        "held": account.withheld.iter().map(|h| json!({
            "key": h.key.0, "inviter": h.inviter_name, "reason": h.reason_code, "since": h.since.unix_s(),
        })).collect::<Vec<_>>(),
        "acquainted": account.acquainted.iter().map(|h| json!({
            "key": h.key.0, "inviter": h.inviter_name, "reason": h.reason_code, "since": h.since.unix_s(),
        })).collect::<Vec<_>>(),
        "waiting": account.waiting.iter().map(|l| json!({
            "key": l.key.0, "inviter": l.inviter_name, "state": l.state.as_str(),
            "words": l.words(), "since": l.since.unix_s(), "goes_at": l.goes_at.map(|at| at.unix_s()),
        })).collect::<Vec<_>>(),
        "untouched": account.untidy.iter().map(|t| json!({
            "key": t.key.0, "mailbox": t.mailbox, "state": t.state.as_str(), "words": t.words,
            "since": t.changed_at.unix_s(),
        })).collect::<Vec<_>>(),
        "answers": account.answered.iter().map(|a| json!({
            "key": a.key.0, "inviter": a.inviter_name, "kind": a.kind.as_str(), "since": a.at.unix_s(),
        })).collect::<Vec<_>>(),
        "unreadable": account.quarantined.iter().map(|q| json!({
            "mailbox": q.mailbox, "uid_validity": q.uid_validity, "uid": q.uid, "why": q.why, "since": q.since.unix_s(),
        })).collect::<Vec<_>>(),
    })
}
