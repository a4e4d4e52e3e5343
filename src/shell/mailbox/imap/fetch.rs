//! Reading mail: header fields of many, bodies of few. Always BODY.PEEK, so
//! that nothing gets `\Seen` (RFC 9051 §6.4.5).

use std::collections::HashMap;

use super::ImapSession;
use super::command::{Command, LINE_BYTES, uid_sets};
use super::frame::Caps;
use super::response::{Fetched, Response};
use crate::domain::{Fault, RawMail};
use crate::shell::mailbox::{Body, Envelope, Uid};

/// So much of the asked header fields is read of one message; a mail with
/// more of them is nobody's notification.
const HEADER_BYTES: usize = 64 << 10;

/// So many bodies are asked for at once, by number and by announced size.
const BATCH_MESSAGES: usize = 500;
const BATCH_BYTES: u64 = 8 << 20;

impl ImapSession {
    /// Sizes, dates of arrival and header `fields` of all messages from UID
    /// `from` on, up to `upto` or the last, in order of UID: one round trip.
    ///
    /// # Errors
    /// `Transient` when the answer is not whole, or shows a message without what was
    /// asked of it; then nothing is answered at all.
    pub async fn new_envelopes(
        &mut self,
        from: Uid,
        upto: Option<Uid>,
        fields: &[String],
    ) -> Result<Vec<Envelope>, Fault> {
        self.reselect().await?;
        if upto.is_none() {
            self.view.looked_at();
        }
        let upto = upto.map_or_else(|| "*".to_owned(), |uid| uid.to_string());
        let mut envelopes = self.fetch_envelopes(&format!("{from}:{upto}"), fields).await?;
        // `n:*` always names the last message, even one below n (RFC 9051 §9, `seq-range`).
        envelopes.retain(|envelope| envelope.uid >= from);
        self.in_order(envelopes, fields)
    }

    /// The same of the messages with these `uids`; those that are gone are left out.
    ///
    /// # Errors
    /// As [`ImapSession::new_envelopes`].
    pub async fn envelopes(&mut self, uids: &[Uid], fields: &[String]) -> Result<Vec<Envelope>, Fault> {
        self.reselect().await?;
        let items = fields.iter().map(|field| field.len() + 1).sum::<usize>();
        let longest = LINE_BYTES.saturating_sub(items).max(500);
        let mut envelopes = Vec::new();
        for set in uid_sets(uids, longest) {
            envelopes.extend(self.fetch_envelopes(&set, fields).await?);
        }
        self.in_order(envelopes, fields)
    }

    /// The bodies of these messages (UID and RFC822.SIZE each), in the same
    /// order. None of more than `cap_bytes` is read, whatever its size was said to be.
    ///
    /// # Errors
    /// As [`ImapSession::new_envelopes`].
    pub async fn bodies(
        &mut self,
        envelopes: &[(Uid, u64)],
        cap_bytes: u32,
    ) -> Result<Vec<(Uid, Body)>, Fault> {
        self.reselect().await?;
        let cap = u64::from(cap_bytes);
        let mut read: HashMap<Uid, Vec<u8>> = HashMap::new();
        let mut batch = Vec::new();
        let mut batch_bytes = 0;
        for (uid, size_bytes) in envelopes.iter().filter(|(_, size)| *size <= cap) {
            let full = batch.len() >= BATCH_MESSAGES || batch_bytes + size_bytes > BATCH_BYTES;
            if full && !batch.is_empty() {
                self.fetch_bodies(&batch, cap_bytes, &mut read).await?;
                batch.clear();
                batch_bytes = 0;
            }
            batch.push(*uid);
            batch_bytes += size_bytes;
        }
        self.fetch_bodies(&batch, cap_bytes, &mut read).await?;
        let bodies = envelopes.iter().map(|(uid, size_bytes)| {
            let size_bytes = *size_bytes;
            let body = match read.remove(uid) {
                _ if size_bytes > cap => Body::TooLarge { size_bytes },
                None => Body::Gone,
                Some(bytes) if bytes.len() as u64 > cap => Body::TooLarge { size_bytes: bytes.len() as u64 },
                Some(bytes) => Body::Whole(RawMail(bytes)),
            };
            (*uid, body)
        });
        Ok(bodies.collect())
    }

    async fn fetch_envelopes(&mut self, set: &str, fields: &[String]) -> Result<Vec<Envelope>, Fault> {
        let header = if fields.is_empty() {
            String::new()
        } else {
            format!(" {}", header_item(fields, HEADER_BYTES)?)
        };
        let items = format!("{set} (UID RFC822.SIZE INTERNALDATE{header})");
        let mut envelopes = Vec::new();
        self.fetch(items, HEADER_BYTES, |fetched| {
            // Without a size it tells of changed flags, not of what we asked for.
            if let (Some(uid), Some(size_bytes)) = (fetched.uid, fetched.size_bytes) {
                envelopes.push(Envelope {
                    uid,
                    size_bytes,
                    arrived: fetched.arrived,
                    header: fetched.header.unwrap_or_default(),
                });
            }
        })
        .await?;
        Ok(envelopes)
    }

    /// `envelopes` by UID, if each has what was asked: where no field fits there
    /// is still the blank line (RFC 9051 §6.4.5.1).
    fn in_order(&self, mut envelopes: Vec<Envelope>, fields: &[String]) -> Result<Vec<Envelope>, Fault> {
        envelopes.sort_by_key(|envelope| envelope.uid);
        envelopes.dedup_by_key(|envelope| envelope.uid);
        let is_withheld = |envelope: &Envelope| envelope.header.is_empty() && envelope.size_bytes > 0;
        if !fields.is_empty() && envelopes.iter().any(is_withheld) {
            return Err(self.wire.transient("UID FETCH", "showed no header of a message that is there"));
        }
        Ok(envelopes)
    }

    async fn fetch_bodies(
        &mut self,
        uids: &[Uid],
        cap_bytes: u32,
        read: &mut HashMap<Uid, Vec<u8>>,
    ) -> Result<(), Fault> {
        // One byte more than the cap shows that there is more.
        let most = u64::from(cap_bytes) + 1;
        let cap = usize::try_from(most).unwrap_or(usize::MAX);
        for set in uid_sets(uids, LINE_BYTES) {
            self.fetch(format!("{set} (UID BODY.PEEK[]<0.{most}>)"), cap, |fetched| {
                if let (Some(uid), Some(body)) = (fetched.uid, fetched.body) {
                    read.insert(uid, body);
                }
            })
            .await?;
        }
        Ok(())
    }

    /// Runs one UID FETCH; a FETCH response that cannot be read fails it, lest
    /// a mail be taken as gone.
    pub(super) async fn fetch(
        &mut self,
        items: String,
        literal_bytes: usize,
        mut each: impl FnMut(Fetched) + Send,
    ) -> Result<(), Fault> {
        let caps = Caps { literal_bytes, ..Caps::default() };
        let unreadable = self.wire.transient("UID FETCH", "answered in a form we cannot read");
        let command = Command::new("UID FETCH").words(&items);
        self.run_within(caps, command, |response| match response {
            Response::Fetch(fetched) => {
                each(fetched);
                Ok(())
            }
            Response::Unreadable => Err(unreadable.clone()),
            _ => Ok(()),
        })
        .await?;
        Ok(())
    }
}

/// The FETCH item for the first `most` bytes of these header fields.
///
/// # Errors
/// `Permanent` for what cannot be the name of a field (RFC 5322 §3.6.8).
pub(super) fn header_item(fields: &[String], most: usize) -> Result<String, Fault> {
    let is_name = |field: &&String| {
        !field.is_empty() && field.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
    };
    if !fields.iter().all(|field| is_name(&field)) {
        return Err(Fault::Permanent(
            "a rule asks for a header field whose name has more than letters, digits, `-` and `_`".into(),
        ));
    }
    Ok(format!("BODY.PEEK[HEADER.FIELDS ({})]<0.{most}>", fields.join(" ")))
}
