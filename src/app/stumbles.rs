//! Fetching mail in spite of the one that no server hands out: what fails again
//! and again is found, set aside and listed, so that the mail behind it is read.
//! Only a fetch counts that failed where the mailbox could be opened just before;
//! of a server that is not there no mail can be blamed.

use std::collections::BTreeMap;

use super::port::Port;
use super::shared::Shared;
use crate::domain::Fault;
use crate::shell::mailbox::{Body, Envelope, Uid};
use crate::shell::store::{Batch, Part, UidScope};

/// Headers of one fetch, by how often fetching the first of them failed.
const HEADERS_AT_ONCE: [usize; 3] = [1000, 32, 1];
/// A header that failed so often, the last times alone, is not asked for again.
const MAX_HEADER_STUMBLES: u32 = 4;
/// The same of a body.
const MAX_BODY_STUMBLES: u32 = 3;

/// Why a mail was set aside, for the owner.
pub(super) const NO_HEADER: &str = "the server failed each time its header was fetched";
/// The same.
pub(super) const NO_BODY: &str = "the server broke off each time it was fetched";

/// What became of the first of many mails.
#[derive(Default)]
pub(super) struct Headers {
    /// The headers that were read, by UID.
    pub(super) envelopes: Vec<Envelope>,
    /// The mail that no server hands out.
    pub(super) set_aside: Option<Uid>,
    /// What was asked for below this UID is dealt with; 0 where nothing was asked for.
    pub(super) next_uid: Uid,
}

/// Reads header `fields` of the first of `uids`, which come in order: of as many
/// as one fetch takes, of fewer where fetching failed before.
///
/// # Errors
/// The [`Fault`] of the fetch, which is counted, or of the ledger.
pub(super) async fn headers(
    port: &mut Port,
    shared: &Shared,
    scope: UidScope<'_>,
    uids: impl Iterator<Item = Uid>,
    fields: &[String],
) -> Result<Headers, Fault> {
    let failed = shared.ledger().stumbles(scope, Part::Header)?;
    let (group, times) = first_group(uids, &failed);
    let next_uid = group.last().map_or(0, |last| last.saturating_add(1));
    if times >= MAX_HEADER_STUMBLES {
        return Ok(Headers { set_aside: group.first().copied(), next_uid, ..Headers::default() });
    }
    let answer = port.envelopes(&group, fields).await;
    let envelopes = counted(port, shared, (scope, Part::Header), &group, answer)?;
    Ok(Headers { envelopes, set_aside: None, next_uid })
}

/// The first of `uids` that are fetched together, and how often that failed.
fn first_group(uids: impl Iterator<Item = Uid>, failed: &BTreeMap<Uid, u32>) -> (Vec<Uid>, u32) {
    let times = |uid: &Uid| failed.get(uid).copied().unwrap_or(0);
    let mut uids = uids.peekable();
    let first = uids.peek().map_or(0, times);
    let at_once = usize::try_from(first).ok().and_then(|failures| HEADERS_AT_ONCE.get(failures));
    let group = uids.take_while(|uid| times(uid) == first).take(at_once.copied().unwrap_or(1)).collect();
    (group, first)
}

/// Reads bodies, and counts it against each of them where that fails.
///
/// # Errors
/// As [`headers`].
pub(super) async fn bodies(
    port: &mut Port,
    shared: &Shared,
    scope: UidScope<'_>,
    wanted: &[(Uid, u64)],
    cap_bytes: u32,
) -> Result<Vec<(Uid, Body)>, Fault> {
    let answer = port.bodies(wanted, cap_bytes).await;
    let uids: Vec<Uid> = wanted.iter().map(|(uid, _)| *uid).collect();
    counted(port, shared, (scope, Part::Body), &uids, answer)
}

fn counted<T>(
    port: &Port,
    shared: &Shared,
    (scope, part): (UidScope<'_>, Part),
    uids: &[Uid],
    answer: Result<T, Fault>,
) -> Result<T, Fault> {
    match (&answer, port) {
        (Ok(_), _) => shared.ledger().forget_stumbles(scope, part, uids)?,
        (Err(_), Port::Imap(_)) => shared.ledger().note_stumble(scope, part, uids)?,
        // A folder of this machine names each mail that it cannot read; other faults are no mail's.
        (Err(_), Port::Maildir(_)) => {}
    }
    answer
}

/// Which bodies of a mailbox failed before, and how often.
pub(super) struct Bodies(BTreeMap<Uid, u32>);

impl Bodies {
    /// As the ledger knows it.
    ///
    /// # Errors
    /// A [`Fault`] of the ledger.
    pub(super) fn of(shared: &Shared, scope: UidScope<'_>) -> Result<Self, Fault> {
        shared.ledger().stumbles(scope, Part::Body).map(Self)
    }

    /// It failed, perhaps for another mail's fault: to be fetched alone.
    pub(super) fn is_shaky(&self, uid: Uid) -> bool {
        self.0.contains_key(&uid)
    }

    /// It failed too often to be asked for again.
    pub(super) fn is_given_up(&self, uid: Uid) -> bool {
        self.0.get(&uid).is_some_and(|times| *times >= MAX_BODY_STUMBLES)
    }
}

/// Lists a mail of the owner's own folders that was set aside, and says so.
///
/// # Errors
/// A [`Fault`] of the ledger.
pub(super) fn list(shared: &Shared, scope: UidScope<'_>, set_aside: Option<Uid>) -> Result<(), Fault> {
    let Some(uid) = set_aside else { return Ok(()) };
    let UidScope { account, mailbox, uid_validity } = scope;
    tracing::warn!(account = %account, uid, "a mail in Sent or Drafts is passed over: {NO_HEADER}");
    let now = shared.now();
    let mut ledger = shared.ledger();
    ledger.start_account(account, now)?;
    if uid_validity == 0 {
        // The UID may be another mail's the next time.
        ledger.forget_stumbles(scope, Part::Header, &[uid])?;
    }
    let quarantined = vec![(uid, NO_HEADER.to_owned())];
    let (entries, next_uid, wish) = (Vec::new(), None, None);
    ledger
        .commit_batch(&Batch { account, mailbox, uid_validity, next_uid, entries, quarantined, wish, now })
        .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_failed_is_asked_for_in_ever_smaller_groups_and_no_other_mail_with_it() {
        let group = |from: Uid, failed: &[(Uid, u32)]| {
            let (group, times) = first_group(from..3000, &failed.iter().copied().collect());
            (group.first().copied().unwrap(), group.len(), times)
        };
        assert_eq!(group(1, &[]), (1, 1000, 0));
        assert_eq!(group(1, &[(7, 1)]), (1, 6, 0), "what never failed is not drawn into it");
        let all: Vec<(Uid, u32)> = (7..500).map(|uid| (uid, 1)).collect();
        assert_eq!(group(7, &all), (7, 32, 1));
        assert_eq!(group(490, &all), (490, 10, 1));
        assert_eq!(group(7, &[(7, 2), (8, 2)]), (7, 1, 2));
        assert_eq!(group(7, &[(7, 9)]), (7, 1, 9));
        assert_eq!(first_group(std::iter::empty(), &BTreeMap::new()), (Vec::new(), 0));
    }
}
