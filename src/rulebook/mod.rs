//! The rules, typed and compiled. Text in, values out: `rules/` is inside the
//! binary, and a folder of the owner's own is laid over it file by file.

pub mod banners;
pub mod boilerplate;
mod compile;
mod files;
mod language;
pub mod letters;
pub mod names;
pub mod network;
pub mod nicknames;
pub mod notes;
pub mod openings;
pub mod policy;
pub mod prose;
mod raw;
mod regexes;
pub mod text;
pub mod weights;

pub use files::RuleFiles;
pub use names::Names;
pub use network::{Network, Networks};
pub use nicknames::Nicknames;

use crate::domain::{Policy, Problem, Problems, problem};
use banners::Banners;
use boilerplate::Boilerplate;
use letters::Letters;
use notes::Notes;
use openings::Openings;
use weights::Weights;

/// All rules, ready to be asked.
#[derive(Debug)]
pub struct Rulebook {
    /// The networks by id.
    pub networks: Networks,
    /// The default sentences of all networks.
    pub boilerplate: Boilerplate,
    /// What gateways write above a mail.
    pub banners: Banners,
    /// What is part of a name and what is not.
    pub names: Names,
    /// Names that one person goes by.
    pub nicknames: Nicknames,
    /// The signals that tell generic from personalized.
    pub notes: Notes,
    /// The letters.
    pub letters: Letters,
    /// How personalized letters begin.
    pub openings: Openings,
    /// What is allowed by default.
    pub policy: Policy,
    /// The [`RuleFiles::digest`] of what this was compiled from.
    pub digest: u64,
}

impl Rulebook {
    /// Compiles a set of rule files.
    ///
    /// # Errors
    /// Every problem of every file.
    pub fn compile(files: &RuleFiles) -> Result<Self, Problems> {
        let mut problems = Vec::new();
        let networks = networks(files, &mut problems);
        let banners = files.compile_one("banners.toml", Banners::compile, &mut problems);
        let names = files.compile_one("names.toml", Names::compile, &mut problems);
        let nicknames = files.compile_one("nicknames.toml", Nicknames::compile, &mut problems);
        let policy =
            files.compile_one("policy.toml", |f, t| policy::parse(f, t).map_err(|p| p.0), &mut problems);
        let notes: Vec<_> = files.under("notes/", ".toml").collect();
        let weights = files.compile_one("notes/weights.tsv", Weights::compile, &mut problems);
        let notes = Notes::compile(&notes).map_err(|p| problems.extend(p.0)).ok();
        let notes = weights.zip(notes).map(|(weights, notes)| notes.with_weights(weights));
        let letters = Letters::compile(files.as_map()).map_err(|p| problems.extend(p.0)).ok();
        let openings: Vec<_> = files.under("openings/", ".toml").collect();
        let openings = Openings::compile(&openings).map_err(|p| problems.extend(p.0)).ok();
        if let (Some(notes), Some(openings)) = (&notes, &openings) {
            problems.extend(openings.unknown_signals(notes));
        }
        match (banners, names, nicknames, policy, notes, letters, openings) {
            (
                Some(banners),
                Some(names),
                Some(nicknames),
                Some(policy),
                Some(notes),
                Some(letters),
                Some(openings),
            ) if problems.is_empty() => {
                let boilerplate = Boilerplate::compile(networks.values().flat_map(|network| {
                    let source = |language: &str| format!("{}.{language}", network.id);
                    network.defaults.iter().map(move |(language, text)| (source(language), text))
                }));
                Ok(Self {
                    networks,
                    boilerplate,
                    banners,
                    names,
                    nicknames,
                    notes,
                    letters,
                    openings,
                    policy,
                    digest: files.digest(),
                })
            }
            _ => Err(Problems(problems)),
        }
    }

    /// The rules inside the binary.
    ///
    /// # Errors
    /// None that a released binary can show: a test compiles the shipped set.
    pub fn shipped() -> Result<Self, Problems> {
        Self::compile(&RuleFiles::shipped())
    }

    /// Header fields that decide whether a body is fetched.
    pub fn header_fields(&self) -> Vec<String> {
        let mut fields: Vec<String> =
            ["From", "Subject", "Message-ID", "Date", "List-Id"].map(str::to_owned).to_vec();
        for name in self.networks.values().flat_map(Network::header_fields) {
            if !fields.iter().any(|f| f.eq_ignore_ascii_case(name)) {
                fields.push(name.to_owned());
            }
        }
        fields
    }
}

fn networks(files: &RuleFiles, problems: &mut Vec<Problem>) -> Networks {
    let mut networks = Networks::new();
    let shipped = RuleFiles::shipped();
    for (path, (name, text)) in files.as_map().iter().filter(|(path, _)| path.starts_with("networks/")) {
        if let Some((_, old)) = shipped.as_map().get(path).filter(|(_, old)| old != text) {
            problems.extend(compile::changed_ids(name, text, old));
        }
    }
    for (name, text) in files.under("networks/", ".toml") {
        match compile::compile(name, text) {
            Ok((network, (line, column))) => {
                if let Some(other) = networks.insert(network.id.clone(), network) {
                    problems.push(Problem {
                        file: name.to_owned(),
                        line,
                        column,
                        key: "id".to_owned(),
                        found: format!("found {:?}, which another file uses", other.id),
                        allowed: "every network needs an id of its own".to_owned(),
                    });
                }
            }
            Err(more) => problems.extend(more),
        }
    }
    networks
}

/// A syntax or shape error of a TOML file as a [`Problem`].
pub(crate) fn toml_problem(file: &str, text: &str, error: &toml::de::Error) -> Problem {
    let (line, column) = error.span().map_or((1, 1), |span| problem::place(text, span.start));
    Problem {
        file: file.to_owned(),
        line,
        column,
        key: String::new(),
        found: error.message().trim().replace('\n', " "),
        allowed: "see rules/README.md for the keys of this kind of file".to_owned(),
    }
}
