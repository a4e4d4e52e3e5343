//! Key records (RFC 6376 §3.6.1, RFC 8463 §4), and what a key says of a signature.

use ring::signature::{
    ED25519, RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, RsaPublicKeyComponents, UnparsedPublicKey,
};
use sha2::{Digest as _, Sha256};

use super::tags::Tags;
use crate::domain::dkim::Flaw;

/// Longer than any record with a key that `ring` reads.
const MAX_RECORD_BYTES: usize = 8 * 1024;
/// RFC 8301 §3.2. What a short key signs, anybody can sign.
const MIN_RSA_BITS: usize = 1024;

/// How a signature is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Algorithm {
    RsaSha256,
    Ed25519Sha256,
}

impl Algorithm {
    /// `rsa-sha1` is none of them (RFC 8301 §3.1).
    pub(super) fn parse(word: &str) -> Option<Self> {
        match word {
            "rsa-sha256" => Some(Self::RsaSha256),
            "ed25519-sha256" => Some(Self::Ed25519Sha256),
            _ => None,
        }
    }

    fn key_type(self) -> &'static str {
        match self {
            Self::RsaSha256 => "rsa",
            Self::Ed25519Sha256 => "ed25519",
        }
    }
}

/// A public key that may vouch for mail.
pub(super) struct Key {
    public: Public,
    /// `t=s`: the agent (`i=`) has to be of the signing domain itself.
    pub(super) same_domain: bool,
}

enum Public {
    Rsa(RsaPublicKeyComponents<Vec<u8>>),
    Ed25519(Vec<u8>),
}

impl Key {
    /// Reads a record that is to serve a signature made by `algorithm`.
    pub(super) fn parse(record: &[u8], algorithm: Algorithm) -> Result<Self, Flaw> {
        let tags = Some(record)
            .filter(|r| r.len() <= MAX_RECORD_BYTES)
            .and_then(Tags::parse)
            .ok_or(Flaw::KeyUnfit)?;
        let version_fits = match tags.get("v") {
            None => true,
            Some(version) => version == "DKIM1" && tags.first() == Some("v"),
        };
        let lists = |name: &str, wanted: &[&str]| {
            tags.items(name).is_none_or(|items| items.iter().any(|item| wanted.contains(&item.as_str())))
        };
        let fits = version_fits
            && tags.get("k").unwrap_or("rsa") == algorithm.key_type()
            && lists("h", &["sha256"])
            && lists("s", &["*", "email"]);
        if !fits {
            return Err(Flaw::KeyUnfit);
        }
        if tags.get("p") == Some("") {
            return Err(Flaw::KeyRevoked);
        }
        let flags = tags.items("t").unwrap_or_default();
        if flags.iter().any(|flag| flag == "y") {
            return Err(Flaw::KeyInTesting);
        }
        let bytes = tags.base64("p").ok_or(Flaw::KeyUnfit)?;
        let public = match algorithm {
            Algorithm::RsaSha256 => Public::Rsa(rsa_key(&bytes)?),
            Algorithm::Ed25519Sha256 if bytes.len() == 32 => Public::Ed25519(bytes),
            Algorithm::Ed25519Sha256 => return Err(Flaw::KeyUnfit),
        };
        Ok(Self { public, same_domain: flags.iter().any(|flag| flag == "s") })
    }

    /// Whether `signature` is this key's over `data`.
    pub(super) fn made(&self, signature: &[u8], data: &[u8]) -> bool {
        match &self.public {
            Public::Rsa(key) => {
                key.verify(&RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, data, signature).is_ok()
            }
            // RFC 8463 §3: what is signed is the digest.
            Public::Ed25519(key) => {
                UnparsedPublicKey::new(&ED25519, key).verify(&Sha256::digest(data), signature).is_ok()
            }
        }
    }
}

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
/// The object identifier `rsaEncryption` (RFC 8017 appendix C), with tag and length.
const RSA_ENCRYPTION: [u8; 11] = [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];

/// A SubjectPublicKeyInfo, or the bare RSAPublicKey of RFC 8017 that some
/// publish (RFC 6376 erratum 3017 allows both).
fn rsa_key(der: &[u8]) -> Result<RsaPublicKeyComponents<Vec<u8>>, Flaw> {
    let (n, e) = rsa_numbers(der).ok_or(Flaw::KeyUnfit)?;
    let leading = n.first().map_or(0, |byte| byte.leading_zeros() as usize);
    if n.len() * 8 - leading < MIN_RSA_BITS {
        return Err(Flaw::KeyShort);
    }
    Ok(RsaPublicKeyComponents { n, e })
}

fn rsa_numbers(der: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let (outer, _) = element(der, SEQUENCE)?;
    let key = match element(outer, SEQUENCE) {
        None => outer,
        Some((algorithm, rest)) => {
            algorithm.starts_with(&RSA_ENCRYPTION).then_some(())?;
            let (bits, _) = element(rest, BIT_STRING)?;
            element(bits.strip_prefix(&[0])?, SEQUENCE)?.0
        }
    };
    let (n, rest) = element(key, INTEGER)?;
    let (e, _) = element(rest, INTEGER)?;
    let bare = |number: &[u8]| number.strip_prefix(&[0]).unwrap_or(number).to_vec();
    Some((bare(n), bare(e)))
}

/// The content of one DER element that begins `bytes`, and what stands behind it.
fn element(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let rest = bytes.strip_prefix(&[tag])?;
    let (length, rest) = match rest {
        [length @ 0..=0x7f, rest @ ..] => (usize::from(*length), rest),
        [0x81, length, rest @ ..] => (usize::from(*length), rest),
        [0x82, high, low, rest @ ..] => (usize::from(*high) << 8 | usize::from(*low), rest),
        _ => return None,
    };
    rest.split_at_checked(length)
}
