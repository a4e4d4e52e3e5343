//! What comes back to letters.

use notyet::config::Tls;
use notyet::shell::store::Ledger;

use super::watched as watched_on;
use crate::support::home::Home;
use crate::support::mails::{demo, header, with_reply_to};
use crate::support::smtp_peer::{Act, At, Peer, Script};

/// A home with one Maildir account that sends by `peer` and has had its first run.
fn watched(peer: &Peer) -> Home {
    let home = Home::new();
    home.believe_reply_to();
    let account = home.on_maildir("work", "") + &peer.table("work");
    home.configure("generic = \"send\"\n", &[account]);
    home.once().well();
    home
}

/// A mail to the owner with these fields and this body.
fn mail(fields: &str, body: &str) -> String {
    format!("To: robin@example.org\r\nSubject: Re: something\r\n{fields}\r\n\r\n{body}\r\n")
}

/// The fields of a report on a delivery, and its body.
const REPORT: &str = "From: <mailer-daemon@mx.example.org>\r\n\
                      Content-Type: multipart/report; report-type=delivery-status; boundary=b";

fn report(id: &str, action: &str) -> String {
    format!(
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.org\r\n\r\n\
         Final-Recipient: rfc822; jane@example.com\r\nAction: {action}\r\nStatus: 5.1.1\r\n\r\n\
         --b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: {id}\r\nSubject: s\r\n\r\n--b--\r\n"
    )
}

fn kinds(home: &Home) -> Vec<String> {
    let status = home.status("work");
    let answers = status["answers"].as_array().unwrap();
    answers.iter().map(|answer| answer["kind"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_a_vacation_notice_and_a_bounce_are_noted_and_never_answered() {
    let peer = Peer::standing(Script::new(Tls::Implicit)).await;
    let home = watched(&peer);
    home.deliver("work", "1.test", &with_reply_to(1, "jane@example.com"));
    home.once().well();
    let sent = String::from_utf8(peer.seen().bodies[0].clone()).unwrap();
    let id = header(&sent, "Message-ID").unwrap();

    home.deliver(
        "work",
        "2.test",
        &mail(&format!("From: <jane@example.com>\r\nIn-Reply-To: {id}"), "Thanks!"),
    );
    home.once().well();
    assert_eq!(kinds(&home), ["replied"]);
    let vacation = format!("From: <jane@example.com>\r\nReferences: {id}\r\nAuto-Submitted: auto-replied");
    home.deliver("work", "3.test", &mail(&vacation, "I am away."));
    home.deliver("work", "4.test", &mail(REPORT, &report(&id, "delayed")));
    home.once().well();
    assert_eq!(kinds(&home).len(), 2, "a delay is no bounce");
    home.deliver("work", "5.test", &mail(REPORT, &report(&id, "failed")));
    home.once().well();
    let mut kinds = kinds(&home);
    kinds.sort();
    assert_eq!(kinds, ["auto-answered", "bounced", "replied"]);
    assert!(home.notyet(&["status"]).well().out.contains("replied"));
    assert_eq!((peer.seen().bodies.len(), home.drafts("work").len()), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_that_waits_is_not_sent_to_somebody_who_wrote_meanwhile() {
    let peer = Peer::standing(Script::new(Tls::Implicit).at(At::Mail, Act::Say("451 4.3.0 later\r\n"))).await;
    let home = watched(&peer);
    home.deliver("work", "1.test", &with_reply_to(1, "jane@example.com"));
    home.deliver("work", "2.test", &with_reply_to(2, "joe@example.com"));
    home.once().well();
    assert_eq!(home.status("work")["letters"]["queued"], 2);
    home.deliver("work", "3.test", &mail("From: Jane <JANE@example.com>", "About that invitation"));
    home.once().well();
    let status = home.status("work");
    assert_eq!((&status["letters"]["parked"], &status["letters"]["queued"]), (&1.into(), &1.into()));
    assert!(status["waiting"][0]["words"].as_str().unwrap().starts_with("they wrote to you"));
}

/// Both lay in the mailbox at the same look.
#[tokio::test(flavor = "multi_thread")]
async fn who_wrote_right_after_inviting_gets_no_letter_by_itself() {
    let peer = Peer::standing(Script::new(Tls::Implicit)).await;
    let home = watched(&peer);
    home.deliver("work", "1.test", &with_reply_to(1, "jane@example.com"));
    home.deliver("work", "2.test", &mail("From: Jane <jane@example.com>", "About that invitation"));
    home.once().well();
    assert_eq!((home.status("work")["letters"]["parked"].clone(), peer.seen().bodies.len()), (1.into(), 0));
}

/// Under a new UIDVALIDITY nothing tells any more what was read: what came back is searched for, as invitations are.
#[tokio::test(flavor = "multi_thread")]
async fn what_came_back_is_found_under_a_new_uidvalidity() {
    let server = dovecot!();
    let peer = Peer::standing(Script::new(Tls::Implicit)).await;
    let home = watched_on(&server, "generic = \"send\"\n", "", &peer.table("work"));
    server.deliver(&with_reply_to(1, "jane@example.com"));
    home.once().well();
    let sent = String::from_utf8(peer.seen().bodies[0].clone()).unwrap();
    let id = header(&sent, "Message-ID").unwrap();

    server.deliver(&mail(&format!("From: <jane@example.com>\r\nIn-Reply-To: {id}"), "Thanks!"));
    let vacation = format!("From: <jane@example.com>\r\nReferences: {id}\r\nAuto-Submitted: auto-replied");
    server.deliver(&mail(&vacation, "I am away."));
    server.deliver(&mail(REPORT, &report(&id, "failed")));
    server.renumber_inbox();
    home.once().well();
    let mut kinds = kinds(&home);
    kinds.sort();
    assert_eq!(kinds, ["auto-answered", "bounced", "replied"]);
}

/// A guest's invitation comes from the guest's own address, and so does its reminder: that is no word of theirs.
#[tokio::test(flavor = "multi_thread")]
async fn a_reminder_in_the_inviters_name_does_not_hold_their_letter_back() {
    let peer = Peer::standing(Script::new(Tls::Implicit).at(At::Mail, Act::Say("451 4.3.0 later\r\n"))).await;
    let home = watched(&peer);
    let invitation = demo("2009-09-guest-note-default");
    home.deliver("work", "1.test", &invitation);
    home.once().well();
    home.deliver("work", "2.test", &invitation.replace("<381814797.", "<381814798."));
    home.once().well();
    assert_eq!(home.status("work")["letters"]["queued"], 1, "{}", home.status("work"));
    home.deliver("work", "3.test", &mail("From: <tobias.arendt@example.com>", "About that invitation"));
    home.once().well();
    assert_eq!(home.status("work")["letters"]["parked"], 1);
}

/// The letter goes to the Reply-To, and its reader writes from the address in the From.
#[tokio::test(flavor = "multi_thread")]
async fn a_letter_that_waits_is_not_sent_to_somebody_who_wrote_from_their_own_address() {
    let peer = Peer::standing(Script::new(Tls::Implicit).at(At::Mail, Act::Say("451 4.3.0 later\r\n"))).await;
    let home = watched(&peer);
    let invitation = demo("2009-09-guest-note-default");
    let invitation = invitation.replacen("\nFrom:", "\nReply-To: elsewhere@example.org\nFrom:", 1);
    home.deliver("work", "1.test", &invitation);
    home.deliver("work", "2.test", &mail("From: <somebody@example.com>", "Another person of that domain"));
    home.once().well();
    assert_eq!(home.status("work")["letters"]["queued"], 1, "{}", home.status("work"));
    home.deliver("work", "3.test", &mail("From: <Tobias.Arendt@example.com>", "About that invitation"));
    home.once().well();
    assert_eq!(home.status("work")["letters"]["parked"], 1);
}

/// Under a new UIDVALIDITY a letter that waits is not sent to somebody who wrote meanwhile either.
#[tokio::test(flavor = "multi_thread")]
async fn a_letter_that_waits_is_not_sent_to_who_wrote_before_a_new_uidvalidity() {
    let server = dovecot!();
    let peer = Peer::standing(Script::new(Tls::Implicit).at(At::Mail, Act::Say("451 4.3.0 later\r\n"))).await;
    let home = watched_on(&server, "generic = \"send\"\n", "", &peer.table("work"));
    server.deliver(&with_reply_to(1, "jane@example.com"));
    home.once().well();
    assert_eq!(home.status("work")["letters"]["queued"], 1);
    server.deliver(&mail("From: Jane <JANE@example.com>", "About that invitation"));
    server.renumber_inbox();
    home.once().well();
    assert_eq!(home.status("work")["letters"]["parked"], 1, "{}", home.status("work"));
}

/// What answers a letter of ours is no invitation, whatever it quotes.
#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_that_claims_to_answer_our_letter_is_left() {
    let peer = Peer::standing(Script::new(Tls::Implicit)).await;
    let home = watched(&peer);
    let thread = "In-Reply-To: <notyet.0123456789abcdef0123456789abcdef@example.org>\n";
    home.deliver(
        "work",
        "1.test",
        &with_reply_to(1, "jane@example.com").replacen("\nSubject:", &format!("\n{thread}Subject:"), 1),
    );
    home.once().well();
    assert_eq!((peer.seen().bodies.len(), home.drafts("work").len()), (0, 0));
    let ledger = rusqlite::Connection::open(Ledger::file(&home.state())).unwrap();
    let reason: String = ledger.query_row("SELECT reason_code FROM plan", [], |row| row.get(0)).unwrap();
    assert_eq!(reason, "answer-to-ours");
}

/// A filter lays the networks' mail into a folder of its own; what people write stays in the inbox.
#[tokio::test(flavor = "multi_thread")]
async fn who_wrote_to_another_mailbox_of_the_account_gets_no_letter_by_itself() {
    let server = dovecot!();
    let peer = Peer::standing(Script::new(Tls::Implicit)).await;
    server.storage().make(".Networks");
    let keys = "mailboxes = [\"INBOX\", \"Networks\"]";
    let home = watched_on(&server, "generic = \"send\"\n", keys, &peer.table("work"));
    server.put(".Networks", &with_reply_to(1, "jane@example.com"));
    server.deliver(&mail("From: Jane <jane@example.com>", "About that invitation"));
    home.once().well();
    assert_eq!((home.status("work")["letters"]["parked"].clone(), peer.seen().bodies.len()), (1.into(), 0));
}

/// A mail of their own hand that names no letter, while theirs is in doubt or has just gone.
#[tokio::test(flavor = "multi_thread")]
async fn who_writes_while_their_letter_is_under_way_is_noted() {
    for (at_dot, state) in [(Act::Close, "uncertain"), (Act::Say("250 ok\r\n"), "sent")] {
        let peer = Peer::standing(Script::new(Tls::Implicit).at(At::Dot, at_dot)).await;
        let home = watched(&peer);
        home.deliver("work", "1.test", &with_reply_to(1, "jane@example.com"));
        home.once().well();
        assert_eq!(home.status("work")["letters"][state], 1);
        home.deliver("work", "2.test", &mail("From: <joe@example.com>", "Hello"));
        let machine = "From: <jane@example.com>\r\nAuto-Submitted: auto-generated";
        home.deliver("work", "3.test", &mail(machine, "I am a machine."));
        home.once().well();
        assert_eq!(kinds(&home), [""; 0]);
        home.deliver("work", "4.test", &mail("From: Jane <jane@example.com>", "About that invitation"));
        home.once().well();
        assert_eq!(kinds(&home), ["replied"], "{state}");
    }
}
