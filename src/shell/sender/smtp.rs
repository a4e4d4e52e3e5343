//! One SMTP session for one message (RFC 5321, RFC 6409), phase by phase.

use std::borrow::Cow;
use std::error::Error;
use std::fmt::Display;
use std::future::Future;
use std::io;
use std::time::Duration;

use lettre::transport::smtp::Error as LettreError;
use lettre::transport::smtp::client::{AsyncSmtpConnection, AsyncTokioStream};
use lettre::transport::smtp::commands::{Data, Ehlo, Quit, Starttls};
use lettre::transport::smtp::extension::ClientId;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;
use zeroize::Zeroizing;

use super::auth::Mechanism;
use super::reply::{Mask, Offer, Reply};
use super::tls::{self, TlsTrouble};
use super::wire::{Broken, Wire};
use super::{Outcome, Phase, Submission};
use crate::config::Tls;
use crate::domain::Fault;

/// How many times the phase deadline the final reply may take. Giving up there
/// leaves a doubt, so it is the last place to be impatient: RFC 5321 §4.5.3.2.6
/// gives it twice the time of any other command and explains why.
const FINAL_REPLY_PATIENCE: u32 = 5;
/// QUIT decides nothing any more, and gets no more time than this.
const FAREWELL_MAX: Duration = Duration::from_secs(5);
/// A command line without its CRLF (RFC 5321 §4.5.3.1.4).
const COMMAND_MAX_BYTES: usize = 510;

/// Hands the message to the server and tells what became of it.
///
/// `body_about_to_go` is called after the server's 354; the first body byte
/// leaves only once it has returned `Ok`. Commit
/// [`Event::BodyAboutToGo`](crate::domain::delivery::Event::BodyAboutToGo) there.
/// When it fails nothing is transmitted ([`Outcome::TryLater`]). It is called
/// at most once; [`Outcome::Lost`] and [`Outcome::Accepted`] come only after it.
///
/// Every phase has `server.timeout` as its deadline, the final reply five times that.
///
/// # Cancel safety
///
/// **None.** Dropping this future after the callback may leave a message sent
/// of which nobody knows. Look for a stop request before the call, never race
/// this future against one. A drop at that point is logged as an error.
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

/// Says goodbye on the side: the caller records the outcome first, and no
/// answer to QUIT can change it.
fn farewell(mut connection: AsyncSmtpConnection, deadline: Duration) {
    tokio::spawn(async move {
        let _ = timeout(deadline.min(FAREWELL_MAX), connection.command(Quit)).await;
    });
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

/// Why a phase did not bring the reply it should.
enum Halt {
    /// 4xx or 5xx.
    Refused(Reply),
    /// No whole reply, or one that makes no sense.
    Broken,
}

impl From<LettreError> for Halt {
    fn from(error: LettreError) -> Self {
        // The wire may know a later reply already: where EHLO is refused, lettre says QUIT by itself.
        match error.status() {
            Some(code) => Self::Refused(Reply {
                code: code.into(),
                lines: error.source().map(ToString::to_string).into_iter().collect(),
            }),
            None => Self::Broken,
        }
    }
}

impl From<io::Error> for Halt {
    fn from(_: io::Error) -> Self {
        Self::Broken
    }
}

/// What all phases share.
struct Talk<'a> {
    submission: Submission<'a>,
    mask: Mask,
    wire: Wire,
}

impl<'a> Talk<'a> {
    async fn connect(submission: Submission<'a>) -> Result<Self, Outcome> {
        let server = submission.server;
        let later = |what: &str| Outcome::TryLater {
            words: format!("{}:{}, {}: {what}", server.host, server.port, Phase::Connect.as_str()),
            phase: Phase::Connect,
        };
        let connecting = TcpStream::connect((server.host.as_str(), server.port));
        let stream = match timeout(server.timeout, connecting).await {
            Err(_) => return Err(later(&no_answer(server.timeout))),
            Ok(Err(error)) => return Err(later(&format!("no connection ({})", error.kind()))),
            Ok(Ok(stream)) => stream,
        };
        // Commands are short and each waits for its answer.
        let _ = stream.set_nodelay(true);
        let talk = Self { submission, mask: Mask::new(&submission), wire: Wire::new(stream) };
        let on_this_machine = talk.wire.peer_addr().is_ok_and(|peer| peer.ip().is_loopback());
        if server.tls == Tls::LoopbackPlain && !on_this_machine {
            return Err(talk.needs_human(
                Phase::Connect,
                "this is not a loopback address, and without TLS nothing is sent to others; set smtp.tls",
            ));
        }
        Ok(talk)
    }

    /// From the bare connection to a session that may be used, protected as configured.
    async fn open(&self) -> Result<(AsyncSmtpConnection, Offer), Outcome> {
        let tls = self.submission.server.tls;
        if tls == Tls::Implicit {
            self.handshake().await?;
        }
        let (mut connection, offer) = self.greet().await?;
        if tls != Tls::StartTls {
            return Ok((connection, offer));
        }
        if !offer.starttls {
            farewell(connection, self.submission.server.timeout);
            return Err(self.needs_human(
                Phase::StartTls,
                "the server offers no STARTTLS, and without TLS nothing is sent; check smtp.port and smtp.tls",
            ));
        }
        if let Err(outcome) = self.command(&mut connection, Phase::StartTls, &[220], Starttls).await {
            farewell(connection, self.submission.server.timeout);
            return Err(outcome);
        }
        self.handshake().await?;
        // What was offered in plain text may have been forged (RFC 3207 §4.2).
        let hello = Ehlo::new(ClientId::default());
        let reply = self.command(&mut connection, Phase::Hello, &[250], hello).await?;
        Ok((connection, Offer::parse(&reply)))
    }

    /// Greeting and EHLO, which lettre does in one call. It introduces itself
    /// by a loopback literal: the name of this machine is nobody's business.
    async fn greet(&self) -> Result<(AsyncSmtpConnection, Offer), Outcome> {
        let stream = Box::new(self.wire.clone());
        let me = ClientId::default();
        let greeting = AsyncSmtpConnection::connect_with_transport(stream, &me);
        let greeted = timeout(self.submission.server.timeout, greeting).await;
        let phase = if self.wire.written_bytes() == 0 { Phase::Greeting } else { Phase::Hello };
        let connection = self.settle(phase, greeted.map(|done| done.map_err(Halt::from)))?;
        let reply = self.expect(phase, &[250])?;
        Ok((connection, Offer::parse(&reply)))
    }

    async fn handshake(&self) -> Result<(), Outcome> {
        let server = self.submission.server;
        let secured = async {
            let (config, name) = tls::client(server).await?;
            self.wire.secure(config, name).await.map_err(|error| tls::judge(&error))
        };
        match timeout(server.timeout, secured).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(TlsTrouble::Person(what))) => Err(self.needs_human(Phase::Handshake, &what)),
            Ok(Err(TlsTrouble::Line(what))) => Err(self.try_later(Phase::Handshake, &what)),
            Err(_) => Err(self.try_later(Phase::Handshake, &no_answer(server.timeout))),
        }
    }

    async fn login(&self, connection: &mut AsyncSmtpConnection, offer: &Offer) -> Result<(), Outcome> {
        let server = self.submission.server;
        let Some(login) = &server.login else {
            return Ok(());
        };
        let Some(secret) = self.submission.secret else {
            return Err(self.needs_human(Phase::Login, "there is no secret to log in with"));
        };
        let Some(mechanism) = Mechanism::choose(&offer.auth, secret) else {
            let offered = match offer.auth.as_slice() {
                [] => "no AUTH at all".to_owned(),
                words => format!("only {}", words.join(" ")),
            };
            return Err(self.needs_human(
                Phase::Login,
                &format!("the server offers {offered}, nothing that fits a {secret:?}"),
            ));
        };
        let mut responses = mechanism.responses(server, &login.user, secret).into_iter();
        let mut line = Zeroizing::new(format!("AUTH {}", mechanism.as_str()));
        if mechanism.speaks_first()
            && let Some(first) = responses.as_slice().first()
            && line.len() + 1 + first.len() <= COMMAND_MAX_BYTES
        {
            line = Zeroizing::new(format!("{} {}", line.as_str(), first.as_str()));
            responses.next();
        }
        let mut resigned = false;
        while self.auth_line(connection, &line).await?.code != 235 {
            if resigned {
                return Err(self.try_later(Phase::Login, "the login came to no end"));
            }
            line = responses.next().unwrap_or_else(|| {
                resigned = true;
                Zeroizing::new(mechanism.resignation().to_owned())
            });
        }
        Ok(())
    }

    /// Sends a line that may hold a secret: past lettre, which would keep a copy unwiped.
    async fn auth_line(
        &self,
        connection: &mut AsyncSmtpConnection,
        line: &Zeroizing<String>,
    ) -> Result<Reply, Outcome> {
        let mut wire = self.wire.clone();
        let exchange = async {
            let mut bytes = Zeroizing::new(Vec::with_capacity(line.len() + 2));
            bytes.extend_from_slice(line.as_bytes());
            bytes.extend_from_slice(b"\r\n");
            wire.write_all(&bytes).await?;
            wire.flush().await?;
            connection.read_response().await?;
            Ok(())
        };
        self.step(Phase::Login, &[235, 334], exchange).await
    }

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

    async fn command(
        &self,
        connection: &mut AsyncSmtpConnection,
        phase: Phase,
        expected: &[u16],
        command: impl Display,
    ) -> Result<Reply, Outcome> {
        let exchange = async {
            connection.command(command).await?;
            Ok(())
        };
        self.step(phase, expected, exchange).await
    }

    /// One exchange before the body: under its deadline, with the reply it must bring.
    async fn step(
        &self,
        phase: Phase,
        expected: &[u16],
        exchange: impl Future<Output = Result<(), Halt>>,
    ) -> Result<Reply, Outcome> {
        let done = timeout(self.submission.server.timeout, exchange).await;
        self.settle(phase, done)?;
        self.expect(phase, expected)
    }

    fn settle<T>(
        &self,
        phase: Phase,
        done: Result<Result<T, Halt>, tokio::time::error::Elapsed>,
    ) -> Result<T, Outcome> {
        match done {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(Halt::Refused(reply))) => Err(self.refused(phase, &reply)),
            Ok(Err(Halt::Broken)) => Err(self.try_later(phase, &self.broken_words())),
            Err(_) => Err(self.try_later(phase, &no_answer(self.submission.server.timeout))),
        }
    }

    /// A positive reply of the wrong code answers something else than we asked.
    fn expect(&self, phase: Phase, expected: &[u16]) -> Result<Reply, Outcome> {
        let reply = Reply::parse(&self.wire.reply());
        if expected.contains(&reply.code) {
            return Ok(reply);
        }
        let said = reply.words(&self.mask);
        Err(self.try_later(phase, &format!("the reply does not fit: {said}")))
    }

    /// What a 4xx or 5xx means: it depends on what it answers. Before MAIL it is
    /// about the server, not about this message.
    fn refused(&self, phase: Phase, reply: &Reply) -> Outcome {
        let said = reply.words(&self.mask);
        match (reply.code, phase) {
            (0..500, _) => self.try_later(phase, &said),
            (_, Phase::Login) => self.needs_human(
                phase,
                &format!("{said}; check user name and secret before the account gets locked"),
            ),
            // 530 and its kin mean "log in first" (RFC 4954 §6).
            (530 | 534 | 535 | 538, Phase::Mail | Phase::Rcpt | Phase::Data) => {
                self.needs_human(phase, &format!("{said}; check smtp.login"))
            }
            (_, Phase::Mail | Phase::Rcpt | Phase::Data | Phase::Commit | Phase::Body) => {
                self.rejected(phase, &said)
            }
            (_, Phase::Connect | Phase::Greeting | Phase::Hello | Phase::StartTls | Phase::Handshake) => {
                self.needs_human(phase, &format!("{said}; check smtp.host, smtp.port and smtp.tls"))
            }
        }
    }

    fn broken_words(&self) -> String {
        self.wire.broken().map_or_else(|| "the reply makes no sense".to_owned(), Broken::words)
    }

    fn words(&self, phase: Phase, what: &str) -> String {
        let server = self.submission.server;
        format!("{}:{}, {}: {what}", server.host, server.port, phase.as_str())
    }

    fn try_later(&self, phase: Phase, what: &str) -> Outcome {
        let words = self.words(phase, what);
        Outcome::TryLater { words, phase }
    }

    fn rejected(&self, phase: Phase, what: &str) -> Outcome {
        let words = self.words(phase, what);
        Outcome::Rejected { words, phase }
    }

    fn needs_human(&self, phase: Phase, what: &str) -> Outcome {
        let words = self.words(phase, what);
        Outcome::NeedsHuman { words, phase }
    }
}

fn no_answer(deadline: Duration) -> String {
    format!("no answer within {}", humantime::format_duration(deadline))
}

/// Every line end a CRLF. A bare LF is forbidden (RFC 5321 §2.3.8), and some
/// servers take one round a dot for the end of the message.
fn with_crlf(message: &[u8]) -> Cow<'_, [u8]> {
    let mut previous = 0;
    let clean = message.iter().all(|byte| {
        let ok = (*byte == b'\n') == (previous == b'\r');
        previous = *byte;
        ok
    }) && previous != b'\r';
    if clean {
        return Cow::Borrowed(message);
    }
    let mut out = Vec::with_capacity(message.len() + message.len() / 16);
    let mut bytes = message.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\r' => {
                bytes.next_if_eq(&b'\n');
                out.extend_from_slice(b"\r\n");
            }
            b'\n' => out.extend_from_slice(b"\r\n"),
            other => out.push(other),
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_end_becomes_crlf() {
        for (from, to) in [
            ("a\r\nb\r\n", "a\r\nb\r\n"),
            ("a\nb\n", "a\r\nb\r\n"),
            ("a\rb", "a\r\nb"),
            ("a\r\r\n\n.\n", "a\r\n\r\n\r\n.\r\n"),
            ("a\r", "a\r\n"),
            ("\n", "\r\n"),
            ("", ""),
        ] {
            assert_eq!(with_crlf(from.as_bytes()).as_ref(), to.as_bytes(), "{from:?}");
        }
        assert!(matches!(with_crlf(b"a\r\nb"), Cow::Borrowed(_)));
    }
}
