//! One mail, several invitations: a digest cut into entries that each read
//! like a notification of their own.

use crate::domain::{Link, Mail, Mailbox};
use crate::rulebook::Network;
use crate::stages::parse::links_of_text;

/// No digest was seen with more; a mail with more is no digest.
const MAX_ENTRIES: usize = 50;

/// The entries of `mail`, each as a mail of its own: the lines up to the links
/// by which it is answered, sent by the person its card names. Empty for a
/// digest that only counts, or that shows no such links in its text.
pub(super) fn entries(mail: &Mail, network: &Network) -> Vec<Mail> {
    let mut entries = Vec::new();
    let mut lines: Vec<&str> = Vec::new();
    let mut links: Vec<Link> = Vec::new();
    for line in mail.text.lines() {
        let found = links_of_text(line);
        // The first line without a link behind an answerable one begins the next entry.
        if found.is_empty() && is_answerable(&links, network) {
            entries.push(entry(mail, &lines, std::mem::take(&mut links)));
            lines.clear();
        }
        links.extend(found);
        lines.push(line);
    }
    if is_answerable(&links, network) {
        entries.push(entry(mail, &lines, links));
    }
    entries.truncate(MAX_ENTRIES);
    entries
}

fn is_answerable(links: &[Link], network: &Network) -> bool {
    links.iter().any(|link| {
        network.accept_link.as_ref().is_some_and(|accept| accept.is_match(&link.url))
            && network.invitation_ids.iter().any(|id| id.pattern.is_match(&link.url))
    })
}

fn entry(mail: &Mail, lines: &[&str], links: Vec<Link>) -> Mail {
    let name = card_name(lines).unwrap_or_default().to_owned();
    Mail {
        from: Mailbox { name, address: mail.from.address.clone() },
        text: lines.join("\n"),
        html_text: None,
        links,
        ..mail.clone()
    }
}

/// The first line of the first paragraph of two lines or more: name, headline, place.
fn card_name<'a>(lines: &[&'a str]) -> Option<&'a str> {
    lines
        .split(|line| line.is_empty())
        .find(|paragraph| paragraph.len() >= 2 && paragraph.iter().all(|line| links_of_text(line).is_empty()))
        .and_then(|card| card.first().copied())
}
