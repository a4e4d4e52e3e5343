//! Landlock (landlock(7)): the process gives up writing anywhere but where it
//! has to. Reading, running programs and the network stay as they are.

use std::path::{Path, PathBuf};

use landlock::{
    ABI, AccessFs, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError, RulesetStatus, path_beneath_rules,
};

/// What the kernel made of the wish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enforced {
    /// Every kind of writing we know of is restricted.
    Fully,
    /// An older kernel does not know all of them.
    Partly,
    /// The kernel has no Landlock, or it is switched off.
    Not,
}

/// Restricts this thread, and all threads and programs it starts from now on, to
/// write below `folders` alone (and to `/dev/null`). It cannot be undone. A folder
/// that is not there gives no permission.
///
/// # Errors
/// The words of the kernel.
pub fn write_only_below(folders: &[PathBuf]) -> Result<Enforced, String> {
    restrict(folders).map_err(|error| error.to_string())
}

fn restrict(folders: &[PathBuf]) -> Result<Enforced, RulesetError> {
    let writing = AccessFs::from_write(ABI::V5);
    let status = Ruleset::default()
        .handle_access(writing)?
        .create()?
        .add_rules(path_beneath_rules(folders, writing))?
        // Programs that are run get it as their standard error.
        .add_rules(path_beneath_rules([Path::new("/dev/null")], AccessFs::WriteFile))?
        .restrict_self()?;
    Ok(match status.ruleset {
        RulesetStatus::FullyEnforced => Enforced::Fully,
        RulesetStatus::PartiallyEnforced => Enforced::Partly,
        RulesetStatus::NotEnforced => Enforced::Not,
    })
}
