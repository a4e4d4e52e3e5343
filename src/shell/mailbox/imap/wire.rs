//! One connection, one command at a time, each with its own end.
//!
//! The wire is *ready* only when the last command was answered by the tagged
//! line with its own tag. A deadline that passed, an answer that could not be
//! read, a caller that dropped the future half-way: all leave it *busy*, and a
//! busy wire refuses every further command. So no command can ever read the
//! rest of an earlier one's answer.

use std::future::Future;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, timeout, timeout_at};

use super::command::{Command, Wiped};
use super::frame::{Caps, Framer, Oversized};
use super::response::{self, Response, Status, Text};
use crate::domain::Fault;

/// Less than that within one `timeout` is no progress.
const PROGRESS_BYTES: u64 = 64 << 10;

/// A byte stream, encrypted or not.
pub(super) trait Line: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Line for T {}

/// Why a command did not end in OK.
#[derive(Debug)]
pub(super) enum Failure {
    /// The server refused it; the connection is as good as before.
    Refused(Refusal),
    /// The connection cannot be used any more.
    Fault(Fault),
}

/// A tagged NO or BAD.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: Status,
    pub(super) text: Text,
    /// Server and command, for messages.
    tried: String,
}

impl Refusal {
    /// What was tried and what came back; the caller adds what to do.
    pub(super) fn story(&self) -> String {
        format!("{}: the server answered {} {}", self.tried, self.status.as_str(), self.text.for_message())
    }

    /// The same without the server's words, which may repeat a login.
    pub(super) fn story_without_words(&self) -> String {
        let answer = format!("{} {}", self.status.as_str(), self.text.code_for_message());
        format!("{}: the server answered {}", self.tried, answer.trim_end())
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// The class of a refusal that the caller has no better word for.
impl From<Failure> for Fault {
    fn from(failure: Failure) -> Self {
        use super::response::Code;
        match failure {
            Failure::Fault(fault) => fault,
            Failure::Refused(refusal) => match (&refusal.text.code, refusal.status) {
                (Some(Code::OverQuota), _) => {
                    Self::NeedsHuman(format!("{}; make room in that mailbox", refusal.story()))
                }
                // Within a session: the token is read anew for the next connection, whose login tells more.
                (Some(Code::Expired), _) => {
                    Self::Transient(format!("{}; a new connection will be tried", refusal.story()))
                }
                (Some(Code::NoPerm | Code::ContactAdmin), _) => {
                    Self::NeedsHuman(format!("{}; ask who runs the server", refusal.story()))
                }
                (Some(Code::TooBig), _) => Self::Permanent(refusal.story()),
                (_, Status::Bad) => Self::Permanent(format!(
                    "{}; this server does not understand the command",
                    refusal.story()
                )),
                _ => Self::Transient(format!("{}; it will be tried again", refusal.story())),
            },
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Ready,
    Busy(&'static str),
}

/// The connection.
pub(super) struct Wire {
    line: Box<dyn Line>,
    framer: Framer,
    /// `host:port`, for messages.
    server: String,
    state: State,
    timeout: Duration,
    /// When the present wait ends, and the present command at the latest.
    patience: (Instant, Instant),
    last_tag: u32,
    round_trips: u64,
    bytes_received: u64,
}

impl Wire {
    pub(super) fn new(line: Box<dyn Line>, server: String, timeout: Duration) -> Self {
        let now = Instant::now();
        let mut wire = Self {
            line,
            framer: Framer::default(),
            server,
            state: State::Ready,
            timeout,
            patience: (now, now),
            last_tag: 0,
            round_trips: 0,
            bytes_received: 0,
        };
        wire.be_patient_anew();
        wire
    }

    /// The same wire over the line that `wrap` makes of the present one; what
    /// came before the change is not to be believed (RFC 9051 §6.2.1).
    pub(super) async fn replace_line<F>(self, wrap: impl FnOnce(Box<dyn Line>) -> F) -> Result<Self, Fault>
    where
        F: Future<Output = Result<Box<dyn Line>, Fault>>,
    {
        if !self.framer.is_empty() {
            return Err(self.transient(
                "STARTTLS",
                "sent more in plain text behind its OK, as an intruder on the line would",
            ));
        }
        let line = wrap(self.line).await?;
        Ok(Self { line, ..self })
    }

    pub(super) fn server(&self) -> &str {
        &self.server
    }

    pub(super) fn round_trips(&self) -> u64 {
        self.round_trips
    }

    pub(super) fn bytes_received(&self) -> u64 {
        self.bytes_received
    }

    pub(super) fn is_ready(&self) -> bool {
        self.state == State::Ready
    }

    pub(super) fn set_caps(&mut self, caps: Caps) {
        self.framer.caps = caps;
    }

    /// Runs `command` to its tagged end. `sink` gets the untagged data, and
    /// `respond` the text of every `+` that no literal waits for.
    ///
    /// # Errors
    /// [`Failure::Refused`] for NO and BAD; anything else is a fault after
    /// which the wire stays busy.
    pub(super) async fn run(
        &mut self,
        command: Command,
        respond: &mut (dyn FnMut(&[u8]) -> Option<Wiped> + Send),
        sink: &mut (dyn FnMut(Response) -> Result<(), Fault> + Send),
    ) -> Result<Text, Failure> {
        let verb = command.verb;
        let tag = self.start(verb)?;
        let mut pieces = command.into_pieces(&tag);
        if let Some(first) = pieces.next() {
            self.write(verb, &first).await?;
        }
        loop {
            match self.next(verb).await? {
                Response::Tagged { tag: ended, status, text } if ended == tag => {
                    if status == Status::Ok && pieces.len() > 0 {
                        let what = "said OK before it had the whole command";
                        return Err(self.transient(verb, what).into());
                    }
                    return self.end(verb, status, text);
                }
                Response::Tagged { .. } => {
                    return Err(self.transient(verb, "answered another command").into());
                }
                Response::Continue(text) => {
                    let Some(piece) = pieces.next().or_else(|| respond(&text)) else {
                        return Err(self.transient(verb, "waits for what we do not have").into());
                    };
                    self.write(verb, &piece).await?;
                }
                Response::Bye(_) if verb == "LOGOUT" => {}
                Response::Bye(text) => return Err(self.bye(verb, &text).into()),
                untagged => sink(untagged)?,
            }
        }
    }

    /// Begins a command that is driven by hand; [`Wire::end`] is its end.
    pub(super) fn start(&mut self, verb: &'static str) -> Result<String, Fault> {
        if let State::Busy(unfinished) = self.state {
            return Err(Fault::Transient(format!(
                "IMAP {}: {unfinished} was never answered in full, so {verb} needs a new connection",
                self.server
            )));
        }
        self.state = State::Busy(verb);
        self.last_tag += 1;
        self.be_patient_anew();
        Ok(format!("N{}", self.last_tag))
    }

    /// The tagged line came.
    pub(super) fn end(&mut self, verb: &str, status: Status, text: Text) -> Result<Text, Failure> {
        self.state = State::Ready;
        match status {
            Status::Ok => Ok(text),
            Status::No | Status::Bad => Err(Failure::Refused(Refusal {
                status,
                text,
                tried: format!("IMAP {}, {verb}", self.server),
            })),
        }
    }

    /// Writes `bytes`, after which the server is to speak.
    pub(super) async fn write(&mut self, verb: &str, bytes: &[u8]) -> Result<(), Fault> {
        self.round_trips += 1;
        let line = &mut self.line;
        let write = async {
            line.write_all(bytes).await?;
            line.flush().await
        };
        match timeout(self.timeout, write).await {
            Err(_) => Err(self.transient(verb, "takes no more from us")),
            Ok(Err(error)) => Err(self.broken(verb, &error)),
            Ok(Ok(())) => {
                self.be_patient_anew();
                Ok(())
            }
        }
    }

    /// The next response, within the deadline. Who keeps sending a large one
    /// gets more time.
    pub(super) async fn next(&mut self, verb: &str) -> Result<Response, Fault> {
        loop {
            let before = self.bytes_received;
            let until = self.patience.0.min(self.patience.1);
            let waited = timeout_at(until, self.next_unhurried(verb)).await;
            let now = Instant::now();
            if let Ok(answer) = waited {
                self.patience.0 = now + self.timeout;
                return answer;
            }
            if self.bytes_received - before < PROGRESS_BYTES || now >= self.patience.1 {
                let what = format!("was silent, or too slow, for {} s", self.timeout.as_secs());
                return Err(self.transient(verb, &what));
            }
            self.patience.0 = now + self.timeout;
        }
    }

    /// The next response, whenever it comes. Dropping the future loses nothing.
    pub(super) async fn next_unhurried(&mut self, verb: &str) -> Result<Response, Fault> {
        loop {
            match self.framer.take() {
                Ok(Some(frame)) => {
                    return response::parse(&frame)
                        .ok_or_else(|| self.transient(verb, "answered in no form that IMAP knows"));
                }
                Ok(None) => {}
                Err(Oversized::Line(bytes)) => {
                    let what = format!("sent a line of {bytes} bytes without an end");
                    return Err(self.transient(verb, &what));
                }
                Err(Oversized::Literal(bytes)) => {
                    let what = format!("announced a literal of {bytes} bytes, more than was asked");
                    return Err(self.transient(verb, &what));
                }
            }
            match self.line.read_buf(self.framer.room()).await {
                Ok(0) => return Err(self.transient(verb, "closed the connection")),
                Ok(read) => self.bytes_received += read as u64,
                Err(error) => return Err(self.broken(verb, &error)),
            }
        }
    }

    /// Gives the server `span` from now, instead of the usual time.
    pub(super) fn hurry(&mut self, span: Duration) {
        self.patience = (Instant::now() + span, Instant::now() + span);
    }

    fn be_patient_anew(&mut self) {
        let now = Instant::now();
        // A server that drips one response after the other ends as well.
        self.patience = (now + self.timeout, now + self.timeout * 10);
    }

    /// The fault for a BYE nobody asked for.
    pub(super) fn bye(&self, verb: &str, text: &Text) -> Fault {
        self.transient(verb, &format!("hung up: {}", text.for_message()))
    }

    /// A transient fault: `what` the server did while `verb` was tried.
    pub(super) fn transient(&self, verb: &str, what: &str) -> Fault {
        Fault::Transient(format!(
            "IMAP {}, {verb}: the server {what}; a new connection will be tried",
            self.server
        ))
    }

    fn broken(&self, verb: &str, error: &std::io::Error) -> Fault {
        self.transient(verb, &format!("broke the connection ({})", error.kind()))
    }
}
