//! Our own DKIM check of a mail, where the owner asks for one: only of a mail
//! that tells of an invitation, and only of its network's signatures. So the DNS
//! never learns of any other mail.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use super::shared::{LONGEST_STEP, Memory, Shared};
use crate::config::{Account, Dkim};
use crate::domain::RawMail;
use crate::domain::dkim::{KeyAnswer, KeyName, OwnCheck};
use crate::shell::dns::Resolver;
use crate::shell::mailbox::Envelope;
use crate::stages::dkim::{Arrival, Examination};
use crate::stages::recognise::Recognised;

/// After silence nobody is asked for so long: a backlog of mails is not to wait
/// for a dead line one by one.
const DNS_REST: Duration = Duration::from_secs(60);

/// Checks the signatures in `raw` that are of the network that `recognised` names.
pub(super) async fn check(
    raw: &RawMail,
    envelope: &Envelope,
    recognised: &Recognised,
    account: &Account,
    shared: &Shared,
    memory: &mut Memory,
) -> OwnCheck {
    let network = recognised.network.as_ref().and_then(|id| shared.rules.networks.get(id));
    let (Dkim::Verify, false, Some(network)) = (account.dkim, recognised.invitations.is_empty(), network)
    else {
        return OwnCheck::NotMade;
    };
    let now = shared.now();
    let arrival = Arrival { at: envelope.arrived.unwrap_or(now), announced_bytes: envelope.size_bytes };
    // A fault of ours in reading hostile bytes is one more mail that nothing vouches for.
    let read = catch_unwind(AssertUnwindSafe(|| Examination::of(raw, &network.trusted, arrival)));
    let Ok(examination) = read else {
        tracing::error!(account = %account.name, "a DKIM check failed inside notyet; please report it");
        return OwnCheck::Made(Vec::new());
    };
    let names = examination.keys();
    let rests = memory.dns_rests_until.is_some_and(|end| now < end && end <= now.plus(DNS_REST));
    let answers = match (names.is_empty(), rests) {
        (true, _) => Vec::new(),
        (false, true) => unasked(names),
        (false, false) => {
            memory.progress.expect_within(now, LONGEST_STEP);
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
    examination.conclude(&answers)
}

fn unasked(names: Vec<KeyName>) -> Vec<(KeyName, KeyAnswer)> {
    let why = "no DNS server answered a moment ago";
    names.into_iter().map(|name| (name, KeyAnswer::Silence(why.to_owned()))).collect()
}
