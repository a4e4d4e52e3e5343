//! Which authserv-id the receiving provider signs with, learned from its mail.
//!
//! A sender can put a header into its own mails, not into everybody's: what
//! stands at the top of nearly all mail, whoever sent it, was put there by the
//! one who delivered it (RFC 8601 §5). The answer is advice for the owner to
//! confirm; nothing believes it by itself.

use std::collections::{BTreeMap, BTreeSet};

use super::authentic::is_beside_the_point;
use super::authres;
use super::hops::{Hops, organisation};
use crate::domain::Mail;

/// Fewer mails, or mails of fewer sender domains, show nothing.
const LEAST_MAILS: usize = 5;
const LEAST_SENDERS: usize = 3;

/// An id that stands in so large a share of the mails is the provider's. Some
/// mail never passes its checks: the owner's own, and what the provider itself writes.
const SHARE: f64 = 0.8;

/// What the mails of a mailbox show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signers {
    /// How many mails were looked at.
    pub looked: usize,
    /// Each id that stood at the top of a mail, with the number of mails; most first.
    pub seen: Vec<(String, usize)>,
    /// What to configure.
    pub advice: Advice,
}

/// What to configure as `authserv_id`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Advice {
    /// This: it stands on top of nearly all mail.
    Use(String),
    /// Nothing: the provider writes no such header.
    None,
    /// Too little mail, or no id that stands out: a person has to tell.
    Unclear,
}

/// Learns from headers: Authentication-Results, Received and From are enough.
pub fn learn(mails: &[Mail]) -> Signers {
    let mut ids: BTreeMap<String, Tally> = BTreeMap::new();
    let mut wider: BTreeMap<String, Tally> = BTreeMap::new();
    for mail in mails {
        let Some(id) = topmost(mail) else { continue };
        let sender = mail.from.address.as_ref().map(|a| a.domain().to_owned()).unwrap_or_default();
        if let Some(domain) = organisation(&id).filter(|domain| *domain != id) {
            wider.entry(format!("*.{domain}")).or_default().count(&sender);
        }
        ids.entry(id).or_default().count(&sender);
    }
    let advice = if ids.is_empty() && mails.len() >= LEAST_MAILS {
        Advice::None
    } else {
        let best = standing_out(&ids, mails.len()).or_else(|| standing_out(&wider, mails.len()));
        best.map_or(Advice::Unclear, Advice::Use)
    };
    let mut seen: Vec<(String, usize)> = ids.into_iter().map(|(id, tally)| (id, tally.mails)).collect();
    seen.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    Signers { looked: mails.len(), seen, advice }
}

#[derive(Default)]
struct Tally {
    mails: usize,
    senders: BTreeSet<String>,
}

impl Tally {
    fn count(&mut self, sender: &str) {
        self.mails += 1;
        self.senders.insert(sender.to_owned());
    }
}

fn standing_out(tallies: &BTreeMap<String, Tally>, all: usize) -> Option<String> {
    let stands_out = |tally: &Tally| {
        tally.mails >= LEAST_MAILS
            && tally.senders.len() >= LEAST_SENDERS
            && tally.mails as f64 >= SHARE * all as f64
    };
    tallies
        .iter()
        .filter(|(_, tally)| stands_out(tally))
        .max_by_key(|(_, t)| t.mails)
        .map(|(id, _)| id.clone())
}

/// The id of the topmost header that tells of the sender and stands above
/// every Received line of another organisation than the first one's.
fn topmost(mail: &Mail) -> Option<String> {
    let mut hops = Hops::unknown();
    for (name, value) in &mail.headers {
        if name.eq_ignore_ascii_case("Received") {
            hops.pass(value);
        }
        if hops.foreign {
            return None;
        }
        if name.eq_ignore_ascii_case("Authentication-Results")
            && let Ok(results) = authres::parse(value)
            && !is_beside_the_point(&results)
        {
            return Some(results.authserv_id.to_ascii_lowercase());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stages::parse::parse_header;

    fn mail(from: &str, headers: &str) -> Mail {
        let text = format!("{headers}From: <a@{from}>\r\nSubject: s\r\n\r\n");
        parse_header(text.as_bytes()).unwrap()
    }

    fn mails(header: impl Fn(usize) -> String) -> Vec<Mail> {
        (0..10).map(|n| mail(&format!("s{}.example", n % 4), &header(n))).collect()
    }

    #[test]
    fn the_id_on_top_of_nearly_all_mail_is_the_providers() {
        let found = learn(&mails(|n| match n {
            9 => String::new(),
            _ => "Received: by mx.example.org\r\nAuthentication-Results: mx.example.org; dmarc=pass\r\n\
                  Authentication-Results: forged.example; dmarc=pass\r\n"
                .to_owned(),
        }));
        assert_eq!(found.advice, Advice::Use("mx.example.org".into()));
        assert_eq!(found.seen, [("mx.example.org".to_owned(), 9)]);
    }

    #[test]
    fn names_of_single_machines_become_a_pattern() {
        let found =
            learn(&mails(|n| format!("Authentication-Results: mx{n}.mail.example.org; dkim=pass\r\n")));
        assert_eq!(found.advice, Advice::Use("*.example.org".into()));
    }

    #[test]
    fn one_diligent_sender_teaches_nothing() {
        let same = |_| mail("one.example", "Authentication-Results: mx.one.example; dmarc=pass\r\n");
        assert_eq!(learn(&(0..50).map(same).collect::<Vec<_>>()).advice, Advice::Unclear);
    }

    #[test]
    fn what_stands_below_another_host_is_not_counted() {
        let found = learn(&mails(|_| {
            "Received: by mx.example.org\r\nReceived: by out.sender.example\r\n\
             Authentication-Results: sender.example; dmarc=pass\r\n"
                .to_owned()
        }));
        assert_eq!(found.advice, Advice::None);
    }

    #[test]
    fn little_or_mixed_mail_is_unclear() {
        assert_eq!(learn(&[]).advice, Advice::Unclear);
        let found = learn(&mails(|n| format!("Authentication-Results: h.n{n}.example; dkim=pass\r\n")));
        assert_eq!(found.advice, Advice::Unclear);
        for (share, advice) in [(7, Advice::Unclear), (8, Advice::Use("mx.example.org".into()))] {
            let header = "Authentication-Results: mx.example.org; dkim=pass\r\n".to_owned();
            let found = learn(&mails(|n| if n < share { header.clone() } else { String::new() }));
            assert_eq!(found.advice, advice, "{share} of 10");
        }
    }
}
