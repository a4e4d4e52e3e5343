//! Tests of the maildir boundary.
