//! Links in words: what stands in a link's query may sign the reader in, and
//! must not get into a name, a headline or a note by which it would be kept and
//! shown. That happens where a link was torn by whoever passed the mail on.

use crate::stages::gateway::behind_gateway;

/// `text` with every link that names one of `domains` (the network's; also one
/// that a gateway has rewritten) cut before its query, and pieces of torn links
/// left out. Only words that hold such a thing change: a page that the inviter
/// points to stays as they wrote it.
pub(super) fn without_queries(text: String, domains: &[String]) -> String {
    if !text.contains('=') && !text.contains("://") {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    for piece in text.split_inclusive(char::is_whitespace) {
        let word = piece.trim_end_matches(char::is_whitespace);
        let blank = piece.get(word.len()..).unwrap_or_default();
        let target = target(word, domains);
        let word = target.as_deref().unwrap_or(word);
        let (kept, mark) = match query(word) {
            None => (word, ""),
            // What is before the query leads to the page all the same.
            Some(at) if is_link(word, at) => {
                (if names_any(word, domains) { word.get(..at).unwrap_or_default() } else { word }, "")
            }
            Some(_) => ("", "…"),
        };
        out.push_str(kept);
        out.push_str(mark);
        out.push_str(blank);
    }
    out
}

/// Whether a whole link begins in `word` before `query`, with nothing in front of it that is a query's.
fn is_link(word: &str, query: usize) -> bool {
    let begin = word.find("http").and_then(|at| word.get(..at)).filter(|before| before.len() < query);
    begin.is_some_and(|before| !before.contains('=')) && word.contains("://")
}

/// The link of `domains` that a gateway wrote into `word`, where one did: in a
/// path or in base64 its query does not look like one.
fn target(word: &str, domains: &[String]) -> Option<String> {
    let (before, url) = word.split_at(word.find("http")?);
    let target = behind_gateway(url);
    (target != url && names_any(&target, domains)).then(|| format!("{before}{target}"))
}

fn names_any(word: &str, domains: &[String]) -> bool {
    let word = word.to_lowercase();
    domains.iter().any(|domain| word.contains(domain.as_str()))
}

/// Shorter values are words of somebody's own, such as `E=mc2`.
const SHORTEST_SECRET_CHARS: usize = 9;

/// Where the query of the link begins that `word` is or was a part of.
fn query(word: &str) -> Option<usize> {
    let pairs = word.match_indices(['?', '&']).map(|(at, _)| at);
    pairs.into_iter().find(|at| word.get(at + 1..).is_some_and(|rest| value(rest).is_some())).or_else(|| {
        let value = value(word)?;
        (value.chars().take_while(|c| c.is_ascii_alphanumeric() || "%-_".contains(*c)).count()
            >= SHORTEST_SECRET_CHARS)
            .then_some(0)
    })
}

/// The value, where `text` begins with `name=`.
fn value(text: &str) -> Option<&str> {
    let (name, value) = text.split_once('=')?;
    (!name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(text: &str) -> String {
        without_queries(text.to_owned(), &["site.example".to_owned()])
    }

    #[test]
    fn links_lose_their_query_and_torn_links_go() {
        let torn = "ttps://site.example/in/ann?a=1&midToken=AQErbnKlr0demo";
        for (text, left) in [
            (
                "see https://site.example/in/ann?midToken=AQErbnKlr0demo now",
                "see https://site.example/in/ann now",
            ),
            (
                "https://gateway.example/?url=https%3A%2F%2FSite.example%2Fin%2Fann%3Ftok%3Dx",
                "https://Site.example/in/ann",
            ),
            (
                "See:https://gateway.example/1x/https%3A%2F%2Fsite.example%2Fin%2Fann%3Ftok%3DAQErbnKlr0demo now",
                "See:https://site.example/in/ann now",
            ),
            (torn, "…"),
            ("a\n=urn%3Ali&midToken=AQErbnKlr0demo&x=1\nb", "a\n…\nb"),
            ("midToken=AQErbnKlr0demo", "…"),
            ("AQErbnKlr0demo&midSig=1", "…"),
        ] {
            assert_eq!(kept(text), left, "{text}");
        }
    }

    #[test]
    fn other_words_stay_as_they_are() {
        for text in [
            "",
            "Why? Because a = b, and E=mc2 & all that",
            "R&D is fun?",
            "https://site.example/talk#part=2",
            "ask=me",
            "see https://hive.example/plan?x=1&y=drawing-of-2019 there",
            "two  blanks\n\n and lines ",
            "?=? &= =",
        ] {
            assert_eq!(kept(text), text);
        }
    }
}
