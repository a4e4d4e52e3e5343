//! Preview: the daemon's judgement without its hands.

use std::process::Command;
use std::time::{Duration, UNIX_EPOCH};

use notyet::config::Tls;
use notyet::shell::clock;
use notyet::shell::store::Ledger;
use serde_json::Value;

use crate::support::home::{Home, Ran};
use crate::support::mails::{demo, to_paste, with_reply_to};
use crate::support::smtp_peer::{Peer, Script};
use crate::support::tap::Tap;

const OTHERS: [&str; 4] = [
    "2026-11-friend",
    "2026-10-order-confirmation",
    "2026-10-human-replies-with-quote",
    "2026-11-calendar-invitation",
];

/// What speaks of the mailbox and the day, which `check` has nothing of.
const CIRCUMSTANCES: [&str; 2] = ["gate.age", "gate.limits"];

/// The objects without the name of the mail and the words about circumstances.
fn objects(out: &str) -> Vec<Value> {
    out.lines()
        .map(|line| {
            let mut object: Value = serde_json::from_str(line).expect("one object a line");
            object.as_object_mut().unwrap().remove("file").expect("the name of the mail");
            for plan in object["plans"].as_array_mut().unwrap() {
                let evidence = plan["evidence"].as_array_mut().unwrap();
                for piece in
                    evidence.iter_mut().filter(|e| CIRCUMSTANCES.iter().any(|rule| e["rule"] == *rule))
                {
                    assert!(piece["text"].as_str().unwrap().starts_with("passed"), "{piece}");
                    piece["text"] = "passed".into();
                }
            }
            object
        })
        .collect()
}

#[test]
fn it_shows_what_check_shows_and_touches_nothing() {
    let server = dovecot!();
    let tap = Tap::on(server.imap_port);
    let home = Home::new();
    home.configure("", &[home.on_port("work", tap.port, "")]);
    let invitations = [
        to_paste(1),
        with_reply_to(2, "jane@example.org"),
        demo("2026-07-member-note-german-personal"),
        demo("2026-09-forged-invitation"),
    ];
    for (invitation, other) in invitations.iter().zip(OTHERS) {
        server.deliver(&demo(other));
        server.deliver(invitation);
    }
    let (files, mails) = (server.files(""), server.messages(""));
    let own = home.path().read_dir().unwrap().count();

    let shown = objects(&home.notyet(&["preview", "--since", "1d", "--json"]).well().out);

    let said = tap.heard().concat();
    assert!(said.contains("EXAMINE") && !said.contains("SELECT"), "{said}");
    for word in ["STORE", "APPEND", "EXPUNGE", "MOVE", "COPY", "CREATE", "RFC822 ", "BODY["] {
        assert!(!said.contains(word), "{word}: {said}");
    }
    // Still in `new`, without flags: not even \Recent is gone.
    assert_eq!((server.files(""), server.messages("")), (files, mails));
    assert!(server.files("").iter().all(|name| name.starts_with("new/")));
    assert_eq!(server.files(".Drafts"), [""; 0]);
    assert!(!home.state().exists());
    assert_eq!(home.path().read_dir().unwrap().count(), own);

    // Bodies of the candidates only, which are the even ones.
    let bodies: Vec<_> = said.lines().filter(|line| line.contains("BODY.PEEK[]")).collect();
    assert_eq!(bodies.len(), 1, "{said}");
    assert!(bodies[0].contains("2,4,6,8"), "{}", bodies[0]);

    let mut check = Command::new(env!("CARGO_BIN_EXE_notyet"));
    check.args(["check", "--json", "--config"]).arg(home.config());
    for (number, invitation) in invitations.iter().enumerate() {
        check.arg(home.put(&format!("{number}.eml"), &invitation.replace('\n', "\r\n")));
    }
    assert_eq!(shown, objects(&Ran::of(&mut check).well().out));
    assert_eq!(shown.len(), invitations.len());
}

#[test]
fn on_a_maildir_it_leaves_every_file_alone() {
    let home = Home::new();
    home.configure("", &[home.on_maildir("work", "")]);
    home.deliver("work", "1.a.b", &to_paste(1));
    home.deliver("work", "2.a.b", &demo("2026-11-friend"));
    let everything = || {
        let out =
            Command::new("find").arg(home.path()).args(["-printf", "%p %s %T@\n"]).output().unwrap().stdout;
        let mut lines: Vec<_> = String::from_utf8(out).unwrap().lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    let before = everything();
    let ran = home.notyet(&["preview", "--since", "1d"]).well();
    assert!(ran.out.contains("1 draft") && ran.out.contains("nothing was changed"), "{}", ran.out);
    assert_eq!(everything(), before);
}

/// A mailbox that is read anew, or a daemon that was off: preview tells what it would have done at the time.
#[tokio::test(flavor = "multi_thread")]
async fn what_lay_for_weeks_is_sent_in_hindsight_only() {
    let home = Home::new();
    home.believe_reply_to();
    let peer = Peer::standing(Script::new(Tls::Implicit)).await;
    home.configure("generic = \"send\"", &[home.on_maildir("work", "since = \"90d\"") + &peer.table("work")]);
    home.once().well();
    home.deliver("work", "1.a.b", &with_reply_to(1, "jane@example.org"));
    home.deliver("work", "2.a.b", &with_reply_to(2, "joe@example.org"));
    let old = std::fs::File::options().write(true).open(home.maildir("work").join("new/1.a.b")).unwrap();
    let weeks_ago = clock::now().minus(Duration::from_secs(20 * 24 * 3600)).unix_s();
    old.set_modified(UNIX_EPOCH + Duration::from_secs(weeks_ago.unsigned_abs())).unwrap();
    let previewed = home.notyet(&["preview", "--since", "90d", "--json"]).well().out;
    let decisions: Vec<_> =
        objects(&previewed).iter().map(|mail| mail["plans"][0]["decision"].clone()).collect();
    assert_eq!(decisions, ["send", "send"]);
    home.once().well();
    assert_eq!(home.status("work")["letters"], serde_json::json!({ "drafted": 1, "sent": 1 }));
    assert!(String::from_utf8_lossy(&peer.seen().bodies[0]).contains("joe@example.org"));
}

#[test]
fn it_works_beside_a_running_daemon() {
    let home = Home::new();
    home.configure("", &[home.on_maildir("work", "")]);
    let daemon = home.daemon();
    daemon.says("connected", 1);
    home.notyet(&["preview"]).well();
    assert_eq!(daemon.stop(), Some(0));
}

/// The past is judged, and it has hours of its own.
#[tokio::test(flavor = "multi_thread")]
async fn no_hour_of_the_day_changes_what_it_shows() {
    let peer = Peer::standing(Script::new(Tls::Implicit)).await;
    let home = Home::new();
    home.believe_reply_to();
    let twelve_hours_off = (clock::now().unix_s() / 3600 + 12) % 24;
    let policy = format!(
        "generic = \"send\"\n[sending]\ntime_zone = \"UTC\"\n\
         hours = \"{twelve_hours_off:02}:00-{twelve_hours_off:02}:59\"\n"
    );
    home.configure(&policy, &[home.on_maildir("work", "") + &peer.table("work")]);
    home.deliver("work", "1.a.b", &with_reply_to(1, "jane@example.org"));
    let shown = objects(&home.notyet(&["preview", "--since", "1d", "--json"]).well().out);
    assert_eq!(shown[0]["plans"][0]["decision"], "send", "{}", shown[0]);
    assert_eq!(shown[0]["plans"][0]["reason"], "policy-send");
}

#[test]
fn a_ledger_that_cannot_be_used_is_told_of() {
    let home = Home::new();
    home.configure("", &[home.on_maildir("work", "")]);
    home.once().well();
    assert_eq!(home.notyet(&["preview"]).well().err, "");
    home.deliver("work", "1.a.b", &to_paste(1));
    std::fs::write(Ledger::file(&home.state()), "no ledger at all, and long enough to be looked at").unwrap();
    let ran = home.notyet(&["preview", "--since", "1d"]).well();
    assert!(ran.out.contains("1 draft"), "{}", ran.out);
    assert!(ran.err.contains("ledger.sqlite3") && ran.err.contains("from Sent anew"), "{}", ran.err);
}

#[test]
fn what_cannot_be_read_is_shown_with_its_reason_as_check_does() {
    let home = Home::new();
    home.configure("", &[home.on_maildir("work", "")]);
    let two_authors = to_paste(2).replacen("\nFrom:", "\nFrom: Another <invitations@linkedin.com>\nFrom:", 1);
    home.deliver("work", "1.a.b", &two_authors);
    let mail = home.put("a.eml", &two_authors).display().to_string();
    let checked: Value = serde_json::from_str(&home.notyet(&["check", "--json", &mail]).well().out).unwrap();
    let why = checked["unreadable"].as_str().unwrap();
    let out = home.notyet(&["preview", "--since", "1d", "--json"]).well().out;
    let shown: Value = serde_json::from_str(out.trim_end()).unwrap();
    assert_eq!(shown["unreadable"], why, "{shown}");
    let text = home.notyet(&["preview", "--since", "1d"]).well().out;
    assert!(text.contains(&format!("set aside and listed: {why}")), "{text}");
}
