//! The promises of the design's first section, over every sample mail there is.
//! Those of crashes, servers and hands are kept in `daemon`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::support::golden::{expected, mails, root};
use crate::support::home::{Home, Ran, messages};
use crate::support::mails::{body, header, sample};

const SMTP: &str =
    "[account.work.smtp]\nhost = \"localhost\"\nport = 9\ntls = \"loopback-plain\"\nlogin = \"none\"\n";

/// A home with a Maildir account that could send.
fn home(policy: &str) -> Home {
    let home = Home::new();
    home.configure(policy, &[home.on_maildir("work", ""), SMTP.to_owned()]);
    home
}

/// A home whose Maildir got every sample mail after the first run, and one more run.
fn full_home() -> Home {
    let home = home("");
    home.once().well();
    let _ = deliver_all(&home, "first");
    home.once().well();
    home
}

/// Delivers every sample mail and tells what was delivered.
fn deliver_all(home: &Home, copy: &str) -> Vec<String> {
    let all: Vec<_> = mails().iter().map(|path| sample(path)).collect();
    for (number, mail) in all.iter().enumerate() {
        home.deliver("work", &format!("{number:03}.{copy}.a"), mail);
    }
    all
}

/// `check --json` of every sample mail, by its path.
fn checked(home: &Home) -> BTreeMap<String, Value> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_notyet"));
    command.args(["check", "--json", "--config"]).arg(home.config()).current_dir(root());
    let ran = Ran::of(command.args(mails())).well();
    ran.out
        .lines()
        .map(|line| {
            let object: Value = serde_json::from_str(line).unwrap();
            (object["file"].as_str().unwrap().to_owned(), object)
        })
        .collect()
}

fn plans(checked: &BTreeMap<String, Value>) -> impl Iterator<Item = (&String, &Value)> {
    checked
        .iter()
        .flat_map(|(path, object)| object["plans"].as_array().unwrap().iter().map(move |p| (path, p)))
}

#[test]
fn a_fresh_install_never_sends() {
    let checked = checked(&home(""));
    let decisions: BTreeSet<_> =
        plans(&checked).map(|(_, plan)| plan["decision"].as_str().unwrap()).collect();
    assert!(decisions.contains("draft") && !decisions.contains("send"), "{decisions:?}");
}

#[test]
fn only_mail_shown_to_be_authentic_is_ever_answered_by_itself_and_never_a_robot() {
    let checked = checked(&home("generic = \"send\"\npersonalized = \"send\"\nsend_confidence = 0.0"));
    let authentic: BTreeMap<String, String> =
        expected().iter().map(|row| (row.file.clone(), row.raw("authentic").to_owned())).collect();
    let mut sent = 0;
    for (path, plan) in plans(&checked).filter(|(_, plan)| plan["decision"] == "send") {
        sent += 1;
        assert_eq!(authentic[path], "pass", "{path}");
        assert_eq!(checked[path]["kind"].as_str().map(|kind| kind == "other"), Some(false), "{path}");
        let to = plan["to"].as_str().expect("a recipient").to_lowercase();
        for robot in ["noreply", "no-reply", "donotreply", "invitations@", "member@", "robin@example.org"] {
            assert!(!to.contains(robot), "{path}: {to}");
        }
    }
    assert!(sent > 5, "only {sent} would be sent: this shows too little");
    for (path, plan) in plans(&checked).filter(|(path, _)| authentic[*path] == "against") {
        let loose = expected().iter().any(|row| row.file == **path && row.is_loose("decision"));
        assert!(loose || plan["decision"] == "leave", "{path}: {}", plan["decision"]);
    }
}

#[test]
fn every_decision_explains_itself() {
    for (path, plan) in plans(&checked(&home(""))) {
        assert!(!plan["reason"].as_str().unwrap().is_empty(), "{path}");
        let stages: BTreeSet<_> =
            plan["evidence"].as_array().unwrap().iter().map(|e| e["stage"].as_str().unwrap()).collect();
        let wanted: &[&str] = match plan["decision"].as_str().unwrap() {
            "leave" => &["recognise", "gate"],
            _ => &["recognise", "gate", "classify", "decide"],
        };
        assert!(wanted.iter().all(|stage| stages.contains(stage)), "{path}: {stages:?}");
    }
}

#[test]
fn all_mail_twice_makes_one_draft_for_each_invitation_and_destroys_none() {
    let home = home("");
    home.once().well();
    let mut delivered = deliver_all(&home, "first");
    home.once().well();
    let drafts = home.drafts("work");
    let keys: BTreeSet<_> = drafts.iter().map(|draft| header(draft, "X-Notyet-Key").unwrap()).collect();
    assert!(drafts.len() > 50, "{}", drafts.len());
    assert_eq!(keys.len(), drafts.len());

    delivered.extend(deliver_all(&home, "second"));
    home.once().well();
    assert_eq!(home.drafts("work"), drafts, "the second copies change nothing");

    let mut inbox = messages(&home.maildir("work"));
    inbox.sort();
    delivered.sort();
    assert!(inbox == delivered, "every mail is still there, byte for byte");
}

#[test]
fn no_sign_in_token_reaches_a_draft_or_the_state_folder() {
    let home = full_home();
    let mut tokens = BTreeSet::new();
    for path in mails() {
        let mail = String::from_utf8_lossy(&fs::read(root().join(path)).unwrap()).replace("=\n", "");
        for name in ["otpToken=3D", "midSig=3D", "authToken=3D"] {
            tokens.extend(
                mail.split(name)
                    .skip(1)
                    .map(|rest| rest.chars().take_while(char::is_ascii_alphanumeric).collect::<String>()),
            );
        }
    }
    tokens.retain(|token| token.len() > 8);
    assert!(tokens.len() > 100, "{}", tokens.len());
    let mut written: Vec<Vec<u8>> = home.drafts("work").into_iter().map(String::into_bytes).collect();
    for entry in fs::read_dir(home.state()).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_file() {
            written.push(fs::read(entry.path()).unwrap());
        }
    }
    for text in written.iter().map(|bytes| String::from_utf8_lossy(bytes)) {
        for name in ["otpToken", "midToken", "midSig"] {
            assert!(!text.contains(name), "{name}");
        }
        let found: Vec<_> = tokens.iter().filter(|token| text.contains(token.as_str())).collect();
        assert!(found.is_empty(), "{found:?}");
    }
}

#[test]
fn a_letter_that_reaches_nobody_has_no_recipient_and_says_where_to_paste_it() {
    let home = full_home();
    let mut to_paste = 0;
    for draft in home.drafts("work") {
        let text = body(&draft);
        match header(&draft, "To") {
            None => {
                to_paste += 1;
                let last = text.trim_end().lines().rev().take(4).collect::<Vec<_>>().join("\n");
                assert!(last.contains("https://"), "{text}");
                assert!(header(&draft, "Cc").is_none() && header(&draft, "Bcc").is_none());
            }
            Some(to) => assert!(!to.contains("noreply") && !to.contains("@linkedin.com"), "{to}"),
        }
    }
    assert!(to_paste > 30, "{to_paste}");
}

#[test]
fn nothing_in_this_program_can_open_a_link() {
    let lock = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.lock")).unwrap();
    for client in ["hyper", "reqwest", "ureq", "curl", "isahc", "attohttpc", "h2"] {
        assert!(!lock.contains(&format!("\nname = \"{client}\"\n")), "{client} speaks HTTP");
    }
}

#[test]
fn the_sent_folder_and_the_queue_stay_empty_without_a_word_of_the_owner() {
    let home = full_home();
    assert_eq!(messages(&home.maildir("work").join(".Sent")), [""; 0]);
    let letters = home.status("work")["letters"].clone();
    let states: Vec<_> = letters.as_object().unwrap().keys().collect();
    assert_eq!(states, ["drafted"], "{letters}");
}
