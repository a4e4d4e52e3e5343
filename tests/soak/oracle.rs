//! What must have become of every mail, held against what did.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use notyet::domain::InvitationKey;
use notyet::domain::delivery::{Mode, State};
use notyet::shell::store::{Delivery, Ledger};
use serde_json::Value;

use super::traffic::{At, Sort, What, mark};
use super::world::{Delivered, Done, Hand, World};
use crate::support::mails::{body, header};

/// What there is of the letter for one invitation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Found {
    letters: Vec<(Mode, State)>,
    /// What the last step of the letter was for.
    words: String,
    drafts: usize,
    transmissions: usize,
    copies: usize,
}

/// A mail as it stands in a folder of the owner's.
struct Standing {
    folder: &'static str,
    flags: String,
    text: String,
}

/// Counts that are shown at the end.
#[derive(Debug, Default)]
pub struct Balance {
    pub letters: BTreeMap<&'static str, usize>,
    pub doubts: BTreeMap<String, usize>,
    pub touched_by_hand: usize,
    pub drafts_by_hand: usize,
    pub untidy: usize,
}

/// Compares everything; fails at the first thing that is not as it must be.
pub fn compare(world: &World) -> Balance {
    let found = collect(world);
    let mut balance = Balance::default();
    let mut refused_drafts = 0;
    let mut refused_letters = 0;
    let mut doubtful_drafts = 0;
    for (number, invited) in (0_u32..).zip(&world.traffic.invited) {
        let found = found.get(&number).cloned().unwrap_or_default();
        let case = format!("invitation {number} {}, {invited:?}: {found:?}", mark(number));
        let [(mode, state)] = found.letters.as_slice() else {
            let unread = found == Found::default() && was_taken_away(world, number);
            assert!(unread, "one letter: {case}");
            *balance.letters.entry("taken away unread").or_default() += 1;
            continue;
        };
        let can_be_sent = invited.sort == Sort::Sendable && (invited.to == At::Post || invited.twice);
        assert!(*mode == Mode::Draft || can_be_sent, "sent, and should be a draft: {case}");
        let must_be_sent = invited.sort == Sort::Sendable && invited.to == At::Post && !invited.twice;
        assert!(*mode == Mode::Send || !must_be_sent, "drafted, and should be sent: {case}");
        let (drafts, went, copies) = (found.drafts, found.transmissions, found.copies);
        match (mode, state) {
            (Mode::Draft, State::Drafted) => assert_eq!((drafts, went, copies), (1, 0, 0), "{case}"),
            (Mode::Draft, State::Refused) => {
                assert_eq!((drafts, went, copies), (0, 0, 0), "{case}");
                refused_drafts += 1;
            }
            (Mode::Draft, State::Parked | State::TakenOver) => {
                assert!(drafts <= 1 && went == 0 && copies == 0, "{case}");
                doubtful_drafts += 1;
            }
            (Mode::Send, State::Sent) => assert_eq!((drafts, went, copies), (0, 1, 1), "{case}"),
            (Mode::Send, State::Refused) => {
                assert_eq!((drafts, went, copies), (0, 0, 0), "{case}");
                refused_letters += 1;
            }
            (Mode::Send, State::Parked) => assert!(drafts == 0 && went <= 1 && copies == 0, "{case}"),
            _ => panic!("not at an end: {case}"),
        }
        *balance.letters.entry(state.as_str()).or_default() += 1;
        if *state == State::Parked {
            let words: String = found.words.chars().take(40).collect();
            *balance.doubts.entry(format!("{mode:?}: {words}")).or_default() += 1;
        }
    }
    let may_refuse = world.refusals_at(&["APPEND", "literal"]);
    assert!(
        refused_drafts <= may_refuse,
        "{refused_drafts} drafts refused, {may_refuse} times by the server"
    );
    assert!(refused_letters <= world.refused_for_good(), "{refused_letters} letters refused");
    let kills = world.shakes.get("SIGKILL").copied().unwrap_or(0);
    let breaks: u32 = world.line_faults.values().sum();
    assert!(doubtful_drafts <= kills + breaks, "{doubtful_drafts} drafts in doubt without a reason");

    told(world, &balance);
    inbox(world, &found, &mut balance);
    balance.drafts_by_hand = world.done.values().map(Vec::len).sum();
    balance
}

/// Why a letter stands in doubt: what was noted when it came to that.
fn why(ledger: &Ledger, key: &InvitationKey) -> String {
    let history = ledger.history(key).expect("history");
    let doubt = history.iter().find(|step| step.to == State::Uncertain);
    doubt.map(|step| step.note.clone()).unwrap_or_default()
}

/// The owner's other program took a mail of this invitation away, perhaps before it was read.
fn was_taken_away(world: &World, number: u32) -> bool {
    of_invitation(world, number).any(|(_, sent)| matches!(sent.hand, Hand::Archived | Hand::Deleted))
}

fn of_invitation(world: &World, number: u32) -> impl Iterator<Item = (usize, &Delivered)> {
    world.delivered.iter().enumerate().filter(
        move |(_, sent)| matches!(&sent.mail.what, What::Invitation(numbers) if numbers.contains(&number)),
    )
}

fn collect(world: &World) -> BTreeMap<u32, Found> {
    let mut found: BTreeMap<u32, Found> = BTreeMap::new();
    let ledger = Ledger::open_read_only(&world.home.state()).expect("the ledger");
    for side in &world.sides {
        for state in State::ALL {
            for Delivery { key, mode, message, .. } in ledger.in_state(side.name, state).expect("letters") {
                let text = String::from_utf8(message.0).expect("UTF-8");
                let found = found.entry(world.number_of(&text)).or_default();
                found.letters.push((mode, state));
                found.words = why(&ledger, &key);
            }
        }
        for draft in side.server.messages(".Drafts") {
            found.entry(world.number_of(&draft)).or_default().drafts += 1;
        }
        for copy in side.server.messages(".Posted") {
            // What the owner sent is counted by the owner's deeds.
            if header(&copy, "Auto-Submitted").is_some() {
                found.entry(world.number_of(&copy)).or_default().copies += 1;
            }
        }
    }
    for (number, done) in &world.done {
        // A draft that was edited still stands there.
        found.entry(*number).or_default().drafts += done.iter().filter(|done| **done != Done::Edited).count();
    }
    for (number, letter) in world.transmissions() {
        assert!(body(&letter).contains(&mark(number)));
        found.entry(number).or_default().transmissions += 1;
    }
    let known = u32::try_from(world.traffic.invited.len()).expect("few");
    assert!(found.keys().all(|number| *number < known), "a letter for nobody");
    found
}

/// The commands say the same as the ledger and the oracle.
fn told(world: &World, balance: &Balance) {
    let status: Value =
        serde_json::from_str(&world.home.notyet(&["status", "--json"]).well().out).expect("JSON");
    assert_eq!(status["sending_stopped"], Value::Null, "no brake");
    let accounts = status["accounts"].as_array().expect("accounts");
    let mut letters: BTreeMap<String, u64> = BTreeMap::new();
    let mut answers = BTreeSet::new();
    let mut unreadable = 0;
    for account in accounts {
        for (state, count) in account["letters"].as_object().expect("letters") {
            *letters.entry(state.clone()).or_default() += count.as_u64().expect("a count");
        }
        for answer in account["answers"].as_array().expect("answers") {
            answers.insert((text(&answer["key"]), text(&answer["kind"])));
        }
        let aside = account["unreadable"].as_array().expect("unreadable").len();
        let side = world.sides.iter().find(|side| side.name == account["name"]).expect("the side");
        let earned = world
            .delivered
            .iter()
            .filter(|sent| sent.mail.what == What::Unreadable && world.side(sent.mail.to).name == side.name)
            .count();
        // Under new UIDs it is another mail.
        let most = earned * (1 + side.renumbered as usize);
        assert!(
            (earned..=most).contains(&aside),
            "{}: {aside} set aside, {earned} earned: {account}",
            side.name
        );
        unreadable += aside;
        assert_eq!(account["needs_you"], Value::Array(Vec::new()), "{account}");
    }
    let expected: BTreeMap<String, u64> = balance
        .letters
        .iter()
        .filter(|(state, _)| State::parse(state).is_some())
        .map(|(state, count)| ((*state).to_owned(), *count as u64))
        .collect();
    assert_eq!(letters.into_iter().filter(|(_, n)| *n > 0).collect::<BTreeMap<_, _>>(), expected, "status");
    assert_eq!(
        answers.len(),
        world.answers.len(),
        "answers of {unreadable}: {answers:?} {:?}",
        world.answers
    );

    let queue: Value =
        serde_json::from_str(&world.home.notyet(&["queue", "list", "--json"]).well().out).expect("JSON");
    let mut waiting: BTreeMap<String, u64> = BTreeMap::new();
    for letter in queue["letters"].as_array().expect("letters") {
        *waiting.entry(text(&letter["state"])).or_default() += 1;
        assert!(!text(&letter["meaning"]).is_empty() && !text(&letter["words"]).is_empty(), "{letter}");
    }
    let open = ["refused", "parked"];
    let expected: BTreeMap<String, u64> =
        expected.into_iter().filter(|(state, _)| open.contains(&state.as_str())).collect();
    assert_eq!(waiting, expected, "queue list");
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

/// Every mail that was delivered stands where it should, unchanged.
fn inbox(world: &World, found: &BTreeMap<u32, Found>, balance: &mut Balance) {
    let mut standing: BTreeMap<usize, Vec<Standing>> = BTreeMap::new();
    for side in &world.sides {
        for folder in ["", ".Invitations", ".Archive"] {
            read(&side.server.maildir().join(folder), folder, &mut standing);
        }
    }
    let mut touched: BTreeMap<(u32, At), usize> = BTreeMap::new();
    for (id, sent) in world.delivered.iter().enumerate() {
        let stands = standing.remove(&id).unwrap_or_default();
        let case = || {
            let places: Vec<_> = stands.iter().map(|at| (at.folder, &at.flags)).collect();
            format!("mail {id}, {:?}, {:?}: {places:?}", sent.mail.what, sent.hand)
        };
        assert!(stands.iter().all(|at| at.text == sent.mail.text), "changed: {}", case());
        balance.touched_by_hand += usize::from(sent.hand != Hand::None);
        let by_us = |at: &Standing| {
            at.folder == ".Invitations"
                || (at.folder.is_empty() && at.flags.contains('S') && sent.hand != Hand::Seen)
        };
        let may_be_touched = matches!(&sent.mail.what, What::Invitation(numbers) if numbers.len() == 1);
        if let (true, What::Invitation(numbers)) = (may_be_touched, &sent.mail.what)
            && stands.iter().any(by_us)
        {
            *touched.entry((numbers[0], sent.mail.to)).or_default() += 1;
            // Where two programs move one mail at once, a server may leave both their copies.
            assert!(stands.len() == 1 || sent.hand == Hand::Archived, "{}", case());
            continue;
        }
        let places: Vec<_> = stands.iter().map(|at| (at.folder, at.flags.as_str())).collect();
        let expected = match sent.hand {
            Hand::None => vec![("", "")],
            Hand::Seen => vec![("", "S")],
            Hand::Flagged => vec![("", "F")],
            Hand::Archived => vec![(".Archive", "S")],
            Hand::Deleted => Vec::new(),
        };
        assert_eq!(places, expected, "{}", case());
    }
    assert_eq!(standing.len(), 0, "mail that nobody delivered");
    for ((number, at), count) in &touched {
        // Under new UIDs a mail is found again by its Message-ID, which a copy has, too.
        let most = 1 + world.side(*at).renumbered as usize;
        assert!(*count <= most, "invitation {number}: {count} of its mails were touched");
    }
    for (number, found) in found {
        let wanted = matches!(found.letters.as_slice(), [(_, State::Drafted | State::Sent)]);
        let mut mails = of_invitation(world, *number);
        let digest = mails.any(|(_, sent)| matches!(&sent.mail.what, What::Invitation(n) if n.len() > 1));
        let by_hand = of_invitation(world, *number).any(|(_, sent)| sent.hand != Hand::None);
        let is_touched = At::ALL.into_iter().any(|at| touched.contains_key(&(*number, at)));
        assert!(
            !is_touched || wanted || by_hand,
            "invitation {number} was touched without a letter: {found:?}"
        );
        balance.untidy += usize::from(wanted && !digest && !by_hand && !is_touched);
    }
    let may_be_untidy = world.refusals_at(&["UID MOVE", "UID STORE", "SELECT", "EXAMINE", "LIST", "STATUS"]);
    assert!(
        balance.untidy <= may_be_untidy as usize,
        "{} notifications were left where they are",
        balance.untidy
    );
}

fn read(path: &Path, folder: &'static str, standing: &mut BTreeMap<usize, Vec<Standing>>) {
    for part in ["new", "cur"] {
        for entry in std::fs::read_dir(path.join(part)).into_iter().flatten() {
            let path = entry.expect("entry").path();
            let text = std::fs::read_to_string(&path).expect("a mail");
            let name = path.file_name().expect("name").to_string_lossy().into_owned();
            let flags = name.split_once(":2,").map_or("", |(_, flags)| flags).to_owned();
            let id = text
                .lines()
                .find_map(|line| line.strip_prefix("X-Soak: "))
                .and_then(|id| id.trim().parse().ok())
                .unwrap_or_else(|| panic!("{}: nobody delivered this", path.display()));
            standing.entry(id).or_default().push(Standing { folder, flags, text });
        }
    }
}
