//! All I/O, no policy. Each port speaks to one outside thing and answers with
//! domain values or a [`crate::domain::Fault`].

pub mod clock;
pub mod files;
pub mod mailbox;
pub mod store;
