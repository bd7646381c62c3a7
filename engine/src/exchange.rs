//! What drivers and users speak: a request, what came of it, and why it failed.

use std::fmt::{self, Write as _};
use std::ops::Range;

use bytes::Bytes;
use http::{HeaderMap, Method};

use crate::clock::Ticks;

/// A rendered request, ready to be sent.
#[derive(Clone, Debug)]
pub struct Request {
    /// Which of the driver's targets it goes to (an endpoint as seen from one group).
    pub target: usize,
    /// Method, the same as in `head`.
    pub method: Method,
    /// Line and headers.
    pub head: Head,
    /// Body; empty for none.
    pub body: Bytes,
    /// Longest time from the send to the last byte of the response.
    pub timeout_ns: u64,
    /// Most redirects that are followed; 0 for none: a redirect is then an answer like any other.
    pub redirects: u32,
    /// What is kept of the response.
    pub wanted: Wanted,
}

/// What is kept of a response; the rest is read, counted and thrown away.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Wanted {
    /// Its headers.
    pub headers: bool,
    /// Its body.
    pub body: bool,
}

/// The line and the headers of a request as HTTP/1.1 writes them (RFC 9112 §3 and §5).
///
/// `content-length` and the empty line at the end are the driver's. Invariant: no value holds a line end.
#[derive(Clone, Default)]
pub struct Head {
    text: String,
    path: Range<usize>,
    /// Where the lines begin that name arrival and step.
    tracking: Option<usize>,
}

impl Request {
    /// Returns a request without headers to target 0 that keeps the whole response and follows no redirect, for who
    /// has no plan.
    pub fn new(method: Method, path: &str, timeout_ns: u64) -> Request {
        let mut head = Head::default();
        let text = head.begin(method.as_str(), |out| out.write_str(path));
        debug_assert!(text.is_ok(), "a text takes whatever is written");
        let wanted = Wanted { headers: true, body: true };
        Request { method, head, timeout_ns, wanted, ..Request::default() }
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Request {
        self.head.push_lines(&format!("{name}: {value}\r\n"));
        self
    }
}

impl Default for Request {
    /// Returns a buffer to render into.
    fn default() -> Request {
        Request {
            target: 0,
            method: Method::GET,
            head: Head::default(),
            body: Bytes::new(),
            timeout_ns: 0,
            redirects: 0,
            wanted: Wanted::default(),
        }
    }
}

impl Head {
    /// Begins anew, in the same buffer: a line of `method` and what `path` writes (path and query in origin form).
    ///
    /// # Errors
    /// Those of `path`.
    pub fn begin<E>(
        &mut self,
        method: &str,
        path: impl FnOnce(&mut String) -> Result<(), E>,
    ) -> Result<(), E> {
        self.text.clear();
        self.tracking = None;
        self.text.push_str(method);
        self.text.push(' ');
        let start = self.text.len();
        path(&mut self.text)?;
        self.path = start..self.text.len();
        self.text.push_str(" HTTP/1.1\r\n");
        Ok(())
    }

    /// Appends whole lines, each with its end.
    pub fn push_lines(&mut self, lines: &str) {
        self.text.push_str(lines);
    }

    /// Appends a number.
    pub fn push_number(&mut self, number: u64) {
        let written = write!(self.text, "{number}");
        debug_assert!(written.is_ok(), "a text takes whatever is written");
    }

    /// Appends a header whose value `value` writes.
    ///
    /// # Errors
    /// Those of `value`.
    pub fn push_header<E>(
        &mut self,
        name: &str,
        value: impl FnOnce(&mut String) -> Result<(), E>,
    ) -> Result<(), E> {
        self.text.push_str(name);
        self.text.push_str(": ");
        value(&mut self.text)?;
        self.text.push_str("\r\n");
        Ok(())
    }

    /// Says that what is appended from here on names arrival and step; the step comes last.
    pub fn begin_tracking(&mut self) {
        self.tracking = Some(self.text.len());
    }

    /// Returns line and headers, each with its end.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns path and query.
    pub fn path(&self) -> &str {
        &self.text[self.path.clone()]
    }

    /// Returns names and values in order.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.text.split("\r\n").skip(1).filter_map(|line| line.split_once(": "))
    }

    /// Returns the first value of a header; names are in lowercase.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers().find(|(it, _)| *it == name).map(|(_, value)| value)
    }

    /// Returns the head of the `hop`th further request (from 1) of a chain of redirects: with its arrival, with `~hop`
    /// behind its step, without `content-type` if it has no body. At another origin, whose `host` is given, nothing
    /// else is kept: headers may hold what only the first one may know.
    pub fn redirected(
        &self,
        to: (&Method, &str),
        hop: u32,
        host: Option<&str>,
        body: bool,
    ) -> Head {
        let mut head = Head::default();
        let own = self.tracking.unwrap_or(self.text.len());
        head.text = format!("{} {} HTTP/1.1\r\n", to.0, to.1);
        let start = to.0.as_str().len() + 1;
        head.path = start..start + to.1.len();
        for line in self.text[..own].split_inclusive("\r\n").skip(1) {
            let name = line.split_once(": ").map_or("", |(name, _)| name);
            match (name, host) {
                ("host", Some(host)) => head.push_lines(&format!("host: {host}\r\n")),
                ("content-type", _) if body => head.push_lines(line),
                ("content-type", _) | (_, Some(_)) => {}
                (_, None) => head.push_lines(line),
            }
        }
        if let Some(from) = self.tracking {
            head.begin_tracking();
            let lines = self.text[from..].trim_end();
            let step = lines.rsplit_once('~').filter(|_| hop > 1).map_or(lines, |(step, _)| step);
            head.push_lines(&format!("{step}~{hop}\r\n"));
        }
        head
    }
}

impl fmt::Debug for Head {
    /// Writes the path alone: headers may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Head").field(&self.path()).finish()
    }
}

/// What came of a request.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Status code; `None` when no response came.
    pub status: Option<u16>,
    /// Response headers, if they were wanted.
    pub headers: HeaderMap,
    /// Response body, if it was wanted.
    pub body: Bytes,
    /// When the request was handed to the connection (or the connection began to be opened).
    pub sent: Ticks,
    /// When its last byte came, or it failed.
    pub ended: Ticks,
    /// Bytes of the request: line, headers, body; of every hop.
    pub bytes_sent: u64,
    /// Bytes of the response: line, headers, body; of every hop.
    pub bytes_received: u64,
    /// Where the time went, over all hops.
    pub phases: Phases,
    /// Status codes of the redirects that were followed.
    pub hops: Vec<u16>,
    /// Why it failed, if the exchange itself did.
    pub failure: Option<Failure>,
}

/// Parts of a request's time in nanoseconds; `None` for what it did not need or never reached.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Phases {
    /// Looking up the host's address.
    pub dns: Option<u64>,
    /// Opening a TCP connection.
    pub connect: Option<u64>,
    /// Shaking hands over TLS.
    pub tls: Option<u64>,
    /// From the request's last byte to the response's first.
    pub first_byte: Option<u64>,
    /// From the response's first byte to its last.
    pub body: Option<u64>,
}

/// Why a step failed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Failure {
    /// What kind of failure; errors are grouped by it.
    pub kind: FailureKind,
    /// What happened, at most [`Failure::DETAIL_MAX`] bytes, never with a secret's value in it.
    pub detail: String,
}

impl Failure {
    /// Longest detail in bytes.
    pub const DETAIL_MAX: usize = 300;

    /// Returns a failure; a long detail is cut at a character.
    pub fn new(kind: FailureKind, detail: impl Into<String>) -> Failure {
        let mut detail = detail.into();
        if detail.len() > Failure::DETAIL_MAX {
            let cut = (0..=Failure::DETAIL_MAX).rev().find(|at| detail.is_char_boundary(*at));
            detail.truncate(cut.unwrap_or(0));
            detail.push('…');
        }
        Failure { kind, detail }
    }
}

/// Kinds of failure, as `result.json` names them.
#[derive(
    Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// No connection: name not found, refused, TLS.
    Connect,
    /// The server is not among those that requests may go to.
    Denied,
    /// The time limit of the step, the endpoint or the transaction ended.
    Timeout,
    /// The connection broke, or what came is no HTTP.
    Protocol,
    /// The body is larger than the endpoint's limit.
    BodyTooLarge,
    /// The status is not an accepted one.
    Status,
    /// Another expectation does not hold.
    Expect,
    /// A capture found nothing.
    Capture,
    /// The request could not be rendered: a value is missing or has no text.
    Render,
}

impl FailureKind {
    /// Returns the name that `result.json` uses.
    pub fn name(self) -> &'static str {
        match self {
            FailureKind::Connect => "connect",
            FailureKind::Denied => "denied",
            FailureKind::Timeout => "timeout",
            FailureKind::Protocol => "protocol",
            FailureKind::BodyTooLarge => "body_too_large",
            FailureKind::Status => "status",
            FailureKind::Expect => "expect",
            FailureKind::Capture => "capture",
            FailureKind::Render => "render",
        }
    }
}
