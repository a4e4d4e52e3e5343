//! Letters that stand in Drafts for a while before they are sent (`policy.hold`).
//! When the time is over, or its owner has flagged it, an untouched draft is
//! removed and its letter queued to be sent, in the same pass.
//!
//! The removal is written down before it is made. Where the line breaks in
//! between, the next pass looks: a draft that stands is as before, and one that is
//! gone was perhaps removed by its owner, so its letter is never sent by itself.
//! Everything that speaks against sending ends the hold, and the draft stays.

use super::deliver::{against, waits_for_others};
use super::draft::{self, Draft};
use super::entry::{DAY, HOUR};
use super::folders::Folders;
use super::port::Port;
use super::shared::{LONGEST_STEP, Memory, Shared, Step, Stop};
use super::{books, brake};
use crate::config::Account;
use crate::domain::delivery::{Event, ParkedFor};
use crate::domain::sending::SendHour;
use crate::domain::{Fault, MessageId};
use crate::shell::mailbox::{Change, Sighting, Spot, Survey};
use crate::shell::store::{Delivery, Detail, Hold};
use crate::stages::mime::{self, KEY_HEADER};
use crate::stages::trace;

/// What a server lacks that cannot give a hold; `doctor` says it beforehand.
pub(super) const CANNOT_REMOVE: &str =
    "the server cannot remove one message alone (UIDPLUS), so what is held in Drafts stays a draft";

/// Looks after the drafts that are held. What one of them meets holds up no other.
///
/// # Errors
/// A [`Fault`] of the port or the ledger; what was done stays recorded.
pub(super) async fn let_go(
    port: &mut Port,
    account: &Account,
    shared: &Shared,
    memory: &mut Memory,
    stop: &Stop,
) -> Result<(), Fault> {
    let held = shared.ledger().held_drafts(&account.name)?;
    let mut met = Ok(());
    if held.is_empty() {
        return met;
    }
    // It may have stopped since the pass began, and that ends all holds.
    brake::look(shared)?;
    let rests = memory.sending_rests_until.is_some_and(|until| shared.now() < until);
    let may_send =
        !rests && !waits_for_others(account, shared, memory)? && books::first_missing(shared)?.is_none();
    let mut folders = Folders::of(account);
    for letter in held {
        memory.progress.expect_within(LONGEST_STEP);
        if stop.asked() {
            break;
        }
        // As it stands now: a person, or the brake, may have ended it.
        let Some(letter) = shared.ledger().delivery(&letter.key)? else { continue };
        let Some(hold) = letter.hold else { continue };
        let done = look_after(port, account, shared, &mut folders, (&letter, hold, may_send)).await;
        if done.is_err() && !port.is_usable() {
            return done;
        }
        met = met.and(done);
    }
    met
}

async fn look_after(
    port: &mut Port,
    account: &Account,
    shared: &Shared,
    folders: &mut Folders<'_>,
    (letter, hold, may_send): (&Delivery, Hold, bool),
) -> Result<(), Fault> {
    let drafts = folders.drafts(port).await?;
    let in_drafts = survey(port, &drafts, letter).await?;
    if hold.withdrawing_at.is_some() {
        match in_drafts.named.as_slice() {
            [one] if !one.deleted => shared.ledger().draft_stands(&letter.key)?,
            _ => return whose_removal(port, shared, folders, letter).await,
        }
        if hold.ended_at.is_some() {
            return Ok(());
        }
    }
    let seen = match untouched(&in_drafts) {
        Ok(seen) => seen,
        Err(words) => return owner_acted(shared, letter, words),
    };
    let is_over = hold.goes_at.is_some_and(|at| at <= shared.now());
    if !(is_over || seen.flagged) || !may_send || !is_time(account, shared, letter)? {
        return Ok(());
    }
    if let Some(why) = speaks_against(account, shared, letter)? {
        return end(shared, letter, why);
    }
    if answered_in_sent(port, folders, letter).await? {
        return owner_acted(
            shared,
            letter,
            "it is answered in the Sent folder: the owner sent it, or replied",
        );
    }
    match draft::compare(port, &drafts, seen.uid, letter).await? {
        Draft::Edited => owner_acted(
            shared,
            letter,
            "the draft is not as notyet wrote it: it was edited, or the server stores mail in a form of its own",
        ),
        Draft::Untellable => end(
            shared,
            letter,
            "the draft could not be told from other mail in Drafts: it stays, and is yours",
        ),
        Draft::AsWritten(_) if !port.can_remove() => end(shared, letter, CANNOT_REMOVE),
        Draft::AsWritten(spot) => withdraw(port, shared, &drafts, letter, spot).await,
    }
}

/// Removes the draft, and queues its letter to be sent.
async fn withdraw(
    port: &mut Port,
    shared: &Shared,
    drafts: &str,
    letter: &Delivery,
    spot: Spot,
) -> Result<(), Fault> {
    if !shared.ledger().begin_withdrawal(&letter.key, shared.now())? {
        return Ok(());
    }
    (shared.at_step)(Step::WithdrawalBegun);
    match port.remove(drafts, spot.uid).await? {
        Change::Made => {}
        // The next pass looks what became of it.
        Change::NoFolder => return Ok(()),
        Change::Refused(words) => {
            shared.ledger().draft_stands(&letter.key)?;
            return end(shared, letter, &words);
        }
    }
    (shared.at_step)(Step::DraftWithdrawn);
    let message = mime::as_sent(&letter.message.0);
    let words = "its time in Drafts is over, and nobody touched it";
    // Where a person moved it meanwhile, nothing is sent: the next pass finds the draft gone.
    shared.ledger().hold_over(letter, message, words, shared.now())?;
    (shared.at_step)(Step::HoldOver);
    Ok(())
}

/// A draft was to be removed, and does not stand (any more).
async fn whose_removal(
    port: &mut Port,
    shared: &Shared,
    folders: &mut Folders<'_>,
    letter: &Delivery,
) -> Result<(), Fault> {
    if answered_in_sent(port, folders, letter).await? {
        return owner_acted(shared, letter, "it is answered in the Sent folder");
    }
    shared.park(letter, ParkedFor::DraftGone)
}

/// The one draft, if its owner did nothing to it, save perhaps flag it.
fn untouched(in_drafts: &Survey) -> Result<Sighting, &'static str> {
    match in_drafts.named.as_slice() {
        [] => Err("its draft is gone from Drafts: the owner sent or deleted it"),
        [one] if one.deleted => Err("the owner deleted the draft"),
        [_] if in_drafts.by_hand => Err("the owner has begun a reply of their own"),
        [one] => Ok(*one),
        _ => Err("it stands in Drafts more than once: the owner copied or edited it"),
    }
}

/// Whether the hour and the limits have room for it.
fn is_time(account: &Account, shared: &Shared, letter: &Delivery) -> Result<bool, Fault> {
    let now = shared.now();
    if brake::hour(shared, now) == SendHour::Later {
        return Ok(false);
    }
    for (most, span) in [(shared.policy.max_per_hour, HOUR), (shared.policy.max_per_day, DAY)] {
        let since = now.minus(span);
        let counted = shared.ledger().letters_between(&account.name, since, now)?;
        // It has its own place among them since it was drafted.
        let itself = letter.queued_at.is_some_and(|at| (since..=now).contains(&at));
        if counted - u32::from(itself).min(counted) >= most {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Why it is not to be sent any more.
fn speaks_against(
    account: &Account,
    shared: &Shared,
    letter: &Delivery,
) -> Result<Option<&'static str>, Fault> {
    if letter.message.0.is_empty() {
        return Ok(Some("its words were erased"));
    }
    if brake::had_a_letter(letter, shared)? {
        return Ok(Some(brake::SECOND_LETTER));
    }
    Ok(against(account, shared, letter)?.map(ParkedFor::words))
}

async fn answered_in_sent(
    port: &mut Port,
    folders: &mut Folders<'_>,
    letter: &Delivery,
) -> Result<bool, Fault> {
    let Some(sent) = folders.special(port).await?.sent else { return Ok(false) };
    Ok(survey(port, &sent, letter).await?.answer().is_some())
}

async fn survey(port: &mut Port, folder: &str, letter: &Delivery) -> Result<Survey, Fault> {
    let parent = trace::parent(&letter.message);
    let parent = parent.as_ref().map(MessageId::as_str);
    port.survey(folder, KEY_HEADER, &trace::key_beginning(&letter.key), parent).await
}

fn owner_acted(shared: &Shared, letter: &Delivery, words: &str) -> Result<(), Fault> {
    shared.record_unless_moved(letter, Event::OwnerActed, words, Detail::default()).map(drop)
}

/// The letter is not sent by itself, and its draft stays.
pub(super) fn end(shared: &Shared, letter: &Delivery, why: &str) -> Result<(), Fault> {
    if shared.ledger().end_holds(Some(&letter.key), why, shared.now())? > 0 {
        super::tell::hold_ended(letter);
    }
    Ok(())
}
