//! Trouble of one mail or one account stays the trouble of that one.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, TcpListener};

use notyet::app::ingest::{Unwatched, ingest};
use notyet::app::port::Port;
use notyet::app::setup;
use notyet::app::shared::{Memory, Shared, Stop};
use notyet::domain::Fault;
use notyet::shell::clock;
use notyet::shell::store::Ledger;
use serde_json::json;

use super::watched;
use crate::support::home::Home;
use crate::support::mails::{body, demo, to_paste};
use crate::support::peer::{Peer, exchange, expect, say};
use crate::support::tap::Tap;

#[test]
fn a_dead_server_of_one_account_does_not_stop_the_other() {
    let server = dovecot!();
    let dead = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
    let home = Home::new();
    home.configure("", &[home.on_port("dead", dead, ""), home.on_dovecot("work", &server, "", "")]);
    assert_eq!(home.once().code, Some(75), "what failed may work later");
    server.deliver(&to_paste(1));
    let ran = home.once();
    assert_eq!(ran.code, Some(75));
    assert_eq!(server.files(".Drafts").len(), 1);
    assert!(ran.err.contains(&format!("127.0.0.1:{dead}")), "{}", ran.err);
    let status = home.status("dead");
    assert_eq!(
        (&status["needs_you"], &status["trouble"][0]["port"]),
        (&json!([]), &json!("imap")),
        "{status}"
    );
    assert!(status["trouble"][0]["words"].as_str().unwrap().contains("127.0.0.1"), "{status}");
    assert_eq!(home.status("work")["trouble"], json!([]));
}

#[test]
fn what_cannot_be_read_is_listed_and_does_not_stop_the_mail_behind_it() {
    let server = dovecot!();
    let home = watched(&server, "", "", "");
    let oversized = to_paste(1) + &"x".repeat(3 << 20);
    let two_authors = to_paste(2).replacen("\nFrom:", "\nFrom: Another <invitations@linkedin.com>\nFrom:", 1);
    let inbox = [oversized, two_authors, to_paste(3)];
    for mail in &inbox {
        server.deliver(mail);
    }
    home.once().well();
    let status = home.status("work");
    let listed: Vec<_> =
        status["unreadable"].as_array().unwrap().iter().map(|mail| mail["uid"].clone()).collect();
    assert_eq!(listed, [1, 2], "{status}");
    assert!(status["unreadable"][0]["why"].as_str().unwrap().contains("max_body_bytes"), "{status}");
    assert_eq!(server.files(".Drafts").len(), 1);
    assert_eq!(server.messages("").len(), inbox.len(), "what it cannot read it leaves where it is");
    home.once().well();
    assert_eq!(home.status("work")["unreadable"].as_array().unwrap().len(), 2);
}

fn opened(home: &Home) -> (notyet::config::Account, Shared) {
    let setup = setup::load(&home.config()).unwrap_or_else(|problems| panic!("{problems}"));
    let ledger = Ledger::open(&home.state()).unwrap();
    let account = setup.config.accounts.into_iter().next().unwrap();
    (account, Shared::new(setup.rules, setup.config.owner, setup.policy, ledger, clock::now))
}

async fn look(
    account: &notyet::config::Account,
    shared: &Shared,
    memory: &mut Memory,
    stop: &Stop,
) -> Result<(), Fault> {
    let mut port = Port::connect(account, shared.uids(account)).await?;
    ingest(&mut port, account, shared, memory, &mut Unwatched, stop).await.map(|_| ())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_breaks_the_line_each_time_is_set_aside_after_three_tries() {
    const POISON: &str = "zq-breaks-the-line-qz";
    let server = dovecot!();
    let tap = Tap::that_breaks_at(server.imap_port, POISON);
    let home = Home::new();
    home.configure("", &[home.on_port("work", tap.port, "")]);
    home.once().well();
    server.deliver(&to_paste(1));
    server.deliver(&(to_paste(2) + "\n" + POISON + "\n"));
    server.deliver(&to_paste(3));
    let (account, shared) = opened(&home);
    let (_switch, stop) = Stop::new();
    let mut memory = Memory::default();
    for attempt in 1..=3 {
        let broken = look(&account, &shared, &mut memory, &stop).await;
        assert!(matches!(broken, Err(Fault::Transient(_))), "try {attempt}: {broken:?}");
    }
    look(&account, &shared, &mut memory, &stop).await.unwrap();
    let status = shared.ledger().status().unwrap().accounts.remove(0);
    assert_eq!(status.quarantined.iter().map(|mail| mail.uid).collect::<Vec<_>>(), [2]);
    assert_eq!(shared.ledger().due("work", clock::now()).unwrap().len(), 2, "its neighbours are read");
    let tries = tap.heard().iter().filter(|said| said.contains("BODY.PEEK[]")).count();
    assert_eq!(tries, 4, "three that broke, and the one that left it out");
}

/// What a server that has lost the text of a mail says each time.
#[tokio::test]
async fn a_body_that_is_nil_each_time_is_set_aside_and_not_taken_as_gone() {
    let mail = to_paste(1);
    let header = mail.split_once("\n\n").unwrap().0.replace('\n', "\r\n");
    let opening = |uid_next: u32| {
        let uid_next = format!("* OK [UIDNEXT {uid_next}] x");
        let greeting = say("* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR] ready");
        let examined = ["* 1 EXISTS", "* OK [UIDVALIDITY 7] x", &uid_next, "{tag} OK done"];
        let mut steps = vec![greeting, expect("AUTHENTICATE PLAIN "), say("{tag} OK welcome")];
        steps.extend(exchange("CAPABILITY", &["* CAPABILITY IMAP4rev1", "{tag} OK done"]));
        steps.extend(exchange("EXAMINE \"INBOX\"", &examined));
        steps
    };
    let fields = format!(
        "* 1 FETCH (UID 5 RFC822.SIZE 4000 BODY[HEADER.FIELDS (From)]<0> {{{}}}\r\n{header})",
        header.len()
    );
    let with_header = || {
        let mut steps = opening(6);
        steps.extend(exchange("UID FETCH 5 (UID RFC822.SIZE", &[&fields, "{tag} OK done"]));
        steps
    };
    let with_nil = || {
        let mut steps = with_header();
        steps.extend(exchange(
            "UID FETCH 5 (UID BODY.PEEK[]",
            &["* 1 FETCH (UID 5 BODY[]<0> NIL)", "{tag} OK done"],
        ));
        steps
    };
    // Before the last try another mail is looked for, and one byte of it shows that there is no outage.
    let with_nil_alone = || {
        let mut steps = with_header();
        let sizes = "UID FETCH 1:4,6:1005 (UID RFC822.SIZE INTERNALDATE)";
        steps.extend(exchange(sizes, &["* 2 FETCH (UID 7 RFC822.SIZE 4000)", "{tag} OK done"]));
        let byte = "* 2 FETCH (UID 7 BODY[]<0> {1}\r\nF)";
        steps.extend(exchange("UID FETCH 7 (UID BODY.PEEK[]<0.1>)", &[byte, "{tag} OK done"]));
        steps.extend(with_nil().split_off(with_header().len()));
        steps
    };
    let peer = Peer::serve(vec![opening(5), with_nil(), with_nil(), with_nil_alone(), with_header()]).await;
    let home = Home::new();
    home.configure("", &[home.on_port("work", peer.port(), "")]);
    let (account, shared) = opened(&home);
    let (_switch, stop) = Stop::new();
    let mut memory = Memory::default();
    look(&account, &shared, &mut memory, &stop).await.unwrap();
    for attempt in 1..=3 {
        let broken = look(&account, &shared, &mut memory, &stop).await;
        assert!(matches!(broken, Err(Fault::Transient(_))), "try {attempt}: {broken:?}");
    }
    look(&account, &shared, &mut memory, &stop).await.unwrap();
    peer.finish().await;
    let status = shared.ledger().status().unwrap().accounts.remove(0);
    assert_eq!(status.quarantined.iter().map(|mail| mail.uid).collect::<Vec<_>>(), [5]);
    assert_eq!(status.cursors[0].1.next_uid, 6);
}

#[tokio::test]
async fn a_stop_in_the_middle_of_a_look_skips_no_mail() {
    let home = Home::new();
    home.configure("", &[home.on_maildir("work", "")]);
    home.once().well();
    home.deliver("work", "1.a.b", &to_paste(1));
    // Its header alone shows that it cannot be read: it is listed before the first body is asked for.
    home.deliver("work", "2.a.b", &to_paste(2).replacen("\nFrom:", "\nFrom: b@linkedin.com\nFrom:", 1));
    home.deliver("work", "3.a.b", &to_paste(3));
    let (account, mut shared) = opened(&home);
    shared.uids_dir = Some(home.state().join("maildir"));
    let mut memory = Memory::default();
    let (switch, stop) = Stop::new();
    switch.send(true).unwrap();
    look(&account, &shared, &mut memory, &stop).await.unwrap();
    assert_eq!(shared.ledger().status().unwrap().accounts[0].quarantined.len(), 1);
    assert_eq!(shared.ledger().due("work", clock::now()).unwrap().len(), 0);

    let (_switch, stop) = Stop::new();
    look(&account, &shared, &mut memory, &stop).await.unwrap();
    assert_eq!(shared.ledger().due("work", clock::now()).unwrap().len(), 2);
}

#[test]
fn a_wave_is_held_at_the_limit_and_each_letter_is_made_once() {
    let home = Home::new();
    home.configure("", &[home.on_maildir("work", "")]);
    let text = std::fs::read_to_string(home.config()).unwrap();
    home.put("notyet.toml", &text.replace("max_per_hour = 1000", "max_per_hour = 2"));
    home.once().well();
    for number in 1..=4 {
        home.deliver("work", &format!("{number}.a.b"), &to_paste(number));
    }
    for _ in 0..2 {
        home.once().well();
        assert_eq!(home.drafts("work").len(), 2);
        assert_eq!(home.status("work")["letters"]["held"], 2);
    }
    home.put("notyet.toml", &text);
    home.once().well();
    let bodies: BTreeSet<_> = home.drafts("work").iter().map(|draft| body(draft)).collect();
    assert_eq!((home.drafts("work").len(), bodies.len()), (4, 4));
}

#[test]
fn nothing_new_costs_a_handful_of_commands() {
    let server = dovecot!();
    let tap = Tap::on(server.imap_port);
    let home = Home::new();
    for number in 1..=3 {
        server.deliver(&to_paste(number));
        server.deliver(&demo("2026-11-friend"));
    }
    home.configure("", &[home.on_port("work", tap.port, "")]);
    home.once().well();
    home.once().well();
    let second = tap.heard().pop().unwrap();
    let commands = second.lines().count();
    assert!(commands <= 6, "{commands}: {second}");
    assert!(!second.contains("FETCH"), "{second}");
}
