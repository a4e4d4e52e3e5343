//! Tests of the config boundary: text in, `Config` or all problems out; the
//! files in deploy/; and what a process says to the log and to systemd.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use notyet::config::{
    self, Config, LogFormat, Logging, MailboxKind, SecretSource, SentCopy, Surroundings, Tls, show,
};
use notyet::domain::after::{IfMissing, Occasion};
use notyet::domain::{Action, NoteKind, Policy, Problem};

const EXAMPLE: &str = include_str!("../deploy/notyet.example.toml");

/// The least that runs.
const LEAST: &str = r#"
[owner]
name = "Jane Doe"
addresses = ["jane@example.org"]
[account.work.imap]
host = "imap.example.org"
user = "jane"
password.command = ["pass", "show", "mail"]
"#;

fn around() -> Surroundings {
    Surroundings {
        base_dir: PathBuf::from("/etc/notyet"),
        home: Some(PathBuf::from("/home/jane")),
        state_dir: Some(PathBuf::from("/var/lib/notyet")),
    }
}

fn config(text: &str) -> Config {
    config::parse("notyet.toml", text, &around())
        .unwrap_or_else(|problems| panic!("{problems}\n---\n{text}"))
        .config
}

fn problems(text: &str) -> Vec<Problem> {
    match config::parse("notyet.toml", text, &around()) {
        Ok(_) => panic!("taken:\n{text}"),
        Err(problems) => problems.0,
    }
}

fn warnings(text: &str) -> Vec<Problem> {
    config::parse("notyet.toml", text, &around()).unwrap_or_else(|problems| panic!("{problems}")).warnings
}

/// The one problem of `text`.
fn problem(text: &str) -> Problem {
    let mut all = problems(text);
    assert_eq!(all.len(), 1, "{all:#?}");
    all.remove(0)
}

/// [`LEAST`] with `line` put below `header` (at the top for an empty header).
fn least_with(header: &str, line: &str) -> String {
    if header.is_empty() {
        return format!("{line}\n{LEAST}");
    }
    if LEAST.contains(header) {
        return LEAST.replace(header, &format!("{header}\n{line}"));
    }
    format!("{LEAST}{header}\n{line}\n")
}

// ---- what a config means -------------------------------------------------

#[test]
fn the_least_config_has_safe_defaults() {
    let config = config(LEAST);
    assert_eq!(config.state_dir, PathBuf::from("/var/lib/notyet"));
    assert_eq!(config.policy, Default::default());
    assert_eq!(config.logging, Logging::default());
    let account = &config.accounts[0];
    assert_eq!(account.name, "work");
    assert_eq!(account.mailboxes, ["INBOX"]);
    assert_eq!(account.sent_copy, SentCopy::File);
    assert_eq!((&account.smtp, &account.authserv_id), (&None, &None));
    let MailboxKind::Imap(imap) = &account.kind else {
        panic!("{account:?}");
    };
    assert_eq!((imap.tls, imap.port, imap.idle), (Tls::Implicit, 993, true));
}

#[test]
fn every_value_arrives() {
    let text = r#"
state_dir = "state"
rules_dir = "~/rules"
[owner]
name = "Jane Doe"
addresses = ["Jane@Example.org", "j@example.com"]
link = "https://example.org/blog"
[policy]
generic = "send"
personalized = "leave"
send_confidence = 1
max_per_hour = 3
max_per_day = 1_0
send_within = "1d 12h"
hold = "4h"
[log]
format = "json"
level = "debug"
[account.z]
from = "J@example.com"
mailboxes = ["INBOX", "Lists/Notes"]
drafts = "Entwürfe"
sent = "Gesendet"
sent_copy = "provider"
authserv_id = "mx.example.org"
poll_every = "90s"
since = "90d"
imap = { host = "localhost", tls = "loopback-plain", port = 0x1f40, idle = false, timeout = "5s", max_body_bytes = 4096, user = "jane", oauth2.token_command = ["./token", "z"] }
smtp = { host = "127.0.0.2", tls = "starttls", ca_file = "ca.pem", timeout = "30s", user = "j", password.file = "pw" }
[account.a.maildir]
path = "~/Maildir"
"#;
    let config = config(text);
    assert_eq!(config.state_dir, PathBuf::from("/etc/notyet/state"));
    assert_eq!(config.rules_dir, Some(PathBuf::from("/home/jane/rules")));
    assert_eq!(config.owner.addresses[0].domain(), "example.org");
    assert_eq!(config.policy.generic, Some(Action::Send));
    assert_eq!(config.policy.personalized, Some(Action::Leave));
    assert_eq!(config.policy.send_confidence, Some(1.0));
    assert_eq!(config.policy.max_per_day, Some(10));
    assert_eq!(config.policy.send_within, Some(Duration::from_secs(36 * 3600)));
    assert_eq!(config.policy.hold, Some(Duration::from_secs(4 * 3600)));
    assert_eq!(config.logging.format, LogFormat::Json);
    let names: Vec<_> = config.accounts.iter().map(|a| a.name.as_str()).collect();
    assert_eq!(names, ["z", "a"], "accounts stand in file order");
    let first = &config.accounts[0];
    assert_eq!(first.since, Some(Duration::from_secs(90 * 86_400)));
    let senders: Vec<_> = config.accounts.iter().map(|account| account.from.to_string()).collect();
    assert_eq!(senders, ["j@example.com", "Jane@example.org"], "as they are listed; else the first");
    let MailboxKind::Imap(imap) = &first.kind else {
        panic!("{first:?}");
    };
    assert_eq!((imap.tls, imap.port), (Tls::LoopbackPlain, 8000));
    assert_eq!((imap.idle, imap.max_body_bytes), (false, 4096));
    let token = ["/etc/notyet/./token", "z"].map(str::to_owned).to_vec();
    assert_eq!(imap.login.secret, SecretSource::TokenCommand(token));
    let smtp = first.smtp.as_ref().unwrap();
    assert_eq!((smtp.tls, smtp.port), (Tls::StartTls, 587));
    assert_eq!(smtp.ca_file, Some(PathBuf::from("/etc/notyet/ca.pem")));
    assert_eq!(
        smtp.login.as_ref().unwrap().secret,
        SecretSource::PasswordFile(PathBuf::from("/etc/notyet/pw"))
    );
    let MailboxKind::Maildir(maildir) = &config.accounts[1].kind else {
        panic!("{:?}", config.accounts[1]);
    };
    assert_eq!(maildir.path, PathBuf::from("/home/jane/Maildir"));
}

#[test]
fn the_submission_server_shares_the_imap_login_unless_it_has_its_own() {
    let smtp = |lines: &str| {
        let text = format!("{LEAST}[account.work.smtp]\n{lines}\n");
        config(&text).accounts.remove(0).smtp.unwrap()
    };
    let shared = smtp("host = \"smtp.example.org\"").login.unwrap();
    assert_eq!(shared.user, "jane");
    let said = smtp("host = \"smtp.example.org\"\nlogin = \"imap\"").login;
    assert_eq!(said, Some(shared));
    let own = smtp("host = \"smtp.example.org\"\nuser = \"x\"\npassword.credential = \"c\"");
    assert_eq!(own.login.unwrap().user, "x");
    assert_eq!(smtp("host = \"::1\"\nlogin = \"none\"").login, None);
}

// ---- what is refused, and how --------------------------------------------

#[test]
fn every_kind_of_mistake_is_refused_at_its_place_with_a_remedy() {
    // (table, line, key, word that the message must hold)
    let imap = "[account.work.imap]";
    let smtp = "[account.work.smtp]\nhost = \"smtp.example.org\"";
    let cases = [
        ("", "owners = 1", "owners", "did you mean \"owner\"?"),
        ("", "host = 1", "host", "it belongs into [account.NAME.imap] or [account.NAME.smtp]"),
        ("[owner]", "state_dir = \"/x\"", "owner.state_dir", "top of the file"),
        ("[owner]", "link = \"javascript:x\"", "owner.link", "web address"),
        ("[policy]", "generic = \"Send\"", "policy.generic", "did you mean \"send\"?"),
        ("[policy]", "generic = true", "policy.generic", "\"leave\", \"draft\", \"send\""),
        ("[policy]", "send_confidence = 1.5", "policy.send_confidence", "from 0 to 1"),
        ("[policy]", "send_confidence = nan", "policy.send_confidence", "nan"),
        ("[policy]", "max_per_hour = 0", "policy.max_per_hour", "from 1 to 1000"),
        ("[policy]", "max_per_day = -3", "policy.max_per_day", "-3"),
        ("[policy]", "max_per_day = \"3\"", "policy.max_per_day", "whole number"),
        ("[policy]", "send_within = 3", "policy.send_within", "with its unit"),
        ("[policy]", "send_within = \"3 parsecs\"", "policy.send_within", "with its unit"),
        ("[policy]", "send_within = \"1000d\"", "policy.send_within", "to \"30d\""),
        ("[policy]", "hold = \"30s\"", "policy.hold", "from \"1m\""),
        ("[policy]", "hold = \"forever\"", "policy.hold", "with its unit"),
        ("[log]", "level = \"verbose\"", "log.level", "\"trace\""),
        ("[log]", "format = \"jason\"", "log.format", "did you mean \"json\"?"),
        ("[account.work]", "from = \"jane\"", "account.work.from", "not one plain mail address"),
        ("[account.work]", "from = \"jan@example.org\"", "account.work.from", "mean owner.addresses[0]?"),
        ("[account.work]", "from = \"x@y.example\"", "account.work.from", "one of owner.addresses"),
        ("[owner]", "from = \"jane@example.org\"", "owner.from", "it belongs into [account.NAME]"),
        ("[account.work]", "mailboxes = []", "account.work.mailboxes", "empty list"),
        ("[account.work]", "mailboxes = \"INBOX\"", "account.work.mailboxes", "a list"),
        ("[account.work]", "mailboxes = [\"A\", 7]", "account.work.mailboxes[1]", "7"),
        ("[account.work]", "mailboxes = [\"A\", \"A\"]", "account.work.mailboxes", "twice"),
        ("[account.work]", "mailboxes = [\"INBOX\", \"inbox\"]", "account.work.mailboxes", "twice"),
        ("[account.work]", "sent_copy = \"no\"", "account.work.sent_copy", "\"provider\""),
        ("[account.work]", "authserv_id = \"a; b\"", "account.work.authserv_id", "first word"),
        ("[account.work]", "dkim = \"on\"", "account.work.dkim", "\"provider\", \"verify\""),
        ("[account.work]", "resolver = \"dns.example.org\"", "account.work.resolver", "an IP address"),
        ("[account.work]", "resolver = \"127.0.0.1:0\"", "account.work.resolver", "an IP address"),
        ("[account.work]", "poll_every = \"0s\"", "account.work.poll_every", "from \"1s\""),
        ("[account.work]", "poll_evry = \"5m\"", "account.work.poll_evry", "\"poll_every\""),
        ("[account.work]", "drafts = \"a\\nb\"", "account.work.drafts", "line break"),
        ("[account.work]", "sent = \" \"", "account.work.sent", "empty"),
        (imap, "port = 0", "account.work.imap.port", "from 1 to 65535"),
        (imap, "port = 99999", "account.work.imap.port", "99999"),
        (imap, "tls = \"none\"", "account.work.imap.tls", "\"starttls\""),
        (imap, "tls = \"loopback-plain\"", "account.work.imap.tls", "another machine"),
        (imap, "idle = \"yes\"", "account.work.imap.idle", "true, false"),
        (imap, "username = \"x\"", "account.work.imap.username", "did you mean \"user\"?"),
        (imap, "max_body_bytes = 1", "account.work.imap.max_body_bytes", "67108864"),
        (imap, "password.comand = [\"x\"]", "account.work.imap.password.comand", "\"command\""),
        (imap, "password.file = \"x\"", "account.work.imap.password.file", "second source"),
        (smtp, "login = \"none\"", "account.work.smtp.login", "another machine"),
        (smtp, "login = \"imap\"\nuser = \"x\"\npassword.file = \"x\"", "account.work.smtp.login", "leave"),
        (smtp, "user = \"x\"", "account.work.smtp.password", "exactly one"),
        ("[account.\"a b\".maildir]", "path = \"/x\"", "account.?", "ASCII letters"),
        ("[account.work.maildir]", "path = \"/x\"", "account.work.maildir", "either imap or maildir"),
        ("[account.empty]", "", "account.empty.imap", "imap or maildir"),
        ("[account.m.maildir]", "", "account.m.maildir.path", "cur, new and tmp"),
        (
            "[account.m.maildir]\npath = \"/x\"\n[account.m.smtp]",
            "host = \"h.example.org\"",
            "account.m.smtp.user",
            "no login to share",
        ),
        ("", "rules_dir = \"\"", "rules_dir", "empty"),
        ("", "policy = \"send\"", "policy", "a table"),
    ];
    for (table, line, key, word) in cases {
        let text = least_with(table, line);
        let problem = problem(&text);
        let said = problem.to_string();
        assert_eq!(problem.key, key, "{said}\n---\n{text}");
        assert!(said.contains(word), "{word:?} is not in {said:?}");
        assert!(said.starts_with("notyet.toml:"), "{said}");
        assert!(problem.line > 0 && problem.column > 0, "{said}");
    }
}

#[test]
fn hosts_are_bare_names_or_addresses() {
    for good in ["mail.example.org", "localhost", "192.0.2.1", "::1", "2001:db8::1"] {
        config(&LEAST.replace("imap.example.org", good));
    }
    for bad in [
        "imaps://mail.example.org",
        "mail.example.org:993",
        "mail example",
        "jane@mail.example.org",
        "mail..example.org",
    ] {
        let problem = problem(&LEAST.replace("imap.example.org", bad));
        assert_eq!(problem.key, "account.work.imap.host", "{bad}");
    }
}

#[test]
fn plain_text_is_for_this_machine_only() {
    let plain = |host: &str| {
        LEAST.replace("host = \"imap.example.org\"", &format!("tls = \"loopback-plain\"\nhost = \"{host}\""))
    };
    for good in ["localhost", "LOCALHOST", "127.0.0.1", "127.8.7.6", "::1"] {
        config(&plain(good));
    }
    for bad in ["128.0.0.1", "localhost.example.org", "127.0.0.1.example.org", "::2", "0.0.0.0"] {
        assert_eq!(problem(&plain(bad)).key, "account.work.imap.tls", "{bad}");
    }
}

#[test]
fn all_problems_come_at_once_in_file_order_with_their_places() {
    let text = "\
[owner]
nme = \"Jane\"
addresses = [\"jane@example.org\", \"nobody\", \"JANE@example.org\"]
[account.work]
poll_every = 5
  [account.work.imap]
  port = \"imaps\"
  ssl = true
";
    let found: Vec<_> =
        problems(text).into_iter().map(|problem| (problem.line, problem.column, problem.key)).collect();
    let expected = [
        (1, 1, "owner.name"),
        (2, 1, "owner.nme"),
        (3, 34, "owner.addresses[1]"),
        (3, 44, "owner.addresses[2]"),
        (5, 14, "account.work.poll_every"),
        (6, 3, "account.work.imap.host"),
        (6, 3, "account.work.imap.user"),
        (6, 3, "account.work.imap.password"),
        (7, 10, "account.work.imap.port"),
        (8, 3, "account.work.imap.ssl"),
    ];
    let expected: Vec<_> =
        expected.into_iter().map(|(line, column, key)| (line, column, key.to_owned())).collect();
    assert_eq!(found, expected);
}

#[test]
fn an_empty_file_says_what_it_needs() {
    let keys: Vec<_> = problems("").into_iter().map(|p| p.key).collect();
    assert_eq!(keys, ["owner", "account"]);
    let nowhere = config::parse("notyet.toml", LEAST, &Surroundings::default());
    assert_eq!(nowhere.unwrap_err().0[0].key, "state_dir");
}

#[test]
fn broken_syntax_hides_no_other_problem_and_invents_none() {
    let text = "\
[owner]
name = \"Jane
addresses = [\"jane@example.org\"]
[log]
level = loud
format = \"jason\"
";
    let found: Vec<_> = problems(text).iter().map(|p| (p.line, p.key.clone())).collect();
    let expected = [(2, String::new()), (5, String::new()), (6, "log.format".to_owned())];
    assert_eq!(found, expected);
    // A broken header leaves open which table the keys below it belong to.
    let text = format!("x = 1\n[log\nlevel = \"info\"\n{LEAST}");
    let found: Vec<_> = problems(&text).iter().map(|p| p.line).collect();
    assert_eq!(found, [1, 2]);
}

#[test]
fn a_secret_in_the_wrong_place_is_refused_and_never_repeated() {
    let command = "password.command = [\"pass\", \"show\", \"mail\"]";
    for wrong in [
        "password = \"hunter2\"",
        "password = \"hunter2",
        "password = hunter2",
        "password.command = \"hunter2\"",
        "password.command = [\"sh\", 2, \"hunter2\"]",
        "password.command = [\"\", \"hunter2\"]",
        "password.credential = \"hunter2 \"",
        "password.credential = \"../hunter2\"",
        "password.literal = \"hunter2\"",
        "password.file = [\"hunter2\"]",
        "password.file = { path = \"hunter2\" }",
        "pass = \"hunter2\"",
        "oauth2 = \"hunter2\"",
        "oauth2.token = \"hunter2\"",
        "oauth2.token_command = \"hunter2\"",
        "secret = \"hunter2\"",
    ] {
        let all = problems(&LEAST.replace(command, wrong));
        assert!(all.iter().any(|p| p.line == 8), "{wrong}: {all:?}");
        for problem in &all {
            let said = format!("{problem} {problem:?}");
            assert!(!said.contains("hunter2"), "{wrong}: {said}");
        }
    }
    let said = problem(&LEAST.replace(command, "password = \"x\"")).to_string();
    assert!(said.contains("password.command"), "{said}");
}

#[test]
fn no_message_repeats_an_address() {
    let text = LEAST
        .replace("[\"jane@example.org\"]", "[\"Jane <secret-jane@example.org>\"]")
        .replace("account.work", "account.\"secret-jane@example.org\"");
    let strange = least_with("[account.work]", "from = \"secret-j@example.com\"");
    let alike = strange.replace("jane@example.org", "secret-jane@example.com");
    for problem in [text, strange, alike].iter().flat_map(|text| problems(text)) {
        assert!(!format!("{problem:?}").contains("secret-j"), "{problem}");
    }
}

// ---- sending needs more than a word --------------------------------------

#[test]
fn send_without_any_submission_server_is_refused() {
    let problem = problem(&least_with("[policy]", "generic = \"send\""));
    assert_eq!(problem.key, "policy.generic");
    assert!(problem.allowed.contains("[account.NAME.smtp]"), "{problem}");
}

#[test]
fn an_account_that_can_never_send_is_a_warning() {
    let send = "[policy]\npersonalized = \"send\"\n[account.work.smtp]\nhost = \"h.example.org\"\n";
    let text = format!("{LEAST}{send}[account.home.maildir]\npath = \"/m\"\n");
    let keys: Vec<_> = warnings(&text).into_iter().map(|w| w.key).collect();
    assert_eq!(keys, ["account.work.authserv_id", "account.home.smtp"]);
    let full = format!("{LEAST}{send}[account.work]\nauthserv_id = \"mx.example.org\"\n");
    assert_eq!(warnings(&full), []);
    assert_eq!(warnings(LEAST), [], "drafting needs no evidence");
    let verify = format!("{LEAST}{send}[account.work]\ndkim = \"verify\"\n");
    assert_eq!(warnings(&verify), [], "our own check is evidence, too");
}

#[test]
fn a_login_of_another_address_than_letters_come_from_is_a_warning() {
    let smtp = "[account.work.smtp]\nhost = \"smtp.example.com\"\nlogin = \"imap\"\n";
    let two = LEAST.replace("[\"jane@example.org\"]", "[\"jane@example.org\", \"j@example.com\"]");
    let as_user = |user: &str| two.replace("user = \"jane\"", &format!("user = \"{user}\"")) + smtp;
    let keys = |text: &str| warnings(text).into_iter().map(|w| w.key).collect::<Vec<_>>();
    assert_eq!(keys(&as_user("J@example.com")), ["account.work.from"]);
    for fine in ["jane@example.org", "jane", "other@example.com"] {
        assert_eq!(keys(&as_user(fine)), [""; 0], "{fine}");
    }
    for said in ["jane@example.org", "j@example.com"] {
        let text = as_user("j@example.com") + &format!("[account.work]\nfrom = \"{said}\"\n");
        assert_eq!(keys(&text), [""; 0], "{said}");
    }
}

#[test]
fn who_is_asked_for_keys_is_an_address_with_or_without_a_port() {
    let resolver = |line: &str| {
        let text = least_with("[account.work]", &format!("dkim = \"verify\"\n{line}"));
        assert_eq!(warnings(&text), [], "{line}");
        config(&text).accounts[0].resolver.map(|server| server.to_string())
    };
    assert_eq!(resolver(""), None);
    for (text, server) in [
        ("127.0.0.1", "127.0.0.1:53"),
        ("127.0.0.1:5353", "127.0.0.1:5353"),
        ("::1", "[::1]:53"),
        ("[::1]:5353", "[::1]:5353"),
    ] {
        assert_eq!(resolver(&format!("resolver = \"{text}\"")).as_deref(), Some(server));
    }
    let idle = least_with("[account.work]", "resolver = \"127.0.0.1\"");
    assert_eq!(warnings(&idle)[0].key, "account.work.resolver");
}

#[test]
fn a_port_that_contradicts_tls_is_a_warning() {
    let text = least_with("[account.work.imap]", "port = 143");
    assert_eq!(warnings(&text)[0].key, "account.work.imap.port");
    let text = least_with("[account.work.imap]", "tls = \"starttls\"\nport = 993");
    assert_eq!(warnings(&text)[0].key, "account.work.imap.port");
    let text = least_with("[account.work]", "poll_every = \"2s\"");
    assert_eq!(warnings(&text)[0].key, "account.work.poll_every");
}

// ---- config check ---------------------------------------------------------

fn policy() -> Policy {
    Policy {
        generic: Action::Draft,
        personalized: Action::Draft,
        send_confidence: 0.8,
        max_per_hour: 10,
        max_per_day: 40,
        send_within: Duration::from_secs(3 * 86_400),
        hold: None,
    }
}

#[test]
fn shown_secrets_are_masked_and_everything_else_is_there() {
    let text = least_with("[account.work.imap]", "ca_file = \"ca.pem\"");
    let text = text.replace("\"show\", \"mail\"", "\"--token\", \"hunter2\"");
    let config = config(&text);
    let shown = show::text(&config, &policy());
    let json = show::json(&config, &policy());
    assert!(!format!("{shown}{json}").contains("hunter2"), "{shown}");
    let imap = &json["account"]["work"]["imap"];
    assert_eq!(imap["password.command"], "pass (arguments not shown)");
    assert_eq!(imap["port"], 993);
    assert_eq!(imap["ca_file"], "/etc/notyet/ca.pem");
    assert_eq!(json["policy"]["send_within"], "3d");
    assert_eq!(json["account"]["work"]["poll_every"], "5m");
    assert_eq!(json["rules_dir"], serde_json::Value::Null);
    assert!(shown.contains("[account.work.imap]\nhost = \"imap.example.org\"\nport = 993\n"));
    assert!(shown.contains("# rules_dir is not set\n"), "{shown}");
}

#[test]
fn what_is_shown_is_what_would_be_read() {
    let text = LEAST.replace("password.command = [\"pass\", \"show\", \"mail\"]", "password.file = \"pw\"");
    let config = config(&text);
    let shown = show::text(&config, &policy());
    let again = config::parse("shown", &shown, &around()).unwrap().config;
    assert_eq!(again.accounts, config.accounts);
    assert_eq!(again.owner, config.owner);
    assert_eq!(policy().overlaid(&again.policy), policy());
}

#[test]
fn wishes_are_read_in_order_and_shown() {
    let text = format!(
        "retention = \"forever\"\n{LEAST}[[after]]\ndecision = \"draft\"\nnote = \"generic\"\nmove = \"A\"\ncreate = true\n\
         [[after]]\ndecision = \"leave\"\nseen = true\n"
    );
    let config = config(&text);
    let [first, second] = config.after.as_slice() else { panic!("{:?}", config.after) };
    let to = first.wish.to.as_ref().unwrap();
    assert_eq!((to.folder.as_str(), to.if_missing), ("A", IfMissing::Create));
    assert_eq!((first.note, first.wish.seen), (Some(NoteKind::Generic), false));
    assert_eq!((second.occasion, second.note, &second.wish.to), (Occasion::Leave, None, &None));
    assert!(second.wish.seen);
    let json = show::json(&config, &policy());
    assert_eq!((&json["after"][0]["move"], &json["retention"]), (&"A".into(), &"forever".into()));
    assert_eq!(self::config(LEAST).retention, Some(Duration::from_secs(400 * 86_400)));
}

#[test]
fn a_wish_that_makes_no_sense_is_refused_or_warned_of() {
    let with = |lines: &str| format!("{LEAST}[[after]]\n{lines}\n");
    assert_eq!(problem(&with("seen = true")).key, "after[0].decision");
    assert_eq!(problem(&with("decision = \"hold\"")).key, "after[0].decision");
    assert_eq!(problem(&with("decision = \"draft\"\nmuve = \"A\"")).key, "after[0].muve");
    for spelling in ["INBOX", "inbox", "Inbox"] {
        let lines = format!("decision = \"draft\"\nmove = \"{spelling}\"");
        assert_eq!(problem(&with(&lines)).key, "after[0].move", "{spelling}");
    }
    assert_eq!(problem(&format!("{LEAST}[after]\nseen = true\n")).key, "after");
    assert_eq!(problem(&format!("retention = \"1h\"\n{LEAST}")).key, "retention");
    assert_eq!(warnings(&with("decision = \"draft\"\ncreate = true"))[0].key, "after[0].create");
}

// ---- deploy/ --------------------------------------------------------------

/// One `key = value` line of the example.
#[derive(Debug, Clone, PartialEq)]
struct Line {
    index: usize,
    table: String,
    table_is_off: bool,
    key: String,
    off: bool,
    mark: Option<&'static str>,
}

fn example_lines() -> Vec<Line> {
    let mut table = (String::new(), false);
    let mut lines = Vec::new();
    for (index, line) in EXAMPLE.lines().enumerate() {
        let off = line.starts_with('#');
        let content = line.strip_prefix('#').unwrap_or(line);
        if content.starts_with('[') {
            table = (content.trim_matches(['[', ']']).to_owned(), off);
        } else if content.starts_with(|c: char| c.is_ascii_lowercase()) {
            let (key, _) = content.split_once(" = ").expect(line);
            lines.push(Line {
                index,
                table: table.0.clone(),
                table_is_off: table.1,
                key: key.to_owned(),
                off,
                mark: ["example", "required"]
                    .into_iter()
                    .find(|mark| content.ends_with(&format!("# {mark}"))),
            });
        }
    }
    lines
}

/// The example with the lines `on` switched on (and the tables they stand in)
/// and the lines `dropped` left out.
fn example_with(on: &[&Line], dropped: &[&Line]) -> String {
    let header = |line: &Line| match line.table.as_str() {
        "after" => "#[[after]]".to_owned(),
        table => format!("#[{table}]"),
    };
    let mut out = String::new();
    for (index, text) in EXAMPLE.lines().enumerate() {
        if dropped.iter().any(|line| line.index == index) {
            continue;
        }
        let wanted = on.iter().any(|line| line.index == index || header(line) == text);
        out.push_str(if wanted { text.strip_prefix('#').unwrap_or(text) } else { text });
        out.push('\n');
    }
    out
}

fn is_login(line: &Line) -> bool {
    line.key == "user" || line.key.starts_with("password.") || line.key.starts_with("oauth2.")
}

#[test]
fn the_example_config_is_valid() {
    let loaded = config::parse("notyet.example.toml", EXAMPLE, &around());
    let loaded = loaded.unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(loaded.warnings, []);
}

#[test]
fn the_example_config_shows_every_key_and_no_other() {
    let shown: BTreeSet<_> = example_lines()
        .iter()
        .map(|line| {
            let path = format!("{}.{}", line.table, line.key);
            let path = path.trim_start_matches('.');
            path.replace("account.work", "account.NAME").replace("account.home", "account.NAME")
        })
        .collect();
    let known: BTreeSet<_> = config::known_keys().into_iter().collect();
    assert_eq!(shown, known);
}

#[test]
fn the_example_config_tells_the_true_defaults() {
    let lines = example_lines();
    let required = |table: &str| -> Vec<&Line> {
        let needed = |l: &&Line| l.table == table && l.table_is_off && l.mark == Some("required");
        lines.iter().filter(needed).collect()
    };
    let mut checked = 0;
    for line in lines.iter().filter(|line| line.off && line.mark.is_none()) {
        let base = config(&example_with(&required(&line.table), &[]));
        let mut on = required(&line.table);
        on.push(line);
        let mut with = config(&example_with(&on, &[]));
        // The shipped policy lies in the rules; what is set equals it.
        assert_eq!(policy().overlaid(&with.policy), policy(), "{line:?}");
        with.policy = base.policy.clone();
        assert_eq!(with, base, "{line:?}");
        checked += 1;
    }
    assert!(checked >= 20, "only {checked} defaults found");
}

#[test]
fn every_example_value_is_valid_and_no_default() {
    let lines = example_lines();
    let in_table = |table: &str, wanted: &dyn Fn(&Line) -> bool| -> Vec<&Line> {
        let wanted = |line: &&Line| line.table == table && wanted(line);
        lines.iter().filter(wanted).collect()
    };
    for line in lines.iter().filter(|line| line.mark == Some("example")) {
        let base = in_table(&line.table, &|l| l.table_is_off && l.mark == Some("required"));
        let mut on = base.clone();
        on.push(line);
        let mut dropped = Vec::new();
        if is_login(line) && line.table_is_off {
            // A login is a user with one secret.
            on.extend(in_table(&line.table, &|l| {
                l.key == "user" || (line.key == "user" && l.key == "password.file")
            }));
        } else if is_login(line) {
            dropped = in_table(&line.table, &|l| !l.off && is_login(l) && l.key != "user");
        }
        let with = config(&example_with(&on, &dropped));
        if line.key != "state_dir" {
            assert_ne!(with, config(&example_with(&base, &[])), "{line:?}");
        }
    }
}

#[test]
fn the_system_unit_is_locked_in() {
    let unit = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/notyet.service");
    let run =
        Command::new("systemd-analyze").args(["security", "--offline=true", "--no-pager", unit]).output();
    let output = match run {
        Ok(output) => output,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            eprintln!("SKIPPED: no systemd-analyze here, exposure of the unit not measured");
            return;
        }
        Err(error) => panic!("{error}"),
    };
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() && errors.contains("offline") {
        eprintln!("SKIPPED: this systemd-analyze cannot measure offline: {errors}");
        return;
    }
    let exposure = text
        .lines()
        .find_map(|line| line.split_once("Overall exposure level for notyet.service: "))
        .and_then(|(_, rest)| rest.split_whitespace().next()?.parse::<f64>().ok())
        .unwrap_or_else(|| panic!("no exposure in {text} {errors}"));
    assert!(exposure < 2.0, "exposure {exposure}\n{text}");
}

#[test]
fn the_units_agree_with_what_the_daemon_promises() {
    for unit in [include_str!("../deploy/notyet.service"), include_str!("../deploy/notyet-user.service")] {
        for line in [
            "Type=notify",
            "ExecReload=/bin/kill -HUP $MAINPID",
            "Restart=on-failure",
            "RestartPreventExitStatus=78",
            "WatchdogSec=15min",
            "StateDirectory=notyet",
            "UMask=0077",
        ] {
            assert!(unit.lines().any(|l| l == line), "{line}");
        }
    }
}

// ---- what a process says --------------------------------------------------

/// Runs this test of this binary again as a process of its own, whose
/// environment and global log nobody else shares. In there `CHILD` is set.
fn again(test: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", test, "--nocapture"])
        .env("NOTYET_TEST_CHILD", "1")
        .env_remove("JOURNAL_STREAM")
        .env_remove("NOTIFY_SOCKET");
    command
}

fn is_child() -> bool {
    std::env::var_os("NOTYET_TEST_CHILD").is_some()
}

#[test]
fn at_level_trace_the_imap_crate_is_silent_even_while_it_speaks() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    if is_child() {
        let logging = Logging { format: LogFormat::Json, level: "trace".to_owned() };
        notyet::shell::telemetry::start(&logging).unwrap();
        tracing::trace!(target: "notyet::test", "our own trace line");
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        runtime.unwrap().block_on(async {
            let (ours, mut server) = tokio::io::duplex(4096);
            let client = async_imap::Client::new(ours);
            let serve = async {
                server.write_all(b"* OK hunter2\r\n").await.unwrap();
                let mut line = [0; 256];
                let count = server.read(&mut line).await.unwrap();
                assert!(line[..count].windows(7).any(|w| w == b"hunter2"));
                server.write_all(b"A0001 NO hunter2\r\n").await.unwrap();
            };
            let (answer, ()) = tokio::join!(client.login("jane", "hunter2"), serve);
            assert!(answer.is_err());
        });
        return;
    }
    let output = again("config::at_level_trace_the_imap_crate_is_silent_even_while_it_speaks")
        .env("RUST_LOG", "trace")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    assert!(said.contains("our own trace line"), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
    let ours = |line: &&str| line.contains("\"target\":\"notyet::test\"");
    assert!(said.lines().all(|line| ours(&line)), "{said}");
}

#[test]
fn systemd_hears_each_state_in_turn() {
    use notyet::shell::notify;
    if is_child() {
        assert_eq!(notify::watchdog_interval(), Some(Duration::from_secs(3)));
        notify::ready();
        notify::reloading();
        notify::watchdog();
        notify::stopping();
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let output = again("config::systemd_hears_each_state_in_turn")
        .env("NOTIFY_SOCKET", &path)
        .env("WATCHDOG_USEC", "3000000")
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let hear = || {
        let mut bytes = [0; 1024];
        let count = socket.recv(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes[..count]).into_owned()
    };
    assert_eq!(hear(), "READY=1\n");
    let reloading = hear();
    let usec = reloading.strip_prefix("RELOADING=1\nMONOTONIC_USEC=");
    let usec = usec.and_then(|rest| rest.trim_end().parse::<u64>().ok());
    assert!(usec.is_some_and(|usec| usec > 0), "{reloading}");
    assert_eq!(hear(), "WATCHDOG=1\n");
    assert_eq!(hear(), "STOPPING=1\n");
}

#[test]
fn outside_systemd_nothing_is_said_and_nothing_breaks() {
    use notyet::shell::notify;
    if is_child() {
        assert_eq!(notify::watchdog_interval(), None);
        notify::ready();
        notify::stopping();
        return;
    }
    let output = again("config::outside_systemd_nothing_is_said_and_nothing_breaks")
        .env_remove("WATCHDOG_USEC")
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
}
