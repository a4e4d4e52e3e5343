//! Signs mails by DKIM, with a key made for the test.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair};
use sha2::{Digest, Sha256};

use super::dns::Says;

/// What networks sign, and the Reply-To.
pub const ALL: &[&str] =
    &["From", "To", "Subject", "Date", "Content-Type", "Content-Transfer-Encoding", "Reply-To"];

pub struct Signer {
    key: Ed25519KeyPair,
    domain: String,
    selector: String,
}

impl Signer {
    pub fn new(domain: &str, selector: &str) -> Self {
        let der = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).expect("a key");
        let key = Ed25519KeyPair::from_pkcs8(der.as_ref()).expect("a key");
        Self { key, domain: domain.to_owned(), selector: selector.to_owned() }
    }

    /// Where its key stands.
    pub fn name(&self) -> String {
        format!("{}._domainkey.{}", self.selector, self.domain)
    }

    /// The key, as it is published.
    pub fn record(&self) -> String {
        format!("v=DKIM1; k=ed25519; p={}", STANDARD.encode(self.key.public_key().as_ref()))
    }

    /// What a name server has to say of it.
    pub fn zone(&self) -> (String, Says) {
        (self.name(), Says::Txt(vec![self.record()]))
    }

    /// `mail` with a signature on top (relaxed/relaxed) that covers `fields`;
    /// `tags` are further tags, each with a semicolon behind it.
    pub fn sign(&self, mail: &str, fields: &[&str], tags: &str) -> String {
        let mail = mail.replace("\r\n", "\n");
        let (head, body) = mail.split_once("\n\n").expect("head and body");
        let unfolded = head.replace("\n ", " ").replace("\n\t", " ");
        let blanks = |text: &str| {
            text.split([' ', '\t']).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
        };
        let mut lines: Vec<_> = body
            .lines()
            .map(|line| {
                let lead = if line.starts_with([' ', '\t']) && !line.trim().is_empty() { " " } else { "" };
                format!("{lead}{}\r\n", blanks(line))
            })
            .collect();
        while lines.last().is_some_and(|line| line == "\r\n") {
            lines.pop();
        }
        let hash = STANDARD.encode(Sha256::digest(lines.concat()));
        let mut there: Vec<_> = unfolded.lines().filter_map(|line| line.split_once(':')).collect();
        let mut data = String::new();
        for field in fields {
            if let Some(at) = there.iter().rposition(|(name, _)| name.eq_ignore_ascii_case(field)) {
                let (name, value) = there.remove(at);
                data += &format!("{}:{}\r\n", name.to_ascii_lowercase(), blanks(value));
            }
        }
        let value = format!(
            "v=1; a=ed25519-sha256; c=relaxed/relaxed; d={}; s={}; {tags} h={}; bh={hash}; b=",
            self.domain,
            self.selector,
            fields.join(":")
        );
        data += &format!("dkim-signature:{}", blanks(&value));
        let signature = STANDARD.encode(self.key.sign(&Sha256::digest(data)).as_ref());
        format!("DKIM-Signature: {value}{signature}\n{head}\n\n{body}")
    }
}
