//! Whom the owner knows: gathered before anything is judged, looked up for
//! every inviter, and looked up again before a letter goes out.

use std::path::Path;

use super::books;
use super::look::Unready;
use super::port::Port;
use super::shared::{LONGEST_STEP, Memory, Shared, Stop};
use super::stumbles;
use crate::config::{Account, People};
use crate::domain::{Acquaintance, Address, Encounter, Fault, Invitation, Mailbox, PersonKey, Source};
use crate::rulebook::Rulebook;
use crate::shell::files;
use crate::shell::mailbox::Envelope;
use crate::shell::store::{Delivery, Ledger, SentCursor, UidScope};
use crate::stages::gates::{is_of_owner, is_robot};
use crate::stages::mime::KEY_HEADER;
use crate::stages::parse;
use crate::stages::people::{self, READER};
pub use crate::stages::people::{Comparison, compare};

/// A mail to more people than this went to a list of some kind.
const MOST_RECIPIENTS: usize = 30;

pub(super) fn keys_of(people: &[Acquaintance], rules: &Rulebook) -> Vec<PersonKey> {
    people.iter().flat_map(|person| people::keys_of(person, rules)).collect()
}

/// Reads the headers of what the owner sent since the last time: on the first
/// run all of it, in batches that a stop may part. Answers whether all was
/// read; until then no invitation of `account` may be judged.
///
/// # Errors
/// The first [`Fault`] of the port or the ledger; what was learned stays.
pub async fn learn_sent(
    port: &mut Port,
    account: &Account,
    shared: &Shared,
    memory: &mut Memory,
    watch: &mut (dyn FnMut(u32, u32) + Send),
    stop: &Stop,
) -> Result<bool, Fault> {
    if !shared.people.learn_from_sent || shared.knows_elsewhere(&account.name)? {
        return Ok(true);
    }
    let all_read = read_sent(port, account, shared, memory, watch, stop).await?;
    if all_read {
        shared.ledger().mark_learned(&account.name, READER)?;
    }
    Ok(all_read)
}

async fn read_sent(
    port: &mut Port,
    account: &Account,
    shared: &Shared,
    memory: &mut Memory,
    watch: &mut (dyn FnMut(u32, u32) + Send),
    stop: &Stop,
) -> Result<bool, Fault> {
    let folders = port.folders(account.drafts.as_deref(), account.sent.as_deref()).await?;
    let Some(folder) = folders.sent else {
        if !std::mem::replace(&mut memory.told_of_no_sent, true) {
            tracing::warn!(
                account = %account.name,
                "no Sent folder was found, so nobody is learned from it; name it (sent = \"...\") in the account's table"
            );
        }
        return Ok(true);
    };
    if !port.is_there(&folder).await? {
        return Ok(true);
    }
    let opened = port.open(&folder, shared.looking).await?;
    let last = shared.ledger().sent_cursor(&account.name)?;
    let known = last
        .filter(|c| c.folder == folder && c.uid_validity == opened.uid_validity && c.uid_validity != 0)
        // A server that was put back from a copy gives new mail the numbers of old.
        .filter(|c| c.next_uid <= opened.uid_next)
        // What was kept by an earlier reader of names stays; the forms of this one are added.
        .filter(|c| c.reader == READER)
        .map(|cursor| cursor.next_uid);
    let mut anew = known.is_none();
    let mut low = known.unwrap_or(1);
    let fields = ["From", "To", "Cc", "Bcc", KEY_HEADER].map(str::to_owned);
    let scope = UidScope { account: &account.name, mailbox: &folder, uid_validity: opened.uid_validity };
    // Also where there is nothing: the folder counts as read then.
    while low < opened.uid_next || anew {
        if stop.asked() {
            return Ok(false);
        }
        memory.progress.expect_within(LONGEST_STEP);
        let read = stumbles::headers(port, shared, scope, low..opened.uid_next, &fields).await?;
        stumbles::list(shared, scope, read.set_aside)?;
        let met: Vec<Acquaintance> = read
            .envelopes
            .iter()
            .flat_map(|envelope| written_to(envelope, &shared.owner.addresses))
            .collect();
        low = read.next_uid.max(low);
        let cursor = SentCursor {
            folder: folder.clone(),
            uid_validity: opened.uid_validity,
            next_uid: low,
            reader: READER,
        };
        shared.ledger().learn_people(&account.name, &cursor, &keys_of(&met, &shared.rules), anew)?;
        anew = false;
        watch(low.min(opened.uid_next), opened.uid_next);
    }
    if known.is_none() && opened.exists > 0 {
        tracing::info!(account = %account.name, mails = opened.exists, "learned whom the owner wrote to");
    }
    Ok(true)
}

/// Which of `accounts` have not been read to the end as yet: for letters from
/// before this ledger, and for the people the owner wrote to. Until then one
/// account might answer what another has answered, or a friend of another.
///
/// # Errors
/// A [`Fault`] of the ledger.
pub(super) fn yet_to_read(
    ledger: &Ledger,
    accounts: &[String],
    people: &People,
) -> Result<Vec<String>, Fault> {
    let mut missing = ledger.yet_to_look(accounts)?;
    if people.learn_from_sent {
        missing.extend(ledger.yet_to_learn(accounts, READER)?);
    }
    missing.sort();
    missing.dedup();
    Ok(missing)
}

/// Whom a mail of the Sent folder went to. A letter of ours does not make its
/// reader a friend, and neither does a mail to a crowd or a machine.
fn written_to(envelope: &Envelope, owner: &[Address]) -> Vec<Acquaintance> {
    let Ok(mail) = parse::parse_header(&envelope.header) else { return Vec::new() };
    let is_own = |address: &Address| is_of_owner(address, owner);
    let from_owner = mail.from.address.as_ref().is_some_and(is_own);
    if !from_owner || mail.header(KEY_HEADER).is_some() {
        return Vec::new();
    }
    let recipients = people::sent::recipients(&envelope.header, MOST_RECIPIENTS + 1);
    if recipients.len() > MOST_RECIPIENTS {
        return Vec::new();
    }
    let others = recipients.into_iter().filter(|one| !one.address.as_ref().is_some_and(is_own));
    let person = |recipient: Mailbox| {
        // A machine's address is nobody's; behind the name beside it there may be somebody.
        let address = recipient.address.filter(|address| !is_robot(address.local()));
        let someone = Acquaintance { name: recipient.name, address, domain: None, source: Source::Sent };
        (someone.address.is_some() || !someone.name.is_empty()).then_some(someone)
    };
    others.filter_map(person).collect()
}

/// Where the inviter is found among the people the owner knows.
///
/// # Errors
/// A [`Fault`] of the ledger.
pub fn encounters(invitation: &Invitation, shared: &Shared) -> Result<Vec<Encounter>, Fault> {
    shared.encounters(&people::keys_of_inviter(invitation, &shared.rules))
}

/// Whether the reader of a letter that waits to be sent is known by now, or may
/// be: the owner wrote to them meanwhile, perhaps by a short name, or has listed them.
///
/// # Errors
/// A [`Fault`] of the ledger.
pub fn is_known_by_now(letter: &Delivery, shared: &Shared) -> Result<bool, Fault> {
    let name = shared.ledger().inviter_name(&letter.key)?.unwrap_or_default();
    let keys = people::keys(&name, &letter.to, &shared.rules);
    Ok(!shared.encounters(&keys)?.is_empty() || shared.ledger().meets_inviter(&letter.key)?)
}

/// The people of a configuration, for those who only ask: `check` and `known`.
pub struct Acquaintances {
    /// The keep list and the address books, read this moment.
    listed: Ledger,
    /// What the daemon has learned, where it has.
    learned: Option<Ledger>,
}

impl Acquaintances {
    /// Reads the lists, and opens the daemon's ledger to look at where there is one.
    ///
    /// # Errors
    /// [`Unready::Misconfigured`] naming the address book that cannot be read, or a fault of the ledger.
    pub fn open(people: &People, state_dir: &Path, rules: &Rulebook) -> Result<Self, Unready> {
        let mut listed = Ledger::in_memory()?;
        listed.replace_people(Source::Keep, &keys_of(&people.keep, rules))?;
        let booked = books::read_all(people).map_err(Unready::Misconfigured)?;
        listed.replace_people(Source::AddressBook, &keys_of(&booked.people, rules))?;
        let there = people.learn_from_sent && files::is_there(&Ledger::file(state_dir));
        let learned = there.then(|| Ledger::open_read_only(state_dir)).transpose()?;
        Ok(Self { listed, learned })
    }

    /// Where a person is found.
    ///
    /// # Errors
    /// A [`Fault`] of the ledger.
    pub fn find(
        &self,
        name: &str,
        address: Option<&Address>,
        rules: &Rulebook,
    ) -> Result<Vec<Encounter>, Fault> {
        self.meet(&people::keys(name, address, rules))
    }

    fn meet(&self, keys: &[PersonKey]) -> Result<Vec<Encounter>, Fault> {
        let mut found = self.listed.encounters(keys)?;
        if let Some(learned) = &self.learned {
            let sent = learned.encounters(keys)?;
            found.extend(sent.into_iter().filter(|encounter| encounter.source == Source::Sent));
        }
        found.sort_by(|a, b| b.key.strength.cmp(&a.key.strength).then(a.source.cmp(&b.source)));
        Ok(found)
    }

    /// Where an inviter is found.
    ///
    /// # Errors
    /// A [`Fault`] of the ledger.
    pub fn of(&self, invitation: &Invitation, rules: &Rulebook) -> Result<Vec<Encounter>, Fault> {
        self.meet(&people::keys_of_inviter(invitation, rules))
    }

    /// How many forms of people each source told of.
    ///
    /// # Errors
    /// A [`Fault`] of the ledger.
    pub fn counts(&self) -> Result<Vec<(Source, u32)>, Fault> {
        let mut counts = self.listed.people_counts()?;
        if let Some(learned) = &self.learned {
            counts.extend(learned.people_counts()?.into_iter().filter(|(source, _)| *source == Source::Sent));
        }
        Ok(counts)
    }
}
