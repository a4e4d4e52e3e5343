//! Everything round the daemon: two mailboxes on real servers behind a line that
//! breaks, a server to send by that fails, an owner with another mail program.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use fastrand::Rng;
use notyet::app::port::Port;
use notyet::app::setup;
use notyet::config::Account;
use notyet::domain::delivery::State;
use notyet::shell::mailbox::{Access, maildir::UidBook};
use notyet::shell::store::{Cursor, Ledger};

use super::hand::{Delivered, Done};
use super::sink::{Form, script};
use super::traffic::{At, Traffic, mark, number_in};
use crate::support::dovecot::{self, Dovecot, Storage};
use crate::support::fault::{self, Fault, FaultyLine};
use crate::support::home::{Daemon, Home};
use crate::support::mails::{body, header};
use crate::support::smtp_peer::Crowd;

/// One mailbox.
pub struct Side {
    pub name: &'static str,
    pub server: Dovecot,
    pub storage: Storage,
    pub line: FaultyLine,
    pub renumbered: u32,
}

/// Steps of a session at which a line may break.
const STEPS: [&str; 16] = [
    "greeting",
    "AUTHENTICATE",
    "LIST",
    "EXAMINE",
    "SELECT",
    "UID SEARCH",
    "UID FETCH",
    "UID FETCH",
    "STATUS",
    "APPEND",
    "APPEND",
    "literal",
    "IDLE",
    "DONE",
    "UID MOVE",
    "UID STORE",
];

/// How far everything is to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    /// All mail is read.
    Read,
    /// No letter is under way either.
    Settled,
}

/// How a daemon is ended or shaken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shake {
    Stop,
    Kill,
    Reload,
}

/// A look at the running daemon.
#[derive(Clone, Copy, Debug)]
pub struct Vitals {
    pub life: u32,
    pub mails: usize,
    pub resident_kb: u64,
    pub own_kb: u64,
    pub files: usize,
    pub ledger_bytes: u64,
}

pub struct World {
    pub home: Home,
    pub sides: [Side; 2],
    pub sink: Crowd,
    pub traffic: Traffic,
    pub delivered: Vec<Delivered>,
    pub done: BTreeMap<u32, Vec<Done>>,
    pub answers: BTreeSet<(u32, &'static str)>,
    pub line_faults: BTreeMap<(&'static str, String), u32>,
    pub vitals: Vec<Vitals>,
    pub shakes: BTreeMap<&'static str, u32>,
    pub complaints: BTreeMap<String, u32>,
    planned: [Option<(&'static str, Fault)>; 2],
    troubled: Arc<AtomicBool>,
    daemon: Option<Daemon>,
    lives: u32,
}

impl World {
    /// Starts it all; `None` where there is no Dovecot to start.
    pub async fn start(seed: u64, form: Form) -> Option<Self> {
        let sides = [side("desk").await?, side("post").await?];
        let troubled = Arc::new(AtomicBool::new(true));
        let (mut dice, is_troubled) = (Rng::with_seed(seed ^ 1), Arc::clone(&troubled));
        let sink = Crowd::start(move || script(&mut dice, form, is_troubled.load(Ordering::Relaxed))).await;
        let home = Home::new();
        home.believe_reply_to();
        let world = Self {
            home,
            sides,
            sink,
            traffic: Traffic::new(seed),
            delivered: Vec::new(),
            done: BTreeMap::new(),
            answers: BTreeSet::new(),
            line_faults: BTreeMap::new(),
            vitals: Vec::new(),
            shakes: BTreeMap::new(),
            complaints: BTreeMap::new(),
            planned: [None, None],
            troubled,
            daemon: None,
            lives: 0,
        };
        world.home.put("direct.toml", &world.config(|side| side.server.imap_port));
        world.home.put("notyet.toml", &world.config(|side| side.line.port));
        Some(world)
    }

    /// Limits and brake are as wide as they go: else the year, pressed into hours, would become drafts only.
    fn config(&self, port: impl Fn(&Side) -> u16) -> String {
        let account = |side: &Side| {
            format!(
                "[account.{name}]\nauthserv_id = \"mx.example.org\"\npoll_every = \"20s\"\n\
                 [account.{name}.imap]\nhost = \"127.0.0.1\"\nport = {port}\ntls = \"loopback-plain\"\n\
                 timeout = \"3s\"\nuser = \"{user}\"\npassword.file = \"password\"\n",
                name = side.name,
                port = port(side),
                user = dovecot::USER
            )
        };
        format!(
            "state_dir = \"state\"\nrules_dir = \"rules\"\n\
             [owner]\nname = \"Robin Keller\"\naddresses = [\"robin@example.org\"]\nlanguages = [\"en\", \"de\"]\n\
             [policy]\ngeneric = \"send\"\nmax_per_hour = 1000\nmax_per_day = 10000\n\
             [sending]\nburst_letters = 10000\nrefusals_in_a_row = 1000\n\
             [[after]]\ndecision = \"draft\"\nseen = true\nmove = \"Invitations\"\ncreate = true\n\
             [[after]]\ndecision = \"send\"\nseen = true\n\
             [log]\nformat = \"json\"\nlevel = \"info\"\n{}{}\
             [account.post.smtp]\nhost = \"127.0.0.1\"\nport = {}\ntls = \"loopback-plain\"\n\
             timeout = \"3s\"\nlogin = \"none\"\n",
            account(&self.sides[0]),
            account(&self.sides[1]),
            self.sink.port
        )
    }

    pub fn side(&self, at: At) -> &Side {
        &self.sides[at as usize]
    }

    // ── The daemon ─────────────────────────────────────────────────────────

    pub fn bring_up(&mut self) {
        if self.daemon.is_none() {
            self.daemon = Some(self.home.daemon());
            self.lives += 1;
        }
    }

    pub fn shake(&mut self, shake: Shake) {
        let Some(daemon) = &self.daemon else { return };
        let word = match shake {
            Shake::Stop => "SIGTERM",
            Shake::Kill => "SIGKILL",
            Shake::Reload => "SIGHUP",
        };
        *self.shakes.entry(word).or_default() += 1;
        if shake == Shake::Reload {
            daemon.signal("-HUP");
            return;
        }
        let Some(daemon) = self.daemon.take() else { return };
        self.hear(&daemon);
        for line in daemon.log() {
            let broken =
                ["panicked", "please report it", "broke down"].iter().any(|word| line.contains(word));
            assert!(!broken, "the daemon's log: {line}");
        }
        match shake {
            Shake::Kill => daemon.signal("-KILL"),
            _ => assert_eq!(daemon.stop(), Some(0), "how it ends"),
        }
    }

    /// Counts what the daemon complained of.
    fn hear(&mut self, daemon: &Daemon) {
        for line in daemon.log() {
            let said: serde_json::Value = serde_json::from_str(&line).unwrap_or_default();
            if let (Some("WARN" | "ERROR"), Some(message)) =
                (said["level"].as_str(), said["message"].as_str())
            {
                let message = match said["letter_key"].as_str() {
                    Some(key) => message.replace(key, "KEY"),
                    None => message.to_owned(),
                };
                *self.complaints.entry(message).or_default() += 1;
            }
        }
    }

    /// A look at memory and files of the running daemon.
    pub fn look(&mut self) {
        let Some(daemon) = &self.daemon else { return };
        let pid = daemon.pid();
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("status");
        let kb = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("a line of it");
            line.trim().trim_end_matches("kB").trim().parse().expect("a number")
        };
        self.vitals.push(Vitals {
            life: self.lives,
            mails: self.delivered.len(),
            resident_kb: kb("VmRSS:"),
            own_kb: kb("RssAnon:"),
            files: std::fs::read_dir(format!("/proc/{pid}/fd")).expect("fd").count(),
            ledger_bytes: self.ledger_bytes(),
        });
    }

    /// The ledger's file with what SQLite keeps beside it.
    fn ledger_bytes(&self) -> u64 {
        let files = std::fs::read_dir(self.home.state()).into_iter().flatten().flatten();
        files.filter_map(|file| Some(file.metadata().ok()?.len())).sum()
    }

    /// The accounts, by a line that does not break.
    pub fn accounts(&self) -> Vec<Account> {
        let config = self.home.path().join("direct.toml");
        setup::load(&config).unwrap_or_else(|problems| panic!("{problems}")).config.accounts
    }

    /// What of all mail has not been read, and which letters are under way, should that be asked;
    /// nothing when all is done.
    pub async fn undone(&self, accounts: &[Account], rest: Rest) -> Vec<String> {
        let mut undone = Vec::new();
        let Ok(ledger) = Ledger::open_read_only(&self.home.state()) else {
            return vec!["there is no ledger yet".to_owned()];
        };
        for account in accounts {
            let truth = cursor(account).await;
            let cursor = ledger.cursor(&account.name, "INBOX").expect("cursor");
            if cursor != Some(truth) {
                undone.push(format!("{}: read up to {cursor:?} of {truth:?}", account.name));
            }
            if rest == Rest::Read {
                continue;
            }
            for state in [State::Appending, State::Transmitting] {
                let count = ledger.in_state(&account.name, state).expect("letters").len();
                if count > 0 {
                    undone.push(format!("{}: {count} {}", account.name, state.as_str()));
                }
            }
            let due = ledger.due(&account.name, notyet::shell::clock::now()).expect("letters").len();
            if due > 0 {
                undone.push(format!("{}: {due} due", account.name));
            }
        }
        undone
    }

    // ── Faults ─────────────────────────────────────────────────────────────

    pub fn break_line(&mut self, at: At) {
        self.mend_line(at);
        let step = STEPS[self.traffic.rng.usize(..STEPS.len())];
        let fault = Fault::ALL[self.traffic.rng.usize(..Fault::ALL.len())];
        self.planned[at as usize] = Some((step, fault));
        self.side(at).line.plan(fault::At::Named(step), fault);
    }

    /// Takes back what was planned; notes it where it has happened.
    pub fn mend_line(&mut self, at: At) {
        if let Some((step, fault)) = self.planned[at as usize].take()
            && self.side(at).line.happened()
        {
            *self.line_faults.entry((step, format!("{fault:?}"))).or_default() += 1;
        }
    }

    /// How often a server was made to refuse one of these steps.
    pub fn refusals_at(&self, steps: &[&str]) -> u32 {
        let refused = |fault: &str| ["No", "Bad", "Unavailable"].contains(&fault);
        let faults = self.line_faults.iter();
        faults
            .filter(|((step, fault), _)| steps.contains(step) && refused(fault))
            .map(|(_, count)| count)
            .sum()
    }

    pub fn mend_all(&mut self) {
        for at in At::ALL {
            self.mend_line(at);
        }
        self.troubled.store(false, Ordering::Relaxed);
    }

    /// A new UIDVALIDITY and new UIDs for all mail of the INBOX.
    pub fn renumber(&mut self, at: At) {
        self.side(at).storage.renumber_inbox();
        self.sides[at as usize].renumbered += 1;
    }

    /// Which invitation a letter answers: by the notification it is threaded under, in a digest by the name greeted.
    pub fn number_of(&self, letter: &str) -> u32 {
        let parent = header(letter, "In-Reply-To").expect("what it answers");
        let first = number_in(&parent).unwrap_or_else(|| panic!("it answers {parent}"));
        let words = body(letter);
        let found: Vec<u32> = (first..first + 3).filter(|number| words.contains(&mark(*number))).collect();
        assert_eq!(found.len(), 1, "one person is greeted: {words}");
        found[0]
    }

    /// The end of the daemon's log.
    pub fn last_words(&self) -> String {
        let log = self.daemon.as_ref().map(Daemon::log).unwrap_or_default();
        log[log.len().saturating_sub(20)..].join("\n")
    }
}

/// Where the INBOX of `account` ends.
async fn cursor(account: &Account) -> Cursor {
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        let mut port = Port::connect(account, UidBook::in_memory()).await.expect("a session");
        let opened = port.open("INBOX", Access::ReadOnly).await;
        port.close().await;
        match opened {
            Ok(opened) => return Cursor { uid_validity: opened.uid_validity, next_uid: opened.uid_next },
            // Dovecot refuses while its index, taken away for new UIDs, is written anew.
            Err(fault) => assert!(Instant::now() < end, "INBOX: {fault}"),
        }
    }
}

async fn side(name: &'static str) -> Option<Side> {
    let server = Dovecot::start()?;
    let storage = server.storage();
    // The folder of the owner's other program.
    storage.make(".Archive");
    let line = FaultyLine::before(server.imap_port).await;
    Some(Side { name, server, storage, line, renumbered: 0 })
}
