//! Specimens of the letters, to look at: nothing here can be sent.

use crate::config::Owner;
use crate::domain::{Address, Identity, Invitation, InvitationKey, Inviter, Letter, NoteKind, Notice, Route};
use crate::rulebook::Rulebook;
use crate::rulebook::openings::{Kind, Wants};
use crate::stages::compose::opening::Occasion;
use crate::stages::compose::{Task, specimen};

/// Which letters are wanted.
#[derive(Clone, Debug)]
pub struct Wish {
    /// In these languages.
    pub languages: Vec<String>,
    /// Of these kinds.
    pub kinds: Vec<NoteKind>,
    /// With these openings, `None` being a plain thank-you.
    pub openings: Vec<Option<String>>,
    /// Whether an address reaches the invented inviter.
    pub reach: Reach,
    /// Whether their name can be used.
    pub greeting: Greeting,
}

/// How the invented inviter can be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// By mail.
    Mail,
    /// By pasting.
    Paste,
}

/// How the invented inviter is greeted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Greeting {
    /// By name.
    Name,
    /// Without one.
    Nameless,
}

/// One letter as it would go out.
#[derive(Clone, Debug)]
pub struct Specimen {
    /// Which letter.
    pub kind: NoteKind,
    /// The opening's kind, none for a plain thank-you.
    pub opening: Option<String>,
    /// Whether it leaves room for the owner, and is a draft whatever the policy says.
    pub wants: Wants,
    /// The letter.
    pub letter: Letter,
}

/// Writes the wanted letters, as they would come from `from`. A generic letter has no opening and comes once.
///
/// # Errors
/// What is missing, in words for the owner.
pub fn show(
    rules: &Rulebook,
    owner: &Owner,
    from: Option<&Address>,
    wish: &Wish,
) -> Result<Vec<Specimen>, String> {
    let mut specimens = Vec::new();
    let invitation = invented(wish);
    let label = rules.networks.values().max_by_key(|network| network.frames.len());
    for language in &wish.languages {
        for kind in &wish.kinds {
            let plain = [None];
            let openings = if *kind == NoteKind::Generic { &plain[..] } else { &wish.openings };
            for name in openings {
                let occasion = occasion(rules, name.as_deref())?;
                let task = Task {
                    kind: *kind,
                    invitation: &invitation,
                    occasion,
                    owner,
                    from,
                    network_label: label.map_or("Network", |network| network.label.as_str()),
                    language,
                };
                specimens.push(Specimen {
                    kind: *kind,
                    opening: name.clone(),
                    wants: occasion.asks.map_or(Wants::Reading, |kind| kind.wants),
                    letter: specimen(&task, rules)?,
                });
            }
        }
    }
    Ok(specimens)
}

fn occasion<'a>(rules: &'a Rulebook, name: Option<&str>) -> Result<Occasion<'a>, String> {
    let Some(name) = name else { return Ok(Occasion::default()) };
    let kinds = rules.openings.kinds();
    let Some(kind) = kinds.iter().find(|kind| kind.name == name) else {
        let known: Vec<&str> = kinds.iter().map(|kind| kind.name.as_str()).collect();
        return Err(format!("no opening is called {name:?}; there are: all, {}", known.join(", ")));
    };
    let asks = |kind: &&Kind| kind.wants == Wants::Answer;
    Ok(Occasion { opening: Some(kind), asks: Some(kind).filter(asks) })
}

fn invented(wish: &Wish) -> Invitation {
    let page = "https://network.example/in/ada-example";
    let address = Address::parse("ada@example.net").filter(|_| wish.reach == Reach::Mail);
    let (name, first_name) = match wish.greeting {
        Greeting::Name => ("Ada Example", "Ada"),
        Greeting::Nameless => ("", ""),
    };
    Invitation {
        key: InvitationKey(String::new()),
        identity: Identity { invitation_id: None, shared_key: None, profile: None, name: String::new() },
        network: String::new(),
        notice: Notice::Invitation,
        inviter: Inviter { name: name.to_owned(), first_name: first_name.to_owned(), ..Inviter::default() },
        note: None,
        route: address.map_or_else(|| Route::Paste(page.to_owned()), Route::Address),
        answer_page: page.to_owned(),
        date: None,
        message_id: None,
        references: Vec::new(),
        subject: String::new(),
    }
}
