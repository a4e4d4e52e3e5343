//! What reading and judging mail costs: typical mails by the second, hostile ones each in a process of its own.
#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic
)]

use std::hint::black_box;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use notyet::app::examine::{Assume, Bench, examine};
use notyet::config::Owner;
use notyet::domain::{Address, RawMail, Timestamp};
use notyet::rulebook::Rulebook;
use notyet::stages::{identify, parse};

#[path = "../support/hostile.rs"]
mod hostile;
use hostile::HOSTILE;

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
        from: owner.addresses.first(),
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
        let mail = RawMail(make());
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
