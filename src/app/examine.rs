//! The daemon's own judgement of one mail, for those who ask before they trust.

use super::ingest::{self, read_alone};
use super::shared::Shared;
use crate::config::Account;
use crate::domain::{Fault, Notice, Plan, RawMail, Timestamp};
use crate::stages::gates::{Assume, Facts};
use crate::stages::{Bench, judge};

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
    pub evidence: Vec<crate::domain::Evidence>,
    /// Why it could not be read at all; it would be quarantined.
    pub unreadable: Option<&'static str>,
    /// One plan for each invitation.
    pub plans: Vec<Plan>,
}

/// Judges `raw` as if it had just arrived: age and limits do not hold it, and
/// only what an earlier mail of the same run or the ledger says is known.
pub fn examine(file: &str, raw: &RawMail, bench: &Bench<'_>, known: &dyn Fn(&Plan) -> Option<Facts>) -> Examined {
    let (mail, recognised) = match read_alone(raw, bench.rules) {
        Ok(found) => found,
        Err(unreadable) => {
            return Examined {
                file: file.to_owned(),
                kind: Notice::Other,
                network: None,
                evidence: Vec::new(),
                unreadable: Some(unreadable.as_str()),
                plans: Vec::new(),
            };
        }
    };
    let _ = known;
    let plans = recognised
        .invitations
        .iter()
        .map(|invitation| {
            let now = mail.date.unwrap_or(Timestamp::from_unix_s(0));
            let facts = Facts {
                now,
                arrived: None,
                start: None,
                known: None,
                letters_last_hour: 0,
                letters_last_day: 0,
            };
            judge(&mail, &recognised, invitation, &facts, bench)
        })
        .collect();
    Examined {
        file: file.to_owned(),
        kind: recognised.notice,
        network: recognised.network,
        evidence: recognised.evidence,
        unreadable: None,
        plans,
    }
}
