//! The one question notyet asks the DNS: which TXT record stands at the name of
//! a key. UDP first, TCP where the answer is cut (RFC 1035 §4.2, RFC 7766).
//!
//! Messages are the `domain` crate's; the sockets are ours. A datagram socket is
//! connected and never bound, since the service's unit forbids bind(2), and the
//! kernel then picks a port that nobody can guess.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::str::FromStr as _;
use std::time::Duration;

use dns::base::iana::Rcode;
use dns::base::{Message, MessageBuilder, Name, Rtype};
use dns::rdata::Txt;
use ring::rand::{SecureRandom as _, SystemRandom};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::{Instant, timeout_at};

use crate::domain::dkim::{KeyAnswer, KeyName};
use crate::shell::files;

/// Who is asked, and how long.
#[derive(Clone, Debug)]
pub struct Resolver {
    servers: Vec<SocketAddr>,
    /// All the names of one mail together have so long.
    pub patience: Duration,
    /// A server that is silent so long is asked anew, or the next one is.
    pub silence: Duration,
}

/// RFC 1035 §4.2.1 has 512; this much passes everywhere unbroken.
const UDP_BYTES: u16 = 1232;
/// More than resolver(5) reads nobody needs either.
const MAX_SERVERS: usize = 3;
/// How often the list of servers is gone through.
const ROUNDS: usize = 2;
const MAX_FILE_BYTES: u64 = 64 * 1024;
const SYSTEM: &str = "/etc/resolv.conf";

impl Resolver {
    /// `server`, or those of the system, read anew: a laptop moves.
    pub fn new(server: Option<SocketAddr>) -> Self {
        let servers = server.map_or_else(|| system(Path::new(SYSTEM)), |server| vec![server]);
        Self { servers, patience: Duration::from_secs(10), silence: Duration::from_millis(2500) }
    }

    /// What the DNS says of each of `names`. It is always told in the end.
    pub async fn keys(&self, names: Vec<KeyName>) -> Vec<(KeyName, KeyAnswer)> {
        let end = Instant::now() + self.patience;
        let mut answers = Vec::with_capacity(names.len());
        for name in names {
            let answer = match timeout_at(end, self.key(&name)).await {
                Ok(answer) => answer,
                Err(_) => KeyAnswer::Silence("nobody answered in time".to_owned()),
            };
            answers.push((name, answer));
        }
        answers
    }

    async fn key(&self, name: &KeyName) -> KeyAnswer {
        let mut last = KeyAnswer::Silence("there is no DNS server to ask".to_owned());
        for _ in 0..ROUNDS {
            for server in &self.servers {
                last = match self.ask(*server, name).await {
                    Ok(KeyAnswer::Failed(why)) => KeyAnswer::Failed(format!("DNS server {server}: {why}")),
                    Ok(answer) => return answer,
                    Err(why) => KeyAnswer::Silence(format!("DNS server {server}: {why}")),
                };
            }
        }
        last
    }

    async fn ask(&self, server: SocketAddr, name: &KeyName) -> Result<KeyAnswer, String> {
        let question = question(name).ok_or("the question cannot be put")?;
        let end = Instant::now() + self.silence;
        let silent = |_| format!("silent for {} ms", self.silence.as_millis());
        let told = |error: io::Error| error.to_string();
        let mut answer = timeout_at(end, over_udp(server, &question)).await.map_err(silent)?.map_err(told)?;
        if answer.header().tc() {
            let end = Instant::now() + self.silence;
            answer = timeout_at(end, over_tcp(server, &question)).await.map_err(silent)?.map_err(told)?;
        }
        read(&answer)
    }
}

/// The servers that `file` names, as resolver(5) has it: none means this machine.
fn system(file: &Path) -> Vec<SocketAddr> {
    let text = files::read_text(file, MAX_FILE_BYTES).unwrap_or_default();
    let named = text.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        (words.next() == Some("nameserver")).then(|| words.next()?.parse::<IpAddr>().ok())?
    });
    let mut servers: Vec<_> = named.take(MAX_SERVERS).map(|ip| SocketAddr::new(ip, 53)).collect();
    if servers.is_empty() {
        servers.push(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 53));
    }
    servers
}

type Bytes = Message<Vec<u8>>;

fn question(name: &KeyName) -> Option<Bytes> {
    let name = Name::<Vec<u8>>::from_str(name.as_str()).ok()?;
    let mut message = MessageBuilder::new_vec();
    let mut id = [0; 2];
    SystemRandom::new().fill(&mut id).ok()?;
    message.header_mut().set_id(u16::from_be_bytes(id));
    message.header_mut().set_rd(true);
    let mut message = message.question();
    message.push((&name, Rtype::TXT)).ok()?;
    let mut message = message.additional();
    message
        .opt(|options| {
            options.set_udp_payload_size(UDP_BYTES);
            Ok(())
        })
        .ok()?;
    Some(message.into_message())
}

async fn over_udp(server: SocketAddr, question: &Bytes) -> io::Result<Bytes> {
    let socket = Socket::new(Domain::for_address(server), Type::DGRAM.nonblocking(), Some(Protocol::UDP))?;
    socket.connect(&server.into())?;
    let socket = UdpSocket::from_std(socket.into())?;
    socket.send(question.as_slice()).await?;
    let mut bytes = vec![0; 4 * usize::from(UDP_BYTES)];
    loop {
        let length = socket.recv(&mut bytes).await?;
        let datagram = bytes.get(..length).unwrap_or_default().to_vec();
        // What is no answer to this question may be anybody's.
        if let Ok(answer) = Message::from_octets(datagram)
            && answer.is_answer(question)
        {
            return Ok(answer);
        }
    }
}

async fn over_tcp(server: SocketAddr, question: &Bytes) -> io::Result<Bytes> {
    let bytes = question.as_slice();
    let mut framed = u16::try_from(bytes.len()).map_err(io::Error::other)?.to_be_bytes().to_vec();
    framed.extend_from_slice(bytes);
    let mut stream = TcpStream::connect(server).await?;
    stream.write_all(&framed).await?;
    let mut answer = vec![0; usize::from(stream.read_u16().await?)];
    stream.read_exact(&mut answer).await?;
    Message::from_octets(answer)
        .ok()
        .filter(|answer| answer.is_answer(question))
        .ok_or_else(|| io::Error::other("it answered another question"))
}

/// What an answer says. Where the name is another's alias, the records at the
/// end of the chain count.
fn read(answer: &Bytes) -> Result<KeyAnswer, String> {
    const UNREADABLE: &str = "it answered in a form that cannot be read";
    match answer.header().rcode() {
        Rcode::NOERROR => {}
        Rcode::NXDOMAIN => return Ok(KeyAnswer::Absent),
        other => return Ok(KeyAnswer::Failed(format!("it says {other}"))),
    }
    let owner = answer.canonical_name().ok_or(UNREADABLE)?;
    let mut found = None;
    for record in answer.answer().map_err(|_| UNREADABLE)?.limit_to::<Txt<_>>() {
        let record = record.map_err(|_| UNREADABLE)?;
        if *record.owner() != owner {
            continue;
        }
        if found.is_some() {
            return Ok(KeyAnswer::Several);
        }
        found = Some(record.data().iter().flatten().copied().collect());
    }
    Ok(found.map_or(KeyAnswer::Absent, KeyAnswer::Record))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_systems_servers_are_read_as_resolver_5_has_it() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("resolv.conf");
        let servers = |text: &str| {
            std::fs::write(&file, text).unwrap();
            system(&file).iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(
            servers(
                "# nameserver 10.0.0.9\nsearch lan\nnameserver 10.0.0.1\n nameserver\t::1 \noptions edns0\n"
            ),
            ["10.0.0.1:53", "[::1]:53"]
        );
        assert_eq!(servers("nameserver fe80::1%eth0\nnameserver 10.0.0.1\n"), ["10.0.0.1:53"]);
        assert_eq!(servers(&"nameserver 10.0.0.1\n".repeat(9)).len(), 3);
        assert_eq!(servers("search lan\n"), ["127.0.0.1:53"]);
        assert_eq!(system(Path::new("/nowhere")).len(), 1);
    }
}
