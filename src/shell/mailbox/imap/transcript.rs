//! A server's bytes, cut and read as a session does it, without a session: so
//! that tests can try bytes that no server would send, many a second.

use super::frame::Framer;
use super::response::{self, Response};

/// What a session would make of some bytes.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Heard {
    /// The responses that were whole, as they came.
    pub frames: Vec<Vec<u8>>,
    /// What of each would be shown to the owner, where it carries words.
    pub words: Vec<String>,
    /// Why reading stopped before the end, where it did.
    pub refused: Option<String>,
}

/// Cuts `bytes`, which arrive `step` (at least 1) at a time, and reads each response.
pub fn hear(bytes: &[u8], step: usize) -> Heard {
    let mut heard = Heard::default();
    let mut framer = Framer::default();
    for piece in bytes.chunks(step.max(1)) {
        framer.room().extend_from_slice(piece);
        loop {
            match framer.take() {
                Ok(Some(frame)) => {
                    heard.words.extend(response::parse(&frame).and_then(|read| words(&read)));
                    heard.frames.push(frame.bytes);
                }
                Ok(None) => break,
                Err(oversized) => {
                    heard.refused = Some(format!("{oversized:?}"));
                    return heard;
                }
            }
        }
    }
    heard
}

fn words(read: &Response) -> Option<String> {
    match read {
        Response::Tagged { text, .. }
        | Response::Status(_, text)
        | Response::PreAuth(text)
        | Response::Bye(text) => Some(text.for_message()),
        _ => None,
    }
}
