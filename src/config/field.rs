//! One key with its value: reads it as what it should be, or says what is wrong with it.

use std::ops::{Range, RangeInclusive};
use std::path::PathBuf;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::keys::{Keys, closest};
use super::problems::Findings;
use super::raw::Section;
use super::surroundings::Surroundings;

/// One key with its value.
pub(super) struct Field<'a> {
    pub(super) findings: &'a Findings<'a>,
    /// The dotted key.
    pub(super) path: String,
    pub(super) value: &'a Spanned<DeValue<'a>>,
}

/// The allowed words of a field with the value each stands for.
pub(super) type Words<T> = [(&'static str, T)];

impl<'a> Field<'a> {
    /// Notes that this value is not allowed, with a description of it.
    pub(super) fn refuse(&self, found: &str, allowed: &str) {
        self.findings.wrong(&self.span(), &self.path, found, allowed);
    }

    /// A table with these keys.
    pub(super) fn section(&self, keys: Keys) -> Option<Section<'a>> {
        let table = self.table()?;
        Some(Section::new(self.findings, self.path.clone(), keys, Some(self.span().start), table))
    }

    /// Whether the value is a table.
    pub(super) fn is_table(&self) -> bool {
        self.value.get_ref().is_table()
    }

    /// One line of text that is not empty.
    pub(super) fn text(&self) -> Option<String> {
        const ALLOWED: &str = "give one line of text in quotes";
        match self.value.get_ref() {
            DeValue::String(text) if text.trim().is_empty() => {
                self.refuse("empty text", ALLOWED);
                None
            }
            DeValue::String(text) if text.chars().any(char::is_control) => {
                self.refuse("text with a line break or control character", ALLOWED);
                None
            }
            DeValue::String(text) => Some(text.to_string()),
            _ => self.refuse_value(ALLOWED),
        }
    }

    /// A list with at least one line of text.
    pub(super) fn texts(&self) -> Option<Vec<String>> {
        let fields = self.items("give a list of texts, for example [\"one\", \"two\"]")?;
        let texts: Vec<_> = fields.iter().map(Field::text).collect();
        texts.into_iter().collect()
    }

    /// Text that must not be quoted in a message; anything else is `None` without a note.
    pub(super) fn text_unseen(&self) -> Option<String> {
        self.value.get_ref().as_str().map(str::to_owned)
    }

    /// Texts that must not be quoted in a message; anything else is `None` without a note.
    pub(super) fn texts_unseen(&self) -> Option<Vec<String>> {
        let items = self.value.get_ref().as_array()?;
        items.iter().map(|item| item.get_ref().as_str().map(str::to_owned)).collect()
    }

    /// The items of a list that is not empty.
    pub(super) fn items(&self, allowed: &str) -> Option<Vec<Field<'a>>> {
        let items = self.list(allowed)?;
        if items.is_empty() {
            self.refuse("an empty list", allowed);
            return None;
        }
        Some(items)
    }

    /// The items of a list that may be empty.
    pub(super) fn list(&self, allowed: &str) -> Option<Vec<Field<'a>>> {
        match self.value.get_ref() {
            DeValue::Array(items) => Some(
                items
                    .iter()
                    .enumerate()
                    .map(|(index, value)| Field {
                        findings: self.findings,
                        path: format!("{}[{index}]", self.path),
                        value,
                    })
                    .collect(),
            ),
            _ => self.refuse_value(allowed),
        }
    }

    /// One of `words`.
    pub(super) fn word<T: Copy>(&self, words: &Words<T>) -> Option<T> {
        let allowed = || {
            let quoted: Vec<_> = words.iter().map(|(word, _)| format!("\"{word}\"")).collect();
            format!("allowed: {}", quoted.join(", "))
        };
        let DeValue::String(text) = self.value.get_ref() else {
            return self.refuse_value(&allowed());
        };
        if let Some((_, value)) = words.iter().find(|(word, _)| word == text) {
            return Some(*value);
        }
        let remedy = match closest(text, words.iter().map(|(word, _)| *word)) {
            Some(meant) => format!("did you mean \"{meant}\"? {}", allowed()),
            None => allowed(),
        };
        self.refuse_value(&remedy)
    }

    /// `true` or `false`.
    pub(super) fn flag(&self) -> Option<bool> {
        match self.value.get_ref() {
            DeValue::Boolean(flag) => Some(*flag),
            _ => self.refuse_value("allowed: true, false (without quotes)"),
        }
    }

    /// A whole number in `range`.
    pub(super) fn integer<T>(&self, range: RangeInclusive<T>) -> Option<T>
    where
        T: TryFrom<i64> + PartialOrd + std::fmt::Display,
    {
        if let DeValue::Integer(number) = self.value.get_ref()
            && let Ok(wide) = i64::from_str_radix(number.as_str(), number.radix())
            && let Ok(value) = T::try_from(wide)
            && range.contains(&value)
        {
            return Some(value);
        }
        self.refuse_value(&format!("allowed: a whole number from {} to {}", range.start(), range.end()))
    }

    /// A number in `range`.
    pub(super) fn number(&self, range: RangeInclusive<f64>) -> Option<f64> {
        let value = match self.value.get_ref() {
            DeValue::Integer(number) if number.radix() == 10 => number.as_str().parse().ok(),
            DeValue::Float(number) => number.as_str().parse().ok(),
            _ => None,
        };
        match value {
            Some(value) if range.contains(&value) => Some(value),
            _ => self.refuse_value(&format!("allowed: a number from {} to {}", range.start(), range.end())),
        }
    }

    /// A span of time with its unit, in `range`.
    pub(super) fn duration(&self, range: RangeInclusive<Duration>) -> Option<Duration> {
        if let DeValue::String(text) = self.value.get_ref()
            && let Ok(span) = humantime::parse_duration(text)
            && range.contains(&span)
        {
            return Some(span);
        }
        self.refuse_value(&format!(
            "allowed: a duration with its unit in quotes, from \"{}\" to \"{}\"",
            duration_text(*range.start()),
            duration_text(*range.end())
        ))
    }

    /// A path; a relative one starts at the folder of the config file.
    pub(super) fn path(&self, around: &Surroundings) -> Option<PathBuf> {
        let path = around.resolve(&self.text()?);
        if path.is_none() {
            self.refuse("a path below ~, but there is no HOME", "give the absolute path");
        }
        path
    }

    /// The bare table.
    pub(super) fn table(&self) -> Option<&'a DeTable<'a>> {
        match self.value.get_ref() {
            DeValue::Table(table) => Some(table),
            _ => {
                // The value stays unsaid: it may be a secret in the wrong place.
                let found = self.value.get_ref().type_str();
                self.refuse(&format!("a value ({found})"), "a table belongs here");
                None
            }
        }
    }

    fn span(&self) -> Range<usize> {
        self.value.span()
    }

    fn refuse_value<T>(&self, allowed: &str) -> Option<T> {
        self.refuse(&self.description(), allowed);
        None
    }

    fn description(&self) -> String {
        /// Longer texts are not what was meant anyway.
        const LONGEST_CHARS: usize = 40;
        match self.value.get_ref() {
            DeValue::String(text) if text.chars().count() <= LONGEST_CHARS => format!("{text:?}"),
            DeValue::String(_) => "a long text".to_owned(),
            DeValue::Integer(number) => number.to_string(),
            DeValue::Float(number) => number.to_string(),
            DeValue::Boolean(flag) => flag.to_string(),
            DeValue::Datetime(_) => "a date or time".to_owned(),
            DeValue::Array(_) => "a list".to_owned(),
            DeValue::Table(_) => "a table".to_owned(),
        }
    }
}

/// The word of `words` that stands for `value`.
pub(super) fn word_for<T: PartialEq>(words: &Words<T>, value: &T) -> &'static str {
    words.iter().find(|(_, known)| known == value).map_or("", |(word, _)| word)
}

/// `span` in its largest unit that divides it: `90d`, `4h`, `90s`.
pub(crate) fn duration_text(span: Duration) -> String {
    const UNITS: [(u128, &str); 4] = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s")];
    let ms = span.as_millis();
    UNITS
        .iter()
        .find(|(unit, _)| ms > 0 && ms.is_multiple_of(*unit))
        .map_or_else(|| format!("{ms}ms"), |(unit, name)| format!("{}{name}", ms / unit))
}
