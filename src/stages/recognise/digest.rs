//! One mail, several invitations: a digest cut into entries that each read
//! like a notification of their own.

use crate::domain::{Link, Mail, Mailbox};
use crate::rulebook::Network;
use crate::rulebook::network::Source;
use crate::stages::lines::links_of_text;

/// No digest was seen with more; a mail with more is no digest.
const MAX_ENTRIES: usize = 50;

/// The entries of `mail`, each as a mail of its own: the lines up to the links
/// by which it is answered, sent by the person its card names. Empty for a
/// digest that only counts, or that shows no such links.
pub(super) fn entries(mail: &Mail, network: &Network) -> Vec<Mail> {
    let written = || mail.text.lines().map(|line| (line, links_of_text(line)));
    if mail.text_is_rendered {
        return cut(mail, network, rendered(&mail.text, &mail.links).into_iter());
    }
    let found = cut(mail, network, written());
    match &mail.html_text {
        Some(html) if found.is_empty() => {
            let of_html = mail.links.get(written().map(|(_, links)| links.len()).sum()..).unwrap_or_default();
            cut(mail, network, rendered(html, of_html).into_iter())
        }
        _ => found,
    }
}

/// How many invitations the answering links of `mail` speak of.
pub(super) fn invitations(mail: &Mail, network: &Network) -> usize {
    let mut ids: Vec<&str> = mail
        .links
        .iter()
        .filter(|link| accepts(link, network))
        .filter_map(|link| id(link, network))
        .collect();
    ids.sort_unstable();
    ids.dedup();
    ids.len()
}

fn cut<'a>(mail: &Mail, network: &Network, lines: impl Iterator<Item = (&'a str, Vec<Link>)>) -> Vec<Mail> {
    let mut entries = Vec::new();
    let mut text: Vec<&str> = Vec::new();
    let mut links: Vec<Link> = Vec::new();
    for (line, found) in lines {
        if begins_next(&links, &found, network) {
            entries.push(entry(mail, &text, std::mem::take(&mut links), network, entries.is_empty()));
            text.clear();
        }
        links.extend(found);
        text.push(line);
    }
    if is_answerable(&links, network) {
        entries.push(entry(mail, &text, links, network, entries.is_empty()));
    }
    entries.truncate(MAX_ENTRIES);
    entries
}

/// The lines of rendered HTML with their links, which came in the same order.
fn rendered<'a>(text: &'a str, links: &[Link]) -> Vec<(&'a str, Vec<Link>)> {
    let mut rest = links.iter().peekable();
    let mut pictures = Vec::new();
    let mut out = Vec::new();
    for line in text.lines() {
        let mut found = Vec::new();
        while let Some(link) = rest.next_if(|link| line.contains(&link.label)) {
            pictures.push(link.clone());
            // A picture belongs to what follows it.
            if !link.label.is_empty() {
                found.append(&mut pictures);
            }
        }
        out.push((line, found));
    }
    out
}

/// Whether a line with the links `found` is no longer about the invitation that `links` answer.
fn begins_next(links: &[Link], found: &[Link], network: &Network) -> bool {
    is_answerable(links, network)
        && (found.is_empty()
            || found.iter().any(|link| {
                let other = |new: Option<String>, old: fn(&Link, &Network) -> Option<String>| {
                    new.is_some_and(|new| {
                        links.iter().filter_map(|link| old(link, network)).all(|old| old != new)
                    })
                };
                other(person(link, network), person)
                    || other(id(link, network).map(str::to_owned), |link, network| {
                        id(link, network).map(str::to_owned)
                    })
            }))
}

fn is_answerable(links: &[Link], network: &Network) -> bool {
    links.iter().any(|link| accepts(link, network) && id(link, network).is_some())
}

fn accepts(link: &Link, network: &Network) -> bool {
    network.accept_link.as_ref().is_some_and(|accept| accept.is_match(&link.url))
}

fn id<'a>(link: &'a Link, network: &Network) -> Option<&'a str> {
    let value = |source: &Source| source.pattern.captures(&link.url)?.get(1).map(|id| id.as_str());
    network.invitation_ids.iter().find_map(value)
}

fn person(link: &Link, network: &Network) -> Option<String> {
    network.profiles.iter().find_map(|rule| rule.page(&link.url)).map(|(page, _)| page)
}

fn entry(mail: &Mail, lines: &[&str], links: Vec<Link>, network: &Network, is_first: bool) -> Mail {
    let card = card(lines);
    let shown = || card.and_then(|at| lines.get(at)).map(|line| (*line).to_owned());
    let linked = links
        .iter()
        .find(|link| !link.label.is_empty() && person(link, network).is_some())
        .map(|link| link.label.clone());
    let name = linked.clone().or_else(shown).unwrap_or_default();
    let begin = match linked {
        Some(name) => lines.iter().position(|line| *line == name),
        None => card,
    };
    // What stands before the first card speaks of the digest, not of an inviter.
    let from = begin.filter(|_| is_first).unwrap_or(0);
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
