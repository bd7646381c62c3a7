//! A driver that answers by a script instead of a network, for tests in virtual time.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;

use crate::clock::Clock;
use crate::exchange::{Failure, FailureKind, Outcome, Request};

/// What a script answers.
#[derive(Clone, Debug)]
pub struct Answer {
    /// From the send to the last byte, in nanoseconds; 0 answers without waiting.
    pub latency_ns: u64,
    /// Status code.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// Body.
    pub body: Bytes,
    /// Fails the exchange after the latency; there is no response then.
    pub failure: Option<Failure>,
}

impl Answer {
    /// Returns an empty response with this status after this latency.
    pub fn new(status: u16, latency_ns: u64) -> Answer {
        Answer { latency_ns, status, headers: HeaderMap::new(), body: Bytes::new(), failure: None }
    }

    /// Returns a failed exchange after this latency.
    pub fn failed(failure: Failure, latency_ns: u64) -> Answer {
        Answer { failure: Some(failure), ..Answer::new(0, latency_ns) }
    }

    /// Replaces the body.
    #[must_use]
    pub fn body(self, body: impl Into<Bytes>) -> Answer {
        Answer { body: body.into(), ..self }
    }
}

/// Decides the answer to each request; shared by the workers of a node.
#[derive(Clone)]
pub struct Script(Arc<dyn Fn(&Request) -> Answer + Send + Sync>);

impl Script {
    /// Takes the deciding function.
    pub fn new(answer: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Script {
        Script(Arc::new(answer))
    }
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Script")
    }
}

/// Answers by a [`Script`].
///
/// `sent` is the clock's reading; `ended` is `sent` plus the latency, whatever the clock says then, so that figures are
/// exact both under a clock that is moved by hand and in tokio's paused time.
#[derive(Clone, Debug)]
pub struct ScriptDriver {
    script: Script,
    clock: Clock,
}

impl ScriptDriver {
    /// Returns a driver that answers by `script`.
    pub fn new(script: Script, clock: Clock) -> ScriptDriver {
        ScriptDriver { script, clock }
    }

    /// Answers one request.
    pub(super) async fn send(&self, request: &Request) -> Outcome {
        let sent = self.clock.now();
        let answer = (self.script.0)(request);
        let timed_out = answer.latency_ns > request.timeout_ns;
        let taken_ns = answer.latency_ns.min(request.timeout_ns);
        if taken_ns > 0 {
            tokio::time::sleep(Duration::from_nanos(taken_ns)).await;
        }
        let failure = if timed_out {
            Some(Failure::new(FailureKind::Timeout, "no answer within the time limit"))
        } else {
            answer.failure
        };
        let mut outcome = Outcome {
            sent,
            ended: sent + taken_ns,
            bytes_sent: request.body.len() as u64,
            failure,
            ..Outcome::default()
        };
        if outcome.failure.is_none() {
            outcome.status = Some(answer.status);
            outcome.bytes_received = answer.body.len() as u64;
            if request.wanted.headers {
                outcome.headers = answer.headers;
            }
            if request.wanted.body {
                outcome.body = answer.body;
            }
        }
        outcome
    }
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::*;
    use crate::driver::Driver;

    fn request(path: &str) -> Request {
        Request::new(Method::GET, path, 1_000_000_000)
    }

    #[tokio::test(start_paused = true)]
    async fn answers_take_the_time_that_the_script_says() {
        let script = Script::new(|request| match request.head.path() {
            "/slow" => Answer::new(200, 2_000_000_000),
            _ => Answer::new(201, 5_000_000).body("hello"),
        });
        let pool = Driver::Script(ScriptDriver::new(script, Clock::fake())).pool();
        let outcome = pool.send(&request("/")).await;
        assert_eq!((outcome.status, outcome.ended - outcome.sent), (Some(201), 5_000_000));
        assert_eq!(outcome.body, "hello");
        let slow = pool.send(&request("/slow")).await;
        assert_eq!(slow.failure.map(|failure| failure.kind), Some(FailureKind::Timeout));
        assert_eq!((slow.status, slow.ended - slow.sent), (None, 1_000_000_000));
    }
}
