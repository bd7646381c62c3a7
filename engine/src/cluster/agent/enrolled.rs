//! (pure) An agent in a run: phases from enrolment to the acknowledged final report.

use std::collections::BTreeMap;

use compiler::exit::Exit;

use super::keep::Results;
use super::lease::Lease;
use super::outbox::Outbox;
use super::state::{Effect, Input, Me};
use super::sync::Sync;
use crate::clock::Ticks;
use crate::cluster::load::{LoadError, LoadEvent, LoadSummary};
use crate::cluster::wire::{
    Armed, Beat, FinalReport, Hint, HintWant, Kept, Order, Phase, ScenarioOrder, Status, V, Want,
    Welcome,
};
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

    /// Returns an agent that has nothing left to do in a run but to deliver `results` to the coordinator of `welcome`.
    pub(crate) fn recalled(now: Ticks, welcome: &Welcome, results: Results) -> Enrolled {
        let Results { run, process, epoch, last_seq, flying, waiting, report } = results;
        let summary = LoadSummary { start_error_us: report.start_error_us, broken: report.broken };
        Enrolled {
            run,
            process,
            phase: if report.fenced { Phase::Fenced } else { Phase::Reporting },
            prepared: true,
            epoch,
            start: Some(now),
            fenced: report.fenced,
            left: report.left.is_some(),
            reason: report.left,
            outbox: Outbox::restored(last_seq, flying, waiting),
            sums: report.ledger.iter().map(|row| (row.key(), *row)).collect(),
            finished: Some((now, summary)),
            kept: true,
            recalled: true,
            ..Enrolled::new(now, welcome)
        }
    }

    /// Returns whether `hint` is of a coordinator that collects this run, and may be heeded: nothing can be started any more.
    pub(crate) fn heeds(&self, now: Ticks, hint: &Hint) -> bool {
        let ours = hint.run == self.run && hint.nonce != self.coord;
        hint.want == HintWant::Hello && ours && self.is_free(now)
    }

    /// Returns whether there was load, and never will be again.
    fn is_free(&self, now: Ticks) -> bool {
        self.start.is_some() && !self.serves() && now >= self.lease.end()
    }

    /// Delivers to the coordinator of `welcome` from now on: the one that had enrolled this agent is gone.
    pub(crate) fn adopt(&mut self, now: Ticks, welcome: &Welcome, effects: &mut Vec<Effect>) {
        if welcome.run != self.run || welcome.nonce == self.coord || !self.is_free(now) {
            return;
        }
        self.coord.clone_from(&welcome.nonce);
        self.retry_ns = welcome.retry_ms.max(1).saturating_mul(MS);
        self.final_wait_ns = welcome.final_wait_ms.saturating_mul(MS);
        self.heard = now;
        self.next_beat = now;
        self.final_sent = None;
        self.parts_have = 0;
        self.finished = self.finished.map(|(_, summary)| (now, summary));
        effects.push(Effect::Say(format!("run {}: delivering what was kept of it", self.run)));
    }

    /// Returns what it could deliver.
    pub(crate) fn kept(&self) -> Kept {
        let (run, process) = (self.run.clone(), self.process.clone());
        Kept { run, process, from_seq: self.outbox.first_seq() }
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

    fn order(&mut self, now: Ticks, me: &Me, order: Order, effects: &mut Vec<Effect>) {
        if order.nonce != self.coord || order.to != me.nonce || order.run != self.run {
            return;
        }
        let Some(sent) = self.lease.answered(order.seq, order.lease_ms.saturating_mul(MS)) else {
            return;
        };
        self.heard = now;
        self.sync.sample(sent, now, order.coord_now_ns);
        self.outbox.acked(order.delta_acked);
        self.final_acked |= order.final_acked;
        if order.lease_ms > 0 && self.prepared && !self.fenced {
            effects.push(Effect::ExtendLease(self.lease.end()));
        }
        self.take_over(&order, effects);
        if self.prepared && self.scenarios != order.scenarios {
            self.scenarios.clone_from(&order.scenarios);
            effects.push(Effect::Direct(order.scenarios));
        }
        match order.want {
            Want::Idle | Want::Report => {}
            Want::Prepare => {
                let new = order.epoch > self.epoch && self.start.is_none() && !self.left;
                if let Some(share) = order.share.filter(|_| new) {
                    // It may have had another share, from before its seat was given away and it got one again.
                    if self.epoch > 0 {
                        effects.push(Effect::Unload);
                    }
                    (self.epoch, self.home_epoch) = (order.epoch, order.epoch);
                    self.seats.clone_from(&share.seats);
                    self.prepared = false;
                    self.moved.clear();
                    self.enter(Phase::Preparing, now);
                    let (run, epoch) = (self.run.clone(), self.epoch);
                    let mut seats = share.seats.clone();
                    seats.extend(share.moved.iter().map(|takeover| takeover.seat.clone()));
                    seats.dedup();
                    self.serving.clone_from(&seats);
                    let text = format!("run {run}: preparing {}", seats.join(", "));
                    effects.push(Effect::Say(text));
                    effects.push(Effect::Prepare { run, epoch, share });
                }
            }
            Want::Run => self.arm(now, order.go.map(|go| go.start_coord_ns), effects),
            Want::Stop | Want::Abort => {
                if let (true, Some(stop)) = (self.serves(), &order.stop) {
                    effects
                        .push(Effect::Say(format!("run {}: stopping: {}", self.run, stop.reason)));
                }
                let drain_ms = order.stop.map_or(0, |stop| stop.drain_ms);
                let cut = order.want == Want::Abort;
                self.stop(now, cut, drain_ms.saturating_mul(MS), effects);
            }
            Want::Forget => self.forget(),
        }
    }

    /// Takes over what the order says beside the share that it has; a share that is being prepared takes it over when it is.
    fn take_over(&mut self, order: &Order, effects: &mut Vec<Effect>) {
        let Some(share) = order.share.as_ref().filter(|_| order.epoch > self.epoch) else { return };
        let other = self.epoch == 0 || share.seats != self.seats;
        if other || self.left || self.fenced || self.finished.is_some() {
            return;
        }
        self.epoch = order.epoch;
        let Some(new) = share.moved.last().map(|last| &last.seat) else { return };
        if !self.serving.contains(new) {
            self.serving.push(new.clone());
        }
        self.moved.clone_from(&share.moved);
        effects.push(Effect::Say(format!("run {}: taking over slots of {new}", self.run)));
        if self.prepared {
            effects.push(Effect::TakeOver(std::mem::take(&mut self.moved)));
        }
    }

    fn arm(&mut self, now: Ticks, start_coord: Option<Ticks>, effects: &mut Vec<Effect>) {
        let (Some(start_coord), Phase::Ready) = (start_coord, self.phase) else { return };
        if now >= self.lease.end() {
            return;
        }
        let offset = if self.sync_wanted == 0 { None } else { self.sync.best() };
        let start = offset.unwrap_or_default().own(start_coord);
        self.start = Some(start);
        self.enter(Phase::Armed, now);
        let wait = std::time::Duration::from_nanos(start.saturating_sub(now)).as_secs_f64();
        let text = format!("run {}: the load starts in {wait:.1} s", self.run);
        effects.extend([Effect::Start(start), Effect::Say(text)]);
    }

    fn stop(&mut self, now: Ticks, cut: bool, drain_ns: u64, effects: &mut Vec<Effect>) {
        if self.start.is_none() {
            // Nothing ever started here: there is nothing to drain, and nothing to report but that.
            if self.finished.is_none() {
                self.finished = Some((now, LoadSummary::default()));
                self.enter(Phase::Reporting, now);
            }
            return;
        }
        if cut && !self.abort_told {
            self.abort_told = true;
            effects.push(Effect::Abort);
        } else if !self.stop_told && !cut {
            self.stop_told = true;
            effects.push(Effect::Stop { drain_ns });
        }
        if self.serves() {
            self.enter(Phase::Draining, now);
        }
    }

    fn forget(&mut self) {
        let (exit, message) = match self.phase {
            Phase::Refused => (Exit::ArtifactRefused, self.reason.clone()),
            Phase::Failed => (Exit::ClusterFailed, self.reason.clone()),
            Phase::Idle
            | Phase::Preparing
            | Phase::Ready
            | Phase::Armed
            | Phase::Running
            | Phase::Draining
            | Phase::Fenced
            | Phase::Reporting => (Exit::Passed, None),
        };
        let (served, loaded) = (self.epoch > 0 && !self.recalled, self.start.is_some());
        let left = self.left && !self.recalled;
        self.over = Some(Over { exit, message, left, served, loaded });
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

    /// Sends the final report once every window has arrived, again and again until it has arrived itself.
    fn report(&mut self, now: Ticks, effects: &mut Vec<Effect>) {
        let Some((_, summary)) = self.finished else { return };
        let due = self.final_sent.is_none_or(|sent| now >= sent.saturating_add(self.retry_ns));
        if self.final_acked || !self.outbox.is_empty() || !due {
            return;
        }
        self.final_sent = Some(now);
        let report = self.final_report(summary);
        let run = self.run.clone();
        effects.push(Effect::Final { run, report, parts_have: self.parts_have });
    }

    fn final_report(&self, summary: LoadSummary) -> FinalReport {
        FinalReport {
            last_seq: self.outbox.last_seq(),
            fenced: self.fenced,
            left: self.reason.clone().filter(|_| self.left),
            start_error_us: summary.start_error_us,
            broken: summary.broken,
            ledger: self.sums.values().copied().collect(),
        }
    }

    /// Keeps results that may not be taken in this process's time, and no longer than until they are.
    fn keep(&mut self, now: Ticks, effects: &mut Vec<Effect>) {
        if self.final_acked {
            if std::mem::take(&mut self.kept) {
                effects.push(Effect::Discard(self.kept()));
            }
            return;
        }
        let silent = now.saturating_sub(self.heard) > TOLD_BEATS * self.beat_ns;
        let Some((_, summary)) = self.finished else { return };
        if self.kept || self.start.is_none() || !(self.fenced || silent) {
            return;
        }
        self.kept = true;
        let (flying, waiting) = self.outbox.windows();
        effects.push(Effect::Keep(Box::new(Results {
            run: self.run.clone(),
            process: self.process.clone(),
            epoch: self.epoch,
            last_seq: self.outbox.last_seq(),
            flying,
            waiting,
            report: self.final_report(summary),
        })));
    }

    /// Ends waits that nobody will ever end.
    fn give_up(&mut self, now: Ticks) {
        let silent = now.saturating_sub(self.heard);
        if self.over.is_none()
            && self.final_acked
            && silent > self.beat_ns.saturating_mul(TOLD_BEATS)
        {
            // The results are where they belong; the word that ends the run was lost with the coordinator.
            return self.forget();
        }
        let abandoned = self.start.is_none() && silent > self.lease_ns.max(UNHEARD_NS);
        let undelivered = self
            .finished
            .is_some_and(|(at, _)| silent.min(now.saturating_sub(at)) > self.final_wait_ns);
        if self.over.is_none() && (abandoned || undelivered) {
            let what = match (undelivered, self.kept) {
                (true, true) => "did not take the results; given up, they stay kept",
                (true, false) => "did not take the results; given up",
                (false, _) => "is silent; given up",
            };
            self.over = Some(Over {
                exit: Exit::ClusterFailed,
                message: Some(format!("the coordinator of run {} {what}", self.run)),
                left: self.left && !self.recalled,
                served: self.epoch > 0 && !self.recalled,
                loaded: self.start.is_some(),
            });
        }
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
