//! Steps, and one loop: the only layer that acts on a plan.

pub mod account;
pub mod anchor;
mod answers;
pub mod backoff;
pub mod books;
pub mod brake;
mod candidates;
pub mod daemon;
pub mod deliver;
pub mod demo;
pub mod doctor;
mod entry;
pub mod examine;
mod folders;
pub mod ingest;
pub mod letters;
pub mod look;
pub mod needs;
pub mod outlook;
pub mod people;
pub mod port;
pub mod queue;
pub mod rebuild;
pub mod retention;
pub mod rules;
pub mod sandbox;
pub mod settle;
pub mod setup;
pub mod shared;
pub mod signatures;
mod strangers;
mod stumbles;
mod tell;
mod tidy;
pub mod undo;

pub use crate::shell::telemetry::{Telemetry, start as start_log};
