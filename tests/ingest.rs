//! Tests of the look into a mailbox: no mail is lost, whatever cuts the look short.

use std::fs;
use std::path::Path;
use std::time::Duration;

use notyet::app::ingest::{Observer, Seen, Uid, ingest};
use notyet::app::port::Port;
use notyet::app::setup;
use notyet::app::shared::{Memory, Shared, Stop, StopSwitch};
use notyet::config::{Account, MailboxKind, Maildir, SentCopy};
use notyet::shell::clock;
use notyet::shell::store::Ledger;

const INVITATION: &str = include_str!("mail/demo/2026-02-member-no-note.eml");

fn account(path: &Path) -> Account {
    Account {
        name: "home".to_owned(),
        kind: MailboxKind::Maildir(Maildir { path: path.to_owned() }),
        mailboxes: vec!["INBOX".to_owned()],
        drafts: None,
        sent: None,
        sent_copy: SentCopy::File,
        authserv_id: Some("mx.example.org".to_owned()),
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

#[tokio::test]
async fn a_mail_set_aside_does_not_carry_the_cursor_over_unread_ones() {
    let dir = tempfile::tempdir().unwrap();
    for part in ["cur", "new", "tmp"] {
        fs::create_dir_all(dir.path().join(part)).unwrap();
    }
    let account = account(dir.path());
    let rules = setup::rules(None).unwrap();
    let policy = rules.policy.clone();
    let ledger = Ledger::in_memory().unwrap();
    let shared = Shared::new(rules, setup::nobody_in_particular(), policy, ledger, clock::now);
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
    fs::write(dir.path().join("new/1700000001.a.example"), INVITATION).unwrap();
    let two_from = INVITATION.replacen("From: ", "From: Somebody <else@example.net>\nFrom: ", 1);
    fs::write(dir.path().join("new/1700000002.b.example"), two_from).unwrap();
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
