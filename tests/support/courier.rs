//! A real Courier IMAP in a folder and on a loopback port of its own.
//!
//! Its package conflicts with Dovecot's, and its paths are compiled in. So
//! `tests/run` unpacks it, with every library it needs, and each test starts it
//! with a copy of that folder as its root.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::dovecot::{MAIL_ID, PASSWORD, Storage, USER};
use super::home::until;

/// Where `tests/run` unpacks the packages.
const UNPACKED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/servers/courier");
/// The last thing `tests/run` does there.
const COMPLETE: &str = "complete";
/// `PASSWORD` of `dovecot.rs`, as `openssl passwd -1` writes it.
const PASSWORD_HASH: &str = "$1$.a/8byw5$rVl0lj7f33bT604xzDeQR/";

/// Debian's `/etc/courier/imapd`, with the IDLE that tells of new mail at once.
const SETTINGS: [(&str, &str); 9] = [
    (
        "IMAP_CAPABILITY",
        "IMAP4rev1 UIDPLUS CHILDREN NAMESPACE THREAD=ORDEREDSUBJECT THREAD=REFERENCES SORT QUOTA IDLE",
    ),
    ("IMAP_KEYWORDS", "1"),
    ("IMAP_ACL", "1"),
    ("IMAP_IDLE_TIMEOUT", "60"),
    ("IMAP_ENHANCEDIDLE", "1"),
    ("IMAP_USELOCKS", "1"),
    ("IMAP_UMASK", "022"),
    ("IMAP_TRASHFOLDERNAME", "Trash"),
    ("MAILDIRPATH", "Maildir"),
];

/// A running server; it ends when dropped.
pub struct Courier {
    folder: TempDir,
    passwords: Group,
    listener: Option<Group>,
    /// Plain text, for loopback.
    pub port: u16,
}

/// A process and all it started; they end when it is dropped.
struct Group(Child);

impl Courier {
    /// Starts one. `None`, said loudly, where there is none to start; with
    /// `NOTYET_REQUIRE_COURIER=1` that is a failure.
    pub fn start() -> Option<Self> {
        if let Some(lack) = lack() {
            assert!(
                std::env::var("NOTYET_REQUIRE_COURIER").as_deref() != Ok("1"),
                "{lack}, and NOTYET_REQUIRE_COURIER=1"
            );
            println!("SKIPPED: {lack}: nothing was shown about Courier IMAP");
            eprintln!("SKIPPED: {lack}: nothing was shown about Courier IMAP");
            return None;
        }
        // Beside the packages: hard links reach no further than one file system.
        let beside = Path::new(UNPACKED).parent().expect("parent");
        let folder = tempfile::Builder::new().prefix("run-").tempdir_in(beside).expect("temp dir");
        let root = folder.path().join("root");
        well(Command::new("cp").args(["-al", UNPACKED]).arg(&root));
        write_accounts(&root);
        make_maildir(&root);
        let passwords = Group::start(&root, "/usr/lib/courier/courier-authlib/authdaemond", &[]);
        let socket = root.join("run/courier/authdaemon/socket");
        until("Courier checks passwords", || socket.exists().then_some(()));
        let free = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = free.local_addr().expect("address").port();
        drop(free);
        let mut server = Self { folder, passwords, listener: None, port };
        server.listen();
        server.open_as_its_owner();
        Some(server)
    }

    /// Ends every session without a word and listens again on the same port.
    pub fn restart(&mut self) {
        self.listener = None;
        self.listen();
    }

    /// Its mail on disk.
    pub fn storage(&self) -> Storage {
        Storage::at(self.maildir())
    }

    /// The INBOX on disk.
    pub fn maildir(&self) -> PathBuf {
        self.root().join("mail/Maildir")
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("root")
    }

    /// Opens INBOX as its owner's mail program does. Until somebody has, Courier keeps no
    /// UIDs, and each EXAMINE gets another UIDVALIDITY.
    fn open_as_its_owner(&self) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("a connection");
        let mut answers = BufReader::new(stream.try_clone().expect("clone")).lines().map_while(Result::ok);
        let login = format!("LOGIN {USER} \"{}\"", PASSWORD.replace('"', "\\\""));
        for (tag, command) in [("a", login.as_str()), ("b", "SELECT INBOX"), ("c", "LOGOUT")] {
            stream.write_all(format!("{tag} {command}\r\n").as_bytes()).expect("write");
            let answer = answers.find(|line| line.starts_with(&format!("{tag} "))).expect("an answer");
            assert!(answer.contains(" OK "), "{answer}");
        }
    }

    fn listen(&mut self) {
        let port = self.port.to_string();
        let arguments = [
            "-address=127.0.0.1",
            "-maxprocs=40",
            "-maxperip=40",
            "-nodnslookup",
            "-noidentlookup",
            &port,
            "/usr/lib/courier/courier/imaplogin",
            "/usr/bin/imapd",
            "Maildir",
        ];
        self.listener = Some(Group::start(&self.root(), "/usr/sbin/couriertcpd", &arguments));
        until("Courier listens", || TcpStream::connect(("127.0.0.1", self.port)).ok());
    }
}

impl Group {
    fn start(root: &Path, program: &str, arguments: &[&str]) -> Self {
        let child = Command::new("chroot")
            .arg(root)
            .arg(program)
            .args(arguments)
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .envs(SETTINGS)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .expect("chroot");
        Self(child)
    }
}

/// Its helper for IDLE leaves the group of whoever started it.
impl Drop for Courier {
    fn drop(&mut self) {
        let root = self.root();
        let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
        for process in processes {
            if std::fs::read_link(process.path().join("root")).is_ok_and(|of| of == root) {
                let _ = Command::new("kill").arg("-KILL").arg(process.file_name()).status();
            }
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let group = format!("-{}", self.0.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
        let _ = self.0.wait();
    }
}

fn lack() -> Option<String> {
    if !Path::new(UNPACKED).join(COMPLETE).exists() {
        return Some(format!("Courier IMAP is not in {UNPACKED} (tests/run puts it there)"));
    }
    let id = Command::new("id").arg("-u").output().expect("id");
    (id.stdout.trim_ascii() != b"0").then(|| "Courier has to be started as root".to_owned())
}

fn write_accounts(root: &Path) {
    for folder in ["dev", "etc/courier", "run/courier/authdaemon", "mail", "tmp"] {
        std::fs::create_dir_all(root.join(folder)).expect("folder");
    }
    // A device may not be made everywhere; an empty file does the same here.
    std::fs::write(root.join("dev/null"), "").expect("null");
    std::fs::write(root.join("etc/passwd"), format!("mail:x:{MAIL_ID}:{MAIL_ID}::/mail:/bin/sh\n"))
        .expect("users");
    std::fs::write(root.join("etc/group"), format!("mail:x:{MAIL_ID}:\n")).expect("groups");
    let settings = "authmodulelist=\"authuserdb\"\nauthmodulelistorig=\"authuserdb\"\ndaemons=1\n\
                    authdaemonvar=/run/courier/authdaemon\nDEBUG_LOGIN=0\nDEFAULTOPTIONS=\"\"\n";
    std::fs::write(root.join("etc/courier/authdaemonrc"), settings).expect("settings");
    let place = format!("uid={MAIL_ID}|gid={MAIL_ID}|home=/mail|_=");
    for (file, record) in [("userdb", place), ("userdbshadow", format!("systempw={PASSWORD_HASH}"))] {
        let mut made = Command::new("chroot")
            .arg(root)
            .args(["/usr/lib/courier/courier-authlib/makedatprog", "-"])
            .args([format!("/etc/courier/{file}.tmp"), format!("/etc/courier/{file}.dat")])
            .stdin(Stdio::piped())
            .spawn()
            .expect("chroot");
        let text = format!("{USER}\t{record}\n.\n");
        made.stdin.take().expect("stdin").write_all(text.as_bytes()).expect("write");
        assert!(made.wait().expect("wait").success(), "{file}");
    }
}

fn make_maildir(root: &Path) {
    for arguments in [["/mail/Maildir"].as_slice(), &["-f", "Drafts", "/mail/Maildir"]] {
        well(Command::new("chroot").arg(root).arg("/usr/bin/maildirmake.courier").args(arguments));
    }
    well(Command::new("chown").arg("-R").arg(format!("{MAIL_ID}:{MAIL_ID}")).arg(root.join("mail")));
}

fn well(command: &mut Command) {
    assert!(command.status().expect("it runs").success(), "{command:?}");
}
