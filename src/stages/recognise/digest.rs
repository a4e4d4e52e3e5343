//! One mail, several invitations: a digest cut into entries that each read
//! like a notification of their own.

use crate::domain::{Link, Mail, Mailbox};
use crate::rulebook::Network;
use crate::stages::lines::links_of_text;

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
            entries.push(entry(mail, &lines, std::mem::take(&mut links), entries.is_empty()));
            lines.clear();
        }
        links.extend(found);
        lines.push(line);
    }
    if is_answerable(&links, network) {
        entries.push(entry(mail, &lines, links, entries.is_empty()));
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

fn entry(mail: &Mail, lines: &[&str], links: Vec<Link>, is_first: bool) -> Mail {
    let card = card(lines);
    let name = card.and_then(|at| lines.get(at)).copied().unwrap_or_default().to_owned();
    // What stands before the first card speaks of the digest, not of an inviter.
    let from = card.filter(|_| is_first).unwrap_or(0);
    Mail {
        from: Mailbox { name, address: mail.from.address.clone() },
        text: lines.get(from..).unwrap_or(lines).join("\n"),
        html_text: None,
        links,
        ..mail.clone()
    }
}

/// Where the first paragraph of two lines or more begins: name, headline, place.
fn card(lines: &[&str]) -> Option<usize> {
    let is_text = |at: usize| lines.get(at).is_some_and(|l| !l.is_empty() && links_of_text(l).is_empty());
    (0..lines.len()).find(|at| is_text(*at) && is_text(at + 1) && (*at == 0 || !is_text(at - 1)))
}
