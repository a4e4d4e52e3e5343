//! Was this note written for its reader, or could it have gone to a hundred
//! strangers unchanged, names and job titles aside?
//!
//! Generic has to be shown: by the networks' own sentences, by a vocabulary
//! that says nothing, or by signals that outweigh whatever speaks for a note
//! written for one. Losing a personal note is the costly error, so what cannot
//! be shown is personalized, with a confidence that sends nothing unreviewed.

mod examples;
mod features;
mod known_for;
mod learn;
mod letter;
mod reading;
mod score;
mod signer;
mod smalltalk;
mod vote;

use std::ops::Range;

use crate::config::Me;
use crate::domain::{Evidence, Inviter, Judgement, NoteKind, Stage};
use crate::rulebook::boilerplate::Boilerplate;
use crate::rulebook::notes::Notes;
use crate::rulebook::text::MAX_LOOKED_AT_BYTES;
use crate::rulebook::weights::Levels;

use reading::Reading;
use vote::Vote;

pub use examples::{ExampleFailure, run_examples};
pub use learn::{Learned, Lesson, PARTS, learn};
pub use score::{Cell, Label, LabelledNote, Miss, ScoreTable, read_labelled, read_lessons, score};

/// What is known besides the note.
#[derive(Clone, Copy, Debug)]
pub struct NoteContext<'a> {
    /// Who invites; none: the note came without a mail, and anybody may sign it.
    pub inviter: Option<&'a Inviter>,
    /// Who is invited; may be empty.
    pub owner_name: &'a str,
    /// What the owner made and where they work.
    pub me: &'a Me,
    /// The default sentences of all networks.
    pub defaults: &'a Boilerplate,
}

impl<'a> NoteContext<'a> {
    /// For a note without a mail and an owner.
    pub fn bare(defaults: &'a Boilerplate) -> Self {
        Self { inviter: None, owner_name: "", me: Me::NOTHING, defaults }
    }
}

/// A generic signal of this weight needs no vote: nobody writes `{first_name}` by hand.
const DECISIVE: f64 = 4.0;

/// No generic verdict goes above this as long as anything speaks for a personal
/// note, and no verdict where a part of the note was not read or only the owner
/// should answer.
const DOUBTFUL: f64 = 0.75;

/// Below this, generic is a doubt that rules may outvote ...
const OUTVOTED: f64 = 0.7;

/// ... if they weigh more than this: more than what is usual on one side.
const OUTVOTING: f64 = 1.5;

/// A default sentence and nothing else.
const DEFAULT_ALONE: f64 = 0.98;

/// `Hello Ann`.
const GREETING_ALONE: f64 = 0.9;

/// A default sentence and words that say nothing.
const SMALLTALK_BESIDE_DEFAULT: f64 = 0.9;

/// Nothing said either way.
pub(super) const UNKNOWN: f64 = 0.5;

/// From this confidence on a letter may be sent without a look.
const SURE: f64 = 0.8;

/// No vote is surer than this.
const MOST: f64 = 0.97;

/// Judges a note.
pub fn classify(note: Option<&str>, context: &NoteContext<'_>, notes: &Notes) -> Judgement {
    let reading = Reading::of(note.unwrap_or_default(), context, notes);
    let case = Case { reading: &reading, evidence: Vec::new() };
    case.judge(|| vote::vote(&reading, notes.weights()), notes.weights().levels)
}

/// The pleadings about one note.
struct Case<'a> {
    reading: &'a Reading<'a>,
    evidence: Vec<Evidence>,
}

impl Case<'_> {
    /// Hears the rules, and `vote` where they leave the matter open.
    fn judge(mut self, vote: impl FnOnce() -> Vote, levels: Levels) -> Judgement {
        self.cite_rules();
        let (kind, mut confidence) = match self.decided() {
            Some(verdict) => verdict,
            None => self.count(vote(), levels),
        };
        if self.reading.folded.is_cut() {
            let text = format!("only the first {MAX_LOOKED_AT_BYTES} bytes were read");
            self.evidence.push(Evidence::new(Stage::Classify, "note.too-long", text));
            confidence = confidence.min(DOUBTFUL);
        }
        let for_owner = self.for_owner();
        if for_owner.is_some() {
            confidence = confidence.min(DOUBTFUL);
        }
        let language = if self.reading.foreign { String::new() } else { self.reading.language.clone() };
        Judgement { kind, confidence, language, evidence: self.evidence, for_owner }
    }

    /// Why only the owner should answer: a matter for no machine, or somebody
    /// else's name under the note. No vote outweighs that.
    fn for_owner(&mut self) -> Option<String> {
        let reading = self.reading;
        let mut why = None;
        for warned in &reading.warned {
            self.say(format!("notes/{}", warned.caution.rule), warned.span.clone());
            let words = reading.words_at(warned.span.clone());
            why.get_or_insert_with(|| format!("the note speaks of {} (\"{words}\")", warned.caution.about));
        }
        if let Some(signer) = &reading.foreign_signer {
            self.say("note.signed-otherwise", signer.clone());
            let words = reading.words_at(signer.clone());
            why.get_or_insert_with(|| format!("the note is not signed by the inviter (\"{words}\")"));
        }
        why
    }

    fn say(&mut self, rule: impl Into<String>, span: Range<usize>) {
        self.evidence.push(Evidence::new(Stage::Classify, rule, self.reading.words_at(span)));
    }

    fn cite_rules(&mut self) {
        let reading = self.reading;
        for (source, span) in &reading.defaults {
            self.say(format!("boilerplate.{source}"), span.clone());
        }
        let mut hits: Vec<_> = reading.hits.iter().collect();
        hits.sort_by(|a, b| {
            b.signal.weight.total_cmp(&a.signal.weight).then(a.span.start.cmp(&b.span.start))
        });
        for hit in &hits {
            self.say(format!("notes/{}", hit.signal.rule), hit.span.clone());
        }
        for work in &reading.works {
            self.say(work.rule, work.span.clone());
        }
    }

    /// What needs no vote: nothing written, nothing but what the network wrote,
    /// a slot that a machine left empty.
    fn decided(&mut self) -> Option<(NoteKind, f64)> {
        let reading = self.reading;
        if reading.is_empty() {
            self.evidence.push(Evidence::new(Stage::Classify, "note.none", "no note"));
            return Some((NoteKind::Generic, 1.0));
        }
        if !reading.says_something() {
            if !reading.defaults.is_empty() {
                return Some((NoteKind::Generic, DEFAULT_ALONE));
            }
            self.say("note.greeting-only", 0..reading.folded.as_str().len());
            return Some((NoteKind::Generic, GREETING_ALONE));
        }
        if reading.signals(NoteKind::Generic).any(|signal| signal.weight >= DECISIVE) {
            return Some((NoteKind::Generic, if reading.speaks_personally() { DOUBTFUL } else { MOST }));
        }
        if reading.coverage.own.is_empty() {
            self.say("note.smalltalk", own_span(&reading.own));
            // A sign-off that was not known as one adds nothing to a default sentence.
            if !reading.defaults.is_empty() && !reading.speaks_personally() {
                return Some((NoteKind::Generic, SMALLTALK_BESIDE_DEFAULT));
            }
            // A rule says what these words are for; no word says it was for this reader.
            if reading.signals(NoteKind::Generic).next().is_some() && !reading.speaks_personally() {
                return Some((NoteKind::Generic, DOUBTFUL));
            }
        }
        None
    }

    fn count(&mut self, vote: Vote, levels: Levels) -> (NoteKind, f64) {
        // Words and weights of other languages show nothing here; a work of the owner's does.
        if self.reading.foreign && self.reading.works.is_empty() {
            let text = "in a language that the rules do not know";
            self.evidence.push(Evidence::new(Stage::Classify, "note.unknown-language", text));
            return (NoteKind::Personalized, UNKNOWN);
        }
        let (kind, confidence) = weigh(vote.sum, levels);
        let rule = format!("weights.{}", kind.as_str());
        for span in &vote.strongest {
            self.say(rule.as_str(), span.clone());
        }
        if self.evidence.is_empty() {
            let text =
                "nothing speaks for either kind; what cannot be shown to be generic counts as personalized";
            self.evidence.push(Evidence::new(Stage::Classify, "note.no-signal", text));
        }
        let spoken = self.reading.speaks_personally();
        // What was learned may err about a theme it never saw: rules that know the case outvote a doubt.
        if kind == NoteKind::Generic && confidence < OUTVOTED && self.reading.margin() > OUTVOTING {
            return (NoteKind::Personalized, UNKNOWN);
        }
        let confidence = match kind {
            NoteKind::Generic if spoken => confidence.min(DOUBTFUL),
            // Words that nobody learned about show nothing, nor do those of a language nobody knows.
            NoteKind::Personalized if !spoken && self.reading.language.is_empty() => UNKNOWN,
            NoteKind::Personalized if !spoken => UNKNOWN + (confidence - UNKNOWN) * vote.known,
            // A rule written for this case still knows it where the weights know nothing.
            NoteKind::Personalized => confidence.max(certain(self.reading.margin()).min(DOUBTFUL)),
            NoteKind::Generic => confidence,
        };
        (kind, confidence)
    }
}

/// Where a note's own words stand.
fn own_span(own: &str) -> Range<usize> {
    own.len() - own.trim_start().len()..own.trim_end().len()
}

/// The logarithm of the odds as a probability.
fn certain(margin: f64) -> f64 {
    1.0 / (1.0 + (-margin).exp())
}

/// A sum of weights as a verdict.
fn weigh(sum: f64, levels: Levels) -> (NoteKind, f64) {
    if sum < levels.generic_from {
        return (NoteKind::Personalized, certain(-sum).clamp(UNKNOWN, MOST));
    }
    let (above, way) = (sum - levels.generic_from, levels.sure_from - levels.generic_from);
    let confidence = if above < way {
        UNKNOWN + (SURE - UNKNOWN) * above / way
    } else {
        SURE + (MOST - SURE) * (1.0 - (way - above).exp())
    };
    (NoteKind::Generic, confidence.clamp(UNKNOWN, MOST))
}
