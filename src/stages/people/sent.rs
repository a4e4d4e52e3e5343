//! Whom a mail of the owner's went to. Old mail, and mail of other programs, has
//! addresses that notyet would not write to: the name beside one is worth as
//! much. So this reader loses no recipient over another that is broken.

use crate::domain::{Address, Mailbox};

/// Everybody in To, Cc and Bcc, the members of groups too (RFC 5322 §3.4); a
/// name in a comment counts as one (RFC 822 §6.1). At most `most` of them.
pub fn recipients(header: &[u8], most: usize) -> Vec<Mailbox> {
    let Ok((fields, _)) = mailparse::parse_headers(header) else { return Vec::new() };
    let is_recipients =
        |key: &str| ["to", "cc", "bcc"].iter().any(|name| key.trim().eq_ignore_ascii_case(name));
    let mut found = Vec::new();
    for field in fields.iter().filter(|field| is_recipients(&field.get_key_ref())) {
        let value = text(field.get_value_raw());
        found.extend(listed(&value).filter_map(Listed::mailbox).take(most.saturating_sub(found.len())));
    }
    found
}

fn text(raw: &[u8]) -> String {
    String::from_utf8(raw.to_vec()).unwrap_or_else(|_| raw.iter().map(|byte| char::from(*byte)).collect())
}

/// One entry of a list of addresses.
#[derive(Default)]
struct Listed {
    /// What stands outside of brackets.
    phrase: String,
    angle: Option<String>,
    comment: String,
}

impl Listed {
    fn mailbox(self) -> Option<Mailbox> {
        let (phrase, comment) = (decoded(&self.phrase), decoded(&self.comment));
        let (spelled, shown) = match self.angle {
            Some(angle) => (angle, if phrase.is_empty() { comment } else { phrase }),
            None if phrase.contains('@') => (phrase, comment),
            None => (String::new(), phrase),
        };
        let spelled = spelled.trim();
        let address = Address::parse(spelled);
        let name = match (&address, shown.is_empty()) {
            (None, true) => spelled.to_owned(),
            _ => shown,
        };
        (address.is_some() || !name.is_empty()).then_some(Mailbox { name, address })
    }
}

/// Without encoded words (RFC 2047): also where they stand in quotes, as many programs put them.
fn decoded(text: &str) -> String {
    let line = format!("X: {}", text.split_whitespace().collect::<Vec<_>>().join(" "));
    mailparse::parse_header(line.as_bytes())
        .map(|(field, _)| field.get_value())
        .unwrap_or_default()
        .trim()
        .to_owned()
}

/// Where in an entry a character stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Open,
    Quoted,
    Angle,
    Comment,
    /// In an encoded word, before so many question marks more.
    Encoded(u8),
}

/// The entries of a list: parted by commas and, as Outlook does it, by semicolons.
fn listed(value: &str) -> impl Iterator<Item = Listed> {
    let mut entries = vec![Listed::default()];
    let mut place = Place::Open;
    let mut chars = value.chars().peekable();
    while let Some(c) = chars.next() {
        let Some(entry) = entries.last_mut() else { break };
        match (place, c) {
            (Place::Open, ',' | ';') => entries.push(Listed::default()),
            // The name of a group is nobody's.
            (Place::Open, ':') => entry.phrase.clear(),
            (Place::Open, '"') => place = Place::Quoted,
            (Place::Open, '(') => place = Place::Comment,
            (Place::Open | Place::Encoded(_), '<') => {
                place = Place::Angle;
                entry.angle = Some(String::new());
            }
            (Place::Quoted, '"') | (Place::Angle, '>') | (Place::Comment, ')') => place = Place::Open,
            (Place::Quoted | Place::Comment, '\\') => {
                let escaped = chars.next();
                let into = if place == Place::Quoted { &mut entry.phrase } else { &mut entry.comment };
                into.extend(escaped);
            }
            (Place::Angle, c) => entry.angle.get_or_insert_default().push(c),
            (Place::Comment, c) => entry.comment.push(c),
            (Place::Open, '=') if chars.peek() == Some(&'?') => {
                chars.next();
                entry.phrase.push_str("=?");
                place = Place::Encoded(3);
            }
            (Place::Encoded(left), c) => {
                entry.phrase.push(c);
                place = match (c, left) {
                    ('?', 1) => Place::Open,
                    ('?', left) => Place::Encoded(left - 1),
                    _ => place,
                };
            }
            (_, c) => entry.phrase.push(c),
        }
    }
    entries.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(header: &str) -> Vec<String> {
        let of = |one: &Mailbox| {
            format!("{}|{}", one.name, one.address.as_ref().map(ToString::to_string).unwrap_or_default())
        };
        recipients(header.as_bytes(), 30).iter().map(of).collect()
    }

    #[test]
    fn nobody_is_lost_over_how_a_list_is_written() {
        let header = "From: robin@example.org\r\nTo: Tom Alfa <tom@a.example>, =?utf-8?Q?Charlie=2C_T=C3=B6m?= <tc@c.example>,\r\n \
                      \"Bravo, Tom (DE)\" <tb@b.example>; Ann Other <ao@f.example>\r\n\
                      Cc: broken <x y@z>, Friends: Tom Hotel <th@h.example>, B <b@h.example>;\r\n\
                      Bcc: tl@l.example (Tom Lima), Tom Mike <tm@m\u{fc}nchen.example>, Tom Nov <\"tom nov\"@n.example>,\r\n \
                      tom.oscar@m\u{fc}nchen.example, \"=?utf-8?B?VG9tIFBhcGE=?=\" <p@p.example>, Only Name, ,\r\n\r\n";
        assert_eq!(
            shown(header),
            [
                "Tom Alfa|tom@a.example",
                "Charlie, T\u{f6}m|tc@c.example",
                "Bravo, Tom (DE)|tb@b.example",
                "Ann Other|ao@f.example",
                "broken|",
                "Tom Hotel|th@h.example",
                "B|b@h.example",
                "Tom Lima|tl@l.example",
                "Tom Mike|",
                "Tom Nov|",
                "tom.oscar@m\u{fc}nchen.example|",
                "Tom Papa|p@p.example",
                "Only Name|",
            ]
        );
    }

    #[test]
    fn no_more_are_read_than_asked_for() {
        assert_eq!(recipients(b"To: a@x.example, b@x.example\nCc: c@x.example\n\n", 2).len(), 2);
    }
}
