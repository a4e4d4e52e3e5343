//! What is this mail, and if it is an invitation: who, what, how to answer.
//!
//! No network is known here by name: frames, links and senders are rules.

mod card;
mod casing;
mod digest;
mod extract;
mod key;
mod name;
mod page;
mod route;
mod torn;
mod view;

pub use key::same_name;
pub use name::first_name;
pub(super) use route::for_owner;

use crate::domain::{Evidence, Invitation, Mail, Notice, Stage};
use crate::rulebook::network::{Frame, Look, Sender};
use crate::rulebook::{Network, Rulebook};
use crate::stages::automatic::list_manager;
use crate::stages::subject::is_reply_or_forward;
use torn::without_queries;
use view::View;

/// What a mail turned out to be.
#[derive(Clone, Debug, PartialEq)]
pub struct Recognised {
    /// The network's id, where a network's rules claim the mail.
    pub network: Option<String>,
    /// What it is.
    pub notice: Notice,
    /// Whether it came from the inviter's own address instead of the network's.
    pub guest: bool,
    /// Whether its notes could be told from what the network wrote.
    pub sight: Sight,
    /// The invitations it tells of, none for other mail.
    pub invitations: Vec<Invitation>,
    /// Which rules matched which words.
    pub evidence: Vec<Evidence>,
}

/// How well a notification shows where a note would stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sight {
    /// A card, a link or words of the network's show where notes end.
    #[default]
    Clear,
    /// Nothing does, so that nobody can tell a note from the page: there may be one.
    Unframed,
}

/// Whether the body of a mail with this header is worth fetching.
pub fn is_candidate(header: &Mail, rules: &Rulebook) -> bool {
    rules.networks.values().any(|network| {
        let view = View::new(header, network, &rules.banners);
        network.looks.iter().any(|look| looks_right(look, &view))
    })
}

fn looks_right(look: &Look, view: &View<'_>) -> bool {
    look.from.as_ref().is_none_or(|from| sent_by(from, view))
        && look.all.iter().all(|test| view.matches(test).is_some())
        && (look.any.is_empty() || look.any.iter().any(|test| view.matches(test).is_some()))
}

fn sent_by(sender: &Sender, view: &View<'_>) -> bool {
    let Some(address) = &view.mail.from.address else { return false };
    match sender {
        Sender::Network => view.is_own(),
        Sender::Addresses(list) => list.contains(&address.canonical()),
        Sender::Inviter => !view.is_own() && !is_of_a_persons_hand(view.mail),
    }
}

/// Recognises a whole mail.
pub fn recognise(mail: &Mail, rules: &Rulebook) -> Recognised {
    let mut other = Recognised {
        network: None,
        notice: Notice::Other,
        guest: false,
        sight: Sight::Clear,
        invitations: Vec::new(),
        evidence: Vec::new(),
    };
    for network in rules.networks.values() {
        let view = View::new(mail, network, &rules.banners);
        let own = view.is_own();
        if own {
            other.network = Some(network.id.clone());
        }
        let Some((frame, matched)) = network.frames.iter().find_map(|f| fits(f, &view).map(|m| (f, m)))
        else {
            continue;
        };
        let rule = format!("{}/{}", network.id, frame.name);
        if frame.kind.asks()
            && let Some(why) = redistributed(mail, network, own)
        {
            other.network = Some(network.id.clone());
            other.evidence.push(Evidence::new(Stage::Recognise, rule, why));
            continue;
        }
        return claimed(&view, network, frame, rule, matched, rules);
    }
    if other.evidence.is_empty() {
        let text = match &other.network {
            Some(_) => "from the network, but no frame of an invitation",
            None => "no network's rules claim it",
        };
        other.evidence.push(Evidence::new(Stage::Recognise, "recognise.other", text));
    }
    other
}

fn claimed(
    view: &View<'_>,
    network: &Network,
    frame: &Frame,
    rule: String,
    matched: Vec<String>,
    rules: &Rulebook,
) -> Recognised {
    let guest = frame.from == Sender::Inviter;
    let mut evidence = vec![Evidence::new(Stage::Recognise, rule, matched.join("; "))];
    let single = matches!(frame.kind, Notice::Invitation | Notice::Reminder);
    // One plan must not speak for several people, whatever the template is called.
    let several = if single && digest::invitations(view.mail, network) > 1 {
        digest::entries(view.mail, network)
    } else {
        Vec::new()
    };
    let (notice, entries) = match frame.kind {
        _ if several.len() > 1 => (Notice::Digest, several),
        Notice::Digest => (Notice::Digest, digest::entries(view.mail, network)),
        kind if single => (kind, vec![view.mail.clone()]),
        kind => (kind, Vec::new()),
    };
    let mut invitations: Vec<Invitation> = Vec::new();
    let mut sight = Sight::Clear;
    for entry in &entries {
        let (invitation, why, seen) = invitation(entry, network, frame, notice, guest, rules);
        if seen == Sight::Unframed {
            let why = "nothing of the network's shows where a note would end: there may be one";
            evidence.push(Evidence::new(Stage::Recognise, "recognise.unframed", why));
            sight = seen;
        }
        if !invitations.iter().any(|known| known.identity.same(&invitation.identity)) {
            evidence.push(Evidence::new(Stage::Recognise, "recognise.route", why));
            invitations.push(invitation);
        }
    }
    Recognised { network: Some(network.id.clone()), notice, guest, sight, invitations, evidence }
}

/// The invitation that `mail` tells of, why its route is what it is, and how well the note was seen.
fn invitation(
    mail: &Mail,
    network: &Network,
    frame: &Frame,
    notice: Notice,
    guest: bool,
    rules: &Rulebook,
) -> (Invitation, String, Sight) {
    let mut found = extract::extract(&View::new(mail, network, &rules.banners), frame, guest, rules);
    let domains = &network.domains;
    found.inviter.name = without_queries(found.inviter.name, domains);
    found.inviter.first_name = without_queries(found.inviter.first_name, domains);
    found.inviter.headline = without_queries(found.inviter.headline, domains);
    found.note = found.note.map(|note| without_queries(note, domains));
    let (route, answer_page, why) = route::route(mail, network, guest, &found.inviter, found.note.as_deref());
    let identity = key::identity(network, &found);
    let invitation = Invitation {
        key: key::key(network, &identity),
        identity,
        network: network.id.clone(),
        notice,
        inviter: found.inviter,
        note: found.note,
        route,
        answer_page,
        date: mail.date,
        message_id: mail.message_id.clone(),
        references: mail.references.clone(),
        subject: without_queries(mail.subject.clone(), domains),
    };
    (invitation, why, found.sight)
}

/// Whether `frame` fits; what matched, for the evidence.
fn fits(frame: &Frame, view: &View<'_>) -> Option<Vec<String>> {
    if !sent_by(&frame.from, view) {
        return None;
    }
    let mut matched = Vec::new();
    for test in &frame.all {
        matched.push(view.matches(test)?);
    }
    if frame.none.iter().any(|test| view.matches(test).is_some()) {
        return None;
    }
    if !frame.any.is_empty() {
        matched.push(frame.any.iter().find_map(|test| view.matches(test))?);
    }
    Some(matched)
}

/// A person wrote this about a notification; it is none itself.
fn is_of_a_persons_hand(mail: &Mail) -> bool {
    !mail.references.is_empty()
        || is_reply_or_forward(&mail.subject)
        || mail.text.lines().any(|line| line.starts_with('>'))
}

/// Why a mail that looks right is only a copy that somebody passed on.
fn redistributed(mail: &Mail, network: &Network, own: bool) -> Option<String> {
    let own: &[String] = if own { &network.domains } else { &[] };
    if list_manager(mail, own).is_some() {
        return Some("a copy that came through a mailing list".to_owned());
    }
    ["Resent-From", "Resent-To", "Resent-Message-ID"]
        .iter()
        .any(|name| mail.header(name).is_some())
        .then(|| "a copy that somebody passed on (Resent header)".to_owned())
}
