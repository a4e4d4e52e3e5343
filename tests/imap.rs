//! Tests of the imap boundary.
