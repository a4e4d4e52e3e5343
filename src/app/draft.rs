//! A draft of ours in Drafts: whether it is as we wrote it, and so may be removed.

use super::port::Port;
use crate::domain::{Fault, RawMail};
use crate::shell::mailbox::{Access, Body, Spot, Uid};
use crate::shell::store::Delivery;
use crate::stages::mime;

/// No draft of ours is larger.
const MAX_DRAFT_BYTES: u32 = 1024 * 1024;

/// What a look at the draft showed.
pub(super) enum Draft {
    /// It is as we wrote it, and Drafts is open to change it.
    AsWritten(Spot),
    /// It is another.
    Edited,
    /// Its Message-ID stands in Drafts twice, or is another by now.
    Untellable,
}

/// Compares the message at `uid` of `drafts` with the one of `letter`, which must
/// still be held by the ledger.
///
/// # Errors
/// A [`Fault`] of the port.
pub(super) async fn compare(
    port: &mut Port,
    drafts: &str,
    uid: Uid,
    letter: &Delivery,
) -> Result<Draft, Fault> {
    let opened = port.open(drafts, Access::ReadOnly).await?;
    let body = port.bodies(&[(uid, 0)], MAX_DRAFT_BYTES).await?.into_iter().next().map(|(_, body)| body);
    // A letter to send may have become a draft that this ledger does not know of.
    let written = [letter.message.clone(), RawMail(mime::as_draft(&letter.message.0))];
    let as_written = |raw: &RawMail| written.iter().any(|mail| is_as_written(raw, mail));
    if !matches!(&body, Some(Body::Whole(raw)) if as_written(raw)) {
        return Ok(Draft::Edited);
    }
    let hint = Some((opened.uid_validity, uid)).filter(|(validity, _)| *validity != 0);
    let spot = port.find_to_touch(drafts, hint, &letter.message_id).await?;
    Ok(spot.map_or(Draft::Untellable, Draft::AsWritten))
}

/// Line ends aside, which a mailbox may change.
fn is_as_written(found: &RawMail, written: &RawMail) -> bool {
    let lines = |mail: &RawMail| {
        let mut bytes = mail.0.clone();
        bytes.retain(|byte| *byte != b'\r');
        bytes
    };
    lines(found) == lines(written)
}
