//! `notyet status`: what was done, what waits, what needs a person.

use std::path::Path;

use serde_json::{Value, json};

use super::arguments::StatusArguments;
use super::out::{End, Outcome, say};
use super::style::{Paint, json_text, line};
use super::{when, with_config};
use crate::app::look::{AccountStatus, Lack, PortFault, Report, Unread};
use crate::app::{look, setup};
use crate::config::Account;
use crate::domain::sending::Trip;

pub(super) fn run(arguments: &StatusArguments) -> Outcome {
    let setup = setup::load(&arguments.config)?;
    let report = look::report(&setup.config)?;
    if arguments.json {
        say(&json_text(&format!("{:#}", as_json(&report, &setup.config.accounts))))?;
    } else {
        say(as_text(&report, &setup.config.accounts, &arguments.config, Paint::stdout()).trim_end())?;
    }
    Ok(End::Done)
}

fn as_text(report: &Report, accounts: &[Account], config: &Path, paint: Paint) -> String {
    let status = &report.status;
    if status.accounts.is_empty() {
        return "No account has run yet.\n".to_owned();
    }
    let configured = |name: &str| accounts.iter().find(|account| account.name == name);
    let stopped = status.stopped.iter().map(|trip| {
        let text = format!("since {}: {}", when(trip.at), trip.words);
        format!(
            "{}  {}\n            letters become drafts until you say `{}`\n",
            paint.bold("SENDING STOPPED"),
            line(&text),
            with_config("notyet resume", config)
        )
    });
    let waits = (!status.yet_to_look.is_empty()).then(|| {
        let names = line(&status.yet_to_look.join(", "));
        format!(
            "{}  until these accounts were read for earlier letters and people you wrote to: {names}\n",
            paint.bold("SENDING WAITS")
        )
    });
    let accounts =
        status.accounts.iter().map(|account| account_text(account, configured(&account.name), config, paint));
    let books = report.unread_books.iter().map(|book| book_text(book, paint));
    stopped.chain(waits).chain(books).chain(accounts).collect()
}

fn book_text(book: &Unread, paint: Paint) -> String {
    let since = book.since.map(|since| format!(" (since {})", when(since))).unwrap_or_default();
    let words = line(&book.words);
    match book.lack {
        Lack::HoldsUp => format!(
            "{}  and no invitation is judged, until this address book was read: {words}{since}\n",
            paint.bold("SENDING WAITS")
        ),
        Lack::Outdated => format!(
            "{}      an address book; what it held before stays in force: {words}{since}\n",
            paint.bold("NEEDS YOU")
        ),
    }
}

fn account_text(
    account: &AccountStatus,
    configured: Option<&Account>,
    config: &Path,
    paint: Paint,
) -> String {
    let mut rows = vec![paint.bold(&format!("{} (since {})", account.name, when(account.started_at)))];
    for fault in &account.port_faults {
        rows.push(format!(
            "  {}   {} since {}: {}",
            if fault.last_told.is_some() { "NEEDS YOU" } else { "trouble  " },
            fault.port.as_str(),
            when(fault.since),
            line(&fault.words)
        ));
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
            "  evidence    none to be had without authserv_id: letters are drafted, never sent".to_owned(),
        );
    }
    let counts = |pairs: Vec<(String, u32)>| {
        pairs.into_iter().map(|(word, n)| format!("{n} {word}")).collect::<Vec<_>>().join(", ")
    };
    let decided = counts(account.decisions.iter().map(|(d, n)| (d.as_str().to_owned(), *n)).collect());
    let letters = counts(account.states.iter().map(|(s, n)| (s.as_str().to_owned(), *n)).collect());
    // A letter that was held when its mail came may be drafted or sent by now.
    let decided =
        if decided.is_empty() { "nothing yet".to_owned() } else { decided + " (when the mail came)" };
    rows.push(format!("  decided     {decided}"));
    rows.push(format!("  letters     {}", if letters.is_empty() { "none yet" } else { &letters }));
    rows.push(format!("  last        {}", when(account.last_activity)));
    if let Some(found) = account.found_again.filter(|found| found.in_drafts + found.in_sent > 0) {
        rows.push(format!(
            "  found again {} in Drafts, {} in Sent: letters from before this ledger began",
            found.in_drafts, found.in_sent
        ));
    }
    for held in &account.withheld {
        let text = format!("{} since {}: {}", held.inviter_name, when(held.since), held.reason_text);
        rows.push(format!("  hold        {}", line(&text)));
    }
    for known in &account.acquainted {
        let text = format!("{} since {}: {}", known.inviter_name, when(known.since), known.reason_text);
        rows.push(format!("  left to you {}", line(&text)));
    }
    for letter in &account.waiting {
        let text = format!("{} since {}: {}", letter.inviter_name, when(letter.since), letter.words());
        rows.push(format!("  {:<11} {}", letter.state.as_str(), line(&text)));
    }
    if !account.waiting.is_empty() {
        let command = with_config("notyet queue list", config);
        rows.push(format!("              `{command}` tells what you can do about each"));
    }
    for touch in &account.untidy {
        let text = format!("notification {} since {}: {}", touch.key.0, when(touch.changed_at), touch.words);
        rows.push(format!("  untouched   {}", line(&text)));
    }
    for answer in &account.answered {
        let text = format!("{} {}", answer.inviter_name, when(answer.at));
        rows.push(format!("  {:<11} {}", answer.kind.as_str(), line(&text)));
    }
    for mail in &account.quarantined {
        rows.push(format!(
            "  unreadable  {} UID {} since {}: {}",
            line(&mail.mailbox),
            mail.uid,
            when(mail.since),
            line(&mail.why)
        ));
    }
    rows.join("\n") + "\n"
}

fn as_json(report: &Report, configured: &[Account]) -> Value {
    let status = &report.status;
    let is_watched = |account: &AccountStatus| configured.iter().any(|one| one.name == account.name);
    let stopped = status.stopped.as_ref().map(stopped_json);
    json!({
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
            "words": l.words(), "since": l.since.unix_s(),
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
