//! The key of an invitation and the digests that tell it from others.

use sha2::{Digest, Sha256};

use super::extract::Found;
use crate::domain::{Identity, InvitationKey};
use crate::rulebook::Network;

/// First 16 bytes of SHA-256 over the parts, each with its length, in hex.
fn digest(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    hash.finalize().iter().take(16).map(|b| format!("{b:02x}")).collect()
}

pub(super) fn identity(network: &Network, found: &Found) -> Identity {
    let of = |field: &str, value: &str| digest(&[&network.id, field, value]);
    let name: Vec<_> = found.inviter.name.split_whitespace().map(str::to_lowercase).collect();
    // Without a name, two strangers must not look like one.
    let name = if name.is_empty() { of("mail", &found.fallback) } else { of("name", &name.join(" ")) };
    Identity {
        invitation_id: found.invitation_id.as_deref().map(|v| of("invitation", v)),
        shared_key: found.shared_key.as_deref().map(|v| of("shared-key", v)),
        profile: found.stable_profile.as_deref().map(|v| of("profile", &v.to_lowercase())),
        name,
    }
}

/// The strongest part that the mail shows makes the key (FORMATS section 5).
pub(super) fn key(network: &Network, identity: &Identity) -> InvitationKey {
    let strongest = identity
        .invitation_id
        .as_ref()
        .or(identity.shared_key.as_ref())
        .or(identity.profile.as_ref())
        .unwrap_or(&identity.name);
    InvitationKey(digest(&[&network.id, "key", strongest]))
}
