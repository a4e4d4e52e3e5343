//! Everything round the daemon: two mailboxes on real servers behind a line that
//! breaks, a server to send by that fails, an owner with another mail program.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use fastrand::Rng;
use notyet::app::port::Port;
use notyet::app::setup;
use notyet::config::{Account, Tls};
use notyet::domain::delivery::State;
use notyet::shell::mailbox::{Access, maildir::UidBook};
use notyet::shell::store::{Cursor, Ledger};

use super::traffic::{At, Mail, Traffic, What, mark, number_in};
use crate::support::dovecot::{self, Dovecot, Storage};
use crate::support::fault::{self, Fault, FaultyLine};
use crate::support::home::{Daemon, Home};
use crate::support::mails::{body, header};
use crate::support::smtp_peer::{self, Act, Crowd, Script, Session};

/// One mailbox.
pub struct Side {
    pub name: &'static str,
    pub server: Dovecot,
    pub storage: Storage,
    pub line: FaultyLine,
    pub renumbered: u32,
}

/// What the owner's other mail program did to a mail of the INBOX.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hand {
    None,
    Seen,
    Flagged,
    Archived,
    Deleted,
}

/// A mail that was delivered.
pub struct Delivered {
    pub mail: Mail,
    pub file: String,
    pub hand: Hand,
}

/// What the owner did with a draft.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    Deleted,
    Sent,
    Edited,
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
    pub async fn start(seed: u64) -> Option<Self> {
        let sides = [side("desk").await?, side("post").await?];
        let troubled = Arc::new(AtomicBool::new(true));
        let (mut dice, is_troubled) = (Rng::with_seed(seed ^ 1), Arc::clone(&troubled));
        let sink = Crowd::start(move || script(&mut dice, is_troubled.load(Ordering::Relaxed))).await;
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

    pub fn is_up(&self) -> bool {
        self.daemon.is_some()
    }

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
                *self.complaints.entry(message.to_owned()).or_default() += 1;
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

    // ── Mail ───────────────────────────────────────────────────────────────

    /// Delivers; the field by which the mail is found again stands last in its header.
    pub fn deliver(&mut self, mut mail: Mail) {
        let id = self.delivered.len();
        let (end, line) = mail
            .text
            .find("\n\n")
            .map_or_else(|| (mail.text.find("\r\n\r\n").expect("a header"), "\r\n"), |at| (at, "\n"));
        mail.text.insert_str(end, &format!("{line}X-Soak: {id}"));
        let file = self.side(mail.to).storage.deliver_named("", &mail.text);
        self.delivered.push(Delivered { mail, file, hand: Hand::None });
    }

    /// Something comes back to a letter that the server took.
    pub fn answer(&mut self) {
        let went = self.transmissions();
        if went.is_empty() {
            return;
        }
        let (number, letter) = &went[self.traffic.rng.usize(..went.len())];
        let kind = ["replied", "auto-answered", "bounced"][self.traffic.rng.usize(..3)];
        let id = header(letter, "Message-ID").expect("an id");
        let to = header(letter, "To").expect("a recipient");
        let address = to.rsplit('<').next().expect("an address").trim_end_matches('>').to_owned();
        let mail = self.traffic.answer(*number, kind, &id, &address);
        self.answers.insert((*number, kind));
        self.deliver(mail);
    }

    /// The owner's other program does something to a mail of the INBOX.
    pub fn touch_inbox(&mut self) {
        let rng = &mut self.traffic.rng;
        let latest = self.delivered.len();
        if latest == 0 {
            return;
        }
        let id = rng.usize(latest.saturating_sub(200)..latest);
        let hand = [Hand::Seen, Hand::Flagged, Hand::Archived, Hand::Deleted][rng.usize(..4)];
        let Delivered { mail, file, hand: before } = &self.delivered[id];
        // What is counted by its having been read is left alone.
        if *before != Hand::None || matches!(mail.what, What::Answer(_) | What::Unreadable) {
            return;
        }
        let storage = &self.side(mail.to).storage;
        let Some(path) = storage.find("", file) else { return };
        let flagged = |letter: &str| {
            path.parent().expect("new").parent().expect("INBOX").join(format!("cur/{file}:2,{letter}"))
        };
        // Flags that stand there are kept: only what has none yet is touched.
        let name = path.file_name().expect("name").to_string_lossy().into_owned();
        if name.split_once(":2,").is_some_and(|(_, flags)| !flags.is_empty()) {
            return;
        }
        let went = match hand {
            Hand::Seen => std::fs::rename(&path, flagged("S")),
            Hand::Flagged => std::fs::rename(&path, flagged("F")),
            Hand::Archived => storage.try_take_to(".Archive", &path),
            _ => std::fs::remove_file(&path),
        };
        // The server may have moved it at the same moment.
        if went.is_ok() {
            self.delivered[id].hand = hand;
        }
    }

    /// The owner deletes, sends or edits a draft.
    pub fn touch_draft(&mut self) {
        let at = At::ALL[self.traffic.rng.usize(..2)];
        let storage = self.side(at).storage.clone();
        let files = storage.paths(".Drafts");
        if files.is_empty() {
            return;
        }
        let path = &files[self.traffic.rng.usize(..files.len())];
        let Ok(text) = std::fs::read_to_string(path) else { return };
        let number = self.number_of(&text);
        let done = match self.traffic.rng.u8(..3) {
            0 => std::fs::remove_file(path).map(|()| Done::Deleted),
            1 => storage.try_take_to(".Posted", path).map(|()| Done::Sent),
            _ => {
                let edited = text.replacen("\nX-Notyet-", "\nX-Was-", 9).replace("Thank you", "Thanks");
                std::fs::remove_file(path).map(|()| {
                    storage.deliver(".Drafts", &edited);
                    Done::Edited
                })
            }
        };
        if let Ok(done) = done {
            self.done.entry(number).or_default().push(done);
        }
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

    /// The letters that the sink took, or may have taken, whole; each with its invitation.
    pub fn transmissions(&self) -> Vec<(u32, String)> {
        let sessions = self.sink.sessions.lock().expect("sessions").clone();
        let mut went = Vec::new();
        for Session { script, seen } in sessions {
            let refused = script.at == smtp_peer::At::Dot && matches!(script.act, Act::Say(_));
            for bytes in seen.lock().expect("seen").bodies.iter().filter(|_| !refused) {
                let text = String::from_utf8(bytes.clone()).expect("UTF-8").replace("\r\n..", "\r\n.");
                went.push((self.number_of(&text), text));
            }
        }
        went
    }

    /// Sessions that did not go as usual.
    pub fn spoilt(&self) -> usize {
        let sessions = self.sink.sessions.lock().expect("sessions");
        sessions.iter().filter(|session| session.script.at != smtp_peer::At::Never).count()
    }

    /// The end of the daemon's log.
    pub fn last_words(&self) -> String {
        let log = self.daemon.as_ref().map(Daemon::log).unwrap_or_default();
        log[log.len().saturating_sub(20)..].join("\n")
    }

    /// Sessions in which the sink refused for good.
    pub fn refused_for_good(&self) -> usize {
        let sessions = self.sink.sessions.lock().expect("sessions");
        sessions.iter().filter(|s| matches!(s.script.act, Act::Say(words) if words.starts_with('5'))).count()
    }
}

/// Where the INBOX of `account` ends.
async fn cursor(account: &Account) -> Cursor {
    let mut port = Port::connect(account, UidBook::in_memory()).await.expect("a session");
    let opened = port.open("INBOX", Access::ReadOnly).await.expect("INBOX");
    port.close().await;
    Cursor { uid_validity: opened.uid_validity, next_uid: opened.uid_next }
}

async fn side(name: &'static str) -> Option<Side> {
    let server = Dovecot::start()?;
    let storage = server.storage();
    // The folder of the owner's other program.
    storage.make(".Archive");
    let line = FaultyLine::before(server.imap_port).await;
    Some(Side { name, server, storage, line, renumbered: 0 })
}

/// How the sink treats its next client.
fn script(dice: &mut Rng, troubled: bool) -> Script {
    use smtp_peer::At;
    let script = Script::new(Tls::LoopbackPlain);
    if !troubled || dice.u8(..) > 100 {
        return script;
    }
    // What happens once the letter is out is the most dangerous, and happens most.
    const MOMENTS: [At; 11] = [
        At::Greeting,
        At::Hello,
        At::Mail,
        At::Rcpt,
        At::Data,
        At::MidBody,
        At::Dot,
        At::Dot,
        At::Dot,
        At::Dot,
        At::Quit,
    ];
    let at = MOMENTS[dice.usize(..MOMENTS.len())];
    let say = [
        Act::Say("451 4.3.0 later\r\n"),
        Act::Say("421 4.3.2 going down\r\n"),
        Act::Say("550 5.7.1 no\r\n"),
        Act::Silence,
        Act::Reset,
        Act::Close,
        Act::Half,
    ];
    // A word in the middle of a body is heard as one after it; what it means would be a matter of time.
    let most = if at == At::MidBody { 3.. } else { 0.. };
    let acts = &say[most.start..];
    script.at(at, acts[dice.usize(..acts.len())])
}
