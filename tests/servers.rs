//! The whole daemon on every real server there is: each test on each. What is
//! different about them stands in `support::servers`.

use std::collections::BTreeSet;
use std::fs;

use notyet::app::shared::Step;
use notyet::config::Tls;
use notyet::shell::store::Ledger;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::daemon::crash::{draft_steps, pass};
use crate::support::client::Kept;
use crate::support::home::{Home, until};
use crate::support::mails::{body, demo, header, to_paste, with_reply_to};
use crate::support::servers::{self, Moves, Server};
use crate::support::smtp_peer::{Peer, Script};
use crate::support::tls::Authority;

/// One test function for each test and server.
macro_rules! on_each {
    ($($module:ident $kind:ident),+; $tests:tt) => { $(on_one!($module $kind $tests);)+ };
}
macro_rules! on_one {
    ($module:ident $kind:ident { $($test:ident)+ }) => {
        mod $module {
            $(
                #[test]
                fn $test() {
                    // Where there is none to start, that was said loudly.
                    let started = super::Server::start(super::servers::$kind);
                    if let Some(server) = started {
                        super::$test(server);
                    }
                }
            )+
        }
    };
}

on_each! {
    dovecot DOVECOT, courier COURIER, cyrus CYRUS;
    {
        the_first_run_writes_nothing_and_a_new_invitation_becomes_one_threaded_draft
        the_backlog_is_found_by_a_search_as_far_as_since_says
        idle_brings_a_draft_and_does_so_again_after_a_restart
        polling_brings_a_draft_and_does_so_again_after_a_restart
        a_kill_anywhere_on_the_way_to_a_draft_leaves_exactly_one
        a_kill_anywhere_on_the_way_of_a_notification_leaves_one_mail_at_its_place
        what_is_dealt_with_is_moved_and_taken_back_and_no_other_mail_is_expunged
        a_lost_ledger_finds_again_what_stands_in_drafts_and_what_was_sent
        a_mailbox_that_was_made_anew_is_read_and_nothing_drafted_twice
        what_may_be_sent_goes_out_once_and_a_copy_is_filed_in_sent
        of_drafts_that_are_held_the_untouched_one_goes_and_no_other_mail_is_expunged
        tls_of_both_kinds_lets_us_in_and_a_strange_authority_is_not_believed
        doctor_finds_all_it_needs
    }
}

// What names of folders have a part in.
on_each! {
    cyrus_with_dots CYRUS_WITH_DOTS, cyrus_below_inbox CYRUS_BELOW_INBOX;
    {
        the_first_run_writes_nothing_and_a_new_invitation_becomes_one_threaded_draft
        what_is_dealt_with_is_moved_and_taken_back_and_no_other_mail_is_expunged
        a_lost_ledger_finds_again_what_stands_in_drafts_and_what_was_sent
        a_mailbox_that_was_made_anew_is_read_and_nothing_drafted_twice
        doctor_finds_all_it_needs
    }
}

fn home_on(server: &Server, policy: &str, keys: &str) -> Home {
    let home = Home::new();
    home.configure(policy, &[home.on_port("work", server.port(), keys)]);
    home
}

/// A home on `server` that has had its first run.
fn watched(server: &Server, policy: &str, keys: &str) -> Home {
    let home = home_on(server, policy, keys);
    home.once().well();
    home
}

fn drafts(server: &Server) -> Vec<Kept> {
    server.client().mails(&server.folder("Drafts"))
}

fn key_of(draft: &Kept) -> String {
    let key = header(&draft.text, "X-Notyet-Key").expect("a key");
    key.trim_start_matches("notyet.").split('@').next().expect("a key").to_owned()
}

fn the_first_run_writes_nothing_and_a_new_invitation_becomes_one_threaded_draft(server: Server) {
    server.deliver(&to_paste(1));
    let home = watched(&server, "", "");
    assert_eq!(drafts(&server), []);
    server.deliver(&to_paste(2));
    server.deliver(&demo("2026-11-friend"));
    let notified = header(&to_paste(2), "Message-ID").expect("an id");
    for _ in 0..2 {
        home.once().well();
        let drafts = drafts(&server);
        assert_eq!(drafts.len(), 1, "{:?}", home.status("work"));
        assert_eq!(drafts[0].flags, ["\\Draft", "\\Seen"], "no keyword is set beside them");
        let text = &drafts[0].text;
        assert_eq!(header(text, "In-Reply-To").as_ref(), Some(&notified));
        assert!(header(text, "References").expect("a thread").ends_with(&notified));
        assert!(body(text).contains("Oskarc"), "{text}");
    }
    let inbox = server.client().mails("INBOX");
    assert!(inbox.len() == 3 && inbox.iter().all(|mail| mail.flags.is_empty()), "{inbox:?}");
}

fn the_backlog_is_found_by_a_search_as_far_as_since_says(server: Server) {
    server.deliver(&to_paste(1));
    server.deliver(&demo("2026-11-friend"));
    server.deliver(&demo("2026-10-order-confirmation"));
    server.deliver(&with_reply_to(2, "jane@example.org"));
    let home = watched(&server, "", "since = \"1d\"");
    assert_eq!(drafts(&server).len(), 2, "{}", home.status("work"));
    let read = home.once().well();
    assert_eq!(drafts(&server).len(), 2);
    assert!(!read.err.contains("looked into the mailbox"), "nothing is read twice: {}", read.err);
}

fn idle_brings_a_draft_and_does_so_again_after_a_restart(server: Server) {
    let poll_every = server.kind.poll_beside_idle;
    a_draft_comes_and_another_after_a_restart(server, poll_every, "");
}

fn polling_brings_a_draft_and_does_so_again_after_a_restart(server: Server) {
    a_draft_comes_and_another_after_a_restart(server, "1s", "idle = false\n");
}

fn a_draft_comes_and_another_after_a_restart(mut server: Server, poll_every: &str, imap: &str) {
    let home = Home::new();
    let account = home.on_port("work", server.port(), "").replace("5m", poll_every) + imap;
    home.configure("", &[account]);
    home.once().well();
    let daemon = home.daemon();
    for number in 1..=3 {
        if number == 3 {
            server.restart();
        }
        daemon.says("connected", if number == 3 { 2 } else { 1 });
        server.deliver(&to_paste(number));
        let what = format!("draft {number}");
        until(&what, || (drafts(&server).len() == number as usize).then_some(()));
    }
    assert_eq!(daemon.stop(), Some(0));
}

fn a_kill_anywhere_on_the_way_to_a_draft_leaves_exactly_one(server: Server) {
    for (number, step) in (1..).zip(draft_steps()) {
        let home = home_on(&server, "", "");
        pass(&home, None);
        server.deliver(&to_paste(number));
        pass(&home, step);
        pass(&home, None);
        pass(&home, None);
        assert_eq!(drafts(&server).len(), number as usize, "{step:?}");
        // Each home is new to the server, and finds again what the homes before it drafted.
        assert_eq!(home.status("work")["letters"], json!({ "drafted": number }), "{step:?}");
    }
    assert!(drafts(&server).iter().all(|draft| draft.flags == ["\\Draft", "\\Seen"]));
}

/// The folder as the server names it (modified UTF-7, RFC 3501 §5.1.3), and a wish as
/// the owner writes it.
fn moved_to(server: &Server) -> (String, String) {
    let named = |name: &str| server.folder(&format!("Notices{}{name}", server.kind.separator));
    let folder = named("Grüße");
    let wish = format!(
        "[[after]]\ndecision = \"draft\"\nseen = true\nflag = true\nmove = \"{folder}\"\ncreate = true\n"
    );
    (named("Gr&APwA3w-e"), wish)
}

fn a_kill_anywhere_on_the_way_of_a_notification_leaves_one_mail_at_its_place(server: Server) {
    let (folder, wish) = moved_to(&server);
    let steps = [Step::TouchBegun, Step::NotificationCopied, Step::NotificationTouched, Step::TouchRecorded];
    let on_the_way = |step: &Step| server.kind.moves == Moves::ByCopy || *step != Step::NotificationCopied;
    for (number, step) in (1..).zip(steps.into_iter().filter(on_the_way)) {
        let home = watched(&server, &wish, "");
        server.deliver(&to_paste(number));
        pass(&home, Some(step));
        pass(&home, None);
        pass(&home, None);
        let mut client = server.client();
        assert_eq!(client.mails("INBOX"), [], "{step:?}");
        let moved = client.mails(&folder);
        assert_eq!(moved.len(), number as usize, "{step:?}");
        assert!(moved.iter().all(|mail| mail.flags == ["\\Flagged", "\\Seen"]), "{step:?}: {moved:?}");
        assert_eq!(drafts(&server).len(), number as usize, "{step:?}");
        assert_eq!(home.status("work")["untouched"], json!([]), "{step:?}");
    }
}

/// Another program has marked a mail of the same mailbox for deletion: it must outlive our moves.
fn what_is_dealt_with_is_moved_and_taken_back_and_no_other_mail_is_expunged(server: Server) {
    let (folder, wish) = moved_to(&server);
    server.client().append("INBOX", "\\Seen \\Deleted", &demo("2026-11-friend"));
    let home = watched(&server, &wish, "");
    server.deliver(&to_paste(1));
    for _ in 0..2 {
        home.once().well();
    }
    let mut client = server.client();
    let moved = client.mails(&folder);
    assert!(moved.len() == 1 && moved[0].flags == ["\\Flagged", "\\Seen"], "{moved:?}");
    let left = client.mails("INBOX");
    assert!(left.len() == 1 && left[0].flags == ["\\Deleted", "\\Seen"], "{left:?}");
    assert_eq!(home.status("work")["untouched"], json!([]));

    let key = key_of(&drafts(&server)[0]);
    home.notyet(&["undo", &key]).well();
    home.once().well();
    let undone: Value =
        serde_json::from_str(&home.notyet(&["undo", &key, "--json"]).well().out).expect("JSON");
    assert_eq!((&undone["waits"], &undone["draft"]), (&json!(false), &json!("removed")), "{undone}");
    assert_eq!((client.mails(&folder).len(), drafts(&server).len()), (0, 0));
    let flags: BTreeSet<String> = client.mails("INBOX").iter().map(|mail| mail.flags.join(" ")).collect();
    assert_eq!(flags, BTreeSet::from(["\\Deleted \\Seen".to_owned(), String::new()]), "back, and unread");
}

fn a_lost_ledger_finds_again_what_stands_in_drafts_and_what_was_sent(server: Server) {
    let home = watched(&server, "", "since = \"1d\"");
    server.deliver(&to_paste(1));
    home.once().well();
    let sent = drafts(&server).remove(0);
    let mut client = server.client();
    client.append(server.kind.sent, "\\Seen", &sent.text);
    client.clear(&server.folder("Drafts"));
    server.deliver(&to_paste(2));
    home.once().well();
    fs::remove_dir_all(home.state()).expect("the state folder");
    home.once().well();
    assert_eq!((drafts(&server).len(), client.mails(server.kind.sent).len()), (1, 1));
    let status = home.status("work");
    assert_eq!(status["letters"], json!({ "drafted": 1, "taken-over": 1 }), "{status}");
    assert_eq!(status["found_again"]["in_drafts"], 1, "{status}");
}

fn a_mailbox_that_was_made_anew_is_read_and_nothing_drafted_twice(server: Server) {
    let lists = server.folder("Lists");
    let mut client = server.client();
    client.well(&format!("CREATE {lists}"));
    let home = watched(&server, "", &format!("mailboxes = [\"INBOX\", \"{lists}\"]"));
    client.append(&lists, "", &demo("2026-11-friend"));
    client.append(&lists, "", &to_paste(1));
    home.once().well();
    assert_eq!(drafts(&server).len(), 1);
    let validity = |home: &Home| home.status("work")["mailboxes"][1]["uid_validity"].clone();
    let before = validity(&home);
    // Some servers make it from the clock.
    until("another UIDVALIDITY", || {
        client.well(&format!("DELETE {lists}"));
        client.well(&format!("CREATE {lists}"));
        let told = client.well(&format!("STATUS {lists} (UIDVALIDITY)"));
        (!told[0].contains(&format!("UIDVALIDITY {before})"))).then_some(())
    });
    client.append(&lists, "", &to_paste(1));
    client.append(&lists, "", &to_paste(2));
    home.once().well();
    assert_ne!(validity(&home), before);
    let keys: BTreeSet<String> = drafts(&server).iter().map(key_of).collect();
    assert_eq!((drafts(&server).len(), keys.len()), (2, 2));
}

fn what_may_be_sent_goes_out_once_and_a_copy_is_filed_in_sent(server: Server) {
    let runtime = Runtime::new().expect("a runtime");
    let peer = runtime.block_on(Peer::standing(Script::new(Tls::Implicit)));
    let home = Home::new();
    home.believe_reply_to();
    home.configure("generic = \"send\"", &[home.on_port("work", server.port(), "") + &peer.table("work")]);
    home.once().well();
    // It is shown to be authentic also below what the server's own delivery put above its header.
    server.deliver(&with_reply_to(1, "jane@example.org"));
    for _ in 0..2 {
        home.once().well();
        assert_eq!(peer.seen().bodies.len(), 1, "{}", home.status("work"));
        let sent = server.client().mails(server.kind.sent);
        assert!(sent.len() == 1 && sent[0].flags == ["\\Seen"], "{sent:?}");
    }
    assert_eq!((drafts(&server), home.status("work")["letters"].clone()), (vec![], json!({ "sent": 1 })));
}

/// Another program has marked a draft of the owner's for deletion: it must outlive ours.
fn of_drafts_that_are_held_the_untouched_one_goes_and_no_other_mail_is_expunged(server: Server) {
    let runtime = Runtime::new().expect("a runtime");
    let peer = runtime.block_on(Peer::standing(Script::new(Tls::Implicit)));
    let home = Home::new();
    home.believe_reply_to();
    let account = home.on_port("work", server.port(), "") + &peer.table("work");
    home.configure("generic = \"send\"\nhold = \"4h\"", &[account]);
    home.once().well();
    server.client().append(&server.folder("Drafts"), "\\Draft \\Deleted", &demo("2026-11-friend"));
    for number in 1..=2 {
        server.deliver(&with_reply_to(number, &format!("p{number}@example.org")));
    }
    home.once().well();
    let (mut client, folder) = (server.client(), server.folder("Drafts"));
    let held: Vec<Kept> =
        drafts(&server).into_iter().filter(|draft| draft.flags.contains(&"\\Seen".to_owned())).collect();
    assert_eq!((held.len(), peer.seen().bodies.len()), (2, 0));
    // The first of them is edited: another mail in its place.
    client.clear(&folder);
    client.append(&folder, "\\Draft \\Deleted", &demo("2026-11-friend"));
    client.append(&folder, "\\Draft \\Seen", &held[1].text);
    client.append(&folder, "\\Draft \\Seen", &(held[0].text.clone() + "One more word.\r\n"));
    let ledger = rusqlite::Connection::open(Ledger::file(&home.state())).expect("the ledger");
    ledger.execute("UPDATE hold SET goes_at = goes_at - 18000", []).expect("hours go by");
    drop(ledger);
    for _ in 0..2 {
        home.once().well();
    }
    assert_eq!(home.status("work")["letters"], json!({ "sent": 1, "taken-over": 1 }));
    let left = drafts(&server);
    assert_eq!((left.len(), peer.seen().bodies.len()), (2, 1), "{left:?}");
    assert!(left.iter().any(|mail| mail.flags.contains(&"\\Deleted".to_owned())), "{left:?}");
    assert!(left.iter().any(|mail| mail.text.contains("One more word.")), "{left:?}");
    let sent = String::from_utf8_lossy(&peer.seen().bodies[0]).into_owned();
    assert_eq!(header(&sent, "To"), header(&held[1].text, "To"));
    assert_eq!(client.mails(server.kind.sent).len(), 1);
}

fn tls_of_both_kinds_lets_us_in_and_a_strange_authority_is_not_believed(server: Server) {
    let strange = Authority::vouching_for(&["localhost"]);
    for (number, (port, tls)) in (1..).zip([(server.imaps_port(), "implicit"), (server.port(), "starttls")]) {
        let home = Home::new();
        home.configure("", &[home.on_tls("work", port, tls, &strange.ca_file(), "")]);
        let refused = home.once();
        assert_eq!(refused.code, Some(1), "{tls}: {}", refused.err);
        assert!(refused.err.contains("ca_file"), "{tls}: {}", refused.err);
        home.configure("", &[home.on_tls("work", port, tls, &server.ca_file(), "")]);
        home.once().well();
        server.deliver(&to_paste(number));
        home.once().well();
        assert_eq!(drafts(&server).len(), number as usize, "{tls}");
    }
}

fn doctor_finds_all_it_needs(server: Server) {
    for number in 1..=3 {
        server.deliver(&with_reply_to(number, "jane@example.org"));
    }
    let home = home_on(&server, "", "");
    let examined = home.notyet(&["doctor", "--json"]);
    assert_eq!(examined.code, Some(0), "{}{}", examined.out, examined.err);
    assert!(examined.out.contains(&server.folder("Drafts")), "{}", examined.out);
    assert!(examined.out.contains(server.kind.sent), "{}", examined.out);
}
