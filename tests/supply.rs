//! The supply chain, as far as this machine can tell: licences, sources, banned
//! crates, and dependencies that nothing uses. `.deny.toml` says the same to
//! cargo-deny, which also knows of advisories.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// Licences that ask for no more than to be named.
const LICENCES: [&str; 8] = [
    "MIT",
    "Apache-2.0",
    "BSD-3-Clause",
    "ISC",
    "Zlib",
    "0BSD",
    "Unicode-3.0",
    "Apache-2.0 WITH LLVM-exception",
];

/// A second TLS, a second runtime, and what speaks HTTP (no link is ever opened).
const BANNED: [&str; 12] = [
    "openssl",
    "openssl-sys",
    "native-tls",
    "async-std",
    "hyper",
    "reqwest",
    "ureq",
    "curl",
    "isahc",
    "attohttpc",
    "h2",
    "libdbus-sys",
];

/// All that `Cargo.lock` brings for this machine, and the package itself.
fn metadata() -> Value {
    let compiler = Command::new("rustc").arg("-vV").output().expect("rustc");
    let told = String::from_utf8(compiler.stdout).unwrap();
    let host = told.lines().find_map(|line| line.strip_prefix("host: ")).expect("the host").to_owned();
    let ran = Command::new(env!("CARGO"))
        .args(["metadata", "--offline", "--locked", "--format-version", "1", "--filter-platform", &host])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    serde_json::from_slice(&ran.stdout).unwrap()
}

/// The packages of others that are compiled in, on this machine.
fn others(metadata: &Value) -> Vec<&Value> {
    let nodes = metadata["resolve"]["nodes"].as_array().unwrap();
    let used: BTreeSet<_> = nodes.iter().map(|node| node["id"].as_str().unwrap()).collect();
    let packages = metadata["packages"].as_array().unwrap().iter();
    let others: Vec<_> = packages
        .filter(|package| used.contains(package["id"].as_str().unwrap()) && package["name"] != "notyet")
        .collect();
    assert!(others.len() > 100, "{}", others.len());
    others
}

/// Whether an SPDX expression can be met by [`LICENCES`] alone. `/` is how old manifests say OR.
fn is_permissive(expression: &str) -> bool {
    fn any<'a>(words: &mut std::iter::Peekable<impl Iterator<Item = &'a str>>) -> bool {
        let mut met = all(words);
        while words.next_if(|word| *word == "OR").is_some() {
            met |= all(words);
        }
        met
    }
    fn all<'a>(words: &mut std::iter::Peekable<impl Iterator<Item = &'a str>>) -> bool {
        let mut met = one(words);
        while words.next_if(|word| *word == "AND").is_some() {
            met &= one(words);
        }
        met
    }
    fn one<'a>(words: &mut std::iter::Peekable<impl Iterator<Item = &'a str>>) -> bool {
        let word = words.next().expect("a licence");
        if word == "(" {
            let met = any(words);
            assert_eq!(words.next(), Some(")"));
            return met;
        }
        if words.next_if(|next| *next == "WITH").is_some() {
            let exception = words.next().expect("an exception");
            return LICENCES.contains(&format!("{word} WITH {exception}").as_str());
        }
        LICENCES.contains(&word)
    }
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let mut words = spaced.split_whitespace().peekable();
    let met = any(&mut words);
    assert_eq!(words.next(), None, "{expression}");
    met
}

#[test]
fn expressions_are_read_as_spdx_means_them() {
    for (expression, permissive) in [
        ("MIT", true),
        ("GPL-3.0-only", false),
        ("GPL-2.0-only OR Apache-2.0", true),
        ("MIT AND GPL-3.0-only", false),
        ("(MIT OR GPL-3.0-only) AND Unicode-3.0", true),
        ("MIT/Apache-2.0", true),
        ("MPL-2.0 OR (MIT AND LGPL-2.1)", false),
        ("Apache-2.0 WITH LLVM-exception", true),
        ("GPL-2.0 WITH Classpath-exception-2.0", false),
    ] {
        assert_eq!(is_permissive(expression), permissive, "{expression}");
    }
}

#[test]
fn every_crate_has_a_permissive_licence_and_comes_from_the_registry() {
    let metadata = metadata();
    for package in others(&metadata) {
        let name = &package["name"];
        let licence = package["license"].as_str().unwrap_or_else(|| panic!("{name}: no licence"));
        assert!(is_permissive(licence), "{name}: {licence}");
        assert_eq!(package["source"], "registry+https://github.com/rust-lang/crates.io-index", "{name}");
    }
}

#[test]
fn no_banned_crate_is_compiled_in() {
    let metadata = metadata();
    let found: Vec<_> = others(&metadata)
        .into_iter()
        .map(|package| package["name"].as_str().unwrap())
        .filter(|name| BANNED.contains(name))
        .collect();
    assert!(found.is_empty(), "{found:?}");
}

/// Every word of every Rust file below `folders`.
fn words_of(folders: &[&str]) -> BTreeSet<String> {
    fn walk(dir: &Path, into: &mut BTreeSet<String>) {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, into);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
                into.extend(text.split(|c| !is_part(c)).map(str::to_owned));
            }
        }
    }
    let mut words = BTreeSet::new();
    for folder in folders {
        walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut words);
    }
    words
}

#[test]
fn every_dependency_is_used_and_has_a_version() {
    let metadata = metadata();
    let ours = metadata["packages"].as_array().unwrap().iter().find(|p| p["name"] == "notyet").unwrap();
    let (program, tests) = (words_of(&["src"]), words_of(&["src", "tests"]));
    for dependency in ours["dependencies"].as_array().unwrap() {
        let name = dependency["name"].as_str().unwrap();
        assert_ne!(dependency["req"], "*", "{name}");
        let words = if dependency["kind"] == "dev" { &tests } else { &program };
        assert!(words.contains(&name.replace('-', "_")), "{name} is used nowhere");
    }
}

/// Others' unsafe code is theirs to answer for; we have none.
#[test]
fn unsafe_code_is_forbidden_and_no_file_allows_it_again() {
    let manifest = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")).unwrap();
    assert!(manifest.contains("\nunsafe_code = \"forbid\"\n"));
    assert!(!words_of(&["src"]).contains("unsafe"));
}
