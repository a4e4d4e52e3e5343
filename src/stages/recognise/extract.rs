//! Inviter, note and ids out of a mail whose frame is known.

use std::cell::LazyCell;

use super::Sight;
use super::name::first_name;
use super::page::Page;
use super::view::View;
use crate::domain::{Inviter, Link};
use crate::rulebook::Rulebook;
use crate::rulebook::network::{Frame, NotePlace, Profile};
use crate::stages::lines::one_line;

/// What a notification shows of one invitation.
#[derive(Clone, Default)]
pub(super) struct Found {
    pub(super) inviter: Inviter,
    pub(super) note: Option<String>,
    pub(super) sight: Sight,
    pub(super) invitation_id: Option<String>,
    pub(super) shared_key: Option<String>,
    /// The part of the profile address that stays the same in every mail.
    pub(super) stable_profile: Option<String>,
    /// Tells apart mails that show nobody.
    pub(super) fallback: String,
}

const MAX_FIELD_CHARS: usize = 200;
/// A name is cut here.
pub(super) const MAX_NAME_CHARS: usize = 100;

pub(super) fn extract(view: &View<'_>, frame: &Frame, guest: bool, rules: &Rulebook) -> Found {
    let network = view.network;
    let mail = view.mail;
    let name = inviter_name(view, frame);
    let page = |text: &str| Page::of(view.looked_at(text), view, &name, &rules.banners);
    let text = page(&mail.text);
    let html = LazyCell::new(|| mail.html_text.as_deref().map(page));
    let (profile_url, stable_profile) = profile(view, &name);
    let headline = text.headline(frame).or_else(|| html.as_ref()?.headline(frame));
    let of_html = || html.as_ref().filter(|html| html.is_framed(frame));
    // Of the two parts each has left the note out at some time.
    let (note, sight) = if frame.note == NotePlace::Nowhere {
        (None, Sight::Clear)
    } else if text.is_framed(frame) {
        (text.note(frame).or_else(|| of_html()?.note(frame)), Sight::Clear)
    } else {
        of_html().map_or((None, Sight::Unframed), |html| (html.note(frame), Sight::Clear))
    };
    Found {
        note,
        sight,
        invitation_id: view.first(&network.invitation_ids),
        shared_key: view.first(&network.shared_keys),
        stable_profile,
        fallback: mail.message_id.as_ref().map_or_else(|| mail.subject.clone(), |id| id.as_str().to_owned()),
        inviter: Inviter {
            first_name: first_name(&name, &rules.names),
            headline: bounded(&headline.unwrap_or_default(), MAX_FIELD_CHARS),
            address: guest.then(|| mail.from.address.clone()).flatten(),
            profile_url,
            name,
        },
    }
}

pub(super) fn bounded(text: &str, chars: usize) -> String {
    text.chars().take(chars).collect::<String>().trim().to_owned()
}

fn inviter_name(view: &View<'_>, frame: &Frame) -> String {
    let network = view.network;
    let clean = |shown: &str| {
        let mut name = one_line(shown);
        for noise in &network.name_noise {
            name = noise.replace_all(&name, "").trim().to_owned();
        }
        clean_name(&name)
    };
    let shown = clean(&view.mail.from.name);
    if !shown.is_empty() && !shown.eq_ignore_ascii_case(&network.label) {
        return shown;
    }
    view.first(&frame.names).map(|n| clean(&n)).unwrap_or_default()
}

fn clean_name(shown: &str) -> String {
    bounded(&one_line(shown).chars().filter(|c| !is_invisible(*c)).collect::<String>(), MAX_NAME_CHARS)
}

/// Controls that turn or hide text (Unicode TR9, TR36): never part of a name.
fn is_invisible(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
}

/// The canonical profile page, and the stable part of it. A link named after the
/// inviter tells most, then one where the network puts the inviter's; any other
/// link may have been written into the note.
fn profile(view: &View<'_>, name: &str) -> (Option<String>, Option<String>) {
    let links = &view.mail.links;
    let found = |fits: &dyn Fn(&Profile, &Link) -> bool| {
        view.network.profiles.iter().find_map(|rule| {
            let link = |link: &Link| fits(rule, link).then(|| rule.page(&link.url)).flatten();
            links.iter().find_map(link).map(|(page, person)| (Some(page), rule.stable.then_some(person)))
        })
    };
    let named = |_: &Profile, link: &Link| !name.is_empty() && link.label.contains(name);
    let placed =
        |rule: &Profile, link: &Link| rule.best.as_ref().is_some_and(|best| best.is_match(&link.url));
    found(&named).or_else(|| found(&placed)).or_else(|| found(&|_, _| true)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::domain::RawMail;
    use crate::stages::identify;

    /// Anybody can send these: frames are looked at before any gate.
    #[test]
    fn no_mail_takes_long() {
        let rules = Rulebook::shipped().unwrap();
        let mail = |to: &str, kind: &str, body: &str| {
            RawMail(
                format!(
                    "From: Ann Berg <invitations@linkedin.com>\nTo: {to}\nSubject: I want to connect\n\
                     Content-Type: text/{kind}; charset=utf-8\n\n{body}"
                )
                .into_bytes(),
            )
        };
        let recipients = vec!["x <a@b.example>"; 14_000].join(",\n ");
        let link = "<a href='https://www.linkedin.com/in/x?a=b'>See it ";
        for (what, raw) in [
            ("recipients", mail(&recipients, "plain", &"LinkedIn x ".repeat(6_000))),
            ("one long line", mail("x <a@b.example>", "plain", &"Ann Berg ".repeat(100_000))),
            ("many short lines", mail("x <a@b.example>", "plain", &"Ann\n".repeat(250_000))),
            ("greetings", mail("x <a@b.example>", "plain", &"LinkedIn\n".repeat(120_000))),
            ("open anchors", mail("x <a@b.example>", "html", &link.repeat(20_000))),
            (
                "one open anchor",
                mail("x <a@b.example>", "html", &format!("{link}{}", "y<p>".repeat(250_000))),
            ),
            ("letters beyond ASCII", mail("x <a@b.example>", "plain", &"é ".repeat(300_000))),
        ] {
            let began = Instant::now();
            identify(&raw, &rules).unwrap();
            let took = began.elapsed();
            assert!(took < Duration::from_secs(20), "{what}: {took:?}");
        }
    }
}
