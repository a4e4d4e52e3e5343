//! The pure way through: values in, values out. No clock, no randomness, no I/O.
//!
//! Two halves round one question: [`identify`] says what a mail is; the app
//! looks up [`gates::Facts`]; [`judge`] makes the [`Plan`].

pub mod classify;
pub mod compose;
pub mod decide;
pub mod gates;
pub mod html;
pub mod lines;
pub mod mime;
pub mod parse;
pub mod recognise;

use crate::config::Owner;
use crate::domain::{Decision, Evidence, Invitation, Judgement, Mail, Plan, Policy, RawMail, Stage};
use crate::rulebook::{Network, Rulebook};
use classify::NoteContext;
use gates::{Assume, Evidenced, Facts, Gated, Trust};
use parse::Unreadable;
use recognise::Recognised;

/// Who judges by what: the same for every mail of an account.
#[derive(Clone, Copy, Debug)]
pub struct Bench<'a> {
    /// The rules.
    pub rules: &'a Rulebook,
    /// Who writes the letters.
    pub owner: &'a Owner,
    /// What the owner allows.
    pub policy: &'a Policy,
    /// The account's authserv-id, where one is configured.
    pub authserv_id: Option<&'a str>,
    /// What to take a mail for that carries no Authentication-Results.
    pub assume: Assume,
    /// Whether the account can send.
    pub can_send: bool,
}

/// What is this mail?
///
/// # Errors
/// [`Unreadable`] for a message that must not be judged at all.
pub fn identify(raw: &RawMail, rules: &Rulebook) -> Result<(Mail, Recognised), Unreadable> {
    let mail = parse::parse(raw)?;
    let recognised = recognise::recognise(&mail, rules);
    Ok((mail, recognised))
}

/// What is to be done about `invitation`, one of those `recognised` in `mail`?
pub fn judge(
    mail: &Mail,
    recognised: &Recognised,
    invitation: &Invitation,
    facts: &Facts,
    bench: &Bench<'_>,
) -> Plan {
    let network = bench.rules.networks.get(&invitation.network);
    let judgement = judgement(invitation, bench);
    let mut evidence = recognised.evidence.clone();
    let trust = trust(network, recognised.guest, bench);
    let (gated, said) = gates::pass(mail, invitation, &bench.owner.addresses, facts, bench.policy, &trust);
    evidence.extend(said);
    evidence.extend(judgement.evidence.iter().cloned());

    let plan = |decision, reason, evidence, letter| Plan {
        invitation: invitation.clone(),
        judgement: judgement.clone(),
        decision,
        once_released: None,
        reason,
        evidence,
        letter,
    };
    let (cleared, full) = match &gated {
        Gated::Cleared(cleared) => (cleared, None),
        Gated::Held { cleared, reason } => (cleared, Some(reason)),
        Gated::Left { reason } => return plan(Decision::Leave, reason.clone(), evidence, None),
    };
    let label = network.map_or(invitation.network.as_str(), |n| n.label.as_str());
    let letter = compose::compose(
        cleared,
        judgement.kind,
        invitation,
        bench.owner,
        label,
        &judgement.language,
        &bench.rules.letters,
    );
    if let Ok(letter) = &letter {
        evidence.push(Evidence::new(
            Stage::Compose,
            format!("letters/{}/{}", letter.language, judgement.kind.as_str()),
            format!("{} words", letter.body.split_whitespace().count()),
        ));
    }
    let draft_only = match cleared.evidenced() {
        Evidenced::Full => None,
        Evidenced::DraftOnly(reason) => Some(reason),
    };
    let case = decide::Case {
        invitation,
        judgement: &judgement,
        letter: letter.as_ref(),
        draft_only,
        can_send: bench.can_send,
    };
    let (decision, reason, said) = decide::decide(&case, bench.policy);
    evidence.extend(said);
    match full {
        // A limit holds back only what would otherwise go out.
        Some(full) if matches!(decision, Decision::Draft | Decision::Send) => {
            let held = plan(Decision::Hold, full.clone(), evidence, letter.ok());
            Plan { once_released: Some(decision), ..held }
        }
        _ => plan(decision, reason, evidence, letter.ok()),
    }
}

fn judgement(invitation: &Invitation, bench: &Bench<'_>) -> Judgement {
    let context = NoteContext {
        inviter_name: &invitation.inviter.name,
        owner_name: &bench.owner.name,
        me: &bench.owner.me,
        defaults: &bench.rules.boilerplate,
    };
    classify::classify(invitation.note.as_deref(), &context, &bench.rules.notes)
}

fn trust<'a>(network: Option<&'a Network>, guest: bool, bench: &Bench<'a>) -> Trust<'a> {
    let list = |pick: fn(&Network) -> &Vec<String>| network.map_or(&[][..], |n| pick(n).as_slice());
    Trust {
        authserv_id: bench.authserv_id,
        assume: bench.assume,
        dkim_domains: list(|n| &n.trusted),
        dmarc_domains: list(|n| &n.trusted),
        own_domains: list(|n| &n.domains),
        relay_domains: list(|n| &n.relay),
        guest,
    }
}
