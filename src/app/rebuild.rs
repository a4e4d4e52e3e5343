//! A ledger that is new, or was lost and begun anew: what Drafts and Sent show
//! of our letters is written down before anything new is done, so that no
//! invitation is answered twice. The same for the time since the last pass where
//! that is long ago: the ledger may have been put back from a copy. Header
//! fields only.

use super::entry::DAY;
use super::port::Port;
use super::shared::{LONGEST_STEP, Memory, Shared, Stop};
use super::stumbles;
use crate::config::Account;
use crate::domain::{Fault, Timestamp};
use crate::shell::mailbox::{Access, Envelope, SearchTerm, Uid};
use crate::shell::store::{FoundLetter, UidScope, Whereabouts};
use crate::stages::mime::KEY_HEADER;
use crate::stages::trace::{self, Hand, Trace};

/// Reads both folders of `account`, once per ledger. Answers whether all was
/// read; until then nothing new may be done for the account.
///
/// # Errors
/// The first [`Fault`] of the port or the ledger; the next call begins anew,
/// and what was found is not counted twice.
pub async fn rebuild(
    port: &mut Port,
    account: &Account,
    shared: &Shared,
    memory: &mut Memory,
    stop: &Stop,
) -> Result<bool, Fault> {
    let before = shared.ledger().found_again(&account.name)?;
    if before.as_ref().is_some_and(|found| found.done_at.is_some()) {
        return Ok(true);
    }
    let before = before.map_or(0, |found| found.in_drafts + found.in_sent);
    let since = shared.ledger().looks_since(&account.name)?;
    shared.ledger().start_account(&account.name, shared.now())?;
    let folders = port.folders(account.drafts.as_deref(), account.sent.as_deref()).await?;
    // Sent first: what was sent may have left its draft behind, and it is the sending that counts.
    let both = [(folders.sent, Place::Sent), (folders.drafts, Place::Drafts)];
    for (folder, place) in both {
        let Some(folder) = folder else { continue };
        if !port.is_there(&folder).await? {
            continue;
        }
        if let Some(since) = since {
            memory.progress.expect_within(LONGEST_STEP);
            search_folder(port, account, shared, (&folder, place), since).await?;
        } else if !read_folder(port, account, shared, memory, stop, (&folder, place)).await? {
            return Ok(false);
        }
    }
    shared.ledger().mark_rebuilt(&account.name, shared.now())?;
    if shared.ledger().yet_to_look(&shared.account_names)?.is_empty() {
        shared.ledger().mark_whole(shared.now())?;
    }
    if let Some(found) = shared.ledger().found_again(&account.name)?
        && found.in_drafts + found.in_sent > before
    {
        tracing::info!(
            account = %account.name,
            in_drafts = found.in_drafts,
            in_sent = found.in_sent,
            "letters that this ledger did not know were found again, and none of them is written twice"
        );
    }
    Ok(true)
}

#[derive(Clone, Copy)]
enum Place {
    Drafts,
    Sent,
}

async fn read_folder(
    port: &mut Port,
    account: &Account,
    shared: &Shared,
    memory: &mut Memory,
    stop: &Stop,
    (folder, place): (&str, Place),
) -> Result<bool, Fault> {
    let opened = port.open(folder, Access::ReadOnly).await?;
    if opened.exists == 0 {
        return Ok(true);
    }
    let by_key = ["From", "Message-ID", KEY_HEADER].map(str::to_owned);
    let whole = trace::FIELDS.map(str::to_owned);
    let scope = UidScope { account: &account.name, mailbox: folder, uid_validity: opened.uid_validity };
    let mut low = 1;
    while low < opened.uid_next {
        if stop.asked() {
            return Ok(false);
        }
        memory.progress.expect_within(LONGEST_STEP);
        let read = stumbles::headers(port, shared, scope, low..opened.uid_next, &by_key).await?;
        stumbles::list(shared, scope, read.set_aside)?;
        let ours: Vec<Uid> =
            read.envelopes.iter().filter(|e| trace::read(&e.header).is_some()).map(|e| e.uid).collect();
        if !ours.is_empty() {
            let letters: Vec<FoundLetter> = port
                .envelopes(&ours, &whole)
                .await?
                .iter()
                .filter_map(|envelope| Some(found(trace::read(&envelope.header)?, envelope, place, shared)))
                .collect();
            let there = (folder, opened.uid_validity);
            shared.ledger().adopt(&account.name, there, &letters, shared.now())?;
        }
        low = read.next_uid;
    }
    Ok(true)
}

/// Letters of ours since the last pass, of which the ledger should know.
async fn search_folder(
    port: &mut Port,
    account: &Account,
    shared: &Shared,
    (folder, place): (&str, Place),
    since: Timestamp,
) -> Result<(), Fault> {
    let opened = port.open(folder, Access::ReadOnly).await?;
    let ours = [(KEY_HEADER, trace::ID_PREFIX), ("Message-ID", trace::ID_PREFIX)]
        .map(|(name, value)| SearchTerm::Header { name: name.to_owned(), value: value.to_owned() });
    // Mail programs may set the time of arrival back to that of the letter.
    let uids = port.search(&ours, Some(since.minus(DAY))).await?;
    let mut letters = Vec::new();
    for envelope in port.envelopes(&uids, &trace::FIELDS.map(str::to_owned)).await? {
        let Some(trace) = trace::read(&envelope.header) else { continue };
        // Its own letters the account looks for by itself, each before it is tried.
        let known = shared.ledger().delivery(&trace.key)?;
        if known.is_none_or(|letter| letter.account != account.name) {
            letters.push(found(trace, &envelope, place, shared));
        }
    }
    shared.ledger().adopt(&account.name, (folder, opened.uid_validity), &letters, shared.now()).map(drop)
}

fn found(trace: Trace, envelope: &Envelope, place: Place, shared: &Shared) -> FoundLetter {
    let now = shared.now();
    FoundLetter {
        key: trace.key,
        invitation: trace.invitation,
        whereabouts: match (place, trace.by) {
            (Place::Drafts, _) => Whereabouts::Drafts,
            (Place::Sent, Hand::Owner) => Whereabouts::SentByOwner,
            (Place::Sent, Hand::Notyet) => Whereabouts::SentByUs,
        },
        uid: envelope.uid,
        message_id: trace.message_id,
        to: trace.to,
        // A Date of the future would fill the limits for as long.
        written: trace.written.or(envelope.arrived).unwrap_or(now).min(now),
    }
}
