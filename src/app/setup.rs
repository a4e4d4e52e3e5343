//! From a config file's path to everything that can be run.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::tz::TimeZone;

use crate::config::{self, Config, Loaded, Owner, Places, Surroundings, duration_text};
use crate::domain::{Action, Fault, Policy, Problem, Problems};
use crate::rulebook::{RuleFiles, Rulebook};
use crate::shell::{clock, environment, files};

/// No config or rules file is larger than this.
const MAX_FILE_BYTES: u64 = 4 * 1024 * 1024;

/// A configuration with its rules: everything that can be run.
#[derive(Debug)]
pub struct Setup {
    /// The configuration.
    pub config: Config,
    /// The shipped rules with the owner's laid over them.
    pub rules: Arc<Rulebook>,
    /// The policy in force.
    pub policy: Policy,
    /// Where the owner's clock hangs.
    pub zone: TimeZone,
    /// What is allowed but will surprise.
    pub warnings: Vec<Problem>,
}

/// A config file, and how it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigFile {
    /// Where it is.
    pub path: PathBuf,
    /// How it was found.
    pub named: Named,
}

/// How a config file was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    /// A person named it in the command.
    InTheCommand,
    /// It stands where it is looked for, or a variable names it.
    ByItsPlace,
}

/// The config file that was `given`, else the one that stands in its [`Places`].
///
/// # Errors
/// A problem that names all places, when there is none.
pub fn find(given: Option<&Path>) -> Result<ConfigFile, Problems> {
    if let Some(path) = given {
        return Ok(ConfigFile { path: path.to_owned(), named: Named::InTheCommand });
    }
    let places = Places::new(environment::variable);
    let there = || places.usual.iter().find(|path| files::is_there(path));
    if let Some(path) = places.named.as_ref().or_else(there) {
        return Ok(ConfigFile { path: path.clone(), named: Named::ByItsPlace });
    }
    let usual: Vec<String> = places.usual.iter().map(|path| path.display().to_string()).collect();
    Err(Problems(vec![Problem {
        file: usual.join(", "),
        line: 0,
        column: 0,
        key: String::new(),
        found: "there is no configuration here".to_owned(),
        allowed: "write one (deploy/notyet.example.toml shows every key), or name yours: --config FILE, or the variable NOTYET_CONFIG"
            .to_owned(),
    }]))
}

/// Reads and checks the config file and the rules it names.
///
/// # Errors
/// All problems of the config, or all problems of the rules.
pub fn load(config_file: &Path) -> Result<Setup, Problems> {
    load_beside(config_file, None)
}

/// The same for who has `present` rules already: where no rule has changed since they
/// were compiled they go on, and no second set takes its time and memory.
///
/// # Errors
/// As of [`load`].
pub fn load_beside(config_file: &Path, present: Option<&Arc<Rulebook>>) -> Result<Setup, Problems> {
    let shown = config_file.display().to_string();
    let text = files::read_text(config_file, MAX_FILE_BYTES).map_err(|fault| unreadable(&shown, &fault))?;
    let folder = config_file.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let base = std::path::absolute(folder).unwrap_or_else(|_| PathBuf::from(folder));
    let Loaded { config, mut warnings } =
        config::parse(&shown, &text, &Surroundings::new(base, environment::variable))?;
    let rules = rules_beside(config.rules_dir.as_deref(), present)?;
    unwritten(&shown, &text, &config.owner, &rules)?;
    let zone = zone(&shown, &text, config.time_zone.as_deref())?;
    let policy = rules.policy.overlaid(&config.policy);
    in_time(&shown, &text, &policy)?;
    let sends = [policy.generic, policy.personalized].contains(&Action::Send);
    if sends && config.accounts.iter().all(|account| account.smtp.is_none()) && warnings.is_empty() {
        warnings.push(Problem {
            file: shown,
            line: 0,
            column: 0,
            key: "policy".to_owned(),
            found: "the policy of the rules says send, but no account has [smtp]".to_owned(),
            allowed: "letters are drafted; add [account.NAME.smtp] to send".to_owned(),
        });
    }
    Ok(Setup { config, rules, policy, zone, warnings })
}

/// A letter that is held for longer than it may wait would never be sent.
fn in_time(shown: &str, text: &str, policy: &Policy) -> Result<(), Problems> {
    let Some(hold) = policy.hold.filter(|hold| *hold >= policy.send_within) else { return Ok(()) };
    let (line, column) = config::place_of(text, "policy", "hold").unwrap_or_default();
    Err(Problems(vec![Problem {
        file: shown.to_owned(),
        line,
        column,
        key: "policy.hold".to_owned(),
        found: format!("{:?}, after which a letter is too old to be sent", duration_text(hold)),
        allowed: format!(
            "give less than policy.send_within ({}), or raise that",
            duration_text(policy.send_within)
        ),
    }]))
}

/// The time zone of that name, else the system's.
fn zone(shown: &str, text: &str, name: Option<&str>) -> Result<TimeZone, Problems> {
    clock::zone(name).ok_or_else(|| {
        let (line, column) = config::place_of(text, "sending", "time_zone").unwrap_or_default();
        Problems(vec![Problem {
            file: shown.to_owned(),
            line,
            column,
            key: "sending.time_zone".to_owned(),
            found: format!("{:?}, which this machine does not know", name.unwrap_or_default()),
            allowed: "a name such as \"Europe/Berlin\"; or install the system's table of time zones (tzdata)"
                .to_owned(),
        }])
    })
}

/// Refuses languages of the owner's that have no letters.
fn unwritten(shown: &str, text: &str, owner: &Owner, rules: &Rulebook) -> Result<(), Problems> {
    let written = rules.letters.written();
    let has_letters = |tag: &str| {
        let tag = tag.to_ascii_lowercase();
        written.iter().any(|one| *one == tag || Some(*one) == tag.split('-').next())
    };
    let (line, column) = config::place_of(text, "owner", "languages").unwrap_or_default();
    let problems: Vec<Problem> = owner
        .languages
        .iter()
        .filter(|tag| !has_letters(tag))
        .map(|tag| Problem {
            file: shown.to_owned(),
            line,
            column,
            key: "owner.languages".to_owned(),
            found: format!("{tag:?}, in which there are no letters"),
            allowed: format!(
                "allowed: {}; or write letters/{tag}/generic.txt and personalized.txt in your rules_dir",
                written.join(", ")
            ),
        })
        .collect();
    if problems.is_empty() { Ok(()) } else { Err(Problems(problems)) }
}

/// The shipped rules, with those of `folder` laid over them.
///
/// # Errors
/// Every problem of every rules file.
pub fn rules(folder: Option<&Path>) -> Result<Arc<Rulebook>, Problems> {
    rules_beside(folder, None)
}

fn rules_beside(folder: Option<&Path>, present: Option<&Arc<Rulebook>>) -> Result<Arc<Rulebook>, Problems> {
    let files = rule_files(folder)?;
    if let Some(present) = present.filter(|present| present.digest == files.digest()) {
        return Ok(Arc::clone(present));
    }
    let rules = Rulebook::compile(&files)?;
    // The shipped patterns are tried by the tests; a person's own have to be tried here.
    let too_large: Vec<String> = match folder {
        Some(_) => {
            let signals = rules.notes.too_large().into_iter().map(|rule| format!("signal {rule}"));
            signals
                .chain(rules.openings.too_large().into_iter().map(|kind| format!("opening {kind}")))
                .collect()
        }
        None => Vec::new(),
    };
    if too_large.is_empty() {
        return Ok(Arc::new(rules));
    }
    Err(Problems(too_large.into_iter().map(|key| own_pattern_too_large(folder, key)).collect()))
}

fn own_pattern_too_large(folder: Option<&Path>, key: String) -> Problem {
    Problem {
        file: folder.map(|f| f.display().to_string()).unwrap_or_default(),
        line: 0,
        column: 0,
        key,
        found: "a pattern of it is too large".to_owned(),
        allowed: "smaller counted repeats, or two patterns".to_owned(),
    }
}

/// The shipped rule files, with those of `folder` laid over them.
///
/// # Errors
/// When the folder cannot be read.
pub fn rule_files(folder: Option<&Path>) -> Result<RuleFiles, Problems> {
    let mut all = RuleFiles::shipped();
    if let Some(folder) = folder {
        let shown = folder.display().to_string();
        for (path, (shown, text)) in files::read_tree(folder).map_err(|fault| unreadable(&shown, &fault))? {
            all.insert(&path, &shown, &text);
        }
    }
    Ok(all)
}

/// Who writes when no config says it, for `check` without one.
pub fn nobody_in_particular() -> Owner {
    Owner {
        name: "Me".to_owned(),
        addresses: crate::domain::Address::parse("me@example.com").into_iter().collect(),
        link: None,
        languages: vec!["en".to_owned()],
        me: crate::config::Me::default(),
    }
}

fn unreadable(shown: &str, fault: &Fault) -> Problems {
    Problems(vec![Problem {
        file: shown.to_owned(),
        line: 0,
        column: 0,
        key: String::new(),
        // The fault names the file too.
        found: fault.message().strip_prefix(&format!("{shown}: ")).unwrap_or(fault.message()).to_owned(),
        allowed: "it must be there, be text, and be readable for the user notyet runs as".to_owned(),
    }])
}
