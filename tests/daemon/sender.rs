//! Which address letters come from, where accounts have one of their own.

use notyet::config::Tls;
use notyet::shell::store::Ledger;
use serde_json::{Value, json};

use crate::support::home::{Home, messages};
use crate::support::mails::{body, header, to_paste, with_reply_to};
use crate::support::smtp_peer::{Act, At, Peer, Script};

const SEND: &str = "generic = \"send\"";
const SECOND: &str = "from = \"robin@second.example\"";

/// An owner of two addresses.
fn configure(home: &Home, policy: &str, accounts: &[String]) {
    home.configure(policy, accounts);
    let text = std::fs::read_to_string(home.config()).unwrap();
    let first = "[\"robin@example.org\"]";
    assert!(text.contains(first));
    home.put("notyet.toml", &text.replace(first, "[\"robin@example.org\", \"robin@second.example\"]"));
}

/// A Maildir account that sends by `peer`, after its first run.
fn begun(peer: &Peer, keys: &str) -> Home {
    let home = Home::new();
    home.believe_reply_to();
    configure(&home, SEND, &[home.on_maildir("work", keys) + &peer.table("work")]);
    home.once().well();
    home
}

fn senders(peer: &Peer) -> Vec<String> {
    let commands = peer.seen().commands.into_iter();
    commands
        .filter_map(|line| Some(line.strip_prefix("MAIL FROM:<")?.split_once('>')?.0.to_owned()))
        .collect()
}

/// The addresses in From and in Message-ID, of which the latter shows only the domain.
fn shown_sender(message: &str) -> (String, String) {
    let from = header(message, "From").unwrap();
    let id = header(message, "Message-ID").unwrap();
    let key = header(message, "X-Notyet-Key").unwrap();
    assert_eq!(id, format!("<{key}>"));
    (from, id.rsplit_once('@').unwrap().1.trim_end_matches('>').to_owned())
}

fn pair(from: &str, domain: &str) -> (String, String) {
    (from.to_owned(), domain.to_owned())
}

/// The first letter of the queue.
fn waiting(home: &Home) -> Value {
    let list: Value = serde_json::from_str(&home.notyet(&["queue", "list", "--json"]).well().out).unwrap();
    list["letters"][0].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_account_sends_and_drafts_from_its_own_address() {
    let work = Peer::standing(Script::new(Tls::Implicit)).await;
    let play = Peer::standing(Script::new(Tls::Implicit)).await;
    let home = Home::new();
    home.believe_reply_to();
    let accounts = [
        home.on_maildir("work", "") + &work.table("work"),
        home.on_maildir("play", SECOND) + &play.table("play"),
    ];
    configure(&home, SEND, &accounts);
    home.once().well();
    home.deliver("work", "1", &with_reply_to(1, "jane@example.org"));
    home.deliver("work", "2", &to_paste(2));
    home.deliver("play", "3", &with_reply_to(3, "mira@example.org"));
    home.deliver("play", "4", &to_paste(4));
    home.once().well();

    let second = pair("Robin Keller <robin@second.example>", "second.example");
    let first = pair("Robin Keller <robin@example.org>", "example.org");
    for (name, peer, shown) in [("work", &work, first), ("play", &play, second)] {
        let address = shown.0.split(['<', '>']).nth(1).unwrap();
        assert_eq!(senders(peer), [address], "{name}");
        let bodies = peer.seen().bodies;
        let sent: Vec<_> = bodies.into_iter().map(|bytes| String::from_utf8(bytes).unwrap()).collect();
        let (copies, drafts) = (messages(&home.maildir(name).join(".Sent")), home.drafts(name));
        for letters in [&sent, &copies, &drafts] {
            let [letter] = letters.as_slice() else { panic!("{name}: {letters:?}") };
            assert_eq!(shown_sender(letter), (format!("\"Robin Keller\" <{address}>"), shown.1.clone()));
        }
        let text = body(&drafts[0]);
        assert!(text.contains(&format!("write to me at {address}")), "{text}");
        assert_eq!(home.status(name)["letters"], json!({ "drafted": 1, "sent": 1 }));
    }
}

#[test]
fn a_letter_that_is_only_shown_names_the_address_of_its_account() {
    let home = Home::new();
    configure(&home, "", &[home.on_maildir("play", SECOND), home.on_maildir("work", "")]);
    let mail = home.put("mail.eml", &to_paste(1));
    let check = |account| {
        let mail = mail.to_str().unwrap();
        home.notyet(&["check", "--assume-authentic", "--account", account, mail]).well().out
    };
    home.deliver("play", "1", &to_paste(1));
    for (shown, address) in [
        (check("play"), "robin@second.example"),
        (check("work"), "robin@example.org"),
        (
            home.notyet(&["letters", "show", "--paste", "--kind", "generic"]).well().out,
            "robin@second.example",
        ),
        (
            home.notyet(&["preview", "--json", "--since", "1d", "--account", "play"]).well().out,
            "robin@second.example",
        ),
        (home.notyet(&["config", "check"]).well().out, "[account.play]\nfrom = \"robin@second.example\""),
    ] {
        assert!(shown.contains(address), "{address}: {shown}");
    }
}

/// What stands in From is composed once; another envelope sender would break DMARC's alignment.
#[tokio::test(flavor = "multi_thread")]
async fn a_letter_that_waits_keeps_the_address_it_was_written_from() {
    let busy = Peer::standing(Script::new(Tls::Implicit).at(At::Mail, Act::Say("451 4.3.0 later\r\n"))).await;
    let home = begun(&busy, "");
    home.deliver("work", "1", &with_reply_to(1, "jane@example.org"));
    home.once().well();
    assert_eq!((senders(&busy).len(), busy.seen().bodies.len()), (1, 0));

    let peer = Peer::standing(Script::new(Tls::Implicit)).await;
    configure(&home, SEND, &[home.on_maildir("work", SECOND) + &peer.table("work")]);
    home.notyet(&["queue", "retry", waiting(&home)["key"].as_str().unwrap()]).well();
    home.deliver("work", "2", &with_reply_to(2, "mira@example.org"));
    home.once().well();
    let bodies = peer.seen().bodies.into_iter().map(|bytes| String::from_utf8(bytes).unwrap());
    let froms: Vec<_> = bodies.map(|body| shown_sender(&body).0).collect();
    let envelopes = senders(&peer).into_iter().map(|address| format!("\"Robin Keller\" <{address}>"));
    assert_eq!(envelopes.collect::<Vec<_>>(), froms);
    let both = ["\"Robin Keller\" <robin@example.org>", "\"Robin Keller\" <robin@second.example>"];
    assert_eq!(froms, both);
}

/// Answers to it would reach nobody, or somebody else by now.
#[tokio::test(flavor = "multi_thread")]
async fn a_letter_from_an_address_that_is_no_more_the_owners_waits_for_a_person() {
    let busy = Peer::standing(Script::new(Tls::Implicit).at(At::Mail, Act::Say("451 4.3.0 later\r\n"))).await;
    let home = begun(&busy, SECOND);
    home.deliver("work", "1", &with_reply_to(1, "jane@example.org"));
    home.once().well();
    let peer = Peer::standing(Script::new(Tls::Implicit)).await;
    let account = |keys| home.on_maildir("work", keys) + &peer.table("work");
    home.configure(SEND, &[account("")]);
    let retried = || {
        let key = waiting(&home)["key"].as_str().unwrap().to_owned();
        home.notyet(&["queue", "retry", &key]).well();
        home.once().well();
        peer.seen().bodies.len()
    };
    for _ in 0..2 {
        assert_eq!(retried(), 0);
        assert_eq!(waiting(&home)["parked_for"], "not-from-owner");
    }
    configure(&home, SEND, &[account("")]);
    assert_eq!(retried(), 1);
    assert_eq!(senders(&peer), ["robin@second.example"]);
}

/// A ledger put back from a copy of a moment ago meets its own letters, from another address.
#[tokio::test(flavor = "multi_thread")]
async fn letters_from_the_address_of_before_are_known_as_ours() {
    let peer = Peer::standing(Script::new(Tls::Implicit)).await;
    let home = begun(&peer, "");
    let (file, copy) = (Ledger::file(&home.state()), home.path().join("copy"));
    std::fs::copy(&file, &copy).unwrap();
    home.deliver("work", "1", &with_reply_to(1, "jane@example.org"));
    home.deliver("work", "2", &to_paste(2));
    home.once().well();
    let sent = || peer.seen().bodies.len();
    assert_eq!((sent(), home.drafts("work").len()), (1, 1));
    std::fs::copy(&copy, &file).unwrap();
    configure(&home, SEND, &[home.on_maildir("work", SECOND) + &peer.table("work")]);
    home.once().well();
    assert_eq!((sent(), home.drafts("work").len()), (1, 1));
    assert_eq!(home.status("work")["letters"], json!({ "drafted": 1, "sent": 1 }));
}
