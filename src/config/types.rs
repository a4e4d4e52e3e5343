//! The validated configuration.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::domain::after::AfterRule;
use crate::domain::sending::Sending;
use crate::domain::{Acquaintance, Address, PolicyOverride};

/// Everything the daemon needs to know from its owner.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Who writes the letters.
    pub owner: Owner,
    /// Folder of the ledger; created with mode 0700.
    pub state_dir: PathBuf,
    /// How long the ledger keeps names, notes and letters once an invitation is
    /// at an end; none: for ever.
    pub retention: Option<Duration>,
    /// Whom the owner knows: never declined.
    pub people: People,
    /// Whether the daemon gives up writing anywhere else.
    pub sandbox: Sandbox,
    /// The owner's own rules, overlaid over the shipped ones.
    pub rules_dir: Option<PathBuf>,
    /// What the config changes of the shipped policy.
    pub policy: PolicyOverride,
    /// When letters may be sent, and what stops all sending.
    pub sending: Sending,
    /// The time zone in which `sending` is meant (an IANA name); none: the system's.
    pub time_zone: Option<String>,
    /// What is wanted of notifications that are dealt with; the first that fits counts.
    pub after: Vec<AfterRule>,
    /// How to log.
    pub logging: Logging,
    /// The accounts in file order; at least one, names unique.
    pub accounts: Vec<Account>,
}

impl Config {
    /// Where each account's secrets come from, in file order.
    pub fn secrets(&self) -> impl Iterator<Item = &SecretSource> {
        self.accounts.iter().flat_map(|account| {
            let of_mailbox = match &account.kind {
                MailboxKind::Imap(imap) => Some(&imap.login.secret),
                MailboxKind::Maildir(_) => None,
            };
            let of_smtp = account.smtp.as_ref().and_then(|smtp| smtp.login.as_ref());
            of_mailbox.into_iter().chain(of_smtp.map(|login| &login.secret))
        })
    }
}

/// Whether the daemon restricts itself to write in its own places only (Landlock).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sandbox {
    /// No.
    Off,
    /// Where the kernel can, and no helper program would be restricted with it.
    Auto,
    /// Yes, or it does not start.
    Required,
}

/// Who writes the letters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The name letters are signed with.
    pub name: String,
    /// All addresses of the owner, at least one; letters come from the first
    /// unless the account says otherwise.
    pub addresses: Vec<Address>,
    /// A page of the owner's choice that letters may offer, for example a blog.
    pub link: Option<String>,
    /// The languages the owner writes (BCP 47), at least one. The first is
    /// their own: it answers whoever writes another one.
    pub languages: Vec<String>,
    /// What the owner is known for: words that no template knows.
    pub me: Me,
}

/// What the owner made and where they work, as strangers would name it: `[me]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Me {
    /// Titles of talks.
    pub talks: Vec<String>,
    /// Titles of books and articles.
    pub books: Vec<String>,
    /// Employers and companies, past and present. Templates fill these in, so they say less.
    pub companies: Vec<String>,
    /// Products and projects.
    pub products: Vec<String>,
}

impl Me {
    /// Nothing is known.
    pub const NOTHING: &'static Self =
        &Self { talks: Vec::new(), books: Vec::new(), companies: Vec::new(), products: Vec::new() };
}

/// Where it is written whom the owner knows: `[people]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct People {
    /// Those the owner listed.
    pub keep: Vec<Acquaintance>,
    /// vCard files, and folders of them.
    pub address_books: Vec<PathBuf>,
    /// Whether those the owner wrote to are known.
    pub learn_from_sent: bool,
}

impl Default for People {
    fn default() -> Self {
        Self { keep: Vec::new(), address_books: Vec::new(), learn_from_sent: true }
    }
}

/// How to log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logging {
    /// Where to and how.
    pub format: LogFormat,
    /// `error`, `warn`, `info`, `debug` or `trace`.
    pub level: String,
}

impl Default for Logging {
    fn default() -> Self {
        Self { format: LogFormat::Auto, level: "info".to_owned() }
    }
}

/// Where log lines go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// Human on a terminal, journald under systemd, JSON otherwise.
    Auto,
    /// Human text on stderr.
    Human,
    /// JSON lines on stderr.
    Json,
    /// The journal's native protocol.
    Journald,
}

/// One mailbox account.
#[derive(Clone, Debug, PartialEq)]
pub struct Account {
    /// The name in `[account.NAME]`: letters, digits, `-`, `_`.
    pub name: String,
    /// The address that its letters come from, one of the owner's.
    pub from: Address,
    /// Where the mail is.
    pub kind: MailboxKind,
    /// Mailboxes to watch; IDLE stands on the first, all are polled.
    pub mailboxes: Vec<String>,
    /// Drafts mailbox, for servers that announce none.
    pub drafts: Option<String>,
    /// Sent mailbox, for servers that announce none.
    pub sent: Option<String>,
    /// Whether we file the copy of a sent letter.
    pub sent_copy: SentCopy,
    /// The authserv-id of this provider's Authentication-Results (RFC 8601 §2.5);
    /// none: the provider gives no evidence.
    pub authserv_id: Option<String>,
    /// Whose DKIM check counts.
    pub dkim: Dkim,
    /// Who is asked for keys; none: the system's resolvers.
    pub resolver: Option<SocketAddr>,
    /// Time between two looks when nothing wakes us.
    pub poll_every: Duration,
    /// On the first run, take mail up to this old; none: start now.
    pub since: Option<Duration>,
    /// How to send; none: this account only drafts.
    pub smtp: Option<Smtp>,
}

impl Account {
    /// No mail of it can be shown to be authentic, so nothing is ever sent.
    pub fn is_blind(&self) -> bool {
        self.authserv_id.is_none() && self.dkim == Dkim::Provider
    }

    /// A body larger than this is quarantined, not read. A local file costs
    /// no transfer, but a mail of that size is no notification there either.
    pub fn max_body_bytes(&self) -> u32 {
        const LOCAL: u32 = 1024 * 1024;
        match &self.kind {
            MailboxKind::Imap(imap) => imap.max_body_bytes,
            MailboxKind::Maildir(_) => LOCAL,
        }
    }
}

/// Whose DKIM check (RFC 6376) counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dkim {
    /// The provider's, as its Authentication-Results tell it.
    Provider,
    /// Ours as well; the keys come from the DNS.
    Verify,
}

/// Where the mail is.
#[derive(Clone, Debug, PartialEq)]
pub enum MailboxKind {
    /// A server.
    Imap(Imap),
    /// A folder on this machine.
    Maildir(Maildir),
}

/// A Maildir, in Maildir++ layout (`.Drafts`, `.Sent` below it).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Maildir {
    /// The folder that holds `cur`, `new` and `tmp` of INBOX.
    pub path: PathBuf,
}

/// An IMAP server.
#[derive(Clone, Debug, PartialEq)]
pub struct Imap {
    /// Host name, checked against the certificate.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// How the line is protected.
    pub tls: Tls,
    /// A PEM file of authorities to trust instead of the system's (for a server of one's own).
    pub ca_file: Option<PathBuf>,
    /// Whether to use IDLE (RFC 2177) where offered.
    pub idle: bool,
    /// Deadline of every wait for the server, save IDLE.
    pub timeout: Duration,
    /// A body larger than this is quarantined, not fetched.
    pub max_body_bytes: u32,
    /// Who we are.
    pub login: Login,
}

/// An SMTP submission server (RFC 6409).
#[derive(Clone, Debug, PartialEq)]
pub struct Smtp {
    /// Host name, checked against the certificate.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// How the line is protected.
    pub tls: Tls,
    /// A PEM file of authorities to trust instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// Deadline of every phase.
    pub timeout: Duration,
    /// Who we are; none only on a loopback address.
    pub login: Option<Login>,
}

/// How a connection is protected. There is no opportunistic mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls {
    /// TLS from the first byte (RFC 8314).
    Implicit,
    /// STARTTLS, required: no STARTTLS, no session.
    StartTls,
    /// Plain text; validated to be a loopback address.
    LoopbackPlain,
}

/// User name and how to get at the secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// User name.
    pub user: String,
    /// Where the secret comes from, each time anew.
    pub secret: SecretSource,
}

/// Where a secret comes from. Never the config file itself, never the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// `password.command`: argv; the first line of its output is the password.
    PasswordCommand(Vec<String>),
    /// `password.file`: first line; refused when group or others can read it.
    PasswordFile(PathBuf),
    /// `password.credential`: name of a systemd credential (LoadCredential).
    PasswordCredential(String),
    /// `oauth2.token_command`: argv; the first line is an access token (XOAUTH2, OAUTHBEARER).
    TokenCommand(Vec<String>),
}

/// Who files the copy of a sent letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SentCopy {
    /// We do, unless a copy with our Message-ID shows up by itself.
    File,
    /// The provider does (Gmail, Microsoft).
    Provider,
}
