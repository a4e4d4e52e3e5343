//! What a DKIM check of our own says of where a mail comes from.
//!
//! The rules are those for the provider's header: a signature of the network,
//! and a From that is the network's. Here it can be seen as well what is signed,
//! and that a signature is whole; so more is asked for.

use super::Trust;
use super::authentic::within_any;
use crate::domain::Mail;
use crate::domain::dkim::{Altered, OwnCheck, SignatureCheck, SignatureState};

/// What our own check says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// It comes from the network; what shows it.
    For(String),
    /// It was changed on its way, or is somebody else's.
    Against(String),
    /// It cannot be told, or not of all that matters.
    Unsure(String),
    /// No signature of the network is in it that could count.
    Nothing(String),
}

/// Who changes one of these changes what the mail says or from whom it is. A
/// Reply-To is asked for elsewhere (see `vouched`): networks do not sign it.
const ALWAYS_SIGNED: [&str; 3] = ["From", "Subject", "Date"];
/// The same, where they are there: they decide how the signed body is read.
const SIGNED_IF_THERE: [&str; 2] = ["Content-Type", "Content-Transfer-Encoding"];

/// `None` where there was no check.
pub(super) fn weigh(mail: &Mail, trust: &Trust<'_>) -> Option<Word> {
    let signatures = match trust.own_check {
        OwnCheck::NotMade => return None,
        OwnCheck::Impossible(oddity) => {
            return Some(Word::Nothing(format!(
                "This mail has {}, so that no signature vouches for it.",
                oddity.as_str()
            )));
        }
        OwnCheck::Made(signatures) => signatures,
    };
    let own: Vec<_> = signatures.iter().filter(|s| within_any(&s.domain, trust.dkim_domains)).collect();
    let first = |wanted: fn(&SignatureState) -> bool| own.iter().find(|s| wanted(&s.state));
    let holds = |s: &&&SignatureCheck| s.state == SignatureState::Holds;
    if let Some(signature) = own.iter().filter(holds).find(|s| lacks(mail, s).is_none()) {
        let by = &signature.domain;
        return Some(Word::For(format!("the signature of {by} holds, by our own DKIM check")));
    }
    if let Some((signature, field)) = own.iter().filter(holds).find_map(|s| Some((s, lacks(mail, s)?))) {
        return Some(Word::Unsure(format!(
            "The signature of {} holds, but does not cover the {field} field.",
            signature.domain
        )));
    }
    if let Some(signature) = first(|state| matches!(state, SignatureState::Unknown(_))) {
        let SignatureState::Unknown(words) = &signature.state else { return None };
        return Some(Word::Unsure(format!(
            "The key of {} could not be looked up: {words}.",
            signature.domain
        )));
    }
    if let Some(signature) = first(|state| *state == SignatureState::Altered(Altered::ShortBody)) {
        return Some(Word::Unsure(format!(
            "The signature of {} cannot be checked: the server gave less of the mail than it has.",
            signature.domain
        )));
    }
    if let Some(signature) = first(|state| matches!(state, SignatureState::Altered(_))) {
        return Some(Word::Against(format!(
            "The signature of {} does not hold: the mail was changed, or is somebody else's.",
            signature.domain
        )));
    }
    let why = own.iter().find_map(|signature| match &signature.state {
        SignatureState::Unusable(flaw) => {
            Some(format!("The signature of {} {}.", signature.domain, flaw.as_str()))
        }
        _ => None,
    });
    Some(Word::Nothing(why.unwrap_or_else(|| "No signature of the network stands in this mail.".to_owned())))
}

/// Some signature that holds covers `field`.
pub(super) fn vouches_for(field: &str, trust: &Trust<'_>) -> bool {
    let OwnCheck::Made(signatures) = trust.own_check else { return false };
    signatures.iter().any(|s| {
        s.state == SignatureState::Holds && within_any(&s.domain, trust.dkim_domains) && s.covers(field)
    })
}

/// The first field that `signature` should cover and does not.
fn lacks(mail: &Mail, signature: &SignatureCheck) -> Option<&'static str> {
    let there = |field: &&&str| mail.header(field).is_some();
    ALWAYS_SIGNED
        .iter()
        .chain(SIGNED_IF_THERE.iter().filter(there))
        .find(|field| !signature.covers(field))
        .copied()
}
