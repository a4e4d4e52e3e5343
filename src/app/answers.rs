//! What comes back to letters: noted, never answered. A letter to somebody who
//! wrote meanwhile is not sent by itself.

use std::time::Duration;

use super::entry::DAY;
use super::port::Port;
use super::shared::Shared;
use crate::domain::delivery::ParkedFor;
use crate::domain::{AnswerKind, Fault, InvitationKey, Mail, Timestamp};
use crate::shell::mailbox::{Body, Envelope, SearchTerm};
use crate::stages::parse;
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
pub(super) async fn look(port: &mut Port, shared: &Shared, envelopes: &[Envelope]) -> Result<(), Fault> {
    if !shared.ledger().has_written_since(EVER)? {
        return Ok(());
    }
    let waiting = shared.ledger().about_to_be_sent()?;
    let expects_reports = shared.ledger().has_written_since(shared.now().minus(REPORTS_FOR))?;
    for envelope in envelopes {
        let Ok(header) = parse::parse_header(&envelope.header) else { continue };
        let Some(from) = &header.from.address else { continue };
        if shared.owner.addresses.iter().any(|own| own.same_mailbox(from)) {
            continue;
        }
        let at = envelope.arrived.unwrap_or_else(|| shared.now());
        match replies::read(&header) {
            Shown::Answer(kind, keys) => note(shared, kind, &keys, at)?,
            Shown::Report if expects_reports => {
                let keys = undelivered(port, envelope, &header).await?;
                note(shared, AnswerKind::Bounced, &keys, at)?;
            }
            Shown::Report | Shown::Nothing => {}
        }
        // A network writes in the names of those who invite; that is no word of theirs.
        if recognise::is_candidate(&header, &shared.rules) {
            continue;
        }
        for letter in
            waiting.iter().filter(|letter| letter.to.as_ref().is_some_and(|to| to.same_mailbox(from)))
        {
            shared.park(letter, ParkedFor::WroteMeanwhile)?;
        }
    }
    Ok(())
}

async fn undelivered(
    port: &mut Port,
    envelope: &Envelope,
    header: &Mail,
) -> Result<Vec<InvitationKey>, Fault> {
    let wanted = [(envelope.uid, envelope.size_bytes)];
    let bodies = port.bodies(&wanted, MAX_REPORT_BYTES).await?;
    let keys = bodies.into_iter().filter_map(|(_, body)| match body {
        Body::Whole(raw) => Some(replies::undelivered(header, &raw.0)),
        Body::Gone | Body::TooLarge { .. } => None,
    });
    Ok(keys.flatten().collect())
}

fn note(shared: &Shared, kind: AnswerKind, keys: &[InvitationKey], at: Timestamp) -> Result<(), Fault> {
    for key in keys {
        if shared.ledger().note_answer(key, kind, at)? {
            tracing::info!(kind = kind.as_str(), "something came back to a letter");
        }
    }
    Ok(())
}
