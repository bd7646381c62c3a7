//! One node: starts the arrivals of its seats on time, runs their transactions, and hands on what it measured.
//!
//! A node is a few worker threads, each with a runtime of its own, and one collector. The slots of a scenario are dealt
//! to the workers, so that an arrival is paced, run and recorded on one thread. Absent on purpose: locks and hand-over
//! between threads on the way of an arrival; any knowledge of the cluster but the end of the lease.

use std::fmt;
use std::sync::Arc;

use thiserror::Error;
use tokio::sync::mpsc;

use crate::clock::{Clock, Ticks};
use crate::driver::Driver;
use crate::metrics::Window;
use crate::user::Program;

/// Builds a worker's driver on the worker's own thread.
pub type StartDriver = Arc<dyn Fn(&Program, &Clock) -> Driver + Send + Sync>;

/// What a node runs, and on what.
#[derive(Clone)]
pub struct Setup {
    /// The artifact, made ready for this run.
    pub program: Arc<Program>,
    /// Seats that the node serves, such as `eu/0`.
    pub seats: Vec<String>,
    /// The clock that all ticks are of.
    pub clock: Clock,
    /// How many threads run load; at least 1.
    pub workers: usize,
    /// How workers send requests.
    pub start_driver: StartDriver,
}

/// What a node tells its owner.
#[derive(Clone, Debug)]
pub enum NodeEvent {
    /// What was measured since the last window.
    Window(Window),
    /// The lease had ended when an arrival was due: nothing more starts, what runs goes on to its end.
    Fenced,
    /// Nothing runs any more and every window has been handed on; always the last event.
    Finished(NodeSummary),
}

/// What is known of a node once it has finished.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct NodeSummary {
    /// From the agreed start to the actual one, of the slowest worker, in microseconds.
    pub start_error_us: i64,
}

/// Why a node cannot be started.
#[derive(Debug, Error)]
pub enum RuntimeError {
    /// A seat that the artifact does not have.
    #[error("the plan has no seat `{0}`")]
    UnknownSeat(String),
    /// The operating system gave no thread.
    #[error("cannot start thread {thread}")]
    Thread {
        /// Its name.
        thread: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// A node that loads targets. Dropping it aborts what runs.
#[derive(Debug)]
pub struct Node {}

impl Node {
    /// Starts the threads of a node; load begins with [`Node::start`].
    ///
    /// # Errors
    /// A seat is unknown, or the operating system gives no threads.
    pub fn spawn(setup: Setup) -> Result<(Node, mpsc::Receiver<NodeEvent>), RuntimeError> {
        let _setup = setup;
        let (_sender, receiver) = mpsc::channel(1);
        Ok((Node {}, receiver))
    }

    /// Starts the load at `start`; a start that has passed begins at the schedule's present place. Only the first call counts.
    pub fn start(&self, start: Ticks) {
        let _start = start;
    }

    /// Lets arrivals start until `end`; an earlier end than before changes nothing. The lease is 0 until the first call.
    pub fn extend_lease(&self, end: Ticks) {
        let _end = end;
    }

    /// Starts nothing more, lets what runs go on for `drain_ns` and then cuts it.
    pub fn stop(&self, drain_ns: u64) {
        let _drain = drain_ns;
    }

    /// Starts nothing more and cuts what runs, now.
    pub fn abort(&self) {}
}

impl fmt::Debug for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Setup")
            .field("seats", &self.seats)
            .field("workers", &self.workers)
            .finish_non_exhaustive()
    }
}
