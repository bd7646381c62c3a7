//! (pure) Windows of all nodes merged into one state of the run. Order and grouping of windows do not matter.
//!
//! Absent: thresholds and clocks. What is judged is in `threshold`; the time is whatever the windows say.

use std::collections::BTreeMap;

use compiler::artifact::{Aggregate, Artifact, Metric, Threshold};
use compiler::unit::{LENGTH_NS_MAX, SECOND_NS};

use super::timeline::{Point, Sparse, Timeline};
use super::{Histogram, SecondRow, StepRow, Window, latency, select, warm_up};
use super::{Series, SeriesKind, series};
use crate::exchange::FailureKind;

/// How long latencies of one second stay open for windows of slower nodes, in seconds.
///
/// A node keeps at most 60 windows unsent; half as much again leaves room for windows longer than a second.
pub const OPEN_SECONDS: u64 = 90;

/// Percentiles that are kept for each second: p50, p95, p99.
const SECOND_AGGREGATES: [Aggregate; 3] =
    [Aggregate::Percentile(50_000), Aggregate::Percentile(95_000), Aggregate::Percentile(99_000)];

/// Seconds beyond this are counted in the last one: no run is longer, and a wrong row must not cost memory.
const SECOND_MAX: u64 = LENGTH_NS_MAX / SECOND_NS;

/// Failures of one kind at one step.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ErrorTotal {
    /// How many.
    pub count: u64,
    /// Detail of the earliest window's first one.
    pub sample: String,
    sample_from_ms: u64,
}

/// Everything counted for one scenario.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ScenarioTotals {
    /// Arrivals sent.
    pub started: u64,
    /// Transactions that ended well.
    pub succeeded: u64,
    /// Transactions that ended badly.
    pub failed: u64,
    /// Arrivals not sent because they were due too long ago.
    pub dropped_late: u64,
    /// Arrivals not sent because too many were running.
    pub dropped_full: u64,
    /// Of `started`, those within the warm-up.
    pub warm_up: u64,
    /// Of `succeeded`, those within the warm-up.
    pub warm_up_succeeded: u64,
    /// Of `failed`, those within the warm-up.
    pub warm_up_failed: u64,
    /// Of those dropped, those within the warm-up.
    pub warm_up_dropped: u64,
    /// Time users were active, in microseconds.
    pub active_us: u64,
    /// Steps in the artifact's order.
    pub steps: Vec<StepRow>,
    /// Failures by step and kind.
    pub errors: BTreeMap<(usize, FailureKind), ErrorTotal>,
    /// What happened by second of the run.
    pub seconds: BTreeMap<u32, SecondRow>,
    /// Of `seconds`, what belongs to arrivals of the warm-up.
    pub warm_up_seconds: BTreeMap<u32, SecondRow>,
}

/// What is known of one node.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NodeTotals {
    /// How late it sent arrivals, in microseconds.
    pub lateness: Option<Histogram>,
    /// Highest share of one core, in percent.
    pub cpu_percent_max: u32,
    /// Highest resident memory, in bytes.
    pub rss_bytes_max: u64,
    /// Most descriptors open, sockets and files.
    pub descriptors_max: u64,
    /// How late its workers' own timers woke them, in microseconds.
    pub lag: Option<Histogram>,
    /// Arrivals it sent, over all scenarios.
    pub started: u64,
}

/// The merged state of a run.
#[derive(Clone, Debug)]
pub struct Totals {
    scenarios: Vec<ScenarioTotals>,
    /// By scenario: its start, counted from the run's.
    starts_ns: Vec<u64>,
    series: Vec<Series>,
    histograms: BTreeMap<u32, Histogram>,
    nodes: BTreeMap<usize, NodeTotals>,
    /// Latency by second, one timeline for each scenario.
    seconds: Vec<Timeline>,
    /// Latency by stretch, one for each windowed latency threshold, by name.
    stretches: BTreeMap<String, Stretches>,
    newest_ms: u64,
    clamped: u64,
    late_windows: u64,
    stray_rows: u64,
}

/// Where a threshold's tumbling windows lie on the run's clock.
#[derive(Clone, Debug)]
struct Stretches {
    timeline: Timeline,
    series: Vec<u32>,
    /// Of a threshold that counts: (scenario, step), and what their runs came to.
    steps: Vec<(u32, u32)>,
    counts: BTreeMap<u64, StepCounts>,
    /// Selected scenarios.
    scenarios: Vec<usize>,
    origin_ms: u64,
    length_ms: u64,
}

/// What the runs of steps came to, warm-up left out.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct StepCounts {
    /// Ended well.
    pub ok: u64,
    /// Ended badly.
    pub failed: u64,
    /// Did not take place.
    pub skipped: u64,
}

impl Stretches {
    fn new(
        artifact: &Artifact,
        series: &[Series],
        starts_ns: &[u64],
        threshold: &Threshold,
    ) -> Stretches {
        let (aggregates, series, steps) = match &threshold.metric {
            Metric::Response(wanted)
            | Metric::Service(wanted)
            | Metric::Phase { aggregate: wanted, .. } => {
                (vec![*wanted], select::latencies(artifact, series, threshold), Vec::new())
            }
            Metric::Share(_) | Metric::Rate(_) | Metric::Count(_) => {
                (Vec::new(), Vec::new(), select::steps(artifact, &threshold.select))
            }
            // Thresholds on these are refused before a run starts.
            Metric::Vital { .. }
            | Metric::Trend { .. }
            | Metric::Value { .. }
            | Metric::OwnCount { .. }
            | Metric::OwnRate { .. } => (Vec::new(), Vec::new(), Vec::new()),
        };
        let scenarios = select::scenarios(artifact, &threshold.select);
        Stretches {
            timeline: Timeline::new(aggregates),
            series,
            steps,
            counts: BTreeMap::new(),
            origin_ms: select::origin_second(&scenarios, starts_ns) * 1000,
            scenarios,
            length_ms: (threshold.window_ns / 1_000_000).max(1),
        }
    }

    fn at(&self, ms: u64) -> Option<u64> {
        Some(ms.checked_sub(self.origin_ms)? / self.length_ms)
    }
}

impl Totals {
    /// Returns the state of a run in which nothing has happened.
    pub fn new(artifact: &Artifact) -> Totals {
        let series = series(artifact);
        let starts_ns: Vec<u64> = artifact.scenarios.values().map(select::latest_ns).collect();
        let scenarios: Vec<ScenarioTotals> = (artifact.scenarios.values().enumerate())
            .map(|(at, scenario)| ScenarioTotals {
                steps: (0..scenario.steps.len())
                    .map(|step| StepRow {
                        scenario: index(at),
                        step: index(step),
                        ..StepRow::default()
                    })
                    .collect(),
                ..ScenarioTotals::default()
            })
            .collect();
        let stretches = (artifact.thresholds.iter())
            .filter(|(_, threshold)| threshold.window_ns > 0)
            .map(|(name, it)| (name.clone(), Stretches::new(artifact, &series, &starts_ns, it)))
            .collect();
        Totals {
            seconds: scenarios.iter().map(|_| Timeline::new(SECOND_AGGREGATES.to_vec())).collect(),
            scenarios,
            starts_ns,
            series,
            stretches,
            histograms: BTreeMap::new(),
            nodes: BTreeMap::new(),
            newest_ms: 0,
            clamped: 0,
            late_windows: 0,
            stray_rows: 0,
        }
    }

    /// Takes when a scenario starts, counted from the run's start, whose start the plan leaves open. Nothing of it may have
    /// been measured yet.
    pub fn start_at(&mut self, scenario: usize, start_ns: u64) {
        if let Some(start) = self.starts_ns.get_mut(scenario) {
            *start = start_ns;
        }
        for stretches in self.stretches.values_mut() {
            let origin = select::origin_second(&stretches.scenarios, &self.starts_ns);
            stretches.origin_ms = origin * 1000;
        }
    }

    /// Returns when a scenario starts, in nanoseconds since the run's start: the latest start of one that is not known yet.
    pub fn start_ns(&self, scenario: usize) -> u64 {
        self.starts_ns.get(scenario).copied().unwrap_or(0)
    }

    /// Returns when each scenario starts, in the artifact's order.
    pub fn starts_ns(&self) -> &[u64] {
        &self.starts_ns
    }

    /// Adds what `node` measured in one window. Each window must be given once.
    pub fn apply(&mut self, node: usize, window: &Window) {
        self.apply_counters(node, window);
        self.apply_rows(window);
        self.apply_histograms(window);
        self.newest_ms = self.newest_ms.max(window.to_ms);
        let open_from_ms = self.newest_ms.saturating_sub(OPEN_SECONDS * 1000);
        for timeline in &mut self.seconds {
            timeline.freeze_before(open_from_ms / 1000);
        }
        for stretches in self.stretches.values_mut() {
            let before = open_from_ms.saturating_sub(stretches.origin_ms) / stretches.length_ms;
            stretches.timeline.freeze_before(before);
        }
    }

    fn apply_counters(&mut self, node: usize, window: &Window) {
        let totals = self.nodes.entry(node).or_default();
        for row in &window.ledger {
            let Some(scenario) = self.scenarios.get_mut(place(row.scenario)) else {
                self.stray_rows += 1;
                continue;
            };
            scenario.started += row.started;
            scenario.succeeded += row.succeeded;
            scenario.failed += row.failed;
            scenario.dropped_late += row.dropped_late;
            scenario.dropped_full += row.dropped_full;
            scenario.warm_up += row.warm_up;
            scenario.warm_up_succeeded += row.warm_up_succeeded;
            scenario.warm_up_failed += row.warm_up_failed;
            scenario.warm_up_dropped += row.warm_up_dropped;
            scenario.active_us += row.active_us;
            totals.started += row.started;
        }
        totals.cpu_percent_max = totals.cpu_percent_max.max(window.cpu_percent);
        totals.rss_bytes_max = totals.rss_bytes_max.max(window.rss_bytes);
        totals.descriptors_max = totals.descriptors_max.max(window.descriptors);
        if let Some(lateness) = &window.lateness {
            add_into(totals.lateness.get_or_insert_with(latency::new_histogram), lateness);
        }
        if let Some(lag) = &window.lag {
            add_into(totals.lag.get_or_insert_with(latency::new_histogram), lag);
        }
        self.clamped += window.clamped;
    }

    fn apply_rows(&mut self, window: &Window) {
        for row in &window.steps {
            let scenario = self.scenarios.get_mut(place(row.scenario));
            match scenario.and_then(|scenario| scenario.steps.get_mut(place(row.step))) {
                Some(step) => step.add(row),
                None => self.stray_rows += 1,
            }
            for stretches in self.stretches.values_mut() {
                if stretches.steps.contains(&(row.scenario, row.step))
                    && let Some(stretch) = stretches.at(window.from_ms)
                {
                    let counts = stretches.counts.entry(stretch).or_default();
                    counts.ok += row.ok.saturating_sub(row.warm_up_ok);
                    counts.failed += row.failed.saturating_sub(row.warm_up_failed);
                    counts.skipped += row.skipped.saturating_sub(row.warm_up_skipped);
                }
            }
        }
        for row in &window.errors {
            let Some(scenario) = self.scenarios.get_mut(place(row.scenario)) else {
                self.stray_rows += 1;
                continue;
            };
            let entry = scenario.errors.entry((place(row.step), row.kind));
            let total = entry.or_insert_with(|| ErrorTotal {
                count: 0,
                sample: row.sample.clone(),
                sample_from_ms: window.from_ms,
            });
            total.count += row.count;
            if (window.from_ms, &row.sample) < (total.sample_from_ms, &total.sample) {
                total.sample.clone_from(&row.sample);
                total.sample_from_ms = window.from_ms;
            }
        }
        for row in &window.seconds {
            let Some(scenario) = self.scenarios.get_mut(place(row.scenario)) else {
                self.stray_rows += 1;
                continue;
            };
            add_second(&mut scenario.seconds, row);
        }
        for row in warm_up::share_of_seconds(window) {
            if let Some(scenario) = self.scenarios.get_mut(place(row.scenario)) {
                add_second(&mut scenario.warm_up_seconds, &row);
            }
        }
    }

    /// A window of several seconds counts in each of them for the percentiles by second, and once, at its start, for
    /// the stretches of thresholds.
    fn apply_histograms(&mut self, window: &Window) {
        let first = window.from_ms / 1000;
        let last = window.to_ms.saturating_sub(1) / 1000;
        let seconds = first..=last.clamp(first, first + OPEN_SECONDS);
        let mut in_time = true;
        for (at, histogram) in &window.histograms {
            let Some(series) = self.series.get(place(*at)) else {
                self.stray_rows += 1;
                continue;
            };
            add_into(self.histograms.entry(*at).or_insert_with(latency::new_histogram), histogram);
            if self.is_main(series)
                && let Some(timeline) = self.seconds.get_mut(series.scenario)
            {
                for second in seconds.clone() {
                    in_time &= timeline.add(second, histogram);
                }
            }
            for stretches in self.stretches.values_mut() {
                if stretches.series.contains(at)
                    && let Some(stretch) = stretches.at(window.from_ms)
                {
                    in_time &= stretches.timeline.add(stretch, histogram);
                }
            }
        }
        self.late_windows += u64::from(!in_time);
    }

    /// Returns whether a series is what a chart over time shows of its scenario: response times of an open one,
    /// service times of a closed one, warm-up included.
    fn is_main(&self, series: &Series) -> bool {
        let open = self.has_response(series.scenario);
        series.step.is_none()
            && match series.kind {
                SeriesKind::Response | SeriesKind::WarmUpResponse => open,
                SeriesKind::Service | SeriesKind::WarmUpService => !open,
                SeriesKind::Phase(_) => false,
            }
    }

    fn has_response(&self, scenario: usize) -> bool {
        self.series.iter().any(|it| it.scenario == scenario && it.kind == SeriesKind::Response)
    }

    /// Returns scenarios in the artifact's order.
    pub fn scenarios(&self) -> &[ScenarioTotals] {
        &self.scenarios
    }

    /// Returns what is known of a node; `None` if it never reported.
    pub fn node(&self, node: usize) -> Option<&NodeTotals> {
        self.nodes.get(&node)
    }

    /// Returns the merged histogram of a transaction (`step` is `None`) or a step; empty when nothing was recorded.
    pub fn histogram(&self, scenario: usize, step: Option<usize>, kind: SeriesKind) -> Histogram {
        let wanted = Series { scenario, step, kind };
        let at = self.series.iter().position(|it| *it == wanted);
        let found = at.and_then(|at| self.histograms.get(&index(at)));
        found.cloned().unwrap_or_else(latency::new_histogram)
    }

    /// Returns everything recorded in those series (indices into [`series`]), merged.
    pub fn merged(&self, series: &[u32]) -> Histogram {
        let mut sum = latency::new_histogram();
        for histogram in series.iter().filter_map(|at| self.histograms.get(at)) {
            add_into(&mut sum, histogram);
        }
        sum
    }

    /// Returns count and p50, p95, p99 of what ended in one second of a scenario.
    pub fn second(&self, scenario: usize, second: u64) -> Point {
        self.seconds.get(scenario).map(|timeline| timeline.point(second)).unwrap_or_default()
    }

    /// Returns count and aggregate of one stretch of a windowed latency threshold.
    pub fn stretch(&self, threshold: &str, stretch: u64) -> Point {
        let found = self.stretches.get(threshold);
        found.map(|stretches| stretches.timeline.point(stretch)).unwrap_or_default()
    }

    /// Returns what runs of steps came to in one stretch of a windowed threshold that counts them.
    pub fn stretch_counts(&self, threshold: &str, stretch: u64) -> StepCounts {
        let found = self.stretches.get(threshold);
        found.and_then(|it| it.counts.get(&stretch)).copied().unwrap_or_default()
    }

    /// Returns the second after the last one in which anything happened, over all scenarios.
    pub fn seconds_len(&self) -> u64 {
        let rows = self.scenarios.iter().filter_map(|it| it.seconds.keys().next_back());
        let last = rows.map(|second| u64::from(*second)).max();
        let latency = self.seconds.iter().filter_map(Timeline::last).max();
        last.max(latency).map_or(0, |second| second.min(SECOND_MAX) + 1)
    }

    /// Returns the end of the newest window, in milliseconds since the run's start.
    pub fn newest_ms(&self) -> u64 {
        self.newest_ms
    }

    /// Returns how many latencies were beyond the range of the histograms.
    pub fn clamped(&self) -> u64 {
        self.clamped
    }

    /// Returns how many windows came after their seconds had been frozen: they are in every total, not in every
    /// percentile by second.
    pub fn late_windows(&self) -> u64 {
        self.late_windows
    }

    /// Returns how many rows named a scenario, step or series that the artifact does not have; more than 0 is a bug.
    pub fn stray_rows(&self) -> u64 {
        self.stray_rows
    }
}

/// Returns an aggregate of a histogram, in microseconds; `None` when it is empty.
pub(super) fn aggregate_of(histogram: &Histogram, aggregate: Aggregate) -> Option<u64> {
    let mut sparse = Sparse::default();
    sparse.add(histogram);
    sparse.aggregate(aggregate)
}

fn add_second(seconds: &mut BTreeMap<u32, SecondRow>, row: &SecondRow) {
    let second = row.second.min(u32::try_from(SECOND_MAX).unwrap_or(u32::MAX));
    let empty = SecondRow { second, scenario: row.scenario, ..SecondRow::default() };
    seconds.entry(second).or_insert(empty).add(row);
}

/// Adds `part` to `sum`. All histograms of a run have the same range, so nothing can be out of it; if one ever had
/// another, its values would be clamped into ours rather than lost.
fn add_into(sum: &mut Histogram, part: &Histogram) {
    if sum.add(part).is_err() {
        for bar in part.iter_recorded() {
            let times = u32::try_from(bar.count_since_last_iteration()).unwrap_or(u32::MAX);
            sum.saturating_record_n(bar.value_iterated_to(), times);
        }
    }
}

fn place(index: u32) -> usize {
    usize::try_from(index).unwrap_or(usize::MAX)
}

fn index(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
