//! What more than one test module needs.

use proptest::test_runner::Config as ProptestConfig;

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

/// No file of failures beside the sources: a found case becomes a named test.
pub fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases) }
}
