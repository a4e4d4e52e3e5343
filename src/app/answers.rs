//! What comes back to letters: noted, never answered. A letter to somebody who
//! wrote meanwhile is not sent by itself.

use std::time::Duration;

use super::entry::DAY;
use super::hold;
use super::port::Port;
use super::shared::Shared;
use super::strangers::read_header;
use super::stumbles;
use crate::domain::delivery::ParkedFor;
use crate::domain::{Address, AnswerKind, Fault, InvitationKey, Mail, Timestamp};
use crate::shell::mailbox::{Body, Envelope, SearchTerm};
use crate::shell::store::{Delivery, UidScope};
use crate::stages::people::address_key;
use crate::stages::recognise;
use crate::stages::replies::{self, Shown};

/// A server gives up after five days; some take longer.
const REPORTS_FOR: Duration = DAY.saturating_mul(14);
/// A reply may come after a year.
const EVER: Timestamp = Timestamp::from_unix_s(i64::MIN);
/// Reports are short; of a longer one nothing is learned.
const MAX_REPORT_BYTES: u32 = 256 * 1024;

/// What a mailbox is asked for where nothing tells any more what was read of it (a new
/// UIDVALIDITY): what comes back to letters, and mail of those whose letter waits.
///
/// # Errors
/// A [`Fault`] of the ledger.
pub(super) fn search_terms(shared: &Shared) -> Result<Vec<SearchTerm>, Fault> {
    let ledger = shared.ledger();
    if !ledger.has_written_since(EVER)? {
        return Ok(Vec::new());
    }
    let field = |(name, value): (&str, &str)| SearchTerm::Header { name: name.into(), value: value.into() };
    let waiting = ledger.about_to_be_sent()?.into_iter().filter_map(|letter| letter.to);
    let from = waiting.map(|to| SearchTerm::From(to.to_string()));
    Ok(replies::SEARCHED.into_iter().map(field).chain(from).collect())
}

/// Looks through the headers of `envelopes` for what comes back. Bodies are
/// read of reports on deliveries only, and only while a letter is as young as
/// such reports come.
///
/// # Errors
/// A [`Fault`] of the port or the ledger.
pub(super) async fn look(
    port: &mut Port,
    shared: &Shared,
    scope: UidScope<'_>,
    envelopes: &[Envelope],
) -> Result<(), Fault> {
    if !shared.ledger().has_written_since(EVER)? {
        return Ok(());
    }
    let expects_reports = shared.ledger().has_written_since(shared.now().minus(REPORTS_FOR))?;
    for envelope in envelopes {
        let Ok(header) = read_header(&envelope.header) else { continue };
        let Some(Writer { from, .. }) = writer(&header, envelope.arrived, shared) else { continue };
        let at = envelope.arrived.unwrap_or_else(|| shared.now());
        match replies::read(&header) {
            Shown::Answer(kind, keys) => note(shared, kind, &keys, at)?,
            Shown::Report if expects_reports => {
                let keys = undelivered(port, shared, scope, envelope, &header).await?;
                note(shared, AnswerKind::Bounced, &keys, at)?;
            }
            Shown::Nothing
                if !replies::is_automatic(&header) && !recognise::is_candidate(&header, &shared.rules) =>
            {
                // Its owner may be about to decide on a letter that is in doubt.
                tell_if(shared.ledger().note_writer(&from, at, DAY)?, AnswerKind::Replied);
            }
            Shown::Report | Shown::Nothing => {}
        }
    }
    if shared.ledger().about_to_be_sent()?.is_empty() {
        return Ok(());
    }
    let writers: Vec<Writer> = envelopes.iter().filter_map(|envelope| writer_of(envelope, shared)).collect();
    park_for_writers(shared, &writers)
}

/// Who wrote a mail that is no network's.
pub(super) struct Writer {
    from: Address,
    arrived: Option<Timestamp>,
}

fn writer_of(envelope: &Envelope, shared: &Shared) -> Option<Writer> {
    let header = read_header(&envelope.header).ok()?;
    // A network writes in the names of those who invite; that is no word of theirs.
    if recognise::is_candidate(&header, &shared.rules) {
        return None;
    }
    writer(&header, envelope.arrived, shared)
}

/// Who wrote the mail of `header`, if not the owner.
pub(super) fn writer(header: &Mail, arrived: Option<Timestamp>, shared: &Shared) -> Option<Writer> {
    let from = header.from.address.clone()?;
    let is_own = shared.owner.addresses.iter().any(|own| own.same_mailbox(&from));
    (!is_own).then_some(Writer { from, arrived })
}

/// Leaves the letters that wait for one of `writers` to a person, those held in
/// Drafts as drafts; a letter is not held back twice for one mail.
///
/// # Errors
/// A [`Fault`] of the ledger.
pub(super) fn park_for_writers(shared: &Shared, writers: &[Writer]) -> Result<(), Fault> {
    const WHY: ParkedFor = ParkedFor::WroteMeanwhile;
    let waiting = shared.ledger().about_to_be_sent()?;
    for Writer { from, arrived } in writers {
        let known_to_the_owner = |letter: &Delivery| {
            let before = letter.retried_at.is_some_and(|retried| arrived.is_some_and(|at| at <= retried));
            before && letter.insisted.contains(&WHY)
        };
        for letter in &waiting {
            let is_to = letter.to.as_ref().is_some_and(|to| to.same_mailbox(from));
            // They may have asked for answers at another address than the one they write from.
            let is_theirs = is_to || shared.ledger().is_inviter(&letter.key, &address_key(from))?;
            if !is_theirs || known_to_the_owner(letter) {
                continue;
            }
            match letter.open_hold() {
                Some(_) => hold::end(shared, letter, WHY.words())?,
                None => shared.park(letter, WHY)?,
            }
        }
    }
    Ok(())
}

async fn undelivered(
    port: &mut Port,
    shared: &Shared,
    scope: UidScope<'_>,
    envelope: &Envelope,
    header: &Mail,
) -> Result<Vec<InvitationKey>, Fault> {
    if stumbles::Bodies::of(shared, scope)?.is_given_up(envelope.uid) {
        tracing::warn!(
            account = %scope.account,
            uid = envelope.uid,
            "a report on a delivery is passed over: {}",
            stumbles::NO_BODY
        );
        return Ok(Vec::new());
    }
    let wanted = [(envelope.uid, envelope.size_bytes)];
    let bodies = stumbles::bodies(port, shared, scope, &wanted, MAX_REPORT_BYTES).await?;
    let keys = bodies.into_iter().filter_map(|(_, body)| match body {
        Body::Whole(raw) => Some(replies::undelivered(header, &raw.0)),
        Body::Gone | Body::TooLarge { .. } => None,
    });
    Ok(keys.flatten().collect())
}

fn note(shared: &Shared, kind: AnswerKind, keys: &[InvitationKey], at: Timestamp) -> Result<(), Fault> {
    for key in keys {
        tell_if(shared.ledger().note_answer(key, kind, at)?, kind);
    }
    Ok(())
}

fn tell_if(is_new: bool, kind: AnswerKind) {
    if is_new {
        tracing::info!(kind = kind.as_str(), "something came back to a letter");
    }
}
