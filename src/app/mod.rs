//! Steps, and one loop: the only layer that acts on a plan.

pub mod account;
pub mod backoff;
pub mod daemon;
pub mod deliver;
pub mod examine;
pub mod ingest;
pub mod port;
pub mod settle;
pub mod setup;
pub mod shared;
