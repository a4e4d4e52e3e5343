//! The IMAP port against a real Dovecot.

use std::future::pending;
use std::path::PathBuf;
use std::time::Duration;

use notyet::config::{Imap, Login, SecretSource, Tls};
use notyet::domain::Fault;
use notyet::shell::Secret;
use notyet::shell::mailbox::SearchTerm;
use notyet::shell::mailbox::imap::ImapSession;
use notyet::shell::mailbox::{Access, AppendTrace, Body, Folder, Wake};
use zeroize::Zeroizing;

use crate::support::dovecot::{Dovecot, PASSWORD, USER};
use crate::support::tls::Authority;

/// Starts the server or leaves the test, which was said loudly.
macro_rules! dovecot {
    () => {
        match Dovecot::start() {
            Some(server) => server,
            None => return,
        }
    };
}

fn settings(port: u16, tls: Tls, ca_file: Option<PathBuf>) -> Imap {
    Imap {
        host: "localhost".into(),
        port,
        tls,
        ca_file,
        idle: true,
        timeout: Duration::from_secs(20),
        max_body_bytes: 100_000,
        login: Login { user: USER.into(), secret: SecretSource::PasswordFile("unused".into()) },
    }
}

fn password(text: &str) -> Secret {
    Secret::Password(Zeroizing::new(text.to_owned()))
}

async fn connect(server: &Dovecot) -> ImapSession {
    let settings = settings(server.imaps_port, Tls::Implicit, Some(server.ca_file()));
    ImapSession::connect(&settings, &password(PASSWORD)).await.expect("a session")
}

fn mail(subject: &str, from: &str) -> String {
    format!(
        "From: {from}\r\nTo: me@example.org\r\nSubject: {subject}\r\n\
         Message-ID: <{subject}@example.com>\r\nX-Secret: not asked for\r\n\r\nA body.\r\n"
    )
}

fn fields() -> Vec<String> {
    ["From", "Subject"].map(String::from).to_vec()
}

#[tokio::test]
async fn an_own_authority_is_trusted_and_a_strange_one_is_not() {
    let server = dovecot!();
    connect(&server).await.logout().await;

    let strange = Authority::vouching_for(&["localhost"]);
    for (port, tls) in [(server.imaps_port, Tls::Implicit), (server.imap_port, Tls::StartTls)] {
        let settings = settings(port, tls, Some(strange.ca_file()));
        let refused = ImapSession::connect(&settings, &password(PASSWORD)).await;
        let fault = refused.err().expect("no session");
        assert!(matches!(&fault, Fault::NeedsHuman(m) if m.contains("ca_file")), "{fault:?}");
    }
    // No system authority vouches for it either.
    let settings = settings(server.imaps_port, Tls::Implicit, None);
    let refused = ImapSession::connect(&settings, &password(PASSWORD)).await;
    assert!(matches!(refused.err(), Some(Fault::NeedsHuman(_))));
}

#[tokio::test]
async fn starttls_and_loopback_plain_text_log_in_too() {
    let server = dovecot!();
    for tls in [Tls::StartTls, Tls::LoopbackPlain] {
        let settings = settings(server.imap_port, tls, Some(server.ca_file()));
        let session = ImapSession::connect(&settings, &password(PASSWORD)).await;
        let session = session.expect("a session");
        assert!(session.has_idle(), "IDLE is offered after the login only");
        session.logout().await;
    }
}

#[tokio::test]
async fn a_wrong_password_is_for_a_person_and_is_not_repeated() {
    let server = dovecot!();
    let settings = settings(server.imaps_port, Tls::Implicit, Some(server.ca_file()));
    let refused = ImapSession::connect(&settings, &password("wrong")).await;
    let fault = refused.err().expect("no session");
    assert!(matches!(&fault, Fault::LoginRefused(m) if m.contains("AUTHENTICATIONFAILED")), "{fault:?}");
    assert!(!fault.message().contains("wrong"));
}

#[tokio::test]
async fn only_the_asked_header_fields_of_new_mail_are_read() {
    let server = dovecot!();
    for number in 1..=3 {
        server.deliver(&mail(&format!("s{number}"), "a@example.com"));
    }
    let mut session = connect(&server).await;
    let opened = session.open("INBOX", Access::ReadOnly).await.expect("open");
    assert_eq!((opened.exists, opened.uid_next), (3, 4));
    assert_ne!(opened.uid_validity, 0);

    let before = session.round_trips();
    let envelopes = session.new_envelopes(2, None, &fields()).await.expect("envelopes");
    assert_eq!(session.round_trips() - before, 1);
    let uids: Vec<u32> = envelopes.iter().map(|envelope| envelope.uid).collect();
    assert_eq!(uids, [2, 3]);
    let header = String::from_utf8_lossy(&envelopes[0].header).into_owned();
    assert!(header.contains("Subject: s2") && !header.contains("X-Secret"));
    assert!(envelopes[0].arrived.is_some());
    assert_eq!(envelopes[0].size_bytes as usize, mail("s2", "a@example.com").len());

    let beyond = session.new_envelopes(9, None, &fields()).await;
    assert_eq!(beyond.expect("envelopes"), []);
    let some = session.envelopes(&[3, 1, 77], &fields()).await;
    let uids: Vec<u32> = some.expect("envelopes").iter().map(|e| e.uid).collect();
    assert_eq!(uids, [1, 3]);
}

#[tokio::test]
async fn nothing_new_costs_a_handful_of_round_trips() {
    let server = dovecot!();
    server.deliver(&mail("old", "a@example.com"));
    let mut session = connect(&server).await;
    let opened = session.open("INBOX", Access::ReadWrite).await.expect("open");
    let nothing = session.new_envelopes(opened.uid_next, None, &fields()).await;
    assert!(nothing.expect("envelopes").is_empty());
    assert!(session.round_trips() <= 4, "{}", session.round_trips());
}

#[tokio::test]
async fn bodies_come_whole_or_are_named_too_large_or_gone() {
    let server = dovecot!();
    server.deliver(&mail("small", "a@example.com"));
    let large = format!("{}{}", mail("large", "b@example.com"), "x\r\n".repeat(50_000));
    server.deliver(&large);
    let mut session = connect(&server).await;
    session.open("INBOX", Access::ReadOnly).await.expect("open");
    // The second size is a lie: the cap must hold all the same.
    let bodies = session.bodies(&[(1, 200), (2, 200), (3, 500_000), (9, 1)], 1000).await.expect("bodies");
    let kinds: Vec<(u32, &str)> = bodies
        .iter()
        .map(|(uid, body)| {
            let kind = match body {
                Body::Whole(raw) if raw.0 == mail("small", "a@example.com").as_bytes() => "whole",
                Body::Whole(_) => "changed",
                Body::TooLarge { .. } => "too large",
                Body::Gone => "gone",
            };
            (*uid, kind)
        })
        .collect();
    assert_eq!(kinds, [(1, "whole"), (2, "too large"), (3, "too large"), (9, "gone")]);
    assert!(session.bytes_received() < 20_000);
}

#[tokio::test]
async fn searching_finds_senders_subjects_and_words_beyond_ascii() {
    let server = dovecot!();
    server.deliver(&mail("one", "invitations@example.com"));
    server.deliver(&mail("two", "friend@example.net"));
    server.deliver(&mail("=?utf-8?q?Gr=C3=BC=C3=9Fe?=", "other@example.net"));
    let mut session = connect(&server).await;
    session.open("INBOX", Access::ReadOnly).await.expect("open");
    let by = |terms: Vec<SearchTerm>| terms;
    let from = SearchTerm::From("invitations@example.com".into());
    let found = session.search(&by(vec![from.clone()]), None).await;
    assert_eq!(found.expect("search"), [1]);
    let subject = SearchTerm::Header { name: "Subject".into(), value: "Grüße".into() };
    let found = session.search(&by(vec![from, subject]), None).await;
    assert_eq!(found.expect("search"), [1, 3]);
    assert!(session.search(&[], None).await.expect("search").is_empty());
}

#[tokio::test]
async fn a_draft_is_appended_with_its_flags_and_found_again_by_its_exact_id() {
    let server = dovecot!();
    server.deliver(&mail("inbox", "a@example.com"));
    let mut session = connect(&server).await;
    session.open("INBOX", Access::ReadOnly).await.expect("open");
    let folders = session.folders(None, Some("Ignored")).await.expect("folders");
    assert_eq!(folders.drafts.as_deref(), Some("Drafts"));
    assert_eq!(folders.sent.as_deref(), Some("Posted"));

    let (header, id) = ("Message-ID", "<d1@example.com>");
    let mark = session.append_mark("Drafts").await.expect("mark");
    let never = session.resolve_append("Drafts", &mark, header, id).await;
    assert_eq!(never.expect("resolve"), AppendTrace::Never);
    // Line feeds only, as a template has them.
    let draft = mail("d1", "me@example.org").replace("\r\n", "\n");
    session.append("Drafts", Folder::Drafts, draft.as_bytes()).await.expect("append");
    let files = server.files(".Drafts");
    assert_eq!(files.len(), 1);
    assert!(files[0].ends_with(":2,DS"), "{files:?}");

    let there = session.resolve_append("Drafts", &mark, header, id).await;
    assert_eq!(there.expect("resolve"), AppendTrace::There);
    let part = session.find_by_header("Drafts", header, "<1@example.com>").await;
    assert_eq!(part.expect("search"), None, "a part of an id is another id");
    let other = session.resolve_append("Drafts", &mark, header, "<d2@example.com>").await;
    assert_eq!(other.expect("resolve"), AppendTrace::Unclear);

    // The visit to Drafts did not move us away from INBOX.
    let envelopes = session.new_envelopes(1, None, &fields()).await.expect("inbox");
    assert!(String::from_utf8_lossy(&envelopes[0].header).contains("Subject: inbox"));
}

#[tokio::test]
async fn a_missing_folder_is_created_once_and_its_name_may_be_in_any_script() {
    let server = dovecot!();
    let mut session = connect(&server).await;
    let folder = "Entwürfe & Co";
    let mark = session.append_mark(folder).await.expect("mark");
    let message = mail("d1", "me@example.org");
    session.append(folder, Folder::Drafts, message.as_bytes()).await.expect("append");
    let found = session.resolve_append(folder, &mark, "Message-ID", "<d1@example.com>").await;
    assert_eq!(found.expect("resolve"), AppendTrace::There);
    assert_eq!(server.files(".Entw&APw-rfe &- Co").len(), 1);
}

#[tokio::test]
async fn idle_wakes_on_delivery_and_on_interrupt() {
    let server = dovecot!();
    server.deliver(&mail("one", "a@example.com"));
    let mut session = connect(&server).await;
    session.open("INBOX", Access::ReadOnly).await.expect("open");
    let longest = Duration::from_secs(20);
    let interrupted = session.wait(longest, async {}).await;
    assert_eq!(interrupted.expect("wait"), Wake::Interrupted);
    let (woken, ()) = tokio::join!(session.wait(longest, pending()), async {
        server.deliver(&mail("two", "a@example.com"));
    });
    assert_eq!(woken.expect("wait"), Wake::Changed);
    let new = session.new_envelopes(2, None, &fields()).await;
    assert_eq!(new.expect("envelopes").len(), 1);
    let quiet = session.wait(Duration::from_millis(50), pending()).await;
    assert_eq!(quiet.expect("wait"), Wake::TimedOut);
}

#[tokio::test]
async fn looking_changes_no_flag() {
    let server = dovecot!();
    server.deliver(&mail("one", "a@example.com"));
    let before = server.files("");
    let mut session = connect(&server).await;
    session.open("INBOX", Access::ReadOnly).await.expect("open");
    session.new_envelopes(1, None, &fields()).await.expect("envelopes");
    session.bodies(&[(1, 300)], 1000).await.expect("bodies");
    session.find_by_header("INBOX", "Message-ID", "<one@example.com>").await.expect("search");
    session.logout().await;
    // Still in `new`, still without flags: not even \Recent was taken.
    assert_eq!(server.files(""), before);
}

#[tokio::test]
async fn a_mailbox_that_does_not_exist_is_for_a_person_and_harms_nothing() {
    let server = dovecot!();
    let mut session = connect(&server).await;
    let fault = session.open("Nowhere", Access::ReadOnly).await;
    assert!(matches!(fault, Err(Fault::NeedsHuman(_))), "{fault:?}");
    assert!(session.is_usable());
    session.open("INBOX", Access::ReadOnly).await.expect("open");
}

#[tokio::test]
async fn the_end_of_the_server_wakes_an_idle_with_a_transient_fault() {
    let server = dovecot!();
    let mut session = connect(&server).await;
    session.open("INBOX", Access::ReadOnly).await.expect("open");
    // Ends once it is idling: both run in this task, the drop blocks till the master is gone.
    let (woken, ()) = tokio::join!(session.wait(Duration::from_secs(60), pending()), async {
        tokio::task::spawn_blocking(move || drop(server)).await.expect("drop");
    });
    assert!(matches!(woken, Err(Fault::Transient(_))), "{woken:?}");
    assert!(!session.is_usable());
}
