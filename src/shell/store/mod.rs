//! The ledger: every invitation, every plan, every letter and its fate, in one
//! SQLite file.
//!
//! What it promises:
//! - **Kill-safe.** Each mutating call is one transaction, committed with
//!   `synchronous=FULL` before it returns. A crash leaves the state before the
//!   call or the state after it.
//! - **One letter per invitation.** `delivery` has the invitation key as its
//!   primary key, and [`Ledger::commit_batch`] refuses a second letter for an
//!   invitation that is the same under another key.
//! - **One daemon.** A kernel lock keeps a second daemon out and is gone with
//!   the process. Readers ([`Ledger::open_read_only`]) need none.
//! - **A person beside it.** [`Ledger::open_beside`] writes while the daemon
//!   runs: every write is an immediate transaction that reads the state it
//!   changes, so SQLite puts the two in order and the later one is refused where
//!   the machine has no such move. The daemon records a move *before* it acts,
//!   so a refusal there means that nothing was done. It learns of the other's
//!   writes by [`Ledger::writes_of_others`].
//!
//! The folder must be on a local disk: neither WAL nor the lock works over NFS
//! or SMB (<https://www.sqlite.org/wal.html>). Links with sign-in tokens never
//! reach this module: [`crate::domain::Invitation`] holds canonical URLs only.
//!
//! Not chosen: a table of requests that the daemon works off (a person would
//! wait for an answer, and without a daemon for ever); SQLite's exclusive locking mode as the daemon's lock (it would
//! shut out `status`), and a pid file (it outlives a crash).

mod answers;
mod batch;
mod books;
mod brake;
mod cursor;
mod delivery;
mod erase;
mod hand;
mod hold;
mod inviter;
mod known;
mod ledger;
mod lock;
mod migrate;
mod people;
mod place;
mod rebuild;
mod refused;
mod status;
mod stumbles;
mod touch;
mod words;

use std::path::Path;

use rusqlite::{Error, ErrorCode};

use crate::domain::Fault;

pub use answers::Answered;
pub use batch::{Batch, Committed, Entry, NewDelivery, Start};
pub use books::Book;
pub use cursor::{Cursor, PortFault, PortKind, Told};
pub use delivery::{Delivery, Detail, Moved};
pub use erase::{Forgot, Trace};
pub use hand::Case;
pub use hold::Hold;
pub use known::{Known, Left};
pub use ledger::Ledger;
pub use lock::Holder;
pub use people::SentCursor;
pub use rebuild::{FoundAgain, FoundLetter, Whereabouts};
pub use refused::Used;
pub use status::{AccountStatus, Quarantined, Status, Waiting, Withheld};
pub use stumbles::{Part, Stumble, UidScope};
pub use touch::{Touch, Touched, Undo, Withdrawn};

/// What a person has to see to where the state folder cannot be written to.
const OURS: &str = "the state folder must be on a local disk and belong to the user notyet runs as";

/// What a failed statement means for the caller. SQLite's words hold names of
/// tables and columns, never values.
fn sql_fault(path: &Path, tried: &str, error: &Error) -> Fault {
    let words = |remedy: &str| format!("{}: {tried}: {error}; {remedy}", path.display());
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            Fault::Transient(words("another program holds the file"))
        }
        Some(ErrorCode::DiskFull) => Fault::Transient(words("make room on that disk")),
        Some(ErrorCode::SystemIoFailure) => Fault::Transient(words("look for a full or failing disk")),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Fault::NeedsHuman(words(
            "the file is damaged: put back a copy of it, or move it away (together with its -wal and -shm files) to begin anew",
        )),
        Some(
            ErrorCode::CannotOpen
            | ErrorCode::ReadOnly
            | ErrorCode::PermissionDenied
            | ErrorCode::FileLockingProtocolFailed,
        ) => Fault::NeedsHuman(words(OURS)),
        Some(ErrorCode::ConstraintViolation) => Fault::Permanent(words("nothing was changed")),
        _ => Fault::Permanent(words("nothing was changed; this is a fault of the program")),
    }
}
