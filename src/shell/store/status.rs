//! Everything `notyet status` shows.

use rusqlite::{Connection, OptionalExtension, params};

use super::words::{optional_time, parse_mode, time, word};
use super::{Answered, Cursor, FoundAgain, Ledger, PortFault, Touch, answers, brake, cursor, touch};
use crate::domain::delivery::{Mode, State};
use crate::domain::sending::Trip;
use crate::domain::{Decision, Fault, InvitationKey, Timestamp};
use crate::shell::mailbox::Uid;

/// The ledger at a glance. Names of inviters are for the owner's eyes, never for a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Why all sending stands still; none while it goes on.
    pub stopped: Option<Trip>,
    /// Accounts that have yet to look for letters from before this ledger; nothing is sent until then.
    pub yet_to_look: Vec<String>,
    /// Every account that ever ran, by name.
    pub accounts: Vec<AccountStatus>,
}

/// One account at a glance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountStatus {
    /// Its name.
    pub name: String,
    /// When it ran first.
    pub started_at: Timestamp,
    /// The last thing the ledger noted for it.
    pub last_activity: Timestamp,
    /// When its mailboxes were looked into last; `None` before the first look.
    pub looked_at: Option<Timestamp>,
    /// Letters from before this ledger that Drafts and Sent showed; `None` before it looked.
    pub found_again: Option<FoundAgain>,
    /// How far each mailbox has been read, by name.
    pub cursors: Vec<(String, Cursor)>,
    /// How many invitations have this as their newest decision; zeros left out.
    pub decisions: Vec<(Decision, u32)>,
    /// How many letters stand in each state; zeros left out.
    pub states: Vec<(State, u32)>,
    /// Invitations that wait without a letter, and why, oldest first.
    pub withheld: Vec<Withheld>,
    /// Invitations of people the owner knows, or may know, left for the owner, oldest first.
    pub acquainted: Vec<Withheld>,
    /// Letters that are held back, wait for a person, were tried in vain (held, parked, uncertain,
    /// refused, queued) or stand in Drafts until they are sent, oldest first.
    pub waiting: Vec<Waiting>,
    /// What came back to letters, oldest first.
    pub answered: Vec<Answered>,
    /// Mail that could not be read, oldest first.
    pub quarantined: Vec<Quarantined>,
    /// Notifications that are not as their owner wants them, and what stands in the way, oldest first.
    pub untidy: Vec<Touch>,
    /// Ports that wait for a person.
    pub port_faults: Vec<PortFault>,
}

/// An invitation whose newest decision is to hold or to leave, and that has no letter.
#[derive(Clone, PartialEq, Eq)]
pub struct Withheld {
    /// Its key.
    pub key: InvitationKey,
    /// Who invites.
    pub inviter_name: String,
    /// The reason's stable word.
    pub reason_code: String,
    /// The reason's sentence.
    pub reason_text: String,
    /// Since when.
    pub since: Timestamp,
}

/// A letter that does not move by itself.
#[derive(Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Its invitation's key.
    pub key: InvitationKey,
    /// Who invites.
    pub inviter_name: String,
    /// Draft or send.
    pub mode: Mode,
    /// Where it stands.
    pub state: State,
    /// Why it was made so, as the plan says.
    pub reason_text: String,
    /// What came back last; empty when nothing has.
    pub last_words: String,
    /// Since when.
    pub since: Timestamp,
    /// When it is sent from Drafts, where it is held; `None` for all others.
    pub goes_at: Option<Timestamp>,
}

/// A mail that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quarantined {
    /// Where it lies.
    pub mailbox: String,
    /// The UIDVALIDITY its UID belongs to.
    pub uid_validity: u32,
    /// Its UID.
    pub uid: Uid,
    /// What is wrong with it.
    pub why: String,
    /// Since when.
    pub since: Timestamp,
}

impl std::fmt::Debug for Withheld {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Withheld({}, {})", self.key.0, self.reason_code)
    }
}

impl Waiting {
    /// What came back last, else why the letter was made as it is.
    pub fn words(&self) -> &str {
        if self.last_words.is_empty() { &self.reason_text } else { &self.last_words }
    }
}

impl AccountStatus {
    /// Whether a pass would have something to do for a letter.
    pub fn waits(&self) -> bool {
        let is_open = |state: State| matches!(state, State::Held | State::Queued | State::Uncertain);
        self.states.iter().any(|(state, _)| is_open(*state))
            || self.waiting.iter().any(|letter| letter.goes_at.is_some())
            || !self.untidy.is_empty()
    }
}

impl std::fmt::Debug for Waiting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Waiting({}, {:?})", self.key.0, self.state)
    }
}

impl Ledger {
    /// The ledger at a glance.
    ///
    /// # Errors
    /// See [`Ledger::start_account`].
    pub fn status(&self) -> Result<Status, Fault> {
        self.read("reading the ledger for its status", |connection| {
            // One snapshot for all the questions below, whatever the daemon writes meanwhile.
            let snapshot = connection.unchecked_transaction()?;
            let status = read_status(&snapshot);
            snapshot.finish()?;
            status
        })
    }
}

fn read_status(connection: &Connection) -> rusqlite::Result<Status> {
    let stopped = brake::standing(connection)?;
    Ok(Status { stopped, yet_to_look: Vec::new(), accounts: read_accounts(connection)? })
}

fn read_accounts(connection: &Connection) -> rusqlite::Result<Vec<AccountStatus>> {
    let mut port_faults = cursor::port_faults(connection)?;
    let names: Vec<(String, Timestamp, Option<Timestamp>)> = connection
        .prepare("SELECT name, started_at, looked_at FROM account ORDER BY name")?
        .query_map([], |row| Ok((row.get(0)?, time(row, 1)?, optional_time(row, 2)?)))?
        .collect::<rusqlite::Result<_>>()?;
    names
        .into_iter()
        .map(|(name, started_at, looked_at)| {
            Ok(AccountStatus {
                started_at,
                looked_at,
                last_activity: last_activity(connection, &name)?,
                found_again: found_again(connection, &name)?,
                cursors: cursors(connection, &name)?,
                decisions: decisions(connection, &name)?,
                states: states(connection, &name)?,
                withheld: without_letter(connection, &name, "decision = 'hold'")?,
                acquainted: without_letter(
                    connection,
                    &name,
                    "reason_code IN ('known-person', 'perhaps-known')",
                )?,
                waiting: waiting(connection, &name)?,
                answered: answers::of_account(connection, &name)?,
                quarantined: quarantined(connection, &name)?,
                untidy: touch::in_trouble(connection, &name)?,
                port_faults: port_faults.extract_if(.., |fault| fault.account == name).collect(),
                name,
            })
        })
        .collect()
}

fn last_activity(connection: &Connection, account: &str) -> rusqlite::Result<Timestamp> {
    connection.query_row(
        "SELECT max(at) FROM (
             SELECT started_at AS at FROM account WHERE name = ?1
             UNION ALL SELECT moved_at FROM cursor WHERE account = ?1
             UNION ALL SELECT made_at FROM plan WHERE account = ?1
             UNION ALL SELECT changed_at FROM delivery WHERE account = ?1)",
        [account],
        |row| time(row, 0),
    )
}

pub(super) fn found_again(connection: &Connection, account: &str) -> rusqlite::Result<Option<FoundAgain>> {
    connection
        .query_row("SELECT done_at, in_drafts, in_sent FROM rebuild WHERE account = ?1", [account], |row| {
            Ok(FoundAgain { done_at: optional_time(row, 0)?, in_drafts: row.get(1)?, in_sent: row.get(2)? })
        })
        .optional()
}

fn cursors(connection: &Connection, account: &str) -> rusqlite::Result<Vec<(String, Cursor)>> {
    connection
        .prepare("SELECT mailbox, uid_validity, next_uid FROM cursor WHERE account = ?1 ORDER BY mailbox")?
        .query_map([account], |row| {
            Ok((row.get(0)?, Cursor { uid_validity: row.get(1)?, next_uid: row.get(2)? }))
        })?
        .collect()
}

fn decisions(connection: &Connection, account: &str) -> rusqlite::Result<Vec<(Decision, u32)>> {
    connection
        .prepare(
            "SELECT decision, count(*) FROM plan
             WHERE account = ?1 AND id IN (SELECT max(id) FROM plan WHERE account = ?1 GROUP BY key)
             GROUP BY decision ORDER BY decision",
        )?
        .query_map([account], |row| Ok((word(row, 0, Decision::parse)?, row.get(1)?)))?
        .collect()
}

fn states(connection: &Connection, account: &str) -> rusqlite::Result<Vec<(State, u32)>> {
    let count = |state: State| {
        connection
            .query_row(
                "SELECT count(*) FROM delivery WHERE account = ?1 AND state = ?2",
                params![account, state.as_str()],
                |row| row.get(0),
            )
            .map(|count: u32| (state, count))
    };
    State::ALL.into_iter().map(count).filter(|counted| !matches!(counted, Ok((_, 0)))).collect()
}

fn without_letter(connection: &Connection, account: &str, which: &str) -> rusqlite::Result<Vec<Withheld>> {
    connection
        .prepare(&format!(
            "SELECT key, inviter_name, reason_code, reason_text, made_at FROM plan
             WHERE account = ?1 AND {which} AND erased_at IS NULL
               AND id IN (SELECT max(id) FROM plan WHERE account = ?1 GROUP BY key)
               AND key NOT IN (SELECT key FROM delivery)
             ORDER BY id"
        ))?
        .query_map([account], |row| {
            Ok(Withheld {
                key: InvitationKey(row.get(0)?),
                inviter_name: row.get(1)?,
                reason_code: row.get(2)?,
                reason_text: row.get(3)?,
                since: time(row, 4)?,
            })
        })?
        .collect()
}

fn waiting(connection: &Connection, account: &str) -> rusqlite::Result<Vec<Waiting>> {
    connection
        .prepare(
            "SELECT d.key, p.inviter_name, d.mode, d.state, p.reason_text,
                    d.last_words, d.changed_at, h.goes_at
             FROM delivery d JOIN plan p ON p.id = d.plan_id
             LEFT JOIN hold h ON h.key = d.key AND h.ended_at IS NULL AND d.state = 'drafted'
             WHERE d.account = ?1 AND (d.state IN ('held', 'parked', 'uncertain')
                 OR (d.state = 'queued' AND d.attempts > 0)
                 OR (d.state = 'refused' AND d.erased_at IS NULL)
                 OR h.key IS NOT NULL)
             ORDER BY d.created_at, d.rowid",
        )?
        .query_map([account], |row| {
            Ok(Waiting {
                key: InvitationKey(row.get(0)?),
                inviter_name: row.get(1)?,
                mode: word(row, 2, parse_mode)?,
                state: word(row, 3, State::parse)?,
                reason_text: row.get(4)?,
                last_words: row.get(5)?,
                since: time(row, 6)?,
                goes_at: optional_time(row, 7)?,
            })
        })?
        .collect()
}

fn quarantined(connection: &Connection, account: &str) -> rusqlite::Result<Vec<Quarantined>> {
    connection
        .prepare(
            "SELECT mailbox, uid_validity, uid, why, since FROM quarantine
             WHERE account = ?1 ORDER BY since, mailbox, uid",
        )?
        .query_map([account], |row| {
            Ok(Quarantined {
                mailbox: row.get(0)?,
                uid_validity: row.get(1)?,
                uid: row.get(2)?,
                why: row.get(3)?,
                since: time(row, 4)?,
            })
        })?
        .collect()
}
