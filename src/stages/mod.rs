//! stages.

pub mod mime;
