//! What is forgotten: everything after a time, and one person when told.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use super::entry::DAY;
use super::queue::Hand;
use super::shared::Shared;
use crate::domain::{Address, Fault, Timestamp};
use crate::shell::store::{Forgot, Trace};
use crate::stages::people::address_key;
use crate::stages::recognise::same_name;

/// When old words are looked for again.
#[derive(Debug, Default)]
pub struct NextErasure {
    at: AtomicI64,
    /// Words were erased, and somebody else read the ledger, so that their bytes are still there.
    owed: AtomicBool,
}

/// After such a disturbance it is tried again so soon.
const SOON: Duration = Duration::from_secs(60 * 60);

/// Erases what is older than the owner wants it kept: at the first pass of a
/// process, and then daily.
///
/// # Errors
/// A [`Fault`] of the ledger.
pub(super) fn keep_to_it(shared: &Shared) -> Result<(), Fault> {
    let (Some(retention), now) = (shared.retention, shared.now()) else { return Ok(()) };
    if now.unix_s() < shared.next_erasure.at.load(Ordering::Relaxed) {
        return Ok(());
    }
    let mut ledger = shared.ledger();
    let erased = ledger.erase_older(now.minus(retention), now)?;
    if erased > 0 {
        tracing::info!(invitations = erased, "erased the words of old invitations");
    }
    let owed = erased > 0 || shared.next_erasure.owed.load(Ordering::Relaxed);
    let disturbed = match if owed { ledger.scrub() } else { Ok(()) } {
        Ok(()) => false,
        Err(fault @ Fault::Transient(_)) => {
            tracing::warn!("{fault}; it is tried again within the hour");
            true
        }
        Err(fault) => return Err(fault),
    };
    shared.next_erasure.owed.store(disturbed, Ordering::Relaxed);
    let wait = if disturbed { SOON } else { DAY };
    shared.next_erasure.at.store(now.plus(wait).unix_s(), Ordering::Relaxed);
    Ok(())
}

/// What came of forgetting somebody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// Invitations whose words were erased.
    pub invitations: usize,
    /// Letters that waited and go nowhere now.
    pub letters_dropped: usize,
    /// Invitations whose letter is on the wire this moment, or with a move or an
    /// undo under way: they keep their words.
    pub busy: usize,
}

impl Hand {
    /// Erases at once what is known of the person with that name or address.
    ///
    /// # Errors
    /// A [`Fault`] of the ledger.
    pub fn forget(&mut self, person: &str, now: Timestamp) -> Result<Forgotten, Fault> {
        let address = Address::parse(person.trim());
        let mut keys = Vec::new();
        for trace in self.ledger.traces()? {
            let is_theirs = match &address {
                Some(address) => self.is_of(&trace, address)?,
                None => same_name(&trace.inviter_name, person),
            };
            if is_theirs {
                keys.push(trace.key);
            }
        }
        keys.dedup();
        let mut forgotten = Forgotten::default();
        let erased = keys.iter().try_for_each(|key| {
            let (invitations, letters, busy) = match self.ledger.forget(key, now)? {
                Forgot::Erased => (1, 0, 0),
                Forgot::ErasedAndDropped => (1, 1, 0),
                Forgot::Busy => (0, 0, 1),
            };
            forgotten.invitations += invitations;
            forgotten.letters_dropped += letters;
            forgotten.busy += busy;
            Ok(())
        });
        // Also where nothing is left to erase: the last time somebody may have read meanwhile.
        let scrubbed = self.ledger.scrub();
        erased.and(scrubbed).map(|()| forgotten)
    }

    /// Its letter goes there, or they wrote from there.
    fn is_of(&self, trace: &Trace, address: &Address) -> Result<bool, Fault> {
        let recipient = trace.recipient.as_deref().and_then(Address::parse);
        if recipient.is_some_and(|recipient| recipient.same_mailbox(address)) {
            return Ok(true);
        }
        self.ledger.is_inviter(&trace.key, &address_key(address))
    }
}
