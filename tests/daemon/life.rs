//! The daemon's life: IDLE, signals, the lock, logins, the log.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::net::UnixDatagram;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use notyet::app::setup;
use notyet::config::Tls;

use super::watched;
use crate::support::golden;
use crate::support::home::{Home, until};
use crate::support::mails::{sample, to_paste, with_reply_to};
use crate::support::smtp_peer::{Act, At, Peer, Script};

#[test]
fn idle_brings_a_draft_soon_after_the_mail_and_sigterm_ends_it_well() {
    let server = dovecot!();
    let home = watched(&server, "", "", "");
    let daemon = home.daemon();
    daemon.says("connected", 1);
    for number in 1..=2 {
        // The poll comes after five minutes: what is drafted now, IDLE told of.
        server.deliver(&to_paste(number));
        until("the draft", || (server.files(".Drafts").len() == number as usize).then_some(()));
    }
    assert_eq!(daemon.stop(), Some(0));
}

const CHILD: &str = "NOTYET_TEST_HEEDS_HANGUP";

/// Not a test of its own: the process that the next test sends a signal to.
#[test]
fn child_that_heeds_hangup() {
    if std::env::var_os(CHILD).is_some() {
        notyet::app::daemon::heed_hangup().unwrap();
        println!("\nheeding");
        std::io::stdout().flush().unwrap();
        std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
    }
}

#[test]
fn sighup_before_the_daemon_stands_does_not_end_it() {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "daemon::life::child_that_heeds_hangup", "--nocapture"])
        .env(CHILD, "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap() == "heeding"));
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-HUP", &pid]).status().unwrap().success());
    drop(child.stdin.take());
    lines.for_each(drop);
    assert!(child.wait().unwrap().success());
}

#[test]
fn sighup_refuses_a_bad_file_and_takes_over_a_good_one() {
    let server = dovecot!();
    let home = watched(&server, "", "", "");
    let good = std::fs::read_to_string(home.config()).unwrap();
    let daemon = home.daemon();
    daemon.says("connected", 1);

    home.put("notyet.toml", &good.replace("poll_every", "pol_every"));
    daemon.signal("-HUP");
    daemon.says("the old one stays in force", 1);
    let refusal = daemon.log().into_iter().find(|line| line.contains("stays in force")).unwrap();
    assert!(refusal.contains("pol_every"), "{refusal}");
    server.deliver(&to_paste(1));
    until("the draft by the old config", || (server.files(".Drafts").len() == 1).then_some(()));

    home.put("notyet.toml", &good.replace("[policy]", "[policy]\ngeneric = \"leave\""));
    daemon.signal("-HUP");
    daemon.says("connected", 2);
    server.deliver(&to_paste(2));
    until("the mail is judged", || (home.status("work")["decisions"]["leave"] == 1).then_some(()));
    assert_eq!(server.files(".Drafts").len(), 1, "the new policy holds");
    assert_eq!(daemon.stop(), Some(0));
}

/// A second set of rules would take its time and memory at each reload.
#[test]
fn what_is_loaded_anew_compiles_only_rules_that_have_changed() {
    let home = Home::new();
    home.believe_reply_to();
    home.configure("", &[home.on_maildir("work", "")]);
    let first = setup::load(&home.config()).unwrap();
    let again = |first: &setup::Setup| setup::load_beside(&home.config(), Some(&first.rules)).unwrap();
    home.configure("hold = \"1h\"", &[home.on_maildir("work", "")]);
    let second = again(&first);
    assert!(second.policy.hold.is_some() && Arc::ptr_eq(&first.rules, &second.rules));
    let path = home.path().join("rules/networks/linkedin.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("label = \"LinkedIn\"", "label = \"The network\"")).unwrap();
    let third = again(&second);
    assert_eq!(third.rules.networks["linkedin"].label, "The network");
    assert_eq!(second.rules.networks["linkedin"].label, "LinkedIn");
}

/// A stop cuts no transmission, however long the server takes over its answer.
#[tokio::test(flavor = "multi_thread")]
async fn while_a_transmission_is_waited_for_systemd_hears_that_we_live() {
    let server = dovecot!();
    let peer = Peer::standing(Script::new(Tls::Implicit).at(At::Dot, Act::Silence)).await;
    let home = watched(&server, "generic = \"send\"", "", &peer.table("work"));
    let path = home.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(40))).unwrap();
    let hear = || {
        let mut bytes = [0; 1024];
        let count = socket.recv(&mut bytes).expect("a word for systemd");
        String::from_utf8_lossy(&bytes[..count]).into_owned()
    };
    server.deliver(&with_reply_to(1, "jane@example.org"));
    let daemon =
        home.daemon_with(&[("NOTIFY_SOCKET", path.as_os_str()), ("WATCHDOG_USEC", "400000".as_ref())]);
    until("the letter is on the wire", || (peer.seen().body_bytes > 0).then_some(()));
    daemon.signal("-TERM");
    while hear() != "STOPPING=1\n" {}
    for _ in 0..3 {
        assert_eq!(hear(), "WATCHDOG=1\n");
    }
}

#[test]
fn a_reload_to_a_state_folder_that_cannot_be_used_is_refused() {
    let home = Home::new();
    home.configure("", &[home.on_maildir("home", "")]);
    let good = std::fs::read_to_string(home.config()).unwrap();
    let daemon = home.daemon();
    daemon.says("connected", 1);
    // A folder below a file can never be made.
    home.put("notyet.toml", &good.replace("state_dir = \"state\"", "state_dir = \"password/state\""));
    daemon.signal("-HUP");
    daemon.says("the old one stays in force", 1);
    home.put("notyet.toml", &good.replace("state_dir = \"state\"", "state_dir = \"elsewhere\""));
    daemon.signal("-HUP");
    daemon.says("connected", 2);
    assert!(home.path().join("elsewhere/ledger.sqlite3").exists());
    assert_eq!(daemon.stop(), Some(0));
}

#[test]
fn a_second_daemon_on_one_state_folder_is_refused() {
    let home = Home::new();
    home.configure("", &[home.on_maildir("home", "")]);
    let daemon = home.daemon();
    daemon.says("connected", 1);
    let second = home.once();
    // A cron pass that meets the one before it: the next will do.
    assert_eq!(second.code, Some(75), "{}", second.err);
    let holder = format!("another notyet (process {})", daemon.pid());
    assert!(second.err.contains(&holder) && second.err.contains("state_dir"), "{}", second.err);
    assert!(!second.err.contains("ERROR"), "{}", second.err);
    assert_eq!(daemon.stop(), Some(0));
    home.once().well();
}

/// A server that lets nobody in, and how often somebody tried.
fn closed_door() -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let logins = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&logins);
    std::thread::spawn(move || {
        for line in listener.incoming().map_while(Result::ok) {
            let counter = Arc::clone(&counter);
            std::thread::spawn(move || answer_at_the_door(line, &counter));
        }
    });
    (port, logins)
}

fn answer_at_the_door(mut line: std::net::TcpStream, logins: &AtomicUsize) {
    let commands = BufReader::new(line.try_clone().unwrap());
    let _ = line.write_all(b"* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR LITERAL+] ready\r\n");
    for command in commands.lines().map_while(Result::ok) {
        let (tag, rest) = command.split_once(' ').unwrap_or((&command, ""));
        let answer = match rest.split(' ').next().unwrap_or("") {
            "LOGIN" | "AUTHENTICATE" => {
                logins.fetch_add(1, Ordering::SeqCst);
                format!("{tag} NO [AUTHENTICATIONFAILED] no\r\n")
            }
            "CAPABILITY" => format!("* CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR\r\n{tag} OK done\r\n"),
            "LOGOUT" => format!("* BYE\r\n{tag} OK done\r\n"),
            _ => format!("{tag} OK done\r\n"),
        };
        if line.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

#[test]
fn a_refused_login_is_said_once_not_hammered_and_stops_nobody_else() {
    let (port, logins) = closed_door();
    let home = Home::new();
    home.configure("", &[home.on_port("work", port, ""), home.on_maildir("home", "")]);
    let daemon = home.daemon();
    daemon.says("connected", 1);
    daemon.says("\"ERROR\"", 1);
    // Every draft takes a poll of one second: time enough for a second try, were there one.
    for number in 1..=4 {
        home.deliver("home", &format!("{number}.a.b"), &to_paste(number));
        until("the draft", || (home.drafts("home").len() == number as usize).then_some(()));
    }
    assert_eq!(logins.load(Ordering::SeqCst), 1);
    let errors: Vec<_> = daemon.log().into_iter().filter(|line| line.contains("\"ERROR\"")).collect();
    assert_eq!(errors.len(), 1, "{errors:#?}");
    assert!(errors[0].contains("work") && errors[0].contains("password"), "{}", errors[0]);
    assert!(!errors[0].contains("correct horse"));
    let status = home.status("work");
    assert_eq!(status["needs_you"][0]["port"], "imap", "{status}");
    assert_eq!(home.status("home")["needs_you"].as_array().map(Vec::len), Some(0));
    assert_eq!(daemon.stop(), Some(0));
}

#[test]
fn no_log_line_at_any_level_holds_anything_of_a_mail() {
    let server = dovecot!();
    let home = watched(&server, "", "", "");
    let mails: Vec<String> =
        golden::mails().iter().filter(|path| path.starts_with("demo/")).map(|path| sample(path)).collect();
    for mail in &mails {
        server.deliver(mail);
    }
    let ran = home.once().well();
    assert!(server.files(".Drafts").len() >= 15, "{}", server.files(".Drafts").len());
    assert!(ran.err.contains("looked into the mailbox"), "{}", ran.err);
    let log = ran.err.to_lowercase();
    for word in private_words(&mails) {
        assert!(!log.contains(&word.to_lowercase()), "{word:?} stands in the log:\n{}", ran.err);
    }
}

/// Addresses, subjects, tokens, names and notes of the mails and of the owner.
fn private_words(mails: &[String]) -> Vec<String> {
    let mut words: Vec<String> = golden::expected()
        .iter()
        .flat_map(|row| ["inviter", "note", "to", "profile_url"].map(|column| row.value(column)))
        .flatten()
        .collect();
    words.extend(["robin@example.org", "correct horse", "Keller"].map(str::to_owned));
    for mail in mails {
        let (headers, _) = mailparse::parse_headers(mail.as_bytes()).unwrap();
        for header in headers {
            let value = header.get_value();
            match header.get_key().as_str() {
                "Subject" => words.push(value),
                "Message-ID" => words.push(value.trim_matches(['<', '>']).to_owned()),
                "From" | "Reply-To" => words.extend(
                    value.split([' ', '<', '>', ',', '"']).filter(|w| w.contains('@')).map(str::to_owned),
                ),
                _ => {}
            }
        }
        for token in mail.replace("=\n", "").split("otpToken=3D").skip(1) {
            words.push(token.chars().take_while(char::is_ascii_alphanumeric).collect());
        }
    }
    words.retain(|word| word.chars().count() > 4);
    assert!(words.iter().any(|word| word.contains("yJrWJuaTfBUdy9q")), "the tokens are looked for");
    words
}

#[test]
fn once_says_by_its_exit_code_whether_to_try_again_or_to_call_somebody() {
    let home = Home::new();
    let (port, _) = closed_door();
    home.configure("", &[home.on_port("work", port, "")]);
    assert_eq!(home.once().code, Some(1));
    let nobody = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
    home.configure("", &[home.on_port("work", nobody, "")]);
    assert_eq!(home.once().code, Some(75));
    home.put("notyet.toml", "nonsense = 1\n");
    assert_eq!(home.once().code, Some(78));
}

/// A run from cron is a process of its own.
#[test]
fn a_refused_login_is_not_tried_again_by_the_next_run_unless_somebody_mended_it() {
    let (port, logins) = closed_door();
    let home = Home::new();
    let account = home.on_port("work", port, "");
    home.configure("", std::slice::from_ref(&account));
    let tried = || {
        assert_eq!(home.once().code, Some(1));
        logins.swap(0, Ordering::SeqCst)
    };
    assert_eq!((tried(), tried(), tried()), (1, 0, 0));
    let status = home.status("work");
    assert!(status["needs_you"][0]["words"].as_str().unwrap().contains("AUTHENTICATIONFAILED"), "{status}");

    home.put("password", "another one");
    assert_eq!((tried(), tried()), (1, 0), "the password is another");
    home.configure("", &[account.replace("user = \"", "user = \"other-")]);
    assert_eq!((tried(), tried()), (1, 0), "the user is another");
    let ledger = rusqlite::Connection::open(home.state().join("ledger.sqlite3")).unwrap();
    ledger.execute("UPDATE refused_login SET at = at - 90000", []).unwrap();
    assert_eq!((tried(), tried()), (1, 0), "a day is over");
    // Also by a round in which all accounts look back first.
    home.configure("", &[account, home.on_maildir("home", "")]);
    assert_eq!((tried(), tried()), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_login_of_sending_rests_from_run_to_run_while_drafting_goes_on() {
    let mut script = Script::new(Tls::Implicit);
    script.auth = vec!["535 5.7.8 no"];
    let peer = Peer::standing(script).await;
    let home = Home::new();
    home.believe_reply_to();
    let login = "user = \"me\"\npassword.file = \"password\"";
    let table = peer.table("work").replace("login = \"none\"", login);
    home.configure("generic = \"send\"", &[home.on_maildir("work", "") + &table]);
    home.once().well();
    home.deliver("work", "1.a.b", &with_reply_to(1, "jane@example.org"));
    for number in 2..=4 {
        home.deliver("work", &format!("{number}.a.b"), &to_paste(number));
        assert_eq!(home.once().code, Some(1));
        assert_eq!(home.drafts("work").len(), number as usize - 1);
    }
    let logins = || peer.seen().commands.iter().filter(|line| line.starts_with("AUTH")).count();
    assert_eq!(logins(), 1);
    home.put("password", "another one");
    assert_eq!((home.once().code, logins()), (Some(1), 2));
}

/// Also where all accounts are looked through before any of them sends.
#[test]
fn one_run_tries_a_refused_login_once() {
    let (port, logins) = closed_door();
    let home = Home::new();
    home.configure("", &[home.on_port("work", port, ""), home.on_maildir("home", "")]);
    let ran = home.once();
    assert_eq!((ran.code, logins.load(Ordering::SeqCst)), (Some(1), 1), "{}", ran.err);
    assert_eq!(ran.err.matches("\"ERROR\"").count(), 1, "{}", ran.err);
    assert_eq!(home.status("home")["needs_you"].as_array().map(Vec::len), Some(0));
}
