//! The state folder is lost: what Drafts and Sent show of our letters is
//! learned again before anything new is done.

use std::fs;

use notyet::config::Tls;

use super::watched;
use crate::support::dovecot::Dovecot;
use crate::support::home::Home;
use crate::support::mails::{header, sample, to_paste, unfolded, with_reply_to};
use crate::support::smtp_peer::{Peer, Script};

const PAST: &str = "since = \"1d\"";

/// The mail as a reminder shows it that tells no more than who invites.
pub(crate) fn with_the_profile_only(mail: &str) -> String {
    let reminder = mail
        .lines()
        .map(|line| match line.find("invitationId") {
            Some(at) => {
                line[..at].to_owned() + &line[at..].replace("invitationId", "x").replace("sharedKey", "y")
            }
            None => line.replace("sharedKey", "y"),
        })
        .collect::<Vec<_>>()
        .join("\n");
    reminder.replace("643644363", "743644363").replace("529547284", "629547284")
}

/// The draft as a mail program leaves it that keeps no fields of others and gives an id of its own.
fn rewritten_by_the_owner(draft: &str) -> String {
    let draft = draft.replace("\r\n", "\n");
    let (head, body) = draft.split_once("\n\n").expect("head and body");
    let unfolded = head.replace("\n ", " ");
    let kept: Vec<&str> = unfolded.lines().filter(|line| !line.starts_with("X-")).collect();
    let head = kept.join("\n").replace("<notyet.", "<0a1b2c.");
    assert!(!head.to_lowercase().contains("notyet"), "{head}");
    format!("{head}\n\nMy own words.\n{body}")
}

fn lose(home: &Home) {
    fs::remove_dir_all(home.state()).expect("the state folder");
}

fn drafted_one(server: &Dovecot, mail: &str) -> Home {
    let home = watched(server, "", PAST, "");
    server.deliver(mail);
    home.once().well();
    assert_eq!(server.files(".Drafts").len(), 1);
    home
}

#[test]
fn a_reminder_with_other_fields_draws_no_second_draft() {
    let server = dovecot!();
    let first = to_paste(1);
    let home = drafted_one(&server, &first);
    lose(&home);
    server.clear("");
    let reminder = with_the_profile_only(&first);
    assert_ne!(reminder, first);
    server.deliver(&reminder);
    let ran = home.once().well();
    assert_eq!(server.files(".Drafts").len(), 1, "{}", ran.err);
    let status = home.status("work");
    assert_eq!(status["letters"], serde_json::json!({ "drafted": 1 }), "{status}");
    assert_eq!(status["found_again"]["in_drafts"], 1, "{status}");
    assert!(ran.err.contains("found again"), "{}", ran.err);
    // It is said once, and the folders are not read again.
    assert!(!home.once().well().err.contains("found again"));
}

#[test]
fn what_the_owner_edited_and_sent_is_not_written_again() {
    let server = dovecot!();
    let first = with_reply_to(1, "jane@example.org");
    let home = drafted_one(&server, &first);
    let mut sent = server.messages(".Drafts").remove(0);
    sent.push_str("\r\nand my own regards\r\n");
    server.put(".Posted", &sent);
    server.clear(".Drafts");
    lose(&home);
    server.deliver(&with_the_profile_only(&first));
    home.once().well();
    assert_eq!(server.files(".Drafts"), [""; 0]);
    let status = home.status("work");
    assert_eq!(status["letters"], serde_json::json!({ "taken-over": 1 }), "{status}");
    assert_eq!(status["found_again"]["in_sent"], 1, "{status}");
}

#[test]
fn a_draft_that_lost_our_fields_is_known_by_what_it_replies_to() {
    for folder in [".Drafts", ".Posted"] {
        let server = dovecot!();
        let home = drafted_one(&server, &to_paste(1));
        let edited = rewritten_by_the_owner(&server.messages(".Drafts")[0]);
        server.clear(".Drafts");
        server.put(folder, &edited);
        lose(&home);
        home.once().well();
        assert_eq!(server.files(".Drafts").len(), usize::from(folder == ".Drafts"), "{folder}");
        let status = home.status("work");
        assert_eq!(status["letters"], serde_json::json!({ "taken-over": 1 }), "{folder}: {status}");
    }
}

#[test]
fn each_person_of_a_digest_has_an_answer_of_their_own() {
    let server = dovecot!();
    let home = watched(&server, "", PAST, "");
    let digest = sample("golden/2021-03-digest-of-three.eml");
    server.deliver(&digest);
    home.once().well();
    let drafts = server.messages(".Drafts");
    let parents: Vec<_> = drafts.iter().map(|draft| header(draft, "In-Reply-To")).collect();
    assert!(drafts.len() > 1 && parents.iter().all(|parent| *parent == parents[0]), "{parents:?}");
    lose(&home);
    home.once().well();
    assert_eq!(server.files(".Drafts").len(), drafts.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_sent_is_not_sent_again_to_a_reminder_with_other_fields() {
    let server = dovecot!();
    let peer = Peer::standing(Script::new(Tls::Implicit)).await;
    let home = watched(&server, "generic = \"send\"", PAST, &peer.table("work"));
    let first = unfolded(&with_reply_to(1, "jane@example.org"));
    server.deliver(&first);
    home.once().well();
    assert_eq!((peer.seen().bodies.len(), server.files(".Posted").len()), (1, 1));
    lose(&home);
    server.clear("");
    server.deliver(&with_the_profile_only(&first));
    home.once().well();
    assert_eq!((peer.seen().bodies.len(), server.files(".Posted").len()), (1, 1));
    assert_eq!(server.files(".Drafts"), [""; 0]);
    assert_eq!(home.status("work")["letters"], serde_json::json!({ "sent": 1 }));
}

#[test]
fn letters_found_again_count_for_the_limits() {
    let server = dovecot!();
    let home = drafted_one(&server, &to_paste(1));
    let text = fs::read_to_string(home.config()).expect("config");
    home.put("notyet.toml", &text.replace("max_per_hour = 1000", "max_per_hour = 1"));
    lose(&home);
    server.clear("");
    server.deliver(&to_paste(2));
    home.once().well();
    let letters = home.status("work")["letters"].clone();
    assert_eq!(letters, serde_json::json!({ "drafted": 1, "held": 1 }));
}

#[test]
fn letters_in_a_maildir_are_found_again_too() {
    let home = Home::new();
    home.configure("", &[home.on_maildir("work", PAST)]);
    home.once().well();
    let first = to_paste(1);
    home.deliver("work", "1.a.b", &first);
    home.once().well();
    assert_eq!(home.drafts("work").len(), 1);
    lose(&home);
    home.deliver("work", "2.a.b", &with_the_profile_only(&first));
    home.once().well();
    assert_eq!(home.drafts("work").len(), 1);
    assert_eq!(home.status("work")["found_again"]["in_drafts"], 1);
}

/// Nothing can know it: neither the ledger nor a folder tells of that letter any more.
#[test]
fn a_draft_that_was_deleted_before_the_loss_is_written_again() {
    let server = dovecot!();
    let home = drafted_one(&server, &to_paste(1));
    server.clear(".Drafts");
    lose(&home);
    home.once().well();
    assert_eq!(server.files(".Drafts").len(), 1);
}

/// The same where letters are sent: what the owner decided is not overruled by a letter.
#[tokio::test(flavor = "multi_thread")]
async fn what_arrived_before_a_new_ledger_began_is_never_sent() {
    let server = dovecot!();
    let peer = Peer::standing(Script::new(Tls::Implicit)).await;
    let home = watched(&server, "", PAST, &peer.table("work"));
    home.believe_reply_to();
    let account = || home.on_dovecot("work", &server, PAST, &peer.table("work"));
    home.configure("generic = \"draft\"", &[account()]);
    server.deliver(&with_reply_to(1, "jane@example.org"));
    home.once().well();
    server.clear(".Drafts");
    home.configure("generic = \"send\"", &[account()]);
    lose(&home);
    home.once().well();
    server.deliver(&with_reply_to(2, "joe@example.org"));
    home.once().well();
    assert_eq!(home.status("work")["letters"], serde_json::json!({ "drafted": 1, "sent": 1 }));
    assert_eq!(peer.seen().bodies.len(), 1);
}

/// The state folder is lost, and the account that had answered cannot be read.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_before_every_account_was_looked_through() {
    let server = dovecot!();
    let peer = Peer::standing(Script::new(Tls::Implicit)).await;
    let home = Home::new();
    home.believe_reply_to();
    let mine = home.on_maildir("work", PAST) + &peer.table("work");
    let other = home.on_dovecot("other", &server, PAST, &peer.table("other"));
    let away = home.on_port("other", 1, PAST);
    let configure = |other: &str| home.configure("generic = \"send\"", &[mine.clone(), other.to_owned()]);
    configure(&other);
    home.once().well();
    let first = unfolded(&with_reply_to(1, "jane@example.org"));
    server.deliver(&first);
    home.once().well();
    assert_eq!(peer.seen().bodies.len(), 1);

    lose(&home);
    server.clear("");
    configure(&away);
    assert_eq!(home.once().code, Some(75), "the new ledger begins");
    home.deliver("work", "1.a.b", &with_the_profile_only(&first));
    home.deliver("work", "2.a.b", &with_reply_to(2, "joe@example.org"));
    const TOLD: &str = "letters are sent once every account was read";
    for _ in 0..2 {
        assert_eq!(home.once().err.matches(TOLD).count(), 1, "said once a run");
    }
    assert_eq!(peer.seen().bodies.len(), 1);
    assert_eq!(home.status("work")["letters"], serde_json::json!({ "queued": 2 }));
    let status = home.notyet(&["status"]).well().out;
    assert!(status.contains("SENDING WAITS") && status.contains("wrote to: other"), "{status}");
    let queue = home.notyet(&["queue"]).well().out;
    assert!(queue.contains(" Why: ") && !queue.contains(" Last: "), "nothing came back: {queue}");

    configure(&other);
    for _ in 0..2 {
        assert!(!home.once().well().err.contains(TOLD));
    }
    let letters = home.status("work")["letters"].clone();
    assert_eq!(letters, serde_json::json!({ "parked": 1, "sent": 1 }), "she had her letter, he had none");
    assert_eq!(peer.seen().bodies.len(), 2);
    assert!(!home.notyet(&["status"]).well().out.contains("SENDING WAITS"));
}

/// A copy of the ledger from the morning is put back: the other account has answered since.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_by_an_older_copy_before_every_account_was_looked_through() {
    let server = dovecot!();
    let peer = Peer::standing(Script::new(Tls::Implicit)).await;
    let home = Home::new();
    home.believe_reply_to();
    let mine = home.on_maildir("work", "") + &peer.table("work");
    let other = home.on_dovecot("other", &server, "", &peer.table("other"));
    let configure = |other: &str| home.configure("generic = \"send\"", &[mine.clone(), other.to_owned()]);
    configure(&other);
    home.once().well();
    let (file, copy) = (home.state().join("ledger.sqlite3"), home.path().join("copy"));
    let ledger = rusqlite::Connection::open(&file).unwrap();
    let hours_ago = "UPDATE brake SET seen_at = seen_at - 7 * 3600; PRAGMA wal_checkpoint(TRUNCATE)";
    ledger.execute_batch(hours_ago).unwrap();
    drop(ledger);
    fs::copy(&file, &copy).unwrap();
    let first = unfolded(&with_reply_to(1, "jane@example.org"));
    server.deliver(&first);
    home.once().well();
    assert_eq!(peer.seen().bodies.len(), 1);

    for old in ["ledger.sqlite3-wal", "ledger.sqlite3-shm"] {
        let _ = fs::remove_file(home.state().join(old));
    }
    fs::copy(&copy, &file).unwrap();
    server.clear("");
    home.deliver("work", "1.a.b", &with_the_profile_only(&first));
    home.deliver("work", "2.a.b", &with_reply_to(2, "joe@example.org"));
    configure(&home.on_port("other", 1, ""));
    for _ in 0..2 {
        home.once();
    }
    assert_eq!(peer.seen().bodies.len(), 1, "the other account may have answered since");
    assert!(home.notyet(&["status"]).well().out.contains("SENDING WAITS"));

    configure(&other);
    home.once().well();
    let letters = home.status("work")["letters"].clone();
    assert_eq!(letters, serde_json::json!({ "parked": 1, "sent": 1 }), "she had her letter, he had none");
    assert_eq!(peer.seen().bodies.len(), 2);
    assert_eq!(home.status("other")["letters"], serde_json::json!({ "sent": 1 }));
}

/// A ledger that was put back from a copy of this hour finds the draft by looking, and says that.
#[test]
fn a_draft_that_stood_there_is_not_told_of_as_written() {
    let server = dovecot!();
    let home = watched(&server, "", PAST, "");
    let (file, copy) = (home.state().join("ledger.sqlite3"), home.path().join("copy"));
    fs::copy(&file, &copy).unwrap();
    server.deliver(&to_paste(1));
    assert!(home.once().well().err.contains("a draft was written"));
    fs::copy(&copy, &file).unwrap();
    let log = home.once().well().err;
    assert!(log.contains("a draft was found in Drafts") && !log.contains("a draft was written"), "{log}");
    assert_eq!(server.files(".Drafts").len(), 1);
}
