//! What the tasks of one worker share, and what the workers of one node share.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use compiler::artifact::Scenario;
use tokio::sync::Notify;
use tokio::task::{JoinHandle, spawn_local};

use super::recorder::Recorder;
use super::shape::Shape;
use super::share::Share;
use crate::clock::{Clock, Ticks};
use crate::user::Program;

/// What the workers of a node share: a few atomics, no locks.
#[derive(Debug)]
pub(super) struct Shared {
    /// Until when arrivals may start.
    lease_end: AtomicU64,
    /// Whether the lease had ended when an arrival was due; stays so.
    fenced: AtomicBool,
    /// Running transactions by scenario, over all workers.
    in_flight: Vec<AtomicU64>,
    /// The most of them.
    in_flight_max: Vec<u64>,
}

impl Shared {
    /// Returns the state of a node that may start nothing yet.
    pub(super) fn new(in_flight_max: Vec<u64>) -> Shared {
        Shared {
            lease_end: AtomicU64::new(0),
            fenced: AtomicBool::new(false),
            in_flight: in_flight_max.iter().map(|_| AtomicU64::new(0)).collect(),
            in_flight_max,
        }
    }

    /// Lets arrivals start until `end`; an earlier end changes nothing.
    pub(super) fn extend_lease(&self, end: Ticks) {
        self.lease_end.fetch_max(end, Ordering::AcqRel);
    }

    /// Returns whether an arrival may start now; the first refusal is for good.
    pub(super) fn may_start(&self, now: Ticks) -> bool {
        if self.is_fenced() {
            return false;
        }
        let may = now < self.lease_end.load(Ordering::Acquire);
        if !may {
            self.fenced.store(true, Ordering::Release);
        }
        may
    }

    /// Returns whether the lease had ended when an arrival was due.
    pub(super) fn is_fenced(&self) -> bool {
        self.fenced.load(Ordering::Acquire)
    }

    /// Takes a place for a transaction; returns whether there was one.
    fn enter(&self, scenario: usize) -> bool {
        let (count, max) = (&self.in_flight[scenario], self.in_flight_max[scenario]);
        let entered = count.fetch_add(1, Ordering::AcqRel) < max;
        if !entered {
            count.fetch_sub(1, Ordering::AcqRel);
        }
        entered
    }

    fn leave(&self, scenario: usize) {
        self.in_flight[scenario].fetch_sub(1, Ordering::AcqRel);
    }
}

/// What the tasks of one worker share.
#[derive(Debug)]
pub(super) struct Context {
    pub(super) program: Arc<Program>,
    pub(super) clock: Clock,
    pub(super) shared: Arc<Shared>,
    pub(super) recorder: RefCell<Recorder>,
    /// Start of the run.
    pub(super) start: Cell<Ticks>,
    /// Whether nothing starts any more.
    halted: Cell<bool>,
    /// Wakes sleeping users when nothing starts any more.
    halting: Notify,
    /// Whether the worker only waits for what runs.
    pub(super) ending: Cell<bool>,
    /// Then wakes the worker when a scenario has no task left.
    pub(super) emptied: Notify,
    /// Tasks that broke off by a bug of ours.
    pub(super) broken: Cell<u64>,
    shapes: Vec<Shape>,
    timeouts_ns: Vec<u64>,
    tasks: Vec<RefCell<Tasks>>,
}

/// The running tasks of one scenario, so that they can be cut.
#[derive(Debug, Default)]
struct Tasks {
    handles: Vec<Option<JoinHandle<()>>>,
    free: Vec<usize>,
    live: usize,
}

impl Context {
    /// Returns the context of worker `lane` of `lanes`.
    pub(super) fn new(
        program: Arc<Program>,
        clock: Clock,
        shared: Arc<Shared>,
        shares: &[Share],
        (lane, lanes): (u32, u32),
    ) -> Context {
        let artifact = Arc::clone(program.artifact());
        Context {
            program,
            clock,
            shared,
            recorder: RefCell::new(Recorder::new(&artifact, shares, lane, lanes)),
            start: Cell::new(0),
            halted: Cell::new(false),
            halting: Notify::new(),
            ending: Cell::new(false),
            emptied: Notify::new(),
            broken: Cell::new(0),
            shapes: artifact.scenarios.values().map(Shape::new).collect(),
            timeouts_ns: artifact.scenarios.values().map(|scenario| scenario.timeout_ns).collect(),
            tasks: artifact.scenarios.values().map(|_| RefCell::default()).collect(),
        }
    }

    /// Returns a scenario by its place in the artifact.
    pub(super) fn scenario(&self, scenario: usize) -> &Scenario {
        match self.program.artifact().scenarios.values().nth(scenario) {
            Some(scenario) => scenario,
            None => unreachable!("shares are made of the artifact's scenarios"),
        }
    }

    /// Returns the DAG of a scenario's steps.
    pub(super) fn shape(&self, scenario: usize) -> &Shape {
        &self.shapes[scenario]
    }

    /// Returns the time limit of a scenario's transactions in nanoseconds, 0 for none.
    pub(super) fn timeout_ns(&self, scenario: usize) -> u64 {
        self.timeouts_ns[scenario]
    }

    /// Starts nothing more.
    pub(super) fn halt(&self) {
        self.halted.set(true);
        self.halting.notify_waiters();
    }

    /// Returns whether nothing starts any more.
    pub(super) fn is_halted(&self) -> bool {
        self.halted.get()
    }

    /// Returns once nothing starts any more.
    pub(super) async fn until_halted(&self) {
        if !self.is_halted() {
            self.halting.notified().await;
        }
    }

    /// Takes a place among the transactions that may run at a time; `None` if all are taken.
    pub(super) fn enter(self: &Rc<Context>, scenario: usize) -> Option<InFlight> {
        self.shared.enter(scenario).then(|| InFlight { context: Rc::clone(self), scenario })
    }

    /// Runs `task` beside the others of its scenario until it ends or is cut.
    pub(super) fn spawn(
        self: &Rc<Context>,
        scenario: usize,
        task: impl Future<Output = ()> + 'static,
    ) {
        let key = self.tasks[scenario].borrow_mut().reserve();
        let place = Place { context: Rc::clone(self), scenario, key };
        let handle = spawn_local(async move {
            let _place = place;
            task.await;
        });
        self.tasks[scenario].borrow_mut().handles[key] = Some(handle);
    }

    /// Returns how many tasks of a scenario run.
    pub(super) fn live(&self, scenario: usize) -> usize {
        self.tasks[scenario].borrow().live
    }

    /// Cuts the tasks of a scenario; they end when the worker next yields.
    pub(super) fn cut(&self, scenario: usize) {
        for handle in self.tasks[scenario].borrow().handles.iter().flatten() {
            handle.abort();
        }
    }
}

impl Tasks {
    fn reserve(&mut self) -> usize {
        self.live += 1;
        self.free.pop().unwrap_or_else(|| {
            self.handles.push(None);
            self.handles.len() - 1
        })
    }
}

/// A task's place among those of its scenario.
struct Place {
    context: Rc<Context>,
    scenario: usize,
    key: usize,
}

impl Drop for Place {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.context.broken.set(self.context.broken.get() + 1);
        }
        let mut tasks = self.context.tasks[self.scenario].borrow_mut();
        tasks.handles[self.key] = None;
        tasks.free.push(self.key);
        tasks.live -= 1;
        if tasks.live == 0 && self.context.ending.get() {
            self.context.emptied.notify_one();
        }
    }
}

/// A running transaction's place below `max_in_flight`.
#[derive(Debug)]
pub(super) struct InFlight {
    context: Rc<Context>,
    scenario: usize,
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.context.shared.leave(self.scenario);
        self.context.recorder.borrow_mut().left(self.scenario);
    }
}
