//! A refused login rests for a day, also from one process to the next: a run from
//! cron that tried it each time would get the account locked. Whoever mends the
//! password or the configuration gets another try at once.

use super::entry::DAY;
use super::shared::Shared;
use crate::config::{Account, Login, MailboxKind, SecretSource};
use crate::domain::{Fault, Timestamp};
use crate::shell::store::{PortKind, Used};
use crate::shell::{files, secrets};

/// Until when `port` rests, if what it would log in with was refused within a day.
///
/// # Errors
/// A [`Fault`] of the ledger.
pub(super) async fn rests_until(
    account: &Account,
    shared: &Shared,
    port: PortKind,
) -> Result<Option<Timestamp>, Fault> {
    let Some((login, words)) = login(account, port) else { return Ok(None) };
    // The secret may be a person's to hand out, so it is not asked for without need.
    if !shared.ledger().has_refused_login(&account.name, port)? {
        return Ok(None);
    }
    // What stands in the way of the secret is told by whoever needs it.
    let Ok(secret) = secrets::read(&login.secret).await else { return Ok(None) };
    let used = Used { login: &words, secret: &secret };
    let refused = shared.ledger().refused_login(&account.name, port, used)?;
    let now = shared.now();
    Ok(refused.filter(|at| now.away_from(*at) < DAY).map(|at| at.plus(DAY)))
}

/// Notes what was refused.
pub(super) async fn note(account: &Account, shared: &Shared, port: PortKind) {
    let Some((login, words)) = login(account, port) else { return };
    let Ok(secret) = secrets::read(&login.secret).await else { return };
    let used = Used { login: &words, secret: &secret };
    let noted = shared.ledger().note_refused_login(&account.name, port, used, shared.now());
    if let Err(fault) = noted {
        tracing::error!(account = %account.name, "{fault}");
    }
}

/// How `port` logs in, and all of it but the secret in words.
fn login(account: &Account, port: PortKind) -> Option<(&Login, String)> {
    let (login, host, port) = match (port, &account.kind, &account.smtp) {
        (PortKind::Imap, MailboxKind::Imap(server), _) => (&server.login, &server.host, server.port),
        (PortKind::Smtp, _, Some(server)) => (server.login.as_ref()?, &server.host, server.port),
        _ => return None,
    };
    // Who has unlocked the account with the password as it was can touch its file.
    let file = match &login.secret {
        SecretSource::PasswordFile(path) => files::stamps(path, &[]),
        _ => Vec::new(),
    };
    Some((login, format!("{host}:{port} {login:?} {file:?}")))
}
