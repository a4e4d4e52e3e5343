//! Tests of the architecture boundary.
