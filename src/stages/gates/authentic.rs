//! Whether a mail comes from the network it names. Three answers, never two.
//!
//! Only one header is believed: the topmost Authentication-Results whose
//! authserv-id is the configured one (RFC 8601 §5: everything below may have
//! come with the mail). It must also stand above every Received line that
//! another organisation wrote, as far as those lines can be told apart.
//!
//! Where the owner asked for it, the network's signatures were checked by us
//! (`own_check`). That decides where the provider is silent, and where
//! it speaks the two must not contradict each other.

use crate::domain::{Mail, address::is_within};

use super::Trust;
use super::authres::{self, AuthResults, Malformed, MethodResult};
use super::hops::Hops;
use super::own_check::{self, Word};

/// What to do where a mail carries no Authentication-Results of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Assume {
    /// Believe what stands there.
    Nothing,
    /// Take the mail as authentic (`check --assume-authentic`, for mails that
    /// were saved without the header). A header of ours that speaks against
    /// the mail is still believed.
    Authentic,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Authenticity {
    /// Shown to come from the network.
    Authentic {
        /// The result that shows it.
        evidence: String,
    },
    /// It fails, contradicts itself, cannot be read, or what should stand there is missing.
    Against {
        /// One sentence for the owner.
        why: String,
    },
    /// It cannot be told: no authserv-id is configured, a key could not be had, or
    /// DMARC fails for a domain that is not the network's.
    NoEvidence {
        /// One sentence for the owner.
        why: String,
    },
}

use Authenticity::{Against, Authentic, NoEvidence};

/// Fields of which a mail has one at most (RFC 5322 §3.6, RFC 2045) and which
/// decide what it says or whom it names. A signature covers the lowest of a
/// name (RFC 6376 §5.4.2) and readers look at the topmost: whoever puts a
/// second one above a genuine mail changes its meaning and not its signature.
const SOLE_FIELDS: [&str; 10] = [
    "Date",
    "To",
    "Cc",
    "Sender",
    "Reply-To",
    "Subject",
    "Message-ID",
    "MIME-Version",
    "Content-Type",
    "Content-Transfer-Encoding",
];

/// Judges `mail` by the one header that `trust` names.
pub fn authentic(mail: &Mail, trust: &Trust<'_>) -> Authenticity {
    if let Some(oddity) = mail.oddity {
        return against(format!("This mail has {}, so that no signature vouches for it.", oddity.as_str()));
    }
    if let Some(field) = SOLE_FIELDS.into_iter().find(|field| mail.headers_named(field).nth(1).is_some()) {
        return against(format!(
            "Its {field} field stands there more than once, so that no signature vouches for it."
        ));
    }
    let own = own_check::weigh(mail, trust);
    let silent = match trust.authserv_id {
        None => NoEvidence {
            why: "No authserv_id is configured for this account, so that nothing can show \
                  where this mail comes from."
                .to_owned(),
        },
        Some(wanted) => match own_header(mail, wanted) {
            Found::Header(results) => return agreed(weigh(&results, mail, trust), own),
            Found::Unusable(why) => return against(why),
            Found::Missing => against(format!("No Authentication-Results of {wanted} stands in this mail.")),
        },
    };
    match (own, trust.assume) {
        (Some(word), _) if claimed_from(mail, trust).is_ok() => alone(word),
        (Some(_), _) => against(FOREIGN_FROM),
        (None, Assume::Nothing) => silent,
        (None, Assume::Authentic) => Authentic { evidence: "assumed, as asked for".to_owned() },
    }
}

/// What our own check comes to where the provider says nothing.
fn alone(word: Word) -> Authenticity {
    match word {
        Word::For(evidence) => Authentic { evidence },
        Word::Unsure(why) => NoEvidence { why },
        Word::Against(why) | Word::Nothing(why) => Against { why },
    }
}

/// What the provider says, unless our own check contradicts it.
fn agreed(said: Authenticity, own: Option<Word>) -> Authenticity {
    match (said, own) {
        (Authentic { evidence }, Some(Word::Against(why))) => {
            against(format!("The provider says {evidence}; our own DKIM check contradicts it. {why}"))
        }
        (Authentic { evidence }, Some(Word::For(ours))) => {
            Authentic { evidence: format!("{evidence}; {ours}") }
        }
        (said, _) => said,
    }
}

/// The one header that counts, where there is one that can be read.
pub(super) fn believed(mail: &Mail, wanted: &str) -> Option<AuthResults> {
    match own_header(mail, wanted) {
        Found::Header(results) => Some(results),
        Found::Unusable(_) | Found::Missing => None,
    }
}

enum Found {
    Header(AuthResults),
    Unusable(String),
    Missing,
}

/// The topmost header of the configured host, read. Providers that write one
/// header per kind of check put others above it; those that tell nothing of
/// the sender are passed over as long as nothing stands in between.
fn own_header(mail: &Mail, wanted: &str) -> Found {
    let mut hops = Hops::new(wanted);
    let mut passed_over = None;
    for (name, value) in &mail.headers {
        let read =
            if name.eq_ignore_ascii_case("Authentication-Results") { ours(value, wanted) } else { None };
        match read {
            Some(_) if hops.foreign => {
                return Found::Unusable(format!(
                    "The Authentication-Results of {wanted} stands below a Received line of \
                     another host, where a sender could have put it."
                ));
            }
            Some(Err(error)) => {
                return Found::Unusable(format!(
                    "The Authentication-Results of {wanted} cannot be read: expected {}.",
                    error.expected
                ));
            }
            Some(Ok(results)) if results.version != 1 => {
                return Found::Unusable(format!(
                    "The Authentication-Results of {wanted} has a version other than 1."
                ));
            }
            Some(Ok(results)) if is_beside_the_point(&results) => passed_over = Some(results),
            Some(Ok(results)) => return Found::Header(results),
            None if passed_over.is_some() => break,
            None if name.eq_ignore_ascii_case("Received") => hops.pass(value),
            None => {}
        }
    }
    passed_over.map_or(Found::Missing, Found::Header)
}

/// The header read, when it is of the configured host. One that breaks off
/// before its authserv-id is nobody's.
fn ours(value: &str, wanted: &str) -> Option<Result<AuthResults, Malformed>> {
    let read = authres::parse(value);
    let id = match &read {
        Ok(results) => Some(results.authserv_id.as_str()),
        Err(error) => error.authserv_id.as_deref(),
    };
    id.is_some_and(|id| is_id(id, wanted)).then_some(read)
}

/// Results about anything but the sender (`bimi`, `arc`, `x-ptr`, ...). SPF
/// counts as being to the point: a host that only checks SPF gets no second
/// header believed, since it may not remove what senders put there.
pub(super) fn is_beside_the_point(results: &AuthResults) -> bool {
    !results.results.is_empty()
        && !results.results.iter().any(|r| matches!(r.method.as_str(), "dkim" | "dmarc" | "spf"))
}

/// `id` is what is `wanted` (`account.NAME.authserv_id`). Some providers write the
/// name of whichever machine took the mail: `*.example.net` stands for every host
/// below that domain, and not for the domain itself.
pub fn is_id(id: &str, wanted: &str) -> bool {
    match wanted.strip_prefix("*.") {
        Some(domain) => !domain.is_empty() && is_within(id, domain) && !id.eq_ignore_ascii_case(domain),
        None => id.eq_ignore_ascii_case(wanted),
    }
}

const FOREIGN_FROM: &str = "The From address is not of the network, so that nothing vouches for it.";

/// The domain of the From, where it is the network's; an inviter's own is
/// allowed where the network writes in their name.
fn claimed_from<'a>(mail: &'a Mail, trust: &Trust<'_>) -> Result<Option<&'a str>, ForeignFrom> {
    let from = mail.from.address.as_ref().map(|a| a.domain());
    let claimed = from.filter(|from| trust.is_own(from) || within_any(from, trust.dmarc_domains));
    if claimed.is_none() && !trust.guest { Err(ForeignFrom) } else { Ok(claimed) }
}

struct ForeignFrom;

/// Weighs the results of the one believed header.
fn weigh(results: &AuthResults, mail: &Mail, trust: &Trust<'_>) -> Authenticity {
    let Ok(claimed) = claimed_from(mail, trust) else {
        return against(FOREIGN_FROM);
    };
    // RFC 8601 §2.6: a version of a method that is not known says nothing.
    let known = || results.results.iter().filter(|r| r.method_version == 1);
    if let Some(method) = ["dmarc", "dkim"].into_iter().find(|method| contradicts_itself(results, method)) {
        return against(format!(
            "One header says both that {method} passes and that there is nothing to check."
        ));
    }
    let dmarc = match claimed {
        Some(from) => weigh_dmarc(known().filter(|r| r.method == "dmarc"), from, trust),
        None => Weight::Silent,
    };
    let dkim = weigh_dkim(known().filter(|r| r.method == "dkim"), trust);
    let by = &results.authserv_id;
    match (dmarc, dkim) {
        (Weight::Against(why), _) | (_, Weight::Against(why)) => against(why),
        // No mail of a network can be aligned (RFC 7489 §3.1) with an inviter's own domain.
        (Weight::Silent, Weight::For(_)) if claimed.is_none() && known().any(fails_dmarc) => NoEvidence {
            why: "DMARC fails for the inviter's own domain: the network's signature holds, but nothing of \
                  theirs shows that the mail is sent in their name."
                .to_owned(),
        },
        (Weight::For(what), _) | (_, Weight::For(what)) => {
            Authentic { evidence: format!("{what}, says {by}") }
        }
        (Weight::Silent, Weight::Silent) => {
            against(format!("{by} reports no pass for a domain of the network."))
        }
    }
}

/// `none` means that there was nothing to check (RFC 8601 §2.7). Beside a pass
/// one of the two is not the host's: a sender's text that was written without quotes.
fn contradicts_itself(results: &AuthResults, method: &str) -> bool {
    let says = |word| results.results.iter().any(|r| r.method == method && r.result == word);
    says("pass") && says("none")
}

enum Weight {
    For(String),
    Against(String),
    Silent,
}

fn fails_dmarc(result: &MethodResult) -> bool {
    result.method == "dmarc" && result.result == "fail"
}

/// DMARC speaks of the From domain (RFC 7489 §11.1 registers `header.from`).
fn weigh_dmarc<'a>(results: impl Iterator<Item = &'a MethodResult>, from: &str, trust: &Trust<'_>) -> Weight {
    let mut weight = Weight::Silent;
    for result in results {
        match result.result.as_str() {
            "fail" => {
                return Weight::Against("DMARC fails for the network's domain in the From.".to_owned());
            }
            "pass" => {
                let mut domains = result.values("header", "from");
                let (Some(domain), None) = (domains.next(), domains.next()) else {
                    continue;
                };
                if !(is_within(domain, from) || is_within(from, domain)) {
                    return Weight::Against(
                        "The DMARC result is about another domain than the From.".to_owned(),
                    );
                }
                if within_any(domain, trust.dmarc_domains) {
                    weight = Weight::For(format!("dmarc=pass header.from={domain}"));
                }
            }
            _ => {}
        }
    }
    weight
}

/// One verified or failed signature of the network.
struct Signature<'a> {
    domain: &'a str,
    selector: Option<&'a str>,
}

impl Signature<'_> {
    /// Two results about one signature; where a selector is missing it cannot be told.
    fn is_perhaps(&self, other: &Self) -> bool {
        self.domain.eq_ignore_ascii_case(other.domain)
            && match (self.selector, other.selector) {
                (Some(one), Some(two)) => one.eq_ignore_ascii_case(two),
                _ => true,
            }
    }
}

fn weigh_dkim<'a>(results: impl Iterator<Item = &'a MethodResult>, trust: &Trust<'_>) -> Weight {
    let mut passed = Vec::new();
    let mut failed = Vec::new();
    for result in results {
        let Some(domain) = signer(result).filter(|d| within_any(d, trust.dkim_domains)) else {
            continue;
        };
        let signature = Signature { domain, selector: result.values("header", "s").next() };
        match result.result.as_str() {
            "pass" => passed.push(signature),
            "fail" => failed.push(signature),
            _ => {}
        }
    }
    let contradicts = |one: &Signature<'_>| failed.iter().any(|two| one.is_perhaps(two));
    if passed.iter().any(contradicts) {
        return Weight::Against(
            "One signature of the network is reported both as passed and as failed.".to_owned(),
        );
    }
    passed
        .first()
        .map_or(Weight::Silent, |signature| Weight::For(format!("dkim=pass header.d={}", signature.domain)))
}

/// The signing domain: `header.d`, else the domain of `header.i`. An `i`
/// outside its `d` (forbidden by RFC 6376 §3.5) or a repeated one names nobody.
fn signer(result: &MethodResult) -> Option<&str> {
    let sole = |name| {
        let values: Vec<_> = result.values("header", name).take(2).collect();
        match values.as_slice() {
            [] => Some(None),
            [one] => Some(Some(*one)),
            _ => None,
        }
    };
    let agent = sole("i")?.map(|i| i.rsplit_once('@').map_or(i, |(_, domain)| domain));
    match (sole("d")?, agent) {
        (Some(d), Some(i)) => is_within(i, d).then_some(d),
        (Some(domain), None) | (None, Some(domain)) => Some(domain),
        (None, None) => None,
    }
}

/// `host` is one of `domains` or stands below one.
pub(super) fn within_any(host: &str, domains: &[String]) -> bool {
    domains.iter().any(|domain| !domain.is_empty() && is_within(host, domain))
}

fn against(why: impl Into<String>) -> Authenticity {
    Against { why: why.into() }
}
