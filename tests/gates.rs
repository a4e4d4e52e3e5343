//! Tests of the gates boundary.
