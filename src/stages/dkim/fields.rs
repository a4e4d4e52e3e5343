//! A mail cut into header fields and body, byte for byte, as signers saw it.
//!
//! Two programs that cut one mail in two ways can be made to read two mails:
//! the one whose signature holds, and another one. So whatever is not plainly a
//! field is refused here.

use crate::domain::dkim::Oddity;

/// One header field.
pub(super) struct Field {
    /// Its name, in lower case.
    pub(super) name: String,
    /// All of it with its folds, each a CRLF, without the line end behind it.
    pub(super) raw: Vec<u8>,
}

impl Field {
    /// What stands behind the colon.
    pub(super) fn value(&self) -> &[u8] {
        self.raw.get(self.name.len() + 1..).unwrap_or_default()
    }
}

/// The header fields, top first, and the body, all line ends CRLF: a mailbox
/// may keep them otherwise, and signatures are made over what was sent.
pub(super) fn cut(mail: &[u8]) -> Result<(Vec<Field>, Vec<u8>), Oddity> {
    let mut fields: Vec<Field> = Vec::new();
    let mut at = 0;
    for line in mail.split_inclusive(|b| *b == b'\n') {
        at += line.len();
        let text = without_end(line);
        if text.is_empty() {
            break;
        }
        match line_of(text)? {
            Line::Folded => {
                let blank = text.iter().all(|b| matches!(b, b' ' | b'\t'));
                let field = fields.last_mut().filter(|_| !blank).ok_or(Oddity::Field)?;
                field.raw.extend_from_slice(b"\r\n");
                field.raw.extend_from_slice(text);
            }
            Line::Begins(name) => {
                let name = String::from_utf8_lossy(name).to_ascii_lowercase();
                fields.push(Field { name, raw: text.to_vec() });
            }
        }
    }
    Ok((fields, with_crlf(mail.get(at..).unwrap_or_default())))
}

/// What in the header of `mail` programs read in different ways, if anything:
/// `Date : x` is a Date to whoever checks signatures (RFC 6376 §3.4.2, RFC 5322
/// §4.5) and none to many readers. Two things that signers are not asked about
/// are allowed: a fold of blanks, as filters leave them, and a first line by
/// which a mail was cut out of an mbox (RFC 4155).
pub(in crate::stages) fn oddity(mail: &[u8]) -> Option<Oddity> {
    let mut begun = false;
    for (number, line) in mail.split_inclusive(|b| *b == b'\n').enumerate() {
        let text = without_end(line);
        if text.is_empty() {
            break;
        }
        if number == 0 && is_mbox_separator(text) {
            continue;
        }
        match line_of(text) {
            Ok(Line::Folded) if !begun => return Some(Oddity::Field),
            Ok(_) => begun = true,
            Err(odd) => return Some(odd),
        }
    }
    None
}

enum Line<'a> {
    /// A field of this name begins.
    Begins(&'a [u8]),
    /// The one above goes on.
    Folded,
}

fn line_of(text: &[u8]) -> Result<Line<'_>, Oddity> {
    if text.iter().any(|b| b.is_ascii_control() && *b != b'\t') {
        return Err(Oddity::Control);
    }
    if text.starts_with(b" ") || text.starts_with(b"\t") {
        return Ok(Line::Folded);
    }
    let name = text.split(|b| *b == b':').next().unwrap_or_default();
    if name.is_empty() || name.len() == text.len() || !name.iter().all(u8::is_ascii_graphic) {
        return Err(Oddity::Field);
    }
    Ok(Line::Begins(name))
}

/// `From jane@example.org Thu Nov 26 ...`; a From field with a blank before its colon is none.
fn is_mbox_separator(text: &[u8]) -> bool {
    let rest = text.strip_prefix(b"From ").map(<[u8]>::trim_ascii_start);
    rest.and_then(<[u8]>::first).is_some_and(|next| *next != b':')
}

fn without_end(line: &[u8]) -> &[u8] {
    let text = line.strip_suffix(b"\n").unwrap_or(line);
    text.strip_suffix(b"\r").unwrap_or(text)
}

fn with_crlf(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len());
    let mut before = 0;
    for byte in body {
        if *byte == b'\n' && before != b'\r' {
            out.push(b'\r');
        }
        out.push(*byte);
        before = *byte;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_keep_their_bytes_and_all_lines_end_in_crlf() {
        let (fields, body) =
            cut(b"A: 1\nb:  2 \r\n\tmore\n\nx\ny\r\n").unwrap_or_else(|odd| panic!("{odd:?}"));
        let seen: Vec<_> = fields.iter().map(|f| (f.name.as_str(), f.raw.as_slice())).collect();
        assert_eq!(seen, [("a", &b"A: 1"[..]), ("b", b"b:  2 \r\n\tmore")]);
        assert_eq!(fields.last().map(Field::value), Some(&b"  2 \r\n\tmore"[..]));
        assert_eq!(body, b"x\r\ny\r\n");
    }

    #[test]
    fn what_is_read_in_two_ways_is_refused() {
        for (mail, odd) in [
            (&b"A: 1\r\nno field\r\nB: 2\r\n\r\n"[..], Oddity::Field),
            (b" folded: first\r\n\r\n", Oddity::Field),
            (b"A: 1\r\n \t\r\nB: 2\r\n\r\n", Oddity::Field),
            (b"A : 1\r\n\r\n", Oddity::Field),
            (b": 1\r\n\r\n", Oddity::Field),
            (b"\xc3\xa4: 1\r\n\r\n", Oddity::Field),
            (b"A: 1\rB: 2\r\n\r\n", Oddity::Control),
            (b"A: 1\0\r\n\r\n", Oddity::Control),
            (b"A: 1\x0c2\r\n\r\n", Oddity::Control),
        ] {
            assert_eq!(cut(mail).err(), Some(odd), "{}", String::from_utf8_lossy(mail));
            if mail.starts_with(b"A: 1\r\n \t") {
                assert_eq!(oddity(mail), None, "a fold of blanks");
            } else {
                assert_eq!(oddity(mail), Some(odd), "{}", String::from_utf8_lossy(mail));
            }
        }
    }

    #[test]
    fn what_servers_and_clients_do_to_a_header_is_not_odd() {
        for mail in [
            &b"A: 1\r\nb:2\r\n\tmore\r\n\r\nno field\0\r\n"[..],
            b"A: 1\nb:\n\n",
            b"A: 1",
            b"",
            b"\nno field\n",
            b"From jane@example.org Thu Nov 26 00:00:00 2026\nA: 1\n\n",
            b"Subject: J\xc3\xb8rgen\r\nTo: \xe9@example.org\r\n\r\n",
            b"X-Spam-Report:\n\t* 0.0\n\t\n\t* 1.0\nA: 1\n\n",
        ] {
            assert_eq!(oddity(mail), None, "{}", String::from_utf8_lossy(mail));
        }
        for mail in [&b"From : a@example.org\n\n"[..], b"From\t: a@example.org\n\n", b"A: 1\nFrom x\n\n"] {
            assert_eq!(oddity(mail), Some(Oddity::Field), "{}", String::from_utf8_lossy(mail));
        }
    }
}
