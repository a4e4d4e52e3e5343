//! A server's bytes, cut into one reply and read as a session does it, without a
//! session: so that tests can try bytes that no server would send, many a second.

use lettre::transport::smtp::response::Response;

use super::reply::{Mask, Offer, Reply};
use super::wire::replies_in;

/// What a session would make of some bytes.
#[derive(Debug, PartialEq, Eq)]
pub enum Heard {
    /// The line would be cut: a reply without end.
    Refused,
    /// Lines that lettre reads as one whole reply, or does not.
    Reply {
        /// Our own reading of the code.
        code: u16,
        /// lettre's, where it finds a whole reply.
        by_lettre: Option<u16>,
        /// What would be shown to the owner.
        words: String,
        /// How many ways of AUTH were offered.
        auth: usize,
    },
}

/// Reads `bytes` as the lines of one reply; `persons` are masked in what is shown.
pub fn hear(bytes: &[u8], persons: &[&str]) -> Heard {
    let Ok(raw) = replies_in(bytes) else {
        return Heard::Refused;
    };
    // A session stops at the first whole reply; lines behind it are out of turn.
    let mut lines = raw.split_inclusive('\n');
    let mut read = String::new();
    let by_lettre = lines.find_map(|line| {
        read.push_str(line);
        read.parse::<Response>().ok()
    });
    let reply = Reply::parse(&read);
    Heard::Reply {
        code: reply.code,
        by_lettre: by_lettre.map(|whole| whole.code().into()),
        words: reply.words(&Mask::of(persons)),
        auth: Offer::parse(&reply).auth.len(),
    }
}
