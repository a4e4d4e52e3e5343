//! A friend is never declined: the Sent folder, the address book and the keep
//! list, on a real Dovecot and on a Maildir.

use std::fs;

use notyet::config::Tls;
use serde_json::Value;

use super::watched;
use crate::support::home::Home;
use crate::support::mails::{demo, to_paste, unfolded, with_reply_to};
use crate::support::smtp_peer::{Peer, Script};

/// A mail of the owner's own hand.
fn written_to(to: &str) -> String {
    format!(
        "From: Robin Keller <robin@example.org>\r\nTo: {to}\r\nSubject: Saturday\r\n\
         Date: Mon, 2 Nov 2026 09:00:00 +0000\r\nMessage-ID: <{}@example.org>\r\n\r\nSee you.\r\n",
        to.len()
    )
}

/// Who was left, and for which reason.
fn acquainted(home: &Home, account: &str) -> Vec<(String, String)> {
    let status = home.status(account);
    let list = status["acquainted"].as_array().expect("a list").clone();
    let word = |of: &Value, key: &str| of[key].as_str().expect("a word").to_owned();
    list.iter().map(|one| (word(one, "inviter"), word(one, "reason"))).collect()
}

#[test]
fn whom_the_owner_wrote_to_is_left_and_the_report_says_so() {
    let server = dovecot!();
    let home = watched(&server, "", "", "");
    server
        .put(".Posted", &written_to("Oskarb Lindqvist <o.l@example.com>, \"Lindqvist, O.\" <x@example.net>"));
    for number in [1, 2] {
        server.deliver(&to_paste(number));
    }
    home.once().well();
    let drafts = server.messages(".Drafts");
    assert_eq!(drafts.len(), 0, "{drafts:?}");
    let left = acquainted(&home, "work");
    // b is 1; "Lindqvist, O." may be any of them.
    assert_eq!(
        left,
        [
            ("Oskarb Lindqvist".to_owned(), "known-person".to_owned()),
            ("Oskarc Lindqvist".to_owned(), "perhaps-known".to_owned())
        ]
    );
    let ledger = fs::read(home.state().join("ledger.sqlite3")).unwrap();
    let wal = fs::read(home.state().join("ledger.sqlite3-wal")).unwrap_or_default();
    for bytes in [ledger, wal] {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        assert!(!text.contains("o.l@example.com") && !text.contains("x@example.net"), "digests only");
    }
    assert!(home.notyet(&["status"]).well().out.contains("left to you"));
    let looked_up = home.notyet(&["known", "Oskarb Lindqvist", "--json"]).well().out;
    let known: Value = serde_json::from_str(&looked_up).unwrap();
    assert_eq!(
        (&known["verdict"], &known["found"][0]["source"]),
        (&"known".into(), &"sent".into()),
        "{known}"
    );
    assert!(home.notyet(&["known", "Some Stranger"]).well().out.starts_with("stranger"));
}

#[test]
fn a_letter_of_ours_makes_nobody_a_friend() {
    let server = dovecot!();
    let home = watched(&server, "", "", "");
    server.deliver(&with_reply_to(1, "jane@example.com"));
    home.once().well();
    let draft = server.messages(".Drafts").pop().expect("a draft");
    // The owner sends it: it stands in Sent, and its reader invites again.
    server.put(".Posted", &draft);
    home.once().well();
    let known = home.notyet(&["known", "Nobody Here", "--address", "jane@example.com"]).well().out;
    assert!(known.starts_with("stranger"), "{known}");
}

#[test]
fn a_renumbered_sent_folder_is_learned_anew_and_later_mail_is_learned_too() {
    let home = Home::new();
    home.configure("", &[home.on_maildir("work", "")]);
    let sent = home.maildir("work").join(".Sent");
    for part in ["cur", "new", "tmp"] {
        fs::create_dir_all(sent.join(part)).unwrap();
    }
    let put = |name: &str, to: &str| {
        fs::write(sent.join("cur").join(format!("{name}:2,S")), written_to(to)).unwrap()
    };
    put("1", "Ann Lee <ann@example.com>");
    home.once().well();
    let verdict = |name: &str| home.notyet(&["known", name]).well().out.lines().next().unwrap().to_owned();
    assert_eq!((verdict("Ann Lee"), verdict("Bo Ray")), ("known".into(), "stranger".into()));
    assert_eq!((verdict("ann@example.com"), verdict("bo@example.com")), ("known".into(), "stranger".into()));

    put("2", "Bo Ray <bo@example.com>");
    home.once().well();
    assert_eq!((verdict("Ann Lee"), verdict("Bo Ray")), ("known".into(), "known".into()));

    // Another mailbox in its place: the UIDs say nothing any more, and the mail of before is archived.
    fs::remove_dir_all(home.state().join("maildir")).unwrap();
    fs::remove_file(sent.join("cur/1:2,S")).unwrap();
    put("3", "Cy Fox <cy.fox@example.com>");
    home.once().well();
    assert_eq!((verdict("Ann Lee"), verdict("Bo Ray")), ("known".into(), "known".into()));
    assert_eq!(verdict("Cy Fox"), "known");
}

/// A server that was put back from an old copy counts the UIDs of Sent from where it was then.
#[test]
fn whom_the_owner_writes_to_is_learned_when_uidnext_of_sent_has_gone_back() {
    let server = dovecot!();
    let home = watched(&server, "", "", "");
    for to in ["Ann Lee <ann@example.com>", "Bo Ray <bo@example.com>", "Cy Fox <cy.fox@example.com>"] {
        server.storage().deliver(".Posted", &written_to(to));
    }
    home.once().well();
    for path in server.storage().paths(".Posted") {
        fs::remove_file(path).unwrap();
    }
    server.storage().turn_back(".Posted");
    server.storage().deliver(".Posted", &written_to("Oskarb Lindqvist <o.l@example.com>"));
    server.deliver(&to_paste(1));
    home.once().well();
    assert_eq!(acquainted(&home, "work"), [("Oskarb Lindqvist".to_owned(), "known-person".to_owned())]);
    let verdict = |name: &str| home.notyet(&["known", name]).well().out.lines().next().unwrap().to_owned();
    assert_eq!((verdict("Ann Lee"), verdict("Cy Fox")), ("known".into(), "known".into()));
}

#[test]
fn the_keep_list_and_address_books_count_in_every_command() {
    let home = Home::new();
    home.believe_reply_to();
    fs::create_dir(home.path().join("cards")).unwrap();
    home.put("cards/a.vcf", "BEGIN:VCARD\nVERSION:3.0\nFN:Oskarb Lindqvist\nEND:VCARD\n");
    let account = home.on_maildir("work", "since = \"1d\"");
    home.configure("", std::slice::from_ref(&account));
    let config = fs::read_to_string(home.config()).unwrap();
    let people = "[people]\nkeep = [\"Oskarc Lindqvist\", \"@example.net\"]\naddress_books = [\"cards\"]\n";
    home.put("notyet.toml", &config.replace("[policy]", &format!("{people}[policy]")));
    for number in [1, 2, 3] {
        home.deliver("work", &format!("{number}"), &to_paste(number));
    }
    home.deliver("work", "4", &with_reply_to(4, "someone@example.net"));

    let previewed = home.notyet(&["preview", "--since", "1d", "--json"]).well().out;
    let reasons = |text: &str| {
        let mut codes: Vec<String> = text
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).expect("JSON"))
            .map(|mail| mail["plans"][0]["reason"].as_str().unwrap_or("?").to_owned())
            .collect();
        codes.sort();
        codes
    };
    let wanted = ["known-person", "known-person", "known-person", "policy-draft"];
    assert_eq!(reasons(&previewed), wanted, "{previewed}");
    let checked = home.put("mail.eml", &to_paste(1));
    let checked = home.notyet(&["check", "--json", checked.to_str().unwrap()]).well().out;
    assert!(checked.contains("known-person") && checked.contains("address book"), "{checked}");

    home.once().well();
    assert_eq!(home.drafts("work").len(), 1);
    assert_eq!(acquainted(&home, "work").len(), 3);

    // A book that cannot be read leaves the last good one in force, and is told of.
    home.put("cards/b.vcf", "no card");
    home.deliver("work", "5", &to_paste(1));
    let ran = home.once().well();
    assert!(ran.err.contains("b.vcf") && ran.err.contains("stay in force"), "{}", ran.err);
    assert_eq!(home.drafts("work").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_that_waits_does_not_go_to_somebody_who_became_known() {
    let server = dovecot!();
    let peer = Peer::standing(Script::new(Tls::Implicit)).await;
    let home = watched(&server, "generic = \"send\"", "", &peer.table("work"));
    let generous = fs::read_to_string(home.config()).unwrap();
    home.put("notyet.toml", &generous.replace("max_per_hour = 1000", "max_per_hour = 1"));
    server.deliver(&with_reply_to(1, "ann@example.com"));
    server.deliver(&with_reply_to(2, "jane@example.com"));
    home.once().well();
    let letters = home.status("work")["letters"].clone();
    assert_eq!((&letters["sent"], &letters["held"]), (&1.into(), &1.into()), "{letters}");

    server.put(".Posted", &written_to("Jane <jane@example.com>"));
    home.put("notyet.toml", &generous);
    home.once().well();
    let status = home.status("work");
    assert_eq!(status["letters"]["parked"], 1, "{status}");
    assert!(status["waiting"][0]["words"].as_str().unwrap().contains("know its reader"), "{status}");
    assert_eq!(peer.seen().verbs().iter().filter(|verb| **verb == "DATA").count(), 1);
}

/// The letter to Inês Carvalho waits, and the owner writes to an I. Carvalho.
#[tokio::test(flavor = "multi_thread")]
async fn a_letter_that_waits_does_not_go_to_somebody_whom_the_owner_may_have_written_to() {
    let server = dovecot!();
    let peer = Peer::standing(Script::new(Tls::Implicit)).await;
    let home = watched(&server, "generic = \"send\"", "", &peer.table("work"));
    let generous = fs::read_to_string(home.config()).unwrap();
    home.put("notyet.toml", &generous.replace("max_per_hour = 1000", "max_per_hour = 1"));
    server.deliver(&with_reply_to(1, "ann@example.com"));
    server.deliver(&with_reply_to(2, "jane@example.com"));
    home.once().well();
    assert_eq!(home.status("work")["letters"]["held"], 1);

    server.put(".Posted", &written_to("\"Carvalho, I.\" <x@example.net>"));
    home.put("notyet.toml", &generous);
    home.once().well();
    let status = home.status("work");
    assert_eq!(status["letters"]["parked"], 1, "{status}");
    assert!(status["waiting"][0]["words"].as_str().unwrap().contains("a like name"), "{status}");
    assert_eq!(peer.seen().verbs().iter().filter(|verb| **verb == "DATA").count(), 1);
}

#[test]
fn everybody_the_owner_wrote_to_is_learned_however_the_list_is_written() {
    let home = Home::new();
    home.configure("", &[home.on_maildir("work", "")]);
    let sent = home.maildir("work").join(".Sent");
    for part in ["cur", "new", "tmp"] {
        fs::create_dir_all(sent.join(part)).unwrap();
    }
    let from = |address: &str, fields: &str| {
        format!(
            "From: Robin Keller <{address}>\r\n{fields}\r\nSubject: Saturday\r\n\
             Date: Mon, 2 Nov 2026 09:00:00 +0000\r\n\r\nSee you.\r\n"
        )
    };
    let owner = "robin@example.org";
    let mails = [
        ("Tom Bravo", from(owner, "To: \"Bravo, Tom (DE)\" <tb@b.example>")),
        ("Tom Delta", from(owner, "Bcc: Tom Delta <td@d.example>")),
        ("Tom Echo", from("robin+lists@example.org", "To: Tom Echo <te@e.example>")),
        ("Tom Foxtrot", from(owner, "To: Ann Other <ao@f.example>; Tom Foxtrot <tf@f.example>")),
        ("Tom Golf", from(owner, "To: broken <x y@z>, Tom Golf <tg@g.example>")),
        ("Tom Harris", from(owner, "To: Friends: Tom Harris <th@h.example>, B <b@h.example>;")),
        ("Tom Lima", from(owner, "To: tl@l.example (Tom Lima)")),
        ("Tom Mike", from(owner, "To: Tom Mike <tm@m\u{fc}nchen.example>")),
        ("Tom November", from(owner, "To: Tom November <\"tom nov\"@n.example>")),
        ("Tom Oscar", from(owner, "To: Tom Oscar <info@o.example>")),
    ];
    for (number, (_, mail)) in mails.iter().enumerate() {
        fs::write(sent.join("cur").join(format!("{number}:2,S")), mail).unwrap();
    }
    home.once().well();
    let verdict = |name: &str| home.notyet(&["known", name]).well().out.lines().next().unwrap().to_owned();
    let strangers: Vec<&str> =
        mails.iter().map(|(name, _)| *name).filter(|name| verdict(name) != "known").collect();
    assert!(strangers.is_empty(), "{strangers:?}");
    assert_eq!(verdict("Robin Keller"), "stranger");
}

/// The digests that another reader of names left behind do not meet the forms of this one.
#[test]
fn whom_an_earlier_notyet_learned_is_learned_anew_by_a_new_reader_of_names() {
    let home = Home::new();
    home.configure("", &[home.on_maildir("work", "")]);
    let sent = home.maildir("work").join(".Sent");
    for part in ["cur", "new", "tmp"] {
        fs::create_dir_all(sent.join(part)).unwrap();
    }
    fs::write(sent.join("cur/1:2,S"), written_to("Ann Lee <ann@example.com>")).unwrap();
    home.once().well();
    let ledger = rusqlite::Connection::open(home.state().join("ledger.sqlite3")).unwrap();
    ledger.execute_batch("DELETE FROM person; UPDATE sent_cursor SET reader = 1").unwrap();
    drop(ledger);
    let verdict = |name: &str| home.notyet(&["known", name]).well().out.lines().next().unwrap().to_owned();
    assert_eq!(verdict("Ann Lee"), "stranger");
    home.once().well();
    assert_eq!(verdict("Ann Lee"), "known");

    // A folder that is gone since is not waited for.
    let ledger = rusqlite::Connection::open(home.state().join("ledger.sqlite3")).unwrap();
    ledger.execute_batch("UPDATE sent_cursor SET reader = 1").unwrap();
    drop(ledger);
    fs::remove_dir_all(sent).unwrap();
    home.once().well();
    let ledger = rusqlite::Connection::open(home.state().join("ledger.sqlite3")).unwrap();
    let count = |sql: &str| ledger.query_row(sql, [], |row| row.get::<_, u32>(0)).unwrap();
    assert_eq!((count("SELECT count(*) FROM sent_cursor"), count("SELECT count(*) FROM learned")), (0, 1));
    assert_eq!(verdict("Ann Lee"), "known");
}

/// An account that is added has a Sent folder of its own, and it may know whom another account would decline.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_before_it_is_known_whom_the_owner_wrote_to_from_every_account() {
    let server = dovecot!();
    let peer = Peer::standing(Script::new(Tls::Implicit)).await;
    let home = Home::new();
    home.believe_reply_to();
    let mine = home.on_maildir("work", "") + &peer.table("work");
    let configure = |other: &str| home.configure("generic = \"send\"", &[mine.clone(), other.to_owned()]);
    server.storage().make(".Posted");
    configure("");
    home.once().well();
    server.put(".Posted", &written_to("Jane <jane@example.com>"));
    home.deliver("work", "1.a.b", &with_reply_to(1, "jane@example.com"));
    home.deliver("work", "2.a.b", &with_reply_to(2, "joe@example.com"));
    configure(&home.on_port("other", 1, ""));
    home.once();
    assert_eq!(peer.seen().bodies.len(), 0, "nobody knows yet whom the owner wrote to from there");
    let status = home.notyet(&["status"]).well().out;
    assert!(status.contains("SENDING WAITS") && status.contains("other"), "{status}");

    configure(&home.on_dovecot("other", &server, "", ""));
    for _ in 0..2 {
        home.once().well();
    }
    let letters = home.status("work")["letters"].clone();
    assert_eq!(letters, serde_json::json!({ "parked": 1, "sent": 1 }));
    assert!(String::from_utf8_lossy(&peer.seen().bodies[0]).contains("joe@example.com"));
    // Once read is enough: what cannot be reached for a while holds nobody up.
    configure(&home.on_port("other", 1, ""));
    home.deliver("work", "3.a.b", &with_reply_to(3, "ann@example.com"));
    home.once();
    assert_eq!(peer.seen().bodies.len(), 2);
}

/// A guest's invitation, from an address that tells no name, to be answered elsewhere.
fn from_one_address_to_another(from: &str, reply_to: &str) -> String {
    let mail = unfolded(&demo("2009-09-guest-note-default"));
    mail.replace("<tobias.arendt@example.com>", &format!("<{from}>\nReply-To: {reply_to}"))
}

#[test]
fn a_friend_who_asks_for_answers_elsewhere_is_a_friend() {
    let home = Home::new();
    home.believe_reply_to();
    let account = home.on_maildir("work", "");
    home.configure("", std::slice::from_ref(&account));
    let config = fs::read_to_string(home.config()).unwrap();
    home.put("notyet.toml", &config.replace("[policy]", "[people]\nkeep = [\"ta77@example.net\"]\n[policy]"));
    home.once().well();
    let reason = |mail: &str| {
        let file = home.put("mail.eml", mail);
        let checked = home.notyet(&["check", "--json", file.to_str().unwrap()]).well().out;
        let checked: Value = serde_json::from_str(&checked).expect("JSON");
        checked["plans"][0]["reason"].as_str().expect("a reason").to_owned()
    };
    let friend = from_one_address_to_another("ta77@example.net", "elsewhere@example.com");
    for (mail, is) in [
        (&friend, "known-person"),
        (&from_one_address_to_another("elsewhere@example.com", "ta77@example.net"), "known-person"),
        (&from_one_address_to_another("someone@example.com", "elsewhere@example.com"), "policy-draft"),
    ] {
        assert_eq!(reason(mail), is, "{mail}");
    }
    home.deliver("work", "1.a.b", &friend);
    home.once().well();
    assert_eq!((home.drafts("work").len(), acquainted(&home, "work").len()), (0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_that_waits_does_not_go_to_somebody_who_became_known_by_another_address() {
    let peer = Peer::standing(Script::new(Tls::Implicit)).await;
    let home = Home::new();
    home.believe_reply_to();
    let account = home.on_maildir("work", "") + &peer.table("work");
    home.configure("generic = \"send\"", std::slice::from_ref(&account));
    let generous = fs::read_to_string(home.config()).unwrap();
    home.put("notyet.toml", &generous.replace("max_per_hour = 1000", "max_per_hour = 1"));
    let sent = home.maildir("work").join(".Sent");
    for part in ["cur", "new", "tmp"] {
        fs::create_dir_all(sent.join(part)).unwrap();
    }
    home.once().well();
    home.deliver("work", "1.a.b", &with_reply_to(1, "ann@example.com"));
    home.deliver("work", "2.a.b", &from_one_address_to_another("ta77@example.net", "elsewhere@example.com"));
    home.once().well();
    let letters = home.status("work")["letters"].clone();
    assert_eq!(letters, serde_json::json!({ "held": 1, "sent": 1 }));

    fs::write(sent.join("cur/9:2,S"), written_to("ta77@example.net")).unwrap();
    home.put("notyet.toml", &generous);
    home.once().well();
    let status = home.status("work");
    assert_eq!(status["letters"], serde_json::json!({ "parked": 1, "sent": 1 }), "{status}");
    assert_eq!(peer.seen().bodies.len(), 1);
}
