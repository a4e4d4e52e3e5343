//! What more than one test module needs.

pub mod client;
pub mod courier;
pub mod cyrus;
pub mod dns;
pub mod dovecot;
pub mod fault;
pub mod frames;
pub mod golden;
pub mod home;
pub mod hostile;
pub mod mails;
pub mod peer;
pub mod postfix;
pub mod servers;
pub mod signer;
pub mod smtp_peer;
pub mod tap;
pub mod targets;
pub mod tls;
pub mod unpacked;
