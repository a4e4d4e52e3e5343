//! notyet on a real Courier IMAP: no MOVE, no SPECIAL-USE, no UIDNEXT in SELECT,
//! all folders below INBOX, nothing heard of what is sent behind LOGIN.

use std::fs;

use serde_json::json;

use crate::support::courier::Courier;
use crate::support::home::{Home, until};
use crate::support::mails::{demo, to_paste};

/// Starts the server or leaves the test, which was said loudly.
macro_rules! courier {
    () => {
        match Courier::start() {
            Some(server) => server,
            None => return,
        }
    };
}

/// A home on `server` that has had its first run.
fn watched(server: &Courier, policy: &str, keys: &str) -> Home {
    let home = Home::new();
    home.configure(policy, &[home.on_port("work", server.port, keys)]);
    home.once().well();
    home
}

#[test]
fn the_first_run_writes_nothing_and_a_new_invitation_becomes_one_draft() {
    let server = courier!();
    let mail = server.storage();
    mail.deliver("", &to_paste(1));
    let home = watched(&server, "", "");
    assert_eq!(mail.files(".Drafts"), [""; 0]);
    mail.deliver("", &to_paste(2));
    mail.deliver("", &demo("2026-11-friend"));
    for _ in 0..2 {
        home.once().well();
        let drafts = mail.files(".Drafts");
        assert!(drafts.len() == 1 && drafts[0].ends_with(":2,DS"), "{drafts:?}");
    }
    let inbox = mail.files("");
    assert!(inbox.len() == 3 && inbox.iter().all(|file| !file.contains('S')), "{inbox:?}");
}

/// Another program has marked a mail of the same mailbox for deletion: it must outlive our move.
#[test]
fn what_is_dealt_with_is_copied_and_nothing_but_it_is_expunged() {
    let server = courier!();
    let mail = server.storage();
    let after = "[[after]]\ndecision = \"draft\"\nseen = true\nmove = \"INBOX.Invitations\"\ncreate = true\n";
    let home = watched(&server, after, "");
    mail.deliver("", &demo("2026-11-friend"));
    let friend = mail.paths("").remove(0);
    fs::rename(friend, server.maildir().join("cur/1700000001.M0P1.friend:2,ST")).unwrap();
    mail.deliver("", &to_paste(1));
    for _ in 0..2 {
        home.once().well();
    }
    let moved = mail.files(".Invitations");
    assert!(moved.len() == 1 && moved[0].ends_with(":2,S"), "{moved:?}");
    assert_eq!(mail.files(""), ["cur/1700000001.M0P1.friend:2,ST"]);
    assert_eq!(mail.files(".Drafts").len(), 1);
    assert_eq!(home.status("work")["untouched"], json!([]));
}

#[test]
fn a_lost_ledger_finds_the_draft_again() {
    let server = courier!();
    let mail = server.storage();
    let home = watched(&server, "", "since = \"1d\"");
    mail.deliver("", &to_paste(1));
    home.once().well();
    assert_eq!(mail.files(".Drafts").len(), 1);
    fs::remove_dir_all(home.state()).unwrap();
    home.once().well();
    assert_eq!(mail.files(".Drafts").len(), 1);
    let status = home.status("work");
    assert_eq!(status["letters"], json!({ "drafted": 1 }), "{status}");
    assert_eq!(status["found_again"]["in_drafts"], 1, "{status}");
}

/// Courier ends a session without BYE.
#[test]
fn polling_brings_a_draft_and_does_so_again_after_the_server_was_started_anew() {
    let mut server = courier!();
    let mail = server.storage();
    let home = Home::new();
    let account = home.on_port("work", server.port, "").replace("\"5m\"", "\"1s\"") + "idle = false\n";
    home.configure("", &[account]);
    home.once().well();
    let daemon = home.daemon();
    daemon.says("connected", 1);
    mail.deliver("", &to_paste(1));
    until("the first draft", || (mail.files(".Drafts").len() == 1).then_some(()));
    server.restart();
    daemon.says("connected", 2);
    mail.deliver("", &to_paste(2));
    until("the second draft", || (mail.files(".Drafts").len() == 2).then_some(()));
    assert_eq!(daemon.stop(), Some(0));
}
