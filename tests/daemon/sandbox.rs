//! The daemon in its sandbox: it writes where it has to, and what it runs writes nowhere else.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};

use crate::support::home::Home;
use crate::support::mails::to_paste;

/// A home with a Maildir account, and an account whose password comes from a program
/// that writes into the state folder and beside it. No server stands behind it.
fn home(sandbox: &str) -> Home {
    let home = Home::new();
    let dead = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
    let path = home.path().display();
    let script = format!("echo x >{path}/state/inside; echo x >{path}/outside; echo secret");
    let helped = home.on_port("helped", dead, "").replace(
        "password.file = \"password\"",
        &format!("password.command = [\"sh\", \"-c\", \"{script}\"]"),
    );
    home.configure("", &[home.on_maildir("work", ""), helped]);
    let config = fs::read_to_string(home.config()).unwrap();
    home.put("notyet.toml", &format!("sandbox = \"{sandbox}\"\n{config}"));
    home
}

fn wrote(home: &Home) -> (bool, bool) {
    (home.state().join("inside").exists(), home.path().join("outside").exists())
}

/// Says so loudly when this kernel has no Landlock.
fn has_landlock() -> bool {
    let ran = home("required").once();
    let has = !ran.err.contains("cannot be had");
    if !has {
        eprintln!("SKIPPED: this kernel has no Landlock: {}", ran.err);
    }
    has
}

#[test]
fn what_runs_in_the_sandbox_writes_nowhere_but_in_its_folders() {
    if !has_landlock() {
        return;
    }
    let home = home("required");
    home.once();
    home.deliver("work", "1.a", &to_paste(1));
    let ran = home.once();
    assert!(ran.err.contains("writing is restricted"), "{}", ran.err);
    assert_eq!(wrote(&home), (true, false), "{}", ran.err);
    assert_eq!(home.drafts("work").len(), 1, "it still does its work: {}", ran.err);
}

#[test]
fn without_the_sandbox_the_same_program_writes_anywhere() {
    for word in ["off", "auto"] {
        let home = home(word);
        let ran = home.once();
        assert_eq!(wrote(&home), (true, true), "{word}: {}", ran.err);
        assert!(!ran.err.contains("writing is restricted"), "{word}: helpers are not restricted unasked");
    }
}

#[test]
fn a_new_configuration_that_needs_more_than_the_sandbox_allows_is_refused() {
    if !has_landlock() {
        return;
    }
    let home = Home::new();
    let watches = |name: &str| {
        home.configure("", &[home.on_maildir(name, "")]);
        let config = fs::read_to_string(home.config()).unwrap();
        home.put("notyet.toml", &format!("sandbox = \"auto\"\n{config}"));
    };
    watches("work");
    let daemon = home.daemon();
    daemon.says("writing is restricted", 1);
    daemon.says("connected", 1);
    watches("elsewhere");
    daemon.signal("-HUP");
    daemon.says("may not be written to any more; restart notyet", 1);
    assert_eq!(daemon.stop(), Some(0));
}
