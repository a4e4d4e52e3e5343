//! All I/O, no policy. Each port speaks to one outside thing and answers with
//! domain values or a [`crate::domain::Fault`].

pub mod mailbox;
mod secret_value;
mod tls;

pub use secret_value::Secret;
