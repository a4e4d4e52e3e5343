//! A tap on a plain-text line: hears what the client says, and can break the
//! line when the server says a certain word.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// A tap between a client and a server on loopback.
pub struct Tap {
    /// Where clients connect.
    pub port: u16,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Tap {
    /// Listens in on everything that goes to `server_port`.
    pub fn on(server_port: u16) -> Self {
        Self::start(server_port, None)
    }

    /// The same, but the line breaks whenever the server says `poison`.
    pub fn that_breaks_at(server_port: u16, poison: &'static str) -> Self {
        Self::start(server_port, Some(poison))
    }

    fn start(server_port: u16, poison: Option<&'static str>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let port = listener.local_addr().expect("address").port();
        let heard: Arc<Mutex<Vec<String>>> = Arc::default();
        let conversations = Arc::clone(&heard);
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, server_port)) else { continue };
                let number = {
                    let mut all = conversations.lock().expect("heard");
                    all.push(String::new());
                    all.len() - 1
                };
                let (from, to) = (client.try_clone().expect("clone"), server.try_clone().expect("clone"));
                let heard = Arc::clone(&conversations);
                std::thread::spawn(move || {
                    pass_on(from, to, |bytes| {
                        heard.lock().expect("heard")[number].push_str(&String::from_utf8_lossy(bytes));
                        true
                    });
                });
                std::thread::spawn(move || {
                    let mut said = Vec::new();
                    pass_on(server, client, |bytes| {
                        said.extend_from_slice(bytes);
                        !poison
                            .is_some_and(|poison| said.windows(poison.len()).any(|w| w == poison.as_bytes()))
                    });
                });
            }
        });
        Self { port, heard }
    }

    /// What clients said, one text per connection.
    pub fn heard(&self) -> Vec<String> {
        self.heard.lock().expect("heard").clone()
    }
}

/// Until either end closes, or `go_on` says no.
fn pass_on(mut from: TcpStream, mut to: TcpStream, mut go_on: impl FnMut(&[u8]) -> bool) {
    let mut bytes = [0; 8192];
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        if !go_on(&bytes[..count]) || to.write_all(&bytes[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
    let _ = from.shutdown(Shutdown::Both);
}
