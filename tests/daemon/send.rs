//! Sending: a real Postfix, and scripted servers where a real one cannot be made to fail so.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, OnceLock};

use notyet::app::account::{self, End};
use notyet::app::setup;
use notyet::app::shared::{Kept, Shared, Step, Stop};
use notyet::config::Tls;
use notyet::domain::delivery::State;
use notyet::domain::{Action, Timestamp};
use notyet::shell::clock;
use notyet::shell::store::Ledger;
use serde_json::Value;

use super::watched;
use crate::support::fault::{self, Fault, FaultyLine};
use crate::support::frames::{self, Layout};
use crate::support::home::{Home, until};
use crate::support::mails::{body, demo, header, to_paste, unfolded, with_reply_to, written_now};
use crate::support::postfix::{Logins, Postfix, start_or_skip};
use crate::support::smtp_peer::{Act, At, Peer, Script, table};

const SEND: &str = "generic = \"send\"";

fn postfix_table(postfix: &Postfix) -> String {
    let smtp = postfix.smtp(postfix.submission_port, Tls::StartTls);
    table("work", smtp.port, "starttls", &smtp.ca_file.unwrap())
}

#[test]
fn an_addressed_generic_invitation_is_answered_once_by_mail_with_a_copy_in_sent() {
    let server = dovecot!();
    let test = "an_addressed_generic_invitation_is_answered_once_by_mail_with_a_copy_in_sent";
    let Some(mut postfix) = start_or_skip(test, Logins::None) else { return };
    let home = watched(&server, SEND, "", &postfix_table(&postfix));
    server.deliver(&with_reply_to(1, "jane@example.org"));
    home.once().well();
    home.once().well();
    postfix.wait_for("status=sent");

    let arrived = until("the mail arrives", || postfix.delivered().pop());
    assert_eq!(header(&arrived, "Auto-Submitted").as_deref(), Some("auto-replied"));
    assert_eq!(header(&arrived, "X-Auto-Response-Suppress").as_deref(), Some("All"));
    assert!(header(&arrived, "To").unwrap().contains("jane@example.org"));
    assert!(header(&arrived, "In-Reply-To").unwrap().starts_with("<529547284.1."));
    assert!(body(&arrived).contains("Thank you"));

    let copies = server.messages(".Posted");
    assert_eq!(copies.len(), 1);
    assert_eq!(header(&copies[0], "Message-ID"), header(&arrived, "Message-ID"));
    assert!(server.files(".Posted")[0].ends_with(":2,S"));
    assert_eq!(server.files(".Drafts"), [""; 0]);
    assert_eq!(home.status("work")["letters"]["sent"], 1);

    // The reminder, the renumbered mailbox and the lost ledger change nothing of it.
    server.deliver(&with_reply_to(1, "jane@example.org"));
    server.renumber_inbox();
    home.once().well();
    std::fs::remove_dir_all(home.state()).unwrap();
    home.configure(SEND, &[home.on_dovecot("work", &server, "since = \"1d\"", &postfix_table(&postfix))]);
    home.once().well();
    assert_eq!(home.status("work")["letters"]["sent"], 1, "{}", home.status("work"));
    assert_eq!((postfix.delivered().len(), server.files(".Posted").len()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lacks_evidence_address_or_confidence_is_drafted_instead() {
    let server = dovecot!();
    let peer = Peer::standing(Script::new(Tls::Implicit)).await;
    let home = watched(&server, "generic = \"send\"\npersonalized = \"send\"", "", &peer.table("work"));
    // No address.
    server.deliver(&to_paste(1));
    // A note that nothing shows to be either kind.
    server.deliver(
        &with_reply_to(2, "jane@example.org")
            .replace("I'd like to add you to my professional network on LinkedIn.", "Salty marmalade, then."),
    );
    home.once().well();
    // No authserv_id, so no evidence to be had.
    let account = home.on_dovecot("work", &server, "", &peer.table("work"));
    home.configure(SEND, &[account.replace("authserv_id = \"mx.example.org\"\n", "")]);
    server.deliver(&with_reply_to(3, "jane@example.org"));
    home.once().well();
    // A forgery is not even drafted.
    home.configure(SEND, &[account]);
    server.deliver(&with_reply_to(4, "jane@example.org").replace("=pass", "=fail"));
    home.once().well();

    assert_eq!(server.files(".Drafts").len(), 3);
    let seen = peer.seen();
    assert_eq!(seen.commands, [""; 0]);
    let status = home.status("work");
    assert_eq!(
        (&status["decisions"]["draft"], &status["decisions"]["leave"]),
        (&3.into(), &1.into()),
        "{status}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fresh_install_drafts_even_where_it_could_send() {
    let server = dovecot!();
    let peer = Peer::standing(Script::new(Tls::Implicit)).await;
    let home = watched(&server, "", "", &peer.table("work"));
    server.deliver(&with_reply_to(1, "jane@example.org"));
    server.deliver(&unfolded(&demo("2009-09-guest-note-default")));
    home.once().well();
    assert_eq!(server.files(".Drafts").len(), 2);
    assert_eq!(peer.seen().commands, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_final_and_shown_and_nothing_is_copied() {
    let server = dovecot!();
    let peer =
        Peer::standing(Script::new(Tls::Implicit).at(At::Rcpt, Act::Say("550 5.1.1 nobody here\r\n"))).await;
    let home = watched(&server, SEND, "", &peer.table("work"));
    server.deliver(&with_reply_to(1, "jane@example.org"));
    home.once().well();
    home.once().well();
    let status = home.status("work");
    assert_eq!(status["letters"]["refused"], 1, "{status}");
    assert!(status["waiting"][0]["words"].as_str().unwrap().contains("550"), "{status}");
    assert_eq!(peer.seen().commands.iter().filter(|line| line.starts_with("RCPT")).count(), 1);
    assert_eq!(server.files(".Posted"), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_tells_what_became_of_a_letter_and_names_nobody() {
    let server = dovecot!();
    for (number, (at, reply, level, words)) in (1..).zip([
        (At::Rcpt, "250 2.1.5 <jane@example.org> is fine\r\n", "INFO", "a letter was sent"),
        (At::Rcpt, "451 4.7.1 <jane@example.org> later\r\n", "WARN", "a letter could not be sent"),
        (At::Rcpt, "550 5.1.1 <jane@example.org> unknown\r\n", "WARN", "the server refuses a letter"),
        (At::Dot, "451 4.7.1 <jane@example.org> later\r\n", "WARN", "a letter could not be sent"),
        (At::Dot, "550 5.7.1 <jane@example.org> no\r\n", "WARN", "the server refuses a letter"),
    ]) {
        let peer = Peer::standing(Script::new(Tls::Implicit).at(at, Act::Say(reply))).await;
        let home = watched(&server, SEND, "", &peer.table("work"));
        server.deliver(&with_reply_to(number, &format!("jane{number}@example.org")));
        server.deliver(&to_paste(10 + number));
        let log = home.once().well().err;
        let line = |words: &str| -> Value {
            let line = log.lines().find(|line| line.contains(words));
            serde_json::from_str(line.unwrap_or_else(|| panic!("{words}: {log}"))).unwrap()
        };
        assert_eq!(
            (&line(words)["level"], &line("a draft was written")["level"]),
            (&level.into(), &"INFO".into())
        );
        let key = line(words)["letter_key"].as_str().unwrap().to_owned();
        let shown = home.notyet(&["queue", "show", &key]).well().out;
        assert!(shown.contains(&format!("  to          jane{number}@example.org")), "{shown}");
        assert!(!log.contains("jane"), "{log}");
    }
}

/// The next letter would wait for the same time-out; one that is put off for its own sake holds up none.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_away_is_asked_once_and_one_that_puts_a_letter_off_for_each() {
    let server = dovecot!();
    for (round, (at, reply, command, times, code)) in (0..).zip([
        (At::Hello, "421 4.3.2 down\r\n", "EHLO", 1, 75),
        (At::Mail, "451 4.3.0 later\r\n", "MAIL", 2, 0),
        (At::Rcpt, "451 4.2.1 later\r\n", "RCPT", 2, 0),
    ]) {
        let peer = Peer::standing(Script::new(Tls::Implicit).at(at, Act::Say(reply))).await;
        let home = watched(&server, SEND, "", &peer.table("work"));
        for number in [10 * round + 1, 10 * round + 2] {
            server.deliver(&with_reply_to(number, &format!("jane{number}@example.org")));
        }
        assert_eq!(home.once().code, Some(code), "{reply}");
        assert_eq!(home.status("work")["letters"]["queued"], 2);
        assert_eq!(peer.seen().commands.iter().filter(|line| line.starts_with(command)).count(), times);
    }
}

/// The installation's parts in this process, with a clock of the test's own.
fn opened(home: &Home, now: fn() -> Timestamp) -> (notyet::config::Account, Shared) {
    let setup = setup::load(&home.config()).unwrap_or_else(|problems| panic!("{problems}"));
    let ledger = Ledger::open(&home.state()).unwrap();
    let account = setup.config.accounts.into_iter().next().unwrap();
    let mut shared = Shared::new(setup.rules, setup.config.owner, setup.policy, ledger, now);
    shared.after = setup.config.after;
    (account, shared)
}

async fn pass(account: &notyet::config::Account, shared: &Shared) -> End {
    let (_switch, stop) = Stop::new();
    account::once(account, shared, &stop).await
}

fn states(account: &notyet::config::Account, shared: &Shared) -> Vec<State> {
    let ledger = shared.ledger();
    let all = State::ALL.into_iter();
    all.flat_map(|state| ledger.in_state(&account.name, state).unwrap()).map(|letter| letter.state).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_server_is_away_the_letter_waits_and_then_goes_out_once() {
    static LATER_S: AtomicI64 = AtomicI64::new(0);
    fn now() -> Timestamp {
        Timestamp::from_unix_s(clock::now().unix_s() + LATER_S.load(Ordering::Relaxed))
    }
    let server = dovecot!();
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let peer = Peer::standing(Script::new(Tls::Implicit)).await;
    let table = peer.table("work");
    let down = table.replace(&format!("port = {}", peer.port), &format!("port = {nobody}"));
    let home = watched(&server, SEND, "", &down);
    server.deliver(&with_reply_to(1, "jane@example.org"));
    assert_eq!(home.once().code, Some(75));
    let status = home.status("work");
    assert_eq!(status["letters"]["queued"], 1, "{status}");
    assert_eq!(server.files(".Drafts"), [""; 0]);

    home.configure(SEND, &[home.on_dovecot("work", &server, "", &table)]);
    let (account, shared) = opened(&home, now);
    assert_eq!(pass(&account, &shared).await, End::Done);
    assert_eq!(peer.seen().bodies.len(), 0, "not before the time for the next try");
    LATER_S.store(3600, Ordering::Relaxed);
    for _ in 0..2 {
        assert_eq!(pass(&account, &shared).await, End::Done);
    }
    assert_eq!(states(&account, &shared), [State::Sent]);
    assert_eq!((peer.seen().bodies.len(), server.files(".Posted").len()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_that_waited_too_long_is_left_to_a_person() {
    static NOW_S: AtomicI64 = AtomicI64::new(0);
    fn now() -> Timestamp {
        Timestamp::from_unix_s(NOW_S.load(Ordering::Relaxed))
    }
    let start_s = clock::now().unix_s();
    NOW_S.store(start_s, Ordering::Relaxed);
    let server = dovecot!();
    let peer = Peer::standing(Script::new(Tls::Implicit).at(At::Mail, Act::Say("451 4.3.0 later\r\n"))).await;
    let home = watched(&server, SEND, "", &peer.table("work"));
    server.deliver(&with_reply_to(1, "jane@example.org"));
    let (account, shared) = opened(&home, now);
    pass(&account, &shared).await;
    assert_eq!(states(&account, &shared), [State::Queued]);
    let tries = || peer.seen().commands.iter().filter(|line| line.starts_with("MAIL")).count();
    for (waited_s, state, tried) in
        [(3 * 24 * 3600, State::Queued, 2), (3 * 24 * 3600 + 4 * 3600, State::Parked, 2)]
    {
        NOW_S.store(start_s + waited_s, Ordering::Relaxed);
        pass(&account, &shared).await;
        assert_eq!((states(&account, &shared), tries()), (vec![state], tried), "{waited_s} s");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn perhaps_sent_is_never_sent_again_and_is_parked_after_a_day() {
    static LATER_S: AtomicI64 = AtomicI64::new(0);
    fn now() -> Timestamp {
        Timestamp::from_unix_s(clock::now().unix_s() + LATER_S.load(Ordering::Relaxed))
    }
    let server = dovecot!();
    let peer = Peer::standing(Script::new(Tls::Implicit).at(At::Dot, Act::Close)).await;
    let home = watched(&server, SEND, "", &peer.table("work"));
    server.deliver(&with_reply_to(1, "jane@example.org"));
    let (account, shared) = opened(&home, now);
    for hours in [0, 1, 23] {
        LATER_S.store(hours * 3600, Ordering::Relaxed);
        assert_eq!(pass(&account, &shared).await, End::Done);
        assert_eq!(states(&account, &shared), [State::Uncertain], "after {hours} hours");
    }
    LATER_S.store(25 * 3600, Ordering::Relaxed);
    for _ in 0..2 {
        pass(&account, &shared).await;
    }
    assert_eq!(states(&account, &shared), [State::Parked]);
    assert_eq!(peer.seen().bodies.len(), 1);
    assert_eq!(server.files(".Posted"), [""; 0]);
    drop(shared);
    assert_eq!(home.status("work")["waiting"][0]["state"], "parked");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_smtp_login_is_tried_once_a_day_while_drafting_goes_on() {
    static LATER_S: AtomicI64 = AtomicI64::new(0);
    fn now() -> Timestamp {
        Timestamp::from_unix_s(clock::now().unix_s() + LATER_S.load(Ordering::Relaxed))
    }
    let server = dovecot!();
    let mut script = Script::new(Tls::Implicit);
    script.auth = vec!["535 5.7.8 no"];
    let peer = Peer::standing(script).await;
    let table = peer.table("work").replace("login = \"none\"", "user = \"me\"\npassword.file = \"password\"");
    let home = watched(&server, SEND, "", &table);
    server.deliver(&with_reply_to(1, "jane@example.org"));
    server.deliver(&to_paste(2));
    let (account, shared) = opened(&home, now);
    let mut memory = notyet::app::shared::Memory::default();
    let (_switch, stop) = Stop::new();
    let mut port = notyet::app::port::Port::connect(&account, shared.uids(&account)).await.unwrap();
    for _ in 0..3 {
        let mut nobody = notyet::app::ingest::Unwatched;
        account::pass(&mut port, &account, &shared, &mut memory, &mut nobody, &stop).await.unwrap();
    }
    let logins = peer.seen().commands.iter().filter(|line| line.starts_with("AUTH")).count();
    assert_eq!(logins, 1);
    assert_eq!(server.files(".Drafts").len(), 1, "drafting goes on");
    assert!(states(&account, &shared).contains(&State::Queued), "the letter keeps its place");
    let faults = shared.ledger().status().unwrap().accounts.remove(0).port_faults;
    assert_eq!(faults.len(), 1);
    let mut port = notyet::app::port::Port::connect(&account, shared.uids(&account)).await.unwrap();
    for (later_s, tries) in [(16 * 60, 1), (25 * 3600, 2)] {
        LATER_S.store(later_s, Ordering::Relaxed);
        let mut nobody = notyet::app::ingest::Unwatched;
        account::pass(&mut port, &account, &shared, &mut memory, &mut nobody, &stop).await.unwrap();
        let logins = peer.seen().commands.iter().filter(|line| line.starts_with("AUTH")).count();
        assert_eq!(logins, tries, "after {later_s} s");
    }
}

/// Sending is switched on per kind of note, and off again: also for what waits.
#[tokio::test(flavor = "multi_thread")]
async fn what_waits_is_not_sent_once_its_kind_of_note_is_switched_off() {
    let server = dovecot!();
    let peer = Peer::standing(Script::new(Tls::Implicit).at(At::Mail, Act::Say("451 4.3.0 later\r\n"))).await;
    let home = watched(&server, SEND, "", &peer.table("work"));
    server.deliver(&with_reply_to(1, "jane@example.org"));
    static LATER_S: AtomicI64 = AtomicI64::new(0);
    fn now() -> Timestamp {
        Timestamp::from_unix_s(clock::now().unix_s() + LATER_S.load(Ordering::Relaxed))
    }
    let (account, mut shared) = opened(&home, now);
    pass(&account, &shared).await;
    assert_eq!(states(&account, &shared), [State::Queued]);
    shared.policy.generic = Action::Draft;
    shared.policy.personalized = Action::Send;
    LATER_S.store(3600, Ordering::Relaxed);
    pass(&account, &shared).await;
    assert_eq!(states(&account, &shared), [State::Parked]);
    assert_eq!(peer.seen().commands.iter().filter(|line| line.starts_with("MAIL")).count(), 1);
}

/// Everything is allowed and shown to be authentic, but only the note names the address.
#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_only_the_note_names_gets_a_draft_and_no_mail() {
    let server = dovecot!();
    let peer = Peer::standing(Script::new(Tls::Implicit)).await;
    let policy = "generic = \"send\"\npersonalized = \"send\"\nsend_confidence = 0.0";
    let home = watched(&server, policy, "", &peer.table("work"));
    server.deliver(&written_now(&format!(
        "Authentication-Results: mx.example.org; dmarc=pass header.from=linkedin.com\n{}",
        String::from_utf8(
            frames::mail(
                Layout::Today,
                &frames::ENGLISH,
                &frames::MIRA,
                Some("I'd like to join your LinkedIn network. mira.okafor@example.com"),
            )
            .0
        )
        .unwrap()
    )));
    home.once().well();
    home.once().well();
    let drafts = server.messages(".Drafts");
    assert_eq!(drafts.len(), 1);
    assert!(header(&drafts[0], "To").unwrap().contains("mira.okafor@example.com"));
    assert_eq!(header(&drafts[0], "Auto-Submitted"), None);
    assert_eq!(peer.seen().commands, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drafts_folder_that_takes_nothing_keeps_no_letter_from_being_sent() {
    let server = dovecot!();
    let peer = Peer::standing(Script::new(Tls::Implicit)).await;
    let home = watched(&server, SEND, "", &peer.table("work"));
    server.storage().make(".Drafts");
    let nobody_writes = std::fs::Permissions::from_mode(0o500);
    std::fs::set_permissions(server.maildir().join(".Drafts/tmp"), nobody_writes).unwrap();
    server.deliver(&to_paste(1));
    server.deliver(&with_reply_to(2, "jane@example.org"));
    assert_eq!(home.once().code, Some(75));
    let status = home.status("work");
    assert_eq!(status["letters"], serde_json::json!({ "appending": 1, "sent": 1 }), "{status}");
    assert_eq!((peer.seen().bodies.len(), server.files(".Drafts").len()), (1, 0), "{status}");
}

/// A ledger that was put back from a copy of the time between two tries.
#[tokio::test(flavor = "multi_thread")]
async fn before_a_later_try_it_is_looked_whether_the_letter_is_in_sent() {
    fn in_an_hour() -> Timestamp {
        clock::now().plus(std::time::Duration::from_secs(3600))
    }
    let server = dovecot!();
    let busy = Peer::standing(Script::new(Tls::Implicit).at(At::Mail, Act::Say("451 4.3.0 later\r\n"))).await;
    let home = watched(&server, SEND, "", &busy.table("work"));
    server.deliver(&with_reply_to(1, "jane@example.org"));
    home.once().well();
    let (file, copy) = (Ledger::file(&home.state()), home.path().join("copy"));
    std::fs::copy(&file, &copy).unwrap();
    let peer = Peer::standing(Script::new(Tls::Implicit)).await;
    home.configure(SEND, &[home.on_dovecot("work", &server, "", &peer.table("work"))]);
    let (account, shared) = opened(&home, in_an_hour);
    assert_eq!((pass(&account, &shared).await, peer.seen().bodies.len()), (End::Done, 1));
    drop(shared);
    std::fs::copy(&copy, &file).unwrap();
    let (account, shared) = opened(&home, in_an_hour);
    assert_eq!((pass(&account, &shared).await, peer.seen().bodies.len()), (End::Done, 1));
    assert_eq!(states(&account, &shared), [State::Sent]);
}

/// The Sent folder dislikes one copy, whatever that copy's number.
#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_is_refused_holds_up_nothing_behind_it_and_is_given_up_some_day() {
    fn in_six_days() -> Timestamp {
        clock::now().plus(std::time::Duration::from_secs(6 * 24 * 3600))
    }
    fn in_eight_days() -> Timestamp {
        clock::now().plus(std::time::Duration::from_secs(8 * 24 * 3600))
    }
    let server = dovecot!();
    let line = FaultyLine::before(server.imap_port).await;
    let peer = Peer::standing(Script::new(Tls::Implicit)).await;
    let rules = format!("{SEND}\n[[after]]\ndecision = \"send\"\nseen = true\n");
    let home = watched(&server, &rules, "", &peer.table("work"));
    home.configure(&rules, &[home.on_port("work", line.port, "") + &peer.table("work")]);
    server.deliver(&with_reply_to(1, "jane@example.org"));
    server.deliver(&with_reply_to(2, "mira@example.org"));
    let refused = |now: fn() -> Timestamp| {
        line.plan(fault::At::Named("APPEND"), Fault::Unavailable);
        let (account, shared) = opened(&home, now);
        async move { (pass(&account, &shared).await, shared.ledger().sent_without_copy("work").unwrap().len()) }
    };

    assert_eq!(refused(clock::now).await, (End::TryAgain, 1));
    assert_eq!((peer.seen().bodies.len(), server.files(".Posted").len()), (2, 1), "the second is filed");
    let is_seen = |name: &String| name.rsplit(',').next().unwrap().contains('S');
    assert!(server.files("").iter().all(is_seen), "{:?}", server.files(""));
    assert_eq!(refused(in_six_days).await, (End::TryAgain, 1));
    assert_eq!(refused(in_eight_days).await, (End::Done, 0), "it is given up");
    assert!(line.happened());
    home.once().well();
    assert_eq!((peer.seen().bodies.len(), server.files(".Posted").len()), (2, 1));
}

static LEDGER_FILE: OnceLock<PathBuf> = OnceLock::new();
static HOLDER: Mutex<Option<rusqlite::Connection>> = Mutex::new(None);

/// Another program takes the ledger in the moment the server says yes.
fn hold_ledger(step: Step) {
    if step == Step::Accepted {
        let holder = rusqlite::Connection::open(LEDGER_FILE.get().unwrap()).unwrap();
        holder.execute_batch("BEGIN IMMEDIATE").unwrap();
        *HOLDER.lock().unwrap() = Some(holder);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_accepted_is_no_doubt_because_the_ledger_was_busy() {
    let server = dovecot!();
    let peer = Peer::standing(Script::new(Tls::Implicit)).await;
    let home = watched(&server, SEND, "", &peer.table("work"));
    server.deliver(&with_reply_to(1, "jane@example.org"));
    LEDGER_FILE.set(Ledger::file(&home.state())).unwrap();
    let (account, mut shared) = opened(&home, clock::now);
    shared.at_step = hold_ledger;
    assert_eq!(pass(&account, &shared).await, End::TryAgain);
    assert_eq!(states(&account, &shared), [State::Transmitting]);
    // A reload comes between: what the server said is kept in mind beyond it.
    let Kept { owed, ledger } = shared.into_kept();
    drop((HOLDER.lock().unwrap().take(), ledger));
    let (account, mut shared) = opened(&home, clock::now);
    shared.take_over(owed);
    assert_eq!(pass(&account, &shared).await, End::Done);
    assert_eq!(states(&account, &shared), [State::Sent]);
    assert_eq!((peer.seen().bodies.len(), server.files(".Posted").len()), (1, 1));
}

/// A helper that asks a server for a token fails as that server does: no trouble of the mailbox.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_not_to_be_had_is_trouble_of_sending_alone() {
    let server = dovecot!();
    let peer = Peer::standing(Script::new(Tls::Implicit)).await;
    let runs = server.maildir().join("../runs");
    let script = format!("echo x >> {}; exit 1", runs.display());
    let login = format!("user = \"me\"\noauth2.token_command = [\"sh\", \"-c\", \"{script}\"]");
    let table = peer.table("work").replace("login = \"none\"", &login);
    let home = watched(&server, SEND, "", &table);
    for (number, to) in [(1, "jane@example.org"), (2, "mira@example.org")] {
        server.deliver(&with_reply_to(number, to));
    }
    server.deliver(&to_paste(3));
    assert_eq!(home.once().code, Some(75));
    assert_eq!(std::fs::read_to_string(&runs).unwrap(), "x\n", "the second letter would fare no better");
    let status = home.status("work");
    assert_eq!(status["trouble"], serde_json::json!([]), "{status}");
    assert_eq!(status["letters"], serde_json::json!({ "drafted": 1, "queued": 2 }));
    let (account, shared) = opened(&home, clock::now);
    let first = shared.ledger().in_state("work", State::Queued).unwrap().remove(0);
    assert!(first.last_words.contains("token_command"), "{}", first.last_words);
    assert!(first.next_attempt_at > clock::now());
    let (mut memory, (_switch, stop)) = (notyet::app::shared::Memory::default(), Stop::new());
    let mut port = notyet::app::port::Port::connect(&account, shared.uids(&account)).await.unwrap();
    let mut nobody = notyet::app::ingest::Unwatched;
    account::pass(&mut port, &account, &shared, &mut memory, &mut nobody, &stop).await.unwrap();
    assert_eq!(peer.seen().commands, [""; 0]);
    drop(shared);

    // A password manager waits for its person.
    let table =
        peer.table("work").replace("login = \"none\"", "user = \"me\"\npassword.command = [\"false\"]");
    home.configure(SEND, &[home.on_dovecot("work", &server, "", &table)]);
    server.deliver(&with_reply_to(4, "kim@example.org"));
    server.deliver(&to_paste(5));
    assert_eq!(home.once().code, Some(1));
    let status = home.status("work");
    assert_eq!(status["needs_you"][0]["port"], "smtp", "{status}");
    assert_eq!(status["letters"], serde_json::json!({ "drafted": 2, "queued": 3 }));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_needs_you_for_sending_stays_until_the_server_lets_us_in() {
    let server = dovecot!();
    let mut script = Script::new(Tls::Implicit);
    script.auth = vec!["535 5.7.8 no"];
    let closed = Peer::standing(script).await;
    let login = "user = \"me\"\npassword.file = \"password\"";
    let table = closed.table("work").replace("login = \"none\"", login);
    let home = watched(&server, SEND, "", &table);
    let needs_you = || home.status("work")["needs_you"].as_array().unwrap().len();
    server.deliver(&with_reply_to(1, "jane@example.org"));
    assert_eq!((home.once().code, needs_you()), (Some(1), 1));
    let list: Value = serde_json::from_str(&home.notyet(&["queue", "list", "--json"]).well().out).unwrap();
    home.notyet(&["queue", "drop", list["letters"][0]["key"].as_str().unwrap()]).well();
    let busy = Peer::standing(Script::new(Tls::Implicit).at(At::Greeting, Act::Say("421 later\r\n"))).await;
    home.configure(SEND, &[home.on_dovecot("work", &server, "", &busy.table("work"))]);
    home.once().well();
    assert_eq!(needs_you(), 1, "nothing was tried");
    server.deliver(&with_reply_to(2, "mira@example.org"));
    assert_eq!((home.once().code, needs_you()), (Some(75), 1), "it did not come as far as the login");
    let refusing =
        Peer::standing(Script::new(Tls::Implicit).at(At::Rcpt, Act::Say("550 5.1.1 nobody here\r\n"))).await;
    home.configure(SEND, &[home.on_dovecot("work", &server, "", &refusing.table("work"))]);
    server.deliver(&with_reply_to(3, "kim@example.org"));
    home.once().well();
    assert_eq!(needs_you(), 0, "it let us in, whatever it said of the letter");

    let willing = Peer::standing(Script::new(Tls::Implicit)).await;
    for (number, to) in [(4, "lou@example.org"), (5, "ann@example.org")] {
        home.configure(SEND, &[home.on_dovecot("work", &server, "", &table)]);
        server.deliver(&with_reply_to(number, to));
        assert_eq!((home.once().code, needs_you()), (Some(1), 1));
        if number == 4 {
            home.configure(SEND, &[home.on_dovecot("work", &server, "", &willing.table("work"))]);
            home.once().well();
            assert_eq!(needs_you(), 0, "it took a letter");
        }
    }
    home.configure("", &[home.on_dovecot("work", &server, "", "")]);
    home.once().well();
    assert_eq!(needs_you(), 0, "there is no such server any more");
}

/// Up to the body nothing has left, so nothing has to be waited for.
#[tokio::test(flavor = "multi_thread")]
async fn a_stop_waits_for_no_server_that_has_nothing_of_a_letter_yet() {
    for at in [At::Greeting, At::Rcpt, At::Data] {
        let server = dovecot!();
        let peer = Peer::standing(Script::new(Tls::Implicit).at(at, Act::Silence)).await;
        let patient = peer.table("work").replace("timeout = \"20s\"", "timeout = \"10m\"");
        let home = watched(&server, SEND, "", &patient);
        server.deliver(&with_reply_to(1, "jane@example.org"));
        let daemon = home.daemon();
        let last = match at {
            At::Greeting => None,
            At::Rcpt => Some("RCPT"),
            _ => Some("DATA"),
        };
        match last {
            Some(verb) => until("it came that far", || peer.seen().verbs().contains(&verb).then_some(())),
            None => until("it is queued", || (home.status("work")["letters"]["queued"] == 1).then_some(())),
        }
        assert_eq!(daemon.stop(), Some(0), "{at:?}");
        let (account, shared) = opened(&home, clock::now);
        let letter = shared.ledger().in_state(&account.name, State::Queued).unwrap().remove(0);
        assert_eq!((letter.attempts, peer.seen().body_bytes), (0, 0), "{at:?}");
    }
}
