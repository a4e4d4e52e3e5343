//! A ledger that is new, or was lost: letters from before it, as Drafts and
//! Sent show them.

use std::time::Duration;

use rusqlite::{OptionalExtension, Transaction, params};

use super::brake::{claim, claimant};
use super::words::{mode_word, optional_time};
use super::{Detail, Ledger, delivery, hold, known};
use crate::domain::delivery::{Event, Mode, ParkedFor, State};
use crate::domain::{Address, Fault, Identity, InvitationKey, MessageId, Timestamp};
use crate::shell::mailbox::Uid;

/// Where a letter was found, which says what became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whereabouts {
    /// A draft that waits for its owner.
    Drafts,
    /// Sent by the owner, from a draft.
    SentByOwner,
    /// Sent by notyet.
    SentByUs,
}

/// A letter of ours from before this ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundLetter {
    /// The invitation it answers.
    pub key: InvitationKey,
    /// The network and the identity; `None` when the letter shows only its key.
    pub invitation: Option<(String, Identity)>,
    /// Where it was found.
    pub whereabouts: Whereabouts,
    /// Its UID there.
    pub uid: Uid,
    /// Its Message-ID, as it was made.
    pub message_id: MessageId,
    /// Its reader, where it has one.
    pub to: Option<Address>,
    /// When it was written; limits count it then.
    pub written: Timestamp,
}

/// What an account found again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FoundAgain {
    /// When both folders had been read; `None` while they are not.
    pub done_at: Option<Timestamp>,
    /// Letters in Drafts.
    pub in_drafts: u32,
    /// Letters in Sent.
    pub in_sent: u32,
}

impl Ledger {
    /// Writes down letters that were found in `folder` (of that UIDVALIDITY).
    /// What the ledger knows already stays as it is. Answers how many are new.
    ///
    /// # Errors
    /// See [`Ledger::start_account`].
    pub fn adopt(
        &mut self,
        account: &str,
        (folder, uid_validity): (&str, u32),
        letters: &[FoundLetter],
        now: Timestamp,
    ) -> Result<u32, Fault> {
        self.write("writing down letters that were found again", |tx| {
            let (mut in_drafts, mut in_sent) = (0_u32, 0_u32);
            for letter in letters {
                if !adopt(tx, account, (folder, uid_validity), letter, now)? {
                    continue;
                }
                match letter.whereabouts {
                    Whereabouts::Drafts => in_drafts += 1,
                    Whereabouts::SentByOwner | Whereabouts::SentByUs => in_sent += 1,
                }
            }
            tx.execute(
                "INSERT INTO rebuild (account, done_at, in_drafts, in_sent) VALUES (?1, NULL, ?2, ?3)
                 ON CONFLICT (account) DO UPDATE SET in_drafts = in_drafts + ?2, in_sent = in_sent + ?3",
                params![account, in_drafts, in_sent],
            )?;
            Ok(in_drafts + in_sent)
        })
    }

    /// Notes that both folders of `account` were read to the end.
    ///
    /// # Errors
    /// See [`Ledger::start_account`].
    pub fn mark_rebuilt(&mut self, account: &str, now: Timestamp) -> Result<(), Fault> {
        self.write("noting that letters were looked for", |tx| {
            tx.execute(
                "INSERT INTO rebuild (account, done_at, in_drafts, in_sent) VALUES (?1, ?2, 0, 0)
                 ON CONFLICT (account) DO UPDATE SET done_at = coalesce(done_at, ?2)",
                params![account, now.unix_s()],
            )
            .map(drop)
        })
    }

    /// Which of `accounts` have yet to look for letters from before this ledger;
    /// none any more once they all had.
    ///
    /// # Errors
    /// See [`Ledger::start_account`].
    pub fn yet_to_look(&self, accounts: &[String]) -> Result<Vec<String>, Fault> {
        self.read("reading which accounts have been looked through", |connection| {
            let whole: Option<i64> = connection.query_row("SELECT since FROM whole", [], |row| row.get(0))?;
            if whole.is_some() {
                return Ok(Vec::new());
            }
            let mut done =
                connection.prepare("SELECT 1 FROM rebuild WHERE account = ?1 AND done_at IS NOT NULL")?;
            let mut missing = Vec::new();
            for account in accounts {
                if !done.exists([account])? {
                    missing.push(account.clone());
                }
            }
            Ok(missing)
        })
    }

    /// Where the last pass is longer ago than `pause`, this may be an older copy of
    /// the ledger: every account has to look again, for letters since that pass.
    /// Tells whether.
    ///
    /// # Errors
    /// See [`Ledger::start_account`].
    pub fn look_again_after(&mut self, pause: Duration, now: Timestamp) -> Result<bool, Fault> {
        self.write("noting that letters are to be looked for again", |tx| {
            let seen = tx.query_row("SELECT seen_at FROM brake", [], |row| optional_time(row, 0))?;
            let Some(seen) = seen.filter(|seen| now.since(*seen) > pause) else { return Ok(false) };
            // An account that has not done looking looks as far back as it had to.
            let asked = tx.execute(
                "UPDATE rebuild SET since = ?1, done_at = NULL WHERE done_at IS NOT NULL",
                [seen.unix_s()],
            )?;
            tx.execute("UPDATE whole SET since = NULL", [])?;
            Ok(asked > 0)
        })
    }

    /// From when on `account` looks for letters; `None`: from the beginning.
    ///
    /// # Errors
    /// See [`Ledger::start_account`].
    pub fn looks_since(&self, account: &str) -> Result<Option<Timestamp>, Fault> {
        self.read("reading since when letters are looked for", |connection| {
            let since =
                connection.query_row("SELECT since FROM rebuild WHERE account = ?1", [account], |row| {
                    optional_time(row, 0)
                });
            Ok(since.optional()?.flatten())
        })
    }

    /// Notes that every account has looked. The first time counts.
    ///
    /// # Errors
    /// See [`Ledger::start_account`].
    pub fn mark_whole(&mut self, now: Timestamp) -> Result<(), Fault> {
        self.write("noting that all letters were looked for", |tx| {
            tx.execute("UPDATE whole SET since = coalesce(since, ?1)", [now.unix_s()]).map(drop)
        })
    }

    /// What `account` found again so far; `None` before it looked.
    ///
    /// # Errors
    /// See [`Ledger::start_account`].
    pub fn found_again(&self, account: &str) -> Result<Option<FoundAgain>, Fault> {
        self.read("reading what was found again", |connection| {
            super::status::found_again(connection, account)
        })
    }
}

fn adopt(
    tx: &Transaction<'_>,
    account: &str,
    (folder, uid_validity): (&str, u32),
    letter: &FoundLetter,
    now: Timestamp,
) -> rusqlite::Result<bool> {
    let known: Option<i64> = tx
        .query_row(
            "SELECT 1 FROM delivery WHERE key = ?1 OR message_id = ?2",
            [&letter.key.0, letter.message_id.as_str()],
            |row| row.get(0),
        )
        .optional()?;
    park_waiting(tx, letter, now)?;
    if known.is_some() {
        return Ok(false);
    }
    let (mode, state, copied_at) = match letter.whereabouts {
        Whereabouts::Drafts => (Mode::Draft, State::Drafted, None),
        Whereabouts::SentByOwner => (Mode::Draft, State::TakenOver, None),
        // A letter to send has a reader, or the ledger would not have it.
        Whereabouts::SentByUs if letter.to.is_none() => (Mode::Draft, State::TakenOver, None),
        Whereabouts::SentByUs => (Mode::Send, State::Sent, Some(now.unix_s())),
    };
    let (network, identity) = letter.invitation.as_ref().map_or(("", None), |(n, i)| (n.as_str(), Some(i)));
    tx.execute(
        "INSERT INTO invitation (key, network, invitation_id_digest, shared_key_digest,
                                 profile_digest, name_digest, first_seen)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (key) DO NOTHING",
        params![
            letter.key.0,
            network,
            identity.and_then(|i| i.invitation_id.as_ref()),
            identity.and_then(|i| i.shared_key.as_ref()),
            identity.and_then(|i| i.profile.as_ref()),
            // No digest is empty: without its parts it is known by its key alone.
            identity.map_or("", |i| i.name.as_str()),
            letter.written.unix_s(),
        ],
    )?;
    let what = match letter.whereabouts {
        Whereabouts::Drafts => "a draft of it was in the mailbox before this ledger began",
        Whereabouts::SentByOwner | Whereabouts::SentByUs => "it was in Sent before this ledger began",
    };
    tx.execute(
        "INSERT INTO plan (key, account, mailbox, uid_validity, uid, source_message_id_digest,
                           decision, reason_code, reason_text, note_kind, confidence, language,
                           route, inviter_name, note, evidence, made_at)
         VALUES (?1, ?2, ?3, ?4, ?5, NULL, ?6, 'found-again', ?7, 'generic', 0, '', ?8, '', NULL, '[]', ?9)",
        params![
            letter.key.0,
            account,
            folder,
            uid_validity,
            letter.uid,
            mode_word(mode),
            what,
            if letter.to.is_some() { "address" } else { "paste" },
            now.unix_s(),
        ],
    )?;
    let plan_id = tx.last_insert_rowid();
    if let Some(to) = &letter.to {
        claim(tx, to, &letter.key)?;
    }
    let written = letter.written.unix_s();
    tx.execute(
        "INSERT INTO delivery (key, plan_id, account, mode, state, message, message_id, recipient, attempts,
                               next_attempt_at, last_words, created_at, queued_at, changed_at, sent_copy_at)
         VALUES (?1, ?2, ?3, ?4, ?5, x'', ?6, ?7, 1, ?8, ?9, ?8, ?8, ?10, ?11)",
        params![
            letter.key.0,
            plan_id,
            account,
            mode_word(mode),
            state.as_str(),
            letter.message_id.as_str(),
            letter.to.as_ref().map(Address::to_string),
            written,
            what,
            now.unix_s(),
            copied_at,
        ],
    )?;
    tx.execute(
        "INSERT INTO delivery_event (key, event, from_state, to_state, note, at)
         VALUES (?1, 'created', NULL, ?2, ?3, ?4)",
        params![letter.key.0, state.as_str(), what, now.unix_s()],
    )?;
    Ok(true)
}

/// Another account may have met the invitation before this one was read: what
/// has not left yet waits for a person.
fn park_waiting(tx: &Transaction<'_>, found: &FoundLetter, now: Timestamp) -> rusqlite::Result<()> {
    let mut keys = vec![found.key.clone()];
    if let Some((network, identity)) = &found.invitation {
        let same = known::similar(tx, identity)?;
        keys.extend(
            same.into_iter()
                .filter(|known| known.network == *network && known.identity.same(identity))
                .map(|known| known.key),
        );
    }
    if let Some(to) = &found.to {
        keys.extend(claimant(tx, to)?);
    }
    let why = ParkedFor::AnsweredBefore;
    let detail = Detail { parked_for: Some(why), ..Detail::default() };
    for key in keys {
        let Some(letter) = delivery::of(tx, &key)? else { continue };
        let waits = matches!(letter.state, State::Held | State::Queued) && !letter.insisted.contains(&why);
        if waits && let Some(to) = letter.state.after(letter.mode, Event::Parked) {
            delivery::move_on(tx, &key, Event::Parked, (letter.state, to), why.words(), now, &detail)?;
        } else if letter.mode == Mode::Draft {
            hold::end(tx, &key, why.words(), now)?;
        }
    }
    Ok(())
}
