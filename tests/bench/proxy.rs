//! A proxy on loopback that counts what an IMAP client costs, and the least it could cost.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// What went over the wire.
#[derive(Clone, Copy, Default)]
pub struct Count {
    /// From the server.
    pub bytes_down: u64,
    /// How often the client spoke after the server had; the greeting counts as one.
    pub round_trips: u64,
    /// FETCH responses with a whole body.
    pub bodies: u64,
    /// What was announced of these.
    pub body_bytes: u64,
    /// FETCH responses with header fields.
    pub headers: u64,
    /// SEARCH commands.
    pub searches: u64,
    server_spoke: bool,
}

/// The proxy; it serves as long as the process lives.
pub struct Proxy {
    pub port: u16,
    count: Arc<Mutex<Count>>,
    commands: Receiver<String>,
}

impl Proxy {
    /// A port whose connections go on to `server_port`.
    pub fn before(server_port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let count = Arc::new(Mutex::new(Count::default()));
        let (tell, commands) = channel();
        let shared = Arc::clone(&count);
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let server = TcpStream::connect(("127.0.0.1", server_port)).unwrap();
                client.set_nodelay(true).unwrap();
                server.set_nodelay(true).unwrap();
                let ends = (client.try_clone().unwrap(), server.try_clone().unwrap());
                let (up, down) = (Arc::clone(&shared), Arc::clone(&shared));
                let tell = tell.clone();
                std::thread::spawn(move || pump(client, server, |bytes| note_up(&up, &tell, bytes)));
                std::thread::spawn(move || {
                    let mut reader = Down::default();
                    pump(ends.1, ends.0, |bytes| reader.note(&down, bytes));
                });
            }
        });
        Self { port, count, commands }
    }

    /// What was counted since the last call.
    pub fn take(&self) -> Count {
        std::mem::take(&mut *self.count.lock().unwrap())
    }

    /// Comes back when the client has sent the command `verb`.
    pub fn await_command(&self, verb: &str, longest: Duration) {
        let until = Instant::now() + longest;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let told =
                self.commands.recv_timeout(left).unwrap_or_else(|_| panic!("no {verb} in {longest:?}"));
            if told == verb {
                return;
            }
        }
    }
}

fn pump(mut from: TcpStream, mut to: TcpStream, mut note: impl FnMut(&[u8])) {
    let mut buffer = vec![0; 256 * 1024];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        note(&buffer[..read]);
        if to.write_all(&buffer[..read]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

/// Every command of ours fits into one read; literals that follow have no tag of ours.
fn note_up(count: &Mutex<Count>, tell: &Sender<String>, bytes: &[u8]) {
    let mut count = count.lock().unwrap();
    if std::mem::take(&mut count.server_spoke) {
        count.round_trips += 1;
    }
    for line in bytes.split(|b| *b == b'\n') {
        let words: Vec<&[u8]> = line.split(|b| *b == b' ').collect();
        let tagged =
            words[0].split_first().is_some_and(|(n, tag)| *n == b'N' && tag.iter().all(u8::is_ascii_digit));
        if let (true, [_, verb, rest @ ..]) = (tagged, words.as_slice()) {
            let verb = String::from_utf8_lossy(verb.trim_ascii()).into_owned();
            count.searches += u64::from(verb == "UID" && rest.first() == Some(&&b"SEARCH"[..]));
            let _ = tell.send(verb);
        }
    }
}

/// Counts FETCH items in what comes down, also across two reads.
#[derive(Default)]
struct Down {
    tail: Vec<u8>,
}

impl Down {
    fn note(&mut self, count: &Mutex<Count>, bytes: &[u8]) {
        let mut count = count.lock().unwrap();
        count.bytes_down += bytes.len() as u64;
        count.server_spoke = true;
        self.tail.extend_from_slice(bytes);
        // Only whole lines: an item and the size of its literal stand on one.
        let Some(last) = self.tail.iter().rposition(|b| *b == b'\n') else { return };
        for line in self.tail[..last].split(|b| *b == b'\n').filter(|l| l.starts_with(b"* ")) {
            let text = String::from_utf8_lossy(line);
            count.headers += u64::from(text.contains(" FETCH (") && text.contains("BODY[HEADER.FIELDS"));
            if text.contains(" FETCH (") && text.contains("BODY[]") {
                count.bodies += 1;
                let size = text
                    .rsplit_once('{')
                    .and_then(|(_, size)| size.trim_end_matches(['}', '\r']).parse().ok());
                count.body_bytes += size.unwrap_or(0);
            }
        }
        self.tail.drain(..=last);
    }
}

/// The least that finding and reading the invitations costs: one search, one fetch.
pub fn floor(port: u16, user: &str, password: &str, senders: &[&str]) {
    let mut line = BufReader::new(TcpStream::connect(("127.0.0.1", port)).unwrap());
    let mut greeting = String::new();
    line.read_line(&mut greeting).unwrap();
    let quoted = password.replace('\\', "\\\\").replace('"', "\\\"");
    let mut ask = |tag: &str, command: &str| -> String {
        line.get_mut().write_all(format!("{tag} {command}\r\n").as_bytes()).unwrap();
        let mut all = Vec::new();
        loop {
            let from = all.len();
            assert_ne!(line.read_until(b'\n', &mut all).unwrap(), 0, "the server left");
            if all[from..].starts_with(format!("{tag} ").as_bytes()) {
                assert!(all[from..].starts_with(format!("{tag} OK").as_bytes()), "{command} was refused");
                return String::from_utf8_lossy(&all).into_owned();
            }
        }
    };
    ask("N1", &format!("LOGIN {user} \"{quoted}\""));
    ask("N2", "EXAMINE INBOX");
    let search = senders.iter().fold(String::new(), |rest, sender| {
        if rest.is_empty() { format!("FROM {sender}") } else { format!("OR FROM {sender} {rest}") }
    });
    let found = ask("N3", &format!("UID SEARCH {search}"));
    let uids =
        found.lines().find_map(|l| l.strip_prefix("* SEARCH ")).unwrap_or_default().trim().replace(' ', ",");
    if !uids.is_empty() {
        ask("N4", &format!("UID FETCH {uids} (UID BODY.PEEK[])"));
    }
    ask("N5", "LOGOUT");
}
