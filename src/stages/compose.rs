//! Fills the letter. Pure text to text; rendered once, delivered as rendered.
//!
//! Names and subjects come from mails that anybody can send. They are put in
//! as data, never as template text, and only after they were found to look
//! like what they should be: a name that does not is left out, and the letter
//! greets without one. Of the note itself nothing is ever put in: it only
//! chooses among sentences of the owner's rules.

pub mod language;
pub mod opening;

use unicode_normalization::char::is_combining_mark;

use crate::config::Owner;
use crate::domain::{Address, Invitation, Inviter, Letter, NoteKind, Reason, Route};
use crate::rulebook::letters::{FALLBACK_LANGUAGE, Filling, MAX_SUBJECT_CHARS};
use crate::rulebook::{Names, Rulebook};

use super::gates::Cleared;
use super::subject;
use opening::Occasion;

/// The line that parts the letter from what only its owner should read. Not
/// the signature mark of RFC 3676 §4.3, at which clients may hide text.
pub const PASTE_RULE: &str = "----------------------------------------";

const MAX_FIRST_NAME_CHARS: usize = 40;
const MAX_NAME_CHARS: usize = 80;
const MAX_PAGE_CHARS: usize = 500;

/// What is to be written, and to whom.
#[derive(Clone, Copy, Debug)]
pub struct Task<'a> {
    /// Which letter.
    pub kind: NoteKind,
    /// What it answers.
    pub invitation: &'a Invitation,
    /// What the note tells of.
    pub occasion: Occasion<'a>,
    /// Who writes.
    pub owner: &'a Owner,
    /// The address that the letter comes from.
    pub from: Option<&'a Address>,
    /// How the network is called.
    pub network_label: &'a str,
    /// The language to write in (BCP 47), see [`language::choose`].
    pub language: &'a str,
}

/// Writes the letter. The first argument proves that the gates were passed.
///
/// A language without such a letter is answered in the owner's first, else in
/// [`FALLBACK_LANGUAGE`]. For [`Route::Paste`] the text ends with
/// [`PASTE_RULE`] and a sentence for the owner, in their first language.
///
/// # Errors
/// A reason with the code `letter-unfilled` when there is no letter that could
/// be read as it should: a person has to write this one.
pub fn compose(_: &Cleared, task: &Task<'_>, rules: &Rulebook) -> Result<Letter, Reason> {
    specimen(task, rules).map_err(|why| Reason {
        code: "letter-unfilled",
        text: format!("No letter could be written: {why}."),
    })
}

/// The letter as [`compose`] writes it, for looking at only: what goes out
/// needs a [`Cleared`].
///
/// # Errors
/// What is missing, in words for the owner.
pub fn specimen(task: &Task<'_>, rules: &Rulebook) -> Result<Letter, String> {
    let Task { kind, invitation, occasion, owner, .. } = *task;
    let sender = one_line(&owner.name, MAX_NAME_CHARS);
    let network = one_line(task.network_label, MAX_NAME_CHARS);
    let address = task.from.map(ToString::to_string);
    let (false, false, Some(address)) = (sender.is_empty(), network.is_empty(), address) else {
        return Err("the owner's name, the address to write from or the network's name is empty".to_owned());
    };
    let own = owner.languages.first().map_or(FALLBACK_LANGUAGE, String::as_str);
    let template = rules
        .letters
        .pick(kind, &[task.language, own, FALLBACK_LANGUAGE])
        .ok_or_else(|| format!("there is no {} letter", kind.as_str()))?;
    let language = template.language();
    let opening = occasion.opening.and_then(|kind| rules.openings.of(&kind.name, language));
    // Room in a foreign language is better than a question passed over.
    let room = occasion.asks.and_then(|kind| {
        [language, own, FALLBACK_LANGUAGE].into_iter().find_map(|tag| rules.openings.of(&kind.name, tag))
    });
    let rendered = template.render(&Filling {
        first_name: &greetable(&invitation.inviter.first_name, MAX_FIRST_NAME_CHARS),
        inviter: &full_name(&invitation.inviter, &rules.names),
        owner: &sender,
        owner_address: &address,
        link: &owner.link.as_deref().map(spaceless).unwrap_or_default(),
        network: &network,
        by_mail: invitation.route.to().is_some(),
        subject: subject::answered(&one_line(&invitation.subject, MAX_SUBJECT_CHARS)),
        opening: opening.map_or("", |opening| opening.text.as_str()),
        room: room.map_or("", |opening| opening.room.as_str()),
    })?;
    let mut body = rendered.body;
    if matches!(invitation.route, Route::Paste(_)) {
        let page = shown_page(&invitation.answer_page);
        let told = rules.letters.paste(&[own, FALLBACK_LANGUAGE], &network, &page)?;
        body.push_str(&format!("\n\n{PASTE_RULE}\n{told}"));
    }
    Ok(Letter {
        subject: one_line(&rendered.subject, MAX_SUBJECT_CHARS),
        body,
        language: language.to_owned(),
    })
}

/// `page` when it is the address of one that a person can be sent to, else "".
fn shown_page(page: &str) -> String {
    let page = spaceless(page);
    let is_page = (page.starts_with("https://") || page.starts_with("http://"))
        && page.chars().count() <= MAX_PAGE_CHARS;
    if is_page { page } else { String::new() }
}

/// `text` as one line of at most `max_chars` characters: blanks joined, and
/// nothing in it that is not seen or that turns the reading direction.
fn one_line(text: &str, max_chars: usize) -> String {
    let visible = |(at, c): &(usize, char)| !is_unseen(*c) || c.is_whitespace() || is_spelling(text, *at, *c);
    let visible: String = text.char_indices().filter(visible).map(|(_, c)| c).collect();
    let line = visible.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= max_chars {
        return line;
    }
    let mut cut: String = line.chars().take(max_chars.saturating_sub(1)).collect();
    cut.truncate(cut.trim_end().len());
    cut.push('…');
    cut
}

/// Whether `c` at `at` is a joiner or non-joiner within a word of a script that is
/// spelled with them (Persian, Hindi, ...): without it the word is another one,
/// and a subject is no more the one that mail programs thread by.
fn is_spelling(text: &str, at: usize, c: char) -> bool {
    const FIRST_SUCH_LETTER: char = '\u{600}';
    let is_letter = |c: char| c >= FIRST_SUCH_LETTER && (c.is_alphabetic() || is_combining_mark(c));
    matches!(c, '\u{200c}' | '\u{200d}')
        && text.get(..at).and_then(|before| before.chars().next_back()).is_some_and(is_letter)
        && text.get(at..).and_then(|rest| rest.chars().nth(1)).is_some_and(is_letter)
}

/// `text` without blanks and unseen characters.
fn spaceless(text: &str) -> String {
    text.chars().filter(|c| !is_unseen(*c) && !c.is_whitespace()).collect()
}

/// Controls (Unicode category Cc) and the format characters (Cf) that hide,
/// join or reorder text.
fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{180e}'
            | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffc}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// `name` when it reads like one, else "". A name has letters, their marks,
/// blanks, apostrophes and hyphens, and full stops behind initials only:
/// no markup, no template syntax, no digits, no address, nothing unseen.
fn greetable(name: &str, max_chars: usize) -> String {
    let name = name.trim();
    let words: Vec<&str> = name.split(' ').collect();
    let fits = name.chars().count() <= max_chars
        && words.len() <= 6
        && name.chars().all(is_name_char)
        && longest_run_of_marks(name) <= 3
        && words.iter().all(|word| is_name_word(word));
    if fits { name.to_owned() } else { String::new() }
}

/// The full name, for greetings that are too stiff for a first name alone, if
/// it is written as a person would write it: no capitals throughout, no degree.
/// Titles before it stay: who leaves them out is the stiffer for it.
fn full_name(inviter: &Inviter, names: &Names) -> String {
    let name = greetable(&inviter.name, MAX_NAME_CHARS);
    let words: Vec<&str> = name.split(' ').skip_while(|word| names.is_title(word)).collect();
    let is_degree = |word: &str| names.degrees.contains(&word.replace('.', "").to_lowercase());
    let fits = !inviter.first_name.is_empty()
        && words.first() == Some(&inviter.first_name.as_str())
        && (2..=4).contains(&words.len())
        && words.last().is_some_and(|word| word.starts_with(char::is_uppercase))
        && words.iter().all(|word| !is_degree(word) && !shouts(word));
    if fits { name } else { String::new() }
}

fn shouts(word: &str) -> bool {
    let letters = word.chars().filter(|c| c.is_alphabetic());
    letters.clone().count() > 1 && letters.into_iter().all(char::is_uppercase)
}

fn is_name_char(c: char) -> bool {
    !is_unseen(c)
        && (c.is_alphabetic()
            || is_combining_mark(c)
            || matches!(c, ' ' | '\'' | '’' | '-' | '‐' | '.' | '·'))
}

/// Starts with a letter; stops stand at the end or behind single letters
/// (`Dr.`, `J.R.R.`), which keeps `evil.example` out.
fn is_name_word(word: &str) -> bool {
    let stem = word.strip_suffix('.').unwrap_or(word);
    stem.chars().next().is_some_and(char::is_alphabetic)
        && (!stem.contains('.')
            || stem.split('.').all(|part| part.chars().filter(|c| c.is_alphabetic()).count() == 1))
}

/// Letters carry few marks; hundreds of them paint over the lines around.
fn longest_run_of_marks(name: &str) -> usize {
    let mut longest = 0;
    let mut run = 0;
    for c in name.chars() {
        run = if is_combining_mark(c) { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}
