//! rulebook.

pub mod boilerplate;
pub mod notes;
pub mod text;
