//! All I/O, no policy. Each port speaks to one outside thing and answers with
//! domain values or a [`crate::domain::Fault`].

pub mod clock;
mod dial;
pub mod dns;
pub mod environment;
pub mod files;
mod line_ends;
pub mod mailbox;
pub mod notify;
pub mod sandbox;
mod sasl;
mod secret_value;
pub mod secrets;
pub mod sender;
pub mod store;
pub mod telemetry;
mod tls;

pub use secret_value::Secret;
