//! Tests of the ledger boundary.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use notyet::app::queue::Word;
use notyet::domain::delivery::{Event, Mode, ParkedFor, State};
use notyet::domain::sending::Recipient;
use notyet::domain::{
    Address, Decision, Evidence, Fault, Identity, Invitation, InvitationKey, Inviter, Judgement, MessageId,
    NoteKind, Notice, PersonKey, Plan, Reason, Route, Source, Stage, Strength, Timestamp,
};
use notyet::shell::store::{
    Batch, Cursor, Detail, Entry, Forgot, FoundLetter, Holder, Known, Ledger, Left, NewDelivery, PortKind,
    Start, Told, Whereabouts, Withdrawn,
};

const ACCOUNT: &str = "work";

pub(crate) fn t(seconds: i64) -> Timestamp {
    Timestamp::from_unix_s(seconds)
}

fn identity(id: Option<&str>, shared: Option<&str>, profile: Option<&str>, name: &str) -> Identity {
    Identity {
        invitation_id: id.map(str::to_owned),
        shared_key: shared.map(str::to_owned),
        profile: profile.map(str::to_owned),
        name: name.to_owned(),
    }
}

fn plan(key: &str, identity: Identity, decision: Decision) -> Plan {
    Plan {
        invitation: Invitation {
            key: InvitationKey(key.to_owned()),
            identity,
            network: "example".to_owned(),
            notice: Notice::Invitation,
            inviter: Inviter { name: "Ann Example".to_owned(), ..Inviter::default() },
            note: Some("Hello \"there\"".to_owned()),
            route: Route::Paste("https://net.example/in/ann".to_owned()),
            answer_page: "https://net.example/in/ann".to_owned(),
            date: None,
            message_id: MessageId::parse("<m1@net.example>"),
            references: Vec::new(),
            subject: "I want to connect".to_owned(),
        },
        judgement: Judgement {
            kind: NoteKind::Generic,
            confidence: 0.9,
            language: "en".to_owned(),
            evidence: Vec::new(),
            for_owner: None,
        },
        decision,
        once_released: None,
        reason: Reason { code: "generic-note", text: "The note is generic.".to_owned() },
        evidence: vec![Evidence::new(Stage::Classify, "notes/x.y", "some \"words\"")],
        letter: None,
    }
}

fn simple(key: &str) -> Plan {
    plan(key, identity(None, None, None, &format!("name-{key}")), Decision::Draft)
}

fn letter(key: &str, mode: Mode, start: Start) -> NewDelivery {
    NewDelivery {
        mode,
        start,
        message: format!("Subject: re\r\n\r\nletter {key}\r\n").into_bytes(),
        message_id: MessageId::parse(&format!("{key}@me.example")).unwrap(),
        to: (mode == Mode::Send).then(|| Address::parse("ann@example.org").unwrap()),
        inviter: Vec::new(),
        hold: None,
    }
}

fn batch<'a>(next_uid: u32, entries: Vec<Entry<'a>>, now: i64) -> Batch<'a> {
    Batch {
        account: ACCOUNT,
        mailbox: "INBOX",
        uid_validity: 7,
        next_uid: Some(next_uid),
        entries,
        quarantined: Vec::new(),
        wish: None,
        now: t(now),
    }
}

fn started() -> Ledger {
    let mut ledger = Ledger::in_memory().unwrap();
    ledger.start_account(ACCOUNT, t(1)).unwrap();
    ledger
}

/// A ledger that holds one letter under `key`.
pub(crate) fn with_letter(key: &str, mode: Mode, start: Start) -> (Ledger, InvitationKey) {
    let mut ledger = started();
    add_letter(&mut ledger, key, mode, start, 10);
    (ledger, InvitationKey(key.to_owned()))
}

/// The same with a letter that is held in Drafts for a minute before it is sent.
pub(crate) fn with_held_letter(key: &str, start: Start) -> (Ledger, InvitationKey) {
    let mut ledger = started();
    let plan = simple(key);
    let to = Address::parse("ann@example.org");
    let hold = Some(Duration::from_secs(60));
    let delivery = NewDelivery { to, hold, ..letter(key, Mode::Draft, start) };
    ledger
        .commit_batch(&batch(2, vec![Entry { uid: 1, plan: &plan, delivery: Some(delivery) }], 10))
        .unwrap();
    (ledger, InvitationKey(key.to_owned()))
}

fn add_letter(ledger: &mut Ledger, key: &str, mode: Mode, start: Start, now: i64) {
    let plan = simple(key);
    let entry = Entry { uid: 1, plan: &plan, delivery: Some(letter(key, mode, start)) };
    let committed = ledger.commit_batch(&batch(2, vec![entry], now)).unwrap();
    assert_eq!(committed.created, [InvitationKey(key.to_owned())]);
}

#[test]
fn an_inviter_is_met_by_what_was_kept_of_them_until_their_words_are_erased() {
    let form = |text: &str| PersonKey { strength: Strength::Address, text: text.to_owned() };
    let (mut ledger, other) = with_letter("k0", Mode::Draft, Start::Queued);
    let (plan, key) = (simple("k1"), InvitationKey("k1".to_owned()));
    let inviter = vec![form("address:ann@example.com"), form("address:ann@example.org")];
    let delivery = NewDelivery { inviter, ..letter("k1", Mode::Draft, Start::Queued) };
    let entry = Entry { uid: 3, plan: &plan, delivery: Some(delivery) };
    ledger.commit_batch(&batch(4, vec![entry], 10)).unwrap();
    assert_eq!(ledger.meets_inviter(&key), Ok(false));
    ledger.replace_people(Source::Keep, &[form("address:ann@example.org")]).unwrap();
    assert_eq!((ledger.meets_inviter(&key), ledger.meets_inviter(&other)), (Ok(true), Ok(false)));
    assert_eq!(ledger.forget(&key, t(11)), Ok(Forgot::ErasedAndDropped));
    assert_eq!(ledger.meets_inviter(&key), Ok(false));
}

fn cursor(ledger: &Ledger) -> Option<Cursor> {
    ledger.cursor(ACCOUNT, "INBOX").unwrap()
}

#[test]
fn an_account_starts_once() {
    let mut ledger = Ledger::in_memory().unwrap();
    assert_eq!(ledger.start_account(ACCOUNT, t(5)), Ok(t(5)));
    assert_eq!(ledger.start_account(ACCOUNT, t(99)), Ok(t(5)));
}

#[test]
fn a_cursor_moves_forward_only_and_follows_a_new_uidvalidity() {
    let mut ledger = started();
    assert_eq!(cursor(&ledger), None);
    ledger.commit_batch(&batch(9, vec![], 2)).unwrap();
    ledger.commit_batch(&batch(4, vec![], 3)).unwrap();
    assert_eq!(cursor(&ledger).unwrap().next_uid, 9);

    let mut renumbered = batch(3, vec![], 4);
    renumbered.uid_validity = 8;
    ledger.commit_batch(&renumbered).unwrap();
    let now = Cursor { uid_validity: 8, next_uid: 3 };
    assert_eq!(cursor(&ledger), Some(now));

    let mut none = batch(50, vec![], 5);
    none.uid_validity = 0;
    ledger.commit_batch(&none).unwrap();
    assert_eq!(cursor(&ledger), Some(now), "UIDVALIDITY 0 is not kept");
}

#[test]
fn a_failing_entry_takes_the_whole_batch_with_it() {
    let mut ledger = started();
    let (good, bad) = (simple("good"), simple("bad"));
    let mut unaddressed = letter("bad", Mode::Send, Start::Queued);
    unaddressed.to = None;
    let mut failing = batch(
        5,
        vec![
            Entry { uid: 1, plan: &good, delivery: Some(letter("good", Mode::Draft, Start::Queued)) },
            Entry { uid: 2, plan: &bad, delivery: Some(unaddressed) },
        ],
        2,
    );
    failing.quarantined.push((3, "unreadable".to_owned()));
    let fault = ledger.commit_batch(&failing).unwrap_err();
    assert!(matches!(fault, Fault::Permanent(_)), "{fault:?}");
    assert_eq!(cursor(&ledger), None);
    assert_eq!(ledger.due(ACCOUNT, t(100)), Ok(vec![]));
    assert_eq!(ledger.similar(&good.invitation.identity), Ok(vec![]));
    let status = ledger.status().unwrap();
    assert!(status.accounts[0].quarantined.is_empty());
    assert!(status.accounts[0].decisions.is_empty());
}

#[test]
fn an_account_that_never_started_is_refused() {
    let mut ledger = Ledger::in_memory().unwrap();
    let fault = ledger.commit_batch(&batch(2, vec![], 2)).unwrap_err();
    assert!(matches!(fault, Fault::Permanent(_)), "{fault:?}");
}

#[test]
fn one_invitation_never_gets_a_second_letter() {
    let mut ledger = started();
    let first = plan("k1", identity(Some("id"), None, Some("prof"), "ann"), Decision::Draft);
    let same_profile = plan("k2", identity(Some("other-id"), None, Some("prof"), "ann b"), Decision::Draft);
    let same_name = plan("k3", identity(None, None, None, "ann"), Decision::Draft);
    let other_id = plan("k4", identity(Some("id4"), None, None, "ann"), Decision::Draft);
    let mut elsewhere = plan("k5", identity(None, None, None, "ann"), Decision::Draft);
    elsewhere.invitation.network = "another".to_owned();
    // All in one batch: what the caller knew beforehand could not have told.
    let plans = [&first, &first, &same_profile, &same_name, &other_id, &elsewhere];
    let entries = plans
        .iter()
        .enumerate()
        .map(|(index, plan)| {
            let uid = u32::try_from(index).unwrap();
            let key = &plan.invitation.key.0;
            let mut delivery = letter(key, Mode::Draft, Start::Queued);
            delivery.message_id = MessageId::parse(&format!("{uid}@me.example")).unwrap();
            Entry { uid, plan, delivery: Some(delivery) }
        })
        .collect();
    let committed = ledger.commit_batch(&batch(9, entries, 2)).unwrap();
    let keys = |words: &[&str]| -> Vec<_> { words.iter().map(|w| InvitationKey((*w).to_owned())).collect() };
    assert_eq!(committed.created, keys(&["k1", "k4", "k5"]));
    assert_eq!(committed.repeated, keys(&["k1", "k2", "k3"]));
    assert_eq!(ledger.due(ACCOUNT, t(100)).unwrap().len(), 3);
    let known = ledger.similar(&identity(None, None, Some("prof"), "-")).unwrap();
    assert_eq!(known.len(), 2, "the plans are kept: {known:?}");
}

#[test]
fn similar_finds_by_each_part_and_learns_parts_that_come_later() {
    let mut ledger = started();
    let bare = plan("k", identity(Some("i"), None, None, "n"), Decision::Hold);
    let richer = plan("k", identity(Some("i"), Some("s"), Some("p"), "n"), Decision::Leave);
    for (uid, plan) in [(1, &bare), (2, &richer)] {
        let entry = Entry { uid, plan, delivery: None };
        ledger.commit_batch(&batch(uid + 1, vec![entry], 20)).unwrap();
    }
    let whole = Known {
        key: InvitationKey("k".to_owned()),
        network: "example".to_owned(),
        identity: richer.invitation.identity.clone(),
        decision: Decision::Leave,
        state: None,
        first_seen: t(20),
        changed_at: t(20),
    };
    for probe in [
        identity(Some("i"), None, None, "-"),
        identity(None, Some("s"), None, "-"),
        identity(None, None, Some("p"), "-"),
        identity(None, None, None, "n"),
    ] {
        assert_eq!(ledger.similar(&probe).unwrap(), std::slice::from_ref(&whole), "{probe:?}");
    }
    let stranger = identity(Some("s"), Some("p"), Some("i"), "-");
    assert_eq!(ledger.similar(&stranger), Ok(vec![]), "parts do not mix");
}

#[test]
fn the_delivery_machine_is_kept_with_its_history() {
    let (mut ledger, key) = with_letter("k", Mode::Send, Start::Queued);
    let moves = [
        (Event::TryLater, State::Queued, "no connection"),
        (Event::BodyAboutToGo, State::Transmitting, ""),
        (Event::TryLater, State::Queued, "451 later"),
        (Event::BodyAboutToGo, State::Transmitting, ""),
        (Event::Lost, State::Uncertain, "line lost"),
        (Event::SeenInSent, State::Sent, ""),
    ];
    for (at, (event, state, note)) in (20..).zip(moves) {
        assert_eq!(ledger.record(&key, event, note, t(at), Detail::default()), Ok(state));
    }
    let found = ledger.delivery(&key).unwrap().unwrap();
    assert_eq!(found.state, State::Sent);
    assert_eq!(found.attempts, 3);
    assert_eq!(found.last_words, "line lost");
    assert_eq!(found.changed_at, t(25));
    assert_eq!(found.message.0, b"Subject: re\r\n\r\nletter k\r\n");
    assert_eq!(found.to, Address::parse("ann@example.org"));

    let history = ledger.history(&key).unwrap();
    let states: Vec<_> = history.iter().map(|moved| moved.to).collect();
    assert_eq!(
        states,
        [
            State::Queued,
            State::Queued,
            State::Transmitting,
            State::Queued,
            State::Transmitting,
            State::Uncertain,
            State::Sent
        ]
    );
    assert_eq!(history[0].event, "created");
    assert_eq!(history[3].note, "451 later");
}

#[test]
fn every_move_of_the_machine_can_be_written_down_and_no_other() {
    const EVENTS: [Event; 13] = [
        Event::Released,
        Event::AppendAboutToGo,
        Event::Appended,
        Event::NotAppended,
        Event::AppendUnclear,
        Event::BodyAboutToGo,
        Event::Accepted,
        Event::TryLater,
        Event::Rejected,
        Event::Lost,
        Event::SeenInSent,
        Event::Parked,
        Event::OwnerActed,
    ];
    for mode in [Mode::Draft, Mode::Send] {
        // Paths from the start states that reach every state reachable.
        let mut paths = vec![(Start::Held, vec![]), (Start::Queued, vec![])];
        let mut seen = Vec::new();
        while let Some((start, path)) = paths.pop() {
            for event in EVENTS {
                let (mut ledger, key) = with_letter("k", mode, start);
                for step in &path {
                    ledger.record(&key, *step, "", t(11), Detail::default()).unwrap();
                }
                let before = ledger.delivery(&key).unwrap().unwrap();
                let moves = ledger.history(&key).unwrap().len();
                let result = ledger.record(&key, event, "words", t(12), Detail::default());
                if let Some(next) = before.state.after(mode, event) {
                    assert_eq!(result, Ok(next));
                    if !seen.contains(&next) {
                        seen.push(next);
                        let mut longer = path.clone();
                        longer.push(event);
                        paths.push((start, longer));
                    }
                } else {
                    assert!(matches!(result, Err(Fault::Permanent(_))));
                    assert_eq!(ledger.delivery(&key).unwrap().unwrap(), before);
                    assert_eq!(ledger.history(&key).unwrap().len(), moves);
                }
            }
        }
        assert!(seen.len() >= 6, "{mode:?} reached only {seen:?}");
    }
}

#[test]
fn a_hold_begins_when_the_draft_stands_and_its_letter_takes_its_place_in_the_limits_when_it_goes() {
    let (mut ledger, key) = with_held_letter("k", Start::Queued);
    let of = |ledger: &Ledger| ledger.delivery(&key).unwrap().unwrap();
    assert_eq!(of(&ledger).hold.unwrap().goes_at, None);
    assert_eq!(ledger.held_drafts(ACCOUNT).unwrap(), []);
    assert_eq!(ledger.about_to_be_sent().unwrap().len(), 1, "whoever writes now counts");
    ledger.record(&key, Event::AppendAboutToGo, "", t(20), Detail::default()).unwrap();
    ledger.record(&key, Event::Appended, "", t(30), Detail::default()).unwrap();
    assert_eq!(of(&ledger).hold.unwrap().goes_at, Some(t(90)));
    let letter = of(&ledger);
    assert_eq!(ledger.hold_over(&letter, vec![], "", t(90)), Ok(false), "nothing was written down");
    assert_eq!(ledger.begin_withdrawal(&key, t(90)), Ok(true));
    assert_eq!(ledger.forget(&key, t(91)), Ok(Forgot::Busy));
    assert_eq!(ledger.hold_over(&letter, b"sent".to_vec(), "", t(100)), Ok(true));
    let sent = of(&ledger);
    assert_eq!((sent.mode, sent.state, sent.attempts, sent.hold), (Mode::Send, State::Queued, 0, None));
    assert_eq!(
        (sent.message.0.as_slice(), sent.queued_at, sent.created_at),
        (&b"sent"[..], Some(t(100)), t(10))
    );
    assert_eq!(ledger.letters_between(ACCOUNT, t(0), t(200)), Ok(1));
    assert_eq!(ledger.hold_over(&letter, vec![], "", t(101)), Ok(false), "once");
}

/// Whatever is said or found meanwhile: from then on it is no letter to send.
#[test]
fn what_moves_a_held_letter_ends_its_hold() {
    let drafted = || {
        let (mut ledger, key) = with_held_letter("k", Start::Queued);
        ledger.record(&key, Event::AppendAboutToGo, "", t(20), Detail::default()).unwrap();
        ledger.record(&key, Event::Appended, "", t(30), Detail::default()).unwrap();
        (ledger, key)
    };
    for event in [Event::OwnerActed, Event::PersonDrops, Event::Parked] {
        for withdrawing in [false, true] {
            let (mut ledger, key) = drafted();
            let letter = ledger.delivery(&key).unwrap().unwrap();
            assert_eq!(ledger.begin_withdrawal(&key, t(90)), Ok(true));
            if !withdrawing {
                ledger.draft_stands(&key).unwrap();
            }
            ledger.record(&key, event, "", t(91), Detail::default()).unwrap();
            assert_eq!(ledger.delivery(&key).unwrap().unwrap().hold, None, "{event:?}");
            assert_eq!(ledger.begin_withdrawal(&key, t(92)), Ok(false), "{event:?}");
            assert_eq!(ledger.hold_over(&letter, vec![], "", t(92)), Ok(false), "{event:?}");
        }
    }
    for withdrawing in [false, true] {
        let (mut ledger, key) = drafted();
        let letter = ledger.delivery(&key).unwrap().unwrap();
        if withdrawing {
            assert_eq!(ledger.begin_withdrawal(&key, t(90)), Ok(true));
        }
        assert_eq!(ledger.end_holds(Some(&key), "they wrote", t(91)), Ok(1));
        assert_eq!(ledger.end_holds(None, "once more", t(92)), Ok(0), "it ended");
        assert_eq!(ledger.hold_over(&letter, vec![], "", t(92)), Ok(false));
        assert_eq!(
            ledger.held_drafts(ACCOUNT).unwrap().len(),
            usize::from(withdrawing),
            "to be looked after"
        );
        ledger.draft_stands(&key).unwrap();
        assert_eq!(ledger.held_drafts(ACCOUNT).unwrap(), []);
        let now = ledger.delivery(&key).unwrap().unwrap();
        assert_eq!((now.state, now.last_words.as_str()), (State::Drafted, "they wrote"));
        assert_eq!(ledger.history(&key).unwrap().last().unwrap().event, "hold-ended");
    }
}

/// Another account reads a letter in its folders that answers the same invitation.
#[test]
fn a_held_letter_that_was_answered_before_this_ledger_stays_a_draft() {
    let (mut ledger, key) = with_held_letter("k", Start::Queued);
    ledger.record(&key, Event::AppendAboutToGo, "", t(20), Detail::default()).unwrap();
    ledger.record(&key, Event::Appended, "", t(30), Detail::default()).unwrap();
    let found = FoundLetter {
        key: InvitationKey("other".to_owned()),
        invitation: None,
        whereabouts: Whereabouts::SentByUs,
        uid: 3,
        message_id: MessageId::parse("other@me.example").unwrap(),
        to: Address::parse("ann@example.org"),
        written: t(5),
    };
    ledger.start_account("home", t(40)).unwrap();
    ledger.adopt("home", ("Sent", 1), &[found], t(41)).unwrap();
    let letter = ledger.delivery(&key).unwrap().unwrap();
    assert_eq!((letter.state, letter.hold), (State::Drafted, None));
}

#[test]
fn a_letter_nobody_wrote_cannot_move() {
    let mut ledger = started();
    let key = InvitationKey("none".to_owned());
    let result = ledger.record(&key, Event::Appended, "", t(2), Detail::default());
    assert!(matches!(result, Err(Fault::Permanent(_))));
    assert_eq!(ledger.delivery(&key), Ok(None));
}

#[test]
fn an_append_mark_is_kept_until_the_next_append() {
    let (mut ledger, key) = with_letter("k", Mode::Draft, Start::Queued);
    let mark = |name: &str| Detail { append_mark: Some(name.to_owned()), ..Detail::default() };
    ledger.record(&key, Event::AppendAboutToGo, "", t(11), mark("m1")).unwrap();
    let appending = ledger.in_state(ACCOUNT, State::Appending).unwrap();
    assert_eq!(appending[0].append_mark.as_deref(), Some("m1"));
    ledger.record(&key, Event::NotAppended, "", t(12), Detail::default()).unwrap();
    ledger.record(&key, Event::AppendAboutToGo, "", t(13), mark("m2")).unwrap();
    ledger.record(&key, Event::Appended, "", t(14), Detail::default()).unwrap();
    let drafted = ledger.delivery(&key).unwrap().unwrap();
    assert_eq!(drafted.append_mark.as_deref(), Some("m2"));
    assert_eq!(drafted.state, State::Drafted);
}

#[test]
fn the_queue_gives_what_is_due_oldest_first() {
    let mut ledger = started();
    add_letter(&mut ledger, "b", Mode::Draft, Start::Queued, 30);
    add_letter(&mut ledger, "a", Mode::Draft, Start::Queued, 40);
    add_letter(&mut ledger, "held", Mode::Draft, Start::Held, 10);
    let due = |ledger: &Ledger, now: i64| -> Vec<String> {
        let due = ledger.due(ACCOUNT, t(now)).unwrap();
        due.into_iter().map(|letter| letter.key.0).collect()
    };
    assert_eq!(due(&ledger, 29), Vec::<String>::new());
    assert_eq!(due(&ledger, 40), ["b", "a"]);
    assert_eq!(ledger.due("someone", t(40)), Ok(vec![]));

    let later = Detail { next_attempt_at: Some(t(100)), ..Detail::default() };
    let b = InvitationKey("b".to_owned());
    ledger.record(&b, Event::TryLater, "4xx", t(41), later).unwrap();
    assert_eq!(due(&ledger, 99), ["a"]);
    assert_eq!(due(&ledger, 100), ["b", "a"]);
}

#[test]
fn what_a_clock_that_was_ahead_put_off_is_due() {
    let mut ledger = started();
    add_letter(&mut ledger, "a", Mode::Draft, Start::Queued, 5_000_000);
    let due = |now: i64| ledger.due(ACCOUNT, t(now)).unwrap().len();
    let wait = 4 * 3600;
    assert_eq!(due(5_000_000 - wait - 1), 1, "no wait is that long");
    assert_eq!(due(5_000_000 - wait), 0);
    assert_eq!(due(5_000_000 - 1), 0);
    assert_eq!(due(5_000_000), 1);
}

#[test]
fn limits_count_letters_from_when_they_entered_the_queue() {
    let mut ledger = started();
    add_letter(&mut ledger, "a", Mode::Draft, Start::Queued, 10);
    add_letter(&mut ledger, "b", Mode::Send, Start::Queued, 20);
    add_letter(&mut ledger, "c", Mode::Send, Start::Held, 20);
    assert_eq!(ledger.letters_between(ACCOUNT, t(0), t(20)), Ok(2));
    assert_eq!(ledger.letters_between(ACCOUNT, t(11), t(20)), Ok(1));
    assert_eq!(ledger.letters_between("someone", t(0), t(20)), Ok(0));
    assert_eq!(ledger.letters_between(ACCOUNT, t(0), t(19)), Ok(1), "the clock was ahead when b was queued");
    let c = InvitationKey("c".to_owned());
    ledger.record(&c, Event::Released, "", t(50), Detail::default()).unwrap();
    assert_eq!(ledger.letters_between(ACCOUNT, t(50), t(50)), Ok(1));
    assert_eq!(ledger.due(ACCOUNT, t(50)).unwrap().len(), 3);
}

#[test]
fn a_sent_letter_waits_for_its_copy_once() {
    let (mut ledger, key) = with_letter("k", Mode::Send, Start::Queued);
    assert_eq!(ledger.sent_without_copy(ACCOUNT), Ok(vec![]));
    ledger.record(&key, Event::BodyAboutToGo, "", t(11), Detail::default()).unwrap();
    ledger.record(&key, Event::Accepted, "250 ok", t(12), Detail::default()).unwrap();
    assert_eq!(ledger.sent_without_copy(ACCOUNT).unwrap().len(), 1);
    ledger.mark_sent_copy_done(&key, t(13)).unwrap();
    ledger.mark_sent_copy_done(&key, t(14)).unwrap();
    assert_eq!(ledger.sent_without_copy(ACCOUNT), Ok(vec![]));
    assert_eq!(ledger.delivery(&key).unwrap().unwrap().sent_copy_at, Some(t(13)));
}

#[test]
fn a_port_fault_keeps_its_beginning_until_it_is_cleared() {
    let mut ledger = started();
    let mut note = |words, told, at| {
        ledger.note_port_fault(ACCOUNT, PortKind::Imap, words, told, t(at)).unwrap();
        let faults = ledger.port_faults().unwrap();
        assert_eq!(faults.len(), 1);
        (faults[0].words.clone(), faults[0].since, faults[0].last_told)
    };
    let words = str::to_owned;
    assert_eq!(note("no line", Told::Nobody, 9), (words("no line"), t(9), None));
    assert_eq!(note("no name", Told::Nobody, 10), (words("no name"), t(9), None));
    assert_eq!(note("refused", Told::At(t(11)), 11), (words("refused"), t(9), Some(t(11))));
    // What waits for a person is not hidden by what may pass.
    assert_eq!(note("no line", Told::Nobody, 12), (words("refused"), t(9), Some(t(11))));
    assert_eq!(note("still refused", Told::At(t(11)), 20), (words("still refused"), t(9), Some(t(11))));
    let faults = ledger.port_faults().unwrap();
    assert_eq!(ledger.status().unwrap().accounts[0].port_faults, faults);
    ledger.clear_port_fault(ACCOUNT, PortKind::Imap).unwrap();
    ledger.clear_port_fault(ACCOUNT, PortKind::Smtp).unwrap();
    assert_eq!(ledger.port_faults(), Ok(vec![]));
}

#[test]
fn status_shows_everything_that_waits() {
    let mut ledger = started();
    let withheld = plan("w", identity(None, None, None, "w"), Decision::Hold);
    let held = plan("h", identity(None, None, None, "h"), Decision::Draft);
    let parked = plan("p", identity(None, None, None, "p"), Decision::Send);
    let mut full = batch(
        9,
        vec![
            Entry { uid: 1, plan: &withheld, delivery: None },
            Entry { uid: 2, plan: &held, delivery: Some(letter("h", Mode::Draft, Start::Held)) },
            Entry { uid: 3, plan: &parked, delivery: Some(letter("p", Mode::Send, Start::Queued)) },
        ],
        20,
    );
    full.quarantined.push((4, "nested too deeply".to_owned()));
    ledger.commit_batch(&full).unwrap();
    let p = InvitationKey("p".to_owned());
    ledger.record(&p, Event::Parked, "too late to send", t(30), Detail::default()).unwrap();

    ledger.note_look(ACCOUNT, t(40)).unwrap();
    ledger.note_look(ACCOUNT, t(99)).unwrap();
    let account = ledger.status().unwrap().accounts.remove(0);
    assert_eq!(account.name, ACCOUNT);
    assert_eq!((account.started_at, account.last_activity), (t(1), t(30)));
    assert_eq!(account.looked_at, Some(t(40)), "not written down more often than once a minute");
    assert_eq!(account.cursors[0].0, "INBOX");
    assert_eq!(account.decisions, [(Decision::Draft, 1), (Decision::Hold, 1), (Decision::Send, 1)]);
    assert_eq!(account.states, [(State::Held, 1), (State::Parked, 1)]);
    assert_eq!(account.withheld.len(), 1);
    assert_eq!(account.withheld[0].reason_code, "generic-note");
    let waiting: Vec<_> =
        account.waiting.iter().map(|letter| (letter.state, letter.last_words.as_str())).collect();
    assert_eq!(waiting, [(State::Held, ""), (State::Parked, "too late to send")]);
    assert_eq!(account.waiting[0].inviter_name, "Ann Example");
    assert_eq!(account.quarantined[0].uid, 4);
    assert_eq!(account.quarantined[0].why, "nested too deeply");
}

#[test]
fn what_was_written_is_there_after_reopening() {
    let dir = tempfile::tempdir().unwrap();
    let mut ledger = Ledger::open(dir.path()).unwrap();
    ledger.start_account(ACCOUNT, t(1)).unwrap();
    add_letter(&mut ledger, "k", Mode::Draft, Start::Queued, 10);
    let before = (ledger.status().unwrap(), ledger.due(ACCOUNT, t(10)).unwrap());
    drop(ledger);
    let ledger = Ledger::open(dir.path()).unwrap();
    assert_eq!((ledger.status().unwrap(), ledger.due(ACCOUNT, t(10)).unwrap()), before);
}

#[test]
fn folder_and_files_are_for_the_owner_only() {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("a/state");
    let mut ledger = Ledger::open(&state).unwrap();
    ledger.start_account(ACCOUNT, t(1)).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&state), 0o700);
    let files: Vec<_> = fs::read_dir(&state).unwrap().map(|e| e.unwrap().path()).collect();
    assert!(files.len() >= 4, "database, wal, shm, lock: {files:?}");
    for file in files {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
    drop(ledger);
    fs::set_permissions(Ledger::file(&state), fs::Permissions::from_mode(0o644)).unwrap();
    drop(Ledger::open(&state).unwrap());
    assert_eq!(mode(&Ledger::file(&state)), 0o600);
}

#[test]
fn a_ledger_whose_files_are_others_by_now_takes_nothing_more() {
    let disturbances: [fn(&Path); 4] = [
        |dir| fs::rename(dir, dir.with_extension("away")).unwrap(),
        |dir| fs::remove_file(Ledger::file(dir)).unwrap(),
        |dir| {
            let copy = dir.join("copy");
            fs::copy(Ledger::file(dir), &copy).unwrap();
            fs::rename(copy, Ledger::file(dir)).unwrap();
        },
        |dir| fs::remove_file(dir.join("notyet.lock")).unwrap(),
    ];
    for (number, disturb) in disturbances.into_iter().enumerate() {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join("state");
        let mut ledger = Ledger::open(&dir).unwrap();
        ledger.start_account("one", t(1)).unwrap();
        disturb(&dir);
        match ledger.start_account("two", t(1)) {
            Err(Fault::NeedsHuman(words)) => assert!(words.contains("moved, deleted or replaced"), "{words}"),
            other => panic!("{number}: {other:?}"),
        }
    }
}

#[test]
fn a_second_daemon_is_refused_while_the_first_lives() {
    let dir = tempfile::tempdir().unwrap();
    let first = Ledger::open(dir.path()).unwrap();
    let fault = Ledger::open(dir.path()).unwrap_err();
    let pid = std::process::id().to_string();
    assert!(matches!(&fault, Fault::Transient(words) if words.contains(&pid)), "{fault}");
    assert_eq!(Ledger::holder(dir.path()), Ok(Holder::Process(Some(std::process::id()))));
    drop(first);
    assert_eq!(Ledger::holder(dir.path()), Ok(Holder::Nobody), "a file that was left means nothing");
    Ledger::open(dir.path()).unwrap();
}

/// Monitoring may look at the lock as often as it likes.
#[test]
fn who_looks_at_the_lock_keeps_no_daemon_out() {
    let dir = tempfile::tempdir().unwrap();
    drop(Ledger::open(dir.path()).unwrap());
    let lock = File::open(dir.path().join("notyet.lock")).unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                lock.try_lock_shared().map(|()| lock.unlock().unwrap()).ok();
            }
        });
        let opened: Vec<_> = (0..20).map(|_| Ledger::open(dir.path()).map(drop)).collect();
        done.store(true, Ordering::Relaxed);
        assert!(opened.iter().all(Result::is_ok), "{opened:?}");
    });
}

const CHILD_DIR: &str = "NOTYET_TEST_LEDGER_DIR";

/// Not a test of its own: the daemon that the next test kills.
#[test]
fn child_that_holds_the_ledger() {
    let Some(dir) = std::env::var_os(CHILD_DIR) else {
        return;
    };
    let mut ledger = Ledger::open(Path::new(&dir)).unwrap();
    ledger.start_account(ACCOUNT, t(1)).unwrap();
    add_letter(&mut ledger, "k", Mode::Send, Start::Queued, 10);
    let key = InvitationKey("k".to_owned());
    ledger.record(&key, Event::BodyAboutToGo, "", t(11), Detail::default()).unwrap();
    println!("\nholding");
    std::io::stdout().flush().unwrap();
    let _ = std::io::stdin().read(&mut [0]);
}

#[test]
fn a_killed_daemon_leaves_its_last_word_and_no_lock() {
    let dir = tempfile::tempdir().unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "ledger::child_that_holds_the_ledger", "--nocapture"])
        .env(CHILD_DIR, dir.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap() == "holding"));
    let refused = Ledger::open(dir.path());
    // SIGKILL: nothing of the child's runs any more.
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(matches!(refused, Err(Fault::Transient(_))));
    let ledger = Ledger::open(dir.path()).unwrap();
    let found = ledger.in_state(ACCOUNT, State::Transmitting).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].attempts, 1);
}

#[test]
fn status_can_be_read_beside_the_writer_and_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let missing = Ledger::open_read_only(dir.path()).unwrap_err();
    assert!(matches!(missing, Fault::NeedsHuman(_)));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);

    let mut writer = Ledger::open(dir.path()).unwrap();
    writer.start_account(ACCOUNT, t(1)).unwrap();
    let mut reader = Ledger::open_read_only(dir.path()).unwrap();
    assert_eq!(reader.status(), writer.status());
    add_letter(&mut writer, "k", Mode::Draft, Start::Queued, 10);
    assert_eq!(reader.status(), writer.status());
    assert_eq!(reader.status().unwrap().accounts[0].states, [(State::Queued, 1)]);
    let refused = reader.start_account("other", t(2)).unwrap_err();
    assert!(matches!(refused, Fault::NeedsHuman(_)), "{refused:?}");
    drop(writer);
    drop(reader);
    let content = || fs::read(Ledger::file(dir.path())).unwrap();
    let before = content();
    let alone = Ledger::open_read_only(dir.path()).unwrap();
    assert_eq!(alone.status().unwrap().accounts.len(), 1);
    drop(alone);
    assert_eq!(content(), before);
}

#[test]
fn a_damaged_file_is_named_with_its_remedy() {
    let text: &[u8] = b"this is no database, but it is long enough to look like a header of one";
    let dir = tempfile::tempdir().unwrap();
    let path = Ledger::file(dir.path());
    fs::write(&path, text).unwrap();
    let damaged = [Ledger::open(dir.path()), Ledger::open_read_only(dir.path())];
    for fault in damaged.map(Result::unwrap_err) {
        let Fault::NeedsHuman(words) = fault else {
            panic!("{fault:?}");
        };
        assert!(words.contains(path.to_str().unwrap()), "{words}");
        assert!(words.contains("damaged"), "{words}");
    }
    assert_eq!(fs::read(&path).unwrap(), text, "left for the owner to look at");
}

#[test]
fn a_page_of_rubbish_inside_is_found_at_the_start() {
    let dir = tempfile::tempdir().unwrap();
    drop(Ledger::open(dir.path()).unwrap());
    let path = Ledger::file(dir.path());
    let mut bytes = fs::read(&path).unwrap();
    bytes[4096..3 * 4096].fill(0xA5);
    fs::write(&path, bytes).unwrap();
    let fault = Ledger::open(dir.path()).unwrap_err();
    assert!(matches!(&fault, Fault::NeedsHuman(words) if words.contains("damaged")), "{fault:?}");
}

#[test]
fn a_later_version_is_refused_by_both_ways_in() {
    let dir = tempfile::tempdir().unwrap();
    drop(Ledger::open(dir.path()).unwrap());
    let connection = rusqlite::Connection::open(Ledger::file(dir.path())).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    for fault in [Ledger::open(dir.path()), Ledger::open_read_only(dir.path())].map(Result::unwrap_err) {
        assert!(matches!(&fault, Fault::NeedsHuman(words) if words.contains("99")), "{fault:?}");
    }
}

#[test]
fn debug_output_shows_no_person_and_no_letter() {
    let mut ledger = started();
    let plan = simple("k");
    let entry = Entry { uid: 1, plan: &plan, delivery: Some(letter("k", Mode::Send, Start::Held)) };
    let batch = batch(2, vec![entry], 10);
    ledger.commit_batch(&batch).unwrap();
    let shown = format!(
        "{batch:?} {:?} {:?}",
        ledger.in_state(ACCOUNT, State::Held).unwrap(),
        ledger.status().unwrap()
    );
    for secret in ["ann@", "Ann", "letter k", "m1@", "k@me"] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
}

/// Also after the ledger was lost nobody gets a second letter.
#[test]
fn an_address_that_a_found_letter_went_to_had_its_letter() {
    let mut ledger = started();
    let to = Address::parse("ann@example.org").unwrap();
    let (key, other) = (InvitationKey("a".repeat(32)), InvitationKey("b".repeat(32)));
    let found = found_in_sent(&key.0, &to);
    assert_eq!(ledger.recipient(&to, &other), Ok(Recipient::New));
    ledger.adopt(ACCOUNT, ("Sent", 1), &[found], t(5)).unwrap();
    assert_eq!(ledger.recipient(&to, &other), Ok(Recipient::WrittenTo));
    assert_eq!(ledger.recipient(&to, &key), Ok(Recipient::New), "its own letter is no second one");
}

/// A refused letter may be forgotten; an empty one must never go out in its place.
#[test]
fn a_letter_whose_words_were_erased_is_not_tried_again() {
    let mut ledger = started();
    let key = InvitationKey("k".to_owned());
    add_letter(&mut ledger, "k", Mode::Send, Start::Queued, 10);
    ledger.record(&key, Event::Rejected, "550 no", t(11), Detail::default()).unwrap();
    let fitting = |ledger: &Ledger| Word::fitting(&ledger.delivery(&key).unwrap().unwrap());
    assert_eq!(fitting(&ledger), [Word::Retry, Word::Drop]);
    assert_eq!(ledger.forget(&key, t(12)), Ok(Forgot::Erased));
    assert_eq!(fitting(&ledger), [Word::Drop]);
}

fn found_in_sent(key: &str, to: &Address) -> FoundLetter {
    FoundLetter {
        key: InvitationKey(key.to_owned()),
        invitation: None,
        whereabouts: Whereabouts::SentByUs,
        uid: 4,
        message_id: MessageId::parse("<notyet.found@example.com>").unwrap(),
        to: Some(to.clone()),
        written: t(3),
    }
}

/// The account that wrote it may be read after another has made a second letter.
#[test]
fn what_waits_for_somebody_with_a_found_letter_is_parked_and_goes_when_a_person_insists() {
    let mut ledger = started();
    add_letter(&mut ledger, "k", Mode::Send, Start::Queued, 10);
    let key = InvitationKey("k".to_owned());
    let to = ledger.delivery(&key).unwrap().unwrap().to.unwrap();
    let found = [found_in_sent("another", &to)];
    ledger.adopt(ACCOUNT, ("Sent", 1), &found, t(11)).unwrap();
    let letter = ledger.delivery(&key).unwrap().unwrap();
    assert_eq!((letter.state, letter.parked_for), (State::Parked, Some(ParkedFor::AnsweredBefore)));
    ledger.record(&key, Event::PersonRetries, "", t(12), Detail::default()).unwrap();
    ledger.adopt(ACCOUNT, ("Sent", 1), &found, t(13)).unwrap();
    assert_eq!(ledger.delivery(&key).unwrap().unwrap().state, State::Queued, "it was said already");
}

#[test]
fn a_letter_that_becomes_a_draft_has_all_its_tries_before_it() {
    let mut ledger = started();
    add_letter(&mut ledger, "k", Mode::Send, Start::Queued, 10);
    let key = InvitationKey("k".to_owned());
    for at in 11..31 {
        ledger.record(&key, Event::TryLater, "451 later", t(at), Detail::default()).unwrap();
    }
    assert_eq!(ledger.turn_into_drafts(None, <[u8]>::to_vec, "sending stands still", t(40)), Ok(1));
    let letter = ledger.delivery(&key).unwrap().unwrap();
    assert_eq!((letter.mode, letter.attempts), (Mode::Draft, 0));
    let moved = ledger.history(&key).unwrap().pop().unwrap();
    assert_eq!((moved.event.as_str(), moved.to), ("became-draft", State::Queued));
    assert_eq!((letter.next_attempt_at, letter.last_words.as_str()), (t(40), "sending stands still"));
}

/// What is on the wire is nobody's to take back, and then nothing of it is written down.
#[test]
fn taking_back_drops_the_letter_or_changes_nothing() {
    let mut ledger = started();
    let key = InvitationKey("k".to_owned());
    add_letter(&mut ledger, "k", Mode::Draft, Start::Queued, 10);
    ledger.record(&key, Event::AppendAboutToGo, "", t(11), Detail::default()).unwrap();
    assert_eq!(ledger.take_back(&key, ACCOUNT, t(12)), Ok(false));
    assert_eq!(ledger.undo_of(&key), Ok(None));
    ledger.record(&key, Event::Appended, "", t(13), Detail::default()).unwrap();
    assert_eq!(ledger.take_back(&key, ACCOUNT, t(14)), Ok(true));
    assert_eq!(ledger.undo_of(&key).unwrap().map(|undo| undo.draft), Some(Withdrawn::Wanted));
    assert_eq!(ledger.delivery(&key).unwrap().unwrap().state, State::TakenOver);
}

/// Where the ledger may be an older copy, every account looks again, and one that never
/// looked to the end still looks at all there is.
#[test]
fn after_a_long_pause_every_account_looks_for_letters_again() {
    let pause = std::time::Duration::from_secs(100);
    let accounts = [ACCOUNT, "other"].map(str::to_owned);
    let mut ledger = Ledger::in_memory().unwrap();
    for account in &accounts {
        ledger.start_account(account, t(1)).unwrap();
    }
    assert_eq!(ledger.look_again_after(pause, t(9_000)), Ok(false), "there was no pass yet");
    ledger.mark_rebuilt(ACCOUNT, t(2)).unwrap();
    ledger.adopt("other", ("Sent", 1), &[], t(2)).unwrap();
    ledger.mark_whole(t(2)).unwrap();
    ledger.note_pass(t(1_000)).unwrap();
    assert_eq!(ledger.look_again_after(pause, t(1_100)), Ok(false));
    assert!(ledger.yet_to_look(&accounts).unwrap().is_empty());

    assert_eq!(ledger.look_again_after(pause, t(1_101)), Ok(true));
    assert_eq!(ledger.yet_to_look(&accounts).unwrap(), accounts);
    assert_eq!(ledger.looks_since(ACCOUNT), Ok(Some(t(1_000))));
    assert_eq!(ledger.looks_since("other"), Ok(None));
    // A further pause before it has looked moves nothing on.
    ledger.note_pass(t(2_000)).unwrap();
    ledger.look_again_after(pause, t(3_000)).unwrap();
    assert_eq!(ledger.looks_since(ACCOUNT), Ok(Some(t(1_000))));
    ledger.mark_rebuilt(ACCOUNT, t(3_001)).unwrap();
    assert_eq!(ledger.yet_to_look(&accounts).unwrap(), ["other"]);
}

/// A letter without its words must not go out, and what is on the wire is nobody's to take back.
#[test]
fn forgetting_drops_a_letter_that_waits_or_changes_nothing() {
    let key = InvitationKey("k".to_owned());
    let way = [Event::BodyAboutToGo, Event::Lost, Event::Parked];
    let expected = [
        (State::Queued, Forgot::ErasedAndDropped),
        (State::Transmitting, Forgot::Busy),
        (State::Uncertain, Forgot::ErasedAndDropped),
        (State::Parked, Forgot::ErasedAndDropped),
    ];
    for (moves, (state, forgot)) in expected.into_iter().enumerate() {
        let (mut ledger, key) = with_letter(&key.0, Mode::Send, Start::Queued);
        for event in &way[..moves] {
            ledger.record(&key, *event, "", t(11), Detail::default()).unwrap();
        }
        let before = ledger.delivery(&key).unwrap().unwrap();
        assert_eq!((before.state, ledger.forget(&key, t(12))), (state, Ok(forgot)));
        let after = ledger.delivery(&key).unwrap().unwrap();
        if forgot == Forgot::Busy {
            assert_eq!(after, before);
        } else {
            assert_eq!((after.state, after.message.0.len()), (State::TakenOver, 0));
        }
    }
    for (event, state) in [(Event::Accepted, State::Sent), (Event::Rejected, State::Refused)] {
        let (mut ledger, key) = with_letter(&key.0, Mode::Send, Start::Queued);
        ledger.record(&key, Event::BodyAboutToGo, "", t(11), Detail::default()).unwrap();
        ledger.record(&key, event, "", t(11), Detail::default()).unwrap();
        assert_eq!(ledger.forget(&key, t(12)), Ok(Forgot::Erased));
        assert_eq!(ledger.delivery(&key).unwrap().unwrap().state, state, "an end stays one");
    }
    let (mut ledger, key) = with_letter(&key.0, Mode::Draft, Start::Queued);
    for event in [Event::AppendAboutToGo, Event::Appended] {
        ledger.record(&key, event, "", t(11), Detail::default()).unwrap();
    }
    assert_eq!(ledger.take_back(&key, ACCOUNT, t(12)), Ok(true));
    assert_eq!(ledger.forget(&key, t(13)), Ok(Forgot::Busy), "its draft is yet to be removed");
    assert_eq!(ledger.traces().unwrap().len(), 1);
}

/// What was judged before a person was forgotten may be committed after it.
#[test]
fn a_letter_to_somebody_forgotten_is_not_taken_nor_a_word_of_theirs() {
    let mut ledger = started();
    let left = plan("k", identity(Some("1"), None, Some("prof"), "ann"), Decision::Leave);
    ledger.commit_batch(&batch(2, vec![Entry { uid: 1, plan: &left, delivery: None }], 10)).unwrap();
    ledger.forget(&left.invitation.key, t(11)).unwrap();
    let another = plan("k2", identity(Some("2"), None, Some("prof"), "ann"), Decision::Draft);
    for (uid, plan) in [(2, &plan("k", left.invitation.identity.clone(), Decision::Draft)), (3, &another)] {
        let delivery = Some(letter(&plan.invitation.key.0, Mode::Draft, Start::Queued));
        let committed =
            ledger.commit_batch(&batch(uid + 1, vec![Entry { uid, plan, delivery }], 12)).unwrap();
        assert_eq!((committed.created, committed.repeated), (vec![], vec![plan.invitation.key.clone()]));
    }
    assert_eq!(ledger.traces(), Ok(vec![]));
    let case = ledger.case(&another.invitation.key).unwrap().unwrap();
    assert_eq!((case.inviter_name.as_str(), case.note, case.reason_text.as_str()), ("", None, ""));
}

#[test]
fn only_what_was_left_is_told_of_a_mail_that_is_read_anew() {
    let mut ledger = started();
    let held = plan("k", identity(None, None, None, "ann"), Decision::Hold);
    let entry = |plan| vec![Entry { uid: 1, plan, delivery: None }];
    ledger.commit_batch(&batch(2, entry(&held), 10)).unwrap();
    assert_eq!(ledger.left_before(ACCOUNT, &held.invitation), Ok(vec![]), "a letter may be made yet");
    let left = plan("k", identity(None, None, None, "ann"), Decision::Leave);
    ledger.commit_batch(&batch(2, entry(&left), 11)).unwrap();
    let told = vec![Left { reason_code: "generic-note".to_owned(), at: t(11) }];
    assert_eq!(ledger.left_before(ACCOUNT, &left.invitation), Ok(told.clone()));
    // Rules of another revision give the same mail another key.
    let revised = plan("k2", identity(Some("2:1"), None, None, "ann"), Decision::Draft);
    assert_eq!(ledger.left_before(ACCOUNT, &revised.invitation), Ok(told));
    assert_eq!(ledger.left_before("home", &left.invitation), Ok(vec![]));
    let mut other_mail = left.invitation.clone();
    other_mail.message_id = MessageId::parse("<m2@net.example>");
    assert_eq!(ledger.left_before(ACCOUNT, &other_mail), Ok(vec![]));
}
