//! `notyet doctor` on a real Dovecot: everything is tried, nothing is changed.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use notyet::config::Tls;
use serde_json::Value;

use crate::support::home::{Home, Ran};
use crate::support::smtp_peer::{Act, At, Peer, Script};

/// A mail as `mx.example.org` delivers it, of sender `n`.
fn signed(n: usize) -> String {
    format!(
        "Received: from out.s{n}.example by mx.example.org; Sun, 1 Nov 2026 09:00:00 +0000\r\n\
         Authentication-Results: mx.example.org; dmarc=pass header.from=s{n}.example\r\n\
         From: someone@s{n}.example\r\nTo: robin@example.org\r\nSubject: {n}\r\n\
         Message-ID: <{n}@s{n}.example>\r\n\r\nHello.\r\n"
    )
}

/// The SMTP table of `peer`, with the mailbox's own login.
fn smtp(peer: &Peer) -> String {
    let table = peer.table("work");
    assert!(table.contains("login = \"none\""), "{table}");
    table.replace("login = \"none\"", "login = \"imap\"")
}

fn account(ran: &Ran) -> Value {
    let all: Value = serde_json::from_str(&ran.out).expect("JSON");
    all["accounts"][0].clone()
}

fn finding(account: &Value, what: &str) -> (String, String) {
    let found = account["findings"].as_array().expect("findings").iter().find(|f| f["what"] == what);
    let found = found.unwrap_or_else(|| panic!("{what}: {account}"));
    (found["health"].as_str().unwrap().to_owned(), found["words"].as_str().unwrap().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn it_learns_who_signs_and_writes_it_only_when_told() {
    let server = dovecot!();
    for n in 0..6 {
        server.deliver(&signed(n));
    }
    let before = server.messages("");
    let peer = Peer::standing(Script::new(Tls::Implicit)).await;
    let home = Home::new();
    let bare = home.on_dovecot("work", &server, "", &smtp(&peer));
    home.configure("", &[bare.replace("authserv_id = \"mx.example.org\"\n", "")]);
    let config = std::fs::read_to_string(home.config()).unwrap();

    let ran = home.notyet(&["doctor", "--json"]).well();
    let found = account(&ran);
    assert_eq!(found["authserv"]["advice"], "mx.example.org", "{found}");
    assert_eq!(found["health"], "limited");
    for (what, health) in [("login", "good"), ("mailbox", "good"), ("drafts", "good"), ("smtp", "good")] {
        assert_eq!(finding(&found, what).0, health, "{found}");
    }
    assert_eq!(std::fs::read_to_string(home.config()).unwrap(), config, "not told to write");
    assert!(!home.state().exists(), "no ledger is made");
    let verbs = peer.seen().verbs().join(" ");
    assert!(verbs.contains("AUTH") && !verbs.contains("MAIL"), "{verbs}");

    let written = home.notyet(&["doctor", "--write"]).well();
    assert!(written.out.contains("mx.example.org written into"), "{}", written.out);
    let ran = home.notyet(&["doctor", "--json", "--write"]).well();
    let (health, words) = finding(&account(&ran), "authserv_id");
    assert_eq!(health, "good", "{words}");
    assert_eq!(
        std::fs::read_to_string(home.config()).unwrap(),
        config.replace("[account.work]\n", "[account.work]\nauthserv_id = \"mx.example.org\"\n")
    );
    assert_eq!(server.messages(""), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_to_be_mended_is_named_and_the_exit_code_tells() {
    let server = dovecot!();
    for n in 0..6 {
        server.deliver(&signed(n));
    }
    let script = Script::new(Tls::Implicit).at(At::Auth, Act::Say("535 5.7.8 no"));
    let peer = Peer::standing(script).await;
    let home = Home::new();
    let other = home.on_dovecot("work", &server, "drafts = \"Mine\"", &smtp(&peer));
    home.configure("", &[other.replace("mx.example.org", "mx.elsewhere.example")]);
    let ran = home.notyet(&["doctor", "--json"]);
    assert_eq!(ran.code, Some(1), "{}{}", ran.out, ran.err);
    let found = account(&ran);
    let (health, words) = finding(&found, "authserv_id");
    assert_eq!(health, "bad");
    assert!(words.contains("mx.elsewhere.example") && words.contains("mx.example.org"), "{words}");
    assert_eq!(finding(&found, "smtp").0, "bad");
    // The server marks a folder as the one for drafts.
    let (health, words) = finding(&found, "drafts");
    assert_eq!(health, "limited", "{words}");
    assert!(words.contains("account.work.drafts = \"Mine\" is not used"), "{words}");
    assert_eq!(finding(&found, "sent").0, "good");

    home.put("password", "not this one");
    let ran = home.notyet(&["doctor"]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.out.contains("bad") && ran.out.contains("login"), "{}", ran.out);
    assert!(!ran.out.contains("not this one") && !ran.err.contains("not this one"));
}

#[test]
fn a_star_stands_for_the_machines_of_the_provider_and_for_nothing_else() {
    let home = Home::new();
    let configured = home.on_maildir("work", "");
    for n in 0..6 {
        home.deliver("work", &format!("{n}.a.b"), &signed(n));
    }
    let health = |id: &str| {
        home.configure("", &[configured.replace("\"mx.example.org\"", &format!("\"{id}\""))]);
        finding(&account(&home.notyet(&["doctor", "--json"])), "authserv_id").0
    };
    for (id, is) in [
        ("*.example.org", "good"),
        ("MX.Example.org", "good"),
        ("*.mx.example.org", "bad"),
        ("*.ample.org", "bad"),
        ("mx1.example.org", "bad"),
    ] {
        assert_eq!(health(id), is, "{id}");
    }
}

#[test]
fn an_empty_mailbox_is_no_sign_against_the_configured_id() {
    let home = Home::new();
    home.configure("", &[home.on_maildir("home", "")]);
    let ran = home.notyet(&["doctor", "--json"]).well();
    let found = account(&ran);
    assert_eq!(finding(&found, "mailbox").1, "INBOX can be read; mails in it: 0");
    let said = finding(&found, "authserv_id");
    assert_eq!(said, ("good".into(), "mx.example.org is configured; no mail is there to show it".into()));
}

/// Every path below `dir` with the time of its last change.
fn tree(dir: &Path) -> Vec<(std::path::PathBuf, std::time::SystemTime)> {
    let mut found = vec![(dir.to_owned(), fs::metadata(dir).unwrap().modified().unwrap())];
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(tree(&path));
        } else {
            found.push((path.clone(), fs::metadata(&path).unwrap().modified().unwrap()));
        }
    }
    found.sort();
    found
}

fn allow(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn what_the_daemon_cannot_write_to_is_told_before_it_tries() {
    let home = Home::new();
    home.configure("", &[home.on_maildir("home", "")]);
    let found = account(&home.notyet_by_modes(&["doctor", "--json"]).well());
    let words = found.to_string();
    assert!(!words.contains("UIDVALIDITY"), "notyet itself keeps the UIDs of a Maildir: {words}");
    assert!(!home.state().exists() && !home.maildir("home").join(".Drafts").exists());

    home.notyet_by_modes(&["run", "--once"]).well();
    for (what, shut) in [
        ("drafts", home.maildir("home")),
        ("drafts", home.maildir("home").join(".Drafts")),
        ("state", home.state()),
        ("state", home.state().join("ledger.sqlite3")),
        ("state", home.state().join("notyet.lock")),
    ] {
        if shut.ends_with(".Drafts") {
            fs::create_dir(&shut).unwrap();
        }
        let mode = fs::metadata(&shut).unwrap().permissions().mode();
        allow(&shut, 0o500);
        let before = tree(home.path());
        let ran = home.notyet_by_modes(&["doctor", "--json"]);
        let (health, words) = finding(&account(&ran), what);
        let shown = shut.display().to_string();
        assert_eq!((ran.code, health.as_str()), (Some(1), "bad"), "{shown}: {}{}", ran.out, ran.err);
        assert!(words.contains(&shown) && words.contains("Permission denied"), "{shown}: {words}");
        assert_eq!(tree(home.path()), before, "{shown}");
        allow(&shut, mode);
        home.notyet_by_modes(&["doctor"]).well();
    }
}

#[test]
fn an_inbox_that_cannot_be_written_to_limits_what_becomes_of_notifications() {
    let home = Home::new();
    home.configure("", &[home.on_maildir("home", "")]);
    let cur = home.maildir("home").join("cur");
    allow(&cur, 0o500);
    home.notyet_by_modes(&["doctor"]).well();
    let config = fs::read_to_string(home.config()).unwrap();
    home.put("notyet.toml", &format!("{config}\n[[after]]\ndecision = \"draft\"\nseen = true\n"));
    let ran = home.notyet_by_modes(&["doctor"]).well();
    assert!(ran.out.contains("[[after]] cannot change notifications in INBOX"), "{}", ran.out);
    allow(&cur, 0o700);
}
