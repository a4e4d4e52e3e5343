//! The serde mirror of `rules/openings/*.toml`; unknown keys are refused.

use serde::Deserialize;
use toml::Spanned;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    /// The language of the openings in the file; needed where there are any.
    pub(super) language: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) kind: Vec<Kind>,
    #[serde(default)]
    pub(super) opening: Vec<Opening>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Kind {
    pub(super) name: Spanned<String>,
    pub(super) rank: Spanned<u32>,
    #[serde(default)]
    pub(super) asks: bool,
    #[serde(default)]
    pub(super) why: String,
    #[serde(default)]
    pub(super) signals: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) patterns: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Opening {
    pub(super) kind: Spanned<String>,
    pub(super) text: Spanned<String>,
    #[serde(default)]
    pub(super) room: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) patterns: Vec<Spanned<String>>,
    pub(super) examples: Vec<Spanned<String>>,
}
