//! (pure) How an agent's results reach a coordinator: the one of the run, or one that collects what that left behind.

use compiler::exit::Exit;

use super::{Enrolled, MS, Over, TOLD_BEATS, UNHEARD_NS};
use crate::clock::Ticks;
use crate::cluster::agent::keep::Results;
use crate::cluster::agent::outbox::Outbox;
use crate::cluster::agent::state::Effect;
use crate::cluster::load::LoadSummary;
use crate::cluster::wire::{FinalReport, Hint, HintWant, Kept, Phase, Welcome};

impl Enrolled {
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

    /// Sends the final report once every window has arrived, again and again until it has arrived itself.
    pub(super) fn report(&mut self, now: Ticks, effects: &mut Vec<Effect>) {
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
    pub(super) fn keep(&mut self, now: Ticks, effects: &mut Vec<Effect>) {
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
    pub(super) fn give_up(&mut self, now: Ticks) {
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
}
