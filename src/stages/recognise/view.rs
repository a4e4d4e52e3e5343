//! A mail as the rules of one network see it.

use std::cell::OnceCell;

use crate::domain::Mail;
use crate::rulebook::Network;
use crate::rulebook::banners::Banners;
use crate::rulebook::network::{Part, Source, Test};
use crate::stages::gateway::host;

/// A heading stands in the first lines of a page, above any button.
const HEADING_LINES: usize = 6;
/// Fewer letters of a name stand in many words.
const MIN_NAME_CHARS: usize = 2;
/// What the network writes is no link of a few: two of a host beside none of the network's.
const MIN_REWRITTEN: usize = 2;

/// Rules look at so much of a text; notes and frames stand at its beginning.
const MAX_LOOK_BYTES: usize = 64 * 1024;

pub(super) struct View<'a> {
    pub(super) mail: &'a Mail,
    pub(super) network: &'a Network,
    /// Without what a gateway put before it.
    pub(super) subject: &'a str,
    templates: OnceCell<Vec<String>>,
    rewriter: OnceCell<Option<String>>,
}

impl<'a> View<'a> {
    pub(super) fn new(mail: &'a Mail, network: &'a Network, banners: &Banners) -> Self {
        let subject = banners.behind_tag(&mail.subject);
        Self { mail, network, subject, templates: OnceCell::new(), rewriter: OnceCell::new() }
    }

    /// Whether an address of the network's own sent the mail.
    pub(super) fn is_own(&self) -> bool {
        self.mail.from.address.as_ref().is_some_and(|from| self.network.owns(from.domain()))
    }

    /// Whether the link to `url` is of the network's making: inviters write links into their notes too.
    pub(super) fn writes(&self, url: &str) -> bool {
        self.network.writes(url) || self.rewriter() == Some(host(url))
    }

    /// The host that most links of a mail lead to in which none leads to the
    /// network that sent it: a gateway's, which does not tell where they lead.
    pub(super) fn rewriter(&self) -> Option<&str> {
        let found = self.rewriter.get_or_init(|| {
            let links = &self.mail.links;
            if !self.is_own() || links.iter().any(|link| self.network.writes(&link.url)) {
                return None;
            }
            let mut hosts: Vec<&str> = links.iter().map(|link| host(&link.url)).collect();
            hosts.sort_unstable();
            let most = hosts.chunk_by(|a, b| a == b).max_by_key(|same| same.len())?;
            let host = most.first().filter(|host| !host.is_empty() && most.len() >= MIN_REWRITTEN)?;
            Some((*host).to_owned())
        });
        found.as_deref()
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

    fn heading(&self) -> Vec<(&'static str, &str)> {
        let mail = self.mail;
        let shown = mail.from.name.as_str();
        let name = shown.split_whitespace().next().unwrap_or_default().to_lowercase();
        let is_named =
            name.chars().count() >= MIN_NAME_CHARS && !name.eq_ignore_ascii_case(&self.network.label);
        let lines =
            [Some(mail.text.as_str()), mail.html_text.as_deref()].into_iter().flatten().flat_map(|text| {
                self.looked_at(text).lines().filter(|line| !line.is_empty()).take(HEADING_LINES)
            });
        let about_sender = lines.filter(|line| is_named && line.to_lowercase().contains(&name));
        std::iter::once(("subject", self.subject)).chain(about_sender.map(|line| ("text", line))).collect()
    }

    fn parts<'s>(&'s self, part: &'s Part) -> Vec<(&'static str, &'s str)> {
        match part {
            Part::Subject => vec![("subject", self.subject)],
            Part::Heading => self.heading(),
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
