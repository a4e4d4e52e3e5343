//! A mail as the rules of one network see it.

use std::cell::OnceCell;

use crate::domain::Mail;
use crate::rulebook::Network;
use crate::rulebook::network::{Part, Source, Test};

/// Rules look at so much of a text; notes and frames stand at its beginning.
const MAX_LOOK_BYTES: usize = 64 * 1024;

pub(super) struct View<'a> {
    pub(super) mail: &'a Mail,
    pub(super) network: &'a Network,
    templates: OnceCell<Vec<String>>,
}

impl<'a> View<'a> {
    pub(super) fn new(mail: &'a Mail, network: &'a Network) -> Self {
        Self { mail, network, templates: OnceCell::new() }
    }

    /// The text rules may look at.
    pub(super) fn text(&self) -> &'a str {
        self.looked_at(&self.mail.text)
    }

    /// As much of `text` as rules may look at.
    pub(super) fn looked_at<'t>(&self, text: &'t str) -> &'t str {
        let mut cut = MAX_LOOK_BYTES.min(text.len());
        while !text.is_char_boundary(cut) {
            cut -= 1;
        }
        text.get(..cut).unwrap_or(text)
    }

    /// What of the mail `test` matches, in words for the evidence, which is
    /// stored. A link may hold a sign-in token, so of links only the fact is told.
    pub(super) fn matches(&self, test: &Test) -> Option<String> {
        let (part, hit) = self
            .parts(&test.part)
            .into_iter()
            .find_map(|(part, value)| test.pattern.find(value).map(|m| (part, m.as_str())))?;
        if test.part == Part::Link {
            return Some("a link of that kind".to_owned());
        }
        let short: String = without_links(hit).chars().take(80).collect();
        Some(format!("{part} {short:?}"))
    }

    /// The value at `source`: its pattern's first group, in the first part that matches.
    pub(super) fn value(&self, source: &Source) -> Option<String> {
        self.parts(&source.part).into_iter().find_map(|(_, text)| {
            let found = source.pattern.captures(text)?.get(1)?.as_str().trim().to_owned();
            (!found.is_empty()).then_some(found)
        })
    }

    /// The first value that any of `sources` finds.
    pub(super) fn first(&self, sources: &[Source]) -> Option<String> {
        sources.iter().find_map(|source| self.value(source))
    }

    fn templates(&self) -> &[String] {
        self.templates
            .get_or_init(|| self.network.templates.iter().filter_map(|source| self.value(source)).collect())
    }

    fn parts<'s>(&'s self, part: &'s Part) -> Vec<(&'static str, &'s str)> {
        match part {
            Part::Subject => vec![("subject", self.mail.subject.as_str())],
            Part::FromName => vec![("sender name", self.mail.from.name.as_str())],
            Part::MessageId => self.mail.message_id.iter().map(|id| ("Message-ID", id.as_str())).collect(),
            Part::Header(name) => self.mail.headers_named(name).map(|v| ("header", v)).collect(),
            Part::Text => vec![("text", self.text())],
            Part::Preheader => vec![("preheader", self.mail.preheader.as_str())],
            Part::Link => self.mail.links.iter().map(|l| ("link", l.url.as_str())).collect(),
            Part::Template => self.templates().iter().map(|t| ("template", t.as_str())).collect(),
        }
    }
}

/// `text` with a mark in place of each word that holds a link.
fn without_links(text: &str) -> String {
    let words = text.split_whitespace().map(|word| if word.contains("://") { "[link]" } else { word });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_link_gets_into_evidence() {
        let shown = without_links("see <https://net.example/?midToken=s3cret> HTTP://x/t=1 now");
        assert_eq!(shown, "see [link] [link] now");
    }
}
