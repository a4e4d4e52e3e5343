//! Who watches a look into a mailbox.

use crate::domain::{Mail, Plan};
use crate::shell::mailbox::Uid;
use crate::stages::recognise::Recognised;

/// What became of one mail, told while it happens.
#[derive(Debug)]
pub enum Seen<'a> {
    /// Its header says it is no candidate: the body stayed on the server.
    Passed {
        /// The header, where it could be read.
        header: Option<&'a Mail>,
    },
    /// It was read; plans were made where it tells of invitations.
    Read {
        /// The mail.
        mail: &'a Mail,
        /// What it is.
        recognised: &'a Recognised,
        /// One plan for each invitation.
        plans: &'a [Plan],
    },
    /// It could not be read and is listed for the owner.
    Quarantined {
        /// The header, where it could be read.
        header: Option<&'a Mail>,
        /// Why.
        why: &'a str,
    },
}

/// Somebody who watches a pass: a progress bar, a table, nobody.
pub trait Observer: Send {
    /// So many more mails will be looked at.
    fn expect(&mut self, _mails: usize) {}
    /// So far the Sent folder was read for the people in it: UIDs below the first of all below the second.
    fn learning(&mut self, _read: u32, _all: u32) {}
    /// What became of one.
    fn seen(&mut self, _uid: Uid, _seen: &Seen<'_>) {}
}

/// Nobody watches.
#[derive(Debug)]
pub struct Unwatched;
impl Observer for Unwatched {}
