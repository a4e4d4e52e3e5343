//! Tests of the look into a mailbox: no mail is lost, whatever cuts the look short.

use std::fs;
use std::path::Path;
use std::time::Duration;

use notyet::app::anchor::anchor;
use notyet::app::ingest::{Observer, Seen, Uid, Unwatched, ingest};
use notyet::app::port::Port;
use notyet::app::setup;
use notyet::app::shared::{Memory, Shared, Stop, StopSwitch};
use notyet::config::{Account, Dkim, MailboxKind, Maildir, SentCopy};
use notyet::domain::{Address, Decision};
use notyet::shell::clock;
use notyet::shell::store::Ledger;

use crate::support::mails::demo;

const INVITATION: &str = include_str!("mail/demo/2026-02-member-no-note.eml");

fn account(path: &Path) -> Account {
    Account {
        name: "home".to_owned(),
        from: Address::parse("robin@example.org").unwrap(),
        kind: MailboxKind::Maildir(Maildir { path: path.to_owned() }),
        mailboxes: vec!["INBOX".to_owned()],
        drafts: None,
        sent: None,
        sent_copy: SentCopy::File,
        authserv_id: Some("mx.example.org".to_owned()),
        dkim: Dkim::Provider,
        resolver: None,
        poll_every: Duration::from_secs(300),
        since: None,
        smtp: None,
    }
}

/// Notes what was seen; asks for a stop at the first mail that is set aside.
struct Stopper {
    switch: StopSwitch,
    seen: Vec<(Uid, &'static str)>,
}

impl Observer for Stopper {
    fn seen(&mut self, uid: Uid, seen: &Seen<'_>) {
        let word = match seen {
            Seen::Passed { .. } => "passed",
            Seen::Read { .. } => "read",
            Seen::Quarantined { .. } => {
                let _ = self.switch.send(true);
                "quarantined"
            }
        };
        self.seen.push((uid, word));
    }
}

/// An empty Maildir below `dir`, and what works on it.
fn home(dir: &Path) -> (Account, Shared) {
    home_with(dir, Ledger::in_memory().unwrap())
}

fn home_with(dir: &Path, ledger: Ledger) -> (Account, Shared) {
    for part in ["cur", "new", "tmp"] {
        fs::create_dir_all(dir.join("Maildir").join(part)).unwrap();
    }
    let rules = setup::rules(None).unwrap();
    let policy = rules.policy.clone();
    let shared = Shared::new(rules, setup::nobody_in_particular(), policy, ledger, clock::now);
    (account(&dir.join("Maildir")), shared)
}

fn deliver(dir: &Path, name: &str, mail: &str) {
    let name = format!("{}.{name}.example", clock::now().unix_s());
    fs::write(dir.join("Maildir/new").join(name), mail).unwrap();
}

#[tokio::test]
async fn a_mail_set_aside_does_not_carry_the_cursor_over_unread_ones() {
    let dir = tempfile::tempdir().unwrap();
    let (account, mut shared) = home(dir.path());
    shared.uids_dir = Some(dir.path().join("uids"));
    let mut port = Port::connect(&account, shared.uids(&account)).await.unwrap();
    let mut memory = Memory::default();
    let mut look = async |stopper: &mut Stopper, stop: &Stop| {
        ingest(&mut port, &account, &shared, &mut memory, stopper, stop).await.unwrap()
    };
    let (switch, stop) = Stop::new();
    let mut nothing = Stopper { switch, seen: Vec::new() };
    look(&mut nothing, &stop).await;
    assert_eq!(nothing.seen, []);

    // The header of the second is refused before the body of the first is fetched.
    deliver(dir.path(), "a", INVITATION);
    let two_from = INVITATION.replacen("From: ", "From: Somebody <else@example.net>\nFrom: ", 1);
    deliver(dir.path(), "b", &two_from);
    let (switch, stop) = Stop::new();
    let mut first = Stopper { switch, seen: Vec::new() };
    look(&mut first, &stop).await;
    let [(set_aside, "quarantined")] = first.seen[..] else { panic!("{:?}", first.seen) };

    // This observer's switch stops nobody.
    let (switch, _) = Stop::new();
    let mut second = Stopper { switch, seen: Vec::new() };
    let (_idle, never) = Stop::new();
    look(&mut second, &never).await;
    let read: Vec<_> = second.seen.iter().filter(|(_, word)| *word == "read").collect();
    assert_eq!(read.len(), 1, "the invitation is lost: {:?}", second.seen);
    assert!(read[0].0 < set_aside, "{:?}", second.seen);
    assert_eq!(shared.ledger().status().unwrap().accounts[0].quarantined.len(), 1, "listed once");
}

#[tokio::test]
async fn a_mailbox_without_uidvalidity_is_watched_all_the_same() {
    let dir = tempfile::tempdir().unwrap();
    // UIDs that nobody keeps have UIDVALIDITY 0, as those of servers that keep none.
    let (account, shared) = home(dir.path());
    let mut memory = Memory::default();
    let mut reads = Vec::new();
    for pass in 0..2 {
        if pass == 1 {
            deliver(dir.path(), "a", INVITATION);
        }
        let mut port = Port::connect(&account, shared.uids(&account)).await.unwrap();
        let (switch, _) = Stop::new();
        let mut observer = Stopper { switch, seen: Vec::new() };
        let (_idle, never) = Stop::new();
        ingest(&mut port, &account, &shared, &mut memory, &mut observer, &never).await.unwrap();
        reads.push(observer.seen.iter().filter(|(_, word)| *word == "read").count());
    }
    assert_eq!(reads, [0, 1]);
}

/// What is met again in every pass must not fill the ledger, nor keep retention
/// from erasing, nor turn a draft that was made into an invitation that was left.
#[tokio::test]
async fn a_mail_that_is_read_in_every_pass_is_written_down_once() {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("state");
    let (account, shared) = home_with(dir.path(), Ledger::open(&state).unwrap());
    let mut memory = Memory::default();
    for pass in 0..10 {
        if pass == 1 {
            deliver(dir.path(), "a", &demo("2026-02-member-no-note"));
            deliver(dir.path(), "b", &demo("2026-09-forged-invitation"));
        }
        let mut port = Port::connect(&account, shared.uids(&account)).await.unwrap();
        let (_idle, never) = Stop::new();
        ingest(&mut port, &account, &shared, &mut memory, &mut Unwatched, &never).await.unwrap();
    }
    let status = shared.ledger().status().unwrap().accounts.remove(0);
    assert_eq!(status.decisions, [(Decision::Draft, 1), (Decision::Leave, 1)]);
    let ledger = rusqlite::Connection::open(Ledger::file(&state)).unwrap();
    let plans: u32 = ledger.query_row("SELECT count(*) FROM plan", [], |row| row.get(0)).unwrap();
    assert_eq!(plans, 2);
}

/// The first pass may take minutes before it looks for new mail: it reads Sent and Drafts first.
#[tokio::test]
async fn what_arrives_during_the_first_pass_is_new_mail() {
    let dir = tempfile::tempdir().unwrap();
    let (account, mut shared) = home(dir.path());
    shared.uids_dir = Some(dir.path().join("uids"));
    deliver(dir.path(), "old", INVITATION);
    shared.ledger().start_account(&account.name, clock::now()).unwrap();
    let mut port = Port::connect(&account, shared.uids(&account)).await.unwrap();
    anchor(&mut port, &account, &shared).await.unwrap();
    deliver(dir.path(), "new", INVITATION);
    let (switch, stop) = Stop::new();
    let mut seen = Stopper { switch, seen: Vec::new() };
    ingest(&mut port, &account, &shared, &mut Memory::default(), &mut seen, &stop).await.unwrap();
    assert_eq!(seen.seen, [(2, "read")]);
}
