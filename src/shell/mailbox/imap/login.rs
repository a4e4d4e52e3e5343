//! Proving who we are: AUTHENTICATE or LOGIN (RFC 9051 §6.2), one attempt.

use zeroize::Zeroizing;

use super::command::{Command, LINE_BYTES, Wiped};
use super::response::{Capabilities, Code, Response};
use super::wire::{Failure, Refusal, Wire};
use crate::config::Imap;
use crate::domain::Fault;
use crate::shell::Secret;
use crate::shell::sasl::Mechanism;

/// One way to log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// The LOGIN command.
    Command,
    /// AUTHENTICATE.
    Sasl(Mechanism),
}

/// Logs in, and waits for the answer: Courier drops what is sent behind a LOGIN.
/// Answers with the capabilities when the server told them along the way.
pub(super) async fn log_in(
    wire: &mut Wire,
    offered: &Capabilities,
    server: &Imap,
    secret: &Secret,
) -> Result<Option<Capabilities>, Fault> {
    let user = &server.login.user;
    let command;
    let mut answers: Vec<Wiped> = Vec::new();
    let mut resignation = "*";
    match choose(offered, secret) {
        None => return Err(no_mechanism(wire, secret)),
        Some(Way::Command) => command = Command::new("LOGIN").string(user).string(reveal(secret)),
        Some(Way::Sasl(mechanism)) => {
            let start = Command::new("AUTHENTICATE").words(mechanism.as_str());
            let mut responses =
                mechanism.responses(&server.host, server.port, user, secret).into_iter().peekable();
            let at_once = responses.next_if(|first| offered.has("SASL-IR") && first.len() < LINE_BYTES);
            command = match at_once {
                Some(first) => start.words(&first),
                None => start,
            };
            answers.extend(responses.map(|response| whole_line(&response)));
            resignation = mechanism.resignation();
        }
    }
    // After the response a further challenge tells of an error; it wants an
    // answer before the tagged NO comes (RFC 7628 §3.2.3).
    let mut answers = answers.into_iter();
    let mut respond = |_challenge: &[u8]| answers.next().or_else(|| Some(whole_line(resignation)));
    let mut told = None;
    let login = wire
        .run(command, &mut respond, &mut |response| {
            if let Response::Capability(capabilities) = response {
                told = Some(capabilities);
            }
            Ok(())
        })
        .await;
    match login {
        Ok(text) => Ok(match text.code {
            Some(Code::Capability(capabilities)) => Some(capabilities),
            _ => told,
        }),
        Err(Failure::Refused(refusal)) => Err(refused(&refusal, secret)),
        Err(Failure::Fault(fault)) => Err(fault),
    }
}

fn choose(offered: &Capabilities, secret: &Secret) -> Option<Way> {
    // Of the two that take name and password one by one, the command is the plainer.
    let is_offered =
        |one: Mechanism| one != Mechanism::Login && offered.has(&format!("AUTH={}", one.as_str()));
    match (Mechanism::choose(is_offered, secret), secret) {
        (Some(mechanism), _) => Some(Way::Sasl(mechanism)),
        (None, Secret::Password(_)) if !offered.has("LOGINDISABLED") => Some(Way::Command),
        (None, _) => None,
    }
}

fn reveal(secret: &Secret) -> &str {
    match secret {
        Secret::Password(secret) | Secret::Token(secret) => secret,
    }
}

fn whole_line(line: &str) -> Wiped {
    let mut ended = Zeroizing::new(Vec::with_capacity(line.len() + 2));
    ended.extend_from_slice(line.as_bytes());
    ended.extend_from_slice(b"\r\n");
    ended
}

fn no_mechanism(wire: &Wire, secret: &Secret) -> Fault {
    let what = match secret {
        Secret::Password(_) => "takes no password on this line; check `tls`, or use `oauth2`",
        Secret::Token(_) => "offers neither OAUTHBEARER nor XOAUTH2; use `password` instead of `oauth2`",
    };
    Fault::NeedsHuman(format!("IMAP {}: the server {what}", wire.server()))
}

fn refused(refusal: &Refusal, secret: &Secret) -> Fault {
    let story = refusal.story_without_words();
    if refusal.text.sounds_temporary() {
        return Fault::Transient(format!("{story}; it will be tried again"));
    }
    let remedy = match (&refusal.text.code, secret) {
        (Some(Code::ContactAdmin | Code::AuthorizationFailed | Code::NoPerm), _) => "ask who runs the server",
        (Some(Code::PrivacyRequired), _) => "set `tls` to \"implicit\" or \"starttls\"",
        (Some(Code::Expired), Secret::Password(_)) => "the password has expired; set a new one",
        (_, Secret::Password(_)) => {
            "check `user` and what `password` yields (some providers want an app password)"
        }
        (_, Secret::Token(_)) => {
            "check `user` and what `oauth2.token_command` yields, and that the token's scope \
             covers IMAP"
        }
    };
    Fault::LoginRefused(format!(
        "{story}; it is tried again in a day or after a reload, since accounts get locked: {remedy}"
    ))
}
