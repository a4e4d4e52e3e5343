//! DKIM (RFC 6376, 8301, 8463): whether the signatures of a network hold. Pure:
//! the mail and the answers of the DNS in, facts out.
//!
//! Two halves round one question, as everywhere here: [`Examination::of`] reads
//! the mail and names the keys that are needed; `shell` asks the DNS for them;
//! [`Examination::conclude`] says what came of it. What it means for the mail
//! is for [`super::gates`] to say.
//!
//! The check is our own, on `ring`. The libraries there are read mail more
//! kindly than a guard may: a line without a colon ends the header, a control
//! character vanishes, a signature need not cover From, a key for trials
//! counts, and a sender can have further names looked up (`r=y`, `atps=`).

mod canonical;
mod fields;
mod key;
mod signature;
mod tags;

pub(super) use fields::oddity;

use crate::domain::address::is_within;
use crate::domain::dkim::{
    Altered, Flaw, KeyAnswer, KeyName, Oddity, OwnCheck, SignatureCheck, SignatureState,
};
use crate::domain::{RawMail, Timestamp};
use fields::Field;
use key::Key;
use signature::{Signature, Signer};
use tags::Tags;

/// Networks make two signatures; whoever adds many wants many questions asked.
pub const MAX_SIGNATURES: usize = 5;
/// Real ones stay below 2 KiB.
const MAX_FIELD_BYTES: usize = 16 * 1024;

/// What a mailbox told of a mail.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    /// When it arrived; a signature may have run out since then.
    pub at: Timestamp,
    /// Its size, as it was announced before it was read.
    pub announced_bytes: u64,
}

/// A mail read, its keys not yet asked for.
pub struct Examination {
    signatures: Result<Vec<Examined>, Oddity>,
}

struct Examined {
    signer: Signer,
    stand: Stand,
}

enum Stand {
    Settled(SignatureState),
    NeedsKey { name: KeyName, signature: Signature, data: Vec<u8> },
}

impl Examination {
    /// Reads the signatures in `raw` that are of `domains`, or of hosts below
    /// them. No key is needed for one that cannot count whatever the key is.
    pub fn of(raw: &RawMail, domains: &[String], arrival: Arrival) -> Self {
        Self { signatures: examined(raw, domains, arrival) }
    }

    /// The keys that are needed, each once.
    pub fn keys(&self) -> Vec<KeyName> {
        let mut names = Vec::new();
        for examined in self.signatures.iter().flatten() {
            if let Stand::NeedsKey { name, .. } = &examined.stand
                && !names.contains(name)
            {
                names.push(name.clone());
            }
        }
        names
    }

    /// What came of it, with what the DNS `answered`.
    pub fn conclude(self, answered: &[(KeyName, KeyAnswer)]) -> OwnCheck {
        let settle = |examined: Examined| SignatureCheck {
            state: match examined.stand {
                Stand::Settled(state) => state,
                Stand::NeedsKey { name, signature, data } => {
                    let answer = answered.iter().find(|(asked, _)| *asked == name).map(|(_, answer)| answer);
                    state(&signature, &examined.signer, &data, answer)
                }
            },
            domain: examined.signer.domain,
            selector: examined.signer.selector,
            signed: examined.signer.signed,
        };
        match self.signatures {
            Ok(signatures) => OwnCheck::Made(signatures.into_iter().map(settle).collect()),
            Err(oddity) => OwnCheck::Impossible(oddity),
        }
    }
}

fn examined(raw: &RawMail, domains: &[String], arrival: Arrival) -> Result<Vec<Examined>, Oddity> {
    let (fields, body) = fields::cut(&raw.0)?;
    let short = (raw.0.len() as u64) < arrival.announced_bytes;
    let mut found = Vec::new();
    for (own, field) in fields.iter().enumerate() {
        if field.name != "dkim-signature" || field.raw.len() > MAX_FIELD_BYTES {
            continue;
        }
        let Some(tags) = Tags::parse(field.value()) else { continue };
        let Some(signer) = Signer::of(&tags) else { continue };
        if !domains.iter().any(|domain| !domain.is_empty() && is_within(&signer.domain, domain)) {
            continue;
        }
        if found.len() == MAX_SIGNATURES {
            return Err(Oddity::ManySignatures);
        }
        let stand = match stand(&fields, &body, own, &tags, &signer, arrival.at) {
            Ok(stand) => stand,
            Err(SignatureState::Altered(Altered::Body)) if short => {
                Stand::Settled(SignatureState::Altered(Altered::ShortBody))
            }
            Err(state) => Stand::Settled(state),
        };
        found.push(Examined { signer, stand });
    }
    Ok(found)
}

fn stand(
    fields: &[Field],
    body: &[u8],
    own: usize,
    tags: &Tags<'_>,
    signer: &Signer,
    at: Timestamp,
) -> Result<Stand, SignatureState> {
    let signature = Signature::parse(tags, signer, at).map_err(SignatureState::Unusable)?;
    let name =
        KeyName::new(&signer.selector, &signer.domain).ok_or(SignatureState::Unusable(Flaw::Malformed))?;
    if !signature.fits_body(body) {
        return Err(SignatureState::Altered(Altered::Body));
    }
    let data = signature.signed_header(fields, own, signer, tags);
    Ok(Stand::NeedsKey { name, signature, data })
}

fn state(signature: &Signature, signer: &Signer, data: &[u8], answer: Option<&KeyAnswer>) -> SignatureState {
    let record = match answer {
        None => return SignatureState::Unknown("nobody was asked".to_owned()),
        Some(KeyAnswer::Failed(words) | KeyAnswer::Silence(words)) => {
            return SignatureState::Unknown(words.clone());
        }
        Some(KeyAnswer::Absent) => return SignatureState::Unusable(Flaw::KeyAbsent),
        Some(KeyAnswer::Several) => return SignatureState::Unusable(Flaw::KeyUnfit),
        Some(KeyAnswer::Record(record)) => record,
    };
    match Key::parse(record, signature.algorithm) {
        Err(flaw) => SignatureState::Unusable(flaw),
        Ok(key)
            if key.same_domain && signature.agent.as_ref().is_some_and(|agent| *agent != signer.domain) =>
        {
            SignatureState::Unusable(Flaw::KeyUnfit)
        }
        Ok(key) if key.made(&signature.value, data) => SignatureState::Holds,
        Ok(_) => SignatureState::Altered(Altered::Fields),
    }
}
