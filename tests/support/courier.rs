//! A real Courier IMAP in a folder and on a loopback port of its own.

use std::net::TcpStream;
use std::path::PathBuf;

use super::dovecot::{MAIL_ID, Storage, USER, free_ports};
use super::home::until;
use super::tls::Authority;
use super::unpacked::{Group, Root, Unpacked};

const COURIER: Unpacked =
    Unpacked { name: "Courier IMAP", folder: "courier", required_by: "NOTYET_REQUIRE_COURIER" };

/// `PASSWORD` of `dovecot.rs`, as `openssl passwd -1` writes it.
const PASSWORD_HASH: &str = "$1$.a/8byw5$rVl0lj7f33bT604xzDeQR/";

/// Debian's `/etc/courier/imapd` and `imapd-ssl`.
const SETTINGS: [(&str, &str); 11] = [
    (
        "IMAP_CAPABILITY",
        "IMAP4rev1 UIDPLUS CHILDREN NAMESPACE THREAD=ORDEREDSUBJECT THREAD=REFERENCES SORT QUOTA IDLE",
    ),
    ("IMAP_KEYWORDS", "1"),
    ("IMAP_ACL", "1"),
    ("IMAP_IDLE_TIMEOUT", "60"),
    ("IMAP_USELOCKS", "1"),
    ("IMAP_UMASK", "022"),
    ("IMAP_TRASHFOLDERNAME", "Trash"),
    ("MAILDIRPATH", "Maildir"),
    ("IMAP_STARTTLS", "YES"),
    ("COURIERTLS", "/usr/bin/couriertls"),
    ("TLS_CERTFILE", "/etc/courier/imapd.pem"),
];

/// What it does for those who IDLE.
#[derive(Clone, Copy)]
pub enum Telling {
    /// It tells of new mail within a second.
    AtOnce,
    /// It looks once a minute: Debian's way.
    EachMinute,
}

/// A running server; it ends when dropped.
pub struct Courier {
    root: Root,
    passwords: Group,
    listeners: Option<[Group; 2]>,
    telling: Telling,
    authority: Authority,
    /// STARTTLS, and plain text for loopback.
    pub port: u16,
    /// TLS from the first byte.
    pub imaps_port: u16,
}

impl Courier {
    /// Starts one. `None`, said loudly, where there is none to start; with
    /// `NOTYET_REQUIRE_COURIER=1` that is a failure.
    pub fn start(telling: Telling) -> Option<Self> {
        let root = COURIER.copy()?;
        write_accounts(&root);
        for arguments in [
            ["/mail/Maildir"].as_slice(),
            &["-f", "Drafts", "/mail/Maildir"],
            &["-f", "Sent", "/mail/Maildir"],
        ] {
            root.run("/usr/bin/maildirmake.courier", arguments, "");
        }
        root.give(MAIL_ID, &["mail"]);
        let passwords = root.start("/usr/lib/courier/courier-authlib/authdaemond", &[], &SETTINGS);
        let socket = root.path().join("run/courier/authdaemon/socket");
        until("Courier checks passwords", || socket.exists().then_some(()));
        let authority = Authority::vouching_for(&["localhost"]);
        root.put("etc/courier/imapd.pem", &authority.certificate_and_key());
        let [port, imaps_port] = free_ports();
        let mut server = Self { root, passwords, listeners: None, telling, authority, port, imaps_port };
        server.listen();
        Some(server)
    }

    /// Ends every session without a word and listens again on the same port.
    pub fn restart(&mut self) {
        self.listeners = None;
        self.listen();
    }

    /// The authority to trust.
    pub fn ca_file(&self) -> PathBuf {
        self.authority.ca_file()
    }

    /// Its mail on disk.
    pub fn storage(&self) -> Storage {
        Storage::at(self.maildir())
    }

    /// The INBOX on disk.
    pub fn maildir(&self) -> PathBuf {
        self.root.path().join("mail/Maildir")
    }

    fn listen(&mut self) {
        self.listeners = Some([
            self.listen_on(self.port, &[], &[]),
            self.listen_on(
                self.imaps_port,
                &["/usr/bin/couriertls", "-server", "-tcpd"],
                &[("IMAP_TLS", "1")],
            ),
        ]);
        for port in [self.port, self.imaps_port] {
            until("Courier listens", || TcpStream::connect(("127.0.0.1", port)).ok());
        }
    }

    fn listen_on(&self, port: u16, around: &[&str], more: &[(&str, &str)]) -> Group {
        let port = port.to_string();
        let listening =
            ["-address=127.0.0.1", "-maxprocs=40", "-maxperip=40", "-nodnslookup", "-noidentlookup", &port];
        let serving = ["/usr/lib/courier/courier/imaplogin", "/usr/bin/imapd", "Maildir"];
        let arguments = [listening.as_slice(), around, &serving].concat();
        let telling = match self.telling {
            Telling::AtOnce => "1",
            Telling::EachMinute => "0",
        };
        // Who watches folders for IDLE listens on an abstract socket, which knows no root folder:
        // without a name of its own, one server's watcher would look into another's folders.
        let watcher = format!("notyet-{}", self.port);
        let own = [("IMAP_ENHANCEDIDLE", telling), ("GAM_CLIENT_ID", &watcher)];
        let settings = [SETTINGS.as_slice(), &own, more].concat();
        self.root.start("/usr/sbin/couriertcpd", &arguments, &settings)
    }
}

fn write_accounts(root: &Root) {
    for folder in ["etc/courier", "run/courier/authdaemon", "mail"] {
        root.make(folder);
    }
    // STARTTLS is done by a process of the second user.
    let user = |name| format!("{name}:x:{MAIL_ID}:{MAIL_ID}::/mail:/bin/sh\n");
    root.put("etc/passwd", &(user("mail") + &user("courier")));
    root.put("etc/group", &format!("mail:x:{MAIL_ID}:\ncourier:x:{MAIL_ID}:\n"));
    let settings = "authmodulelist=\"authuserdb\"\nauthmodulelistorig=\"authuserdb\"\ndaemons=1\n\
                    authdaemonvar=/run/courier/authdaemon\nDEBUG_LOGIN=0\nDEFAULTOPTIONS=\"\"\n";
    root.put("etc/courier/authdaemonrc", settings);
    let place = format!("uid={MAIL_ID}|gid={MAIL_ID}|home=/mail|_=");
    for (file, record) in [("userdb", place), ("userdbshadow", format!("systempw={PASSWORD_HASH}"))] {
        let (made, kept) = (format!("/etc/courier/{file}.tmp"), format!("/etc/courier/{file}.dat"));
        let program = "/usr/lib/courier/courier-authlib/makedatprog";
        root.run(program, &["-", &made, &kept], &format!("{USER}\t{record}\n.\n"));
    }
}
