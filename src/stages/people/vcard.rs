//! Address books: vCard 2.1 to 4.0 (RFC 2426, RFC 6350) as phones, providers
//! and CardDAV exports write them.
//!
//! Own code: of a card only names and addresses matter, and the readers there
//! are refuse a file for one bad line, of which exports hold many. Here a card
//! that shows neither name nor address is counted, and the others are read.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use encoding_rs::{Encoding, WINDOWS_1252};
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
    /// The line at which a card begins that has no end: the file was cut off.
    pub torn_at: Option<usize>,
}

/// Reads a file of any number of cards. Text between cards is passed over. What
/// names no charset and is no UTF-8 is windows-1252, as old phones and Outlook write it.
pub fn read(bytes: &[u8]) -> AddressBook {
    let mut book = AddressBook::default();
    let mut card: Option<(usize, Card)> = None;
    let marked = Encoding::for_bom(bytes).map(|(charset, mark)| {
        charset.decode_without_bom_handling(bytes.get(mark..).unwrap_or_default()).0.into_owned()
    });
    let lines = unfolded(marked.as_deref().map_or(bytes, str::as_bytes));
    for (number, line) in &lines {
        let Some(property) = Property::read(line) else { continue };
        match (property.name.as_str(), &mut card) {
            ("BEGIN", _) if is_of_card(&property) => {
                close(&mut card, &mut book);
                card = Some((*number, Card::default()));
            }
            ("END", _) if is_of_card(&property) => close(&mut card, &mut book),
            (_, Some((_, card))) => card.take(&property),
            (_, None) => {}
        }
    }
    book.torn_at = card.as_ref().map(|(line, _)| *line).or_else(|| half_begun(&lines));
    close(&mut card, &mut book);
    book
}

fn is_of_card(property: &Property) -> bool {
    property.value.trim().eq_ignore_ascii_case("vcard")
}

/// Whether the last line is the beginning of a card's first.
fn half_begun(lines: &[(usize, Vec<u8>)]) -> Option<usize> {
    let (number, line) = lines.last()?;
    let begins = b"BEGIN:VCARD".get(..line.len()).is_some_and(|start| start.eq_ignore_ascii_case(line));
    (!line.is_empty() && begins).then_some(*number)
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
fn unfolded(bytes: &[u8]) -> Vec<(usize, Vec<u8>)> {
    let mut lines: Vec<(usize, Vec<u8>)> = Vec::new();
    for (at, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        match (lines.last_mut(), line) {
            (Some((_, last)), [b' ' | b'\t', rest @ ..]) => last.extend(rest),
            (Some((_, last)), line) if last.ends_with(b"=") && is_quoted(last) => {
                last.pop();
                last.extend(line);
            }
            (_, line) => lines.push((at + 1, line.to_vec())),
        }
    }
    lines
}

fn is_quoted(line: &[u8]) -> bool {
    let head = line.split(|byte| *byte == b':').next().unwrap_or_default();
    String::from_utf8_lossy(head).to_ascii_uppercase().contains("QUOTED-PRINTABLE")
}

/// `item1.EMAIL;TYPE=work:jane@example.org`
struct Property {
    name: String,
    value: String,
}

impl Property {
    fn read(line: &[u8]) -> Option<Self> {
        let mut in_quotes = false;
        let colon = line.iter().position(|byte| {
            in_quotes ^= *byte == b'"';
            *byte == b':' && !in_quotes
        })?;
        let (head, value) = (line.get(..colon)?, line.get(colon + 1..)?);
        let head = String::from_utf8_lossy(head).to_ascii_uppercase();
        let mut parameters = head.split(';').map(str::trim);
        let name = parameters.next()?.rsplit('.').next()?.trim().to_owned();
        let parameters: Vec<&str> = parameters.collect();
        // Cards of version 2.1 leave `ENCODING=` out.
        let is = |encodings: [&str; 2]| {
            parameters.iter().any(|p| encodings.contains(&p.trim_start_matches("ENCODING=")))
        };
        let bytes = if is_quoted(line) {
            decode(value, ParseMode::Robust).ok()?
        } else if is(["BASE64", "B"]) {
            let symbols: Vec<u8> = value.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
            STANDARD.decode(symbols).ok()?
        } else {
            value.to_vec()
        };
        let charset = parameters.iter().find_map(|parameter| parameter.strip_prefix("CHARSET="));
        Some(Self { name, value: text(bytes, charset.map(|label| label.trim_matches('"'))) })
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

fn text(bytes: Vec<u8>, charset: Option<&str>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| {
        let named = charset.and_then(|label| Encoding::for_label(label.as_bytes()));
        // It is none, whatever it says.
        let charset = named.filter(|charset| *charset != encoding_rs::UTF_8).unwrap_or(WINDOWS_1252);
        charset.decode_without_bom_handling(error.as_bytes()).0.into_owned()
    })
}

/// `mailto:jane@example.org` and `"Jane" <jane@example.org>` are addresses as well.
fn address(value: &str) -> Option<Address> {
    let value = value.trim();
    let value = match value.get(..7) {
        Some(scheme) if scheme.eq_ignore_ascii_case("mailto:") => value.get(7..)?,
        _ => value,
    };
    let inside = value.rsplit_once('<').and_then(|(_, rest)| rest.split_once('>')).map(|(inside, _)| inside);
    Address::parse(inside.unwrap_or(value))
}

#[derive(Default)]
struct Card {
    formatted: String,
    structured: String,
    nicknames: Vec<String>,
    given: String,
    family: String,
    maiden: String,
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
                (self.family, self.given) = (part(0), part(1));
                let given = [part(1), part(2), part(0)];
                self.structured = given.join(" ").split_whitespace().collect::<Vec<_>>().join(" ");
            }
            "NICKNAME" => {
                self.nicknames.extend(parts.iter().flat_map(|p| p.split(',')).map(|n| n.trim().to_owned()));
            }
            "X-MAIDENNAME" | "X-MAIDEN-NAME" => self.maiden = part(0),
            "KIND" | "X-ADDRESSBOOKSERVER-KIND" => {
                let kind = property.value.trim().to_ascii_lowercase();
                self.is_company |= matches!(kind.as_str(), "org" | "group" | "location");
            }
            "X-ABSHOWAS" => self.is_company |= property.value.trim().eq_ignore_ascii_case("company"),
            "EMAIL" => self.addresses.extend(address(&parts.join(";"))),
            _ => {}
        }
    }

    fn people(self, people: &mut Vec<Acquaintance>) {
        let mut names: Vec<String> = Vec::new();
        // A name that is the company's too is a freelancer's as often as not.
        if !self.is_company {
            let given = self.formatted.split_whitespace().next().filter(|_| self.given.is_empty());
            let given = given.unwrap_or(&self.given);
            if !self.maiden.is_empty() && !given.is_empty() {
                names.push(format!("{given} {}", self.maiden));
            }
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
        read(text.as_bytes()).people.iter().map(of).collect()
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
        let text = "BEGIN:VCARD\nKIND:org\nFN:Example Works\nORG:Example Works;Sales\nEMAIL:hello@example.com\nEND:VCARD\n";
        assert_eq!(shown(text), ["hello@example.com"]);
    }

    #[test]
    fn a_freelancer_whose_company_has_their_name_is_a_person() {
        let text = "BEGIN:VCARD\nFN:Lena Brandt\nORG:Lena Brandt\nEND:VCARD\n";
        assert_eq!(shown(text), ["Lena Brandt"]);
    }

    #[test]
    fn addresses_are_read_with_scheme_name_and_brackets() {
        let text =
            "BEGIN:VCARD\nEMAIL;TYPE=work:mailto:ngozi@example.com\nEMAIL:\"K\" <k@example.org>\nEND:VCARD\n";
        assert_eq!(shown(text), ["ngozi@example.com", "k@example.org"]);
    }

    #[test]
    fn a_name_before_marriage_is_a_name() {
        let text = "BEGIN:VCARD\nFN:Maja Holm\nX-MAIDENNAME:Lund\nEND:VCARD\n\
                    BEGIN:VCARD\nFN:Dr. Eva Holm\nN:Holm;Eva;;Dr.;\nX-MAIDENNAME:Berg\nEND:VCARD\n";
        assert_eq!(shown(text), ["Maja Lund", "Maja Holm", "Eva Berg", "Dr. Eva Holm", "Eva Holm"]);
    }

    #[test]
    fn names_are_read_in_the_charset_they_are_written_in() {
        let names = |bytes: &[u8]| -> Vec<String> {
            read(bytes).people.iter().map(|person| person.name.clone()).collect()
        };
        let raw = b"BEGIN:VCARD\nN;CHARSET=ISO-8859-1:M\xfcller;Hans\nEND:VCARD\n\
                    BEGIN:VCARD\nFN:J\xf6rg \x8aimi\xe6\nEND:VCARD\n\
                    BEGIN:VCARD\nFN;CHARSET=\"iso-8859-2\";QUOTED-PRINTABLE:=A3ukasz Nowak\nEND:VCARD\n\
                    BEGIN:VCARD\nN;ENCODING=BASE64;CHARSET=UTF-8:S8O2aG\n xlcjtVd2U=\nEND:VCARD\n\
                    BEGIN:VCARD\nFN;ENCODING=b:VG9tIEJlcmc=\nEND:VCARD\n";
        let read_as = [
            "Hans M\u{fc}ller",
            "J\u{f6}rg \u{160}imi\u{e6}",
            "\u{141}ukasz Nowak",
            "Uwe K\u{f6}hler",
            "Tom Berg",
        ];
        assert_eq!(names(raw), read_as);
        let wide: Vec<u8> = "\u{feff}BEGIN:VCARD\r\nFN:Ann L\u{e9}e\r\nEND:VCARD\r\n"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        assert_eq!(names(&wide), ["Ann L\u{e9}e"]);
    }

    #[test]
    fn bad_cards_are_counted_and_the_others_read() {
        let book = read(b"junk\nBEGIN:VCARD\nTEL:1\nEND:VCARD\nBEGIN:VCARD\nFN:Ann Lee\nBEGIN:VCARD\n");
        assert_eq!((book.cards, book.unreadable, book.people.len()), (3, vec![2, 7], 1));
    }

    #[test]
    fn a_file_that_was_cut_off_is_told_from_a_whole_one() {
        let whole = "BEGIN:VCARD\r\nFN:Ann Lee\r\nEND:VCARD\r\nBEGIN:VCARD\r\nFN:Bo Ray\r\nEND:VCARD\r\n";
        assert_eq!(read(whole.as_bytes()).torn_at, None);
        // Between two cards nothing shows it; a missing end of the last line costs nothing.
        let first = whole.find("BEGIN:VCARD\r\nFN:Bo").unwrap();
        let unseen = [0, first - 2, first - 1, first, whole.len() - 2, whole.len() - 1];
        for length in 1..whole.len() {
            let cut = read(&whole.as_bytes()[..length]).torn_at;
            let wanted = if length < first - 2 { Some(1) } else { Some(4) };
            assert_eq!(cut, if unseen.contains(&length) { None } else { wanted }, "{length}");
        }
        for tail in ["\n\n", "-- \nmade by an exporter\n", "\u{1a}"] {
            assert_eq!(read(format!("{whole}{tail}").as_bytes()).torn_at, None, "{tail:?}");
        }
    }
}
