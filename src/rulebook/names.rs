//! `rules/names.toml`: which words of a display name are no part of a greeting.

use serde::Deserialize;

use crate::domain::Problem;

/// Companies' words this short are names as well where they stand first.
const MIN_FIRST_CHARS: usize = 4;

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
    /// Those of `titles` that are given names too, and titles only with a full stop: `nat`, `don`.
    #[serde(default)]
    only_with_stop: Vec<String>,
    /// Those of `degrees` that are names too: `ma`, `do`.
    #[serde(default)]
    degrees_and_names: Vec<String>,
    /// Those of `titles` that go with a given name alone: `sir`.
    #[serde(default)]
    with_given_name: Vec<String>,
    /// Given names that want the next word: `abdul`.
    #[serde(default)]
    compounds: Vec<String>,
    /// Small words of family names: `van`, `de`.
    #[serde(default)]
    particles: Vec<String>,
    /// Family names of people who mostly put them first.
    #[serde(default)]
    family_names: Vec<String>,
    /// Endings of patronymics: a name that ends in one begins with the family name.
    #[serde(default)]
    patronymics: Vec<String>,
    /// Endings of companies' names in scripts without blanks.
    #[serde(default)]
    company_endings: Vec<String>,
}

impl Names {
    pub(crate) fn compile(file: &str, text: &str) -> Result<Self, Vec<Problem>> {
        let names: Self = toml::from_str(text).map_err(|e| vec![super::toml_problem(file, text, &e)])?;
        let lower = |list: Vec<String>| list.into_iter().map(|w| w.to_lowercase()).collect();
        Ok(Self {
            titles: lower(names.titles),
            degrees: lower(names.degrees),
            company_words: lower(names.company_words),
            nobody: lower(names.nobody),
            only_with_stop: lower(names.only_with_stop),
            degrees_and_names: lower(names.degrees_and_names),
            with_given_name: lower(names.with_given_name),
            compounds: lower(names.compounds),
            particles: lower(names.particles),
            family_names: lower(names.family_names),
            patronymics: lower(names.patronymics),
            company_endings: lower(names.company_endings),
        })
    }

    /// Whether `name` stands for nobody.
    pub fn is_nobody(&self, name: &str) -> bool {
        self.nobody.contains(&name.to_lowercase())
    }

    /// Whether `word`, with its full stop if it has one, is a title.
    pub fn is_title(&self, word: &str) -> bool {
        let bare = bare(word);
        self.titles.contains(&bare) && (word.ends_with('.') || !self.only_with_stop.contains(&bare))
    }

    /// Whether `word` stands behind names.
    pub fn is_degree(&self, word: &str) -> bool {
        self.degrees.contains(&bare(word))
    }

    /// Whether the title or degree `word` is a name as well.
    pub fn is_name_too(&self, word: &str) -> bool {
        let bare = bare(word);
        self.only_with_stop.contains(&bare) || self.degrees_and_names.contains(&bare)
    }

    /// Whether the title `word` goes with a given name alone.
    pub fn is_with_given(&self, word: &str) -> bool {
        self.with_given_name.contains(&bare(word))
    }

    /// Whether `word`, anywhere in a name, says that it is no person's.
    pub fn is_company(&self, word: &str) -> bool {
        let bare = bare(word);
        self.company_words.contains(&bare) || self.company_endings.iter().any(|end| bare.ends_with(end))
    }

    /// The same for the first word, where short ones may be names.
    pub fn is_company_first(&self, word: &str) -> bool {
        let bare = bare(word);
        (bare.chars().count() >= MIN_FIRST_CHARS || bare == "hr") && self.is_company(word)
    }

    /// Whether the given name `word` wants the next word.
    pub fn is_compound(&self, word: &str) -> bool {
        self.compounds.contains(&bare(word))
    }

    /// Whether `word` is a small word of family names.
    pub fn is_particle(&self, word: &str) -> bool {
        self.particles.contains(&bare(word))
    }

    /// Whether `word` is a family name that mostly stands first.
    pub fn is_family_name(&self, word: &str) -> bool {
        self.family_names.contains(&bare(word))
    }

    /// Whether `word` is a patronymic.
    pub fn is_patronymic(&self, word: &str) -> bool {
        let bare = bare(word);
        self.patronymics.iter().any(|end| bare.ends_with(end))
    }
}

fn bare(word: &str) -> String {
    word.replace(['.', '\''], "").to_lowercase()
}
