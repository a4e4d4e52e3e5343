//! The names of all keys: what the parser asks for and what the example file shows.

/// The keys of one table.
pub(super) type Keys = &'static [&'static str];

pub(super) const ROOT: Keys = &[
    "state_dir",
    "retention",
    "sandbox",
    "rules_dir",
    "owner",
    "me",
    "people",
    "policy",
    "sending",
    "after",
    "log",
    "account",
];
pub(super) const OWNER: Keys = &["name", "addresses", "link", "languages"];
pub(super) const ME: Keys = &["talks", "books", "companies", "products"];
pub(super) const PEOPLE: Keys = &["keep", "address_books", "learn_from_sent"];
pub(super) const POLICY: Keys =
    &["generic", "personalized", "send_confidence", "max_per_hour", "max_per_day", "send_within", "hold"];
pub(super) const SENDING: Keys =
    &["hours", "days", "time_zone", "burst_letters", "burst_within", "refusals_in_a_row", "clock_gap"];
pub(super) const AFTER: Keys = &["decision", "note", "seen", "flag", "move", "create"];
pub(super) const LOG: Keys = &["format", "level"];
pub(super) const ACCOUNT: Keys = &[
    "from",
    "mailboxes",
    "drafts",
    "sent",
    "sent_copy",
    "authserv_id",
    "dkim",
    "resolver",
    "poll_every",
    "since",
    "imap",
    "maildir",
    "smtp",
];
pub(super) const IMAP: Keys =
    &["host", "port", "tls", "ca_file", "idle", "timeout", "max_body_bytes", "user", "password", "oauth2"];
pub(super) const MAILDIR: Keys = &["path"];
pub(super) const SMTP: Keys =
    &["host", "port", "tls", "ca_file", "timeout", "login", "user", "password", "oauth2"];
pub(super) const PASSWORD: Keys = &["command", "file", "credential"];
pub(super) const OAUTH2: Keys = &["token_command"];

/// Every table with its path; `NAME` stands for the account's name.
const TABLES: [(&str, Keys); 16] = [
    ("", ROOT),
    ("owner", OWNER),
    ("me", ME),
    ("people", PEOPLE),
    ("policy", POLICY),
    ("sending", SENDING),
    ("after", AFTER),
    ("log", LOG),
    ("account.NAME", ACCOUNT),
    ("account.NAME.imap", IMAP),
    ("account.NAME.imap.password", PASSWORD),
    ("account.NAME.imap.oauth2", OAUTH2),
    ("account.NAME.maildir", MAILDIR),
    ("account.NAME.smtp", SMTP),
    ("account.NAME.smtp.password", PASSWORD),
    ("account.NAME.smtp.oauth2", OAUTH2),
];

/// Every key that holds a value, dotted, `NAME` standing for the account's name.
pub fn known_keys() -> Vec<String> {
    let is_table = |path: &str| path == "account" || TABLES.iter().any(|(table, _)| *table == path);
    TABLES
        .iter()
        .flat_map(|(table, keys)| keys.iter().map(|key| dotted(table, key)))
        .filter(|path| !is_table(path))
        .collect()
}

/// `key` below `table`, which is empty for the top of the file.
pub(super) fn dotted(table: &str, key: &str) -> String {
    if table.is_empty() { key.to_owned() } else { format!("{table}.{key}") }
}

/// The tables that do know `key`, as a person would write them.
pub(super) fn homes_of(key: &str) -> Vec<String> {
    TABLES
        .iter()
        .filter(|(_, keys)| keys.contains(&key))
        .map(|(table, _)| match *table {
            "" => "the top of the file, above the first [section]".to_owned(),
            table => format!("[{table}]"),
        })
        .collect()
}

/// The word of `allowed` that `word` was probably meant to be.
pub(super) fn closest<'a>(word: &str, allowed: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    /// Below this Jaro similarity two words have nothing to do with each other:
    /// `username` for `user` has 0.83, `colour` for `format` 0.44.
    const SIMILAR: f64 = 0.75;
    allowed
        .map(|candidate| (strsim::jaro(&word.to_lowercase(), candidate), candidate))
        .filter(|(score, _)| *score >= SIMILAR)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, candidate)| candidate)
}
