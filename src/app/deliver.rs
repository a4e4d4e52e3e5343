//! The send queue: one step for one letter, phase by phase, never twice.

use std::sync::atomic::{AtomicBool, Ordering};

use super::settle::retry_at;
use super::shared::{LONGEST_STEP, Memory, Shared, Step, Stop};
use super::{books, brake, people};
use crate::config::{Account, Smtp};
use crate::domain::delivery::{Event, ParkedFor};
use crate::domain::sending::SendHour;
use crate::domain::{Action, Fault};
use crate::shell::secrets;
use crate::shell::sender::{self, Outcome, Phase, Submission};
use crate::shell::store::{Delivery, Detail};
use crate::stages::{mime, trace};

/// What came of the letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    /// So many went out.
    pub letters: usize,
    /// How the server was found last.
    pub server: Found,
}

/// How the server was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// Nothing was asked of it.
    Unasked,
    /// It let us in.
    Open,
    /// It was not to be had, or what to log in with was not.
    Away,
}

/// Sends `letters`. A stop is looked at between letters and until a body is about
/// to go; a transmission is never cut.
///
/// # Errors
/// [`Fault::LoginRefused`] or [`Fault::NeedsHuman`] when the server does not let us
/// in: nothing was sent.
pub async fn deliver(
    letters: Vec<Delivery>,
    account: &Account,
    shared: &Shared,
    memory: &mut Memory,
    stop: &Stop,
) -> Result<Sent, Fault> {
    let mut sent = Sent { letters: 0, server: Found::Unasked };
    if letters.is_empty()
        || waits_for_others(account, shared, memory)?
        || books::first_missing(shared)?.is_some()
    {
        return Ok(sent);
    }
    for letter in letters {
        if stop.asked() {
            break;
        }
        if brake::look(shared)?.is_some() || brake::hour(shared, shared.now()) == SendHour::Later {
            break;
        }
        memory.progress.expect_within(LONGEST_STEP);
        if !shared.is_as_it_was(&letter)? {
            continue;
        }
        if brake::is_second_letter(&letter, shared)? {
            continue;
        }
        if let Some(why) = against(account, shared, &letter)? {
            shared.park(&letter, why)?;
            continue;
        }
        let Some(server) = &account.smtp else { continue };
        match send(server, &letter, shared, stop).await? {
            Went::Out => sent = Sent { letters: sent.letters + 1, server: Found::Open },
            Went::Nowhere => sent.server = Found::Open,
            Went::Unasked => {}
            Went::NoServer => {
                sent.server = Found::Away;
                // The next letter would wait for the same time-out.
                break;
            }
        }
    }
    Ok(sent)
}

/// What was answered, and whom the owner knows, is known only when every account was read.
pub(super) fn waits_for_others(
    account: &Account,
    shared: &Shared,
    memory: &mut Memory,
) -> Result<bool, Fault> {
    let missing = people::yet_to_read(&shared.ledger(), &shared.account_names, &shared.people)?;
    if !missing.is_empty() && !std::mem::replace(&mut memory.told_of_waiting, true) {
        tracing::warn!(
            account = %account.name,
            "letters are sent once every account was read to its end, for earlier letters and for whom you wrote to; yet to come: {} (mend what cannot be read, or take it out of the configuration)",
            missing.join(", ")
        );
    }
    Ok(!missing.is_empty())
}

/// What one try came to.
enum Went {
    Out,
    /// The server let us in.
    Nowhere,
    Unasked,
    NoServer,
}

/// Why the letter waits for a person instead of being sent; `None`: nothing speaks against it.
///
/// # Errors
/// A [`Fault`] of the ledger.
pub(super) fn against(
    account: &Account,
    shared: &Shared,
    letter: &Delivery,
) -> Result<Option<ParkedFor>, Fault> {
    // Who lets a parked letter go was told why it was parked, and of that alone.
    if !letter.insisted.contains(&ParkedFor::Known) && people::is_known_by_now(letter, shared)? {
        return Ok(Some(ParkedFor::Known));
    }
    let wanted_since = letter.retried_at.unwrap_or(letter.created_at);
    if shared.now().since(wanted_since) > shared.policy.send_within {
        return Ok(Some(ParkedFor::Late));
    }
    if shared.policy.action(letter.note_kind) != Action::Send {
        return Ok(Some(ParkedFor::SwitchedOff));
    }
    let own = &shared.owner.addresses;
    if !trace::author(&letter.message).is_some_and(|from| own.iter().any(|one| one.same_mailbox(&from))) {
        return Ok(Some(ParkedFor::NotFromOwner));
    }
    Ok(account.smtp.is_none().then_some(ParkedFor::NoServer))
}

async fn send(server: &Smtp, letter: &Delivery, shared: &Shared, stop: &Stop) -> Result<Went, Fault> {
    // Of the letter and not of today's configuration: SPF and DMARC compare the two.
    let (Some(from), Some(to)) = (trace::author(&letter.message), &letter.to) else {
        let words = "it names nobody that it comes from or goes to";
        shared.record_unless_moved(letter, Event::Rejected, words, Detail::default())?;
        return Ok(Went::Unasked);
    };
    let secret = match &server.login {
        None => None,
        Some(login) => match secrets::read(&login.secret).await {
            Ok(secret) => Some(secret),
            Err(fault) if fault.is_for_a_person() => return Err(fault),
            Err(fault) => {
                note(
                    shared,
                    letter,
                    Phase::Login,
                    (Event::TryLater, fault.message()),
                    later(letter, shared),
                )?;
                return Ok(Went::NoServer);
            }
        },
    };
    // The hour it was made tells nothing of when it goes (RFC 5322 §3.6.1).
    let message = mime::dated(&letter.message.0, shared.now());
    let submission = Submission { server, secret: secret.as_ref(), from: &from, to, message: &message };
    let is_about_to_go = AtomicBool::new(false);
    let submitted = sender::submit(submission, || async {
        is_about_to_go.store(true, Ordering::Relaxed);
        let detail = Detail { message: Some(message.clone()), ..Detail::default() };
        shared.record(letter, Event::BodyAboutToGo, "", detail)?;
        (shared.at_step)(Step::BodyAboutToGo);
        Ok(())
    });
    let outcome = tokio::select! {
        biased;
        () = stopped_before(&is_about_to_go, stop.clone()) => return Ok(Went::Unasked),
        outcome = submitted => outcome,
    };
    match outcome {
        Outcome::Accepted { reply } => {
            (shared.at_step)(Step::Accepted);
            shared.record_or_owe(letter, Event::Accepted, &reply, Detail::default())?;
            (shared.at_step)(Step::SentRecorded);
            Ok(Went::Out)
        }
        Outcome::TryLater { words, phase } => {
            note(shared, letter, phase, (Event::TryLater, &words), later(letter, shared))?;
            Ok(if phase < Phase::Mail { Went::NoServer } else { Went::Nowhere })
        }
        Outcome::Rejected { words, phase } => {
            note(shared, letter, phase, (Event::Rejected, &words), Detail::default())?;
            Ok(Went::Nowhere)
        }
        Outcome::Lost { words } => {
            shared.record_or_owe(letter, Event::Lost, &words, Detail::default())?;
            Ok(Went::Nowhere)
        }
        Outcome::NeedsHuman { words, phase: Phase::Login } => Err(Fault::LoginRefused(words)),
        Outcome::NeedsHuman { words, .. } => Err(Fault::NeedsHuman(words)),
    }
}

/// Comes back when a stop is asked for while nothing of the letter has left yet;
/// once it is about to leave, never.
async fn stopped_before(is_about_to_go: &AtomicBool, mut stop: Stop) {
    stop.wait().await;
    if is_about_to_go.load(Ordering::Relaxed) {
        std::future::pending::<()>().await;
    }
}

/// When to try again.
fn later(letter: &Delivery, shared: &Shared) -> Detail {
    let at = retry_at(shared.now(), letter.attempts, fastrand::u32(..));
    Detail { next_attempt_at: Some(at), ..Detail::default() }
}

/// Up to the first body byte a person may have moved the letter; after it, nobody may.
fn note(
    shared: &Shared,
    letter: &Delivery,
    phase: Phase,
    (event, words): (Event, &str),
    detail: Detail,
) -> Result<(), Fault> {
    if phase < Phase::Body {
        shared.record_unless_moved(letter, event, words, detail).map(drop)
    } else {
        shared.record_or_owe(letter, event, words, detail)
    }
}
