//! One look into an account's mailboxes: new mail to plans, each with its
//! cursor in one transaction.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::answers::{self, Writer};
use super::candidates;
use super::entry::{facts, left_before, new_delivery};
pub use super::observer::{Observer, Seen, Unwatched};
use super::port::Port;
use super::shared::{LONGEST_STEP, Memory, Shared, Step, Stop};
use super::signatures;
use super::strangers::read_header;
use super::stumbles::{self, Headers};
use crate::config::Account;
use crate::domain::after::Wish;
use crate::domain::{Fault, Mail, RawMail, Timestamp};
pub use crate::shell::mailbox::Uid;
use crate::shell::mailbox::{Body, Envelope, Opened};
use crate::shell::store::{Batch, Cursor, Entry, UidScope};
use crate::stages::gates::Facts;
use crate::stages::recognise;
use crate::stages::{after, identify, judge};

/// Bodies of one fetch, by number and by announced size: few round trips, and
/// no more memory than that.
const BODIES_AT_ONCE: usize = 250;
const BODY_BYTES_AT_ONCE: u64 = 4 << 20;
const OUR_FAULT: &str = "reading it failed inside notyet; please report it";

/// What one look found, in numbers (for logs).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Headers looked at.
    pub looked: usize,
    /// Bodies read.
    pub read: usize,
    /// Plans made.
    pub plans: usize,
    /// Mails set aside.
    pub quarantined: usize,
}

/// Looks into every mailbox of `account` once.
///
/// # Errors
/// The first [`Fault`] of the port or the ledger; what was committed stays.
pub async fn ingest(
    port: &mut Port,
    account: &Account,
    shared: &Shared,
    memory: &mut Memory,
    observer: &mut dyn Observer,
    stop: &Stop,
) -> Result<Tally, Fault> {
    let mut tally = Tally::default();
    let mut writers = Vec::new();
    for mailbox in &account.mailboxes {
        let opened = port.open(mailbox, shared.looking).await?;
        let mut look = Look {
            port,
            account,
            shared,
            memory,
            observer,
            stop,
            mailbox,
            opened,
            tally: &mut tally,
            writers: &mut writers,
        };
        look.run().await?;
        look.ask_again().await?;
    }
    Ok(tally)
}

/// Where a look begins.
enum Anchor {
    /// Where the last one ended.
    Cursor(Uid),
    /// The server is asked for the networks' mail of the time from here on.
    Backlog(Timestamp),
    /// The same, since UIDNEXT lies below the cursor.
    TurnedBack(Timestamp),
    /// With the next mail to come.
    Now,
}

struct Look<'a> {
    port: &'a mut Port,
    account: &'a Account,
    shared: &'a Shared,
    memory: &'a mut Memory,
    observer: &'a mut dyn Observer,
    stop: &'a Stop,
    mailbox: &'a str,
    opened: Opened,
    tally: &'a mut Tally,
    /// Who wrote what this pass met, in all mailboxes.
    writers: &'a mut Vec<Writer>,
}

impl<'a> Look<'a> {
    fn scope(&self) -> UidScope<'a> {
        let uid_validity = self.opened.uid_validity;
        UidScope { account: &self.account.name, mailbox: self.mailbox, uid_validity }
    }

    /// When this account was looked at first, as far as the ledger tells.
    fn began(&self) -> Result<Timestamp, Fault> {
        self.shared.ledger().start_account(&self.account.name, self.shared.now())
    }

    /// From here on mail is looked at.
    fn start(&self) -> Result<Timestamp, Fault> {
        let began = self.began()?;
        Ok(self.account.since.map_or(began, |since| began.minus(since)))
    }

    async fn run(&mut self) -> Result<(), Fault> {
        let start = self.start()?;
        let fields = candidates::header_fields(&self.shared.rules);
        let scope = self.scope();
        let anchor = self.anchor(start)?;
        match anchor {
            Anchor::Now => {}
            Anchor::Cursor(from) => {
                let end = self.opened.uid_next;
                self.observer.expect(end.saturating_sub(from) as usize);
                let mut low = from;
                while low < end {
                    let read = stumbles::headers(self.port, self.shared, scope, low..end, &fields).await?;
                    self.work(&read, start, true).await?;
                    // Asked before the cursor moves: a stop leaves candidates unread.
                    if self.stop.asked() {
                        return Ok(());
                    }
                    low = read.next_uid;
                    self.commit_cursor(low)?;
                }
                return Ok(());
            }
            Anchor::Backlog(since) | Anchor::TurnedBack(since) => {
                let mut terms = candidates::search_terms(&self.shared.rules);
                terms.extend(answers::search_terms(self.shared)?);
                let mut uids = self.port.search(&terms, Some(since)).await?;
                self.set_aside_unreadable().await?;
                uids.retain(|uid| *uid < self.opened.uid_next);
                self.observer.expect(uids.len());
                let mut rest = uids.iter().copied().peekable();
                while rest.peek().is_some() {
                    let read =
                        stumbles::headers(self.port, self.shared, scope, rest.clone(), &fields).await?;
                    self.work(&read, start, false).await?;
                    if self.stop.asked() {
                        return Ok(());
                    }
                    while rest.next_if(|uid| *uid < read.next_uid).is_some() {}
                }
            }
        }
        if matches!(anchor, Anchor::TurnedBack(_)) {
            let here = Cursor { uid_validity: self.opened.uid_validity, next_uid: self.opened.uid_next };
            return self.shared.ledger().turn_back_cursor(
                &self.account.name,
                self.mailbox,
                here,
                self.shared.now(),
            );
        }
        self.commit_cursor(self.opened.uid_next)
    }

    /// RFC 9051 §2.3.1.1: UIDs of another UIDVALIDITY mean nothing, and with
    /// UIDVALIDITY 0 they mean nothing after this session. Then the invitations
    /// themselves tell what was answered. UIDNEXT never goes back, but on a
    /// server that was put back from a copy, and where it is made from the last
    /// UID there is; new mail then gets UIDs below the cursor.
    fn anchor(&self, start: Timestamp) -> Result<Anchor, Fault> {
        let cursor = self.shared.ledger().cursor(&self.account.name, self.mailbox)?;
        Ok(match cursor {
            Some(c) if c.uid_validity == self.opened.uid_validity && c.uid_validity != 0 => {
                if self.opened.uid_next < c.next_uid {
                    tracing::info!(
                        account = %self.account.name,
                        "the server counts UIDs from further back than before: the time since is searched anew"
                    );
                    Anchor::TurnedBack(start)
                } else {
                    Anchor::Cursor(c.next_uid)
                }
            }
            Some(_) => Anchor::Backlog(start),
            None if self.account.since.is_some() || self.opened.uid_validity == 0 => Anchor::Backlog(start),
            None => Anchor::Now,
        })
    }

    async fn work(&mut self, read: &Headers, start: Timestamp, in_order: bool) -> Result<(), Fault> {
        let envelopes = &read.envelopes;
        for (uid, why) in &read.set_aside {
            self.set_aside(*uid, None, why)?;
        }
        answers::look(self.port, self.shared, self.scope(), envelopes).await?;
        let mut candidates = Vec::new();
        for envelope in envelopes {
            self.tally.looked += 1;
            let header = read_header(&envelope.header);
            match &header {
                Ok(header) if recognise::is_candidate(header, &self.shared.rules) => {
                    candidates.push(envelope)
                }
                Err(unreadable) if candidates::names_a_network(&envelope.header, &self.shared.rules) => {
                    self.quarantine(envelope.uid, None, unreadable.as_str())?;
                }
                header => {
                    let header = header.as_ref().ok();
                    self.writers
                        .extend(header.and_then(|h| answers::writer(h, envelope.arrived, self.shared)));
                    self.observer.seen(envelope.uid, &Seen::Passed { header });
                }
            }
        }
        let failed = stumbles::Bodies::of(self.shared, self.scope())?;
        for envelope in candidates.extract_if(.., |envelope| failed.is_given_up(envelope.uid)) {
            let header = read_header(&envelope.header).ok();
            self.set_aside(envelope.uid, header.as_ref(), stumbles::NO_BODY)?;
        }
        let shaky = candidates.iter().any(|envelope| failed.is_shaky(envelope.uid));
        let at_once = if shaky { 1 } else { BODIES_AT_ONCE };
        let mut rest = candidates.as_slice();
        while !rest.is_empty() && !self.stop.asked() {
            let (chunk, behind) = rest.split_at(batch_len(rest, at_once));
            self.read(chunk, start, in_order).await?;
            rest = behind;
        }
        // A letter that was made this moment may be for somebody who wrote in between.
        answers::park_for_writers(self.shared, self.writers)
    }

    /// What was set aside may have been its server's trouble.
    async fn ask_again(&mut self) -> Result<(), Fault> {
        let (scope, fields) = (self.scope(), candidates::header_fields(&self.shared.rules));
        for uid in stumbles::due_again(self.shared, scope)? {
            let read = stumbles::header_again(self.port, self.shared, scope, uid, &fields).await?;
            let listed = self.tally.quarantined;
            self.work(&read, self.start()?, false).await?;
            if self.stop.asked() {
                break;
            }
            if !read.envelopes.is_empty() && self.tally.quarantined == listed {
                self.shared.ledger().forget_given_up(scope, uid)?;
            }
        }
        Ok(())
    }

    async fn set_aside_unreadable(&mut self) -> Result<(), Fault> {
        for (uid, why) in self.port.take_unreadable().await? {
            self.set_aside(uid, None, &why)?;
        }
        Ok(())
    }

    /// It may be handed out some day.
    fn set_aside(&mut self, uid: Uid, header: Option<&Mail>, why: &str) -> Result<(), Fault> {
        self.quarantine(uid, header, why)?;
        stumbles::give_up(self.shared, self.scope(), uid)
    }

    async fn read(&mut self, chunk: &[&Envelope], start: Timestamp, in_order: bool) -> Result<(), Fault> {
        self.memory.progress.expect_within(LONGEST_STEP);
        let wanted: Vec<(Uid, u64)> = chunk.iter().map(|e| (e.uid, e.size_bytes)).collect();
        let (scope, most) = (self.scope(), self.account.max_body_bytes());
        for (uid, body) in stumbles::bodies(self.port, self.shared, scope, &wanted, most).await? {
            let Some(envelope) = chunk.iter().find(|e| e.uid == uid) else { continue };
            match body {
                Body::Gone => {}
                Body::TooLarge { size_bytes } => {
                    let header = read_header(&envelope.header).ok();
                    let why = format!("it is larger than max_body_bytes ({size_bytes} bytes)");
                    self.quarantine(uid, header.as_ref(), &why)?;
                }
                Body::Whole(raw) => self.judge(envelope, &raw, start, in_order).await?,
            }
        }
        self.set_aside_unreadable().await
    }

    async fn judge(
        &mut self,
        envelope: &Envelope,
        raw: &RawMail,
        start: Timestamp,
        in_order: bool,
    ) -> Result<(), Fault> {
        self.tally.read += 1;
        // A fault of ours in reading hostile bytes must not stop the mails behind it.
        let identified = catch_unwind(AssertUnwindSafe(|| identify(raw, &self.shared.rules)));
        let (mail, recognised) = match identified {
            Ok(Ok(found)) => found,
            Ok(Err(unreadable)) => return self.quarantine(envelope.uid, None, unreadable.as_str()),
            Err(_) => return self.quarantine(envelope.uid, None, OUR_FAULT),
        };
        // A digest's mail belongs to several people's invitations: it stays as it is.
        let tells_of_one = recognised.invitations.len() == 1;
        let mut plans = Vec::new();
        let own_check =
            signatures::check(raw, envelope, &recognised, self.account, self.shared, self.memory).await;
        for invitation in &recognised.invitations {
            let began = self.began()?;
            let facts = facts(self.shared, self.account, invitation, envelope.arrived, Some(start), began)?;
            let mut facts = Facts { own_check: own_check.clone(), ..facts };
            if !in_order && facts.known.is_none() {
                facts.known = left_before(self.shared, self.account, invitation)?;
            }
            let bench = self.shared.bench(self.account);
            let judged =
                catch_unwind(AssertUnwindSafe(|| judge(&mail, &recognised, invitation, &facts, &bench)));
            let Ok(plan) = judged else {
                return self.quarantine(envelope.uid, Some(&mail), OUR_FAULT);
            };
            let written = new_delivery(&plan, self.account, self.shared).and_then(|delivery| {
                let entry = Entry { uid: envelope.uid, plan: &plan, delivery };
                // Not beyond this mail: it may tell of more than one invitation.
                let wish = after::wish(&plan, &self.shared.after).filter(|_| tells_of_one);
                self.commit(vec![entry], Vec::new(), in_order.then_some(envelope.uid), wish)
            });
            match written {
                Ok(()) => {}
                // It will not get better by trying again, and other mail waits behind it.
                Err(Fault::Permanent(why)) => return self.quarantine(envelope.uid, Some(&mail), &why),
                Err(fault) => return Err(fault),
            }
            (self.shared.at_step)(Step::PlanCommitted);
            self.tally.plans += 1;
            plans.push(plan);
        }
        self.observer.seen(envelope.uid, &Seen::Read { mail: &mail, recognised: &recognised, plans: &plans });
        Ok(())
    }

    fn quarantine(&mut self, uid: Uid, header: Option<&Mail>, why: &str) -> Result<(), Fault> {
        self.tally.quarantined += 1;
        // The cursor stays: candidates below this mail may be unread as yet. A repetition is no harm.
        self.commit(Vec::new(), vec![(uid, why.to_owned())], None, None)?;
        self.observer.seen(uid, &Seen::Quarantined { header, why });
        Ok(())
    }

    fn commit_cursor(&self, next_uid: Uid) -> Result<(), Fault> {
        self.commit(Vec::new(), Vec::new(), Some(next_uid), None)
    }

    fn commit(
        &self,
        entries: Vec<Entry<'_>>,
        quarantined: Vec<(Uid, String)>,
        next_uid: Option<Uid>,
        wish: Option<&Wish>,
    ) -> Result<(), Fault> {
        let batch = Batch {
            account: &self.account.name,
            mailbox: self.mailbox,
            uid_validity: self.opened.uid_validity,
            next_uid,
            entries,
            quarantined,
            wish,
            now: self.shared.now(),
        };
        self.shared.ledger().commit_batch(&batch).map(|_| ())
    }
}

/// How many of `envelopes`, one at least, are fetched together.
fn batch_len(envelopes: &[&Envelope], most: usize) -> usize {
    let mut bytes = 0_u64;
    let fits = |envelope: &&&Envelope| {
        bytes = bytes.saturating_add(envelope.size_bytes);
        bytes <= BODY_BYTES_AT_ONCE
    };
    envelopes.iter().take(most).take_while(fits).count().clamp(1, envelopes.len().max(1))
}
