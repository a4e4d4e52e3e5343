//! Wanted state against actual: drafts and copies into their folders, held
//! letters released when there is room, doubts resolved by looking.

use std::collections::BTreeMap;
use std::time::Duration;

use super::backoff::Backoff;
use super::brake;
use super::entry::{DAY, HOUR};
use super::folders::Folders;
use super::port::Port;
use super::shared::{LONGEST_STEP, Progress, Shared, Step, Stop};
use crate::config::{Account, MailboxKind, SentCopy};
use crate::domain::delivery::{Event, LONGEST_WAIT, Mode, ParkedFor, State};
use crate::domain::sending::SendHour;
use crate::domain::{Fault, MessageId, Timestamp};
use crate::shell::mailbox::{Answer, AppendTrace, Folder};
use crate::shell::store::{Delivery, Detail};
use crate::stages::mime::KEY_HEADER;
use crate::stages::trace;

/// The first and the longest wait after an attempt that failed.
pub(super) const RETRY: (Duration, Duration) = (Duration::from_secs(60), LONGEST_WAIT);

/// So many times the line may break while a draft is put down; with the growing
/// waits between, that is about a day.
const MOST_APPENDS: u32 = 12;

/// So long it is tried to file a copy.
const COPY_TRIED_FOR: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Lets held letters go, oldest first, as far as the limits have room; letters to
/// send only at an hour for sending.
///
/// # Errors
/// A [`Fault`] of the ledger.
pub fn release_held(account: &Account, shared: &Shared) -> Result<usize, Fault> {
    let now = shared.now();
    let mut ledger = shared.ledger();
    let last_hour = ledger.letters_between(&account.name, now.minus(HOUR), now)?;
    let last_day = ledger.letters_between(&account.name, now.minus(DAY), now)?;
    let room = shared
        .policy
        .max_per_hour
        .saturating_sub(last_hour)
        .min(shared.policy.max_per_day.saturating_sub(last_day));
    let mut released = 0;
    let may_send = brake::hour(shared, now) == SendHour::Now;
    let held = ledger.in_state(&account.name, State::Held)?.into_iter();
    for held in held.filter(|held| may_send || held.mode == Mode::Draft).take(room as usize) {
        let words = "there is room for it now";
        let to = ledger.record_unless_moved(&held, Event::Released, words, now, Detail::default())?;
        released += usize::from(to.is_some());
    }
    Ok(released)
}

/// A process that died left nothing in its hands: what was under way becomes a
/// doubt that the next steps resolve. What this process knows better is written
/// down first.
///
/// # Errors
/// A [`Fault`] of the ledger.
pub fn recover(account: &Account, shared: &Shared) -> Result<usize, Fault> {
    shared.record_what_was_owed()?;
    let lost = shared.ledger().in_state(&account.name, State::Transmitting)?;
    for letter in &lost {
        let words = "notyet was stopped during the transmission";
        shared.record(letter, Event::Lost, words, Detail::default())?;
    }
    Ok(lost.len())
}

/// The same for accounts that are not watched any more: nobody looks into their
/// mailboxes, so a person may move their letters.
///
/// # Errors
/// A [`Fault`] of the ledger.
pub fn recover_unwatched(shared: &Shared) -> Result<(), Fault> {
    for (state, event) in [(State::Transmitting, Event::Lost), (State::Appending, Event::AppendUnclear)] {
        let under_way = shared.ledger().anywhere_in(state)?;
        for letter in under_way.iter().filter(|letter| !shared.account_names.contains(&letter.account)) {
            let words = "its account is not in the configuration any more";
            shared.record(letter, event, words, Detail::default())?;
        }
    }
    let mut waiting = BTreeMap::new();
    for state in [State::Held, State::Queued, State::Uncertain] {
        for letter in shared.ledger().anywhere_in(state)? {
            if !shared.account_names.contains(&letter.account) {
                *waiting.entry(letter.account).or_insert(0) += 1;
            }
        }
    }
    for (account, letters) in waiting {
        tracing::warn!(
            account,
            letters,
            "letters wait for an account that is not in the configuration any more; `notyet queue list` shows them"
        );
    }
    Ok(())
}

/// The letters to send now, once it was looked whether they are answered
/// already. Nothing else may be sent.
///
/// # Errors
/// A [`Fault`] of the port or the ledger.
pub async fn to_send(
    port: &mut Port,
    account: &Account,
    shared: &Shared,
    progress: &Progress,
    stop: &Stop,
) -> Result<Vec<Delivery>, Fault> {
    let mut folders = Folders::of(account);
    let mut unanswered = Vec::new();
    let due: Vec<_> = shared.ledger().due(&account.name, shared.now())?;
    for letter in due.into_iter().filter(|letter| letter.mode == Mode::Send) {
        progress.expect_within(LONGEST_STEP);
        if stop.asked() {
            break;
        }
        if !shared.is_as_it_was(&letter)? {
            continue;
        }
        // Also before a later try: the ledger may be an old copy, and its owner may have answered meanwhile.
        if found_done(port, &letter, shared, &mut folders).await? {
            continue;
        }
        unanswered.push(letter);
    }
    Ok(unanswered)
}

/// Brings Drafts and Sent to what the ledger wants. Safe to repeat at any time.
///
/// # Errors
/// A [`Fault`] of the port or the ledger; what was done stays recorded.
pub async fn settle(
    port: &mut Port,
    account: &Account,
    shared: &Shared,
    progress: &Progress,
    stop: &Stop,
) -> Result<(), Fault> {
    let mut folders = Folders::of(account);
    let half_done = shared.ledger().in_state(&account.name, State::Appending)?;
    for letter in half_done {
        progress.expect_within(LONGEST_STEP);
        let drafts = folders.drafts(port).await?;
        resolve(port, account, &drafts, &letter, shared).await?;
    }
    // A draft more would hide whether the one before was appended.
    let undecided = !shared.ledger().in_state(&account.name, State::Appending)?.is_empty();
    let due: Vec<_> = shared.ledger().due(&account.name, shared.now())?;
    for letter in due.into_iter().filter(|letter| letter.mode == Mode::Draft) {
        progress.expect_within(LONGEST_STEP);
        if stop.asked() {
            return Ok(());
        }
        if !shared.is_as_it_was(&letter)? {
            continue;
        }
        if found_done(port, &letter, shared, &mut folders).await? {
            continue;
        }
        if letter.attempts >= MOST_APPENDS && letter.retried_at.is_none() {
            shared.park(&letter, ParkedFor::NeverAppended)?;
        } else if !undecided {
            let drafts = folders.drafts(port).await?;
            draft(port, &drafts, &letter, shared).await?;
        }
    }
    let doubtful = shared.ledger().in_state(&account.name, State::Uncertain)?;
    for letter in doubtful {
        progress.expect_within(LONGEST_STEP);
        look_for_doubtful(port, &letter, shared, &mut folders).await?;
    }
    if account.sent_copy == SentCopy::File {
        file_copies(port, account, shared, &mut folders, (progress, stop)).await?;
    }
    Ok(())
}

/// A copy that is refused holds up none behind it, and one that cannot be filed
/// is given up some day: the letter itself went out.
async fn file_copies(
    port: &mut Port,
    account: &Account,
    shared: &Shared,
    folders: &mut Folders<'_>,
    (progress, stop): (&Progress, &Stop),
) -> Result<(), Fault> {
    let mut refused = Ok(());
    let uncopied = shared.ledger().sent_without_copy(&account.name)?;
    for letter in uncopied {
        progress.expect_within(LONGEST_STEP);
        if stop.asked() {
            break;
        }
        let sent = folders.sent(port).await?;
        let Err(fault) = file_copy(port, &sent, &letter, shared).await else { continue };
        let is_old = shared.now().away_from(letter.changed_at) > COPY_TRIED_FOR;
        // Room and rights may come yet; a person was told.
        if is_old && !fault.is_for_a_person() {
            tracing::warn!(
                account = %account.name,
                letter_key = %letter.key.0,
                "a letter went out and stays without a copy in Sent: {fault}"
            );
            shared.ledger().mark_sent_copy_done(&letter.key, shared.now())?;
        } else {
            refused = refused.and(Err(fault));
        }
        if !port.is_usable() {
            break;
        }
    }
    refused
}

/// Looks for an answer that this ledger does not know: one of the owner's own,
/// or a letter from a ledger of which this one is an older copy.
async fn found_done(
    port: &mut Port,
    letter: &Delivery,
    shared: &Shared,
    folders: &mut Folders<'_>,
) -> Result<bool, Fault> {
    let folders = folders.special(port).await?;
    let beginning = trace::key_beginning(&letter.key);
    let parent = trace::parent(&letter.message);
    let parent = parent.as_ref().map(MessageId::as_str);
    for (folder, in_drafts) in [(folders.drafts, true), (folders.sent, false)] {
        let Some(folder) = folder else { continue };
        let Some(answer) = port.find_answer(&folder, KEY_HEADER, &beginning, parent).await? else { continue };
        let (event, words) = match (answer, letter.mode, in_drafts) {
            (Answer::ByHand, _, _) => (Event::OwnerActed, "the owner has replied to it, or begun to"),
            (Answer::Named, Mode::Draft, true) => (Event::Appended, "it was there before this ledger"),
            (Answer::Named, Mode::Draft, false) => {
                (Event::OwnerActed, "it stands in the Sent folder: the owner sent it")
            }
            (Answer::Named, Mode::Send, false) => (Event::SeenInSent, "it was in the Sent folder already"),
            (Answer::Named, Mode::Send, true) => {
                shared.park(letter, ParkedFor::DraftStands)?;
                return Ok(true);
            }
        };
        shared.record_unless_moved(letter, event, words, Detail::default())?;
        return Ok(true);
    }
    Ok(false)
}

async fn draft(port: &mut Port, drafts: &str, letter: &Delivery, shared: &Shared) -> Result<(), Fault> {
    let mark = port.append_mark(drafts, &letter.message.0).await?;
    let detail = Detail { append_mark: Some(mark.clone()), ..Detail::default() };
    if !shared.record_unless_moved(letter, Event::AppendAboutToGo, "", detail)? {
        return Ok(());
    }
    (shared.at_step)(Step::AppendAboutToGo);
    append_marked(port, drafts, &mark, letter, shared).await
}

async fn append_marked(
    port: &mut Port,
    drafts: &str,
    mark: &str,
    letter: &Delivery,
    shared: &Shared,
) -> Result<(), Fault> {
    match port.append(drafts, Folder::Drafts, mark, &letter.message.0).await {
        Ok(()) => {
            (shared.at_step)(Step::Appended);
            shared.record(letter, Event::Appended, "", Detail::default())?;
            (shared.at_step)(Step::DraftRecorded);
            Ok(())
        }
        Err(Fault::Permanent(words)) => shared.record(letter, Event::Rejected, &words, Detail::default()),
        // The answer is missing, not the draft perhaps: the next pass looks.
        Err(fault) => Err(fault),
    }
}

/// How long after it was asked for an APPEND, a move or a copy may still be done without our knowing.
pub(super) fn straggles_for(account: &Account, shared: &Shared) -> Duration {
    match &account.kind {
        MailboxKind::Imap(server) => server.timeout.saturating_mul(shared.straggling_timeouts),
        // What a dead process had not done on this machine is not done later.
        MailboxKind::Maildir(_) => Duration::ZERO,
    }
}

/// An APPEND went out and its answer was never recorded.
async fn resolve(
    port: &mut Port,
    account: &Account,
    drafts: &str,
    letter: &Delivery,
    shared: &Shared,
) -> Result<(), Fault> {
    let mark = letter.append_mark.clone().unwrap_or_default();
    match port.resolve_append(drafts, &mark, KEY_HEADER, letter.message_id.as_str()).await? {
        AppendTrace::There => {
            shared.record(letter, Event::Appended, "found in the Drafts folder", Detail::default())
        }
        // A slow server may be about to do what it read of the broken connection: too early to tell.
        AppendTrace::Never if shared.now().away_from(letter.changed_at) < straggles_for(account, shared) => {
            Ok(())
        }
        AppendTrace::Never => {
            let words = "the mailbox shows that nothing was appended";
            // At once the first time; one that breaks the line each time must not hold up what is behind it.
            let again =
                (letter.attempts > 1).then(|| retry_at(shared.now(), letter.attempts, fastrand::u32(..)));
            let detail = Detail { next_attempt_at: again, ..Detail::default() };
            shared.record(letter, Event::NotAppended, words, detail)
        }
        AppendTrace::Unclear => {
            let words = "perhaps drafted: it is not in Drafts, but mail came or went there meanwhile";
            shared.record(letter, Event::AppendUnclear, words, Detail::default())
        }
    }
}

/// A copy in Sent shows that the letter went out (the provider, or a person, filed it).
async fn look_for_doubtful(
    port: &mut Port,
    letter: &Delivery,
    shared: &Shared,
    folders: &mut Folders<'_>,
) -> Result<(), Fault> {
    let folders = folders.special(port).await?;
    let (folder, seen) = match letter.mode {
        Mode::Send => (folders.sent, Event::SeenInSent),
        Mode::Draft => (folders.drafts, Event::Appended),
    };
    if let Some(folder) = folder
        && port.find_by_header(&folder, KEY_HEADER, letter.message_id.as_str()).await?.is_some()
    {
        return shared.record_unless_moved(letter, seen, "found in its folder", Detail::default()).map(drop);
    }
    if shared.now().away_from(letter.changed_at) > DAY {
        shared.park(letter, ParkedFor::Doubt)?;
    }
    Ok(())
}

async fn file_copy(port: &mut Port, sent: &str, letter: &Delivery, shared: &Shared) -> Result<(), Fault> {
    if port.find_by_header(sent, KEY_HEADER, letter.message_id.as_str()).await?.is_none() {
        let mark = port.append_mark(sent, &letter.message.0).await?;
        port.append(sent, Folder::Sent, &mark, &letter.message.0).await?;
        (shared.at_step)(Step::CopyFiled);
    }
    shared.ledger().mark_sent_copy_done(&letter.key, shared.now())?;
    (shared.at_step)(Step::CopyRecorded);
    Ok(())
}

/// When an attempt that failed is tried again.
pub(super) fn retry_at(now: Timestamp, attempts: u32, random: u32) -> Timestamp {
    now.plus(Backoff::after(attempts, RETRY.0, RETRY.1, random))
}
