//! HTTP/1.1 on connections of this worker's own.
//!
//! A request drives its connection itself: there is no task for a connection, so nothing is woken but the transaction.
//! Redirects are not followed: a 3xx is an answer like any other.

use std::cell::RefCell;
use std::error::Error;
use std::fmt;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_LENGTH, HOST};
use http::uri::PathAndQuery;
use http::{HeaderValue, Method, Response, Uri};
use http_body_util::Full;
use hyper::body::{Body as _, Frame, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;

use super::connect::Connector;
use super::stream::{Counts, Stream};
use super::tls;
use crate::clock::Clock;
use crate::exchange::{Failure, FailureKind, Outcome, Request};
use crate::user::Target;

/// Idle connections that a pool keeps for one target; more are closed when their request has ended.
const IDLE_MAX: usize = 4096;

/// Why a worker has no driver.
#[derive(Debug, thiserror::Error)]
pub enum DriverError {
    /// TLS cannot be set up.
    #[error("tls cannot be set up")]
    Tls(#[source] rustls::Error),
    /// An address that cannot stand in a `host` header.
    #[error("`{0}` cannot stand in a `host` header")]
    Host(String),
}

/// Sends HTTP/1.1 requests from one worker's thread.
#[derive(Clone)]
pub struct HttpDriver(Rc<Shared>);

struct Shared {
    clock: Clock,
    servers: Vec<Server>,
}

/// A target, ready to be connected to.
struct Server {
    connector: Connector,
    host: HeaderValue,
    max_body_bytes: u64,
}

/// Idle connections of one worker, or of one closed user; clones share them.
#[derive(Clone)]
pub struct HttpPool {
    shared: Rc<Shared>,
    /// For each target; the last one that became idle is used first, so that the others can go cold.
    #[expect(clippy::vec_box, reason = "each request takes one out and puts it back")]
    idle: Rc<RefCell<Vec<Vec<Box<Connection>>>>>,
}

/// An open connection, driven by whoever holds it; some kilobytes, so it is boxed for as long as it is open.
struct Connection {
    sender: SendRequest<Full<Bytes>>,
    wire: Wire,
    counts: Rc<Counts>,
}

/// What moves a connection's bytes.
struct Wire {
    io: http1::Connection<TokioIo<Stream>, Full<Bytes>>,
    /// It must not be polled again.
    ended: bool,
}

/// What is known of a request so far; it outlives a time-out.
struct Progress {
    outcome: Outcome,
    phase: &'static str,
    /// The connection's counts, and what they were before the request.
    counted: Option<(Rc<Counts>, u64, u64)>,
}

/// A message that hyper never began to send.
struct Unsent(http::Request<Full<Bytes>>);

type Attempt<T> = Result<Result<T, Unsent>, Failure>;

impl HttpDriver {
    /// Returns a driver for `targets`, as a program numbers them.
    ///
    /// # Errors
    /// TLS cannot be set up, or a target's name cannot be sent.
    pub fn new(targets: Vec<Target>, clock: Clock) -> Result<HttpDriver, DriverError> {
        let tls = targets.iter().any(|target| target.tls);
        let tls = if tls { Some(tls::connector().map_err(DriverError::Tls)?) } else { None };
        HttpDriver::with_tls(&targets, clock, tls)
    }

    fn with_tls(
        targets: &[Target],
        clock: Clock,
        tls: Option<tokio_rustls::TlsConnector>,
    ) -> Result<HttpDriver, DriverError> {
        let mut servers = Vec::new();
        for target in targets {
            let tls = tls.clone().filter(|_| target.tls);
            let host = HeaderValue::from_str(&target.authority)
                .map_err(|_| DriverError::Host(target.authority.clone()))?;
            let max_body_bytes = target.max_body_bytes;
            let connector = Connector::new(target, clock.clone(), tls);
            servers.push(Server { connector, host, max_body_bytes });
        }
        Ok(HttpDriver(Rc::new(Shared { clock, servers })))
    }

    /// Returns a new, empty pool.
    pub fn pool(&self) -> HttpPool {
        let idle = self.0.servers.iter().map(|_| Vec::new()).collect();
        HttpPool { shared: Rc::clone(&self.0), idle: Rc::new(RefCell::new(idle)) }
    }
}

impl HttpPool {
    /// Sends one request and reads the response, within the request's time limit.
    pub(super) async fn send(&self, request: Request) -> Outcome {
        let clock = &self.shared.clock;
        let limit = Duration::from_nanos(request.timeout_ns);
        let mut progress = Progress {
            outcome: Outcome { sent: clock.now(), ..Outcome::default() },
            phase: "no connection",
            counted: None,
        };
        let ended = tokio::time::timeout(limit, self.exchange(request, &mut progress)).await;
        let Progress { mut outcome, phase, counted } = progress;
        outcome.ended = clock.now();
        outcome.failure = match ended {
            Ok(ended) => ended.err(),
            Err(_) => {
                let limit = compiler::unit::Length(u64::try_from(limit.as_nanos()).unwrap_or(0));
                Some(Failure::new(FailureKind::Timeout, format!("{phase} within {limit}")))
            }
        };
        if let Some((counts, sent, received)) = counted {
            outcome.bytes_sent = counts.sent.get() - sent;
            outcome.bytes_received = counts.received.get() - received;
        }
        outcome
    }

    async fn exchange(&self, request: Request, progress: &mut Progress) -> Result<(), Failure> {
        let (target, body_wanted) = (request.target, request.body_wanted);
        let Some(server) = self.shared.servers.get(target) else {
            let servers = self.shared.servers.len();
            return Err(connect_failure(&format!("there is no target {target} of {servers}")));
        };
        let mut message = server.message(request)?;
        // Only what hyper gives back was not sent; only a connection that was idle may have been closed meanwhile.
        while let Some(mut connection) = self.idle_connection(target) {
            match connection.send(message, progress).await? {
                Ok(response) => {
                    return self.finish(target, connection, response, body_wanted, progress).await;
                }
                Err(Unsent(unsent)) => message = unsent,
            }
        }
        // Boxed: most requests find a connection, and need no room for the opening of one.
        let mut connection = Box::pin(server.open()).await?;
        match connection.send(message, progress).await? {
            Ok(response) => self.finish(target, connection, response, body_wanted, progress).await,
            Err(Unsent(_)) => Err(Failure::new(
                FailureKind::Protocol,
                "the server closed the connection before the request was sent",
            )),
        }
    }

    /// Reads the response and gives the connection back.
    async fn finish(
        &self,
        target: usize,
        mut connection: Box<Connection>,
        response: Response<Incoming>,
        body_wanted: bool,
        progress: &mut Progress,
    ) -> Result<(), Failure> {
        progress.phase = "the response did not end";
        let (head, body) = response.into_parts();
        progress.outcome.status = Some(head.status.as_u16());
        progress.outcome.headers = head.headers;
        let max_bytes = self.shared.servers[target].max_body_bytes;
        progress.outcome.body = connection.read(body, max_bytes, body_wanted).await?;
        if connection.is_open() {
            let mut idle = self.idle.borrow_mut();
            if let Some(idle) = idle.get_mut(target).filter(|idle| idle.len() < IDLE_MAX) {
                idle.push(connection);
            }
        }
        Ok(())
    }

    /// Takes the connection that became idle last, and is still open.
    fn idle_connection(&self, target: usize) -> Option<Box<Connection>> {
        loop {
            let mut connection = self.idle.borrow_mut().get_mut(target)?.pop()?;
            if connection.is_open() {
                return Some(connection);
            }
        }
    }
}

impl Server {
    fn message(&self, request: Request) -> Result<http::Request<Full<Bytes>>, Failure> {
        if !request.path.starts_with('/') {
            let detail = "the path cannot be sent: it does not begin with `/`";
            return Err(Failure::new(FailureKind::Render, detail));
        }
        let path = PathAndQuery::from_maybe_shared(Bytes::from(request.path));
        let path = path.map_err(|error| {
            Failure::new(FailureKind::Render, format!("the path cannot be sent: {error}"))
        })?;
        let empty = request.body.is_empty();
        let mut message = http::Request::new(Full::new(request.body));
        *message.method_mut() = request.method;
        *message.uri_mut() = Uri::from(path);
        *message.headers_mut() = request.headers;
        if !message.headers().contains_key(HOST) {
            message.headers_mut().insert(HOST, self.host.clone());
        }
        // RFC 9110 §8.6: methods that mean a body say so when it is empty; hyper does not.
        if empty && [Method::POST, Method::PUT, Method::PATCH].contains(message.method()) {
            message.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        Ok(message)
    }

    async fn open(&self) -> Result<Box<Connection>, Failure> {
        let counts = Rc::new(Counts::default());
        let stream = self.connector.connect(Rc::clone(&counts)).await;
        let stream = stream.map_err(|why| connect_failure(&why))?;
        let (sender, io) = http1::handshake(TokioIo::new(stream)).await.map_err(protocol)?;
        Ok(Box::new(Connection { sender, wire: Wire { io, ended: false }, counts }))
    }
}

impl Connection {
    /// Does what there is to do on the connection; returns whether it can take a request.
    fn is_open(&mut self) -> bool {
        // Nobody waits for an idle connection, so nobody is to be woken by it.
        self.wire.work(&mut Context::from_waker(Waker::noop()));
        !self.wire.ended && self.sender.is_ready()
    }

    async fn send(
        &mut self,
        message: http::Request<Full<Bytes>>,
        progress: &mut Progress,
    ) -> Attempt<Response<Incoming>> {
        progress.phase = "no response";
        let (sent, received) = (self.counts.sent.get(), self.counts.received.get());
        progress.counted = Some((Rc::clone(&self.counts), sent, received));
        let mut response = pin!(self.sender.try_send_request(message));
        let wire = &mut self.wire;
        let answered = poll_fn(|cx| wire.drive(cx, |cx| response.as_mut().poll(cx))).await;
        match answered {
            Some(Ok(response)) => Ok(Ok(response)),
            Some(Err(mut error)) => match error.take_message() {
                Some(message) => Ok(Err(Unsent(message))),
                None => Err(protocol(error.into_error())),
            },
            None => Err(closed()),
        }
    }

    /// Reads a body to its end; keeps it only if it is wanted.
    async fn read(
        &mut self,
        mut body: Incoming,
        max_bytes: u64,
        wanted: bool,
    ) -> Result<Bytes, Failure> {
        let too_large = || {
            let detail = format!("the body is larger than {max_bytes} bytes");
            Failure::new(FailureKind::BodyTooLarge, detail)
        };
        let (mut first, mut rest) = (Bytes::new(), BytesMut::new());
        let mut bytes = 0u64;
        if body.size_hint().lower() > max_bytes {
            return Err(too_large());
        }
        while !body.is_end_stream() {
            let wire = &mut self.wire;
            let frame = poll_fn(|cx| wire.drive(cx, |cx| Pin::new(&mut body).poll_frame(cx))).await;
            let Some(frame) = frame.ok_or_else(closed)? else { break };
            let Ok(data) = frame.map_err(protocol).map(Frame::into_data)? else { continue };
            bytes += data.len() as u64;
            if bytes > max_bytes {
                return Err(too_large());
            }
            if !wanted {
                continue;
            }
            if first.is_empty() {
                first = data;
            } else {
                if rest.is_empty() {
                    rest.extend_from_slice(&first);
                }
                rest.extend_from_slice(&data);
            }
        }
        Ok(if rest.is_empty() { first } else { rest.freeze() })
    }
}

impl Wire {
    /// Does what there is to do.
    fn work(&mut self, cx: &mut Context<'_>) {
        if !self.ended {
            self.ended = Pin::new(&mut self.io).poll(cx).is_ready();
        }
    }

    /// Polls `wanted` and moves bytes for it; `None` if the connection ended without it.
    ///
    /// What is wanted comes about only by this connection's work, after which it is asked again: its own waker would
    /// wake this very task for what it has already got.
    fn drive<T>(
        &mut self,
        cx: &mut Context<'_>,
        mut wanted: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<Option<T>> {
        let unwoken = &mut Context::from_waker(Waker::noop());
        if let Poll::Ready(value) = wanted(unwoken) {
            return Poll::Ready(Some(value));
        }
        self.work(cx);
        match wanted(unwoken) {
            Poll::Ready(value) => Poll::Ready(Some(value)),
            Poll::Pending if self.ended => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    }
}

fn connect_failure(why: &str) -> Failure {
    Failure::new(FailureKind::Connect, why)
}

fn closed() -> Failure {
    Failure::new(FailureKind::Protocol, "the connection was closed before the response ended")
}

fn protocol(error: hyper::Error) -> Failure {
    let mut detail = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        detail.push_str(": ");
        detail.push_str(&error.to_string());
        source = error.source();
    }
    Failure::new(FailureKind::Protocol, detail)
}

impl fmt::Debug for HttpDriver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpDriver").field("targets", &self.0.servers.len()).finish()
    }
}

impl fmt::Debug for HttpPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let idle: usize = self.idle.borrow().iter().map(Vec::len).sum();
        f.debug_struct("HttpPool").field("idle", &idle).finish()
    }
}

#[cfg(test)]
mod tests;
