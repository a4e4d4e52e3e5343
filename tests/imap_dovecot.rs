//! Tests of the imap_dovecot boundary.
