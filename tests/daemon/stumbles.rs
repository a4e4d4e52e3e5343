//! A mail that the server never hands out: whatever part of it breaks the line,
//! and whoever asks, it is set aside after some tries, and the mail behind it is read.

use notyet::config::Tls;
use notyet::shell::store::Ledger;
use serde_json::Value;

use crate::support::dovecot::Dovecot;
use crate::support::home::Home;
use crate::support::mails::{header, to_paste, with_reply_to};
use crate::support::smtp_peer::{Peer, Script};
use crate::support::tap::Tap;

const POISON: &str = "zq-breaks-the-line-qz";
/// No part of a mail is tried more often than this.
const MOST_TRIES: usize = 4;

/// A home with one account on `server`, where the line breaks at the poison.
fn poisoned(server: &Dovecot, policy: &str, smtp: &str) -> Home {
    let tap = Tap::that_breaks_at(server.imap_port, POISON);
    let home = Home::new();
    home.believe_reply_to();
    home.configure(policy, &[home.on_port("work", tap.port, "") + smtp]);
    home
}

/// Passes, each a process of its own as from cron, until one goes well; tells how many did not.
fn passes_that_failed(home: &Home) -> usize {
    (0..=2 * MOST_TRIES)
        .find(|_| {
            let ran = home.once();
            assert!(matches!(ran.code, Some(0 | 75)), "{}", ran.err);
            ran.code == Some(0)
        })
        .expect("one bad mail holds the account up for ever")
}

fn unreadable(home: &Home) -> Vec<(String, u64)> {
    let status = home.status("work");
    let listed = status["unreadable"].as_array().expect("a list");
    let word = |mail: &Value| mail["mailbox"].as_str().expect("a mailbox").to_owned();
    listed.iter().map(|mail| (word(mail), mail["uid"].as_u64().expect("a UID"))).collect()
}

#[test]
fn a_body_is_set_aside_by_passes_that_are_processes_of_their_own() {
    let server = dovecot!();
    let home = poisoned(&server, "", "");
    home.once().well();
    server.deliver(&to_paste(1));
    server.deliver(&(to_paste(2) + "\n" + POISON + "\n"));
    server.deliver(&to_paste(3));
    assert_eq!(passes_that_failed(&home), 3);
    assert_eq!(unreadable(&home), [("INBOX".to_owned(), 2)]);
    assert_eq!(server.files(".Drafts").len(), 2, "its neighbours are read");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_on_a_delivery_holds_no_invitation_up() {
    let server = dovecot!();
    let peer = Peer::standing(Script::new(Tls::Implicit)).await;
    let home = poisoned(&server, "generic = \"send\"\n", &peer.table("work"));
    home.once().well();
    server.deliver(&with_reply_to(1, "jane@example.com"));
    home.once().well();
    let sent = String::from_utf8(peer.seen().bodies[0].clone()).unwrap();
    let id = header(&sent, "Message-ID").unwrap();
    let report = |rest: &str| {
        format!(
            "From: <mailer-daemon@mx.example.org>\r\nTo: robin@example.org\r\nSubject: Undelivered\r\n\
             Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n\
             --b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.org\r\n\r\n\
             Final-Recipient: rfc822; jane@example.com\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n\
             --b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: {id}\r\n{rest}\r\n--b--\r\n"
        )
    };
    server.deliver(&report(POISON));
    server.deliver(&report(""));
    server.deliver(&to_paste(2));
    assert_eq!(passes_that_failed(&home), 3);
    assert_eq!(server.files(".Drafts").len(), 1);
    assert_eq!(home.status("work")["answers"][0]["kind"], "bounced", "the report behind it is read");
}

#[test]
fn a_header_is_set_aside_and_the_mail_before_and_behind_it_is_read() {
    let server = dovecot!();
    let home = poisoned(&server, "", "");
    home.once().well();
    let bad = |number: u32| to_paste(number).replacen("\nSubject:", &format!("\nSubject: {POISON}"), 1);
    for mail in [to_paste(1), bad(2), bad(3), to_paste(4)] {
        server.deliver(&mail);
    }
    assert!(passes_that_failed(&home) <= 2 * MOST_TRIES);
    assert_eq!(unreadable(&home), [("INBOX".to_owned(), 2), ("INBOX".to_owned(), 3)]);
    assert_eq!(server.files(".Drafts").len(), 2);
}

/// Nobody is declined before Sent is read, so a mail there would hold up all accounts.
#[test]
fn a_mail_in_sent_is_set_aside_and_the_people_behind_it_are_learned() {
    let server = dovecot!();
    let home = poisoned(&server, "", "");
    server.storage().make(".Posted");
    let written = |name: &str, to: &str| {
        format!("From: {name} <robin@example.org>\r\nTo: {to}\r\nSubject: Saturday\r\n\r\nSee you.\r\n")
    };
    server.put(".Posted", &written("Robin", "Ann Lee <ann@example.com>"));
    server.put(".Posted", &written(POISON, "Cy Orr <cy@example.com>"));
    server.put(".Posted", &written("Robin", "Bo Ray <bo@example.com>"));
    assert_eq!(passes_that_failed(&home), MOST_TRIES);
    assert_eq!(unreadable(&home), [("Posted".to_owned(), 2)]);
    for name in ["Ann Lee", "Bo Ray"] {
        assert!(home.notyet(&["known", name]).well().out.starts_with("known"), "{name}");
    }
}

/// Neither one that nobody reaches nor one that hangs up before a mail was asked for.
#[test]
fn a_server_that_is_not_there_counts_against_no_mail() {
    let server = dovecot!();
    let home = Home::new();
    let there = home.on_port("work", server.imap_port, "");
    home.configure("", std::slice::from_ref(&there));
    home.once().well();
    server.deliver(&to_paste(1));
    let hangs_up = Tap::that_breaks_at(server.imap_port, "UIDNEXT");
    for port in [1, hangs_up.port] {
        home.configure("", &[home.on_port("work", port, "")]);
        for _ in 0..=MOST_TRIES {
            assert_eq!(home.once().code, Some(75));
        }
    }
    home.configure("", &[there]);
    home.once().well();
    assert_eq!((server.files(".Drafts").len(), unreadable(&home)), (1, Vec::new()));
}

/// Nor one whose disk, and not whose line, is in trouble for a while.
#[test]
fn a_server_that_hands_out_nothing_counts_against_no_mail() {
    for part in ["BODY[]", "BODY[HEADER"] {
        let server = dovecot!();
        let home = Home::new();
        let there = home.on_port("work", server.imap_port, "");
        home.configure("", std::slice::from_ref(&there));
        home.once().well();
        server.deliver(&to_paste(1));
        server.deliver(&to_paste(2));
        let in_trouble = Tap::that_breaks_at(server.imap_port, part);
        home.configure("", &[home.on_port("work", in_trouble.port, "")]);
        for _ in 0..3 * MOST_TRIES {
            assert_eq!(home.once().code, Some(75));
        }
        home.configure("", &[there]);
        home.once().well();
        assert_eq!((server.files(".Drafts").len(), unreadable(&home)), (2, Vec::new()), "{part}");
    }
}

/// Turns the clock of what is kept of mail that failed.
fn hours_pass(home: &Home, hours: u32) {
    let ledger = rusqlite::Connection::open(Ledger::file(&home.state())).unwrap();
    let s = hours * 3600;
    ledger
        .execute_batch(&format!(
            "UPDATE stumble SET since = since - {s};
             UPDATE quarantine SET since = since - {s}, tried_at = tried_at - {s};"
        ))
        .unwrap();
}

#[test]
fn the_only_mail_there_is_is_blamed_after_hours() {
    let server = dovecot!();
    let home = poisoned(&server, "", "");
    home.once().well();
    server.deliver(&(to_paste(1) + "\n" + POISON + "\n"));
    for _ in 0..2 * MOST_TRIES {
        assert_eq!(home.once().code, Some(75));
    }
    hours_pass(&home, 7);
    home.once().well();
    assert_eq!(unreadable(&home), [("INBOX".to_owned(), 1)]);
}

#[test]
fn what_was_set_aside_is_asked_for_again_each_day_for_a_week() {
    let bad_body = to_paste(1) + "\n" + POISON + "\n";
    let bad_header = to_paste(1).replacen("\nSubject:", &format!("\nSubject: {POISON}"), 1);
    for bad in [bad_body, bad_header] {
        let server = dovecot!();
        let home = poisoned(&server, "", "");
        home.once().well();
        server.deliver(&bad);
        server.deliver(&to_paste(2));
        passes_that_failed(&home);
        assert_eq!((server.files(".Drafts").len(), unreadable(&home).len()), (1, 1));
        for _ in 0..2 {
            hours_pass(&home, 25);
            assert_eq!(home.once().code, Some(75), "the line breaks at it");
            home.once().well();
        }
        home.configure("", &[home.on_port("work", server.imap_port, "")]);
        home.once().well();
        assert_eq!((server.files(".Drafts").len(), unreadable(&home).len()), (1, 1), "once a day");
        hours_pass(&home, 25);
        home.once().well();
        assert_eq!((server.files(".Drafts").len(), unreadable(&home)), (2, Vec::new()));
    }
}

#[test]
fn after_a_week_it_is_let_be() {
    let server = dovecot!();
    let home = poisoned(&server, "", "");
    home.once().well();
    server.deliver(&(to_paste(1) + "\n" + POISON + "\n"));
    server.deliver(&to_paste(2));
    passes_that_failed(&home);
    hours_pass(&home, 9 * 24);
    home.once().well();
    assert_eq!(unreadable(&home).len(), 1);
}

/// A file that opens and then refuses to be read, for root too.
fn lock_away(home: &Home, file: &str) {
    let file = home.maildir("work").join(file);
    if file.exists() {
        std::fs::rename(&file, home.path().join("locked-away")).unwrap();
    }
    std::os::unix::fs::symlink("/proc/self/mem", file).unwrap();
}

fn unlock(home: &Home, file: &str) {
    let file = home.maildir("work").join(file);
    std::fs::remove_file(&file).unwrap();
    std::fs::rename(home.path().join("locked-away"), file).unwrap();
}

#[test]
fn a_file_that_cannot_be_read_is_asked_for_again_each_day() {
    for since in ["", "since = \"90d\""] {
        let home = Home::new();
        home.configure("", &[home.on_maildir("work", since)]);
        if since.is_empty() {
            home.once().well();
        }
        home.deliver("work", "1.a.b", &to_paste(1));
        home.deliver("work", "2.a.b", &to_paste(2));
        lock_away(&home, "new/1.a.b");
        home.once().well();
        assert_eq!(home.drafts("work").len(), 1, "{since}");
        let listed = unreadable(&home);
        assert_eq!(listed.len(), 1, "{since}");
        hours_pass(&home, 25);
        home.once().well();
        assert_eq!((home.drafts("work").len(), unreadable(&home)), (1, listed), "{since}");
        unlock(&home, "new/1.a.b");
        home.once().well();
        assert_eq!(home.drafts("work").len(), 1, "{since}: once a day");
        hours_pass(&home, 25);
        home.once().well();
        assert_eq!((home.drafts("work").len(), unreadable(&home)), (2, Vec::new()), "{since}");
    }
}

#[test]
fn a_file_in_sent_that_cannot_be_read_is_listed_as_what_it_is() {
    let home = Home::new();
    home.configure("", &[home.on_maildir("work", "")]);
    home.once().well();
    for part in ["cur", "new", "tmp"] {
        std::fs::create_dir_all(home.maildir("work").join(".Sent").join(part)).unwrap();
    }
    lock_away(&home, ".Sent/cur/1.a.b:2,S");
    home.deliver("work", "1.a.b", &to_paste(1));
    home.once().well();
    assert_eq!(unreadable(&home), [("Sent".to_owned(), 1)]);
    assert_eq!(home.drafts("work").len(), 1);
}
