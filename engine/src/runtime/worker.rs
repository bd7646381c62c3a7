//! One worker: a loop that starts what is due, cuts what is over time, and hands on what was measured.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;

use compiler::artifact::Load;
use compiler::schedule::Open;
use tokio::sync::{mpsc, watch};

use super::closed::start_users;
use super::collect::Report;
use super::context::{Context, Shared};
use super::open::{Decision, OpenLane};
use super::pacer::{Pacer, Pacing, WAKE_GAP_NS_MIN};
use super::share::Share;
use super::usage::thread_cpu_ns;
use super::{DriverFailure, StartDriver};
use crate::clock::{Clock, Ticks};
use crate::driver::Pool;
use crate::user::Program;

/// Arrivals that are started before what was started gets its first turn: above that they would only queue in front of
/// the processor, and their lateness would be judged before it happens.
const QUEUED_MAX: usize = 64;

/// Arrivals that are decided before what runs gets a turn, so that a long row of late ones does not hold it up.
const BATCH_MAX: usize = 256;

/// Longest time between two wakes, in nanoseconds, so that how late they come is known of idle workers too.
const PROBE_NS: u64 = 100_000_000;

const SECOND_NS: u64 = 1_000_000_000;
const MS_NS: u64 = 1_000_000;

/// What a node's owner wants of its workers; only ever goes forward.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Control {
    /// When the run starts.
    pub(super) start: Option<Ticks>,
    /// Nothing more starts; what runs then is cut.
    pub(super) cut_at: Option<Ticks>,
}

/// What a worker is made of.
pub(super) struct WorkerSetup {
    pub(super) program: Arc<Program>,
    pub(super) clock: Clock,
    pub(super) start_driver: StartDriver,
    pub(super) shared: Arc<Shared>,
    pub(super) shares: Vec<Share>,
    pub(super) pacing: Pacing,
    /// This worker's number, and how many there are.
    pub(super) lane: (u32, u32),
    pub(super) control: watch::Receiver<Control>,
    pub(super) reports: mpsc::Sender<Report>,
    /// Takes whether the worker has its driver; has a place for each worker.
    pub(super) ready: SyncSender<Result<(), DriverFailure>>,
}

/// Runs a worker to its end, within a local task set.
pub(super) async fn run(setup: WorkerSetup) {
    let WorkerSetup { program, clock, start_driver, shared, shares, lane, .. } = setup;
    let (mut control, reports) = (setup.control, setup.reports);
    let (driver, ready) = match start_driver(&program, &clock) {
        Ok(driver) => (Some(driver), Ok(())),
        Err(failure) => (None, Err(failure)),
    };
    // Nobody asks once the first failure is known.
    drop(setup.ready.try_send(ready));
    let Some(driver) = driver else { return };
    let mut pacer = Pacer::new(clock.clone(), setup.pacing);
    let context = Rc::new(Context::new(program, clock, shared, &shares, lane));
    let Some(start) = wait_for_start(&mut control, &mut pacer, &context.clock).await else {
        finish(&context, &reports, lane.0, 0, 0).await;
        return;
    };
    let now = context.clock.now();
    let start_error_us = i64::try_from(now.saturating_sub(start) / 1_000).unwrap_or(i64::MAX);
    context.start.set(start);
    context.recorder.borrow_mut().start_at(start);
    let mut worker = Worker {
        pool: driver.pool(),
        lane: lane.0,
        lanes: Vec::new(),
        due: BinaryHeap::new(),
        deadlines: Vec::new(),
        planned: 0,
        woken_for: 0,
        fenced: false,
        boundaries: Boundaries::new(&context, now),
        context: Rc::clone(&context),
        control,
        reports,
    };
    for share in shares {
        let scenario = context.scenario(share.scenario).clone();
        let end = match &scenario.load {
            Load::Open(load) => {
                let artifact = context.program.artifact();
                let name = artifact.scenarios.keys().nth(share.scenario);
                let open = Open::of(artifact.seed, name.map_or("", String::as_str), load);
                let lane = (&scenario, load, open);
                worker.add_lane(OpenLane::new(share.clone(), lane, start))
            }
            Load::Closed(load) => {
                start_users(&context, &driver, share.clone(), (&scenario, load), start)
            }
            // Refused before a run starts.
            Load::Observe { .. } => start,
        };
        let cut_at = end.saturating_add(scenario.graceful_stop_ns);
        worker.deadlines.push(Deadline { scenario: share.scenario, cut_at, cut: false });
    }
    worker.turn(&mut pacer).await;
    let to_ms = context.clock.now().saturating_sub(start).div_ceil(MS_NS);
    finish(&context, &worker.reports, lane.0, to_ms, start_error_us).await;
}

/// Sleeps until the run starts; `None` if it is stopped before.
async fn wait_for_start(
    control: &mut watch::Receiver<Control>,
    pacer: &mut Pacer,
    clock: &Clock,
) -> Option<Ticks> {
    loop {
        let wanted = *control.borrow_and_update();
        match wanted {
            Control { cut_at: Some(_), .. } => return None,
            Control { start: Some(start), .. } if clock.now() >= start => return Some(start),
            Control { start: Some(start), .. } => tokio::select! {
                biased;
                changed = control.changed() => changed.ok()?,
                () = pacer.sleep_until(start) => {}
            },
            Control { start: None, .. } => control.changed().await.ok()?,
        }
    }
}

/// Hands on the last window; the collector always takes it, so the wait is short.
async fn finish(
    context: &Context,
    reports: &mpsc::Sender<Report>,
    lane: u32,
    to_ms: u64,
    start_error_us: i64,
) {
    let window = context.recorder.borrow_mut().cut(to_ms);
    // Without a collector the node was dropped: nobody wants the window.
    let broken = context.broken.get();
    drop(reports.send(Report::Done { lane, window, start_error_us, broken }).await);
}

struct Worker {
    context: Rc<Context>,
    pool: Pool,
    lane: u32,
    lanes: Vec<OpenLane>,
    /// When the next arrival of each open lane is due.
    due: BinaryHeap<Reverse<(Ticks, usize)>>,
    deadlines: Vec<Deadline>,
    /// For when the next wake for an arrival is planned.
    planned: Ticks,
    /// For when the wake was planned that last decided an arrival.
    woken_for: Ticks,
    fenced: bool,
    boundaries: Boundaries,
    control: watch::Receiver<Control>,
    reports: mpsc::Sender<Report>,
}

/// When what still runs of a scenario is cut.
struct Deadline {
    scenario: usize,
    cut_at: Ticks,
    cut: bool,
}

/// Where seconds and windows end.
struct Boundaries {
    start: Ticks,
    delta_ns: u64,
    /// The running second, from 0.
    second: u32,
    window_ends: Ticks,
    cpu_ns: u64,
    cut_at: Ticks,
}

impl Worker {
    fn add_lane(&mut self, lane: OpenLane) -> Ticks {
        self.context.recorder.borrow_mut().frontier(lane.scenario(), lane.upto());
        if let Some(due) = lane.due() {
            self.due.push(Reverse((due, self.lanes.len())));
        }
        let end = lane.end();
        self.lanes.push(lane);
        end
    }

    /// Goes round until nothing runs any more.
    async fn turn(&mut self, pacer: &mut Pacer) {
        loop {
            let now = self.context.clock.now();
            self.end_seconds(now);
            self.obey(now);
            let more = self.start_due();
            if now >= self.boundaries.window_ends {
                if self.context.queued() > 0 {
                    // To put a window together takes as long as some hundred arrivals: what is due goes out before.
                    tokio::task::yield_now().await;
                }
                self.end_window(now);
            }
            self.notice_fence(now);
            self.cut_over_time(now);
            let ending = self.due.is_empty() || self.context.is_halted();
            self.context.ending.set(ending);
            if ending && self.deadlines.iter().all(|one| self.context.live(one.scenario) == 0) {
                return;
            }
            if more {
                tokio::task::yield_now().await;
                continue;
            }
            let wake = self.wake().min(now.saturating_add(PROBE_NS));
            tokio::select! {
                biased;
                changed = self.control.changed() => if changed.is_err() {
                    self.halt(now, 0);
                },
                () = self.context.emptied.notified(), if ending => {}
                () = pacer.sleep_until(wake) => {
                    let late_ns = self.context.clock.now().saturating_sub(wake);
                    self.context.recorder.borrow_mut().woken_late_by(late_ns);
                }
            }
        }
    }

    /// Ends seconds that are over.
    fn end_seconds(&mut self, now: Ticks) {
        let boundaries = &mut self.boundaries;
        let mut recorder = self.context.recorder.borrow_mut();
        while now >= boundaries.second_ends() {
            recorder.second_ended(boundaries.second);
            boundaries.second += 1;
        }
    }

    /// Ends the window that is over, and hands it on.
    fn end_window(&mut self, now: Ticks) {
        let boundaries = &mut self.boundaries;
        let mut recorder = self.context.recorder.borrow_mut();
        let ended = boundaries.window_before(now);
        boundaries.window_ends = ended.saturating_add(boundaries.delta_ns);
        // Without a free place the window goes on: later, but nothing is lost.
        if let Ok(place) = self.reports.try_reserve() {
            let mut window = recorder.cut((ended - boundaries.start) / MS_NS);
            window.cpu_percent = boundaries.cpu_percent(now);
            place.send(Report::Part { lane: self.lane, window });
        }
    }

    /// Does what the node's owner wants.
    fn obey(&mut self, now: Ticks) {
        let wanted = *self.control.borrow_and_update();
        if let Some(cut_at) = wanted.cut_at {
            self.halt(now, cut_at.saturating_sub(now));
        }
    }

    /// Starts nothing more, and cuts what still runs in `drain_ns` or when it is over time before.
    fn halt(&mut self, now: Ticks, drain_ns: u64) {
        self.context.halt();
        let cut_at = now.saturating_add(drain_ns);
        for deadline in &mut self.deadlines {
            deadline.cut_at = deadline.cut_at.min(cut_at);
        }
    }

    /// Starts what is due; returns whether more may be.
    fn start_due(&mut self) -> bool {
        for _ in 0..BATCH_MAX {
            let Some(Reverse((due, lane))) = self.due.peek().copied() else { return false };
            if self.context.is_halted() || due > self.context.clock.now() {
                return false;
            }
            if self.context.queued() >= QUEUED_MAX {
                return true;
            }
            self.woken_for = self.planned;
            match self.lanes[lane].decide(&self.context, &self.pool) {
                Decision::Fenced => return false,
                Decision::Made => {}
            }
            self.due.pop();
            if let Some(due) = self.lanes[lane].due() {
                self.due.push(Reverse((due, lane)));
            }
        }
        true
    }

    /// After the lease has ended at this or another worker, what runs may go on as after a last stage.
    fn notice_fence(&mut self, now: Ticks) {
        if self.fenced || !self.context.shared.is_fenced() {
            return;
        }
        self.fenced = true;
        self.context.halt();
        // Without a place the collector looks when it takes the parts before.
        drop(self.reports.try_send(Report::Fenced));
        for deadline in &mut self.deadlines {
            let grace_ns = self.context.scenario(deadline.scenario).graceful_stop_ns;
            deadline.cut_at = deadline.cut_at.min(now.saturating_add(grace_ns));
        }
    }

    fn cut_over_time(&mut self, now: Ticks) {
        for deadline in &mut self.deadlines {
            let decided = self.context.is_halted()
                || self
                    .lanes
                    .iter()
                    .all(|lane| lane.scenario() != deadline.scenario || lane.due().is_none());
            if !deadline.cut && now >= deadline.cut_at && decided {
                deadline.cut = true;
                self.context.cut(deadline.scenario);
            }
        }
    }

    /// Returns when there is something to do next.
    fn wake(&mut self) -> Ticks {
        let halted = self.context.is_halted();
        let due = self.due.peek().filter(|_| !halted).map(|Reverse((due, _))| *due);
        // The gap counts from when the last wake was planned, not from when it came: lateness must not add up.
        let due = due.map(|due| due.max(self.woken_for.saturating_add(WAKE_GAP_NS_MIN)));
        self.planned = due.unwrap_or(self.planned);
        let live = |one: &&Deadline| !one.cut && self.context.live(one.scenario) > 0;
        let cut = self.deadlines.iter().filter(live).map(|one| one.cut_at).min();
        let boundary = self.boundaries.second_ends().min(self.boundaries.window_ends);
        [due, cut].into_iter().flatten().fold(boundary, Ticks::min)
    }
}

impl Boundaries {
    fn new(context: &Context, now: Ticks) -> Boundaries {
        let start = context.start.get();
        let delta_ns = context.program.artifact().nodes.tuning.delta_ns.max(MS_NS);
        let mut boundaries = Boundaries {
            start,
            delta_ns,
            second: 0,
            window_ends: 0,
            cpu_ns: thread_cpu_ns(),
            cut_at: now,
        };
        boundaries.window_ends = boundaries.window_before(now).saturating_add(delta_ns);
        boundaries
    }

    fn second_ends(&self) -> Ticks {
        self.start.saturating_add((u64::from(self.second) + 1) * SECOND_NS)
    }

    /// Returns the last end of a window that is not after `now`.
    fn window_before(&self, now: Ticks) -> Ticks {
        let since = now.saturating_sub(self.start);
        self.start + since / self.delta_ns * self.delta_ns
    }

    /// Returns the share of one core that this thread used since the last call, in percent.
    fn cpu_percent(&mut self, now: Ticks) -> u32 {
        let cpu_ns = thread_cpu_ns();
        let (used, wall) = (cpu_ns - self.cpu_ns, now.saturating_sub(self.cut_at).max(1));
        (self.cpu_ns, self.cut_at) = (cpu_ns, now);
        u32::try_from(used.saturating_mul(100) / wall).unwrap_or(u32::MAX)
    }
}
