//! What the documents say is what the program does.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use clap::{CommandFactory, Parser};
use notyet::app::examine::{Assume, Bench, examine};
use notyet::app::rules;
use notyet::cli::Arguments;
use notyet::config::Owner;
use notyet::domain::delivery::State;
use notyet::domain::{Address, Decision, NoteKind, Notice, RawMail, Route};
use notyet::rulebook::{RuleFiles, Rulebook};
use regex::Regex;
use serde_json::Value;

const DEMO_MAIL: &str = "tests/mail/demo";

// ── Reading documents ──────────────────────────────────────────────────────

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn document(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

/// The fenced blocks of a language.
fn blocks(text: &str, language: &str) -> Vec<String> {
    let fence = Regex::new(r"(?ms)^```(\w*)\n(.*?)^```$").unwrap();
    fence.captures_iter(text).filter(|b| &b[1] == language).map(|b| b[2].to_owned()).collect()
}

/// The part of `text` under the heading `heading`.
fn section<'a>(text: &'a str, heading: &str) -> &'a str {
    let from = text.find(&format!("\n{heading}\n")).unwrap_or_else(|| panic!("no {heading}")) + 1;
    let rest = &text[from + heading.len()..];
    &rest[..rest.find("\n#").unwrap_or(rest.len())]
}

/// The rows, as cells, of the table in `text` whose first head cell is `head`.
fn table(text: &str, head: &str) -> Vec<Vec<String>> {
    let cells =
        |line: &str| line.trim_matches('|').split('|').map(|c| c.trim().to_owned()).collect::<Vec<_>>();
    let rows: Vec<_> = text
        .lines()
        .skip_while(|line| !line.starts_with(&format!("| {head} |")))
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .map(cells)
        .collect();
    assert!(!rows.is_empty(), "no table {head}");
    rows
}

/// The text without its fenced blocks.
fn prose(text: &str) -> String {
    Regex::new(r"(?ms)^```.*?^```$").unwrap().replace_all(text, "").into_owned()
}

/// What stands between backquotes.
fn quoted(cell: &str) -> BTreeSet<String> {
    Regex::new("`([^`]+)`").unwrap().captures_iter(cell).map(|c| c[1].to_owned()).collect()
}

fn markdown_files() -> Vec<PathBuf> {
    fn walk(dir: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() && name != "target" && !name.starts_with('.') {
                walk(&path, found);
            } else if path.extension() == Some(OsStr::new("md")) {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(root(), &mut found);
    assert!(found.len() >= 4, "{found:?}");
    found
}

// ── Running the program ────────────────────────────────────────────────────

fn notyet<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Output {
    notyet_in(root(), arguments)
}

fn notyet_in<S: AsRef<OsStr>>(dir: &Path, arguments: impl IntoIterator<Item = S>) -> Output {
    Command::new(env!("CARGO_BIN_EXE_notyet"))
        .args(arguments)
        .current_dir(dir)
        .env("HOME", std::env::temp_dir())
        .env_remove("XDG_STATE_HOME")
        .env_remove("STATE_DIRECTORY")
        .output()
        .unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn demo_mails() -> Vec<String> {
    let mut mails: Vec<String> = fs::read_dir(root().join(DEMO_MAIL))
        .unwrap()
        .map(|entry| format!("{DEMO_MAIL}/{}", entry.unwrap().file_name().to_string_lossy()))
        .collect();
    mails.sort();
    mails
}

// ── README: commands, configs, transcript ──────────────────────────────────

/// What a fragment of a configuration lacks.
const WHOLE: &str = "[owner]\nname = \"R\"\naddresses = [\"r@example.org\"]\n\
                     [account.sample.maildir]\npath = \"Maildir\"\n";

#[test]
fn every_config_in_the_readme_is_taken_without_a_warning() {
    let configs = blocks(&document("README.md"), "toml");
    assert_eq!(configs.len(), 8);
    for mut config in configs {
        if !config.contains("[owner]") {
            config.insert_str(0, WHOLE);
        }
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("notyet.toml");
        fs::write(&file, &config).unwrap();
        let output = notyet([OsStr::new("config"), "check".as_ref(), "--config".as_ref(), file.as_ref()]);
        assert_eq!((output.status.code(), stderr(&output).as_str()), (Some(0), ""), "{config}");
    }
}

#[test]
fn every_command_line_in_the_documents_is_understood() {
    let mut seen = 0;
    for path in ["README.md", "rules/README.md", "deploy/README.md"] {
        for line in blocks(&document(path), "sh").iter().flat_map(|block| block.lines()) {
            let line = line.split(" #").next().unwrap();
            let line = line.replace("cargo run --release -- ", "notyet ");
            if !line.starts_with("notyet ") {
                continue;
            }
            let quoted = line.split('"').enumerate();
            let words = quoted.flat_map(|(i, part)| match i % 2 {
                0 => part.split_whitespace().collect(),
                _ => vec![part],
            });
            Arguments::try_parse_from(words).unwrap_or_else(|error| panic!("{path}: {line}: {error}"));
            seen += 1;
        }
    }
    assert!(seen >= 9, "{seen}");
}

#[test]
fn every_command_named_in_a_sentence_exists() {
    let mut seen = 0;
    for path in markdown_files() {
        for span in quoted(&prose(&fs::read_to_string(&path).unwrap())) {
            let Some(words) = span.strip_prefix("notyet ") else {
                continue;
            };
            let mut command = Arguments::command();
            for word in words.split_whitespace() {
                if let Some(flag) = word.strip_prefix("--") {
                    let known = command.get_arguments().any(|a| a.get_long() == Some(flag));
                    assert!(known, "{}: {span}: no {word}", path.display());
                } else if command.has_subcommands() {
                    let sub = command.find_subcommand(word);
                    command = sub.unwrap_or_else(|| panic!("{}: {span}", path.display())).clone();
                }
            }
            assert!(!command.has_subcommands(), "{}: {span} is half a command", path.display());
            seen += 1;
        }
    }
    assert!(seen >= 12, "{seen}");
}

/// Days pass and temporary folders change; nothing else may.
fn settled(line: &str) -> String {
    let line =
        Regex::new(r"on \d{4}-\d{2}-\d{2} already").unwrap().replace_all(line, "on DAY already").into_owned();
    Regex::new(r"/\S*notyet-demo-\w+").unwrap().replace_all(&line, "DIR").into_owned()
}

#[test]
fn the_demo_prints_what_the_readme_shows() {
    let readme = document("README.md");
    let block = blocks(&readme, "console").into_iter().next().unwrap();
    let (command, shown) = block.split_once('\n').unwrap();
    assert_eq!(command, "$ cargo run --release -- demo");
    let output = notyet(["demo"]);
    assert_eq!((output.status.code(), stderr(&output).as_str()), (Some(0), ""));
    let printed: Vec<String> = stdout(&output).lines().map(settled).collect();
    let mut printed = printed.iter();
    let mut left_out = false;
    for line in shown.lines() {
        if line == "…" {
            left_out = true;
            continue;
        }
        let line = settled(line);
        let found = if left_out { printed.find(|l| **l == line) } else { printed.next() };
        assert_eq!(found, Some(&line), "in this place the demo prints something else");
        left_out = false;
    }
    assert_eq!(printed.next(), None, "the demo prints more");
}

// ── Links ──────────────────────────────────────────────────────────────────

/// The anchor of a heading, as code hosts make it.
fn anchor(heading: &str) -> String {
    heading
        .to_lowercase()
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

#[test]
fn every_relative_link_leads_somewhere() {
    let link = Regex::new(r"\]\(([^)\s]+)\)").unwrap();
    for path in markdown_files() {
        let text = fs::read_to_string(&path).unwrap();
        for target in link.captures_iter(&prose(&text)).map(|c| c[1].to_owned()) {
            if target.starts_with("https://") {
                continue;
            }
            let (file, fragment) = target.split_once('#').unwrap_or((&target, ""));
            let file = if file.is_empty() { path.clone() } else { path.parent().unwrap().join(file) };
            assert!(file.exists(), "{}: {target}", path.display());
            if !fragment.is_empty() {
                let there = fs::read_to_string(&file).unwrap();
                let known = there
                    .lines()
                    .filter(|line| line.starts_with('#'))
                    .any(|line| anchor(line.trim_start_matches('#').trim()) == fragment);
                assert!(known, "{}: {target}", path.display());
            }
        }
    }
}

// ── JSON ───────────────────────────────────────────────────────────────────

/// Every path in `value` with the names of the types that stand there.
fn paths(value: &Value, at: &str, found: &mut BTreeMap<String, BTreeSet<&'static str>>) {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    if !at.is_empty() && !at.ends_with("[]") {
        found.entry(at.to_owned()).or_default().insert(kind);
    }
    match value {
        Value::Array(items) => items.iter().for_each(|item| paths(item, &format!("{at}[]"), found)),
        Value::Object(map) => map.iter().for_each(|(key, item)| {
            let below = if at.is_empty() { key.clone() } else { format!("{at}.{key}") };
            paths(item, &below, found);
        }),
        _ => {}
    }
}

#[test]
fn check_json_has_exactly_the_documented_fields() {
    let readme = document("README.md");
    let documented: BTreeMap<String, String> = table(section(&readme, "### `check --json`"), "Field")
        .into_iter()
        .map(|row| (row[0].trim_matches('`').to_owned(), row[1].clone()))
        .collect();
    let output =
        notyet(["check", "--json", "--assume-authentic"].map(str::to_owned).into_iter().chain(demo_mails()));
    assert_eq!(output.status.code(), Some(0));
    let mut real = BTreeMap::new();
    for line in stdout(&output).lines() {
        paths(&serde_json::from_str(line).unwrap(), "", &mut real);
    }
    assert_eq!(documented.keys().collect::<Vec<_>>(), real.keys().collect::<Vec<_>>());
    for (field, kinds) in real {
        let types: BTreeSet<&str> = documented[&field].split(" or ").collect();
        assert!(kinds.is_subset(&types), "{field} is {kinds:?}, documented as {types:?}");
    }
}

#[test]
fn status_json_has_exactly_the_documented_fields() {
    let readme = document("README.md");
    let rows = table(section(&readme, "### `status --json`"), "Field of an account");
    let documented: BTreeSet<String> = rows.iter().flat_map(|row| quoted(&row[0])).collect();
    let dir = tempfile::tempdir().unwrap();
    let sample = dir.path().join("sample");
    assert!(notyet([OsStr::new("demo"), "--keep".as_ref(), sample.as_ref()]).status.success());
    let config = dir.path().join("notyet.toml");
    let text = "state_dir = \"sample/state\"\n[owner]\nname = \"R\"\naddresses = [\"r@example.org\"]\n\
                [account.sample.maildir]\npath = \"sample/Maildir\"\n";
    fs::write(&config, text).unwrap();
    let output = notyet([OsStr::new("status"), "--json".as_ref(), "--config".as_ref(), config.as_ref()]);
    let status: Value = serde_json::from_str(&stdout(&output)).unwrap();
    let account = status["accounts"][0].as_object().unwrap();
    assert_eq!(documented, account.keys().cloned().collect());
    let letters = rows.iter().find(|row| row[0] == "`letters`").unwrap();
    assert_eq!(quoted(&letters[1]), State::ALL.map(|s| s.as_str().to_owned()).into_iter().collect());
}

#[test]
fn every_reason_is_documented_and_no_other() {
    let readme = document("README.md");
    let documented: BTreeSet<String> = table(section(&readme, "### `check --json`"), "Decision")
        .iter()
        .flat_map(|row| quoted(&row[1]))
        .collect();
    let word = Regex::new(r#"(?:\b(?:leave|hold|reason)\(|\bcode:)\s*"([a-z-]+)""#).unwrap();
    let mut real = BTreeSet::new();
    for file in [
        "decide.rs",
        "compose.rs",
        "gates/mod.rs",
        "gates/acquaintance.rs",
        "gates/addressed.rs",
        "gates/automated.rs",
        "gates/limits.rs",
        "gates/person.rs",
        "gates/sending.rs",
        "gates/vouched.rs",
    ] {
        let text = document(&format!("src/stages/{file}"));
        let code = text.split("#[cfg(test)]").next().unwrap();
        real.extend(word.captures_iter(code).map(|c| c[1].to_owned()));
    }
    assert_eq!(documented, real);
}

/// The threat model names the tests that keep it true.
#[test]
fn every_test_of_the_threat_model_exists() {
    fn sources(dir: &Path, all: &mut String) {
        for entry in fs::read_dir(dir).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                sources(&entry.path(), all);
            } else if entry.path().extension().is_some_and(|end| end == "rs") {
                all.push_str(&fs::read_to_string(entry.path()).unwrap());
            }
        }
    }
    let mut code = String::new();
    sources(&root().join("src"), &mut code);
    sources(&root().join("tests"), &mut code);
    let rows = table(section(&document("README.md"), "## Security"), "Attacker");
    assert!(rows.len() > 10, "{}", rows.len());
    for row in rows {
        let tests = quoted(&row[3]);
        assert!(!tests.is_empty(), "{} names no test", row[1]);
        for test in tests {
            let own = Regex::new(&format!(r"#\[(?:tokio::)?test[^\]]*\]\s*(?:async )?fn {test}\(")).unwrap();
            assert!(own.is_match(&code), "no test is called {test}");
        }
    }
}

#[test]
fn exit_codes_are_the_documented_ones() {
    let readme = document("README.md");
    let codes: Vec<String> =
        table(section(&readme, "### Exit codes"), "Code").into_iter().map(|row| row[0].clone()).collect();
    assert_eq!(codes, ["0", "1", "2", "75", "78"]);
    assert_eq!(notyet(["frobnicate"]).status.code(), Some(2));
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("notyet.toml");
    fs::write(&file, "[owner]\nnaem = \"J\"\n").unwrap();
    let wrong = notyet([OsStr::new("status"), "--config".as_ref(), file.as_ref()]);
    assert_eq!(wrong.status.code(), Some(78));
    let mail = format!("{DEMO_MAIL}/2026-11-friend.eml");
    let output = notyet(["check", "--json", "no-such-mail.eml", &mail]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(stderr(&output).lines().count(), 1, "one line for the file that cannot be read");
    assert_eq!(stdout(&output).lines().count(), 1, "the other file is done");
}

// ── rules/README.md ────────────────────────────────────────────────────────

fn rules_readme() -> String {
    document("rules/README.md")
}

/// The shipped rules with the README's examples beside them.
fn example_files() -> RuleFiles {
    let readme = rules_readme();
    let [network, signal, opening] = blocks(&readme, "toml").try_into().unwrap();
    let letter = blocks(&readme, "text").into_iter().find(|b| b.starts_with("Subject:")).unwrap();
    let mut files = RuleFiles::shipped();
    for (path, text) in [
        ("networks/acquaint.toml", &network),
        ("notes/own.toml", &signal),
        ("openings/own.toml", &opening),
        ("letters/da/generic.txt", &letter),
    ] {
        files.insert(path, &format!("my-rules/{path}"), text);
    }
    files
}

fn example_rules() -> Rulebook {
    Rulebook::compile(&example_files()).unwrap_or_else(|problems| panic!("{problems}"))
}

#[test]
fn the_example_network_recognises_its_mail() {
    let rules = example_rules();
    let mail = blocks(&rules_readme(), "eml").into_iter().next().unwrap();
    let owner = Owner {
        name: "Robin Keller".to_owned(),
        addresses: vec![Address::parse("robin@example.org").unwrap()],
        link: None,
        languages: vec!["en".to_owned()],
        me: notyet::config::Me::default(),
    };
    let bench = Bench {
        rules: &rules,
        owner: &owner,
        from: owner.addresses.first(),
        policy: &rules.policy,
        authserv_id: Some("mx.example.org"),
        assume: Assume::Nothing,
        can_send: false,
    };
    let raw = RawMail(mail.replace('\n', "\r\n").into_bytes());
    let examined =
        examine("acquaint.eml", &raw, &bench, notyet::app::look::now(), None).expect("no ledger is asked");
    assert_eq!((examined.kind, examined.network.as_deref()), (Notice::Invitation, Some("acquaint")));
    let [plan] = examined.plans.as_slice() else { panic!("{} plans", examined.plans.len()) };
    let invitation = &plan.invitation;
    assert_eq!(invitation.inviter.name, "Mira Okafor");
    assert_eq!(invitation.inviter.first_name, "Mira");
    assert_eq!(invitation.inviter.headline, "Beekeeper and carpenter");
    assert_eq!(
        invitation.inviter.profile_url.as_deref(),
        Some("https://www.acquaint.example/people/mira-okafor")
    );
    assert_eq!(
        invitation.note.as_deref(),
        Some("I inspected your hives in Delft last spring, after the storm.\nDid the third colony make it?")
    );
    let relay = Address::parse("r-5f21c0@reply.acquaint.example").unwrap();
    assert_eq!(invitation.route, Route::Relay(relay));
    assert!(invitation.identity.invitation_id.is_some());
    assert_eq!(plan.judgement.kind, NoteKind::Personalized);
    for rule in ["notes/own.hives", "openings/hives", "openings/question"] {
        assert!(plan.evidence.iter().any(|e| e.rule == rule), "{rule}: {:?}", plan.evidence);
    }
    assert_eq!((plan.decision, plan.reason.code), (Decision::Draft, "policy-draft"));
    assert_eq!(plan.letter.as_ref().unwrap().subject, format!("Re: {}", invitation.subject));
}

#[test]
fn without_the_example_network_its_mail_is_nobodys() {
    let rules = Rulebook::shipped().unwrap();
    let mail = blocks(&rules_readme(), "eml").into_iter().next().unwrap();
    let (_, recognised) = notyet::stages::identify(&RawMail(mail.into_bytes()), &rules).unwrap();
    assert_eq!((recognised.notice, recognised.network), (Notice::Other, None));
}

#[test]
fn the_example_signal_opening_and_letter_pass_the_test() {
    let rules = example_rules();
    assert_eq!(rules::test(&rules), []);
    assert_eq!(rules::audit_letters(&rules).problems, []);
    assert!(rules.letters.languages(NoteKind::Generic).contains(&"da"));
    let readme = rules_readme();
    let start = blocks(&readme, "text").into_iter().find(|b| b.starts_with("{% if opening %}")).unwrap();
    let generic = blocks(&readme, "text").into_iter().find(|b| b.starts_with("Subject:")).unwrap();
    let (head, rest) = generic.split_once("Tak for").unwrap();
    let (_, rest) = rest.split_once("\n\n").unwrap();
    let mut files = example_files();
    let both = format!("{head}{start}\n{rest}");
    files.insert("letters/da/personalized.txt", "my-rules/letters/da/personalized.txt", &both);
    let rules = Rulebook::compile(&files).unwrap_or_else(|problems| panic!("{problems}"));
    assert!(rules.letters.written().contains(&"da"), "both letters make a language");
}

#[test]
fn faults_look_as_the_rules_readme_shows_them() {
    let readme = rules_readme();
    let shown = blocks(&readme, "text").into_iter().find(|b| b.starts_with("notyet: ")).unwrap();
    let [network, signal, _] = blocks(&readme, "toml").try_into().unwrap();
    let broken_network = network.replace("'make your acquaintance' }]", "'wants (to' }]");
    let broken_signal = signal.replace("I inspected your hives in Delft last spring.", "We help beekeepers.");
    let mut said = String::new();
    for (path, text, code) in
        [("networks/acquaint.toml", broken_network, 78), ("notes/own.toml", broken_signal, 1)]
    {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("my-rules").join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, text).unwrap();
        let output = notyet_in(dir.path(), ["rules", "test", "--rules", "my-rules"]);
        assert_eq!(output.status.code(), Some(code), "{}", stderr(&output));
        said.extend(stderr(&output).lines().filter(|l| l.contains("my-rules")).map(|l| format!("{l}\n")));
    }
    assert_eq!(shown, said);
}

#[test]
fn every_key_of_the_rule_files_is_documented() {
    let readme = rules_readme();
    let documented: BTreeSet<String> = quoted(&prose(&readme))
        .into_iter()
        .flat_map(|span| span.split('.').map(str::to_owned).collect::<Vec<_>>())
        .collect();
    let field = Regex::new(r"(?m)^    pub\((?:super|crate)\) _?(\w+):").unwrap();
    for file in ["raw.rs", "notes/raw.rs", "openings/raw.rs"] {
        for key in field.captures_iter(&document(&format!("src/rulebook/{file}"))) {
            // `value` of a search row stands in a table of its own.
            let known = documented.contains(&key[1]) || readme.contains(&format!("{} = ", &key[1]));
            assert!(known, "{file}: {}", &key[1]);
        }
    }
    for variable in
        "first_name inviter owner owner_address link network by_mail subject opening room page".split(' ')
    {
        assert!(documented.contains(variable), "{variable}");
    }
}
