//! A network's rule file, compiled: every regex checked, every fault placed.

use regex::{Regex, RegexBuilder};
use toml::Spanned;

use super::network::{Frame, Look, Network, NotePlace, Part, Profile, Sender, Source, Test};
use super::raw::{RawFrame, RawFrom, RawLook, RawNetwork, RawProfile, RawTest};
use crate::domain::{Notice, Problem, Timestamp, problem};

/// Compiles one network file; `file` is its name for messages.
///
/// # Errors
/// Every problem of the file; a syntax error hides the ones behind it.
pub(super) fn compile(file: &str, text: &str) -> Result<Network, Vec<Problem>> {
    let raw: RawNetwork =
        toml::from_str(text).map_err(|error| vec![super::toml_problem(file, text, &error)])?;
    let mut c = Compiler { file, text, problems: Vec::new() };
    if raw.id.get_ref().is_empty()
        || !raw.id.get_ref().bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    {
        c.problem(&raw.id, "id", "a short name of lower-case letters, digits and `-`");
    }
    let network = Network {
        id: raw.id.into_inner(),
        label: raw.label,
        domains: lower(raw.senders.domains),
        trusted: lower(raw.trust.domains),
        relay: lower(raw.senders.relay),
        person_reply_until: raw.senders.person_reply_until.as_ref().and_then(|d| c.date(d)),
        looks: raw.look.into_iter().map(|look| c.look(look)).collect(),
        templates: c.tests(raw.find.template, "find.template"),
        invitation_ids: c.sources(raw.find.invitation_id, "find.invitation_id"),
        shared_keys: c.sources(raw.find.shared_key, "find.shared_key"),
        accept_link: raw.find.accept_link.as_ref().and_then(|p| c.regex(p, "find.accept_link")),
        frame_link: raw.find.frame_link.as_ref().and_then(|p| c.regex(p, "find.frame_link")),
        profiles: raw.pages.profile.into_iter().filter_map(|p| c.profile(p)).collect(),
        invitations_page: raw.pages.invitations,
        frames: raw.frame.into_iter().filter_map(|f| c.frame(f)).collect(),
        name_noise: c.regexes(&raw.senders.name_noise, "senders.name_noise"),
        defaults: raw
            .defaults
            .into_iter()
            .flat_map(|(language, texts)| texts.into_iter().map(move |t| (language.clone(), t)))
            .collect(),
    };
    if c.problems.is_empty() { Ok(network) } else { Err(c.problems) }
}

fn lower(list: Vec<String>) -> Vec<String> {
    list.into_iter().map(|s| s.to_ascii_lowercase()).collect()
}

struct Compiler<'a> {
    file: &'a str,
    text: &'a str,
    problems: Vec<Problem>,
}

impl Compiler<'_> {
    fn problem(&mut self, at: &Spanned<String>, key: &str, allowed: &str) {
        let (line, column) = problem::place(self.text, at.span().start);
        self.problems.push(Problem {
            file: self.file.to_owned(),
            line,
            column,
            key: key.to_owned(),
            found: format!("found {:?}", at.get_ref()),
            allowed: allowed.to_owned(),
        });
    }

    /// Patterns ignore case; `^` and `$` match at lines; size is bounded so
    /// that a rule cannot make a mail expensive.
    fn regex(&mut self, pattern: &Spanned<String>, key: &str) -> Option<Regex> {
        let built = RegexBuilder::new(pattern.get_ref())
            .case_insensitive(true)
            .multi_line(true)
            .size_limit(1 << 20)
            .build();
        match built {
            Ok(regex) => Some(regex),
            Err(error) => {
                let why = error.to_string();
                let why = why.lines().last().unwrap_or_default().to_owned();
                self.problem(
                    pattern,
                    key,
                    &format!("a regular expression of Rust's regex crate is wanted ({why})"),
                );
                None
            }
        }
    }

    fn regexes(&mut self, patterns: &[Spanned<String>], key: &str) -> Vec<Regex> {
        patterns.iter().filter_map(|p| self.regex(p, key)).collect()
    }

    fn date(&mut self, at: &Spanned<String>) -> Option<Timestamp> {
        let date = at.get_ref().parse::<jiff::civil::Date>().ok();
        let moment = date.and_then(|d| d.to_zoned(jiff::tz::TimeZone::UTC).ok());
        if moment.is_none() {
            self.problem(at, "senders.person_reply_until", "a date like \"2016-01-01\"");
        }
        moment.map(|m| Timestamp::from_unix_s(m.timestamp().as_second()))
    }

    fn look(&mut self, raw: RawLook) -> Look {
        for span in raw.all.iter().filter_map(RawTest::body_pattern) {
            self.problem(
                &span,
                "look.all",
                "only subject, from_name, message_id and header: a look sees no body",
            );
        }
        Look {
            from: lower(raw.from),
            all: self.tests(raw.all, "look.all"),
            search: raw.search.into_iter().map(|s| (s.header, s.value)).collect(),
        }
    }

    fn profile(&mut self, raw: RawProfile) -> Option<Profile> {
        let not = raw.not.as_ref().and_then(|p| self.regex(p, "pages.profile.not"));
        let best = raw.best.as_ref().and_then(|p| self.regex(p, "pages.profile.best"));
        let link = self.regex(&raw.link, "pages.profile.link")?;
        if link.captures_len() < 2 {
            self.problem(
                &raw.link,
                "pages.profile.link",
                "a group `( )` round the part that names the person",
            );
        }
        Some(Profile { link, not, best, canonical: raw.canonical, stable: raw.stable })
    }

    fn sources(&mut self, raw: Vec<RawTest>, key: &str) -> Vec<Source> {
        let spans: Vec<_> = raw.iter().map(RawTest::any_pattern).collect();
        let tests = self.tests(raw, key);
        for (test, span) in tests.iter().zip(spans) {
            if test.pattern.captures_len() < 2
                && let Some(span) = span
            {
                self.problem(&span, key, "a group `( )` round the value");
            }
        }
        tests
    }

    fn tests(&mut self, raw: Vec<RawTest>, key: &str) -> Vec<Test> {
        raw.into_iter().filter_map(|t| self.test(t, key)).collect()
    }

    fn test(&mut self, raw: RawTest, key: &str) -> Option<Test> {
        let (part, pattern) = match raw {
            RawTest { header: Some(header), is: Some(is), .. } => (Part::Header(header.into_inner()), is),
            RawTest { header: Some(header), .. } => {
                self.problem(&header, key, "`is = 'pattern'` beside `header`");
                return None;
            }
            RawTest { subject: Some(p), .. } => (Part::Subject, p),
            RawTest { from_name: Some(p), .. } => (Part::FromName, p),
            RawTest { message_id: Some(p), .. } => (Part::MessageId, p),
            RawTest { text: Some(p), .. } => (Part::Text, p),
            RawTest { preheader: Some(p), .. } => (Part::Preheader, p),
            RawTest { link: Some(p), .. } => (Part::Link, p),
            RawTest { template: Some(p), .. } => (Part::Template, p),
            RawTest { is, .. } => {
                let at = is.unwrap_or_else(|| Spanned::new(0..0, String::new()));
                self.problem(
                    &at,
                    key,
                    "one of subject, from_name, message_id, header + is, text, preheader, link, template",
                );
                return None;
            }
        };
        let pattern = self.regex(&pattern, key)?;
        Some(Test { part, pattern })
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
        let from_span = raw.from.span();
        let from = match raw.from.into_inner() {
            RawFrom::Addresses(list) => Sender::Addresses(lower(list)),
            RawFrom::Word(word) if word == "network" => Sender::Network,
            RawFrom::Word(word) if word == "inviter" => Sender::Inviter,
            RawFrom::Word(word) => {
                let at = Spanned::new(from_span, word);
                self.problem(&at, &key("from"), "\"network\", \"inviter\" or a list of addresses");
                return None;
            }
        };
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
