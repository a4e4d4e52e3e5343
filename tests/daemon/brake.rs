//! What stops sending: a wave, refusals, the clock, the hour, a second letter to one address.

use std::sync::atomic::{AtomicI64, Ordering};

use notyet::app::account::{self, End};
use notyet::app::setup;
use notyet::app::shared::{Shared, Stop};
use notyet::config::{Account, Tls};
use notyet::domain::Timestamp;
use notyet::domain::delivery::{Mode, State};
use notyet::shell::store::{Delivery, Ledger};

use crate::support::home::{Home, messages};
use crate::support::mails::{header, with_reply_to};
use crate::support::smtp_peer::{Act, At, Peer, Script};

const SEND: &str = "generic = \"send\"\n";

/// A home with one Maildir account that sends by `peer` and has had its first run.
fn watched(peer: &Peer, sending: &str) -> Home {
    let home = Home::new();
    home.believe_reply_to();
    let account = home.on_maildir("work", "") + &peer.table("work");
    home.configure(&format!("{SEND}[sending]\n{sending}"), &[account]);
    home.once().well();
    home
}

fn deliver(home: &Home, count: u32) {
    for number in 1..=count {
        home.deliver(
            "work",
            &format!("{number}.test"),
            &with_reply_to(number, &format!("p{number}@example.org")),
        );
    }
}

/// The installation's parts in this process, with a clock of the test's own.
fn opened(home: &Home, now: fn() -> Timestamp) -> (Account, Shared) {
    let setup = setup::load(&home.config()).unwrap_or_else(|problems| panic!("{problems}"));
    let ledger = Ledger::open(&home.state()).unwrap();
    let account = setup.config.accounts.into_iter().next().unwrap();
    let mut shared = Shared::new(setup.rules, setup.config.owner, setup.policy, ledger, now);
    shared.sending = setup.config.sending;
    shared.zone = setup.zone;
    (account, shared)
}

async fn pass(account: &Account, shared: &Shared) {
    let (_switch, stop) = Stop::new();
    assert_eq!(account::once(account, shared, &stop).await, End::Done);
}

fn letters(shared: &Shared) -> Vec<Delivery> {
    let ledger = shared.ledger();
    State::ALL.into_iter().flat_map(|state| ledger.in_state("work", state).unwrap()).collect()
}

fn stopped(home: &Home) -> serde_json::Value {
    let out = home.notyet(&["status", "--json"]).well().out;
    serde_json::from_str::<serde_json::Value>(&out).unwrap()["sending_stopped"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wave_of_letters_becomes_drafts_until_a_person_says_resume() {
    let peer = Peer::standing(Script::new(Tls::Implicit)).await;
    let home = watched(&peer, "burst_letters = 3\n");
    deliver(&home, 5);
    let first = home.once().well();
    let again = home.once().well();
    assert_eq!(peer.seen().bodies.len(), 0, "nothing of the wave goes out");
    let drafts = home.drafts("work");
    assert_eq!(drafts.len(), 5);
    for draft in &drafts {
        assert_eq!(header(draft, "Auto-Submitted"), None, "a person sends it");
    }
    let told = |err: &str| err.matches("all sending stands still").count();
    assert_eq!((told(&first.err), told(&again.err)), (1, 0));
    assert_eq!(stopped(&home)["cause"], "burst");
    assert!(home.notyet(&["status"]).well().out.contains("\nSENDING STOPPED"));

    home.deliver("work", "6.test", &with_reply_to(6, "p6@example.org"));
    home.once().well();
    assert_eq!((peer.seen().bodies.len(), home.drafts("work").len()), (0, 6));

    assert!(home.notyet(&["resume"]).well().out.contains("Sending goes on"));
    assert!(home.notyet(&["resume"]).well().out.contains("nothing was changed"));
    assert_eq!(stopped(&home), serde_json::Value::Null);
    home.deliver("work", "7.test", &with_reply_to(7, "p7@example.org"));
    home.once().well();
    assert_eq!((peer.seen().bodies.len(), home.drafts("work").len()), (1, 6));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_refusal_after_the_other_stops_sending() {
    let peer =
        Peer::standing(Script::new(Tls::Implicit).at(At::Rcpt, Act::Say("550 5.7.1 not you\r\n"))).await;
    let home = watched(&peer, "refusals_in_a_row = 2\n");
    deliver(&home, 4);
    home.once().well();
    home.once().well();
    assert_eq!(peer.seen().commands.iter().filter(|line| line.starts_with("RCPT")).count(), 2);
    assert_eq!(stopped(&home)["cause"], "refusals");
    let status = home.status("work");
    assert_eq!((&status["letters"]["refused"], &status["letters"]["drafted"]), (&2.into(), &2.into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_goes_back_stops_sending() {
    static LATER_S: AtomicI64 = AtomicI64::new(0);
    fn now() -> Timestamp {
        Timestamp::from_unix_s(notyet::shell::clock::now().unix_s() + LATER_S.load(Ordering::Relaxed))
    }
    let peer = Peer::standing(Script::new(Tls::Implicit)).await;
    let home = watched(&peer, "");
    let (account, shared) = opened(&home, now);
    LATER_S.store(2 * 24 * 3600, Ordering::Relaxed);
    pass(&account, &shared).await;
    deliver(&home, 1);
    pass(&account, &shared).await;
    assert_eq!(peer.seen().bodies.len(), 1, "two days ahead are two days off");
    LATER_S.store(0, Ordering::Relaxed);
    home.deliver("work", "2.test", &with_reply_to(2, "p2@example.org"));
    pass(&account, &shared).await;
    assert_eq!((peer.seen().bodies.len(), home.drafts("work").len()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_address_is_never_sent_a_second_letter() {
    let peer = Peer::standing(Script::new(Tls::Implicit)).await;
    let home = watched(&peer, "");
    home.deliver("work", "1.test", &with_reply_to(1, "jane@example.org"));
    home.once().well();
    home.deliver("work", "2.test", &with_reply_to(2, "JANE@Example.org"));
    home.once().well();
    home.once().well();
    assert_eq!((peer.seen().bodies.len(), home.drafts("work").len()), (1, 1));
    let status = home.status("work");
    assert_eq!((&status["letters"]["sent"], &status["letters"]["drafted"]), (&1.into(), &1.into()));
}

/// 2026-11-27 is a Friday.
#[tokio::test(flavor = "multi_thread")]
async fn outside_the_hours_a_letter_waits_and_then_goes_out_by_itself() {
    static AT: AtomicI64 = AtomicI64::new(0);
    fn now() -> Timestamp {
        Timestamp::from_unix_s(AT.load(Ordering::Relaxed))
    }
    let set = |text: &str| AT.store(text.parse::<jiff::Timestamp>().unwrap().as_second(), Ordering::Relaxed);
    let peer = Peer::standing(Script::new(Tls::Implicit)).await;
    let home = Home::new();
    home.believe_reply_to();
    let account = home.on_maildir("work", "since = \"10d\"") + &peer.table("work");
    let hours = "[sending]\nhours = \"08:00-18:00\"\ndays = [\"mon\", \"tue\", \"wed\", \"thu\", \"fri\"]\n\
                 time_zone = \"Europe/Berlin\"\nclock_gap = \"3650d\"\n";
    home.configure(&format!("{SEND}send_within = \"7d\"\n{hours}"), &[account]);
    // Before any real moment: the file of the mail bears that of its making.
    set("2026-01-01T00:00:00Z");
    let (account, shared) = opened(&home, now);
    pass(&account, &shared).await;
    set("2026-11-27T18:00:00Z");
    deliver(&home, 1);
    for (moment, state) in [
        ("2026-11-27T18:01:00Z", State::Held),
        ("2026-11-28T10:00:00Z", State::Held),
        ("2026-11-30T06:59:00Z", State::Held),
        ("2026-11-30T07:00:00Z", State::Sent),
    ] {
        set(moment);
        pass(&account, &shared).await;
        assert_eq!(letters(&shared)[0].state, state, "{moment}");
    }
    assert_eq!((peer.seen().bodies.len(), home.drafts("work").len()), (1, 0));
    // It tells nobody that it was made at night, and the copy is what went out.
    let sent = String::from_utf8(peer.seen().bodies.remove(0)).unwrap();
    assert_eq!(header(&sent, "Date").unwrap(), "Mon, 30 Nov 2026 07:00:00 +0000");
    let copies = messages(&home.maildir("work").join(".Sent"));
    assert_eq!(copies.iter().map(|copy| lines(copy)).collect::<Vec<_>>(), [lines(&sent)]);
}

fn lines(mail: &str) -> Vec<&str> {
    mail.lines().collect()
}

/// A letter that is queued already (its server was away) keeps to the hours as well.
#[tokio::test(flavor = "multi_thread")]
async fn a_queued_letter_keeps_to_the_hours() {
    static AT: AtomicI64 = AtomicI64::new(0);
    fn now() -> Timestamp {
        Timestamp::from_unix_s(AT.load(Ordering::Relaxed))
    }
    let peer = Peer::standing(Script::new(Tls::Implicit).at(At::Mail, Act::Say("451 4.3.0 later\r\n"))).await;
    let home = watched(&peer, "hours = \"08:00-18:00\"\ntime_zone = \"UTC\"\nclock_gap = \"3650d\"\n");
    let (account, mut shared) = opened(&home, now);
    let noon = (notyet::shell::clock::now().unix_s() / 86_400 + 1) * 86_400 + 12 * 3600;
    AT.store(noon, Ordering::Relaxed);
    deliver(&home, 1);
    pass(&account, &shared).await;
    let tries = || peer.seen().commands.iter().filter(|line| line.starts_with("MAIL")).count();
    assert_eq!((letters(&shared)[0].state, tries()), (State::Queued, 1));
    AT.store(noon + 8 * 3600, Ordering::Relaxed);
    pass(&account, &shared).await;
    assert_eq!((letters(&shared)[0].mode, tries()), (Mode::Send, 1), "at eight in the evening it waits");
    shared.sending = Default::default();
    pass(&account, &shared).await;
    assert_eq!(tries(), 2);
}

/// Two accounts may meet one inviter at the same time: the last look before the server finds it.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_queued_letters_to_one_address_one_is_sent() {
    static LATER_S: AtomicI64 = AtomicI64::new(0);
    fn now() -> Timestamp {
        Timestamp::from_unix_s(notyet::shell::clock::now().unix_s() + LATER_S.load(Ordering::Relaxed))
    }
    let peer = Peer::standing(Script::new(Tls::Implicit).at(At::Mail, Act::Say("451 4.3.0 later\r\n"))).await;
    let home = watched(&peer, "");
    deliver(&home, 2);
    home.once().well();
    let ledger = rusqlite::Connection::open(Ledger::file(&home.state())).unwrap();
    assert_eq!(ledger.execute("UPDATE delivery SET recipient = 'p1@example.org'", []).unwrap(), 2);
    drop(ledger);
    let (account, shared) = opened(&home, now);
    LATER_S.store(3600, Ordering::Relaxed);
    pass(&account, &shared).await;
    let modes: Vec<Mode> = letters(&shared).iter().map(|letter| letter.mode).collect();
    assert!(modes.contains(&Mode::Send) && modes.contains(&Mode::Draft), "{modes:?}");
    assert_eq!(peer.seen().commands.iter().filter(|line| line.starts_with("MAIL")).count(), 3);
}
