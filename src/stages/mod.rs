//! The pure way through: values in, values out. No clock, no randomness, no I/O.

pub mod decide;
pub mod html;
pub mod parse;
pub mod recognise;
