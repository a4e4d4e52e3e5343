//! Rule files as text: the shipped set, and a folder laid over it.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use include_dir::{Dir, include_dir};

use crate::domain::Problem;

static SHIPPED: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/rules");

/// Rule files by their path below `rules/` (`/` between parts).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct RuleFiles(BTreeMap<String, (String, String)>);

impl RuleFiles {
    /// The files inside the binary.
    pub fn shipped() -> Self {
        let mut files = Self::default();
        files.take(&SHIPPED);
        files
    }

    fn take(&mut self, dir: &Dir<'_>) {
        for file in dir.files() {
            if let (Some(path), Some(text)) = (file.path().to_str(), file.contents_utf8()) {
                let path = path.replace('\\', "/");
                self.insert(&path, &format!("rules/{path}"), text);
            }
        }
        dir.dirs().for_each(|sub| self.take(sub));
    }

    /// Adds or replaces the file at `path`; messages call it `shown`.
    pub fn insert(&mut self, path: &str, shown: &str, text: &str) {
        self.0.insert(path.to_owned(), (shown.to_owned(), text.to_owned()));
    }

    /// Lays `other` over this set: same path replaces, new path adds.
    pub fn overlay(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Tells apart what one process compiles: equal for the same names and texts.
    pub fn digest(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.hash(&mut hasher);
        hasher.finish()
    }

    /// Path, and shown name with text, of every file.
    pub fn as_map(&self) -> &BTreeMap<String, (String, String)> {
        &self.0
    }

    /// Path and text of every file.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(path, (_, text))| (path.as_str(), text.as_str()))
    }

    /// Shown name and text of every file below `folder` with that ending.
    pub fn under<'a>(&'a self, folder: &'a str, ending: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.0
            .iter()
            .filter(move |(path, _)| path.starts_with(folder) && path.ends_with(ending))
            .map(|(_, (shown, text))| (shown.as_str(), text.as_str()))
    }

    /// Compiles the file at `path` with `compile`; problems go to `problems`.
    pub(super) fn compile_one<T>(
        &self,
        path: &str,
        compile: impl FnOnce(&str, &str) -> Result<T, Vec<Problem>>,
        problems: &mut Vec<Problem>,
    ) -> Option<T> {
        let Some((shown, text)) = self.0.get(path) else {
            problems.push(Problem {
                file: format!("rules/{path}"),
                line: 0,
                column: 0,
                key: String::new(),
                found: "the file is missing".to_owned(),
                allowed: "`notyet rules eject DIR` writes the shipped one".to_owned(),
            });
            return None;
        };
        compile(shown, text).map_err(|more| problems.extend(more)).ok()
    }
}
