//! The pure way through: values in, values out. No clock, no randomness, no I/O.
//!
//! Two halves round one question: [`identify`] says what a mail is; the app
//! looks up [`gates::Facts`]; [`judge`] makes the [`Plan`].

pub mod after;
pub mod automatic;
mod bodies;
pub mod brake;
pub mod classify;
pub mod compose;
pub mod decide;
pub mod dkim;
pub mod gates;
pub mod gateway;
pub mod hours;
pub mod html;
pub mod lines;
pub mod mime;
pub mod parse;
pub mod people;
pub mod recognise;
pub mod replies;
pub mod subject;
pub mod trace;

use crate::config::Owner;
use crate::domain::dkim::OwnCheck;
use crate::domain::sending::SendHour;
use crate::domain::{
    Address, Decision, Evidence, Invitation, Judgement, Letter, Mail, Plan, Policy, RawMail, Stage,
};
use crate::rulebook::openings::Kind;
use crate::rulebook::{Network, Rulebook};
use classify::NoteContext;
use compose::opening::Occasion;
use compose::{Task, language, opening};
use gates::{Assume, Evidenced, Facts, Gated, Trust};
use parse::Unreadable;
use recognise::{Recognised, Sight};

/// Who judges by what: the same for every mail of an account.
#[derive(Clone, Copy, Debug)]
pub struct Bench<'a> {
    /// The rules.
    pub rules: &'a Rulebook,
    /// Who writes the letters.
    pub owner: &'a Owner,
    /// The address that they come from; without one no letter is written.
    pub from: Option<&'a Address>,
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
    let invitation = &*recognise::for_owner(invitation, &bench.owner.addresses);
    let network = bench.rules.networks.get(&invitation.network);
    let judgement = judgement(invitation, recognised.sight, bench);
    let mut evidence = recognised.evidence.clone();
    let trust = trust(network, recognised.guest, bench, &facts.own_check);
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
    let occasion = opening::occasion(invitation.note.as_deref(), &judgement, &bench.rules.openings);
    let mail_language = || language::of_mail(mail, &bench.rules.notes);
    let task = Task {
        kind: judgement.kind,
        invitation,
        occasion,
        owner: bench.owner,
        from: bench.from,
        network_label: label,
        language: language::choose(&judgement.language, mail_language, bench.owner),
    };
    let letter = compose::compose(cleared, &task, bench.rules);
    if let Ok(letter) = &letter {
        evidence.push(Evidence::new(
            Stage::Compose,
            format!("letters/{}/{}", letter.language, judgement.kind.as_str()),
            format!("{} words", words_of(letter)),
        ));
    }
    evidence.extend(said_of(occasion));
    let draft_only = match cleared.evidenced() {
        Evidenced::Full => None,
        Evidenced::DraftOnly(reason) => Some(reason),
    };
    let case = decide::Case {
        invitation,
        judgement: &judgement,
        letter: letter.as_ref(),
        asks: occasion.asks.map(|kind| kind.name.as_str()),
        draft_only,
        can_send: bench.can_send,
    };
    let (decision, reason, said) = decide::decide(&case, bench.policy);
    evidence.extend(said);
    match full {
        // What is held in Drafts can begin to be at any hour.
        None if decision == Decision::Send
            && facts.sending.hour == SendHour::Later
            && bench.policy.hold.is_none() =>
        {
            let held = plan(Decision::Hold, decide::outside_hours(), evidence, letter.ok());
            Plan { once_released: Some(decision), ..held }
        }
        // A limit holds back only what would otherwise go out.
        Some(full) if matches!(decision, Decision::Draft | Decision::Send) => {
            let held = plan(Decision::Hold, full.clone(), evidence, letter.ok());
            Plan { once_released: Some(decision), ..held }
        }
        _ => plan(decision, reason, evidence, letter.ok()),
    }
}

/// Without what is told the owner below it.
fn words_of(letter: &Letter) -> usize {
    let text = letter.body.split(compose::PASTE_RULE).next().unwrap_or_default();
    text.split_whitespace().count()
}

/// Which openings the note chose.
fn said_of(occasion: Occasion<'_>) -> impl Iterator<Item = Evidence> {
    let rule = |kind: &Kind| format!("openings/{}", kind.name);
    let opening = occasion.opening.map(|kind| {
        Evidence::new(Stage::Compose, rule(kind), "the letter begins with what the note tells of")
    });
    let asks = occasion
        .asks
        .map(|kind| Evidence::new(Stage::Compose, rule(kind), "the letter leaves room for your answer"));
    opening.into_iter().chain(asks)
}

fn judgement(invitation: &Invitation, sight: Sight, bench: &Bench<'_>) -> Judgement {
    let context = NoteContext {
        inviter: Some(&invitation.inviter),
        owner_name: &bench.owner.name,
        me: &bench.owner.me,
        defaults: &bench.rules.boilerplate,
    };
    let judgement = classify::classify(invitation.note.as_deref(), &context, &bench.rules.notes);
    match sight {
        Sight::Clear => judgement,
        Sight::Unframed => Judgement { confidence: judgement.confidence.min(classify::UNKNOWN), ..judgement },
    }
}

fn trust<'a>(
    network: Option<&'a Network>,
    guest: bool,
    bench: &Bench<'a>,
    own_check: &'a OwnCheck,
) -> Trust<'a> {
    let list = |pick: fn(&Network) -> &Vec<String>| network.map_or(&[][..], |n| pick(n).as_slice());
    Trust {
        authserv_id: bench.authserv_id,
        assume: bench.assume,
        own_check,
        dkim_domains: list(|n| &n.trusted),
        dmarc_domains: list(|n| &n.trusted),
        own_domains: list(|n| &n.domains),
        relay_domains: list(|n| &n.relay),
        guest,
    }
}
