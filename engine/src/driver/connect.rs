//! Names → addresses → streams.

use std::cell::Cell;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;

use compiler::artifact::HttpVersion;
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio_rustls::TlsConnector;

use super::stream::Stream;
use super::tls;
use crate::clock::{Clock, Ticks};
use crate::exchange::Phases;
use crate::user::Target;

/// How long a failure of the resolver holds at most, in nanoseconds, so that a name that is gone is not asked for by
/// every arrival.
const RESOLVE_FAILED_NS: u64 = 1_000_000_000;

/// Opens connections to one target.
pub(super) struct Connector {
    clock: Clock,
    host: String,
    port: u16,
    tls: Option<TlsConnector>,
    /// Name that the server's certificate must have.
    server_name: String,
    version: HttpVersion,
    /// Whether the last connection turned out to speak HTTP/2; `None` before the first.
    spoke_h2: Cell<Option<bool>>,
    /// How long an answer of the resolver holds.
    resolve_ns: u64,
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
        let server_name = target.tls.as_ref().and_then(|tls| tls.server_name.clone());
        Connector {
            clock,
            host: target.host.clone(),
            port: target.port,
            tls,
            server_name: server_name.unwrap_or_else(|| target.host.clone()),
            version: target.version,
            spoke_h2: Cell::new(None),
            resolve_ns: target.resolve_ns,
            address: address.map(|address| SocketAddr::new(address, target.port)),
            resolved: Mutex::new(None),
            turn: Cell::new(0),
        }
    }

    /// Returns what its connections share of TLS.
    pub(super) fn tls(&self) -> Option<TlsConnector> {
        self.tls.clone()
    }

    /// Returns whether one connection may serve many, so that it is opened once and waited for.
    pub(super) fn opens_alone(&self) -> bool {
        match (self.version, &self.tls) {
            (HttpVersion::Http2, _) => true,
            (HttpVersion::Auto, Some(_)) => self.spoke_h2.get() != Some(false),
            (HttpVersion::Auto, None) | (HttpVersion::Http1, _) => false,
        }
    }

    /// Opens a connection, notes how long its parts took, and returns whether it speaks HTTP/2.
    ///
    /// # Errors
    /// What went wrong, for people: the name is not found, nobody accepts, or TLS failed.
    pub(super) async fn connect(&self, phases: &mut Phases) -> Result<(Stream, bool), String> {
        let tcp = self.tcp(phases).await;
        let tcp = tcp.map_err(|why| format!("{}:{}: {why}", self.host, self.port))?;
        // Requests are written whole; waiting for more to send would only add latency.
        tcp.set_nodelay(true).map_err(|error| error.to_string())?;
        let Some(tls) = &self.tls else {
            return Ok((Stream::Plain(tcp), self.version == HttpVersion::Http2));
        };
        let begun = self.clock.now();
        let tls = tls::shake_hands(tls, &self.server_name, tcp).await?;
        self.took(&mut phases.tls, begun);
        let is_h2 = tls.get_ref().1.alpn_protocol() == Some(b"h2");
        if self.version == HttpVersion::Http2 && !is_h2 {
            return Err("tls: the server does not speak HTTP/2".to_owned());
        }
        self.spoke_h2.set(Some(is_h2));
        Ok((Stream::Tls(Box::new(tls)), is_h2))
    }

    /// Adds the time since `begun` to a phase, which may occur more than once in a chain of redirects.
    fn took(&self, phase: &mut Option<u64>, begun: Ticks) {
        let ns = self.clock.now().saturating_sub(begun);
        *phase = Some(phase.unwrap_or(0) + ns);
    }

    async fn tcp(&self, phases: &mut Phases) -> Result<TcpStream, String> {
        let begun = self.clock.now();
        let one;
        let many;
        let addresses: &[SocketAddr] = match self.address {
            Some(address) => {
                one = [address];
                &one
            }
            None => {
                many = self.resolve().await?;
                self.took(&mut phases.dns, begun);
                &many
            }
        };
        let turn = self.turn.get();
        self.turn.set(turn.wrapping_add(1));
        let begun = self.clock.now();
        let mut last = "the name has no address".to_owned();
        for at in 0..addresses.len() {
            let address = addresses[turn.wrapping_add(at) % addresses.len()];
            match TcpStream::connect(address).await {
                Ok(stream) => {
                    self.took(&mut phases.connect, begun);
                    return Ok(stream);
                }
                Err(error) => last = error.to_string(),
            }
        }
        Err(last)
    }

    async fn resolve(&self) -> Result<Rc<[SocketAddr]>, String> {
        let mut resolved = self.resolved.lock().await;
        let now = self.clock.now();
        if let Some(last) = &*resolved {
            let holds = match last.answer {
                Ok(_) => self.resolve_ns,
                Err(_) => self.resolve_ns.min(RESOLVE_FAILED_NS),
            };
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
