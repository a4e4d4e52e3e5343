//! Notifications brought to what their owner wants of them, and back. Wanted
//! against actual, like the drafts: each pass looks where the mail is and does
//! what is missing, so a crash anywhere costs nothing.
//!
//! Only the one mail is touched, found by UID and UIDVALIDITY and shown to be
//! meant by its Message-ID. Where it is not there any more, its owner was
//! first, and that is that.

use super::draft::{self, Draft};
use super::entry::DAY;
use super::folders::Folders;
use super::port::Port;
use super::settle::straggles_for;
use super::shared::{LONGEST_STEP, Progress, Shared, Step, Stop};
use crate::config::Account;
use crate::domain::Fault;
use crate::domain::after::{Destination, IfMissing};
use crate::shell::mailbox::{Access, Body, Change, Marks, Moving, Spot, Uid};
use crate::shell::store::{Touch, Touched, Undo, Withdrawn};
use crate::stages::mime::KEY_HEADER;

const CANNOT_MOVE: &str =
    "the server can neither MOVE nor remove one message alone (UIDPLUS), so it stays where it is";

/// Forgotten, past the retention, or found again by a new ledger.
const UNKNOWN_WORDS: &str = "the ledger does not hold its words (they were erased, or are older than it), so that \
     nothing shows whether it was edited; delete it yourself";

/// Larger notifications are not compared.
const MAX_COMPARED_BYTES: u32 = 1024 * 1024;

const CANNOT_BE_MADE: &str = "to move it to cannot be made";

/// What became of a change; the mail may have gone meanwhile.
enum Went {
    /// As wanted.
    Well,
    /// Not, for the reason given; worth another try when that has changed.
    Waits(String),
    /// Refused; perhaps only this time.
    Refused(String),
    /// Not, for good.
    Never(String),
}

/// Works off the drafts that were taken back, and what is wanted of
/// notifications. What one of them meets holds up no other.
///
/// # Errors
/// A [`Fault`] of the port or the ledger; what was done stays recorded.
pub(super) async fn tidy(
    port: &mut Port,
    account: &Account,
    shared: &Shared,
    progress: &Progress,
    stop: &Stop,
) -> Result<(), Fault> {
    let mut met = Ok(());
    let removals = shared.ledger().drafts_to_remove(&account.name)?;
    let mut folders = Folders::of(account);
    for undo in removals {
        progress.expect_within(LONGEST_STEP);
        let removed = match folders.drafts(port).await {
            Ok(drafts) => remove_draft(port, &drafts, &undo, shared).await,
            Err(fault) => Err(fault),
        };
        if removed.is_err() && !port.is_usable() {
            return removed;
        }
        met = met.and(removed);
    }
    let due = shared.ledger().touches_due(&account.name)?;
    let straggles = straggles_for(account, shared);
    for touch in due {
        // Behind a broken line its server may be moving it still; a second move would leave both copies.
        if touch.moving_since.is_some_and(|since| shared.now().away_from(since) < straggles) {
            continue;
        }
        progress.expect_within(LONGEST_STEP);
        if stop.asked() {
            return Ok(());
        }
        let touched = match touch.state {
            Touched::BackWanted | Touched::BackCopying => back(port, &touch, shared).await,
            _ => forth(port, &touch, shared).await,
        };
        let Err(fault) = touched else { continue };
        if !port.is_usable() {
            return Err(fault);
        }
        let words = fault.message().to_owned();
        let went = if fault.is_for_a_person() { Went::Waits(words) } else { Went::Refused(words) };
        // It has moved on since it was read.
        let Some(touch) = shared.ledger().touches_of(&touch.key)?.into_iter().find(|now| now.id == touch.id)
        else {
            continue;
        };
        end(shared, &touch, touch.state, went)?;
    }
    met
}

async fn forth(port: &mut Port, touch: &Touch, shared: &Shared) -> Result<(), Fault> {
    if let Some(to) = &touch.wish.to
        && let Place::Missing(words) = place(port, to).await?
    {
        // Servers word a refusal anew each time.
        if [&words, &touch.words].iter().all(|words| words.contains(CANNOT_BE_MADE)) {
            return Ok(());
        }
        return note(shared, touch, touch.state, &words);
    }
    if !port.has_folder(&touch.mailbox).await? {
        return note(shared, touch, Touched::Done, "");
    }
    let hint = Some((touch.uid_validity, touch.uid));
    let Some(spot) = port.find_to_touch(&touch.mailbox, hint, &touch.message_id).await? else {
        return note(shared, touch, Touched::Done, "");
    };
    let had = touch.had.unwrap_or(spot.marks);
    let begun = Touch { state: Touched::Marking, words: String::new(), ..touch.clone() };
    let touch = if touch.state == Touched::Wanted {
        if !move_on(shared, touch, Touched::Marking, Some(had))? {
            return Ok(());
        }
        (shared.at_step)(Step::TouchBegun);
        &begun
    } else {
        touch
    };
    let on =
        Marks { seen: touch.wish.seen && !spot.marks.seen, flagged: touch.wish.flag && !spot.marks.flagged };
    if let refused @ Went::Refused(_) = went(port.mark(&touch.mailbox, spot.uid, on, Marks::default()).await?)
    {
        return end(shared, touch, Touched::Done, refused);
    }
    let Some(to) = &touch.wish.to else {
        return end(shared, touch, Touched::Done, Went::Well);
    };
    let way = Way { from: &touch.mailbox, hint, to: &to.folder, copying: Touched::Copying };
    let (touch, went) = transfer(port, touch, spot, &way, shared).await?;
    end(shared, &touch, Touched::Done, went)
}

/// Puts a notification back: from where we moved it, else where it stands.
async fn back(port: &mut Port, touch: &Touch, shared: &Shared) -> Result<(), Fault> {
    if !port.has_folder(&touch.mailbox).await? {
        return note(shared, touch, Touched::Left, "the folder it came from is gone");
    }
    let off = touch.had.map_or(Marks::default(), |had| Marks {
        seen: touch.wish.seen && !had.seen,
        flagged: touch.wish.flag && !had.flagged,
    });
    let hint = Some((touch.uid_validity, touch.uid));
    let moved_to = match &touch.wish.to {
        Some(to) if port.has_folder(&to.folder).await? => Some(to),
        _ => None,
    };
    if let Some(to) = moved_to
        && let refused @ Went::Refused(_) = end_the_way_forth(port, touch, to, hint).await?
    {
        return end(shared, touch, Touched::Back, refused);
    }
    if let Some(to) = moved_to
        && let Some(spot) = port.find_to_touch(&to.folder, None, &touch.message_id).await?
    {
        if let refused @ Went::Refused(_) =
            went(port.mark(&to.folder, spot.uid, Marks::default(), off).await?)
        {
            return end(shared, touch, Touched::Back, refused);
        }
        let way = Way { from: &to.folder, hint: None, to: &touch.mailbox, copying: Touched::BackCopying };
        let (touch, went) = transfer(port, touch, spot, &way, shared).await?;
        return end(shared, &touch, Touched::Back, went);
    }
    let Some(spot) = port.find_to_touch(&touch.mailbox, hint, &touch.message_id).await? else {
        let words = "the notification was not found: its owner moved or deleted it";
        // After our own move back its UID is another.
        let state = if touch.state == Touched::BackCopying || touch.wish.to.is_some() {
            let there = port.find_to_touch(&touch.mailbox, None, &touch.message_id).await?;
            there.map_or(Touched::Left, |_| Touched::Back)
        } else {
            Touched::Left
        };
        return note(shared, touch, state, if state == Touched::Left { words } else { "" });
    };
    let went = went(port.mark(&touch.mailbox, spot.uid, Marks::default(), off).await?);
    end(shared, touch, Touched::Back, went)
}

/// Where a copy was made on the way forth and its original still stands, that one goes: a
/// removal that was asked for then may be carried out at any time, and must not meet what
/// is put back. Anybody can write a mail of that Message-ID: only what stands in both
/// folders letter for letter is a copy, and no mail is lost by it.
async fn end_the_way_forth(
    port: &mut Port,
    touch: &Touch,
    to: &Destination,
    hint: Option<(u32, Uid)>,
) -> Result<Went, Fault> {
    let began = touch.state == Touched::BackWanted && port.moving() == Moving::CopyAndRemove;
    if !began {
        return Ok(Went::Well);
    }
    let Some(copy) = port.find_to_touch(&to.folder, None, &touch.message_id).await? else {
        return Ok(Went::Well);
    };
    let copied = text_of(port, &to.folder, copy.uid).await?;
    let Some(original) = port.find_to_touch(&touch.mailbox, hint, &touch.message_id).await? else {
        return Ok(Went::Well);
    };
    if copied.is_none() || text_of(port, &touch.mailbox, original.uid).await? != copied {
        return Ok(Went::Well);
    }
    match port.find_to_touch(&touch.mailbox, hint, &touch.message_id).await? {
        Some(original) => Ok(went(port.remove(&touch.mailbox, original.uid).await?)),
        None => Ok(Went::Well),
    }
}

/// The mail at `uid` of `folder`, if it can be had whole.
async fn text_of(port: &mut Port, folder: &str, uid: Uid) -> Result<Option<Vec<u8>>, Fault> {
    port.open(folder, Access::ReadOnly).await?;
    Ok(match port.bodies(&[(uid, 0)], MAX_COMPARED_BYTES).await?.into_iter().next() {
        Some((_, Body::Whole(mail))) => Some(mail.0),
        _ => None,
    })
}

/// A folder to move to.
enum Place {
    /// Mail can go there.
    There,
    /// It is not there; what a person can do.
    Missing(String),
}

/// Whether a folder to move to is there, made if that is wanted.
async fn place(port: &mut Port, to: &Destination) -> Result<Place, Fault> {
    let folder = &to.folder;
    if port.has_folder(folder).await? {
        return Ok(Place::There);
    }
    match to.if_missing {
        IfMissing::Create => match port.make_folder(folder).await {
            Err(fault) if port.is_usable() => Ok(Place::Missing(format!(
                "the folder {folder:?} {CANNOT_BE_MADE} ({fault}); make it, or name another"
            ))),
            made => made.map(|()| Place::There),
        },
        IfMissing::Say => Ok(Place::Missing(format!(
            "there is no folder {folder:?} to move it to; make it, or write create = true beside its name"
        ))),
    }
}

/// From where to where a mail goes.
struct Way<'a> {
    from: &'a str,
    hint: Option<(u32, u32)>,
    to: &'a str,
    /// The state that says that a copy is next.
    copying: Touched,
}

/// Moves the mail at `spot`. Answers with the wish as it stands then.
async fn transfer(
    port: &mut Port,
    touch: &Touch,
    spot: Spot,
    way: &Way<'_>,
    shared: &Shared,
) -> Result<(Touch, Went), Fault> {
    let mut touch = touch.clone();
    match port.moving() {
        Moving::Not => return Ok((touch, Went::Never(CANNOT_MOVE.to_owned()))),
        Moving::Move => {
            if !shared.ledger().note_moving(&touch, Some(shared.now()))? {
                return Ok((touch, Went::Waits(String::new())));
            }
            let answer = port.move_to(way.from, spot.uid, way.to).await;
            let moved = heard(port, shared, &touch, answer)?;
            return Ok((touch, moved));
        }
        Moving::CopyAndRemove => {}
    }
    // A copy that was under way may have been made.
    let copied =
        touch.state == way.copying && port.find_to_touch(way.to, None, &touch.message_id).await?.is_some();
    if touch.state != way.copying {
        if !move_on(shared, &touch, way.copying, None)? {
            return Ok((touch, Went::Waits(String::new())));
        }
        touch.state = way.copying;
        touch.words.clear();
    }
    if !copied {
        // The look into the other folder has closed this one.
        let Some(spot) = port.find_to_touch(way.from, way.hint, &touch.message_id).await? else {
            return Ok((touch, Went::Well));
        };
        if !shared.ledger().note_moving(&touch, Some(shared.now()))? {
            return Ok((touch, Went::Waits(String::new())));
        }
        let answer = port.copy_to(way.from, spot.uid, way.to).await;
        match heard(port, shared, &touch, answer)? {
            Went::Well => {}
            otherwise => return Ok((touch, otherwise)),
        }
    }
    (shared.at_step)(Step::NotificationCopied);
    let Some(spot) = port.find_to_touch(way.from, way.hint, &touch.message_id).await? else {
        return Ok((touch, Went::Well));
    };
    let removed = went(port.remove(way.from, spot.uid).await?);
    Ok((touch, removed))
}

/// The answer to a move or copy. Where the line broke there was none, and the server may be at it still.
fn heard(port: &Port, shared: &Shared, touch: &Touch, answer: Result<Change, Fault>) -> Result<Went, Fault> {
    let noted = if answer.is_ok() || port.is_usable() {
        shared.ledger().note_moving(touch, None).map(drop)
    } else {
        Ok(())
    };
    let went = went(answer?);
    noted.map(|()| went)
}

fn went(change: Change) -> Went {
    match change {
        Change::Made => Went::Well,
        Change::NoFolder => Went::Waits("the folder to move it to went away meanwhile".to_owned()),
        Change::Refused(words) => Went::Refused(words),
    }
}

fn end(shared: &Shared, touch: &Touch, well: Touched, went: Went) -> Result<(), Fault> {
    match went {
        Went::Well => {
            (shared.at_step)(Step::NotificationTouched);
            note(shared, touch, well, "")?;
            (shared.at_step)(Step::TouchRecorded);
            Ok(())
        }
        Went::Waits(words) => note(shared, touch, touch.state, &words),
        // Servers word a refusal anew each time; the first words keep the time of the first one.
        Went::Refused(_) if !touch.words.is_empty() && shared.now().since(touch.changed_at) <= DAY => Ok(()),
        Went::Refused(words) if touch.words.is_empty() => note(shared, touch, touch.state, &words),
        Went::Refused(words) => note(shared, touch, Touched::Left, &words),
        Went::Never(words) => note(shared, touch, Touched::Left, &words),
    }
}

fn move_on(shared: &Shared, touch: &Touch, to: Touched, had: Option<Marks>) -> Result<bool, Fault> {
    shared.ledger().move_touch(touch, to, had, "", shared.now())
}

/// A wish that a person changed meanwhile is left as the person has it.
fn note(shared: &Shared, touch: &Touch, to: Touched, words: &str) -> Result<(), Fault> {
    if to == touch.state && touch.words == words {
        return Ok(());
    }
    if !words.is_empty() && touch.words != words {
        tracing::warn!("a notification is not as wanted: {words}");
    }
    shared.ledger().move_touch(touch, to, None, words, shared.now()).map(|_| ())
}

/// Removes our draft of an invitation that was taken back, if it is as we wrote it.
async fn remove_draft(port: &mut Port, drafts: &str, undo: &Undo, shared: &Shared) -> Result<(), Fault> {
    let Some(letter) = shared.ledger().delivery(&undo.key)? else {
        return shared.ledger().note_draft(&undo.key, Withdrawn::None, "");
    };
    let left = |words: &str| shared.ledger().note_draft(&undo.key, Withdrawn::Left, words);
    let gone = "it did not stand in Drafts any more";
    if !port.has_folder(drafts).await? {
        return left(gone);
    }
    let Some(uid) = port.find_by_header(drafts, KEY_HEADER, letter.message_id.as_str()).await? else {
        return shared.ledger().note_draft(&undo.key, Withdrawn::Removed, gone);
    };
    if letter.message.0.is_empty() {
        return left(UNKNOWN_WORDS);
    }
    let spot = match draft::compare(port, drafts, uid, &letter).await? {
        Draft::AsWritten(spot) => spot,
        Draft::Edited => return left("it is not as notyet wrote it: it was edited, and is yours"),
        Draft::Untellable => return left("it could not be told from other drafts"),
    };
    match port.remove(drafts, spot.uid).await? {
        Change::Made => {
            (shared.at_step)(Step::DraftRemoved);
            shared.ledger().note_draft(&undo.key, Withdrawn::Removed, "")
        }
        Change::NoFolder => left(gone),
        Change::Refused(words) => left(&words),
    }
}
