//! HTTP/2: a connection that a task drives, and that many requests share.

use std::cell::Cell;
use std::future::poll_fn;
use std::rc::Rc;
use std::time::Duration;

use ::h2::client::{self, ResponseFuture, SendRequest};
use ::h2::{RecvStream, SendStream};
use bytes::{Bytes, BytesMut};
use http::{HeaderName, HeaderValue, Uri, Version};
use tokio::task::{AbortHandle, spawn_local};

use super::h1::{Answer, Bounds, add};
use super::{Ended, Progress, Server, protocol, too_large};
use crate::clock::{Clock, Ticks};
use crate::driver::stream::Stream;
use crate::exchange::{Failure, Request};

/// Flow-control windows in bytes: large enough that a load test is not held up by its own generator.
const STREAM_WINDOW: u32 = 1 << 20;
const CONNECTION_WINDOW: u32 = 16 << 20;

/// Requests that one connection carries at a time; servers allow about as many, and say if it is less.
const STREAMS_MAX: usize = 100;

/// An open connection.
pub(super) struct Session {
    send: SendRequest<Bytes>,
    running: Cell<usize>,
    ended: Rc<Cell<bool>>,
    driving: AbortHandle,
}

/// A request that runs on a session.
struct Running<'a>(&'a Session);

impl Session {
    /// Opens a session on a fresh stream.
    pub(super) async fn open(stream: Stream, max_head_bytes: u64) -> Result<Session, Failure> {
        let (send, connection) = client::Builder::new()
            .initial_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_header_list_size(u32::try_from(max_head_bytes).unwrap_or(u32::MAX))
            .enable_push(false)
            .handshake::<_, Bytes>(stream)
            .await
            .map_err(|error| failed(&error))?;
        let ended = Rc::new(Cell::new(false));
        let over = Rc::clone(&ended);
        let driving = spawn_local(async move {
            // What went wrong is told to each request that it concerns.
            drop(connection.await);
            over.set(true);
        });
        Ok(Session { send, running: Cell::new(0), ended, driving: driving.abort_handle() })
    }

    pub(super) fn is_open(&self) -> bool {
        !self.ended.get()
    }

    pub(super) fn has_room(&self) -> bool {
        self.running.get() < STREAMS_MAX.min(self.send.current_max_send_streams())
    }

    /// Sends a request and reads the response.
    ///
    /// # Errors
    /// [`Ended::Unsent`] if the connection takes no more requests.
    pub(super) async fn exchange(
        &self,
        request: &Request,
        server: &Server,
        clock: &Clock,
        bounds: Bounds,
        progress: &mut Progress,
    ) -> Result<Answer, Ended> {
        let _running = Running::new(self);
        let left = Duration::from_nanos(bounds.deadline.saturating_sub(clock.now()));
        let exchange = self.unbounded(request, server, clock, bounds, progress);
        match tokio::time::timeout(left, exchange).await {
            Ok(ended) => ended,
            Err(_) => Err(Ended::TimedOut),
        }
    }

    async fn unbounded(
        &self,
        request: &Request,
        server: &Server,
        clock: &Clock,
        bounds: Bounds,
        progress: &mut Progress,
    ) -> Result<Answer, Ended> {
        progress.phase = "no response";
        let mut send = self.send.clone().ready().await.map_err(|_| Ended::Unsent)?;
        let (message, head_bytes) = message(request, server).map_err(Ended::Failed)?;
        let sent = send.send_request(message, request.body.is_empty());
        let (response, stream) = sent.map_err(|error| Ended::Failed(failed(&error)))?;
        progress.outcome.bytes_sent += head_bytes;
        if !request.body.is_empty() {
            write(stream, request.body.clone(), progress).await.map_err(Ended::Failed)?;
        }
        let written = clock.now();
        let response = first_byte(response, bounds, written, clock, progress).await?;
        let came = clock.now();
        progress.at = came;
        add(&mut progress.outcome.phases.first_byte, came.saturating_sub(written));
        progress.phase = "the response did not end";
        let (head, body) = response.into_parts();
        progress.outcome.status = Some(head.status.as_u16());
        let lines = head.headers.iter().map(|(name, value)| line_bytes(name.as_str(), value.len()));
        progress.outcome.bytes_received += lines.sum::<u64>();
        let body = read(body, bounds.max_body_bytes, request.wanted.body, progress);
        let body = body.await.map_err(Ended::Failed)?;
        progress.at = clock.now();
        add(&mut progress.outcome.phases.body, progress.at.saturating_sub(came));
        progress.outcome.body = body;
        let location = head.headers.get("location").filter(|_| request.redirects > 0);
        let location = location.map(|to| String::from_utf8_lossy(to.as_bytes()).into_owned());
        if request.wanted.headers {
            progress.outcome.headers = head.headers;
        }
        Ok(Answer { location, keep_alive: true })
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.driving.abort();
    }
}

impl<'a> Running<'a> {
    fn new(session: &'a Session) -> Running<'a> {
        session.running.set(session.running.get() + 1);
        Running(session)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.running.set(self.0.running.get().saturating_sub(1));
    }
}

/// Waits for the head of a response.
async fn first_byte(
    response: ResponseFuture,
    bounds: Bounds,
    written: Ticks,
    clock: &Clock,
    progress: &mut Progress,
) -> Result<http::Response<RecvStream>, Ended> {
    let left_ns = bounds.deadline.saturating_sub(clock.now());
    let limit_ns = match bounds.first_byte_ns {
        0 => u64::MAX,
        own => written.saturating_add(own).saturating_sub(clock.now()),
    };
    if limit_ns >= left_ns {
        return response.await.map_err(|error| Ended::Failed(failed(&error)));
    }
    match tokio::time::timeout(Duration::from_nanos(limit_ns), response).await {
        Ok(response) => response.map_err(|error| Ended::Failed(failed(&error))),
        Err(_) => {
            progress.limit_ns = bounds.first_byte_ns;
            progress.phase = "no first byte";
            Err(Ended::TimedOut)
        }
    }
}

/// Returns the request as HTTP/2 has it, and how many bytes its head has as text: what is sent is compressed together
/// with what other requests sent before.
fn message(request: &Request, server: &Server) -> Result<(http::Request<()>, u64), Failure> {
    let invalid = |error: &dyn std::fmt::Display| {
        Failure::new(
            crate::exchange::FailureKind::Render,
            format!("the request cannot be sent: {error}"),
        )
    };
    let scheme = if server.target.tls.is_some() { "https" } else { "http" };
    let authority = request.head.header("host").unwrap_or(&server.target.authority);
    let uri =
        Uri::builder().scheme(scheme).authority(authority).path_and_query(request.head.path());
    let mut message = http::Request::new(());
    *message.method_mut() = request.method.clone();
    *message.uri_mut() = uri.build().map_err(|error| invalid(&error))?;
    *message.version_mut() = Version::HTTP_2;
    let mut bytes = request.head.path().len() as u64;
    for (name, value) in request.head.headers() {
        bytes += line_bytes(name, value.len());
        // RFC 9113 §8.2.2: what speaks of the connection has no place here.
        if ["host", "connection", "keep-alive", "proxy-connection", "upgrade", "te"].contains(&name)
        {
            continue;
        }
        let key = HeaderName::from_bytes(name.as_bytes()).map_err(|error| invalid(&error))?;
        let mut value = HeaderValue::from_str(value).map_err(|error| invalid(&error))?;
        value.set_sensitive(["authorization", "cookie"].contains(&name));
        message.headers_mut().append(key, value);
    }
    if !request.body.is_empty() {
        message.headers_mut().insert("content-length", HeaderValue::from(request.body.len()));
    }
    Ok((message, bytes))
}

/// Returns how long a header is as text: `name: value` and the line's end.
fn line_bytes(name: &str, value: usize) -> u64 {
    (name.len() + value + 4) as u64
}

/// Sends a body as fast as the server takes it.
async fn write(
    mut stream: SendStream<Bytes>,
    mut body: Bytes,
    progress: &mut Progress,
) -> Result<(), Failure> {
    while !body.is_empty() {
        stream.reserve_capacity(body.len());
        let room = match poll_fn(|cx| stream.poll_capacity(cx)).await {
            Some(Ok(room)) => room.min(body.len()),
            // The server has answered already, or has closed: the response says which.
            Some(Err(_)) | None => return Ok(()),
        };
        let part = body.split_to(room);
        progress.outcome.bytes_sent += part.len() as u64;
        let last = body.is_empty();
        stream.send_data(part, last).map_err(|error| failed(&error))?;
    }
    Ok(())
}

/// Reads a body to its end; keeps it only if it is wanted.
async fn read(
    mut body: RecvStream,
    max_bytes: u64,
    wanted: bool,
    progress: &mut Progress,
) -> Result<Bytes, Failure> {
    let (mut kept, mut bytes) = (BytesMut::new(), 0u64);
    while let Some(data) = body.data().await {
        let data = data.map_err(|error| failed(&error))?;
        bytes += data.len() as u64;
        progress.outcome.bytes_received += data.len() as u64;
        if bytes > max_bytes {
            return Err(too_large(max_bytes));
        }
        body.flow_control().release_capacity(data.len()).map_err(|error| failed(&error))?;
        if wanted {
            kept.extend_from_slice(&data);
        }
    }
    Ok(kept.freeze())
}

fn failed(error: &::h2::Error) -> Failure {
    protocol(&format!("http/2: {error}"))
}
