//! (pure) What one worker counts and times: plain numbers, no locks, given times and never a clock.
//!
//! Its memory is fixed when the run starts: by the number of series, steps and kinds of failure. Only the rows of
//! seconds grow, by one for each scenario and second for as long as no window can be handed on, and those of takeovers.

use std::collections::BTreeMap;

use compiler::artifact::Artifact;

use crate::clock::Ticks;
use crate::exchange::{Failure, FailureKind, Outcome, Phases};
use crate::metrics::latency::{new_histogram, record};
use crate::metrics::{
    ErrorRow, Histogram, LedgerRow, PHASES, SecondRow, Series, SeriesKind, StepRow, Window, series,
};

const SECOND_NS: u64 = 1_000_000_000;
const MS_NS: u64 = 1_000_000;
const KINDS: [FailureKind; 9] = [
    FailureKind::Connect,
    FailureKind::Denied,
    FailureKind::Timeout,
    FailureKind::Protocol,
    FailureKind::BodyTooLarge,
    FailureKind::Status,
    FailureKind::Expect,
    FailureKind::Capture,
    FailureKind::Render,
];

/// Where the counts of a share are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Place {
    /// Scenario, by its place in the artifact.
    pub(super) scenario: usize,
    /// Place among the scenario's shares, as [`Recorder::add_row`] gave it.
    pub(super) row: usize,
}

/// Why an arrival was not sent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Drop {
    /// Due too long ago.
    Late,
    /// Too many running.
    Full,
}

/// Arrivals that are not sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dropped {
    /// Why.
    pub(super) why: Drop,
    /// Whether they belong to the warm-up.
    pub(super) warm_up: bool,
    /// Second of the run in which they were due.
    pub(super) second: u64,
    /// How many.
    pub(super) count: u64,
}

/// A transaction that ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ended {
    /// Scenario, by its place in the artifact.
    pub(super) scenario: usize,
    /// Place of its share's counts.
    pub(super) row: usize,
    /// Whether it ended well.
    pub(super) ok: bool,
    /// Whether its arrival belongs to the warm-up.
    pub(super) warm_up: bool,
    /// When it ended.
    pub(super) at: Ticks,
    /// From due to end without waits, in nanoseconds; open loads only.
    pub(super) response_ns: Option<u64>,
    /// From the first send to the end without waits, in nanoseconds.
    pub(super) service_ns: u64,
}

/// Counters of one worker.
#[derive(Debug)]
pub(super) struct Recorder {
    /// Start of the run.
    start: Ticks,
    /// This worker, and how many there are.
    lane: (u32, u32),
    scenarios: Vec<ScenarioCounts>,
    histograms: Vec<Histogram>,
    lateness: Histogram,
    lag: Histogram,
    clamped: u64,
    seconds: BTreeMap<(u32, u32), SecondRow>,
    from_ms: u64,
}

#[derive(Debug)]
struct ScenarioCounts {
    scenario: u32,
    /// By share: that of the node's own seats, and takeovers.
    rows: Vec<LedgerRow>,
    in_flight: u64,
    /// Time of users not yet in a row, in nanoseconds; what is left of a microsecond waits for the next cut.
    active_ns: u64,
    steps: Vec<StepCounts>,
    /// Indices of the series: response, service, and both of the warm-up.
    series: [Option<usize>; 4],
}

#[derive(Debug, Default)]
struct StepCounts {
    row: StepRow,
    critical_ns: u64,
    errors: [Option<(u64, String)>; KINDS.len()],
    series: Option<usize>,
    /// As [`PHASES`].
    phases: [Option<usize>; PHASES.len()],
}

impl Recorder {
    /// Returns an empty recorder of worker `lane` of `lanes`.
    pub(super) fn new(artifact: &Artifact, lane: u32, lanes: u32) -> Recorder {
        let series = series(artifact);
        let counts = (0..).zip(artifact.scenarios.values());
        let counts =
            counts.map(|(at, scenario)| ScenarioCounts::new(at, scenario.steps.len(), &series));
        Recorder {
            start: 0,
            lane: (lane, lanes),
            scenarios: counts.collect(),
            histograms: series.iter().map(|_| new_histogram()).collect(),
            lateness: new_histogram(),
            lag: new_histogram(),
            clamped: 0,
            seconds: BTreeMap::new(),
            from_ms: 0,
        }
    }

    /// Sets the start of the run, from which seconds count.
    pub(super) fn start_at(&mut self, start: Ticks) {
        self.start = start;
    }

    /// Makes place for the counts of one more share of a scenario; `takeover` is its number, 0 for that of the node's seats.
    pub(super) fn add_row(&mut self, scenario: usize, takeover: u32) -> usize {
        let (lane, lanes) = self.lane;
        let Some(counts) = self.scenarios.get_mut(scenario) else { return 0 };
        let scenario = counts.scenario;
        counts.rows.push(LedgerRow { scenario, takeover, lane, lanes, ..LedgerRow::default() });
        counts.rows.len() - 1
    }

    /// Counts a started arrival; every owned one of its share below `upto` has now been decided.
    pub(super) fn started(&mut self, of: Place, at: Ticks, warm_up: bool, upto: u64) {
        self.second(of.scenario, at).started += 1;
        let Some(counts) = self.scenarios.get_mut(of.scenario) else { return };
        counts.in_flight += 1;
        if let Some(row) = counts.rows.get_mut(of.row) {
            row.started += 1;
            row.warm_up += u64::from(warm_up);
            row.upto = upto;
        }
    }

    /// Counts arrivals that are not sent; every owned one of their share below `upto` has now been decided.
    pub(super) fn dropped(&mut self, of: Place, dropped: Dropped, upto: u64) {
        let Dropped { why, warm_up, second, count } = dropped;
        self.second_row(of.scenario, second).dropped += count;
        if let Some(row) = self.row(of) {
            row.warm_up_dropped += u64::from(warm_up) * count;
            match why {
                Drop::Late => row.dropped_late += count,
                Drop::Full => row.dropped_full += count,
            }
            row.upto = upto;
        }
    }

    /// Every owned arrival of a share below `upto` has been decided.
    pub(super) fn frontier(&mut self, of: Place, upto: u64) {
        if let Some(row) = self.row(of) {
            row.upto = upto;
        }
    }

    /// Notes when a share came to its end here: nothing more of it is started.
    pub(super) fn over(&mut self, of: Place, at: Ticks) {
        let since_ns = at.saturating_sub(self.start);
        if let Some(row) = self.row(of) {
            row.over_ms.get_or_insert(since_ns.div_ceil(MS_NS));
        }
    }

    /// Records how late an arrival began to be sent, after it was due or, having waited, found a place.
    pub(super) fn late_by(&mut self, ns: u64) {
        self.clamped += u64::from(record(&mut self.lateness, ns / 1_000));
    }

    /// Records how late the worker's own timer woke it.
    pub(super) fn woken_late_by(&mut self, ns: u64) {
        record(&mut self.lag, ns / 1_000);
    }

    /// Counts the end of a transaction and records its latencies.
    pub(super) fn ended(&mut self, ended: Ended) {
        let second = self.second(ended.scenario, ended.at);
        if ended.ok {
            second.succeeded += 1;
        } else {
            second.failed += 1;
        }
        let Some(counts) = self.scenarios.get_mut(ended.scenario) else { return };
        let Some(row) = counts.rows.get_mut(ended.row) else { return };
        let warm_up = u64::from(ended.warm_up);
        if ended.ok {
            row.succeeded += 1;
            row.warm_up_succeeded += warm_up;
        } else {
            row.failed += 1;
            row.warm_up_failed += warm_up;
        }
        let [response, service, warm_response, warm_service] = counts.series;
        let (response, service) =
            if ended.warm_up { (warm_response, warm_service) } else { (response, service) };
        if let Some(ns) = ended.response_ns {
            self.latency(response, ns);
        }
        self.latency(service, ended.service_ns);
    }

    /// Counts a transaction as no longer running, however it ended.
    pub(super) fn left(&mut self, scenario: usize) {
        if let Some(counts) = self.scenarios.get_mut(scenario) {
            counts.in_flight = counts.in_flight.saturating_sub(1);
        }
    }

    /// Counts a request that is about to be sent.
    pub(super) fn attempted(&mut self, scenario: usize, step: usize) {
        self.step(scenario, step, |counts| counts.row.attempts += 1);
    }

    /// Counts what came of a request.
    pub(super) fn answered(
        &mut self,
        scenario: usize,
        step: usize,
        warm_up: bool,
        outcome: &Outcome,
    ) {
        let series = self.step(scenario, step, |counts| {
            counts.row.bytes_sent += outcome.bytes_sent;
            counts.row.bytes_received += outcome.bytes_received;
            counts.row.redirects += outcome.hops.len() as u64;
            let statuses = outcome.hops.iter().copied().chain(outcome.status);
            for status in statuses.filter(|status| (100..1_000).contains(status)) {
                *counts.row.status.entry(status).or_default() += 1;
            }
            (counts.series, counts.phases)
        });
        let Some((series, phases)) = series.filter(|_| !warm_up) else { return };
        self.latency(series, outcome.ended.saturating_sub(outcome.sent));
        let Phases { dns, connect, tls, first_byte, body } = outcome.phases;
        for (series, ns) in phases.into_iter().zip([dns, connect, tls, first_byte, body]) {
            if let Some(ns) = ns {
                self.latency(series, ns);
            }
        }
    }

    /// Records the time of a step that was cut by the transaction's time limit.
    pub(super) fn cut_after(&mut self, scenario: usize, step: usize, warm_up: bool, ns: u64) {
        let series = self.step(scenario, step, |counts| counts.series);
        if !warm_up {
            self.latency(series.flatten(), ns);
        }
    }

    /// Counts the end of a step.
    pub(super) fn step_ended(
        &mut self,
        scenario: usize,
        step: usize,
        warm_up: bool,
        failure: Option<&Failure>,
    ) {
        self.step(scenario, step, |counts| {
            let Some(failure) = failure else {
                counts.row.ok += 1;
                counts.row.warm_up_ok += u64::from(warm_up);
                return;
            };
            counts.row.failed += 1;
            counts.row.warm_up_failed += u64::from(warm_up);
            let kind = KINDS.iter().position(|kind| *kind == failure.kind).unwrap_or(0);
            match &mut counts.errors[kind] {
                Some((count, _)) => *count += 1,
                empty @ None => *empty = Some((1, failure.detail.clone())),
            }
        });
    }

    /// Counts a step that is not run, or given up, because its transaction ended.
    pub(super) fn skipped(&mut self, scenario: usize, step: usize, warm_up: bool) {
        self.step(scenario, step, |counts| {
            counts.row.skipped += 1;
            counts.row.warm_up_skipped += u64::from(warm_up);
        });
    }

    /// Adds to the time by which a step made its transactions longer.
    pub(super) fn critical(&mut self, scenario: usize, step: usize, ns: u64) {
        self.step(scenario, step, |counts| counts.critical_ns += ns);
    }

    /// Adds to the time that users were active.
    pub(super) fn active(&mut self, scenario: usize, ns: u64) {
        if let Some(counts) = self.scenarios.get_mut(scenario) {
            counts.active_ns += ns;
        }
    }

    /// Notes how many transactions run at the end of a second of the run.
    pub(super) fn second_ended(&mut self, second: u32) {
        let running: Vec<(u32, u64)> = self
            .scenarios
            .iter()
            .map(|counts| (counts.scenario, counts.in_flight))
            .filter(|(_, in_flight)| *in_flight > 0)
            .collect();
        for (scenario, in_flight) in running {
            let row = self.seconds.entry((second, scenario)).or_insert(SecondRow {
                second,
                scenario,
                ..SecondRow::default()
            });
            row.in_flight = in_flight;
        }
    }

    /// Hands on everything since the last cut.
    pub(super) fn cut(&mut self, to_ms: u64) -> Window {
        let mut window = Window { from_ms: self.from_ms, to_ms, ..Window::default() };
        self.from_ms = to_ms;
        for counts in &mut self.scenarios {
            if let Some(row) = counts.rows.first_mut() {
                // Time of users is not told apart by share.
                row.active_us = counts.active_ns / 1_000;
                counts.active_ns %= 1_000;
            }
            for row in &mut counts.rows {
                window.ledger.push(*row);
                *row = LedgerRow { upto: row.upto, over_ms: row.over_ms, ..row.emptied() };
            }
            for step in &mut counts.steps {
                step.cut(&mut window);
            }
        }
        for (number, histogram) in self.histograms.iter_mut().enumerate() {
            if let Some(taken) = take(histogram) {
                window.histograms.insert(index(number), taken);
            }
        }
        window.lateness = take(&mut self.lateness);
        window.lag = take(&mut self.lag);
        window.clamped = std::mem::take(&mut self.clamped);
        window.seconds = std::mem::take(&mut self.seconds).into_values().collect();
        window
    }

    fn row(&mut self, of: Place) -> Option<&mut LedgerRow> {
        self.scenarios.get_mut(of.scenario)?.rows.get_mut(of.row)
    }

    fn step<T>(
        &mut self,
        scenario: usize,
        step: usize,
        count: impl FnOnce(&mut StepCounts) -> T,
    ) -> Option<T> {
        self.scenarios.get_mut(scenario)?.steps.get_mut(step).map(count)
    }

    fn second(&mut self, scenario: usize, at: Ticks) -> &mut SecondRow {
        self.second_row(scenario, at.saturating_sub(self.start) / SECOND_NS)
    }

    fn second_row(&mut self, scenario: usize, second: u64) -> &mut SecondRow {
        let second = u32::try_from(second).unwrap_or(u32::MAX);
        let scenario = index(scenario);
        let empty = SecondRow { second, scenario, ..SecondRow::default() };
        self.seconds.entry((second, scenario)).or_insert(empty)
    }

    fn latency(&mut self, series: Option<usize>, ns: u64) {
        if let Some(histogram) = series.and_then(|series| self.histograms.get_mut(series)) {
            self.clamped += u64::from(record(histogram, ns / 1_000));
        }
    }
}

impl ScenarioCounts {
    fn new(scenario: u32, steps: usize, series: &[Series]) -> ScenarioCounts {
        let find = |step, kind| {
            let wanted = Series { scenario: scenario as usize, step, kind };
            series.iter().position(|series| *series == wanted)
        };
        let step = |step| StepCounts {
            row: StepRow { scenario, step: index(step), ..StepRow::default() },
            series: find(Some(step), SeriesKind::Service),
            phases: PHASES.map(|phase| find(Some(step), SeriesKind::Phase(phase))),
            ..StepCounts::default()
        };
        let kinds = [
            SeriesKind::Response,
            SeriesKind::Service,
            SeriesKind::WarmUpResponse,
            SeriesKind::WarmUpService,
        ];
        ScenarioCounts {
            scenario,
            rows: Vec::new(),
            in_flight: 0,
            active_ns: 0,
            steps: (0..steps).map(step).collect(),
            series: kinds.map(|kind| find(None, kind)),
        }
    }
}

impl StepCounts {
    fn cut(&mut self, window: &mut Window) {
        let (scenario, step) = (self.row.scenario, self.row.step);
        let empty = StepRow { scenario, step, ..StepRow::default() };
        self.row.critical_us = self.critical_ns / 1_000;
        self.critical_ns %= 1_000;
        if self.row != empty {
            window.steps.push(std::mem::replace(&mut self.row, empty));
        }
        for (kind, error) in KINDS.into_iter().zip(&mut self.errors) {
            if let Some((count, sample)) = error.take() {
                window.errors.push(ErrorRow { scenario, step, kind, count, sample });
            }
        }
    }
}

/// Returns the content of a histogram, if it has any, and empties it.
fn take(histogram: &mut Histogram) -> Option<Histogram> {
    if histogram.is_empty() {
        return None;
    }
    let taken = histogram.clone();
    histogram.reset();
    Some(taken)
}

fn index(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
