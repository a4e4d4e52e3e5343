//! Whether somebody may have changed a field of a genuine mail.
//!
//! A signature passes whatever is done to the fields it leaves out, and
//! networks leave Reply-To out. Who holds one genuine mail could send it on
//! with a Reply-To of a victim. Two things rule that out: the mail came
//! straight from the network's own servers, or all its signatures cover the
//! field. All of them: one that is added covers what its forger likes. Where we
//! have checked them ourselves, one that holds is enough.

use super::authentic::{self, Assume, within_any};
use super::authres::AuthResults;
use super::{Trust, own_check};
use crate::domain::Mail;

/// Nobody but the network can have written `field` of `mail`.
pub(super) fn for_field(field: &str, mail: &Mail, trust: &Trust<'_>) -> bool {
    if own_check::vouches_for(field, trust) {
        return true;
    }
    let results = trust.authserv_id.and_then(|wanted| authentic::believed(mail, wanted));
    match results {
        Some(results) => came_straight(&results, trust) || all_signatures_cover(field, mail, trust),
        None => trust.assume == Assume::Authentic,
    }
}

/// SPF passes for the network: the servers it names handed the mail over (RFC 7208).
fn came_straight(results: &AuthResults, trust: &Trust<'_>) -> bool {
    let mut spf = results.results.iter().filter(|r| r.method == "spf" && r.method_version == 1).peekable();
    spf.peek().is_some()
        && spf.all(|result| {
            let mut senders = result.values("smtp", "mailfrom");
            let (Some(sender), None) = (senders.next(), senders.next()) else { return false };
            let domain = sender.rsplit_once('@').map_or(sender, |(_, domain)| domain);
            result.result == "pass" && within_any(domain, trust.dkim_domains)
        })
}

/// Every DKIM-Signature of the network lists `field` (`h=`, RFC 6376 §3.5), and there is one.
fn all_signatures_cover(field: &str, mail: &Mail, trust: &Trust<'_>) -> bool {
    let mut own = mail
        .headers_named("DKIM-Signature")
        .filter(|signature| tag(signature, "d").is_some_and(|d| within_any(&d, trust.dkim_domains)))
        .peekable();
    own.peek().is_some()
        && own.all(|signature| {
            tag(signature, "h").is_some_and(|h| h.split(':').any(|name| name.eq_ignore_ascii_case(field)))
        })
}

/// The value of one tag, blanks removed; of a tag that stands there twice (RFC 6376 §3.2 forbids it) none.
fn tag(signature: &str, wanted: &str) -> Option<String> {
    let mut found = signature
        .split(';')
        .filter_map(|part| part.split_once('='))
        .filter(|(name, _)| name.trim() == wanted)
        .map(|(_, value)| value.split_whitespace().collect());
    let value = found.next();
    if found.next().is_some() { None } else { value }
}
