//! The texts of a mail: which parts they are, and their bytes as words.

use base64::Engine as _;
use mailparse::ParsedMail;

/// Of each text part, so much is read.
pub const MAX_TEXT_BYTES: usize = 1024 * 1024;
const MAX_PARTS: usize = 200;

/// What senders and relays write over a text that they did not look at; the
/// first is what a part without a charset has (RFC 2046 §4.1.2).
const UNLOOKED: [&str; 6] = ["us-ascii", "ascii", "iso-8859-1", "latin1", "windows-1252", "iso-8859-15"];

/// What a mail says: the first text/plain and the first text/html of it.
#[derive(Default)]
pub(super) struct Bodies {
    pub(super) text: Option<String>,
    pub(super) html: Option<String>,
    parts: usize,
}

impl Bodies {
    pub(super) fn of(mail: &ParsedMail<'_>) -> Self {
        let mut bodies = Self::default();
        collect(mail, &mut bodies);
        bodies
    }
}

/// Takes the first text/plain and the first text/html that are no attachments.
/// A Content-ID does not make an attachment: networks label their bodies with
/// one (FORMATS section 3). An attached message is somebody else's mail.
fn collect(part: &ParsedMail<'_>, into: &mut Bodies) {
    let mut stack = vec![part];
    while let Some(part) = stack.pop() {
        into.parts += 1;
        if into.parts > MAX_PARTS || (into.text.is_some() && into.html.is_some()) {
            return;
        }
        let attached = part.get_content_disposition().disposition == mailparse::DispositionType::Attachment;
        let slot = match part.ctype.mimetype.as_str() {
            "text/plain" => &mut into.text,
            "text/html" => &mut into.html,
            "message/rfc822" => continue,
            _ => {
                stack.extend(part.subparts.iter().rev());
                continue;
            }
        };
        if !attached && slot.is_none() {
            let body = decoded(part).or_else(|| what_is_left(part)).map(|body| bounded(body, MAX_TEXT_BYTES));
            *slot = body.map(|body| if is_flowed(part) { unflowed(&body, delsp(part)) } else { body });
        }
    }
}

/// A body cut off in the middle of its base64: what came through still tells what the mail is.
fn what_is_left(part: &ParsedMail<'_>) -> Option<String> {
    let mailparse::body::Body::Base64(body) = part.get_body_encoded() else {
        return None;
    };
    let mut symbols: Vec<u8> = body
        .get_raw()
        .iter()
        .copied()
        .filter(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/'))
        .collect();
    symbols.truncate(symbols.len() / 4 * 4);
    let bytes = base64::engine::general_purpose::STANDARD.decode(symbols).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

fn bounded(mut text: String, limit: usize) -> String {
    if text.len() > limit {
        let mut cut = limit;
        while !text.is_char_boundary(cut) {
            cut -= 1;
        }
        text.truncate(cut);
    }
    text
}

/// The text in its charset. Bytes beyond ASCII that are UTF-8 are UTF-8 by no
/// chance: as Latin letters they would be `Ã©`, which nobody writes.
fn decoded(part: &ParsedMail<'_>) -> Option<String> {
    let charset = part.ctype.charset.to_ascii_lowercase();
    if UNLOOKED.contains(&charset.as_str())
        && let Ok(bytes) = part.get_body_raw()
        && let Ok(text) = String::from_utf8(bytes)
    {
        return Some(text);
    }
    part.get_body().ok()
}

fn is_flowed(part: &ParsedMail<'_>) -> bool {
    has(part, "format", "flowed") && part.ctype.mimetype == "text/plain"
}

fn delsp(part: &ParsedMail<'_>) -> Blank {
    if has(part, "delsp", "yes") { Blank::Added } else { Blank::Written }
}

fn has(part: &ParsedMail<'_>, parameter: &str, value: &str) -> bool {
    part.ctype.params.get(parameter).is_some_and(|found| found.eq_ignore_ascii_case(value))
}

/// The blank at the end of a line that goes on (RFC 3676 §4.1).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Blank {
    /// It parts two words.
    Written,
    /// It was added as a mark, and goes.
    Added,
}

/// The paragraphs of a format=flowed text, each on one line (RFC 3676 §4).
fn unflowed(text: &str, blank: Blank) -> String {
    let mut out = String::with_capacity(text.len());
    // The depth of the line that goes on; `None`: a new one begins.
    let mut open: Option<usize> = None;
    for line in text.lines() {
        let depth = line.bytes().take_while(|b| *b == b'>').count();
        let words = line.get(depth..).unwrap_or_default();
        let words = words.strip_prefix(' ').unwrap_or(words);
        let is_signature = words == "-- ";
        if open.is_some() && (open != Some(depth) || is_signature) {
            out.push('\n');
            open = None;
        }
        if open.is_none() {
            out.extend(std::iter::repeat_n('>', depth));
        }
        let flows = words.ends_with(' ') && !is_signature;
        out.push_str(match (flows, blank) {
            (true, Blank::Added) => words.get(..words.len() - 1).unwrap_or_default(),
            _ => words,
        });
        open = flows.then_some(depth);
        if open.is_none() {
            out.push('\n');
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(head: &str, body: &[u8]) -> String {
        let raw =
            [format!("From: a@x.example\nContent-Type: text/plain{head}\n\n").as_bytes(), body].concat();
        let parsed = mailparse::parse_mail(&raw).unwrap();
        Bodies::of(&parsed).text.unwrap_or_default().replace("\r\n", "\n")
    }

    #[test]
    fn utf_8_is_read_as_such_under_a_label_that_nobody_looked_at() {
        for head in ["", "; charset=us-ascii", "; charset=ISO-8859-1", "; charset=\"windows-1252\""] {
            assert_eq!(text(head, "Grüße aus Łódź".as_bytes()), "Grüße aus Łódź", "{head}");
        }
        assert_eq!(text("; charset=iso-8859-1", b"Gr\xfc\xdfe"), "Grüße");
        assert_eq!(text("; charset=windows-1252", b"\x93Gr\xfc\xdfe\x94"), "“Grüße”");
        // Polish in its own charset stays that.
        assert_eq!(text("; charset=iso-8859-2", b"\xa3\xf3d\xbc"), "Łódź");
    }

    #[test]
    fn flowed_lines_are_one_paragraph() {
        let flowed = "; charset=utf-8; format=flowed";
        assert_eq!(text(flowed, b"one \ntwo \nthree\n\nfour\n"), "one two three\n\nfour\n");
        assert_eq!(text("; format=Flowed; DelSp=Yes", b"hive \nboard, \nwax \n"), "hiveboard,wax");
        assert_eq!(text(flowed, b" From here \n  on\n"), "From here  on\n");
        assert_eq!(text(flowed, b"so \n-- \nMira\n"), "so \n-- \nMira\n");
        assert_eq!(text(flowed, b"> a \n> b\n>> c \nd\n"), ">a b\n>>c \nd\n");
        assert_eq!(text("", b"one \ntwo\n"), "one \ntwo\n");
    }
}
