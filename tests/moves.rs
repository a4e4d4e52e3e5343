//! Every move that a letter makes, and none beside them.

use std::collections::BTreeSet;

use notyet::domain::delivery::{Event, Mode, ParkedFor, State};

/// State, mode (`-` for both), event, and the state after it.
const MOVES: &str = "
    held          -      Released         queued
    held          -      Parked           parked
    held          send   BecameDraft      held
    queued        send   BecameDraft      queued
    queued        draft  AppendAboutToGo  appending
    queued        draft  Appended         drafted
    queued        send   BodyAboutToGo    transmitting
    queued        send   SeenInSent       sent
    queued        -      TryLater         queued
    queued        -      Rejected         refused
    queued        -      Parked           parked
    queued        -      OwnerActed       taken-over
    appending     draft  Appended         drafted
    appending     draft  NotAppended      queued
    appending     draft  Rejected         refused
    appending     draft  AppendUnclear    uncertain
    drafted       draft  OwnerActed       taken-over
    drafted       draft  HoldOver         queued
    drafted       draft  Parked           parked
    transmitting  send   Accepted         sent
    transmitting  send   TryLater         queued
    transmitting  send   Rejected         refused
    transmitting  send   Lost             uncertain
    uncertain     draft  Appended         drafted
    uncertain     send   SeenInSent       sent
    uncertain     -      Parked           parked
    held          -      PersonRetries    queued
    held          -      PersonDrops      taken-over
    queued        -      PersonRetries    queued
    queued        -      PersonDrops      taken-over
    uncertain     -      PersonRetries    queued
    uncertain     -      PersonDrops      taken-over
    parked        -      PersonRetries    queued
    parked        -      PersonDrops      taken-over
    refused       -      PersonRetries    queued
    refused       -      PersonDrops      taken-over
    drafted       draft  PersonDrops      taken-over
    uncertain     send   PersonSaysSent   sent
    uncertain     draft  PersonSaysSent   taken-over
    parked        send   PersonSaysSent   sent
    parked        draft  PersonSaysSent   taken-over
";

/// What the world does; what a person asks for is not among it.
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

#[test]
fn the_machine_makes_these_moves_and_no_other() {
    let modes = [(Mode::Draft, "draft"), (Mode::Send, "send")];
    let mut wanted = BTreeSet::new();
    for line in MOVES.trim().lines() {
        let words: Vec<_> = line.split_whitespace().collect();
        for (_, mode) in modes.iter().filter(|(_, mode)| ["-", mode].contains(&words[1])) {
            wanted.insert(format!("{} {mode} {} {}", words[0], words[2], words[3]));
        }
    }
    let mut made = BTreeSet::new();
    for state in State::ALL {
        for (mode, word) in modes {
            for event in Event::ALL {
                if let Some(next) = state.after(mode, event) {
                    made.insert(format!("{} {word} {event:?} {}", state.as_str(), next.as_str()));
                }
            }
        }
    }
    let differ: Vec<_> = wanted.symmetric_difference(&made).collect();
    assert!(differ.is_empty(), "{differ:#?}");
}

/// No letter is left where nothing can move it on, save at its ends and before a person.
#[test]
fn every_letter_comes_to_an_end() {
    let ends = [State::Drafted, State::Sent, State::Refused, State::Parked, State::TakenOver];
    for mode in [Mode::Draft, Mode::Send] {
        let mut reached = BTreeSet::from(["held"]);
        let mut next = vec![State::Held];
        while let Some(state) = next.pop() {
            let after: Vec<_> = EVENTS.iter().filter_map(|event| state.after(mode, *event)).collect();
            assert!(
                ends.contains(&state) || after.iter().any(|other| *other != state),
                "{state:?} is a trap"
            );
            next.extend(after.into_iter().filter(|other| reached.insert(other.as_str())));
        }
        let wanted = if mode == Mode::Draft { "drafted" } else { "sent" };
        assert!(reached.contains(wanted), "{reached:?}");
    }
}

/// Where an undo looks for a draft to remove: anywhere else, what stands in Drafts is not ours to touch.
#[test]
fn a_draft_may_stand_only_where_one_was_put() {
    let reasons = || ParkedFor::ALL.map(Some).into_iter().chain([None]);
    for state in State::ALL {
        for parked_for in reasons() {
            let put_there = matches!(state, State::Drafted | State::Uncertain | State::Parked);
            assert_eq!(
                state.may_stand_in_drafts(Mode::Draft, parked_for),
                put_there,
                "{state:?} {parked_for:?}"
            );
            let seen_there = (state, parked_for) == (State::Parked, Some(ParkedFor::DraftStands));
            assert_eq!(
                state.may_stand_in_drafts(Mode::Send, parked_for),
                seen_there,
                "{state:?} {parked_for:?}"
            );
        }
    }
}

#[test]
fn each_reason_to_wait_for_a_person_has_a_sentence_of_its_own() {
    let sentences: BTreeSet<_> = ParkedFor::ALL.map(ParkedFor::words).into();
    assert_eq!(sentences.len(), ParkedFor::ALL.len());
    assert!(sentences.iter().all(|words| words.split(' ').count() > 5), "{sentences:?}");
}
