//! What a notification tells of: who invites, what they wrote, how to reach them.

use std::fmt;

use super::{Address, MessageId, Timestamp};

/// What a mail of a network is (or that it is none). FORMATS: sections 1, 2 and 6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Notice {
    /// A first notification of an invitation.
    Invitation,
    /// A reminder of an invitation that still waits.
    Reminder,
    /// Several invitations in one mail, or a count of them.
    Digest,
    /// Somebody accepted an invitation of the owner.
    Accepted,
    /// A message or InMail inside the network.
    Message,
    /// Anything else.
    Other,
}

impl Notice {
    /// All values, in the order of their meaning above.
    pub const ALL: [Self; 6] =
        [Self::Invitation, Self::Reminder, Self::Digest, Self::Accepted, Self::Message, Self::Other];

    /// The word used in rules and in `--json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Invitation => "invitation",
            Self::Reminder => "reminder",
            Self::Digest => "digest",
            Self::Accepted => "accepted",
            Self::Message => "message",
            Self::Other => "other",
        }
    }

    /// Whether it tells of an invitation somebody waits to have answered.
    pub fn asks(self) -> bool {
        matches!(self, Self::Invitation | Self::Reminder | Self::Digest)
    }
}

/// How a decline can reach the inviter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// A person's own mailbox (Reply-To, or From of a guest mail).
    Address(Address),
    /// A per-message address of the network that forwards to the inviter.
    Relay(Address),
    /// The mailbox that the inviter's note names as their own. Nothing vouches
    /// for it but the note, so it is for a draft that a person reads, never for sending.
    FromNote(Address),
    /// No address reaches them: paste the text at this page.
    Paste(String),
}

impl Route {
    /// The word used in `--json`.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Address(_) | Self::FromNote(_) => "address",
            Self::Relay(_) => "relay",
            Self::Paste(_) => "paste",
        }
    }

    /// The recipient, where there is one.
    pub fn to(&self) -> Option<&Address> {
        match self {
            Self::Address(to) | Self::Relay(to) | Self::FromNote(to) => Some(to),
            Self::Paste(_) => None,
        }
    }
}

/// The person who invites. Strings are decoded, single-line and bounded.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Inviter {
    /// Full name as the mail shows it.
    pub name: String,
    /// How to greet them; empty when a greeting should do without a name.
    pub first_name: String,
    /// Their headline; empty when the mail shows none.
    pub headline: String,
    /// Their own address, where the mail shows one.
    pub address: Option<Address>,
    /// Canonical profile URL without tracking parts.
    pub profile_url: Option<String>,
}

impl fmt::Debug for Inviter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Inviter(***)")
    }
}

/// The stable key of one invitation: 32 hex digits of a SHA-256 over the network
/// and the strongest identity the mail shows.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InvitationKey(pub String);

/// Everything that can tell one invitation from another, strongest first
/// (FORMATS section 5). All parts are hex digests, so that the ledger can keep
/// them for ever without keeping the person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The network's own invitation id. Of ids that rules of another revision
    /// found, nothing can be told: a number and a colon before the digest is
    /// the revision, none is the first.
    pub invitation_id: Option<String>,
    /// A key the network hands out with the invitation, in the same form.
    pub shared_key: Option<String>,
    /// The inviter's profile page.
    pub profile: Option<String>,
    /// Normalised inviter name; always present.
    pub name: String,
}

impl Identity {
    /// Whether both tell of one invitation. The strongest part that both sides
    /// show decides; one profile is one person, who is answered once.
    pub fn same(&self, other: &Self) -> bool {
        let both = |a: &Option<String>, b: &Option<String>| match (a, b) {
            (Some(a), Some(b)) if revision(a) == revision(b) => Some(a == b),
            _ => None,
        };
        let profile = both(&self.profile, &other.profile);
        if profile == Some(true) {
            return true;
        }
        both(&self.invitation_id, &other.invitation_id)
            .or_else(|| both(&self.shared_key, &other.shared_key))
            .or(profile)
            .unwrap_or(self.name == other.name)
    }
}

/// By which revision of the rules an id was found.
fn revision(digest: &str) -> &str {
    digest.split_once(':').map_or("", |(revision, _)| revision)
}

/// One invitation, as one notification tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    /// Stable key; derives Message-ID and ledger row.
    pub key: InvitationKey,
    /// What tells it from others.
    pub identity: Identity,
    /// The `id` of the network's rule file.
    pub network: String,
    /// First notification, reminder, or entry of a digest.
    pub notice: Notice,
    /// Who invites.
    pub inviter: Inviter,
    /// What they wrote, frame stripped; `None` when the mail shows no note.
    pub note: Option<String>,
    /// How to reach them.
    pub route: Route,
    /// Where the owner can answer by hand: the profile, else the network's invitation page.
    pub answer_page: String,
    /// The notification's Date header.
    pub date: Option<Timestamp>,
    /// The notification's Message-ID, to thread under.
    pub message_id: Option<MessageId>,
    /// The notification's own references.
    pub references: Vec<MessageId>,
    /// The notification's Subject.
    pub subject: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(id: Option<&str>, profile: Option<&str>, name: &str) -> Identity {
        Identity {
            invitation_id: id.map(str::to_owned),
            shared_key: None,
            profile: profile.map(str::to_owned),
            name: name.to_owned(),
        }
    }

    #[test]
    fn strongest_shared_part_decides() {
        let first = identity(Some("1"), None, "ann");
        assert!(first.same(&identity(Some("1"), None, "other spelling")));
        assert!(!first.same(&identity(Some("2"), None, "ann")));
        assert!(first.same(&identity(None, None, "ann")), "a reminder without id");
        let revised = identity(Some("2:9"), None, "ann");
        assert!(first.same(&revised), "ids of other rules tell nothing: the name decides");
        assert!(!revised.same(&identity(Some("2:8"), None, "ann")));
        assert!(!identity(None, Some("p"), "ann").same(&identity(None, Some("q"), "ann")));
        assert!(identity(Some("1"), Some("p"), "a").same(&identity(Some("2"), Some("p"), "a")));
    }
}
