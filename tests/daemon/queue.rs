//! A person's word on a letter, with and without a daemon beside it.

use std::collections::HashMap;

use notyet::app::shared::Step;
use notyet::config::Tls;
use notyet::shell::clock;
use notyet::shell::store::Ledger;
use serde_json::Value;

use super::crash::pass;
use super::watched;
use crate::support::dovecot::Dovecot;
use crate::support::home::{Home, until};
use crate::support::mails::{header, to_paste, with_reply_to};
use crate::support::smtp_peer::{Act, At, Peer, Script};

const SEND: &str = "generic = \"send\"";

fn queue(home: &Home) -> Vec<Value> {
    let list: Value = serde_json::from_str(&home.notyet(&["queue", "list", "--json"]).well().out).unwrap();
    list["letters"].as_array().unwrap().clone()
}

/// The beginning of the only key in the queue.
fn only_key(home: &Home) -> String {
    let letters = queue(home);
    assert_eq!(letters.len(), 1, "{letters:?}");
    letters[0]["key"].as_str().unwrap()[..6].to_owned()
}

fn letters(home: &Home) -> Value {
    home.status("work")["letters"].clone()
}

/// A home whose one letter is perhaps sent.
async fn in_doubt(server: &Dovecot) -> (Home, Peer) {
    let peer = Peer::standing(Script::new(Tls::Implicit).at(At::Dot, Act::Close)).await;
    let home = watched(server, SEND, "", &peer.table("work"));
    server.deliver(&with_reply_to(1, "jane@example.org"));
    home.once().well();
    assert_eq!(letters(&home), serde_json::json!({ "uncertain": 1 }));
    (home, peer)
}

#[tokio::test(flavor = "multi_thread")]
async fn perhaps_sent_is_told_in_words_and_sent_again_only_when_a_person_says_so() {
    let server = dovecot!();
    let (home, first) = in_doubt(&server).await;
    let text = home.notyet(&["queue"]).well().out;
    let known =
        ["perhaps sent", "Your Sent folder cannot tell", "queue sent ", "queue retry ", "queue drop "];
    for words in known {
        assert!(text.contains(words), "{words}: {text}");
    }
    let by_provider = "sent_copy = \"provider\"";
    home.configure(SEND, &[home.on_dovecot("work", &server, by_provider, &first.table("work"))]);
    let text = home.notyet(&["queue"]).well().out;
    assert!(text.contains("Look into your Sent folder") && text.contains("if it is not in Sent"), "{text}");
    home.configure(SEND, &[home.on_dovecot("work", &server, "", &first.table("work"))]);
    home.once().well();
    assert_eq!(first.seen().bodies.len(), 1, "nobody has said a word yet");

    let second = Peer::standing(Script::new(Tls::Implicit)).await;
    home.configure(SEND, &[home.on_dovecot("work", &server, "", &second.table("work"))]);
    let key = only_key(&home);
    home.notyet(&["queue", "retry", &key]).well();
    home.once().well();
    home.once().well();
    assert_eq!((first.seen().bodies.len(), second.seen().bodies.len()), (1, 1));
    assert_eq!(letters(&home), serde_json::json!({ "sent": 1 }));
    assert_eq!(server.files(".Posted").len(), 1);
    let shown = home.notyet(&["queue", "show", &key]).well().out;
    for words in ["Subject:", "Thank you", "person-retries", "accepted", "jane@example.org"] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_in_sent_ends_the_doubt_even_after_a_retry() {
    let server = dovecot!();
    let (home, first) = in_doubt(&server).await;
    home.notyet(&["queue", "retry", &only_key(&home)]).well();
    server.put(".Posted", &String::from_utf8(first.seen().bodies[0].clone()).unwrap());
    let second = Peer::standing(Script::new(Tls::Implicit)).await;
    home.configure(SEND, &[home.on_dovecot("work", &server, "", &second.table("work"))]);
    home.once().well();
    assert_eq!(letters(&home), serde_json::json!({ "sent": 1 }));
    assert_eq!(second.seen().bodies.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_doubt_can_be_ended_as_sent_and_as_let_be() {
    let server = dovecot!();
    for (word, state) in [("sent", "sent"), ("drop", "taken-over")] {
        server.clear("");
        server.clear(".Posted");
        let (home, peer) = in_doubt(&server).await;
        let key = only_key(&home);
        home.notyet(&["queue", word, &key]).well();
        server.deliver(&with_reply_to(1, "jane@example.org"));
        home.once().well();
        assert_eq!(letters(&home), serde_json::json!({ state: 1 }));
        assert_eq!(peer.seen().bodies.len(), 1, "{word}");
        assert_eq!(queue(&home), [] as [Value; 0], "{word}");
        let again = home.notyet(&["queue", "retry", &key]);
        assert_eq!(again.code, Some(1), "an end stays one");
        assert!(again.err.contains(state), "{}", again.err);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_daemon_takes_up_a_persons_word_at_once() {
    let server = dovecot!();
    let (home, first) = in_doubt(&server).await;
    let second = Peer::standing(Script::new(Tls::Implicit)).await;
    // It looks every five minutes by itself; IDLE tells of new mail only.
    home.configure(SEND, &[home.on_dovecot("work", &server, "", &second.table("work"))]);
    home.once().well();
    let daemon = home.daemon();
    daemon.says("connected", 1);
    home.notyet(&["queue", "retry", &only_key(&home)]).well();
    until("the letter is sent", || (letters(&home) == serde_json::json!({ "sent": 1 })).then_some(()));
    assert_eq!((first.seen().bodies.len(), second.seen().bodies.len()), (1, 1));
    assert_eq!(daemon.stop(), Some(0));
}

/// The table of `peer`, whose secret is read by a command that lets the letter of `key` be.
fn letting_be(home: &Home, key: &str, peer: &Peer) -> String {
    let script = format!(
        "{} queue drop {key} --config {} >/dev/null && echo secret",
        env!("CARGO_BIN_EXE_notyet"),
        home.config().display()
    );
    let login = format!("user = \"me\"\npassword.command = [\"sh\", \"-c\", \"{script}\"]");
    peer.table("work").replace("login = \"none\"", &login)
}

/// The login's secret is read after the queue was, and before the first byte: the word comes between.
#[tokio::test(flavor = "multi_thread")]
async fn a_letter_let_be_while_the_daemon_holds_it_in_hand_is_not_sent() {
    let server = dovecot!();
    let busy = Peer::standing(Script::new(Tls::Implicit).at(At::Mail, Act::Say("451 4.3.0 later\r\n"))).await;
    let home = watched(&server, SEND, "", &busy.table("work"));
    server.deliver(&with_reply_to(1, "jane@example.org"));
    home.once().well();
    let key = only_key(&home);
    home.notyet(&["queue", "retry", &key]).well();
    let peer = Peer::standing(Script::new(Tls::Implicit)).await;
    home.configure(SEND, &[home.on_dovecot("work", &server, "", &letting_be(&home, &key, &peer))]);
    home.once().well();
    let seen = peer.seen();
    assert!(seen.verbs().contains(&"DATA"), "it came as far as that: {:?}", seen.commands);
    assert_eq!((seen.body_bytes, letters(&home)), (0, serde_json::json!({ "taken-over": 1 })));
    home.once().well();
    assert_eq!(peer.seen().body_bytes, 0);
}

#[test]
fn what_a_limit_holds_back_goes_when_a_person_says_so() {
    let home = Home::new();
    home.configure("", &[home.on_maildir("work", "")]);
    let text =
        std::fs::read_to_string(home.config()).unwrap().replace("max_per_hour = 1000", "max_per_hour = 1");
    home.put("notyet.toml", &text);
    home.once().well();
    let daemon = home.daemon();
    daemon.says("connected", 1);
    for number in 1..=2 {
        home.deliver("work", &format!("{number}.a.b"), &to_paste(number));
    }
    until("one is held", || (letters(&home)["held"] == 1).then_some(()));
    let text = home.notyet(&["queue", "list"]).well().out;
    assert!(text.contains("held back") && text.contains("1 are allowed"), "{text}");
    home.notyet(&["queue", "retry", &only_key(&home)]).well();
    until("both are drafted", || (home.drafts("work").len() == 2).then_some(()));
    assert!(home.notyet(&["queue", "list"]).well().out.contains("No letter waits"));
    assert_eq!(daemon.stop(), Some(0));
}

#[test]
fn a_key_may_be_cut_short_while_it_is_the_only_one() {
    let home = Home::new();
    home.configure("", &[home.on_maildir("work", "")]);
    home.once().well();
    // Seventeen keys, sixteen digits: two begin alike.
    for number in 1..=17 {
        home.deliver("work", &format!("{number}.a.b"), &to_paste(number));
    }
    home.once().well();
    let mut by_digit: HashMap<char, Vec<String>> = HashMap::new();
    for draft in home.drafts("work") {
        let id = header(&draft, "X-Notyet-Key").unwrap();
        let key = id.trim_start_matches("notyet.").split('@').next().unwrap().to_owned();
        by_digit.entry(key.chars().next().unwrap()).or_default().push(key);
    }
    let (digit, keys) = by_digit.iter().find(|(_, keys)| keys.len() > 1).expect("two alike");
    let asked = home.notyet(&["queue", "show", &digit.to_string()]);
    assert_eq!(asked.code, Some(2), "{}", asked.err);
    assert!(keys.iter().all(|key| asked.err.contains(key.as_str())), "{}", asked.err);
    assert_eq!(home.notyet(&["queue", "show", &keys[0].to_uppercase()]).well().err, "");
    let unknown = home.notyet(&["queue", "drop", "g"]);
    assert_eq!(unknown.code, Some(1), "{}", unknown.err);
    let drafted = home.notyet(&["queue", "drop", &keys[0]]);
    assert_eq!(drafted.code, Some(1));
    assert!(drafted.err.contains("notyet undo"), "{}", drafted.err);
    let shown: Value =
        serde_json::from_str(&home.notyet(&["queue", "show", &keys[0], "--json"]).well().out).unwrap();
    assert_eq!((&shown["state"], &shown["can"]), (&"drafted".into(), &serde_json::json!([])));
    assert!(shown["message"].as_str().unwrap().contains("X-Notyet-Key"), "{shown}");
    assert_eq!(shown["history"].as_array().unwrap().len(), 3, "{shown}");
}

#[test]
fn without_a_ledger_the_queue_says_what_to_do() {
    let home = Home::new();
    home.configure("", &[home.on_maildir("work", "")]);
    for arguments in [&["queue", "list"][..], &["queue", "drop", "a"]] {
        let ran = home.notyet(arguments);
        assert_eq!(ran.code, Some(1));
        assert!(ran.err.contains("notyet run"), "{}", ran.err);
    }
}

/// A home whose letter to Jane was put off by the server and then parked, since she wrote.
async fn parked_since_she_wrote(server: &Dovecot) -> Home {
    let busy = Peer::standing(Script::new(Tls::Implicit).at(At::Mail, Act::Say("451 4.3.0 later\r\n"))).await;
    let home = watched(server, SEND, "", &busy.table("work"));
    server.deliver(&with_reply_to(1, "jane@example.org"));
    home.once().well();
    server.deliver("From: Jane <jane@example.org>\nTo: robin@example.org\nSubject: Hello\n\nMe again.\n");
    home.once().well();
    assert_eq!(queue(&home)[0]["parked_for"], "wrote-meanwhile");
    home
}

#[tokio::test(flavor = "multi_thread")]
async fn who_lets_a_parked_letter_go_overrules_what_it_was_parked_for_and_no_more() {
    let server = dovecot!();
    let home = parked_since_she_wrote(&server).await;
    let peer = Peer::standing(Script::new(Tls::Implicit)).await;
    home.configure(SEND, &[home.on_dovecot("work", &server, "", &peer.table("work"))]);
    let text = std::fs::read_to_string(home.config()).unwrap();
    home.put("notyet.toml", &text.replace("[policy]", "[people]\nkeep = [\"jane@example.org\"]\n[policy]"));
    let key = only_key(&home);
    home.notyet(&["queue", "retry", &key]).well();
    home.once().well();
    assert_eq!((&queue(&home)[0]["parked_for"], peer.seen().bodies.len()), (&"known".into(), 0));
    home.notyet(&["queue", "retry", &key]).well();
    home.once().well();
    assert_eq!((letters(&home), peer.seen().bodies.len()), (serde_json::json!({ "sent": 1 }), 1));
}

/// Where a mailbox is read anew, the mail that parked the letter is met again.
#[tokio::test(flavor = "multi_thread")]
async fn a_letter_that_was_let_go_is_not_parked_again_for_the_same_mail() {
    let server = dovecot!();
    let home = parked_since_she_wrote(&server).await;
    let peer = Peer::standing(Script::new(Tls::Implicit)).await;
    home.configure(SEND, &[home.on_dovecot("work", &server, "", &peer.table("work"))]);
    home.notyet(&["queue", "retry", &only_key(&home)]).well();
    server.renumber_inbox();
    home.once().well();
    assert_eq!((letters(&home), peer.seen().bodies.len()), (serde_json::json!({ "sent": 1 }), 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parked_letter_that_is_let_go_is_no_second_letter_to_an_address() {
    let server = dovecot!();
    let home = parked_since_she_wrote(&server).await;
    let peer = Peer::standing(Script::new(Tls::Implicit)).await;
    home.configure(SEND, &[home.on_dovecot("work", &server, "", &peer.table("work"))]);
    // Another account has answered another invitation of hers meanwhile.
    let ledger = rusqlite::Connection::open(Ledger::file(&home.state())).unwrap();
    assert_eq!(ledger.execute("UPDATE recipient SET key = 'another'", []).unwrap(), 1);
    drop(ledger);
    home.notyet(&["queue", "retry", &only_key(&home)]).well();
    home.once().well();
    home.once().well();
    assert_eq!(peer.seen().bodies.len(), 0);
    assert_eq!((letters(&home), server.files(".Drafts").len()), (serde_json::json!({ "drafted": 1 }), 1));
}

/// A ledger that was put back from a copy of the time before the letter became a draft.
#[tokio::test(flavor = "multi_thread")]
async fn a_letter_whose_draft_stands_says_so_and_undo_removes_the_draft() {
    let server = dovecot!();
    let busy = Peer::standing(Script::new(Tls::Implicit).at(At::Mail, Act::Say("451 4.3.0 later\r\n"))).await;
    let home = watched(&server, SEND, "", &busy.table("work"));
    server.deliver(&with_reply_to(1, "jane@example.org"));
    home.once().well();
    let (file, copy) = (Ledger::file(&home.state()), home.path().join("copy"));
    std::fs::copy(&file, &copy).unwrap();
    let ledger = rusqlite::Connection::open(&file).unwrap();
    ledger.execute("UPDATE recipient SET key = 'another'", []).unwrap();
    drop(ledger);
    home.notyet(&["queue", "retry", &only_key(&home)]).well();
    home.once().well();
    home.once().well();
    assert_eq!(server.files(".Drafts").len(), 1);
    std::fs::copy(&copy, &file).unwrap();

    let peer = Peer::standing(Script::new(Tls::Implicit)).await;
    home.configure(SEND, &[home.on_dovecot("work", &server, "", &peer.table("work"))]);
    let key = only_key(&home);
    for _ in 0..2 {
        home.notyet(&["queue", "retry", &key]).well();
        home.once().well();
        assert_eq!((&queue(&home)[0]["parked_for"], peer.seen().bodies.len()), (&"draft-stands".into(), 0));
    }
    let told = home.notyet(&["queue"]).well().out;
    assert!(told.contains("once its draft is out of Drafts"), "{told}");
    home.notyet(&["undo", &key]).well();
    home.once().well();
    assert_eq!((server.files(".Drafts").len(), peer.seen().bodies.len()), (0, 0));
}

/// The login's secret is read after the queue was, and before the first byte: the word comes between.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_says_of_a_letter_that_was_let_be_meanwhile_changes_nothing() {
    let server = dovecot!();
    let busy = || Script::new(Tls::Implicit).at(At::Mail, Act::Say("451 4.3.0 later\r\n"));
    let refusing = Script::new(Tls::Implicit).at(At::Rcpt, Act::Say("550 5.1.1 no\r\n"));
    for script in [busy(), refusing] {
        server.clear("");
        let first = Peer::standing(busy()).await;
        let home = watched(&server, SEND, "", &first.table("work"));
        server.deliver(&with_reply_to(1, "jane@example.org"));
        home.once().well();
        let key = only_key(&home);
        home.notyet(&["queue", "retry", &key]).well();
        let second = Peer::standing(script).await;
        home.configure(SEND, &[home.on_dovecot("work", &server, "", &letting_be(&home, &key, &second))]);
        home.once().well();
        assert!(second.seen().verbs().contains(&"MAIL"), "{:?}", second.seen().commands);
        assert_eq!(letters(&home), serde_json::json!({ "taken-over": 1 }));
    }
}

/// The process died in the transmission, and its account was renamed before the next one.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_under_way_for_an_account_that_is_gone_can_be_moved_by_a_person() {
    for (policy, step, smtp) in [(SEND, Step::BodyAboutToGo, true), ("", Step::AppendAboutToGo, false)] {
        let server = dovecot!();
        let peer = Peer::standing(Script::new(Tls::Implicit)).await;
        let table = |account: &str| if smtp { peer.table(account) } else { String::new() };
        let home = watched(&server, policy, "", &table("work"));
        server.deliver(&with_reply_to(1, "jane@example.org"));
        pass(&home, Some(step));
        home.configure(policy, &[home.on_dovecot("office", &server, "", &table("office"))]);
        home.once().well();
        let letters = queue(&home);
        assert_eq!((letters.len(), &letters[0]["state"]), (1, &Value::from("uncertain")), "{letters:?}");
        assert_eq!(letters[0]["can"].as_array().unwrap().iter().filter(|word| **word == "retry").count(), 0);
        assert!(letters[0]["meaning"].as_str().unwrap().contains("no account \"work\""), "{letters:?}");
        let refused = home.notyet(&["queue", "retry", &only_key(&home)]);
        assert_eq!(refused.code, Some(1));
        assert!(refused.err.contains("nobody would try it"), "{}", refused.err);
        assert_eq!([home.status("work"), home.status("office")].map(|s| s["watched"] == true), [false, true]);
        assert!(home.notyet(&["status"]).well().out.contains("unwatched   not in the configuration"));
        assert!(home.once().well().err.contains("not in the configuration any more"), "the log tells");
        home.notyet(&["queue", "drop", &only_key(&home)]).well();
        assert_eq!(queue(&home), [Value::Null; 0]);
        assert_eq!(peer.seen().bodies.len(), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_its_hour_says_so_and_no_word_makes_it_hurry() {
    let server = dovecot!();
    let peer = Peer::standing(Script::new(Tls::Implicit)).await;
    let twelve_hours_off = (clock::now().unix_s() / 3600 + 12) % 24;
    let hours = format!(
        "[sending]\nhours = \"{twelve_hours_off:02}:00-{twelve_hours_off:02}:59\"\ntime_zone = \"UTC\"\n"
    );
    let home = watched(&server, &format!("{SEND}\n{hours}"), "", &peer.table("work"));
    server.deliver(&with_reply_to(1, "jane@example.org"));
    home.once().well();
    let [letter] = &queue(&home)[..] else { panic!("{:?}", queue(&home)) };
    assert!(letter["words"].as_str().unwrap().contains("[sending]"), "{letter}");
    let text = home.notyet(&["queue"]).well().out;
    assert!(text.contains("at the next hour for sending") && !text.contains("limits"), "{text}");
    home.notyet(&["queue", "retry", &only_key(&home)]).well();
    home.once().well();
    let text = home.notyet(&["queue"]).well().out;
    assert!(text.contains("no hour for it by [sending]") && !text.contains("Next try"), "{text}");
    assert_eq!(peer.seen().bodies.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_whose_server_is_away_stands_in_the_report_with_what_came_back() {
    let server = dovecot!();
    let peer =
        Peer::standing(Script::new(Tls::Implicit).at(At::Mail, Act::Say("451 4.3.0 not now\r\n"))).await;
    let home = watched(&server, SEND, "", &peer.table("work"));
    server.deliver(&with_reply_to(1, "jane@example.org"));
    home.once();
    let waiting = &home.status("work")["waiting"];
    assert_eq!(waiting[0]["state"], "queued", "{waiting}");
    assert!(waiting[0]["words"].as_str().unwrap().contains("not now"), "{waiting}");
    let text = home.notyet(&["queue"]).well().out;
    assert!(text.contains(" Last: ") && !text.contains(" Why: "), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_letter_that_is_forgotten_waits_for_nobody() {
    let server = dovecot!();
    let peer =
        Peer::standing(Script::new(Tls::Implicit).at(At::Rcpt, Act::Say("550 5.1.1 nobody\r\n"))).await;
    let home = watched(&server, SEND, "", &peer.table("work"));
    server.deliver(&with_reply_to(1, "jane@example.org"));
    home.once().well();
    let [letter] = &queue(&home)[..] else { panic!("{:?}", queue(&home)) };
    assert_eq!((&letter["state"], &letter["attempts"]), (&Value::from("refused"), &Value::from(1)));
    home.notyet(&["forget", "jane@example.org"]).well();
    assert_eq!(queue(&home), [Value::Null; 0]);
    assert_eq!(home.status("work")["waiting"], serde_json::json!([]));
    assert_eq!(letters(&home), serde_json::json!({ "refused": 1 }), "it stays counted");
}
