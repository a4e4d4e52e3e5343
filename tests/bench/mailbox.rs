//! What a mailbox of 100,000 mails costs: the real binary against a Dovecot of
//! the bench's own, through a proxy that counts, and against a plain Maildir.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic
)]

#[path = "../support/dovecot.rs"]
mod dovecot;
#[path = "../support/home.rs"]
mod home;
mod proxy;
#[path = "../support/tls.rs"]
mod tls;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use dovecot::{Dovecot, PASSWORD, USER};
use proxy::{Count, Proxy};
use tempfile::TempDir;

/// Mails in the mailbox, unless a number is given.
const MAILS: usize = 100_000;
/// Every so-manieth is an invitation.
const ONE_IN: usize = 100;
/// Mails that arrive at once.
const ARRIVING: usize = 1_000;
/// No step may take longer.
const PATIENCE: Duration = Duration::from_secs(300);

fn main() {
    let mails = std::env::args().skip(1).find_map(|a| a.parse().ok()).unwrap_or(MAILS);
    let post = Post::new();
    let Some(server) = Dovecot::start() else { return };
    let mut next = 0;
    let mut deliver = |count: usize| {
        for _ in 0..count {
            let mail = post.mail(next);
            match next {
                0 => server.deliver(&mail),
                _ => arrive(&server.maildir(), next, &mail),
            }
            next += 1;
        }
    };
    let began = Instant::now();
    deliver(mails);
    println!("{mails} mails written in {:.1} s, 1 in {ONE_IN} an invitation", began.elapsed().as_secs_f64());

    let home = Home::new();
    let proxy = Proxy::before(server.imap_port);
    let imap = home.config("imap", &imap_account(&home, proxy.port));
    head();
    for run in ["server indexes", "floor, raw"] {
        let began = Instant::now();
        proxy::floor(proxy.port, USER, PASSWORD, &SENDERS);
        row(&format!("{run}: search, fetch"), began.elapsed(), None, Some(proxy.take()));
    }
    let once = ["run", "--once", "--config", &imap];
    measured("first run: start now", &once, &proxy);
    measured("restart, nothing new", &once, &proxy);
    measured("restart, nothing new (again)", &once, &proxy);
    measured("preview --since 3650d", &["preview", "--config", &imap, "--since", "3650d"], &proxy);
    measured("preview --since 3650d (again)", &["preview", "--config", &imap, "--since", "3650d"], &proxy);
    deliver(ARRIVING);
    measured("1,000 new, 10 of them asking", &once, &proxy);
    println!("drafts: {}", server.files(".Drafts").len());

    let mut daemon = start(&["run", "--config", &imap]);
    proxy.await_command("IDLE", PATIENCE);
    println!("\ndaemon in IDLE: {}", memory(daemon.id()));
    let _ = proxy.take();
    deliver(ARRIVING);
    let began = Instant::now();
    for _ in 0..ARRIVING / ONE_IN {
        proxy.await_command("APPEND", PATIENCE);
    }
    proxy.await_command("IDLE", PATIENCE);
    row("1,000 new while in IDLE", began.elapsed(), None, Some(proxy.take()));
    println!("in IDLE again: {}; drafts: {}", memory(daemon.id()), server.files(".Drafts").len());
    end(&mut daemon);

    let maildir = home.maildir(&post, mails);
    let config = home.config("maildir", &format!("[account.home.maildir]\npath = {maildir:?}\n"));
    let once = ["run", "--once", "--config", &config];
    println!("\nMaildir of {mails} files");
    head();
    plain("first run: start now", &once);
    plain("restart, nothing new", &once);
    plain("restart, nothing new (again)", &once);
    plain("preview --since 3650d", &["preview", "--config", &config, "--since", "3650d"]);
    home.arrive(&maildir, &post, mails, ARRIVING);
    plain("1,000 new, 10 of them asking", &once);
    let drafts = std::fs::read_dir(maildir.join(".Drafts/cur")).map_or(0, Iterator::count);
    println!("drafts: {drafts}");
}

/// What the shipped rules ask a server for, as far as the floor needs it.
const SENDERS: [&str; 2] = ["invitations@linkedin.com", "member@linkedin.com"];

/// Invented mail: ordinary, and invitations with ids of their own.
struct Post {
    asking: Vec<String>,
}

impl Post {
    fn new() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mail/demo");
        let asking = ["2026-05-member-note-personal.eml", "2026-06-member-note-pitch.eml"]
            .map(|name| unfolded(&std::fs::read_to_string(root.join(name)).unwrap()));
        Self { asking: asking.to_vec() }
    }

    fn mail(&self, number: usize) -> String {
        if !number.is_multiple_of(ONE_IN) {
            return ordinary(number);
        }
        let mail = &self.asking[number / ONE_IN % self.asking.len()];
        let mail = with_own(mail, "\nMessage-ID: <", &format!("{number}."));
        let mail = with_own(&mail, "/sharedKey/", &format!("k{number}"));
        ["ayla-novakova", "chad-merrick-pipeline"]
            .iter()
            .fold(with_own(&mail, "invitationId/", &format!("{number}0")), |mail, person| {
                mail.replace(person, &format!("{person}-{number}"))
            })
    }
}

/// `mail` with the soft line breaks of its quoted-printable body undone, so that ids stand in one piece.
fn unfolded(mail: &str) -> String {
    let (header, body) = mail.split_once("\n\n").unwrap();
    format!("{header}\n\n{}", body.replace("=\n", ""))
}

/// `mail` with `id` at the head of every value that follows `before`.
fn with_own(mail: &str, before: &str, id: &str) -> String {
    // An id keeps its length, as the rules bound it.
    let mut out = String::with_capacity(mail.len());
    let mut parts = mail.split(before);
    out.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let length = part.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(0);
        let kept = if before.contains('/') { id.len().min(length) } else { 0 };
        out.push_str(before);
        out.push_str(id);
        out.push_str(&part[kept..]);
    }
    out
}

fn ordinary(number: usize) -> String {
    let line = "The hives stand well this week and the frames are full; bring the smoker on Saturday.\n";
    format!(
        "Return-Path: <u{person}@example.net>\nDelivered-To: robin@example.org\n\
         Received: from mail.example.net (mail.example.net [192.0.2.{host}]) by mx.example.org; Tue, 29 Sep 2026 05:06:07 +0000\n\
         From: Keeper {person} <u{person}@example.net>\nTo: Robin Keller <robin@example.org>\nSubject: Hive {number}\n\
         Message-ID: <{number}@example.net>\nDate: Tue, 29 Sep 2026 05:06:07 +0000\nMIME-Version: 1.0\n\
         Content-Type: text/plain; charset=utf-8\n\n{}",
        line.repeat(6),
        person = number % 500,
        host = number % 250,
    )
}

/// Configurations and state of the runs.
struct Home {
    folder: TempDir,
}

impl Home {
    fn new() -> Self {
        let home = Self { folder: tempfile::tempdir().unwrap() };
        let secret = home.folder.path().join("password");
        std::fs::write(&secret, format!("{PASSWORD}\n")).unwrap();
        std::fs::set_permissions(&secret, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        home
    }

    fn config(&self, name: &str, account: &str) -> String {
        let path = self.folder.path().join(format!("{name}.toml"));
        let state = self.folder.path().join(format!("{name}.state"));
        let text = format!(
            "state_dir = {state:?}\n[owner]\nname = \"Robin Keller\"\naddresses = [\"robin@example.org\"]\n\
             [policy]\nmax_per_hour = 1000\nmax_per_day = 10000\n[log]\nlevel = \"warn\"\n\
             [account.home]\nauthserv_id = \"mx.example.org\"\n{account}"
        );
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn maildir(&self, post: &Post, mails: usize) -> PathBuf {
        let root = self.folder.path().join("Maildir");
        for part in ["cur", "new", "tmp"] {
            std::fs::create_dir_all(root.join(part)).unwrap();
        }
        for number in 0..mails {
            let path = root.join(format!("cur/{}.M{number}P1.test:2,S", 1_700_000_000 + number));
            std::fs::write(path, post.mail(number)).unwrap();
        }
        root
    }

    fn arrive(&self, maildir: &Path, post: &Post, from: usize, mails: usize) {
        for number in from..from + mails {
            arrive(maildir, number, &post.mail(number));
        }
    }
}

/// Delivers `mail` as the Maildir protocol asks.
fn arrive(maildir: &Path, number: usize, mail: &str) {
    let name = format!("{}.M{number}P1.test", 1_700_000_000 + number);
    std::fs::write(maildir.join("tmp").join(&name), mail).unwrap();
    std::fs::rename(maildir.join("tmp").join(&name), maildir.join("new").join(&name)).unwrap();
}

fn imap_account(home: &Home, port: u16) -> String {
    let secret = home.folder.path().join("password");
    format!(
        "[account.home.imap]\nhost = \"127.0.0.1\"\nport = {port}\ntls = \"loopback-plain\"\n\
         user = \"{USER}\"\npassword.file = {secret:?}\n"
    )
}

fn start(arguments: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_notyet"))
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::inherit())
        .env("NO_COLOR", "1")
        .spawn()
        .expect("the binary")
}

fn head() {
    println!(
        "{:<36} {:>8} {:>8} {:>9} {:>7} {:>7} {:>8} {:>9} {:>12}",
        "", "wall s", "peak MB", "MB down", "trips", "bodies", "headers", "searches", "body MB"
    );
}

fn measured(what: &str, arguments: &[&str], proxy: &Proxy) {
    let (took, peak) = run(arguments);
    row(what, took, Some(peak), Some(proxy.take()));
}

fn plain(what: &str, arguments: &[&str]) {
    let (took, peak) = run(arguments);
    row(what, took, Some(peak), None);
}

fn row(what: &str, took: Duration, peak_kb: Option<u64>, count: Option<Count>) {
    let peak = peak_kb.map_or("-".to_owned(), |kb| format!("{:.1}", kb as f64 / 1024.0));
    print!("{what:<36} {:>8.3} {peak:>8}", took.as_secs_f64());
    match count {
        Some(c) => println!(
            " {:>9.3} {:>7} {:>7} {:>8} {:>9} {:>12.3}",
            c.bytes_down as f64 / 1e6,
            c.round_trips,
            c.bodies,
            c.headers,
            c.searches,
            c.body_bytes as f64 / 1e6,
        ),
        None => println!(),
    }
}

/// Runs to the end: wall time, and the peak that GNU time reports.
fn run(arguments: &[&str]) -> (Duration, u64) {
    let report = tempfile::NamedTempFile::new().unwrap();
    let began = Instant::now();
    let mut child = Command::new("/usr/bin/time")
        .args(["-f", "%M", "-o"])
        .arg(report.path())
        .arg(env!("CARGO_BIN_EXE_notyet"))
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("GNU time (Debian package `time`) and the binary");
    let told = std::io::read_to_string(child.stderr.take().unwrap()).unwrap();
    let status = child.wait().unwrap();
    let took = began.elapsed();
    assert!(status.success(), "{arguments:?}: {status}\n{told}");
    let peak = std::fs::read_to_string(report.path()).unwrap();
    (took, peak.trim().parse().unwrap_or(0))
}

fn memory(pid: u32) -> String {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let of = |name: &str| {
        let line = status.lines().find_map(|l| l.strip_prefix(name)).unwrap_or("0 kB");
        line.trim().trim_end_matches("kB").trim().parse::<f64>().unwrap_or(0.0) / 1024.0
    };
    format!(
        "resident {:.1} MB (of it own {:.1} MB), peak {:.1} MB",
        of("VmRSS:"),
        of("RssAnon:"),
        of("VmHWM:")
    )
}

fn end(daemon: &mut Child) {
    let asked = Command::new("kill").arg(daemon.id().to_string()).status();
    assert!(asked.is_ok_and(|status| status.success()));
    assert!(daemon.wait().unwrap().success());
}
