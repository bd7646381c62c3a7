//! What drivers and users speak: a request, what came of it, and why it failed.

use bytes::Bytes;
use http::{HeaderMap, Method};

use crate::clock::Ticks;

/// A rendered request, ready to be sent.
#[derive(Clone, Debug)]
pub struct Request {
    /// Which of the driver's targets it goes to (an endpoint as seen from one group).
    pub target: usize,
    /// Method.
    pub method: Method,
    /// Path and query in origin form, begins with `/`.
    pub path: String,
    /// Headers besides `host` and `content-length`, which the driver sets.
    pub headers: HeaderMap,
    /// Body; empty for none.
    pub body: Bytes,
    /// Longest time from the send to the last byte of the response.
    pub timeout_ns: u64,
    /// Whether the response's body is kept; otherwise it is read, counted and thrown away.
    pub body_wanted: bool,
}

/// What came of a request.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Status code; `None` when no response came.
    pub status: Option<u16>,
    /// Response headers.
    pub headers: HeaderMap,
    /// Response body, if it was wanted.
    pub body: Bytes,
    /// When the request was handed to the connection (or the connection began to be opened).
    pub sent: Ticks,
    /// When its last byte came, or it failed.
    pub ended: Ticks,
    /// Bytes of the request: line, headers, body.
    pub bytes_sent: u64,
    /// Bytes of the response: line, headers, body.
    pub bytes_received: u64,
    /// Why it failed, if the exchange itself did.
    pub failure: Option<Failure>,
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
