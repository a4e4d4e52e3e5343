//! In which language a letter is written.

use crate::config::Owner;
use crate::domain::Mail;
use crate::rulebook::letters::FALLBACK_LANGUAGE;
use crate::rulebook::notes::Notes;
use crate::rulebook::prose::without_addresses;
use crate::rulebook::text::normalise;

/// So much of a mail's text shows its language; the rest is mostly footer.
const SHOWN_BYTES: usize = 1024;

/// The language of the letter: the note's, or the mail's where the note shows
/// none. One that the owner does not write is answered in their own, the
/// first of the list.
///
/// `note` and `mail` are primary tags, empty when unknown.
pub fn choose<'a>(note: &str, mail: impl FnOnce() -> String, owner: &'a Owner) -> &'a str {
    let own = owner.languages.first().map_or(FALLBACK_LANGUAGE, String::as_str);
    let theirs = if note.is_empty() { mail() } else { note.to_owned() };
    let primary = |tag: &str| tag.split('-').next().unwrap_or_default().to_ascii_lowercase();
    owner
        .languages
        .iter()
        .find(|tag| !theirs.is_empty() && primary(tag) == primary(&theirs))
        .map_or(own, String::as_str)
}

/// The language that the network's own words in `mail` are written in, which
/// is the one its recipient reads there; empty when they show none.
pub fn of_mail(mail: &Mail, notes: &Notes) -> String {
    let mut words = mail.subject.clone();
    // Companies write their copyright line, and people their headline (which
    // stands in brackets), in English in every language.
    for line in mail.text.lines().filter(|line| !line.contains('©')) {
        // Addresses are in no language, and take the room of words that are in one.
        let said = without_addresses(line);
        words.push('\n');
        words.extend(said.trim_end().split('(').enumerate().map(|(at, part)| match at {
            0 => part,
            _ => part.split_once(')').map_or("", |(_, behind)| behind),
        }));
        if words.len() > SHOWN_BYTES {
            break;
        }
    }
    let folded = normalise(&words);
    let written = |span| words.get(folded.original(span)).unwrap_or_default();
    if notes.is_foreign(folded.as_str(), &written) {
        return String::new();
    }
    notes.language(folded.as_str()).map(|language| language.tag.clone()).unwrap_or_default()
}
