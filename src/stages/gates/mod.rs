//! The gates: what may hold an invitation back. Pure: mail and facts in, answer out.
//!
//! All gates look at every invitation, so that the trace is whole; the first
//! in order that stops it gives the reason. [`Cleared`] can only be made here,
//! and a letter can only be composed with one.

mod acquaintance;
mod addressed;
pub mod authentic;
pub mod authres;
pub mod authserv;
mod automated;
mod hops;
mod limits;
mod mailboxes;
mod own_check;
mod person;
mod sending;
mod vouched;

pub use authentic::{Assume, Authenticity};
pub(super) use mailboxes::reaches_no_person;
pub use mailboxes::{is_list, is_robot};
pub use person::is_of_owner;

use crate::domain::dkim::OwnCheck;
use crate::domain::sending::SendFacts;
use crate::domain::{
    Address, Decision, Encounter, Evidence, Invitation, Mail, Policy, Reason, Stage, Timestamp,
};

/// What the app looked up before the gates are asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Facts {
    /// The present moment; for those who ask what would have been done, that of the arrival.
    pub now: Timestamp,
    /// When the mail arrived in the mailbox.
    pub arrived: Option<Timestamp>,
    /// Mail that arrived earlier is not ours to answer; none: mail of any age is.
    pub start: Option<Timestamp>,
    /// Since when the ledger remembers what became of mail; none: for ever, as far as is asked.
    pub remembered_since: Option<Timestamp>,
    /// What the ledger knows of this invitation.
    pub known: Option<KnownInvitation>,
    /// Letters of this account in the last 60 minutes.
    pub letters_last_hour: u32,
    /// Letters of this account in the last 24 hours.
    pub letters_last_day: u32,
    /// Where the inviter was found among the people the owner knows.
    pub encounters: Vec<Encounter>,
    /// What is known about sending now.
    pub sending: SendFacts,
    /// What a DKIM check of our own found in the mail.
    pub own_check: OwnCheck,
}

/// An invitation that was dealt with before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownInvitation {
    /// When.
    pub when: Timestamp,
    /// What became of it, for example `drafted`.
    pub what: String,
}

/// Whose word counts about one mail: the account's and the network's.
#[derive(Clone, Copy, Debug)]
pub struct Trust<'a> {
    /// The authserv-id that the account's provider writes (RFC 8601 §2.5), or
    /// `*.domain` where it writes the names of its machines.
    pub authserv_id: Option<&'a str>,
    /// What to take a mail for that carries no such header.
    pub assume: Assume,
    /// What our own DKIM check found; it may go without.
    pub own_check: &'a OwnCheck,
    /// Domains by which the network signs.
    pub dkim_domains: &'a [String],
    /// From domains for which the network's DMARC result counts.
    pub dmarc_domains: &'a [String],
    /// Domains of the network's sender addresses.
    pub own_domains: &'a [String],
    /// Domains of its addresses that forward to the inviter.
    pub relay_domains: &'a [String],
    /// The network wrote in the inviter's name: From is the inviter's own address.
    pub guest: bool,
}

impl Trust<'_> {
    /// `domain` is one the network writes from.
    fn is_own(&self, domain: &str) -> bool {
        authentic::within_any(domain, self.own_domains)
    }

    /// `domain` is one of the network's in any part.
    fn is_network(&self, domain: &str) -> bool {
        [self.own_domains, self.dkim_domains, self.dmarc_domains]
            .into_iter()
            .any(|domains| authentic::within_any(domain, domains))
    }
}

/// What the gates say together.
#[derive(Clone, Debug, PartialEq)]
pub enum Gated {
    /// It may be answered.
    Cleared(Cleared),
    /// It may be answered, but not now: there is no room under a limit.
    Held {
        /// For composing the letter that waits.
        cleared: Cleared,
        /// Which limit.
        reason: Reason,
    },
    /// It is not to be answered.
    Left {
        /// Why.
        reason: Reason,
    },
}

impl Gated {
    /// Permission to compose, where there is one.
    pub fn cleared(&self) -> Option<&Cleared> {
        match self {
            Self::Cleared(cleared) | Self::Held { cleared, .. } => Some(cleared),
            Self::Left { .. } => None,
        }
    }

    /// What stopped it: the decision and the reason; `None` when nothing did.
    pub fn stopped(&self) -> Option<(Decision, &Reason)> {
        match self {
            Self::Cleared(_) => None,
            Self::Held { reason, .. } => Some((Decision::Hold, reason)),
            Self::Left { reason } => Some((Decision::Leave, reason)),
        }
    }
}

/// Proof that every gate was passed (limits aside, see [`Gated::Held`]).
#[derive(Clone, Debug, PartialEq)]
pub struct Cleared {
    evidenced: Evidenced,
}

impl Cleared {
    /// How far the evidence reaches.
    pub fn evidenced(&self) -> &Evidenced {
        &self.evidenced
    }
}

/// How far the evidence reaches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Evidenced {
    /// Every gate passed with full evidence: the letter may be sent.
    Full,
    /// A gate could not be shown to be passed: a draft at most.
    DraftOnly(Reason),
}

/// What one gate says.
enum Finding {
    /// Passed; what shows it.
    Pass(String),
    /// Passed as far as can be told, which is not enough to send.
    Review(Reason),
    /// Not now.
    Hold(Reason),
    /// Not at all.
    Leave(Reason),
}

/// Asks every gate about `mail` and the `invitation` it tells of. The second
/// value holds one piece of evidence per gate, in order.
pub fn pass(
    mail: &Mail,
    invitation: &Invitation,
    owner_addresses: &[Address],
    facts: &Facts,
    policy: &Policy,
    trust: &Trust<'_>,
) -> (Gated, Vec<Evidence>) {
    let findings = [
        ("gate.loop", automated::not_ours(mail, owner_addresses)),
        ("gate.authentic", authenticity(mail, trust)),
        ("gate.automated", automated::answerable(mail, trust)),
        ("gate.answered", limits::unanswered(facts)),
        ("gate.acquaintance", acquaintance::stranger(&facts.encounters)),
        ("gate.age", limits::recent(mail, invitation, facts, policy, trust)),
        ("gate.target", person::target(mail, invitation, owner_addresses, trust)),
        ("gate.addressed", addressed::to_owner(mail, invitation, owner_addresses, trust)),
        ("gate.recipient", sending::first_letter(&facts.sending)),
        ("gate.breaker", sending::goes_on(&facts.sending)),
        ("gate.limits", limits::room(facts, policy)),
    ];
    let evidence = findings.iter().map(|(gate, finding)| finding.evidence(gate)).collect();
    (conclude(findings.into_iter().map(|(_, finding)| finding)), evidence)
}

fn authenticity(mail: &Mail, trust: &Trust<'_>) -> Finding {
    match authentic::authentic(mail, trust) {
        Authenticity::Authentic { evidence } => Finding::Pass(evidence),
        Authenticity::Against { why } => leave("not-authentic", why),
        Authenticity::NoEvidence { why } => Finding::Review(Reason { code: "no-evidence", text: why }),
    }
}

/// The first refusal decides; a hold or a doubt only where nothing refuses.
fn conclude(findings: impl Iterator<Item = Finding>) -> Gated {
    let mut evidenced = Evidenced::Full;
    let mut held = None;
    for finding in findings {
        match finding {
            Finding::Pass(_) => {}
            Finding::Review(reason) if evidenced == Evidenced::Full => {
                evidenced = Evidenced::DraftOnly(reason);
            }
            Finding::Review(_) => {}
            Finding::Hold(reason) => held = held.or(Some(reason)),
            Finding::Leave(reason) => return Gated::Left { reason },
        }
    }
    let cleared = Cleared { evidenced };
    match held {
        Some(reason) => Gated::Held { cleared, reason },
        None => Gated::Cleared(cleared),
    }
}

impl Finding {
    fn evidence(&self, gate: &str) -> Evidence {
        let text = match self {
            Self::Pass(text) => format!("passed: {text}"),
            Self::Review(reason) => format!("draft only: {}", reason.text),
            Self::Hold(reason) => format!("held: {}", reason.text),
            Self::Leave(reason) => format!("stopped: {}", reason.text),
        };
        Evidence::new(Stage::Gate, gate, text)
    }
}

fn leave(code: &'static str, text: impl Into<String>) -> Finding {
    Finding::Leave(Reason { code, text: text.into() })
}

fn hold(code: &'static str, text: impl Into<String>) -> Finding {
    Finding::Hold(Reason { code, text: text.into() })
}
