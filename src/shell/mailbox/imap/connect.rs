//! From a host name to a logged-in session.

use tokio::time::timeout;

use super::command::Command;
use super::response::{Capabilities, Code, Response, Status, Text};
use super::select::{Numbering, View};
use super::wire::{Failure, Line, Wire};
use super::{ImapSession, idle, login};
use crate::config::{Imap, Tls};
use crate::domain::Fault;
use crate::shell::dial::dial;
use crate::shell::{Secret, tls};

impl ImapSession {
    /// Connects, secures the line as configured, and logs in.
    ///
    /// # Errors
    /// `LoginRefused` as it says; `NeedsHuman` when the certificate is not to be
    /// trusted or the server cannot secure the line; `Transient` for all that
    /// may pass, a server that is full or shutting down among it. Nothing
    /// secret is written before the line is secured.
    pub async fn connect(server: &Imap, secret: &Secret) -> Result<Self, Fault> {
        let (mut wire, greeting) = secured(server).await?;
        let offered = match greeting {
            Greeting::Ready(Some(capabilities)) => capabilities,
            Greeting::Ready(None) => ask_capabilities(&mut wire).await?,
            Greeting::LoggedIn => return Self::begin(wire, server, None).await,
        };
        let after_login = login::log_in(&mut wire, &offered, server, secret).await?;
        Self::begin(wire, server, after_login).await
    }

    /// The capabilities of before the login are not those of after it (RFC 9051 §6.1.1).
    async fn begin(mut wire: Wire, server: &Imap, capabilities: Option<Capabilities>) -> Result<Self, Fault> {
        let capabilities = match capabilities {
            Some(capabilities) => capabilities,
            None => ask_capabilities(&mut wire).await?,
        };
        Ok(Self {
            idling: idle::Idling::new(server.idle, &capabilities),
            wire,
            capabilities,
            opened: None,
            selected: None,
            view: View::default(),
            numbering: Numbering::default(),
        })
    }
}

/// What the server says of us at the start.
enum Greeting {
    /// Not logged in. With its capabilities, when they can be believed.
    Ready(Option<Capabilities>),
    /// PREAUTH: the line itself proves who we are.
    LoggedIn,
}

async fn secured(server: &Imap) -> Result<(Wire, Greeting), Fault> {
    let name = format!("{}:{}", server.host, server.port);
    let dialled = dial(&server.host, server.port, server.timeout).await;
    let transient = |what| Fault::Transient(format!("IMAP {name}: {what}; it will be tried again"));
    let mut line: Box<dyn Line> = Box::new(dialled.map_err(transient)?);
    if server.tls == Tls::Implicit {
        line = encrypt(line, server).await?;
    }
    let mut wire = Wire::new(line, name, server.timeout);
    let greeting = greeting(&mut wire).await?;
    match server.tls {
        Tls::Implicit | Tls::LoopbackPlain => Ok((wire, greeting)),
        Tls::StartTls => start_tls(wire, greeting, server).await,
    }
}

/// STARTTLS (RFC 9051 §6.2.1), without which there is no session. What the
/// server said in plain text is forgotten.
async fn start_tls(mut wire: Wire, greeting: Greeting, server: &Imap) -> Result<(Wire, Greeting), Fault> {
    let unprotected = |wire: &Wire, what: &str| {
        Fault::NeedsHuman(format!(
            "IMAP {}: {what}, so the line cannot be secured and nothing was sent; try \
             `tls = \"implicit\"` with port 993, and ask who runs the server",
            wire.server()
        ))
    };
    let offered = match greeting {
        Greeting::Ready(Some(capabilities)) => capabilities,
        Greeting::Ready(None) => ask_capabilities(&mut wire).await?,
        // An intruder could answer this to make us skip STARTTLS.
        Greeting::LoggedIn => {
            return Err(unprotected(&wire, "the server takes us as logged in already"));
        }
    };
    if !offered.has("STARTTLS") {
        return Err(unprotected(&wire, "the server offers no STARTTLS"));
    }
    let started = wire.run(Command::new("STARTTLS"), &mut |_| None, &mut |_| Ok(())).await;
    match started {
        Ok(_) => {}
        Err(Failure::Refused(refusal)) if refusal.text.sounds_temporary() => {
            return Err(Failure::Refused(refusal).into());
        }
        Err(Failure::Refused(refusal)) => return Err(unprotected(&wire, &refusal.story())),
        Err(Failure::Fault(fault)) => return Err(fault),
    }
    let wire = wire.replace_line(|line| encrypt(line, server)).await?;
    Ok((wire, Greeting::Ready(None)))
}

async fn encrypt(line: Box<dyn Line>, server: &Imap) -> Result<Box<dyn Line>, Fault> {
    let handshake = tls::handshake(line, &server.host, server.ca_file.as_deref());
    match timeout(server.timeout, handshake).await {
        Ok(line) => Ok(Box::new(line?)),
        Err(_) => Err(Fault::Transient(format!(
            "IMAP {}:{}: TLS did not come about within {} s; it will be tried again",
            server.host,
            server.port,
            server.timeout.as_secs()
        ))),
    }
}

async fn greeting(wire: &mut Wire) -> Result<Greeting, Fault> {
    let verb = "greeting";
    let capabilities = |text: Text| match text.code {
        Some(Code::Capability(capabilities)) => Some(capabilities),
        _ => None,
    };
    match wire.next(verb).await? {
        Response::Status(Status::Ok, text) => Ok(Greeting::Ready(capabilities(text))),
        Response::PreAuth(_) => Ok(Greeting::LoggedIn),
        Response::Bye(text) => Err(wire.bye(verb, &text)),
        _ => Err(wire.transient(verb, "did not greet as an IMAP server does")),
    }
}

async fn ask_capabilities(wire: &mut Wire) -> Result<Capabilities, Fault> {
    let mut capabilities = Capabilities::default();
    wire.run(Command::new("CAPABILITY"), &mut |_| None, &mut |response| {
        if let Response::Capability(told) = response {
            capabilities = told;
        }
        Ok(())
    })
    .await?;
    Ok(capabilities)
}
