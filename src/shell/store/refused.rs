//! Logins that a server refused: a run from cron must not try the same one each
//! time, and a person who has mended it must not wait. So it is kept what was used,
//! as digests. Of a password it is one byte: that shows nearly every change, and
//! helps nobody who finds the file to guess.

use rusqlite::{OptionalExtension, params};
use sha2::{Digest as _, Sha256};

use super::words::time;
use super::{Ledger, PortKind};
use crate::domain::{Fault, Timestamp};
use crate::shell::Secret;

/// What a login was tried with.
#[derive(Clone, Copy, Debug)]
pub struct Used<'a> {
    /// Server, user name and where the secret comes from, in any form that stays the same.
    pub login: &'a str,
    /// The secret.
    pub secret: &'a Secret,
}

impl Used<'_> {
    fn digest(self, salt: &[u8]) -> Vec<u8> {
        salted(salt, self.login)
    }

    fn hint(self, salt: &[u8]) -> Option<u8> {
        match self.secret {
            Secret::Password(password) => salted(salt, password).first().copied(),
            Secret::Token(_) => None,
        }
    }
}

fn salted(salt: &[u8], text: &str) -> Vec<u8> {
    Sha256::new().chain_update(salt).chain_update(text.as_bytes()).finalize().to_vec()
}

impl Ledger {
    /// Whether a login of `port` was refused since the server let us in last.
    ///
    /// # Errors
    /// See [`Ledger::start_account`].
    pub fn has_refused_login(&self, account: &str, port: PortKind) -> Result<bool, Fault> {
        self.read("looking for a login that was refused", |connection| {
            connection
                .prepare("SELECT 1 FROM refused_login WHERE account = ?1 AND port = ?2")?
                .exists(params![account, port.as_str()])
        })
    }

    /// When the login that was refused last was, if it was tried with the same.
    ///
    /// # Errors
    /// See [`Ledger::start_account`].
    pub fn refused_login(
        &self,
        account: &str,
        port: PortKind,
        used: Used<'_>,
    ) -> Result<Option<Timestamp>, Fault> {
        self.read("looking for a login that was refused", |connection| {
            let same = connection
                .query_row(
                    "SELECT at, salt, used, hint FROM refused_login WHERE account = ?1 AND port = ?2",
                    params![account, port.as_str()],
                    |row| {
                        let (salt, digest): (Vec<u8>, Vec<u8>) = (row.get(1)?, row.get(2)?);
                        let is_same = used.digest(&salt) == digest && used.hint(&salt) == row.get(3)?;
                        Ok((is_same, time(row, 0)?))
                    },
                )
                .optional()?;
            Ok(same.filter(|(is_same, _)| *is_same).map(|(_, at)| at))
        })
    }

    /// Notes that a login was refused.
    ///
    /// # Errors
    /// See [`Ledger::start_account`].
    pub fn note_refused_login(
        &mut self,
        account: &str,
        port: PortKind,
        used: Used<'_>,
        now: Timestamp,
    ) -> Result<(), Fault> {
        self.write("noting that a login was refused", |tx| {
            let salt: Vec<u8> = tx.query_row("SELECT randomblob(16)", [], |row| row.get(0))?;
            tx.execute(
                "INSERT OR REPLACE INTO refused_login (account, port, at, salt, used, hint)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![account, port.as_str(), now.unix_s(), salt, used.digest(&salt), used.hint(&salt)],
            )
            .map(drop)
        })
    }
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;

    fn password(text: &str) -> Secret {
        Secret::Password(Zeroizing::new(text.to_owned()))
    }

    #[test]
    fn a_refused_login_is_known_again_by_what_it_was_tried_with() {
        let mut ledger = Ledger::in_memory().unwrap();
        let at = Timestamp::from_unix_s(7);
        ledger.start_account("work", at).unwrap();
        let (old, token) = (password("open sesame"), Secret::Token(Zeroizing::new("t1".to_owned())));
        let imap = |ledger: &Ledger, login: &str, secret: &Secret| {
            ledger.refused_login("work", PortKind::Imap, Used { login, secret }).unwrap()
        };
        assert!(!ledger.has_refused_login("work", PortKind::Imap).unwrap());
        let used = Used { login: "me at mx", secret: &old };
        ledger.note_refused_login("work", PortKind::Imap, used, at).unwrap();
        assert!(ledger.has_refused_login("work", PortKind::Imap).unwrap());
        assert_eq!(imap(&ledger, "me at mx", &old), Some(at));
        assert_eq!(imap(&ledger, "you at mx", &old), None);
        let others = (0..64).map(|n| password(&format!("open sesame {n}")));
        assert!(others.filter(|other| imap(&ledger, "me at mx", other).is_none()).count() > 50);
        assert_eq!(ledger.refused_login("work", PortKind::Smtp, used).unwrap(), None);

        let used = Used { login: "me at mx", secret: &token };
        ledger.note_refused_login("work", PortKind::Imap, used, at).unwrap();
        let fresh = Secret::Token(Zeroizing::new("t2".to_owned()));
        assert_eq!(imap(&ledger, "me at mx", &fresh), Some(at), "a token is another each time");
        ledger.clear_port_fault("work", PortKind::Imap).unwrap();
        assert!(!ledger.has_refused_login("work", PortKind::Imap).unwrap());
    }
}
