//! The configuration as the daemon will use it, for `notyet config check`:
//! every key with its value, set or default; text and JSON from the same values.
//! Of a secret only its source shows, of a command only the program's name.

use std::fmt::Write;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::account::{DKIM, SENT_COPIES};
use super::field::{duration_text, word_for};
use super::server::TLS;
use super::types::{Account, Config, Imap, Login, MailboxKind, SecretSource, Smtp};
use super::validate::{FOREVER, FORMATS, SANDBOXES};
use crate::domain::after::{AfterRule, IfMissing};
use crate::domain::{Acquaintance, NoteKind, Policy};

/// One table of the shown configuration.
#[derive(Clone, Debug, PartialEq)]
struct Table {
    path: Vec<String>,
    /// Keys in the order of the example file; `Null` for what is not set.
    entries: Vec<(&'static str, Value)>,
}

/// The configuration in the form of the file it came from, with `policy` as it
/// is in force (the shipped one, overlaid by the file). For people: masked
/// values keep it from being read back.
pub fn text(config: &Config, policy: &Policy) -> String {
    let mut out = String::new();
    for table in tables(config, policy) {
        if !table.path.is_empty() {
            // Writing to a String cannot fail.
            let _ = writeln!(out, "\n[{}]", table.path.join("."));
        }
        for (key, value) in &table.entries {
            let _ = match value {
                Value::Null => writeln!(out, "# {key} is not set"),
                value => writeln!(out, "{key} = {value}"),
            };
        }
    }
    out
}

/// The same as one object; keys as in the file, `null` for what is not set.
pub fn json(config: &Config, policy: &Policy) -> Value {
    let mut root = Map::new();
    for table in tables(config, policy) {
        let mut at = &mut root;
        for name in &table.path {
            let below = at.entry(name.clone()).or_insert_with(|| Value::Object(Map::new()));
            let Value::Object(map) = below else {
                return Value::Null;
            };
            at = map;
        }
        at.extend(table.entries.into_iter().map(|(key, value)| (key.to_owned(), value)));
    }
    Value::Object(root)
}

fn tables(config: &Config, policy: &Policy) -> Vec<Table> {
    let owner = &config.owner;
    let addresses: Vec<_> = owner.addresses.iter().map(ToString::to_string).collect();
    let mut tables = vec![
        Table {
            path: vec![],
            entries: vec![
                ("state_dir", path(&config.state_dir)),
                ("retention", json!(config.retention.map_or(FOREVER.to_owned(), duration_text))),
                ("sandbox", json!(word_for(SANDBOXES, &config.sandbox))),
                ("rules_dir", config.rules_dir.as_deref().map_or(Value::Null, path)),
                ("after", config.after.iter().map(after).collect()),
            ],
        },
        Table {
            path: vec!["owner".to_owned()],
            entries: vec![
                ("name", json!(owner.name)),
                ("addresses", json!(addresses)),
                ("link", json!(owner.link)),
                ("languages", json!(owner.languages)),
            ],
        },
        Table {
            path: vec!["people".to_owned()],
            entries: vec![
                ("keep", json!(config.people.keep.iter().map(kept).collect::<Vec<_>>())),
                ("address_books", config.people.address_books.iter().map(|book| path(book)).collect()),
                ("learn_from_sent", json!(config.people.learn_from_sent)),
            ],
        },
        Table {
            path: vec!["me".to_owned()],
            entries: vec![
                ("talks", json!(owner.me.talks)),
                ("books", json!(owner.me.books)),
                ("companies", json!(owner.me.companies)),
                ("products", json!(owner.me.products)),
            ],
        },
        Table {
            path: vec!["policy".to_owned()],
            entries: vec![
                ("generic", json!(policy.generic.as_str())),
                ("personalized", json!(policy.personalized.as_str())),
                ("send_confidence", json!(policy.send_confidence)),
                ("max_per_hour", json!(policy.max_per_hour)),
                ("max_per_day", json!(policy.max_per_day)),
                ("send_within", json!(duration_text(policy.send_within))),
                ("hold", json!(policy.hold.map(duration_text))),
            ],
        },
        Table { path: vec!["sending".to_owned()], entries: sending_entries(config) },
        Table {
            path: vec!["log".to_owned()],
            entries: vec![
                ("format", json!(word_for(FORMATS, &config.logging.format))),
                ("level", json!(config.logging.level)),
            ],
        },
    ];
    for account in &config.accounts {
        account_tables(account, &mut tables);
    }
    tables
}

fn sending_entries(config: &Config) -> Vec<(&'static str, Value)> {
    let (sending, brakes) = (&config.sending, &config.sending.brakes);
    vec![
        ("hours", json!(sending.hours.map(|hours| hours.to_string()))),
        ("days", json!(sending.days.words())),
        ("time_zone", json!(config.time_zone)),
        ("burst_letters", json!(brakes.burst_letters)),
        ("burst_within", json!(duration_text(brakes.burst_within))),
        ("refusals_in_a_row", json!(brakes.refusals_in_a_row)),
        ("clock_gap", json!(duration_text(brakes.clock_gap))),
    ]
}

fn account_tables(account: &Account, tables: &mut Vec<Table>) {
    let at = |below: Option<&str>| {
        let names = ["account", &account.name].into_iter().chain(below);
        names.map(str::to_owned).collect()
    };
    tables.push(Table {
        path: at(None),
        entries: vec![
            ("from", json!(account.from.to_string())),
            ("mailboxes", json!(account.mailboxes)),
            ("drafts", json!(account.drafts)),
            ("sent", json!(account.sent)),
            ("sent_copy", json!(word_for(SENT_COPIES, &account.sent_copy))),
            ("authserv_id", json!(account.authserv_id)),
            ("dkim", json!(word_for(DKIM, &account.dkim))),
            ("resolver", json!(account.resolver.map(|server| server.to_string()))),
            ("poll_every", json!(duration_text(account.poll_every))),
            ("since", json!(account.since.map(duration_text))),
        ],
    });
    tables.push(match &account.kind {
        MailboxKind::Imap(imap) => Table { path: at(Some("imap")), entries: imap_entries(imap) },
        MailboxKind::Maildir(maildir) => {
            Table { path: at(Some("maildir")), entries: vec![("path", path(&maildir.path))] }
        }
    });
    if let Some(smtp) = &account.smtp {
        tables.push(Table { path: at(Some("smtp")), entries: smtp_entries(smtp) });
    }
}

fn imap_entries(imap: &Imap) -> Vec<(&'static str, Value)> {
    let mut entries = vec![
        ("host", json!(imap.host)),
        ("port", json!(imap.port)),
        ("tls", json!(word_for(TLS, &imap.tls))),
        ("ca_file", imap.ca_file.as_deref().map_or(Value::Null, path)),
        ("idle", json!(imap.idle)),
        ("timeout", json!(duration_text(imap.timeout))),
        ("max_body_bytes", json!(imap.max_body_bytes)),
    ];
    entries.extend(login_entries(&imap.login));
    entries
}

fn smtp_entries(smtp: &Smtp) -> Vec<(&'static str, Value)> {
    let mut entries = vec![
        ("host", json!(smtp.host)),
        ("port", json!(smtp.port)),
        ("tls", json!(word_for(TLS, &smtp.tls))),
        ("ca_file", smtp.ca_file.as_deref().map_or(Value::Null, path)),
        ("timeout", json!(duration_text(smtp.timeout))),
    ];
    match &smtp.login {
        Some(login) => entries.extend(login_entries(login)),
        None => entries.push(("login", json!("none"))),
    }
    entries
}

fn login_entries(login: &Login) -> [(&'static str, Value); 2] {
    let program = |argv: &[String]| {
        let name = argv.first().map_or("", String::as_str);
        match argv.len() {
            0 | 1 => name.to_owned(),
            _ => format!("{name} (arguments not shown)"),
        }
    };
    let (kind, from) = match &login.secret {
        SecretSource::PasswordCommand(argv) => ("password.command", program(argv)),
        SecretSource::PasswordFile(file) => ("password.file", file.display().to_string()),
        SecretSource::PasswordCredential(name) => ("password.credential", name.clone()),
        SecretSource::TokenCommand(argv) => ("oauth2.token_command", program(argv)),
    };
    [("user", json!(login.user)), (kind, json!(from))]
}

fn after(rule: &AfterRule) -> Value {
    let to = rule.wish.to.as_ref();
    json!({
        "decision": rule.occasion.as_str(),
        "note": rule.note.map(NoteKind::as_str),
        "seen": rule.wish.seen,
        "flag": rule.wish.flag,
        "move": to.map(|to| to.folder.as_str()),
        "create": to.is_some_and(|to| to.if_missing == IfMissing::Create),
    })
}

fn path(path: &Path) -> Value {
    json!(path.display().to_string())
}

/// As the owner wrote it.
fn kept(someone: &Acquaintance) -> String {
    match (&someone.domain, &someone.address) {
        (Some(domain), _) => format!("@{domain}"),
        (None, Some(address)) => address.to_string(),
        (None, None) => someone.name.clone(),
    }
}
