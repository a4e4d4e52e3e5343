//! Address books that cannot be read: nobody in them becomes a stranger by that.

use std::fs;
use std::os::unix::fs::symlink;
use std::time::SystemTime;

use notyet::app::account::{self, End};
use notyet::app::setup;
use notyet::app::shared::{Shared, Stop};
use notyet::config::Tls;
use notyet::shell::clock;
use notyet::shell::store::Ledger;
use serde_json::{Value, json};

use crate::support::home::{Home, until};
use crate::support::mails::{to_paste, with_reply_to};
use crate::support::smtp_peer::{Peer, Script};
use crate::support::tap::Tap;

fn card(name: &str) -> String {
    format!("BEGIN:VCARD\nVERSION:3.0\nFN:{name}\nEND:VCARD\n")
}

/// A home with one Maildir, and these lines below `[people]`.
fn home_with(people: &str) -> Home {
    let home = Home::new();
    configure(&home, "", "", people);
    home
}

fn configure(home: &Home, policy: &str, smtp: &str, people: &str) {
    home.configure(policy, &[home.on_maildir("work", "") + smtp]);
    let config = fs::read_to_string(home.config()).unwrap();
    home.put("notyet.toml", &config.replace("[policy]", &format!("[people]\n{people}\n[policy]")));
}

fn status(home: &Home) -> Value {
    serde_json::from_str(&home.notyet(&["status", "--json"]).well().out).unwrap()
}

#[test]
fn doctor_counts_the_contacts_of_the_address_books() {
    let home = home_with("address_books = [\"contacts.vcf\", \"more.vcf\"]");
    home.put(
        "contacts.vcf",
        &(card("Ann Lee\nEMAIL:ann@example.com\nEMAIL:lee@example.com") + &card("Bo Ray")),
    );
    home.put("more.vcf", &card("Cy Fox"));
    let told = home.notyet(&["doctor"]).well().out;
    assert!(told.contains("contacts in your address books: 3"), "{told}");
}

/// Whose invitations were left to the owner.
fn left(home: &Home) -> Vec<String> {
    let status = home.status("work");
    let left = status["acquainted"].as_array().unwrap();
    left.iter().map(|one| one["inviter"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn before_an_address_book_was_ever_read_nothing_is_judged_and_the_report_says_why() {
    let home = home_with("keep = [\"Oskarc Lindqvist\"]\naddress_books = [\"contacts.vcf\"]");
    assert_eq!(home.once().code, Some(78));
    for number in [1, 2, 3] {
        home.deliver("work", &format!("{number}.a.b"), &to_paste(number));
    }
    let ran = home.once();
    assert_eq!(ran.code, Some(78), "{}", ran.err);
    assert_eq!(ran.err.matches("contacts.vcf").count(), 1, "{}", ran.err);
    assert!(ran.err.contains("nothing is sent") && ran.err.contains("address_books"), "{}", ran.err);
    assert_eq!(home.drafts("work").len(), 0);
    assert_eq!(home.status("work")["decisions"], json!({}));
    let report = home.notyet(&["status"]).well().out;
    assert!(report.contains("SENDING WAITS") && report.contains("contacts.vcf: cannot read"), "{report}");
    let unread = status(&home)["unread_books"][0].clone();
    assert_eq!(unread["holds_up"], true, "{unread}");
    assert!(unread["path"].as_str().unwrap().ends_with("/contacts.vcf") && unread["since"].is_i64());
    let previewed = home.notyet(&["preview", "--since", "1d"]);
    let mail = home.put("a.eml", &to_paste(1)).display().to_string();
    let asked = [home.notyet(&["check", &mail]), home.notyet(&["known", "Bo Ray"]), previewed];
    for ran in asked {
        assert!(ran.code == Some(78) && ran.err.contains("contacts.vcf"), "{:?} {}", ran.code, ran.err);
    }
    let doctor = home.notyet(&["doctor"]);
    assert!(doctor.code == Some(1) && doctor.out.contains("contacts.vcf"), "{}", doctor.out);

    home.put("contacts.vcf", &card("Oskarb Lindqvist"));
    home.once().well();
    assert_eq!(left(&home), ["Oskarb Lindqvist", "Oskarc Lindqvist"]);
    assert_eq!(home.drafts("work").len(), 1);
    assert_eq!(status(&home)["unread_books"], json!([]));
    home.notyet(&["doctor"]).well();
}

#[test]
fn who_stands_in_the_lost_part_of_a_book_that_was_cut_off_is_no_stranger() {
    let home = home_with("address_books = [\"contacts.vcf\"]");
    let book = card("Oskara Lindqvist") + &card("Oskarb Lindqvist");
    home.put("contacts.vcf", &book);
    home.once().well();
    home.put("contacts.vcf", &book[..book.len() / 2 + 20]);
    home.deliver("work", "1.a.b", &to_paste(1));
    let ran = home.once().well();
    assert!(ran.err.contains("contacts.vcf:5: the card that begins here has no END:VCARD"), "{}", ran.err);
    assert_eq!(left(&home), ["Oskarb Lindqvist"]);
    assert_eq!(status(&home)["unread_books"][0]["holds_up"], false);
    home.put("contacts.vcf", &book);
    home.once().well();
    assert_eq!(status(&home)["unread_books"], json!([]));
}

#[test]
fn the_daemon_goes_on_by_itself_when_the_address_book_appears() {
    let home = home_with("address_books = [\"contacts.vcf\"]");
    assert_eq!(home.once().code, Some(78));
    for number in [1, 2] {
        home.deliver("work", &format!("{number}.a.b"), &to_paste(number));
    }
    let daemon = home.daemon();
    daemon.says("contacts.vcf", 1);
    home.put("contacts.vcf", &card("Oskarb Lindqvist"));
    until("the stranger's draft", || (home.drafts("work").len() == 1).then_some(()));
    assert_eq!(left(&home), ["Oskarb Lindqvist"]);
    assert_eq!(daemon.log().iter().filter(|line| line.contains("contacts.vcf")).count(), 1, "told once");
    assert_eq!(daemon.stop(), Some(0));
}

/// Mail that cannot be judged yet must not keep the daemon busy.
#[test]
fn the_daemon_waits_for_mail_while_it_waits_for_an_address_book() {
    let server = dovecot!();
    let tap = Tap::on(server.imap_port);
    let home = Home::new();
    home.configure("", &[home.on_port("work", tap.port, "")]);
    home.once().well();
    server.deliver(&to_paste(1));
    let config = fs::read_to_string(home.config()).unwrap();
    home.put("notyet.toml", &format!("{config}[people]\naddress_books = [\"contacts.vcf\"]\n"));
    let daemon = home.daemon();
    until("it waits", || tap.heard().concat().contains("IDLE").then_some(()));
    assert_eq!(daemon.stop(), Some(0));
    assert_eq!(server.files(".Drafts").len(), 0);
}

#[tokio::test]
async fn a_book_that_can_be_read_at_last_counts_though_size_and_time_are_as_before() {
    let home = home_with("address_books = [\"cards\"]");
    fs::create_dir(home.path().join("cards")).unwrap();
    home.put("cards/a.vcf", &card("Oskarb Lindqvist"));
    let long_ago = SystemTime::UNIX_EPOCH;
    let put = |text: &str| {
        let path = home.put("cards/b.vcf", text);
        fs::File::options().write(true).open(path).unwrap().set_modified(long_ago).unwrap();
    };
    let good = card("Oskarc Lindqvist");
    put(&"x".repeat(good.len()));
    let setup = setup::load(&home.config()).unwrap();
    let ledger = Ledger::open(&home.state()).unwrap();
    let account = setup.config.accounts.into_iter().next().unwrap();
    let mut shared = Shared::new(setup.rules, setup.config.owner, setup.policy, ledger, clock::now);
    shared.people = setup.config.people;
    shared.uids_dir = Some(home.state().join("maildir"));
    let (_switch, stop) = Stop::new();
    assert_eq!(account::once(&account, &shared, &stop).await, End::Done);
    for number in [1, 2, 3] {
        home.deliver("work", &format!("{number}.a.b"), &to_paste(number));
    }
    assert_eq!(account::once(&account, &shared, &stop).await, End::Done);
    assert_eq!(home.drafts("work").len(), 0, "one file of the book was never read");
    put(&good);
    assert_eq!(account::once(&account, &shared, &stop).await, End::Done);
    assert_eq!(home.drafts("work").len(), 1);
}

#[test]
fn a_file_that_cannot_be_read_keeps_nobody_else_from_being_known() {
    let home = home_with("address_books = [\"cards\"]");
    fs::create_dir(home.path().join("cards")).unwrap();
    home.put("cards/a.vcf", &card("Oskarb Lindqvist"));
    home.once().well();
    // Added to the folder, listed, and taken out of the folder, while a link in it leads nowhere.
    configure(&home, "", "", "keep = [\"Oskarc Lindqvist\"]\naddress_books = [\"cards\"]");
    symlink("nowhere", home.path().join("cards/x.vcf")).unwrap();
    home.put("cards/d.vcf", &card("Oskard Lindqvist"));
    fs::remove_file(home.path().join("cards/a.vcf")).unwrap();
    for number in 1..=4 {
        home.deliver("work", &format!("{number}.a.b"), &to_paste(number));
    }
    let ran = home.once().well();
    assert!(ran.err.contains("x.vcf") && ran.err.contains("stay in force"), "{}", ran.err);
    assert_eq!(left(&home), ["Oskarb Lindqvist", "Oskarc Lindqvist", "Oskard Lindqvist"]);
    assert_eq!(home.drafts("work").len(), 1);
    assert_eq!(status(&home)["unread_books"][0]["holds_up"], false);
    let report = home.notyet(&["status"]).well().out;
    assert!(report.contains("NEEDS YOU") && report.contains("x.vcf"), "{report}");

    home.notyet(&["preview", "--since", "1d"]).well();

    // What was taken out counts no more once all can be read.
    fs::remove_file(home.path().join("cards/x.vcf")).unwrap();
    home.once().well();
    home.deliver("work", "5.a.b", &to_paste(1));
    home.once().well();
    assert_eq!(home.drafts("work").len(), 2);
}

/// A disk that is not mounted shows an empty folder.
#[test]
fn a_folder_that_became_empty_makes_nobody_a_stranger() {
    let home = home_with("address_books = [\"cards\"]");
    fs::create_dir(home.path().join("cards")).unwrap();
    home.put("cards/a.vcf", &card("Oskarb Lindqvist"));
    home.once().well();
    fs::remove_file(home.path().join("cards/a.vcf")).unwrap();
    home.deliver("work", "1.a.b", &to_paste(1));
    let ran = home.once().well();
    assert!(ran.err.contains("cards: no vCard file"), "{}", ran.err);
    assert_eq!((left(&home).len(), home.drafts("work").len()), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_before_an_address_book_that_was_added_was_read() {
    let peer = Peer::standing(Script::new(Tls::Implicit)).await;
    let home = Home::new();
    home.believe_reply_to();
    let book = "address_books = [\"contacts.vcf\"]";
    configure(&home, "generic = \"send\"", &peer.table("work"), "");
    let generous = fs::read_to_string(home.config()).unwrap();
    home.put("notyet.toml", &generous.replace("max_per_hour = 1000", "max_per_hour = 1"));
    home.once().well();
    home.deliver("work", "1.a.b", &with_reply_to(1, "ann@example.com"));
    home.deliver("work", "2.a.b", &with_reply_to(2, "jane@example.com"));
    home.once().well();
    assert_eq!(home.status("work")["letters"], json!({ "held": 1, "sent": 1 }));

    configure(&home, "generic = \"send\"", &peer.table("work"), book);
    assert_eq!(home.once().code, Some(78));
    assert_eq!(peer.seen().bodies.len(), 1);
    home.put(
        "contacts.vcf",
        &card("Jane").replace("END", "EMAIL:jane@example.com\nEMAIL:ann@example.com\nEND"),
    );
    home.once().well();
    assert_eq!(home.status("work")["letters"], json!({ "parked": 1, "sent": 1 }));
    assert_eq!(peer.seen().bodies.len(), 1);
}
