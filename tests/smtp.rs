//! Tests of the smtp boundary.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use notyet::config::{Smtp, Tls};
use notyet::domain::{Address, Fault};
use notyet::shell::Secret;
use notyet::shell::sender::{Outcome, Phase, Submission, submit};
use zeroize::Zeroizing;

use crate::support::smtp_peer::{Act, At, Authority, Peer, Script, Seen};

const MESSAGE: &[u8] = b"Subject: x\r\n\r\nHello\r\n.\r\n..two\r\nend\r\n";

fn password() -> Secret {
    Secret::Password(Zeroizing::new("pass-word-1".to_owned()))
}

fn from() -> Address {
    Address::parse("owner@example.com").unwrap()
}

fn to() -> Address {
    Address::parse("jane@example.org").unwrap()
}

struct Run {
    outcome: Outcome,
    commits: usize,
}

async fn run(server: &Smtp, secret: &Secret, message: &[u8]) -> Run {
    let commits = AtomicUsize::new(0);
    let (from, to) = (from(), to());
    let submission = Submission { server, secret: Some(secret), from: &from, to: &to, message };
    let outcome = submit(submission, || async {
        commits.fetch_add(1, Ordering::SeqCst);
        Ok(())
    })
    .await;
    Run { outcome, commits: commits.into_inner() }
}

/// One submission to a peer that follows `script`.
async fn play(script: Script) -> (Run, Seen) {
    let peer = Peer::start(script).await;
    let run = run(&peer.smtp(), &password(), MESSAGE).await;
    (run, peer.finish().await)
}

fn words(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::Accepted { reply } => reply,
        Outcome::TryLater { words, .. }
        | Outcome::Rejected { words, .. }
        | Outcome::Lost { words }
        | Outcome::NeedsHuman { words, .. } => words,
    }
}

/// The outcome in one letter: Accepted, Try later, Rejected, Lost, needs a Human.
fn letter(outcome: &Outcome) -> char {
    match outcome {
        Outcome::Accepted { .. } => 'A',
        Outcome::TryLater { .. } => 'T',
        Outcome::Rejected { .. } => 'R',
        Outcome::Lost { .. } => 'L',
        Outcome::NeedsHuman { .. } => 'H',
    }
}

/// Long beside what a busy machine needs for the phases before; all cells wait at once.
const SILENCE: Duration = Duration::from_secs(8);

const ACTS: [Act; 7] = [
    Act::Say("451 4.3.0 not now\r\n"),
    Act::Say("550 5.7.1 no\r\n"),
    Act::Say("421 4.3.2 closing\r\n"),
    Act::Silence,
    Act::Reset,
    Act::Close,
    Act::Half,
];

/// Rows: moments; columns: [`ACTS`]; a dot where the cell makes no sense.
const GRID: [(At, &str); 11] = [
    (At::Greeting, "THTTTTT"),
    (At::Hello, "THTTTTT"),
    (At::StartTls, "THTTTTT"),
    (At::Handshake, "TTTTTTT"),
    (At::Auth, "THTTTTT"),
    (At::Mail, "TRTTTTT"),
    (At::Rcpt, "TRTTTTT"),
    (At::Data, "TRTTTTT"),
    (At::MidBody, "TRTLLLL"),
    (At::Dot, "TRTLLLL"),
    (At::Quit, "AAAAAAA"),
];

fn phases(at: At, act: Act) -> &'static [Phase] {
    match at {
        // The reset may overtake the news that the connection stands.
        At::Greeting if act == Act::Reset => &[Phase::Greeting, Phase::Connect],
        At::Handshake if act == Act::Reset => &[Phase::Handshake, Phase::Connect],
        At::Greeting => &[Phase::Greeting],
        At::Hello => &[Phase::Hello],
        At::StartTls => &[Phase::StartTls],
        At::Handshake => &[Phase::Handshake],
        At::Auth => &[Phase::Login],
        At::Mail => &[Phase::Mail],
        At::Rcpt => &[Phase::Rcpt],
        At::Data => &[Phase::Data],
        At::MidBody | At::Dot | At::Quit | At::Never => &[Phase::Body],
    }
}

async fn cell(tls: Tls, at: At, act: Act, expected: char) {
    let peer = Peer::start(Script::new(tls).at(at, act)).await;
    let mut server = peer.smtp();
    if act == Act::Silence {
        server.timeout = SILENCE;
    }
    let run = run(&server, &password(), MESSAGE).await;
    let seen = peer.finish().await;
    let place = format!("{tls:?}, {at:?}, {act:?}: {:?}, {seen:?}", run.outcome);

    assert_eq!(letter(&run.outcome), expected, "{place}");
    match &run.outcome {
        Outcome::TryLater { phase, .. }
        | Outcome::Rejected { phase, .. }
        | Outcome::NeedsHuman { phase, .. } => assert!(phases(at, act).contains(phase), "{place}"),
        Outcome::Accepted { .. } | Outcome::Lost { .. } => {}
    }
    let body_began = matches!(at, At::MidBody | At::Dot | At::Quit);
    assert_eq!(run.commits, usize::from(body_began), "commits: {place}");
    assert_eq!(seen.further_connections, 0, "{place}");
    assert!(seen.bodies.len() <= 1, "{place}");
    if !body_began {
        assert_eq!(seen.body_bytes, 0, "{place}");
    }
    if expected == 'A' {
        assert_eq!(seen.bodies.len(), 1, "{place}");
    }
    let said = words(&run.outcome);
    assert!(!said.contains('@') && !said.contains("pass-word"), "{place}");
}

#[tokio::test]
async fn every_trouble_at_every_moment_has_its_one_outcome() {
    let mut cells = Vec::new();
    for (at, row) in GRID {
        for (act, expected) in ACTS.into_iter().zip(row.chars()) {
            cells.push(cell(Tls::StartTls, at, act, expected));
            if at != At::StartTls {
                cells.push(cell(Tls::Implicit, at, act, expected));
            }
        }
    }
    assert_eq!(cells.len(), 147);
    futures::future::join_all(cells).await;
}

#[tokio::test]
async fn a_closed_port_is_not_sent() {
    let peer = Peer::start(Script::new(Tls::Implicit)).await;
    let mut server = peer.smtp();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    server.port = free.local_addr().unwrap().port();
    drop(free);
    let run = run(&server, &password(), MESSAGE).await;
    assert!(matches!(run.outcome, Outcome::TryLater { phase: Phase::Connect, .. }), "{:?}", run.outcome);
    assert_eq!(run.commits, 0);
}

#[tokio::test]
async fn the_body_arrives_byte_for_byte_and_stuffed() {
    for tls in [Tls::StartTls, Tls::Implicit] {
        let (run, seen) = play(Script::new(tls)).await;
        assert_eq!(run.outcome, Outcome::Accepted { reply: "250 2.0.0 queued as 4711".to_owned() });
        assert_eq!(run.commits, 1);
        let expected: &[u8] = b"Subject: x\r\n\r\nHello\r\n..\r\n...two\r\nend\r\n";
        assert_eq!(seen.bodies, [expected], "no line too many, no line too few");
        let quiet = "EHLO AUTH MAIL RCPT DATA QUIT";
        let verbs = seen.verbs().join(" ");
        match tls {
            Tls::StartTls => assert_eq!(verbs, format!("EHLO STARTTLS {quiet}")),
            _ => assert_eq!(verbs, quiet),
        }
        let sent = |start: &str| seen.commands.iter().any(|line| line == start);
        assert!(sent("MAIL FROM:<owner@example.com> SIZE=36"), "{seen:?}");
        assert!(sent("RCPT TO:<jane@example.org>"), "{seen:?}");
        assert!(sent("EHLO [127.0.0.1]"), "the host name stays at home");
    }
}

#[tokio::test]
async fn bare_line_ends_cannot_end_the_message_early() {
    let peer = Peer::start(Script::new(Tls::Implicit)).await;
    let smuggled = b"Subject: x\n\nHello\n.\nMAIL FROM:<evil@example.net>\r.\rend";
    let run = run(&peer.smtp(), &password(), smuggled).await;
    assert_eq!(letter(&run.outcome), 'A');
    let expected: &[u8] = b"Subject: x\r\n\r\nHello\r\n..\r\nMAIL FROM:<evil@example.net>\r\n..\r\nend\r\n";
    assert_eq!(peer.finish().await.bodies, [expected]);
}

#[tokio::test]
async fn no_body_byte_leaves_before_the_commit_returns() {
    let peer = Peer::start(Script::new(Tls::Implicit)).await;
    let server = peer.smtp();
    let (from, to, secret) = (from(), to(), password());
    let submission =
        Submission { server: &server, secret: Some(&secret), from: &from, to: &to, message: MESSAGE };
    let seen = peer.seen.clone();
    let outcome = submit(submission, || async {
        let now = seen.lock().unwrap().clone();
        assert_eq!(now.commands.last().map(String::as_str), Some("DATA"));
        assert_eq!(now.body_bytes, 0);
        Err(Fault::Transient("the ledger is locked".to_owned()))
    })
    .await;
    assert_eq!(
        outcome,
        Outcome::TryLater {
            words: format!("localhost:{}, commit: the ledger is locked", server.port),
            phase: Phase::Commit,
        }
    );
    assert_eq!(peer.finish().await.body_bytes, 0, "not even a QUIT");
}

#[tokio::test]
async fn a_server_that_speaks_in_the_middle_never_gets_the_dot() {
    // Far more than all socket buffers hold.
    let mut message = b"Subject: x\r\n\r\n".to_vec();
    message.extend(b"0123456789 0123456789 0123456789\r\n".repeat(800_000));
    for (act, expected) in [
        (Act::Say("552 5.3.4 too large\r\n"), 'R'),
        (Act::Say("452 4.3.1 disk full\r\n"), 'T'),
        (Act::Say("250 2.0.0 already enough\r\n"), 'L'),
        (Act::Close, 'L'),
    ] {
        let mut script = Script::new(Tls::Implicit).at(At::MidBody, act);
        script.offer = vec!["SIZE"];
        let peer = Peer::start(script).await;
        let mut server = peer.smtp();
        server.login = None;
        let run = run(&server, &password(), &message).await;
        let seen = peer.finish().await;
        assert_eq!(letter(&run.outcome), expected, "{act:?}: {:?}", run.outcome);
        assert!(seen.bodies.is_empty() && seen.body_bytes > 0, "{act:?}");
        assert!(seen.body_bytes < message.len(), "{act:?}");
    }
}

#[tokio::test]
async fn replies_out_of_step_are_never_taken_for_success() {
    for (at, extra, expected, commits) in [
        (At::Greeting, "250 early\r\n", 'T', 0),
        (At::Mail, "250 twice\r\n", 'T', 0),
        (At::Rcpt, "354 early\r\n250 early\r\n", 'T', 0),
        (At::Data, "250 early\r\n", 'T', 1),
        (At::Data, "421 4.4.2 you took too long\r\n", 'T', 1),
    ] {
        let (run, seen) = play(Script::new(Tls::Implicit).at(at, Act::Extra(extra))).await;
        assert_eq!(letter(&run.outcome), expected, "{at:?} {extra:?}: {:?}", run.outcome);
        assert_eq!(run.commits, commits, "{at:?} {extra:?}");
        assert_eq!(seen.body_bytes, 0, "{at:?} {extra:?}");
    }
    for (at, instead, expected) in [
        (At::Data, "250 ok\r\n", 'T'),
        (At::Mail, "354 go\r\n", 'T'),
        (At::Dot, "354 go\r\n", 'L'),
        (At::Dot, "251 hm\r\n", 'L'),
        (At::Dot, "250-a\r\n251 b\r\n", 'L'),
        (At::Dot, "hello\r\n", 'L'),
        (At::Dot, "150 hm\r\n", 'L'),
    ] {
        let (run, _) = play(Script::new(Tls::Implicit).at(at, Act::Say(instead))).await;
        assert_eq!(letter(&run.outcome), expected, "{at:?} {instead:?}: {:?}", run.outcome);
    }
}

#[tokio::test]
async fn refusals_by_limits_and_rights_are_for_now_or_for_good() {
    for (at, reply, expected) in [
        (At::Mail, "552 5.3.4 message size exceeds fixed limit\r\n", 'R'),
        (At::Mail, "553 5.7.1 sender address rejected: not owned by user\r\n", 'R'),
        (At::Mail, "450 4.7.1 error: too much mail\r\n", 'T'),
        (At::Mail, "421 4.7.0 too many messages, slow down\r\n", 'T'),
        (At::Rcpt, "452 4.5.3 too many recipients\r\n", 'T'),
        (At::Rcpt, "451 4.7.1 greylisted, come back\r\n", 'T'),
        (At::Rcpt, "553 5.6.7 address needs SMTPUTF8\r\n", 'R'),
        (At::Dot, "452 4.3.1 insufficient system storage\r\n", 'T'),
        (At::Dot, "550 5.4.5 daily sending quota exceeded\r\n", 'R'),
        (At::Dot, "554 5.6.0 not as such\r\n", 'R'),
    ] {
        let (run, seen) = play(Script::new(Tls::Implicit).at(at, Act::Say(reply))).await;
        assert_eq!(letter(&run.outcome), expected, "{at:?} {reply:?}: {:?}", run.outcome);
        assert_eq!(seen.further_connections, 0, "{at:?} {reply:?}");
    }
}

#[tokio::test]
async fn untidy_replies_are_understood() {
    for said in
        ["250\r\n", "250 ok\n", "250-2.0.0 first\r\n250 2.0.0 second\r\n", "250 2.0.0 f\u{fc}r Sie\r\n"]
    {
        let (run, _) = play(Script::new(Tls::Implicit).at(At::Dot, Act::Say(said))).await;
        assert_eq!(letter(&run.outcome), 'A', "{said:?}: {:?}", run.outcome);
    }
}

#[tokio::test]
async fn an_endless_reply_ends() {
    let endless: &'static str = Box::leak("x".repeat(100_000).into_boxed_str());
    let lines: &'static str = Box::leak("250-more\r\n".repeat(10_000).into_boxed_str());
    for text in [endless, lines] {
        for (at, expected) in [(At::Greeting, 'T'), (At::Dot, 'L')] {
            let (run, _) = play(Script::new(Tls::Implicit).at(at, Act::Say(text))).await;
            assert_eq!(letter(&run.outcome), expected, "{at:?}: {:?}", run.outcome);
            assert!(words(&run.outcome).len() < 300);
        }
    }
}

#[tokio::test]
async fn nothing_said_before_the_handshake_counts_after_it() {
    let forged = "250-peer.example.org\r\n250 AUTH PLAIN\r\n235 ok\r\n";
    let (run, seen) = play(Script::new(Tls::StartTls).at(At::StartTls, Act::Extra(forged))).await;
    assert!(matches!(run.outcome, Outcome::TryLater { phase: Phase::Handshake, .. }), "{:?}", run.outcome);
    assert_eq!(seen.verbs(), ["EHLO", "STARTTLS"]);
}

#[tokio::test]
async fn without_tls_no_word_about_the_letter_or_the_login() {
    let mut script = Script::new(Tls::LoopbackPlain);
    script.offer = vec!["AUTH PLAIN"];
    let peer = Peer::start(script).await;
    let mut server = peer.smtp();
    server.tls = Tls::StartTls;
    let run = run(&server, &password(), MESSAGE).await;
    assert!(matches!(run.outcome, Outcome::NeedsHuman { phase: Phase::StartTls, .. }), "{:?}", run.outcome);
    let seen = peer.finish().await;
    assert_eq!(seen.verbs(), ["EHLO", "QUIT"]);
}

#[tokio::test]
async fn login_waits_for_the_handshake() {
    let (_, seen) = play(Script::new(Tls::StartTls)).await;
    let plain = &seen.verbs()[..seen.plain_commands];
    assert_eq!(plain, ["EHLO", "STARTTLS"]);
}

#[tokio::test]
async fn plain_text_works_on_loopback_when_asked_for() {
    let (run, seen) = play(Script::new(Tls::LoopbackPlain)).await;
    assert_eq!(letter(&run.outcome), 'A', "{:?}", run.outcome);
    assert_eq!(seen.bodies.len(), 1);
}

#[tokio::test]
async fn a_certificate_of_another_authority_or_name_is_for_a_person() {
    for tls in [Tls::StartTls, Tls::Implicit] {
        let stranger = Authority::new();
        let peer = Peer::start(Script::new(tls)).await;
        let mut server = peer.smtp();
        server.ca_file = Some(stranger.ca_file.clone());
        let outcome = run(&server, &password(), MESSAGE).await.outcome;
        assert!(matches!(outcome, Outcome::NeedsHuman { phase: Phase::Handshake, .. }), "{outcome:?}");
        assert!(words(&outcome).contains("smtp.ca_file"), "{outcome:?}");

        let peer = Peer::start(Script::new(tls)).await;
        let mut server = peer.smtp();
        server.host = "127.0.0.1".to_owned();
        let outcome = run(&server, &password(), MESSAGE).await.outcome;
        assert!(matches!(outcome, Outcome::NeedsHuman { phase: Phase::Handshake, .. }), "{outcome:?}");
    }
}

#[tokio::test]
async fn a_useless_ca_file_is_for_a_person() {
    let dir = tempfile::TempDir::new().unwrap();
    let empty = dir.path().join("empty.pem");
    std::fs::write(&empty, "no certificate here\n").unwrap();
    for path in [empty, dir.path().join("missing.pem")] {
        let peer = Peer::start(Script::new(Tls::Implicit)).await;
        let mut server = peer.smtp();
        server.ca_file = Some(path);
        let outcome = run(&server, &password(), MESSAGE).await.outcome;
        assert_eq!(letter(&outcome), 'H', "{outcome:?}");
        assert!(words(&outcome).contains(".pem"), "{outcome:?}");
    }
}

/// What is offered, the secret, the server's answers, our lines after EHLO, the outcome.
type LoginCase = (&'static str, Secret, Vec<&'static str>, &'static [&'static str], char);

#[tokio::test]
async fn each_mechanism_is_spoken_as_the_server_wants_it() {
    let token = || Secret::Token(Zeroizing::new("short-token".to_owned()));
    let long = || Secret::Token(Zeroizing::new("t".repeat(2_000)));
    let cases: [LoginCase; 9] = [
        (
            "AUTH PLAIN LOGIN",
            password(),
            vec!["235 ok"],
            &["AUTH PLAIN AG93bmVyLWxvZ2luAHBhc3Mtd29yZC0x"],
            'A',
        ),
        (
            "AUTH LOGIN",
            password(),
            vec!["334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6", "235 ok"],
            &["AUTH LOGIN", "b3duZXItbG9naW4=", "cGFzcy13b3JkLTE="],
            'A',
        ),
        (
            "AUTH XOAUTH2",
            token(),
            vec!["334 eyJzdGF0dXMiOiI0MDAifQ==", "535 5.7.8 no"],
            &["AUTH XOAUTH2 dXNlcj1vd25lci1sb2dpbgFhdXRoPUJlYXJlciBzaG9ydC10b2tlbgEB", ""],
            'H',
        ),
        ("AUTH XOAUTH2", long(), vec!["334 ", "235 ok"], &["AUTH XOAUTH2"], 'A'),
        ("AUTH XOAUTH2 OAUTHBEARER", token(), vec!["334 e30=", "535 5.7.8 no"], &[], 'H'),
        ("AUTH CRAM-MD5", password(), vec![], &["MAIL"], 'H'),
        ("AUTH PLAIN", token(), vec![], &["MAIL"], 'H'),
        ("8BITMIME", password(), vec![], &["MAIL"], 'H'),
        ("AUTH PLAIN", password(), vec!["334 ", "334 ", "334 "], &[], 'T'),
    ];
    for (offer, secret, auth, lines, expected) in cases {
        let mut script = Script::new(Tls::Implicit);
        script.offer = vec![offer];
        script.auth = auth;
        let peer = Peer::start(script).await;
        let run = run(&peer.smtp(), &secret, MESSAGE).await;
        let seen = peer.finish().await;
        assert_eq!(letter(&run.outcome), expected, "{offer}: {:?}", run.outcome);
        if lines != ["MAIL"] {
            let said: Vec<&str> = seen.commands.iter().map(String::as_str).collect();
            assert_eq!(said.get(1..=lines.len()), Some(lines), "{offer}");
        } else {
            assert_eq!(seen.verbs(), ["EHLO", "QUIT"], "{offer}");
            let said = words(&run.outcome);
            assert!(said.contains("use smtp.") || said.contains("set smtp.login = \"none\""), "{said}");
            assert!(!said.contains("***"), "{said}");
        }
    }
}

#[tokio::test]
async fn a_refused_login_is_for_a_person_and_tells_no_secret() {
    let mut script = Script::new(Tls::Implicit);
    script.auth = vec!["535 5.7.8 user owner-login <owner@example.com> unknown, see jane"];
    let (run, seen) = play(script).await;
    assert_eq!(
        words(&run.outcome).split_once(", ").unwrap().1,
        "AUTH: 535 5.7.8 user *** <***> unknown, see ***; \
         check user name and secret before the account gets locked"
    );
    assert_eq!(seen.verbs(), ["EHLO", "AUTH", "QUIT"], "one try only");
}

#[tokio::test]
async fn a_server_that_wants_a_login_is_for_a_person() {
    for code in ["530 5.7.0 log in first\r\n", "538 5.7.11 encrypt\r\n"] {
        let (run, _) = play(Script::new(Tls::Implicit).at(At::Mail, Act::Say(code))).await;
        assert_eq!(letter(&run.outcome), 'H', "{:?}", run.outcome);
    }
}

#[tokio::test]
async fn a_message_over_the_limit_is_not_even_announced() {
    let mut script = Script::new(Tls::Implicit);
    script.offer = vec!["AUTH PLAIN", "SIZE 35"];
    let (run, seen) = play(script).await;
    assert_eq!(
        words(&run.outcome).split_once(", ").unwrap().1,
        "MAIL: the message has 36 bytes, the server takes 35 at most (SIZE)"
    );
    assert_eq!(letter(&run.outcome), 'R');
    assert_eq!(seen.verbs(), ["EHLO", "AUTH", "QUIT"]);

    let mut script = Script::new(Tls::Implicit);
    script.offer = vec!["AUTH PLAIN", "SIZE 36"];
    assert_eq!(letter(&play(script).await.0.outcome), 'A', "the limit itself fits");
}

#[tokio::test]
async fn eight_bit_text_goes_only_where_it_is_taken() {
    for (offer, expected) in [("8BITMIME", 'A'), ("SIZE", 'R')] {
        let mut script = Script::new(Tls::Implicit);
        script.offer = vec!["AUTH PLAIN", offer];
        let peer = Peer::start(script).await;
        let run = run(&peer.smtp(), &password(), "Subject: x\r\n\r\nGrüße\r\n".as_bytes()).await;
        let seen = peer.finish().await;
        assert_eq!(letter(&run.outcome), expected, "{:?}", run.outcome);
        if expected == 'A' {
            assert!(seen.commands.iter().any(|l| l.ends_with(" BODY=8BITMIME")));
        }
    }
}

#[test]
fn lettre_is_built_without_its_tracing() {
    // That feature logs AUTH lines and bodies. The lock file lists a package's
    // optional dependencies only when some feature asks for them.
    let lock = include_str!("../Cargo.lock");
    let lettre = lock.split("[[package]]").find(|package| package.contains("name = \"lettre\"")).unwrap();
    assert!(lettre.contains("lettre") && !lettre.contains("tracing"), "{lettre}");
}
