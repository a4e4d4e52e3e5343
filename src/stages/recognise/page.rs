//! The text of a notification: where the frame ends and the inviter's words begin.

use std::sync::LazyLock;

use regex::Regex;

use super::card::{self, Wanted};
use super::view::View;
use crate::rulebook::Network;
use crate::rulebook::banners::Banners;
use crate::rulebook::network::{Frame, NotePlace};
use crate::stages::gateway::behind_gateway;
use crate::stages::lines::one_line;

const MAX_NOTE_CHARS: usize = 20_000;
/// Lines of frame and card together; a note is cut by its own length only.
const MAX_LINES: usize = 2_000;
/// Each is searched for in the whole text; a notification has one.
const MAX_RECIPIENTS: usize = 8;
/// A greeting has no more words.
const MAX_GREETING_WORDS: usize = 5;

/// The text as lines, with what is needed to tell frame from note.
pub(super) struct Page<'a> {
    lines: Vec<String>,
    name: &'a str,
    card: Wanted<'a>,
    subject: &'a str,
    view: &'a View<'a>,
    recipients: Vec<&'a str>,
    /// Texts of links to the network: buttons, on lines of their own in rendered HTML.
    buttons: Vec<&'a str>,
    /// Those of the buttons by which an invitation is answered or looked at.
    answers: Vec<&'a str>,
    shape: Shape,
}

fn is_answer(network: &Network, text: &str) -> bool {
    network.accept_link.as_ref().is_some_and(|a| a.is_match(text))
        || network
            .profiles
            .iter()
            .any(|p| p.link.is_match(text) && p.not.as_ref().is_none_or(|not| !not.is_match(text)))
}

/// How the text came to its lines.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// A line for each line or block, paragraphs parted by empty ones.
    Lines,
    /// A snippet on one line, broken where names stand.
    Snippet,
}

/// Where the page ends for whoever looks for a note.
#[derive(Clone, Copy)]
enum Stop {
    /// Here the links of the frame begin.
    Links(usize),
    /// No link is shown, and the page ends here: the words of the frame must tell.
    Words(usize),
}

impl<'a> Page<'a> {
    pub(super) fn of(text: &str, view: &'a View<'a>, name: &'a str, banners: &Banners) -> Self {
        let text = banners.behind(text);
        let recipients: Vec<_> = view
            .mail
            .recipients
            .iter()
            .map(|m| m.name.as_str())
            .filter(|n| !n.is_empty())
            .take(MAX_RECIPIENTS)
            .collect();
        let shape = match text.lines().filter(|l| !l.is_empty()).count() {
            0..=2 => Shape::Snippet,
            _ => Shape::Lines,
        };
        let lines = match shape {
            Shape::Snippet => unrolled(text, name, &recipients, &view.network.label),
            Shape::Lines => text.lines().take(MAX_LINES).map(str::to_owned).collect(),
        };
        let buttons_of = |fits: &dyn Fn(&str) -> bool| -> Vec<&'a str> {
            let links = view.mail.links.iter().filter(|l| !l.label.is_empty() && fits(&l.url));
            let mut labels: Vec<&str> = links.map(|l| l.label.as_str()).collect();
            labels.sort_unstable();
            labels.dedup();
            labels
        };
        let buttons = buttons_of(&|url: &str| view.writes(url));
        let answers = buttons_of(&|url: &str| is_answer(view.network, url));
        let subject = view.subject;
        Self { lines, name, card: Wanted::new(name), subject, view, recipients, buttons, answers, shape }
    }

    /// Whether anything of the network's shows where a note would end. A page that
    /// shows nothing is no page of the network's: some put a line there for those
    /// who cannot read HTML.
    pub(super) fn is_framed(&self, frame: &Frame) -> bool {
        (0..self.lines.len()).any(|at| {
            !self.is_blank(at)
                && (self.ends(at, frame) || self.lines.get(at).is_some_and(|line| self.is_card(line)))
        })
    }

    /// What the inviter wrote.
    pub(super) fn note(&self, frame: &Frame) -> Option<String> {
        let (from, to) = match frame.note {
            NotePlace::Nowhere => return None,
            NotePlace::AroundCard => self.around_card(frame),
            NotePlace::AfterLinks => self.after_links(frame),
        };
        let mut lines: Vec<&str> = self.lines.get(from..to)?.iter().map(String::as_str).collect();
        trim_blank(&mut lines);
        if lines.len() > 1 && lines.first().is_some_and(|first| self.is_greeting(first, frame)) {
            lines.remove(0);
        }
        trim_blank(&mut lines);
        if lines.len() > 1 && lines.last().is_some_and(|last| self.is_closing(last, frame)) {
            lines.pop();
        }
        trim_blank(&mut lines);
        let note = super::extract::bounded(&lines.join("\n"), MAX_NOTE_CHARS);
        (!note.is_empty()).then_some(note)
    }

    /// What the inviter's card says below the name.
    pub(super) fn headline(&self, frame: &Frame) -> Option<String> {
        let from = self.begin(frame);
        let card = self.card(from, Self::end(self.stop(from)))?;
        let at = (card + 1..self.lines.len().min(card + 3)).find(|at| !self.is_blank(*at))?;
        let line = self.lines.get(at)?;
        if self.has_own_link(line) || RULE.is_match(line) || self.is_card(line) || self.is_button(line) {
            return None;
        }
        let cut =
            frame.end.iter().filter_map(|p| p.find(line)).map(|m| m.start()).min().unwrap_or(line.len());
        let headline = line.get(..cut)?.split('…').next()?.trim();
        (!headline.is_empty()).then(|| headline.to_owned())
    }

    fn around_card(&self, frame: &Frame) -> (usize, usize) {
        let from = self.begin(frame);
        let stop = self.stop(from);
        let end = Self::end(stop);
        let Some(card) = self.card(from, end) else {
            return (from, self.end_of_words(from, end, stop, frame));
        };
        let to = self.end_of_words(from, card, stop, frame);
        if (from..to).any(|at| !self.is_blank(at)) {
            return (from, to);
        }
        if self.shape == Shape::Snippet {
            return (0, 0);
        }
        let from = self.behind(card, end, frame);
        (from, self.end_of_words(from, end, stop, frame))
    }

    /// The first line that is no frame.
    fn begin(&self, frame: &Frame) -> usize {
        let is_frame = |at: usize| self.is_frame(at, frame) || self.greets_before_frame(at, frame);
        let no_frame = |from: usize| (from..self.lines.len()).find(|at| !is_frame(*at)).unwrap_or(from);
        let first = no_frame(0);
        let end = Self::end(self.stop(first));
        let is_header = |at: usize| self.lines.get(at).is_some_and(|line| self.is_header(line));
        let card = (first..end).find(|at| self.lines.get(*at).is_some_and(|line| self.is_card(line)));
        // Where a preheader repeated the note, the mail itself begins behind the last header.
        let header = (first..card.unwrap_or(end)).rev().find(|at| is_header(*at));
        header.map_or(first, |header| no_frame(header + 1))
    }

    fn stop(&self, from: usize) -> Stop {
        let is_foot = |at: &usize| self.lines.get(*at).is_some_and(|line| line.starts_with('©'));
        match (from..self.lines.len()).find(|at| self.is_link(*at) || is_foot(at)) {
            Some(at) if is_foot(&at) => Stop::Words(at),
            Some(at) => Stop::Links(at),
            None => Stop::Words(self.lines.len()),
        }
    }

    fn end(stop: Stop) -> usize {
        let (Stop::Links(at) | Stop::Words(at)) = stop;
        at
    }

    /// Where links tell the end, the words of the frame must make a line of
    /// their own: a person can write "Accept my apologies" as well.
    fn end_of_words(&self, from: usize, to: usize, stop: Stop, frame: &Frame) -> usize {
        let whole = |at: usize| {
            let line = self.lines.get(at).map_or("", String::as_str);
            frame.end.iter().any(|p| p.find(line).is_some_and(|m| m.range() == (0..line.len())))
        };
        let end = match stop {
            Stop::Links(_) => (from..to).find(|at| !self.is_blank(*at) && whole(*at)),
            Stop::Words(_) => (from..to).find(|at| self.ends(*at, frame)),
        };
        end.unwrap_or(to).max(from)
    }

    /// The line that names the inviter above headline and place. One on top is
    /// the card; else it is the last that begins a paragraph, since people sign.
    fn card(&self, from: usize, to: usize) -> Option<usize> {
        let cards: Vec<usize> =
            (from..to).filter(|at| self.lines.get(*at).is_some_and(|l| self.is_card(l))).collect();
        let first = cards.first().copied()?;
        let is_on_top = (from..first).all(|at| self.is_blank(at));
        if self.shape == Shape::Snippet || (is_on_top && (cards.len() == 1 || self.is_block_of_card(first))) {
            return Some(first);
        }
        let begins = |at: &usize| at.checked_sub(1).is_none_or(|above| self.is_blank(above));
        let is_headed = |at: &usize| at + 1 < to && !self.is_blank(at + 1);
        cards.iter().rev().copied().find(begins).or_else(|| cards.into_iter().rfind(is_headed))
    }

    /// Whether headline and place follow the name at `card`, and no more words: people write their name too.
    fn is_block_of_card(&self, card: usize) -> bool {
        let below = (card + 2..self.lines.len()).take_while(|at| !self.is_blank(*at));
        below.filter_map(|at| self.lines.get(at)).all(|line| !card::is_sentence(line))
    }

    /// Where something may stand behind name, headline and place.
    fn behind(&self, card: usize, end: usize, frame: &Frame) -> usize {
        let mut at = card + 1;
        // The headline is any line, wherever it stands; a place is short, and no sentence.
        at = (at..end).find(|at| !self.is_blank(*at)).map_or(end, |headline| headline + 1);
        if self.lines.get(at).is_some_and(|l| !l.is_empty() && !card::is_sentence(l)) && at < end {
            at += 1;
        }
        let of_frame = |at: usize| {
            self.lines.get(at).is_some_and(|line| {
                let begins = |p: &Regex| p.find(line).is_some_and(|m| m.start() == 0);
                line.is_empty()
                    || card::is_count(line)
                    || (!card::is_sentence(line) && self.view.network.common.iter().any(|p| p.is_match(line)))
                    || (URL.is_match(line) && frame.end.iter().any(begins))
            })
        };
        (at..end).find(|at| !of_frame(*at)).unwrap_or(end)
    }

    fn after_links(&self, frame: &Frame) -> (usize, usize) {
        let ours = |line: &String| {
            self.answers.contains(&line.as_str())
                || URL.find_iter(line).any(|url| {
                    let target = behind_gateway(url.as_str());
                    self.view.writes(&target) && is_answer(self.view.network, &target)
                })
        };
        let Some(last) = self.lines.iter().rposition(ours) else {
            return (0, 0);
        };
        let from = last + 1;
        let to = (from..self.lines.len()).find(|at| self.ends(*at, frame)).unwrap_or(self.lines.len());
        (from, to)
    }

    fn is_blank(&self, at: usize) -> bool {
        self.lines.get(at).is_none_or(String::is_empty)
    }

    fn is_card(&self, line: &str) -> bool {
        card::names(line, &self.card)
    }

    /// The network's logo line, alone or with the reader's own name.
    fn is_header(&self, line: &str) -> bool {
        let rest = line.strip_prefix(self.view.network.label.as_str()).unwrap_or(line).trim();
        (rest.is_empty() && !line.is_empty()) || self.recipients.contains(&rest)
    }

    fn is_frame(&self, at: usize, frame: &Frame) -> bool {
        let Some(line) = self.lines.get(at) else { return false };
        line.is_empty()
            || RULE.is_match(line)
            || self.is_header(line)
            || line == self.subject
            || self.is_prelude(line, frame)
    }

    fn is_prelude(&self, line: &str, frame: &Frame) -> bool {
        frame.prelude.iter().any(|p| p.is_match(line))
            || (card::speaks_of(line, self.name)
                && frame
                    .prelude_about_inviter
                    .iter()
                    .chain(&self.view.network.about_inviter)
                    .any(|p| p.is_match(line)))
    }

    /// A greeting is the network's where the network goes on speaking behind it.
    fn greets_before_frame(&self, at: usize, frame: &Frame) -> bool {
        self.lines.get(at).is_some_and(|line| self.is_greeting(line, frame))
            && (at + 1..self.lines.len())
                .find(|at| !self.is_blank(*at))
                .and_then(|next| self.lines.get(next))
                .is_some_and(|next| self.is_prelude(next, frame))
    }

    fn is_link(&self, at: usize) -> bool {
        let Some(line) = self.lines.get(at) else { return false };
        let label = !line.is_empty()
            && self.lines.get(at + 1).is_some_and(|next| {
                URL.find(next).is_some_and(|m| m.start() == 0) && self.has_own_link(next)
            });
        self.has_own_link(line)
            || (!self.is_card(line) && !self.is_header(line) && (label || self.is_button(line)))
    }

    /// Whether the note (or the card) ends before line `at`.
    fn ends(&self, at: usize, frame: &Frame) -> bool {
        self.lines.get(at).is_none_or(|line| {
            self.is_link(at)
                || line.starts_with('©')
                || PARTING.is_match(line)
                || frame.end.iter().any(|p| p.is_match(line))
        })
    }

    fn is_button(&self, line: &str) -> bool {
        self.buttons.binary_search(&line).is_ok()
    }

    /// A link of the network's own making: inviters write links into their notes too.
    fn has_own_link(&self, line: &str) -> bool {
        URL.find_iter(line).any(|url| self.view.writes(&behind_gateway(url.as_str())))
    }

    fn is_greeting(&self, line: &str, frame: &Frame) -> bool {
        let words = line.split_whitespace().count();
        let lower = line.to_lowercase();
        let named = self
            .recipients
            .iter()
            .flat_map(|name| name.split_whitespace())
            .any(|word| lower.contains(&word.to_lowercase()));
        // "Great talk yesterday!" greets nobody.
        let short = match (named, line.ends_with(['!', '！'])) {
            (true, false) => words <= MAX_GREETING_WORDS,
            (true, true) | (false, false) => words <= 3,
            (false, true) => false,
        };
        short && frame.greeting.as_ref().is_some_and(|greeting| greeting.is_match(line))
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
    text.lines().take(MAX_LINES).map(|l| l.trim().to_owned()).collect()
}

fn trim_blank(lines: &mut Vec<&str>) {
    while lines.last().is_some_and(|l| l.is_empty()) {
        lines.pop();
    }
    let filled = lines.iter().position(|l| !l.is_empty()).unwrap_or(lines.len());
    lines.drain(..filled);
}

#[allow(clippy::expect_used, reason = "constant patterns, compiled by every test")]
static URL: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"https?://\S+").expect("constant"));
/// What parts the foot from the page; shorter ones people draw as well.
#[allow(clippy::expect_used, reason = "constant patterns, compiled by every test")]
static PARTING: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^[-=_.*~]{8,}$|^--$").expect("constant"));
/// A line of rule characters, as frames part their blocks with.
#[allow(clippy::expect_used, reason = "constant patterns, compiled by every test")]
static RULE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^[-=_.*~]{4,}$|^--$").expect("constant"));
