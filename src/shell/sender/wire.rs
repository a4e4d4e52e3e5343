//! The stream below lettre.
//!
//! lettre decides from an error type whose kinds are mostly private, reads
//! ahead into a buffer that it keeps over a STARTTLS, and gives up on replies
//! that are only untidy. So it speaks over this stream, of which we hold a
//! second handle:
//! - Reading hands out one reply line at a time and keeps it. Nothing is ever
//!   read ahead into lettre, so that bytes which arrive before a TLS handshake
//!   cannot pass for replies after it.
//! - Writing looks first whether the server has something to say. A reply that
//!   nobody asked for, or a closed line, stops the session *before* the next
//!   command, and in a body before the final dot.
//! - Bytes written are counted: none of a body means it was not sent.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use lettre::transport::smtp::client::AsyncTokioStream;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Bytes of one reply; more is an attack, or not SMTP. lettre parses a reply
/// anew with every line, so the work grows with the square of this.
const REPLY_MAX_BYTES: usize = 8 * 1024;
const READ_BYTES: usize = 4096;

/// A handle on the one stream of a session; clones share it.
#[derive(Clone)]
pub(super) struct Wire(Arc<Mutex<State>>);

struct State {
    line: Line,
    /// Came in, not yet handed out.
    unread: Vec<u8>,
    /// A tidied reply line that is being handed out, and how much of it is.
    handing: Vec<u8>,
    handed: usize,
    /// The reply since the last byte written, tidied.
    reply: String,
    /// Bytes of that reply as they came.
    reply_bytes: usize,
    written_bytes: u64,
    /// Why the stream stopped, when it did.
    broken: Option<Broken>,
}

enum Line {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
    /// During a handshake, and after a failed one.
    Gone,
}

/// What the wire saw go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Broken {
    /// The server closed the line.
    Closed,
    /// The server spoke when it was our turn.
    OutOfTurn,
    /// A reply without end.
    Endless,
    /// The line failed.
    Failed(io::ErrorKind),
}

impl Broken {
    pub(super) fn words(self) -> String {
        match self {
            Self::Closed => "the server closed the line".to_owned(),
            Self::OutOfTurn => "the server spoke out of turn".to_owned(),
            Self::Endless => "the reply has no end".to_owned(),
            Self::Failed(kind) => format!("the line broke ({kind})"),
        }
    }
}

impl Wire {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self(Arc::new(Mutex::new(State::new(Line::Plain(stream)))))
    }

    /// Bytes handed to the line so far.
    pub(super) fn written_bytes(&self) -> u64 {
        self.state().written_bytes
    }

    /// The reply lines since the last byte written.
    pub(super) fn reply(&self) -> String {
        self.state().reply.clone()
    }

    /// What went wrong, if anything did.
    pub(super) fn broken(&self) -> Option<Broken> {
        self.state().broken
    }

    /// Goes on reading after [`Broken::OutOfTurn`], to hear what the server has to say.
    pub(super) fn listen(&self) {
        let mut state = self.state();
        state.broken = None;
        state.reply.clear();
        state.reply_bytes = 0;
    }

    /// Turns the plain line into a TLS line.
    ///
    /// # Errors
    ///
    /// Those of the handshake; the line is gone then. Anything that the server
    /// sent before the handshake, beyond the reply that allowed it, is an error
    /// too (RFC 3207 §4.2).
    pub(super) async fn secure(
        &self,
        config: Arc<ClientConfig>,
        name: ServerName<'static>,
    ) -> io::Result<()> {
        let plain = {
            let mut state = self.state();
            if !state.unread.is_empty() || state.handed < state.handing.len() {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "data before the handshake"));
            }
            std::mem::replace(&mut state.line, Line::Gone)
        };
        let Line::Plain(stream) = plain else {
            return Err(io::ErrorKind::NotConnected.into());
        };
        let secured = TlsConnector::from(config).connect(name, stream).await?;
        let mut state = self.state();
        state.line = Line::Tls(Box::new(secured));
        state.reply.clear();
        state.reply_bytes = 0;
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere cannot leave the state half changed: no step here can panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn new(line: Line) -> Self {
        Self {
            line,
            unread: Vec::new(),
            handing: Vec::new(),
            handed: 0,
            reply: String::new(),
            reply_bytes: 0,
            written_bytes: 0,
            broken: None,
        }
    }

    fn fail(&mut self, broken: Broken) -> io::Error {
        self.broken.get_or_insert(broken);
        match broken {
            Broken::Failed(kind) => kind.into(),
            Broken::Closed => io::ErrorKind::UnexpectedEof.into(),
            Broken::OutOfTurn | Broken::Endless => io::ErrorKind::InvalidData.into(),
        }
    }

    /// Takes what has come in. `Ready(Ok(0))` is the end.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut bytes = [0; READ_BYTES];
        let mut buffer = ReadBuf::new(&mut bytes);
        let read = match &mut self.line {
            Line::Plain(stream) => Pin::new(stream).poll_read(cx, &mut buffer),
            Line::Tls(stream) => Pin::new(stream.as_mut()).poll_read(cx, &mut buffer),
            Line::Gone => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        };
        match ready!(read) {
            Ok(()) => {
                self.unread.extend_from_slice(buffer.filled());
                Poll::Ready(Ok(buffer.filled().len()))
            }
            // A TLS line cut without its close alert is closed for us all the same.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Poll::Ready(Ok(0)),
            Err(error) => Poll::Ready(Err(self.fail(Broken::Failed(error.kind())))),
        }
    }

    /// Makes the next whole line ready to be handed out, if it is here.
    fn take_line(&mut self) -> io::Result<bool> {
        let Some(end) = self.unread.iter().position(|b| *b == b'\n') else {
            if self.unread.len() + self.reply_bytes > REPLY_MAX_BYTES {
                return Err(self.fail(Broken::Endless));
            }
            return Ok(false);
        };
        let raw: Vec<u8> = self.unread.drain(..=end).collect();
        self.reply_bytes += raw.len();
        if self.reply_bytes > REPLY_MAX_BYTES {
            return Err(self.fail(Broken::Endless));
        }
        let line = tidy(&raw);
        self.reply.push_str(&line);
        self.handing = line.into_bytes();
        self.handed = 0;
        Ok(true)
    }

    fn hand_out(&mut self, to: &mut ReadBuf<'_>) {
        let rest = self.handing.get(self.handed..).unwrap_or_default();
        let now = rest.len().min(to.remaining());
        to.put_slice(rest.get(..now).unwrap_or_default());
        self.handed += now;
    }
}

/// The tidied lines of a reply that came as `bytes`; what is no whole line is left out.
pub(super) fn replies_in(bytes: &[u8]) -> io::Result<String> {
    let mut state = State::new(Line::Gone);
    state.unread.extend_from_slice(bytes);
    while state.take_line()? {}
    Ok(state.reply)
}

/// One reply line as lettre takes it: ASCII, CRLF, a blank after a bare code.
/// RFC 5321 §4.2 asks for the first two and lets servers leave out the third.
fn tidy(raw: &[u8]) -> String {
    let mut line: String =
        raw.iter().map(|byte| if byte.is_ascii() { char::from(*byte) } else { '?' }).collect();
    line.truncate(line.trim_end_matches(['\r', '\n']).len());
    if line.len() == 3 {
        line.push(' ');
    }
    line.push_str("\r\n");
    line
}

impl AsyncRead for Wire {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, to: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut state = self.state();
        loop {
            if state.handed < state.handing.len() || state.take_line()? {
                state.hand_out(to);
                return Poll::Ready(Ok(()));
            }
            if ready!(state.poll_fill(cx))? == 0 {
                // The end; half a line is no line.
                state.fail(Broken::Closed);
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut state = self.state();
        if state.broken.is_some() {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        if !state.unread.is_empty() || state.handed < state.handing.len() {
            return Poll::Ready(Err(state.fail(Broken::OutOfTurn)));
        }
        match state.poll_fill(cx) {
            Poll::Pending => {}
            Poll::Ready(Ok(0)) => return Poll::Ready(Err(state.fail(Broken::Closed))),
            Poll::Ready(Ok(_)) => return Poll::Ready(Err(state.fail(Broken::OutOfTurn))),
            Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
        }
        let written = match &mut state.line {
            Line::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Line::Tls(stream) => Pin::new(stream.as_mut()).poll_write(cx, bytes),
            Line::Gone => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        };
        match ready!(written) {
            Ok(count) => {
                state.written_bytes += u64::try_from(count).unwrap_or(u64::MAX);
                state.reply.clear();
                state.reply_bytes = 0;
                Poll::Ready(Ok(count))
            }
            Err(error) => Poll::Ready(Err(state.fail(Broken::Failed(error.kind())))),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.state();
        let flushed = match &mut state.line {
            Line::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Line::Tls(stream) => Pin::new(stream.as_mut()).poll_flush(cx),
            Line::Gone => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        };
        match ready!(flushed) {
            Ok(()) => Poll::Ready(Ok(())),
            Err(error) => Poll::Ready(Err(state.fail(Broken::Failed(error.kind())))),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.state().line {
            Line::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Line::Tls(stream) => Pin::new(stream.as_mut()).poll_shutdown(cx),
            Line::Gone => Poll::Ready(Ok(())),
        }
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wire")
    }
}

impl AsyncTokioStream for Wire {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        match &self.state().line {
            Line::Plain(stream) => stream.peer_addr(),
            Line::Tls(stream) => stream.get_ref().0.peer_addr(),
            Line::Gone => Err(io::ErrorKind::NotConnected.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn untidy_lines_become_tidy() {
        assert_eq!(tidy(b"250 ok\r\n"), "250 ok\r\n");
        assert_eq!(tidy(b"250 ok\n"), "250 ok\r\n");
        assert_eq!(tidy(b"250\r\n"), "250 \r\n");
        assert_eq!(tidy(b"250 gr\xfc\xdfe\r\n"), "250 gr??e\r\n");
        assert_eq!(tidy(b"\n"), "\r\n");
    }
}
