//! The line ends of a message on the wire: one way for what is sent and for its copy in a folder.

use std::borrow::Cow;

/// Every line end a CRLF. A bare LF is forbidden (RFC 5321 §2.3.8), and some
/// servers take one round a dot for the end of the message; IMAP wants the same
/// form (RFC 9051 §4.3.1 via RFC 5322 §2.3).
pub(super) fn with_crlf(message: &[u8]) -> Cow<'_, [u8]> {
    let mut previous = 0;
    let clean = message.iter().all(|byte| {
        let ok = (*byte == b'\n') == (previous == b'\r');
        previous = *byte;
        ok
    }) && previous != b'\r';
    if clean {
        return Cow::Borrowed(message);
    }
    let mut out = Vec::with_capacity(message.len() + message.len() / 16);
    let mut bytes = message.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\r' => {
                bytes.next_if_eq(&b'\n');
                out.extend_from_slice(b"\r\n");
            }
            b'\n' => out.extend_from_slice(b"\r\n"),
            other => out.push(other),
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_end_becomes_crlf() {
        for (from, to) in [
            ("a\r\nb\r\n", "a\r\nb\r\n"),
            ("a\nb\n", "a\r\nb\r\n"),
            ("a\rb", "a\r\nb"),
            ("a\r\r\n\n.\n", "a\r\n\r\n\r\n.\r\n"),
            ("a\r", "a\r\n"),
            ("\n", "\r\n"),
            ("", ""),
        ] {
            assert_eq!(with_crlf(from.as_bytes()).as_ref(), to.as_bytes(), "{from:?}");
        }
        assert!(matches!(with_crlf(b"a\r\nb"), Cow::Borrowed(_)));
    }
}
