//! stages.

pub mod classify;
