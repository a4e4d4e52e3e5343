//! What all accounts of one daemon share, and what one account remembers.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::tz::TimeZone;
use tokio::sync::watch;
use tokio::time::Instant;

use super::account::End;
use super::books::Books;
pub use super::owed::{Kept, Owed};
use super::retention::NextErasure;
use super::tell::{Known, tell};
use crate::config::Account;
use crate::config::{Owner, People};
use crate::domain::after::AfterRule;
use crate::domain::delivery::{Event, ParkedFor};
use crate::domain::sending::Sending;
use crate::domain::{Encounter, Fault, PersonKey, Policy, Timestamp};
use crate::rulebook::Rulebook;
use crate::shell::mailbox::Access;
use crate::shell::mailbox::maildir::UidBook;
use crate::shell::store::{Delivery, Detail, Ledger, PortKind};
use crate::stages::Bench;
use crate::stages::gates::Assume;
use crate::stages::people::READER;

/// A point between two durable effects. A process may die at each of them;
/// the crash tests walk this list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A plan with its queue entry and the cursor is committed.
    PlanCommitted,
    /// The state `appending` is committed; the APPEND is next.
    AppendAboutToGo,
    /// The mailbox has the draft; nothing is recorded of it.
    Appended,
    /// The state `drafted` is committed.
    DraftRecorded,
    /// The state `transmitting` is committed; the first body byte is next.
    BodyAboutToGo,
    /// The server accepted the letter; nothing is recorded of it.
    Accepted,
    /// The state `sent` is committed.
    SentRecorded,
    /// The copy stands in Sent; nothing is recorded of it.
    CopyFiled,
    /// The copy is recorded.
    CopyRecorded,
    /// It is written down what flags a notification has; it is touched next.
    TouchBegun,
    /// A notification was copied, on a server that cannot move; the original is removed next.
    NotificationCopied,
    /// A notification is as wanted; nothing is recorded of it.
    NotificationTouched,
    /// That is recorded.
    TouchRecorded,
    /// A draft that its owner took back is gone; nothing is recorded of it.
    DraftRemoved,
    /// It is written down that a draft, held long enough, is about to be removed.
    WithdrawalBegun,
    /// That draft is gone; nothing is recorded of it.
    DraftWithdrawn,
    /// Its letter is committed as one to send.
    HoldOver,
}

impl Step {
    /// All steps, in the order a letter meets them.
    pub const ALL: [Self; 17] = [
        Self::PlanCommitted,
        Self::AppendAboutToGo,
        Self::Appended,
        Self::DraftRecorded,
        Self::BodyAboutToGo,
        Self::Accepted,
        Self::SentRecorded,
        Self::CopyFiled,
        Self::CopyRecorded,
        Self::TouchBegun,
        Self::NotificationCopied,
        Self::NotificationTouched,
        Self::TouchRecorded,
        Self::DraftRemoved,
        Self::WithdrawalBegun,
        Self::DraftWithdrawn,
        Self::HoldOver,
    ];
}

/// What all accounts share.
pub struct Shared {
    /// The rules.
    pub rules: Arc<Rulebook>,
    /// The names of all accounts that are watched.
    pub account_names: Vec<String>,
    /// Who writes.
    pub owner: Owner,
    /// Where it is written whom the owner knows.
    pub people: People,
    /// What was read of it last.
    pub books: Books,
    /// A ledger that is only asked whom the owner knows, for those who must not write.
    pub elsewhere: Option<Mutex<Ledger>>,
    /// What the owner allows.
    pub policy: Policy,
    /// When letters may be sent, and what stops all sending.
    pub sending: Sending,
    /// Where the owner's clock hangs.
    pub zone: TimeZone,
    /// What the owner wants of notifications that are dealt with.
    pub after: Vec<AfterRule>,
    /// How long words are kept once an invitation is at an end; `None`: for ever.
    pub retention: Option<Duration>,
    /// When old words are looked for again.
    pub next_erasure: NextErasure,
    /// The clock; tests give their own.
    pub clock: fn() -> Timestamp,
    /// Called at every [`Step`]; does nothing outside tests.
    pub at_step: fn(Step),
    /// For so many of the account's time-outs after it began, an APPEND without
    /// answer may still be done by a slow server; tests that wait for nothing say 0.
    pub straggling_timeouts: u32,
    /// How mailboxes are opened whose mail is read; [`Access::ReadOnly`] for those who must not write.
    pub looking: Access,
    /// Where a Maildir's UIDs are kept; memory only for those who must not write.
    pub uids_dir: Option<PathBuf>,
    ledger: Mutex<Ledger>,
    /// Outcomes of transmissions that the ledger did not take.
    owed: Mutex<Vec<Owed>>,
}

impl Shared {
    /// Puts the parts together.
    pub fn new(
        rules: impl Into<Arc<Rulebook>>,
        owner: Owner,
        policy: Policy,
        ledger: Ledger,
        clock: fn() -> Timestamp,
    ) -> Self {
        Self {
            rules: rules.into(),
            account_names: Vec::new(),
            owner,
            people: People::default(),
            books: Books::default(),
            elsewhere: None,
            policy,
            sending: Sending::default(),
            zone: TimeZone::UTC,
            after: Vec::new(),
            retention: None,
            next_erasure: NextErasure::default(),
            clock,
            at_step: |_| (),
            straggling_timeouts: 5,
            looking: Access::LastingUids,
            uids_dir: None,
            ledger: Mutex::new(ledger),
            owed: Mutex::default(),
        }
    }

    /// The ledger. Calls are short and synchronous; the guard never crosses an await.
    pub fn ledger(&self) -> MutexGuard<'_, Ledger> {
        // A panic elsewhere cannot leave the ledger half-written: every call is a transaction.
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Goes on with what another life of this process left.
    pub fn take_over(&mut self, owed: Vec<Owed>) {
        self.owed().extend(owed);
    }

    /// Gives back what outlives a reload.
    pub fn into_kept(self) -> Kept {
        Kept {
            ledger: self.ledger.into_inner().unwrap_or_else(PoisonError::into_inner),
            owed: self.owed.into_inner().unwrap_or_else(PoisonError::into_inner),
        }
    }

    /// Writes down what happened to `letter`; durable on return.
    ///
    /// # Errors
    /// A [`Fault`] of the ledger, also for a move the delivery machine does not have.
    pub fn record(&self, letter: &Delivery, event: Event, words: &str, detail: Detail) -> Result<(), Fault> {
        let to = self.ledger().record(&letter.key, event, words, self.now(), detail)?;
        tell(letter, event, to, Known::Done);
        Ok(())
    }

    /// As [`Shared::record`], for what nobody can find out again: where the ledger
    /// does not take it, it is kept in mind and written down later.
    ///
    /// # Errors
    /// As [`Shared::record`].
    pub fn record_or_owe(
        &self,
        letter: &Delivery,
        event: Event,
        words: &str,
        detail: Detail,
    ) -> Result<(), Fault> {
        self.record(letter, event, words, detail.clone()).inspect_err(|_| {
            let owed = Owed { letter: letter.clone(), event, words: words.to_owned(), detail };
            self.owed().push(owed);
        })
    }

    /// Writes down what [`Shared::record_or_owe`] kept in mind.
    ///
    /// # Errors
    /// As [`Shared::record`]; what is left is kept.
    pub fn record_what_was_owed(&self) -> Result<(), Fault> {
        let mut owed = self.owed();
        while let Some(first) = owed.first() {
            self.record(&first.letter, first.event, &first.words, first.detail.clone())?;
            owed.remove(0);
        }
        Ok(())
    }

    fn owed(&self) -> MutexGuard<'_, Vec<Owed>> {
        self.owed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes down what happened to `letter` if it still stands where it was read;
    /// tells whether. A person may have moved it meanwhile.
    ///
    /// # Errors
    /// As [`Shared::record`].
    pub fn record_unless_moved(
        &self,
        letter: &Delivery,
        event: Event,
        words: &str,
        detail: Detail,
    ) -> Result<bool, Fault> {
        let to = self.ledger().record_unless_moved(letter, event, words, self.now(), detail)?;
        if let Some(to) = to {
            tell(letter, event, to, Known::Seen);
        }
        Ok(to.is_some())
    }

    /// Leaves `letter` to a person, if it still stands where it was read.
    ///
    /// # Errors
    /// As [`Shared::record`].
    pub fn park(&self, letter: &Delivery, why: ParkedFor) -> Result<(), Fault> {
        let detail = Detail { parked_for: Some(why), ..Detail::default() };
        self.record_unless_moved(letter, Event::Parked, why.words(), detail).map(drop)
    }

    /// Whether `letter` still stands where it stood when it was read: a person
    /// may have moved it meanwhile, or sending stopped and made it a draft.
    ///
    /// # Errors
    /// A [`Fault`] of the ledger.
    pub fn is_as_it_was(&self, letter: &Delivery) -> Result<bool, Fault> {
        Ok(self
            .ledger()
            .delivery(&letter.key)?
            .is_some_and(|now| (now.state, now.mode) == (letter.state, letter.mode)))
    }

    /// Where `keys` are found among the people the owner knows.
    ///
    /// # Errors
    /// A [`Fault`] of the ledger.
    pub fn encounters(&self, keys: &[PersonKey]) -> Result<Vec<Encounter>, Fault> {
        let mut found = self.ledger().encounters(keys)?;
        if let Some(elsewhere) = &self.elsewhere {
            found.extend(elsewhere.lock().unwrap_or_else(PoisonError::into_inner).encounters(keys)?);
        }
        Ok(found)
    }

    /// Whether another ledger knows whom the owner wrote to from `account`.
    ///
    /// # Errors
    /// A [`Fault`] of the ledger.
    pub fn knows_elsewhere(&self, account: &str) -> Result<bool, Fault> {
        let Some(elsewhere) = &self.elsewhere else { return Ok(false) };
        let cursor = elsewhere.lock().unwrap_or_else(PoisonError::into_inner).sent_cursor(account)?;
        Ok(cursor.is_some_and(|cursor| cursor.reader == READER))
    }

    /// Where the UIDs of `account` are kept, should it be a Maildir.
    pub fn uids(&self, account: &Account) -> UidBook {
        self.uids_dir.as_ref().map_or_else(UidBook::in_memory, |dir| UidBook::at(dir.join(&account.name)))
    }

    /// The present moment.
    pub fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// Who judges mail of `account` by what.
    pub fn bench<'a>(&'a self, account: &'a Account) -> Bench<'a> {
        Bench {
            rules: &self.rules,
            owner: &self.owner,
            from: Some(&account.from),
            policy: &self.policy,
            authserv_id: account.authserv_id.as_deref(),
            assume: Assume::Nothing,
            can_send: account.smtp.is_some(),
        }
    }
}

/// Asks for a stop when `true` is sent.
pub type StopSwitch = watch::Sender<bool>;

/// Asked between steps and in waits whether to stop; never cuts a transmission.
#[derive(Clone, Debug)]
pub struct Stop(watch::Receiver<bool>);

impl Stop {
    /// A switch and its watcher.
    pub fn new() -> (StopSwitch, Self) {
        let (switch, watcher) = watch::channel(false);
        (switch, Self(watcher))
    }

    /// Whether to stop now.
    pub fn asked(&self) -> bool {
        *self.0.borrow()
    }

    /// Comes back when a stop is asked for.
    pub async fn wait(&mut self) {
        // A dropped switch means that nobody is left to ask for more work.
        let _ = self.0.wait_for(|stop| *stop).await;
    }
}

/// How long may lie between two signs of life of a pass. A server may take
/// two SMTP time-outs over its last answer, and cutting that makes a doubt.
pub(super) const LONGEST_STEP: Duration = Duration::from_secs(40 * 60);

/// When each account has to show its next sign of life, for the watchdog. By the
/// clock that waits go by: a machine that sleeps makes nobody late, nor does one
/// whose clock is set.
#[derive(Debug, Default)]
pub struct Progress {
    due: Mutex<Option<Instant>>,
}

impl Progress {
    /// The next sign of life comes within `longest`.
    pub fn expect_within(&self, longest: Duration) {
        *self.due() = Instant::now().checked_add(longest);
    }

    /// Nothing is expected any more: the account waits for a person or is done.
    pub fn at_rest(&self) {
        *self.due() = None;
    }

    /// Whether the sign of life is overdue.
    pub fn is_late(&self) -> bool {
        self.due().is_some_and(|due| due < Instant::now())
    }

    fn due(&self) -> MutexGuard<'_, Option<Instant>> {
        self.due.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What one account remembers between two passes, and may forget.
#[derive(Debug, Default)]
pub struct Memory {
    /// What a person was told last of each port, and when: a new process tells it anew.
    pub told: HashMap<PortKind, (String, Timestamp)>,
    /// Whether it was said that sending waits for other accounts.
    pub told_of_waiting: bool,
    /// How sending failed in the last pass, if it did.
    pub sending_failed: Option<End>,
    /// After trouble that a person has to mend, sending rests until then.
    pub sending_rests_until: Option<Timestamp>,
    /// What [`Ledger::writes_of_others`] said before the last pass began.
    pub writes_seen: i64,
    /// Whether the owner was told that no Sent folder was found.
    pub told_of_no_sent: bool,
    /// The DNS was silent: until then nothing is asked of it.
    pub dns_rests_until: Option<Timestamp>,
    /// Signs of life.
    pub progress: Arc<Progress>,
}
