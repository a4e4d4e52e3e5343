//! `rules/nicknames.toml`: short forms of given names, and the small words of surnames.

use std::collections::{HashMap, HashSet};

use serde::Deserialize;

use super::text::fold;
use crate::domain::{Problem, problem};

/// Short forms of given names, and particles.
#[derive(Clone, Debug, Default)]
pub struct Nicknames {
    full: HashMap<String, Vec<String>>,
    particles: HashSet<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    particles: Vec<String>,
    names: Vec<toml::Spanned<String>>,
}

impl Nicknames {
    /// Reads the file `file`.
    ///
    /// # Errors
    /// Every line of another shape than `"robert: bob, rob"`.
    pub(super) fn compile(file: &str, text: &str) -> Result<Self, Vec<Problem>> {
        let raw: Raw = toml::from_str(text).map_err(|e| vec![super::toml_problem(file, text, &e)])?;
        let mut problems = Vec::new();
        let mut full: HashMap<String, Vec<String>> = HashMap::new();
        for line in &raw.names {
            let read = line.get_ref().split_once(':').map(|(name, short)| {
                let short: Vec<String> = short.split(',').map(|s| fold(s.trim())).collect();
                (fold(name.trim()), short)
            });
            let Some((name, short)) =
                read.filter(|(name, short)| is_word(name) && short.iter().all(|s| is_word(s)))
            else {
                let (row, column) = problem::place(text, line.span().start);
                problems.push(Problem {
                    file: file.to_owned(),
                    line: row,
                    column,
                    key: "names".to_owned(),
                    found: format!("found {:?}", line.get_ref()),
                    allowed: "a given name, a colon, and its short forms by commas: \"robert: bob, rob\""
                        .to_owned(),
                });
                continue;
            };
            for form in short.into_iter().chain([name.clone()]) {
                let names = full.entry(form).or_default();
                if !names.contains(&name) {
                    names.push(name.clone());
                }
            }
        }
        let particles = raw.particles.iter().map(|p| fold(p)).collect();
        if problems.is_empty() { Ok(Self { full, particles }) } else { Err(problems) }
    }

    /// The full names that `given` may stand for, itself among them where the list has it.
    pub fn full_names(&self, given: &str) -> &[String] {
        self.full.get(given).map(Vec::as_slice).unwrap_or_default()
    }

    /// Whether `word` is a small word of surnames: `van`, `de`, `al`.
    pub fn is_particle(&self, word: &str) -> bool {
        self.particles.contains(word)
    }
}

fn is_word(word: &str) -> bool {
    !word.is_empty() && !word.contains(char::is_whitespace)
}
