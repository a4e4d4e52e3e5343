//! The header of every letter, read as strictly as the RFCs allow it to be
//! written: RFC 5322 for fields and phrases, RFC 2047 for what is not ASCII.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mailparse::MailHeaderMap;
use notyet::domain::{Address, Identity, InvitationKey, Letter, MessageId, Timestamp};
use notyet::stages::mime::{Frame, Purpose, render};
use proptest::prelude::*;

/// RFC 5322 §2.1.1: a line has to end here, without its CRLF.
const LINE_MOST: usize = 998;
/// And had better end here, where it can be folded.
const LINE_BETTER: usize = 78;
/// RFC 2047 §2: a line with an encoded word, and the word.
const ENCODED_LINE_MOST: usize = 76;
const ENCODED_WORD_MOST: usize = 75;

/// The header of the letter from `from` to `to` about `subject`, each with a name.
fn header(from: (&str, &Address), to: (&str, &Address), subject: &str) -> Vec<u8> {
    let message = render(&Frame {
        key: &InvitationKey("0".repeat(32)),
        identity: (
            "example",
            &Identity { invitation_id: None, shared_key: None, profile: None, name: "0".repeat(32) },
        ),
        from,
        to: Some(to),
        letter: &Letter { subject: subject.to_owned(), body: "b".to_owned(), language: "en".to_owned() },
        in_reply_to: Some(&MessageId::parse("n1@example.net").unwrap()),
        references: &[MessageId::parse("r1@example.net").unwrap()],
        date: Timestamp::from_unix_s(1_741_064_767),
        purpose: Purpose::Send,
    })
    .unwrap();
    let end = message.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap();
    message[..end + 2].to_vec()
}

/// The fields, unfolded (RFC 5322 §2.2.3), once every line has been looked at.
fn fields(header: &[u8]) -> Vec<(String, String)> {
    let text = std::str::from_utf8(header).unwrap();
    let mut fields: Vec<(String, String)> = Vec::new();
    for line in text.strip_suffix("\r\n").unwrap().split("\r\n") {
        assert!(line.bytes().all(|b| matches!(b, b' '..=b'~')), "{line:?}");
        assert!(!line.trim().is_empty(), "a line of blanks ends no header and is no field: {text}");
        assert_eq!(line.trim_end(), line, "a blank at the end is lost on the way");
        assert!(line.len() <= LINE_MOST, "{line}");
        if line.contains("=?") {
            assert!(line.len() <= ENCODED_LINE_MOST, "{} characters: {line}", line.len());
        } else if line.len() > LINE_BETTER {
            let (_, foldable) = line.split_once(": ").unwrap_or(("", line.trim_start()));
            assert!(!foldable.contains(' '), "{} characters: {line}", line.len());
        }
        match (line.strip_prefix(' '), fields.last_mut()) {
            (Some(_), Some((_, value))) => value.push_str(line),
            (None, _) => {
                let (name, value) = line.split_once(':').unwrap();
                assert!(name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'), "{line}");
                fields.push((name.to_owned(), value.to_owned()));
            }
            (Some(_), None) => panic!("it begins with a folded line: {text}"),
        }
    }
    fields
}

fn field(header: &[u8], name: &str) -> String {
    let all = fields(header);
    let mut named = all.into_iter().filter(|(field, _)| field == name).map(|(_, value)| value);
    let only = named.next().unwrap();
    assert_eq!(named.next(), None, "one {name} only");
    only.trim_start().to_owned()
}

/// The text of an encoded word, whole characters in each (RFC 2047 §5).
fn encoded_word(word: &str) -> Option<String> {
    let coded = word.strip_prefix("=?utf-8?b?")?.strip_suffix("?=").unwrap();
    assert!(word.len() <= ENCODED_WORD_MOST, "{word}");
    let text = String::from_utf8(STANDARD.decode(coded).unwrap()).unwrap();
    assert!(!text.is_empty());
    Some(text)
}

/// Words as they are read: blanks between two encoded ones are not (RFC 2047 §6.2).
fn words(text: &str, is_plain: impl Fn(&str) -> bool) -> String {
    let mut read = String::new();
    let mut before = None;
    for word in text.split(' ') {
        let decoded = encoded_word(word);
        let is_encoded = decoded.is_some();
        let word = decoded.unwrap_or_else(|| {
            assert!(is_plain(word), "{word:?} in {text:?}");
            word.to_owned()
        });
        if before.is_some_and(|before| !(before && is_encoded)) {
            read.push(' ');
        }
        read.push_str(&word);
        before = Some(is_encoded);
    }
    read
}

fn is_atom(word: &str) -> bool {
    let is_atext = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&b);
    !word.is_empty() && word.bytes().all(is_atext)
}

/// A display name: one quoted string, or atoms and encoded words (RFC 5322 §3.2.5, RFC 2047 §5).
fn phrase(text: &str) -> String {
    let Some(inner) = text.strip_prefix('"') else { return words(text, is_atom) };
    let inner = inner.strip_suffix('"').unwrap();
    let mut read = String::new();
    let mut characters = inner.chars();
    while let Some(c) = characters.next() {
        match c {
            '\\' => read.push(characters.next().unwrap()),
            '"' => panic!("a quote inside: {text}"),
            c => read.push(c),
        }
    }
    read
}

/// Display name and address.
fn mailbox(value: &str) -> (String, String) {
    match value.rsplit_once(' ') {
        None => (String::new(), value.to_owned()),
        Some((name, angle)) => {
            let address = angle.strip_prefix('<').unwrap().strip_suffix('>').unwrap();
            (phrase(name), address.to_owned())
        }
    }
}

/// Reads back what was put in: strictly, and with another's parser.
fn check(name: &str, address: &Address, subject: &str) {
    let other = Address::parse("other@example.org").unwrap();
    for (from, to) in [((name, address), ("Other", &other)), (("Other", &other), (name, address))] {
        let header = header(from, to, subject);
        let (mails, _) = mailparse::parse_headers(&header).unwrap();
        for (field_name, (name, address)) in [("From", from), ("To", to)] {
            assert_eq!(mailbox(&field(&header, field_name)), (name.to_owned(), address.to_string()));
            let list = mailparse::addrparse_header(mails.get_first_header(field_name).unwrap()).unwrap();
            let one = list.extract_single_info().unwrap();
            let expected = (Some(name).filter(|name| !name.is_empty()), address.to_string());
            assert_eq!((one.display_name.as_deref(), one.addr), expected);
        }
        assert_eq!(words(&field(&header, "Subject"), |word| !word.contains("=?")), subject);
        assert_eq!(mails.get_first_value("Subject").unwrap(), subject);
    }
}

fn address(local: usize, domain: usize) -> Address {
    let labels = "a.".repeat(domain.saturating_sub("example".len()) / 2);
    Address::parse(&format!("{}@{labels}example", "l".repeat(local))).unwrap_or_else(|| {
        let domain = format!("{labels}example.org");
        Address::parse(&format!("{}@{domain}", "l".repeat(local))).unwrap()
    })
}

#[test]
fn names_of_every_kind_come_back_from_header_lines_of_a_lawful_length() {
    let long = |text: &str| text.repeat(120).chars().take(120).collect::<String>().trim().to_owned();
    let names = [
        "Olga".to_owned(),
        "Jörg Müller".to_owned(),
        "Dr.Who".to_owned(),
        "J. R. R. Tolkien".to_owned(),
        "O'Neil (Bob), \"Bobby\" <bob@example.org>; a: b\\".to_owned(),
        "name@example.org".to_owned(),
        "=".to_owned(),
        "?=".to_owned(),
        "日本語の名前".to_owned(),
        "👩‍👩‍👧‍👦 Familie".to_owned(),
        "Aleksandra-Konstantína Žemaitytė-Vaičiūnienė".to_owned(),
        long("x"),
        long("xyz "),
        long("é"),
        long("é "),
        long("Ж日é🦀 "),
        long("\""),
        long("\\ "),
        long("a\" "),
        String::new(),
    ];
    for name in &names {
        for (local, domain) in [(1, 7), (20, 20), (35, 30), (64, 180)] {
            check(name, &address(local, domain), "Re: Grüße");
        }
    }
}

#[test]
fn subjects_of_every_kind_come_back_too() {
    for subject in [
        "Re: I want to connect",
        "Re: Jörg möchte sich gern vernetzen und hat dazu einen recht langen Betreff geschrieben",
        "é a é a é a é a é a é a é a é a é a é a é a é a é a é a é a é a é a é a é a é a é a é a é a é a é a",
        &format!("{} é {} é", "x".repeat(66), "y".repeat(70)),
        &"日本".repeat(120),
        "word ".repeat(48).trim(),
    ] {
        check("Olga", &address(5, 10), subject);
    }
}

/// Text that stays as it is on its way into a header: no controls, single blanks, nothing
/// that reads as an encoded word.
fn line(max_chars: usize) -> impl Strategy<Value = String> {
    let scripts = "[\\p{L}\\p{M}\\p{N}\\p{P}\\p{S}]{1,40}( [\\p{L}\\p{M}\\p{N}\\p{P}\\p{S}]{1,40}){0,8}";
    let latin = "[a-zA-Zäöüéñøß.'-]{1,14}( [a-zA-Zäöüéñøß.'-]{1,14}){0,20}";
    let marks = "[\"\\\\(),:;<>@.\\[\\]a=é?]{1,9}( [\"\\\\(),:;<>@.\\[\\]a=é?]{1,9}){0,20}";
    prop_oneof![scripts, latin, marks, "[a-z]{1,130}", "[é-ÿ]{1,130}"].prop_map(move |text| {
        let text: String = text.chars().take(max_chars).collect();
        text.replace("=?", "=x").trim().to_owned()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]
    #[test]
    fn whatever_the_names_the_header_is_lawful_and_tells_them(
        name in line(120), subject in line(240), local in 1_usize..64, domain in 7_usize..180,
    ) {
        check(&name, &address(local, domain), &subject);
    }
}
