//! Cuts the byte stream of a server into whole responses (RFC 9051 §4.3, §7),
//! and refuses what would fill the memory before it is there.
//!
//! async-imap's own reader lets one announcement reserve 512 MiB, parses a
//! long answer again at every 4 KiB, and quotes the mail in its errors. So the
//! cutting is done here, and its grammar (`imap_proto`) sees one whole
//! response at a time.

/// One whole response, its final CRLF included.
pub(super) struct Frame {
    /// As it came.
    pub(super) bytes: Vec<u8>,
    /// The same without the content of literals.
    pub(super) skeleton: Vec<u8>,
}

/// The most we take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Caps {
    /// Of one line, that is of everything in a response beside its literals.
    pub(super) line_bytes: usize,
    /// Of one literal.
    pub(super) literal_bytes: usize,
}

impl Default for Caps {
    fn default() -> Self {
        Self { line_bytes: 1 << 20, literal_bytes: 256 << 10 }
    }
}

/// A response beyond the [`Caps`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Oversized {
    /// So many bytes of line and no end.
    Line(usize),
    /// A literal announced with so many bytes.
    Literal(u64),
}

/// Collects bytes, hands out responses.
#[derive(Default)]
pub(super) struct Framer {
    pub(super) caps: Caps,
    bytes: Vec<u8>,
    /// Where the response being cut starts.
    start: usize,
    /// Where its present line starts; behind the end while a literal is still coming.
    line: usize,
    /// Up to where that line was searched for its end.
    searched: usize,
    skeleton: Vec<u8>,
}

impl Framer {
    /// The buffer to read into. What was handed out is dropped from it first.
    pub(super) fn room(&mut self) -> &mut Vec<u8> {
        if self.start > 0 {
            self.bytes.drain(..self.start.min(self.bytes.len()));
            self.line -= self.start;
            self.searched = self.searched.saturating_sub(self.start);
            self.start = 0;
        }
        self.bytes.reserve(16 << 10);
        &mut self.bytes
    }

    /// Nothing is waiting, not even a part of a response.
    pub(super) fn is_empty(&self) -> bool {
        self.start >= self.bytes.len()
    }

    /// The next whole response, if it is all there.
    ///
    /// # Errors
    /// [`Oversized`]; the stream can then not be used any more.
    pub(super) fn take(&mut self) -> Result<Option<Frame>, Oversized> {
        loop {
            let from = self.searched.max(self.line);
            let Some(end) = find_crlf(self.bytes.get(from..).unwrap_or_default()).map(|at| from + at + 2)
            else {
                // The last byte may be the CR of an end still coming.
                self.searched = self.bytes.len().saturating_sub(1).max(self.line);
                let pending = self.bytes.len().saturating_sub(self.line);
                let length = self.skeleton.len() + pending;
                return if length > self.caps.line_bytes { Err(Oversized::Line(length)) } else { Ok(None) };
            };
            let line = self.bytes.get(self.line..end).unwrap_or_default();
            self.skeleton.extend_from_slice(line);
            if self.skeleton.len() > self.caps.line_bytes {
                return Err(Oversized::Line(self.skeleton.len()));
            }
            let announced = announced_literal(line);
            if let Some(length) = announced {
                let fits = usize::try_from(length).ok().filter(|length| *length <= self.caps.literal_bytes);
                let Some(length) = fits else {
                    return Err(Oversized::Literal(length));
                };
                if may_hold_literals(&self.skeleton) {
                    self.line = end + length;
                    self.searched = self.line;
                    continue;
                }
            }
            let bytes = self.bytes.get(self.start..end).unwrap_or_default().to_vec();
            self.start = end;
            self.line = end;
            self.searched = end;
            return Ok(Some(Frame { bytes, skeleton: std::mem::take(&mut self.skeleton) }));
        }
    }
}

fn find_crlf(bytes: &[u8]) -> Option<usize> {
    bytes.windows(2).position(|pair| pair == b"\r\n")
}

/// `{123}` at the end of `line`.
fn announced_literal(line: &[u8]) -> Option<u64> {
    let line = line.strip_suffix(b"}\r\n")?;
    let brace = line.iter().rposition(|byte| *byte == b'{')?;
    let digits = line.get(brace + 1..)?;
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let digits = std::str::from_utf8(digits).ok()?;
    Some(digits.parse().unwrap_or(u64::MAX))
}

/// Only untagged data has literals; the free text of a status line may end in
/// something that looks like one (RFC 9051 §9, `resp-text`).
fn may_hold_literals(response: &[u8]) -> bool {
    let Some(rest) = response.strip_prefix(b"* ") else {
        return false;
    };
    let word = rest.split(|byte| matches!(byte, b' ' | b'\r')).next().unwrap_or_default();
    ![&b"OK"[..], b"NO", b"BAD", b"BYE", b"PREAUTH"].iter().any(|status| word.eq_ignore_ascii_case(status))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(input: &[u8], step: usize) -> Result<Vec<Vec<u8>>, Oversized> {
        let mut framer = Framer { caps: Caps { line_bytes: 200, literal_bytes: 50 }, ..Framer::default() };
        let mut frames = Vec::new();
        for piece in input.chunks(step) {
            framer.room().extend_from_slice(piece);
            while let Some(frame) = framer.take()? {
                frames.push(frame.bytes);
            }
        }
        Ok(frames)
    }

    const ANSWER: &[u8] = b"* 1 FETCH (UID 7 BODY[] {11}\r\na\r\n{999}\r\nb X \"\")\r\n\
        * OK looks like {5}\r\nA1 OK done\r\n";

    #[test]
    fn responses_are_cut_alike_however_the_bytes_arrive() {
        let whole = cut(ANSWER, ANSWER.len()).expect("within the caps");
        assert_eq!(whole.len(), 3);
        assert_eq!(whole.concat(), ANSWER);
        for step in 1..ANSWER.len() {
            assert_eq!(cut(ANSWER, step).expect("within the caps"), whole);
        }
    }

    #[test]
    fn the_skeleton_leaves_literals_out() {
        let mut framer = Framer::default();
        framer.room().extend_from_slice(ANSWER);
        let frame = framer.take().expect("small").expect("whole");
        assert_eq!(frame.skeleton, b"* 1 FETCH (UID 7 BODY[] {11}\r\n X \"\")\r\n");
    }

    #[test]
    fn a_literal_above_the_cap_is_refused_at_its_announcement() {
        let announced = b"* 1 FETCH (BODY[] {400000000}\r\n";
        assert_eq!(cut(announced, 7), Err(Oversized::Literal(400_000_000)));
        let mut framer = Framer::default();
        framer.room().extend_from_slice(announced);
        assert!(framer.take().is_err());
        assert!(framer.bytes.capacity() < 64 << 10);
    }

    #[test]
    fn status_text_cannot_hide_an_announcement() {
        let hidden = b"* OK {40}\r\n* 1 FETCH (BODY[] {400000000}\r\n";
        assert_eq!(cut(hidden, 100), Err(Oversized::Literal(400_000_000)));
    }

    #[test]
    fn a_number_beyond_all_numbers_is_refused() {
        let absurd = b"* 1 FETCH (BODY[] {99999999999999999999999}\r\n";
        assert_eq!(cut(absurd, 100), Err(Oversized::Literal(u64::MAX)));
    }

    #[test]
    fn a_line_without_end_is_refused() {
        assert!(matches!(cut(&[b'x'; 500], 50), Err(Oversized::Line(_))));
    }
}
