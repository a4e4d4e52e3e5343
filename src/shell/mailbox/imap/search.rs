//! Finding mail without reading it.

use std::collections::BTreeSet;

use super::ImapSession;
use super::command::{Command, LINE_BYTES, uid_sets};
use super::fetch::header_item;
use super::frame::Caps;
use super::response::Response;
use super::wire::Failure;
use crate::domain::{Fault, Timestamp};
use crate::shell::mailbox::{SearchTerm, Sighting, Survey, Uid};

/// So many terms go into one search, that no server has to nest deeper.
const TERMS_AT_ONCE: usize = 50;

/// So much of a header field is read to compare it.
const FIELD_BYTES: usize = 4 << 10;

const REPLY_HEADER: &str = "In-Reply-To";

/// Of so many messages, the newest first.
const CANDIDATES: usize = 100;

impl ImapSession {
    /// UIDs of the messages that any of the `terms` hits, in order; `since`
    /// leaves out those that arrived more than a day before it (the server
    /// compares days, in a time zone of its own). No terms, no messages.
    ///
    /// # Errors
    /// `Permanent` when the server cannot search for these words.
    pub async fn search(
        &mut self,
        terms: &[SearchTerm],
        since: Option<Timestamp>,
    ) -> Result<Vec<Uid>, Fault> {
        self.reselect().await?;
        let mut uids = Vec::new();
        for some in terms.chunks(TERMS_AT_ONCE) {
            let mut command = Command::new("UID SEARCH");
            if !some.iter().all(SearchTerm::is_ascii) {
                command = command.words("CHARSET UTF-8");
            }
            if let Some(day) = since.and_then(day_before) {
                command = command.words(&format!("SINCE {day}"));
            }
            uids.extend(self.run_search(any_of(command, some)).await?);
        }
        uids.sort_unstable();
        uids.dedup();
        Ok(uids)
    }

    /// The newest message in `folder` whose field `header` is exactly `value`,
    /// angle brackets aside. The opened mailbox stays the opened one.
    ///
    /// # Errors
    /// `NeedsHuman` when there is no such folder.
    pub async fn find_by_header(
        &mut self,
        folder: &str,
        header: &str,
        value: &str,
    ) -> Result<Option<Uid>, Fault> {
        Ok(self.all_by_header(folder, header, value).await?.into_iter().max())
    }

    /// All of them, as far back as is looked.
    ///
    /// # Errors
    /// As [`ImapSession::find_by_header`].
    pub(super) async fn all_by_header(
        &mut self,
        folder: &str,
        header: &str,
        value: &str,
    ) -> Result<BTreeSet<Uid>, Fault> {
        let wanted = bare(value.as_bytes());
        let field = [header.to_owned()];
        let item = header_item(&field, FIELD_BYTES)?;
        self.visit(folder).await?;
        let command = Command::new("UID SEARCH").words("HEADER").string(header);
        let needle = String::from_utf8_lossy(&wanted).into_owned();
        let mut uids = self.run_search(command.string(&needle)).await?;
        uids.sort_unstable_by(|a, b| b.cmp(a));
        uids.truncate(CANDIDATES);
        // Servers look for parts of the field, and some for parts of words only.
        let mut found = BTreeSet::new();
        for set in uid_sets(&uids, LINE_BYTES) {
            self.fetch(format!("{set} (UID {item})"), FIELD_BYTES, |fetched| {
                let field = fetched.header.unwrap_or_default();
                if holds(&field, header, &wanted) {
                    found.extend(fetched.uid);
                }
            })
            .await?;
        }
        Ok(found)
    }

    /// How `folder` answers an invitation: by letters whose field `header` begins
    /// with `beginning`, or by a mail without such a field that replies to `parent`.
    ///
    /// # Errors
    /// As [`ImapSession::find_by_header`].
    pub async fn survey(
        &mut self,
        folder: &str,
        header: &str,
        beginning: &str,
        parent: Option<&str>,
    ) -> Result<Survey, Fault> {
        let fields = [header, REPLY_HEADER].map(str::to_owned);
        let item = header_item(&fields, FIELD_BYTES)?;
        self.visit(folder).await?;
        let by_name = |name: &str, value: &str| SearchTerm::Header { name: name.into(), value: value.into() };
        let terms: Vec<_> = std::iter::once(by_name(header, beginning))
            .chain(parent.map(|parent| by_name(REPLY_HEADER, parent)))
            .collect();
        let mut uids = self.run_search(any_of(Command::new("UID SEARCH"), &terms)).await?;
        uids.sort_unstable_by(|a, b| b.cmp(a));
        uids.truncate(CANDIDATES);
        let mut survey = Survey::default();
        for set in uid_sets(&uids, LINE_BYTES) {
            self.fetch(format!("{set} (UID FLAGS {item})"), FIELD_BYTES, |fetched| {
                // Without a header it tells of changed flags, not of what we asked for.
                let (Some(uid), Some(block)) = (fetched.uid, fetched.header) else { return };
                let names = values(&block, header);
                if names.iter().any(|value| bare(value).starts_with(beginning.as_bytes())) {
                    let flagged = fetched.marks.is_some_and(|marks| marks.flagged);
                    survey.named.push(Sighting { uid, flagged, deleted: fetched.deleted });
                }
                let replies = |parent: &str| holds(&block, REPLY_HEADER, &bare(parent.as_bytes()));
                survey.by_hand |= names.is_empty() && parent.is_some_and(replies);
            })
            .await?;
        }
        survey.named.sort_by_key(|sighting| sighting.uid);
        survey.named.dedup_by_key(|sighting| sighting.uid);
        Ok(survey)
    }

    async fn run_search(&mut self, command: Command) -> Result<Vec<Uid>, Fault> {
        // All UIDs stand in one line: room for two million of them.
        let caps = Caps { line_bytes: 16 << 20, ..Caps::default() };
        let mut uids = Vec::new();
        let unreadable = self.wire.transient("UID SEARCH", "answered in a form we cannot read");
        let answer = self
            .run_within(caps, command, |response| match response {
                Response::Search(found) => {
                    uids.extend(found);
                    Ok(())
                }
                Response::UnreadableSearch => Err(unreadable.clone()),
                _ => Ok(()),
            })
            .await;
        match answer {
            Ok(_) => Ok(uids),
            Err(Failure::Refused(refusal)) if !refusal.text.sounds_temporary() => {
                Err(Fault::Permanent(format!("{}; this server cannot search for that", refusal.story())))
            }
            Err(failure) => Err(failure.into()),
        }
    }
}

impl SearchTerm {
    fn is_ascii(&self) -> bool {
        match self {
            Self::From(text) | Self::Header { name: _, value: text } => text.is_ascii(),
        }
    }

    fn add_to(&self, command: Command) -> Command {
        match self {
            Self::From(text) => command.words("FROM").string(text),
            Self::Header { name, value: text } => command.words("HEADER").string(name).string(text),
        }
    }
}

/// `OR a OR b c` (RFC 9051 §6.4.4).
fn any_of(mut command: Command, terms: &[SearchTerm]) -> Command {
    for (position, term) in terms.iter().enumerate() {
        if position + 1 < terms.len() {
            command = command.words("OR");
        }
        command = term.add_to(command);
    }
    command
}

fn day_before(moment: Timestamp) -> Option<String> {
    let moment = jiff::Timestamp::from_second(moment.unix_s()).ok()?;
    let day = moment.to_zoned(jiff::tz::TimeZone::UTC).date().yesterday().ok()?;
    Some(day.strftime("%-d-%b-%Y").to_string())
}

/// One of the `name` fields in `block` has exactly the value `wanted`.
pub(super) fn holds(block: &[u8], name: &str, wanted: &[u8]) -> bool {
    values(block, name).iter().any(|value| bare(value) == wanted)
}

/// The values of all `name` fields in `block`, still folded.
fn values(block: &[u8], name: &str) -> Vec<Vec<u8>> {
    let mut fields: Vec<Vec<u8>> = Vec::new();
    for line in block.split(|byte| *byte == b'\n') {
        match (line.first(), fields.last_mut()) {
            (Some(b' ' | b'\t'), Some(field)) => field.extend_from_slice(line),
            _ => fields.push(line.to_vec()),
        }
    }
    let value = |field: Vec<u8>| {
        let mut halves = field.splitn(2, |byte| *byte == b':');
        let (left, right) = (halves.next()?, halves.next()?);
        left.trim_ascii().eq_ignore_ascii_case(name.as_bytes()).then(|| right.to_vec())
    };
    fields.into_iter().filter_map(value).collect()
}

/// A value without blanks and breaks round it or in it, and without angle brackets.
fn bare(value: &[u8]) -> Vec<u8> {
    let mut bare: Vec<u8> = value.to_vec();
    bare.retain(|byte| !matches!(byte, b'\r' | b'\n'));
    let trimmed = bare.trim_ascii();
    let trimmed = trimmed.strip_prefix(b"<").unwrap_or(trimmed);
    let trimmed = trimmed.strip_suffix(b">").unwrap_or(trimmed);
    trimmed.trim_ascii().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_are_joined_by_or_in_prefix_form() {
        let terms = [
            SearchTerm::From("a@example.com".into()),
            SearchTerm::From("b@example.com".into()),
            SearchTerm::Header { name: "List-Id".into(), value: "c".into() },
        ];
        let command = any_of(Command::new("UID SEARCH"), &terms);
        let line = command.into_pieces("N1").next().expect("a line");
        assert_eq!(
            String::from_utf8_lossy(&line),
            "N1 UID SEARCH OR FROM \"a@example.com\" OR FROM \"b@example.com\" HEADER \"List-Id\" \"c\"\r\n"
        );
    }

    #[test]
    fn the_day_before_is_written_as_imap_writes_days() {
        let moment = Timestamp::from_unix_s(1_709_251_200);
        assert_eq!(day_before(moment).as_deref(), Some("29-Feb-2024"));
    }

    #[test]
    fn a_field_is_compared_whole_unfolded_and_without_brackets() {
        let block = b"Message-ID:\r\n <one@example.com>\r\n\r\n";
        assert!(holds(block, "message-id", b"one@example.com"));
        assert!(!holds(block, "message-id", b"one@example.co"));
        assert!(!holds(block, "message-id", b"ne@example.com"));
        assert!(!holds(block, "id", b"one@example.com"));
    }
}
