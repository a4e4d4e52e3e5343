//! The sender port: hands one message to a submission server (RFC 6409), at most once.
//!
//! lettre's `AsyncSmtpConnection` speaks the protocol, one command at a time and
//! without a pool, over a stream of ours (`wire`) that keeps what lettre cannot
//! tell: what the server said word for word, whether it spoke out of turn, and
//! whether a body byte has left. lettre's `send` is not used, since it runs from
//! MAIL to the final reply in one go; between `command(Data)`, which reads the
//! 354, and `message`, which writes the first body byte, the caller commits.

#[doc(hidden)]
pub mod hear;
mod reply;
mod smtp;
mod talk;
mod tls;
mod wire;

use std::fmt;

use crate::config;
use crate::domain::Address;

use super::Secret;

pub use smtp::{probe, submit};

/// One message for one recipient.
#[derive(Clone, Copy)]
pub struct Submission<'a> {
    /// Where to.
    pub server: &'a config::Smtp,
    /// What to log in with; needed when the server has a login.
    pub secret: Option<&'a Secret>,
    /// The envelope sender: refusals after acceptance go there.
    pub from: &'a Address,
    /// The one envelope recipient.
    pub to: &'a Address,
    /// The whole message. Line ends are made CRLF on the way (RFC 5321 §2.3.8);
    /// nothing else is changed.
    pub message: &'a [u8],
}

impl fmt::Debug for Submission<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Submission({} bytes to {:?} by {}:{})",
            self.message.len(),
            self.to,
            self.server.host,
            self.server.port
        )
    }
}

/// How far a session had come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Name look-up and TCP connection.
    Connect,
    /// The server's greeting (RFC 5321 §3.1).
    Greeting,
    /// EHLO.
    Hello,
    /// STARTTLS (RFC 3207).
    StartTls,
    /// The TLS handshake.
    Handshake,
    /// AUTH (RFC 4954). What needs a person here is that the server refuses the secret.
    Login,
    /// MAIL.
    Mail,
    /// RCPT.
    Rcpt,
    /// DATA, up to its 354.
    Data,
    /// The caller's commit, between 354 and the first body byte.
    Commit,
    /// From the first body byte to the final reply.
    Body,
}

impl Phase {
    /// The word used in messages to the owner.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Greeting => "greeting",
            Self::Hello => "EHLO",
            Self::StartTls => "STARTTLS",
            Self::Handshake => "TLS handshake",
            Self::Login => "AUTH",
            Self::Mail => "MAIL",
            Self::Rcpt => "RCPT",
            Self::Data => "DATA",
            Self::Commit => "commit",
            Self::Body => "message",
        }
    }
}

/// What became of a submission. `words` name server and phase and quote the
/// server, shortened, addresses masked: they may go into a log as they stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// 250 after the final dot: the server has taken responsibility (RFC 5321 §6.1).
    Accepted {
        /// Its reply.
        reply: String,
    },
    /// Not sent; a later attempt may do.
    TryLater {
        /// What happened.
        words: String,
        /// Where.
        phase: Phase,
    },
    /// Not sent; the server will not take this message for this recipient.
    Rejected {
        /// What happened.
        words: String,
        /// Where.
        phase: Phase,
    },
    /// Perhaps sent: the body began, and no clear answer came (RFC 1047).
    Lost {
        /// What happened.
        words: String,
    },
    /// Nothing was sent, and nothing will be before a person has mended
    /// something: stop the port.
    NeedsHuman {
        /// What happened and what to do.
        words: String,
        /// Where.
        phase: Phase,
    },
}
