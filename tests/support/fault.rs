//! A proxy before a real IMAP server that spoils one step of one conversation.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What goes wrong at a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The line ends before the server has heard the step.
    CutBefore,
    /// The line ends in the middle of what we say.
    CutWithin,
    /// The server does it, and the line ends before it says so.
    CutAfter,
    /// The line ends in the middle of the answer.
    CutAnswer,
    /// The line breaks (RST).
    Reset,
    /// The server does it and says nothing more.
    Silence,
    /// `* BYE`, and the end.
    Bye,
    /// NO.
    No,
    /// NO, with a code for "come again" (RFC 5530).
    Unavailable,
    /// BAD.
    Bad,
    /// Untagged lines nobody asked for, then all goes on.
    Noise,
    /// The answer to another command.
    WrongTag,
    /// A line that is no IMAP.
    Rubbish,
    /// 600 MB are announced.
    HugeLiteral,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::CutBefore,
        Self::CutWithin,
        Self::CutAfter,
        Self::CutAnswer,
        Self::Reset,
        Self::Silence,
        Self::Bye,
        Self::No,
        Self::Unavailable,
        Self::Bad,
        Self::Noise,
        Self::WrongTag,
        Self::Rubbish,
        Self::HugeLiteral,
    ];
}

const NOISE: &str = "* OK one moment\r\n* FLAGS (\\Seen)\r\n* 1 FETCH (FLAGS (\\Seen) UID 1)\r\n\
                     * X-STRANGE news (of {nothing})\r\n* STATUS \"Elsewhere\" (MESSAGES 3)\r\n* SEARCH\r\n";

/// Which step of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// By its number, from 0.
    Number(usize),
    /// The next one of that name.
    Named(&'static str),
}

/// What is to happen, once.
enum Happening {
    Fault(Fault),
    /// Something elsewhere, before the server hears the step.
    Meanwhile(Box<dyn FnOnce() + Send>),
}

type Plan = Arc<Mutex<Option<(At, Happening)>>>;

/// The proxy; it lives as long as its runtime.
pub struct FaultyLine {
    /// Where clients connect.
    pub port: u16,
    plan: Plan,
    steps: Arc<Mutex<Vec<String>>>,
}

impl FaultyLine {
    /// Passes everything on to `server_port` until a fault is planned.
    pub async fn before(server_port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("address").port();
        let (plan, steps) = (Arc::default(), Arc::default());
        let line = Self { port, plan: Arc::clone(&plan), steps: Arc::clone(&steps) };
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Ok(server) = TcpStream::connect(("127.0.0.1", server_port)).await else { continue };
                let (plan, steps) = (Arc::clone(&plan), Arc::clone(&steps));
                tokio::spawn(async move {
                    steps.lock().expect("steps").clear();
                    Relay { client, server, plan, steps, mode: Mode::Pass, tag: "N0".into(), refused: false }
                        .run()
                        .await;
                });
            }
        });
        line
    }

    /// Spoils a step, once.
    pub fn plan(&self, at: At, fault: Fault) {
        *self.plan.lock().expect("plan") = Some((at, Happening::Fault(fault)));
    }

    /// Lets something else happen just before a step, once.
    pub fn plan_meanwhile(&self, at: At, act: impl FnOnce() + Send + 'static) {
        *self.plan.lock().expect("plan") = Some((at, Happening::Meanwhile(Box::new(act))));
    }

    /// Whether the planned fault has happened; forgets it where not.
    pub fn happened(&self) -> bool {
        self.plan.lock().expect("plan").take().is_none()
    }

    /// Whether what was planned has happened.
    pub fn has_happened(&self) -> bool {
        self.plan.lock().expect("plan").is_none()
    }

    /// The steps of the latest conversation: the greeting, commands, literals.
    pub fn steps(&self) -> Vec<String> {
        self.steps.lock().expect("steps").clone()
    }
}

/// What becomes of the server's next words.
#[derive(PartialEq, Eq)]
enum Mode {
    Pass,
    Withhold,
    EndInstead,
    EndWithin,
}

struct Relay {
    client: TcpStream,
    server: TcpStream,
    plan: Plan,
    steps: Arc<Mutex<Vec<String>>>,
    mode: Mode,
    tag: String,
    /// The last command was refused, so its literal will not come.
    refused: bool,
}

/// The conversation is over.
struct Over;

impl Relay {
    async fn run(mut self) {
        let _ = self.client.set_nodelay(true);
        let _ = self.server.set_nodelay(true);
        let (mut up, mut down) = (Vec::new(), vec![0; 64 << 10]);
        let mut literal = None;
        if self.step("greeting", b"").await.is_err() {
            return;
        }
        loop {
            tokio::select! {
                read = self.client.read_buf(&mut up) => if !matches!(read, Ok(1..)) { return },
                read = self.server.read(&mut down) => match read {
                    Ok(count @ 1..) => if self.pass_down(&down[..count]).await.is_err() { return },
                    // A server that has gone says nothing more; the client finds out.
                    _ => return,
                },
            }
            // A TLS handshake (RFC 8446 §5.1): from here on nothing can be understood.
            if up.first() == Some(&22) {
                let _ = self.server.write_all(&up).await;
                let _ = tokio::io::copy_bidirectional(&mut self.client, &mut self.server).await;
                return;
            }
            while let Some(said) = next_piece(&mut up, &mut literal) {
                let done = match said {
                    Piece::Command(line) => {
                        let text = String::from_utf8_lossy(&line).into_owned();
                        let mut words = text.split_whitespace();
                        let first = words.next().unwrap_or_default();
                        if first != "DONE" {
                            self.tag = first.to_owned();
                        }
                        let name = match words.next() {
                            None => first.to_owned(),
                            Some("UID") => format!("UID {}", words.next().unwrap_or_default()),
                            Some(verb) => verb.to_owned(),
                        };
                        self.step(&name, &line).await
                    }
                    Piece::Literal(bytes) => self.step("literal", &bytes).await,
                    Piece::Rest(bytes) => self.server.write_all(&bytes).await.map_err(|_| Over),
                };
                if done.is_err() {
                    return;
                }
                if std::mem::take(&mut self.refused) {
                    literal = None;
                }
            }
        }
    }

    /// One step of the client; `said` has not gone to the server yet.
    async fn step(&mut self, name: &str, said: &[u8]) -> Result<(), Over> {
        let number = {
            let mut steps = self.steps.lock().expect("steps");
            steps.push(name.to_owned());
            steps.len() - 1
        };
        let happening = {
            let mut plan = self.plan.lock().expect("plan");
            let is_now =
                |at: At| at == At::Number(number) || matches!(at, At::Named(wanted) if wanted == name);
            plan.take_if(|(at, _)| is_now(*at)).map(|(_, happening)| happening)
        };
        let fault = match happening {
            None => None,
            Some(Happening::Fault(fault)) => Some(fault),
            Some(Happening::Meanwhile(act)) => {
                act();
                None
            }
        };
        let tag = self.tag.clone();
        match fault {
            None => {}
            Some(Fault::CutBefore) => return Err(Over),
            Some(Fault::CutWithin) => {
                let _ = self.server.write_all(&said[..said.len() / 2]).await;
                return Err(Over);
            }
            Some(Fault::CutAfter) => self.mode = Mode::EndInstead,
            Some(Fault::CutAnswer) => self.mode = Mode::EndWithin,
            Some(Fault::Silence) => self.mode = Mode::Withhold,
            Some(Fault::Reset) => {
                let _ = self.client.set_zero_linger();
                return Err(Over);
            }
            Some(Fault::Bye) => {
                self.tell("* BYE [UNAVAILABLE] the session has expired\r\n").await;
                return Err(Over);
            }
            Some(Fault::No) => return self.refuse(name, &format!("{tag} NO not now, not here\r\n")).await,
            Some(Fault::Unavailable) => {
                return self.refuse(name, &format!("{tag} NO [UNAVAILABLE] come again\r\n")).await;
            }
            Some(Fault::Bad) => return self.refuse(name, &format!("{tag} BAD what is that\r\n")).await,
            Some(Fault::Noise) => self.tell(NOISE).await,
            Some(Fault::WrongTag) => {
                self.mode = Mode::Withhold;
                self.tell("N99999 OK done\r\n").await;
            }
            Some(Fault::Rubbish) => {
                self.mode = Mode::Withhold;
                self.tell("HTTP/1.1 400 Bad Request\r\n\r\n").await;
            }
            Some(Fault::HugeLiteral) => {
                self.mode = Mode::Withhold;
                self.tell("* 1 FETCH (UID 1 BODY[]<0> {629145600}\r\n").await;
            }
        }
        self.server.write_all(said).await.map_err(|_| Over)
    }

    /// Refuses in the server's place; after a literal the server waits in vain, so the line ends.
    async fn refuse(&mut self, name: &str, words: &str) -> Result<(), Over> {
        self.tell(words).await;
        self.refused = true;
        if matches!(name, "greeting" | "literal" | "DONE") { Err(Over) } else { Ok(()) }
    }

    async fn tell(&mut self, words: &str) {
        // The client may be gone already.
        let _ = self.client.write_all(words.as_bytes()).await;
    }

    async fn pass_down(&mut self, bytes: &[u8]) -> Result<(), Over> {
        match self.mode {
            Mode::Pass => self.client.write_all(bytes).await.map_err(|_| Over),
            Mode::Withhold => Ok(()),
            Mode::EndInstead => Err(Over),
            Mode::EndWithin => {
                let _ = self.client.write_all(&bytes[..bytes.len() / 2]).await;
                Err(Over)
            }
        }
    }
}

enum Piece {
    Command(Vec<u8>),
    Literal(Vec<u8>),
    /// What follows a literal in its command.
    Rest(Vec<u8>),
}

/// The next whole piece of `up`; `literal` is how long the one is that comes next.
fn next_piece(up: &mut Vec<u8>, literal: &mut Option<Option<usize>>) -> Option<Piece> {
    if let Some(Some(length)) = *literal {
        if up.len() < length {
            return None;
        }
        *literal = Some(None);
        return Some(Piece::Literal(up.drain(..length).collect()));
    }
    let end = up.windows(2).position(|pair| pair == b"\r\n")? + 2;
    let line: Vec<u8> = up.drain(..end).collect();
    let is_rest = literal.take().is_some();
    let text = String::from_utf8_lossy(&line);
    let announced = text.trim_end().strip_suffix('}').and_then(|head| head.rsplit_once('{'));
    if let Some(length) = announced.and_then(|(_, digits)| digits.parse().ok()) {
        *literal = Some(Some(length));
    }
    Some(if is_rest { Piece::Rest(line) } else { Piece::Command(line) })
}
