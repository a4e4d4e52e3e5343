//! The key of an invitation and the digests that tell it from others.

use sha2::{Digest, Sha256};
use unicode_normalization::UnicodeNormalization;

use super::extract::Found;
use crate::domain::{Identity, InvitationKey, hex};
use crate::rulebook::Network;
use crate::stages::lines::percent_decoded;

/// 16 bytes.
const DIGITS: usize = 32;

/// First 16 bytes of SHA-256 over the parts, each with its length, in hex.
fn digest(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    let digits = hex(&hash.finalize());
    digits.get(..DIGITS).unwrap_or(&digits).to_owned()
}

pub(super) fn identity(network: &Network, found: &Found) -> Identity {
    let of = |field: &str, value: &str| digest(&[&network.id, field, value]);
    let revised = |field: &str, value: &str| match network.revision {
        1 => of(field, value),
        later => format!("{later}:{}", of(field, value)),
    };
    let name = folded(&found.inviter.name);
    let name: Vec<&str> = name.split_whitespace().collect();
    // Without a name, two strangers must not look like one.
    let name = if name.is_empty() { of("mail", &found.fallback) } else { of("name", &name.join(" ")) };
    Identity {
        invitation_id: found.invitation_id.as_deref().map(|v| revised("invitation", v)),
        shared_key: found.shared_key.as_deref().map(|v| revised("shared-key", v)),
        profile: found.stable_profile.as_deref().map(|v| of("profile", &folded(&percent_decoded(v)))),
        name,
    }
}

/// Whether two names read alike: case, width, composition and blanks aside.
pub fn same_name(a: &str, b: &str) -> bool {
    let words = |name: &str| folded(name).split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    !words(a).is_empty() && words(a) == words(b)
}

/// One spelling for what reads alike: composed or not, wide or narrow, any case.
fn folded(text: &str) -> String {
    text.nfkc().collect::<String>().to_lowercase().nfkc().collect()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Inviter;
    use crate::rulebook::Rulebook;

    fn shown(name: &str, profile: Option<&str>) -> Identity {
        let rules = Rulebook::shipped().unwrap();
        let found = Found {
            inviter: Inviter { name: name.to_owned(), ..Inviter::default() },
            stable_profile: profile.map(str::to_owned),
            ..Found::default()
        };
        identity(rules.networks.values().next().unwrap(), &found)
    }

    #[test]
    fn one_person_spelt_in_two_ways_is_one_person() {
        let composed = shown("Zoë Ångström", None);
        for again in ["Zoe\u{308} A\u{30a}ngstro\u{308}m", "ZOË  ÅNGSTRÖM", "Ｚｏë Ångström"] {
            assert!(composed.same(&shown(again, None)), "{again}");
        }
        assert!(!composed.same(&shown("Zoe Angstrom", None)));
        let coded = shown("Zoë", Some("zo%C3%AB-1a"));
        for again in ["zo%c3%ab-1a", "zoë-1a", "Zoe\u{308}-1a"] {
            assert!(coded.same(&shown("Zoë K.", Some(again))), "{again}");
        }
        assert!(!coded.same(&shown("Zoë", Some("zo%C3-1a"))));
        for odd in ["%", "%4", "%zz", "%+1", "100%"] {
            assert_eq!(percent_decoded(odd), odd);
        }
    }
}
