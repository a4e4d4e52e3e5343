//! What reading and judging mail costs: typical mails by the second, hostile ones each in a process of its own.
#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic
)]

use std::fmt::Write as _;
use std::hint::black_box;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use notyet::app::examine::{Assume, Bench, examine};
use notyet::config::Owner;
use notyet::domain::{Address, RawMail, Timestamp};
use notyet::rulebook::Rulebook;
use notyet::stages::{identify, parse};

/// How long a throughput is measured.
const MEASURED_FOR: Duration = Duration::from_secs(3);

/// 2026-10-01T00:00:00Z.
const NOW: Timestamp = Timestamp::from_unix_s(1_790_812_800);

fn main() {
    // Cargo adds `--bench`; a name after `--case` runs one hostile mail in this process.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["--case", name] => one_case(name),
        ["--typical"] => typical(),
        _ => {
            typical();
            hostile();
        }
    }
}

fn owner() -> Owner {
    Owner {
        name: "Robin Reader".into(),
        addresses: vec![Address::parse("robin@example.org").unwrap()],
        link: None,
        languages: vec!["en".to_owned()],
        me: notyet::config::Me::default(),
    }
}

fn with_bench<T>(work: impl FnOnce(&Bench<'_>) -> T) -> T {
    let rules = Rulebook::shipped().unwrap();
    let owner = owner();
    work(&Bench {
        rules: &rules,
        owner: &owner,
        policy: &rules.policy,
        authserv_id: Some("mx.example.org"),
        assume: Assume::Nothing,
        can_send: true,
    })
}

/// Every mail of `tests/mail`, with its path.
fn mails() -> Vec<(String, RawMail)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mail");
    let mut found = Vec::new();
    for folder in ["demo", "golden"] {
        for entry in std::fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            found.push((name, RawMail(std::fs::read(&path).unwrap())));
        }
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}

/// Rounds of `work` over all `items` until the time is up; how many items a second.
fn per_second<T>(items: &[T], mut work: impl FnMut(&T)) -> f64 {
    for item in items {
        work(item);
    }
    let (began, until) = (on_cpu(), Instant::now() + MEASURED_FOR);
    let mut done = 0;
    while Instant::now() < until {
        for item in items {
            work(item);
        }
        done += items.len();
    }
    done as f64 / (on_cpu() - began).as_secs_f64()
}

/// Time this thread has run, others' share of the core left out (proc(5), schedstat).
fn on_cpu() -> Duration {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").expect("a Linux with schedstat");
    Duration::from_nanos(told.split(' ').next().and_then(|ns| ns.parse().ok()).expect("nanoseconds"))
}

fn typical() {
    let began = on_cpu();
    black_box(Rulebook::shipped().unwrap());
    println!("rules compiled in {:.1} ms", (on_cpu() - began).as_secs_f64() * 1000.0);

    let mut mails = mails();
    // What is hostile by size is measured by itself below.
    mails.retain(|(_, mail)| mail.0.len() <= 64 * 1024);
    let bytes: usize = mails.iter().map(|(_, mail)| mail.0.len()).sum();
    println!("{} mails of tests/mail, {} bytes on average", mails.len(), bytes / mails.len());
    with_bench(|bench| {
        let is_asking = |mail: &RawMail| {
            !examine("", mail, bench, NOW, None).expect("no ledger is asked").plans.is_empty()
        };
        let asking: Vec<_> = mails.iter().filter(|(_, mail)| is_asking(mail)).collect();
        let all: Vec<_> = mails.iter().collect();
        println!(
            "{:<12} {:>10} {:>12} {:>20} {:>12}",
            "mails/s/core", "parse", "+ recognise", "+ judge", "count"
        );
        for (what, set) in [("all", all), ("invitations", asking)] {
            let parsed = per_second(&set, |(_, mail)| drop(black_box(parse::parse(mail))));
            let identified = per_second(&set, |(_, mail)| drop(black_box(identify(mail, bench.rules))));
            let judged = per_second(&set, |(_, mail)| {
                drop(black_box(examine("", mail, bench, NOW, None).expect("no ledger is asked")))
            });
            println!("{what:<12} {parsed:>10.0} {identified:>12.0} {judged:>20.0} {:>12}", set.len());
        }
        let mut slow: Vec<(Duration, &str)> = mails
            .iter()
            .map(|(name, mail)| {
                (
                    time(|| {
                        drop(black_box(examine("", mail, bench, NOW, None).expect("no ledger is asked")))
                    }),
                    name.as_str(),
                )
            })
            .collect();
        slow.sort_unstable();
        for (took, name) in slow.iter().rev().take(5) {
            println!("slowest: {:>7.0} µs {name}", took.as_secs_f64() * 1e6);
        }
    });
}

/// The quickest of five, too short for the scheduler's own count.
fn time(work: impl Fn()) -> Duration {
    (0..5)
        .map(|_| {
            let began = Instant::now();
            work();
            began.elapsed()
        })
        .min()
        .unwrap()
}

type Case = (&'static str, fn() -> String);

const HOSTILE: [Case; 26] = [
    ("note 1 KB", || noted(1_000)),
    ("note 10 KB", || noted(10_000)),
    ("note 100 KB", || noted(100_000)),
    ("note 1 MB", || noted(1_000_000)),
    ("note 1 MB of one word", || invitation(&"a".repeat(1_000_000))),
    ("note 1 MB of full stops", || invitation(&". ".repeat(500_000))),
    ("note 1 MB of blank lines", || invitation(&"\n".repeat(1_000_000))),
    ("note 1 MB of boilerplate", || {
        invitation(&"I'd like to add you to my professional network. ".repeat(20_000))
    }),
    ("HTML 100 KB", || html(&"<p>One <b>more</b> line &amp; so on.</p>\n".repeat(2_500))),
    ("HTML 1 MB", || html(&"<p>One <b>more</b> line &amp; so on.</p>\n".repeat(25_000))),
    ("HTML 1 MB on one line", || html(&"word <b>word</b> ".repeat(60_000))),
    ("HTML of 10,000 links", || html(&links(10_000))),
    ("HTML of 1 MB of open anchors", || html(&"<a href='https://www.linkedin.com/in/x'>".repeat(25_000))),
    ("HTML nested 20,000 deep", || html(&"<div>".repeat(20_000))),
    ("HTML nested 200,000 deep", || html(&"<div>".repeat(200_000))),
    ("HTML, hidden 20,000 deep", || html(&"<div style='display:none'>".repeat(20_000))),
    ("HTML tag of 100,000 attributes", || {
        html(&format!("<p {}>", (0..100_000).map(|n| format!("a{n}=1 ")).collect::<String>()))
    }),
    ("HTML of 1 MB of '<'", || html(&"<".repeat(1_000_000))),
    ("text of 10,000 links", || invitation(&"http://a.example/ http ".repeat(50_000))),
    ("MIME nested 300 deep", || nested(300)),
    ("MIME nested 10,000 deep", || nested(10_000)),
    ("MIME of 100,000 parts", || parts(100_000)),
    ("header of 1 MB", || header(&format!("X-Long: {}\n", "x".repeat(1_000_000)))),
    ("header of 250 KB in 20,000 fields", || header(&"X-Short: abc\n".repeat(19_000))),
    ("header with To of 250 KB", || {
        header(&format!("To: {}z@example.org\n", "a@example.org, ".repeat(16_000)))
    }),
    ("header with To of 250 KB of '<(\"'", || header(&format!("To: {}\n", "<(\"".repeat(80_000)))),
];

/// Each in a process of its own, so that peak memory is its own and an abort is seen.
fn hostile() {
    println!("\n{:<36} {:>10} {:>10} {:>10} {:>10}", "one mail", "bytes", "ms", "peak MB", "above MB");
    for (name, _) in HOSTILE {
        let ran = Command::new(std::env::current_exe().unwrap()).args(["--case", name]).output().unwrap();
        let told = String::from_utf8_lossy(&ran.stdout).into_owned();
        if ran.status.success() {
            println!("{name:<36} {}", told.trim_end());
        } else {
            println!("{name:<36} FAILED: {}\n{}", ran.status, String::from_utf8_lossy(&ran.stderr));
        }
    }
}

fn one_case(name: &str) {
    let (_, make) = HOSTILE.into_iter().find(|(known, _)| *known == name).expect("a case of that name");
    with_bench(|bench| {
        let mail = RawMail(make().into_bytes());
        let before = peak_mb();
        let began = on_cpu();
        let examined = examine("", &mail, bench, NOW, None).expect("no ledger is asked");
        let took = on_cpu() - began;
        let after = peak_mb();
        let what = examined.unreadable.map_or_else(
            || format!("{}, {} plans", examined.kind.as_str(), examined.plans.len()),
            |why| format!("refused: {why}"),
        );
        println!(
            "{:>10} {:>10.1} {after:>10.1} {:>10.1}  {what}",
            mail.0.len(),
            took.as_secs_f64() * 1000.0,
            after - before
        );
    });
}

/// The largest resident size of this process so far.
fn peak_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("0 kB");
    line.trim().trim_end_matches("kB").trim().parse::<f64>().unwrap_or(0.0) / 1024.0
}

const HEADER: &str = "From: Ann Ember via LinkedIn <invitations@linkedin.com>\n\
     To: Robin Reader <robin@example.org>\nSubject: Robin, please add me to your LinkedIn network\n\
     Message-ID: <1.2.3@example.com>\nDate: Tue, 29 Sep 2026 05:06:07 +0000\n\
     Authentication-Results: mx.example.org; dkim=pass header.d=linkedin.com; dmarc=pass header.from=linkedin.com\n\
     MIME-Version: 1.0\n";

fn header(fields: &str) -> String {
    format!("{fields}{HEADER}\nHi Robin, I'd like to join your network.\n")
}

/// An invitation with this text between greeting and card.
fn invitation(note: &str) -> String {
    format!(
        "{HEADER}Content-Type: text/plain; charset=utf-8\n\nHi Robin, I'd like to join your network.\n\n{note}\n\n\
         Ann Ember\nBeekeeper\n\nAccept: https://www.linkedin.com/comm/mynetwork/invite-accept/?invitationId=7000000001\n\
         View profile: https://www.linkedin.com/comm/in/ann-ember-example?trk=x\n"
    )
}

fn noted(bytes: usize) -> String {
    let mut note = String::with_capacity(bytes + 100);
    let mut line = 0;
    while note.len() < bytes {
        let _ = writeln!(
            note,
            "We met in Graz at stand {line}, and you told me of your {line} hives; how are they?"
        );
        line += 1;
    }
    invitation(&note)
}

fn html(body: &str) -> String {
    format!(
        "{HEADER}Content-Type: text/html; charset=utf-8\n\n<html><body><p>Hi Robin, I'd like to join your network.</p>\
         {body}<p>Ann Ember</p><a href='https://www.linkedin.com/comm/mynetwork/invite-accept/?invitationId=7000000001'>\
         Accept</a></body></html>\n"
    )
}

fn links(count: usize) -> String {
    (0..count)
        .map(|n| format!("<p><a href='https://www.linkedin.com/comm/in/p{n}?x=1'>Person {n}</a></p>\n"))
        .collect()
}

fn nested(depth: usize) -> String {
    let mut mail = HEADER.to_owned();
    for level in 0..depth {
        let _ = write!(mail, "Content-Type: multipart/mixed; boundary=b{level}\n\n--b{level}\n");
    }
    mail + "Content-Type: text/plain\n\nHi.\n"
}

fn parts(count: usize) -> String {
    let mut mail = format!("{HEADER}Content-Type: multipart/mixed; boundary=b\n\n");
    for _ in 0..count {
        mail.push_str("--b\nContent-Type: image/png\n\nx\n");
    }
    mail + "--b--\n"
}
