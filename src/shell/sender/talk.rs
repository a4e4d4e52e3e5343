//! A session up to the point where it may carry mail: connection, TLS, EHLO,
//! AUTH; and the one way every exchange is judged.

use std::error::Error;
use std::fmt::Display;
use std::future::Future;
use std::io;
use std::time::Duration;

use lettre::transport::smtp::Error as LettreError;
use lettre::transport::smtp::client::{AsyncSmtpConnection, AsyncTokioStream};
use lettre::transport::smtp::commands::{Ehlo, Quit, Starttls};
use lettre::transport::smtp::extension::ClientId;
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;
use zeroize::Zeroizing;

use super::reply::{Mask, Offer, Reply};
use super::tls::{self, TlsTrouble};
use super::wire::{Broken, Wire};
use super::{Outcome, Phase, Submission};
use crate::config::Tls;
use crate::shell::Secret;
use crate::shell::dial::{dial, no_answer};
use crate::shell::sasl::Mechanism;

/// A command line without its CRLF (RFC 5321 §4.5.3.1.4).
const COMMAND_MAX_BYTES: usize = 510;

/// QUIT decides nothing any more, and gets no more time than this.
const FAREWELL_MAX: Duration = Duration::from_secs(5);

/// Why a phase did not bring the reply it should.
pub(super) enum Halt {
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
pub(super) struct Talk<'a> {
    pub(super) submission: Submission<'a>,
    pub(super) mask: Mask,
    pub(super) wire: Wire,
}

impl<'a> Talk<'a> {
    pub(super) async fn connect(submission: Submission<'a>) -> Result<Self, Outcome> {
        let server = submission.server;
        let later = |what: &str| Outcome::TryLater {
            words: format!("{}:{}, {}: {what}", server.host, server.port, Phase::Connect.as_str()),
            phase: Phase::Connect,
        };
        let stream = dial(&server.host, server.port, server.timeout).await.map_err(|what| later(&what))?;
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
    pub(super) async fn open(&self) -> Result<(AsyncSmtpConnection, Offer), Outcome> {
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
            self.wire.secure(config, name).await.map_err(|error| tls::judge(&error, server))
        };
        match timeout(server.timeout, secured).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(TlsTrouble::Person(what))) => Err(self.needs_human(Phase::Handshake, &what)),
            Ok(Err(TlsTrouble::Line(what))) => Err(self.try_later(Phase::Handshake, &what)),
            Err(_) => Err(self.try_later(Phase::Handshake, &no_answer(server.timeout))),
        }
    }

    pub(super) async fn login(
        &self,
        connection: &mut AsyncSmtpConnection,
        offer: &Offer,
    ) -> Result<(), Outcome> {
        let server = self.submission.server;
        let Some(login) = &server.login else {
            return Ok(());
        };
        let Some(secret) = self.submission.secret else {
            return Err(self.needs_human(Phase::Login, "there is no secret to log in with"));
        };
        let Some(mechanism) =
            Mechanism::choose(|one| offer.auth.iter().any(|word| word == one.as_str()), secret)
        else {
            return Err(self.needs_human(Phase::Hello, &no_way_in(&offer.auth, secret)));
        };
        let mut responses = mechanism.responses(&server.host, server.port, &login.user, secret).into_iter();
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

    pub(super) async fn command(
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
    pub(super) fn refused(&self, phase: Phase, reply: &Reply) -> Outcome {
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

    pub(super) fn broken_words(&self) -> String {
        self.wire.broken().map_or_else(|| "the reply makes no sense".to_owned(), Broken::words)
    }

    pub(super) fn words(&self, phase: Phase, what: &str) -> String {
        let server = self.submission.server;
        format!("{}:{}, {}: {what}", server.host, server.port, phase.as_str())
    }

    pub(super) fn try_later(&self, phase: Phase, what: &str) -> Outcome {
        let words = self.words(phase, what);
        Outcome::TryLater { words, phase }
    }

    pub(super) fn rejected(&self, phase: Phase, what: &str) -> Outcome {
        let words = self.words(phase, what);
        Outcome::Rejected { words, phase }
    }

    pub(super) fn needs_human(&self, phase: Phase, what: &str) -> Outcome {
        let words = self.words(phase, what);
        Outcome::NeedsHuman { words, phase }
    }
}

/// Why none of the mechanisms `offered` will do for `secret`, and what to do.
fn no_way_in(offered: &[String], secret: &Secret) -> String {
    if offered.is_empty() {
        return "the server takes no login here (it offers no AUTH); name the port for sending in smtp.port \
                (465, or 587 with smtp.tls = \"starttls\"), or set smtp.login = \"none\" for a server on this machine"
            .to_owned();
    }
    let (takes, instead) = match secret {
        Secret::Password(_) => ("no password (PLAIN or LOGIN)", "smtp.oauth2, if it is one of these"),
        Secret::Token(_) => ("no OAuth2 token (OAUTHBEARER or XOAUTH2)", "smtp.password"),
    };
    format!("the server takes {takes}, only {}; use {instead}", offered.join(" "))
}

/// Says goodbye on the side: the caller records the outcome first, and no
/// answer to QUIT can change it.
pub(super) fn farewell(mut connection: AsyncSmtpConnection, deadline: Duration) {
    tokio::spawn(async move {
        let _ = timeout(deadline.min(FAREWELL_MAX), connection.command(Quit)).await;
    });
}
