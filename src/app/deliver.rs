//! The send queue: one step for one letter, phase by phase, never twice.

use super::settle::retry_at;
use super::shared::{Shared, Step, Stop};
use crate::config::{Account, Smtp};
use crate::domain::Fault;
use crate::domain::delivery::{Event, Mode};
use crate::shell::sender::{self, Outcome, Submission};
use crate::shell::store::{Delivery, Detail};
use crate::shell::{Secret, secrets};

/// Sends what is due. A stop is looked at between letters; a transmission is never cut.
///
/// # Errors
/// [`Fault::NeedsHuman`] when the server does not let us in: nothing was sent.
pub async fn deliver(account: &Account, shared: &Shared, stop: &Stop) -> Result<usize, Fault> {
    let due: Vec<_> = shared.ledger().due(&account.name, shared.now())?;
    let mut sent = 0;
    for letter in due.into_iter().filter(|d| d.mode == Mode::Send) {
        if stop.asked() {
            break;
        }
        if shared.now().since(letter.queued_at.unwrap_or(letter.created_at)) > shared.policy.send_within {
            let words = "it waited longer than policy.send_within: a late decline is a person's choice";
            record(shared, &letter, Event::TooLate, words, Detail::default())?;
            continue;
        }
        let Some(server) = &account.smtp else {
            let words = "the account has no [smtp] section any more";
            record(shared, &letter, Event::TooLate, words, Detail::default())?;
            continue;
        };
        let secret = match &server.login {
            Some(login) => Some(secrets::read(&login.secret, &account.name).await?),
            None => None,
        };
        sent += usize::from(send(server, secret.as_ref(), &letter, shared).await?);
    }
    Ok(sent)
}

async fn send(
    server: &Smtp,
    secret: Option<&Secret>,
    letter: &Delivery,
    shared: &Shared,
) -> Result<bool, Fault> {
    let (Some(from), Some(to)) = (shared.owner.addresses.first(), &letter.to) else {
        record(shared, letter, Event::Rejected, "it has no recipient", Detail::default())?;
        return Ok(false);
    };
    let submission = Submission { server, secret, from, to, message: &letter.message.0 };
    let outcome = sender::submit(submission, || async {
        record(shared, letter, Event::BodyAboutToGo, "", Detail::default())?;
        (shared.at_step)(Step::BodyAboutToGo);
        Ok(())
    })
    .await;
    match outcome {
        Outcome::Accepted { reply } => {
            (shared.at_step)(Step::Accepted);
            record(shared, letter, Event::Accepted, &reply, Detail::default())?;
            (shared.at_step)(Step::SentRecorded);
            Ok(true)
        }
        Outcome::TryLater { words, .. } => {
            let at = retry_at(shared.now(), letter.attempts, fastrand::u32(..));
            record(
                shared,
                letter,
                Event::TryLater,
                &words,
                Detail { next_attempt_at: Some(at), ..Detail::default() },
            )?;
            Ok(false)
        }
        Outcome::Rejected { words, .. } => {
            record(shared, letter, Event::Rejected, &words, Detail::default())?;
            Ok(false)
        }
        Outcome::Lost { words } => {
            record(shared, letter, Event::Lost, &words, Detail::default())?;
            Ok(false)
        }
        Outcome::NeedsHuman { words, .. } => Err(Fault::NeedsHuman(words)),
    }
}

fn record(
    shared: &Shared,
    letter: &Delivery,
    event: Event,
    words: &str,
    detail: Detail,
) -> Result<(), Fault> {
    shared.ledger().record(&letter.key, event, words, shared.now(), detail).map(|_| ())
}
