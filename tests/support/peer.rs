//! A server that follows a script, line by line, for any protocol of lines
//! with CRLF. It records what the client sent and fails the test when the
//! client says something else than the script expects.

use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

/// No step takes longer, or the test fails.
const STEP_WITHIN: Duration = Duration::from_secs(20);

/// One step of a script.
#[derive(Clone)]
pub enum Step {
    /// Sends these bytes; `{tag}` becomes the first word of the last line expected.
    Say(String),
    /// Reads a line; without its first word it must begin with this text. For IMAP.
    ExpectCommand(String),
    /// Reads a line that must begin with this text.
    ExpectLine(String),
    /// Reads a line, whatever it is.
    ExpectAnyLine,
    /// Reads the literal that the last line announced, and the rest of its line.
    ExpectLiteral,
    /// Says nothing until the client hangs up.
    Stall,
    /// Sends this over and over until the client hangs up.
    Drip(String),
    /// Closes the connection in an orderly way.
    Close,
    /// Breaks the connection (RST). In plain text only.
    Reset,
    /// Takes the client's TLS handshake.
    Tls(Arc<ServerConfig>),
}

/// `Step::Say`, with CRLF at the end.
pub fn say(line: &str) -> Step {
    Step::Say(format!("{line}\r\n"))
}

/// `Step::ExpectCommand`.
pub fn expect(command: &str) -> Step {
    Step::ExpectCommand(command.to_owned())
}

/// Expects `command`, answers it with these lines.
pub fn exchange(command: &str, answers: &[&str]) -> Vec<Step> {
    let mut steps = vec![expect(command)];
    steps.extend(answers.iter().map(|line| say(line)));
    steps
}

/// A running peer.
pub struct Peer {
    port: u16,
    running: JoinHandle<Vec<String>>,
}

impl Peer {
    /// Serves one connection after `script`.
    pub async fn start(script: Vec<Step>) -> Self {
        Self::serve(vec![script]).await
    }

    /// Serves one connection after each of `scripts`, one after the other.
    pub async fn serve(scripts: Vec<Vec<Step>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let running = tokio::spawn(async move {
            let mut heard = Vec::new();
            for script in scripts {
                let (line, _) = timeout(STEP_WITHIN, listener.accept())
                    .await
                    .expect("the client should have connected")
                    .expect("accept");
                follow(line, script, &mut heard).await;
            }
            heard
        });
        Self { port, running }
    }

    /// Where to connect, on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Waits for the end of the script; answers with every line and literal
    /// the client sent. Fails when the client did not keep to the script.
    pub async fn finish(self) -> Vec<String> {
        self.running.await.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
    }
}

trait Line: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Line for T {}

enum Conversation {
    Plain(TcpStream),
    Secured(Box<dyn Line>),
}

impl Conversation {
    fn line(&mut self) -> &mut dyn Line {
        match self {
            Self::Plain(line) => line,
            Self::Secured(line) => line.as_mut(),
        }
    }

    /// Byte by byte, so that nothing behind a STARTTLS is read too early.
    async fn read_line(&mut self) -> Option<String> {
        let mut line = Vec::new();
        while !line.ends_with(b"\r\n") {
            line.push(self.line().read_u8().await.ok()?);
        }
        line.truncate(line.len() - 2);
        Some(String::from_utf8_lossy(&line).into_owned())
    }
}

async fn follow(line: TcpStream, script: Vec<Step>, heard: &mut Vec<String>) {
    let mut talk = Conversation::Plain(line);
    let mut last = String::new();
    for step in script {
        match step {
            Step::Say(text) => {
                let tag = last.split(' ').next().unwrap_or_default();
                let text = text.replace("{tag}", tag);
                // The client may be gone already; the next step will tell.
                let _ = talk.line().write_all(text.as_bytes()).await;
                let _ = talk.line().flush().await;
            }
            Step::ExpectCommand(wanted) => {
                last = next(&mut talk, &wanted, heard).await;
                let command = last.split_once(' ').map_or("", |(_, rest)| rest);
                assert!(command.starts_with(&wanted), "expected the command {wanted:?}, got {last:?}");
            }
            Step::ExpectLine(wanted) => {
                last = next(&mut talk, &wanted, heard).await;
                assert!(last.starts_with(&wanted), "expected {wanted:?}, got {last:?}");
            }
            Step::ExpectAnyLine => last = next(&mut talk, "any line", heard).await,
            Step::ExpectLiteral => {
                let length = announced(&last).expect("a literal was announced");
                let mut literal = vec![0; length];
                timeout(STEP_WITHIN, talk.line().read_exact(&mut literal))
                    .await
                    .expect("the literal should have come")
                    .expect("the whole literal");
                heard.push(String::from_utf8_lossy(&literal).into_owned());
                let rest = next(&mut talk, "the rest of the line", heard).await;
                last = format!("{}{rest}", last.trim_end_matches('}'));
            }
            Step::Stall => {
                let mut rest = Vec::new();
                // Whether it hangs up politely is its own affair.
                let _ = timeout(STEP_WITHIN, talk.line().read_to_end(&mut rest))
                    .await
                    .expect("the client should have hung up");
            }
            Step::Drip(text) => {
                let drip = async { while talk.line().write_all(text.as_bytes()).await.is_ok() {} };
                timeout(STEP_WITHIN, drip).await.expect("the client should have hung up");
            }
            Step::Close => {
                let _ = talk.line().shutdown().await;
                return;
            }
            Step::Reset => {
                let Conversation::Plain(line) = talk else {
                    panic!("a reset is for plain text");
                };
                line.set_zero_linger().expect("linger");
                return;
            }
            Step::Tls(config) => {
                let Conversation::Plain(line) = talk else {
                    panic!("TLS within TLS");
                };
                match TlsAcceptor::from(config).accept(line).await {
                    Ok(line) => talk = Conversation::Secured(Box::new(line)),
                    Err(error) => {
                        heard.push(format!("TLS failed: {error}"));
                        return;
                    }
                }
            }
        }
    }
}

async fn next(talk: &mut Conversation, wanted: &str, heard: &mut Vec<String>) -> String {
    let line = timeout(STEP_WITHIN, talk.read_line())
        .await
        .unwrap_or_else(|_| panic!("expected {wanted:?}, got silence"))
        .unwrap_or_else(|| panic!("expected {wanted:?}, the client hung up"));
    heard.push(line.clone());
    line
}

/// The length in `{12}` at the end of `line`.
fn announced(line: &str) -> Option<usize> {
    let (_, digits) = line.strip_suffix('}')?.rsplit_once('{')?;
    digits.trim_end_matches('+').parse().ok()
}
