//! The IMAP port against scripted peers: everything a server can do to us.

use std::future::pending;
use std::time::Duration;

use notyet::config::{Imap, Login, SecretSource, Tls};
use notyet::domain::Fault;
use notyet::shell::Secret;
use notyet::shell::mailbox::SearchTerm;
use notyet::shell::mailbox::imap::ImapSession;
use notyet::shell::mailbox::{Access, AppendTrace, Body, Folder, Wake};
use zeroize::Zeroizing;

use crate::support::peer::{Peer, Step, exchange, expect, say};
use crate::support::tls::Authority;

const GREETING: &str = "* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR] ready";
const LOGGED_IN: &str = "{tag} OK [CAPABILITY IMAP4rev1 IDLE UIDPLUS SPECIAL-USE] welcome";

fn settings(port: u16, tls: Tls) -> Imap {
    Imap {
        host: "127.0.0.1".into(),
        port,
        tls,
        ca_file: None,
        idle: true,
        timeout: Duration::from_secs(10),
        max_body_bytes: 1000,
        login: Login { user: "me".into(), secret: SecretSource::PasswordFile("unused".into()) },
    }
}

fn password() -> Secret {
    Secret::Password(Zeroizing::new("open sesame".into()))
}

fn token() -> Secret {
    Secret::Token(Zeroizing::new("t0ken".into()))
}

pub(super) async fn connect(peer: &Peer) -> Result<ImapSession, Fault> {
    ImapSession::connect(&settings(peer.port(), Tls::LoopbackPlain), &password()).await
}

/// The same with so little patience that a silent peer costs no time.
async fn connect_impatient(peer: &Peer) -> Result<ImapSession, Fault> {
    let mut settings = settings(peer.port(), Tls::LoopbackPlain);
    settings.timeout = Duration::from_millis(600);
    ImapSession::connect(&settings, &password()).await
}

/// A script that begins with greeting and login.
pub(super) fn after_login(rest: Vec<Vec<Step>>) -> Vec<Step> {
    let mut script = vec![say(GREETING), expect("AUTHENTICATE PLAIN "), say(LOGGED_IN)];
    script.extend(rest.into_iter().flatten());
    script
}

/// The same with INBOX opened: 3 messages, the next gets UID 14.
fn after_open(rest: Vec<Vec<Step>>) -> Vec<Step> {
    let open = exchange(
        "EXAMINE \"INBOX\"",
        &[
            "* 3 EXISTS",
            "* FLAGS (\\Seen)",
            "* OK [UIDVALIDITY 77] fine",
            "* OK [UIDNEXT 14] fine",
            "{tag} OK [READ-ONLY] done",
        ],
    );
    let mut all = vec![open];
    all.extend(rest);
    after_login(all)
}

async fn opened(script: Vec<Step>) -> (Peer, ImapSession) {
    let peer = Peer::start(script).await;
    let mut session = connect(&peer).await.expect("a session");
    session.open("INBOX", Access::ReadOnly).await.expect("open");
    (peer, session)
}

fn fields() -> Vec<String> {
    ["From", "Subject"].map(String::from).to_vec()
}

fn is_transient<T>(answer: &Result<T, Fault>) -> bool {
    matches!(answer, Err(Fault::Transient(_)))
}

fn needs_human<T>(answer: &Result<T, Fault>) -> bool {
    matches!(answer, Err(Fault::NeedsHuman(_)))
}

fn is_login_refused<T>(answer: &Result<T, Fault>) -> bool {
    matches!(answer, Err(Fault::LoginRefused(_)))
}

fn is_permanent<T>(answer: &Result<T, Fault>) -> bool {
    matches!(answer, Err(Fault::Permanent(_)))
}

/// A peer's ways to leave us without an answer.
fn silences() -> Vec<Vec<Step>> {
    vec![
        vec![Step::Stall],
        vec![Step::Close],
        vec![Step::Reset],
        vec![say("* BYE shutting down"), Step::Close],
        vec![Step::Say("* OK half a li".into()), Step::Close],
        vec![say("this is not IMAP"), Step::Stall],
    ]
}

#[tokio::test]
async fn no_greeting_is_transient() {
    for end in silences() {
        let peer = Peer::start(end).await;
        assert!(is_transient(&connect_impatient(&peer).await));
        peer.finish().await;
    }
}

#[tokio::test]
async fn nobody_at_the_port_is_transient_and_named() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("address").port();
    drop(listener);
    let answer = ImapSession::connect(&settings(port, Tls::Implicit), &password()).await;
    let fault = answer.err().expect("a fault");
    assert!(matches!(&fault, Fault::Transient(m) if m.contains(&format!("127.0.0.1:{port}"))));
}

#[tokio::test]
async fn no_answer_to_any_command_is_transient_and_ends_the_session() {
    for end in silences() {
        let mut script = vec![expect("UID FETCH 5:* ")];
        script.extend(end);
        let peer = Peer::start(after_open(vec![script])).await;
        let mut session = connect_impatient(&peer).await.expect("a session");
        session.open("INBOX", Access::ReadOnly).await.expect("open");
        assert!(is_transient(&session.new_envelopes(5, None, &fields()).await));
        assert!(!session.is_usable());
        assert!(is_transient(&session.noop().await));
        drop(session);
        peer.finish().await;
    }
}

#[tokio::test]
async fn a_server_that_only_drips_untagged_lines_is_given_up() {
    // Each line in time for itself, the command never done.
    let script = vec![expect("NOOP"), Step::Drip("* OK still here\r\n".into())];
    let peer = Peer::start(after_login(vec![script])).await;
    let mut session = connect_impatient(&peer).await.expect("a session");
    assert!(is_transient(&session.noop().await));
    drop(session);
    peer.finish().await;
}

#[tokio::test]
async fn without_starttls_nothing_secret_is_sent() {
    let peer = Peer::start(vec![say(GREETING), Step::Stall]).await;
    let answer = ImapSession::connect(&settings(peer.port(), Tls::StartTls), &password()).await;
    assert!(needs_human(&answer));
    drop(answer);
    assert!(peer.finish().await.is_empty());
}

#[tokio::test]
async fn a_refused_starttls_or_a_preauth_before_it_ends_the_attempt() {
    let offer = "* OK [CAPABILITY IMAP4rev1 STARTTLS AUTH=PLAIN] ready";
    let refusing = exchange("STARTTLS", &["{tag} NO not today"]);
    let scripts = [
        [vec![say(offer)], refusing, vec![Step::Stall]].concat(),
        vec![say("* PREAUTH welcome"), Step::Stall],
    ];
    for script in scripts {
        let peer = Peer::start(script).await;
        let answer = ImapSession::connect(&settings(peer.port(), Tls::StartTls), &password()).await;
        assert!(needs_human(&answer));
        drop(answer);
        let heard = peer.finish().await;
        assert!(heard.iter().all(|line| line.ends_with("STARTTLS")), "{heard:?}");
    }
}

#[tokio::test]
async fn what_was_said_before_tls_is_not_believed() {
    let authority = Authority::vouching_for(&["127.0.0.1"]);
    let offer = "* OK [CAPABILITY IMAP4rev1 STARTTLS AUTH=XOAUTH2] ready";
    let script = [
        vec![say(offer)],
        exchange("STARTTLS", &["{tag} OK go"]),
        vec![Step::Tls(authority.server())],
        exchange("CAPABILITY", &["* CAPABILITY IMAP4rev1", "{tag} OK done"]),
        exchange("LOGIN \"me\" \"open sesame\"", &["{tag} OK in"]),
        exchange("CAPABILITY", &["* CAPABILITY IMAP4rev1 IDLE", "{tag} OK done"]),
        vec![Step::Stall],
    ]
    .concat();
    let peer = Peer::start(script).await;
    let mut settings = settings(peer.port(), Tls::StartTls);
    settings.ca_file = Some(authority.ca_file());
    let session = ImapSession::connect(&settings, &password()).await;
    assert!(session.expect("a session").has_idle());
    peer.finish().await;
}

/// `openssl req -x509` makes such a one, and to name it as its own authority does not help.
#[tokio::test]
async fn an_authoritys_certificate_in_the_servers_place_is_told_with_a_way_out() {
    let authority = Authority::in_the_servers_place(&["127.0.0.1"]);
    for (ca_file, hint) in [(None, true), (Some(authority.ca_file()), false)] {
        let peer = Peer::start(vec![Step::Tls(authority.server()), Step::Stall]).await;
        let mut settings = settings(peer.port(), Tls::Implicit);
        settings.ca_file = ca_file;
        let fault = ImapSession::connect(&settings, &password()).await.err().expect("no session");
        let Fault::NeedsHuman(words) = &fault else { panic!("{fault:?}") };
        assert!(words.contains("basicConstraints=CA:FALSE") && !words.contains("Other"), "{words}");
        assert_eq!(words.contains("ca_file"), hint, "{words}");
    }
}

#[tokio::test]
async fn plain_text_slipped_in_behind_starttls_ends_the_attempt() {
    let offer = "* OK [CAPABILITY IMAP4rev1 STARTTLS] ready";
    let script = vec![
        say(offer),
        expect("STARTTLS"),
        Step::Say("{tag} OK go\r\n* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n".into()),
        Step::Stall,
    ];
    let peer = Peer::start(script).await;
    let answer = ImapSession::connect(&settings(peer.port(), Tls::StartTls), &password()).await;
    assert!(is_transient(&answer));
    drop(answer);
    peer.finish().await;
}

#[tokio::test]
async fn a_login_is_refused_for_good_or_for_now_as_its_code_says() {
    let cases = [
        ("{tag} NO [AUTHENTICATIONFAILED] no", "refused"),
        ("{tag} NO wrong", "refused"),
        ("{tag} BAD what", "refused"),
        ("{tag} NO [CONTACTADMIN] locked", "refused"),
        ("{tag} NO [UNAVAILABLE] backend down", "transient"),
        ("{tag} NO [ALERT] Too many simultaneous connections", "transient"),
        ("{tag} NO Temporary authentication failure", "transient"),
        ("* BYE [UNAVAILABLE] full", "transient"),
    ];
    for (answer, class) in cases {
        let script = vec![say(GREETING), expect("AUTHENTICATE PLAIN "), say(answer), Step::Stall];
        let peer = Peer::start(script).await;
        let result = connect(&peer).await;
        assert_eq!(is_login_refused(&result), class == "refused", "{answer}");
        assert_eq!(is_transient(&result), class == "transient", "{answer}");
        drop(result);
        let heard = peer.finish().await;
        assert_eq!(heard.len(), 1, "one attempt, no second: {heard:?}");
    }
}

#[tokio::test]
async fn a_login_fault_names_the_server_and_repeats_nothing_secret() {
    let script = vec![
        say("* OK [CAPABILITY IMAP4rev1] ready"),
        expect("LOGIN "),
        say("{tag} BAD cannot parse: LOGIN me open sesame"),
        Step::Stall,
    ];
    let peer = Peer::start(script).await;
    let port = peer.port();
    let fault = connect(&peer).await.err().expect("a fault");
    assert!(fault.message().contains(&format!("127.0.0.1:{port}")));
    assert!(fault.message().contains("`password`"));
    assert!(!fault.message().contains("sesame") && !fault.message().contains(" me "));
    peer.finish().await;
}

#[tokio::test]
async fn no_credential_is_sent_where_login_is_disabled() {
    let peer = Peer::start(vec![say("* OK [CAPABILITY IMAP4rev1 LOGINDISABLED] ready"), Step::Stall]).await;
    assert!(needs_human(&connect(&peer).await));
    assert!(peer.finish().await.is_empty());
}

#[tokio::test]
async fn a_password_beyond_ascii_goes_as_a_literal_after_the_plus() {
    let script = [
        vec![say("* OK ready")],
        exchange("CAPABILITY", &["* CAPABILITY IMAP4rev1", "{tag} OK done"]),
        vec![
            expect("LOGIN \"me\" {6}"),
            say("* OK one moment"),
            say("+ go on"),
            Step::ExpectLiteral,
            say("* CAPABILITY IMAP4rev1"),
            say("{tag} OK in"),
            Step::Stall,
        ],
    ]
    .concat();
    let peer = Peer::start(script).await;
    let secret = Secret::Password(Zeroizing::new("naïve".into()));
    let session = ImapSession::connect(&settings(peer.port(), Tls::LoopbackPlain), &secret).await;
    drop(session.expect("a session"));
    assert!(peer.finish().await.contains(&"naïve".to_owned()));
}

#[tokio::test]
async fn plain_without_an_initial_response_waits_for_the_plus() {
    let script = vec![
        say("* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] ready"),
        expect("AUTHENTICATE PLAIN"),
        say("+ "),
        Step::ExpectLine("AG1lAG9wZW4gc2VzYW1l".into()),
        say("N1 OK [CAPABILITY IMAP4rev1] in"),
        Step::Stall,
    ];
    let peer = Peer::start(script).await;
    drop(connect(&peer).await.expect("a session"));
    assert_eq!(peer.finish().await[0], "N1 AUTHENTICATE PLAIN");
}

#[tokio::test]
async fn a_token_goes_by_oauthbearer_or_xoauth2_and_the_error_challenge_is_answered() {
    let cases = [("AUTH=XOAUTH2 AUTH=OAUTHBEARER", "OAUTHBEARER", "AQ=="), ("AUTH=XOAUTH2", "XOAUTH2", "")];
    for (offer, mechanism, dummy) in cases {
        let script = vec![
            say(&format!("* OK [CAPABILITY IMAP4rev1 SASL-IR {offer}] ready")),
            expect(&format!("AUTHENTICATE {mechanism} ")),
            say("+ eyJzdGF0dXMiOiI0MDEifQ=="),
            Step::ExpectLine(dummy.into()),
            say("N1 NO [AUTHENTICATIONFAILED] expired"),
            Step::Stall,
        ];
        let peer = Peer::start(script).await;
        let settings = settings(peer.port(), Tls::LoopbackPlain);
        let answer = ImapSession::connect(&settings, &token()).await;
        assert!(is_login_refused(&answer));
        let fault = answer.err().expect("a fault");
        assert!(fault.message().contains("token_command"));
        assert_eq!(peer.finish().await.last().map(String::as_str), Some(dummy));
    }
}

#[tokio::test]
async fn a_token_is_never_sent_as_a_password() {
    let peer = Peer::start(vec![say(GREETING), Step::Stall]).await;
    let answer = ImapSession::connect(&settings(peer.port(), Tls::LoopbackPlain), &token()).await;
    assert!(needs_human(&answer));
    drop(answer);
    assert!(peer.finish().await.is_empty());
}

#[tokio::test]
async fn capabilities_are_asked_again_after_the_login() {
    let script = [
        vec![say(GREETING), expect("AUTHENTICATE PLAIN "), say("{tag} OK in")],
        exchange("CAPABILITY", &["* CAPABILITY IMAP4rev1 IDLE", "{tag} OK done"]),
        vec![Step::Stall],
    ]
    .concat();
    let peer = Peer::start(script).await;
    assert!(connect(&peer).await.expect("a session").has_idle());
    peer.finish().await;
}

#[tokio::test]
async fn a_refused_search_or_fetch_is_never_an_empty_success() {
    for refusal in ["{tag} NO cannot", "{tag} BAD what"] {
        let script = after_open(vec![
            exchange("UID SEARCH ", &[refusal]),
            exchange("UID FETCH ", &[refusal]),
            exchange("NOOP", &["{tag} OK still here"]),
            vec![Step::Stall],
        ]);
        let (peer, mut session) = opened(script).await;
        let terms = [SearchTerm::From("a@example.com".into())];
        assert!(is_permanent(&session.search(&terms, None).await));
        assert!(session.new_envelopes(1, None, &fields()).await.is_err());
        session.noop().await.expect("a refusal harms no session");
        drop(session);
        peer.finish().await;
    }
}

#[tokio::test]
async fn a_search_that_cannot_be_read_is_no_empty_one() {
    let script = after_open(vec![exchange("UID SEARCH ", &["* SEARCH 7 eight", "{tag} OK done"])]);
    let (peer, mut session) = opened(script).await;
    let found = session.search(&[SearchTerm::From("a@example.com".into())], None).await;
    assert!(is_transient(&found), "{found:?}");
    drop(session);
    peer.finish().await;
}

#[tokio::test]
async fn a_missing_or_busy_mailbox_is_told_apart() {
    let script = after_login(vec![
        exchange("EXAMINE ", &["{tag} NO [NONEXISTENT] none"]),
        exchange("EXAMINE ", &["{tag} NO [INUSE] locked"]),
        vec![Step::Stall],
    ]);
    let peer = Peer::start(script).await;
    let mut session = connect(&peer).await.expect("a session");
    assert!(needs_human(&session.open("INBOX", Access::ReadOnly).await));
    assert!(is_transient(&session.open("INBOX", Access::ReadOnly).await));
    assert!(session.is_usable());
    drop(session);
    peer.finish().await;
}

#[tokio::test]
async fn the_end_in_the_middle_of_a_fetch_is_no_complete_answer() {
    let script = after_open(vec![vec![
        expect("UID FETCH 11:* "),
        say("* 2 FETCH (UID 11 RFC822.SIZE 40 BODY[HEADER.FIELDS (FROM SUBJECT)]<0> {4}"),
        Step::Say("a: b)\r\n* 3 FETCH (UID 12 RFC822.S".into()),
        Step::Close,
    ]]);
    let (peer, mut session) = opened(script).await;
    assert!(is_transient(&session.new_envelopes(11, None, &fields()).await));
    assert!(!session.is_usable());
    peer.finish().await;
}

#[tokio::test]
async fn envelopes_survive_other_orders_quoted_names_and_strange_lines_in_between() {
    let script = after_open(vec![
        exchange(
            "UID FETCH 12:* (UID RFC822.SIZE INTERNALDATE BODY.PEEK[HEADER.FIELDS (From Subject)]",
            &[
                "* 4 EXISTS",
                "* XNEWS all fine",
                "* 3 FETCH (BODY[HEADER.FIELDS (\"FROM\" \"SUBJECT\")]<0> {4}",
                "c: d RFC822.SIZE 41 INTERNALDATE \"01-Jan-2024 00:00:00 +0000\" UID 13)",
                "* 1 FETCH (FLAGS (\\Seen) UID 12)",
                "* 2 FETCH (UID 12 RFC822.SIZE 40 BODY[HEADER.FIELDS (From Subject)]<0> {4}",
                "a: b INTERNALDATE \" 7-Feb-1994 22:43:04 -0800\")",
                "* 1 FETCH (UID 11 RFC822.SIZE 1 BODY[HEADER.FIELDS (From Subject)]<0> \"\")",
                "* NO [ALERT] disk nearly full",
                "{tag} OK done",
            ],
        ),
        vec![Step::Stall],
    ]);
    let (peer, mut session) = opened(script).await;
    let envelopes = session.new_envelopes(12, None, &fields()).await;
    let seen: Vec<(u32, u64, Vec<u8>)> = envelopes
        .expect("envelopes")
        .into_iter()
        .map(|envelope| (envelope.uid, envelope.size_bytes, envelope.header))
        .collect();
    assert_eq!(seen, [(12, 40, b"a: b".to_vec()), (13, 41, b"c: d".to_vec())]);
    // The fourth message came while we looked: it must wake the next wait.
    let wake = session.wait(Duration::from_secs(20), pending()).await;
    assert_eq!(wake.expect("wait"), Wake::Changed);
    drop(session);
    peer.finish().await;
}

#[tokio::test]
async fn a_fetch_that_cannot_be_read_is_a_fault_and_not_a_missing_mail() {
    for trap in [
        "* 2 FETCH (UID 11 INTERNALDATE NIL RFC822.SIZE 4)",
        "* 2 FETCH (UID 11 BODYSTRUCTURE ((((((((",
        "* 2 FETCH UID 11",
    ] {
        let script = after_open(vec![exchange("UID FETCH ", &[trap, "{tag} OK done"]), vec![Step::Stall]]);
        let (peer, mut session) = opened(script).await;
        assert!(is_transient(&session.new_envelopes(11, None, &fields()).await));
        drop(session);
        peer.finish().await;
    }
}

/// A server that cannot read a mail, or has lost it to another session (RFC 2180 §4.1.3), may say NIL.
#[tokio::test]
async fn a_section_that_is_nil_is_a_fault_and_not_a_missing_mail() {
    for header in ["NIL", "\"\"", "{0}\r\n"] {
        let fetched =
            format!("* 2 FETCH (UID 11 RFC822.SIZE 40 BODY[HEADER.FIELDS (From Subject)]<0> {header})");
        let script =
            after_open(vec![exchange("UID FETCH ", &[&fetched, "{tag} OK done"]), vec![Step::Stall]]);
        let (peer, mut session) = opened(script).await;
        let answer = session.new_envelopes(11, None, &fields()).await;
        assert!(is_transient(&answer), "{header:?}: {answer:?}");
        drop(session);
        peer.finish().await;
    }
    for body in ["BODY[]<0> NIL", "BODY[] NIL"] {
        let fetched = format!("* 2 FETCH (UID 11 {body})");
        let other = "* 3 FETCH (UID 12 BODY[]<0> {1}\r\na)";
        let script = after_open(vec![
            exchange("UID FETCH 11:12 ", &[&fetched, other, "{tag} OK done"]),
            vec![Step::Stall],
        ]);
        let (peer, mut session) = opened(script).await;
        let answer = session.bodies(&[(11, 10), (12, 10)], 1000).await;
        assert!(is_transient(&answer), "{body}: {answer:?}");
        drop(session);
        peer.finish().await;
    }
}

/// Else a draft that stands in its folder would be written a second time.
#[tokio::test]
async fn a_header_that_is_nil_is_no_header_without_the_field() {
    let script = after_open(vec![
        exchange("EXAMINE \"Drafts\"", &["* 1 EXISTS", "* OK [UIDVALIDITY 5] x", "{tag} OK done"]),
        exchange("UID SEARCH ", &["* SEARCH 6", "{tag} OK done"]),
        exchange(
            "UID FETCH 6 ",
            &["* 1 FETCH (UID 6 BODY[HEADER.FIELDS (Message-ID)]<0> NIL)", "{tag} OK done"],
        ),
        vec![Step::Stall],
    ]);
    let (peer, mut session) = opened(script).await;
    let answer = session.find_by_header("Drafts", "Message-ID", "<a@example.com>").await;
    assert!(is_transient(&answer), "{answer:?}");
    drop(session);
    peer.finish().await;
}

#[tokio::test]
async fn a_literal_larger_than_asked_is_refused_at_its_announcement() {
    let script = after_open(vec![vec![
        expect("UID FETCH 11 (UID BODY.PEEK[]<0.1001>)"),
        say("* 2 FETCH (UID 11 BODY[]<0> {400000000}"),
        Step::Stall,
    ]]);
    let (peer, mut session) = opened(script).await;
    let answer = session.bodies(&[(11, 10)], 1000).await;
    assert!(is_transient(&answer));
    assert!(!session.is_usable());
    drop(session);
    peer.finish().await;
}

#[tokio::test]
async fn a_body_of_any_length_is_whole_too_large_or_refused() {
    // The cap is 1000 bytes; one more is asked for, to see that there is more.
    for length in [0, 1, 999, 1000, 1001] {
        let text = "x".repeat(length);
        let fetched = format!("* 2 FETCH (UID 11 BODY[]<0> {{{length}}}\r\n{text})");
        let script =
            after_open(vec![exchange("UID FETCH 11 ", &[&fetched, "{tag} OK done"]), vec![Step::Stall]]);
        let (peer, mut session) = opened(script).await;
        let bodies = session.bodies(&[(11, 10)], 1000).await.expect("bodies");
        match &bodies[0].1 {
            Body::Whole(raw) => assert!(length <= 1000 && raw.0.len() == length, "{length}"),
            other => assert_eq!((other, length), (&Body::TooLarge { size_bytes: 1001 }, 1001)),
        }
        drop(session);
        peer.finish().await;
    }
    for announced in ["1002", "629145600", "4294967296", "99999999999999999999"] {
        let script = after_open(vec![vec![
            expect("UID FETCH 11 "),
            say(&format!("* 2 FETCH (UID 11 BODY[]<0> {{{announced}}}")),
            Step::Stall,
        ]]);
        let peer = Peer::start(script).await;
        let mut session = connect_impatient(&peer).await.expect("a session");
        session.open("INBOX", Access::ReadOnly).await.expect("open");
        assert!(is_transient(&session.bodies(&[(11, 10)], 1000).await), "{announced}");
        drop(session);
        peer.finish().await;
    }
}

/// A token is read anew for every connection, so the next one may be let in.
#[tokio::test]
async fn credentials_that_expire_during_a_session_ask_for_a_new_connection() {
    let script = after_open(vec![exchange("UID FETCH ", &["{tag} NO [EXPIRED] token"]), vec![Step::Stall]]);
    let (peer, mut session) = opened(script).await;
    let answer = session.new_envelopes(11, None, &fields()).await;
    assert!(is_transient(&answer), "{answer:?}");
    drop(session);
    peer.finish().await;
}

#[tokio::test]
async fn bodies_over_the_cap_are_never_asked_for() {
    let script = after_open(vec![
        exchange("UID FETCH 11:12 ", &["* 2 FETCH (UID 11 BODY[]<0> {3}", "a\r\n)", "{tag} OK done"]),
        vec![Step::Stall],
    ]);
    let (peer, mut session) = opened(script).await;
    let bodies = session.bodies(&[(12, 10), (13, 5000), (11, 3)], 1000).await.expect("bodies");
    assert!(matches!(
        bodies.as_slice(),
        [(12, Body::Gone), (13, Body::TooLarge { size_bytes: 5000 }), (11, Body::Whole(_))]
    ));
    drop(session);
    peer.finish().await;
}

#[tokio::test]
async fn a_missing_uidnext_is_made_from_the_last_uid() {
    let script = after_login(vec![
        exchange("EXAMINE \"INBOX\"", &["* 3 EXISTS", "* OK [UIDVALIDITY 77] x", "{tag} OK done"]),
        exchange("UID FETCH * (UID)", &["* 3 FETCH (UID 41)", "{tag} OK done"]),
        exchange("EXAMINE \"Empty\"", &["* 0 EXISTS", "{tag} OK done"]),
        vec![Step::Stall],
    ]);
    let peer = Peer::start(script).await;
    let mut session = connect(&peer).await.expect("a session");
    let inbox = session.open("INBOX", Access::ReadOnly).await.expect("open");
    assert_eq!((inbox.uid_validity, inbox.uid_next), (77, 42));
    let empty = session.open("Empty", Access::ReadOnly).await.expect("open");
    assert_eq!((empty.uid_validity, empty.uid_next, empty.exists), (0, 1, 0));
    drop(session);
    peer.finish().await;
}

#[tokio::test]
async fn a_cancelled_command_poisons_the_session_instead_of_the_next_answer() {
    let script = after_open(vec![vec![expect("UID SEARCH "), Step::Stall]]);
    let (peer, mut session) = opened(script).await;
    let terms = [SearchTerm::From("a@example.com".into())];
    tokio::select! {
        answer = session.search(&terms, None) => panic!("no answer was sent: {answer:?}"),
        () = tokio::time::sleep(Duration::from_millis(100)) => {}
    }
    assert!(!session.is_usable());
    assert!(is_transient(&session.noop().await));
    drop(session);
    let heard = peer.finish().await;
    assert!(heard.iter().all(|line| !line.contains("NOOP")), "{heard:?}");
}

#[tokio::test]
async fn the_answer_to_another_command_is_not_taken_for_ours() {
    let script = after_login(vec![exchange("NOOP", &["N999 OK done"]), vec![Step::Stall]]);
    let peer = Peer::start(script).await;
    let mut session = connect(&peer).await.expect("a session");
    assert!(is_transient(&session.noop().await));
    assert!(!session.is_usable());
    drop(session);
    peer.finish().await;
}

#[tokio::test]
async fn folders_are_known_by_lower_case_attributes_and_only_if_selectable() {
    let script = after_login(vec![
        exchange(
            "LIST \"\" \"*\"",
            &[
                "* LIST (\\Noselect \\HasChildren) \".\" Drafts",
                "* LIST (\\hasnochildren \\drafts) \".\" \"INBOX.Ideas\"",
                "* LIST () \".\" {17}",
                "INBOX.Sent \"Mail\"",
                "* LIST () NIL \"Sent\"",
                "{tag} OK done",
            ],
        ),
        vec![Step::Stall],
    ]);
    let peer = Peer::start(script).await;
    let mut session = connect(&peer).await.expect("a session");
    let folders = session.folders(None, None).await.expect("folders");
    assert_eq!(folders.drafts.as_deref(), Some("INBOX.Ideas"));
    assert_eq!(folders.sent.as_deref(), Some("Sent"));
    drop(session);
    peer.finish().await;
}

#[tokio::test]
async fn an_append_survives_untagged_lines_before_the_plus() {
    let script = after_login(vec![vec![
        expect("APPEND \"Drafts\" (\\Draft \\Seen) {8}"),
        say("* 4 EXISTS"),
        say("* OK patience"),
        say("+ OK"),
        Step::ExpectLiteral,
        say("* 5 EXISTS"),
        say("{tag} OK [APPENDUID 77 15] done"),
        Step::Stall,
    ]]);
    let peer = Peer::start(script).await;
    let mut session = connect(&peer).await.expect("a session");
    let draft = b"A: b\n\n";
    let appended = session.append("Drafts", Folder::Drafts, draft).await;
    appended.expect("append");
    drop(session);
    assert!(peer.finish().await.contains(&"A: b\r\n\r\n".to_owned()));
}

#[tokio::test]
async fn a_folder_to_be_created_is_created_once() {
    let trycreate = "{tag} NO [TRYCREATE] no such mailbox";
    let script = after_login(vec![
        exchange("APPEND ", &[trycreate]),
        exchange("CREATE \"Drafts\"", &["{tag} OK done"]),
        exchange("SUBSCRIBE \"Drafts\"", &["{tag} NO cannot"]),
        exchange("APPEND ", &[trycreate]),
        exchange("NOOP", &["{tag} OK done"]),
        vec![Step::Stall],
    ]);
    let peer = Peer::start(script).await;
    let mut session = connect(&peer).await.expect("a session");
    let answer = session.append("Drafts", Folder::Drafts, b"A: b\r\n").await;
    assert!(is_transient(&answer));
    session.noop().await.expect("a refusal harms no session");
    drop(session);
    peer.finish().await;
}

/// As Courier does it.
#[tokio::test]
async fn an_append_refused_while_a_mailbox_is_open_read_only_is_tried_again_without_one() {
    let refused = "{tag} NO Current box is selected READ-ONLY.";
    let script = after_open(vec![
        exchange("APPEND ", &[refused]),
        exchange("CLOSE", &["{tag} OK done"]),
        vec![expect("APPEND "), say("+ go"), Step::ExpectLiteral, say("{tag} OK done")],
        exchange("APPEND ", &[refused]),
        exchange("EXAMINE \"INBOX\"", &["* 3 EXISTS", "* OK [UIDVALIDITY 77] x", "{tag} OK done"]),
        exchange("UID SEARCH ", &["* SEARCH", "{tag} OK done"]),
        vec![Step::Stall],
    ]);
    let (peer, mut session) = opened(script).await;
    session.append("Drafts", Folder::Drafts, b"A: b\r\n").await.expect("append");
    // With nothing open there is nothing to leave.
    let answer = session.append("Drafts", Folder::Drafts, b"A: b\r\n").await;
    assert!(is_transient(&answer), "{answer:?}");
    let found = session.search(&[SearchTerm::From("a@example.com".into())], None).await;
    assert!(found.expect("search").is_empty());
    drop(session);
    peer.finish().await;
}

/// There CLOSE would expunge what others have marked for deletion.
#[tokio::test]
async fn a_mailbox_that_is_open_for_writing_is_never_closed_for_an_append() {
    let script = after_login(vec![
        exchange(
            "SELECT \"INBOX\"",
            &["* 3 EXISTS", "* OK [UIDVALIDITY 77] x", "* OK [UIDNEXT 9] x", "{tag} OK x"],
        ),
        exchange("APPEND ", &["{tag} NO hm"]),
        exchange("NOOP", &["{tag} OK done"]),
        vec![Step::Stall],
    ]);
    let peer = Peer::start(script).await;
    let mut session = connect(&peer).await.expect("a session");
    session.open("INBOX", Access::ReadWrite).await.expect("open");
    let answer = session.append("Drafts", Folder::Drafts, b"A: b\r\n").await;
    assert!(is_transient(&answer), "{answer:?}");
    session.noop().await.expect("nothing came between");
    drop(session);
    peer.finish().await;
}

#[tokio::test]
async fn a_refused_append_is_classed_by_its_code_before_or_after_the_literal() {
    type Check = fn(&Result<(), Fault>) -> bool;
    let cases: [(&str, Check); 4] = [
        ("{tag} NO [OVERQUOTA] full", needs_human),
        ("{tag} NO [NOPERM] read-only", needs_human),
        ("{tag} NO [TOOBIG] too big", is_permanent),
        ("{tag} NO hm", is_transient),
    ];
    for (refusal, check) in cases {
        let at_once = exchange("APPEND ", &[refusal]);
        let late = vec![expect("APPEND "), say("+ go"), Step::ExpectLiteral, say(refusal)];
        let script = after_login(vec![at_once, late, vec![Step::Stall]]);
        let peer = Peer::start(script).await;
        let mut session = connect(&peer).await.expect("a session");
        for _ in 0..2 {
            let answer = session.append("Drafts", Folder::Sent, b"A: b\r\n").await;
            assert!(check(&answer), "{refusal}: {answer:?}");
        }
        assert!(session.is_usable());
        drop(session);
        peer.finish().await;
    }
}

#[tokio::test]
async fn an_append_without_an_answer_is_resolved_by_the_mark() {
    let status = |next: u32| {
        let told = format!("* STATUS Drafts (MESSAGES 2 UIDNEXT {next} UIDVALIDITY 5)");
        exchange("STATUS \"Drafts\" ", &[told.as_str(), "{tag} OK done"])
    };
    let search = |found: &str| {
        let mut steps = exchange("EXAMINE \"Drafts\"", &["* 2 EXISTS", "{tag} OK done"]);
        let wanted = "UID SEARCH HEADER \"Message-ID\" \"d1@example.com\"";
        steps.extend(exchange(wanted, &[found, "{tag} OK done"]));
        steps
    };
    let other = [
        "* 1 FETCH (UID 6 BODY[HEADER.FIELDS (Message-ID)]<0> {32}",
        "Message-ID: <d1@example.com.x>\r\n)",
        "{tag} OK done",
    ];
    let ours = [
        "* 1 FETCH (UID 7 BODY[HEADER.FIELDS (Message-ID)]<0> {32}",
        "Message-ID:\r\n <d1@example.com>\r\n)",
        "{tag} OK done",
    ];
    let script = after_login(vec![
        status(7),
        // Nothing came: never.
        [status(7), search("* SEARCH"), status(7)].concat(),
        // Something came, but not ours (any more): unclear.
        [status(8), search("* SEARCH 6"), exchange("UID FETCH 6 ", &other), status(8)].concat(),
        [status(8), search("* SEARCH 7"), exchange("UID FETCH 7 ", &ours)].concat(),
        vec![Step::Stall],
    ]);
    let peer = Peer::start(script).await;
    let mut session = connect(&peer).await.expect("a session");
    let mark = session.append_mark("Drafts").await.expect("mark");
    for expected in [AppendTrace::Never, AppendTrace::Unclear, AppendTrace::There] {
        let trace = session.resolve_append("Drafts", &mark, "Message-ID", "<d1@example.com>").await;
        assert_eq!(trace.expect("resolve"), expected);
    }
    drop(session);
    peer.finish().await;
}

#[tokio::test]
async fn a_look_into_drafts_leaves_the_inbox_opened() {
    let script = after_open(vec![
        exchange("EXAMINE \"Drafts\"", &["* 9 EXISTS", "{tag} OK done"]),
        exchange("UID SEARCH ", &["* SEARCH", "{tag} OK done"]),
        exchange("EXAMINE \"INBOX\"", &["* 3 EXISTS", "* OK [UIDVALIDITY 78] new", "{tag} OK done"]),
        vec![Step::Stall],
    ]);
    let (peer, mut session) = opened(script).await;
    let found = session.find_by_header("Drafts", "X-Id", "1").await;
    assert_eq!(found.expect("search"), None);
    // UIDs of another UIDVALIDITY are other messages.
    let answer = session.new_envelopes(11, None, &fields()).await;
    assert!(is_transient(&answer), "{answer:?}");
    drop(session);
    peer.finish().await;
}

#[tokio::test]
async fn idle_wakes_on_new_mail_and_ends_in_order() {
    let script = after_open(vec![
        vec![
            expect("IDLE"),
            say("* 3 EXISTS"),
            say("+ idling"),
            say("* OK Still here"),
            say("* 2 EXPUNGE"),
            say("* 3 EXISTS"),
            Step::ExpectLine("DONE".into()),
            say("* 4 RECENT"),
            say("N3 OK done"),
        ],
        exchange("NOOP", &["{tag} OK done"]),
        vec![Step::Stall],
    ]);
    let (peer, mut session) = opened(script).await;
    let wake = session.wait(Duration::from_secs(20), pending()).await;
    assert_eq!(wake.expect("wait"), Wake::Changed);
    session.noop().await.expect("in step");
    drop(session);
    peer.finish().await;
}

#[tokio::test]
async fn the_end_in_idle_is_a_transient_fault_and_no_wake() {
    for end in [vec![Step::Close], vec![Step::Reset], vec![say("* BYE restarting"), Step::Close]] {
        let mut script = vec![expect("IDLE"), say("+ idling")];
        script.extend(end);
        let (peer, mut session) = opened(after_open(vec![script])).await;
        let wake = session.wait(Duration::from_secs(20), pending()).await;
        assert!(is_transient(&wake), "{wake:?}");
        assert!(!session.is_usable());
        peer.finish().await;
    }
}

#[tokio::test]
async fn a_refused_idle_is_waited_out_and_not_tried_again() {
    for refusal in ["{tag} NO not now", "{tag} BAD what"] {
        let script = after_open(vec![
            exchange("IDLE", &[refusal]),
            exchange("NOOP", &["* 4 EXISTS", "{tag} OK done"]),
            exchange("NOOP", &["{tag} OK done"]),
            vec![Step::Stall],
        ]);
        let (peer, mut session) = opened(script).await;
        let short = Duration::from_millis(20);
        let wake = session.wait(short, pending()).await;
        assert_eq!(wake.expect("wait"), Wake::Changed, "the mail was noticed");
        assert!(!session.has_idle());
        let wake = session.wait(short, pending()).await;
        assert_eq!(wake.expect("wait"), Wake::TimedOut);
        let wake = session.wait(Duration::from_secs(20), async {}).await;
        assert_eq!(wake.expect("wait"), Wake::Interrupted);
        drop(session);
        peer.finish().await;
    }
}

#[tokio::test]
async fn an_idle_the_server_does_not_answer_is_given_up() {
    let script = after_open(vec![vec![expect("IDLE"), Step::Stall]]);
    let peer = Peer::start(script).await;
    let mut session = connect_impatient(&peer).await.expect("a session");
    session.open("INBOX", Access::ReadOnly).await.expect("open");
    let wake = session.wait(Duration::from_secs(20), pending()).await;
    assert!(is_transient(&wake));
    drop(session);
    peer.finish().await;
}

#[tokio::test]
async fn a_server_that_never_stops_talking_in_idle_is_left_in_time() {
    let script =
        after_open(vec![vec![expect("IDLE"), say("+ idling"), Step::Drip("* OK still here\r\n".into())]]);
    let peer = Peer::start(script).await;
    let mut session = connect_impatient(&peer).await.expect("a session");
    session.open("INBOX", Access::ReadOnly).await.expect("open");
    // The wait is over in time; the server, which hears nothing, is then given up.
    let wake = session.wait(Duration::from_millis(50), pending()).await;
    assert!(is_transient(&wake), "{wake:?}");
    drop(session);
    peer.finish().await;
}

#[tokio::test]
async fn of_two_drafts_folders_the_first_is_taken_and_none_is_none() {
    let lists: [(&[&str], Option<&str>); 4] = [
        (&["* LIST (\\Drafts) \"/\" One", "* LIST (\\Drafts) \"/\" Two"], Some("One")),
        (&["* LIST (\\Noselect \\Drafts) \"/\" One", "* LIST (\\Drafts) \"/\" Two"], Some("Two")),
        (&["* LIST (\\NonExistent \\Drafts) \"/\" One"], None),
        (&["* LIST () \"/\" Other"], None),
    ];
    for (listed, drafts) in lists {
        let answers: Vec<&str> = listed.iter().copied().chain(["{tag} OK done"]).collect();
        let script = after_login(vec![exchange("LIST ", &answers), vec![Step::Stall]]);
        let peer = Peer::start(script).await;
        let mut session = connect(&peer).await.expect("a session");
        let folders = session.folders(None, None).await.expect("folders");
        assert_eq!(folders.drafts.as_deref(), drafts, "{listed:?}");
        drop(session);
        peer.finish().await;
    }
}

#[tokio::test]
async fn logout_is_said_and_a_session_can_move_between_threads() {
    let script = after_login(vec![exchange("LOGOUT", &["* BYE see you", "{tag} OK bye"]), vec![Step::Close]]);
    let peer = Peer::start(script).await;
    let session = connect(&peer).await.expect("a session");
    tokio::spawn(session.logout()).await.expect("logged out");
    peer.finish().await;
}
