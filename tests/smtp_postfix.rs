//! Tests of the smtp boundary against a real Postfix.

use notyet::config::{Smtp, Tls};
use notyet::domain::{Address, Identity, InvitationKey, Letter, MessageId, Timestamp};
use notyet::shell::Secret;
use notyet::shell::sender::{Outcome, Phase, Submission, submit};
use notyet::stages::mime::{Frame, Purpose, render};
use zeroize::Zeroizing;

use crate::support::postfix::{Logins, MESSAGE_MAX_BYTES, start_or_skip};
use crate::support::smtp_peer::{Authority, login};

const BODY: &str = "Hi Zoë,\n\n.a line that begins with a dot\n.\n..\nFrom here on: a paragraph \
that is much longer than the seventy-eight characters old clients break at, on one line.\n";

fn message(body: &str) -> Vec<u8> {
    render(&Frame {
        key: &InvitationKey("0123456789abcdef0123456789abcdef".to_owned()),
        identity: (
            "example",
            &Identity { invitation_id: None, shared_key: None, profile: None, name: "0".repeat(32) },
        ),
        from: ("Jörg Müller, Dr.", &Address::parse("owner@example.com").unwrap()),
        to: Some(("Zoë Doe", &Address::parse("jane@example.org").unwrap())),
        letter: &Letter {
            subject: "Re: Grüße".to_owned(), body: body.to_owned(), language: "en".to_owned()
        },
        in_reply_to: Some(&MessageId::parse("n1@example.net").unwrap()),
        references: &[],
        date: Timestamp::from_unix_s(1_741_064_767),
        purpose: Purpose::Send,
    })
    .unwrap()
}

/// The outcome, and whether the commit was asked for.
async fn send(server: &Smtp, to: &str, message: &[u8]) -> (Outcome, bool) {
    send_as(server, "pass-word-1", to, message).await
}

async fn send_as(server: &Smtp, password: &str, to: &str, message: &[u8]) -> (Outcome, bool) {
    let secret = Secret::Password(Zeroizing::new(password.to_owned()));
    let from = Address::parse("owner@example.com").unwrap();
    let to = Address::parse(to).unwrap();
    let mut committed = false;
    let submission = Submission { server, secret: Some(&secret), from: &from, to: &to, message };
    let outcome = submit(submission, || {
        committed = true;
        std::future::ready(Ok(()))
    })
    .await;
    (outcome, committed)
}

#[tokio::test]
async fn accepted_mail_arrives_once_and_byte_for_byte() {
    let Some(mut postfix) = start_or_skip("accepted_mail_arrives_once_and_byte_for_byte", Logins::None)
    else {
        return;
    };
    let message = message(BODY);
    let stored = String::from_utf8(message.clone()).unwrap().replace("\r\n", "\n");
    let ways = [(postfix.submission_port, Tls::StartTls), (postfix.submissions_port, Tls::Implicit)];
    for (count, (port, tls)) in (1..).zip(ways) {
        let server = postfix.smtp(port, tls);
        let (outcome, committed) = send(&server, "jane@example.org", &message).await;
        let Outcome::Accepted { reply } = outcome else {
            panic!("{tls:?}: {outcome:?}");
        };
        assert!(reply.starts_with("250 2.0.0 Ok: queued as "), "{reply}");
        assert!(committed);
        let log = postfix.wait_for("removed").join("\n");
        assert!(log.contains("status=sent (delivered to maildir)"), "{log}");
        let delivered = postfix.delivered();
        assert_eq!(delivered.len(), count);
        for mail in &delivered {
            // The server's own fields stand on top, ours are as we wrote them.
            let (top, ours) = mail.split_at(mail.find("From: =?utf-8?b?").unwrap());
            assert!(top.contains("Return-Path: <owner@example.com>\n"), "{top}");
            assert_eq!(ours, stored);
        }
    }
}

#[tokio::test]
async fn refusals_end_before_the_body_or_after_the_dot() {
    let Some(postfix) = start_or_skip("refusals_end_before_the_body_or_after_the_dot", Logins::None) else {
        return;
    };
    let server = postfix.smtp(postfix.submission_port, Tls::StartTls);
    let small = message(BODY);

    let (outcome, committed) = send(&server, "nobody@example.org", &small).await;
    let Outcome::Rejected { words, phase: Phase::Rcpt } = &outcome else {
        panic!("{outcome:?}");
    };
    assert!(words.contains("550 5.1.1 <***>: Recipient address rejected"), "{words}");
    assert!(!committed && !words.contains('@'));

    let (outcome, committed) = send(&server, "grey@example.org", &small).await;
    let Outcome::TryLater { words, phase: Phase::Rcpt } = &outcome else {
        panic!("{outcome:?}");
    };
    assert!(words.contains("450 4.2.0") && words.contains("come back later"), "{words}");
    assert!(!committed);

    let large = message(&"A line of a letter that never ends.\n".repeat(MESSAGE_MAX_BYTES / 30));
    let (outcome, committed) = send(&server, "jane@example.org", &large).await;
    let Outcome::Rejected { words, phase: Phase::Mail } = &outcome else {
        panic!("{outcome:?}");
    };
    assert!(words.contains("the server takes 20000 at most"), "{words}");
    assert!(!committed);

    // This port does not name its limit beforehand.
    let server = postfix.smtp(postfix.submissions_port, Tls::Implicit);
    let (outcome, committed) = send(&server, "jane@example.org", &large).await;
    let Outcome::Rejected { words, phase: Phase::Body } = &outcome else {
        panic!("{outcome:?}");
    };
    assert!(words.contains("552 5.3.4"), "{words}");
    assert!(committed);
    assert!(postfix.delivered().is_empty());
}

#[tokio::test]
async fn nothing_is_sent_without_the_right_tls() {
    let Some(postfix) = start_or_skip("nothing_is_sent_without_the_right_tls", Logins::None) else {
        return;
    };
    let small = message(BODY);
    let stranger = Authority::new();
    for (port, tls) in [(postfix.submission_port, Tls::StartTls), (postfix.submissions_port, Tls::Implicit)] {
        let mut server = postfix.smtp(port, tls);
        server.ca_file = Some(stranger.ca_file.clone());
        let (outcome, committed) = send(&server, "jane@example.org", &small).await;
        assert!(matches!(outcome, Outcome::NeedsHuman { phase: Phase::Handshake, .. }), "{outcome:?}");
        assert!(!committed);
    }

    let server = postfix.smtp(postfix.plain_port, Tls::StartTls);
    let (outcome, committed) = send(&server, "jane@example.org", &small).await;
    assert!(matches!(outcome, Outcome::NeedsHuman { phase: Phase::StartTls, .. }), "{outcome:?}");
    assert!(!committed);

    let server = postfix.smtp(postfix.submission_port, Tls::LoopbackPlain);
    let (outcome, committed) = send(&server, "jane@example.org", &small).await;
    let Outcome::NeedsHuman { words, phase: Phase::Mail } = &outcome else {
        panic!("{outcome:?}");
    };
    assert!(words.contains("530 5.7.0"), "{words}");
    assert!(!committed);
    assert!(postfix.delivered().is_empty());
}

#[tokio::test]
async fn logs_in_with_the_right_password_only() {
    let Some(postfix) = start_or_skip("logs_in_with_the_right_password_only", Logins::Dovecot) else {
        return;
    };
    let small = message(BODY);
    for port in [postfix.login_port, postfix.old_login_port] {
        let mut server = postfix.smtp(port, Tls::Implicit);
        let (outcome, _) = send(&server, "jane@example.org", &small).await;
        assert!(
            matches!(outcome, Outcome::Rejected { phase: Phase::Rcpt, .. }),
            "not logged in: {outcome:?}"
        );

        server.login = Some(login("owner-login"));
        let (outcome, committed) = send(&server, "jane@example.org", &small).await;
        assert!(matches!(outcome, Outcome::Accepted { .. }), "{outcome:?}");
        assert!(committed);

        let (outcome, committed) = send_as(&server, "wrong-one", "jane@example.org", &small).await;
        let Outcome::NeedsHuman { words, phase: Phase::Login } = &outcome else {
            panic!("{outcome:?}");
        };
        assert!(words.contains("535 5.7.8") && words.contains("check user name"), "{words}");
        assert!(!committed && !words.contains("wrong-one"));
    }
}

#[tokio::test]
async fn a_server_that_dies_during_data_is_never_taken_for_a_success() {
    let Some(postfix) =
        start_or_skip("a_server_that_dies_during_data_is_never_taken_for_a_success", Logins::None)
    else {
        return;
    };
    let server = postfix.smtp(postfix.submission_port, Tls::StartTls);
    let (from, to) =
        (Address::parse("owner@example.com").unwrap(), Address::parse("jane@example.org").unwrap());
    let message = message(BODY);
    let submission = Submission { server: &server, secret: None, from: &from, to: &to, message: &message };
    // It has answered 354; the body is next.
    let outcome = submit(submission, || {
        postfix.abort();
        std::future::ready(Ok(()))
    })
    .await;
    assert!(matches!(outcome, Outcome::Lost { .. } | Outcome::TryLater { .. }), "{outcome:?}");
    assert!(postfix.delivered().is_empty());
}
