//! What outlives a reload.

use crate::domain::delivery::Event;
use crate::shell::store::{Delivery, Detail, Ledger};

/// What a reload must not lose.
pub struct Kept {
    /// The ledger; its lock stays ours.
    pub ledger: Ledger,
    /// What the ledger has not taken yet.
    pub owed: Vec<Owed>,
}

/// The outcome of a transmission, which nobody can find out again.
pub struct Owed {
    pub(super) letter: Delivery,
    pub(super) event: Event,
    pub(super) words: String,
    pub(super) detail: Detail,
}
