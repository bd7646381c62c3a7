//! (pure) What the run itself decides of single scenarios: when one starts that waits for a count, which one is stopped.

use compiler::artifact::{Artifact, Load, Moment, OnOverload, Scenario, StartAfter};
use compiler::schedule::{Closed, length_ns};

use super::loss::rank;
use super::state::{Coordinator, Effect, MS, Stage};
use crate::clock::Ticks;
use crate::cluster::wire::{HintWant, ScenarioOrder};
use crate::event::Happened;
use crate::metrics::{Ending, Window};

/// So many beats before its start a late scenario is announced: one may be lost.
const NOTICE_BEATS: u64 = 2;

/// What is known of one scenario.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Course {
    /// Its start, counted from the run's; `None` until it is announced.
    pub(crate) start_ns: Option<u64>,
    /// Its start if nobody announces one.
    latest_ns: u64,
    /// Transactions that failed, on all nodes.
    failed: u64,
    /// When it was stopped.
    pub(crate) stopped: Option<Ticks>,
}

impl Course {
    /// Returns the courses of a run's scenarios, in the artifact's order.
    pub(crate) fn of(artifact: &Artifact) -> Vec<Course> {
        let courses = artifact.scenarios.values().map(|scenario| {
            let late = scenario.late_start.as_ref();
            Course {
                start_ns: late.is_none().then_some(scenario.start_ns),
                latest_ns: late.map_or(scenario.start_ns, |late| late.latest_ns),
                failed: 0,
                stopped: None,
            }
        });
        courses.collect()
    }

    /// Returns its start as nodes take it.
    pub(crate) fn start_ns(&self) -> u64 {
        self.start_ns.unwrap_or(self.latest_ns)
    }
}

impl Coordinator {
    /// Heeds what a window that counts says of scenarios.
    pub(crate) fn heed_window(&mut self, now: Ticks, window: &Window, effects: &mut Vec<Effect>) {
        for row in &window.ledger {
            self.courses[row.scenario as usize].failed += row.failed;
        }
        if self.stage != Stage::Running || self.stopped.is_some() || self.resumed.is_some() {
            return;
        }
        let full = window.ledger.iter().filter(|row| row.dropped_full > 0);
        let mut full = full.filter_map(|row| self.scenario(row.scenario as usize));
        if let Some((name, _)) = full.find(|(_, scenario)| ends_when_full(scenario)) {
            let ending = Ending::Overloaded(name.to_owned());
            return self.end(now, ending, effects);
        }
        self.stop_failing(now, effects);
        while self.announce(now, effects) {}
    }

    /// Returns a scenario and its name.
    fn scenario(&self, at: usize) -> Option<(&str, &Scenario)> {
        let scenarios = &self.settings.artifact.scenarios;
        scenarios.iter().nth(at).map(|(name, scenario)| (name.as_str(), scenario))
    }

    /// Stops the scenarios of which too many transactions have failed; the others go on.
    fn stop_failing(&mut self, now: Ticks, effects: &mut Vec<Effect>) {
        for at in 0..self.courses.len() {
            let course = self.courses[at];
            let Some((name, scenario)) = self.scenario(at) else { continue };
            let most = scenario.max_failures.unwrap_or(u64::MAX);
            if course.stopped.is_some() || course.failed < most {
                continue;
            }
            let (name, failed) = (name.to_owned(), course.failed);
            let reason = format!("{failed} transactions failed, max_failures is {most}");
            self.courses[at].stopped = Some(now);
            let what = Happened::ScenarioStopped { scenario: name.clone(), reason };
            effects.extend([self.event(now, None, what), Effect::Hint(HintWant::Beat)]);
            let ending = Ending::TooManyFailures(name);
            if rank(&ending) > rank(&self.ending) {
                self.ending = ending;
            }
        }
    }

    /// Announces the start of a scenario that waits for nothing more; returns whether there was one.
    fn announce(&mut self, now: Ticks, effects: &mut Vec<Effect>) -> bool {
        let Some((at, wanted_ns)) = self.next_start() else { return false };
        let since_start = now.saturating_sub(self.start.unwrap_or(now));
        // Every node must know before it begins; at the latest start it begins unasked.
        let notice_ns = NOTICE_BEATS.saturating_mul(self.tuning.beat_ns);
        let course = &mut self.courses[at];
        let start_ns = wanted_ns.max(since_start.saturating_add(notice_ns)).min(course.latest_ns);
        course.start_ns = Some(start_ns);
        effects.push(Effect::Starts { scenario: at, start_ns });
        if let Some((name, _)) = self.scenario(at) {
            let in_us = start_ns.saturating_sub(since_start) / 1_000;
            let what = Happened::ScenarioStarts { scenario: name.to_owned(), in_us };
            effects.push(self.event(now, None, what));
        }
        effects.push(Effect::Hint(HintWant::Beat));
        true
    }

    /// Returns a scenario that is not announced yet and of which all that it waits for has come, with the plan's start.
    fn next_start(&self) -> Option<(usize, u64)> {
        let scenarios = self.settings.artifact.scenarios.values().zip(&self.courses).enumerate();
        let mut waiting = scenarios.filter(|(_, (_, course))| course.start_ns.is_none());
        waiting.find_map(|(at, (scenario, _))| {
            let after = scenario.late_start.iter().flat_map(|late| &late.after);
            let start_ns = after
                .map(|after| self.moment(after))
                .try_fold(scenario.start_ns, |latest, moment| moment.map(|it| latest.max(it)))?;
            Some((at, start_ns))
        })
    }

    /// Returns when what a start waits for came, with its delay, counted from the run's start.
    fn moment(&self, after: &StartAfter) -> Option<u64> {
        let artifact = &self.settings.artifact;
        let at = artifact.scenarios.keys().position(|name| *name == after.scenario)?;
        let (_, scenario) = self.scenario(at)?;
        let start_ns = self.courses[at].start_ns?;
        let end_ns = match &scenario.load {
            Load::Closed(load) if Closed::new(load).count().is_some() => {
                let gone = |node: usize| self.members[self.nodes[node]].lost.is_some();
                self.ledger.over_ms(at, gone).map(|ms| ms.saturating_mul(MS))
            }
            load => Some(start_ns.saturating_add(length_ns(load))),
        };
        let moment_ns = match after.state {
            Moment::Started => start_ns,
            Moment::Finished => end_ns?,
            Moment::Drained => end_ns?.saturating_add(scenario.graceful_stop_ns),
        };
        Some(moment_ns.saturating_add(after.delay_ns))
    }

    /// Returns all that is wanted of single scenarios beside the plan.
    pub(crate) fn scenario_orders(&self) -> Vec<ScenarioOrder> {
        let known = self.settings.artifact.scenarios.values().zip(&self.courses);
        let orders = (0..).zip(known).map(|(at, (scenario, course))| ScenarioOrder {
            scenario: at,
            start_ns: course.start_ns.filter(|_| scenario.late_start.is_some()),
            stop: course.stopped.is_some(),
        });
        orders.filter(|order| order.stop || order.start_ns.is_some()).collect()
    }

    /// Returns when each scenario starts, counted from the run's start.
    pub(crate) fn starts_ns(&self) -> Vec<u64> {
        self.courses.iter().map(Course::start_ns).collect()
    }

    /// Returns when each scenario was stopped, by itself or with the run, counted from the run's start.
    pub(crate) fn stops_ns(&self, start: Ticks) -> Vec<Option<u64>> {
        let run = self.stopped.as_ref().map(|stopped| stopped.at);
        let first = |course: &Course| run.into_iter().chain(course.stopped).min();
        let stops = self.courses.iter().map(first);
        stops.map(|stop| stop.map(|at| at.saturating_sub(start))).collect()
    }
}

fn ends_when_full(scenario: &Scenario) -> bool {
    matches!(&scenario.load, Load::Open(load) if load.on_overload == OnOverload::Fail)
}

#[cfg(test)]
mod tests;
