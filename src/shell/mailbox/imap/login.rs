//! Proving who we are: AUTHENTICATE or LOGIN (RFC 9051 §6.2), one attempt.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::command::{Command, LINE_BYTES, Wiped};
use super::response::{Capabilities, Code, Response};
use super::wire::{Failure, Refusal, Wire};
use crate::config::Imap;
use crate::domain::Fault;
use crate::shell::Secret;

/// One way to log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mechanism {
    /// The LOGIN command.
    Login,
    /// RFC 4616.
    Plain,
    /// RFC 7628.
    OAuthBearer,
    /// Google's and Microsoft's own forerunner of it.
    XOAuth2,
}

/// Logs in, and waits for the answer: Courier drops what is sent behind a LOGIN.
/// Answers with the capabilities when the server told them along the way.
pub(super) async fn log_in(
    wire: &mut Wire,
    offered: &Capabilities,
    server: &Imap,
    secret: &Secret,
) -> Result<Option<Capabilities>, Fault> {
    let Some(mechanism) = choose(offered, secret) else {
        return Err(no_mechanism(wire, secret));
    };
    let command;
    let mut answers: Vec<Wiped> = Vec::new();
    match mechanism {
        Mechanism::Login => {
            command = Command::new("LOGIN").string(&server.login.user).string(reveal(secret));
        }
        sasl => {
            let response = encoded(&sasl.response(server, secret));
            let start = Command::new("AUTHENTICATE").words(sasl.name());
            if offered.has("SASL-IR") && response.len() < LINE_BYTES {
                command = start.words(&String::from_utf8_lossy(&response));
            } else {
                command = start;
                answers.push(with_crlf(&response));
            }
        }
    }
    // After the response a further challenge tells of an error; it wants an
    // answer before the tagged NO comes (RFC 7628 §3.2.3).
    let mut answers = answers.into_iter();
    let mut respond =
        |_challenge: &[u8]| answers.next().or_else(|| Some(Zeroizing::new(mechanism.after_error().to_vec())));
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

fn choose(offered: &Capabilities, secret: &Secret) -> Option<Mechanism> {
    match secret {
        Secret::Password(_) if offered.has("AUTH=PLAIN") => Some(Mechanism::Plain),
        Secret::Password(_) if offered.has("LOGINDISABLED") => None,
        Secret::Password(_) => Some(Mechanism::Login),
        Secret::Token(_) if offered.has("AUTH=OAUTHBEARER") => Some(Mechanism::OAuthBearer),
        Secret::Token(_) if offered.has("AUTH=XOAUTH2") => Some(Mechanism::XOAuth2),
        Secret::Token(_) => None,
    }
}

impl Mechanism {
    fn name(self) -> &'static str {
        match self {
            Self::Login => "LOGIN",
            Self::Plain => "PLAIN",
            Self::OAuthBearer => "OAUTHBEARER",
            Self::XOAuth2 => "XOAUTH2",
        }
    }

    fn response(self, server: &Imap, secret: &Secret) -> Zeroizing<String> {
        let user = &server.login.user;
        let secret = reveal(secret);
        Zeroizing::new(match self {
            Self::Login | Self::Plain => format!("\0{user}\0{secret}"),
            Self::OAuthBearer => format!(
                "n,a={},\x01host={}\x01port={}\x01auth=Bearer {secret}\x01\x01",
                user.replace('=', "=3D").replace(',', "=2C"),
                server.host,
                server.port
            ),
            Self::XOAuth2 => format!("user={user}\x01auth=Bearer {secret}\x01\x01"),
        })
    }

    /// What to say to a challenge behind our response: it is a report of an error.
    fn after_error(self) -> &'static [u8] {
        match self {
            Self::OAuthBearer => b"AQ==\r\n",
            Self::XOAuth2 => b"\r\n",
            Self::Login | Self::Plain => b"*\r\n",
        }
    }
}

fn reveal(secret: &Secret) -> &str {
    match secret {
        Secret::Password(secret) | Secret::Token(secret) => secret,
    }
}

fn encoded(response: &str) -> Wiped {
    let mut encoded = Zeroizing::new(vec![0; response.len().div_ceil(3) * 4]);
    let length = STANDARD.encode_slice(response, &mut encoded).unwrap_or(0);
    encoded.truncate(length);
    encoded
}

fn with_crlf(line: &[u8]) -> Wiped {
    let mut ended = Zeroizing::new(Vec::with_capacity(line.len() + 2));
    ended.extend_from_slice(line);
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
        "{story}; no further attempt will be made, since accounts get locked: {remedy}"
    ))
}
