//! Work that takes its time is no work that hangs: each item of it is a sign of life.

use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use notyet::app::account;
use notyet::app::ingest::Unwatched;
use notyet::app::port::Port;
use notyet::app::settle;
use notyet::app::setup;
use notyet::app::shared::{Memory, Progress, Shared, Step, Stop};
use notyet::config::{Account, Tls};
use notyet::domain::delivery::State;
use notyet::shell::clock;
use notyet::shell::store::Ledger;

use crate::support::home::Home;
use crate::support::mails::{to_paste, with_reply_to};
use crate::support::smtp_peer::{Act, At, Peer, Script};

const RULES: &str = "generic = \"send\"\n[[after]]\ndecision = \"draft\"\nseen = true\n";

fn opened(home: &Home) -> (Account, Shared) {
    let setup = setup::load(&home.config()).unwrap_or_else(|problems| panic!("{problems}"));
    let ledger = Ledger::open(&home.state()).unwrap();
    let account = setup.config.accounts.into_iter().next().unwrap();
    let mut shared = Shared::new(setup.rules, setup.config.owner, setup.policy, ledger, clock::now);
    shared.after = setup.config.after;
    shared.uids_dir = Some(home.state().join("maildir"));
    (account, shared)
}

static PROGRESS: OnceLock<Arc<Progress>> = OnceLock::new();
/// Whether the account was late when it came to a step.
static MET: Mutex<Vec<(Step, bool)>> = Mutex::new(Vec::new());

/// Each step takes all the time there is.
fn take_long(step: Step) {
    let progress = PROGRESS.get().unwrap();
    MET.lock().unwrap().push((step, progress.is_late()));
    progress.expect_within(Duration::ZERO);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_draft_copy_and_notification_is_a_sign_of_life() {
    let peer = Peer::standing(Script::new(Tls::Implicit)).await;
    let home = Home::new();
    home.believe_reply_to();
    home.configure(RULES, &[home.on_maildir("work", "") + &peer.table("work")]);
    home.once().well();
    for number in 1..=2 {
        home.deliver("work", &format!("{number}.a.b"), &to_paste(number));
        let to = format!("p{number}@example.org");
        home.deliver("work", &format!("1{number}.a.b"), &with_reply_to(10 + number, &to));
    }
    let (account, mut shared) = opened(&home);
    shared.at_step = take_long;
    let (mut memory, (_switch, stop)) = (Memory::default(), Stop::new());
    PROGRESS.set(Arc::clone(&memory.progress)).unwrap();
    let mut port = Port::connect(&account, shared.uids(&account)).await.unwrap();
    for _ in 0..2 {
        account::pass(&mut port, &account, &shared, &mut memory, &mut Unwatched, &stop).await.unwrap();
    }
    for first in [Step::AppendAboutToGo, Step::TouchBegun, Step::CopyFiled] {
        let met = MET.lock().unwrap().clone();
        let late: Vec<bool> = met.iter().filter(|(step, _)| *step == first).map(|(_, late)| *late).collect();
        assert_eq!(late, [false, false], "{first:?}");
    }
    let key = shared.ledger().in_state("work", State::Drafted).unwrap().remove(0).key;
    home.notyet(&["undo", &key.0]).well();
    memory.progress.expect_within(Duration::ZERO);
    account::pass(&mut port, &account, &shared, &mut memory, &mut Unwatched, &stop).await.unwrap();
    let removed = MET.lock().unwrap().iter().find(|(step, _)| *step == Step::DraftRemoved).copied();
    assert_eq!(removed, Some((Step::DraftRemoved, false)));
}

/// What is looked up and found as it was takes its time as well.
#[tokio::test(flavor = "multi_thread")]
async fn each_letter_that_is_looked_for_is_a_sign_of_life() {
    let busy = Peer::standing(Script::new(Tls::Implicit).at(At::Mail, Act::Say("451 4.3.0 later\r\n"))).await;
    let home = Home::new();
    home.believe_reply_to();
    home.configure(RULES, &[home.on_maildir("work", "") + &busy.table("work")]);
    home.once().well();
    home.deliver("work", "1.a.b", &with_reply_to(1, "jane@example.org"));
    home.once().well();
    let (account, shared) = opened(&home);
    let (progress, (_switch, stop)) = (Progress::default(), Stop::new());
    let mut port = Port::connect(&account, shared.uids(&account)).await.unwrap();
    let person = rusqlite::Connection::open(Ledger::file(&home.state())).unwrap();
    let letter = shared.ledger().in_state("work", State::Queued).unwrap().remove(0);
    let mark = port.append_mark("Drafts", &letter.message.0).await.unwrap();
    for (mode, state) in [("send", "queued"), ("send", "uncertain"), ("draft", "appending")] {
        let moved = person.execute(
            "UPDATE delivery SET mode = ?1, state = ?2, append_mark = ?3, next_attempt_at = 0",
            [mode, state, &mark],
        );
        assert_eq!(moved.unwrap(), 1);
        progress.expect_within(Duration::ZERO);
        if state == "queued" {
            let due = settle::to_send(&mut port, &account, &shared, &progress, &stop).await.unwrap();
            assert_eq!(due.len(), 1);
        } else {
            settle::settle(&mut port, &account, &shared, &progress, &stop).await.unwrap();
        }
        assert!(!progress.is_late(), "{state}");
    }
}
