//! An installation of notyet: a config file, a state folder, the real binary.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use super::dovecot::{self, Dovecot};

/// Patience with real servers on a busy machine.
const PATIENCE: Duration = Duration::from_secs(40);

/// Asks again and again until there is an answer; fails after a long while.
/// The pause only keeps the asking cheap: nothing depends on its length.
#[allow(clippy::disallowed_methods)]
pub fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < end, "it never came to this: {what}");
        #[allow(clippy::disallowed_methods, reason = "another process is asked; it has no event to await")]
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A folder with everything one installation needs.
pub struct Home {
    dir: TempDir,
}

/// How a run of the binary ended.
pub struct Ran {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Ran {
    pub fn of(command: &mut Command) -> Self {
        let done = command.stdin(Stdio::null()).output().expect("the binary");
        Self {
            code: done.status.code(),
            out: String::from_utf8(done.stdout).expect("UTF-8"),
            err: String::from_utf8(done.stderr).expect("UTF-8"),
        }
    }

    /// Fails unless the run went well.
    #[track_caller]
    pub fn well(self) -> Self {
        assert_eq!(self.code, Some(0), "{}{}", self.out, self.err);
        self
    }
}

impl Home {
    pub fn new() -> Self {
        let home = Self { dir: tempfile::tempdir().expect("temp dir") };
        home.put("password", dovecot::PASSWORD);
        home
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    pub fn state(&self) -> PathBuf {
        self.path().join("state")
    }

    pub fn config(&self) -> PathBuf {
        self.path().join("notyet.toml")
    }

    /// Writes a file that only we can read.
    pub fn put(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path().join(name);
        fs::write(&path, text).expect("write");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("permissions");
        path
    }

    /// Lays rules over the shipped ones by which a member's Reply-To is believed in mail of
    /// today as it was in mail of 2015: what arrives now has to be written now.
    pub fn believe_reply_to(&self) {
        let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/rules/networks/linkedin.toml");
        let text = fs::read_to_string(shipped).expect("the shipped rules");
        let ours = text.replace("person_reply_until = \"2016-01-01\"", "person_reply_until = \"2100-01-01\"");
        assert_ne!(ours, text, "the line to replace is there");
        fs::create_dir_all(self.path().join("rules/networks")).expect("rules");
        self.put("rules/networks/linkedin.toml", &ours);
    }

    /// Writes the config: the owner of the sample mails, no limits that matter, and what is given.
    pub fn configure(&self, policy: &str, accounts: &[String]) {
        let rules = if self.path().join("rules").exists() { "rules_dir = \"rules\"\n" } else { "" };
        let text = format!(
            "state_dir = \"state\"\n{rules}\
             [owner]\nname = \"Robin Keller\"\naddresses = [\"robin@example.org\"]\n\
             [policy]\nmax_per_hour = 1000\nmax_per_day = 1000\n{policy}\n\
             [log]\nformat = \"json\"\nlevel = \"trace\"\n{}",
            accounts.concat()
        );
        self.put("notyet.toml", &text);
    }

    /// An account on `server`; `keys` are further lines of its table, `smtp` is a table of its own or nothing.
    pub fn on_dovecot(&self, name: &str, server: &Dovecot, keys: &str, smtp: &str) -> String {
        self.on_tls(name, server.imaps_port, "implicit", &server.ca_file(), keys) + smtp + "\n"
    }

    /// An account on a port of `localhost` with TLS.
    pub fn on_tls(&self, name: &str, port: u16, tls: &str, ca_file: &Path, keys: &str) -> String {
        format!(
            "[account.{name}]\nauthserv_id = \"mx.example.org\"\npoll_every = \"5m\"\n{keys}\n\
             [account.{name}.imap]\nhost = \"localhost\"\nport = {port}\ntls = \"{tls}\"\n\
             ca_file = \"{}\"\ntimeout = \"20s\"\nuser = \"{}\"\npassword.file = \"password\"\n",
            ca_file.display(),
            dovecot::USER
        )
    }

    /// An account on a plain-text loopback port.
    pub fn on_port(&self, name: &str, port: u16, keys: &str) -> String {
        format!(
            "[account.{name}]\nauthserv_id = \"mx.example.org\"\npoll_every = \"5m\"\n{keys}\n\
             [account.{name}.imap]\nhost = \"127.0.0.1\"\nport = {port}\ntls = \"loopback-plain\"\n\
             timeout = \"20s\"\nuser = \"{}\"\npassword.file = \"password\"\n",
            dovecot::USER
        )
    }

    /// An account on a Maildir of this home, made if need be.
    pub fn on_maildir(&self, name: &str, keys: &str) -> String {
        let path = self.maildir(name);
        for part in ["cur", "new", "tmp"] {
            fs::create_dir_all(path.join(part)).expect("maildir");
        }
        format!(
            "[account.{name}]\nauthserv_id = \"mx.example.org\"\npoll_every = \"1s\"\n{keys}\n\
             [account.{name}.maildir]\npath = \"{}\"\n",
            path.display()
        )
    }

    pub fn maildir(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// Delivers into the Maildir of account `name`.
    pub fn deliver(&self, name: &str, file: &str, mail: &str) {
        self.deliver_bytes(name, file, mail.as_bytes());
    }

    /// The same for what is no text.
    pub fn deliver_bytes(&self, name: &str, file: &str, mail: &[u8]) {
        let maildir = self.maildir(name);
        let staged = maildir.join("tmp").join(file);
        fs::write(&staged, mail).expect("write");
        fs::rename(staged, maildir.join("new").join(file)).expect("rename");
    }

    /// The drafts in the Maildir of account `name`.
    pub fn drafts(&self, name: &str) -> Vec<String> {
        messages(&self.maildir(name).join(".Drafts"))
    }

    /// `notyet` with these arguments and this home's config.
    pub fn notyet(&self, arguments: &[&str]) -> Ran {
        let mut command = Command::new(env!("CARGO_BIN_EXE_notyet"));
        Ran::of(command.args(arguments).arg("--config").arg(self.config()))
    }

    /// The same held to the modes of files, also where the tests run as root.
    pub fn notyet_by_modes(&self, arguments: &[&str]) -> Ran {
        let is_root = fs::metadata("/proc/self").expect("/proc").uid() == 0;
        let mut command = if is_root {
            let mut command = Command::new("setpriv");
            command.args(["--bounding-set=-dac_override,-dac_read_search", env!("CARGO_BIN_EXE_notyet")]);
            command
        } else {
            Command::new(env!("CARGO_BIN_EXE_notyet"))
        };
        Ran::of(command.args(arguments).arg("--config").arg(self.config()))
    }

    /// One pass.
    pub fn once(&self) -> Ran {
        self.notyet(&["run", "--once"])
    }

    /// The status of account `name`.
    pub fn status(&self, name: &str) -> Value {
        let status: Value =
            serde_json::from_str(&self.notyet(&["status", "--json"]).well().out).expect("JSON");
        let accounts = status["accounts"].as_array().expect("accounts");
        accounts.iter().find(|account| account["name"] == name).expect("the account").clone()
    }

    /// The daemon.
    pub fn daemon(&self) -> Daemon {
        self.daemon_with(&[])
    }

    /// The same with these variables set.
    pub fn daemon_with(&self, variables: &[(&str, &OsStr)]) -> Daemon {
        let mut child = Command::new(env!("CARGO_BIN_EXE_notyet"))
            .args(["run", "--config"])
            .arg(self.config())
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary");
        let lines = BufReader::new(child.stderr.take().expect("stderr")).lines();
        let log = Arc::new(Mutex::new(Vec::new()));
        let written = Arc::clone(&log);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                written.lock().expect("log").push(line);
            }
        });
        Daemon { child, log }
    }
}

/// Every message of a Maildir folder, in the order of the file names.
pub fn messages(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for part in ["cur", "new"] {
        for entry in fs::read_dir(folder.join(part)).into_iter().flatten() {
            let path = entry.expect("entry").path();
            found.push((path.file_name().expect("name").to_owned(), fs::read(&path).expect("message")));
        }
    }
    found.sort();
    found.into_iter().map(|(_, bytes)| String::from_utf8(bytes).expect("UTF-8")).collect()
}

/// A running daemon; it is killed when dropped.
pub struct Daemon {
    child: Child,
    log: Arc<Mutex<Vec<String>>>,
}

impl Daemon {
    /// All lines so far.
    pub fn log(&self) -> Vec<String> {
        self.log.lock().expect("log").clone()
    }

    /// Waits until `count` lines hold `text`.
    pub fn says(&self, text: &str, count: usize) {
        until(&format!("{count} log lines with {text:?}"), || {
            (self.log().iter().filter(|line| line.contains(text)).count() >= count).then_some(())
        });
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        let done = Command::new("kill").args([signal, &pid]).status().expect("kill");
        assert!(done.success());
    }

    /// Asks it to stop and tells its exit code.
    pub fn stop(mut self) -> Option<i32> {
        self.signal("-TERM");
        until("the daemon ends", || self.child.try_wait().expect("wait")).code()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
