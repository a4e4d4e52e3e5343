//! Everything that is seen in a note, before anybody says what it means.

use std::ops::Range;

use super::NoteContext;
use super::known_for::{self, Work};
use super::letter::Reader;
use super::signer;
use super::smalltalk::{self, Coverage};
use crate::domain::NoteKind;
use crate::rulebook::notes::{Hit, Language, Notes, Reads, Signal, Warned};
use crate::rulebook::text::{Normalised, normalise, sentences, words};

/// What is seen in a note.
pub(super) struct Reading<'a> {
    /// As it came.
    pub(super) original: &'a str,
    /// In the form rules are matched on.
    pub(super) folded: Normalised,
    /// The folded note with everything that is not its own overwritten by line
    /// ends, byte for byte, so that places stay what they were.
    pub(super) own: String,
    /// The likeliest language of it; empty when unknown.
    pub(super) language: String,
    /// Whether what it says is in a language that the rules do not know.
    pub(super) foreign: bool,
    /// The languages it may be in, likeliest first.
    pub(super) languages: Vec<&'a Language>,
    /// The networks' own sentences in it: where from, and where.
    pub(super) defaults: Vec<(String, Range<usize>)>,
    /// The signals that matched, in file order.
    pub(super) hits: Vec<Hit<'a>>,
    /// How many of its words say something.
    pub(super) coverage: Coverage,
    /// Works and companies of the owner it speaks of.
    pub(super) works: Vec<Work>,
    /// Folded words of the names of inviter and owner.
    pub(super) names: Vec<String>,
    /// What in it only the owner should answer.
    pub(super) warned: Vec<Warned<'a>>,
    /// The words of its sign-off that are not the inviter's.
    pub(super) foreign_signer: Option<Range<usize>>,
}

impl<'a> Reading<'a> {
    /// Reads `original`.
    pub(super) fn of(original: &'a str, context: &NoteContext<'_>, notes: &'a Notes) -> Self {
        let folded = normalise(original);
        let names = name_words(context);
        let languages = candidates(folded.as_str(), notes);
        let reader = Reader { languages: &languages, names: &names };
        let body = reader.body(folded.as_str());
        let (defaults, default_language) = find_defaults(folded.as_str(), body.clone(), context);
        let own = own_words(folded.as_str(), body.clone(), &defaults);
        // Who is greeted and who signs tell as much as what is said.
        let said = own_words(folded.as_str(), 0..folded.as_str().len(), &defaults);
        let warned = notes.warned(&said);
        let foreign_signer = context
            .inviter
            .and_then(|inviter| signer::foreign(folded.as_str(), body.end, inviter, &reader, notes.common()));
        let mut hits = Vec::new();
        let mut coverage = Coverage::default();
        if says_something(&own) {
            hits = notes.hits(&own, Reads::Body, &languages);
            hits.extend(notes.hits(folded.as_str(), Reads::Whole, &languages));
            coverage = smalltalk::coverage(&own, &reader, notes.common());
        }
        let language = notes
            .language(&own)
            .map(|language| language.tag.clone())
            .or(default_language)
            .or_else(|| notes.language(folded.as_str()).map(|l| l.tag.clone()))
            .unwrap_or_default();
        let written = |span| original.get(folded.original(span)).unwrap_or_default();
        let foreign = says_something(&own) && notes.is_foreign(&own, &written);
        let works = known_for::find(&own, context.me);
        Self {
            original,
            own,
            language,
            foreign,
            languages,
            defaults,
            hits,
            coverage,
            works,
            names,
            warned,
            foreign_signer,
            folded,
        }
    }

    /// Whether there is no note at all.
    pub(super) fn is_empty(&self) -> bool {
        self.folded.as_str().is_empty() && !self.folded.is_cut()
    }

    /// Whether there is anything but greeting, sign-off and the networks' sentences.
    pub(super) fn says_something(&self) -> bool {
        says_something(&self.own)
    }

    /// The signals of one side that matched.
    pub(super) fn signals(&self, side: NoteKind) -> impl Iterator<Item = &'a Signal> {
        self.hits.iter().map(|hit| hit.signal).filter(move |signal| signal.side == side)
    }

    /// Whether any rule speaks for a note that was written for its reader.
    pub(super) fn speaks_personally(&self) -> bool {
        !self.works.is_empty() || self.signals(NoteKind::Personalized).next().is_some()
    }

    /// By how much the rules for a personal note outweigh those against it.
    pub(super) fn margin(&self) -> f64 {
        let works: f64 = self.works.iter().map(|work| work.weight).sum();
        let signals = self.hits.iter().map(|hit| match hit.signal.side {
            NoteKind::Personalized => hit.signal.weight,
            NoteKind::Generic => -hit.signal.weight,
        });
        works + signals.sum::<f64>()
    }

    /// The words of the note at `span` of the folded text.
    pub(super) fn words_at(&self, span: Range<usize>) -> &'a str {
        self.original.get(self.folded.original(span)).unwrap_or_default()
    }
}

fn says_something(own: &str) -> bool {
    own.chars().any(|c| c.is_alphanumeric()) || own.contains(['{', '[', '<'])
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
    [context.inviter.map_or("", |inviter| inviter.name.as_str()), context.owner_name]
        .into_iter()
        .flat_map(|name| {
            let folded = normalise(name);
            words(folded.as_str()).into_iter().map(|(_, word)| word.to_owned()).collect::<Vec<_>>()
        })
        .collect()
}

/// The networks' own sentences within `body`, and the language of the first. A
/// default may run over what looks like two sentences (a folded line, an
/// abbreviation).
fn find_defaults(
    text: &str,
    body: Range<usize>,
    context: &NoteContext<'_>,
) -> (Vec<(String, Range<usize>)>, Option<String>) {
    let part = text.get(body.clone()).unwrap_or_default();
    let sentences: Vec<Range<usize>> =
        sentences(part).into_iter().map(|s| body.start + s.start..body.start + s.end).collect();
    let mut found = Vec::new();
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
                let found = context.defaults.find(text.get(span.clone())?)?;
                Some((found.similarity, more, span, found))
            })
            .max_by(|a, b| a.0.total_cmp(&b.0));
        at += 1;
        if let Some((_, more, span, default)) = best {
            language.get_or_insert_with(|| default.language.to_owned());
            found.push((default.source.to_owned(), span));
            at += more;
        }
    }
    (found, language)
}

/// `body` without `defaults`; see [`Reading::own`].
fn own_words(text: &str, body: Range<usize>, defaults: &[(String, Range<usize>)]) -> String {
    let mut kept = String::with_capacity(text.len());
    let ends = defaults.iter().map(|(_, span)| span.start).chain([body.end]);
    let starts = std::iter::once(body.start).chain(defaults.iter().map(|(_, span)| span.end));
    for (start, end) in starts.zip(ends) {
        kept.extend(std::iter::repeat_n('\n', start.saturating_sub(kept.len())));
        let part = text.get(start..end).unwrap_or_default();
        kept.extend(part.chars().map(|c| if c == '\n' { ' ' } else { c }));
    }
    kept
}
