//! The real IMAP servers that the whole daemon is tried on, and what is
//! different about each.

use std::path::PathBuf;

use super::client::Client;
use super::courier::{Courier, Telling};
use super::cyrus::{Cyrus, Names};
use super::dovecot::Dovecot;

/// What is different about one.
pub struct Kind {
    /// What stands before the name of a folder at the top.
    pub prefix: &'static str,
    /// What stands between a folder and one in it.
    pub separator: char,
    /// The folder of sent mail.
    pub sent: &'static str,
    /// How it moves one mail.
    pub moves: Moves,
    /// `poll_every` of those who IDLE. That of Courier may tell nothing: what watches for it
    /// (gamin 0.1.10) loses a mail that comes while it is told to watch anew.
    pub poll_beside_idle: &'static str,
    start: fn() -> Option<Running>,
}

/// How a server moves one mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moves {
    /// MOVE (RFC 6851).
    AtOnce,
    /// COPY, and the removal of the original by UID EXPUNGE (RFC 4315).
    ByCopy,
}

/// Dovecot.
pub const DOVECOT: Kind = Kind {
    prefix: "",
    separator: '.',
    sent: "Posted",
    moves: Moves::AtOnce,
    poll_beside_idle: "5m",
    start: || Dovecot::start().map(Running::Dovecot),
};
/// Courier.
pub const COURIER: Kind = Kind {
    prefix: "INBOX.",
    separator: '.',
    sent: "INBOX.Sent",
    moves: Moves::ByCopy,
    poll_beside_idle: "10s",
    start: || Courier::start(Telling::AtOnce).map(Running::Courier),
};
/// Cyrus, as it comes.
pub const CYRUS: Kind = Kind {
    prefix: "",
    separator: '/',
    sent: "Posted",
    moves: Moves::AtOnce,
    poll_beside_idle: "5m",
    start: || Cyrus::start(Names::Slashes).map(Running::Cyrus),
};
/// Cyrus with `unixhierarchysep: no`.
pub const CYRUS_WITH_DOTS: Kind =
    Kind { separator: '.', start: || Cyrus::start(Names::Dots).map(Running::Cyrus), ..CYRUS };
/// Cyrus with `altnamespace: no` as well, as Debian configures it.
pub const CYRUS_BELOW_INBOX: Kind = Kind {
    prefix: "INBOX.",
    sent: "INBOX.Posted",
    start: || Cyrus::start(Names::BelowInbox).map(Running::Cyrus),
    ..CYRUS_WITH_DOTS
};

/// A running server; it ends when dropped.
pub struct Server {
    /// What is different about it.
    pub kind: Kind,
    running: Running,
}

enum Running {
    Dovecot(Dovecot),
    Courier(Courier),
    Cyrus(Cyrus),
}

impl Server {
    /// Starts one. `None`, said loudly, where there is none to start.
    pub fn start(kind: Kind) -> Option<Self> {
        let running = (kind.start)()?;
        Some(Self { kind, running })
    }

    /// TLS from the first byte.
    pub fn imaps_port(&self) -> u16 {
        match &self.running {
            Running::Dovecot(server) => server.imaps_port,
            Running::Courier(server) => server.imaps_port,
            Running::Cyrus(server) => server.imaps_port,
        }
    }

    /// The authority that vouches for it as `localhost`.
    pub fn ca_file(&self) -> PathBuf {
        match &self.running {
            Running::Dovecot(server) => server.ca_file(),
            Running::Courier(server) => server.ca_file(),
            Running::Cyrus(server) => server.ca_file(),
        }
    }

    /// STARTTLS, and plain text for loopback.
    pub fn port(&self) -> u16 {
        match &self.running {
            Running::Dovecot(server) => server.imap_port,
            Running::Courier(server) => server.port,
            Running::Cyrus(server) => server.port,
        }
    }

    /// Delivers `message` into the INBOX, as the server's delivery agent would.
    pub fn deliver(&self, message: &str) {
        match &self.running {
            Running::Dovecot(server) => server.deliver(message),
            Running::Courier(server) => server.storage().deliver("", message),
            Running::Cyrus(server) => server.deliver(message),
        }
    }

    /// Ends every session and listens again on the same port.
    pub fn restart(&mut self) {
        match &mut self.running {
            Running::Dovecot(server) => server.restart(),
            Running::Courier(server) => server.restart(),
            Running::Cyrus(server) => server.restart(),
        }
    }

    /// The full name of a folder at the top.
    pub fn folder(&self, name: &str) -> String {
        format!("{}{name}", self.kind.prefix)
    }

    /// The owner's mail program.
    pub fn client(&self) -> Client {
        Client::login(self.port())
    }
}
