//! HTTP/1.1 on a connection that the request itself drives: no task for a connection, nothing is woken but the
//! transaction, and an idle connection holds no buffer.
//!
//! Written here because a general client's buffers and hand-overs cost more than the rest of a request together; heads
//! are parsed by `httparse`.

mod body;
mod head;
mod reader;

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::Method;
use tokio::io::{AsyncRead as _, AsyncWrite as _, ReadBuf};

use self::reader::Reader;
use super::{Ended, Progress, Worker};
use crate::clock::Ticks;
use crate::driver::alarm::Alarm;
use crate::driver::stream::Stream;
use crate::exchange::{Failure, FailureKind, Request};

/// Bodies up to this size are sent in one piece with their head.
const JOINED_MAX: usize = 16 << 10;

/// An open connection, driven by whoever holds it.
pub(super) struct Connection {
    stream: Stream,
    alarm: Alarm,
    /// Whether it has carried a request; only then can the server have closed it unseen.
    used: bool,
}

/// What bounds an exchange.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// When it must have ended.
    pub(super) deadline: Ticks,
    /// Longest time to the first byte of the response, in nanoseconds; 0 for the deadline alone.
    pub(super) first_byte_ns: u64,
    pub(super) max_head_bytes: u64,
    pub(super) max_body_bytes: u64,
}

/// A response, read to its end.
pub(super) struct Answer {
    pub(super) location: Option<String>,
    /// Whether the connection may be used again.
    pub(super) keep_alive: bool,
}

impl Connection {
    pub(super) fn new(stream: Stream) -> Connection {
        Connection { stream, alarm: Alarm::default(), used: false }
    }

    /// Returns whether an idle connection can take a request: nothing has come on it, not even its end.
    pub(super) fn is_open(&mut self) -> bool {
        let mut byte = [0u8; 1];
        // Nobody waits for an idle connection, so nobody is to be woken by it.
        let cx = &mut Context::from_waker(Waker::noop());
        Pin::new(&mut self.stream).poll_read(cx, &mut ReadBuf::new(&mut byte)).is_pending()
    }

    /// Sends a request and reads the response.
    ///
    /// # Errors
    /// [`Ended::Unsent`] if the connection was closed before a byte of the request was written.
    pub(super) async fn exchange(
        &mut self,
        request: &Request,
        worker: &Worker,
        bounds: Bounds,
        progress: &mut Progress,
    ) -> Result<Answer, Ended> {
        let reused = std::mem::replace(&mut self.used, true);
        progress.phase = "no response";
        let mut exchange = Exchange {
            connection: self,
            worker,
            bounds,
            reused,
            rest: None,
            written: 0,
            write_ended: 0,
            first_byte: 0,
            reader: Reader::new(request, bounds),
        };
        poll_fn(|cx| exchange.poll(cx, request, progress)).await
    }
}

/// A request on its way, and its response.
struct Exchange<'a> {
    connection: &'a mut Connection,
    worker: &'a Worker,
    bounds: Bounds,
    reused: bool,
    /// What has not been written yet of the head, and how much has been of the body; `None` before the first write.
    rest: Option<Unwritten>,
    /// Bytes that were written.
    written: u64,
    /// When the last byte was written; 0 before.
    write_ended: Ticks,
    /// When the first byte came; 0 before.
    first_byte: Ticks,
    reader: Reader,
}

/// What is to be written when the socket takes more.
struct Unwritten {
    head: Vec<u8>,
    at: usize,
    body: Bytes,
}

impl Exchange<'_> {
    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        request: &Request,
        progress: &mut Progress,
    ) -> Poll<Result<Answer, Ended>> {
        if self.write_ended == 0
            && let Err(error) = self.write(cx, request, progress)
        {
            if self.reused && self.written == 0 {
                return Poll::Ready(Err(Ended::Unsent));
            }
            // The server may have answered before it closed: what it said is read before anything is complained of.
            self.write_ended = self.worker.clock.now();
            progress.write_failed = Some(error.to_string());
        }
        loop {
            let result = {
                let mut buffer = self.worker.read_buffer.borrow_mut();
                let mut buffer = ReadBuf::new(&mut buffer);
                match Pin::new(&mut self.connection.stream).poll_read(cx, &mut buffer) {
                    Poll::Pending => break,
                    Poll::Ready(Err(error)) => Err(broken(&error, progress)),
                    Poll::Ready(Ok(())) if buffer.filled().is_empty() => self.reader.end(progress),
                    Poll::Ready(Ok(())) => {
                        let bytes = buffer.filled();
                        progress.outcome.bytes_received += bytes.len() as u64;
                        if self.first_byte == 0 {
                            self.came(progress);
                        }
                        self.reader.feed(bytes, progress)
                    }
                }
            };
            match result {
                Ok(false) => {}
                Ok(true) => return Poll::Ready(Ok(self.answered(progress))),
                Err(failure) => return Poll::Ready(Err(Ended::Failed(failure))),
            }
        }
        self.poll_limit(cx, progress)
    }

    /// Writes what the socket takes.
    fn write(
        &mut self,
        cx: &mut Context<'_>,
        request: &Request,
        progress: &mut Progress,
    ) -> io::Result<()> {
        if self.rest.is_none() {
            let mut buffer = self.worker.write_buffer.borrow_mut();
            buffer.clear();
            compose(request, &mut buffer);
            let joined = request.body.len() <= JOINED_MAX;
            if joined {
                buffer.extend_from_slice(&request.body);
            }
            let taken = match Pin::new(&mut self.connection.stream).poll_write(cx, &buffer) {
                Poll::Ready(taken) => taken?,
                Poll::Pending => 0,
            };
            self.count(taken, progress);
            let body = if joined { Bytes::new() } else { request.body.clone() };
            if taken < buffer.len() || !body.is_empty() {
                let head = buffer[taken..].to_vec();
                self.rest = Some(Unwritten { head, at: 0, body });
            }
        }
        while let Some(rest) = &mut self.rest {
            let head = &rest.head[rest.at..];
            let bytes = if head.is_empty() { &rest.body[..] } else { head };
            if bytes.is_empty() {
                self.rest = None;
                break;
            }
            let Poll::Ready(taken) = Pin::new(&mut self.connection.stream).poll_write(cx, bytes)
            else {
                return Ok(());
            };
            let taken = taken?;
            if taken == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            if head.is_empty() {
                bytes::Buf::advance(&mut rest.body, taken);
            } else {
                rest.at += taken;
            }
            self.count(taken, progress);
        }
        // TLS may still hold records back.
        if Pin::new(&mut self.connection.stream).poll_flush(cx)?.is_ready() {
            self.write_ended = self.worker.clock.now();
        } else {
            self.rest = Some(Unwritten { head: Vec::new(), at: 0, body: Bytes::new() });
        }
        Ok(())
    }

    fn count(&mut self, bytes: usize, progress: &mut Progress) {
        self.written += bytes as u64;
        progress.outcome.bytes_sent += bytes as u64;
    }

    /// Notes that the first byte has come.
    fn came(&mut self, progress: &mut Progress) {
        let now = self.worker.clock.now();
        self.first_byte = now;
        progress.at = now;
        progress.phase = "the response did not end";
        // An answer that came while the request was still being written waited for nothing.
        let since = if self.write_ended == 0 { now } else { self.write_ended };
        add(&mut progress.outcome.phases.first_byte, now.saturating_sub(since));
    }

    /// Notes that the last byte has come.
    fn answered(&mut self, progress: &mut Progress) -> Answer {
        let now = if self.reader.reads > 1 { self.worker.clock.now() } else { self.first_byte };
        progress.at = now;
        add(&mut progress.outcome.phases.body, now.saturating_sub(self.first_byte));
        progress.outcome.body = Bytes::from(std::mem::take(&mut self.reader.kept));
        let head = self.reader.head.take();
        let (location, keep_alive) = match head {
            Some(head) => {
                progress.outcome.headers = head.headers;
                (head.location, head.keep_alive)
            }
            None => (None, false),
        };
        // What was not written in full would be taken for the next request.
        let whole = self.write_ended != 0 && progress.write_failed.is_none();
        Answer { location, keep_alive: keep_alive && whole }
    }

    fn poll_limit(
        &mut self,
        cx: &mut Context<'_>,
        progress: &mut Progress,
    ) -> Poll<Result<Answer, Ended>> {
        let Bounds { deadline, first_byte_ns, .. } = self.bounds;
        let waits = self.first_byte == 0 && self.write_ended != 0 && first_byte_ns != 0;
        let first_byte = self.write_ended.saturating_add(first_byte_ns);
        let (limit, early) =
            if waits && first_byte < deadline { (first_byte, true) } else { (deadline, false) };
        if self.connection.alarm.poll(cx, &self.worker.clock, limit).is_pending() {
            return Poll::Pending;
        }
        if early {
            progress.limit_ns = first_byte_ns;
            progress.phase = "no first byte";
        }
        Poll::Ready(Err(Ended::TimedOut))
    }
}

/// Writes the head of a request with what delimits its body.
fn compose(request: &Request, out: &mut Vec<u8>) {
    out.extend_from_slice(request.head.as_str().as_bytes());
    // RFC 9110 §8.6: methods that mean a body say so when it is empty.
    let means_body = [Method::POST, Method::PUT, Method::PATCH].contains(&request.method);
    if means_body || !request.body.is_empty() {
        out.extend_from_slice(b"content-length: ");
        out.extend_from_slice(request.body.len().to_string().as_bytes());
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"\r\n");
}

fn broken(error: &io::Error, progress: &Progress) -> Failure {
    let why = progress.write_failed.clone().unwrap_or_else(|| error.to_string());
    Failure::new(FailureKind::Protocol, format!("the connection broke: {why}"))
}

/// Adds to a phase, which may occur more than once in a chain of redirects.
pub(super) fn add(phase: &mut Option<u64>, ns: u64) {
    *phase = Some(phase.unwrap_or(0) + ns);
}
