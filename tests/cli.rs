//! Tests of the cli boundary: the real binary, as a person, a script and an
//! attacker meet it.

use std::fs::{self, File};
use std::io::Write as _;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use notyet::domain::Timestamp;
use notyet::domain::sending::{Cause, Trip};
use notyet::shell::store::Ledger;
use serde_json::Value;
use tempfile::TempDir;

const INVITATION: &str = include_str!("mail/demo/2026-02-member-no-note.eml");
const WITH_NOTE: &str = include_str!("mail/demo/2026-05-member-note-personal.eml");
const OTHER: &str = include_str!("mail/demo/2026-10-order-confirmation.eml");

/// A folder to work in, and the binary run in it.
struct Desk(TempDir);

struct Ran {
    code: i32,
    out: String,
    err: String,
}

impl Desk {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_notyet"));
        command
            .args(arguments)
            .current_dir(self.0.path())
            .env_clear()
            .env("HOME", self.0.path())
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        ran(&self.command(arguments).output().unwrap())
    }

    /// Runs with `input` as stdin.
    fn feed(&self, arguments: &[&str], input: &[u8]) -> Ran {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        ran(&child.wait_with_output().unwrap())
    }

    /// A config with one Maildir account, `extra` before its table.
    fn config(&self, name: &str, extra: &str) -> PathBuf {
        for part in ["cur", "new", "tmp"] {
            fs::create_dir_all(self.path("Maildir").join(part)).unwrap();
        }
        let text = format!(
            "state_dir = \"state\"\n{extra}\n[owner]\nname = \"Robin Keller\"\naddresses = [\"robin@example.org\"]\n\
             [account.home]\nauthserv_id = \"mx.example.org\"\n[account.home.maildir]\npath = \"Maildir\"\n"
        );
        self.write(name, text)
    }

    /// Every file and folder with what a writer would change.
    fn tree(&self) -> Vec<(PathBuf, i64, i64, u64, Vec<u8>)> {
        let mut found = Vec::new();
        let mut folders = vec![self.0.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).unwrap() {
                let path = entry.unwrap().path();
                let meta = fs::symlink_metadata(&path).unwrap();
                let bytes = if meta.is_file() { fs::read(&path).unwrap() } else { Vec::new() };
                if meta.is_dir() {
                    folders.push(path.clone());
                }
                found.push((path, meta.mtime(), meta.mtime_nsec(), meta.ino(), bytes));
            }
        }
        found.sort();
        found
    }
}

fn ran(output: &Output) -> Ran {
    Ran {
        code: output.status.code().expect("ended by itself, not by a signal"),
        out: String::from_utf8(output.stdout.clone()).expect("stdout is UTF-8"),
        err: String::from_utf8(output.stderr.clone()).expect("stderr is UTF-8"),
    }
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect()
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap_or_else(|| panic!("no object: {value}")).keys().map(String::as_str).collect()
}

/// What a terminal acts on, or orders text by.
fn steering(text: &str) -> Vec<char> {
    text.chars()
        .filter(|c| {
            (c.is_control() && *c != '\n')
                || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        })
        .collect()
}

// Usage and exit codes.

#[test]
fn every_command_has_a_help_with_an_example() {
    let desk = Desk::new();
    for command in [
        vec![],
        vec!["demo"],
        vec!["run"],
        vec!["check"],
        vec!["preview"],
        vec!["status"],
        vec!["config", "check"],
        vec!["rules", "test"],
        vec!["rules", "eject"],
        vec!["rules", "explain"],
        vec!["rules", "score"],
        vec!["man"],
        vec!["completions"],
    ] {
        let mut arguments = command.clone();
        arguments.push("--help");
        let help = desk.run(&arguments);
        assert_eq!((help.code, help.err.as_str()), (0, ""), "{command:?}");
        let example = format!("  notyet {}", command.join(" "));
        assert!(help.out.contains("Example") && help.out.contains(example.trim_end()), "{}", help.out);
    }
    let version = desk.run(&["--version"]);
    assert_eq!(
        (version.code, version.out.as_str()),
        (0, concat!("notyet ", env!("CARGO_PKG_VERSION"), "\n"))
    );
}

#[test]
fn wrong_usage_is_exit_code_2() {
    let desk = Desk::new();
    desk.config("n.toml", "");
    for arguments in [
        &[][..],
        &["bogus"],
        &["check"],
        &["check", "--account", "x", "mail.eml"],
        &["preview", "--config", "n.toml", "--since", "soon"],
        &["preview", "--config", "n.toml", "--account", "nobody"],
        &["check", "--config", "n.toml", "--account", "nobody", "mail.eml"],
    ] {
        let it = desk.run(arguments);
        assert_eq!((it.code, it.out.as_str()), (2, ""), "{arguments:?}");
        assert!(!it.err.is_empty(), "{arguments:?}");
    }
    let unknown = desk.run(&["preview", "--config", "n.toml", "--account", "nobody"]);
    assert!(unknown.err.contains("nobody") && unknown.err.contains("home"), "{}", unknown.err);
}

#[test]
fn a_wrong_config_is_exit_code_78_and_named_with_its_place() {
    let desk = Desk::new();
    let config = desk.config("n.toml", "");
    let text = fs::read_to_string(&config).unwrap().replace("name = ", "naem = ");
    desk.write("n.toml", text);
    for command in [vec!["config", "check"], vec!["run", "--once"], vec!["preview"], vec!["status"]] {
        let it = desk.run(&[command, vec!["--config", "n.toml"]].concat());
        assert_eq!((it.code, it.out.as_str()), (78, ""));
        assert!(it.err.contains("n.toml:4:1: ") && it.err.contains("naem"), "{}", it.err);
    }
    let absent = desk.run(&["status", "--config", "absent.toml"]);
    assert_eq!(absent.code, 78);
    assert_eq!(absent.err.matches("absent.toml").count(), 1, "named once: {}", absent.err);
}

#[test]
fn a_config_is_found_where_it_stands() {
    let desk = Desk::new();
    desk.config("n.toml", "");
    let text = |owner: &str| {
        let text = fs::read_to_string(desk.path("n.toml")).unwrap().replace("Robin Keller", owner);
        text.replace("\"state\"", &format!("{:?}", desk.path("state")))
            .replace("\"Maildir\"", &format!("{:?}", desk.path("Maildir")))
    };
    let owner = |it: Ran| {
        assert_eq!(it.code, 0, "{}", it.err);
        let value: Value = serde_json::from_str(&it.out).unwrap();
        value["owner"]["name"].as_str().unwrap().to_owned()
    };
    let ask = ["config", "check", "--json"];
    if !Path::new("/etc/notyet/notyet.toml").exists() {
        for command in [&["run", "--once"][..], &["status"], &["queue"], &["known"], &["preview"]] {
            let none = desk.run(command);
            assert_eq!((none.code, none.out.as_str()), (78, ""), "{command:?}");
            for place in [
                desk.path(".config/notyet/notyet.toml").to_str().unwrap(),
                "/etc/notyet/notyet.toml",
                "--config FILE",
                "NOTYET_CONFIG",
            ] {
                assert!(none.err.contains(place), "{place}: {}", none.err);
            }
        }
    }
    desk.write(".config/notyet/notyet.toml", text("Of Home"));
    assert_eq!(owner(desk.run(&ask)), "Of Home");
    desk.write("xdg/notyet/notyet.toml", text("Of Xdg"));
    let with = |variables: &[(&str, PathBuf)], arguments: &[&str]| {
        let envs = variables.iter().map(|(name, value)| (name, value));
        ran(&desk.command(arguments).envs(envs).output().unwrap())
    };
    let xdg = ("XDG_CONFIG_HOME", desk.path("xdg"));
    assert_eq!(owner(with(std::slice::from_ref(&xdg), &ask)), "Of Xdg");
    desk.write("v.toml", text("Of Variable"));
    let variable = ("NOTYET_CONFIG", desk.path("v.toml"));
    assert_eq!(owner(with(&[xdg.clone(), variable.clone()], &ask)), "Of Variable");
    // Who named one is not given another.
    let absent = with(&[xdg, ("NOTYET_CONFIG", desk.path("absent.toml"))], &ask);
    assert_eq!(absent.code, 78);
    assert!(absent.err.contains("absent.toml"), "{}", absent.err);
    desk.write("o.toml", text("Of Option"));
    assert_eq!(owner(with(&[variable], &[&ask[..], &["--config", "o.toml"]].concat())), "Of Option");
    // What works without a configuration takes none unasked.
    desk.write("a.eml", WITH_NOTE);
    let letter = |arguments: &[&str]| {
        let value = lines(&desk.run(arguments).out).remove(0);
        value["plans"][0]["letter"]["body"].as_str().unwrap().to_owned()
    };
    assert!(!letter(&["check", "--json", "a.eml"]).contains("Of Home"));
    assert!(letter(&["check", "--json", "--config", "o.toml", "a.eml"]).contains("Of Option"));
}

#[test]
fn a_suggested_command_names_the_config_only_if_it_would_not_be_found() {
    let desk = Desk::new();
    desk.config(".config/notyet/notyet.toml", "");
    let file = desk.path(".config/notyet/notyet.toml");
    let text = fs::read_to_string(&file).unwrap().replace("\"Maildir\"", "\"../../Maildir\"");
    fs::write(&file, text).unwrap();
    assert_eq!(desk.run(&["run", "--once"]).code, 0);
    let trip =
        Trip { cause: Cause::Clock, at: Timestamp::from_unix_s(1), words: "the clock jumped".to_owned() };
    Ledger::open_beside(&desk.path(".config/notyet/state")).unwrap().stop_sending(&trip).unwrap();
    let found = desk.run(&["status"]);
    assert!(found.out.contains("`notyet resume`"), "{}", found.out);
    let named = desk.run(&["status", "--config", ".config/notyet/notyet.toml"]);
    assert!(named.out.contains("`notyet resume --config .config/notyet/notyet.toml`"), "{}", named.out);
}

#[test]
fn a_server_that_does_not_answer_is_exit_code_75() {
    let desk = Desk::new();
    // A port that was free a moment ago; nobody listens there.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let secret = desk.write("secret", "hunter2-of-example\n");
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
    desk.write(
        "n.toml",
        format!(
            "state_dir = \"state\"\n[owner]\nname = \"Robin\"\naddresses = [\"robin@example.org\"]\n\
             [account.work.imap]\nhost = \"127.0.0.1\"\nport = {port}\ntls = \"loopback-plain\"\nuser = \"robin\"\n\
             password.file = \"secret\"\n"
        ),
    );
    let once = desk.run(&["run", "--once", "--config", "n.toml"]);
    assert_eq!(once.code, 75, "{}{}", once.out, once.err);
    let preview = desk.run(&["preview", "--config", "n.toml"]);
    assert_eq!((preview.code, preview.out.as_str()), (75, ""));
    assert!(preview.err.contains("account work") && preview.err.contains("127.0.0.1"), "{}", preview.err);
    for it in [&once, &preview] {
        assert!(!format!("{}{}", it.out, it.err).contains("hunter2"));
    }
}

/// A person who mended the wrong thing has to be told again, today as well.
#[test]
fn trouble_for_a_person_is_said_by_every_run() {
    let desk = Desk::new();
    desk.config("n.toml", "");
    fs::remove_dir_all(desk.path("Maildir")).unwrap();
    for attempt in 1..=2 {
        let run = desk.run(&["run", "--once", "--config", "n.toml"]);
        assert_eq!(run.code, 1, "{}", run.err);
        assert!(run.err.contains("Maildir"), "run {attempt} says nothing: {:?}", run.err);
    }
}

#[test]
fn the_manual_pages_and_completions_know_every_command() {
    let desk = Desk::new();
    let page = desk.run(&["man"]);
    assert_eq!((page.code, page.err.as_str()), (0, ""));
    let retry = desk.run(&["man", "queue", "retry"]);
    assert_eq!(retry.code, 0, "{}", retry.err);
    assert!(retry.out.contains(".TH notyet-queue-retry 1") && retry.out.contains("KEY"), "{}", retry.out);
    let bash = desk.run(&["completions", "bash"]).out;
    for command in ["demo", "run", "check", "preview", "status", "queue", "forget", "completions"] {
        assert!(page.out.contains(&format!("notyet\\-{command}(1)")), "{command}: {}", page.out);
        assert!(bash.contains(&format!("notyet__subcmd__{command}")), "{command}");
    }
    assert!(page.out.contains("Exit codes: 0 done"), "{}", page.out);
    let syntax = Command::new("bash").arg("-n").arg(desk.write("notyet.bash", &bash)).status().unwrap();
    assert!(syntax.success());
    for shell in ["zsh", "fish"] {
        assert!(desk.run(&["completions", shell]).out.contains("notyet"), "{shell}");
    }
    for wrong in [&["completions", "tcsh"][..], &["man", "nothing"]] {
        assert_eq!(desk.run(wrong).code, 2, "{wrong:?}");
    }
}

// check --json: the schema that scripts read.

#[test]
fn check_json_is_the_documented_object() {
    let desk = Desk::new();
    desk.write("a.eml", WITH_NOTE);
    desk.write("b.eml", OTHER);
    let it = desk.run(&["check", "--json", "b.eml", "a.eml"]);
    assert_eq!((it.code, it.err.as_str()), (0, ""));
    let [other, mail] = &lines(&it.out)[..] else { panic!("one object a line: {}", it.out) };
    assert_eq!(
        it.out.lines().next().unwrap(),
        r#"{"file":"b.eml","kind":"other","network":null,"unreadable":null,"plans":[]}"#
    );
    assert_eq!(other["plans"], Value::Array(Vec::new()));
    assert_eq!(keys(mail), ["file", "kind", "network", "unreadable", "plans"]);
    assert_eq!((&mail["file"], &mail["kind"]), (&"a.eml".into(), &"invitation".into()));
    assert_eq!(mail["network"], "linkedin");
    let plan = &mail["plans"][0];
    let expected = vec![
        "key",
        "inviter",
        "note",
        "note_kind",
        "confidence",
        "language",
        "route",
        "to",
        "decision",
        "reason",
        "evidence",
        "letter",
    ];
    assert_eq!(keys(plan), expected);
    assert_eq!(keys(&plan["inviter"]), ["name", "first_name", "headline", "address", "profile_url"]);
    assert_eq!(plan["inviter"]["first_name"], "Ayla");
    assert_eq!(plan["inviter"]["address"], Value::Null);
    assert!(plan["note"].as_str().unwrap().starts_with("Hi Robin"));
    assert_eq!(plan["note_kind"], "personalized");
    assert!((0.0..=1.0).contains(&plan["confidence"].as_f64().unwrap()));
    assert_eq!(
        (&plan["language"], &plan["route"], &plan["to"]),
        (&"en".into(), &"paste".into(), &Value::Null)
    );
    assert_eq!(plan["decision"], "draft");
    assert!(plan["reason"].is_string() && plan["key"].is_string());
    for evidence in plan["evidence"].as_array().unwrap() {
        assert_eq!(keys(evidence), ["stage", "rule", "text"]);
        assert!(evidence.as_object().unwrap().values().all(Value::is_string));
    }
    assert_eq!(keys(&plan["letter"]), ["subject", "body"]);
    // The order of the documentation, for people who read the lines.
    let places: Vec<_> = ["\"key\":", "\"inviter\":", "\"note\":", "\"decision\":", "\"letter\":"]
        .map(|key| it.out.find(key).unwrap())
        .into();
    assert!(places.is_sorted(), "{places:?}");
}

#[test]
fn an_invitation_without_a_note_has_null_as_its_note() {
    let desk = Desk::new();
    desk.write("a.eml", INVITATION);
    let plan = &lines(&desk.run(&["check", "--json", "a.eml"]).out)[0]["plans"][0];
    assert_eq!((&plan["note"], &plan["note_kind"]), (&Value::Null, &"generic".into()));
}

#[test]
fn what_cannot_be_read_is_told_and_the_others_are_done_in_order() {
    let desk = Desk::new();
    desk.write("a.eml", INVITATION);
    desk.write("z.eml", OTHER);
    fs::create_dir(desk.path("folder")).unwrap();
    let it = desk.run(&["check", "--json", "z.eml", "absent.eml", "folder", "a.eml"]);
    assert_eq!(it.code, 1);
    let files: Vec<_> = lines(&it.out).iter().map(|v| v["file"].as_str().unwrap().to_owned()).collect();
    assert_eq!(files, ["z.eml", "a.eml"]);
    let errors: Vec<_> = it.err.lines().collect();
    let [absent, folder] = errors[..] else { panic!("{}", it.err) };
    assert!(absent.starts_with("notyet: absent.eml: ") && absent.contains("No such file"), "{absent}");
    assert!(folder.starts_with("notyet: folder: ") && folder.contains("directory"), "{folder}");
}

#[test]
fn a_dash_reads_standard_input() {
    let desk = Desk::new();
    let it = desk.feed(&["check", "--json", "-"], INVITATION.as_bytes());
    let mail = &lines(&it.out)[0];
    assert_eq!((it.code, &mail["file"], &mail["kind"]), (0, &"-".into(), &"invitation".into()));
}

#[test]
fn mail_that_is_none_is_a_value_and_no_failure() {
    let desk = Desk::new();
    let garbage: Vec<u8> = (0..5000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let two_from = INVITATION.replacen("From: ", "From: Somebody <else@example.net>\nFrom: ", 1);
    for (name, bytes) in
        [("empty", &b""[..]), ("garbage", &garbage), ("two-from", two_from.as_bytes()), ("nul", &[0; 64])]
    {
        desk.write(name, bytes);
        let it = desk.run(&["check", "--json", name]);
        assert_eq!((it.code, it.err.as_str()), (0, ""), "{name}");
        let mail = &lines(&it.out)[0];
        assert_eq!((&mail["kind"], mail["plans"].as_array().unwrap().len()), (&"other".into(), 0), "{name}");
        let why = mail["unreadable"].as_str().unwrap_or_else(|| panic!("{name}: {mail}")).to_owned();
        let it = desk.run(&["check", name]);
        assert!(it.out.contains(&format!("cannot be read: {why}")), "{name}: {}", it.out);
        assert!(steering(&it.out).is_empty(), "{name}");
    }
}

#[test]
fn check_explains_itself_to_people() {
    let desk = Desk::new();
    desk.write("a.eml", WITH_NOTE);
    let it = desk.run(&["check", "a.eml"]);
    for part in [
        "a.eml: invitation (linkedin)",
        "inviter     Ayla Nováková",
        "note        Hi Robin,",
        "judged      personalized, confidence 0.",
        "route       paste https://",
        "decision    draft: ",
        "gate.authentic",
        "policy.personalized",
        "Subject: Re: I want to connect",
        "    Hi Ayla,",
    ] {
        assert!(it.out.contains(part), "{part:?} is missing in\n{}", it.out);
    }
    assert!(!it.out.contains("Token") && !it.out.contains("midSig"), "tokens stay out of sight: {}", it.out);
}

#[test]
fn assumed_authentic_mail_passes_the_gate_that_evidence_would_open() {
    let desk = Desk::new();
    desk.write("a.eml", INVITATION);
    let gate = |arguments: &[&str]| {
        let plan = lines(&desk.run(arguments).out)[0]["plans"][0].clone();
        let all = plan["evidence"].as_array().unwrap().clone();
        all.iter().find(|e| e["rule"] == "gate.authentic").unwrap()["text"].as_str().unwrap().to_owned()
    };
    assert!(gate(&["check", "--json", "a.eml"]).starts_with("draft only"));
    assert!(gate(&["check", "--json", "--assume-authentic", "a.eml"]).starts_with("passed"));
    // With the account's own authserv_id, the mail's own evidence counts.
    desk.config("n.toml", "");
    assert!(gate(&["check", "--json", "--config", "n.toml", "a.eml"]).starts_with("passed"));
    desk.write(
        "a.eml",
        INVITATION
            .replace("Authentication-Results: mx.example.org", "Authentication-Results: mx.example.net"),
    );
    assert!(!gate(&["check", "--json", "--config", "n.toml", "a.eml"]).starts_with("passed"));
}

#[test]
fn check_judges_for_the_account_asked_for() {
    let desk = Desk::new();
    let config = desk.config("n.toml", "");
    let more =
        "[account.spare]\nauthserv_id = \"mx.example.net\"\n[account.spare.maildir]\npath = \"Spare\"\n";
    let text = fs::read_to_string(&config).unwrap() + more;
    desk.write("n.toml", text);
    desk.write("a.eml", INVITATION);
    let decision = |account: &[&str]| {
        let it = desk.run(&[&["check", "--json", "--config", "n.toml", "a.eml"], account].concat());
        lines(&it.out)[0]["plans"][0]["decision"].as_str().unwrap().to_owned()
    };
    assert_eq!(decision(&[]), "draft");
    assert_eq!(decision(&["--account", "home"]), "draft");
    assert_eq!(decision(&["--account", "spare"]), "leave");
}

// What a terminal and a pipe get.

#[test]
fn neither_mail_nor_file_name_reaches_the_terminal_raw() {
    let desk = Desk::new();
    let evil = "=?utf-8?q?Os=1B[2Jkar=E2=80=AE=C2=9B31m=E2=80=A8Lind?=";
    let text = INVITATION
        .replace("From: Oskar Lindqvist", &format!("From: {evil}"))
        .replace("Subject: I want to connect", &format!("Subject: {evil}"))
        .replace("Oskar Lindqvist\n", "Os\u{1b}[2Jkar \u{202e}Lindqvist\u{9b}\n")
        .replace("Head of Growth", "Head =1B]0;x=07 =E2=80=AE of Growth");
    assert!(text.contains("=1B]0;"), "the mail is hostile");
    desk.write("a\u{1b}[31m\u{202e}.eml", &text);
    let names = ["a\u{1b}[31m\u{202e}.eml", "absent\u{1b}[31m\u{9b}.eml"];
    let shown = desk.run(&["check", names[0], names[1]]);
    assert_eq!(shown.code, 1);
    assert_eq!((steering(&shown.out), steering(&shown.err)), (vec![], vec![]), "{}{}", shown.out, shown.err);
    assert!(shown.out.contains("a?[31m?.eml: invitation") && shown.err.contains("absent?[31m?.eml"));
    let json = desk.run(&["check", "--json", names[0], names[1]]);
    assert_eq!((steering(&json.out), steering(&json.err)), (vec![], vec![]), "{}{}", json.out, json.err);
    assert_eq!(lines(&json.out)[0]["file"], names[0], "the reader of the JSON gets the true name");

    desk.config("n.toml", "");
    fs::copy(desk.path(names[0]), desk.path("Maildir/new/1.a.example")).unwrap();
    for arguments in
        [&["preview", "--config", "n.toml", "--since", "10y"][..], &["rules", "explain", "a\u{1b}[2Jb"]]
    {
        let it = desk.run(arguments);
        assert_eq!(
            (it.code, steering(&it.out), steering(&it.err)),
            (0, vec![], vec![]),
            "{}{}",
            it.out,
            it.err
        );
    }
}

#[test]
fn only_a_terminal_gets_colours_and_only_without_no_color() {
    let desk = Desk::new();
    desk.write("a.eml", INVITATION);
    assert!(!desk.run(&["check", "a.eml"]).out.contains('\u{1b}'), "no terminal, no colours");
    let on_terminal = |envs: &[(&str, &str)]| {
        let line = format!("{} check a.eml", env!("CARGO_BIN_EXE_notyet"));
        let mut command = Command::new("script");
        command.args(["-qec", &line, "/dev/null"]).current_dir(desk.0.path()).stdin(Stdio::null());
        command.env_remove("NO_COLOR").env("TERM", "xterm").envs(envs.iter().copied());
        command.output().ok().map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let Some(coloured) = on_terminal(&[]) else {
        eprintln!("SKIPPED: no script(1) here, so no terminal to show colours on");
        return;
    };
    assert!(coloured.contains("decision") && coloured.contains("\u{1b}[32m"), "{coloured}");
    for envs in [[("NO_COLOR", "1")], [("TERM", "dumb")]] {
        let it = on_terminal(&envs).unwrap();
        assert!(it.contains("decision") && !it.contains('\u{1b}'), "{envs:?}: {it}");
    }
}

#[test]
fn a_reader_that_leaves_ends_the_command_quietly() {
    let desk = Desk::new();
    desk.write("a.eml", INVITATION);
    desk.config("n.toml", "");
    desk.write("Maildir/new/1.a.example", INVITATION);
    for arguments in [
        &["--help"][..],
        &["check", "a.eml", "a.eml"],
        &["check", "--json", "a.eml", "a.eml"],
        &["demo"],
        &["preview", "--config", "n.toml", "--since", "10y"],
        &["config", "check", "--config", "n.toml"],
        &["rules", "explain", "hello"],
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let it = ran(&desk.command(arguments).stdout(writer).stderr(Stdio::piped()).output().unwrap());
        assert_eq!((it.code, it.err.as_str()), (0, ""), "{arguments:?}");
    }
}

#[test]
fn a_full_disk_behind_stdout_is_a_failure_with_a_message() {
    let desk = Desk::new();
    desk.write("a.eml", INVITATION);
    for arguments in
        [&["check", "a.eml"][..], &["check", "--json", "a.eml"], &["demo"], &["rules", "explain", "hello"]]
    {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let it = ran(&desk.command(arguments).stdout(full).stderr(Stdio::piped()).output().unwrap());
        assert_eq!(it.code, 1, "{arguments:?}");
        assert!(it.err.starts_with("notyet: standard output: "), "{arguments:?}: {}", it.err);
    }
    // And with stderr full as well, the exit code still tells.
    let full = || File::options().write(true).open("/dev/full").unwrap();
    let it = desk.command(&["check", "absent"]).stdout(full()).stderr(full()).output().unwrap();
    assert_eq!(it.status.code(), Some(1));
}

// demo

#[test]
fn the_demo_leaves_drafts_that_mail_programs_take() {
    let desk = Desk::new();
    let it = desk.run(&["demo", "--keep", "sample"]);
    assert_eq!((it.code, it.err.as_str()), (0, ""));
    let drafts: Vec<_> =
        fs::read_dir(desk.path("sample/Maildir/.Drafts/cur")).unwrap().map(|e| e.unwrap().path()).collect();
    assert!(drafts.len() > 10, "{drafts:?}");
    assert!(it.out.contains(&format!(": {} drafts written", drafts.len())), "{}", it.out);
    let mut pasted = 0;
    for path in drafts {
        let flags = path.to_str().unwrap().rsplit_once(":2,").unwrap().1.to_owned();
        assert_eq!(flags, "DS", "a draft, and seen");
        let raw = fs::read(&path).unwrap();
        let mail = mailparse::parse_mail(&raw).unwrap();
        let all = |name: &str| -> Vec<String> {
            mail.headers
                .iter()
                .filter(|h| h.get_key().eq_ignore_ascii_case(name))
                .map(|h| h.get_value())
                .collect()
        };
        let one = |name: &str| -> String {
            let [value] = &all(name)[..] else { panic!("{name}: {:?}", all(name)) };
            value.clone()
        };
        assert!(one("From").contains("robin@example.org"));
        assert!(one("Message-ID").ends_with("@example.org>"), "{}", one("Message-ID"));
        assert!(mailparse::dateparse(&one("Date")).is_ok());
        assert!(one("Subject").starts_with("Re: "));
        assert_eq!(one("MIME-Version"), "1.0");
        assert!(one("In-Reply-To").starts_with('<') && one("References").contains(&one("In-Reply-To")));
        assert_eq!(mail.ctype.mimetype, "text/plain");
        assert_eq!(mail.ctype.charset.to_lowercase(), "utf-8");
        assert_eq!(all("Auto-Submitted"), Vec::<String>::new(), "a person sends a draft");
        assert!(raw.split(|b| *b == b'\n').all(|line| line.len() <= 999), "RFC 5322 section 2.1.1");
        let text = mail.get_body().unwrap();
        assert!(!text.contains("Token") && !text.contains("sharedKey"), "{text}");
        match &all("To")[..] {
            [] => {
                pasted += 1;
                assert!(text.contains("For you only: "), "{text}");
            }
            [to] => assert!(to.contains('@') && !text.contains("For you only: "), "{to}"),
            more => panic!("{more:?}"),
        }
    }
    assert!(pasted > 0);
    assert!(desk.path("sample/state").is_dir());
}

#[test]
fn the_demo_tells_of_the_mails_in_the_order_of_the_mailbox() {
    let desk = Desk::new();
    let it = desk.run(&["demo"]);
    let place = |name: &str| {
        it.out.lines().position(|l| l.starts_with(name)).unwrap_or_else(|| panic!("{name}: {}", it.out))
    };
    assert_eq!(place("from"), 0);
    let senders =
        ["Tobias Arendt", "Delphine Roux", "Paolo Ferrante", "Ayla Nov", "Victoria Sterling", "Mira Solano"];
    assert!(senders.map(place).is_sorted(), "{}", it.out);
    // Names of every script: the columns still stand one below the other.
    let column = |line: &str, word: &str| line.find(word).map(|at| line[..at].chars().count());
    let decisions = column(it.out.lines().next().unwrap(), "decision").unwrap();
    for line in it.out.lines().skip(1).take(35) {
        let word: String = line.chars().skip(decisions).take(6).collect();
        assert!(word.starts_with("draft ") || word.starts_with("leave "), "{line}");
    }
    // The temporary folder is gone.
    let lay = it.out.lines().last().unwrap().strip_prefix("The drafts lay in ").unwrap();
    assert!(!Path::new(lay.split(" and ").next().unwrap()).exists());
}

#[test]
fn the_demo_touches_no_folder_that_is_in_use() {
    let desk = Desk::new();
    desk.write("mine/letter.txt", "precious");
    desk.write("file", "precious");
    let before = desk.tree();
    for (dir, words) in [("mine", "not empty"), ("file", "exists"), ("file/below", "directory")] {
        let it = desk.run(&["demo", "--keep", dir]);
        assert_eq!((it.code, it.out.as_str()), (1, ""), "{dir}");
        assert!(it.err.contains(dir) && it.err.contains(words), "{}", it.err);
    }
    assert_eq!(desk.tree(), before);
    let nowhere = desk.run(&["demo", "--keep", "/proc/notyet-demo"]);
    assert_eq!(nowhere.code, 1);
    assert!(nowhere.err.contains("/proc/notyet-demo"), "{}", nowhere.err);
}

// config, status, preview

#[test]
fn config_check_shows_what_is_used_and_masks_secrets() {
    let desk = Desk::new();
    desk.write(
        "n.toml",
        "state_dir = \"state\"\n[owner]\nname = \"Robin\"\naddresses = [\"robin@example.org\"]\n[account.work.imap]\n\
         host = \"imap.example.org\"\nuser = \"robin\"\npassword.command = [\"printf\", \"hunter2-of-example\"]\n",
    );
    let text = desk.run(&["config", "check", "--config", "n.toml"]);
    let json = desk.run(&["config", "check", "--json", "--config", "n.toml"]);
    for it in [&text, &json] {
        assert_eq!(it.code, 0, "{}", it.err);
        assert!(it.out.contains("imap.example.org") && it.out.contains("printf"), "{}", it.out);
        assert!(!it.out.contains("hunter2"), "an argument may be a secret: {}", it.out);
    }
    let value: Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(value["account"]["work"]["imap"]["port"], 993);
    assert_eq!(value["policy"]["generic"], "draft");
    assert!(!desk.path("state").exists(), "looking makes nothing");
}

#[test]
fn status_before_the_first_run_says_what_to_do() {
    let desk = Desk::new();
    desk.config("n.toml", "");
    let it = desk.run(&["status", "--config", "n.toml"]);
    assert_eq!((it.code, it.out.as_str()), (1, ""));
    assert!(it.err.contains("notyet run"), "{}", it.err);
    assert!(!desk.path("state").exists(), "looking makes nothing");

    assert_eq!(desk.run(&["run", "--once", "--config", "n.toml"]).code, 0);
    let it = desk.run(&["status", "--config", "n.toml"]);
    assert_eq!(it.code, 0, "{}", it.err);
    assert!(it.out.contains("\nhome (since 20") && it.out.contains("nothing yet"), "{}", it.out);
    let json: Value =
        serde_json::from_str(&desk.run(&["status", "--json", "--config", "n.toml"]).out).unwrap();
    assert_eq!(json["accounts"][0]["name"], "home");
}

#[test]
fn preview_shows_past_mail_and_writes_nothing_anywhere() {
    let desk = Desk::new();
    desk.config("n.toml", "");
    for (at, mail) in [INVITATION, WITH_NOTE, OTHER].iter().enumerate() {
        desk.write(&format!("Maildir/new/170000000{at}.m{at}.example"), mail);
    }
    let before = desk.tree();
    let text = desk.run(&["preview", "--config", "n.toml", "--since", "10y"]);
    assert_eq!((text.code, text.err.as_str()), (0, ""));
    let shown: Vec<_> = text.out.lines().collect();
    assert_eq!(shown.len(), 4, "{}", text.out);
    assert!(shown[1].starts_with("Oskar Lindqvist") && shown[2].starts_with("Ayla Nov"), "{}", text.out);
    assert_eq!(shown[3], "home: 2 draft, 0 send, 0 hold, 0 leave; nothing was changed");
    let json = desk.run(&["preview", "--json", "--config", "n.toml", "--since", "10y"]);
    let mails = lines(&json.out);
    assert_eq!(mails.len(), 2);
    assert_eq!(keys(&mails[0]), ["file", "kind", "network", "unreadable", "plans"]);
    assert!(mails[0]["file"].as_str().unwrap().starts_with("home:"));
    assert_eq!(desk.tree(), before, "names, contents, inodes and times are as they were");
}

#[test]
fn preview_that_finds_nothing_says_so() {
    let desk = Desk::new();
    desk.config("n.toml", "");
    desk.write("Maildir/new/1700000000.m.example", OTHER);
    let it = desk.run(&["preview", "--config", "n.toml"]);
    assert_eq!(it.code, 0, "{}", it.err);
    assert!(it.out.starts_with("home: no mail of a known network"), "{}", it.out);
    assert_eq!(it.out.lines().count(), 1);
    let json = desk.run(&["preview", "--json", "--config", "n.toml"]);
    assert_eq!((json.code, json.out.as_str()), (0, ""));
}

// rules

#[test]
fn the_shipped_rules_hold_their_examples_also_when_ejected() {
    let desk = Desk::new();
    let shipped = desk.run(&["rules", "test"]);
    assert_eq!((shipped.code, shipped.err.as_str()), (0, ""), "{}", shipped.out);
    let eject = desk.run(&["rules", "eject", "mine"]);
    assert_eq!(eject.code, 0, "{}", eject.err);
    let ejected = desk.run(&["rules", "test", "--rules", "mine"]);
    assert_eq!((ejected.code, ejected.out), (0, shipped.out));
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
    for file in ["policy.toml", "names.toml", "letters/en/generic.txt", "notes/en.toml"] {
        assert_eq!(fs::read(desk.path("mine").join(file)).unwrap(), fs::read(root.join(file)).unwrap());
    }
    let again = desk.run(&["rules", "eject", "mine"]);
    assert_eq!(again.code, 1);
    assert!(again.err.contains("not empty"), "{}", again.err);
}

#[test]
fn an_example_that_fails_is_named_with_everything() {
    let desk = Desk::new();
    let rules =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("rules/notes/any.toml")).unwrap();
    let example =
        "{ text = \"Hi {{first_name}}, your work at {{company}} is inspiring.\", expect = \"generic\" }";
    let at =
        rules.lines().position(|l| l.contains(example)).expect("the example is in the shipped rules") + 1;
    desk.write(
        "mine/notes/any.toml",
        rules.replace(example, &example.replace("\"generic\"", "\"personalized\"")),
    );
    let it = desk.run(&["rules", "test", "--rules", "mine"]);
    assert_eq!(it.code, 1);
    let line = it.err.lines().find(|l| l.contains("{{first_name}}")).expect(&it.err);
    for part in
        [&format!("mine/notes/any.toml:{at}: "), "any.placeholder", "expected personalized", "got generic"]
    {
        assert!(line.contains(part), "{part:?} is missing in {line}");
    }
}

#[test]
fn a_broken_rules_file_is_exit_code_78_with_its_place() {
    let desk = Desk::new();
    desk.write("mine/notes/any.toml", "[words]\nsmalltalk = [\n\n[[signal]\n");
    desk.config("n.toml", "rules_dir = \"mine\"");
    desk.write("a.eml", INVITATION);
    for arguments in [
        &["rules", "test", "--rules", "mine"][..],
        &["rules", "explain", "--rules", "mine", "hello"],
        &["check", "--config", "n.toml", "a.eml"],
    ] {
        let it = desk.run(arguments);
        assert_eq!((it.code, it.out.as_str()), (78, ""), "{arguments:?}: {}", it.err);
        let place = it.err.split("mine/notes/any.toml:").nth(1).unwrap_or_else(|| panic!("{}", it.err));
        let mut numbers = place.split(':').take(2).map(str::parse::<usize>);
        assert!(numbers.next().unwrap().is_ok() && numbers.next().unwrap().is_ok(), "{}", it.err);
    }
    assert_eq!(desk.run(&["rules", "test", "--rules", "absent"]).code, 78);
}

#[test]
fn a_letter_of_the_owners_own_is_used() {
    let desk = Desk::new();
    let letter =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("rules/letters/en/generic.txt"))
            .unwrap();
    let sentence = "It is good to be asked.";
    assert!(letter.contains(sentence));
    desk.write("mine/letters/en/generic.txt", letter.replace(sentence, "What a fine surprise."));
    desk.config("n.toml", "rules_dir = \"mine\"");
    desk.write("a.eml", INVITATION);
    let it = desk.run(&["check", "--json", "--config", "n.toml", "a.eml"]);
    let body = lines(&it.out)[0]["plans"][0]["letter"]["body"].as_str().unwrap().to_owned();
    assert!(body.contains("What a fine surprise.") && !body.contains(sentence), "{body}");
    assert!(body.contains("Robin Keller"));
}

#[test]
fn explain_shows_the_votes_on_a_note() {
    let desk = Desk::new();
    let note = "I have a tool for {{company}}, shall I show it to you?";
    let text = desk.run(&["rules", "explain", note]);
    assert_eq!((text.code, text.err.as_str()), (0, ""));
    assert!(
        text.out.starts_with("generic, confidence 0.") && text.out.contains("notes/any.placeholder"),
        "{}",
        text.out
    );
    let json = desk.feed(&["rules", "explain", "--json", "-"], note.as_bytes());
    let value = &lines(&json.out)[0];
    assert_eq!(keys(value), ["note_kind", "confidence", "language", "evidence", "opening", "asks"]);
    assert_eq!(value["note_kind"], "generic");
    assert!(value["evidence"].as_array().unwrap().iter().any(|e| e["text"] == "{{company}}"), "{value}");
    assert_eq!(desk.feed(&["rules", "explain", "-"], &[0xff, 0xfe]).code, 1);
}

#[test]
fn score_prints_both_tables_for_a_labelled_folder() {
    let desk = Desk::new();
    desk.write("set/mail/a.eml", INVITATION);
    desk.write("set/mail/b.eml", OTHER);
    desk.write(
        "set/index.tsv",
        "file\tnetwork\tkind\tlanguage\tera\tnote\troute\na.eml\tlinkedin\tinvitation\ten\t2026\tnone\tpaste\n\
         b.eml\t-\tmessage\ten\t2026\t-\t-\n",
    );
    desk.write(
        "set/notes.tsv",
        "generic\ten\tplain\tI'd like to add you to my professional network on LinkedIn.\n\
         generic\ten\tplain\tHi {{first_name}}, let me show you our tool.\n",
    );
    let it = desk.run(&["rules", "score", "set"]);
    assert_eq!(it.code, 0, "{}", it.err);
    for part in [
        "kind                  1      2     50.0 %",
        "b.eml: kind: other instead of message",
        "overall               2      2    100.0 %",
    ] {
        assert!(it.out.contains(part), "{part:?} is missing in\n{}", it.out);
    }
    let json: Value = serde_json::from_str(&desk.run(&["rules", "score", "--json", "set"]).out).unwrap();
    assert_eq!((&json["mails"]["kind"]["right"], &json["notes"]["overall"]["all"]), (&1.into(), &2.into()));
    fs::create_dir(desk.path("nothing")).unwrap();
    assert_eq!(desk.run(&["rules", "score", "nothing"]).code, 1);
    desk.write("bad/notes.tsv", "label\tlanguage\tsubtlety\ttext\nsomething else\n");
    let bad = desk.run(&["rules", "score", "bad"]);
    assert_eq!(bad.code, 1);
    assert!(bad.err.contains("bad/notes.tsv:2: "), "{}", bad.err);
}

#[test]
fn a_file_that_is_not_there_is_named_with_what_it_must_be() {
    let desk = Desk::new();
    for arguments in [["config", "check", "--config", "absent"], ["letters", "show", "--rules", "absent"]] {
        let ran = desk.run(&arguments);
        assert_eq!(ran.code, 78, "{}", ran.err);
        let said =
            "notyet: absent: cannot read this: No such file or directory (os error 2); it must be there";
        assert!(ran.err.starts_with(said), "{}", ran.err);
    }
}

/// Nothing of the network's shows where a note would end: there may be one.
#[test]
fn a_page_without_a_frame_is_judged_without_confidence() {
    let desk = Desk::new();
    desk.write(
        "a.eml",
        "From: Mira Okafor <invitations@linkedin.com>\nTo: robin@example.org\nSubject: I want to connect\n\nThis mail is in HTML.\n\nYour reader shows none.\n",
    );
    let it = desk.run(&["check", "--json", "a.eml"]);
    let plan = &lines(&it.out)[0]["plans"][0];
    assert_eq!((&plan["note"], &plan["note_kind"]), (&Value::Null, &"generic".into()));
    assert!(plan["confidence"].as_f64().unwrap() <= 0.5, "{plan}");
    assert!(it.out.contains("recognise.unframed"), "{}", it.out);
}
