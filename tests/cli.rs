//! Tests of the cli boundary.
