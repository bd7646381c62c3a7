//! One node: starts the arrivals of its seats on time, runs their transactions, and hands on what it measured.
//!
//! A node is a few worker threads, each with a runtime of its own, and one collector. The slots of a scenario are dealt
//! to the workers, so that an arrival is paced, run and recorded on one thread. Absent on purpose: locks and hand-over
//! between threads on the way of an arrival; any knowledge of the cluster but the end of the lease.

mod closed;
mod collect;
mod context;
mod descriptors;
mod open;
mod pacer;
mod places;
mod recorder;
mod roster;
mod shape;
mod share;
#[cfg(test)]
mod tests;
mod transaction;
mod usage;
mod waiting;
mod worker;

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::sync::{Arc, mpsc as thread_mpsc};
use std::thread;

use thiserror::Error;
use tokio::runtime::{Builder, LocalOptions, LocalRuntime};
use tokio::sync::{mpsc, watch};
use tokio::task::spawn_local;

use self::collect::{Collector, EVENTS_MAX, PARTS_PER_WORKER, Report};
use self::context::Shared;
pub use self::descriptors::check_descriptors;
pub use self::pacer::Pacing;
use self::places::Places;
use self::share::{NodeShare, Share, taken_in_flight};
use self::worker::{Control, WorkerSetup};

use crate::clock::{Clock, Ticks};
use crate::driver::Driver;
use crate::ledger::Takeover;
use crate::metrics::Window;
use crate::user::Program;

/// Builds a worker's driver on the worker's own thread.
pub type StartDriver = Arc<dyn Fn(&Program, &Clock) -> Result<Driver, DriverFailure> + Send + Sync>;

/// Why a worker has no driver.
pub type DriverFailure = Box<dyn Error + Send + Sync>;

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
    /// How they wait for arrivals.
    pub pacing: Pacing,
    /// How workers send requests.
    pub start_driver: StartDriver,
}

/// What a node's owner wants of one scenario, beside the plan.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Direction {
    /// Scenario, by its place in the artifact.
    pub scenario: usize,
    /// When it starts, counted from the start of the run; of a scenario whose start the plan leaves open. Only the first
    /// word counts; without one it starts at its latest start.
    pub start_ns: Option<u64>,
    /// Starts nothing more of it, and lets what runs end within its graceful stop.
    pub stop: bool,
}

/// What a node tells its owner.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "nearly all events are windows, one a second")]
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
    /// Workers that broke off without handing on what they knew: a bug of ours.
    pub workers_broken: u64,
    /// Transactions, or closed users, that broke off: a bug of ours; theirs are unfinished.
    pub transactions_broken: u64,
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
    /// A worker has no driver.
    #[error("a worker cannot send requests")]
    Driver(#[source] DriverFailure),
    /// A worker broke off before it was ready: a bug of ours.
    #[error("a worker broke off before it was ready")]
    Broken,
}

/// Scheduler ticks between two looks at sockets and timers: few, so that a busy worker still wakes on time.
const EVENT_INTERVAL: u32 = 13;

/// A node that loads targets. Dropping it aborts what runs.
#[derive(Debug)]
pub struct Node {
    program: Arc<Program>,
    clock: Clock,
    shared: Arc<Shared>,
    control: watch::Sender<Control>,
}

impl Node {
    /// Starts the threads of a node and waits until each has its driver; load begins with [`Node::start`].
    ///
    /// # Errors
    /// A seat is unknown, a worker cannot have a driver, or the operating system gives no threads.
    pub fn spawn(setup: Setup) -> Result<(Node, mpsc::Receiver<NodeEvent>), RuntimeError> {
        let parts = Parts::new(setup)?;
        let (events, receiver) = mpsc::channel(EVENTS_MAX);
        let shared = Arc::clone(&parts.node.shared);
        let fenced = move || shared.is_fenced();
        let lanes = parts.workers.len();
        for (lane, worker) in parts.workers.into_iter().enumerate() {
            spawn_thread(format!("volley-load-{lane}"), move || worker::run(worker))?;
        }
        let (collector, reports) = (parts.collector, parts.reports);
        spawn_thread("volley-node".to_owned(), move || collector.run(reports, events, fenced))?;
        for _ in 0..lanes {
            let ready = parts.ready.recv().map_err(|_| RuntimeError::Broken)?;
            ready.map_err(RuntimeError::Driver)?;
        }
        Ok((parts.node, receiver))
    }

    /// Starts the load at `start`; a start that has passed begins at the schedule's present place. Only the first call counts.
    pub fn start(&self, start: Ticks) {
        self.control.send_modify(|control| {
            control.start.get_or_insert(start);
        });
    }

    /// Lets arrivals start until `end`; an earlier end than before changes nothing. The lease is 0 until the first call.
    pub fn extend_lease(&self, end: Ticks) {
        self.shared.extend_lease(end);
    }

    /// Starts nothing more, lets what runs go on for `drain_ns` and then cuts it.
    pub fn stop(&self, drain_ns: u64) {
        let cut_at = self.clock.now().saturating_add(drain_ns);
        self.control.send_modify(|control| {
            control.cut_at = Some(control.cut_at.map_or(cut_at, |earlier| earlier.min(cut_at)));
        });
    }

    /// Replaces what is wanted of single scenarios, beside the plan. What was wanted before stays: a start that was
    /// announced, a scenario that was stopped.
    pub fn direct(&self, wanted: &[Direction]) {
        self.control.send_modify(|control| control.directions = wanted.into());
    }

    /// Takes over what lost nodes had, beside what it has; what it took over before stays, and is told by its number. A node
    /// that has finished takes nothing over any more.
    ///
    /// # Errors
    /// A scenario or seat that the artifact does not have; then nothing is taken over.
    pub fn take_over(&self, takeovers: &[Takeover]) -> Result<(), RuntimeError> {
        let artifact = self.program.artifact();
        for takeover in takeovers {
            Share::of_takeover(artifact, takeover, (0, 1))?;
        }
        let Some((all, known)) = self.shared.roster.take_over(takeovers) else { return Ok(()) };
        for takeover in all.iter().skip(known) {
            let (scenario, more) = taken_in_flight(artifact, takeover)?;
            self.shared.places(scenario).grow(more);
        }
        self.control.send_modify(|control| control.takeovers = all);
        Ok(())
    }

    /// Starts nothing more and cuts what runs, now.
    pub fn abort(&self) {
        self.stop(0);
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.abort();
    }
}

/// A node before its threads.
struct Parts {
    node: Node,
    workers: Vec<WorkerSetup>,
    collector: Collector,
    reports: mpsc::Receiver<Report>,
    /// Whether each worker has its driver.
    ready: thread_mpsc::Receiver<Result<(), DriverFailure>>,
}

impl Parts {
    fn new(setup: Setup) -> Result<Parts, RuntimeError> {
        let share = NodeShare::new(setup.program.artifact(), &setup.seats, setup.workers)?;
        let lanes = share.lanes.len();
        let count = u32::try_from(lanes).unwrap_or(u32::MAX);
        let places = share.in_flight_max.iter().zip(share.queues);
        let places = places.map(|(max, queues)| Places::new(*max, if queues { lanes } else { 0 }));
        let shared = Arc::new(Shared::new(places.collect(), lanes));
        let (control, wanted) = watch::channel(Control::default());
        let (sender, reports) = mpsc::channel(lanes * PARTS_PER_WORKER);
        let (ready, is_ready) = thread_mpsc::sync_channel(lanes);
        let workers = (0u32..).zip(share.lanes).map(|(lane, shares)| WorkerSetup {
            program: Arc::clone(&setup.program),
            clock: setup.clock.clone(),
            start_driver: Arc::clone(&setup.start_driver),
            shared: Arc::clone(&shared),
            shares,
            pacing: setup.pacing,
            lane: (lane, count),
            control: wanted.clone(),
            reports: sender.clone(),
            ready: ready.clone(),
        });
        let workers = workers.collect();
        let node = Node { program: setup.program, clock: setup.clock, shared, control };
        Ok(Parts { node, workers, collector: Collector::new(lanes), reports, ready: is_ready })
    }
}

/// Runs a task and what it spawns on a thread of its own.
fn spawn_thread<F: Future<Output = ()> + 'static>(
    name: String,
    task: impl FnOnce() -> F + Send + 'static,
) -> Result<(), RuntimeError> {
    let failed = |source| RuntimeError::Thread { thread: name.clone(), source };
    let (started, has_started) = thread_mpsc::sync_channel(1);
    let run = move || match local_runtime() {
        Ok(runtime) => {
            // Who asks waits for the answer.
            drop(started.send(Ok(())));
            // A runtime's first future is woken by a write to the runtime's own descriptor and one more look at all
            // sockets, a spawned task by neither. A panic in it has told its story already.
            drop(runtime.block_on(async { spawn_local(task()).await }));
        }
        Err(error) => drop(started.send(Err(error))),
    };
    // The thread is not joined: it ends by itself once it has told the node's owner, and a node that is dropped may not block.
    thread::Builder::new().name(name.clone()).spawn(run).map_err(failed)?;
    has_started.recv().map_err(|_| RuntimeError::Broken)?.map_err(failed)
}

/// Returns a runtime of the calling thread, whose tasks need not be `Send`.
fn local_runtime() -> std::io::Result<LocalRuntime> {
    Builder::new_current_thread()
        .enable_all()
        .event_interval(EVENT_INTERVAL)
        .build_local(LocalOptions::default())
}

impl fmt::Debug for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Setup")
            .field("seats", &self.seats)
            .field("workers", &self.workers)
            .field("pacing", &self.pacing)
            .finish_non_exhaustive()
    }
}
