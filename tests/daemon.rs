//! Tests of the daemon boundary.
