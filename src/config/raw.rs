//! The file as tables that know where they stand and which keys they may hold.

use toml::de::DeTable;

use super::field::Field;
use super::keys::{Keys, ROOT, closest, dotted, homes_of};
use super::problems::Findings;

/// One table of the file. Opening it refuses the keys it does not know.
pub(super) struct Section<'a> {
    findings: &'a Findings<'a>,
    path: String,
    keys: Keys,
    /// Where the table begins; none for the top of the file.
    offset: Option<usize>,
    table: &'a DeTable<'a>,
}

impl<'a> Section<'a> {
    /// The top of the file.
    pub(super) fn root(findings: &'a Findings<'a>, table: &'a DeTable<'a>) -> Self {
        Self::new(findings, String::new(), ROOT, None, table)
    }

    /// Refuses the keys of `table` that are not among `keys`.
    pub(super) fn new(
        findings: &'a Findings<'a>,
        path: String,
        keys: Keys,
        offset: Option<usize>,
        table: &'a DeTable<'a>,
    ) -> Self {
        let section = Self { findings, path, keys, offset, table };
        for key in table.keys() {
            let name: &str = key.get_ref();
            if !keys.contains(&name) {
                let path = section.path_of(name);
                findings.wrong(&key.span(), &path, "unknown key", &section.remedy(name));
            }
        }
        section
    }

    /// The tables below the table `name`, in file order, with names of the owner's choice.
    pub(super) fn named_sections(&self, name: &str, keys: Keys) -> Vec<(String, Self)> {
        let Some(field) = self.field(name) else {
            return Vec::new();
        };
        let Some(table) = field.table() else {
            return Vec::new();
        };
        let mut entries: Vec<_> = table.iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        entries
            .into_iter()
            .filter_map(|(key, value)| {
                let name: &str = key.get_ref();
                let fits = (1..=64).contains(&name.len()) && name.bytes().all(is_name_byte);
                // A name that does not fit stays unsaid: often it is a mail address.
                let field = Field {
                    findings: self.findings,
                    path: dotted(&field.path, if fits { name } else { "?" }),
                    value,
                };
                if !fits {
                    self.findings.wrong(
                        &key.span(),
                        &field.path,
                        "a name with other characters than it may have",
                        "use 1 to 64 ASCII letters, digits, - and _, as in [account.work]",
                    );
                }
                Some((name.to_owned(), field.section(keys)?))
            })
            .collect()
    }

    /// The dotted path of `key` in this table.
    pub(super) fn path_of(&self, key: &str) -> String {
        dotted(&self.path, key)
    }

    /// The field `key`, when set.
    pub(super) fn field(&self, key: &str) -> Option<Field<'a>> {
        debug_assert!(self.keys.contains(&key), "{key} is missing from keys.rs");
        Some(Field { findings: self.findings, path: self.path_of(key), value: self.table.get(key)? })
    }

    /// The value of `key`; not set is a problem.
    pub(super) fn required<T>(
        &self,
        key: &str,
        allowed: &str,
        read: impl FnOnce(&Field<'a>) -> Option<T>,
    ) -> Option<T> {
        match self.field(key) {
            Some(field) => read(&field),
            None => {
                self.missing(key, allowed);
                None
            }
        }
    }

    /// The value of `key`, or `default`. `None` means that a problem was noted.
    pub(super) fn or<T>(
        &self,
        key: &str,
        default: T,
        read: impl FnOnce(&Field<'a>) -> Option<T>,
    ) -> Option<T> {
        self.field(key).map_or(Some(default), |field| read(&field))
    }

    /// The value of `key`, if set. The outer `None` means that a problem was noted.
    pub(super) fn optional<T>(
        &self,
        key: &str,
        read: impl FnOnce(&Field<'a>) -> Option<T>,
    ) -> Option<Option<T>> {
        self.field(key).map_or(Some(None), |field| read(&field).map(Some))
    }

    /// Notes that `key` should be set here.
    pub(super) fn missing(&self, key: &str, allowed: &str) {
        self.findings.missing(self.offset, &self.path_of(key), allowed);
    }

    /// Notes that the value of `key` in the table `name` below is not allowed
    /// beside the rest of the file.
    pub(super) fn refuse_below(&self, name: &str, key: &str, found: &str, allowed: &str) {
        let below = self.field(name).and_then(|field| {
            Some(Field {
                findings: self.findings,
                path: dotted(&field.path, key),
                value: field.value.get_ref().as_table()?.get(key)?,
            })
        });
        if let Some(field) = below {
            field.refuse(found, allowed);
        }
    }

    /// Notes what the owner should know about `key`, which need not be set.
    pub(super) fn warn(&self, key: &str, found: &str, advice: &str) {
        let offset = self.table.get(key).map(|value| value.span().start).or(self.offset);
        self.findings.warn(offset, &self.path_of(key), found, advice);
    }

    fn remedy(&self, unknown: &str) -> String {
        let homes = homes_of(unknown);
        if !homes.is_empty() {
            return format!("it belongs into {}", homes.join(" or "));
        }
        let listed = format!("allowed here: {}", self.keys.join(", "));
        match closest(unknown, self.keys.iter().copied()) {
            Some(meant) => format!("did you mean \"{meant}\"? {listed}"),
            None => listed,
        }
    }
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}
