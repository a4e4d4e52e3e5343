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
        let text = line.strip_suffix(b"\n").unwrap_or(line);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        if text.is_empty() {
            break;
        }
        if text.iter().any(|b| b.is_ascii_control() && *b != b'\t') {
            return Err(Oddity::Control);
        }
        if text.starts_with(b" ") || text.starts_with(b"\t") {
            let blank = text.iter().all(|b| matches!(b, b' ' | b'\t'));
            let field = fields.last_mut().filter(|_| !blank).ok_or(Oddity::Field)?;
            field.raw.extend_from_slice(b"\r\n");
            field.raw.extend_from_slice(text);
            continue;
        }
        let name = text.split(|b| *b == b':').next().unwrap_or_default();
        if name.is_empty() || name.len() == text.len() || !name.iter().all(u8::is_ascii_graphic) {
            return Err(Oddity::Field);
        }
        let name = String::from_utf8_lossy(name).to_ascii_lowercase();
        fields.push(Field { name, raw: text.to_vec() });
    }
    Ok((fields, with_crlf(mail.get(at..).unwrap_or_default())))
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
        }
    }
}
