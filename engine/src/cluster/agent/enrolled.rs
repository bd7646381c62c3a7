//! (pure) An agent in a run: phases from enrolment to the acknowledged final report.

mod delivery;
mod orders;

use std::collections::BTreeMap;

use compiler::exit::Exit;

use super::lease::Lease;
use super::outbox::Outbox;
use super::state::{Effect, Input, Me};
use super::sync::Sync;
use crate::clock::Ticks;
use crate::cluster::load::{LoadError, LoadEvent, LoadSummary};
use crate::cluster::wire::{Armed, Beat, HintWant, Phase, ScenarioOrder, Status, V, Welcome};
use crate::ledger::Takeover;
use crate::metrics::{LedgerRow, Window};

/// Time between beats while the clocks are compared.
const SYNC_BEAT_NS: u64 = 100_000_000;

/// Longest time between beats in milliseconds, whatever the coordinator says: with each beat an agent looks whether it is
/// still heard.
const BEAT_MS_MAX: u64 = 60_000;

/// How long transactions may go on where nobody said: the lease has ended or the operator wants to leave.
const DRAIN_NS: u64 = 30_000_000_000;

/// An agent without load that hears nothing for this long, or the lease if that is longer, gives the run up.
const UNHEARD_NS: u64 = 10_000_000_000;

/// So many beats after its report was taken an agent that hears nothing more takes the run for over.
const TOLD_BEATS: u64 = 4;

const MS: u64 = 1_000_000;

/// How a run ended for an agent.
#[derive(Debug)]
pub(crate) struct Over {
    pub(crate) exit: Exit,
    pub(crate) message: Option<String>,
    /// It was interrupted by its operator.
    pub(crate) left: bool,
    /// It had a share.
    pub(crate) served: bool,
    /// It was told when to start.
    pub(crate) loaded: bool,
}

/// An agent that a coordinator has enrolled. Nobody else's orders count until it is over.
#[derive(Debug)]
pub(crate) struct Enrolled {
    coord: String,
    run: String,
    /// The process that executes the share: this one, or one before it of the same name.
    process: String,
    beat_ns: u64,
    lease_ns: u64,
    retry_ns: u64,
    final_wait_ns: u64,
    sync_wanted: u32,
    phase: Phase,
    /// As the share names them; empty before it is given.
    seats: Vec<String>,
    prepared: bool,
    epoch: u64,
    /// Number of the share that was prepared first; takeovers count on from it.
    home_epoch: u64,
    /// Seats that it serves, also those that it took over.
    serving: Vec<String>,
    seq: u64,
    next_beat: Ticks,
    heard: Ticks,
    lease: Lease,
    sync: Sync,
    start: Option<Ticks>,
    scenarios: Vec<ScenarioOrder>,
    stop_told: bool,
    abort_told: bool,
    fenced: bool,
    reason: Option<String>,
    left: bool,
    outbox: Outbox,
    sums: BTreeMap<(u32, u32, u32), LedgerRow>,
    /// What is to be taken over once the share is prepared.
    moved: Vec<Takeover>,
    finished: Option<(Ticks, LoadSummary)>,
    final_sent: Option<Ticks>,
    parts_have: u64,
    final_acked: bool,
    /// The results are kept, also beyond this process.
    kept: bool,
    /// Another process of this name executed the share.
    recalled: bool,
    pub(crate) over: Option<Over>,
}

impl Enrolled {
    pub(crate) fn new(now: Ticks, welcome: &Welcome) -> Enrolled {
        Enrolled {
            coord: welcome.nonce.clone(),
            run: welcome.run.clone(),
            process: welcome.to.clone(),
            beat_ns: welcome.beat_ms.clamp(1, BEAT_MS_MAX).saturating_mul(MS),
            lease_ns: welcome.lease_ms.saturating_mul(MS),
            retry_ns: welcome.retry_ms.max(1).saturating_mul(MS),
            final_wait_ns: welcome.final_wait_ms.saturating_mul(MS),
            sync_wanted: welcome.sync,
            phase: Phase::Idle,
            seats: Vec::new(),
            prepared: false,
            epoch: 0,
            home_epoch: 0,
            serving: Vec::new(),
            seq: 0,
            next_beat: now,
            heard: now,
            lease: Lease::default(),
            sync: Sync::default(),
            start: None,
            scenarios: Vec::new(),
            stop_told: false,
            abort_told: false,
            fenced: false,
            reason: None,
            left: false,
            outbox: Outbox::default(),
            sums: BTreeMap::new(),
            moved: Vec::new(),
            finished: None,
            final_sent: None,
            parts_have: 0,
            final_acked: false,
            kept: false,
            recalled: false,
            over: None,
        }
    }

    /// Adds to `status` what it does in its run.
    pub(crate) fn status(&self, status: Status) -> Status {
        let (run, seats) = (Some(self.run.clone()), self.serving.clone());
        Status { run, phase: self.phase, seats, ..status }
    }

    /// Returns whether it waits for this share to be prepared.
    pub(crate) fn awaits(&self, run: &str, epoch: u64) -> bool {
        self.phase == Phase::Preparing && run == self.run && epoch == self.home_epoch
    }

    /// Returns whether arrivals may be starting.
    fn serves(&self) -> bool {
        matches!(self.phase, Phase::Armed | Phase::Running)
    }

    fn enter(&mut self, phase: Phase, now: Ticks) {
        if self.phase != phase {
            self.phase = phase;
            self.next_beat = now;
        }
    }

    /// Returns when something is to be done, at the latest.
    pub(crate) fn wake(&self) -> Ticks {
        let mut wake = self.next_beat;
        if self.serves() {
            wake = wake.min(self.lease.end());
        }
        if self.phase == Phase::Armed {
            wake = wake.min(self.start.unwrap_or(u64::MAX));
        }
        wake = wake.min(self.outbox.wake(self.retry_ns).unwrap_or(u64::MAX));
        if let (Some(sent), false) = (self.final_sent, self.final_acked) {
            wake = wake.min(sent.saturating_add(self.retry_ns));
        }
        wake
    }

    pub(crate) fn on(&mut self, now: Ticks, me: &Me, input: Input, effects: &mut Vec<Effect>) {
        self.fence_if_over(now, effects);
        match input {
            Input::Order(order) => self.order(now, me, *order, effects),
            Input::DeltaAck(ack) if ack.run == self.run && ack.nonce == self.coord => {
                self.outbox.acked(ack.acked_seq);
            }
            Input::FinalAck(ack) if ack.run == self.run && ack.nonce == self.coord => {
                self.parts_have |= ack.parts_have;
                self.final_acked |= ack.taken;
                self.next_beat = now;
            }
            Input::Prepared { run, epoch, outcome } if self.awaits(&run, epoch) => {
                self.prepared(now, outcome, effects);
            }
            Input::Load(event) => self.load(now, event, effects),
            Input::Hint { hint, delay_ns }
                if hint.want == HintWant::Beat && hint.nonce == self.coord =>
            {
                self.next_beat = self.next_beat.min(now.saturating_add(delay_ns));
            }
            Input::Tick
            | Input::Hint { .. }
            | Input::Welcome(_)
            | Input::DeltaAck(_)
            | Input::FinalAck(_)
            | Input::Prepared { .. }
            | Input::Recalled { .. }
            | Input::Interrupted => {}
        }
    }

    /// Does what time alone demands: fence, become running, send, give up, beat.
    pub(crate) fn act(&mut self, now: Ticks, me: &Me, effects: &mut Vec<Effect>) {
        self.fence_if_over(now, effects);
        if self.phase == Phase::Armed && self.start.is_some_and(|start| now >= start) {
            self.enter(Phase::Running, now);
        }
        if self.phase == Phase::Preparing && self.prepared && self.sync.seen() >= self.sync_wanted {
            self.enter(Phase::Ready, now);
        }
        for (seq, window) in self.outbox.due(now, self.retry_ns) {
            effects.push(Effect::Delta { run: self.run.clone(), epoch: self.epoch, seq, window });
        }
        self.report(now, effects);
        self.keep(now, effects);
        self.give_up(now);
        if self.over.is_none() && now >= self.next_beat {
            self.beat(now, me, effects);
        }
    }

    /// Leaves the run on the operator's wish; `false` if the agent need not wait for anything.
    pub(crate) fn leave(&mut self, now: Ticks, me: &Me, effects: &mut Vec<Effect>) -> bool {
        let running = self.start.is_some();
        if self.left || !running {
            self.reason = Some("interrupted".to_owned());
            if !running {
                self.phase = Phase::Failed;
                self.beat(now, me, effects);
            }
            return false;
        }
        self.left = true;
        self.reason = Some("interrupted".to_owned());
        if self.serves() {
            self.enter(Phase::Draining, now);
            effects.push(Effect::Stop { drain_ns: DRAIN_NS });
        }
        true
    }

    /// Ends the right to start arrivals for good once the lease is over.
    fn fence_if_over(&mut self, now: Ticks, effects: &mut Vec<Effect>) {
        if self.serves() && now >= self.lease.end() {
            self.fenced = true;
            self.reason = Some("the lease has ended".to_owned());
            self.enter(Phase::Fenced, now);
            let text = format!("run {}: no answer for a lease, nothing more is started", self.run);
            effects.extend([Effect::Fence, Effect::Stop { drain_ns: DRAIN_NS }, Effect::Say(text)]);
        }
    }

    fn prepared(&mut self, now: Ticks, outcome: Result<(), LoadError>, effects: &mut Vec<Effect>) {
        match outcome {
            Ok(()) => {
                self.prepared = true;
                if !self.moved.is_empty() {
                    effects.push(Effect::TakeOver(std::mem::take(&mut self.moved)));
                }
            }
            Err(error) => {
                let phase = match error {
                    LoadError::Refused(_) => Phase::Refused,
                    LoadError::Failed(_) => Phase::Failed,
                };
                self.reason = Some(error.to_string());
                self.enter(phase, now);
            }
        }
    }

    fn load(&mut self, now: Ticks, event: LoadEvent, effects: &mut Vec<Effect>) {
        match event {
            LoadEvent::Window(window) => self.window(*window),
            LoadEvent::Fenced if self.serves() => {
                self.fenced = true;
                self.reason = Some("the lease has ended".to_owned());
                self.enter(Phase::Fenced, now);
                effects.push(Effect::Stop { drain_ns: DRAIN_NS });
            }
            LoadEvent::Fenced => {}
            LoadEvent::Finished(summary) => {
                self.finished.get_or_insert((now, summary));
                if self.phase != Phase::Fenced {
                    self.enter(Phase::Reporting, now);
                }
            }
        }
    }

    fn window(&mut self, window: Window) {
        for row in &window.ledger {
            let sum = self.sums.entry(row.key()).or_insert_with(|| row.emptied());
            // A sum that overflows is noticed by the coordinator, which compares it with its own.
            sum.add(row).unwrap_or_default();
        }
        self.outbox.push(window);
    }

    fn beat(&mut self, now: Ticks, me: &Me, effects: &mut Vec<Effect>) {
        self.seq += 1;
        self.lease.beat(self.seq, now);
        let syncing = self.phase == Phase::Preparing && self.sync.seen() < self.sync_wanted;
        let wait = if syncing { self.beat_ns.min(SYNC_BEAT_NS) } else { self.beat_ns };
        self.next_beat = now.saturating_add(wait);
        let (waiting, flying) = self.outbox.counts();
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let best = self.sync.best();
        effects.push(Effect::Beat(Beat {
            v: V,
            nonce: me.nonce.clone(),
            seq: self.seq,
            run: self.run.clone(),
            epoch: self.epoch,
            phase: self.phase,
            sent_ns: now,
            reason: self.reason.clone(),
            backlog: count(waiting),
            delta_unacked: count(flying),
            armed: self.start.zip(best).map(|(start_ns, best)| Armed {
                start_ns,
                offset_ns: if self.sync_wanted == 0 { 0 } else { best.ns },
                err_ns: if self.sync_wanted == 0 { 0 } else { best.error_ns },
            }),
        }));
    }
}
