//! Was this note written for its reader, or could it have gone to a hundred
//! strangers unchanged, names and job titles aside?
//!
//! Generic has to be shown: by the networks' own sentences, by a vocabulary
//! that says nothing, or by signals that outweigh whatever speaks for a note
//! written for one. Losing a personal note is the costly error, so what cannot
//! be shown is personalized, with a confidence that sends nothing unreviewed.

mod examples;
mod letter;
mod score;
mod smalltalk;

use std::ops::Range;

use crate::domain::{Evidence, Judgement, NoteKind, Stage};
use crate::rulebook::boilerplate::Boilerplate;
use crate::rulebook::notes::{Hit, Language, Notes, Reads};
use crate::rulebook::text::{Normalised, normalise, sentences, words};

use letter::Reader;

pub use examples::{ExampleFailure, run_examples};
pub use score::{Cell, Label, LabelledNote, Miss, ScoreTable, read_labelled, score};

/// What is known besides the note.
#[derive(Clone, Copy, Debug)]
pub struct NoteContext<'a> {
    /// Who invites; may be empty.
    pub inviter_name: &'a str,
    /// Who is invited; may be empty.
    pub owner_name: &'a str,
    /// The default sentences of all networks.
    pub defaults: &'a Boilerplate,
}

/// So much more must speak for generic than for personalized.
const GENERIC_MARGIN: f64 = 0.8;

/// Growth of confidence with the margin: at this margin 0.5 has become 0.82.
const CONFIDENCE_SCALE: f64 = 2.4;

/// No generic verdict goes above this as long as anything speaks for a personal
/// note, or a part of the note was not read.
const DOUBTFUL: f64 = 0.75;

/// Nothing said either way.
const UNKNOWN: f64 = 0.5;

/// A note without one word of its own.
const SMALLTALK_WEIGHT: f64 = 3.0;

/// A note with so few words of its own that they may be anything.
const NEARLY_SMALLTALK_WEIGHT: f64 = 1.0;

/// Judges a note.
pub fn classify(note: Option<&str>, context: &NoteContext<'_>, notes: &Notes) -> Judgement {
    let original = note.unwrap_or_default();
    let folded = normalise(original);
    if folded.as_str().is_empty() && !folded.is_cut() {
        return Judgement {
            kind: NoteKind::Generic,
            confidence: 1.0,
            language: String::new(),
            evidence: vec![Evidence::new(Stage::Classify, "note.none", "no note")],
        };
    }
    let names = name_words(context);
    let languages = candidates(folded.as_str(), notes);
    let reader = Reader { languages: &languages, names: &names };
    let mut case = Case {
        original,
        folded: &folded,
        evidence: Vec::new(),
        generic: 0.0,
        personal: 0.0,
        has_boilerplate: false,
        generic_phrases: 0,
    };
    let body = reader.body(folded.as_str());
    let rest = case.without_boilerplate(body, context.defaults);
    let language = notes
        .language(&rest.own)
        .map(|language| language.tag.clone())
        .or(rest.language)
        .or_else(|| notes.language(folded.as_str()).map(|l| l.tag.clone()))
        .unwrap_or_default();
    let (kind, confidence) =
        if rest.own.chars().any(|c| c.is_alphanumeric()) || rest.own.contains(['{', '[', '<']) {
            let mut hits = notes.hits(&rest.own, Reads::Body, &languages);
            hits.extend(notes.hits(folded.as_str(), Reads::Whole, &languages));
            case.weigh(hits);
            case.weigh_smalltalk(&rest.own, &reader, notes);
            case.verdict()
        } else if case.evidence.is_empty() {
            case.say("note.greeting-only", 0..folded.as_str().len());
            (NoteKind::Generic, 0.9)
        } else {
            (NoteKind::Generic, 0.98)
        };
    let confidence = if folded.is_cut() {
        case.evidence.push(Evidence::new(
            Stage::Classify,
            "note.too-long",
            format!("only the first {} bytes were read", crate::rulebook::text::MAX_LOOKED_AT_BYTES),
        ));
        confidence.min(DOUBTFUL)
    } else {
        confidence
    };
    if case.evidence.is_empty() {
        case.evidence.push(Evidence::new(
            Stage::Classify,
            "note.no-signal",
            "no rule speaks for either kind; what cannot be shown to be generic counts as personalized",
        ));
    }
    Judgement { kind, confidence, language, evidence: case.evidence }
}

/// The likeliest languages, and English where letters are Latin: pitches are often half English.
fn candidates<'a>(folded: &str, notes: &'a Notes) -> Vec<&'a Language> {
    let mut languages = notes.languages(folded);
    if let Some(english) = notes.words_of("en")
        && folded.contains(|c: char| c.is_ascii_alphabetic())
        && !languages.iter().any(|l| l.tag == english.tag)
    {
        languages.push(english);
    }
    languages
}

fn name_words(context: &NoteContext<'_>) -> Vec<String> {
    [context.inviter_name, context.owner_name]
        .into_iter()
        .flat_map(|name| {
            let folded = normalise(name);
            words(folded.as_str()).into_iter().map(|(_, word)| word.to_owned()).collect::<Vec<_>>()
        })
        .collect()
}

/// The pleadings about one note.
struct Case<'a> {
    original: &'a str,
    folded: &'a Normalised,
    evidence: Vec<Evidence>,
    generic: f64,
    personal: f64,
    has_boilerplate: bool,
    /// How many patterns of generic signals matched.
    generic_phrases: usize,
}

/// A note's own words.
struct Own {
    /// The folded note with everything that is not its own overwritten by line
    /// ends, byte for byte, so that places stay what they were.
    own: String,
    /// The language of a default sentence in it.
    language: Option<String>,
}

impl Case<'_> {
    fn say(&mut self, rule: impl Into<String>, span: Range<usize>) {
        let words = self.original.get(self.folded.original(span)).unwrap_or_default();
        self.evidence.push(Evidence::new(Stage::Classify, rule, words));
    }

    /// Takes the networks' own sentences out of `body`. A default may run over
    /// what looks like two sentences (a folded line, an abbreviation).
    fn without_boilerplate(&mut self, body: Range<usize>, defaults: &Boilerplate) -> Own {
        let text = self.folded.as_str();
        let part = text.get(body.clone()).unwrap_or_default();
        let sentences: Vec<Range<usize>> =
            sentences(part).into_iter().map(|s| body.start + s.start..body.start + s.end).collect();
        let mut own = vec![body.clone()];
        let mut language = None;
        let mut at = 0;
        while let Some(first) = sentences.get(at) {
            let best = sentences
                .get(at..)
                .unwrap_or_default()
                .iter()
                .take(3)
                .enumerate()
                .filter_map(|(more, last)| {
                    let span = first.start..last.end;
                    let found = defaults.find(text.get(span.clone())?)?;
                    Some((found.similarity, more, span, found))
                })
                .max_by(|a, b| a.0.total_cmp(&b.0));
            match best {
                Some((_, more, span, found)) => {
                    self.has_boilerplate = true;
                    self.say(format!("boilerplate.{}", found.source), span.clone());
                    language.get_or_insert_with(|| found.language.to_owned());
                    if let Some(last) = own.pop() {
                        own.push(last.start..span.start);
                        own.push(span.end..last.end);
                    }
                    at += more + 1;
                }
                None => at += 1,
            }
        }
        let mut kept = String::with_capacity(text.len());
        for range in own {
            kept.extend(std::iter::repeat_n('\n', range.start.saturating_sub(kept.len())));
            kept.extend(text.get(range).unwrap_or_default().chars().map(|c| if c == '\n' { ' ' } else { c }));
        }
        Own { own: kept, language }
    }

    fn weigh(&mut self, mut hits: Vec<Hit<'_>>) {
        hits.sort_by(|a, b| {
            b.signal.weight.total_cmp(&a.signal.weight).then(a.span.start.cmp(&b.span.start))
        });
        for hit in hits {
            match hit.signal.side {
                NoteKind::Generic => {
                    self.generic += hit.signal.weight;
                    self.generic_phrases += 1;
                }
                NoteKind::Personalized => self.personal += hit.signal.weight,
            }
            self.say(format!("notes/{}", hit.signal.rule), hit.span);
        }
    }

    fn weigh_smalltalk(&mut self, own: &str, reader: &Reader<'_>, notes: &Notes) {
        let coverage = smalltalk::coverage(own, reader, notes.common());
        let weight = match coverage.own.len() {
            0 => SMALLTALK_WEIGHT,
            // Whoever adds a word to the default sentence has something to say.
            _ if self.has_boilerplate => return,
            1 if coverage.all >= 5 => NEARLY_SMALLTALK_WEIGHT,
            few if few * 10 <= coverage.all => NEARLY_SMALLTALK_WEIGHT,
            _ => return,
        };
        self.generic += weight;
        let start = own.len() - own.trim_start().len();
        self.say("note.smalltalk", start..own.trim_end().len());
    }

    /// One phrase of a pitch may be a quotation or a joke.
    fn rests_on_one_phrase(&self) -> bool {
        self.generic_phrases < 2 && self.generic < SMALLTALK_WEIGHT
    }

    fn verdict(&self) -> (NoteKind, f64) {
        let margin = self.generic - self.personal;
        let grown = |margin: f64| 1.0 - UNKNOWN * (-margin / CONFIDENCE_SCALE).exp();
        if margin >= GENERIC_MARGIN {
            let confidence = grown(margin).min(0.97);
            let doubt = self.personal > 0.0 || self.rests_on_one_phrase();
            (NoteKind::Generic, if doubt { confidence.min(DOUBTFUL) } else { confidence })
        } else if self.personal > 0.0 && margin < 0.0 {
            (NoteKind::Personalized, grown(-margin).min(0.97))
        } else {
            (NoteKind::Personalized, UNKNOWN)
        }
    }
}
