//! A real Cyrus IMAP in a folder and on loopback ports of its own.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::PathBuf;

use super::dovecot::{MAIL_ID, PASSWORD, USER, free_ports};
use super::home::until;
use super::tls::Authority;
use super::unpacked::{Group, Root, Unpacked};

const CYRUS: Unpacked = Unpacked { name: "Cyrus IMAP", folder: "cyrus", required_by: "NOTYET_REQUIRE_CYRUS" };

/// How folders are named.
#[derive(Clone, Copy)]
pub enum Names {
    /// `INBOX.Drafts`: all folders stand below INBOX.
    BelowInbox,
    /// `Drafts`, and `Lists.Old`.
    Dots,
    /// `Drafts`, and `Lists/Old`: what Cyrus does unless told otherwise.
    Slashes,
}

/// A running server; it ends when dropped.
pub struct Cyrus {
    root: Root,
    master: Option<Group>,
    authority: Authority,
    /// STARTTLS, and plain text for loopback.
    pub port: u16,
    /// TLS from the first byte.
    pub imaps_port: u16,
    /// LMTP, for those who deliver.
    lmtp_port: u16,
}

impl Cyrus {
    /// Starts one. `None`, said loudly, where there is none to start; with
    /// `NOTYET_REQUIRE_CYRUS=1` that is a failure.
    pub fn start(names: Names) -> Option<Self> {
        let root = CYRUS.copy()?;
        let [port, imaps_port, lmtp_port] = free_ports();
        let authority = Authority::vouching_for(&["localhost"]);
        for folder in ["db", "log", "msg", "proc", "ptclient", "quota", "socket", "user", "backup"] {
            root.make(&format!("var/lib/cyrus/{folder}"));
        }
        root.make("var/spool/cyrus/mail");
        root.make("run/cyrus");
        root.put("etc/passwd", &format!("cyrus:x:{MAIL_ID}:{MAIL_ID}::/var/lib/cyrus:/bin/sh\n"));
        root.put("etc/group", &format!("mail:x:{MAIL_ID}:\n"));
        root.put("etc/imapd.conf", &settings(names));
        root.put("etc/cyrus.conf", &services(port, imaps_port, lmtp_port));
        root.put("etc/certificate.pem", &authority.certificate_and_key());
        root.run("/usr/sbin/saslpasswd2", &["-p", "-c", "-f", "/etc/sasldb2", "-u", HOST, USER], PASSWORD);
        root.give(
            MAIL_ID,
            &["var/lib/cyrus", "var/spool/cyrus", "run", "etc/sasldb2", "etc/certificate.pem"],
        );
        let mut server = Self { root, master: None, authority, port, imaps_port, lmtp_port };
        server.listen();
        Some(server)
    }

    /// Ends every session without a word and listens again on the same port.
    pub fn restart(&mut self) {
        self.master = None;
        self.root.end_all();
        self.listen();
    }

    /// The authority to trust.
    pub fn ca_file(&self) -> PathBuf {
        self.authority.ca_file()
    }

    /// Delivers `message` into the INBOX, as the MTA would.
    pub fn deliver(&self, message: &str) {
        let mut line = TcpStream::connect(("127.0.0.1", self.lmtp_port)).expect("LMTP");
        let mut answers = BufReader::new(line.try_clone().expect("clone")).lines().map_while(Result::ok);
        let mut answer = || answers.find(|line| line.as_bytes().get(3) == Some(&b' ')).expect("an answer");
        let body = message.replace("\r\n", "\n").replace("\n.", "\n..").replace('\n', "\r\n");
        let whole = format!("{body}\r\n.\r\n");
        assert!(answer().starts_with("220"));
        let rcpt = format!("RCPT TO:<{USER}>\r\n");
        for said in ["LHLO localhost\r\n", "MAIL FROM:<>\r\n", &rcpt, "DATA\r\n", &whole, "QUIT\r\n"] {
            line.write_all(said.as_bytes()).expect("write");
            let answered = answer();
            assert!(answered.starts_with(['2', '3']), "{answered}");
        }
    }

    fn listen(&mut self) {
        let arguments = ["-D", "-p", "/run/cyrus/master.pid"];
        self.master = Some(self.root.start("/usr/lib/cyrus/bin/master", &arguments, &[]));
        for port in [self.port, self.lmtp_port] {
            until("Cyrus listens", || TcpStream::connect(("127.0.0.1", port)).ok());
        }
    }
}

/// Its own name, and the realm of its passwords.
const HOST: &str = "mail.example.org";

fn settings(names: Names) -> String {
    let (beside_inbox, slashes) = match names {
        Names::BelowInbox => ("no", "no"),
        Names::Dots => ("yes", "no"),
        Names::Slashes => ("yes", "yes"),
    };
    format!(
        "configdirectory: /var/lib/cyrus
defaultpartition: default
partition-default: /var/spool/cyrus/mail
proc_path: /run/cyrus/proc
mboxname_lockpath: /run/cyrus/lock
idlesocket: /run/cyrus/idle
servername: {HOST}
cyrus_user: cyrus
cyrus_group: mail
altnamespace: {beside_inbox}
unixhierarchysep: {slashes}
allowplaintext: yes
sasl_pwcheck_method: auxprop
sasl_auxprop_plugin: sasldb
sasl_sasldb_path: /etc/sasldb2
sasl_mech_list: PLAIN LOGIN
tls_server_cert: /etc/certificate.pem
tls_server_key: /etc/certificate.pem
autocreate_quota: 0
autocreate_post: yes
autocreate_inbox_folders: Drafts | Posted | Archive
xlist-drafts: Drafts
xlist-sent: Posted
xlist-archive: Archive
"
    )
}

fn services(imap: u16, imaps: u16, lmtp: u16) -> String {
    format!(
        "START {{
  recover cmd=\"ctl_cyrusdb -r\"
}}
SERVICES {{
  imap cmd=\"imapd\" listen=\"127.0.0.1:{imap}\" prefork=0 maxchild=40
  imaps cmd=\"imapd -s\" listen=\"127.0.0.1:{imaps}\" prefork=0 maxchild=40
  lmtp cmd=\"lmtpd -a\" listen=\"127.0.0.1:{lmtp}\" prefork=0 maxchild=10
}}
DAEMON {{
  idled cmd=\"idled\"
}}
"
    )
}
