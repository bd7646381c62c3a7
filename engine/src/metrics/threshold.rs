//! (pure) What merged data says of a plan's pass conditions: pass, fail, or no data.

use std::sync::Arc;

use compiler::artifact::{Artifact, Bound, Counter, Metric, NoData, Scenario, Selector, Threshold};
use compiler::schedule;
use serde::{Deserialize, Serialize};

use super::merge::{Totals, aggregate_of};
use super::select::{self, picks};
use super::{Arrivals, RunRecord, SecondRow, series};

const MS: u64 = 1_000_000;

/// What is said of a pass condition.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It holds.
    Pass,
    /// It does not.
    Fail,
    /// There was too little to say.
    NoData,
}

/// What was seen, as an exact fraction in the unit of the threshold.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Observed {
    /// Numerator.
    pub amount: u128,
    /// Denominator, never 0.
    pub per: u128,
}

impl Observed {
    /// Returns whether it is on the passing side of `limit`, without rounding.
    pub fn holds(self, bound: Bound, limit: u64) -> bool {
        bound.holds(self.amount, u128::from(limit).saturating_mul(self.per))
    }

    /// Returns the value as a fraction of `unit` of the threshold's units, for display: 1 000 000 for millionths.
    pub fn in_units_of(self, unit: u32) -> f64 {
        let whole = u32::try_from(self.amount / self.per.max(1) / u128::from(unit.max(1)));
        let per = self.per.saturating_mul(u128::from(unit.max(1)));
        // Six decimals are what a plan can ask for; the integer part is exact.
        let millionths = (self.amount % per.max(1)).saturating_mul(1_000_000) / per.max(1);
        f64::from(whole.unwrap_or(u32::MAX))
            + f64::from(u32::try_from(millionths).unwrap_or(0)) / 1_000_000.0
    }

    /// Returns the whole units, rounded down.
    pub fn whole(self) -> u64 {
        u64::try_from(self.amount / self.per.max(1)).unwrap_or(u64::MAX)
    }

    fn is_above(self, other: Observed) -> bool {
        self.amount.saturating_mul(other.per) > other.amount.saturating_mul(self.per)
    }
}

/// A verdict and what it rests on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Judgement {
    /// The verdict.
    pub verdict: Verdict,
    /// What was seen: over the whole run, or in the worst window. `None` without data.
    pub observed: Option<Observed>,
}

/// Judges the thresholds of one plan.
#[derive(Clone, Debug)]
pub struct Judge {
    artifact: Arc<Artifact>,
}

/// What the counters of a selection came to, in the whole run or in one window.
#[derive(Clone, Copy, Debug, Default)]
struct Counters {
    planned: u64,
    started: u64,
    succeeded: u64,
    failed: u64,
    dropped: u64,
    /// Known at the end of a run only.
    unfinished: u64,
    /// Known at the end of a run only.
    unaccounted: u64,
    /// Runs of the selected steps, or of all, that did not take place.
    skipped: u64,
    /// Runs of the same steps that did.
    ran: u64,
    length_ns: u64,
}

/// Up to where data is known.
#[derive(Clone, Copy)]
enum Known<'a> {
    /// During a run: every node has reported up to this second.
    Until(u64),
    /// At its end.
    All(&'a RunRecord),
}

impl Judge {
    /// Returns the judge of `artifact`'s thresholds.
    pub fn new(artifact: Arc<Artifact>) -> Judge {
        Judge { artifact }
    }

    /// Returns the name of the first threshold with `abort` that is missed already, whatever comes later.
    ///
    /// `complete_until_second` is the second up to which every node that is not lost has reported.
    pub fn missed_abort(&self, totals: &Totals, complete_until_second: u64) -> Option<String> {
        let missed = |threshold: &Threshold, name: &str| {
            if threshold.window_ns == 0
                && !self.is_final_when_missed(threshold, totals, complete_until_second)
            {
                return false;
            }
            let known = Known::Until(complete_until_second);
            self.judge(name, threshold, totals, known).verdict == Verdict::Fail
        };
        let mut aborting = self.artifact.thresholds.iter().filter(|(_, it)| it.abort);
        aborting.find(|(name, it)| missed(it, name)).map(|(name, _)| name.clone())
    }

    /// Returns the verdicts at the end of a run, in the order of the plan's names.
    pub fn verdicts(&self, totals: &Totals, record: &RunRecord) -> Vec<(String, Judgement)> {
        let thresholds = self.artifact.thresholds.iter();
        thresholds
            .map(|(name, it)| (name.clone(), self.judge(name, it, totals, Known::All(record))))
            .collect()
    }

    /// A lower limit of a count can only be judged at the end; everything else may be once the grace is over.
    fn is_final_when_missed(&self, it: &Threshold, totals: &Totals, until_second: u64) -> bool {
        let grace_ends_ms = self.origin_ms(&it.select, totals) + it.grace_ns / MS;
        let grows = match it.bound {
            Bound::Less | Bound::AtMost | Bound::Equal => false,
            Bound::Greater | Bound::AtLeast | Bound::NotEqual => true,
        };
        let waits = matches!(it.metric, Metric::Count(_)) && grows;
        until_second * 1000 > grace_ends_ms && !waits
    }

    fn judge(&self, name: &str, it: &Threshold, totals: &Totals, known: Known<'_>) -> Judgement {
        let observed = match known {
            Known::All(record) if !record.load_started => None,
            Known::All(_) | Known::Until(_) if it.window_ns > 0 => {
                self.worst_window(name, it, totals, known)
            }
            Known::All(_) | Known::Until(_) => self.over_run(it, totals, known),
        };
        let verdict = match (observed, it.on_no_data) {
            (Some(seen), _) if self.holds(it, seen, known) => Verdict::Pass,
            (Some(_), _) => Verdict::Fail,
            (None, NoData::Pass) => Verdict::Pass,
            (None, NoData::NoData) => Verdict::NoData,
        };
        Judgement { verdict, observed }
    }

    /// During a run an exact count is missed only by having gone past it.
    fn holds(&self, it: &Threshold, seen: Observed, known: Known<'_>) -> bool {
        let counting = matches!((known, &it.metric), (Known::Until(_), Metric::Count(_)));
        let bound = match it.bound {
            Bound::Equal if counting && it.window_ns == 0 => Bound::AtMost,
            bound => bound,
        };
        seen.holds(bound, it.value)
    }

    fn over_run(&self, it: &Threshold, totals: &Totals, known: Known<'_>) -> Option<Observed> {
        if let Some(wanted) = select::aggregate(&it.metric) {
            let series = select::latencies(&self.artifact, &series(&self.artifact), it);
            let merged = totals.merged(&series);
            let enough = merged.len() >= it.min_samples.max(1);
            let us = aggregate_of(&merged, wanted).filter(|_| enough)?;
            return Some(Observed { amount: u128::from(us), per: 1 });
        }
        self.cumulative(&it.select, totals, known).observed(it)
    }

    /// Counters of the whole run without what became of the arrivals of the warm-up, whenever it did.
    fn cumulative(&self, select: &Selector, totals: &Totals, known: Known<'_>) -> Counters {
        let mut sum = Counters::default();
        let (mut from_ns, mut to_ns) = (u64::MAX, 0);
        for (at, scenario) in self.selected_scenarios(select) {
            let Some(live) = totals.scenarios().get(at) else { continue };
            let settled = match known {
                Known::All(record) => record.arrivals.get(at).copied(),
                Known::Until(_) => None,
            };
            let all = settled.unwrap_or_else(|| live_arrivals(live));
            sum.started += all.started.saturating_sub(live.warm_up);
            sum.dropped += all.dropped.saturating_sub(live.warm_up_dropped);
            sum.planned += all.planned.saturating_sub(live.warm_up + live.warm_up_dropped);
            let warm_up_ended = live.warm_up_succeeded + live.warm_up_failed;
            sum.unfinished +=
                all.unfinished.saturating_sub(live.warm_up.saturating_sub(warm_up_ended));
            sum.unaccounted += all.unaccounted;
            let steps = scenario.steps.iter().zip(&live.steps);
            for (_, row) in steps.filter(|(step, _)| select::counts(select, &step.name)) {
                sum.skipped += row.skipped.saturating_sub(row.warm_up_skipped);
                sum.ran +=
                    (row.ok + row.failed).saturating_sub(row.warm_up_ok + row.warm_up_failed);
            }
            if select.step.is_none() {
                sum.succeeded += all.succeeded.saturating_sub(live.warm_up_succeeded);
                sum.failed += all.failed.saturating_sub(live.warm_up_failed);
            } else {
                let steps = scenario.steps.iter().zip(&live.steps);
                for (_, row) in steps.filter(|(step, _)| picks(select, &step.name)) {
                    sum.succeeded += row.ok.saturating_sub(row.warm_up_ok);
                    sum.failed += row.failed.saturating_sub(row.warm_up_failed);
                }
            }
            let start_ns = totals.start_ns(at);
            from_ns = from_ns.min(start_ns + scenario.warm_up_ns);
            to_ns = to_ns.max(start_ns + schedule::length_ns(&scenario.load));
        }
        let elapsed_ns = match known {
            Known::Until(second) => second * 1000 * MS,
            Known::All(record) => record.duration_us * 1000,
        };
        sum.length_ns = to_ns.min(elapsed_ns).saturating_sub(from_ns);
        sum
    }

    fn worst_window(
        &self,
        name: &str,
        it: &Threshold,
        totals: &Totals,
        known: Known<'_>,
    ) -> Option<Observed> {
        let length_ms = (it.window_ns / MS).max(1);
        let origin_ms = self.origin_ms(&it.select, totals);
        let scenarios = self.selected_scenarios(&it.select);
        let warm_up_ns = scenarios.iter().map(|(_, it)| it.warm_up_ns).max().unwrap_or(0);
        let load_ns = scenarios
            .iter()
            .map(|(at, it)| totals.start_ns(*at) + schedule::length_ns(&it.load))
            .max();
        let (end_ms, is_over) = match known {
            Known::Until(second) => (second * 1000, false),
            Known::All(record) => (record.duration_us / 1000, true),
        };
        // Nothing starts once the load is over: a window that reaches beyond it has no fair rate.
        let of_starts = matches!(
            it.metric,
            Metric::Rate(_) | Metric::Share(Counter::Started | Counter::Dropped)
        );
        let partial = is_over && !of_starts;
        let end_ms = if of_starts { end_ms.min(load_ns.unwrap_or(0) / MS) } else { end_ms };
        let first = (it.grace_ns.max(warm_up_ns) / MS).div_ceil(length_ms);
        let mut worst: Option<Observed> = None;
        for stretch in first.. {
            let from_ms = origin_ms.saturating_add(stretch.saturating_mul(length_ms));
            let to_ms = from_ms.saturating_add(length_ms);
            if from_ms >= end_ms || (to_ms > end_ms && !partial) {
                break;
            }
            let seen = self.window(name, it, totals, stretch, (from_ms, to_ms));
            worst = match (worst, seen) {
                (Some(worst), Some(seen)) if !is_worse(it, seen, worst) => Some(worst),
                (worst, seen) => seen.or(worst),
            };
        }
        worst
    }

    fn window(
        &self,
        name: &str,
        it: &Threshold,
        totals: &Totals,
        stretch: u64,
        (from_ms, to_ms): (u64, u64),
    ) -> Option<Observed> {
        if select::aggregate(&it.metric).is_some() {
            let point = totals.stretch(name, stretch);
            let us = point.values.first().copied().flatten();
            let us = us.filter(|_| point.count >= it.min_samples.max(1))?;
            return Some(Observed { amount: u128::from(us), per: 1 });
        }
        let mut sum = Counters::default();
        if it.select.step.is_some() {
            let counts = totals.stretch_counts(name, stretch);
            (sum.succeeded, sum.failed, sum.skipped) = (counts.ok, counts.failed, counts.skipped);
            sum.ran = counts.ok + counts.failed;
        } else if counts_skipped(&it.metric) {
            let counts = totals.stretch_counts(name, stretch);
            (sum.skipped, sum.ran) = (counts.skipped, counts.ok + counts.failed);
        } else {
            let bound = |ms: u64| u32::try_from(ms).unwrap_or(u32::MAX);
            let seconds = bound(from_ms / 1000)..bound(to_ms.div_ceil(1000));
            for (at, _) in self.selected_scenarios(&it.select) {
                let Some(live) = totals.scenarios().get(at) else { continue };
                let rows = live.seconds.range(seconds.clone());
                sum = rows.fold(sum, |sum, (_, row)| sum.with(row));
                let warm_up = live.warm_up_seconds.range(seconds.clone());
                sum = warm_up.fold(sum, |sum, (_, row)| sum.without(row));
            }
        }
        sum.planned = sum.started + sum.dropped;
        sum.length_ns = it.window_ns;
        sum.observed(it)
    }

    fn selected_scenarios(&self, select: &Selector) -> Vec<(usize, &Scenario)> {
        let picked = select::scenarios(&self.artifact, select).into_iter();
        picked.filter_map(|at| Some((at, self.artifact.scenarios.values().nth(at)?))).collect()
    }

    /// Returns from when the windows and the grace of a selection count, in milliseconds since the run's start.
    fn origin_ms(&self, select: &Selector, totals: &Totals) -> u64 {
        let scenarios = select::scenarios(&self.artifact, select);
        select::origin_second(&scenarios, totals.starts_ns()) * 1000
    }
}

impl Counters {
    fn with(self, row: &SecondRow) -> Counters {
        Counters {
            started: self.started + row.started,
            succeeded: self.succeeded + row.succeeded,
            failed: self.failed + row.failed,
            dropped: self.dropped + row.dropped,
            ..self
        }
    }

    fn without(self, row: &SecondRow) -> Counters {
        Counters {
            started: self.started.saturating_sub(row.started),
            succeeded: self.succeeded.saturating_sub(row.succeeded),
            failed: self.failed.saturating_sub(row.failed),
            dropped: self.dropped.saturating_sub(row.dropped),
            ..self
        }
    }

    fn get(&self, counter: Counter) -> u64 {
        match counter {
            Counter::Started => self.started,
            Counter::Succeeded => self.succeeded,
            Counter::Failed => self.failed,
            Counter::Dropped => self.dropped,
            Counter::Unfinished => self.unfinished,
            Counter::Unaccounted => self.unaccounted,
            Counter::Skipped => self.skipped,
            // Thresholds on these are refused before a run starts.
            Counter::Matched
            | Counter::TimedOut
            | Counter::Duplicate
            | Counter::Unmatched
            | Counter::Late => 0,
        }
    }

    /// A counter that never fired reads 0; a share of nothing is no data.
    fn observed(&self, it: &Threshold) -> Option<Observed> {
        let ended = self.succeeded + self.failed;
        let of = |counter| match counter {
            Counter::Started | Counter::Dropped | Counter::Unaccounted => self.planned,
            Counter::Succeeded | Counter::Failed => ended,
            Counter::Unfinished => self.started,
            Counter::Skipped => self.ran + self.skipped,
            Counter::Matched
            | Counter::TimedOut
            | Counter::Duplicate
            | Counter::Unmatched
            | Counter::Late => 0,
        };
        let (counter, amount, per) = match it.metric {
            Metric::Share(counter) => (counter, 1_000_000, u128::from(of(counter))),
            Metric::Rate(counter) => {
                (counter, 1_000_000 * 1_000_000_000, u128::from(self.length_ns))
            }
            Metric::Count(counter) => (counter, 1, 1),
            Metric::Response(_)
            | Metric::Service(_)
            | Metric::Phase { .. }
            | Metric::Vital { .. }
            | Metric::Trend { .. }
            | Metric::Value { .. }
            | Metric::OwnCount { .. }
            | Metric::OwnRate { .. } => return None,
        };
        if of(counter) < it.min_samples || per == 0 {
            return None;
        }
        Some(Observed { amount: u128::from(self.get(counter)) * amount, per })
    }
}

fn counts_skipped(metric: &Metric) -> bool {
    matches!(
        metric,
        Metric::Share(Counter::Skipped)
            | Metric::Rate(Counter::Skipped)
            | Metric::Count(Counter::Skipped)
    )
}

fn live_arrivals(live: &super::merge::ScenarioTotals) -> Arrivals {
    let dropped = live.dropped_late + live.dropped_full;
    Arrivals {
        planned: live.started + dropped,
        started: live.started,
        succeeded: live.succeeded,
        failed: live.failed,
        dropped,
        ..Arrivals::default()
    }
}

fn is_worse(it: &Threshold, seen: Observed, worst: Observed) -> bool {
    match it.bound {
        Bound::Less | Bound::AtMost => seen.is_above(worst),
        Bound::Greater | Bound::AtLeast => worst.is_above(seen),
        Bound::Equal | Bound::NotEqual => worst.holds(it.bound, it.value),
    }
}

#[cfg(test)]
mod tests;
