//! (pure) What an agent makes of an order: prepare, take over, start, stop, forget.

use compiler::exit::Exit;

use super::{Enrolled, MS, Over};
use crate::clock::Ticks;
use crate::cluster::agent::state::{Effect, Me};
use crate::cluster::load::LoadSummary;
use crate::cluster::wire::{Order, Phase, Want};

impl Enrolled {
    pub(super) fn order(&mut self, now: Ticks, me: &Me, order: Order, effects: &mut Vec<Effect>) {
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

    pub(super) fn forget(&mut self) {
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
}
