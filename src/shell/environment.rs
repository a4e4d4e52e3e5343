//! What the environment says.

use std::ffi::OsString;

/// The environment variable of that name; none when it is not set.
pub fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}
