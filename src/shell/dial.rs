//! From a host name to a line.

use std::net::SocketAddr;
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
    first_of(addresses.take(ADDRESSES_MAX), deadline).await
}

async fn first_of(
    addresses: impl Iterator<Item = SocketAddr>,
    deadline: Duration,
) -> Result<TcpStream, String> {
    let mut trouble = "the host name has no address".to_owned();
    for address in addresses {
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

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::{TcpListener, TcpSocket};

    const DEADLINE: Duration = Duration::from_millis(300);

    /// A listener whose queue is full drops what comes, as a dead route does.
    async fn dead() -> (TcpListener, Vec<TcpStream>) {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(0).unwrap();
        let address = listener.local_addr().unwrap();
        let mut queued = Vec::new();
        while let Ok(stream) = timeout(DEADLINE, TcpStream::connect(address)).await {
            queued.push(stream.unwrap());
        }
        (listener, queued)
    }

    #[tokio::test]
    async fn an_address_that_never_answers_leaves_the_next_one_its_own_time() {
        let (dead, _queued) = dead().await;
        let dead = dead.local_addr().unwrap();
        let alive = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let alive = alive.local_addr().unwrap();
        let stream = first_of([dead, dead, alive].into_iter(), DEADLINE).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), alive);
        let none = first_of([dead].into_iter(), DEADLINE).await;
        assert_eq!(none.unwrap_err(), no_answer(DEADLINE));
    }
}
