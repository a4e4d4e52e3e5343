//! A scripted SMTP server on loopback: well-behaved up to one chosen moment,
//! and there as troublesome as told. It keeps what it saw.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use notyet::config::{Login, SecretSource, Smtp, Tls};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// A moment of a session: just before the server would give its usual answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    Never,
    Greeting,
    Hello,
    StartTls,
    /// In place of the server's first handshake bytes.
    Handshake,
    Auth,
    Mail,
    Rcpt,
    Data,
    /// The first ten bytes of the body have come.
    MidBody,
    /// The final dot has come.
    Dot,
    Quit,
}

/// What happens at that moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// This instead of the usual answer, byte for byte.
    Say(&'static str),
    /// The usual answer, and this right behind it.
    Extra(&'static str),
    /// Nothing, until the client goes.
    Silence,
    /// A TCP reset.
    Reset,
    /// An orderly close.
    Close,
    /// Half a reply, then an orderly close.
    Half,
}

/// How the peer behaves.
#[derive(Clone, Debug)]
pub struct Script {
    pub tls: Tls,
    /// EHLO lines below the name, `STARTTLS` apart.
    pub offer: Vec<&'static str>,
    /// Answers to AUTH and the client's further lines, in order.
    pub auth: Vec<&'static str>,
    pub at: At,
    pub act: Act,
}

impl Script {
    pub fn new(tls: Tls) -> Self {
        Self {
            tls,
            offer: vec!["8BITMIME", "SIZE 10000000", "AUTH PLAIN LOGIN"],
            auth: vec!["235 2.7.0 welcome"],
            at: At::Never,
            act: Act::Silence,
        }
    }

    pub fn at(mut self, at: At, act: Act) -> Self {
        (self.at, self.act) = (at, act);
        self
    }
}

/// What the peer saw.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Command lines in order, without CRLF.
    pub commands: Vec<String>,
    /// How many of them came before TLS.
    pub plain_commands: usize,
    /// Bodies that ended with their dot, as they came (still dot-stuffed), without the dot line.
    pub bodies: Vec<Vec<u8>>,
    /// Body bytes, complete or not.
    pub body_bytes: usize,
    /// Connections beyond the first.
    pub further_connections: usize,
}

impl Seen {
    pub fn verbs(&self) -> Vec<&str> {
        self.commands.iter().map(|line| line.split(' ').next().unwrap_or("")).collect()
    }
}

/// A running peer for one connection.
pub struct Peer {
    pub port: u16,
    pub seen: Arc<Mutex<Seen>>,
    task: JoinHandle<TcpListener>,
    authority: Authority,
    tls: Tls,
}

impl Peer {
    pub async fn start(script: Script) -> Self {
        let authority = Authority::new();
        let acceptor = TlsAcceptor::from(authority.server_config("localhost"));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let tls = script.tls;
        let task = tokio::spawn({
            let seen = seen.clone();
            async move {
                let (stream, _) = listener.accept().await.unwrap();
                if script.act == Act::Reset {
                    stream.set_zero_linger().unwrap();
                }
                serve(stream, &script, &seen, acceptor).await;
                listener
            }
        });
        Self { port, seen, task, authority, tls }
    }

    /// A peer that serves every connection after the same script, until it is dropped.
    pub async fn standing(script: Script) -> Self {
        let authority = Authority::new();
        let acceptor = TlsAcceptor::from(authority.server_config("localhost"));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let tls = script.tls;
        let task = tokio::spawn({
            let seen = seen.clone();
            async move {
                loop {
                    let (stream, _) = listener.accept().await.unwrap();
                    serve(stream, &script, &seen, acceptor.clone()).await;
                }
            }
        });
        Self { port, seen, task, authority, tls }
    }

    /// What was seen so far.
    pub fn seen(&self) -> Seen {
        self.seen.lock().unwrap().clone()
    }

    /// The `[account.NAME.smtp]` table of a config that trusts this peer.
    pub fn table(&self, account: &str) -> String {
        table(account, self.port, "implicit", &self.authority.ca_file)
    }

    /// The config of a client that trusts this peer.
    pub fn smtp(&self) -> Smtp {
        Smtp {
            host: "localhost".to_owned(),
            port: self.port,
            tls: self.tls,
            ca_file: Some(self.authority.ca_file.clone()),
            timeout: Duration::from_secs(20),
            login: Some(login("owner-login")),
        }
    }

    /// Waits for the session's end and tells what was seen.
    pub async fn finish(self) -> Seen {
        let listener = self.task.await.unwrap();
        let mut seen = self.seen.lock().unwrap().clone();
        let listener = listener.into_std().unwrap();
        while listener.accept().is_ok() {
            seen.further_connections += 1;
        }
        seen
    }
}

/// What became of one connection to a [`Crowd`].
#[derive(Clone)]
pub struct Session {
    pub script: Script,
    pub seen: Arc<Mutex<Seen>>,
}

/// A peer that serves each connection after a script of its own, many at a
/// time, until its runtime ends.
pub struct Crowd {
    pub port: u16,
    /// In the order in which they came.
    pub sessions: Arc<Mutex<Vec<Session>>>,
}

impl Crowd {
    /// `choose` gives the script of the next connection.
    pub async fn start(mut choose: impl FnMut() -> Script + Send + 'static) -> Self {
        let acceptor = TlsAcceptor::from(Authority::new().server_config("localhost"));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let sessions: Arc<Mutex<Vec<Session>>> = Arc::default();
        let begun = Arc::clone(&sessions);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let session = Session { script: choose(), seen: Arc::default() };
                begun.lock().unwrap().push(session.clone());
                if session.script.act == Act::Reset {
                    stream.set_zero_linger().unwrap();
                }
                let acceptor = acceptor.clone();
                tokio::spawn(async move { serve(stream, &session.script, &session.seen, acceptor).await });
            }
        });
        Self { port, sessions }
    }
}

pub fn login(user: &str) -> Login {
    Login { user: user.to_owned(), secret: SecretSource::PasswordCommand(vec!["true".to_owned()]) }
}

/// An `[account.NAME.smtp]` table, without login.
pub fn table(account: &str, port: u16, tls: &str, ca_file: &Path) -> String {
    format!(
        "[account.{account}.smtp]\nhost = \"localhost\"\nport = {port}\ntls = \"{tls}\"\n\
         ca_file = \"{}\"\ntimeout = \"20s\"\nlogin = \"none\"\n",
        ca_file.display()
    )
}

enum Next {
    End,
    Upgrade,
}

async fn serve(mut stream: TcpStream, script: &Script, seen: &Mutex<Seen>, acceptor: TlsAcceptor) {
    let mut greeted = false;
    if script.tls != Tls::Implicit {
        let next = dialog(&mut stream, script, seen, greeted).await;
        if matches!(next, Next::End) {
            return;
        }
        greeted = true;
    }
    if script.at == At::Handshake {
        trouble(&mut stream, script.act, "").await;
        return;
    }
    let plain = seen.lock().unwrap().commands.len();
    seen.lock().unwrap().plain_commands = plain;
    let Ok(mut stream) = acceptor.accept(stream).await else {
        return;
    };
    dialog(&mut stream, script, seen, greeted).await;
}

/// Does what the script says; true when the session goes on.
async fn trouble<S: AsyncRead + AsyncWrite + Unpin>(line: &mut S, act: Act, usual: &str) -> bool {
    match act {
        Act::Say(text) => {
            let _ = line.write_all(text.as_bytes()).await;
            let _ = line.flush().await;
            true
        }
        Act::Extra(text) => {
            let _ = line.write_all(format!("{usual}{text}").as_bytes()).await;
            let _ = line.flush().await;
            true
        }
        Act::Silence => {
            let mut rest = Vec::new();
            let _ = line.read_to_end(&mut rest).await;
            false
        }
        Act::Reset => false,
        Act::Close => {
            let _ = line.shutdown().await;
            false
        }
        Act::Half => {
            let _ = line.write_all(b"250-2.0.0 hal").await;
            let _ = line.shutdown().await;
            false
        }
    }
}

async fn dialog<S: AsyncRead + AsyncWrite + Unpin>(
    line: &mut S,
    script: &Script,
    seen: &Mutex<Seen>,
    greeted: bool,
) -> Next {
    let mut auth = script.auth.iter();
    let mut in_auth = false;
    if !greeted && !answer(line, script, At::Greeting, "220 peer.example.org ESMTP\r\n").await {
        return Next::End;
    }
    while let Some(command) = read_line(line).await {
        seen.lock().unwrap().commands.push(command.clone());
        let verb = command.split(' ').next().unwrap_or("");
        if in_auth || verb == "AUTH" {
            let reply = format!("{}\r\n", auth.next().unwrap_or(&"503 no more"));
            in_auth = reply.starts_with("334");
            if !answer(line, script, At::Auth, &reply).await {
                return Next::End;
            }
            continue;
        }
        let (at, usual) = match verb {
            "EHLO" => (At::Hello, hello(script, greeted)),
            "STARTTLS" => (At::StartTls, "220 2.0.0 go\r\n".to_owned()),
            "MAIL" => (At::Mail, "250 2.1.0 ok\r\n".to_owned()),
            "RCPT" => (At::Rcpt, "250 2.1.5 ok\r\n".to_owned()),
            "DATA" => (At::Data, "354 go on\r\n".to_owned()),
            "QUIT" => (At::Quit, "221 bye\r\n".to_owned()),
            _ => (At::Never, "500 what?\r\n".to_owned()),
        };
        if !answer(line, script, at, &usual).await {
            return Next::End;
        }
        let as_usual = script.at != at || matches!(script.act, Act::Extra(_));
        match verb {
            "STARTTLS" if as_usual => return Next::Upgrade,
            "DATA" if as_usual && body(line, script, seen).await => {}
            "DATA" if as_usual => return Next::End,
            "QUIT" => return Next::End,
            _ => {}
        }
    }
    Next::End
}

fn hello(script: &Script, secured: bool) -> String {
    let mut lines = vec!["peer.example.org"];
    lines.extend(&script.offer);
    if script.tls == Tls::StartTls && !secured {
        lines.push("STARTTLS");
    }
    let last = lines.pop().unwrap();
    let mut text: String = lines.iter().map(|l| format!("250-{l}\r\n")).collect();
    text.push_str(&format!("250 {last}\r\n"));
    text
}

async fn answer<S: AsyncRead + AsyncWrite + Unpin>(
    line: &mut S,
    script: &Script,
    at: At,
    usual: &str,
) -> bool {
    if script.at == at {
        return trouble(line, script.act, usual).await;
    }
    let _ = line.write_all(usual.as_bytes()).await;
    let _ = line.flush().await;
    true
}

/// Reads a body to its dot and answers; false when the session is over.
async fn body<S: AsyncRead + AsyncWrite + Unpin>(line: &mut S, script: &Script, seen: &Mutex<Seen>) -> bool {
    let mut got = Vec::new();
    let mut acted = false;
    let mut bytes = [0; 4096];
    loop {
        if script.at == At::MidBody && !acted && got.len() >= 10 {
            acted = true;
            // In silence, what still comes must be seen.
            let goes_on = script.act == Act::Silence || trouble(line, script.act, "").await;
            if !goes_on {
                return false;
            }
        }
        if let Some(end) = end_of_body(&got) {
            seen.lock().unwrap().bodies.push(got[..end].to_vec());
            if acted {
                let _ = line.read_to_end(&mut got).await;
                return false;
            }
            return answer(line, script, At::Dot, "250 2.0.0 queued as 4711\r\n").await;
        }
        // The first ten bytes by themselves, so that MidBody is in the middle.
        let most = if got.len() < 10 { 10 - got.len() } else { bytes.len() };
        match line.read(&mut bytes[..most]).await {
            Ok(0) | Err(_) => return false,
            Ok(count) => {
                got.extend_from_slice(&bytes[..count]);
                seen.lock().unwrap().body_bytes += count;
            }
        }
    }
}

/// Where the line of the dot begins.
fn end_of_body(got: &[u8]) -> Option<usize> {
    got.ends_with(b"\r\n.\r\n").then(|| got.len() - 3)
}

async fn read_line<S: AsyncRead + Unpin>(line: &mut S) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        match line.read_u8().await {
            Ok(b'\n') => {
                assert_eq!(bytes.pop(), Some(b'\r'), "commands end with CRLF");
                return Some(String::from_utf8(bytes).unwrap());
            }
            Ok(byte) => bytes.push(byte),
            Err(_) => return None,
        }
    }
}

/// A certificate authority of one test, its PEM in a folder of its own.
pub struct Authority {
    pub ca_file: PathBuf,
    issuer: rcgen::Issuer<'static, rcgen::KeyPair>,
    _dir: TempDir,
}

impl Authority {
    pub fn new() -> Self {
        let mut params = rcgen::CertificateParams::default();
        params.distinguished_name.push(rcgen::DnType::CommonName, "test authority");
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let dir = TempDir::new().unwrap();
        let ca_file = dir.path().join("ca.pem");
        std::fs::write(&ca_file, certificate.pem()).unwrap();
        Self { ca_file, issuer: rcgen::Issuer::new(params, key), _dir: dir }
    }

    /// A certificate for `name` and its key.
    pub fn issue(&self, name: &str) -> (rcgen::Certificate, rcgen::KeyPair) {
        let params = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
        let key = rcgen::KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.issuer).unwrap(), key)
    }

    pub fn server_config(&self, name: &str) -> Arc<ServerConfig> {
        let (certificate, key) = self.issue(name);
        let chain = vec![CertificateDer::from(certificate.der().to_vec())];
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
        Arc::new(config)
    }
}
