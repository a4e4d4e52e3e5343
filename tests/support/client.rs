//! The mail program of an account's owner: a plain IMAP client.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use super::dovecot::{PASSWORD, USER};

/// A session.
pub struct Client {
    line: TcpStream,
    answers: BufReader<TcpStream>,
}

/// A mail in a folder.
#[derive(Debug, PartialEq, Eq)]
pub struct Kept {
    /// Sorted, without `\Recent`.
    pub flags: Vec<String>,
    /// With bare line feeds.
    pub text: String,
}

/// How a command ended.
struct Answer {
    /// The word behind the tag.
    status: String,
    /// What came before it: lines, each with the literals in it.
    told: Vec<String>,
}

impl Client {
    /// Logs in on a plain-text loopback port.
    pub fn login(port: u16) -> Self {
        let line = TcpStream::connect(("127.0.0.1", port)).expect("a connection");
        let answers = BufReader::new(line.try_clone().expect("clone"));
        let mut client = Self { line, answers };
        client.read_line();
        client.well(&format!("LOGIN {USER} \"{}\"", PASSWORD.replace('"', "\\\"")));
        client
    }

    /// Runs a command that must go well; answers what was told.
    pub fn well(&mut self, command: &str) -> Vec<String> {
        let answer = self.run(command);
        assert_eq!(answer.status, "OK", "{command}: {:?}", answer.told);
        answer.told
    }

    /// All mails of a folder, in its order; none where there is no such folder. Changes nothing.
    pub fn mails(&mut self, folder: &str) -> Vec<Kept> {
        let examined = self.run(&format!("EXAMINE {folder}"));
        if examined.status != "OK" || examined.told.iter().any(|line| line.trim() == "* 0 EXISTS") {
            return Vec::new();
        }
        let told = self.well("FETCH 1:* (FLAGS BODY.PEEK[])");
        told.iter().filter(|line| line.contains(" FETCH (")).map(|line| Kept::read(line)).collect()
    }

    /// Puts a mail into a folder.
    pub fn append(&mut self, folder: &str, flags: &str, mail: &str) {
        let mail = mail.replace("\r\n", "\n").replace('\n', "\r\n");
        self.send(&format!("a APPEND {folder} ({flags}) {{{}}}\r\n", mail.len()));
        assert!(self.read_line().starts_with('+'));
        self.send(&format!("{mail}\r\n"));
        let answer = self.answer();
        assert_eq!(answer.status, "OK", "APPEND: {:?}", answer.told);
    }

    /// Deletes every mail of a folder.
    pub fn clear(&mut self, folder: &str) {
        let told = self.well(&format!("SELECT {folder}"));
        if !told.iter().any(|line| line.trim() == "* 0 EXISTS") {
            self.well("STORE 1:* +FLAGS.SILENT (\\Deleted)");
            self.well("EXPUNGE");
        }
    }

    fn run(&mut self, command: &str) -> Answer {
        self.send(&format!("a {command}\r\n"));
        self.answer()
    }

    fn answer(&mut self) -> Answer {
        let mut told = Vec::new();
        loop {
            let line = self.read_line();
            if let Some(rest) = line.strip_prefix("a ") {
                told.push(line.clone());
                return Answer { status: rest.split(' ').next().expect("a word").trim().to_owned(), told };
            }
            told.push(line);
        }
    }

    fn send(&mut self, text: &str) {
        self.line.write_all(text.as_bytes()).expect("write");
    }

    /// A line and the literals in it.
    fn read_line(&mut self) -> String {
        let mut whole = Vec::new();
        loop {
            let begin = whole.len();
            let read = self.answers.read_until(b'\n', &mut whole).expect("an answer");
            assert!(read > 0, "the server hung up: {}", String::from_utf8_lossy(&whole));
            let Some(size) = literal_at_the_end(&whole[begin..]) else { break };
            let begin = whole.len();
            whole.resize(begin + size, 0);
            self.answers.read_exact(&mut whole[begin..]).expect("a literal");
        }
        String::from_utf8_lossy(&whole).into_owned()
    }
}

impl Kept {
    fn read(fetched: &str) -> Self {
        let flags =
            fetched.split_once("FLAGS (").and_then(|(_, rest)| rest.split_once(')')).expect("flags").0;
        let mut flags: Vec<String> = flags
            .split(' ')
            .filter(|flag| !flag.is_empty() && *flag != "\\Recent")
            .map(str::to_owned)
            .collect();
        flags.sort();
        let literal = fetched.find("}\r\n").expect("a literal") + 3;
        let size = literal_at_the_end(&fetched.as_bytes()[..literal]).expect("a size");
        Self { flags, text: fetched[literal..literal + size].replace("\r\n", "\n") }
    }
}

fn literal_at_the_end(line: &[u8]) -> Option<usize> {
    let line = std::str::from_utf8(line).ok()?.strip_suffix("}\r\n")?;
    line.rsplit_once('{')?.1.parse().ok()
}
