//! Bad mail: whatever arrives, nothing breaks, nothing grows, nobody is fooled.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use proptest::prelude::*;
use serde_json::Value;

use notyet::domain::Decision;

use crate::support::cases;
use crate::support::golden::{mails, root};
use crate::support::home::{Home, until};
use crate::support::hostile::HOSTILE;
use crate::support::mails::{body, to_paste};
use crate::support::targets::{AUTHSERV_ID, check_plan, judged};

/// What any mail may take beyond what a small one takes.
const MAY_GROW_KB: u64 = 64 * 1024;

/// The largest resident size so far of a process that runs (proc(5), VmHWM).
fn peak_kb(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs, on a Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("VmHWM");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

/// One process judges a small mail and then all the hostile ones, each in its own time.
#[test]
fn no_mail_breaks_the_program_or_takes_more_memory_than_promised() {
    let dir = tempfile::tempdir().unwrap();
    let mut files = vec![dir.path().join("small")];
    File::create(&files[0]).unwrap().write_all(to_paste(1).as_bytes()).unwrap();
    for (number, (_, make)) in HOSTILE.into_iter().enumerate() {
        let file = dir.path().join(number.to_string());
        fs::write(&file, make()).unwrap();
        files.push(file);
    }
    // At the end it waits for a last mail on its standard input, and can be looked at.
    let mut child = Command::new(env!("CARGO_BIN_EXE_notyet"))
        .args(["check", "--json"])
        .args(&files)
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next = |what: &str| -> Value {
        let line = lines.next().unwrap_or_else(|| panic!("{what}: the program ended")).unwrap();
        serde_json::from_str(&line).unwrap()
    };
    assert_eq!(next("small")["kind"], "invitation");
    let resting = peak_kb(child.id());
    for (name, _) in HOSTILE {
        let said = next(name);
        let grown = peak_kb(child.id()).saturating_sub(resting);
        println!("{name}: {} plans, {grown} KiB above", said["plans"].as_array().unwrap().len());
        assert!(grown <= MAY_GROW_KB, "{name}: {grown} KiB above the resting size");
        for plan in said["plans"].as_array().unwrap() {
            assert_ne!(plan["decision"], "send", "{name}");
            assert!(plan["to"].is_null(), "{name}: {}", plan["to"]);
            let inviter = plan["inviter"]["name"].as_str().unwrap();
            assert!(!inviter.chars().any(char::is_control), "{name}: {inviter:?}");
            if let Some(subject) = plan["letter"]["subject"].as_str() {
                assert!(!subject.chars().any(char::is_control), "{name}: {subject:?}");
            }
        }
    }
    drop(child.stdin.take());
    assert_eq!(next("nothing")["kind"], "other");
    assert!(child.wait().unwrap().success());
}

/// The same mails in a mailbox that the daemon watches: the invitation behind them is answered.
#[test]
fn the_daemon_gets_past_every_hostile_mail_within_its_memory() {
    let home = Home::new();
    home.configure("", &[home.on_maildir("work", "")]);
    home.once().well();
    home.deliver("work", "1.first", &to_paste(1));
    let daemon = home.daemon();
    until("the first draft", || (home.drafts("work").len() == 1).then_some(()));
    let resting = peak_kb(daemon.pid());
    // A few at a time, so that each wait is short.
    for (round, hostile) in (2..).zip(HOSTILE.chunks(6)) {
        for (number, (_, make)) in hostile.iter().enumerate() {
            home.deliver_bytes("work", &format!("{round}.{number}"), &make());
        }
        home.deliver("work", &format!("{round}.last"), &to_paste(round));
        // Some of the hostile ones are invitations themselves, of one and the same inviter.
        let behind = format!("oskar-lindqvist-{round:05}");
        until(&behind, || {
            home.drafts("work").iter().any(|draft| body(draft).contains(&behind)).then_some(())
        });
    }
    let grown = peak_kb(daemon.pid()).saturating_sub(resting);
    println!("{grown} KiB above the resting size");
    assert!(grown <= MAY_GROW_KB, "{grown} KiB above the resting size");
    assert_eq!(daemon.stop(), Some(0));
}

/// The sample mails of a size that can be tried often.
fn samples() -> &'static [Vec<u8>] {
    static SAMPLES: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    SAMPLES.get_or_init(|| {
        let read = mails().into_iter().map(|path| fs::read(root().join(path)).unwrap());
        read.filter(|mail| mail.len() < 20_000).collect()
    })
}

/// What attackers put between the bytes of others.
const PIECES: [&[u8]; 18] = [
    b"\n",
    b"\n\n",
    b"\r\n",
    b"\0",
    b"\xff\xfe",
    b"\nFrom: Ben Other <ben@example.com>\n",
    b"\nReply-To: victim@example.com\n",
    b"\nReply-To: a@example.com, b@example.com\n",
    b"\nSender: invitations@linkedin.com\n",
    b"\nList-Id: <bees.example.com>\n",
    b"\nReceived: from mail.example.net by mx.example.com; Tue, 29 Sep 2026 05:06:07 +0000\n",
    b"\nAuthentication-Results: mx.example.com; dmarc=pass header.from=linkedin.com\n",
    b"\nContent-Type: multipart/mixed; boundary=b\n",
    b"\nContent-Transfer-Encoding: base64\n",
    b"=?utf-8?q?=0D=0ABcc:_victim@example.com?=",
    b"(\"<",
    b"; dmarc=pass",
    b"https://www.linkedin.com/comm/in/somebody-else",
];

#[derive(Clone, Debug)]
enum Change {
    Drop(prop::sample::Index, usize),
    Repeat(prop::sample::Index, usize),
    Set(prop::sample::Index, u8),
    Insert(prop::sample::Index, usize),
    Splice(prop::sample::Index, prop::sample::Index, usize),
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    use prop::sample::Index;
    let change = prop_oneof![
        (any::<Index>(), 1..400_usize).prop_map(|(at, length)| Change::Drop(at, length)),
        (any::<Index>(), 1..400_usize).prop_map(|(at, length)| Change::Repeat(at, length)),
        (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Change::Set(at, byte)),
        (any::<Index>(), 0..PIECES.len()).prop_map(|(at, piece)| Change::Insert(at, piece)),
        (any::<Index>(), any::<Index>(), 1..2000_usize)
            .prop_map(|(at, other, length)| Change::Splice(at, other, length)),
    ];
    prop::collection::vec(change, 1..8)
}

fn changed(mail: &[u8], changes: &[Change]) -> Vec<u8> {
    let mut mail = mail.to_vec();
    for change in changes {
        if mail.is_empty() {
            break;
        }
        let length = mail.len();
        let range = |at: &prop::sample::Index, count: usize| {
            let start = at.index(length);
            start..(start + count).min(length)
        };
        match change {
            Change::Drop(at, count) => drop(mail.drain(range(at, *count))),
            Change::Repeat(at, count) => {
                let piece = mail[range(at, *count)].to_vec();
                mail.splice(at.index(length)..at.index(length), piece);
            }
            Change::Set(at, byte) => mail[at.index(length)] = *byte,
            Change::Insert(at, piece) => {
                mail.splice(at.index(length)..at.index(length), PIECES[*piece].iter().copied());
            }
            Change::Splice(at, other, count) => {
                let other = &samples()[other.index(samples().len())];
                let piece = other[at.index(other.len())..].iter().take(*count).copied().collect::<Vec<_>>();
                mail.splice(at.index(length)..at.index(length), piece);
            }
        }
    }
    mail
}

fn unfolded(mail: &[u8]) -> String {
    String::from_utf8_lossy(mail).replace("=\r\n", "").replace("=\n", "").replace("=3D", "=")
}

const TOKENS: [&str; 4] = ["otpToken=", "midSig=", "midToken=", "authToken="];

/// What signs the owner in at the network: values of those parts of the mail's links.
fn tokens(mail: &[u8]) -> BTreeSet<String> {
    let text = unfolded(mail);
    let mut found = BTreeSet::new();
    for name in TOKENS {
        let values = text.split(name).skip(1);
        found.extend(
            values.map(|rest| rest.chars().take_while(|c| c.is_ascii_alphanumeric()).collect::<String>()),
        );
    }
    found.retain(|token| token.len() > 8);
    found
}

fn check(mail: &[u8], tokens: &BTreeSet<String>) {
    let read = unfolded(mail);
    // One that was torn from its name, or whose link was torn, is a word like any other.
    let in_link = |at: usize| {
        let link = read[..at].rfind("http").map_or("", |start| &read[start..at]);
        let is_whole = !link.contains(|c: char| c.is_whitespace() || c.is_control() || "\"'<>".contains(c));
        is_whole && link.contains("://www.linkedin.com/") && TOKENS.iter().any(|name| link.ends_with(name))
    };
    let kept = |token: &&String| read.match_indices(token.as_str()).all(|(at, _)| in_link(at));
    let tokens: Vec<_> = tokens.iter().filter(kept).collect();
    for plan in judged(mail).plans {
        check_plan(&plan);
        let inviter = &plan.invitation.inviter;
        let mut told = vec![&inviter.name, &inviter.first_name, &inviter.headline];
        told.extend(&inviter.profile_url);
        told.extend(plan.letter.iter().flat_map(|letter| [&letter.subject, &letter.body]));
        told.extend(plan.evidence.iter().map(|evidence| &evidence.text));
        for text in told {
            let token = tokens.iter().find(|token| text.contains(token.as_str()));
            assert!(token.is_none(), "a sign-in token stands in: {text}");
        }
        if plan.decision == Decision::Send {
            let text = String::from_utf8_lossy(mail).to_lowercase();
            assert!(text.contains(AUTHSERV_ID) && text.contains("pass"), "sent without a word of ours");
        }
    }
}

/// Without the lines that our own provider wrote.
fn unvouched(mail: &[u8]) -> Vec<u8> {
    let ours = regex::RegexBuilder::new(&regex::escape(AUTHSERV_ID)).case_insensitive(true).build().unwrap();
    ours.replace_all(&String::from_utf8_lossy(mail), "mx.example.net").into_owned().into_bytes()
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn any_bytes_at_all_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..4000)) {
        check(&bytes, &BTreeSet::new());
    }

    #[test]
    fn a_mail_changed_in_any_way_keeps_every_promise(
        which in any::<prop::sample::Index>(), changes in changes(),
    ) {
        let mail = &samples()[which.index(samples().len())];
        check(&changed(mail, &changes), &tokens(mail));
    }

    /// Whatever is done to a mail that our provider has not vouched for, no letter goes out for it.
    #[test]
    fn no_change_makes_an_unvouched_mail_be_answered(
        which in any::<prop::sample::Index>(), changes in changes(),
    ) {
        let mail = changed(&unvouched(&samples()[which.index(samples().len())]), &changes);
        prop_assume!(!String::from_utf8_lossy(&mail).to_lowercase().contains(AUTHSERV_ID));
        for plan in judged(&mail).plans {
            prop_assert_eq!(plan.decision, Decision::Leave);
        }
    }
}

/// The property above would say little if nothing were ever sent here.
#[test]
fn some_sample_mails_would_be_answered_as_they_are() {
    let sent = |mail: &&Vec<u8>| judged(mail).plans.iter().any(|plan| plan.decision == Decision::Send);
    assert!(samples().iter().filter(sent).count() > 3);
    assert!(!samples().iter().any(|mail| sent(&&unvouched(mail))));
}
