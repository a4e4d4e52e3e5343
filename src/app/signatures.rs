//! Our own DKIM check of a mail, where the owner asks for one: only of a mail
//! that tells of an invitation, and only of its network's signatures. So the DNS
//! never learns of any other mail.

use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use super::shared::{LONGEST_STEP, Memory, Shared};
use super::strangers::read_alone;
use crate::config::{Account, Dkim};
use crate::domain::dkim::{KeyAnswer, KeyName, OwnCheck};
use crate::domain::{RawMail, Timestamp};
use crate::rulebook::Rulebook;
use crate::shell::dns::Resolver;
use crate::shell::mailbox::Envelope;
use crate::stages::dkim::{Arrival, Examination};
use crate::stages::recognise::Recognised;

/// After silence nobody is asked for so long: a backlog of mails is not to wait
/// for a dead line one by one.
const DNS_REST: Duration = Duration::from_secs(60);

/// Checks a mail of the daemon's, if `account` wants that.
pub(super) async fn check(
    raw: &RawMail,
    envelope: &Envelope,
    recognised: &Recognised,
    account: &Account,
    shared: &Shared,
    memory: &mut Memory,
) -> OwnCheck {
    if account.dkim == Dkim::Provider {
        return OwnCheck::NotMade;
    }
    let now = shared.now();
    let arrival = Arrival { at: envelope.arrived.unwrap_or(now), announced_bytes: envelope.size_bytes };
    let examination = match begun(raw, recognised, &shared.rules, arrival) {
        Ok(examination) => examination,
        Err(settled) => return settled,
    };
    let names = examination.keys();
    let rests = memory.dns_rests_until.is_some_and(|end| now < end && end <= now.plus(DNS_REST));
    let answers = match (names.is_empty(), rests) {
        (true, _) => Vec::new(),
        (false, true) => unasked(names),
        (false, false) => {
            memory.progress.expect_within(LONGEST_STEP);
            let answers = Resolver::new(account.resolver).keys(names).await;
            let silence = answers.iter().any(|(_, answer)| matches!(answer, KeyAnswer::Silence(_)));
            memory.dns_rests_until = silence.then(|| shared.now().plus(DNS_REST));
            answers
        }
    };
    for (_, answer) in &answers {
        if let KeyAnswer::Failed(why) | KeyAnswer::Silence(why) = answer {
            tracing::warn!(account = %account.name, "a key for a DKIM check could not be looked up: {why}");
        }
    }
    concluded(examination, &answers)
}

/// Checks a mail from a file, as if it arrived `now`. `resolver` is asked, else the system's.
pub async fn check_file(
    raw: &RawMail,
    rules: &Rulebook,
    resolver: Option<SocketAddr>,
    now: Timestamp,
) -> OwnCheck {
    let Ok((_, recognised)) = read_alone(raw, rules) else {
        return OwnCheck::NotMade;
    };
    match begun(raw, &recognised, rules, Arrival { at: now, announced_bytes: 0 }) {
        Ok(examination) => {
            let answers = Resolver::new(resolver).keys(examination.keys()).await;
            concluded(examination, &answers)
        }
        Err(settled) => settled,
    }
}

/// A mail that is worth a check, read; or what is settled without one.
fn begun(
    raw: &RawMail,
    recognised: &Recognised,
    rules: &Rulebook,
    arrival: Arrival,
) -> Result<Examination, OwnCheck> {
    let network = recognised.network.as_ref().and_then(|id| rules.networks.get(id));
    let Some(network) = network.filter(|_| !recognised.invitations.is_empty()) else {
        return Err(OwnCheck::NotMade);
    };
    // A fault of ours in reading hostile bytes is one more mail that nothing vouches for.
    catch_unwind(AssertUnwindSafe(|| Examination::of(raw, &network.trusted, arrival))).map_err(|_| failed())
}

fn concluded(examination: Examination, answers: &[(KeyName, KeyAnswer)]) -> OwnCheck {
    catch_unwind(AssertUnwindSafe(|| examination.conclude(answers))).unwrap_or_else(|_| failed())
}

fn failed() -> OwnCheck {
    tracing::error!("a DKIM check failed inside notyet; please report it");
    OwnCheck::Made(Vec::new())
}

fn unasked(names: Vec<KeyName>) -> Vec<(KeyName, KeyAnswer)> {
    let why = "no DNS server answered a moment ago";
    names.into_iter().map(|name| (name, KeyAnswer::Silence(why.to_owned()))).collect()
}
