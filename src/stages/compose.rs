//! Fills the letter. Pure text to text; rendered once, delivered as rendered.
//!
//! Names and subjects come from mails that anybody can send. They are put in
//! as data, never as template text, and only after they were found to look
//! like what they should be: a name that does not is left out, and the letter
//! greets without one.

use unicode_normalization::char::is_combining_mark;

use crate::config::Owner;
use crate::domain::{Invitation, Letter, NoteKind, Reason, Route};
use crate::rulebook::letters::{FALLBACK_LANGUAGE, Filling, Letters, MAX_SUBJECT_CHARS};

use super::gates::Cleared;

/// The line that parts the letter from what only its owner should read. Not
/// the signature mark of RFC 3676 §4.3, at which clients may hide text.
pub const PASTE_RULE: &str = "----------------------------------------";

const MAX_FIRST_NAME_CHARS: usize = 40;
const MAX_NAME_CHARS: usize = 80;
const MAX_PAGE_CHARS: usize = 500;

/// Writes the letter that answers `invitation`. The first argument proves
/// that the gates were passed.
///
/// `language` is the note's (BCP 47, may be empty); a language without
/// letters is answered in [`FALLBACK_LANGUAGE`]. For [`Route::Paste`] the text
/// ends with [`PASTE_RULE`] and a sentence for the owner.
///
/// # Errors
/// A reason with the code `letter-unfilled` when there is no letter that could
/// be read as it should: a person has to write this one.
pub fn compose(
    _: &Cleared,
    kind: NoteKind,
    invitation: &Invitation,
    owner: &Owner,
    network_label: &str,
    language: &str,
    letters: &Letters,
) -> Result<Letter, Reason> {
    let sender = one_line(&owner.name, MAX_NAME_CHARS);
    let network = one_line(network_label, MAX_NAME_CHARS);
    let address = owner.addresses.first().map(ToString::to_string);
    let (false, false, Some(address)) = (sender.is_empty(), network.is_empty(), address) else {
        return Err(unfilled("the owner's name, the owner's address or the network's name is empty"));
    };
    let template = letters
        .pick(kind, &[language, FALLBACK_LANGUAGE])
        .ok_or_else(|| unfilled(&format!("there is no {} letter", kind.as_str())))?;
    let first_name = greetable(&invitation.inviter.first_name, MAX_FIRST_NAME_CHARS);
    let inviter = greetable(&invitation.inviter.name, MAX_NAME_CHARS);
    let rendered = template
        .render(&Filling {
            first_name: &first_name,
            inviter: &inviter,
            owner: &sender,
            owner_address: &address,
            link: &owner.link.as_deref().map(spaceless).unwrap_or_default(),
            network: &network,
            by_mail: invitation.route.to().is_some(),
            subject: &answered_subject(&invitation.subject),
        })
        .map_err(|why| unfilled(&why))?;
    let mut body = rendered.body;
    if matches!(invitation.route, Route::Paste(_)) {
        body.push_str(&paste_block(&network, &invitation.answer_page));
    }
    Ok(Letter {
        subject: one_line(&rendered.subject, MAX_SUBJECT_CHARS),
        body,
        language: template.language().to_owned(),
    })
}

fn unfilled(why: &str) -> Reason {
    Reason { code: "letter-unfilled", text: format!("No letter could be written: {why}.") }
}

/// Says what the owner has to do, below a line that says so.
fn paste_block(network: &str, page: &str) -> String {
    let page = spaceless(page);
    let is_page = (page.starts_with("https://") || page.starts_with("http://"))
        && page.chars().count() <= MAX_PAGE_CHARS;
    let place = if is_page { page.as_str() } else { "its site" };
    format!(
        "\n\n{PASTE_RULE}\nFor you only: {network} gives no address for the inviter, so this \
         letter cannot be mailed; paste the text above at {place} and delete everything from \
         the line of dashes on."
    )
}

/// The subject to answer: without the `Re:` of earlier answers.
fn answered_subject(subject: &str) -> String {
    let clean = one_line(subject, MAX_SUBJECT_CHARS);
    let mut rest = clean.as_str();
    while let Some((_, tail)) =
        rest.split_once(':').filter(|(head, _)| head.trim().eq_ignore_ascii_case("re"))
    {
        rest = tail.trim_start();
    }
    rest.to_owned()
}

/// `text` as one line of at most `max_chars` characters: blanks joined, and
/// nothing in it that is not seen or that turns the reading direction.
fn one_line(text: &str, max_chars: usize) -> String {
    let visible: String = text.chars().filter(|c| !is_unseen(*c) || c.is_whitespace()).collect();
    let line = visible.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= max_chars {
        return line;
    }
    let mut cut: String = line.chars().take(max_chars.saturating_sub(1)).collect();
    cut.truncate(cut.trim_end().len());
    cut.push('…');
    cut
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
