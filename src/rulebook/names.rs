//! `rules/names.toml`: which words of a display name are no part of a greeting.

use serde::Deserialize;

use crate::domain::Problem;

/// Word lists for cleaning names; all lower case, without full stops.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Names {
    /// Before a name: `dr`, `prof`, `mr`.
    pub titles: Vec<String>,
    /// Behind a name: `phd`, `mba`, `pmp`.
    pub degrees: Vec<String>,
    /// Words that tell a company or a role from a person.
    pub company_words: Vec<String>,
    /// Words that stand for nobody: `member`, `linkedin`, `undefined`.
    pub nobody: Vec<String>,
}

impl Names {
    pub(super) fn compile(file: &str, text: &str) -> Result<Self, Vec<Problem>> {
        let names: Self = toml::from_str(text).map_err(|e| vec![super::toml_problem(file, text, &e)])?;
        let lower = |list: Vec<String>| list.into_iter().map(|w| w.to_lowercase()).collect();
        Ok(Self {
            titles: lower(names.titles),
            degrees: lower(names.degrees),
            company_words: lower(names.company_words),
            nobody: lower(names.nobody),
        })
    }
}
