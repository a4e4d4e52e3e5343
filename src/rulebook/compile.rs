//! A network's rule file, compiled: every regex checked, every fault placed.

use std::ops::Range;

use regex::Regex;
use toml::Spanned;

use super::network::{Frame, Look, Network, NotePlace, Part, Profile, Sender, Source, Test};
use super::raw::{RawFind, RawFrame, RawFrom, RawLook, RawNetwork, RawProfile, RawTest};
use super::regexes;
use crate::domain::{Address, Notice, Problem, Timestamp, problem};

/// Line and column.
type Place = (usize, usize);

const ONE_AT_LEAST: &str = "one at least: is the file cut off?";

/// Compiles one network file; `file` is its name for messages. The place is that of its id.
///
/// # Errors
/// Every problem of the file; a syntax error hides the ones behind it.
pub(super) fn compile(file: &str, text: &str) -> Result<(Network, Place), Vec<Problem>> {
    let raw: RawNetwork =
        toml::from_str(text).map_err(|error| vec![super::toml_problem(file, text, &error)])?;
    let mut c = Compiler { file, text, problems: Vec::new() };
    if raw.id.get_ref().is_empty()
        || !raw.id.get_ref().bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    {
        c.problem(&raw.id, "id", "a short name of lower-case letters, digits and `-`");
    }
    let at = problem::place(text, raw.id.span().start);
    // A file that was cut off is whole TOML, as a rule; mail would be passed over in silence.
    let end = text.trim_end().len();
    if raw.look.is_empty() {
        c.fault(end, "look", "found no [[look]] up to here".to_owned(), ONE_AT_LEAST);
    }
    if !raw.frame.iter().any(|frame| frame.kind.get_ref() == Notice::Invitation.as_str()) {
        c.fault(
            end,
            "frame",
            "found no [[frame]] of kind \"invitation\" up to here".to_owned(),
            ONE_AT_LEAST,
        );
    }
    let revision = c.revision(raw.find.revision.as_ref());
    let network = Network {
        id: raw.id.into_inner(),
        label: raw.label,
        domains: c.domains(raw.senders.domains, "senders.domains"),
        trusted: c.domains(raw.trust.domains, "trust.domains"),
        relay: c.domains(raw.senders.relay, "senders.relay"),
        person_reply_until: raw.senders.person_reply_until.as_ref().and_then(|d| c.date(d)),
        looks: raw.look.into_iter().map(|look| c.look(look)).collect(),
        revision,
        templates: c.tests(raw.find.template, "find.template"),
        invitation_ids: c.sources(raw.find.invitation_id, "find.invitation_id"),
        shared_keys: c.sources(raw.find.shared_key, "find.shared_key"),
        accept_link: raw.find.accept_link.as_ref().and_then(|p| c.regex(p, "find.accept_link")),
        frame_link: raw.find.frame_link.as_ref().and_then(|p| c.regex(p, "find.frame_link")),
        profiles: raw.pages.profile.into_iter().filter_map(|p| c.profile(p)).collect(),
        invitations_page: c.page(raw.pages.invitations, "pages.invitations"),
        common: c.regexes(&raw.find.common, "find.common"),
        about_inviter: c.regexes(&raw.find.about_inviter, "find.about_inviter"),
        frames: c.frames(raw.frame),
        name_noise: c.regexes(&raw.senders.name_noise, "senders.name_noise"),
        defaults: raw
            .defaults
            .into_iter()
            .flat_map(|(language, texts)| texts.into_iter().map(move |t| (language.clone(), t)))
            .collect(),
    };
    if c.problems.is_empty() { Ok((network, at)) } else { Err(c.problems) }
}

/// What is wrong when `text` replaces the shipped network file `shipped`: ids
/// that are found otherwise, under the revision that letters were written by.
pub(super) fn changed_ids(file: &str, text: &str, shipped: &str) -> Option<Problem> {
    let (raw, old) = (toml::from_str::<RawNetwork>(text).ok()?, toml::from_str::<RawNetwork>(shipped).ok()?);
    let ids = |find: &RawFind| -> Vec<String> {
        let written = find.invitation_id.iter().chain(&find.shared_key);
        written.flat_map(|test| test.get_ref().patterns()).map(|p| p.get_ref().clone()).collect()
    };
    let revision = |find: &RawFind| find.revision.as_ref().map_or(1, |revision| *revision.get_ref());
    let is_open = raw.id.get_ref() != old.id.get_ref()
        || ids(&raw.find) == ids(&old.find)
        || revision(&raw.find) != revision(&old.find);
    let at =
        raw.find.invitation_id.first().or(raw.find.shared_key.first()).unwrap_or(raw.find.template.first()?);
    let (line, column) = problem::place(text, at.span().start);
    (!is_open).then(|| Problem {
        file: file.to_owned(),
        line,
        column,
        key: "find".to_owned(),
        found: "other patterns for ids than the shipped file has".to_owned(),
        allowed: format!(
            "set `revision = {}` in [find]; what was answered before is then known again by page and name",
            revision(&old.find) + 1
        ),
    })
}

struct Compiler<'a> {
    file: &'a str,
    text: &'a str,
    problems: Vec<Problem>,
}

impl Compiler<'_> {
    fn problem(&mut self, at: &Spanned<String>, key: &str, allowed: &str) {
        self.fault(at.span().start, key, format!("found {:?}", at.get_ref()), allowed);
    }

    fn fault(&mut self, at: usize, key: &str, found: String, allowed: &str) {
        let (line, column) = problem::place(self.text, at);
        self.problems.push(Problem {
            file: self.file.to_owned(),
            line,
            column,
            key: key.to_owned(),
            found,
            allowed: allowed.to_owned(),
        });
    }

    /// `^` and `$` match at lines.
    fn regex(&mut self, pattern: &Spanned<String>, key: &str) -> Option<Regex> {
        let built = regexes::builder_for_mail(pattern.get_ref()).multi_line(true).build();
        match built {
            Ok(regex) => Some(regex),
            Err(error) => {
                self.problem(pattern, key, &regexes::wanted(&error));
                None
            }
        }
    }

    fn regexes(&mut self, patterns: &[Spanned<String>], key: &str) -> Vec<Regex> {
        patterns.iter().filter_map(|p| self.regex(p, key)).collect()
    }

    fn domains(&mut self, list: Vec<Spanned<String>>, key: &str) -> Vec<String> {
        for domain in &list {
            let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
            let name = domain.get_ref();
            if !name.contains('.') || !name.chars().all(fits) || name.starts_with('.') {
                self.problem(domain, key, "a domain like \"example.com\", without `@` and without `*`");
            }
        }
        list.into_iter().map(|domain| domain.into_inner().to_ascii_lowercase()).collect()
    }

    fn addresses(&mut self, list: Vec<Spanned<String>>, key: &str) -> Vec<String> {
        for address in list.iter().filter(|address| Address::parse(address.get_ref()).is_none()) {
            self.problem(address, key, "a whole address like \"invitations@example.com\"");
        }
        list.into_iter().map(|address| address.into_inner().to_ascii_lowercase()).collect()
    }

    fn page(&mut self, page: Spanned<String>, key: &str) -> String {
        if !page.get_ref().starts_with("https://") {
            self.problem(&page, key, "an address that begins with https://");
        }
        page.into_inner()
    }

    fn date(&mut self, at: &Spanned<String>) -> Option<Timestamp> {
        let date = at.get_ref().parse::<jiff::civil::Date>().ok();
        let moment = date.and_then(|d| d.to_zoned(jiff::tz::TimeZone::UTC).ok());
        if moment.is_none() {
            self.problem(at, "senders.person_reply_until", "a date like \"2016-01-01\"");
        }
        moment.map(|m| Timestamp::from_unix_s(m.timestamp().as_second()))
    }

    fn revision(&mut self, written: Option<&Spanned<u32>>) -> u32 {
        let Some(written) = written else { return 1 };
        if *written.get_ref() == 0 {
            self.fault(written.span().start, "find.revision", "found 0".to_owned(), "a whole number from 1");
        }
        *written.get_ref()
    }

    fn look(&mut self, raw: RawLook) -> Look {
        for pattern in raw.all.iter().chain(&raw.any).flat_map(|test| test.get_ref().body_patterns()) {
            self.problem(
                pattern,
                "look.all",
                "only subject, from_name, message_id and header: a look sees no body",
            );
        }
        Look {
            from: raw.from.and_then(|from| self.sender(from, "look.from")),
            all: self.tests(raw.all, "look.all"),
            any: self.tests(raw.any, "look.any"),
            search: raw.search.into_iter().map(|s| (s.header, s.value)).collect(),
        }
    }

    fn profile(&mut self, raw: RawProfile) -> Option<Profile> {
        let not = raw.not.as_ref().and_then(|p| self.regex(p, "pages.profile.not"));
        let best = raw.best.as_ref().and_then(|p| self.regex(p, "pages.profile.best"));
        if !raw.canonical.get_ref().contains("{1}") {
            self.problem(
                &raw.canonical,
                "pages.profile.canonical",
                "a page with `{1}` where the person is named",
            );
        }
        let canonical = self.page(raw.canonical, "pages.profile.canonical");
        let link = self.regex(&raw.link, "pages.profile.link")?;
        if link.captures_len() < 2 {
            self.problem(
                &raw.link,
                "pages.profile.link",
                "a group `( )` round the part that names the person",
            );
        }
        Some(Profile { link, not, best, canonical, stable: raw.stable })
    }

    fn sources(&mut self, raw: Vec<Spanned<RawTest>>, key: &str) -> Vec<Source> {
        let mut sources = Vec::new();
        for test in raw {
            let written = test.get_ref().patterns().next().cloned();
            let Some(source) = self.test(test, key) else { continue };
            if source.pattern.captures_len() < 2
                && let Some(written) = written
            {
                self.problem(&written, key, "a group `( )` round the value");
            }
            sources.push(source);
        }
        sources
    }

    fn tests(&mut self, raw: Vec<Spanned<RawTest>>, key: &str) -> Vec<Test> {
        raw.into_iter().filter_map(|t| self.test(t, key)).collect()
    }

    fn test(&mut self, raw: Spanned<RawTest>, key: &str) -> Option<Test> {
        let (at, raw) = (raw.span().start, raw.into_inner());
        let one =
            "one of subject, heading, from_name, message_id, header + is, text, preheader, link, template";
        let places = raw.patterns().count();
        if places != 1 {
            let found = if places == 0 { "found no pattern" } else { "found several places to look" };
            self.fault(at, key, found.to_owned(), one);
            return None;
        }
        let (part, pattern) = match raw {
            RawTest { header: Some(header), is: Some(is), .. } => (Part::Header(header.into_inner()), is),
            RawTest { header: Some(header), .. } => {
                self.problem(&header, key, "`is = 'pattern'` beside `header`");
                return None;
            }
            RawTest { subject: Some(p), .. } => (Part::Subject, p),
            RawTest { heading: Some(p), .. } => (Part::Heading, p),
            RawTest { from_name: Some(p), .. } => (Part::FromName, p),
            RawTest { message_id: Some(p), .. } => (Part::MessageId, p),
            RawTest { text: Some(p), .. } => (Part::Text, p),
            RawTest { preheader: Some(p), .. } => (Part::Preheader, p),
            RawTest { link: Some(p), .. } => (Part::Link, p),
            RawTest { template: Some(p), .. } => (Part::Template, p),
            RawTest { .. } => {
                self.fault(at, key, "found `is` without `header`".to_owned(), one);
                return None;
            }
        };
        let pattern = self.regex(&pattern, key)?;
        Some(Test { part, pattern })
    }

    fn sender(&mut self, raw: Spanned<RawFrom>, key: &str) -> Option<Sender> {
        let span = raw.span();
        match raw.into_inner() {
            RawFrom::Addresses(list) => {
                let list = list.into_iter().map(|address| self.placed(&span, address)).collect();
                Some(Sender::Addresses(self.addresses(list, key)))
            }
            RawFrom::Word(word) if word == "network" => Some(Sender::Network),
            RawFrom::Word(word) if word == "inviter" => Some(Sender::Inviter),
            RawFrom::Word(word) => {
                let at = Spanned::new(span, word);
                self.problem(&at, key, "\"network\", \"inviter\" or a list of addresses");
                None
            }
        }
    }

    /// `word` at its place in the list at `list`: an untagged value has none of its own.
    fn placed(&self, list: &Range<usize>, word: String) -> Spanned<String> {
        let text = self.text.get(list.clone()).unwrap_or_default();
        let at = text.find(&word).and_then(|at| at.checked_sub(1)).unwrap_or_default();
        Spanned::new(list.start + at..list.end, word)
    }

    fn frames(&mut self, raw: Vec<RawFrame>) -> Vec<Frame> {
        let models: Vec<_> = raw.iter().map(|frame| frame.like.clone()).collect();
        let frames: Vec<_> = raw.into_iter().map(|frame| self.frame(frame)).collect();
        let mut out = Vec::new();
        for (frame, like) in frames.iter().zip(models) {
            let Some(frame) = frame.clone() else { continue };
            let Some(like) = like else {
                out.push(frame);
                continue;
            };
            match frames.iter().flatten().find(|model| model.name == *like.get_ref()) {
                Some(model) => out.push(frame.laid_out_like(model)),
                None => self.problem(
                    &like,
                    &format!("frame.{}.like", frame.name),
                    "the name of a frame of this file",
                ),
            }
        }
        out
    }

    fn frame(&mut self, raw: RawFrame) -> Option<Frame> {
        let key = |field: &str| format!("frame.{}.{field}", raw.name);
        let kind = Notice::ALL.into_iter().find(|n| n.as_str() == raw.kind.get_ref());
        if kind.is_none() {
            self.problem(
                &raw.kind,
                &key("kind"),
                "one of invitation, reminder, digest, accepted, message, other",
            );
        }
        let from = self.sender(raw.from, &key("from"))?;
        let note = match raw.note.as_ref().map(|n| n.get_ref().as_str()) {
            None | Some("nowhere") => NotePlace::Nowhere,
            Some("around-card") => NotePlace::AroundCard,
            Some("after-links") => NotePlace::AfterLinks,
            Some(_) => {
                if let Some(at) = &raw.note {
                    self.problem(at, &key("note"), "one of around-card, after-links, nowhere");
                }
                return None;
            }
        };
        Some(Frame {
            kind: kind?,
            from,
            all: self.tests(raw.all, &key("all")),
            any: self.tests(raw.any, &key("any")),
            none: self.tests(raw.none, &key("none")),
            note,
            names: self.sources(raw.inviter, &key("inviter")),
            prelude: self.regexes(&raw.prelude, &key("prelude")),
            prelude_about_inviter: self.regexes(&raw.prelude_about_inviter, &key("prelude_about_inviter")),
            end: self.regexes(&raw.end, &key("end")),
            greeting: raw.greeting.as_ref().and_then(|p| self.regex(p, &key("greeting"))),
            closing: raw.closing.as_ref().and_then(|p| self.regex(p, &key("closing"))),
            name: raw.name,
        })
    }
}
