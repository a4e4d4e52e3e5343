//! One SMTP session for one message (RFC 5321, RFC 6409), phase by phase.

use crate::config;
use crate::domain::Address;
use crate::shell::Secret;
use std::borrow::Cow;
use std::future::Future;

use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::Data;
use tokio::time::timeout;

use super::reply::{Offer, Reply};
use super::talk::{Halt, Talk, farewell};
use super::wire::Broken;
use super::{Outcome, Phase, Submission};
use crate::domain::Fault;
use crate::shell::dial::no_answer;
use crate::shell::line_ends::with_crlf;

/// How many times the phase deadline the final reply may take. Giving up there
/// leaves a doubt, so it is the last place to be impatient: RFC 5321 §4.5.3.2.6
/// gives it twice the time of any other command, ten minutes, and explains why.
const FINAL_REPLY_PATIENCE: u32 = 2;

/// Hands the message to the server and tells what became of it.
///
/// `body_about_to_go` is called after the server's 354; the first body byte
/// leaves only once it has returned `Ok`. Commit
/// [`Event::BodyAboutToGo`](crate::domain::delivery::Event::BodyAboutToGo) there.
/// When it fails nothing is transmitted ([`Outcome::TryLater`]). It is called
/// at most once; [`Outcome::Lost`] and [`Outcome::Accepted`] come only after it.
///
/// Every phase has `server.timeout` as its deadline, the final reply twice that.
///
/// # Cancel safety
///
/// **None once the callback was called.** Dropping this future then may leave a
/// message sent of which nobody knows, and is logged as an error. Before, a drop
/// hangs up, and nothing of the message has left.
#[must_use = "the outcome must be recorded, or the message may be sent twice"]
pub async fn submit<F, Fut>(submission: Submission<'_>, body_about_to_go: F) -> Outcome
where
    F: FnOnce() -> Fut,
    Fut: Future<Output = Result<(), Fault>>,
{
    match attempt(submission, body_about_to_go).await {
        Ok(outcome) | Err(outcome) => outcome,
    }
}

/// Connects, protects the line and logs in as for a letter, and leaves again
/// with QUIT: no MAIL is said and nothing is sent. `from` stands in no command;
/// it is what a fault's words are masked by.
///
/// # Errors
/// What a letter would have met: [`Fault::NeedsHuman`] when a person has to
/// mend something, else [`Fault::Transient`].
pub async fn probe(server: &config::Smtp, secret: Option<&Secret>, from: &Address) -> Result<(), Fault> {
    let submission = Submission { server, secret, from, to: from, message: b"" };
    let session = async {
        let talk = Talk::connect(submission).await?;
        let (mut connection, offer) = talk.open().await?;
        let login = talk.login(&mut connection, &offer).await;
        farewell(connection, server.timeout);
        login
    };
    session.await.map_err(|outcome| match outcome {
        Outcome::NeedsHuman { words, .. } | Outcome::Rejected { words, .. } => Fault::NeedsHuman(words),
        Outcome::TryLater { words, .. } | Outcome::Lost { words } | Outcome::Accepted { reply: words } => {
            Fault::Transient(words)
        }
    })
}

/// `Err` is an outcome too: the one that ended the session early.
async fn attempt<F, Fut>(submission: Submission<'_>, body_about_to_go: F) -> Result<Outcome, Outcome>
where
    F: FnOnce() -> Fut,
    Fut: Future<Output = Result<(), Fault>>,
{
    let talk = Talk::connect(submission).await?;
    let (mut connection, offer) = talk.open().await?;
    let ready = async {
        talk.login(&mut connection, &offer).await?;
        talk.envelope(&mut connection, &offer).await
    };
    let message = match ready.await {
        Ok(message) => message,
        Err(outcome) => {
            farewell(connection, submission.server.timeout);
            return Err(outcome);
        }
    };
    if let Err(fault) = body_about_to_go().await {
        // No QUIT: after 354 it would be the first line of a body. The server
        // drops a message that ends without its dot (RFC 5321 §4.1.1.4).
        return Err(talk.try_later(Phase::Commit, fault.message()));
    }
    let in_flight = InFlight;
    let outcome = talk.transmit(&mut connection, &message).await;
    std::mem::forget(in_flight);
    // After any other outcome QUIT might be read as part of the body.
    if matches!(outcome, Outcome::Accepted { .. }) {
        farewell(connection, submission.server.timeout);
    }
    Ok(outcome)
}

/// Exists while a body is on its way; is dropped only when the caller drops the future.
struct InFlight;

impl Drop for InFlight {
    fn drop(&mut self) {
        tracing::error!(
            "a transmission was cut off by this program: the message may or may not have been sent"
        );
    }
}

impl<'a> Talk<'a> {
    /// MAIL, RCPT, DATA. Returns the message as it will be transmitted, without
    /// its last line end: lettre adds that with the dot.
    async fn envelope(
        &self,
        connection: &mut AsyncSmtpConnection,
        offer: &Offer,
    ) -> Result<Cow<'a, [u8]>, Outcome> {
        let message = match with_crlf(self.submission.message) {
            Cow::Borrowed(bytes) => Cow::Borrowed(bytes.strip_suffix(b"\r\n").unwrap_or(bytes)),
            Cow::Owned(mut bytes) => {
                if bytes.ends_with(b"\r\n") {
                    bytes.truncate(bytes.len() - 2);
                }
                Cow::Owned(bytes)
            }
        };
        let size_bytes = message.len() + 2;
        let mut mail = format!("MAIL FROM:<{}>", self.submission.from);
        if offer.size {
            mail.push_str(&format!(" SIZE={size_bytes}"));
        }
        if !message.is_ascii() {
            if !offer.eight_bit {
                return Err(self.rejected(
                    Phase::Mail,
                    "the message has 8-bit text, and the server takes none (8BITMIME)",
                ));
            }
            mail.push_str(" BODY=8BITMIME");
        }
        if let Some(max) = offer.max_bytes
            && u64::try_from(size_bytes).unwrap_or(u64::MAX) > max
        {
            return Err(self.rejected(
                Phase::Mail,
                &format!("the message has {size_bytes} bytes, the server takes {max} at most (SIZE)"),
            ));
        }
        mail.push_str("\r\n");
        let rcpt = format!("RCPT TO:<{}>\r\n", self.submission.to);
        self.command(connection, Phase::Mail, &[250], mail).await?;
        self.command(connection, Phase::Rcpt, &[250, 251, 252], rcpt).await?;
        self.command(connection, Phase::Data, &[354], Data).await?;
        Ok(message)
    }

    /// The body, its dot and the final reply. From its first byte on, only a
    /// clear answer is an answer.
    async fn transmit(&self, connection: &mut AsyncSmtpConnection, message: &[u8]) -> Outcome {
        let deadline = self.submission.server.timeout.saturating_mul(FINAL_REPLY_PATIENCE);
        let written_before = self.wire.written_bytes();
        let mut answer = timeout(deadline, connection.message(message)).await;
        let spoke_early = self.wire.broken() == Some(Broken::OutOfTurn);
        if spoke_early {
            // The server did not wait for the dot, and it will not get one: hear why.
            self.wire.listen();
            answer = timeout(deadline, connection.read_response()).await;
        }
        let reply = Reply::parse(&self.wire.reply());
        let said = reply.words(&self.mask);
        let doubt = match answer.map(|answer| answer.map_err(Halt::from)) {
            Ok(Ok(_)) if reply.code == 250 && !spoke_early => {
                return Outcome::Accepted { reply: said };
            }
            Ok(Err(Halt::Refused(reply))) => return self.refused(Phase::Body, &reply),
            Ok(Ok(_)) => format!("no clear answer: {said}"),
            Ok(Err(Halt::Broken)) => self.broken_words(),
            Err(_) => no_answer(deadline),
        };
        if self.wire.written_bytes() == written_before {
            return self.try_later(Phase::Body, &format!("{doubt}, before the message began"));
        }
        Outcome::Lost { words: self.words(Phase::Body, &format!("{doubt}; perhaps sent, perhaps not")) }
    }
}
