//! A real Dovecot in a temporary folder, on loopback ports of its own.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use tempfile::TempDir;

use super::home::messages;
use super::tls::Authority;

const PROGRAM: &str = "/usr/sbin/dovecot";

/// The user of the mail processes: Debian's `mail`.
pub const MAIL_ID: u32 = 8;

/// The only account.
pub const USER: &str = "me";
/// Its password.
pub const PASSWORD: &str = "correct horse \"battery\"";

/// A running server; it ends when dropped.
pub struct Dovecot {
    folder: TempDir,
    authority: Authority,
    master: Child,
    /// STARTTLS, and plain text for loopback.
    pub imap_port: u16,
    /// TLS from the first byte.
    pub imaps_port: u16,
}

impl Dovecot {
    /// Starts one. `None`, said loudly, where there is none to start; with
    /// `NOTYET_REQUIRE_SERVERS=1` that is a failure.
    pub fn start() -> Option<Self> {
        Self::start_with("")
    }

    /// Starts one with further lines of configuration.
    pub fn start_with(more: &str) -> Option<Self> {
        if let Some(lack) = lack() {
            assert!(
                std::env::var("NOTYET_REQUIRE_SERVERS").as_deref() != Ok("1"),
                "{lack}, and NOTYET_REQUIRE_SERVERS=1"
            );
            println!("SKIPPED: {lack}: nothing was shown about a real IMAP server");
            eprintln!("SKIPPED: {lack}: nothing was shown about a real IMAP server");
            return None;
        }
        let folder = tempfile::tempdir().expect("temp dir");
        let authority = Authority::vouching_for(&["localhost", "127.0.0.1"]);
        open_to_all(folder.path());
        let mail = folder.path().join("mail");
        std::fs::create_dir(&mail).expect("mail folder");
        chown(&mail, Some(MAIL_ID), Some(MAIL_ID)).expect("chown");
        let [imap_port, imaps_port] = free_ports();
        let config = folder.path().join("dovecot.conf");
        std::fs::write(folder.path().join("users"), format!("{USER}:{{PLAIN}}{PASSWORD}\n")).expect("users");
        std::fs::write(&config, configuration(folder.path(), &authority, imap_port, imaps_port) + more)
            .expect("configuration");
        let master = launch(&config);
        Some(Self { folder, authority, master, imap_port, imaps_port })
    }

    /// Ends every session and listens again on the same ports.
    pub fn restart(&mut self) {
        self.end();
        self.master = launch(&self.folder.path().join("dovecot.conf"));
    }

    fn end(&mut self) {
        let pid = self.master.id().to_string();
        let asked = Command::new("kill").arg(&pid).status();
        if !asked.is_ok_and(|status| status.success()) {
            let _ = self.master.kill();
        }
        let _ = self.master.wait();
    }

    /// The authority to trust.
    pub fn ca_file(&self) -> PathBuf {
        self.authority.ca_file()
    }

    /// Its mail on disk.
    pub fn storage(&self) -> Storage {
        Storage(self.maildir())
    }

    /// Delivers `message` into the INBOX, as a delivery agent would.
    pub fn deliver(&self, message: &str) {
        self.storage().deliver("", message);
    }

    /// Every message file of a folder (`""` is INBOX, `.Drafts` its neighbour), with its flags in the name.
    pub fn files(&self, folder: &str) -> Vec<String> {
        self.storage().files(folder)
    }

    /// Every message of a folder, as its file holds it.
    pub fn messages(&self, folder: &str) -> Vec<String> {
        messages(&self.maildir().join(folder))
    }

    /// Puts `message` into a folder, as the owner's mail program would.
    pub fn put(&self, folder: &str, message: &str) {
        let number = self.files(folder).len() + 1;
        let folder = self.maildir().join(folder);
        let path = folder.join(format!("cur/170000{number:04}.M1P1.put:2,S"));
        std::fs::create_dir_all(folder.join("cur")).expect("folder");
        std::fs::write(&path, message).expect("write");
        for path in [folder.clone(), folder.join("cur"), path] {
            chown(&path, Some(MAIL_ID), Some(MAIL_ID)).expect("chown");
        }
    }

    /// Removes every message of a folder, as the owner's mail program would.
    pub fn clear(&self, folder: &str) {
        for name in self.files(folder) {
            std::fs::remove_file(self.maildir().join(folder).join(name)).expect("remove");
        }
    }

    /// Gives INBOX a new UIDVALIDITY and every message of it a new UID.
    pub fn renumber_inbox(&self) {
        self.storage().renumber_inbox();
    }

    /// The INBOX on disk; it is there once a message was delivered.
    pub fn maildir(&self) -> PathBuf {
        self.folder.path().join("mail").join(USER).join("Maildir")
    }
}

/// The mail of a server on disk, for those who work on it beside the server.
#[derive(Clone)]
pub struct Storage(PathBuf);

impl Storage {
    /// The mail in this Maildir.
    pub fn at(maildir: PathBuf) -> Self {
        Self(maildir)
    }

    /// Every message file of a folder (`""` is INBOX, `.Drafts` its neighbour), with its flags in the name.
    pub fn files(&self, folder: &str) -> Vec<String> {
        let folder = self.0.join(folder);
        let mut names = Vec::new();
        for part in ["cur", "new"] {
            for entry in std::fs::read_dir(folder.join(part)).into_iter().flatten() {
                let name = entry.expect("entry").file_name();
                names.push(format!("{part}/{}", name.to_string_lossy()));
            }
        }
        names.sort();
        names
    }

    /// Delivers `message` into a folder (`""` is INBOX, `.Drafts` its neighbour).
    pub fn deliver(&self, folder: &str, message: &str) {
        self.deliver_named(folder, message);
    }

    /// The same; tells the name of the file, to which the server will add flags.
    pub fn deliver_named(&self, folder: &str, message: &str) -> String {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        self.make(folder);
        let folder = self.0.join(folder);
        // Courier numbers new mail by the order of these names.
        let name = format!("1700000000.M{number:06}P1.test");
        stage_and_deliver(&folder, &name, message);
        name
    }

    /// Delivers `message` into the INBOX, which is there, under that file name.
    pub fn deliver_as(&self, name: &str, message: &str) {
        stage_and_deliver(&self.0, name, message);
    }

    /// Makes a folder with all above it.
    pub fn make(&self, folder: &str) {
        let folder = self.0.join(folder);
        let own = |path: &Path| chown(path, Some(MAIL_ID), Some(MAIL_ID)).expect("chown");
        for part in ["cur", "new", "tmp"] {
            std::fs::create_dir_all(folder.join(part)).expect("maildir");
            own(&folder.join(part));
        }
        for parent in [self.0.parent().expect("home"), self.0.as_path(), folder.as_path()] {
            own(parent);
        }
    }

    /// Where the file of that name is now, whatever flags it has got; `None` when it has left the folder.
    pub fn find(&self, folder: &str, name: &str) -> Option<PathBuf> {
        let folder = self.0.join(folder);
        let fresh = folder.join("new").join(name);
        if fresh.exists() {
            return Some(fresh);
        }
        let entries = std::fs::read_dir(folder.join("cur")).ok()?;
        let mut paths = entries.flatten().map(|entry| entry.path());
        paths.find(|path| {
            path.file_name().is_some_and(|file| file.as_encoded_bytes().starts_with(name.as_bytes()))
        })
    }

    /// The files of a folder; those that were delivered last come last.
    pub fn paths(&self, folder: &str) -> Vec<PathBuf> {
        let mut found: Vec<PathBuf> = ["new", "cur"]
            .iter()
            .flat_map(|part| std::fs::read_dir(self.0.join(folder).join(part)).into_iter().flatten())
            .map(|entry| entry.expect("entry").path())
            .collect();
        let number = |path: &PathBuf| -> Option<u32> {
            path.file_name()?.to_str()?.split_once(".M")?.1.split('P').next()?.parse().ok()
        };
        found.sort_by_key(number);
        found
    }

    /// Moves a file into a folder, as another client would.
    pub fn take_to(&self, folder: &str, path: &Path) {
        self.try_take_to(folder, path).expect("rename");
    }

    /// The same for a file that may have gone meanwhile.
    ///
    /// # Errors
    /// When it has.
    pub fn try_take_to(&self, folder: &str, path: &Path) -> std::io::Result<()> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("1700000002.M{}P2.moved:2,S", NUMBER.fetch_add(1, Ordering::Relaxed));
        std::fs::rename(path, self.0.join(folder).join("cur").join(name))
    }

    /// Gives INBOX a new UIDVALIDITY and every message of it a new UID.
    pub fn renumber_inbox(&self) {
        self.forget("", |_| None);
    }

    /// Gives every message of a folder a UID from 1 on, under the UIDVALIDITY of
    /// before: what a server does that was put back from an old copy.
    pub fn turn_back(&self, folder: &str) {
        self.forget(folder, |first| {
            let kept: Vec<_> = first.split(' ').map(|w| if w.starts_with('N') { "N1" } else { w }).collect();
            Some(kept.join(" ") + "\n")
        });
    }

    /// Takes away what Dovecot knows of a folder; the first line of its list of UIDs may become another.
    fn forget(&self, folder: &str, list: impl Fn(&str) -> Option<String>) {
        for entry in std::fs::read_dir(self.0.join(folder)).expect("maildir") {
            let entry = entry.expect("entry");
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with("dovecot.index") {
                // The server may do the same at the same moment.
                let _ = std::fs::remove_file(entry.path());
            } else if name == "dovecot-uidlist" {
                let old = std::fs::read_to_string(entry.path()).unwrap_or_default();
                match list(old.lines().next().unwrap_or_default()) {
                    None => drop(std::fs::remove_file(entry.path())),
                    Some(new) => {
                        std::fs::write(entry.path(), new).expect("write");
                        chown(entry.path(), Some(MAIL_ID), Some(MAIL_ID)).expect("chown");
                    }
                }
            }
        }
    }
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        self.end();
    }
}

fn stage_and_deliver(folder: &Path, name: &str, message: &str) {
    let staged = folder.join("tmp").join(name);
    std::fs::write(&staged, message).expect("write");
    chown(&staged, Some(MAIL_ID), Some(MAIL_ID)).expect("chown");
    std::fs::rename(staged, folder.join("new").join(name)).expect("rename");
}

fn lack() -> Option<String> {
    if !Path::new(PROGRAM).exists() {
        return Some(format!("{PROGRAM} is not installed"));
    }
    let id = Command::new("id").arg("-u").output().expect("id");
    (id.stdout.trim_ascii() != b"0").then(|| "Dovecot has to be started as root".to_owned())
}

fn open_to_all(folder: &Path) {
    let mode = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(folder, mode).expect("permissions");
}

/// Loopback ports that nobody listens on. All are held until the last is chosen, so that they differ.
pub fn free_ports<const N: usize>() -> [u16; N] {
    let listeners = [(); N].map(|()| std::net::TcpListener::bind("127.0.0.1:0").expect("a port"));
    listeners.map(|listener| listener.local_addr().expect("address").port())
}

fn launch(config: &Path) -> Child {
    let mut master = Command::new(PROGRAM)
        .arg("-F")
        .arg("-c")
        .arg(config)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("dovecot");
    let log = BufReader::new(master.stderr.take().expect("stderr"));
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        for line in log.lines().map_while(Result::ok) {
            // Nobody listens any more once it is up; the log must be read all the same.
            let _ = tell.send(line);
        }
    });
    let mut seen = Vec::new();
    loop {
        match told.recv_timeout(Duration::from_secs(20)) {
            Ok(line) if line.contains("starting up") => return master,
            Ok(line) => seen.push(line),
            Err(_) => {
                let _ = master.kill();
                panic!("Dovecot did not start: {}", seen.join("\n"));
            }
        }
    }
}

fn configuration(folder: &Path, authority: &Authority, imap: u16, imaps: u16) -> String {
    let folder = folder.display();
    let cert = authority.cert_file();
    let key = authority.key_file();
    format!(
        r#"
base_dir = {folder}/run
state_dir = {folder}/state
log_path = /dev/stderr
protocols = imap
listen = 127.0.0.1
ssl = yes
ssl_cert = <{cert}
ssl_key = <{key}
first_valid_uid = 1
mail_location = maildir:~/Maildir
mail_debug = no
auth_mechanisms = plain login
maildir_very_dirty_syncs = no
service imap-login {{
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
service stats {{
  chroot =
}}
passdb {{
  driver = passwd-file
  args = {folder}/users
}}
userdb {{
  driver = static
  args = uid={MAIL_ID} gid={MAIL_ID} home={folder}/mail/%u
}}
namespace inbox {{
  inbox = yes
  separator = .
  mailbox Drafts {{
    auto = create
    special_use = \Drafts
  }}
  mailbox Posted {{
    auto = create
    special_use = \Sent
  }}
}}
"#,
        cert = cert.display(),
        key = key.display(),
    )
}
