//! One worker: a loop that starts what is due, cuts what is over time, and hands on what was measured.

mod boundaries;
mod parts;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;

use tokio::sync::{mpsc, watch};

use self::boundaries::Boundaries;
use self::parts::Part;
use super::collect::Report;
use super::context::{Context, Shared};
use super::open::{Decision, OpenLane};
use super::pacer::{Pacer, Pacing, WAKE_GAP_NS_MIN};
use super::share::Share;
use super::{Direction, DriverFailure, StartDriver};
use crate::clock::{Clock, Ticks};
use crate::driver::{Driver, Pool};
use crate::ledger::Takeover;
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
#[derive(Clone, Debug, Default)]
pub(super) struct Control {
    /// When the run starts.
    pub(super) start: Option<Ticks>,
    /// Nothing more starts; what runs then is cut.
    pub(super) cut_at: Option<Ticks>,
    /// What is wanted of single scenarios.
    pub(super) directions: Arc<[Direction]>,
    /// What was taken over from lost nodes, in order.
    pub(super) takeovers: Arc<[Takeover]>,
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
    let _leaving = Leaving { shared: Arc::clone(&shared), lane: place(lane.0) };
    let (driver, ready) = match start_driver(&program, &clock) {
        Ok(driver) => (Some(driver), Ok(())),
        Err(failure) => (None, Err(failure)),
    };
    // Nobody asks once the first failure is known.
    drop(setup.ready.try_send(ready));
    let Some(driver) = driver else { return };
    let mut pacer = Pacer::new(clock.clone(), setup.pacing);
    let context = Rc::new(Context::new(program, clock, shared, lane));
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
        driver,
        lane,
        lanes: Vec::new(),
        due: BinaryHeap::new(),
        parts: Vec::new(),
        taken: 0,
        planned: 0,
        woken_for: 0,
        fenced: false,
        told: true,
        boundaries: Boundaries::new(&context, now),
        context: Rc::clone(&context),
        control,
        reports,
    };
    shares.into_iter().for_each(|share| worker.add_part(share));
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
        let wanted = control.borrow_and_update().clone();
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

fn place(lane: u32) -> usize {
    usize::try_from(lane).unwrap_or(usize::MAX)
}

/// Tells the others that a worker is gone, however it ends: nobody waits for it.
struct Leaving {
    shared: Arc<Shared>,
    lane: usize,
}

impl Drop for Leaving {
    fn drop(&mut self) {
        self.shared.leave(self.lane);
    }
}

struct Worker {
    context: Rc<Context>,
    driver: Driver,
    pool: Pool,
    /// This worker, and how many there are.
    lane: (u32, u32),
    lanes: Vec<OpenLane>,
    /// When the next arrival of each open lane is due.
    due: BinaryHeap<Reverse<(Ticks, usize)>>,
    parts: Vec<Part>,
    /// How many takeovers it has begun.
    taken: usize,
    /// For when the next wake for an arrival is planned.
    planned: Ticks,
    /// For when the wake was planned that last decided an arrival.
    woken_for: Ticks,
    fenced: bool,
    /// Whether the owner may want something new.
    told: bool,
    boundaries: Boundaries,
    control: watch::Receiver<Control>,
    reports: mpsc::Sender<Report>,
}

impl Worker {
    /// Goes round until nothing runs any more.
    async fn turn(&mut self, pacer: &mut Pacer) {
        loop {
            let now = self.context.clock.now();
            self.end_seconds(now);
            self.obey(now);
            self.begin_parts(now);
            self.serve_waiting();
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
            self.note_ends(now);
            let ending = self.has_started_all();
            self.context.ending.set(ending);
            if ending && !self.is_busy() && self.context.shared.rest(self.context.lane, self.taken)
            {
                return;
            }
            if more {
                tokio::task::yield_now().await;
                continue;
            }
            let wake = self.wake().min(now.saturating_add(PROBE_NS));
            tokio::select! {
                biased;
                changed = self.control.changed() => {
                    self.told = true;
                    if changed.is_err() {
                        self.halt(now, 0);
                    }
                },
                () = self.context.emptied.notified() => {}
                () = self.context.shared.freed(self.context.lane) => {}
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
            place.send(Report::Part { lane: self.lane.0, window });
        }
    }

    /// Does what the node's owner wants.
    fn obey(&mut self, now: Ticks) {
        let told = std::mem::take(&mut self.told) || self.control.has_changed().unwrap_or(false);
        if !told {
            return;
        }
        let wanted = self.control.borrow_and_update().clone();
        self.take_over(&wanted.takeovers);
        self.heed(&wanted.directions, now);
        if let Some(cut_at) = wanted.cut_at {
            self.halt(now, cut_at.saturating_sub(now));
        }
    }

    /// Starts nothing more, and cuts what still runs in `drain_ns` or when it is over time before.
    fn halt(&mut self, now: Ticks, drain_ns: u64) {
        self.context.halt();
        self.cut_all_by(now.saturating_add(drain_ns));
    }

    /// Starts what has waited for a place and finds one.
    fn serve_waiting(&mut self) {
        for lane in &mut self.lanes {
            if self.context.is_halted() || lane.expires().is_none() {
                continue;
            }
            match lane.serve(&self.context, &self.pool) {
                Decision::Made => {}
                Decision::Fenced => return,
            }
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
        self.cut_after_grace(now);
    }

    /// Returns when there is something to do next.
    fn wake(&mut self) -> Ticks {
        let halted = self.context.is_halted();
        let due = self.due.peek().filter(|_| !halted).map(|Reverse((due, _))| *due);
        // The gap counts from when the last wake was planned, not from when it came: lateness must not add up.
        let due = due.map(|due| due.max(self.woken_for.saturating_add(WAKE_GAP_NS_MIN)));
        self.planned = due.unwrap_or(self.planned);
        let boundary = self.boundaries.second_ends().min(self.boundaries.window_ends);
        [due, self.parts_wake()].into_iter().flatten().fold(boundary, Ticks::min)
    }
}
