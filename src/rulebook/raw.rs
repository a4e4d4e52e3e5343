//! `rules/networks/*.toml` as written: the serde mirror.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawNetwork {
    pub(super) id: Spanned<String>,
    pub(super) label: String,
    /// How sure the facts are; for readers of the file.
    #[serde(rename = "facts")]
    pub(super) _facts: String,
    pub(super) senders: RawSenders,
    pub(super) trust: RawTrust,
    pub(super) pages: RawPages,
    #[serde(default)]
    pub(super) look: Vec<RawLook>,
    #[serde(default)]
    pub(super) find: RawFind,
    #[serde(default)]
    pub(super) frame: Vec<RawFrame>,
    #[serde(default)]
    pub(super) defaults: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSenders {
    pub(super) domains: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) relay: Vec<Spanned<String>>,
    pub(super) person_reply_until: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) name_noise: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawTrust {
    pub(super) domains: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPages {
    pub(super) invitations: Spanned<String>,
    #[serde(default)]
    pub(super) profile: Vec<RawProfile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawProfile {
    pub(super) link: Spanned<String>,
    pub(super) not: Option<Spanned<String>>,
    pub(super) best: Option<Spanned<String>>,
    pub(super) canonical: Spanned<String>,
    #[serde(default = "yes")]
    pub(super) stable: bool,
}

fn yes() -> bool {
    true
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawLook {
    pub(super) from: Option<Spanned<RawFrom>>,
    #[serde(default)]
    pub(super) all: Vec<Spanned<RawTest>>,
    #[serde(default)]
    pub(super) any: Vec<Spanned<RawTest>>,
    #[serde(default)]
    pub(super) search: Vec<RawSearch>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSearch {
    pub(super) header: String,
    pub(super) value: String,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawFind {
    pub(super) revision: Option<Spanned<u32>>,
    #[serde(default)]
    pub(super) template: Vec<Spanned<RawTest>>,
    #[serde(default)]
    pub(super) invitation_id: Vec<Spanned<RawTest>>,
    #[serde(default)]
    pub(super) shared_key: Vec<Spanned<RawTest>>,
    pub(super) accept_link: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) common: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) about_inviter: Vec<Spanned<String>>,
    pub(super) frame_link: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawFrame {
    pub(super) name: String,
    pub(super) kind: Spanned<String>,
    pub(super) from: Spanned<RawFrom>,
    #[serde(default)]
    pub(super) all: Vec<Spanned<RawTest>>,
    #[serde(default)]
    pub(super) any: Vec<Spanned<RawTest>>,
    #[serde(default)]
    pub(super) none: Vec<Spanned<RawTest>>,
    pub(super) like: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) note: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) inviter: Vec<Spanned<RawTest>>,
    #[serde(default)]
    pub(super) prelude: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) prelude_about_inviter: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) end: Vec<Spanned<String>>,
    pub(super) greeting: Option<Spanned<String>>,
    pub(super) closing: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected \"network\", \"inviter\" or a list of addresses")]
pub(super) enum RawFrom {
    Word(String),
    Addresses(Vec<String>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawTest {
    pub(super) subject: Option<Spanned<String>>,
    pub(super) heading: Option<Spanned<String>>,
    pub(super) from_name: Option<Spanned<String>>,
    pub(super) message_id: Option<Spanned<String>>,
    pub(super) header: Option<Spanned<String>>,
    pub(super) is: Option<Spanned<String>>,
    pub(super) text: Option<Spanned<String>>,
    pub(super) preheader: Option<Spanned<String>>,
    pub(super) link: Option<Spanned<String>>,
    pub(super) template: Option<Spanned<String>>,
}

impl RawTest {
    /// The patterns that need a body.
    pub(super) fn body_patterns(&self) -> impl Iterator<Item = &Spanned<String>> {
        [&self.heading, &self.text, &self.preheader, &self.link, &self.template].into_iter().flatten()
    }

    /// The patterns, whatever they look at.
    pub(super) fn patterns(&self) -> impl Iterator<Item = &Spanned<String>> {
        let of_header = [&self.is, &self.subject, &self.from_name, &self.message_id];
        of_header.into_iter().flatten().chain(self.body_patterns())
    }
}
