//! One network's rule file, typed and compiled: who sends, what kinds of
//! notification there are, where everything stands.

use std::collections::BTreeMap;

use regex::Regex;

use crate::domain::{Notice, Timestamp};

/// One network, ready to be asked.
#[derive(Clone, Debug)]
pub struct Network {
    /// Short, stable: part of every invitation's key.
    pub id: String,
    /// How letters and tables call it.
    pub label: String,
    /// Domains whose From is the network's own (also below them).
    pub domains: Vec<String>,
    /// Domains whose DKIM or DMARC pass makes a mail authentic (also below them).
    pub trusted: Vec<String>,
    /// Domains of per-message addresses that forward to the inviter.
    pub relay: Vec<String>,
    /// From this moment on a Reply-To of a person's own address is not believed.
    pub person_reply_until: Option<Timestamp>,
    /// Which mails are worth fetching, by their header alone. Rows are alternatives.
    pub looks: Vec<Look>,
    /// Where the name of the network's mail template stands, best first.
    pub templates: Vec<Source>,
    /// Which revision of `invitation_ids` and `shared_keys` this is, from 1:
    /// values that another one found are not compared.
    pub revision: u32,
    /// Where the invitation id stands.
    pub invitation_ids: Vec<Source>,
    /// Where the shared key stands.
    pub shared_keys: Vec<Source>,
    /// How profile pages look, best first.
    pub profiles: Vec<Profile>,
    /// Where the owner answers invitations by hand.
    pub invitations_page: String,
    /// Links that only an invitation has.
    pub accept_link: Option<Regex>,
    /// Lines of a card that tell of common contacts, where they do not begin with their number.
    pub common: Vec<Regex>,
    /// Lines before the note that name the inviter and that no inviter writes, in every frame.
    pub about_inviter: Vec<Regex>,
    /// Links that the network writes itself, where inviters may write links to it too.
    pub frame_link: Option<Regex>,
    /// Kinds of mail, in order; the first that fits decides.
    pub frames: Vec<Frame>,
    /// Cleans a display name: what matches is cut out.
    pub name_noise: Vec<Regex>,
    /// Default sentences the network offers to inviters: language tag and text.
    pub defaults: Vec<(String, String)>,
}

/// A row of header conditions under which a body is fetched.
#[derive(Clone, Debug)]
pub struct Look {
    /// Who it comes from; `None`: anybody.
    pub from: Option<Sender>,
    /// All of these conditions on the header hold,
    pub all: Vec<Test>,
    /// and one of these at least (when there are any).
    pub any: Vec<Test>,
    /// What a server can be asked for to find such mail in a backlog.
    pub search: Vec<(String, String)>,
}

/// A kind of mail of this network.
#[derive(Clone, Debug)]
pub struct Frame {
    /// The rule's name, for evidence.
    pub name: String,
    /// What such a mail is.
    pub kind: Notice,
    /// Who it must come from.
    pub from: Sender,
    /// All of these hold,
    pub all: Vec<Test>,
    /// one of these at least (when there are any),
    pub any: Vec<Test>,
    /// and none of these.
    pub none: Vec<Test>,
    /// Where the note stands.
    pub note: NotePlace,
    /// Where the inviter's name stands, best first; the From display name when empty.
    pub names: Vec<Source>,
    /// Lines of the frame that precede the note.
    pub prelude: Vec<Regex>,
    /// The same, for lines that speak of the inviter by name: wording that an
    /// inviter could use as well.
    pub prelude_about_inviter: Vec<Regex>,
    /// Lines that end the note.
    pub end: Vec<Regex>,
    /// A greeting line that the frame, not the inviter, put before the note.
    pub greeting: Option<Regex>,
    /// A closing line that the frame put behind the note; group 1 must be part of the inviter's name.
    pub closing: Option<Regex>,
}

/// Who a mail comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sender {
    /// Any address of the network's domains.
    Network,
    /// One of these addresses of the network (lower case).
    Addresses(Vec<String>),
    /// The inviter's own address, outside the network's domains.
    Inviter,
}

/// Where the note stands in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotePlace {
    /// Such mails show none.
    Nowhere,
    /// From the end of the prelude to the inviter's card or an `end` line;
    /// where nothing stands there, behind the card.
    AroundCard,
    /// Between the last link to accept or look, and the next line with a link.
    AfterLinks,
}

/// A condition on one part of a mail.
#[derive(Clone, Debug)]
pub struct Test {
    /// Which part.
    pub part: Part,
    /// What it must match.
    pub pattern: Regex,
}

/// A part of a mail that rules can look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// The decoded subject.
    Subject,
    /// The decoded subject, and of the first lines of the page those that name the sender.
    Heading,
    /// The display name in From.
    FromName,
    /// The Message-ID without brackets.
    MessageId,
    /// A header field, by name.
    Header(String),
    /// The text, line by line (`^` and `$` match at lines).
    Text,
    /// The beginning of what the HTML hides from the page.
    Preheader,
    /// The target of any link.
    Link,
    /// The name of the network's template.
    Template,
}

/// A place where a value stands: the pattern's first group is the value.
pub type Source = Test;

/// How a profile page looks in links and in its canonical form.
#[derive(Clone, Debug)]
pub struct Profile {
    /// Matches a link's target; group 1 names the person.
    pub link: Regex,
    /// Links whose target matches this are somebody else's (the reader's, third people's).
    pub not: Option<Regex>,
    /// Where the network puts the inviter's own link.
    pub best: Option<Regex>,
    /// The page without tracking parts; `{1}` stands for group 1.
    pub canonical: String,
    /// Whether group 1 stays the same for one person in every mail.
    pub stable: bool,
}

impl Frame {
    /// This kind of mail with its note, names and words where those of `model` stand.
    pub(super) fn laid_out_like(self, model: &Self) -> Self {
        let Self { name, kind, from, all, any, none, .. } = self;
        Self { name, kind, from, all, any, none, ..model.clone() }
    }
}

impl Profile {
    /// The canonical page for `url`, and the part that names the person.
    pub fn page(&self, url: &str) -> Option<(String, String)> {
        if self.not.as_ref().is_some_and(|not| not.is_match(url)) {
            return None;
        }
        let person = self.link.captures(url)?.get(1)?.as_str();
        Some((self.canonical.replace("{1}", person), person.to_owned()))
    }
}

impl Network {
    /// Whether `domain` is one of the network's own.
    pub fn owns(&self, domain: &str) -> bool {
        within_any(domain, &self.domains)
    }

    /// Whether the link to `url` is of the network's making.
    pub fn writes(&self, url: &str) -> bool {
        match &self.frame_link {
            Some(pattern) => pattern.is_match(url),
            None => {
                let url = url.to_ascii_lowercase();
                self.domains.iter().any(|domain| url.contains(&format!("{domain}/")))
            }
        }
    }

    /// Whether `domain` belongs to the network's forwarding addresses.
    pub fn relays(&self, domain: &str) -> bool {
        within_any(domain, &self.relay)
    }

    /// Header fields that the look rows need, beyond the ones always fetched.
    pub fn header_fields(&self) -> impl Iterator<Item = &str> {
        self.looks.iter().flat_map(|look| look.all.iter().chain(&look.any)).filter_map(|test| {
            match &test.part {
                Part::Header(name) => Some(name.as_str()),
                _ => None,
            }
        })
    }
}

fn within_any(domain: &str, domains: &[String]) -> bool {
    domains.iter().any(|d| crate::domain::address::is_within(domain, d))
}

/// All networks by id, in id order.
pub type Networks = BTreeMap<String, Network>;
