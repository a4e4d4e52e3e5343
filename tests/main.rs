//! One integration crate; a module per boundary.
#![allow(
    missing_docs,
    unreachable_pub,
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic
)]

mod support;

mod architecture;
mod authres;
mod bad_mail;
mod cli;
mod config;
mod corpus;
mod daemon;
mod deploy;
mod dkim;
mod docs;
mod forged;
mod frames;
mod fuzzed;
mod gates;
mod golden;
mod headers;
mod imap;
mod imap_courier;
mod imap_dovecot;
mod imap_select;
mod imap_touch;
mod ingest;
mod ledger;
mod letters;
mod machine;
mod maildir;
mod moves;
mod negatives;
mod notes;
mod openings;
mod passed_on;
mod people;
mod promises;
mod route;
mod rule_errors;
mod servers;
mod smtp;
mod smtp_postfix;
mod soak;
mod supply;
mod targets;
