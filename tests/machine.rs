//! The whole state space of the delivery machine: what is committed, what the
//! server truly has, what is under way; every order of events, and a crash
//! between any two. The walk ends when no new world turns up, so it holds for
//! every depth; planted faults show that it sees what it is there for.

use std::collections::{HashMap, VecDeque};

use notyet::domain::delivery::{Event, Mode, State};
use notyet::shell::store::{Detail, Start};

use crate::ledger::{t, with_held_letter, with_letter};

type After = fn(State, Mode, Event) -> Option<State>;

/// How the acting process goes about it; tests plant faults here and in the table.
#[derive(Clone, Copy)]
struct Conduct {
    after: After,
    /// The state is committed before the first byte leaves.
    commits_first: bool,
    /// "Never appended" is believed only when UIDNEXT stands where it stood.
    heeds_uid_next: bool,
    /// And only some time after the APPEND went out.
    waits_for_stragglers: bool,
    /// What is gone after its removal was written down is nobody's to send.
    doubts_removals: bool,
}

const SOUND: Conduct = Conduct {
    after: State::after,
    commits_first: true,
    heeds_uid_next: true,
    waits_for_stragglers: true,
    doubts_removals: true,
};

/// What the living process holds in its hands; a crash empties them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Hands {
    Empty,
    /// The next thing on the wire is the body, or the APPEND.
    AboutToGo,
    /// The server's answer was read, or is missing; nothing is recorded of it.
    Holds(Answer),
    /// The removal of the draft is the next thing on the wire. Between the last look at the draft
    /// and this lie milliseconds in which no server tells whose removal it was: here they are none.
    Removing,
    /// The draft is removed; nothing is recorded of it.
    Removed,
}

/// Whether a draft is held before its letter is sent, as committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Held {
    No,
    Open,
    /// The removal of the draft is written down.
    Withdrawing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Answer {
    Ok,
    Later,
    Never,
    None,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct World {
    mode: Mode,
    /// As committed.
    state: State,
    hands: Hands,
    /// Transmissions the server took, or drafts that were ever appended; 2 stands for more.
    taken: u8,
    /// The draft is in Drafts, or a copy in Sent.
    is_there: bool,
    /// Bytes of a broken connection that the server may still take.
    straggles: bool,
    /// UIDNEXT of Drafts is not what it was before the last APPEND.
    uids_moved: bool,
    held: Held,
    /// The owner deleted the draft.
    is_owners: bool,
    /// Since the last move of the letter a day went by (for an APPEND: the time to wait for stragglers).
    aged: bool,
}

/// A step of the walk: in words, the event it records, and where it leads.
struct Step {
    words: &'static str,
    event: Option<Event>,
    to: World,
}

/// Why a walk failed.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Broken {
    promise: &'static str,
    way: Vec<&'static str>,
}

fn begins(mode: Mode) -> Event {
    match mode {
        Mode::Draft => Event::AppendAboutToGo,
        Mode::Send => Event::BodyAboutToGo,
    }
}

fn is_at_rest(state: State) -> bool {
    matches!(state, State::Drafted | State::Sent | State::Refused | State::Parked | State::TakenOver)
}

/// Collects the steps out of one world.
struct Steps<'a> {
    conduct: &'a Conduct,
    from: World,
    found: Vec<Step>,
    /// An event the process has to record and the table does not have.
    stuck: Option<&'static str>,
}

impl Steps<'_> {
    fn go(&mut self, words: &'static str, to: World) {
        self.found.push(Step { words, event: None, to });
    }

    /// Records `event`, then `change`s the rest of the world.
    fn record(&mut self, words: &'static str, event: Event, change: impl FnOnce(&mut World)) {
        let Some(state) = (self.conduct.after)(self.from.state, self.from.mode, event) else {
            self.stuck = Some(words);
            return;
        };
        let mut to = World { state, hands: Hands::Empty, aged: false, ..self.from };
        change(&mut to);
        self.found.push(Step { words, event: Some(event), to });
    }

    /// What the server may do with what is sent to it, and what we learn of it.
    fn send(&mut self) {
        let from = self.from;
        let taken = |to: World| World {
            taken: (to.taken + 1).min(2),
            is_there: to.mode == Mode::Draft || to.is_there,
            uids_moved: true,
            ..to
        };
        let holds = |answer| World { hands: Hands::Holds(answer), ..from };
        self.go("the server takes it and says so", taken(holds(Answer::Ok)));
        self.go("the server says: later", holds(Answer::Later));
        self.go("the server says: never", holds(Answer::Never));
        self.go("the line breaks before the server has it", holds(Answer::None));
        self.go("the server takes it and the line breaks", taken(holds(Answer::None)));
        self.go("the line breaks and the server is slow", World { straggles: true, ..holds(Answer::None) });
        self.go("a crash, and the server is slow", World { straggles: true, hands: Hands::Empty, ..from });
    }

    fn answered(&mut self, answer: Answer) {
        let committed = self.conduct.commits_first;
        let begun = begins(self.from.mode);
        if !committed {
            // The fault: what was done is written down only now.
            let Some(state) = (self.conduct.after)(self.from.state, self.from.mode, begun) else { return };
            self.from.state = state;
        }
        match (self.from.mode, answer) {
            (Mode::Send, Answer::Ok) => self.record("it is recorded as sent", Event::Accepted, |_| ()),
            (Mode::Draft, Answer::Ok) => self.record("it is recorded as drafted", Event::Appended, |_| ()),
            (Mode::Send, Answer::Later) => self.record("later is recorded", Event::TryLater, |_| ()),
            (_, Answer::Never) => self.record("never is recorded", Event::Rejected, |_| ()),
            (Mode::Send, Answer::None) => self.record("the loss is recorded", Event::Lost, |_| ()),
            // A draft's doubt is resolved by looking, in a later pass.
            (Mode::Draft, Answer::Later | Answer::None) => {
                self.go("the pass ends", World { hands: Hands::Empty, ..self.from });
            }
        }
    }

    /// A pass that begins: from `main`'s first line, or from the last wait.
    fn pass(&mut self) {
        let from = self.from;
        let begun = begins(from.mode);
        // Whatever state the table lets begin, a process with a fault in its queries might begin from.
        if (self.conduct.after)(from.state, from.mode, begun).is_some() {
            if self.conduct.commits_first {
                self.record("it is about to go", begun, |to| {
                    to.hands = Hands::AboutToGo;
                    to.uids_moved = false;
                });
            } else {
                self.go("it goes", World { hands: Hands::AboutToGo, uids_moved: false, ..from });
            }
        }
        match from.state {
            State::Held => self.record("a limit has room", Event::Released, |_| ()),
            State::Queued => {
                if from.is_there {
                    let event = if from.mode == Mode::Draft { Event::Appended } else { Event::SeenInSent };
                    self.record("it is found done", event, |_| ());
                }
                self.record("the owner has answered", Event::OwnerActed, |_| ());
                self.record("it waited too long", Event::Parked, |_| ());
                if from.mode == Mode::Send {
                    self.record("nobody answers at the port", Event::TryLater, |_| ());
                    self.record("the recipient is refused", Event::Rejected, |_| ());
                }
            }
            State::Drafted => self.held(),
            State::Transmitting => self.record("it was under way when we began", Event::Lost, |_| ()),
            State::Appending if from.is_there => self.record("the draft is there", Event::Appended, |_| ()),
            State::Appending if from.uids_moved && self.conduct.heeds_uid_next => {
                self.record("mail came or went in Drafts", Event::AppendUnclear, |_| ());
            }
            State::Appending if from.aged || !self.conduct.waits_for_stragglers => {
                self.record("nothing was appended", Event::NotAppended, |_| ());
            }
            State::Uncertain if from.is_there => {
                let event = if from.mode == Mode::Draft { Event::Appended } else { Event::SeenInSent };
                self.record("it is seen in its folder", event, |_| ());
            }
            State::Uncertain if from.aged => self.record("nobody saw it for a day", Event::Parked, |_| ()),
            _ => {}
        }
    }

    /// A draft that is held, or was.
    fn held(&mut self) {
        let from = self.from;
        match (from.held, from.is_there) {
            (Held::No, _) => {}
            (Held::Open, true) => {
                let begun = World { held: Held::Withdrawing, hands: Hands::Removing, ..from };
                self.go("its time is over, and its removal is written down", begun);
            }
            (Held::Open, false) => self.record("the owner removed it", Event::OwnerActed, |_| ()),
            (Held::Withdrawing, true) => {
                self.go("the draft stands all the same", World { held: Held::Open, ..from });
            }
            (Held::Withdrawing, false) if self.conduct.doubts_removals => {
                self.record("nobody can tell who removed it", Event::Parked, |to| to.held = Held::No);
            }
            (Held::Withdrawing, false) => self.hold_over(),
        }
    }

    fn hold_over(&mut self) {
        self.record("it is queued to be sent", Event::HoldOver, |to| {
            *to = World { mode: Mode::Send, held: Held::No, taken: 0, is_there: false, ..*to };
        });
    }

    /// What the world does by itself.
    fn meanwhile(&mut self) {
        let from = self.from;
        if from.hands != Hands::Empty {
            self.go("a crash", World { hands: Hands::Empty, ..from });
        }
        if from.straggles {
            let landed = World {
                straggles: false,
                taken: (from.taken + 1).min(2),
                is_there: from.mode == Mode::Draft || from.is_there,
                uids_moved: true,
                ..from
            };
            self.go("the slow server takes it after all", landed);
        }
        // What no server has taken by then it never will. A process with something in its hands has deadlines.
        if from.hands == Hands::Empty {
            self.go("time goes by", World { aged: true, straggles: false, ..from });
        }
        self.go("other mail comes to Drafts", World { uids_moved: true, ..from });
        match from.mode {
            Mode::Draft if from.is_there && from.hands != Hands::Removing => {
                let is_owners = from.held != Held::No;
                self.go("the owner deletes the draft", World { is_there: false, is_owners, ..from });
            }
            Mode::Send if from.taken > 0 => {
                self.go("the provider files a copy", World { is_there: true, ..from });
            }
            _ => {}
        }
        if from.state == State::Drafted && from.hands == Hands::Empty {
            self.record("the owner takes it over", Event::OwnerActed, |_| ());
        }
    }
}

/// What does not hold in this world.
fn broken_promise(world: World) -> Option<&'static str> {
    let World { mode, state, taken, is_there, straggles, hands, .. } = world;
    if taken > 1 {
        return Some("at most one transmission, at most one draft");
    }
    if mode == Mode::Send && taken > 0 && world.is_owners {
        return Some("what its owner deleted is not sent");
    }
    let is_still = hands == Hands::Empty;
    match (mode, state) {
        (Mode::Draft, State::Held | State::Queued | State::Refused) if is_there && is_still => {
            Some("no draft that the ledger knows nothing of")
        }
        (Mode::Send, State::Held | State::Queued | State::Refused)
            if (taken > 0 || straggles) && is_still =>
        {
            Some("no transmission that the ledger knows nothing of")
        }
        (_, State::Sent | State::Drafted) if taken == 0 => Some("what is called done was done"),
        _ => None,
    }
}

/// Every world that can be reached, with the events of one shortest way there.
fn walk(conduct: &Conduct) -> Result<HashMap<World, Vec<Event>>, Broken> {
    let begun = |mode, held, state| World {
        mode,
        state,
        hands: Hands::Empty,
        taken: 0,
        is_there: false,
        straggles: false,
        uids_moved: false,
        held,
        is_owners: false,
        aged: false,
    };
    let mut ways: HashMap<World, (Vec<&'static str>, Vec<Event>)> = HashMap::new();
    let mut before: HashMap<World, Vec<World>> = HashMap::new();
    let mut ahead = VecDeque::new();
    for (mode, held) in [(Mode::Draft, Held::No), (Mode::Draft, Held::Open), (Mode::Send, Held::No)] {
        for state in [State::Queued, State::Held] {
            ways.insert(begun(mode, held, state), Default::default());
            ahead.push_back(begun(mode, held, state));
        }
    }
    while let Some(world) = ahead.pop_front() {
        let (way, events) = ways[&world].clone();
        if let Some(promise) = broken_promise(world) {
            return Err(Broken { promise, way });
        }
        let mut steps = Steps { conduct, from: world, found: Vec::new(), stuck: None };
        match world.hands {
            Hands::Empty => steps.pass(),
            Hands::AboutToGo => steps.send(),
            Hands::Holds(answer) => steps.answered(answer),
            Hands::Removing => {
                let removed = World { is_there: false, hands: Hands::Removed, ..world };
                steps.go("the draft is removed", removed);
                steps.go(
                    "the line breaks before the draft is removed",
                    World { hands: Hands::Empty, ..world },
                );
            }
            Hands::Removed => steps.hold_over(),
        }
        steps.from = world;
        steps.meanwhile();
        if let Some(words) = steps.stuck {
            return Err(Broken {
                promise: "what happened can be written down",
                way: [way, vec![words]].concat(),
            });
        }
        for step in steps.found {
            before.entry(step.to).or_default().push(world);
            ways.entry(step.to).or_insert_with(|| {
                ahead.push_back(step.to);
                let events: Vec<_> = events.iter().copied().chain(step.event).collect();
                ([way.clone(), vec![step.words]].concat(), events)
            });
        }
    }
    // Backwards from rest: whoever is not met can never come to rest.
    let mut rests: VecDeque<World> = ways.keys().copied().filter(|w| is_at_rest(w.state)).collect();
    let mut met: HashMap<World, ()> = rests.iter().map(|w| (*w, ())).collect();
    while let Some(world) = rests.pop_front() {
        for earlier in before.get(&world).into_iter().flatten() {
            if met.insert(*earlier, ()).is_none() {
                rests.push_back(*earlier);
            }
        }
    }
    if let Some((_, (way, _))) = ways.iter().find(|(world, _)| !met.contains_key(world)) {
        return Err(Broken { promise: "a rest, or a person, is always in reach", way: way.clone() });
    }
    Ok(ways.into_iter().map(|(world, (_, events))| (world, events)).collect())
}

#[test]
fn every_order_of_events_and_every_crash_keeps_the_promises() {
    let worlds = walk(&SOUND).unwrap_or_else(|broken| panic!("{broken:#?}"));
    // A walk that stopped early would keep every promise.
    assert!(worlds.len() > 100, "{} worlds", worlds.len());
    for state in State::ALL {
        assert!(worlds.keys().any(|world| world.state == state), "{state:?} is reached");
    }
}

/// The ledger takes every way of the walk, and ends where the walk ends.
#[test]
fn the_ledger_goes_every_way_of_the_walk() {
    for (world, events) in walk(&SOUND).unwrap_or_else(|broken| panic!("{broken:#?}")) {
        let starts = if events.first() == Some(&Event::Released) || world.state == State::Held {
            Start::Held
        } else {
            Start::Queued
        };
        let was_held = events.contains(&Event::HoldOver);
        let (mut ledger, key) =
            if was_held { with_held_letter("walk", starts) } else { with_letter("walk", world.mode, starts) };
        for (number, event) in (0..).zip(&events) {
            let now = t(20 + number);
            if *event == Event::HoldOver {
                let letter = ledger.delivery(&key).unwrap().unwrap();
                assert!(ledger.begin_withdrawal(&key, now).unwrap());
                assert!(ledger.hold_over(&letter, b"x".to_vec(), "", now).unwrap());
            } else {
                ledger.record(&key, *event, "", now, Detail::default()).unwrap();
            }
        }
        let letter = ledger.delivery(&key).unwrap().unwrap();
        assert_eq!((letter.mode, letter.state), (world.mode, world.state), "{events:?}");
        assert_eq!(ledger.history(&key).unwrap().len(), events.len() + 1);
    }
}

/// The table with one cell changed.
macro_rules! table_with {
    ($state:ident, $event:ident => $to:expr) => {
        |state, mode, event| match (state, event) {
            (State::$state, Event::$event) => $to,
            _ => state.after(mode, event),
        }
    };
}

#[test]
fn planted_faults_are_found() {
    use State as S;
    let tables: [(&str, After); 20] = [
        ("a loss goes back to the queue", table_with!(Transmitting, Lost => Some(S::Queued))),
        ("a loss counts as sent", table_with!(Transmitting, Lost => Some(S::Sent))),
        ("a loss counts as refused", table_with!(Transmitting, Lost => Some(S::Refused))),
        ("a loss has no move", table_with!(Transmitting, Lost => None)),
        ("a transmission begins twice", table_with!(Transmitting, BodyAboutToGo => Some(S::Transmitting))),
        ("a doubt is transmitted again", table_with!(Uncertain, BodyAboutToGo => Some(S::Transmitting))),
        ("what was sent is sent again", table_with!(Sent, BodyAboutToGo => Some(S::Transmitting))),
        ("250 goes back to the queue", table_with!(Transmitting, Accepted => Some(S::Queued))),
        ("250 counts as refused", table_with!(Transmitting, Accepted => Some(S::Refused))),
        ("a doubt never ends", table_with!(Uncertain, Parked => None)),
        ("a doubt ends in the queue", table_with!(Uncertain, Parked => Some(S::Queued))),
        ("an APPEND begins twice", table_with!(Appending, AppendAboutToGo => Some(S::Appending))),
        ("a draft is drafted again", table_with!(Drafted, AppendAboutToGo => Some(S::Appending))),
        ("a vague APPEND goes back to the queue", table_with!(Appending, AppendUnclear => Some(S::Queued))),
        ("a vague APPEND counts as drafted", table_with!(Appending, AppendUnclear => Some(S::Drafted))),
        ("a vague APPEND has no move", table_with!(Appending, AppendUnclear => None)),
        ("no APPEND has no move", table_with!(Appending, NotAppended => None)),
        ("a draft that was removed has no move", table_with!(Drafted, HoldOver => None)),
        ("a removed draft counts as sent", table_with!(Drafted, HoldOver => Some(S::Sent))),
        ("a person's choice is taken from them", table_with!(Parked, BodyAboutToGo => Some(S::Transmitting))),
    ];
    let by_table = tables.map(|(fault, after)| (fault, Conduct { after, ..SOUND }));
    let by_conduct = [
        ("it is sent before it is written down", Conduct { commits_first: false, ..SOUND }),
        ("an absent draft was never appended", Conduct { heeds_uid_next: false, ..SOUND }),
        ("what is gone is taken for removed by us", Conduct { doubts_removals: false, ..SOUND }),
        ("a slow server is not waited for", Conduct { waits_for_stragglers: false, ..SOUND }),
    ];
    assert!(walk(&SOUND).is_ok(), "only the faults are found");
    for (fault, conduct) in by_table.into_iter().chain(by_conduct) {
        let found = walk(&conduct);
        assert!(found.is_err(), "not found: {fault}");
    }
}
