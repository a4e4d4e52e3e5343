//! Tests of the smtp boundary.
