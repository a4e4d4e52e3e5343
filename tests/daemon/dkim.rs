//! Our own DKIM check in the whole daemon: a Maildir whose mail carries no
//! Authentication-Results, a name server, a submission server.

use std::fs;

use notyet::config::Tls;

use crate::support::dns::{NameServer, Says};
use crate::support::home::Home;
use crate::support::mails::{demo, with_reply_to};
use crate::support::signer::{ALL, Signer};
use crate::support::smtp_peer::{Peer, Script};

const SEND: &str = "generic = \"send\"";
/// A host below the network's domain.
const NETWORK: &str = "mailtest.linkedin.com";

/// `mail` as a provider delivers it that writes no results, and without its signatures.
fn bare(mail: &str) -> String {
    let mail = mail.replace("\r\n", "\n");
    let (head, body) = mail.split_once("\n\n").unwrap();
    let mut kept = Vec::new();
    let mut drops = false;
    for line in head.lines() {
        if !line.starts_with([' ', '\t']) {
            drops = line.starts_with("Authentication-Results:") || line.starts_with("DKIM-Signature:");
        }
        if !drops {
            kept.push(line);
        }
    }
    format!("{}\n\n{body}", kept.join("\n"))
}

/// A home that has had its first run; `keys` are those of the account.
fn watched(keys: &str, peer: &Peer) -> Home {
    let home = Home::new();
    home.believe_reply_to();
    let account = home.on_maildir("work", keys).replace("authserv_id = \"mx.example.org\"\n", "");
    home.configure(SEND, &[account, peer.table("work")]);
    let config = fs::read_to_string(home.config()).unwrap();
    home.put("notyet.toml", &format!("sandbox = \"auto\"\n{config}"));
    home.once().well();
    home
}

fn verify(server: &NameServer) -> String {
    format!("dkim = \"verify\"\nresolver = \"{}\"", server.addr)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_without_results_is_sent_drafted_or_left_as_the_networks_signature_says() {
    let signer = Signer::new(NETWORK, "t1");
    let server = NameServer::start([signer.zone()]);
    let peer = Peer::standing(Script::new(Tls::Implicit)).await;
    let home = watched(&verify(&server), &peer);
    let invitation = |n: u32| bare(&with_reply_to(n, &format!("jane{n}@example.org")));
    let unsigned_reply_to: Vec<_> = ALL.iter().copied().filter(|field| *field != "Reply-To").collect();
    for (file, mail) in [
        ("1.holds", signer.sign(&invitation(1), ALL, "")),
        ("2.changed", signer.sign(&invitation(2), ALL, "").replace("jane2@", "victim@")),
        ("3.unsigned", invitation(3)),
        ("4.reply-to-is-not-signed", signer.sign(&invitation(4), &unsigned_reply_to, "")),
        ("5.of-another", Signer::new("example.net", "t1").sign(&invitation(5), ALL, "")),
        ("6.no-such-key", Signer::new(NETWORK, "t2").sign(&invitation(6), ALL, "")),
        // No invitation, and somebody's letter: nobody is asked about these.
        ("7.accepted", signer.sign(&bare(&demo("2016-01-accepted")), ALL, "")),
        ("8.friend", Signer::new("friend.example", "t1").sign(&bare(&demo("2026-11-friend")), ALL, "")),
    ] {
        home.deliver("work", file, &mail);
    }
    home.once().well();
    home.once().well();
    let status = home.status("work");
    let seen = peer.seen();
    assert_eq!(seen.bodies.len(), 1, "{status}");
    assert!(seen.commands.iter().any(|line| line.contains("jane1@example.org")), "{:?}", seen.commands);
    let drafts = home.drafts("work");
    assert_eq!(drafts.len(), 1, "{status}");
    assert!(drafts[0].contains("jane4@example.org"));
    let decided = |word: &str| status["decisions"][word].clone();
    assert_eq!(
        (decided("send"), decided("draft"), decided("leave")),
        (1.into(), 1.into(), 4.into()),
        "{status}"
    );
    let mut asked = server.asked();
    asked.sort();
    let [first, second] = [1, 2].map(|n| format!("t{n}._domainkey.{NETWORK}"));
    assert_eq!(
        asked,
        [first.clone(), first.clone(), first, second],
        "one question for each signature that could count"
    );
}

/// What a server hands out is what was signed, to the last byte.
#[tokio::test(flavor = "multi_thread")]
async fn a_signature_holds_in_what_a_real_server_hands_out() {
    let server = dovecot!();
    let signer = Signer::new(NETWORK, "t1");
    let names = NameServer::start([signer.zone()]);
    let peer = Peer::standing(Script::new(Tls::Implicit)).await;
    let home = Home::new();
    home.believe_reply_to();
    let account = home.on_dovecot("work", &server, &verify(&names), &peer.table("work"));
    home.configure(SEND, &[account.replace("authserv_id = \"mx.example.org\"\n", "")]);
    home.once().well();
    let mail = signer.sign(&bare(&with_reply_to(1, "jane@example.org")), ALL, "");
    server.deliver(&mail);
    server.deliver(&mail.replace("Subject: ", "Subject: Re: ").replace("529547284.1", "529547284.2"));
    home.once().well();
    let status = home.status("work");
    assert_eq!((peer.seen().bodies.len(), names.asked().len()), (1, 2), "{status}");
    assert_eq!(server.files(".Posted").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_dns_gives_no_answer_letters_are_drafted_and_the_queue_goes_on() {
    for (says, questions) in [(Says::Failure, 4), (Says::Silence, 2)] {
        let signer = Signer::new(NETWORK, "t1");
        let server = NameServer::start([(signer.name(), says)]);
        let peer = Peer::standing(Script::new(Tls::Implicit)).await;
        let home = watched(&verify(&server), &peer);
        for n in [1, 2] {
            let mail = bare(&with_reply_to(n, &format!("jane{n}@example.org")));
            home.deliver("work", &format!("{n}.a"), &signer.sign(&mail, ALL, ""));
        }
        let ran = home.once().well();
        assert!(ran.err.contains("could not be looked up"), "{}", ran.err);
        let status = home.status("work");
        assert_eq!((home.drafts("work").len(), peer.seen().bodies.len()), (2, 0), "{status}");
        assert_eq!(status["decisions"]["draft"], 2, "{status}");
        assert_eq!(server.asked().len(), questions, "after silence nobody is asked for a while");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_asked_who_did_not_say_so() {
    let signer = Signer::new(NETWORK, "t1");
    let server = NameServer::start([signer.zone()]);
    let peer = Peer::standing(Script::new(Tls::Implicit)).await;
    let home = watched(&format!("dkim = \"provider\"\nresolver = \"{}\"", server.addr), &peer);
    let mail = bare(&with_reply_to(1, "jane@example.org"));
    home.deliver("work", "1.a", &signer.sign(&mail, ALL, ""));
    home.once().well();
    assert_eq!((home.drafts("work").len(), peer.seen().bodies.len()), (1, 0));
    assert_eq!(server.asked(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn check_and_doctor_ask_the_dns_where_they_are_told_to() {
    let signer = Signer::new(NETWORK, "t1");
    let server = NameServer::start([signer.zone()]);
    let peer = Peer::standing(Script::new(Tls::Implicit)).await;
    let home = watched(&verify(&server), &peer);
    let mail = signer.sign(&bare(&with_reply_to(1, "jane@example.org")), ALL, "");
    let file = home.put("mail.eml", &mail);
    let file = file.to_str().unwrap();
    let holds = format!("the signature of {NETWORK} holds");
    let check = |options: &[&str]| home.notyet(&[&["check", file], options].concat()).well().out;
    let said = check(&["--assume-authentic"]);
    assert!(said.contains("assumed") && server.asked().is_empty(), "{said}");
    let said = check(&[]);
    assert!(said.contains(&holds) && server.asked().len() == 1, "as the daemon would: {said}");
    let config = fs::read_to_string(home.config()).unwrap();
    home.put("notyet.toml", &config.replace("dkim = \"verify\"", "dkim = \"provider\""));
    let said = check(&[]);
    assert!(said.contains("No authserv_id") && server.asked().len() == 1, "{said}");
    let said = check(&["--dkim"]);
    assert!(said.contains(&holds) && server.asked().len() == 2, "{said}");
    home.put("notyet.toml", &config);
    let said = home.notyet(&["doctor"]).out;
    assert!(said.contains("the DNS answers questions for keys"), "{said}");

    let dead = NameServer::start([("notyet._domainkey.example.org".to_owned(), Says::Failure)]);
    home.put("notyet.toml", &config.replace(&server.addr.to_string(), &dead.addr.to_string()));
    let ran = home.notyet(&["doctor"]);
    assert!(ran.out.contains("SERVFAIL"), "{}", ran.out);
}
