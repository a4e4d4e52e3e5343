//! rulebook.

pub mod letters;
pub mod policy;
