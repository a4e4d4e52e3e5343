//! Bytes of strangers: a fault of ours in reading them is one more mail that cannot be read.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::domain::{Mail, RawMail};
use crate::rulebook::Rulebook;
use crate::stages::identify;
use crate::stages::parse::{self, Unreadable};
use crate::stages::recognise::Recognised;

/// Reads a header.
pub(super) fn read_header(bytes: &[u8]) -> Result<Mail, Unreadable> {
    catch_unwind(|| parse::parse_header(bytes)).unwrap_or(Err(Unreadable::Structure))
}

/// Says what a mail is, for callers without a mailbox.
pub(super) fn read_alone(raw: &RawMail, rules: &Rulebook) -> Result<(Mail, Recognised), Unreadable> {
    catch_unwind(AssertUnwindSafe(|| identify(raw, rules))).unwrap_or(Err(Unreadable::Structure))
}
