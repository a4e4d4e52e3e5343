//! What is done with a notification that is dealt with, and how it is taken back.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use notyet::app::account;
use notyet::app::setup;
use notyet::app::shared::{Shared, Step, Stop};
use notyet::config::{MailboxKind, Tls};
use notyet::domain::Timestamp;
use notyet::shell::clock;
use notyet::shell::store::Ledger;
use serde_json::{Value, json};

use super::crash::pass;
use super::lost::with_the_profile_only;
use crate::support::dovecot::Dovecot;
use crate::support::fault::{At as Heard, Fault, FaultyLine};
use crate::support::home::{Home, messages, until};
use crate::support::mails::{demo, header, to_paste, unfolded, with_reply_to};
use crate::support::smtp_peer::{Act, At, Peer, Script};

const MOVED: &str = "[[after]]\ndecision = \"draft\"\nseen = true\nmove = \"Invitations\"\ncreate = true\n";
/// What Dovecot offers, less MOVE.
const WITHOUT_MOVE: &str =
    "imap_capability = IMAP4rev1 SASL-IR LITERAL+ IDLE NAMESPACE UIDPLUS SPECIAL-USE LIST-EXTENDED\n";
/// Less UIDPLUS as well.
const WITHOUT_BOTH: &str =
    "imap_capability = IMAP4rev1 SASL-IR LITERAL+ IDLE NAMESPACE SPECIAL-USE LIST-EXTENDED\n";

/// A home on `server` with these wishes that has had its first run.
fn wishing(server: &Dovecot, after: &str) -> Home {
    let home = Home::new();
    home.configure(after, &[home.on_dovecot("work", server, "", "")]);
    home.once().well();
    home
}

fn wishing_on_maildir(after: &str) -> Home {
    let home = Home::new();
    home.configure(after, &[home.on_maildir("work", "")]);
    home.once().well();
    home
}

/// The flags of each file of a Maildir folder.
fn flags(folder: &Path) -> Vec<String> {
    let mut found: Vec<String> = ["cur", "new"]
        .iter()
        .flat_map(|part| fs::read_dir(folder.join(part)).into_iter().flatten())
        .map(|entry| {
            let name = entry.unwrap().file_name().to_string_lossy().into_owned();
            name.split_once(":2,").map_or(String::new(), |(_, flags)| flags.to_owned())
        })
        .collect();
    found.sort();
    found
}

/// The key of the only draft.
fn key_of(draft: &str) -> String {
    header(draft, "X-Notyet-Key").unwrap().trim_start_matches("notyet.").split('@').next().unwrap().to_owned()
}

fn undo(home: &Home, key: &str) -> Value {
    serde_json::from_str(&home.notyet(&["undo", key, "--json"]).well().out).unwrap()
}

#[test]
fn by_default_a_notification_stays_as_it_is() {
    let home = wishing_on_maildir("");
    home.deliver("work", "1.a.b", &to_paste(1));
    home.once().well();
    assert_eq!(home.drafts("work").len(), 1);
    assert!(home.maildir("work").join("new/1.a.b").exists());
}

#[test]
fn in_a_maildir_the_drafted_ones_notification_is_marked_and_moved_and_no_other() {
    let home = wishing_on_maildir(MOVED);
    home.deliver("work", "1.a.b", &to_paste(1));
    home.deliver("work", "2.a.b", &demo("2026-11-friend"));
    home.deliver("work", "3.a.b", &demo("2026-09-forged-invitation"));
    for _ in 0..2 {
        home.once().well();
    }
    let moved = home.maildir("work").join(".Invitations");
    assert_eq!((messages(&moved).len(), flags(&moved)), (1, vec!["S".to_owned()]));
    assert!(["2.a.b", "3.a.b"].iter().all(|name| home.maildir("work").join("new").join(name).exists()));
    assert_eq!(home.drafts("work").len(), 1);
}

#[test]
fn on_a_server_that_moves_it_is_marked_and_moved_once_its_draft_stands() {
    let server = dovecot!();
    let home = wishing(&server, &format!("{MOVED}flag = true\n"));
    server.deliver(&demo("2026-11-friend"));
    server.deliver(&to_paste(1));
    let friend = server.files("");
    home.once().well();
    assert_eq!(flags(&server.maildir().join(".Invitations")), ["FS"]);
    assert_eq!(server.files("").len(), 1, "{:?} of {friend:?}", server.files(""));
    assert_eq!(server.files(".Drafts").len(), 1);
    assert_eq!(home.status("work")["untouched"], json!([]));
}

/// Another program has marked a mail of the same mailbox for deletion: it must outlive our move.
#[test]
fn on_a_server_that_only_copies_nothing_but_the_one_mail_is_expunged() {
    let server = dovecot!(WITHOUT_MOVE);
    let home = wishing(&server, MOVED);
    server.put("", &demo("2026-11-friend"));
    let cur = server.maildir().join("cur");
    fs::rename(cur.join("1700000001.M1P1.put:2,S"), cur.join("1700000001.M1P1.put:2,ST")).unwrap();
    server.deliver(&to_paste(1));
    home.once().well();
    home.once().well();
    assert_eq!(flags(&server.maildir().join(".Invitations")), ["S"]);
    assert_eq!(server.files(""), ["cur/1700000001.M1P1.put:2,ST"]);
}

#[test]
fn on_a_server_that_can_do_neither_it_stays_and_status_says_so() {
    let server = dovecot!(WITHOUT_BOTH);
    let home = wishing(&server, MOVED);
    server.deliver(&to_paste(1));
    home.once().well();
    home.once().well();
    assert_eq!(server.files("").len(), 1);
    assert_eq!(server.files(".Invitations"), [""; 0]);
    let untouched = home.status("work")["untouched"].clone();
    assert!(untouched[0]["words"].as_str().unwrap().contains("UIDPLUS"), "{untouched}");
}

#[test]
fn a_missing_folder_is_told_of_and_the_mail_follows_when_it_is_there() {
    let server = dovecot!();
    let home = wishing(&server, &MOVED.replace("create = true\n", ""));
    server.deliver(&to_paste(1));
    home.once().well();
    assert_eq!((server.files("").len(), server.files(".Drafts").len()), (1, 1));
    let text = home.notyet(&["status"]).well().out;
    assert!(text.contains("untouched") && text.contains("create = true"), "{text}");
    server.put(".Invitations", &demo("2026-11-friend"));
    home.once().well();
    assert_eq!((server.files("").len(), server.files(".Invitations").len()), (0, 2));
    assert_eq!(home.status("work")["untouched"], json!([]));
}

#[test]
fn whom_you_know_and_what_the_kind_of_note_excepts_is_not_touched() {
    let wishes = "[people]\nkeep = [\"Oskarb Lindqvist\"]\n\
                  [[after]]\ndecision = \"draft\"\nnote = \"generic\"\n\
                  [[after]]\ndecision = \"draft\"\nflag = true\n\
                  [[after]]\ndecision = \"leave\"\nmove = \"Left\"\ncreate = true\n\
                  [[after]]\ndecision = \"repeat\"\nmove = \"Again\"\ncreate = true\n";
    let home = wishing_on_maildir(wishes);
    home.deliver("work", "1.a.b", &to_paste(1)); // a known person's
    home.deliver("work", "2.a.b", &to_paste(2)); // generic
    home.deliver("work", "3.a.b", &demo("2026-05-member-note-personal"));
    home.deliver("work", "4.a.b", &demo("2026-09-forged-invitation"));
    home.once().well();
    home.deliver("work", "5.a.b", &to_paste(2).replace("643644363.2", "643644363.99"));
    home.once().well();
    let there = |name: &str| home.maildir("work").join(name).exists();
    assert_eq!(home.drafts("work").len(), 2, "{}", home.status("work"));
    assert!(there("new/1.a.b"), "left for its owner");
    assert!(there("new/2.a.b"), "the first that fits counts");
    assert!(there("cur/3.a.b:2,F"));
    assert_eq!(messages(&home.maildir("work").join(".Left")).len(), 1);
    assert_eq!(messages(&home.maildir("work").join(".Again")).len(), 1);
}

/// Under another UIDVALIDITY, or with UIDs counted from further back, every mail is
/// read anew; that makes none of them a further mail about its invitation.
#[test]
fn a_mail_that_is_read_anew_is_no_repeat_of_itself() {
    let server = dovecot!();
    let home = wishing(&server, "[[after]]\ndecision = \"repeat\"\nmove = \"Again\"\ncreate = true\n");
    for number in 1..=3 {
        server.deliver(&to_paste(number));
    }
    home.once().well();
    assert_eq!(server.files(".Drafts").len(), 3);
    server.renumber_inbox();
    home.once().well();
    fs::remove_file(server.storage().paths("").pop().unwrap()).unwrap();
    server.storage().turn_back("");
    home.once().well();
    assert_eq!((server.files("").len(), server.files(".Again").len()), (2, 0));
    // A reminder is a mail of its own.
    server.deliver(&to_paste(1).replace("643644363.1", "643644363.99"));
    home.once().well();
    assert_eq!((server.files("").len(), server.files(".Again").len()), (2, 1));
}

#[test]
fn what_its_owner_has_moved_meanwhile_is_left_where_they_want_it() {
    let server = dovecot!();
    let home = wishing(&server, MOVED);
    server.deliver(&to_paste(1));
    pass(&home, Some(Step::DraftRecorded));
    server.put(".Posted", &server.messages("")[0]);
    server.clear("");
    home.once().well();
    assert_eq!((server.files("").len(), server.files(".Invitations").len()), (0, 0));
    assert_eq!(server.files(".Posted").len(), 1);
    assert_eq!(home.status("work")["untouched"], json!([]));
}

const TOUCHING: [Step; 4] =
    [Step::TouchBegun, Step::NotificationCopied, Step::NotificationTouched, Step::TouchRecorded];

#[test]
fn a_kill_anywhere_on_the_way_leaves_one_mail_at_its_place_in_a_maildir() {
    for step in TOUCHING.into_iter().filter(|step| *step != Step::NotificationCopied) {
        let home = wishing_on_maildir(MOVED);
        home.deliver("work", "1.a.b", &to_paste(1));
        pass(&home, Some(step));
        pass(&home, None);
        pass(&home, None);
        assert_eq!(flags(&home.maildir("work").join(".Invitations")), ["S"], "{step:?}");
        assert_eq!((messages(&home.maildir("work")).len(), home.drafts("work").len()), (0, 1), "{step:?}");
    }
}

#[test]
fn a_kill_anywhere_on_the_way_leaves_one_mail_at_its_place_on_a_server() {
    for (more, steps) in [("", &TOUCHING[..]), (WITHOUT_MOVE, &TOUCHING[..])] {
        let server = dovecot!(more);
        for step in steps.iter().filter(|step| !more.is_empty() || **step != Step::NotificationCopied) {
            let home = wishing(&server, MOVED);
            server.deliver(&to_paste(1));
            pass(&home, Some(*step));
            pass(&home, None);
            pass(&home, None);
            assert_eq!(flags(&server.maildir().join(".Invitations")), ["S"], "{step:?} {more}");
            assert_eq!((server.files("").len(), server.files(".Drafts").len()), (0, 1), "{step:?} {more}");
            assert_eq!(home.status("work")["untouched"], json!([]), "{step:?} {more}");
            server.clear(".Invitations");
            server.clear(".Drafts");
        }
    }
}

/// The way there and back, on whatever moves mail; a kill at `step` of the way back.
fn there_and_back(server: &Dovecot, step: Option<Step>) {
    let home = wishing(server, &format!("{MOVED}flag = true\n"));
    server.deliver(&to_paste(1));
    home.once().well();
    let key = key_of(&server.messages(".Drafts")[0]);
    assert_eq!(undo(&home, &key[..8])["waits"], true);
    if step.is_some() {
        pass(&home, step);
    }
    pass(&home, None);
    pass(&home, None);
    let after = undo(&home, &key);
    assert_eq!(
        (&after["waits"], &after["letter"]),
        (&false.into(), &"taken-over".into()),
        "{step:?}: {after}"
    );
    assert_eq!((&after["draft"], &after["notifications"][0]["state"]), (&"removed".into(), &"back".into()));
    assert_eq!(flags(&server.maildir()), [""], "{step:?}: it is back, unread and without a star");
    assert_eq!(server.files(".Invitations"), [""; 0], "{step:?}");
    assert_eq!(server.files(".Drafts"), [""; 0], "{step:?}");
    // A reminder is not answered, and nothing is moved again.
    server.deliver(&to_paste(1).replace("643644363.1.", "643644363.77."));
    home.once().well();
    assert_eq!((server.files(".Drafts").len(), server.files("").len()), (0, 2), "{step:?}");
    server.clear("");
}

#[test]
fn undo_puts_all_back_whatever_happens_on_the_way() {
    let back = [Step::NotificationTouched, Step::TouchRecorded, Step::DraftRemoved];
    let server = dovecot!();
    for step in [None].into_iter().chain(back.map(Some)) {
        there_and_back(&server, step);
    }
    let server = dovecot!(WITHOUT_MOVE);
    for step in [None, Some(Step::NotificationCopied), Some(Step::NotificationTouched)] {
        there_and_back(&server, step);
    }
}

/// What was copied and not removed yet ends its way forth before it goes back.
#[test]
fn what_is_taken_back_while_it_is_copied_stands_there_once() {
    let server = dovecot!(WITHOUT_MOVE);
    let home = wishing(&server, MOVED);
    server.deliver(&to_paste(1));
    pass(&home, Some(Step::NotificationCopied));
    assert_eq!((server.files("").len(), server.files(".Invitations").len()), (1, 1));
    let key = key_of(&server.messages(".Drafts")[0]);
    undo(&home, &key);
    pass(&home, None);
    pass(&home, None);
    assert_eq!(undo(&home, &key)["notifications"][0]["state"], "back");
    assert_eq!(flags(&server.maildir()), [""], "it is back, and unread");
    assert_eq!(server.files(".Invitations"), [""; 0]);
}

/// Another mail of the same Message-ID where ours was to go is no copy of it.
#[test]
fn what_is_taken_back_is_not_removed_for_another_mail_of_its_message_id() {
    let server = dovecot!(WITHOUT_MOVE);
    let home = wishing(&server, MOVED);
    server.deliver(&to_paste(1));
    pass(&home, Some(Step::TouchBegun));
    let original = server.messages("").remove(0);
    server.storage().make(".Invitations");
    server.storage().deliver(".Invitations", &original.replace("Subject:", "Subject: not"));
    let key = key_of(&server.messages(".Drafts")[0]);
    undo(&home, &key);
    pass(&home, None);
    pass(&home, None);
    assert!(server.messages("").contains(&original), "it is not lost");
}

#[test]
fn a_running_daemon_takes_back_and_leaves_an_edited_draft_to_its_owner() {
    let home = Home::new();
    home.configure(MOVED, &[home.on_maildir("work", "")]);
    home.once().well();
    let daemon = home.daemon();
    daemon.says("connected", 1);
    for number in 1..=2 {
        home.deliver("work", &format!("{number}.a.b"), &to_paste(number));
    }
    let moved = home.maildir("work").join(".Invitations");
    until("both are moved", || (messages(&moved).len() == 2).then_some(()));
    let drafts = home.maildir("work").join(".Drafts/cur");
    let edited = fs::read_dir(&drafts).unwrap().next().unwrap().unwrap().path();
    let text = fs::read_to_string(&edited).unwrap();
    fs::write(&edited, format!("{text}\r\nPS: my own words\r\n")).unwrap();
    let keys: Vec<String> = home.drafts("work").iter().map(|draft| key_of(draft)).collect();
    for key in &keys {
        undo(&home, key);
    }
    until("all is done", || keys.iter().all(|key| undo(&home, key)["waits"] == false).then_some(()));
    assert_eq!(flags(&home.maildir("work")), ["", ""]);
    assert_eq!(messages(&moved), [""; 0]);
    let left = home.drafts("work");
    assert_eq!(left.len(), 1);
    assert!(left[0].contains("PS: my own words"));
    let told = home.notyet(&["undo", &key_of(&left[0])]).well().out;
    assert!(told.contains("it was edited, and is yours"), "{told}");
    assert_eq!(daemon.stop(), Some(0));
}

#[test]
fn without_uidplus_a_draft_that_was_taken_back_stays_and_undo_says_so() {
    let server = dovecot!(WITHOUT_BOTH);
    let home = wishing(&server, "");
    server.deliver(&to_paste(1));
    home.once().well();
    let key = key_of(&server.messages(".Drafts")[0]);
    home.notyet(&["undo", &key]).well();
    home.once().well();
    let told = home.notyet(&["undo", &key]).well().out;
    assert!(told.contains("Its draft stays") && told.contains("UIDPLUS"), "{told}");
    assert!(server.files(".Drafts")[0].ends_with(":2,DS"), "not even marked: {:?}", server.files(".Drafts"));
}

/// UIDs can be given out twice by a broken server; here the file behind one is another mail by now.
#[test]
fn a_mail_that_is_not_the_one_that_is_meant_is_not_touched() {
    let home = wishing_on_maildir(MOVED);
    home.deliver("work", "1.a.b", &to_paste(1));
    pass(&home, Some(Step::DraftRecorded));
    home.deliver("work", "1.a.b", &demo("2026-11-friend"));
    home.once().well();
    assert!(home.maildir("work").join("new/1.a.b").exists());
    assert_eq!(messages(&home.maildir("work").join(".Invitations")), [""; 0]);
}

/// A new UIDVALIDITY leaves the Message-ID, and a forger may have copied that.
#[test]
fn what_can_no_longer_be_told_from_a_mail_of_the_same_message_id_is_not_touched() {
    let server = dovecot!();
    let home = wishing(&server, MOVED);
    server.deliver(&to_paste(1));
    pass(&home, Some(Step::DraftRecorded));
    server.deliver(&to_paste(1).replace("=pass", "=fail"));
    server.renumber_inbox();
    home.once().well();
    assert_eq!((server.files("").len(), server.files(".Invitations").len()), (2, 0));

    let home = wishing_on_maildir(MOVED);
    home.deliver("work", "1.a.b", &to_paste(1));
    pass(&home, Some(Step::DraftRecorded));
    home.deliver("work", "2.a.b", &to_paste(1).replace("=pass", "=fail"));
    fs::remove_dir_all(home.state().join("maildir")).unwrap();
    home.once().well();
    assert_eq!(messages(&home.maildir("work").join(".Invitations")), [""; 0]);
    assert_eq!(messages(&home.maildir("work")).len(), 2);
}

/// Left by policy, taken back, and then the policy changes: the invitation has no letter that
/// would keep it from being answered.
#[test]
fn what_was_taken_back_is_not_answered_even_where_there_was_no_letter() {
    for taken_back in [false, true] {
        let leave = "generic = \"leave\"\n[[after]]\ndecision = \"leave\"\nmove = \"Left\"\ncreate = true\n";
        let home = wishing_on_maildir(leave);
        home.deliver("work", "1.a.b", &to_paste(1));
        home.once().well();
        let left = home.maildir("work").join(".Left");
        assert_eq!(messages(&left).len(), 1);
        if taken_back {
            // The only key there is: no draft tells it.
            let key = home.notyet(&["queue", "show", ""]).err;
            let key = key.lines().find_map(|line| line.trim().split(' ').next().filter(|w| w.len() == 32));
            assert_eq!(undo(&home, key.expect("a key"))["waits"], true);
            home.once().well();
            assert_eq!((messages(&left).len(), messages(&home.maildir("work")).len()), (0, 1));
        }
        home.configure("", &[home.on_maildir("work", "")]);
        home.deliver("work", "2.a.b", &to_paste(1).replace("643644363.1.", "643644363.98."));
        home.once().well();
        assert_eq!(home.drafts("work").len(), usize::from(!taken_back), "{taken_back}");
    }
}

/// A reminder that shows other parts has a key of its own; who takes that one back means the invitation.
#[tokio::test(flavor = "multi_thread")]
async fn undo_by_the_key_of_a_reminder_takes_the_letter_back() {
    let peer = Peer::standing(Script::new(Tls::Implicit).at(At::Mail, Act::Say("451 4.3.0 later\r\n"))).await;
    let home = Home::new();
    home.believe_reply_to();
    home.configure("generic = \"send\"", &[home.on_maildir("work", "") + &peer.table("work")]);
    home.once().well();
    let first = unfolded(&with_reply_to(1, "jane@example.com"));
    home.deliver("work", "1.a.b", &first);
    home.once().well();
    let key = key_of_letter(&home);
    home.deliver("work", "2.a.b", &with_the_profile_only(&first));
    home.once().well();
    assert_eq!(home.status("work")["letters"], json!({ "queued": 1 }));
    let keys = Ledger::open_read_only(&home.state()).unwrap().keys_from("", 10).unwrap();
    let reminder = keys.into_iter().find(|one| one.0 != key).expect("a key of its own");
    let told = undo(&home, &reminder.0);
    assert_eq!(told["letter"], "taken-over", "{told}");
    assert_eq!(home.status("work")["letters"], json!({ "taken-over": 1 }));
}

/// The key of the only letter.
fn key_of_letter(home: &Home) -> String {
    let queue: Value = serde_json::from_str(&home.notyet(&["queue", "list", "--json"]).well().out).unwrap();
    queue["letters"][0]["key"].as_str().expect("a key").to_owned()
}

/// What goes wrong with a copy in Sent keeps no notification from being dealt with.
#[tokio::test(flavor = "multi_thread")]
async fn a_sent_folder_that_takes_nothing_holds_no_notification_up() {
    let peer = Peer::standing(Script::new(Tls::Implicit)).await;
    let home = Home::new();
    home.believe_reply_to();
    let rules = "[[after]]\ndecision = \"send\"\nseen = true\n";
    home.configure(
        &format!("generic = \"send\"\n{rules}"),
        &[home.on_maildir("work", "") + &peer.table("work")],
    );
    home.once().well();
    fs::write(home.maildir("work").join(".Sent"), "no folder").unwrap();
    home.deliver("work", "1.a.b", &with_reply_to(1, "jane@example.com"));
    for _ in 0..2 {
        home.once();
    }
    assert_eq!(peer.seen().bodies.len(), 1);
    assert_eq!(flags(&home.maildir("work")), ["S"]);
}

/// Nor does a folder that the server will not make: whose trouble it is, is told.
#[test]
fn a_folder_that_cannot_be_made_holds_up_nothing() {
    let server = dovecot!();
    // Its storage parts names by dots.
    let home = wishing(&server, "[[after]]\ndecision = \"draft\"\nmove = \"In/vitations\"\ncreate = true\n");
    server.deliver(&to_paste(1));
    server.deliver(&to_paste(2));
    home.once().well();
    let drafts = server.messages(".Drafts");
    assert_eq!(drafts.len(), 2);
    undo(&home, &key_of(&drafts[1]));
    home.once().well();
    assert_eq!(server.messages(".Drafts"), drafts[..1]);
    let untouched = &home.status("work")["untouched"];
    let words = untouched[0]["words"].as_str().unwrap();
    assert!(words.contains("In/vitations") && words.contains("cannot be made"), "{untouched}");
    assert_eq!(untouched.as_array().unwrap().len(), 1, "{untouched}");
    let told = home.once().well().err;
    assert!(!told.contains("In/vitations"), "it is told once: {told}");
}

/// A refusal may be of the moment: it is tried again, and for a day at most.
#[test]
fn what_was_refused_is_tried_again_for_a_day() {
    for (days_old, moved) in [(0, 1), (2, 0)] {
        let home = wishing_on_maildir(MOVED);
        let folder = home.maildir("work").join(".Invitations");
        for part in ["cur", "new", "tmp"] {
            fs::create_dir_all(folder.join(part)).unwrap();
        }
        let in_the_way = folder.join("cur/1.a.b:2,");
        fs::write(&in_the_way, "Subject: of the same name\r\n\r\n").unwrap();
        home.deliver("work", "1.a.b", &to_paste(1));
        for _ in 0..2 {
            home.once().well();
        }
        assert!(home.status("work")["untouched"][0]["words"].as_str().unwrap().contains("of that name"));
        let ledger = rusqlite::Connection::open(home.state().join("ledger.sqlite3")).unwrap();
        ledger.execute("UPDATE touch SET changed_at = changed_at - ?1", [days_old * 24 * 60 * 60]).unwrap();
        drop(ledger);
        home.once().well();
        fs::remove_file(&in_the_way).unwrap();
        home.once().well();
        assert_eq!(messages(&folder).len(), moved, "{days_old} days");
    }
}

static LATER_S: AtomicI64 = AtomicI64::new(0);

fn later() -> Timestamp {
    Timestamp::from_unix_s(clock::now().unix_s() + LATER_S.load(Ordering::Relaxed))
}

/// A slow server may carry out what it read of a broken line: a second move beside it
/// would leave both copies.
#[tokio::test(flavor = "multi_thread")]
async fn behind_a_broken_line_a_move_is_not_asked_for_again_at_once() {
    for (command, options) in [("UID MOVE", ""), ("UID COPY", WITHOUT_MOVE)] {
        LATER_S.store(0, Ordering::Relaxed);
        let server = dovecot!(options);
        let line = FaultyLine::before(server.imap_port).await;
        let home = Home::new();
        home.configure(MOVED, &[home.on_port("work", line.port, "")]);
        let setup = setup::load(&home.config()).unwrap_or_else(|problems| panic!("{problems}"));
        let ledger = Ledger::open(&home.state()).unwrap();
        let mut account = setup.config.accounts.into_iter().next().unwrap();
        let MailboxKind::Imap(imap) = &mut account.kind else { panic!("an account on a server") };
        imap.tls = Tls::LoopbackPlain;
        let mut shared = Shared::new(setup.rules, setup.config.owner, setup.policy, ledger, later);
        shared.after = setup.config.after;
        let straggles_s = i64::from(shared.straggling_timeouts) * imap.timeout.as_secs() as i64;
        let shared = Arc::new(shared);
        // Whether it was asked for, and where the notification stands then.
        let asked = async |fault: Option<Fault>| {
            if let Some(fault) = fault {
                line.plan(Heard::Named(command), fault);
            }
            let (_switch, stop) = Stop::new();
            account::once(&account, &shared, &stop).await;
            let asked = line.steps().iter().any(|step| step == command);
            (asked, server.messages("").len(), server.messages(".Invitations").len())
        };
        asked(None).await;
        server.deliver(&to_paste(1));
        assert_eq!(asked(Some(Fault::CutBefore)).await, (true, 1, 0), "{command}");
        assert_eq!(asked(None).await, (false, 1, 0), "{command}: too early");
        LATER_S.fetch_add(straggles_s, Ordering::Relaxed);
        assert_eq!(asked(Some(Fault::CutBefore)).await, (true, 1, 0), "{command}: broken again");
        assert_eq!(asked(None).await, (false, 1, 0), "{command}: too early again");
        LATER_S.fetch_add(straggles_s, Ordering::Relaxed);
        assert_eq!(asked(Some(Fault::No)).await, (true, 1, 0), "{command}: refused");
        assert_eq!(asked(Some(Fault::Reset)).await, (true, 1, 0), "{command}: what was heard is over");
        assert_eq!(asked(None).await, (false, 1, 0), "{command}: too early behind a refusal");
        LATER_S.fetch_add(straggles_s, Ordering::Relaxed);
        assert_eq!(asked(None).await, (true, 0, 1), "{command}: at last");
    }
}
