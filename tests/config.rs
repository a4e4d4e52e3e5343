//! Tests of the config boundary.
