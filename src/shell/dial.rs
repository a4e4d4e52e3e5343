//! From a host name to a line.

use std::time::Duration;

use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

/// Addresses of one host that are tried.
const ADDRESSES_MAX: usize = 4;

/// Tries the addresses of `host` in order. Each gets the deadline for itself, so
/// that a dead IPv6 route cannot eat up the time of IPv4.
///
/// # Errors
/// What the last of them came to, in words.
pub(super) async fn dial(host: &str, port: u16, deadline: Duration) -> Result<TcpStream, String> {
    let addresses = match timeout(deadline, lookup_host((host, port))).await {
        Err(_) => return Err(format!("{} to the name look-up", no_answer(deadline))),
        Ok(Err(_)) => return Err("the host name cannot be looked up".to_owned()),
        Ok(Ok(addresses)) => addresses,
    };
    let mut trouble = "the host name has no address".to_owned();
    for address in addresses.take(ADDRESSES_MAX) {
        match timeout(deadline, TcpStream::connect(address)).await {
            // Without it a short command may wait for the acknowledgement of the one before.
            Ok(Ok(stream)) => match stream.set_nodelay(true) {
                Ok(()) => return Ok(stream),
                Err(error) => trouble = format!("the line cannot be set up ({})", error.kind()),
            },
            Ok(Err(error)) => trouble = format!("no connection ({})", error.kind()),
            Err(_) => trouble = no_answer(deadline),
        }
    }
    Err(trouble)
}

/// That nothing came within `deadline`.
pub(super) fn no_answer(deadline: Duration) -> String {
    format!("no answer within {}", humantime::format_duration(deadline))
}
