//! Mail in, drafts out, on a real Dovecot.

use std::collections::BTreeSet;
use std::fs;

use super::watched;
use crate::support::home::Home;
use crate::support::mails::{body, demo, header, to_paste, with_reply_to};

#[test]
fn the_first_run_starts_now_and_later_invitations_become_drafts() {
    let server = dovecot!();
    server.deliver(&to_paste(1));
    let home = watched(&server, "", "", "");
    assert_eq!(server.files(".Drafts"), [""; 0], "mail from before the first run is not ours");

    server.deliver(&demo("2015-01-member-reply-to"));
    server.deliver(&demo("2026-02-member-no-note"));
    for other in
        ["2026-11-friend", "2026-09-forged-invitation", "2026-10-order-confirmation", "2016-01-accepted"]
    {
        server.deliver(&demo(other));
    }
    let inbox = server.messages("");
    home.once().well();

    let drafts = server.messages(".Drafts");
    assert_eq!(drafts.len(), 2);
    assert!(server.files(".Drafts").iter().all(|name| name.ends_with(":2,DS")));
    let addressed = drafts.iter().find(|draft| header(draft, "To").is_some()).expect("an addressed draft");
    let pasted = drafts.iter().find(|draft| header(draft, "To").is_none()).expect("a draft to paste");

    assert!(header(addressed, "To").unwrap().contains("ines@example.com"));
    for (draft, name, notified) in [
        (addressed, "Inês", "<529547284.8342656.1421759324249.JavaMail.app@ela4-app9004.prod>"),
        (pasted, "Oskar", "<643644363.1653758.1770103880138@ltx1-app54876.prod.linkedin.com>"),
    ] {
        assert_eq!(header(draft, "In-Reply-To").unwrap(), notified);
        assert!(header(draft, "References").unwrap().ends_with(notified));
        assert!(header(draft, "From").unwrap().contains("robin@example.org"));
        assert!(header(draft, "Content-Type").unwrap().to_lowercase().contains("utf-8"));
        assert!(header(draft, "Auto-Submitted").is_none(), "a person sends a draft");
        assert!(body(draft).contains(name), "{}", body(draft));
        assert!(!draft.contains("otpToken") && !draft.contains("midToken"));
    }
    assert!(body(pasted).contains("https://www.linkedin.com/in/oskar-lindqvist-growth"));

    // Nothing else changed: not a byte, not a flag, nothing is gone.
    assert_eq!(server.messages(""), inbox);
    assert!(server.files("").iter().all(|name| name.starts_with("new/") || name.ends_with(":2,")));
    assert_eq!(server.files(".Posted"), [""; 0]);
}

#[test]
fn a_second_run_a_second_copy_and_a_reminder_draft_nothing_again() {
    let server = dovecot!();
    let home = watched(&server, "", "", "");
    server.deliver(&demo("2026-02-member-no-note"));
    home.once().well();
    assert_eq!(server.files(".Drafts").len(), 1);
    home.once().well();
    server.deliver(&demo("2026-02-member-no-note"));
    home.once().well();
    server.deliver(&demo("2026-02-reminder-no-note"));
    home.once().well();
    assert_eq!(server.files(".Drafts").len(), 1);
    let status = home.status("work");
    assert_eq!(status["letters"]["drafted"], 1, "{status}");
    assert_eq!(status["mailboxes"][0]["next_uid"], 4, "all three were read: {status}");
}

#[test]
fn the_backlog_is_taken_as_far_as_since_says() {
    let server = dovecot!();
    server.deliver(&to_paste(1));
    server.deliver(&demo("2026-11-friend"));
    server.deliver(&to_paste(2));
    watched(&server, "", "since = \"1d\"", "");
    assert_eq!(server.files(".Drafts").len(), 2);
}

#[test]
fn a_new_uidvalidity_drafts_nothing_twice_and_loses_nothing() {
    let server = dovecot!();
    let home = watched(&server, "", "", "");
    server.deliver(&to_paste(1));
    server.deliver(&with_reply_to(2, "jane@example.org"));
    home.once().well();
    let before = home.status("work")["mailboxes"][0]["uid_validity"].clone();
    // Made anew with less in it: the new UIDs lie below the old cursor.
    server.clear("");
    server.renumber_inbox();
    server.deliver(&to_paste(3));
    server.deliver(&to_paste(1));
    home.once().well();
    assert_ne!(home.status("work")["mailboxes"][0]["uid_validity"], before, "the mailbox was renumbered");
    let drafts = server.messages(".Drafts");
    let keys: BTreeSet<_> = drafts.iter().map(|draft| header(draft, "X-Notyet-Key").unwrap()).collect();
    assert_eq!((drafts.len(), keys.len()), (3, 3));
}

/// The mailbox is the same, only its numbers are new: what was left by a policy of then stays left.
#[test]
fn a_mail_that_was_decided_keeps_its_decision_under_a_new_uidvalidity() {
    let home = Home::new();
    let account = home.on_maildir("work", "");
    home.configure("generic = \"leave\"", std::slice::from_ref(&account));
    home.once().well();
    home.deliver("work", "1.a.b", &to_paste(1));
    home.once().well();
    home.configure("", &[account]);
    let renumber = || std::fs::remove_dir_all(home.state().join("maildir")).unwrap();
    renumber();
    home.deliver("work", "2.a.b", &to_paste(2));
    home.once().well();
    assert_eq!(home.status("work")["mailboxes"][0]["next_uid"], 3, "both were read");
    assert_eq!(home.drafts("work").len(), 1, "only the new one is answered");
    assert_eq!(home.status("work")["decisions"], serde_json::json!({ "draft": 1, "leave": 1 }));
}

/// A forger knows the Message-ID and may be first: the real mail is answered all the same.
#[test]
fn a_forgery_that_was_left_does_not_shield_the_real_mail_under_a_new_uidvalidity() {
    let home = Home::new();
    home.configure("", &[home.on_maildir("work", "")]);
    home.once().well();
    let real = to_paste(1);
    let forged = real.replace("dkim=pass", "dkim=fail").replace("dmarc=pass", "dmarc=fail");
    home.deliver("work", "1.a.b", &forged);
    home.once().well();
    assert_eq!(home.drafts("work").len(), 0);
    std::fs::remove_dir_all(home.state().join("maildir")).unwrap();
    home.deliver("work", "2.a.b", &real);
    home.once().well();
    assert_eq!(home.drafts("work").len(), 1);
}

#[test]
fn a_lost_ledger_draws_no_second_draft() {
    let server = dovecot!();
    let home = watched(&server, "", "since = \"1d\"", "");
    server.deliver(&to_paste(1));
    home.once().well();
    assert_eq!(server.files(".Drafts").len(), 1);
    std::fs::remove_dir_all(home.state()).unwrap();
    home.once().well();
    assert_eq!(server.files(".Drafts").len(), 1);
    assert_eq!(home.status("work")["letters"]["drafted"], 1);
}

#[test]
fn a_lost_ledger_draws_no_second_draft_of_what_the_owner_sent() {
    let server = dovecot!();
    let home = watched(&server, "", "since = \"1d\"", "");
    server.deliver(&to_paste(1));
    home.once().well();
    server.put(".Posted", &server.messages(".Drafts")[0]);
    server.clear(".Drafts");
    std::fs::remove_dir_all(home.state()).unwrap();
    home.once().well();
    assert_eq!(server.files(".Drafts"), [""; 0]);
}

#[test]
fn what_the_owner_did_to_a_draft_stands() {
    let server = dovecot!();
    let home = watched(&server, "", "", "");
    server.deliver(&to_paste(1));
    home.once().well();
    server.clear(".Drafts");
    server.deliver(&demo("2026-11-friend"));
    home.once().well();
    server.renumber_inbox();
    home.once().well();
    assert_eq!(server.files(".Drafts"), [""; 0], "a deleted draft is not made again");
}

#[test]
fn two_mailboxes_and_a_maildir_beside_are_watched_too() {
    let server = dovecot!();
    let home = Home::new();
    let accounts = [
        home.on_dovecot("work", &server, "mailboxes = [\"INBOX\", \"Posted\"]", ""),
        home.on_maildir("home", ""),
    ];
    home.configure("", &accounts);
    home.once().well();
    server.deliver(&to_paste(1));
    server.put(".Posted", &to_paste(2));
    home.once().well();
    assert_eq!(server.files(".Drafts").len(), 2);
    home.deliver("home", "1.a.b", &to_paste(1));
    home.deliver("home", "2.a.b", &to_paste(3));
    home.once().well();
    // One person, one answer, whatever mailbox of the owner they wrote to.
    assert_eq!((server.files(".Drafts").len(), home.drafts("home").len()), (2, 1));
}

#[test]
fn what_was_held_when_its_mail_came_is_not_said_to_be_held_for_ever() {
    let home = Home::new();
    home.configure("", &[home.on_maildir("work", "")]);
    let config = fs::read_to_string(home.config()).unwrap();
    home.put("notyet.toml", &config.replace("max_per_hour = 1000", "max_per_hour = 1"));
    home.once().well();
    home.deliver("work", "1.a", &to_paste(1));
    home.deliver("work", "2.a", &to_paste(2));
    home.once().well();
    assert_eq!(home.status("work")["letters"], serde_json::json!({ "drafted": 1, "held": 1 }));
    home.put("notyet.toml", &config);
    home.once().well();
    let shown = home.notyet(&["status"]).well().out;
    let row = |word: &str| shown.lines().find(|line| line.trim_start().starts_with(word)).unwrap().to_owned();
    assert_eq!(row("decided"), "  decided     1 draft, 1 hold (when the mail came)", "{shown}");
    assert_eq!(row("letters"), "  letters     2 drafted");
}
