//! What only Courier does: it keeps no UIDs for those who EXAMINE, tells no
//! UIDNEXT in SELECT, and looks for new mail once a minute during IDLE.

use notyet::shell::clock;
use serde_json::json;

use crate::support::client::Client;
use crate::support::courier::{Courier, Telling};
use crate::support::home::{Home, until};
use crate::support::mails::to_paste;

/// Starts the server or leaves the test, which was said loudly.
macro_rules! courier {
    () => {
        courier!(Telling::AtOnce)
    };
    ($telling:expr) => {
        match Courier::start($telling) {
            Some(server) => server,
            None => return,
        }
    };
}

/// A home on `server` that has had its first run.
fn watched(server: &Courier, policy: &str) -> Home {
    let home = Home::new();
    home.configure(policy, &[home.on_port("work", server.port, "")]);
    home.once().well();
    home
}

/// Waits for the next second: Courier makes its UIDVALIDITY from the clock.
fn a_second_passes() {
    let begun = clock::now();
    until("the next second", || (clock::now() > begun).then_some(()));
}

/// Nobody has ever opened it with SELECT: each EXAMINE gets another UIDVALIDITY.
#[test]
fn a_mailbox_that_nobody_opened_yet_is_not_read_anew_each_time() {
    let server = courier!();
    let mail = server.storage();
    mail.deliver("", &to_paste(1));
    let home = watched(&server, "");
    let validity = || home.status("work")["mailboxes"][0]["uid_validity"].clone();
    let first = validity();
    for _ in 0..2 {
        a_second_passes();
        let ran = home.once().well();
        assert!(!ran.err.contains("looked into the mailbox"), "{}", ran.err);
        assert_eq!(validity(), first);
    }
    mail.deliver("", &to_paste(2));
    home.once().well();
    assert_eq!(mail.files(".Drafts").len(), 1);
}

/// It numbers by file name. To those who EXAMINE, UID 2 is another mail after the second delivery,
/// under the same UIDVALIDITY.
#[test]
fn a_mail_whose_name_sorts_before_one_already_seen_is_drafted_too() {
    let server = courier!();
    let mail = server.storage();
    let home = watched(&server, "");
    // Its owner has opened it: UIDVALIDITY stays.
    Client::login(server.port).well("SELECT INBOX");
    home.once().well();
    mail.deliver_as("1800000002.M0P1.late", &to_paste(1));
    home.once().well();
    mail.deliver_as("1800000001.M0P1.early", &to_paste(2));
    home.once().well();
    assert_eq!(mail.files(".Drafts").len(), 2, "{}", home.status("work"));
}

#[test]
fn the_newest_mail_gone_is_no_reason_to_search_anew() {
    let server = courier!();
    let mail = server.storage();
    let after = "[[after]]\ndecision = \"draft\"\nmove = \"INBOX.Invitations\"\ncreate = true\n";
    let home = watched(&server, after);
    mail.deliver("", &to_paste(1));
    home.once().well();
    assert_eq!((mail.files("").len(), mail.files(".Invitations").len()), (0, 1));
    let ran = home.once().well();
    assert!(!ran.err.contains("counts UIDs from further back"), "{}", ran.err);
    mail.deliver("", &to_paste(2));
    home.once().well();
    assert_eq!(home.status("work")["letters"], json!({ "drafted": 2 }));
}

#[test]
fn with_an_idle_that_tells_nothing_the_poll_brings_the_draft() {
    let server = courier!(Telling::EachMinute);
    let mail = server.storage();
    let home = Home::new();
    home.configure("", &[home.on_port("work", server.port, "").replace("\"5m\"", "\"1s\"")]);
    home.once().well();
    let daemon = home.daemon();
    for number in 1..=2 {
        daemon.says("connected", 1);
        mail.deliver("", &to_paste(number));
        until("the draft", || (mail.files(".Drafts").len() == number as usize).then_some(()));
    }
    assert_eq!(daemon.stop(), Some(0));
}

/// The daemon opens mailboxes with SELECT here; who only looks must not.
#[test]
fn preview_and_doctor_write_nothing() {
    let server = courier!();
    server.storage().deliver("", &to_paste(1));
    let home = Home::new();
    home.configure("", &[home.on_port("work", server.port, "")]);
    let shown = home.notyet(&["preview", "--since", "1d", "--json"]).well();
    assert!(shown.out.contains("\"draft\""), "{}", shown.out);
    home.notyet(&["doctor"]);
    let numbers = server.maildir().join("courierimapuiddb");
    assert!(!numbers.exists());
    home.once().well();
    assert!(numbers.exists(), "this is what would show it");
}
