//! What is forgotten is gone from the files, and nothing is answered twice for it.

use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use notyet::app::account::{self, End};
use notyet::app::setup;
use notyet::app::shared::{Shared, Stop};
use notyet::config::Tls;
use notyet::domain::Timestamp;
use notyet::shell::clock;
use notyet::shell::store::Ledger;
use serde_json::Value;

use super::watched;
use crate::support::home::{Home, until};
use crate::support::mails::{demo, to_paste, with_reply_to};
use crate::support::smtp_peer::{Act, At, Peer, Script};

/// Whether any file of the ledger holds `words`, in whatever case.
fn keeps(state: &Path, words: &str) -> bool {
    let holds = |bytes: Vec<u8>| {
        let (bytes, words) = (bytes.to_ascii_lowercase(), words.as_bytes().to_ascii_lowercase());
        bytes.windows(words.len()).any(|window| window == words)
    };
    let files = std::fs::read_dir(state).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| path.is_file()).any(|path| holds(std::fs::read(path).unwrap()))
}

static LATER_DAYS: AtomicI64 = AtomicI64::new(0);

fn now() -> Timestamp {
    let days = u64::try_from(LATER_DAYS.load(Ordering::Relaxed)).unwrap();
    clock::now().plus(Duration::from_secs(days * 86_400))
}

/// The daemon's own parts, with a clock of the test's own.
async fn pass_after(home: &Home, days: i64) {
    LATER_DAYS.store(days, Ordering::Relaxed);
    let setup = setup::load(&home.config()).unwrap_or_else(|problems| panic!("{problems}"));
    let ledger = Ledger::open(&home.state()).unwrap();
    let mut shared = Shared::new(setup.rules, setup.config.owner, setup.policy, ledger, now);
    shared.uids_dir = Some(home.state().join("maildir"));
    shared.retention = setup.config.retention;
    let account = &setup.config.accounts[0];
    let (_switch, stop) = Stop::new();
    assert_eq!(account::once(account, &shared, &stop).await, End::Done);
}

/// A note, a name and words of the letter that stand in the ledger at first.
const WORDS: [&str; 3] = ["Kerguelen", "400 journaux", "Ma=C3=ABlle"];

#[tokio::test(flavor = "multi_thread")]
async fn after_its_time_the_words_of_an_ended_invitation_are_gone_and_it_is_still_known() {
    let home = Home::new();
    let configure = |retention: &str| {
        home.configure("", &[home.on_maildir("work", "")]);
        let text = std::fs::read_to_string(home.config()).unwrap();
        home.put("notyet.toml", &format!("{retention}\n{text}"));
    };
    configure("");
    home.once().well();
    let personal = demo("2026-08-member-note-french-personal");
    home.deliver("work", "1.a.b", &personal);
    home.once().well();
    assert_eq!(home.drafts("work").len(), 1);
    assert!(WORDS.iter().all(|word| keeps(&home.state(), word)));

    pass_after(&home, 399).await;
    assert!(WORDS.iter().all(|word| keeps(&home.state(), word)), "not before its time");
    configure("retention = \"forever\"");
    pass_after(&home, 4000).await;
    assert!(WORDS.iter().all(|word| keeps(&home.state(), word)), "not when it is kept for ever");
    configure("");
    pass_after(&home, 401).await;
    for word in WORDS {
        assert!(!keeps(&home.state(), word), "{word}");
    }

    home.deliver("work", "2.a.b", &personal.replacen("Message-ID: <", "Message-ID: <again-", 1));
    home.once().well();
    assert_eq!(home.drafts("work").len(), 1, "nobody is answered twice");
    let status = home.status("work");
    assert_eq!(status["letters"]["drafted"], 1, "{status}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_keeps_its_words_however_old_it_is() {
    let server = dovecot!();
    let peer = Peer::standing(Script::new(Tls::Implicit).at(At::Dot, Act::Close)).await;
    let home = watched(&server, "generic = \"send\"", "", &peer.table("work"));
    server.deliver(&with_reply_to(1, "jane@example.org"));
    home.once().well();
    pass_after(&home, 4000).await;
    let list: Value = serde_json::from_str(&home.notyet(&["queue", "list", "--json"]).well().out).unwrap();
    assert_eq!(list["letters"][0]["state"], "parked", "{list}");
    assert!(keeps(&home.state(), "jane@example.org"));
}

#[test]
fn a_person_is_forgotten_at_once_by_name_or_address_beside_a_running_daemon() {
    let home = Home::new();
    home.believe_reply_to();
    home.configure("", &[home.on_maildir("work", "")]);
    home.once().well();
    let daemon = home.daemon();
    daemon.says("connected", 1);
    home.deliver("work", "1.a.b", &to_paste(1));
    home.deliver("work", "2.a.b", &to_paste(2));
    home.deliver("work", "3.a.b", &with_reply_to(3, "jane@example.org"));
    until("all are drafted", || (home.status("work")["letters"]["drafted"] == 3).then_some(()));
    for words in ["Oskarb", "Oskarc", "jane@example.org"] {
        assert!(keeps(&home.state(), words), "{words}");
    }
    let told: Value =
        serde_json::from_str(&home.notyet(&["forget", "OSKARB  lindqvist", "--json"]).well().out).unwrap();
    assert_eq!(told, serde_json::json!({ "invitations": 1, "letters_dropped": 0, "busy": 0 }));
    let told = home.notyet(&["forget", "Jane@example.org"]).well().out;
    assert!(told.contains("1 invitation:") && told.contains("What stays: digests"), "{told}");
    let told = home.notyet(&["forget", "Oskar"]).well().out;
    assert!(told.starts_with("Nothing is kept") && told.contains("must be whole"), "{told}");
    for words in ["Oskarb", "jane@example.org"] {
        assert!(!keeps(&home.state(), words), "{words}");
    }
    assert!(keeps(&home.state(), "Oskarc"), "nobody else is forgotten");
    home.deliver("work", "4.a.b", &to_paste(1).replace("643644363.1.", "643644363.98."));
    until("it is judged", || (home.status("work")["mailboxes"][0]["next_uid"] == 5).then_some(()));
    assert_eq!(home.drafts("work").len(), 3, "nobody is answered twice");
    assert_eq!(daemon.stop(), Some(0));
}

/// The letter goes to the Reply-To; its reader is known by the From as well.
#[test]
fn a_person_is_forgotten_by_the_address_they_write_from() {
    let home = Home::new();
    home.believe_reply_to();
    home.configure("", &[home.on_maildir("work", "")]);
    home.once().well();
    let invitation = demo("2009-09-guest-note-default");
    let invitation = invitation.replacen("\nFrom:", "\nReply-To: elsewhere@example.org\nFrom:", 1);
    home.deliver("work", "1.a.b", &invitation);
    home.deliver("work", "2.a.b", &with_reply_to(3, "jane@example.org"));
    home.once().well();
    assert_eq!(home.drafts("work").len(), 2);
    let told = home.notyet(&["forget", "tobias@example.com"]).well().out;
    assert!(told.starts_with("Nothing is kept"), "another mailbox of that domain: {told}");
    let told = home.notyet(&["forget", "Tobias.Arendt@example.com"]).well().out;
    assert!(told.contains("1 invitation:"), "{told}");
    assert!(!keeps(&home.state(), "elsewhere@example.org"));
    assert!(keeps(&home.state(), "jane@example.org"), "nobody else is forgotten");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_that_waits_for_somebody_forgotten_goes_nowhere() {
    let server = dovecot!();
    let peer = Peer::standing(Script::new(Tls::Implicit).at(At::Mail, Act::Say("451 4.3.0 later\r\n"))).await;
    let home = watched(&server, "generic = \"send\"", "", &peer.table("work"));
    server.deliver(&with_reply_to(1, "jane@example.org"));
    home.once().well();
    let told: Value =
        serde_json::from_str(&home.notyet(&["forget", "jane@example.org", "--json"]).well().out).unwrap();
    assert_eq!((&told["invitations"], &told["letters_dropped"]), (&1.into(), &1.into()));
    let healthy = Peer::standing(Script::new(Tls::Implicit)).await;
    home.configure("generic = \"send\"", &[home.on_dovecot("work", &server, "", &healthy.table("work"))]);
    home.once().well();
    assert_eq!(healthy.seen().bodies.len(), 0);
    assert!(!keeps(&home.state(), "jane@example.org"));
    assert_eq!(home.status("work")["letters"], serde_json::json!({ "taken-over": 1 }));
}

fn key_of_draft(home: &Home) -> String {
    let draft = home.drafts("work").pop().expect("a draft");
    let key = crate::support::mails::header(&draft, "X-Notyet-Key").expect("the key");
    key.trim_start_matches("notyet.").split('@').next().expect("the key").to_owned()
}

#[test]
fn what_is_to_be_undone_is_undone_before_it_is_forgotten() {
    let home = Home::new();
    home.configure("", &[home.on_maildir("work", "")]);
    home.once().well();
    home.deliver("work", "1.a.b", &demo("2026-08-member-note-french-personal"));
    home.once().well();
    let key = key_of_draft(&home);
    home.notyet(&["undo", &key]).well();
    let forget = || home.notyet(&["forget", "Ma\u{eb}lle Kerguelen"]);
    assert_eq!(forget().code, Some(75));
    assert!(keeps(&home.state(), "Kerguelen"));
    home.once().well();
    assert_eq!(home.drafts("work").len(), 0);
    forget().well();
    assert!(!keeps(&home.state(), "Kerguelen"));
}

/// What it said is not known any more, so nobody can tell whose words stand in it.
#[test]
fn a_draft_whose_words_were_forgotten_stays_and_nobody_is_said_to_have_edited_it() {
    let home = Home::new();
    home.configure("", &[home.on_maildir("work", "")]);
    home.once().well();
    home.deliver("work", "1.a.b", &demo("2026-08-member-note-french-personal"));
    home.once().well();
    let key = key_of_draft(&home);
    home.notyet(&["forget", "Ma\u{eb}lle Kerguelen"]).well();
    home.notyet(&["undo", &key]).well();
    home.once().well();
    let told = home.notyet(&["undo", &key]).well().out;
    assert!(told.contains("does not hold its words") && !told.contains("is yours"), "{told}");
    assert_eq!(home.drafts("work").len(), 1);
}

/// The mail itself is the owner's to delete: it is met again where the mailbox is read anew.
#[test]
fn what_was_forgotten_stays_so_where_the_mailbox_is_read_anew() {
    let home = Home::new();
    let after =
        "[[after]]\ndecision = \"draft\"\nseen = true\n[[after]]\ndecision = \"repeat\"\nseen = true\n";
    home.configure("", &[home.on_maildir("work", ""), after.to_owned()]);
    home.once().well();
    home.deliver("work", "1.a.b", &demo("2026-08-member-note-french-personal"));
    home.once().well();
    let seen = || {
        let names = std::fs::read_dir(home.maildir("work").join("cur")).unwrap();
        names.filter(|name| name.as_ref().unwrap().file_name().to_string_lossy().ends_with('S')).count()
    };
    assert_eq!(seen(), 1);
    home.notyet(&["forget", "Ma\u{eb}lle Kerguelen"]).well();
    for entry in std::fs::read_dir(home.maildir("work").join("cur")).unwrap() {
        let path = entry.unwrap().path();
        let unseen = path.to_string_lossy().replace(":2,S", ":2,");
        std::fs::rename(&path, unseen).unwrap();
    }
    std::fs::remove_dir_all(home.state().join("maildir")).unwrap();
    home.once().well();
    let mailbox = home.status("work")["mailboxes"][0].clone();
    assert_eq!(mailbox["next_uid"], 2, "it was read anew: {mailbox}");
    for word in WORDS {
        assert!(!keeps(&home.state(), word), "{word}");
    }
    assert_eq!((seen(), home.drafts("work").len()), (0, 1), "and it is not touched again");
}

/// What a new UIDVALIDITY does on a server: every UID is forgotten.
fn renumber(home: &Home) {
    std::fs::remove_dir_all(home.state().join("maildir")).unwrap();
}

/// An invitation that had no letter is answered by a policy of later: not so that of somebody forgotten.
#[test]
fn who_was_forgotten_gets_no_letter_when_the_mailbox_is_read_anew_under_another_policy() {
    let home = Home::new();
    let account = home.on_maildir("work", "");
    home.configure("generic = \"leave\"\npersonalized = \"leave\"", std::slice::from_ref(&account));
    home.once().well();
    let mail = demo("2026-08-member-note-french-personal");
    home.deliver("work", "1.a.b", &mail);
    home.once().well();
    home.notyet(&["forget", "Ma\u{eb}lle Kerguelen"]).well();
    home.configure("", &[account]);
    renumber(&home);
    // A reminder of it that comes later is one more mail of the same person.
    let reminder = mail.replacen("Message-ID: <", "Message-ID: <again-", 1);
    home.deliver("work", "2.a.b", &reminder);
    home.once().well();
    assert_eq!(home.status("work")["mailboxes"][0]["next_uid"], 3, "both were read");
    assert_eq!(home.drafts("work").len(), 0);
    for word in WORDS {
        assert!(!keeps(&home.state(), word), "{word}");
    }
}

/// Retention is no wish to be rid of a person: a new mail of theirs is an invitation like any other.
#[tokio::test(flavor = "multi_thread")]
async fn whose_words_grew_old_is_answered_when_they_write_again() {
    let home = Home::new();
    let account = home.on_maildir("work", "");
    home.configure("generic = \"leave\"\npersonalized = \"leave\"", std::slice::from_ref(&account));
    home.once().well();
    let mail = demo("2026-08-member-note-french-personal");
    home.deliver("work", "1.a.b", &mail);
    home.once().well();
    pass_after(&home, 401).await;
    assert!(!keeps(&home.state(), WORDS[0]));
    home.configure("", &[account]);
    home.deliver("work", "2.a.b", &mail.replacen("Message-ID: <", "Message-ID: <again-", 1));
    home.once().well();
    assert_eq!(home.drafts("work").len(), 1);
}

/// Nobody tries again what a person said once: the one who said it has to.
#[test]
fn a_word_that_finds_the_ledger_held_says_that_it_is_to_be_said_again() {
    let home = Home::new();
    home.configure("", &[home.on_maildir("work", "")]);
    home.once().well();
    let another = rusqlite::Connection::open(Ledger::file(&home.state())).unwrap();
    another.execute_batch("BEGIN IMMEDIATE; UPDATE brake SET seen_at = 1").unwrap();
    let told = home.notyet(&["resume"]);
    assert_eq!(told.code, Some(75));
    let words = "another program holds the file; give the command again in a minute\n";
    assert!(told.err.ends_with(words), "{}", told.err);
}
