//! The delivery machine: every state a letter can be in, every way out of it.
//!
//! Two modes share it. *Send* follows DESIGN section 5: the state is committed
//! before the first body byte goes out, so that a crash can leave a doubt
//! ([`State::Uncertain`]) but never a second transmission. *Draft* has the
//! same shape with APPEND in place of DATA, except that a doubt can be
//! resolved by looking into the mailbox.
//!
//! A person may move a letter that waits: try it (again), let it be, or say
//! that it was sent. Nothing else brings a letter back that may have gone out.

use std::time::Duration;

/// The longest wait between two tries of one letter.
pub const LONGEST_WAIT: Duration = Duration::from_secs(4 * 60 * 60);

/// Whether a letter is put into Drafts or sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Put into the Drafts folder.
    Draft,
    /// Transmitted over SMTP.
    Send,
}

/// Where a letter stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// Held back by a limit; becomes `Queued` when there is room again.
    Held,
    /// Wanted, nothing done yet (or nothing that left a trace).
    Queued,
    /// The APPEND is about to go, or went without an answer.
    Appending,
    /// The draft is in Drafts. An end, unless it is only held there before it is sent.
    Drafted,
    /// The body is about to go, or went without an answer.
    Transmitting,
    /// The server took the letter (250 after the final dot). An end, save for the copy in Sent.
    Sent,
    /// The server refused for good. An end; a person may act.
    Refused,
    /// Perhaps done: only a look into the mailbox or a person can tell.
    Uncertain,
    /// Waits for a person.
    Parked,
    /// The owner took it into their own hands. An end.
    TakenOver,
}

/// What happens to a letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// A limit has room again.
    Released,
    /// APPEND is the next thing on the wire. Commit before it is.
    AppendAboutToGo,
    /// The mailbox holds the draft.
    Appended,
    /// It is shown that no draft was appended.
    NotAppended,
    /// It may have been appended, but is not there (any more).
    AppendUnclear,
    /// 354 was read: the first body byte is the next thing on the wire. Commit before it is.
    BodyAboutToGo,
    /// 250 after the final dot.
    Accepted,
    /// 4xx: the server did not take it; or no connection, before the body.
    TryLater,
    /// 5xx: the server will not take it.
    Rejected,
    /// The line was lost after the body began, or the state was found so at start-up.
    Lost,
    /// A copy was seen in Sent.
    SeenInSent,
    /// It goes no further by itself, for one of [`ParkedFor`]: a person's choice.
    Parked,
    /// It is not to be sent, but put into Drafts; nothing of it has left yet.
    BecameDraft,
    /// Its draft stood in Drafts for its time, untouched, and we have removed it: it is sent now.
    HoldOver,
    /// The owner edited, sent or deleted the draft.
    OwnerActed,
    /// A person, asked for a choice, wants it tried (again): `notyet queue retry`.
    PersonRetries,
    /// A person wants it let be, or does it by hand: `notyet queue drop`, `notyet undo`.
    PersonDrops,
    /// A person has seen that it was sent: `notyet queue sent`.
    PersonSaysSent,
}

/// Why a letter goes no further without a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ParkedFor {
    /// The owner knows its reader by now.
    Known,
    /// Its reader wrote to the owner meanwhile.
    WroteMeanwhile,
    /// It waited longer than `policy.send_within`.
    Late,
    /// Its kind of note is not one to send to any more.
    SwitchedOff,
    /// Its account has no `[smtp]` section any more.
    NoServer,
    /// The address that it comes from is none of the owner's any more.
    NotFromOwner,
    /// A draft of it stands in the Drafts folder.
    DraftStands,
    /// It is perhaps done, and nothing was seen of it for a day.
    Doubt,
    /// The line broke, or there was no room, at each try to put it into Drafts.
    NeverAppended,
    /// A letter from before this ledger answers the same invitation.
    AnsweredBefore,
    /// Its draft was to be removed, and is gone: by us or by its owner, nobody can tell.
    DraftGone,
}

impl ParkedFor {
    /// All reasons.
    pub const ALL: [Self; 11] = [
        Self::Known,
        Self::WroteMeanwhile,
        Self::Late,
        Self::SwitchedOff,
        Self::NoServer,
        Self::NotFromOwner,
        Self::DraftStands,
        Self::Doubt,
        Self::NeverAppended,
        Self::AnsweredBefore,
        Self::DraftGone,
    ];

    /// The word used in the ledger and in `queue --json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Known => "known",
            Self::WroteMeanwhile => "wrote-meanwhile",
            Self::Late => "late",
            Self::SwitchedOff => "switched-off",
            Self::NoServer => "no-server",
            Self::NotFromOwner => "not-from-owner",
            Self::DraftStands => "draft-stands",
            Self::Doubt => "doubt",
            Self::NeverAppended => "never-appended",
            Self::AnsweredBefore => "answered-before",
            Self::DraftGone => "draft-gone",
        }
    }

    /// The inverse of [`ParkedFor::as_str`].
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == word)
    }

    /// The reason for the letter's owner, in a sentence.
    pub fn words(self) -> &'static str {
        match self {
            Self::Known => {
                "you know its reader by now, or somebody of a like name: whether it goes is a person's choice"
            }
            Self::WroteMeanwhile => "they wrote to you meanwhile: whether it goes is a person's choice",
            Self::Late => "it waited longer than policy.send_within: a late decline is a person's choice",
            Self::SwitchedOff => "sending was switched off for its kind of note before it went out",
            Self::NoServer => "the account has no [smtp] section any more",
            Self::NotFromOwner => "the address it comes from is none of owner.addresses any more",
            Self::DraftStands => "a draft of it stands in the Drafts folder: a person's choice",
            Self::Doubt => "perhaps done, and not seen for a day: a person has to look",
            Self::NeverAppended => {
                "at no try could it be put into Drafts: the mailbox is full, or the line broke each time"
            }
            Self::AnsweredBefore => {
                "a letter from before this ledger answers the same invitation: a person's choice"
            }
            Self::DraftGone => {
                "it was to be sent from Drafts when the line broke or notyet was stopped; its draft is gone, \
                 perhaps by your own hand, so it was not sent"
            }
        }
    }
}

impl Event {
    /// All events.
    pub const ALL: [Self; 18] = [
        Self::Released,
        Self::AppendAboutToGo,
        Self::Appended,
        Self::NotAppended,
        Self::AppendUnclear,
        Self::BodyAboutToGo,
        Self::Accepted,
        Self::TryLater,
        Self::Rejected,
        Self::Lost,
        Self::SeenInSent,
        Self::Parked,
        Self::BecameDraft,
        Self::HoldOver,
        Self::OwnerActed,
        Self::PersonRetries,
        Self::PersonDrops,
        Self::PersonSaysSent,
    ];

    /// The mode that a letter has from then on; `None` where it keeps its own.
    pub fn turns_into(self) -> Option<Mode> {
        match self {
            Self::BecameDraft => Some(Mode::Draft),
            Self::HoldOver => Some(Mode::Send),
            _ => None,
        }
    }
}

impl State {
    /// All states.
    pub const ALL: [Self; 10] = [
        Self::Held,
        Self::Queued,
        Self::Appending,
        Self::Drafted,
        Self::Transmitting,
        Self::Sent,
        Self::Refused,
        Self::Uncertain,
        Self::Parked,
        Self::TakenOver,
    ];

    /// The word used in the ledger and in `status`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Queued => "queued",
            Self::Appending => "appending",
            Self::Drafted => "drafted",
            Self::Transmitting => "transmitting",
            Self::Sent => "sent",
            Self::Refused => "refused",
            Self::Uncertain => "uncertain",
            Self::Parked => "parked",
            Self::TakenOver => "taken-over",
        }
    }

    /// The inverse of [`State::as_str`].
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.as_str() == word)
    }

    /// Whether a letter may stand in the Drafts folder that was left like this:
    /// an undo looks for it there.
    pub fn may_stand_in_drafts(self, mode: Mode, parked_for: Option<ParkedFor>) -> bool {
        match mode {
            Mode::Draft => matches!(self, Self::Drafted | Self::Uncertain | Self::Parked),
            // A ledger that was put back from a copy does not know that the letter became a draft.
            Mode::Send => self == Self::Parked && parked_for == Some(ParkedFor::DraftStands),
        }
    }

    /// Whether the letter is on the wire, or was when the line broke: nobody's to move.
    pub fn is_on_the_wire(self) -> bool {
        matches!(self, Self::Appending | Self::Transmitting)
    }

    /// Whether the letter waits, for time or a person.
    pub fn waits(self) -> bool {
        matches!(self, Self::Held | Self::Queued | Self::Uncertain | Self::Parked)
    }

    /// The state after `event`, or `None` where the machine has no such move:
    /// a caller that gets `None` has a bug and must not act.
    pub fn after(self, mode: Mode, event: Event) -> Option<Self> {
        use Event as E;
        use State as S;
        match (self, mode, event) {
            (S::Held, _, E::Released) => Some(S::Queued),
            (S::Queued, Mode::Draft, E::AppendAboutToGo) => Some(S::Appending),
            (S::Queued, Mode::Send, E::BodyAboutToGo) => Some(S::Transmitting),
            (S::Queued, _, E::TryLater) => Some(S::Queued),
            (S::Queued, _, E::Rejected) => Some(S::Refused),
            (S::Held | S::Queued, _, E::Parked) => Some(S::Parked),
            (S::Held | S::Queued, Mode::Send, E::BecameDraft) => Some(self),
            (S::Queued | S::Appending, Mode::Draft, E::Appended) => Some(S::Drafted),
            (S::Appending, Mode::Draft, E::NotAppended) => Some(S::Queued),
            (S::Appending, Mode::Draft, E::Rejected) => Some(S::Refused),
            (S::Appending, Mode::Draft, E::AppendUnclear) => Some(S::Uncertain),
            (S::Uncertain, Mode::Draft, E::Appended) => Some(S::Drafted),
            (S::Transmitting, Mode::Send, E::Accepted) => Some(S::Sent),
            (S::Transmitting, Mode::Send, E::TryLater) => Some(S::Queued),
            (S::Transmitting, Mode::Send, E::Rejected) => Some(S::Refused),
            (S::Transmitting, Mode::Send, E::Lost) => Some(S::Uncertain),
            // A ledger that was lost and begun anew finds what was done before.
            (S::Queued | S::Uncertain, Mode::Send, E::SeenInSent) => Some(S::Sent),
            (S::Drafted, Mode::Draft, E::HoldOver) => Some(S::Queued),
            (S::Uncertain, _, E::Parked) | (S::Drafted, Mode::Draft, E::Parked) => Some(S::Parked),
            (S::Queued, _, E::OwnerActed) | (S::Drafted, Mode::Draft, E::OwnerActed) => Some(S::TakenOver),
            // What is on the wire (appending, transmitting) is nobody's to move, and an end stays one:
            // only a refusal and a doubt can be tried again, and only by a person.
            (S::Held | S::Queued | S::Uncertain | S::Parked | S::Refused, _, E::PersonRetries) => {
                Some(S::Queued)
            }
            (S::Held | S::Queued | S::Uncertain | S::Parked | S::Refused, _, E::PersonDrops) => {
                Some(S::TakenOver)
            }
            (S::Drafted, Mode::Draft, E::PersonDrops) => Some(S::TakenOver),
            (S::Uncertain | S::Parked, Mode::Send, E::PersonSaysSent) => Some(S::Sent),
            (S::Uncertain | S::Parked, Mode::Draft, E::PersonSaysSent) => Some(S::TakenOver),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Walks every order of events to depth 7: once the body may have gone, no
    /// path leads to a second `BodyAboutToGo` save by a refusal or a person's word.
    #[test]
    fn at_most_one_transmission_without_a_refusal_or_a_person_in_between() {
        fn walk(state: State, mode: Mode, in_doubt: bool, depth: u32) {
            if depth == 0 {
                return;
            }
            for event in Event::ALL {
                let Some(next) = state.after(mode, event) else {
                    continue;
                };
                assert!(
                    !(in_doubt && matches!(event, Event::BodyAboutToGo | Event::AppendAboutToGo)),
                    "{state:?} allows {event:?} while the last attempt may have succeeded"
                );
                let doubt = match event {
                    Event::BodyAboutToGo | Event::AppendAboutToGo => true,
                    Event::TryLater | Event::Rejected | Event::NotAppended | Event::PersonRetries => false,
                    // The draft was removed: nothing of the letter is anywhere.
                    Event::HoldOver => false,
                    _ => in_doubt,
                };
                walk(next, event.turns_into().unwrap_or(mode), doubt, depth - 1);
            }
        }
        for mode in [Mode::Draft, Mode::Send] {
            for start in [State::Held, State::Queued] {
                walk(start, mode, false, 7);
            }
        }
    }

    /// A person's word counts only where the machine waits: never over the
    /// head of what is on the wire, and never to bring an end back to life.
    #[test]
    fn a_person_moves_only_what_waits() {
        let persons = [Event::PersonRetries, Event::PersonDrops, Event::PersonSaysSent];
        for mode in [Mode::Draft, Mode::Send] {
            for state in [State::Appending, State::Transmitting, State::Sent, State::TakenOver] {
                assert!(persons.iter().all(|event| state.after(mode, *event).is_none()), "{state:?}");
            }
        }
        assert_eq!(State::Drafted.after(Mode::Draft, Event::PersonRetries), None);
        assert_eq!(State::Queued.after(Mode::Send, Event::PersonSaysSent), None);
    }

    #[test]
    fn one_event_alone_turns_a_letter_into_a_draft_and_one_into_a_letter_to_send() {
        for event in Event::ALL {
            let turned = match event {
                Event::BecameDraft => Some(Mode::Draft),
                Event::HoldOver => Some(Mode::Send),
                _ => None,
            };
            assert_eq!(event.turns_into(), turned, "{event:?}");
        }
    }

    #[test]
    fn what_waits_is_neither_on_the_wire_nor_at_an_end() {
        let waiting: Vec<_> = State::ALL.into_iter().filter(|state| state.waits()).collect();
        assert_eq!(waiting, [State::Held, State::Queued, State::Uncertain, State::Parked]);
    }

    #[test]
    fn words_round_trip() {
        for reason in ParkedFor::ALL {
            assert_eq!(ParkedFor::parse(reason.as_str()), Some(reason));
        }
        for state in State::ALL {
            assert_eq!(State::parse(state.as_str()), Some(state));
        }
    }
}
