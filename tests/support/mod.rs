//! What more than one test module needs.

pub mod dovecot;
pub mod golden;
pub mod peer;
pub mod postfix;
pub mod smtp_peer;
pub mod tls;
