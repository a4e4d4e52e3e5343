//! `rules/policy.toml`, typed.

use std::ops::RangeInclusive;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::domain::problem::place;
use crate::domain::{Action, Policy, Problem, Problems};

const KEYS: [&str; 6] =
    ["generic", "personalized", "send_confidence", "max_per_hour", "max_per_day", "send_within"];
const LETTERS: RangeInclusive<u32> = 1..=1000;
const DAY_S: u64 = 24 * 60 * 60;
const SEND_WITHIN: RangeInclusive<Duration> = Duration::from_secs(60)..=Duration::from_secs(30 * DAY_S);

/// Reads a whole policy. `file` is the name the owner knows the text by.
///
/// # Errors
/// Every fault at once: no TOML, unknown or missing keys, values of another
/// type or out of range.
pub fn parse(file: &str, text: &str) -> Result<Policy, Problems> {
    let table = DeTable::parse(text).map_err(|error| {
        let (line, column) = error.span().map_or((1, 1), |span| place(text, span.start));
        Problems(vec![Problem {
            file: file.to_owned(),
            line,
            column,
            key: String::new(),
            found: format!("no valid TOML: {}", error.message()),
            allowed: "mend the line".to_owned(),
        }])
    })?;
    let mut read = Read { file, text, table: table.get_ref(), problems: Vec::new() };
    read.refuse_unknown();
    let policy = read.policy();
    read.problems.sort_by_key(|p| (p.line, p.column));
    match policy {
        Some(policy) if read.problems.is_empty() => Ok(policy),
        _ => Err(Problems(read.problems)),
    }
}

struct Read<'a> {
    file: &'a str,
    text: &'a str,
    table: &'a DeTable<'a>,
    problems: Vec<Problem>,
}

impl<'a> Read<'a> {
    /// `None` when a key is at fault; all keys are looked at in any case.
    fn policy(&mut self) -> Option<Policy> {
        let generic = self.action("generic");
        let personalized = self.action("personalized");
        let send_confidence = self.confidence("send_confidence");
        let max_per_hour = self.count("max_per_hour");
        let max_per_day = self.count("max_per_day");
        let send_within = self.duration("send_within");
        Some(Policy {
            generic: generic?,
            personalized: personalized?,
            send_confidence: send_confidence?,
            max_per_hour: max_per_hour?,
            max_per_day: max_per_day?,
            send_within: send_within?,
            hold: None,
        })
    }

    fn refuse_unknown(&mut self) {
        for key in self.table.keys() {
            if !KEYS.contains(&key.get_ref().as_ref()) {
                self.report(
                    key.span().start,
                    key.get_ref(),
                    "an unknown key".to_owned(),
                    &format!("one of {}", KEYS.join(", ")),
                );
            }
        }
    }

    fn action(&mut self, key: &str) -> Option<Action> {
        self.read(key, "\"leave\", \"draft\" or \"send\"", |value| Action::parse(value.as_str()?))
    }

    fn confidence(&mut self, key: &str) -> Option<f64> {
        self.read(key, "a number from 0 to 1, for example 0.8", |value| {
            let written = match value {
                DeValue::Float(float) => float.as_str(),
                DeValue::Integer(integer) if integer.radix() == 10 => integer.as_str(),
                _ => return None,
            };
            let number: f64 = written.parse().ok()?;
            (0.0..=1.0).contains(&number).then_some(number)
        })
    }

    fn count(&mut self, key: &str) -> Option<u32> {
        let allowed = format!("a whole number from {} to {}", LETTERS.start(), LETTERS.end());
        self.read(key, &allowed, |value| {
            let integer = value.as_integer()?;
            u32::from_str_radix(integer.as_str(), integer.radix())
                .ok()
                .filter(|count| LETTERS.contains(count))
        })
    }

    fn duration(&mut self, key: &str) -> Option<Duration> {
        let allowed = "a time from \"1m\" to \"30d\", for example \"3d\" or \"12h\"";
        self.read(key, allowed, |value| {
            humantime::parse_duration(value.as_str()?).ok().filter(|span| SEND_WITHIN.contains(span))
        })
    }

    /// The value of `key` through `convert`; reports a missing or unfit one.
    fn read<T>(
        &mut self,
        key: &str,
        allowed: &str,
        convert: impl Fn(&'a DeValue<'a>) -> Option<T>,
    ) -> Option<T> {
        let Some(value) = self.table.get(key) else {
            self.problems.push(Problem {
                file: self.file.to_owned(),
                line: 1,
                column: 1,
                key: key.to_owned(),
                found: "the key is missing".to_owned(),
                allowed: allowed.to_owned(),
            });
            return None;
        };
        let read = convert(value.get_ref());
        if read.is_none() {
            self.report(value.span().start, key, self.shown(value), allowed);
        }
        read
    }

    /// The value as it stands in the file, cut to a readable length.
    fn shown(&self, value: &Spanned<DeValue<'_>>) -> String {
        let written = self.text.get(value.span()).unwrap_or_default();
        let mut shown: String = written.chars().take(60).collect();
        if shown.len() < written.len() {
            shown.push('…');
        }
        format!("found {}", shown.split_whitespace().collect::<Vec<_>>().join(" "))
    }

    fn report(&mut self, offset: usize, key: &str, found: String, allowed: &str) {
        let (line, column) = place(self.text, offset);
        self.problems.push(Problem {
            file: self.file.to_owned(),
            line,
            column,
            key: key.to_owned(),
            found,
            allowed: format!("allowed is {allowed}"),
        });
    }
}
