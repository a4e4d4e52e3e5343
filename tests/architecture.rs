//! The layers of the house (DESIGN section 4), checked in the source itself.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Which layers a layer may name.
const MAY_NAME: [(&str, &[&str]); 7] = [
    ("domain", &["domain"]),
    ("rulebook", &["domain", "rulebook"]),
    ("config", &["domain", "config"]),
    ("stages", &["domain", "rulebook", "config", "stages"]),
    ("shell", &["domain", "config", "shell"]),
    ("app", &["domain", "rulebook", "config", "stages", "shell", "app"]),
    ("cli", &["domain", "config", "rulebook", "app", "cli"]),
];

/// What the pure layers must not touch.
const EFFECTS: [&str; 14] = [
    "std::fs",
    "TcpStream",
    "UdpSocket",
    "ToSocketAddrs",
    "std::process",
    "std::env",
    "SystemTime::now",
    "Instant::now",
    "tokio::",
    "rusqlite",
    "async_imap",
    "fastrand",
    "println!",
    "tracing::",
];

/// What `app` and `cli` do through the shell, or not at all.
const OUTSIDE: [&str; 16] = [
    "std::fs",
    "tokio::fs",
    "tokio::net",
    "tokio::process",
    "TcpStream",
    "UdpSocket",
    "ToSocketAddrs",
    "process::Command",
    "SystemTime::now",
    "stdin()",
    ".exists()",
    "try_exists()",
    "tempfile",
    "rusqlite",
    "async_imap",
    "lettre",
];

/// And what speaks to the person at the terminal, which only `cli` does.
const TERMINAL: [&str; 5] = ["std::env", "println!", "stdout()", "stderr()", "ExitCode"];

const PURE: [&str; 4] = ["domain", "rulebook", "config", "stages"];

fn sources() -> BTreeMap<PathBuf, String> {
    fn walk(dir: &Path, out: &mut BTreeMap<PathBuf, String>) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, out);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                let text = text.split("\n#[cfg(test)]\n").next().unwrap_or_default().to_owned();
                out.insert(path, text);
            }
        }
    }
    let src = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src"));
    let mut out = BTreeMap::new();
    walk(src, &mut out);
    out.into_iter().map(|(p, t)| (p.strip_prefix(src).unwrap().to_owned(), t)).collect()
}

fn layer(path: &Path) -> String {
    path.components().next().unwrap().as_os_str().to_string_lossy().into_owned()
}

fn code_lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|l| !l.starts_with("//"))
}

#[test]
fn every_layer_names_only_the_layers_below_it() {
    let all: Vec<&str> = MAY_NAME.iter().map(|(name, _)| *name).collect();
    let mut faults = Vec::new();
    for (path, text) in sources() {
        let Some((_, allowed)) = MAY_NAME.iter().find(|(name, _)| *name == layer(&path)) else {
            continue;
        };
        for line in code_lines(&text) {
            for other in &all {
                if line.contains(&format!("crate::{other}")) && !allowed.contains(other) {
                    faults.push(format!("{}: {line}", path.display()));
                }
            }
            if line.contains("use crate::{") {
                faults.push(format!("{}: name each layer on a line of its own: {line}", path.display()));
            }
        }
    }
    assert!(faults.is_empty(), "layer rule broken:\n{}", faults.join("\n"));
}

#[test]
fn pure_layers_have_no_effects() {
    let mut faults = Vec::new();
    for (path, text) in sources() {
        if PURE.contains(&layer(&path).as_str()) {
            for line in code_lines(&text) {
                for effect in EFFECTS {
                    if line.contains(effect) {
                        faults.push(format!("{}: {effect}: {line}", path.display()));
                    }
                }
            }
        }
    }
    assert!(faults.is_empty(), "effects in pure layers:\n{}", faults.join("\n"));
}

#[test]
fn app_and_cli_reach_the_outside_only_through_the_shell() {
    let mut faults = Vec::new();
    for (path, text) in sources() {
        let banned = match layer(&path).as_str() {
            "app" => OUTSIDE.iter().chain(&TERMINAL),
            "cli" => OUTSIDE.iter().chain(&[]),
            _ => continue,
        };
        for effect in banned {
            let lines = code_lines(&text).filter(|line| line.contains(effect));
            faults.extend(lines.map(|line| format!("{}: {effect}: {line}", path.display())));
        }
    }
    assert!(faults.is_empty(), "effects beside the shell:\n{}", faults.join("\n"));
}

#[test]
fn files_stay_short() {
    let long: Vec<_> = sources()
        .into_iter()
        .map(|(path, text)| (path, text.lines().count()))
        .filter(|(_, lines)| *lines > 400)
        .collect();
    assert!(long.is_empty(), "over 400 lines before their tests: {long:?}");
}

#[test]
fn no_network_is_known_to_the_code_by_name() {
    let mut faults = Vec::new();
    for (path, text) in sources() {
        for line in code_lines(&text) {
            let lower = line.to_lowercase();
            for name in ["linkedin", "facebook", "plaxo", "xing.com"] {
                if lower.contains(name) {
                    faults.push(format!("{}: {line}", path.display()));
                }
            }
        }
    }
    assert!(faults.is_empty(), "network names belong into rules/:\n{}", faults.join("\n"));
}

#[test]
fn the_house_has_the_agreed_rooms() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut extra = Vec::new();
    for entry in std::fs::read_dir(root).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().to_string_lossy().into_owned();
        let agreed =
            ["src", "rules", "tests", "deploy", "target"].contains(&name.as_str()) || name.starts_with('.');
        if entry.file_type().unwrap().is_dir() && !agreed {
            extra.push(name);
        }
    }
    assert!(extra.is_empty(), "top-level folders beyond src, rules, tests, deploy: {extra:?}");
}
