//! The one TOML file, validated: a value of type [`Config`] can be run as it is.

mod types;

pub use types::{
    Account, Config, Imap, LogFormat, Logging, Login, MailboxKind, Maildir, Owner, SecretSource, SentCopy,
    Smtp, Tls,
};
