//! The send queue: one step for one letter, phase by phase, never twice.

use super::settle::retry_at;
use super::shared::{LONGEST_STEP, Progress, Shared, Step, Stop};
use super::{brake, people};
use crate::config::{Account, Smtp};
use crate::domain::delivery::{Event, Mode, State};
use crate::domain::sending::SendHour;
use crate::domain::{Action, Fault};
use crate::shell::sender::{self, Outcome, Phase, Submission};
use crate::shell::store::{Delivery, Detail};
use crate::shell::{Secret, secrets};

/// Sends what is due. A stop is looked at between letters; a transmission is never cut.
///
/// # Errors
/// [`Fault::NeedsHuman`] when the server does not let us in: nothing was sent.
pub async fn deliver(
    account: &Account,
    shared: &Shared,
    progress: &Progress,
    stop: &Stop,
) -> Result<usize, Fault> {
    let due: Vec<_> = shared.ledger().due(&account.name, shared.now())?;
    let mut sent = 0;
    for letter in due.into_iter().filter(|d| d.mode == Mode::Send) {
        if stop.asked() {
            break;
        }
        if brake::look(shared)?.is_some() || brake::hour(shared, shared.now()) == SendHour::Later {
            break;
        }
        progress.expect_within(shared.now(), LONGEST_STEP);
        if !shared.is_as_it_was(&letter)? {
            continue;
        }
        // Who lets a parked letter go was told why it was parked.
        let insisted = letter.retried.is_some_and(|(_, from)| from == State::Parked);
        if !insisted && brake::is_second_letter(&letter, shared)? {
            continue;
        }
        if !insisted && people::is_known_by_now(&letter, shared)? {
            let words = "you know its reader by now: whether it goes is a person's choice";
            shared.record(&letter, Event::TooLate, words, Detail::default())?;
            continue;
        }
        let server = match may_go(account, shared, &letter) {
            Ok(server) => server,
            Err(words) => {
                shared.record(&letter, Event::TooLate, words, Detail::default())?;
                continue;
            }
        };
        let secret = match &server.login {
            Some(login) => Some(secrets::read(&login.secret, &account.name).await?),
            None => None,
        };
        match send(server, secret.as_ref(), &letter, shared).await? {
            Went::Out => sent += 1,
            Went::Nowhere => {}
            // The next letter would wait for the same time-out.
            Went::NoServer => break,
        }
    }
    Ok(sent)
}

/// What one try came to.
enum Went {
    Out,
    Nowhere,
    NoServer,
}

/// The server to send by, or why the letter waits for a person instead.
fn may_go<'a>(account: &'a Account, shared: &Shared, letter: &Delivery) -> Result<&'a Smtp, &'static str> {
    let wanted_since = letter.retried.map_or(letter.created_at, |(at, _)| at);
    if shared.now().since(wanted_since) > shared.policy.send_within {
        return Err("it waited longer than policy.send_within: a late decline is a person's choice");
    }
    if shared.policy.action(letter.note_kind) != Action::Send {
        return Err("sending was switched off for its kind of note before it went out");
    }
    account.smtp.as_ref().ok_or("the account has no [smtp] section any more")
}

async fn send(
    server: &Smtp,
    secret: Option<&Secret>,
    letter: &Delivery,
    shared: &Shared,
) -> Result<Went, Fault> {
    let (Some(from), Some(to)) = (shared.owner.addresses.first(), &letter.to) else {
        shared.record(letter, Event::Rejected, "it has no recipient", Detail::default())?;
        return Ok(Went::Nowhere);
    };
    let submission = Submission { server, secret, from, to, message: &letter.message.0 };
    let outcome = sender::submit(submission, || async {
        shared.record(letter, Event::BodyAboutToGo, "", Detail::default())?;
        (shared.at_step)(Step::BodyAboutToGo);
        Ok(())
    })
    .await;
    match outcome {
        Outcome::Accepted { reply } => {
            (shared.at_step)(Step::Accepted);
            shared.record(letter, Event::Accepted, &reply, Detail::default())?;
            (shared.at_step)(Step::SentRecorded);
            Ok(Went::Out)
        }
        // A person took it away between the reading of the queue and the first byte.
        Outcome::TryLater { phase: Phase::Commit, .. } if !shared.is_as_it_was(letter)? => Ok(Went::Nowhere),
        Outcome::TryLater { words, phase } => {
            let at = retry_at(shared.now(), letter.attempts, fastrand::u32(..));
            shared.record(
                letter,
                Event::TryLater,
                &words,
                Detail { next_attempt_at: Some(at), ..Detail::default() },
            )?;
            Ok(if phase < Phase::Mail { Went::NoServer } else { Went::Nowhere })
        }
        Outcome::Rejected { words, .. } => {
            shared.record(letter, Event::Rejected, &words, Detail::default())?;
            Ok(Went::Nowhere)
        }
        Outcome::Lost { words } => {
            shared.record(letter, Event::Lost, &words, Detail::default())?;
            Ok(Went::Nowhere)
        }
        Outcome::NeedsHuman { words, .. } => Err(Fault::NeedsHuman(words)),
    }
}
