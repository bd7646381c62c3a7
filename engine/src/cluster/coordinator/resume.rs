//! (pure) Going on where another coordinator was lost: what it must leave behind, and collecting what its nodes kept.
//! Load is never started again.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use compiler::artifact::COORDINATOR;

use super::journal::{Leases, NodeNow, Past, RunNow, ScenarioNow, StopNow};
use super::member::Member;
use super::state::{Coordinator, Effect, Settings, Stage, Stopped};
use crate::clock::Ticks;
use crate::cluster::wire::{FinalReport, Hello, HintWant, Kept, Phase, Verdict, decode_window};
use crate::ledger::Ledger;
use crate::metrics::Ending;

/// No lease was given out later than this after the journal's last sign of life.
const ALIVE_NS: u64 = 1_000_000_000;

/// Transactions of an agent whose lease has ended may go on for so long.
const DRAIN_NS: u64 = 30_000_000_000;

impl Coordinator {
    /// Returns what a successor must know of the run beside its nodes.
    pub(crate) fn run_now(&self) -> RunNow {
        let stopped = self.stopped.as_ref().map(|Stopped { at, cut, reason }| StopNow {
            at: *at,
            cut: *cut,
            reason: reason.clone(),
        });
        let courses = self.courses.iter();
        RunNow {
            start: self.start,
            stopped,
            ending: self.ending.clone(),
            scenarios: courses
                .map(|course| ScenarioNow { start_ns: course.start_ns, stopped: course.stopped })
                .collect(),
            warnings: self.warnings.clone(),
            lost: self.resumed,
        }
    }

    /// Returns what a successor must know of node `node` beside its windows and its report.
    pub(crate) fn node_now(&self, node: usize) -> NodeNow {
        let member = &self.members[self.nodes[node]];
        let leasable = self.stopped.is_none() && member.lost.is_none() && !member.fenced;
        NodeNow {
            node,
            name: member.name.clone(),
            process: member.process.clone(),
            group: member.group.clone(),
            labels: member.labels.clone(),
            host: member.host.clone(),
            pid: member.pid,
            seats: member.seats.clone(),
            home: member.home.clone(),
            takeovers: member.takeovers.clone(),
            handed_over: self.ledger.handed_over(node),
            joined: member.joined,
            armed: member.armed,
            leases: (!leasable || self.resumed.is_some())
                .then_some(Leases { last: member.leased, until_ns: member.leased_until_ns }),
            fenced: member.fenced,
            left: member.left,
            lost: member.lost,
            drained: member.drained,
        }
    }

    /// Returns the final report of node `node`, if it was taken.
    pub(crate) fn report_of(&self, node: usize) -> Option<&FinalReport> {
        self.members[self.nodes[node]].report.as_ref()
    }

    /// Returns a coordinator that collects what is left of the run of `past`, and what it makes of that.
    ///
    /// # Errors
    /// What the journal says does not fit the artifact.
    pub(crate) fn resume(
        now: Ticks,
        settings: Settings,
        past: Past,
    ) -> Result<(Coordinator, Vec<Effect>), String> {
        let mut it = Coordinator::new(now, settings);
        let mut effects = Vec::new();
        let Some(run) = past.now.filter(|run| run.start.is_some()) else {
            let why = "the coordinator was lost before a start was agreed: nothing was sent";
            it.end(now, Ending::ClusterFailed(why.to_owned()), &mut effects);
            return Ok((it, effects));
        };
        if run.scenarios.len() != it.courses.len() {
            return Err("its scenarios are not the artifact's".to_owned());
        }
        it.resumed = Some(run.lost.unwrap_or(past.alive.at));
        it.stage = Stage::Running;
        it.start = run.start;
        it.started_said = true;
        let bound = it.leases_of(run.start.unwrap_or(now), past.alive.at);
        let waits = it.settings.join_timeout_ns.saturating_add(DRAIN_NS);
        let waits = waits.saturating_add(it.reach_ns()).saturating_add(it.tuning.final_wait_ns);
        it.until = now.saturating_add(waits);
        it.stopped = run.stopped.map(|StopNow { at, cut, reason }| Stopped { at, cut, reason });
        it.ending = run.ending;
        it.warnings = run.warnings;
        for (at, known) in run.scenarios.into_iter().enumerate() {
            let course = &mut it.courses[at];
            let late = course.start_ns.is_none();
            (course.start_ns, course.stopped) = (known.start_ns, known.stopped);
            if let Some(start_ns) = known.start_ns.filter(|_| late) {
                effects.push(Effect::Starts { scenario: at, start_ns });
            }
        }
        it.remember(now, past.nodes, past.reports, bound);
        for (node, seq, body) in past.windows {
            it.replay(now, node, seq, body, &mut effects)?;
        }
        Ok((it, effects))
    }

    /// Returns what leases an agent may have been given, of which nothing is known but when the coordinator lived last.
    fn leases_of(&self, start: Ticks, alive: Ticks) -> Leases {
        let last = alive.saturating_add(ALIVE_NS);
        // By the agent's clock, which may have gone a thousandth faster all the time.
        let drift = last.saturating_sub(start) / 1_000;
        let until = last.saturating_add(self.reach_ns()).saturating_add(drift);
        Leases { last: Some(last), until_ns: until.saturating_sub(start) }
    }

    /// Takes up what was known of nodes; those that were given leases to the end may have had those of `bound`.
    fn remember(
        &mut self,
        now: Ticks,
        nodes: BTreeMap<usize, NodeNow>,
        mut reports: BTreeMap<usize, FinalReport>,
        bound: Leases,
    ) {
        let homes: Vec<Vec<String>> = nodes.values().map(|node| node.home.clone()).collect();
        let artifact = Arc::clone(&self.settings.artifact);
        self.ledger = Ledger::new(&artifact, &homes);
        self.nodes = (0..nodes.len()).collect();
        for (node, known) in nodes {
            self.ledger.restore(node, &known.takeovers, &known.handed_over, &artifact);
            let leases = known.leases.unwrap_or(bound);
            let mut member = Member::remembered(known);
            (member.leased, member.leased_until_ns) = (leases.last, leases.until_ns);
            member.heard = now;
            member.report = reports.remove(&node);
            self.members.push(member);
        }
    }

    /// Takes a window that was acknowledged before.
    fn replay(
        &mut self,
        now: Ticks,
        node: usize,
        seq: u64,
        body: Bytes,
        effects: &mut Vec<Effect>,
    ) -> Result<(), String> {
        let bad = |what: String| format!("window {seq} of node {node}: {what}");
        let window =
            decode_window(body, self.settings.series).map_err(|error| bad(error.to_string()))?;
        self.ledger.apply(node, &window.ledger).map_err(|error| bad(error.to_string()))?;
        let member = &mut self.members[node];
        member.acked_seq = seq;
        member.window(&window);
        self.heed_window(now, &window, effects);
        effects.push(Effect::Window { node, seq, window: Box::new(window), body: Bytes::new() });
        Ok(())
    }

    /// Answers an agent's hello where only what was kept of a run is collected.
    pub(crate) fn judge_kept(
        &mut self,
        now: Ticks,
        hello: &Hello,
        effects: &mut Vec<Effect>,
    ) -> (Verdict, String) {
        let run = &self.settings.run;
        let busy = |why: &str| (Verdict::Busy, format!("{why} of run {run} is collected"));
        let mut kept = hello.resume.iter().filter(|kept| kept.run == *run);
        // A lost agent's next process may have been in the run too, and may keep the results of both.
        let of = |kept: &Kept| {
            let ours = |it: &&Member| it.name == hello.name && it.process == kept.process;
            let place = self.members.iter().position(|it| ours(&it))?;
            (!self.members[place].given_up).then_some(place)
        };
        let Some((kept, at)) = kept.find_map(|kept| Some((kept, of(kept)?))) else {
            return busy("only what its own agents kept");
        };
        let member = &self.members[at];
        let other = member.phase != Phase::Idle && member.nonce != hello.nonce;
        if other && now.saturating_sub(member.heard) < self.tuning.suspect_ns {
            return busy("from another process of that name what it kept");
        }
        let missing = kept.from_seq.saturating_sub(member.acked_seq + 1);
        if missing > 0 && !member.is_settled() {
            let what = format!("{missing} windows of {} are nowhere any more", member.title());
            self.warn(now, "window-missing", what, effects);
            self.give_up(now, at, effects);
            return (Verdict::Busy, "windows before those that it kept are missing".to_owned());
        }
        for member in self.members.iter_mut().filter(|member| member.nonce == hello.nonce) {
            // It speaks for one at a time.
            member.nonce.clear();
        }
        let member = &mut self.members[at];
        member.nonce.clone_from(&hello.nonce);
        member.heard = now;
        (Verdict::Resume, "what was kept is collected".to_owned())
    }

    /// Asks for what is missing, and ends waits for what does not come.
    pub(crate) fn gather(&mut self, now: Ticks, effects: &mut Vec<Effect>) {
        let unsettled: Vec<usize> = self.unsettled().collect();
        let here = |member: &Member| member.phase != Phase::Idle;
        let absent = unsettled.iter().any(|at| !here(&self.members[*at]));
        if absent && now >= self.next_hint {
            self.next_hint = now.saturating_add(self.tuning.beat_ns);
            effects.push(Effect::Hint(HintWant::Hello));
        }
        for at in unsettled {
            let member = &self.members[at];
            let limit = if here(member) {
                member.heard.saturating_add(self.tuning.final_wait_ns)
            } else if member.group == COORDINATOR {
                // It was inside the process that is gone, and nobody else has its results.
                self.began
            } else {
                // Before its lease has ended an agent heeds nobody else.
                let asked = self.began.max(self.horizon(member));
                asked.saturating_add(self.settings.join_timeout_ns)
            };
            let judged = self.link_down.is_none() && now >= limit.max(self.link_up);
            if judged || now >= self.until {
                self.give_up(now, at, effects);
            }
        }
        if self.unsettled().next().is_none() && self.all_told(now) {
            self.finish(now, effects);
        }
    }

    /// Returns when the load of member `at` had ended, as far as that is known at `now`, when its last word is here.
    pub(crate) fn end_of(&self, now: Ticks, at: usize) -> Ticks {
        match (self.resumed, self.start) {
            (Some(_), Some(start)) => {
                start.saturating_add(self.members[at].until_ms.saturating_mul(1_000_000))
            }
            (Some(_) | None, _) => now,
        }
    }
}

#[cfg(test)]
mod tests;
