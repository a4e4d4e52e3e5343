//! Tests of the letters boundary.
