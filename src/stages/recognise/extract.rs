//! Inviter, note and ids out of a mail whose frame is known.

use std::sync::LazyLock;

use regex::Regex;

use super::name::first_name;
use super::view::View;
use crate::domain::Inviter;
use crate::rulebook::network::{Frame, NotePlace};
use crate::rulebook::{Network, Rulebook};
use crate::stages::lines::one_line;

/// What a notification shows of one invitation.
#[derive(Clone, Default)]
pub(super) struct Found {
    pub(super) inviter: Inviter,
    pub(super) note: Option<String>,
    pub(super) invitation_id: Option<String>,
    pub(super) shared_key: Option<String>,
    /// The part of the profile address that stays the same in every mail.
    pub(super) stable_profile: Option<String>,
    /// Tells apart mails that show nobody.
    pub(super) fallback: String,
}

const MAX_FIELD_CHARS: usize = 200;
const MAX_NAME_CHARS: usize = 100;
const MAX_NOTE_CHARS: usize = 20_000;
/// Lines of frame and card together; a note is cut by its own length only.
const MAX_LINES: usize = 2_000;
/// Each is searched for in the whole text; a notification has one.
const MAX_RECIPIENTS: usize = 8;

pub(super) fn extract(view: &View<'_>, frame: &Frame, guest: bool, rules: &Rulebook) -> Found {
    let network = view.network;
    let mail = view.mail;
    let name = inviter_name(view, frame);
    let page = Page::new(view, &name);
    let (profile_url, stable_profile) = profile(view, &name);
    let headline = page.headline(frame).or_else(|| {
        let html = mail.html_text.as_deref()?;
        Page::of(html, view, &name).headline(frame)
    });
    Found {
        note: page.note(frame),
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

fn bounded(text: &str, chars: usize) -> String {
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

/// What survives when one side was decoded by the wrong charset.
fn ascii_core(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).collect()
}

/// Controls that turn or hide text (Unicode TR9, TR36): never part of a name.
fn is_invisible(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
}

/// The canonical profile page, and the stable part of it.
fn profile(view: &View<'_>, name: &str) -> (Option<String>, Option<String>) {
    for rule in &view.network.profiles {
        let mut pages = view
            .mail
            .links
            .iter()
            .filter_map(|link| rule.page(&link.url).map(|page| (page, link.label.as_str())));
        let Some(first) = pages.next() else { continue };
        let named = !name.is_empty();
        let best = std::iter::once(first.clone())
            .chain(pages)
            .find(|(_, label)| named && label.contains(name))
            .unwrap_or(first);
        let ((page, person), _) = best;
        return (Some(page), rule.stable.then_some(person));
    }
    (None, None)
}

/// The text as lines, with what is needed to tell frame from note.
struct Page<'a> {
    lines: Vec<String>,
    name: &'a str,
    network: &'a Network,
    recipients: Vec<&'a str>,
    /// Texts of links to the network: buttons, on lines of their own in rendered HTML.
    buttons: Vec<&'a str>,
    shape: Shape,
}

/// How the text came to its lines.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// Written as lines, paragraphs parted by empty ones.
    Paragraphs,
    /// Rendered from HTML: a line for each block, none empty.
    Blocks,
    /// A snippet on one line, broken where names stand.
    Snippet,
}

impl<'a> Page<'a> {
    fn new(view: &View<'a>, name: &'a str) -> Self {
        Self::of(view.text(), view, name)
    }

    fn of(text: &str, view: &View<'a>, name: &'a str) -> Self {
        let recipients: Vec<_> = view
            .mail
            .recipients
            .iter()
            .map(|m| m.name.as_str())
            .filter(|n| !n.is_empty())
            .take(MAX_RECIPIENTS)
            .collect();
        let filled = text.lines().filter(|l| !l.is_empty()).count();
        let shape = match filled {
            0..=2 => Shape::Snippet,
            _ if text.lines().any(str::is_empty) => Shape::Paragraphs,
            _ => Shape::Blocks,
        };
        let lines = match shape {
            Shape::Snippet => unrolled(text, name, &recipients, &view.network.label),
            _ => text.lines().take(MAX_LINES).map(str::to_owned).collect(),
        };
        let ours = |url: &str| view.network.domains.iter().any(|d| url.contains(d.as_str()));
        let buttons =
            view.mail.links.iter().filter(|l| !l.label.is_empty() && ours(&l.url)).map(|l| l.label.as_str());
        Self { lines, name, network: view.network, recipients, buttons: buttons.collect(), shape }
    }

    /// The line that names the inviter: their name, or as much of it as the
    /// mail's encoding left, or its beginning where the sender field says more.
    fn is_card(&self, line: &str) -> bool {
        if self.name.is_empty() || line.is_empty() {
            return false;
        }
        let line = clean_name(line);
        let (shown, name) = (line.to_lowercase(), self.name.to_lowercase());
        let beginning =
            shown.contains(' ') && name.strip_prefix(&shown).is_some_and(|rest| rest.starts_with(' '));
        shown == name
            || beginning
            || (ascii_core(&shown).len() >= 4 && ascii_core(&shown) == ascii_core(&name))
    }

    fn has_link(&self, line: &str) -> bool {
        URL.is_match(line)
    }

    /// The network's logo line, alone or with the reader's own name.
    fn is_header(&self, line: &str) -> bool {
        let rest = line.strip_prefix(self.network.label.as_str()).unwrap_or(line).trim();
        (rest.is_empty() && !line.is_empty()) || self.recipients.contains(&rest)
    }

    fn is_frame(&self, line: &str, frame: &Frame) -> bool {
        line.is_empty()
            || RULE.is_match(line)
            || self.is_header(line)
            || frame.prelude.iter().any(|p| p.is_match(line))
            || (self.is_about_inviter(line) && frame.prelude_about_inviter.iter().any(|p| p.is_match(line)))
    }

    fn is_about_inviter(&self, line: &str) -> bool {
        let first = self.name.split_whitespace().next().unwrap_or_default().to_lowercase();
        !first.is_empty() && line.to_lowercase().contains(&first)
    }

    /// Whether the note (or the card) ends before line `at`.
    fn ends(&self, at: usize, frame: &Frame) -> bool {
        let Some(line) = self.lines.get(at) else {
            return true;
        };
        let label_of_link =
            self.lines.get(at + 1).is_some_and(|next| URL.find(next).is_some_and(|m| m.start() == 0));
        self.has_own_link(line)
            || self.buttons.contains(&line.as_str())
            || (label_of_link && !line.is_empty())
            || (RULE.is_match(line))
            || frame.end.iter().any(|p| p.is_match(line))
    }

    /// A link of the network's: inviters may write other links into a note.
    fn has_own_link(&self, line: &str) -> bool {
        let lower = line.to_lowercase();
        self.has_link(line) && self.network.domains.iter().any(|d| lower.contains(&format!("{d}/")))
            || line.starts_with('©')
    }

    fn note(&self, frame: &Frame) -> Option<String> {
        let (from, to) = match frame.note {
            NotePlace::Nowhere => return None,
            NotePlace::AroundCard => self.around_card(frame),
            NotePlace::AfterLinks => self.after_links(frame),
        };
        let mut lines: Vec<&str> = self.lines.get(from..to)?.iter().map(String::as_str).collect();
        trim_blank(&mut lines);
        if lines.len() > 1
            && frame.greeting.as_ref().is_some_and(|g| lines.first().is_some_and(|l| g.is_match(l)))
        {
            lines.remove(0);
        }
        trim_blank(&mut lines);
        if lines.len() > 1 && lines.last().is_some_and(|last| self.is_closing(last, frame)) {
            lines.pop();
        }
        trim_blank(&mut lines);
        let note = bounded(&lines.join("\n"), MAX_NOTE_CHARS);
        (!note.is_empty()).then_some(note)
    }

    fn is_closing(&self, line: &str, frame: &Frame) -> bool {
        let Some(signed) = frame.closing.as_ref().and_then(|c| c.captures(line)).and_then(|c| c.get(1))
        else {
            return false;
        };
        let name = self.name.to_lowercase();
        let signed = signed.as_str().to_lowercase();
        !signed.is_empty()
            && (name == signed || name.split_whitespace().any(|w| w == signed) || name.starts_with(&signed))
    }

    fn around_card(&self, frame: &Frame) -> (usize, usize) {
        let (from, to) = self.before_card(frame);
        let found = self.lines.get(from..to).is_some_and(|lines| lines.iter().any(|l| !l.is_empty()));
        if found { (from, to) } else { self.behind_card(frame) }
    }

    /// Behind name, headline and place: the next paragraph, or the next block.
    fn behind_card(&self, frame: &Frame) -> (usize, usize) {
        let Some(card) = self.lines.iter().position(|l| self.is_card(l)) else {
            return (0, 0);
        };
        let from = match self.shape {
            Shape::Snippet => return (0, 0),
            Shape::Blocks => card + 3,
            Shape::Paragraphs => {
                let gap = |at: &usize| self.lines.get(*at).is_some_and(String::is_empty);
                (card..self.lines.len()).find(gap).unwrap_or(self.lines.len())
            }
        };
        let ended = (card + 1..from).any(|at| self.ends(at, frame));
        let to = (from..self.lines.len()).find(|at| self.ends(*at, frame)).unwrap_or(self.lines.len());
        if ended { (0, 0) } else { (from, to) }
    }

    fn before_card(&self, frame: &Frame) -> (usize, usize) {
        let mut from = 0;
        while self.lines.get(from).is_some_and(|l| self.is_frame(l, frame)) {
            from += 1;
        }
        let mut at = from;
        while at < self.lines.len() {
            let Some(line) = self.lines.get(at) else {
                break;
            };
            if self.is_header(line) {
                // The preheader repeated the note; the mail itself begins here.
                from = at + 1;
                while self.lines.get(from).is_some_and(|l| self.is_frame(l, frame)) {
                    from += 1;
                }
                at = from;
                continue;
            }
            if self.is_card(line) || self.ends(at, frame) {
                break;
            }
            at += 1;
        }
        (from, at.max(from))
    }

    fn after_links(&self, frame: &Frame) -> (usize, usize) {
        let ours = |line: &String| {
            self.network.accept_link.as_ref().is_some_and(|a| a.is_match(line))
                || self.network.profiles.iter().any(|p| p.link.is_match(line))
        };
        let Some(last) = self.lines.iter().rposition(ours) else {
            return (0, 0);
        };
        let from = last + 1;
        let to = (from..self.lines.len()).find(|at| self.ends(*at, frame)).unwrap_or(self.lines.len());
        (from, to)
    }

    fn headline(&self, frame: &Frame) -> Option<String> {
        let card = self.lines.iter().position(|l| self.is_card(l))?;
        let at = (card + 1..self.lines.len().min(card + 3))
            .find(|at| self.lines.get(*at).is_some_and(|l| !l.is_empty()))?;
        let line = self.lines.get(at)?;
        if self.has_own_link(line) || RULE.is_match(line) || self.is_card(line) {
            return None;
        }
        let cut =
            frame.end.iter().filter_map(|p| p.find(line)).map(|m| m.start()).min().unwrap_or(line.len());
        let headline = line.get(..cut)?.split('…').next()?.trim();
        (!headline.is_empty()).then(|| headline.to_owned())
    }
}

/// A rendered snippet has its whole page on one line: break it where names stand.
fn unrolled(text: &str, name: &str, recipients: &[&str], label: &str) -> Vec<String> {
    let mut text = one_line(text);
    for recipient in recipients {
        let header = format!("{label} {recipient}");
        text = text.replace(&header, &format!("\n{header}\n"));
    }
    if !name.is_empty() {
        text = text.replace(&format!(" {name} "), &format!("\n{name}\n"));
    }
    text.lines().map(|l| l.trim().to_owned()).collect()
}

fn trim_blank(lines: &mut Vec<&str>) {
    while lines.last().is_some_and(|l| l.is_empty()) {
        lines.pop();
    }
    while lines.first().is_some_and(|l| l.is_empty()) {
        lines.remove(0);
    }
}

#[allow(clippy::expect_used, reason = "constant patterns, compiled by every test")]
static URL: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"https?://\S").expect("constant"));
/// A line of rule characters, as frames part their blocks with.
#[allow(clippy::expect_used, reason = "constant patterns, compiled by every test")]
static RULE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^[-=_.*~]{4,}$|^--$").expect("constant"));

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
