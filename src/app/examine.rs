//! The daemon's own judgement of one mail, for those who ask before they trust.

use super::people::Acquaintances;
use super::strangers::read_alone;
use crate::domain::dkim::OwnCheck;
use crate::domain::sending::SendFacts;
use crate::domain::{Evidence, Fault, Notice, Plan, RawMail, Timestamp};
pub use crate::stages::Bench;
pub use crate::stages::gates::Assume;
use crate::stages::gates::Facts;
use crate::stages::judge;

/// What would be done with one mail.
#[derive(Clone, Debug)]
pub struct Examined {
    /// How the caller named it.
    pub file: String,
    /// What it is.
    pub kind: Notice,
    /// The network whose rules claim it.
    pub network: Option<String>,
    /// What speaks for that.
    pub evidence: Vec<Evidence>,
    /// Why it could not be read at all; the daemon sets such mail aside, and lists it.
    pub unreadable: Option<String>,
    /// One plan for each invitation.
    pub plans: Vec<Plan>,
}

/// Judges `raw` as if it were the first mail that ever arrived, when its topmost
/// Received says: neither start nor limits nor earlier mail hold it. `known` says whom the owner
/// knows; none: nobody.
///
/// # Errors
/// A [`Fault`] of the ledger behind `known`.
pub fn examine(
    file: &str,
    raw: &RawMail,
    bench: &Bench<'_>,
    now: Timestamp,
    known: Option<&Acquaintances>,
) -> Result<Examined, Fault> {
    examine_checked(file, raw, bench, now, known, OwnCheck::NotMade)
}

/// The same, with what a DKIM check of our own found ([`super::signatures::check_file`]).
///
/// # Errors
/// As [`examine`].
pub fn examine_checked(
    file: &str,
    raw: &RawMail,
    bench: &Bench<'_>,
    now: Timestamp,
    known: Option<&Acquaintances>,
    own_check: OwnCheck,
) -> Result<Examined, Fault> {
    let file = file.to_owned();
    let (mail, recognised) = match read_alone(raw, bench.rules) {
        Ok(found) => found,
        Err(unreadable) => {
            return Ok(Examined {
                file,
                kind: Notice::Other,
                network: None,
                evidence: Vec::new(),
                unreadable: Some(unreadable.as_str().to_owned()),
                plans: Vec::new(),
            });
        }
    };
    let facts = Facts {
        now,
        arrived: None,
        start: None,
        remembered_since: None,
        known: None,
        letters_last_hour: 0,
        letters_last_day: 0,
        encounters: Vec::new(),
        sending: SendFacts::default(),
        own_check,
    };
    let mut plans = Vec::new();
    for invitation in &recognised.invitations {
        let encounters = known.map_or(Ok(Vec::new()), |known| known.of(invitation, bench.rules))?;
        let facts = Facts { encounters, ..facts.clone() };
        plans.push(judge(&mail, &recognised, invitation, &facts, bench));
    }
    Ok(Examined {
        file,
        kind: recognised.notice,
        network: recognised.network,
        evidence: recognised.evidence,
        unreadable: None,
        plans,
    })
}
