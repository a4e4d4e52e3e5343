//! A name server on loopback, UDP and TCP on one port, that says what it is told to.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::{Arc, Mutex};

use dns::base::iana::Rcode;
use dns::base::{Message, MessageBuilder, Name, Rtype, Ttl};
use dns::rdata::{Cname, Txt};

type Names = Name<Vec<u8>>;

/// What is said of a name; of one that is not listed: there is no such name.
#[derive(Clone)]
pub enum Says {
    /// These TXT records.
    Txt(Vec<String>),
    /// The same, below another name that this one is an alias of.
    Alias(String),
    /// A TXT record of that other name, which nobody asked for.
    Beside(String),
    /// There is such a name, and nothing at it.
    Nothing,
    /// SERVFAIL.
    Failure,
    /// Not a word.
    Silence,
    /// Bytes that are no message, and then silence.
    Garbage,
    /// Answers to other questions, and then silence.
    Astray,
    /// A header that promises records, and none behind it.
    Torn,
}

/// A server; it ends with the test.
pub struct NameServer {
    pub addr: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl NameServer {
    pub fn start(zone: impl IntoIterator<Item = (String, Says)>) -> Self {
        let zone: Arc<HashMap<String, Says>> = Arc::new(zone.into_iter().collect());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (udp, tcp) = std::iter::repeat_with(|| {
            let udp = UdpSocket::bind("127.0.0.1:0").expect("a port");
            let tcp = TcpListener::bind(udp.local_addr().expect("bound"));
            (udp, tcp)
        })
        .find_map(|(udp, tcp)| Some((udp, tcp.ok()?)))
        .expect("one port for both");
        let addr = udp.local_addr().expect("bound");
        let (over_udp, over_tcp) = ((zone.clone(), asked.clone()), (zone, asked.clone()));
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok((length, from)) = udp.recv_from(&mut bytes) {
                let (question, name) = question(&bytes[..length]);
                over_udp.1.lock().expect("asked").push(name.clone());
                for answer in answers(&question, &name, &over_udp.0, Some(1232)) {
                    let _ = udp.send_to(&answer, from);
                }
            }
        });
        std::thread::spawn(move || {
            for stream in tcp.incoming().map_while(Result::ok) {
                let _ = serve(stream, &over_tcp.0, &over_tcp.1);
            }
        });
        Self { addr, asked }
    }

    /// The names asked for so far, also more than once; `tcp:` in front of those by TCP.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("asked").clone()
    }
}

fn serve(
    mut stream: TcpStream,
    zone: &HashMap<String, Says>,
    asked: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut length = [0; 2];
    stream.read_exact(&mut length)?;
    let mut bytes = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut bytes)?;
    let (question, name) = question(&bytes);
    asked.lock().expect("asked").push(format!("tcp:{name}"));
    for answer in answers(&question, &name, zone, None) {
        stream.write_all(&u16::try_from(answer.len()).expect("short enough").to_be_bytes())?;
        stream.write_all(&answer)?;
    }
    Ok(())
}

fn question(bytes: &[u8]) -> (Message<Vec<u8>>, String) {
    let message = Message::from_octets(bytes.to_vec()).expect("a message");
    let asked = message.sole_question().expect("one question");
    assert_eq!(asked.qtype(), Rtype::TXT);
    let name = asked.qname().to_string().to_ascii_lowercase();
    (message, name)
}

fn named(name: &str) -> Names {
    name.parse().expect("a name")
}

fn txt(text: &str) -> Txt<Vec<u8>> {
    Txt::build_from_slice(text.as_bytes()).expect("a TXT record")
}

/// What is sent back for `question`: of more than `limit_bytes` only that there is more.
fn answers(
    question: &Message<Vec<u8>>,
    name: &str,
    zone: &HashMap<String, Says>,
    limit_bytes: Option<usize>,
) -> Vec<Vec<u8>> {
    let says = zone.get(name);
    let rcode = match says {
        None => Rcode::NXDOMAIN,
        Some(Says::Failure) => Rcode::SERVFAIL,
        Some(_) => Rcode::NOERROR,
    };
    let ttl = Ttl::from_secs(60);
    let mut answer = MessageBuilder::new_vec().start_answer(question, rcode).expect("an answer");
    match says {
        Some(Says::Silence) => return Vec::new(),
        Some(Says::Garbage) => return vec![b"\x00\xff".to_vec(), vec![0xff; 600], Vec::new()],
        Some(Says::Astray) => {
            let mut other_id = answer.finish();
            other_id[0] ^= 0xff;
            let mut other_name = MessageBuilder::new_vec();
            other_name.header_mut().set_id(question.header().id());
            other_name.header_mut().set_qr(true);
            let mut other_name = other_name.question();
            other_name.push((&named("elsewhere.example"), Rtype::TXT)).expect("room");
            return vec![other_id, other_name.finish()];
        }
        Some(Says::Torn) => {
            let mut torn = answer.finish();
            torn[7] = 3;
            return vec![torn];
        }
        Some(Says::Txt(texts)) => {
            for text in texts {
                answer.push((&named(name), ttl, txt(text))).expect("room");
            }
        }
        Some(Says::Beside(other)) => {
            answer.push((&named(other), ttl, txt("v=DKIM1; p="))).expect("room");
        }
        Some(Says::Alias(to)) => {
            answer.push((&named(name), ttl, Cname::new(named(to)))).expect("room");
            if let Some(Says::Txt(texts)) = zone.get(to) {
                for text in texts {
                    answer.push((&named(to), ttl, txt(text))).expect("room");
                }
            }
        }
        _ => {}
    }
    let mut bytes = answer.finish();
    if limit_bytes.is_some_and(|limit| bytes.len() > limit) {
        let mut cut = MessageBuilder::new_vec().start_answer(question, rcode).expect("an answer");
        cut.header_mut().set_tc(true);
        bytes = cut.finish();
    }
    vec![bytes]
}
