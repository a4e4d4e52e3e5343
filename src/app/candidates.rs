//! What is asked of a mailbox to find mail that may be a network's.

use crate::rulebook::Rulebook;
use crate::rulebook::network::Sender;
use crate::shell::mailbox::SearchTerm;
use crate::stages::replies;

/// The header fields that tell invitations and answers to our letters apart from other mail.
pub(super) fn header_fields(rules: &Rulebook) -> Vec<String> {
    let mut fields = rules.header_fields();
    for name in replies::fields() {
        if !fields.iter().any(|field| field.eq_ignore_ascii_case(name)) {
            fields.push(name.to_owned());
        }
    }
    fields
}

/// What a server can be asked for to find the networks' mail.
pub(super) fn search_terms(rules: &Rulebook) -> Vec<SearchTerm> {
    let mut terms = Vec::new();
    let networks = rules.networks.values();
    for (network, look) in networks.flat_map(|n| n.looks.iter().map(move |look| (n, look))) {
        let senders = match &look.from {
            Some(Sender::Addresses(list)) => list.as_slice(),
            Some(Sender::Network) if look.search.is_empty() => network.domains.as_slice(),
            Some(Sender::Network | Sender::Inviter) | None => &[],
        };
        terms.extend(senders.iter().map(|from| SearchTerm::From(from.clone())));
        terms.extend(
            look.search
                .iter()
                .map(|(name, value)| SearchTerm::Header { name: name.clone(), value: value.clone() }),
        );
    }
    terms
}

/// Whether an unreadable header speaks of a network at all; other people's broken mail is not ours to list.
pub(super) fn names_a_network(header: &[u8], rules: &Rulebook) -> bool {
    let text = String::from_utf8_lossy(header).to_lowercase();
    rules.networks.values().flat_map(|n| &n.domains).any(|domain| text.contains(domain.as_str()))
}
