//! The serde mirror of `rules/notes/*.toml`; unknown keys are refused.

use serde::Deserialize;
use toml::Spanned;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    /// Primary tag of the language the file speaks of; none: of all.
    pub(super) language: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) script: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) words: Words,
    #[serde(default)]
    pub(super) signal: Vec<Signal>,
    #[serde(default)]
    pub(super) caution: Vec<Caution>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Words {
    /// The language's letters beyond a to z.
    #[serde(default)]
    pub(super) letters: Option<String>,
    #[serde(default)]
    pub(super) stop: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) greeting: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) closing: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) title: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) smalltalk: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Signal {
    pub(super) name: Spanned<String>,
    pub(super) side: Spanned<String>,
    pub(super) weight: Spanned<f64>,
    #[serde(default)]
    pub(super) at_most: Option<Spanned<usize>>,
    /// `body` (the default) or `whole`.
    #[serde(default)]
    pub(super) reads: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) languages: Vec<Spanned<String>>,
    pub(super) patterns: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) why: String,
    #[serde(default)]
    pub(super) examples: Vec<Example>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Example {
    pub(super) text: Spanned<String>,
    pub(super) expect: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Caution {
    pub(super) name: Spanned<String>,
    /// What it speaks of, for the owner.
    pub(super) about: Spanned<String>,
    pub(super) patterns: Vec<Spanned<String>>,
    /// Notes that it is to speak up on.
    #[serde(default)]
    pub(super) examples: Vec<Spanned<String>>,
    /// Notes that it is to pass.
    #[serde(default)]
    pub(super) passes: Vec<Spanned<String>>,
}
