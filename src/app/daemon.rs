//! The daemon: one task per account, signals, the watchdog, reload.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinSet;

use super::account::{self, End};
use super::sandbox::Confined;
use super::setup::{Setup, load_beside};
use super::shared::{Kept, Memory, Progress, Shared, Stop};
use super::{books, people, settle};
use crate::config::Account;
use crate::domain::Fault;
use crate::rulebook::Rulebook;
use crate::shell::store::Ledger;
use crate::shell::telemetry::Telemetry;
use crate::shell::{clock, notify};

/// Why `run` came to an end.
#[derive(Debug)]
pub enum RunEnd {
    /// Stopped on request, or the one pass is done.
    Done,
    /// Something failed that may work later.
    TryAgain,
    /// Something failed that a person has to mend; the words are logged.
    Failed,
    /// What the configuration names is not there, so that nothing could be judged; the words are logged.
    Misconfigured,
    /// The ledger or the process itself could not be set up.
    NotStarted(Fault),
}

/// After so long a pause the ledger may have been put back from a copy: such
/// copies are made by night, and a machine that is in use is seldom off for longer.
const LONG_PAUSE: Duration = Duration::from_secs(6 * 60 * 60);

/// What all accounts do side by side before the next one begins.
#[derive(Clone, Copy)]
enum Round {
    LookBack,
    Pass,
}

impl Round {
    /// An account that is quick must not find its letters waiting for one that is slow.
    fn needed(accounts: &[Account], shared: &Shared) -> Vec<Self> {
        let waits = people::yet_to_read(&shared.ledger(), &shared.account_names, &shared.people);
        if accounts.len() > 1 && waits.is_ok_and(|waits| !waits.is_empty()) {
            vec![Self::LookBack, Self::Pass]
        } else {
            vec![Self::Pass]
        }
    }

    async fn run(self, account: &Account, shared: &Shared, stop: &Stop) -> Option<End> {
        match self {
            Self::LookBack => account::look_back(account, shared, stop).await,
            Self::Pass => Some(account::once(account, shared, stop).await),
        }
    }
}

/// From here on SIGHUP does not end this process, also while its set-up is still
/// being read: what asks for a reload then comes early, and has what it wants.
///
/// # Errors
/// [`Fault::NeedsHuman`] when no signal can be listened for.
pub fn heed_hangup() -> Result<(), Fault> {
    let cannot = |error| Fault::NeedsHuman(format!("cannot listen for signals: {error}"));
    // The handler stays when this runtime goes. It starts no thread, which would be outside the sandbox.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().map_err(cannot)?;
    let _inside = runtime.enter();
    signal(SignalKind::hangup()).map(drop).map_err(cannot)
}

/// One pass over every account, side by side.
pub async fn once(setup: Setup) -> RunEnd {
    // Before the first task: a signal must never meet a transmission unheard.
    let mut signals = match Signals::new() {
        Ok(signals) => signals,
        Err(fault) => return RunEnd::NotStarted(fault),
    };
    let (mut accounts, shared) = match begin(setup, None) {
        Ok(begun) => begun,
        Err(fault) => return RunEnd::NotStarted(fault),
    };
    let (switch, stop) = Stop::new();
    let mut ends = Vec::new();
    for round in Round::needed(&accounts, &shared) {
        let mut tasks = JoinSet::new();
        for account in accounts.drain(..) {
            let (shared, stop) = (Arc::clone(&shared), stop.clone());
            tasks.spawn(async move {
                let end = round.run(&account, &shared, &stop).await;
                (account, end)
            });
        }
        loop {
            tokio::select! {
                end = tasks.join_next() => match end {
                    Some(Ok((_, Some(end)))) => ends.push(end),
                    Some(Ok((account, None))) => accounts.push(account),
                    Some(Err(_)) => ends.push(End::NeedsHuman),
                    None => break,
                },
                // One pass has nothing to load anew.
                asked = signals.next() => if matches!(asked, Asked::Stop) { let _ = switch.send(true); },
            }
        }
    }
    let lacks_a_book = books::first_missing(&shared).is_ok_and(|missing| missing.is_some());
    if ends.contains(&End::NeedsHuman) {
        RunEnd::Failed
    } else if lacks_a_book {
        RunEnd::Misconfigured
    } else if ends.contains(&End::TryAgain) {
        RunEnd::TryAgain
    } else {
        RunEnd::Done
    }
}

/// Runs until SIGTERM or SIGINT; SIGHUP loads `config_file` and the rules anew.
/// `confined` is what already holds for this process.
pub async fn run(config_file: &Path, setup: Setup, telemetry: &Telemetry, confined: &Confined) -> RunEnd {
    let mut signals = match Signals::new() {
        Ok(signals) => signals,
        Err(fault) => return RunEnd::NotStarted(fault),
    };
    let mut next = setup;
    let mut kept = None;
    loop {
        let state_dir = next.config.state_dir.clone();
        let present = Present { config_file, state_dir, rules: Arc::clone(&next.rules), confined };
        let (accounts, shared) = match begin(next, kept.take()) {
            Ok(begun) => begun,
            Err(fault) => return RunEnd::NotStarted(fault),
        };
        let mut crew = Crew::start(accounts, &shared);
        notify::ready();
        let next_life = crew.stand_by(&present, &mut signals).await;
        if !matches!(next_life, NextLife::Reloaded(..)) {
            notify::stopping();
        }
        crew.dismiss().await;
        let (fresh, moved) = match next_life {
            NextLife::Reloaded(fresh, moved) => (fresh, moved),
            NextLife::Stop => return RunEnd::Done,
            NextLife::Broken => return RunEnd::Failed,
        };
        telemetry.reload(&fresh.config.logging);
        kept = match moved {
            Some(ledger) => {
                if let Err(fault) = shared.record_what_was_owed() {
                    tracing::error!("the old ledger does not learn what became of a letter: {fault}");
                }
                Some(Kept { ledger, owed: Vec::new() })
            }
            // All tasks have ended, so this is the last owner.
            None => Arc::into_inner(shared).map(Shared::into_kept),
        };
        tracing::info!("configuration and rules are loaded anew");
        next = *fresh;
    }
}

fn begin(setup: Setup, kept: Option<Kept>) -> Result<(Vec<Account>, Arc<Shared>), Fault> {
    for warning in &setup.warnings {
        tracing::warn!("{warning}");
    }
    let is_going_on = kept.is_some();
    let Kept { ledger, owed } = match kept {
        Some(kept) => kept,
        None => Kept { ledger: opened(&setup.config.state_dir)?, owed: Vec::new() },
    };
    let uids_dir = Some(setup.config.state_dir.join("maildir"));
    let mut shared = Shared::new(setup.rules, setup.config.owner, setup.policy, ledger, clock::now);
    shared.uids_dir = uids_dir;
    shared.account_names = setup.config.accounts.iter().map(|account| account.name.clone()).collect();
    shared.people = setup.config.people;
    shared.sending = setup.config.sending;
    shared.zone = setup.zone;
    shared.after = setup.config.after;
    shared.retention = setup.config.retention;
    shared.take_over(owed);
    match settle::recover_unwatched(&shared) {
        // A ledger that is busy this moment ends no daemon that runs.
        Err(fault) if is_going_on => tracing::warn!("{fault}"),
        recovered => recovered?,
    }
    Ok((setup.config.accounts, Arc::new(shared)))
}

fn opened(state_dir: &Path) -> Result<Ledger, Fault> {
    let mut ledger = Ledger::open(state_dir)?;
    if ledger.look_again_after(LONG_PAUSE, clock::now())? {
        tracing::info!(
            "the last pass is long ago: letters that the ledger does not know are looked for before anything is sent"
        );
    }
    Ok(ledger)
}

/// What a new set-up is held against.
struct Present<'a> {
    config_file: &'a Path,
    state_dir: PathBuf,
    rules: Arc<Rulebook>,
    confined: &'a Confined,
}

/// The new set-up, and its ledger where that is another one than the present one.
/// What is bad is refused with its message, and the old stays in force.
fn reloaded(present: &Present<'_>) -> Option<NextLife> {
    notify::reloading();
    let refused = |why: &dyn std::fmt::Display| {
        tracing::error!("the new configuration is refused, the old one stays in force: {why}");
    };
    let setup =
        load_beside(present.config_file, Some(&present.rules)).map_err(|problems| refused(&problems)).ok()?;
    present.confined.allows(&setup.config).map_err(|words| refused(&words)).ok()?;
    let moved = setup.config.state_dir != present.state_dir;
    let ledger = moved.then(|| opened(&setup.config.state_dir)).transpose();
    let ledger = ledger.map_err(|fault| refused(&fault)).ok()?;
    Some(NextLife::Reloaded(Box::new(setup), ledger))
}

/// What comes after the present crew.
enum NextLife {
    Stop,
    Reloaded(Box<Setup>, Option<Ledger>),
    Broken,
}

fn kind_of(error: &tokio::task::JoinError) -> &'static str {
    if error.is_panic() { "a fault inside notyet; please report it" } else { "cancelled" }
}

/// The tasks of all accounts.
struct Crew {
    tasks: JoinSet<End>,
    switch: tokio::sync::watch::Sender<bool>,
    progress: Vec<(String, Arc<Progress>)>,
}

impl Crew {
    fn start(accounts: Vec<Account>, shared: &Arc<Shared>) -> Self {
        let (switch, stop) = Stop::new();
        let mut crew = Self { tasks: JoinSet::new(), switch, progress: Vec::new() };
        for account in accounts {
            let memory = Memory::default();
            memory.progress.expect_within(Duration::from_secs(60));
            crew.progress.push((account.name.clone(), Arc::clone(&memory.progress)));
            crew.tasks.spawn(account::watch(account, Arc::clone(shared), memory, stop.clone()));
        }
        crew
    }

    /// Until a signal asks for a stop or brings a good new set-up, or a task breaks.
    async fn stand_by(&mut self, present: &Present<'_>, signals: &mut Signals) -> NextLife {
        let mut ticker = beat();
        loop {
            tokio::select! {
                asked = signals.next() => match asked {
                    Asked::Stop => return NextLife::Stop,
                    Asked::Reload => match reloaded(present) {
                        Some(next_life) => return next_life,
                        None => notify::ready(),
                    },
                },
                Some(Err(error)) = self.tasks.join_next() => {
                    // Its mail would be left unread with nobody told: better a restart.
                    tracing::error!("an account's task broke down: {}", kind_of(&error));
                    return NextLife::Broken;
                }
                _ = ticker.tick() => self.sign_of_life(),
            }
        }
    }

    /// Tells systemd that we live, if every account shows that it moves.
    fn sign_of_life(&self) {
        let late: Vec<_> =
            self.progress.iter().filter(|(_, p)| p.is_late()).map(|(name, _)| name.as_str()).collect();
        if late.is_empty() {
            notify::watchdog();
        } else {
            tracing::error!(
                accounts = late.join(" "),
                "no progress for too long; the watchdog is left to act"
            );
        }
    }

    /// Until every task has ended. A server may take its time over the last
    /// answer of a transmission, and systemd has to be told meanwhile.
    async fn dismiss(mut self) {
        let _ = self.switch.send(true);
        let mut ticker = beat();
        loop {
            tokio::select! {
                end = self.tasks.join_next() => match end {
                    Some(Ok(_)) => {}
                    Some(Err(error)) => {
                        tracing::error!("an account's task broke down: {}", kind_of(&error));
                    }
                    None => return,
                },
                _ = ticker.tick() => self.sign_of_life(),
            }
        }
    }
}

/// When to tell that we live: so often that one late account costs no more than one beat.
fn beat() -> tokio::time::Interval {
    let often = notify::watchdog_interval().map_or(Duration::from_secs(3600), |interval| interval / 4);
    tokio::time::interval(often)
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    fn new() -> Result<Self, Fault> {
        let one =
            |kind| signal(kind).map_err(|e| Fault::NeedsHuman(format!("cannot listen for signals: {e}")));
        Ok(Self {
            terminate: one(SignalKind::terminate())?,
            interrupt: one(SignalKind::interrupt())?,
            hangup: one(SignalKind::hangup())?,
        })
    }

    /// The next signal that asks for something.
    async fn next(&mut self) -> Asked {
        tokio::select! {
            _ = self.terminate.recv() => Asked::Stop,
            _ = self.interrupt.recv() => Asked::Stop,
            _ = self.hangup.recv() => Asked::Reload,
        }
    }
}

/// What a signal asks for.
enum Asked {
    Stop,
    Reload,
}
