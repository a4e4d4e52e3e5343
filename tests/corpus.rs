//! Tests of the corpus boundary.
