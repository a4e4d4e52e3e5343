//! notyet.

pub mod app;
pub mod cli;
pub mod config;
pub mod domain;
pub mod rulebook;
pub mod shell;
pub mod stages;
