//! (pure) What time alone decides: suspicion, loss, the end of a run.

use compiler::artifact::OnAgentLoss;

use super::due::run_length_ns;
use super::member::Member;
use super::state::{Cause, Coordinator, Deviation, Effect, MS, Stage, Stopped};
use crate::clock::Ticks;
use crate::cluster::StopRequest;
use crate::cluster::wire::{HintWant, Phase};
use crate::event::Happened;
use crate::metrics::Ending;

/// After a broker came back, an agent may need this long to reach it again: one pause and one try to connect.
const RECONNECT_NS: u64 = 3_000 * MS;

/// How often it is asked whether a silent agent is still connected.
const PING_NS: u64 = 1_000 * MS;

/// Most warnings of a run: what agents can cause again and again must not fill the memory or the report.
pub(crate) const WARNINGS_MAX: usize = 100;

impl Coordinator {
    /// Does everything that is due by now.
    pub(crate) fn advance(&mut self, now: Ticks, effects: &mut Vec<Effect>) {
        match self.stage {
            Stage::Forming => self.form(now, effects),
            Stage::Preparing => self.prepare(now, effects),
            Stage::Running if self.resumed.is_some() => self.gather(now, effects),
            Stage::Running => self.watch(now, effects),
            Stage::Closing => {
                let told = self.members.iter().all(|member| member.forgotten.is_some());
                if told || now >= self.until {
                    self.finish(now, effects);
                }
            }
            Stage::Done => {}
        }
    }

    /// Returns when the coordinator wants to be called, at the latest.
    pub(crate) fn wake(&self, now: Ticks) -> Ticks {
        let beat = now.saturating_add(self.tuning.beat_ns.min(250 * MS));
        let start = self.start.filter(|_| !self.started_said).unwrap_or(u64::MAX);
        beat.min(self.until).min(start).max(now.saturating_add(MS))
    }

    /// Agrees on the start.
    pub(crate) fn arm(&mut self, now: Ticks, effects: &mut Vec<Effect>) {
        let start = now.saturating_add(self.tuning.start_delay_ns);
        let length = run_length_ns(&self.settings.artifact);
        self.start = Some(start);
        self.stage = Stage::Running;
        self.until = start.saturating_add(length).saturating_add(self.tuning.final_wait_ns);
        let in_us = self.tuning.start_delay_ns / 1_000;
        effects.push(self.event(now, None, Happened::Armed { in_us }));
        effects.push(Effect::Hint(HintWant::Beat));
    }

    /// Returns for how long after the last answer an agent may still send: its lease and the guard.
    pub(crate) fn reach_ns(&self) -> u64 {
        let lease = self.settings.lease_ns;
        if self.deviates(Deviation::NoGuard) {
            return lease;
        }
        lease.saturating_add(self.tuning.guard_ns).saturating_add(lease / 1_000)
    }

    /// Returns the first instant at which the agent certainly sends nothing; the start if it never had a lease.
    pub(crate) fn horizon(&self, member: &Member) -> Ticks {
        let start = self.start.unwrap_or(0);
        member.leased.map_or(start, |leased| leased.saturating_add(self.reach_ns())).max(start)
    }

    fn watch(&mut self, now: Ticks, effects: &mut Vec<Effect>) {
        if !self.started_said && self.start.is_some_and(|start| now >= start) {
            self.started_said = true;
            // An agent may have been lost between the word and the start.
            if self.stopped.is_none() {
                effects.push(self.event(now, None, Happened::Started));
            }
        }
        let lease = self.settings.lease_ns;
        if let Some(down) = self.link_down {
            if now >= down.saturating_add(lease) && self.unsettled().next().is_some() {
                let (away, lease) = (seconds(now - down), seconds(lease));
                let why = format!("the broker was away for {away}");
                let all = format!("{why}, no shorter than the lease of {lease}");
                self.end(now, Ending::ClusterFailed(all), effects);
                self.lose_where(now, |_| true, &why, effects);
            }
        } else {
            self.suspect(now, effects);
            let patience = lease.saturating_sub(self.tuning.notice_ns.min(lease / 4));
            let up = self.link_up.saturating_add(2 * self.tuning.beat_ns);
            let silent = |member: &Member| now >= member.heard.saturating_add(patience).max(up);
            let why = format!("not heard for {}", seconds(patience));
            self.lose_where(now, silent, &why, effects);
            self.bequeath(now, effects);
            self.end_if_alone(now, effects);
        }
        self.close_waits(now, effects);
        if self.unsettled().next().is_none() && self.all_told(now) {
            self.finish(now, effects);
        }
    }

    pub(super) fn unsettled(&self) -> impl Iterator<Item = usize> {
        self.nodes.iter().copied().filter(|at| !self.members[*at].is_settled())
    }

    /// Returns whether every node knows that the run is over, or had the time to learn it.
    pub(super) fn all_told(&self, now: Ticks) -> bool {
        self.nodes.iter().map(|at| &self.members[*at]).all(|member| {
            let waited = now >= member.heard.saturating_add(2 * self.tuning.beat_ns);
            member.forgotten.is_some() || member.given_up || waited
        })
    }

    fn suspect(&mut self, now: Ticks, effects: &mut Vec<Effect>) {
        let unsettled: Vec<usize> = self.unsettled().collect();
        for at in unsettled {
            let (beat_ns, suspect_ns) = (self.tuning.beat_ns, self.tuning.suspect_ns);
            let member = &mut self.members[at];
            let silent = now.saturating_sub(member.heard);
            if silent > beat_ns + beat_ns / 4 && now >= member.pinged.saturating_add(PING_NS) {
                member.pinged = now;
                effects.push(Effect::Ping(member.name.clone()));
            }
            let suspect = member.gone || silent >= suspect_ns;
            if suspect && !member.suspect && member.lost.is_none() {
                member.suspect = true;
                let name = member.name.clone();
                effects.push(self.event(now, Some(&name), Happened::Suspect));
            }
        }
    }

    /// Declares those lost that are not yet and that `is_silent`; never taken back.
    fn lose_where(
        &mut self,
        now: Ticks,
        is_silent: impl Fn(&Member) -> bool,
        why: &str,
        effects: &mut Vec<Effect>,
    ) {
        let unsettled: Vec<usize> = self.unsettled().collect();
        for at in unsettled {
            if is_silent(&self.members[at]) {
                self.lose(now, at, why, effects);
            }
        }
    }

    /// Stops waiting for what does not come.
    fn close_waits(&mut self, now: Ticks, effects: &mut Vec<Effect>) {
        if now >= self.until && self.stopped.is_none() {
            let names: Vec<String> = self.unsettled().map(|at| self.members[at].title()).collect();
            if !names.is_empty() {
                let why = format!("did not finish in time: {}", names.join(", "));
                self.end(now, Ending::ClusterFailed(why), effects);
                self.cut(now, effects);
            }
        }
        let over = now >= self.until;
        let final_wait_ns = self.tuning.final_wait_ns;
        let back = self.link_up.saturating_add(if self.link_up > 0 { RECONNECT_NS } else { 0 });
        let connected = self.link_down.is_none() && now >= back;
        let unsettled: Vec<usize> = self.unsettled().collect();
        for at in unsettled {
            let horizon = self.horizon(&self.members[at]);
            let member = &self.members[at];
            let hopeless = member.lost.is_some_and(|lost| {
                now >= lost.saturating_add(final_wait_ns)
                    || (connected && member.gone && now >= horizon)
            });
            if over || hopeless {
                self.give_up(now, at, effects);
            }
        }
    }

    /// Waits no longer for the results of member `at`: what is known of it stands.
    pub(super) fn give_up(&mut self, now: Ticks, at: usize, effects: &mut Vec<Effect>) {
        let member = &mut self.members[at];
        let was_lost = member.lost.is_some();
        member.given_up = true;
        member.lost.get_or_insert(self.resumed.unwrap_or(now));
        let title = member.title();
        let what = format!("no final report of {title}: its acknowledged windows stand");
        self.warn(now, "final-missing", what, effects);
        // A loss that the policy bears is borne to the end.
        if self.settings.on_agent_loss == OnAgentLoss::Fail || !was_lost {
            let why = format!("no final report of {title}");
            self.end(now, Ending::ClusterFailed(why), effects);
        }
    }

    pub(crate) fn warn(
        &mut self,
        now: Ticks,
        code: &str,
        message: String,
        effects: &mut Vec<Effect>,
    ) {
        let warning = (code.to_owned(), message.clone());
        if self.warnings.len() >= WARNINGS_MAX || self.warnings.contains(&warning) {
            return;
        }
        self.warnings.push(warning);
        let what = Happened::Warning { code: code.to_owned(), message };
        effects.push(self.event(now, None, what));
    }

    /// Takes note of whether somebody listens under `name`. It stops nothing: only the end of the lease frees slots.
    pub(crate) fn reached(&mut self, name: &str, listens: bool) {
        for member in self.members.iter_mut().filter(|member| member.name == name) {
            member.gone = !listens;
        }
    }

    /// Takes note of the state of the connection to the broker.
    pub(crate) fn link(&mut self, now: Ticks, up: bool, effects: &mut Vec<Effect>) {
        match (up, self.link_down) {
            (false, None) => {
                self.link_down = Some(now);
                effects.push(self.event(now, None, Happened::BrokerAway));
            }
            (true, Some(down)) => {
                self.link_down = None;
                self.heed_anew(now);
                let away_us = now.saturating_sub(down) / 1_000;
                effects.push(self.event(now, None, Happened::BrokerBack { away_us }));
                effects.push(Effect::Hint(HintWant::Beat));
            }
            (false, Some(_)) | (true, None) => {}
        }
    }

    /// Takes note of a time in which the coordinator itself did nothing: what it did not hear then tells nothing.
    pub(crate) fn wake_up(&mut self, now: Ticks, still: u64, effects: &mut Vec<Effect>) {
        if self.settings.local || self.stage == Stage::Done {
            return;
        }
        self.heed_anew(now);
        let message = format!("the coordinator stood still for {}", seconds(still));
        self.warn(now, "coordinator-still", message, effects);
    }

    /// Judges nobody by what was said before: agents have yet to be heard again.
    fn heed_anew(&mut self, now: Ticks) {
        self.link_up = now;
        for member in &mut self.members {
            member.gone = false;
            member.pinged = now;
        }
    }

    /// Ends the run early for `cause`.
    pub(crate) fn stop_for(&mut self, now: Ticks, cause: Cause, effects: &mut Vec<Effect>) {
        match cause {
            Cause::Request(_) if self.resumed.is_some() => {
                // What was collected is in the journal: it can be gone on with.
                self.stage = Stage::Done;
                effects.push(Effect::Done);
            }
            Cause::Request(request) => {
                self.end(now, Ending::Interrupted, effects);
                if request == StopRequest::Abort {
                    self.cut(now, effects);
                }
            }
            Cause::Threshold(name) => self.end(now, Ending::Aborted(name), effects),
            Cause::Bug(what) => self.end(now, Ending::Internal(what), effects),
        }
    }

    /// Notes how the run ends, the strongest reason wins, and stops whatever goes on.
    pub(crate) fn end(&mut self, now: Ticks, ending: Ending, effects: &mut Vec<Effect>) {
        let ending = match ending {
            Ending::ClusterFailed(why) if self.resumed.is_some() => {
                Ending::ClusterFailed(format!("the coordinator was lost and the load cut: {why}"))
            }
            ending => ending,
        };
        if rank(&ending) > rank(&self.ending) {
            self.ending = ending.clone();
        }
        let reason = describe(&ending);
        match self.stage {
            Stage::Forming | Stage::Preparing => {
                self.stage = Stage::Closing;
                self.until = now.saturating_add(2 * self.tuning.beat_ns);
            }
            Stage::Running if self.stopped.is_none() && self.resumed.is_none() => {
                self.stopped = Some(Stopped { at: now, cut: false, reason: reason.clone() });
                let wait = self.drain_ns().saturating_add(self.tuning.final_wait_ns);
                self.until = now.saturating_add(wait);
            }
            Stage::Running | Stage::Closing | Stage::Done => return,
        }
        effects.push(self.event(now, None, Happened::Stopping { reason }));
        effects.push(Effect::Hint(HintWant::Beat));
    }

    /// Cuts what still runs after a stop.
    fn cut(&mut self, now: Ticks, effects: &mut Vec<Effect>) {
        if let Some(stopped) = &mut self.stopped
            && !stopped.cut
        {
            stopped.cut = true;
            self.until = now.saturating_add(self.tuning.final_wait_ns);
            effects.push(Effect::Hint(HintWant::Beat));
        }
    }

    pub(super) fn finish(&mut self, now: Ticks, effects: &mut Vec<Effect>) {
        self.stage = Stage::Done;
        for at in self.nodes.clone() {
            let end = self.end_of(now, at);
            let member = &mut self.members[at];
            if matches!(member.phase, Phase::Reporting | Phase::Fenced) {
                member.drained.get_or_insert(end);
            }
        }
        effects.push(self.event(now, None, Happened::Finished));
        effects.push(Effect::Done);
    }
}

/// Returns a time for people to read.
pub(crate) fn seconds(ns: u64) -> String {
    format!("{:.1} s", std::time::Duration::from_nanos(ns).as_secs_f64())
}

/// The order of the contract: when several reasons hold, the first wins.
pub(super) fn rank(ending: &Ending) -> u8 {
    match ending {
        Ending::Complete => 0,
        Ending::Aborted(_) | Ending::TooManyFailures(_) => 1,
        Ending::Overloaded(_) => 2,
        Ending::ClusterFailed(_) => 3,
        Ending::ArtifactRefused(_) => 4,
        Ending::Internal(_) => 5,
        Ending::Interrupted => 6,
    }
}

fn describe(ending: &Ending) -> String {
    match ending {
        Ending::Complete => "complete".to_owned(),
        Ending::Interrupted => "interrupted".to_owned(),
        Ending::Aborted(threshold) => format!("threshold `{threshold}` was missed"),
        Ending::TooManyFailures(scenario) => format!("`{scenario}` failed too often"),
        Ending::Overloaded(scenario) => format!("`{scenario}` reached its max_in_flight"),
        Ending::ArtifactRefused(why) | Ending::ClusterFailed(why) | Ending::Internal(why) => {
            why.clone()
        }
    }
}
