//! From what is known to what is done: the last pure step.

use crate::config::duration_text;
use crate::domain::policy::{Action, Policy};
use crate::domain::{Decision, Evidence, Invitation, Judgement, Letter, Reason, Route, Stage};

/// What decides, beside the policy.
#[derive(Clone, Debug)]
pub struct Case<'a> {
    /// The invitation, past every gate.
    pub invitation: &'a Invitation,
    /// Generic or personalized.
    pub judgement: &'a Judgement,
    /// The letter, or why there is none.
    pub letter: Result<&'a Letter, &'a Reason>,
    /// The kind of opening for which the letter leaves room that only its owner can fill.
    pub asks: Option<&'a str>,
    /// Why the evidence of authenticity is not full; `None` when it is.
    pub draft_only: Option<&'a Reason>,
    /// Whether the account can send at all.
    pub can_send: bool,
}

/// The decision, why, and what spoke for and against sending.
pub fn decide(case: &Case<'_>, policy: &Policy) -> (Decision, Reason, Vec<Evidence>) {
    let kind = format!("policy.{}", case.judgement.kind.as_str());
    let action = policy.action(case.judgement.kind);
    let wish = Evidence::new(Stage::Decide, kind.as_str(), format!("the policy says {}", action.as_str()));
    if action == Action::Leave {
        let text = format!("{kind} = \"leave\" in the policy");
        return (Decision::Leave, Reason { code: "policy-leave", text }, vec![wish]);
    }
    if let Err(why) = case.letter {
        return (Decision::Hold, why.clone(), vec![wish]);
    }
    if let (Action::Draft, Route::FromNote(_)) = (action, &case.invitation.route) {
        return (Decision::Draft, address_from_note(), vec![wish]);
    }
    if action == Action::Draft {
        let text = "a draft for the owner to read and send".to_owned();
        return (Decision::Draft, Reason { code: "policy-draft", text }, vec![wish]);
    }
    match against_sending(case, policy) {
        None => {
            let text =
                format!("every gate passed with full evidence, and the policy says send{}", held(policy));
            (Decision::Send, Reason { code: "policy-send", text }, vec![wish])
        }
        Some(reason) => {
            let doubt = Evidence::new(Stage::Decide, format!("decide.{}", reason.code), &reason.text);
            (Decision::Draft, reason, vec![wish, doubt])
        }
    }
}

/// What a hold adds to the reason for sending.
fn held(policy: &Policy) -> String {
    policy.hold.map_or_else(String::new, |hold| {
        format!("; first it stands in Drafts, for {} (policy.hold)", duration_text(hold))
    })
}

/// Why a letter that is to be sent waits for another hour.
pub fn outside_hours() -> Reason {
    let text = "it is to be sent, and waits for the hours and days of [sending]".to_owned();
    Reason { code: "outside-hours", text }
}

/// The first thing that speaks against sending without a person's look.
fn against_sending(case: &Case<'_>, policy: &Policy) -> Option<Reason> {
    let reason = |code, text: String| Some(Reason { code, text });
    if matches!(case.invitation.route, Route::FromNote(_)) {
        return Some(address_from_note());
    }
    if case.invitation.route.to().is_none() {
        return reason(
            "no-recipient",
            "no address reaches the inviter, so the letter is a draft to paste".to_owned(),
        );
    }
    if let Some(kind) = case.asks {
        return reason(
            "room-for-owner",
            format!("the note wants an answer of yours (openings/{kind}), and the letter leaves room for it"),
        );
    }
    if let Some(why) = &case.judgement.for_owner {
        return reason("for-owner", format!("{why}: only you should answer that"));
    }
    if let Some(weak) = case.draft_only {
        return Some(weak.clone());
    }
    if case.judgement.confidence < policy.send_confidence {
        return reason(
            "low-confidence",
            format!(
                "{} with confidence {:.2}, below policy.send_confidence {:.2}",
                case.judgement.kind.as_str(),
                case.judgement.confidence,
                policy.send_confidence
            ),
        );
    }
    if !case.can_send {
        return reason("no-smtp", "the account has no [smtp] section to send with".to_owned());
    }
    None
}

fn address_from_note() -> Reason {
    let text =
        "the address stands in the note only: look at it, and at the letter, before you send".to_owned();
    Reason { code: "address-from-note", text }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::domain::{Address, Identity, InvitationKey, Inviter, NoteKind, Notice};

    fn invitation(route: Route) -> Invitation {
        Invitation {
            key: InvitationKey("k".into()),
            identity: Identity { invitation_id: None, shared_key: None, profile: None, name: "n".into() },
            network: "net".into(),
            notice: Notice::Invitation,
            inviter: Inviter::default(),
            note: None,
            route,
            answer_page: "https://net.example/".into(),
            date: None,
            message_id: None,
            references: vec![],
            subject: "s".into(),
        }
    }

    fn policy(action: Action) -> Policy {
        Policy {
            generic: action,
            personalized: action,
            send_confidence: 0.8,
            max_per_hour: 9,
            max_per_day: 9,
            send_within: Duration::from_secs(60),
            hold: None,
        }
    }

    fn outcome(
        route: Route,
        action: Action,
        confidence: f64,
        full: bool,
        can_send: bool,
        asks: Option<&str>,
    ) -> (Decision, &'static str) {
        let judgement = Judgement {
            kind: NoteKind::Generic,
            confidence,
            language: "en".into(),
            evidence: vec![],
            for_owner: None,
        };
        judged(route, action, &judgement, full, can_send, asks)
    }

    fn judged(
        route: Route,
        action: Action,
        judgement: &Judgement,
        full: bool,
        can_send: bool,
        asks: Option<&str>,
    ) -> (Decision, &'static str) {
        let invitation = invitation(route);
        let letter = Letter { subject: "s".into(), body: "b".into(), language: "en".into() };
        let weak = Reason { code: "no-evidence", text: "x".into() };
        let case = Case {
            invitation: &invitation,
            judgement,
            letter: Ok(&letter),
            asks,
            draft_only: (!full).then_some(&weak),
            can_send,
        };
        let (decision, reason, _) = decide(&case, &policy(action));
        (decision, reason.code)
    }

    #[test]
    fn sends_only_with_everything_in_its_favour() {
        let outcome = |route, action, confidence, full, can_send| {
            outcome(route, action, confidence, full, can_send, None)
        };
        let to = || Route::Address(Address::parse("a@b.example").unwrap());
        let paste = Route::Paste("https://net.example/".into());
        assert_eq!(outcome(to(), Action::Send, 0.9, true, true), (Decision::Send, "policy-send"));
        assert_eq!(outcome(paste, Action::Send, 0.9, true, true), (Decision::Draft, "no-recipient"));
        assert_eq!(outcome(to(), Action::Send, 0.9, false, true), (Decision::Draft, "no-evidence"));
        assert_eq!(outcome(to(), Action::Send, 0.8, true, true), (Decision::Send, "policy-send"));
        assert_eq!(outcome(to(), Action::Send, 0.79, true, true), (Decision::Draft, "low-confidence"));
        assert_eq!(outcome(to(), Action::Send, 0.9, true, false), (Decision::Draft, "no-smtp"));
        assert_eq!(outcome(to(), Action::Draft, 1.0, true, true), (Decision::Draft, "policy-draft"));
        assert_eq!(outcome(to(), Action::Leave, 1.0, true, true), (Decision::Leave, "policy-leave"));
    }

    #[test]
    fn a_letter_that_stands_in_drafts_first_says_so() {
        let of = |hold| held(&Policy { hold, ..policy(Action::Send) });
        assert_eq!(of(None), "");
        let four_hours = Some(Duration::from_secs(4 * 60 * 60));
        assert_eq!(of(four_hours), "; first it stands in Drafts, for 4h (policy.hold)");
    }

    #[test]
    fn an_address_from_a_note_is_never_sent_to() {
        let to = || Route::FromNote(Address::parse("a@b.example").unwrap());
        for full in [true, false] {
            for asks in [None, Some("question")] {
                let asked = |action| outcome(to(), action, 1.0, full, true, asks);
                assert_eq!(asked(Action::Send), (Decision::Draft, "address-from-note"));
                assert_eq!(asked(Action::Draft), (Decision::Draft, "address-from-note"));
                assert_eq!(asked(Action::Leave), (Decision::Leave, "policy-leave"));
            }
        }
    }

    #[test]
    fn what_only_the_owner_should_answer_is_never_sent_however_sure() {
        let to = || Route::Address(Address::parse("a@b.example").unwrap());
        let judgement = Judgement {
            kind: NoteKind::Personalized,
            confidence: 1.0,
            language: "en".into(),
            evidence: vec![],
            for_owner: Some("the note speaks of a death".into()),
        };
        let outcome = |action| judged(to(), action, &judgement, true, true, None);
        assert_eq!(outcome(Action::Send), (Decision::Draft, "for-owner"));
        assert_eq!(outcome(Action::Draft), (Decision::Draft, "policy-draft"));
        assert_eq!(outcome(Action::Leave), (Decision::Leave, "policy-leave"));
    }

    #[test]
    fn a_letter_with_room_for_its_owner_is_never_sent() {
        let to = || Route::Address(Address::parse("a@b.example").unwrap());
        let paste = Route::Paste("https://net.example/".into());
        let asked = |route, action| outcome(route, action, 1.0, true, true, Some("question"));
        assert_eq!(asked(to(), Action::Send), (Decision::Draft, "room-for-owner"));
        assert_eq!(asked(paste, Action::Send), (Decision::Draft, "no-recipient"));
        assert_eq!(asked(to(), Action::Draft), (Decision::Draft, "policy-draft"));
        assert_eq!(asked(to(), Action::Leave), (Decision::Leave, "policy-leave"));
    }
}
