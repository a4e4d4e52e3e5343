//! `rules/notes/weights.tsv`: what a linear model has learned from labelled
//! notes. It is text like every other rule: one weight per line, made by
//! `notyet rules learn`, readable, and replaced by a file of the same name.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use crate::domain::Problem;

/// No file larger than this is taken for weights.
pub const MAX_FILE_BYTES: usize = 1_000_000;

/// What a feature is a piece of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Neighbouring letters, `_` where words meet: `_tal`.
    Letters,
    /// One word or two or three neighbouring ones: `we_help`.
    Words,
    /// The same with their subject taken out: `we_help_~ers`.
    Shape,
    /// A signal of `rules/notes/*.toml` that matched: `en.met`, or `met` in any language.
    Signal,
    /// The note's build: length, figures, capitals.
    Build,
}

impl Kind {
    /// Every one.
    pub const ALL: [Self; 5] = [Self::Letters, Self::Words, Self::Shape, Self::Signal, Self::Build];

    /// The word in the file's heading.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Letters => "letters",
            Self::Words => "words",
            Self::Shape => "shape",
            Self::Signal => "signal",
            Self::Build => "build",
        }
    }
}

/// What the lines below a heading are.
#[derive(Clone, Copy)]
enum Section {
    Level,
    Pieces(Kind),
}

impl Section {
    fn parse(name: &str) -> Option<Self> {
        let pieces = || Kind::ALL.into_iter().find(|kind| kind.as_str() == name).map(Self::Pieces);
        if name == "level" { Some(Self::Level) } else { pieces() }
    }
}

/// The levels a sum of weights is held against.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Levels {
    /// Added to every sum.
    pub bias: f64,
    /// From this sum on a note is generic.
    pub generic_from: f64,
    /// From this sum on it is surely so.
    pub sure_from: f64,
}

/// A compiled model. A sum above [`Levels::generic_from`] speaks for generic.
#[derive(Clone, Debug, Default)]
pub struct Weights {
    /// By digest of the feature: equal digests of different features would
    /// swap two small weights among tens of thousands.
    by_digest: ByDigest,
    /// The levels.
    pub levels: Levels,
}

impl Weights {
    /// Reads the file `file`.
    ///
    /// # Errors
    /// Every line that is neither a heading nor `hundredths TAB piece` below one.
    pub(super) fn compile(file: &str, text: &str) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut levels = [None; 3];
        let mut by_digest =
            ByDigest::with_capacity_and_hasher(text.len() / 12, BuildHasherDefault::default());
        let mut wrong = |line: usize, found: String, allowed: &str| {
            problems.push(Problem {
                file: file.to_owned(),
                line,
                column: 1,
                key: String::new(),
                found,
                allowed: allowed.to_owned(),
            });
        };
        if text.len() > MAX_FILE_BYTES {
            let allowed = format!("at most {MAX_FILE_BYTES}; `notyet rules learn` keeps to it");
            wrong(1, format!("{} bytes", text.len()), &allowed);
        }
        let mut section = None;
        for (at, line) in text.lines().enumerate().filter(|(_, l)| !l.is_empty() && !l.starts_with('#')) {
            if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                section = Section::parse(name);
                if section.is_none() {
                    wrong(
                        at + 1,
                        format!("found [{name}]"),
                        "[level], [letters], [words], [shape], [signal] or [build]",
                    );
                    break;
                }
                continue;
            }
            let (weight, piece) = line.split_once('\t').unwrap_or((line, ""));
            let weight =
                weight.parse::<f32>().ok().filter(|w| w.is_finite()).map(|hundredths| hundredths / 100.0);
            let (Some(weight), Some(section), false) =
                (weight, section, piece.is_empty() || piece.contains('\t'))
            else {
                let allowed = "a heading, then lines of a weight in hundredths, a tab and a piece";
                wrong(at + 1, "a line of another shape".to_owned(), allowed);
                continue;
            };
            match section {
                Section::Pieces(kind) => {
                    by_digest.insert(digest(kind, piece), weight);
                }
                Section::Level => {
                    let slot =
                        LEVELS.iter().position(|name| *name == piece).and_then(|at| levels.get_mut(at));
                    match slot {
                        Some(slot) => *slot = Some(f64::from(weight)),
                        None => wrong(at + 1, format!("found {piece:?}"), &LEVELS.join(", ")),
                    }
                }
            }
        }
        let [Some(bias), Some(generic_from), Some(sure_from)] = levels else {
            wrong(1, "a level is missing".to_owned(), &format!("a line for each of {}", LEVELS.join(", ")));
            return Err(problems);
        };
        let levels = Levels { bias, generic_from, sure_from };
        if problems.is_empty() { Ok(Self { by_digest, levels }) } else { Err(problems) }
    }

    /// The weight of a feature; 0 for one that was never seen.
    pub fn of(&self, kind: Kind, feature: &str) -> f64 {
        self.by_digest.get(&digest(kind, feature)).copied().map_or(0.0, f64::from)
    }

    /// Whether the signal `rule` (`en.met`) took part in the learning, under
    /// its own name or under the one it shares with other languages (`met`).
    pub fn knows_signal(&self, rule: &str) -> bool {
        let shared = rule.split_once('.').map_or(rule, |(_, name)| name);
        [rule, shared].iter().any(|name| self.by_digest.contains_key(&digest(Kind::Signal, name)))
    }

    /// How many weights there are.
    pub fn len(&self) -> usize {
        self.by_digest.len()
    }

    /// Whether nothing was learned.
    pub fn is_empty(&self) -> bool {
        self.by_digest.is_empty()
    }
}

/// Digests are spread already, and only rules files fill the table: hashing
/// them again would cost more than the rest of a look-up.
type ByDigest = HashMap<u64, f32, BuildHasherDefault<AsItIs>>;

#[derive(Clone, Debug, Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |hash, byte| hash.rotate_left(8) ^ u64::from(*byte));
    }

    fn write_u64(&mut self, digest: u64) {
        self.0 = digest;
    }
}

/// Names of the levels, in the order of [`Levels`].
pub const LEVELS: [&str; 3] = ["bias", "generic-from", "sure-from"];

/// FNV-1a, 64 bits: fast on short keys, and the same on every machine.
fn digest(kind: Kind, feature: &str) -> u64 {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    feature.bytes().fold(step(0xcbf2_9ce4_8422_2325, kind as u8), step)
}
