//! Text as lines, and the web addresses in it: what both kinds of body share.

use super::gateway::behind_gateway;
use crate::domain::Link;

/// At most so many links are kept of one mail.
pub const MAX_LINKS: usize = 500;

/// Whether `url` is an absolute http or https address.
pub fn is_web_url(url: &str) -> bool {
    url.get(..8).is_some_and(|p| p.eq_ignore_ascii_case("https://"))
        || url.get(..7).is_some_and(|p| p.eq_ignore_ascii_case("http://"))
}

/// `text` with its percent-encoded UTF-8 decoded (RFC 3986 §2.1); as it is where that is none.
pub(super) fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let coded = match tail {
            [high, low, ..] if *first == b'%' => {
                let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|d| u8::try_from(d).ok());
                digit(high).zip(digit(low)).map(|(high, low)| high * 16 + low)
            }
            _ => None,
        };
        bytes.push(coded.unwrap_or(*first));
        rest = tail.get(if coded.is_some() { 2 } else { 0 }..).unwrap_or_default();
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

/// `text` on one line: padding characters dropped, blanks collapsed.
pub fn one_line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    push_one_line(&mut out, text);
    out
}

/// Appends `text` to `out` as [`one_line`] shows it.
pub(super) fn push_one_line(out: &mut String, text: &str) {
    let begin = out.len();
    // Most of all mail; what char::is_whitespace and is_padding know beyond this is not in it.
    if text.bytes().all(|b| matches!(b, b' '..=b'~' | b'\t' | b'\n' | b'\r' | b'\x0c')) {
        for word in text.split_ascii_whitespace() {
            if out.len() > begin {
                out.push(' ');
            }
            out.push_str(word);
        }
        return;
    }
    for word in text.split(|c: char| c.is_whitespace() || c == '\u{a0}') {
        let from = out.len();
        if from > begin {
            out.push(' ');
        }
        let start = out.len();
        out.extend(word.chars().filter(|c| !is_padding(*c)));
        if out.len() == start {
            out.truncate(from);
        }
    }
}

/// Characters that networks pad preheaders with, or that say nothing (FORMATS section 3).
fn is_padding(c: char) -> bool {
    c.is_control() || matches!(c, '\u{34f}' | '\u{200b}' | '\u{feff}' | '\u{ad}' | '\u{2007}')
}

/// The web addresses of plain text, in order, at most [`MAX_LINKS`].
pub fn links_of_text(text: &str) -> Vec<Link> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("http") {
        let (_, tail) = rest.split_at(at);
        let end =
            tail.find(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"')).unwrap_or(tail.len());
        let (url, after) = tail.split_at(end);
        if is_web_url(url) {
            out.push(Link {
                url: behind_gateway(url.trim_end_matches([')', ',', '.', ';'])).into_owned(),
                label: String::new(),
            });
            if out.len() == MAX_LINKS {
                break;
            }
            rest = after;
        } else {
            rest = tail.get(4..).unwrap_or("");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_goes_and_words_stay() {
        assert_eq!(one_line("\x1b[31mred\u{9b}\x08"), "[31mred");
        assert_eq!(one_line(" a \u{34f} \u{a0}\u{34f} b\u{200b}c\r\n\0"), "a bc");
        for plain in
            ["", " ", "a", " a\t b\r\n\x0c c ", "a\0 \0 b\x0bc", "\u{85}a  b", "a\x17b\x7f \x1b\u{9b}"]
        {
            let by_chars: String = plain.chars().filter(|c| c.is_whitespace() || !is_padding(*c)).collect();
            let words: Vec<&str> = by_chars.split_whitespace().collect();
            assert_eq!(one_line(plain), words.join(" "), "{plain:?}");
        }
    }
}
