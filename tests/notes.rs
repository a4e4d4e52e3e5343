//! Tests of the notes boundary.
