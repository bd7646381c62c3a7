//! Names → addresses → streams.

use std::cell::Cell;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;

use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio_rustls::TlsConnector;

use super::stream::{Counts, Stream, Transport};
use super::tls;
use crate::clock::{Clock, Ticks};
use crate::user::Target;

/// How long an answer of the resolver holds, in nanoseconds; an address that is kept for ever is another load.
const RESOLVE_AGAIN_NS: u64 = 30_000_000_000;

/// How long a failure of the resolver holds, in nanoseconds, so that a name that is gone is not asked for by every
/// arrival.
const RESOLVE_FAILED_NS: u64 = 1_000_000_000;

/// Opens connections to one target.
pub(super) struct Connector {
    clock: Clock,
    host: String,
    port: u16,
    tls: Option<TlsConnector>,
    /// An address that needs no resolver.
    address: Option<SocketAddr>,
    /// The last answer; who waits for the lock shares the next.
    resolved: Mutex<Option<Resolved>>,
    /// Addresses take turns.
    turn: Cell<usize>,
}

struct Resolved {
    at: Ticks,
    answer: Result<Rc<[SocketAddr]>, String>,
}

impl Connector {
    pub(super) fn new(target: &Target, clock: Clock, tls: Option<TlsConnector>) -> Connector {
        let address = target.host.parse::<IpAddr>().ok();
        Connector {
            clock,
            host: target.host.clone(),
            port: target.port,
            tls,
            address: address.map(|address| SocketAddr::new(address, target.port)),
            resolved: Mutex::new(None),
            turn: Cell::new(0),
        }
    }

    /// Opens a connection.
    ///
    /// # Errors
    /// What went wrong, for people: the name is not found, nobody accepts, or TLS failed.
    pub(super) async fn connect(&self, counts: Rc<Counts>) -> Result<Stream, String> {
        let tcp = self.tcp().await.map_err(|why| format!("{}:{}: {why}", self.host, self.port))?;
        // Requests are written whole; waiting for more to send would only add latency.
        tcp.set_nodelay(true).map_err(|error| error.to_string())?;
        let transport = match &self.tls {
            None => Transport::Plain(tcp),
            Some(tls) => Transport::Tls(Box::new(tls::shake_hands(tls, &self.host, tcp).await?)),
        };
        Ok(Stream::new(transport, counts))
    }

    async fn tcp(&self) -> Result<TcpStream, String> {
        if let Some(address) = self.address {
            return TcpStream::connect(address).await.map_err(|error| error.to_string());
        }
        let addresses = self.resolve().await?;
        let turn = self.turn.get();
        self.turn.set(turn.wrapping_add(1));
        let mut last = "the name has no address".to_owned();
        for at in 0..addresses.len() {
            let address = addresses[turn.wrapping_add(at) % addresses.len()];
            match TcpStream::connect(address).await {
                Ok(stream) => return Ok(stream),
                Err(error) => last = error.to_string(),
            }
        }
        Err(last)
    }

    async fn resolve(&self) -> Result<Rc<[SocketAddr]>, String> {
        let mut resolved = self.resolved.lock().await;
        let now = self.clock.now();
        if let Some(last) = &*resolved {
            let holds = if last.answer.is_ok() { RESOLVE_AGAIN_NS } else { RESOLVE_FAILED_NS };
            if now.saturating_sub(last.at) < holds {
                return last.answer.clone();
            }
        }
        let found = tokio::net::lookup_host((self.host.as_str(), self.port)).await;
        let answer = found.map(Iterator::collect).map_err(|error| error.to_string());
        *resolved = Some(Resolved { at: now, answer: answer.clone() });
        answer
    }
}
