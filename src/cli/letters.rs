//! `notyet letters`: the letters as they would go out.

use serde::Serialize;

use super::letters_arguments::LettersShowArguments;
use super::out::{Cut, End, Outcome, say};
use super::style::{Paint, json_text, line, plain};
use crate::app::letters::{self, Greeting, Reach, Specimen, Wish};
use crate::app::setup;
use crate::domain::NoteKind;
use crate::rulebook::Rulebook;
use crate::rulebook::openings::Wants;

#[derive(Serialize)]
struct LetterJson<'a> {
    language: &'a str,
    note_kind: &'static str,
    opening: Option<&'a str>,
    always_draft: bool,
    subject: &'a str,
    body: &'a str,
}

pub(super) fn show(arguments: &LettersShowArguments) -> Outcome {
    let (rules, owner, account) = match &arguments.config {
        Some(file) => {
            let setup = setup::load(file)?;
            (setup.rules, setup.config.owner, setup.config.accounts.into_iter().next())
        }
        None => (setup::rules(arguments.rules.as_deref())?, setup::nobody_in_particular(), None),
    };
    let from = account.as_ref().map(|account| &account.from).or(owner.addresses.first());
    let written = rules.letters.written();
    let languages = match (&arguments.lang, &arguments.config) {
        (Some(tag), _) => {
            let known = |tag: &str| written.contains(&tag);
            let lower = tag.to_ascii_lowercase();
            if !known(&lower) && !lower.split('-').next().is_some_and(known) {
                let words = format!("--lang {tag}: there are letters in {}", written.join(", "));
                return Err(Cut::Usage(words));
            }
            vec![tag.clone()]
        }
        (None, Some(_)) => owner.languages.clone(),
        (None, None) => written.iter().map(|tag| (*tag).to_owned()).collect(),
    };
    let wish = Wish {
        languages,
        kinds: arguments.kind.map_or(vec![NoteKind::Generic, NoteKind::Personalized], |kind| vec![kind]),
        openings: openings(arguments, &rules),
        reach: if arguments.paste { Reach::Paste } else { Reach::Mail },
        greeting: if arguments.nameless { Greeting::Nameless } else { Greeting::Name },
    };
    let specimens = letters::show(&rules, &owner, from, &wish).map_err(Cut::Usage)?;
    if arguments.json {
        let all: Vec<LetterJson<'_>> = specimens.iter().map(LetterJson::of).collect();
        // Only maps with keys that are no strings and failing writers make this fail.
        say(&json_text(&serde_json::to_string_pretty(&all).unwrap_or_default()))?;
        return Ok(End::Done);
    }
    let paint = Paint::stdout();
    for specimen in &specimens {
        say(&text(specimen, paint))?;
    }
    Ok(End::Done)
}

fn openings(arguments: &LettersShowArguments, rules: &Rulebook) -> Vec<Option<String>> {
    match arguments.opening.as_deref() {
        None => vec![None],
        Some("all") => {
            let every = rules.openings.kinds().iter().map(|kind| Some(kind.name.clone()));
            std::iter::once(None).chain(every).collect()
        }
        Some(name) => vec![Some(name.to_owned())],
    }
}

fn text(specimen: &Specimen, paint: Paint) -> String {
    let opening = match (&specimen.opening, specimen.kind) {
        (Some(name), _) => format!(", opening {}", line(name)),
        (None, NoteKind::Personalized) => ", a plain thank-you".to_owned(),
        (None, NoteKind::Generic) => String::new(),
    };
    let draft = match specimen.wants {
        Wants::Answer => ", always a draft",
        Wants::Reading => "",
    };
    let head = format!("{}, {}{opening}{draft}", specimen.letter.language, specimen.kind.as_str());
    let subject = line(&specimen.letter.subject);
    format!(
        "{}\n\nSubject: {subject}\n\n{}\n",
        paint.bold(&format!("== {head} ==")),
        plain(&specimen.letter.body)
    )
}

impl<'a> LetterJson<'a> {
    fn of(specimen: &'a Specimen) -> Self {
        Self {
            language: &specimen.letter.language,
            note_kind: specimen.kind.as_str(),
            opening: specimen.opening.as_deref(),
            always_draft: specimen.wants == Wants::Answer,
            subject: &specimen.letter.subject,
            body: &specimen.letter.body,
        }
    }
}
