//! Support: a real Postfix of one test, in a folder and on loopback ports of its own.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use notyet::config::{Smtp, Tls};
use tempfile::TempDir;

use super::smtp_peer::Authority;

/// Patience with a real server on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// nobody:nogroup, who owns the delivered mail.
const NOBODY: u32 = 65_534;

/// What this Postfix takes at most.
pub const MESSAGE_MAX_BYTES: usize = 20_000;

/// Whether this Postfix knows passwords.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Logins {
    None,
    /// Those of a Dovecot beside it: user `owner-login`, password `pass-word-1`.
    Dovecot,
}

/// A running Postfix. It delivers `jane@example.org` to a Maildir, greylists
/// `grey@example.org` and knows nobody else there.
pub struct Postfix {
    dir: TempDir,
    child: Child,
    dovecot: Option<Child>,
    log: Receiver<String>,
    authority: Authority,
    /// STARTTLS required.
    pub submission_port: u16,
    /// TLS from the first byte; its EHLO hides SIZE.
    pub submissions_port: u16,
    /// No TLS to be had.
    pub plain_port: u16,
    /// TLS from the first byte, and only for those who log in with PLAIN.
    pub login_port: u16,
    /// The same for LOGIN, the mechanism.
    pub old_login_port: u16,
}

/// A Postfix, or `None` after saying why the test is skipped.
/// `NOTYET_REQUIRE_SERVERS=1` makes a missing server a failure.
pub fn start_or_skip(test: &str, logins: Logins) -> Option<Postfix> {
    let why = if !Path::new("/usr/sbin/postfix").exists() {
        "Postfix is not installed (apt-get install postfix)"
    } else if logins == Logins::Dovecot && !Path::new("/usr/sbin/dovecot").exists() {
        "Dovecot, which checks the passwords, is not installed (apt-get install dovecot-imapd)"
    } else if output("id", &["-u"]) != "0" {
        "Postfix can only be started by root"
    } else {
        return Some(Postfix::start(logins));
    };
    assert!(std::env::var("NOTYET_REQUIRE_SERVERS").as_deref() != Ok("1"), "{test}: {why}");
    eprintln!("SKIPPED: {test}: {why}");
    None
}

impl Postfix {
    fn start(logins: Logins) -> Self {
        let dir = TempDir::new().unwrap();
        let root = dir.path();
        // The daemons run as another user.
        std::fs::set_permissions(root, PermissionsExt::from_mode(0o755)).unwrap();
        for name in ["etc", "queue", "data", "mail"] {
            std::fs::create_dir(root.join(name)).unwrap();
        }
        let owner = output("id", &["-u", "postfix"]).parse().unwrap();
        chown(root.join("data"), Some(owner), None).unwrap();
        chown(root.join("mail"), Some(NOBODY), Some(NOBODY)).unwrap();

        let authority = Authority::new();
        let (certificate, key) = authority.issue("localhost");
        let pem = format!("{}{}", key.serialize_pem(), certificate.pem());
        std::fs::write(root.join("etc/tls.pem"), pem).unwrap();

        // All at once, so that they differ.
        let listeners = [(); 5].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let ports @ [submission_port, submissions_port, plain_port, login_port, old_login_port] =
            listeners.map(|listener| listener.local_addr().unwrap().port());
        std::fs::write(root.join("etc/main.cf"), main_cf(root)).unwrap();
        std::fs::write(root.join("etc/master.cf"), master_cf(root, ports)).unwrap();

        let dovecot = match logins {
            Logins::None => None,
            Logins::Dovecot => Some(start_dovecot(root)),
        };
        let mut child = Command::new("/usr/sbin/postfix")
            .arg("-c")
            .arg(root.join("etc"))
            .arg("start-fg")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            // The master ends its process group when it is stopped.
            .process_group(0)
            .spawn()
            .unwrap();
        let stdout = child.stdout.take().unwrap();
        let (lines, log) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let _ = lines.send(line);
            }
        });
        let mut postfix = Self {
            dir,
            child,
            dovecot,
            log,
            authority,
            submission_port,
            submissions_port,
            plain_port,
            login_port,
            old_login_port,
        };
        postfix.wait_for("daemon started");
        postfix
    }

    /// Reads the log up to a line that holds `text`; returns all lines on the way.
    pub fn wait_for(&mut self, text: &str) -> Vec<String> {
        let end = Instant::now() + PATIENCE;
        let mut seen = Vec::new();
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let line = self
                .log
                .recv_timeout(left)
                .unwrap_or_else(|_| panic!("Postfix never logged {text:?}, but: {seen:#?}"));
            let found = line.contains(text);
            seen.push(line);
            if found {
                return seen;
            }
        }
    }

    /// The config of a client that trusts this server.
    pub fn smtp(&self, port: u16, tls: Tls) -> Smtp {
        Smtp {
            host: "localhost".to_owned(),
            port,
            tls,
            ca_file: Some(self.authority.ca_file.clone()),
            timeout: PATIENCE,
            login: None,
        }
    }

    /// Every message delivered to jane, as its file holds it.
    pub fn delivered(&self) -> Vec<String> {
        let new: PathBuf = self.dir.path().join("mail/jane/new");
        let Ok(entries) = std::fs::read_dir(new) else {
            return Vec::new();
        };
        entries.map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap()).collect()
    }
}

impl Postfix {
    /// Stops every process at once, whatever it does.
    pub fn abort(&self) {
        let aborted = Command::new("/usr/sbin/postfix")
            .arg("-c")
            .arg(self.dir.path().join("etc"))
            .arg("abort")
            .output();
        assert!(aborted.expect("postfix").status.success());
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        let _ = Command::new("/usr/sbin/postfix")
            .arg("-c")
            .arg(self.dir.path().join("etc"))
            .arg("stop")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        let _ = self.child.wait();
        if let Some(dovecot) = &mut self.dovecot {
            let pid = dovecot.id().to_string();
            let _ = Command::new("kill").args(["-TERM", &pid]).status();
            let _ = dovecot.wait();
        }
    }
}

/// A Dovecot that does nothing but check passwords.
fn start_dovecot(root: &Path) -> Child {
    let config = root.join("etc/dovecot.conf");
    let shown = root.display();
    std::fs::write(
        &config,
        format!(
            "base_dir = {shown}/dovecot
state_dir = {shown}/dovecot-state
log_path = /dev/stderr
protocols =
ssl = no
auth_mechanisms = plain login
auth_failure_delay = 0
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service auth {{
  unix_listener {shown}/auth {{
    mode = 0666
  }}
}}
passdb {{
  driver = static
  args = user=owner-login password=pass-word-1
}}
"
        ),
    )
    .unwrap();
    let mut child = Command::new("/usr/sbin/dovecot")
        .arg("-F")
        .arg("-c")
        .arg(config)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    // Its sockets are there before it says so.
    let up = lines.any(|line| line.unwrap().contains("starting up"));
    assert!(up, "Dovecot does not start");
    std::thread::spawn(move || lines.for_each(drop));
    child
}

fn output(program: &str, arguments: &[&str]) -> String {
    let done = Command::new(program).args(arguments).output().unwrap();
    String::from_utf8(done.stdout).unwrap().trim().to_owned()
}

fn main_cf(root: &Path) -> String {
    let root = root.display();
    format!(
        "compatibility_level = 3.6
queue_directory = {root}/queue
data_directory = {root}/data
maillog_file = /dev/stdout
myhostname = mx.example.org
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
alias_maps =
local_recipient_maps =
smtpd_tls_chain_files = {root}/etc/tls.pem
smtpd_recipient_restrictions =
  check_recipient_access inline:{{ {{ grey@example.org = 450 4.2.0 Greylisted, come back later }} }},
  permit_mynetworks, reject
message_size_limit = {MESSAGE_MAX_BYTES}
smtpd_error_sleep_time = 0
virtual_mailbox_limit = 0
virtual_mailbox_domains = example.org
virtual_mailbox_base = {root}/mail
virtual_mailbox_maps = inline:{{ jane@example.org=jane/, grey@example.org=grey/ }}
virtual_uid_maps = static:{NOBODY}
virtual_gid_maps = static:{NOBODY}
default_transport = error:no mail leaves this machine
relay_transport = error:no mail leaves this machine
"
    )
}

fn master_cf(root: &Path, ports: [u16; 5]) -> String {
    let [submission, submissions, plain, login, old_login] = ports;
    let root = root.display();
    let with_login = format!(
        "-o smtpd_tls_wrappermode=yes
  -o smtpd_sasl_auth_enable=yes
  -o smtpd_sasl_type=dovecot
  -o smtpd_sasl_path={root}/auth
  -o smtpd_recipient_restrictions=permit_sasl_authenticated,reject"
    );
    format!(
        "127.0.0.1:{submission} inet n - n - - smtpd
  -o smtpd_tls_security_level=encrypt
127.0.0.1:{submissions} inet n - n - - smtpd
  -o smtpd_tls_wrappermode=yes
  -o smtpd_discard_ehlo_keywords=size
127.0.0.1:{plain} inet n - n - - smtpd
  -o smtpd_tls_security_level=none
127.0.0.1:{login} inet n - n - - smtpd
  {with_login}
  -o smtpd_sasl_mechanism_filter=plain
127.0.0.1:{old_login} inet n - n - - smtpd
  {with_login}
  -o smtpd_sasl_mechanism_filter=login
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
"
    )
}
