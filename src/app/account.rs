//! One account's life: connect, pass, wait, and what to do when it fails.

use std::sync::Arc;
use std::time::Duration;

use super::anchor::anchor;
use super::backoff::Backoff;
use super::deliver::Found;
use super::ingest::{Observer, Tally, Unwatched, ingest};
use super::port::Port;
use super::shared::{LONGEST_STEP, Memory, Progress, Shared, Stop};
use super::{books, brake, deliver, hold, people, rebuild, refused, retention, settle, tidy};
use crate::config::Account;
use crate::domain::Fault;
use crate::shell::mailbox::Access;
use crate::shell::store::{PortKind, Told};

/// The first and the longest wait after a broken session.
const RECONNECT: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(10 * 60));
/// How long after an expected wake-up a sign of life may come.
const SLACK: Duration = Duration::from_secs(2 * 60);
/// A refused login is not tried again before this (accounts get locked), and a
/// person is not told the same again.
const A_DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// After other trouble for a person it is looked again so soon: a certificate, a folder
/// or a clock may be right by then, and nobody counts the tries.
const LOOK_AGAIN: Duration = Duration::from_secs(15 * 60);

/// How soon the daemon sees what a person wrote into the ledger.
const LISTEN_EVERY: Duration = Duration::from_secs(1);

/// How a pass or an account's life ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// All done.
    Done,
    /// Something failed that may work later.
    TryAgain,
    /// Something failed that a person has to mend.
    NeedsHuman,
}

/// One pass over `account`: new mail to plans, drafts and copies filed, the queue sent.
///
/// # Errors
/// The first [`Fault`]; everything committed before stays.
pub async fn pass(
    port: &mut Port,
    account: &Account,
    shared: &Shared,
    memory: &mut Memory,
    observer: &mut dyn Observer,
    stop: &Stop,
) -> Result<Tally, Fault> {
    brake::look(shared)?;
    retention::keep_to_it(shared)?;
    books::refresh(shared).await?;
    if !rebuild::rebuild(port, account, shared, memory, stop).await? {
        return Ok(Tally::default());
    }
    if !people::learn_sent(port, account, shared, memory, &mut |_, _| (), stop).await? {
        return Ok(Tally::default());
    }
    let tally = match books::first_missing(shared)? {
        None => {
            let tally = ingest(port, account, shared, memory, observer, stop).await?;
            shared.ledger().note_look(&account.name, shared.now())?;
            tally
        }
        // Any inviter may stand in it.
        Some(_) => Tally::default(),
    };
    settle::release_held(account, shared)?;
    // One draft that cannot be looked after keeps no letter from being sent: it is told afterwards.
    let held = hold::let_go(port, account, shared, memory, stop).await;
    if held.is_err() && !port.is_usable() {
        return held.map(|()| tally);
    }
    let to_send = settle::to_send(port, account, shared, &memory.progress, stop).await?;
    // What goes wrong there keeps no letter from being sent: it is told afterwards.
    let in_order = held.and(put_in_order(port, account, shared, &memory.progress, stop).await);
    if memory.sending_rests_until.is_some_and(|until| shared.now() < until) {
        return in_order.map(|()| tally);
    }
    match deliver::deliver(to_send, account, shared, memory, stop).await {
        Ok(sent) => {
            memory.sending_failed = (sent.server == Found::Away).then_some(End::TryAgain);
            memory.sending_rests_until = None;
            // What nobody tried may be as bad as it was.
            if sent.server == Found::Open || account.smtp.is_none() {
                forget(account, shared, PortKind::Smtp);
            }
            if sent.letters > 0 && in_order.is_ok() && !stop.asked() {
                put_in_order(port, account, shared, &memory.progress, stop).await?;
            }
        }
        // Drafting goes on where sending cannot; the letters keep their place in the queue.
        Err(fault) => {
            let Some(rest) = rest_after(&fault) else { return Err(fault) };
            tell(account, shared, memory, PortKind::Smtp, &fault).await;
            memory.sending_failed = Some(End::NeedsHuman);
            memory.sending_rests_until = Some(shared.now().plus(rest));
            return in_order.map(|()| tally);
        }
    }
    in_order.map(|()| tally)
}

/// Drafts, Sent and the notifications as they are wanted. A folder that takes
/// nothing holds up neither what a person took back nor the notifications.
async fn put_in_order(
    port: &mut Port,
    account: &Account,
    shared: &Shared,
    progress: &Progress,
    stop: &Stop,
) -> Result<(), Fault> {
    let settled = settle::settle(port, account, shared, progress, stop).await;
    if settled.is_err() && !port.is_usable() {
        return settled;
    }
    let tidied = tidy::tidy(port, account, shared, progress, stop).await;
    settled.and(tidied)
}

/// One connection and one pass, for `run --once` and cron.
pub async fn once(account: &Account, shared: &Shared, stop: &Stop) -> End {
    let mut memory = Memory::default();
    match rests(account, shared, &mut memory).await {
        Ok(false) => {}
        Ok(true) => return End::NeedsHuman,
        Err(fault) => return fail(account, shared, &mut memory, &fault).await,
    }
    if let Err(fault) = begin(account, shared) {
        return fail(account, shared, &mut memory, &fault).await;
    }
    let mut port = match Port::connect(account, shared.uids(account)).await {
        Ok(port) => port,
        Err(fault) => return fail(account, shared, &mut memory, &fault).await,
    };
    let result = match anchor(&mut port, account, shared).await {
        Ok(()) => pass(&mut port, account, shared, &mut memory, &mut Unwatched, stop).await,
        Err(fault) => Err(fault),
    };
    port.close().await;
    match result {
        Ok(tally) => {
            log_pass(account, tally);
            forget(account, shared, port_kind(account));
            memory.sending_failed.unwrap_or(End::Done)
        }
        Err(fault) => fail(account, shared, &mut memory, &fault).await,
    }
}

/// Whether the mailbox rests after a login that an earlier process was refused;
/// where it is sending that rests, the pass leaves it out.
async fn rests(account: &Account, shared: &Shared, memory: &mut Memory) -> Result<bool, Fault> {
    let mailbox = refused::rests_until(account, shared, port_kind(account)).await?;
    let sending = refused::rests_until(account, shared, PortKind::Smtp).await?;
    if mailbox.or(sending).is_some() {
        tracing::warn!(
            account = %account.name,
            "the server has refused this login: it is tried again after a day, or once it is another one (touch its password.file, say); `notyet status` has the words"
        );
    }
    memory.sending_rests_until = sending;
    memory.sending_failed = sending.map(|_| End::NeedsHuman);
    Ok(mailbox.is_some())
}

/// One connection and what has to be known before anything is sent: what stands in
/// Drafts and Sent. An end only where a person has to act first: a pass would ask
/// the server the same again. What else goes wrong shows in the pass that follows.
pub async fn look_back(account: &Account, shared: &Shared, stop: &Stop) -> Option<End> {
    let mut memory = Memory::default();
    if rests(account, shared, &mut memory).await.is_ok_and(|rests| rests) {
        return Some(End::NeedsHuman);
    }
    match learn(account, shared, &mut memory, stop).await {
        Err(fault) if fault.is_for_a_person() => Some(fail(account, shared, &mut memory, &fault).await),
        Err(_) | Ok(()) => None,
    }
}

async fn learn(account: &Account, shared: &Shared, memory: &mut Memory, stop: &Stop) -> Result<(), Fault> {
    begin(account, shared)?;
    let mut port = Port::connect(account, shared.uids(account)).await?;
    anchor(&mut port, account, shared).await?;
    if rebuild::rebuild(&mut port, account, shared, memory, stop).await? {
        people::learn_sent(&mut port, account, shared, memory, &mut |_, _| (), stop).await?;
    }
    port.close().await;
    Ok(())
}

/// Watches `account` until a stop is asked for, or a person has to act.
pub async fn watch(account: Account, shared: Arc<Shared>, mut memory: Memory, mut stop: Stop) -> End {
    let mut backoff = Backoff::new(RECONNECT.0, RECONNECT.1);
    let progress = Arc::clone(&memory.progress);
    while !stop.asked() {
        progress.expect_within(LONGEST_STEP);
        let fault = match session(&account, &shared, &mut memory, &mut stop, &mut backoff).await {
            Ok(()) => break,
            Err(fault) => fault,
        };
        tell(&account, &shared, &mut memory, port_kind(&account), &fault).await;
        let wait = rest_after(&fault).unwrap_or_else(|| backoff.next(fastrand::u32(..)));
        progress.expect_within(wait + SLACK);
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = stop.wait() => {}
        }
    }
    progress.at_rest();
    End::Done
}

/// How long a port rests after trouble that a person has to mend; `None`: it is no such trouble.
fn rest_after(fault: &Fault) -> Option<Duration> {
    match fault {
        // Nothing but a person, a reload or a restart helps.
        Fault::LoginRefused(_) => Some(A_DAY),
        Fault::NeedsHuman(_) => Some(LOOK_AGAIN),
        Fault::Transient(_) | Fault::Permanent(_) => None,
    }
}

/// The ledger knows the account from here on, and no letter is under way.
fn begin(account: &Account, shared: &Shared) -> Result<(), Fault> {
    shared.ledger().start_account(&account.name, shared.now())?;
    settle::recover(account, shared).map(|_| ())
}

/// One connection: passes and waits until it breaks or a stop is asked for.
async fn session(
    account: &Account,
    shared: &Shared,
    memory: &mut Memory,
    stop: &mut Stop,
    backoff: &mut Backoff,
) -> Result<(), Fault> {
    begin(account, shared)?;
    let mut port = Port::connect(account, shared.uids(account)).await?;
    anchor(&mut port, account, shared).await?;
    tracing::info!(account = %account.name, "connected");
    while !stop.asked() {
        memory.progress.expect_within(LONGEST_STEP);
        memory.writes_seen = shared.ledger().writes_of_others()?;
        let tally = pass(&mut port, account, shared, memory, &mut Unwatched, stop).await?;
        backoff.reset();
        forget(account, shared, port_kind(account));
        log_pass(account, tally);
        if stop.asked() || arrived_meanwhile(&mut port, account, shared).await? {
            continue;
        }
        memory.progress.expect_within(account.poll_every + SLACK);
        port.wait(account.poll_every, interruption(shared, memory.writes_seen, stop.clone())).await?;
    }
    port.close().await;
    Ok(())
}

/// Comes back when a stop is asked for, or when a person has written into the ledger.
async fn interruption(shared: &Shared, writes_seen: i64, mut stop: Stop) {
    let written = async {
        // A fault of the ledger shows in the next pass, with its words.
        while shared.ledger().writes_of_others().is_ok_and(|now| now == writes_seen) {
            tokio::time::sleep(LISTEN_EVERY).await;
        }
    };
    tokio::select! {
        () = stop.wait() => {}
        () = written => {}
    }
}

/// Opens the first mailbox to wait on it; tells whether mail came since the look
/// that can be judged now.
async fn arrived_meanwhile(port: &mut Port, account: &Account, shared: &Shared) -> Result<bool, Fault> {
    let Some(mailbox) = account.mailboxes.first() else { return Ok(false) };
    let opened = port.open(mailbox, Access::LastingUids).await?;
    let cursor = shared.ledger().cursor(&account.name, mailbox)?;
    let is_new =
        cursor.is_some_and(|c| c.uid_validity == opened.uid_validity && opened.uid_next > c.next_uid);
    Ok(is_new && books::first_missing(shared)?.is_none())
}

fn port_kind(account: &Account) -> PortKind {
    match account.kind {
        crate::config::MailboxKind::Imap(_) => PortKind::Imap,
        crate::config::MailboxKind::Maildir(_) => PortKind::Maildir,
    }
}

fn log_pass(account: &Account, tally: Tally) {
    if tally.looked > 0 {
        tracing::info!(
            account = %account.name,
            looked = tally.looked,
            read = tally.read,
            plans = tally.plans,
            quarantined = tally.quarantined,
            "looked into the mailbox"
        );
    }
}

async fn fail(account: &Account, shared: &Shared, memory: &mut Memory, fault: &Fault) -> End {
    tell(account, shared, memory, port_kind(account), fault).await;
    if fault.is_for_a_person() { End::NeedsHuman } else { End::TryAgain }
}

/// Logs a failure once, here; one for a person also goes into the ledger, for
/// `status`, and a process says it again only after a day or in other words. Of a
/// refused login it is kept what was refused.
async fn tell(account: &Account, shared: &Shared, memory: &mut Memory, port: PortKind, fault: &Fault) {
    let words = fault.message();
    let now = shared.now();
    if !fault.is_for_a_person() {
        tracing::warn!(account = %account.name, "{words}");
        if let Err(fault) = shared.ledger().note_port_fault(&account.name, port, words, Told::Nobody, now) {
            tracing::warn!(account = %account.name, "{fault}");
        }
        return;
    }
    let is_told = memory.told.get(&port).is_some_and(|(told, at)| told == words && now.since(*at) < A_DAY);
    if !is_told {
        tracing::error!(account = %account.name, "{words}");
        memory.told.insert(port, (words.to_owned(), now));
    }
    // Also of one that came back meanwhile: what nobody was told of passes for trouble that may pass.
    let told_at = memory.told.get(&port).map_or(now, |(_, at)| *at);
    let noted = shared.ledger().note_port_fault(&account.name, port, words, Told::At(told_at), now);
    if let Err(fault) = noted {
        tracing::error!(account = %account.name, "{fault}");
    }
    if matches!(fault, Fault::LoginRefused(_)) {
        refused::note(account, shared, port).await;
    }
}

fn forget(account: &Account, shared: &Shared, port: PortKind) {
    if let Err(fault) = shared.ledger().clear_port_fault(&account.name, port) {
        tracing::error!(account = %account.name, "{fault}");
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;
    use crate::config::{self, Surroundings};
    use crate::domain::Timestamp;
    use crate::shell::store::Ledger;

    static NOW_S: AtomicI64 = AtomicI64::new(1_000_000);

    fn now() -> Timestamp {
        Timestamp::from_unix_s(NOW_S.load(Ordering::Relaxed))
    }

    const CONFIG: &str = "state_dir = \"state\"\n[owner]\nname = \"R\"\naddresses = [\"r@example.org\"]\n\
                          [account.work.maildir]\npath = \"/nowhere\"\n";

    #[tokio::test]
    async fn each_trouble_is_told_once_a_day_and_stands_in_the_ledger_while_it_lasts() {
        let around = Surroundings::new(PathBuf::from("/"), |_| None);
        let mut config = config::parse("x", CONFIG, &around).unwrap().config;
        let account = config.accounts.remove(0);
        let rules = crate::app::setup::rules(None).unwrap();
        let policy = rules.policy.clone();
        let shared = Shared::new(rules, config.owner, policy, Ledger::in_memory().unwrap(), now);
        shared.ledger().start_account("work", now()).unwrap();
        let mut memory = Memory::default();
        let mut tell_both = async || {
            let (out, no) =
                (Fault::NeedsHuman("no way out".to_owned()), Fault::LoginRefused("no".to_owned()));
            tell(&account, &shared, &mut memory, PortKind::Smtp, &out).await;
            tell(&account, &shared, &mut memory, PortKind::Maildir, &no).await;
            let faults = shared.ledger().port_faults().unwrap();
            faults.into_iter().map(|fault| fault.last_told.map_or(0, Timestamp::unix_s)).collect::<Vec<_>>()
        };
        assert_eq!(tell_both().await, [1_000_000, 1_000_000]);
        NOW_S.fetch_add(15 * 60, Ordering::Relaxed);
        assert_eq!(tell_both().await, [1_000_000, 1_000_000]);
        NOW_S.fetch_add(24 * 60 * 60, Ordering::Relaxed);
        assert_eq!(tell_both().await, [1_087_300, 1_087_300]);
        forget(&account, &shared, PortKind::Smtp);
        assert_eq!(tell_both().await, [1_087_300, 1_087_300], "it came back");
    }
}
