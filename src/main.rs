//! The `notyet` command.

fn main() {}
