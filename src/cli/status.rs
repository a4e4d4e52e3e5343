//! `notyet status`: what was done, what waits, what needs a person.

use serde_json::{Value, json};

use super::arguments::StatusArguments;
use super::out::{End, Outcome, say};
use super::style::{Paint, json_text, line};
use super::when;
use crate::app::look::{AccountStatus, Status};
use crate::app::{look, setup};
use crate::config::Account;
use crate::domain::sending::Trip;

pub(super) fn run(arguments: &StatusArguments) -> Outcome {
    let setup = setup::load(&arguments.config)?;
    let status = look::status(&setup.config)?;
    if arguments.json {
        say(&json_text(&format!("{:#}", as_json(&status))))?;
    } else {
        say(as_text(&status, &setup.config.accounts, Paint::stdout()).trim_end())?;
    }
    Ok(End::Done)
}

fn as_text(status: &Status, accounts: &[Account], paint: Paint) -> String {
    if status.accounts.is_empty() {
        return "No account has run yet.\n".to_owned();
    }
    let blind = |name: &str| accounts.iter().any(|a| a.name == name && a.is_blind());
    let stopped = status.stopped.iter().map(|trip| {
        let text = format!("since {}: {}", when(trip.at), trip.words);
        format!(
            "{}  {}\n            letters become drafts until you say `notyet resume`\n",
            paint.bold("SENDING STOPPED"),
            line(&text)
        )
    });
    let waits = (!status.yet_to_look.is_empty()).then(|| {
        let names = line(&status.yet_to_look.join(", "));
        format!(
            "{}  until these accounts were read for earlier letters and people you wrote to: {names}\n",
            paint.bold("SENDING WAITS")
        )
    });
    let accounts = status.accounts.iter().map(|account| account_text(account, blind(&account.name), paint));
    stopped.chain(waits).chain(accounts).collect()
}

fn account_text(account: &AccountStatus, blind: bool, paint: Paint) -> String {
    let mut rows = vec![paint.bold(&format!("{} (since {})", account.name, when(account.started_at)))];
    for fault in &account.port_faults {
        rows.push(format!(
            "  NEEDS YOU   {} since {}: {}",
            fault.port.as_str(),
            when(fault.since),
            line(&fault.words)
        ));
    }
    if blind {
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
        let words = if letter.last_words.is_empty() { &letter.reason_text } else { &letter.last_words };
        let text = format!("{} since {}: {words}", letter.inviter_name, when(letter.since));
        rows.push(format!("  {:<11} {}", letter.state.as_str(), line(&text)));
    }
    if !account.waiting.is_empty() {
        rows.push("              `notyet queue list` tells what you can do about each".to_owned());
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

fn as_json(status: &Status) -> Value {
    let stopped = status.stopped.as_ref().map(stopped_json);
    json!({
        "sending_stopped": stopped,
        "sending_waits_for": status.yet_to_look,
        "accounts": status.accounts.iter().map(account_json).collect::<Vec<_>>(),
    })
}

pub(super) fn stopped_json(trip: &Trip) -> Value {
    json!({ "cause": trip.cause.as_str(), "since": trip.at.unix_s(), "words": trip.words })
}

fn account_json(account: &AccountStatus) -> Value {
    json!({
        "name": account.name,
        "started_at": account.started_at.unix_s(),
        "last_activity": account.last_activity.unix_s(),
        "needs_you": account.port_faults.iter().map(|f| json!({
            "port": f.port.as_str(), "since": f.since.unix_s(), "words": f.words,
        })).collect::<Vec<_>>(),
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
            "words": l.last_words, "since": l.since.unix_s(),
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
