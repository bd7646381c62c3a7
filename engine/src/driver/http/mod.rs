//! HTTP/1.1 and HTTP/2 on connections of this worker's own.
//!
//! Nothing is sent twice: a request goes to another connection only if not a byte of it was written to the first.

mod h1;
mod h2;
mod pool;
mod redirect;

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use compiler::artifact::HttpVersion;
use compiler::unit::Length;

use self::h1::{Answer, Bounds};
use self::pool::Slots;
use super::connect::Connector;
use super::stream::Stream;
use super::tls::{self, TlsError};
use crate::clock::{Clock, Ticks};
use crate::exchange::{Failure, FailureKind, Outcome, Request};
use crate::user::{AllowedTargets, Target};

/// Bytes that are read from a socket at a time.
const READ_BYTES: usize = 64 << 10;

/// Origins beside the targets that redirects may lead a worker to.
const ORIGINS_MAX: usize = 64;

/// Why a worker has no driver.
#[derive(Debug, thiserror::Error)]
pub enum DriverError {
    /// TLS cannot be set up.
    #[error("tls of endpoint `{endpoint}` cannot be set up")]
    Tls {
        /// Name of the endpoint.
        endpoint: String,
        /// Why.
        #[source]
        source: TlsError,
    },
}

/// Sends HTTP requests from one worker's thread.
#[derive(Clone)]
pub struct HttpDriver(Rc<Worker>);

/// What all connections of a worker share.
struct Worker {
    clock: Clock,
    /// Targets, then the origins that redirects have led to.
    servers: RefCell<Vec<Rc<Server>>>,
    targets: usize,
    allowed: AllowedTargets,
    /// What is read goes through here, so that an idle connection needs no buffer of its own.
    read_buffer: RefCell<Box<[u8]>>,
    write_buffer: RefCell<Vec<u8>>,
}

/// A server, ready to be connected to.
struct Server {
    place: usize,
    connector: Connector,
    target: Target,
}

/// Idle connections of one worker, or of one closed user; clones share them.
#[derive(Clone)]
pub struct HttpPool {
    worker: Rc<Worker>,
    slots: Rc<RefCell<Vec<Slots>>>,
}

/// What is known of a request so far.
struct Progress {
    outcome: Outcome,
    /// What did not happen in time, if nothing more does.
    phase: &'static str,
    /// The time limit that is running.
    limit_ns: u64,
    /// When something last happened.
    at: Ticks,
    /// Why the request could not be written to its end.
    write_failed: Option<String>,
}

/// How an exchange ended without a response.
enum Ended {
    /// The connection was closed before a byte of the request was written.
    Unsent,
    TimedOut,
    Failed(Failure),
}

/// An opened connection.
enum Opened {
    H1(Box<h1::Connection>),
    H2(Rc<h2::Session>),
}

impl HttpDriver {
    /// Returns a driver for `targets` that may send anywhere; see [`HttpDriver::within`].
    ///
    /// # Errors
    /// As there.
    pub fn new(targets: Vec<Target>, clock: Clock) -> Result<HttpDriver, DriverError> {
        HttpDriver::within(AllowedTargets::default(), targets, clock)
    }

    /// Returns a driver for `targets`, as a program numbers them; call it within the worker's runtime. What is sent to a
    /// server that is not `allowed`, as a target or by a redirect, fails as [`FailureKind::Denied`].
    ///
    /// # Errors
    /// TLS cannot be set up: a file cannot be read, or holds no certificate or key.
    pub fn within(
        allowed: AllowedTargets,
        targets: Vec<Target>,
        clock: Clock,
    ) -> Result<HttpDriver, DriverError> {
        let mut servers: Vec<Rc<Server>> = Vec::new();
        for (place, target) in targets.into_iter().enumerate() {
            // Targets that differ in their group alone share their sessions of TLS.
            let alike = |known: &&Rc<Server>| {
                known.target.tls == target.tls && known.target.version == target.version
            };
            let known = servers.iter().find(alike).map(|known| known.connector.tls());
            let tls = match (known, &target.tls) {
                (Some(tls), _) => tls,
                (None, None) => None,
                (None, Some(options)) => {
                    let endpoint = || target.endpoint.clone();
                    let tls = tls::connector(options, protocols(target.version));
                    Some(tls.map_err(|source| DriverError::Tls { endpoint: endpoint(), source })?)
                }
            };
            let connector = Connector::new(&target, clock.clone(), tls);
            servers.push(Rc::new(Server { place, connector, target }));
        }
        let targets = servers.len();
        Ok(HttpDriver(Rc::new(Worker {
            clock,
            servers: RefCell::new(servers),
            targets,
            allowed,
            read_buffer: RefCell::new(vec![0; READ_BYTES].into()),
            write_buffer: RefCell::default(),
        })))
    }

    /// Returns a new, empty pool.
    pub fn pool(&self) -> HttpPool {
        HttpPool { worker: Rc::clone(&self.0), slots: Rc::default() }
    }
}

/// Returns what is offered in the handshake of TLS, best first.
fn protocols(version: HttpVersion) -> &'static [&'static [u8]] {
    match version {
        HttpVersion::Auto => &[b"h2", b"http/1.1"],
        HttpVersion::Http1 => &[b"http/1.1"],
        HttpVersion::Http2 => &[b"h2"],
    }
}

impl HttpPool {
    /// Returns a new, empty pool of the same driver.
    pub(super) fn fresh(&self) -> HttpPool {
        HttpPool { worker: Rc::clone(&self.worker), slots: Rc::default() }
    }

    /// Sends one request and reads the response, within the request's time limit; follows redirects.
    pub(super) async fn send(&self, request: &Request) -> Outcome {
        let sent = self.worker.clock.now();
        let mut progress = Progress::new(sent, request.timeout_ns);
        let deadline = sent.saturating_add(request.timeout_ns);
        let ended = match self.worker.server(request.target) {
            Some(server) => {
                let answer = self.hop(&server, request, deadline, &mut progress).await;
                match answer {
                    Ok(Answer { location: Some(location), .. }) if progress.is_redirected() => {
                        let follow = self.follow(server, request, location, &mut progress);
                        // Boxed: most requests are not redirected, and need no room for it.
                        Box::pin(follow).await
                    }
                    other => other.map(|_| ()),
                }
            }
            None => {
                let targets = self.worker.targets;
                let why = format!("there is no target {} of {targets}", request.target);
                Err(Ended::Failed(Failure::new(FailureKind::Connect, why)))
            }
        };
        progress.end(ended, &self.worker.clock)
    }

    /// Sends one request of a chain and reads its response.
    async fn hop(
        &self,
        server: &Server,
        request: &Request,
        deadline: Ticks,
        progress: &mut Progress,
    ) -> Result<Answer, Ended> {
        if !request.head.path().starts_with('/') {
            let why = "the path cannot be sent: it does not begin with `/`";
            return Err(Ended::Failed(Failure::new(FailureKind::Render, why)));
        }
        let bounds = Bounds {
            deadline,
            first_byte_ns: server.target.first_byte_timeout_ns,
            max_head_bytes: server.target.max_header_bytes,
            max_body_bytes: server.target.max_body_bytes,
        };
        // Only a connection that was idle may have been closed meanwhile.
        while let Some(mut connection) = self.idle(server.place) {
            match connection.exchange(request, &self.worker, bounds, progress).await {
                Err(Ended::Unsent) => {}
                Ok(answer) => return Ok(self.give_back(server.place, connection, answer)),
                Err(ended) => return Err(ended),
            }
        }
        // Boxed: most requests find an idle connection, and need no room for the rest.
        Box::pin(self.hop_elsewhere(server, request, bounds, progress)).await
    }

    /// Sends a request on an open connection of HTTP/2, or on a new connection.
    async fn hop_elsewhere(
        &self,
        server: &Server,
        request: &Request,
        bounds: Bounds,
        progress: &mut Progress,
    ) -> Result<Answer, Ended> {
        loop {
            let (opened, new) = match self.session(server.place) {
                Some(session) => (Opened::H2(session), false),
                None => (self.open(server, bounds, progress).await?, true),
            };
            match opened {
                Opened::H1(mut connection) => {
                    let answer =
                        connection.exchange(request, &self.worker, bounds, progress).await?;
                    return Ok(self.give_back(server.place, connection, answer));
                }
                Opened::H2(session) => {
                    match session
                        .exchange(request, server, &self.worker.clock, bounds, progress)
                        .await
                    {
                        Err(Ended::Unsent) if !new => self.forget(server.place, &session),
                        ended => return ended,
                    }
                }
            }
        }
    }

    /// Opens a connection; one of HTTP/2 is the pool's from then on.
    async fn open(
        &self,
        server: &Server,
        bounds: Bounds,
        progress: &mut Progress,
    ) -> Result<Opened, Ended> {
        progress.phase = "no connection";
        let left_ns = bounds.deadline.saturating_sub(self.worker.clock.now());
        let limit_ns = match server.target.connect_timeout_ns {
            0 => left_ns,
            own => own.min(left_ns),
        };
        server.permitted(&self.worker.allowed).map_err(Ended::Failed)?;
        let opening = async {
            // Of HTTP/2 one connection serves many: who comes while it is being opened waits for it.
            let _turn = match server.connector.opens_alone() {
                true => Some(self.turn(server.place).await),
                false => None,
            };
            if let Some(session) = self.session(server.place) {
                return Ok(Opened::H2(session));
            }
            let opened = server.connector.connect(&mut progress.outcome.phases).await;
            let (stream, is_h2) = opened.map_err(|why| Failure::new(FailureKind::Connect, why))?;
            self.take_in(server, stream, is_h2).await
        };
        match tokio::time::timeout(Duration::from_nanos(limit_ns), opening).await {
            Ok(opened) => opened.map_err(Ended::Failed),
            Err(_) => {
                if limit_ns < left_ns {
                    progress.limit_ns = limit_ns;
                }
                Err(Ended::TimedOut)
            }
        }
    }

    async fn take_in(
        &self,
        server: &Server,
        stream: Stream,
        is_h2: bool,
    ) -> Result<Opened, Failure> {
        if !is_h2 {
            return Ok(Opened::H1(Box::new(h1::Connection::new(stream))));
        }
        let session = Rc::new(h2::Session::open(stream, server.target.max_header_bytes).await?);
        self.keep(server.place, Rc::clone(&session));
        Ok(Opened::H2(session))
    }
}

impl Worker {
    fn server(&self, place: usize) -> Option<Rc<Server>> {
        self.servers.borrow().get(place).cloned()
    }
}

impl Server {
    /// Checks that requests may go there. It is looked at before each connection is opened: without one nothing is sent.
    fn permitted(&self, allowed: &AllowedTargets) -> Result<(), Failure> {
        let (host, port) = (&self.target.host, self.target.port);
        if allowed.allow(host, port) {
            return Ok(());
        }
        let why = format!("{host}:{port} is not among the allowed targets here");
        Err(Failure::new(FailureKind::Denied, why))
    }
}

impl Progress {
    fn new(sent: Ticks, limit_ns: u64) -> Progress {
        Progress {
            outcome: Outcome { sent, ..Outcome::default() },
            phase: "no connection",
            limit_ns,
            at: 0,
            write_failed: None,
        }
    }

    fn is_redirected(&self) -> bool {
        self.outcome.status.is_some_and(|status| [301, 302, 303, 307, 308].contains(&status))
    }

    fn end(self, ended: Result<(), Ended>, clock: &Clock) -> Outcome {
        let Progress { mut outcome, phase, limit_ns, at, .. } = self;
        outcome.ended = at;
        let failure = match ended {
            Ok(()) => return outcome,
            Err(Ended::Failed(failure)) => failure,
            Err(Ended::TimedOut) => {
                Failure::new(FailureKind::Timeout, format!("{phase} within {}", Length(limit_ns)))
            }
            Err(Ended::Unsent) => {
                protocol("the server closed the connection before the request was sent")
            }
        };
        outcome.ended = clock.now();
        outcome.failure = Some(failure);
        outcome
    }
}

fn too_large(max_bytes: u64) -> Failure {
    Failure::new(FailureKind::BodyTooLarge, format!("the body is larger than {max_bytes} bytes"))
}

fn closed() -> Failure {
    protocol("the connection was closed before the response ended")
}

fn protocol(why: &str) -> Failure {
    Failure::new(FailureKind::Protocol, why)
}

impl fmt::Debug for HttpDriver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpDriver").field("targets", &self.0.targets).finish()
    }
}

#[cfg(test)]
mod tests;
