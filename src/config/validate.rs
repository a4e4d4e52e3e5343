//! From the file's tables to a [`Config`]: the owner, the policy, the log, and
//! what only the whole file can tell.

use std::time::Duration;

use super::field::{Field, Words};
use super::keys::{LOG, ME, OWNER, PEOPLE, POLICY, SENDING};
use super::raw::Section;
use super::surroundings::Surroundings;
use super::types::{Account, Config, LogFormat, Logging, Me, Owner, People, Sandbox};
use super::{account, after, keys, sending};
use crate::domain::{Acquaintance, Action, Address, PolicyOverride, Source};

pub(super) const SECOND: Duration = Duration::from_secs(1);
pub(super) const MINUTE: Duration = Duration::from_secs(60);
pub(super) const DAY: Duration = Duration::from_secs(86_400);

/// Longer than a year: whoever invites once a year is met in the ledger.
const RETENTION: Duration = Duration::from_secs(400 * 86_400);
pub(super) const FOREVER: &str = "forever";

/// Shorter names of works and companies stand in too many notes.
const LEAST_NAME_CHARS: usize = 3;

const ACTIONS: &Words<Action> = &[("leave", Action::Leave), ("draft", Action::Draft), ("send", Action::Send)];
pub(super) const FORMATS: &Words<LogFormat> = &[
    ("auto", LogFormat::Auto),
    ("human", LogFormat::Human),
    ("json", LogFormat::Json),
    ("journald", LogFormat::Journald),
];
pub(super) const SANDBOXES: &Words<Sandbox> =
    &[("off", Sandbox::Off), ("auto", Sandbox::Auto), ("required", Sandbox::Required)];
const LEVELS: &Words<&str> =
    &[("error", "error"), ("warn", "warn"), ("info", "info"), ("debug", "debug"), ("trace", "trace")];

/// The whole file. `None` means that a problem was noted.
pub(super) fn config(root: &Section<'_>, around: &Surroundings) -> Option<Config> {
    let state_dir = match root.field("state_dir") {
        Some(field) => field.path(around),
        None => {
            let default = around.state_dir.clone();
            if default.is_none() {
                let remedy = "the environment has no STATE_DIRECTORY, XDG_STATE_HOME or HOME: set it here";
                root.missing("state_dir", remedy);
            }
            default
        }
    };
    let retention = root.or("retention", Some(RETENTION), retention);
    let sandbox = root.or("sandbox", Sandbox::Off, |field| field.word(SANDBOXES));
    let rules_dir = root.optional("rules_dir", |field| field.path(around));
    let owner = match root.field("owner") {
        Some(field) => field.section(OWNER).and_then(|section| owner(&section)),
        None => {
            root.missing("owner", "say who writes the letters in [owner]");
            None
        }
    };
    let people = match root.field("people") {
        Some(field) => field.section(PEOPLE).and_then(|section| people(&section, around)),
        None => Some(People::default()),
    };
    let me = match root.field("me") {
        Some(field) => field.section(ME).and_then(|section| me(&section)),
        None => Some(Me::default()),
    };
    let policy = match root.field("policy") {
        Some(field) => field.section(POLICY).and_then(|section| policy(&section)),
        None => Some(PolicyOverride::default()),
    };
    let sending = match root.field("sending") {
        Some(field) => field.section(SENDING).and_then(|section| sending::sending(&section)),
        None => Some(Default::default()),
    };
    let logging = match root.field("log") {
        Some(field) => field.section(LOG).and_then(|section| logging(&section)),
        None => Some(Logging::default()),
    };
    let sections = root.named_sections("account", keys::ACCOUNT);
    if sections.is_empty() && root.field("account").is_none_or(|field| field.is_table()) {
        root.missing("account", "name at least one mailbox in [account.NAME]");
    }
    let own = owner.as_ref().map(|owner| owner.addresses.as_slice());
    let accounts: Vec<_> =
        sections.iter().map(|(name, section)| account::account(name, section, own, around)).collect();
    let accounts: Option<Vec<_>> = accounts.into_iter().collect();
    if let (Some(policy), Some(accounts)) = (&policy, &accounts) {
        check_sending(root, policy, accounts, &sections);
    }
    let (sending, time_zone) = sending?;
    let after = after::rules(root, accounts.as_deref());
    Some(Config {
        state_dir: state_dir?,
        retention: retention?,
        sandbox: sandbox?,
        rules_dir: rules_dir?,
        owner: Owner { me: me?, ..owner? },
        people: people?,
        policy: policy?,
        sending,
        time_zone,
        after: after?,
        logging: logging?,
        accounts: accounts?,
    })
}

/// A span of time, or `"forever"`, which is no span.
fn retention(field: &Field<'_>) -> Option<Option<Duration>> {
    if field.text_unseen().as_deref() == Some(FOREVER) {
        return Some(None);
    }
    field.duration(DAY..=36_500 * DAY).map(Some)
}

fn owner(section: &Section<'_>) -> Option<Owner> {
    let name = section.required("name", "give the name that letters are signed with", |field| field.text());
    let addresses =
        section.required("addresses", "list all your addresses; letters come from the first", addresses);
    let link = section.optional("link", link);
    let languages = section.or("languages", vec!["en".to_owned()], languages);
    Some(Owner { name: name?, addresses: addresses?, link: link?, languages: languages?, me: Me::default() })
}

/// Whether there are letters in them, only the rules can tell.
fn languages(field: &Field<'_>) -> Option<Vec<String>> {
    let items = field.items("give a list, for example [\"en\", \"de\"]")?;
    let mut seen: Vec<Option<String>> = Vec::new();
    for item in items {
        let tag = item.text();
        if let Some(tag) = &tag
            && seen.iter().flatten().any(|one| one.eq_ignore_ascii_case(tag))
        {
            item.refuse("a language that is listed already", "list it once; the first is your own");
        }
        seen.push(tag);
    }
    seen.into_iter().collect()
}

fn me(section: &Section<'_>) -> Option<Me> {
    let list = |key| section.or(key, Vec::new(), telling);
    let (talks, books, companies, products) =
        (list("talks"), list("books"), list("companies"), list("products"));
    Some(Me { talks: talks?, books: books?, companies: companies?, products: products? })
}

/// Names that would not turn up in just any note.
fn telling(field: &Field<'_>) -> Option<Vec<String>> {
    let items = field.list("give a list of names, for example [\"Mail without tears\"]")?;
    let names: Vec<_> = items
        .iter()
        .map(|item| {
            let name = item.text()?;
            if name.chars().filter(|c| c.is_alphanumeric()).count() >= LEAST_NAME_CHARS {
                return Some(name);
            }
            item.refuse(&format!("{name:?}"), "too short: it would be found in notes that do not mean it");
            None
        })
        .collect();
    names.into_iter().collect()
}

fn addresses(field: &Field<'_>) -> Option<Vec<Address>> {
    let items = field.items("give a list, for example [\"jane@example.org\"]")?;
    let mut seen: Vec<Option<Address>> = Vec::new();
    for item in items {
        let address = address(&item);
        if let Some(address) = &address
            && seen.iter().flatten().any(|one| one.same_spelling(address))
        {
            item.refuse("an address that is listed already", "list it once");
        }
        seen.push(address);
    }
    seen.into_iter().collect()
}

/// One mail address.
pub(super) fn address(field: &Field<'_>) -> Option<Address> {
    let address = Address::parse(&field.text()?);
    if address.is_none() {
        // The text stays unsaid: reloads put these messages into the log.
        field.refuse(
            "not one plain mail address",
            "give it like \"jane@example.org\", without name or brackets",
        );
    }
    address
}

fn people(section: &Section<'_>, around: &Surroundings) -> Option<People> {
    let default = People::default();
    let keep = section.or("keep", default.keep, |field| {
        let items =
            field.list("give a list, for example [\"Jane Doe\", \"jane@example.org\", \"@example.org\"]")?;
        let kept: Vec<_> = items.iter().map(keep).collect();
        kept.into_iter().collect()
    });
    let address_books = section.or("address_books", default.address_books, |field| {
        let items = field.list("give a list of vCard files or folders, for example [\"~/contacts.vcf\"]")?;
        let paths: Vec<_> = items.iter().map(|item| item.path(around)).collect();
        paths.into_iter().collect()
    });
    let learn_from_sent = section.or("learn_from_sent", default.learn_from_sent, Field::flag);
    Some(People { keep: keep?, address_books: address_books?, learn_from_sent: learn_from_sent? })
}

/// A name, an address, or `@domain`.
fn keep(item: &Field<'_>) -> Option<Acquaintance> {
    let text = item.text()?;
    let someone = Acquaintance { name: String::new(), address: None, domain: None, source: Source::Keep };
    if let Some(domain) = text.strip_prefix('@') {
        let probe = Address::parse(&format!("x@{domain}"));
        if probe.is_none() {
            item.refuse("not a mail domain", "give it like \"@example.org\"");
        }
        return Some(Acquaintance { domain: Some(probe?.domain().to_owned()), ..someone });
    }
    if text.contains('@') {
        return Some(Acquaintance { address: Some(address(item)?), ..someone });
    }
    Some(Acquaintance { name: text, ..someone })
}

fn link(field: &Field<'_>) -> Option<String> {
    let link = field.text()?;
    let rest = link.strip_prefix("https://").or_else(|| link.strip_prefix("http://"));
    if rest.is_some_and(|rest| !rest.is_empty() && !rest.contains(char::is_whitespace)) {
        return Some(link);
    }
    field.refuse("not a web address", "give it like \"https://example.org/blog\"");
    None
}

fn policy(section: &Section<'_>) -> Option<PolicyOverride> {
    let generic = section.optional("generic", |field| field.word(ACTIONS));
    let personalized = section.optional("personalized", |field| field.word(ACTIONS));
    let send_confidence = section.optional("send_confidence", |field| field.number(0.0..=1.0));
    let max_per_hour = section.optional("max_per_hour", |field| field.integer(1..=1_000));
    let max_per_day = section.optional("max_per_day", |field| field.integer(1..=10_000));
    let send_within = section.optional("send_within", |field| field.duration(MINUTE..=30 * DAY));
    let hold = section.optional("hold", |field| field.duration(MINUTE..=30 * DAY));
    Some(PolicyOverride {
        generic: generic?,
        personalized: personalized?,
        send_confidence: send_confidence?,
        max_per_hour: max_per_hour?,
        max_per_day: max_per_day?,
        send_within: send_within?,
        hold: hold?,
    })
}

fn logging(section: &Section<'_>) -> Option<Logging> {
    let default = Logging::default();
    let format = section.or("format", default.format, |field| field.word(FORMATS));
    let level = section.or("level", default.level, |field| field.word(LEVELS).map(str::to_owned));
    Some(Logging { format: format?, level: level? })
}

/// Policy and accounts must agree on whether anything can be sent.
fn check_sending(
    root: &Section<'_>,
    policy: &PolicyOverride,
    accounts: &[Account],
    sections: &[(String, Section<'_>)],
) {
    let wish = [("generic", policy.generic), ("personalized", policy.personalized)];
    let Some((key, _)) = wish.into_iter().find(|(_, action)| *action == Some(Action::Send)) else {
        return;
    };
    if !accounts.is_empty() && accounts.iter().all(|account| account.smtp.is_none()) {
        root.refuse_below(
            "policy",
            key,
            "\"send\", but no account can send",
            "add [account.NAME.smtp], or use \"draft\"",
        );
        return;
    }
    for (account, (_, section)) in accounts.iter().zip(sections) {
        if account.smtp.is_none() {
            section.warn(
                "smtp",
                "not set, while the policy says \"send\"",
                "this account will only draft; add it to send",
            );
        } else if account.is_blind() {
            section.warn(
                "authserv_id",
                "not set, while the policy says \"send\"",
                "without it no mail counts as authentic, so this account will only draft; \
                 set it to the first word of your provider's Authentication-Results header, \
                 or check yourself, with dkim = \"verify\"",
            );
        }
    }
}
