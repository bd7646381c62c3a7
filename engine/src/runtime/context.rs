//! What the tasks of one worker share, and what the workers of one node share.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use compiler::artifact::{Load, Scenario};
use compiler::schedule::Closed;
use tokio::sync::Notify;
use tokio::task::{JoinHandle, spawn_local};

use super::places::Places;
use super::recorder::Recorder;
use super::roster::{Rest, Roster};
use super::shape::Shape;
use crate::clock::{Clock, Ticks};
use crate::user::Program;

/// What the workers of a node share: a few atomics, no locks.
#[derive(Debug)]
pub(super) struct Shared {
    /// Until when arrivals may start.
    lease_end: AtomicU64,
    /// Whether the lease had ended when an arrival was due; stays so.
    fenced: AtomicBool,
    /// By scenario.
    places: Vec<Places>,
    /// By worker: wakes it when a place has become free for what waits there, or when all have ended.
    freed: Vec<Notify>,
    pub(super) roster: Roster,
}

impl Shared {
    /// Returns the state of a node of so many workers that may start nothing yet.
    pub(super) fn new(places: Vec<Places>, workers: usize) -> Shared {
        Shared {
            lease_end: AtomicU64::new(0),
            fenced: AtomicBool::new(false),
            places,
            freed: (0..workers).map(|_| Notify::new()).collect(),
            roster: Roster::new(workers),
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

    /// Returns the places of a scenario.
    pub(super) fn places(&self, scenario: usize) -> &Places {
        &self.places[scenario]
    }

    /// Wakes the worker whose arrival has waited longest, if there is a place for it.
    pub(super) fn wake_waiting(&self, scenario: usize) {
        let places = &self.places[scenario];
        if let Some(worker) = places.longest_waiting().filter(|_| places.is_free()) {
            self.freed[worker].notify_one();
        }
    }

    /// Lets a worker rest that has begun `begun` takeovers and has nothing left; returns whether it ends.
    pub(super) fn rest(&self, worker: usize, begun: usize) -> bool {
        self.heed(self.roster.rest(worker, begun))
    }

    /// Notes that a worker is gone.
    pub(super) fn leave(&self, worker: usize) {
        self.heed(self.roster.leave(worker));
    }

    fn heed(&self, rest: Rest) -> bool {
        if rest == Rest::Last {
            self.freed.iter().for_each(Notify::notify_one);
        }
        rest != Rest::Waits
    }

    /// Returns once a place may be free for what waits at a worker, or all have ended; may be early, never late.
    pub(super) async fn freed(&self, worker: usize) {
        self.freed[worker].notified().await;
    }
}

/// What the tasks of one worker share.
#[derive(Debug)]
pub(super) struct Context {
    pub(super) program: Arc<Program>,
    pub(super) clock: Clock,
    pub(super) shared: Arc<Shared>,
    pub(super) recorder: RefCell<Recorder>,
    /// Which worker of the node this is.
    pub(super) lane: usize,
    /// Start of the run.
    pub(super) start: Cell<Ticks>,
    /// Whether nothing starts any more.
    halted: Cell<bool>,
    /// By scenario: whether nothing of it starts any more.
    stopped: Vec<Cell<bool>>,
    /// Wakes sleeping users when nothing starts any more, at all or of a scenario.
    halting: Notify,
    /// Whether the worker only waits for what runs.
    pub(super) ending: Cell<bool>,
    /// By scenario: whether it ends with the last iteration of a count.
    counted: Vec<bool>,
    /// Then, or when a count has ended, wakes the worker: a scenario has no task left.
    pub(super) emptied: Notify,
    /// Arrivals that were started and have not had their first turn yet.
    queued: Cell<usize>,
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
        (lane, lanes): (u32, u32),
    ) -> Context {
        let artifact = Arc::clone(program.artifact());
        Context {
            program,
            clock,
            shared,
            recorder: RefCell::new(Recorder::new(&artifact, lane, lanes)),
            lane: usize::try_from(lane).unwrap_or(usize::MAX),
            start: Cell::new(0),
            halted: Cell::new(false),
            stopped: artifact.scenarios.values().map(|_| Cell::new(false)).collect(),
            halting: Notify::new(),
            ending: Cell::new(false),
            counted: artifact.scenarios.values().map(is_counted).collect(),
            emptied: Notify::new(),
            queued: Cell::new(0),
            broken: Cell::new(0),
            shapes: artifact.scenarios.values().map(Shape::new).collect(),
            timeouts_ns: artifact.scenarios.values().map(|scenario| scenario.timeout_ns).collect(),
            tasks: artifact.scenarios.values().map(|_| RefCell::default()).collect(),
        }
    }

    /// Returns how many scenarios the artifact has.
    pub(super) fn scenarios(&self) -> usize {
        self.shapes.len()
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

    /// Starts nothing more of a scenario.
    pub(super) fn stop(&self, scenario: usize) {
        self.stopped[scenario].set(true);
        self.halting.notify_waiters();
    }

    /// Returns whether a scenario was stopped by itself.
    pub(super) fn is_stopped(&self, scenario: usize) -> bool {
        self.stopped[scenario].get()
    }

    /// Returns whether nothing of a scenario starts any more.
    pub(super) fn is_over(&self, scenario: usize) -> bool {
        self.is_halted() || self.is_stopped(scenario)
    }

    /// Returns once nothing of a scenario starts any more.
    pub(super) async fn until_over(&self, scenario: usize) {
        while !self.is_over(scenario) {
            self.halting.notified().await;
        }
    }

    /// Returns whether a scenario ends with the last iteration of a count.
    pub(super) fn is_counted(&self, scenario: usize) -> bool {
        self.counted[scenario]
    }

    /// Takes a place among the transactions that may run at a time; `None` if all are taken.
    pub(super) fn enter(self: &Rc<Context>, scenario: usize) -> Option<InFlight> {
        let entered = self.shared.places(scenario).enter();
        entered.then(|| InFlight { context: Rc::clone(self), scenario })
    }

    /// Counts an arrival as started until the answer is dropped, which it is on its first turn.
    pub(super) fn queue(self: &Rc<Context>) -> Queued {
        self.queued.set(self.queued.get() + 1);
        Queued(Rc::clone(self))
    }

    /// Returns how many arrivals were started and have not had their first turn yet.
    pub(super) fn queued(&self) -> usize {
        self.queued.get()
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

fn is_counted(scenario: &Scenario) -> bool {
    match &scenario.load {
        Load::Closed(load) => Closed::new(load).count().is_some(),
        Load::Open(_) | Load::Observe { .. } => false,
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
        let awaited = self.context.ending.get() || self.context.counted[self.scenario];
        if tasks.live == 0 && awaited {
            self.context.emptied.notify_one();
        }
    }
}

/// An arrival before its first turn.
#[derive(Debug)]
pub(super) struct Queued(Rc<Context>);

impl Drop for Queued {
    fn drop(&mut self) {
        self.0.queued.set(self.0.queued.get().saturating_sub(1));
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
        self.context.shared.places(self.scenario).leave();
        self.context.shared.wake_waiting(self.scenario);
        self.context.recorder.borrow_mut().left(self.scenario);
    }
}
