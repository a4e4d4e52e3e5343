//! Fetching mail in spite of the one that no server hands out: what fails again
//! and again is found, set aside and listed, so that the mail behind it is read.
//! Only a fetch counts that failed where the mailbox could be opened just before,
//! and the last one only where other mail was handed out just before: for a server
//! that is in trouble no mail is to blame, but for trouble without an end.
//! What was set aside is asked for again for some days.

use std::collections::BTreeMap;
use std::time::Duration;

use super::entry::{DAY, HOUR};
use super::port::Port;
use super::shared::Shared;
use crate::domain::{Fault, Timestamp};
use crate::shell::mailbox::{Body, Envelope, Uid};
use crate::shell::store::{Batch, Part, Stumble, UidScope};

/// Headers of one fetch, by how often fetching the first of them failed.
const HEADERS_AT_ONCE: [usize; 3] = [1000, 32, 1];
/// A header that failed so often, the last times alone, is not asked for again.
const MAX_HEADER_STUMBLES: u32 = 4;
/// The same of a body.
const MAX_BODY_STUMBLES: u32 = 3;
/// So long it takes to blame a mail where no other can be fetched to compare.
const BLAMED_AFTER: Duration = HOUR.saturating_mul(6);
/// How far away such another mail is looked for.
const NEIGHBOURS: Uid = 1000;
/// So long what was set aside is asked for again, once a day.
const ASKED_AGAIN_FOR: Duration = DAY.saturating_mul(8);

/// Why a mail was set aside, for the owner.
pub(super) const NO_HEADER: &str = "the server failed each time its header was fetched";
/// The same.
pub(super) const NO_BODY: &str = "the server broke off each time it was fetched";

/// What became of the first of many mails.
#[derive(Default)]
pub(super) struct Headers {
    /// The headers that were read, by UID.
    pub(super) envelopes: Vec<Envelope>,
    /// The mails that nobody hands out, and why.
    pub(super) set_aside: Vec<(Uid, String)>,
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
    let (group, stumble) = first_group(uids, &failed);
    let next_uid = group.last().map_or(0, |last| last.saturating_add(1));
    if stumble.is_some_and(|stumble| is_to_blame(stumble, Part::Header, shared.now())) {
        let set_aside = group.first().map(|uid| (*uid, NO_HEADER.to_owned())).into_iter().collect();
        return Ok(Headers { set_aside, next_uid, ..Headers::default() });
    }
    let asked = Asked { scope, part: Part::Header, uids: &group, fields };
    let weight = asked.weight(port, shared, &failed).await?;
    let answer = port.envelopes(&group, fields).await;
    let envelopes = asked.counted(port, shared, weight, answer)?;
    Ok(Headers { envelopes, set_aside: port.take_unreadable().await?, next_uid })
}

/// The first of `uids` that are fetched together, and how that failed.
fn first_group(
    uids: impl Iterator<Item = Uid>,
    failed: &BTreeMap<Uid, Stumble>,
) -> (Vec<Uid>, Option<Stumble>) {
    let times = |uid: &Uid| failed.get(uid).map_or(0, |stumble| stumble.times);
    let mut uids = uids.peekable();
    let stumble = uids.peek().and_then(|uid| failed.get(uid)).copied();
    let first = uids.peek().map_or(0, times);
    let at_once = usize::try_from(first).ok().and_then(|failures| HEADERS_AT_ONCE.get(failures));
    let group = uids.take_while(|uid| times(uid) == first).take(at_once.copied().unwrap_or(1)).collect();
    (group, stumble)
}

/// After so many failures that count a mail is to blame.
fn most(part: Part) -> u32 {
    match part {
        Part::Header => MAX_HEADER_STUMBLES,
        Part::Body => MAX_BODY_STUMBLES,
    }
}

/// Whether it failed too often to be asked for again, or too long.
fn is_to_blame(stumble: Stumble, part: Part, now: Timestamp) -> bool {
    let most = most(part);
    stumble.times >= most || stumble.tries >= most && now.since(stumble.since) >= BLAMED_AFTER
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
    let uids: Vec<Uid> = wanted.iter().map(|(uid, _)| *uid).collect();
    let asked = Asked { scope, part: Part::Body, uids: &uids, fields: &[] };
    let failed = shared.ledger().stumbles(scope, Part::Body)?;
    let weight = asked.weight(port, shared, &failed).await?;
    let answer = port.bodies(wanted, cap_bytes).await;
    asked.counted(port, shared, weight, answer)
}

/// Whether a failure counts against the mail.
#[derive(Clone, Copy)]
enum Weight {
    Counts,
    Nothing,
}

/// What one fetch asks for.
struct Asked<'a> {
    scope: UidScope<'a>,
    part: Part,
    uids: &'a [Uid],
    /// Of a header.
    fields: &'a [String],
}

impl Asked<'_> {
    /// What it would mean if this fetch failed: at first that mails have to be told
    /// apart. The last time, and it is of one alone, nothing unless other mail is
    /// handed out at this moment.
    async fn weight(
        &self,
        port: &mut Port,
        shared: &Shared,
        failed: &BTreeMap<Uid, Stumble>,
    ) -> Result<Weight, Fault> {
        let [alone] = self.uids else { return Ok(Weight::Counts) };
        let last = failed.get(alone).filter(|stumble| stumble.times + 1 >= most(self.part));
        let Some(stumble) = last else { return Ok(Weight::Counts) };
        let other = self.other(port, *alone, *stumble, failed).await;
        if other.is_err() {
            self.note(port, shared, Weight::Nothing)?;
        }
        other.map(|is_handed_out| if is_handed_out { Weight::Counts } else { Weight::Nothing })
    }

    /// Whether a mail beside `alone` is handed out, of those that failed less. Of a
    /// body one byte shows it: what does not concern us is not read.
    async fn other(
        &self,
        port: &mut Port,
        alone: Uid,
        stumble: Stumble,
        failed: &BTreeMap<Uid, Stumble>,
    ) -> Result<bool, Fault> {
        let times = |uid: &Uid| failed.get(uid).map_or(0, |stumble| stumble.times);
        let near: Vec<Uid> = (alone.saturating_sub(NEIGHBOURS)..=alone.saturating_add(NEIGHBOURS))
            .filter(|uid| *uid > 0 && times(uid) < stumble.times)
            .collect();
        let there = port.envelopes(&near, &[]).await?;
        let mut there: Vec<Uid> = there.iter().map(|envelope| envelope.uid).collect();
        there.sort_by_key(|uid| (times(uid), uid.abs_diff(alone)));
        // Another one each time: the first may be as bad.
        let in_vain = usize::try_from(stumble.tries.saturating_sub(stumble.times)).unwrap_or(0);
        let Some(other) = there.get(in_vain.checked_rem(there.len()).unwrap_or(0)) else { return Ok(false) };
        Ok(match self.part {
            Part::Header => !port.envelopes(&[*other], self.fields).await?.is_empty(),
            Part::Body => port.bodies(&[(*other, 0)], 0).await?.iter().any(|(_, body)| *body != Body::Gone),
        })
    }

    fn counted<T>(
        &self,
        port: &Port,
        shared: &Shared,
        weight: Weight,
        answer: Result<T, Fault>,
    ) -> Result<T, Fault> {
        match answer {
            Ok(_) => shared.ledger().forget_stumbles(self.scope, self.part, self.uids)?,
            Err(_) => self.note(port, shared, weight)?,
        }
        answer
    }

    fn note(&self, port: &Port, shared: &Shared, weight: Weight) -> Result<(), Fault> {
        let times = match (port, weight) {
            // A folder of this machine names each mail that it cannot read; other faults are no mail's.
            (Port::Maildir(_), _) => return Ok(()),
            (Port::Imap(_), Weight::Counts) => 1,
            (Port::Imap(_), Weight::Nothing) => 0,
        };
        shared.ledger().note_stumble(self.scope, self.part, self.uids, times, shared.now())
    }
}

/// Which bodies of a mailbox failed before, and how; and the present moment.
pub(super) struct Bodies(BTreeMap<Uid, Stumble>, Timestamp);

impl Bodies {
    /// As the ledger knows it.
    ///
    /// # Errors
    /// A [`Fault`] of the ledger.
    pub(super) fn of(shared: &Shared, scope: UidScope<'_>) -> Result<Self, Fault> {
        Ok(Self(shared.ledger().stumbles(scope, Part::Body)?, shared.now()))
    }

    /// It failed, perhaps for another mail's fault: to be fetched alone.
    pub(super) fn is_shaky(&self, uid: Uid) -> bool {
        self.0.contains_key(&uid)
    }

    /// It failed too often to be asked for again.
    pub(super) fn is_given_up(&self, uid: Uid) -> bool {
        self.0.get(&uid).is_some_and(|stumble| is_to_blame(*stumble, Part::Body, self.1))
    }
}

/// Notes that `uid`, which was listed this moment, is to be asked for again some day.
///
/// # Errors
/// A [`Fault`] of the ledger.
pub(super) fn give_up(shared: &Shared, scope: UidScope<'_>, uid: Uid) -> Result<(), Fault> {
    shared.ledger().note_given_up(scope, uid, shared.now())
}

/// The mails that were set aside some days ago and were not asked for today.
///
/// # Errors
/// A [`Fault`] of the ledger.
pub(super) fn due_again(shared: &Shared, scope: UidScope<'_>) -> Result<Vec<Uid>, Fault> {
    if scope.uid_validity == 0 {
        // The UIDs are other mails' by now.
        return Ok(Vec::new());
    }
    let now = shared.now();
    shared.ledger().given_up(scope, now.minus(ASKED_AGAIN_FOR), now.minus(DAY))
}

/// Reads header `fields` of `uid`, one of [`due_again`].
///
/// # Errors
/// The [`Fault`] of the fetch, or of the ledger.
pub(super) async fn header_again(
    port: &mut Port,
    shared: &Shared,
    scope: UidScope<'_>,
    uid: Uid,
    fields: &[String],
) -> Result<Headers, Fault> {
    // Before it is asked for: what breaks the line must not do so in the next pass as well.
    give_up(shared, scope, uid)?;
    shared.ledger().forget_stumbles(scope, Part::Body, &[uid])?;
    let envelopes = port.envelopes(&[uid], fields).await?;
    Ok(Headers { envelopes, set_aside: port.take_unreadable().await?, ..Headers::default() })
}

/// Lists the mails of the owner's own folders that were set aside, and says so.
///
/// # Errors
/// A [`Fault`] of the ledger.
pub(super) fn list(shared: &Shared, scope: UidScope<'_>, set_aside: Vec<(Uid, String)>) -> Result<(), Fault> {
    if set_aside.is_empty() {
        return Ok(());
    }
    let UidScope { account, mailbox, uid_validity } = scope;
    for (uid, why) in &set_aside {
        tracing::warn!(account = %account, uid, "a mail in Sent or Drafts is passed over: {why}");
    }
    let now = shared.now();
    let mut ledger = shared.ledger();
    ledger.start_account(account, now)?;
    let uids: Vec<Uid> = set_aside.iter().map(|(uid, _)| *uid).collect();
    if uid_validity == 0 {
        // The UID may be another mail's the next time.
        ledger.forget_stumbles(scope, Part::Header, &uids)?;
    }
    let (entries, next_uid, wish) = (Vec::new(), None, None);
    ledger.commit_batch(&Batch {
        account,
        mailbox,
        uid_validity,
        next_uid,
        entries,
        quarantined: set_aside,
        wish,
        now,
    })?;
    uids.iter().try_for_each(|uid| ledger.note_given_up(scope, *uid, now))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_failed_is_asked_for_in_ever_smaller_groups_and_no_other_mail_with_it() {
        let stumble = |times| Stumble { times, tries: times, since: Timestamp::from_unix_s(0) };
        let group = |from: Uid, failed: &[(Uid, u32)]| {
            let failed = failed.iter().map(|(uid, times)| (*uid, stumble(*times))).collect();
            let (group, first) = first_group(from..3000, &failed);
            (group.first().copied().unwrap(), group.len(), first.map_or(0, |first| first.times))
        };
        assert_eq!(group(1, &[]), (1, 1000, 0));
        assert_eq!(group(1, &[(7, 1)]), (1, 6, 0), "what never failed is not drawn into it");
        let all: Vec<(Uid, u32)> = (7..500).map(|uid| (uid, 1)).collect();
        assert_eq!(group(7, &all), (7, 32, 1));
        assert_eq!(group(490, &all), (490, 10, 1));
        assert_eq!(group(7, &[(7, 2), (8, 2)]), (7, 1, 2));
        assert_eq!(group(7, &[(7, 9)]), (7, 1, 9));
        assert_eq!(first_group(std::iter::empty(), &BTreeMap::new()), (Vec::new(), None));
    }

    #[test]
    fn what_failed_without_a_witness_is_blamed_by_time_and_number_together() {
        let at = Timestamp::from_unix_s;
        let blamed = |tries, hours| {
            let stumble = Stumble { times: 1, tries, since: at(0) };
            is_to_blame(stumble, Part::Body, at(hours * 3600_i64))
        };
        assert!(!blamed(100, 5));
        assert!(!blamed(2, 100));
        assert!(blamed(3, 6));
    }
}
