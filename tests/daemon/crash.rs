//! A process that dies between any two durable steps: exactly one draft, at
//! most one transmission, and the end is that of a run without accident.

use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, Ordering};

use notyet::app::account::{self, End};
use notyet::app::setup;
use notyet::app::shared::{Shared, Step, Stop};
use notyet::config::Tls;
use notyet::domain::Timestamp;
use notyet::domain::delivery::State;
use notyet::shell::clock;
use notyet::shell::store::Ledger;

use crate::support::dovecot::Dovecot;
use crate::support::home::{Home, Ran};
use crate::support::mails::{header, to_paste, with_reply_to};
use crate::support::smtp_peer::{Peer, Script};

const CONFIG: &str = "NOTYET_TEST_CONFIG";
const DEADLY: &str = "NOTYET_TEST_DEADLY_STEP";

static DEADLY_STEP: OnceLock<Option<Step>> = OnceLock::new();

fn die_if_told(step: Step) {
    if DEADLY_STEP.get() == Some(&Some(step)) {
        let _ = Command::new("kill").args(["-KILL", &std::process::id().to_string()]).status();
        unreachable!("SIGKILL does not return");
    }
}

/// The body of the child process; by itself it does nothing.
#[test]
#[ignore = "run by the tests below, as a process of its own"]
fn one_pass_in_a_process_that_may_die() {
    let Some(config) = std::env::var_os(CONFIG) else { return };
    let step = std::env::var(DEADLY).ok().map(|name| {
        Step::ALL.into_iter().find(|step| format!("{step:?}") == name).expect("the name of a step")
    });
    DEADLY_STEP.set(step).expect("set once");
    let setup = setup::load(Path::new(&config)).unwrap_or_else(|problems| panic!("{problems}"));
    let ledger = Ledger::open(&setup.config.state_dir).expect("the ledger");
    let mut shared = Shared::new(setup.rules, setup.config.owner, setup.policy, ledger, clock::now);
    shared.uids_dir = Some(setup.config.state_dir.join("maildir"));
    shared.after = setup.config.after;
    shared.at_step = die_if_told;
    shared.straggling_timeouts = 0;
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    for account in &setup.config.accounts {
        let (_switch, stop) = Stop::new();
        assert_eq!(runtime.block_on(account::once(account, &shared, &stop)), End::Done);
    }
}

/// One pass in a process of its own, which dies at `step`.
pub(crate) fn pass(home: &Home, step: Option<Step>) {
    let mut command = Command::new(std::env::current_exe().expect("this test"));
    let name = concat!(module_path!(), "::one_pass_in_a_process_that_may_die");
    let name = name.split_once("::").expect("the crate's name").1;
    command.args(["--exact", "--ignored", name]).env(CONFIG, home.config()).env_remove(DEADLY);
    if let Some(step) = step {
        command.env(DEADLY, format!("{step:?}"));
    }
    let ran = Ran::of(&mut command);
    match step {
        None => assert!(ran.out.contains("1 passed"), "{}{}", ran.out, ran.err),
        Some(step) => assert_eq!(ran.code, None, "it should have died at {step:?}: {}{}", ran.out, ran.err),
    }
}

/// Which ways a step lies on: a draft's, a sent letter's. A new step has to say.
fn on_the_way_of(step: Step) -> (bool, bool) {
    match step {
        Step::PlanCommitted => (true, true),
        Step::AppendAboutToGo | Step::Appended | Step::DraftRecorded => (true, false),
        Step::BodyAboutToGo | Step::Accepted | Step::SentRecorded | Step::CopyFiled | Step::CopyRecorded => {
            (false, true)
        }
        // Walked in `after`.
        Step::TouchBegun
        | Step::NotificationCopied
        | Step::NotificationTouched
        | Step::TouchRecorded
        | Step::DraftRemoved => (false, false),
        // Walked in `hold`.
        Step::WithdrawalBegun | Step::DraftWithdrawn | Step::HoldOver => (false, false),
    }
}

/// No accident, then every step of a draft's way.
pub(crate) fn draft_steps() -> impl Iterator<Item = Option<Step>> {
    [None].into_iter().chain(Step::ALL.into_iter().filter(|step| on_the_way_of(*step).0).map(Some))
}

/// Dies at `step` of the pass that follows `deliver`, and goes on twice.
fn with_accident(home: &Home, step: Option<Step>, deliver: impl FnOnce()) {
    pass(home, None);
    deliver();
    pass(home, step);
    pass(home, None);
    pass(home, None);
}

#[test]
fn a_kill_anywhere_on_the_way_to_a_draft_in_a_maildir_leaves_exactly_one() {
    for step in draft_steps() {
        let home = Home::new();
        home.configure("", &[home.on_maildir("work", "")]);
        with_accident(&home, step, || {
            home.deliver("work", "1.a.b", &to_paste(1));
            home.deliver("work", "2.a.b", &with_reply_to(2, "jane@example.org"));
        });
        let mut keys: Vec<_> = home.drafts("work").iter().map(|d| header(d, "X-Notyet-Key")).collect();
        assert_eq!(keys.len(), 2, "{step:?}");
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), 2, "{step:?}");
        let letters = home.status("work")["letters"].clone();
        assert_eq!(letters, serde_json::json!({ "drafted": 2 }), "{step:?}");
    }
}

#[test]
fn a_kill_anywhere_on_the_way_to_a_draft_on_dovecot_leaves_exactly_one() {
    let server = dovecot!();
    for (number, step) in (1..).zip(draft_steps()) {
        let home = Home::new();
        home.configure("", &[home.on_dovecot("work", &server, "", "")]);
        with_accident(&home, step, || server.deliver(&to_paste(number)));
        assert_eq!(server.messages(".Drafts").len(), number as usize, "{step:?}");
        // Each home is new to the server, and finds again what the homes before it drafted.
        let letters = home.status("work")["letters"].clone();
        assert_eq!(letters, serde_json::json!({ "drafted": number }), "{step:?}");
    }
    assert!(server.files(".Drafts").iter().all(|name| name.ends_with(":2,DS")));
}

/// What is left in the end: the letter's state, transmissions, copies in Sent.
async fn sending_with_accident(server: &Dovecot, number: u32, step: Option<Step>) -> (String, usize, usize) {
    let peer = Peer::standing(Script::new(Tls::Implicit)).await;
    let home = Home::new();
    home.believe_reply_to();
    home.configure("generic = \"send\"", &[home.on_dovecot("work", server, "", &peer.table("work"))]);
    // What an earlier home sent would be found again by this one.
    server.clear(".Posted");
    with_accident(&home, step, || server.deliver(&with_reply_to(number, "jane@example.org")));
    let letters = home.status("work")["letters"].clone();
    let states: Vec<_> = letters.as_object().expect("letters").keys().cloned().collect();
    assert_eq!(server.files(".Drafts"), [""; 0], "{step:?}");
    let seen = peer.seen();
    // A kill before the first byte is a doubt as well: nobody can tell afterwards.
    if step == Some(Step::BodyAboutToGo) {
        assert_eq!(seen.body_bytes, 0);
    }
    if states == ["uncertain"] && !seen.bodies.is_empty() {
        // The provider's own copy shows that it went out after all.
        let sent = String::from_utf8(seen.bodies[0].clone()).expect("UTF-8");
        server.put(".Posted", &sent);
        pass(&home, None);
        assert_eq!(home.status("work")["letters"], serde_json::json!({ "sent": 1 }), "{step:?}");
        assert_eq!(peer.seen().bodies.len(), 1);
        assert_eq!(server.messages(".Posted").len(), 1);
        return ("uncertain, then sent".to_owned(), 1, 1);
    }
    (states.join(" "), seen.bodies.len(), server.messages(".Posted").len())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_anywhere_on_the_way_out_leaves_at_most_one_transmission() {
    let server = dovecot!();
    let steps = Step::ALL.into_iter().filter(|step| on_the_way_of(*step).1).map(Some);
    for (number, step) in (1..).zip([None].into_iter().chain(steps)) {
        let wanted = match step {
            Some(Step::BodyAboutToGo) => ("uncertain", 0, 0),
            Some(Step::Accepted) => ("uncertain, then sent", 1, 1),
            _ => ("sent", 1, 1),
        };
        let (state, transmissions, copies) = sending_with_accident(&server, number, step).await;
        assert_eq!((state.as_str(), transmissions, copies), wanted, "{step:?}");
    }
}

/// The line broke after the APPEND, and the server had not come to it: it may do so yet.
#[tokio::test(flavor = "multi_thread")]
async fn an_append_that_a_slow_server_does_late_is_not_done_again() {
    static LATER_S: AtomicI64 = AtomicI64::new(0);
    fn now() -> Timestamp {
        Timestamp::from_unix_s(clock::now().unix_s() + LATER_S.load(Ordering::Relaxed))
    }
    fn break_off(step: Step) {
        assert_ne!(step, Step::AppendAboutToGo, "the process ends here");
    }
    let server = dovecot!();
    for (number, lands) in [(1, true), (2, false)] {
        let home = Home::new();
        home.configure("", &[home.on_dovecot("work", &server, "", "")]);
        home.once().well();
        server.deliver(&to_paste(number));
        let opened = || {
            let setup = setup::load(&home.config()).unwrap_or_else(|problems| panic!("{problems}"));
            let ledger = Ledger::open(&home.state()).unwrap();
            let account = setup.config.accounts.into_iter().next().unwrap();
            (account, Shared::new(setup.rules, setup.config.owner, setup.policy, ledger, now))
        };
        let (account, mut shared) = opened();
        shared.at_step = break_off;
        let (_switch, stop) = Stop::new();
        let dies = tokio::spawn(async move { account::once(&account, &shared, &stop).await });
        assert!(dies.await.is_err(), "it should have died");
        let (account, shared) = opened();
        let (_switch, stop) = Stop::new();
        let drafts = || server.files(".Drafts").len();
        let before = drafts();
        assert_eq!(account::once(&account, &shared, &stop).await, End::Done);
        assert_eq!(drafts(), before, "too early to tell");
        let letter = shared.ledger().in_state("work", State::Appending).unwrap().remove(0);
        if lands {
            server.put(".Drafts", &String::from_utf8(letter.message.0).unwrap());
        }
        LATER_S.fetch_add(3600, Ordering::Relaxed);
        for _ in 0..2 {
            assert_eq!(account::once(&account, &shared, &stop).await, End::Done);
        }
        assert_eq!(drafts(), before + 1, "lands: {lands}");
        assert_eq!(shared.ledger().in_state("work", State::Drafted).unwrap().len(), number as usize);
    }
}

/// The clock was a day ahead when the draft was about to go.
#[test]
fn a_clock_that_was_ahead_leaves_no_draft_undecided() {
    for (ahead_s, drafts) in [(0, 0), (24 * 60 * 60, 1)] {
        let server = dovecot!();
        let home = Home::new();
        home.configure("", &[home.on_dovecot("work", &server, "", "")]);
        home.once().well();
        server.deliver(&to_paste(1));
        pass(&home, Some(Step::AppendAboutToGo));
        let ledger = rusqlite::Connection::open(Ledger::file(&home.state())).unwrap();
        let noted = ledger.execute("UPDATE delivery SET changed_at = changed_at + ?1", [ahead_s]);
        assert_eq!(noted, Ok(1));
        drop(ledger);
        for _ in 0..2 {
            home.once().well();
        }
        assert_eq!(server.files(".Drafts").len(), drafts, "{ahead_s} s ahead");
    }
}
