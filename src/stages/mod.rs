//! stages.

pub mod compose;
pub mod gates;
