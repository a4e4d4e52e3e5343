//! The DKIM-Signature field (RFC 6376 §3.5).

use sha2::{Digest as _, Sha256};

use super::canonical::Canon;
use super::fields::Field;
use super::key::Algorithm;
use super::tags::Tags;
use crate::domain::Timestamp;
use crate::domain::address::is_within;
use crate::domain::dkim::Flaw;

/// Honest lists have some dozens; each name is looked for among all fields.
const MAX_SIGNED: usize = 100;

/// Whose signature a field is.
pub(super) struct Signer {
    pub(super) domain: String,
    pub(super) selector: String,
    pub(super) signed: Vec<String>,
}

impl Signer {
    /// `None` for what names no signer.
    pub(super) fn of(tags: &Tags<'_>) -> Option<Self> {
        Some(Self {
            domain: tags.get("d")?.to_ascii_lowercase(),
            selector: tags.get("s").unwrap_or_default().to_ascii_lowercase(),
            signed: tags.items("h").unwrap_or_default().iter().map(|h| h.to_ascii_lowercase()).collect(),
        })
    }
}

/// A signature that can be checked.
pub(super) struct Signature {
    pub(super) algorithm: Algorithm,
    header: Canon,
    body: Canon,
    body_hash: Vec<u8>,
    pub(super) value: Vec<u8>,
    /// The domain of the agent (`i=`), where one is named.
    pub(super) agent: Option<String>,
}

impl Signature {
    /// Reads the tags of a field that `signer` made, `at` the moment the mail arrived.
    pub(super) fn parse(tags: &Tags<'_>, signer: &Signer, at: Timestamp) -> Result<Self, Flaw> {
        let algorithm = Algorithm::parse(tags.get("a").ok_or(Flaw::Malformed)?).ok_or(Flaw::Algorithm)?;
        if tags.get("l").is_some() {
            return Err(Flaw::PartOfBody);
        }
        let signature = Self::read(tags, signer, algorithm).ok_or(Flaw::Malformed)?;
        let signed_at = tags.number("t").ok_or(Flaw::Malformed)?;
        match tags.number("x").ok_or(Flaw::Malformed)? {
            Some(end) if signed_at.is_some_and(|begin| end <= begin) => Err(Flaw::Malformed),
            Some(end) if end <= at.unix_s() => Err(Flaw::Expired),
            _ => Ok(signature),
        }
    }

    fn read(tags: &Tags<'_>, signer: &Signer, algorithm: Algorithm) -> Option<Self> {
        (tags.get("v")? == "1").then_some(())?;
        let is_list = (1..=MAX_SIGNED).contains(&signer.signed.len());
        (is_list && signer.signed.iter().any(|name| name == "from")).then_some(())?;
        if let Some(ways) = tags.items("q") {
            ways.iter().any(|way| way == "dns/txt").then_some(())?;
        }
        let (header, body) = match tags.get("c").unwrap_or("simple").split_once('/') {
            Some((header, body)) => (Canon::parse(header)?, Canon::parse(body)?),
            None => (Canon::parse(tags.get("c").unwrap_or("simple"))?, Canon::Simple),
        };
        let agent = match tags.get("i") {
            None => None,
            Some(agent) => {
                let (_, domain) = agent.rsplit_once('@')?;
                is_within(domain, &signer.domain).then(|| Some(domain.to_ascii_lowercase()))?
            }
        };
        let (body_hash, value) = (tags.base64("bh")?, tags.base64("b")?);
        Some(Self { algorithm, header, body, body_hash, value, agent })
    }

    /// Whether `body` is the one that was signed.
    pub(super) fn fits_body(&self, body: &[u8]) -> bool {
        Sha256::digest(self.body.body(body)).as_slice() == self.body_hash
    }

    /// What was signed of the header (RFC 6376 §3.7): the named fields, of each
    /// name the lowest first; and `fields[own]`, this signature, without its value.
    pub(super) fn signed_header(
        &self,
        fields: &[Field],
        own: usize,
        signer: &Signer,
        tags: &Tags<'_>,
    ) -> Vec<u8> {
        let mut data = Vec::new();
        let mut taken = vec![false; fields.len()];
        if let Some(taken) = taken.get_mut(own) {
            *taken = true;
        }
        for name in &signer.signed {
            let lowest =
                fields.iter().zip(taken.iter_mut()).rev().find(|(f, taken)| !**taken && f.name == *name);
            if let Some((field, taken)) = lowest {
                *taken = true;
                data.extend(self.header.field(field));
                data.extend_from_slice(b"\r\n");
            }
        }
        if let (Some(field), Some(place)) = (fields.get(own), tags.place("b")) {
            let before = field.name.len() + 1;
            let mut raw = field.raw.clone();
            raw.drain(before + place.start..before + place.end);
            data.extend(self.header.field(&Field { name: field.name.clone(), raw }));
        }
        data
    }
}
