//! Tag lists (RFC 6376 §3.2): `name=value; name=value`.

use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// One tag.
struct Tag<'a> {
    name: &'a str,
    value: &'a str,
    /// Where the value stands, with the blanks round it.
    place: Range<usize>,
}

/// The tags of one list.
pub(super) struct Tags<'a>(Vec<Tag<'a>>);

impl<'a> Tags<'a> {
    /// `None` for what is no list, and for one in which a tag stands twice.
    pub(super) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok().filter(|text| text.is_ascii())?;
        let mut tags: Vec<Tag<'a>> = Vec::new();
        let mut at = 0;
        let parts: Vec<_> = text.split(';').collect();
        for (index, part) in parts.iter().enumerate() {
            let end = at + part.len();
            if part.trim().is_empty() {
                // Only the last one may be missing.
                (index + 1 == parts.len()).then_some(())?;
                break;
            }
            let (name, value) = part.split_once('=')?;
            let place = end - value.len()..end;
            let name = name.trim();
            let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic())
                && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            if !is_name || tags.iter().any(|tag| tag.name == name) {
                return None;
            }
            tags.push(Tag { name, value: value.trim(), place });
            at = end + 1;
        }
        Some(Self(tags))
    }

    /// The value of `name`, without the blanks round it.
    pub(super) fn get(&self, name: &str) -> Option<&'a str> {
        self.tag(name).map(|tag| tag.value)
    }

    /// The items of a list with colons, blanks removed.
    pub(super) fn items(&self, name: &str) -> Option<Vec<String>> {
        Some(self.get(name)?.split(':').map(|item| item.split_whitespace().collect()).collect())
    }

    /// A number of seconds.
    pub(super) fn number(&self, name: &str) -> Option<Option<i64>> {
        match self.get(name) {
            None => Some(None),
            Some(digits) if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) => {
                // RFC 6376 §3.5: 12 digits are to be understood; more than that is beyond any clock.
                Some(Some(digits.parse().unwrap_or(i64::MAX)))
            }
            Some(_) => None,
        }
    }

    /// The bytes of a value in base64, which may be folded.
    pub(super) fn base64(&self, name: &str) -> Option<Vec<u8>> {
        let text: String = self.get(name)?.split_whitespace().collect();
        STANDARD.decode(text).ok()
    }

    /// Where the value of `name` stands, with the blanks round it.
    pub(super) fn place(&self, name: &str) -> Option<Range<usize>> {
        self.tag(name).map(|tag| tag.place.clone())
    }

    /// Which tag comes first.
    pub(super) fn first(&self) -> Option<&'a str> {
        self.0.first().map(|tag| tag.name)
    }

    fn tag(&self, name: &str) -> Option<&Tag<'a>> {
        self.0.iter().find(|tag| tag.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_read_with_their_blanks_and_places() {
        let text = b" v=1; h = From :\r\n\tTo;b= QU\r\n JD ;";
        let tags = Tags::parse(text).unwrap_or_else(|| panic!("a list"));
        assert_eq!((tags.get("v"), tags.first()), (Some("1"), Some("v")));
        assert_eq!(tags.items("h").unwrap_or_default(), ["From", "To"]);
        assert_eq!(tags.base64("b").as_deref(), Some(&b"ABC"[..]));
        assert_eq!(tags.place("b").and_then(|place| text.get(place)), Some(&b" QU\r\n JD "[..]));
        assert_eq!(tags.number("v"), Some(Some(1)));
        assert_eq!((tags.number("x"), tags.number("h")), (Some(None), None));
    }

    #[test]
    fn what_is_no_list_is_none() {
        for text in ["a=1; a=2", "a", "=1", "1a=1", "a=1;;b=2", "a b=1", "\u{e4}=1", "a=\u{e4}"] {
            assert!(Tags::parse(text.as_bytes()).is_none(), "{text}");
        }
    }
}
