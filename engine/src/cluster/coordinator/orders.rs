//! (pure) The answer to a beat: all that is wanted of one agent.

use super::state::{Coordinator, Deviation, MS, Stage};
use crate::clock::Ticks;
use crate::cluster::wire::{Beat, Go, Order, Phase, ShareOrder, StopOrder, V, Want};

impl Coordinator {
    /// Returns the desired state of member `at`, and takes note of the lease that it grants.
    pub(super) fn order(&mut self, now: Ticks, at: usize, beat: &Beat) -> Order {
        let want = self.want(at);
        let lost = self.is_out(at);
        let member = &mut self.members[at];
        let leased = want == Want::Run && !lost && !member.fenced;
        if leased {
            self.lease(now, at, beat);
        }
        let member = &mut self.members[at];
        if want == Want::Forget {
            member.forgotten.get_or_insert(now);
        }
        let epoch = member.epoch_wanted;
        let shared = matches!(want, Want::Prepare | Want::Run) && beat.epoch != epoch;
        if let Some(node) = self.nodes.iter().position(|node| *node == at).filter(|_| shared) {
            self.ledger.told(node);
        }
        let settings = &self.settings;
        Order {
            v: V,
            nonce: settings.nonce.clone(),
            to: beat.nonce.clone(),
            seq: beat.seq,
            run: settings.run.clone(),
            coord_now_ns: now,
            lease_ms: if leased { settings.lease_ns / MS } else { 0 },
            want,
            epoch,
            share: shared.then(|| Box::new(self.share(at))),
            go: self.start.map(|start_coord_ns| Go { start_coord_ns }),
            stop: self.stop_order(at),
            // What begins now is not for one that is to begin nothing more.
            scenarios: if lost { Vec::new() } else { self.scenario_orders() },
            delta_acked: self.members[at].acked_seq,
            final_acked: self.members[at].report.is_some(),
        }
    }

    /// Takes note of the lease that the answer to `beat` grants: by the agent's own clock where that is known, so that no
    /// drift of clocks over a long run counts.
    fn lease(&mut self, now: Ticks, at: usize, beat: &Beat) {
        let (start, reach_ns) = (self.start.unwrap_or(now), self.reach_ns());
        let by_coordinator = self.deviates(Deviation::NoGuard);
        let member = &mut self.members[at];
        let until_ns = match member.armed.filter(|_| !by_coordinator) {
            Some(armed) => {
                let until = beat.sent_ns.saturating_add(self.settings.lease_ns);
                until.saturating_sub(armed.start_ns)
            }
            None => now.saturating_add(reach_ns).saturating_sub(start),
        };
        member.leased = Some(now);
        member.leased_until_ns = member.leased_until_ns.max(until_ns);
    }

    fn share(&self, at: usize) -> ShareOrder {
        let (settings, member) = (&self.settings, &self.members[at]);
        ShareOrder {
            artifact: settings.artifact.digest.clone(),
            signatures: settings.signatures.clone(),
            data: settings.files.clone(),
            seed: settings.seed,
            vars: settings.vars.clone(),
            seats: member.home.clone(),
            moved: member.takeovers.clone(),
            dry_run: settings.dry_run,
            get_timeout_ms: self.tuning.get_timeout_ns / MS,
        }
    }

    fn stop_order(&self, at: usize) -> Option<StopOrder> {
        let drain_ms = self.drain_ns() / MS;
        match &self.stopped {
            Some(stopped) => Some(StopOrder { reason: stopped.reason.clone(), drain_ms }),
            None if self.is_out(at) => {
                let reason = "it was lost, others have its arrivals".to_owned();
                Some(StopOrder { reason, drain_ms })
            }
            None => None,
        }
    }

    /// Returns whether a member is lost to the load of this run.
    fn is_out(&self, at: usize) -> bool {
        self.members[at].lost.is_some() && !self.deviates(Deviation::Forgiving)
    }

    fn want(&self, at: usize) -> Want {
        let member = &self.members[at];
        match (self.stage, member.is_seated()) {
            _ if member.failed.is_some() => Want::Forget,
            (Stage::Closing | Stage::Done, _) => Want::Forget,
            (Stage::Forming, _) | (Stage::Preparing | Stage::Running, false) => Want::Idle,
            (Stage::Preparing, true) => Want::Prepare,
            (Stage::Running, true) => match &self.stopped {
                _ if member.is_settled() => Want::Forget,
                _ if member.phase == Phase::Reporting || self.resumed.is_some() => Want::Report,
                Some(stopped) if stopped.cut => Want::Abort,
                Some(_) => Want::Stop,
                None if self.is_out(at) => Want::Stop,
                // It takes over from a lost one.
                None if matches!(member.phase, Phase::Idle | Phase::Preparing) => Want::Prepare,
                None => Want::Run,
            },
        }
    }
}
