//! Address books: vCard 2.1 to 4.0 (RFC 2426, RFC 6350) as phones, providers
//! and CardDAV exports write them.
//!
//! Own code: of a card only names and addresses matter, and the readers there
//! are refuse a file for one bad line, of which exports hold many. Here a card
//! that shows neither name nor address is counted, and the others are read.

use quoted_printable::{ParseMode, decode};

use crate::domain::{Acquaintance, Address, Source};

/// What an address book holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AddressBook {
    /// One entry for each name and address of a card.
    pub people: Vec<Acquaintance>,
    /// How many cards there are.
    pub cards: usize,
    /// The lines (from 1) at which cards begin that tell of nobody.
    pub unreadable: Vec<usize>,
}

/// Reads a file of any number of cards. Text between cards is passed over.
pub fn read(text: &str) -> AddressBook {
    let mut book = AddressBook::default();
    let mut card: Option<(usize, Card)> = None;
    for (number, line) in unfolded(text.trim_start_matches('\u{feff}')) {
        let Some(property) = Property::read(&line) else { continue };
        match (property.name.as_str(), &mut card) {
            ("BEGIN", _) if property.value.trim().eq_ignore_ascii_case("vcard") => {
                close(&mut card, &mut book);
                card = Some((number, Card::default()));
            }
            ("END", _) => close(&mut card, &mut book),
            (_, Some((_, card))) => card.take(&property),
            (_, None) => {}
        }
    }
    close(&mut card, &mut book);
    book
}

fn close(card: &mut Option<(usize, Card)>, book: &mut AddressBook) {
    let Some((line, card)) = card.take() else { return };
    book.cards += 1;
    let before = book.people.len();
    card.people(&mut book.people);
    if book.people.len() == before {
        book.unreadable.push(line);
    }
}

/// Lines with their continuations (RFC 6350 §3.2; a soft line break of
/// quoted-printable in 2.1), numbered from 1.
fn unfolded(text: &str) -> Vec<(usize, String)> {
    let mut lines: Vec<(usize, String)> = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let line = line.trim_end_matches('\r');
        match lines.last_mut() {
            Some((_, last)) if line.starts_with([' ', '\t']) => {
                last.push_str(line.get(1..).unwrap_or_default());
            }
            Some((_, last)) if last.ends_with('=') && is_quoted(last) => {
                last.pop();
                last.push_str(line);
            }
            _ => lines.push((at + 1, line.to_owned())),
        }
    }
    lines
}

fn is_quoted(line: &str) -> bool {
    line.split(':').next().is_some_and(|head| head.to_ascii_uppercase().contains("QUOTED-PRINTABLE"))
}

/// `item1.EMAIL;TYPE=work:jane@example.org`
struct Property {
    name: String,
    value: String,
}

impl Property {
    fn read(line: &str) -> Option<Self> {
        let mut in_quotes = false;
        let colon = line.char_indices().find_map(|(at, c)| {
            in_quotes ^= c == '"';
            (c == ':' && !in_quotes).then_some(at)
        })?;
        let (head, value) = (line.get(..colon)?, line.get(colon + 1..)?);
        let name = head.split(';').next()?;
        let name = name.rsplit('.').next()?.trim().to_ascii_uppercase();
        let value = if is_quoted(line) {
            let bytes = decode(value, ParseMode::Robust).ok()?;
            String::from_utf8(bytes)
                .unwrap_or_else(|e| e.into_bytes().iter().map(|b| char::from(*b)).collect())
        } else {
            value.to_owned()
        };
        Some(Self { name, value })
    }

    /// The parts between unescaped semicolons, unescaped (RFC 6350 §3.4).
    fn parts(&self) -> Vec<String> {
        let mut parts = vec![String::new()];
        let mut chars = self.value.chars();
        while let Some(c) = chars.next() {
            let next = match c {
                ';' => {
                    parts.push(String::new());
                    continue;
                }
                '\\' => match chars.next() {
                    Some('n' | 'N') | None => ' ',
                    Some(escaped) => escaped,
                },
                c => c,
            };
            if let Some(part) = parts.last_mut() {
                part.push(next);
            }
        }
        parts
    }
}

#[derive(Default)]
struct Card {
    formatted: String,
    structured: String,
    nicknames: Vec<String>,
    family: String,
    company: String,
    is_company: bool,
    addresses: Vec<Address>,
}

impl Card {
    fn take(&mut self, property: &Property) {
        let parts = property.parts();
        let part = |at: usize| parts.get(at).map(|p| p.trim().to_owned()).unwrap_or_default();
        match property.name.as_str() {
            "FN" => self.formatted = parts.join(";").trim().to_owned(),
            "N" => {
                self.family = part(0);
                let given = [part(1), part(2), part(0)];
                self.structured = given.join(" ").split_whitespace().collect::<Vec<_>>().join(" ");
            }
            "NICKNAME" => {
                self.nicknames.extend(parts.iter().flat_map(|p| p.split(',')).map(|n| n.trim().to_owned()));
            }
            "ORG" => self.company = part(0),
            "KIND" | "X-ADDRESSBOOKSERVER-KIND" => {
                let kind = property.value.trim().to_ascii_lowercase();
                self.is_company |= matches!(kind.as_str(), "org" | "group" | "location");
            }
            "X-ABSHOWAS" => self.is_company |= property.value.trim().eq_ignore_ascii_case("company"),
            "EMAIL" => self.addresses.extend(Address::parse(parts.join(";").trim())),
            _ => {}
        }
    }

    fn people(self, people: &mut Vec<Acquaintance>) {
        let is_company = self.is_company || (!self.company.is_empty() && self.formatted == self.company);
        let mut names: Vec<String> = Vec::new();
        if !is_company {
            names.extend([self.formatted, self.structured]);
            let nicknames = self.nicknames.iter().filter(|nick| !nick.is_empty() && !self.family.is_empty());
            names.extend(nicknames.map(|nick| format!("{nick} {}", self.family)));
        }
        names.retain(|name| !name.is_empty());
        names.dedup();
        let person = |name: String, address: Option<Address>| Acquaintance {
            name,
            address,
            domain: None,
            source: Source::AddressBook,
        };
        people.extend(names.into_iter().map(|name| person(name, None)));
        people.extend(self.addresses.into_iter().map(|address| person(String::new(), Some(address))));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Vec<String> {
        let of = |person: &Acquaintance| {
            person.address.as_ref().map_or_else(|| person.name.clone(), ToString::to_string)
        };
        read(text).people.iter().map(of).collect()
    }

    #[test]
    fn cards_of_every_version_are_read() {
        let text = "\u{feff}BEGIN:VCARD\r\nVERSION:3.0\r\nN:Lind;Åsa;Maria;;\r\nFN:Åsa Lind\r\n\
                    item1.EMAIL;type=INTERNET;type=pref:asa@exam\r\n ple.org\r\nEND:VCARD\r\n\
                    BEGIN:VCARD\nVERSION:2.1\nN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=C3=96zt=\n=C3=BCrk;Can\nEND:VCARD\n\
                    BEGIN:VCARD\nVERSION:4.0\nFN:Robert Smith\\, Jr.\nN:Smith;Robert;;;\nNICKNAME:Bob,Bobby\n\
                    EMAIL;TYPE=\"a:b\":bob@example.net\nEMAIL:broken@@x\nEND:VCARD\n";
        assert_eq!(
            shown(text),
            [
                "Åsa Lind",
                "Åsa Maria Lind",
                "asa@example.org",
                "Can Öztürk",
                "Robert Smith, Jr.",
                "Robert Smith",
                "Bob Smith",
                "Bobby Smith",
                "bob@example.net"
            ]
        );
    }

    #[test]
    fn a_company_is_no_person_but_its_address_is_known() {
        let text =
            "BEGIN:VCARD\nFN:Example Works\nORG:Example Works;Sales\nEMAIL:hello@example.com\nEND:VCARD\n";
        assert_eq!(shown(text), ["hello@example.com"]);
    }

    #[test]
    fn bad_cards_are_counted_and_the_others_read() {
        let book = read("junk\nBEGIN:VCARD\nTEL:1\nEND:VCARD\nBEGIN:VCARD\nFN:Ann Lee\nBEGIN:VCARD\n");
        assert_eq!((book.cards, book.unreadable, book.people.len()), (3, vec![2, 7], 1));
    }
}
