//! Canonicalisation (RFC 6376 §3.4): what of a mail may change on its way.

use super::fields::Field;

/// How much may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Canon {
    /// Next to nothing.
    Simple,
    /// Blanks and folds.
    Relaxed,
}

impl Canon {
    pub(super) fn parse(word: &str) -> Option<Self> {
        match word {
            "simple" => Some(Self::Simple),
            "relaxed" => Some(Self::Relaxed),
            _ => None,
        }
    }

    /// One header field, without a line end.
    pub(super) fn field(self, field: &Field) -> Vec<u8> {
        match self {
            Self::Simple => field.raw.clone(),
            Self::Relaxed => {
                let mut out = field.name.clone().into_bytes();
                out.push(b':');
                let value: Vec<u8> =
                    field.value().iter().copied().filter(|b| !matches!(b, b'\r' | b'\n')).collect();
                out.extend(squeezed(value.trim_ascii_start()));
                out
            }
        }
    }

    /// The body; its line ends have to be CRLF.
    pub(super) fn body(self, body: &[u8]) -> Vec<u8> {
        let lines = body.split(|b| *b == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        let mut out = Vec::with_capacity(body.len() + 2);
        let mut empty_lines = 0;
        for line in lines {
            let line = match self {
                Self::Simple => line.to_vec(),
                Self::Relaxed => squeezed(line),
            };
            if line.is_empty() {
                empty_lines += 1;
                continue;
            }
            out.extend(b"\r\n".repeat(empty_lines));
            empty_lines = 0;
            out.extend(line);
            out.extend_from_slice(b"\r\n");
        }
        if out.is_empty() && self == Self::Simple {
            out.extend_from_slice(b"\r\n");
        }
        out
    }
}

/// Runs of blanks become one, blanks at the end none.
fn squeezed(line: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(line.len());
    let mut blank = false;
    for byte in line {
        if matches!(byte, b' ' | b'\t') {
            blank = true;
            continue;
        }
        if blank {
            out.push(b' ');
            blank = false;
        }
        out.push(*byte);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::fields::cut;
    use super::*;

    /// RFC 6376 §3.4.5.
    #[test]
    fn the_examples_of_the_rfc() {
        let mail = b"A: X\r\nB : Y\t\r\n\tZ  \r\n\r\n C \r\nD \t E\r\n\r\n\r\n";
        // `B :` is refused as a field; the rest is as it stands there.
        assert!(cut(mail).is_err());
        let mail = b"A: X\r\nB: Y\t\r\n\tZ  \r\n\r\n C \r\nD \t E\r\n\r\n\r\n";
        let (fields, body) = cut(mail).unwrap_or_else(|odd| panic!("{odd:?}"));
        let header = |canon: Canon| -> Vec<_> {
            fields.iter().map(|f| String::from_utf8(canon.field(f)).unwrap_or_default()).collect()
        };
        assert_eq!(header(Canon::Relaxed), ["a:X", "b:Y Z"]);
        assert_eq!(header(Canon::Simple), ["A: X", "B: Y\t\r\n\tZ  "]);
        assert_eq!(Canon::Relaxed.body(&body), b" C\r\nD E\r\n");
        assert_eq!(Canon::Simple.body(&body), b" C \r\nD \t E\r\n");
    }

    #[test]
    fn empty_bodies_and_missing_line_ends() {
        for (body, simple, relaxed) in [
            (&b""[..], &b"\r\n"[..], &b""[..]),
            (b"\r\n\r\n", b"\r\n", b""),
            (b"a", b"a\r\n", b"a\r\n"),
            (b"a\r\n \r\n", b"a\r\n \r\n", b"a\r\n"),
            (b"\r\n\r\na\r\n", b"\r\n\r\na\r\n", b"\r\n\r\na\r\n"),
            (b"a\rb\r\n", b"a\rb\r\n", b"a\rb\r\n"),
        ] {
            assert_eq!(Canon::Simple.body(body), simple);
            assert_eq!(Canon::Relaxed.body(body), relaxed);
        }
    }
}
