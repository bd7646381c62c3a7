//! (pure) One scenario: load, shares, rows, concurrency by Little's law, steps.

use std::collections::BTreeSet;

use serde::Serialize;

use super::effort::{Assumed, Effort};
use super::outline::{StepView, outline};
use super::stage::{self, spelled};
use super::tally::Tally;
use super::{label, notes, profile};
use crate::artifact::{Artifact, DataUse, Load, Scenario, SlotSet, Take};
use crate::schedule::length_ns;
use crate::unit::Rate;

/// Model of a scenario that starts nothing.
const OBSERVE: &str = "observe";

/// Histograms that `split_by` adds: fifty values, and the rest as one.
const SPLIT_MAX: u64 = 51;

/// What a scenario will do. Times are in microseconds on the run's clock, which starts with the run.
#[derive(Clone, Debug, Serialize)]
pub struct ScenarioView {
    /// Name.
    pub name: String,
    /// `open`, `closed` or `observe`.
    pub model: &'static str,
    /// When its load starts; at the earliest, if that depends on the end of another.
    pub start_us: u64,
    /// When its load starts at the latest.
    pub latest_start_us: u64,
    /// When its last stage ends; with a count of a closed load, at the latest.
    pub load_end_us: u64,
    /// When its last transaction ends at the latest: after the graceful stop.
    pub end_us: u64,
    /// How long its first arrivals are warm-up; 0 for none.
    pub warm_up_us: u64,
    /// How many arrivals are warm-up; `null` where the number is not known.
    pub warm_up_arrivals: Option<u64>,
    /// Exact number of arrivals; `null` for a timed closed load, where it depends on the answers.
    pub arrivals: Option<u64>,
    /// The same, or an estimate under the assumptions.
    pub arrivals_expected: u64,
    /// Requests of one transaction that succeeds.
    pub requests_each: Requests,
    /// Requests of a user's start, besides.
    pub requests_start: Requests,
    /// Requests of all transactions if all succeed, from `arrivals_expected`.
    pub requests: Requests,
    /// Highest arrival rate as plans spell it; `null` for closed loads.
    pub peak_rate: Option<String>,
    /// Largest population; `null` for open loads.
    pub users_max: Option<u64>,
    /// Time of all users together; `null` for open loads, 0 where a count ends it.
    pub users_us: Option<u64>,
    /// Cluster's limit of running transactions; `null` for closed loads.
    pub max_in_flight: Option<u64>,
    /// Time of one transaction under the assumptions: the longest path.
    pub transaction_us: u64,
    /// The part of it that is known waits.
    pub transaction_wait_us: u64,
    /// Transactions that run at the peak under the assumptions, by Little's law, rounded up.
    pub in_flight: u64,
    /// Time of a transaction at which `max_in_flight` is reached; `null` for closed loads.
    pub full_at_us: Option<u64>,
    /// Requests that are on their way at the peak under the assumptions: connections in use.
    pub connections: u64,
    /// What else the plan says of the load, such as `poisson arrivals`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// How high the load is in each part of its time, for a drawing.
    #[serde(skip)]
    pub profile: Vec<u64>,
    /// The load, stage by stage.
    pub stages: Vec<StageView>,
    /// Slots of the scenario.
    pub slots: u32,
    /// Seats and their shares.
    pub seats: Vec<SeatView>,
    /// Data that its steps read.
    pub data: Vec<DataView>,
    /// Steps that run once for each user; their requests are counted with the user's start.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub before_each_user: Vec<StepView>,
    /// Values that are drawn once for a transaction, such as `ref = {{ rand.uuid() }}`.
    #[serde(rename = "let", skip_serializing_if = "Vec::is_empty")]
    pub lets: Vec<String>,
    /// Steps, each after what it needs.
    pub steps: Vec<StepView>,
    /// Names of the steps of the longest path.
    pub longest_path: Vec<String>,
    /// Latency histograms of the scenario.
    pub series: u64,
}

/// Requests, fewest and most: branches, loops and retries make the difference.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
pub struct Requests {
    /// Fewest.
    pub min: u64,
    /// Most; `null` if only the run knows.
    pub max: Option<u64>,
}

/// A stage of a load.
#[derive(Clone, Debug, Serialize)]
pub struct StageView {
    /// What it is, such as `hold 200/s for 2m`.
    pub what: String,
    /// When it starts.
    pub start_us: u64,
    /// When it ends.
    pub end_us: u64,
    /// Exact number of arrivals due in it; `null` where it is not known.
    pub arrivals: Option<u64>,
    /// The same, or an estimate under the assumptions.
    pub arrivals_expected: u64,
    /// Requests of these if all succeed.
    pub requests: Requests,
}

/// A seat's part of a scenario.
#[derive(Clone, Debug, Serialize)]
pub struct SeatView {
    /// Name.
    pub seat: String,
    /// Slots it owns.
    pub slots: u32,
    /// Exact share in lowest terms, such as `1/3`.
    pub share: String,
    /// Its arrivals; `null` where they are not known.
    pub arrivals: Option<u64>,
    /// The same, or an estimate under the assumptions.
    pub arrivals_expected: u64,
    /// Requests of these if all succeed.
    pub requests: Requests,
    /// When its first arrival is due; `null` in a closed load and without arrivals.
    pub first_us: Option<u64>,
    /// When its last arrival is due.
    pub last_us: Option<u64>,
    /// Its part of `max_in_flight`, or its users.
    pub concurrency_max: u64,
}

/// Rows that a scenario takes of some data.
#[derive(Clone, Debug, Serialize)]
pub struct DataView {
    /// Name of the data.
    pub name: String,
    /// How rows are taken.
    pub take: Take,
    /// First row, from 0.
    pub first_row: u64,
    /// Rows it may take.
    pub rows: u64,
    /// Rows in the file.
    pub rows_there: u64,
}

impl ScenarioView {
    /// Returns whether it starts nothing itself: what it does follows from events that nobody can count before.
    pub(super) fn observes(&self) -> bool {
        self.model == OBSERVE
    }

    /// Returns whether its number of arrivals depends on how long transactions take.
    pub(super) fn is_open_ended(&self) -> bool {
        self.arrivals.is_none() && !self.observes()
    }
}

impl Requests {
    /// None.
    pub const NONE: Requests = Requests { min: 0, max: Some(0) };

    /// Returns the requests of `arrivals` transactions that take `effort` each.
    fn of(effort: &Effort, arrivals: u64) -> Requests {
        Requests {
            min: effort.requests_min.saturating_mul(arrivals),
            max: match arrivals {
                0 => Some(0),
                arrivals => effort.requests_max.map(|max| max.saturating_mul(arrivals)),
            },
        }
    }

    /// Returns both together.
    #[must_use]
    pub fn and(self, other: Requests) -> Requests {
        Requests {
            min: self.min.saturating_add(other.min),
            max: self.max.and_then(|max| Some(max.saturating_add(other.max?))),
        }
    }

    /// Returns the most if it is known, else the fewest.
    pub fn at_most(self) -> u64 {
        self.max.unwrap_or(self.min)
    }
}

/// A scenario's view with what the plan's timeline is made of.
pub(super) struct Explained<'a> {
    pub(super) view: ScenarioView,
    pub(super) tally: Tally<'a>,
    pub(super) effort: Efforts,
}

/// What the transactions of a scenario take.
#[derive(Clone, Copy)]
pub(super) struct Efforts {
    /// Each of them.
    pub(super) each: Effort,
    /// What a user's start takes besides.
    pub(super) start: Effort,
}

impl Efforts {
    /// Returns the requests of so many transactions, and of so many users who start.
    pub(super) fn requests(&self, arrivals: u64, starts: u64) -> Requests {
        Requests::of(&self.each, arrivals).and(Requests::of(&self.start, starts))
    }
}

/// Explains one scenario, for all seats or one.
pub(super) fn explained<'a>(
    assumed: Assumed<'a>,
    name: &str,
    scenario: &'a Scenario,
    seat: Option<&str>,
) -> Explained<'a> {
    let (effort, _, longest) = assumed.steps(&scenario.steps);
    let (start, ..) = assumed.steps(&scenario.before_each_user);
    let effort = Efforts { each: effort, start };
    let tally = Tally::new(assumed.artifact.seed, name, scenario, effort.each.time_ns);
    let lets = scenario.lets.iter();
    let at_us = |ns: u64| scenario.start_ns.saturating_add(ns) / 1_000;
    let length = length_ns(&scenario.load);
    let latest_ns = scenario.late_start.as_ref().map_or(scenario.start_ns, |late| late.latest_ns);
    let all = seats(scenario, &tally, &effort);
    let arrivals_expected = all.iter().map(|seat| seat.arrivals_expected);
    let arrivals_expected = arrivals_expected.fold(0, u64::saturating_add);
    let requests = all.iter().map(|seat| seat.requests).fold(Requests::NONE, Requests::and);
    let mut view = ScenarioView {
        name: name.to_owned(),
        model: match &scenario.load {
            Load::Open(_) => "open",
            Load::Closed(_) => "closed",
            Load::Observe { .. } => OBSERVE,
        },
        start_us: at_us(0),
        latest_start_us: latest_ns / 1_000,
        load_end_us: latest_ns.saturating_add(length) / 1_000,
        end_us: latest_ns.saturating_add(length).saturating_add(scenario.graceful_stop_ns) / 1_000,
        warm_up_us: scenario.warm_up_ns / 1_000,
        warm_up_arrivals: None,
        arrivals: None,
        arrivals_expected,
        requests_each: Requests::of(&effort.each, 1),
        requests_start: Requests::of(&effort.start, 1),
        requests,
        peak_rate: None,
        users_max: None,
        users_us: None,
        max_in_flight: None,
        transaction_us: effort.each.time_ns / 1_000,
        transaction_wait_us: effort.each.wait_ns / 1_000,
        in_flight: 0,
        full_at_us: None,
        connections: 0,
        notes: notes::notes(scenario),
        profile: profile::profile(scenario, &tally, length),
        stages: stages(scenario, &tally, &effort),
        slots: scenario.slot_count,
        seats: all.into_iter().filter(|view| seat.is_none_or(|seat| seat == view.seat)).collect(),
        data: data(assumed.artifact, scenario),
        before_each_user: outline(assumed, &scenario.before_each_user),
        lets: lets.map(|drawn| format!("{} = {}", drawn.name, label::json(&drawn.value))).collect(),
        steps: outline(assumed, &scenario.steps),
        longest_path: longest.steps.iter().map(|at| scenario.steps[*at].name.clone()).collect(),
        series: series(assumed, scenario),
    };
    fill_load(&mut view, scenario, &tally, &effort.each, assumed.service_ns);
    Explained { view, tally, effort }
}

/// Little's law: what is in flight = arrival rate × time that each stays.
fn fill_load(
    view: &mut ScenarioView,
    scenario: &Scenario,
    tally: &Tally<'_>,
    effort: &Effort,
    service_ns: u64,
) {
    let requests = effort.requests_max.unwrap_or(effort.requests_min);
    if let (Load::Open(load), Some(open)) = (&scenario.load, &tally.open) {
        let peak = open.peak();
        view.arrivals = Some(open.count());
        view.warm_up_arrivals = Some(open.first_due_at_or_after(scenario.warm_up_ns));
        view.peak_rate = Some(peak.to_string());
        view.max_in_flight = Some(load.max_in_flight);
        view.in_flight = in_flight(peak, effort.time_ns);
        view.connections = in_flight(peak, service_ns.saturating_mul(requests));
        view.full_at_us = (peak.count > 0).then(|| {
            let limit = u128::from(load.max_in_flight) * u128::from(peak.per_ns);
            u64::try_from(limit / u128::from(peak.count) / 1_000).unwrap_or(u64::MAX)
        });
    }
    if let Some(closed) = &tally.closed {
        view.arrivals = closed.count();
        view.users_max = Some(u64::from(closed.users_max()));
        view.users_us = Some(closed.planned_us());
        view.in_flight = u64::from(closed.users_max());
        let busy_ns = service_ns.saturating_mul(requests).max(1);
        let share = u128::from(view.in_flight) * u128::from(busy_ns);
        let connections = share.div_ceil(u128::from(effort.time_ns.max(1)));
        view.connections = u64::try_from(connections).unwrap_or(u64::MAX);
    }
}

/// Rate × time, rounded up.
fn in_flight(rate: Rate, stay_ns: u64) -> u64 {
    let arrivals = u128::from(rate.count) * u128::from(stay_ns);
    u64::try_from(arrivals.div_ceil(u128::from(rate.per_ns.max(1)))).unwrap_or(u64::MAX)
}

fn stages(scenario: &Scenario, tally: &Tally<'_>, effort: &Efforts) -> Vec<StageView> {
    let at_us = |ns: u64| scenario.start_ns.saturating_add(ns) / 1_000;
    let stages = stage::stages(&scenario.load, tally.open.as_ref());
    let ends: Vec<u64> = stages.iter().map(|stage| stage.end_ns).collect();
    let expected = between(&tally.all_before(&ends));
    let starts = between(&tally.all_starts_before(&ends));
    let view = |(stage, (expected, starts)): (&stage::Stage, (u64, u64))| {
        let arrivals_expected = stage.arrivals.unwrap_or(expected);
        StageView {
            what: spelled(&stage.words),
            start_us: at_us(stage.start_ns),
            end_us: at_us(stage.end_ns),
            arrivals: stage.arrivals,
            arrivals_expected,
            requests: effort.requests(arrivals_expected, starts),
        }
    };
    stages.iter().zip(expected.into_iter().zip(starts)).map(view).collect()
}

/// Returns the difference of each number from the one before it, the first from 0.
pub(super) fn between(sums: &[u64]) -> Vec<u64> {
    let before = std::iter::once(0).chain(sums.iter().copied());
    sums.iter().zip(before).map(|(sum, before)| sum.saturating_sub(before)).collect()
}

fn seats(scenario: &Scenario, tally: &Tally<'_>, effort: &Efforts) -> Vec<SeatView> {
    let known = tally.known();
    let expected = tally.before(&[u64::MAX]);
    let starts = tally.starts_before(&[u64::MAX]);
    let (ends, concurrency) = (tally.ends(), tally.concurrency());
    let at_us = |ns: u64| scenario.start_ns.saturating_add(ns) / 1_000;
    let view = |(at, (seat, residues)): (usize, &(&str, Vec<u32>))| {
        let slots = u32::try_from(residues.len()).unwrap_or(u32::MAX);
        let share = Rate::new(u64::from(slots), u64::from(scenario.slot_count));
        let arrivals_expected =
            known[at].or_else(|| expected[at].first().copied()).unwrap_or_default();
        SeatView {
            seat: (*seat).to_owned(),
            slots,
            share: format!("{}/{}", share.count, share.per_ns),
            arrivals: known[at],
            arrivals_expected,
            requests: effort.requests(arrivals_expected, starts[at].first().copied().unwrap_or(0)),
            first_us: ends[at].map(|(first, _)| at_us(first)),
            last_us: ends[at].map(|(_, last)| at_us(last)),
            concurrency_max: concurrency[at],
        }
    };
    tally.seats.iter().enumerate().map(view).collect()
}

/// Returns a key that sorts `eu/2` before `eu/10`.
pub(crate) fn seat_order(seat: &str) -> (&str, u32) {
    let (group, number) = seat.rsplit_once('/').unwrap_or((seat, ""));
    (group, number.parse().unwrap_or(u32::MAX))
}

/// Returns a seat's slots counted from the scenario's first.
pub(super) fn residues(scenario: &Scenario, owned: &SlotSet) -> Vec<u32> {
    owned.as_slice().iter().filter_map(|slot| slot.checked_sub(scenario.slot_base)).collect()
}

fn data(artifact: &Artifact, scenario: &Scenario) -> Vec<DataView> {
    let view = |(name, used): (&String, &DataUse)| {
        let data = artifact.data.get(name)?;
        let DataUse { first_row, rows } = *used;
        let (take, rows_there) = (data.take, data.rows);
        Some(DataView { name: name.clone(), take, first_row, rows, rows_there })
    };
    scenario.data.iter().filter_map(view).collect()
}

/// Transactions by response (open loads) and service, both again for a warm-up, each step that sends with the values
/// that it is split by, and each distribution of the plan's own.
fn series(assumed: Assumed<'_>, scenario: &Scenario) -> u64 {
    let kinds = match &scenario.load {
        Load::Open(_) => 2,
        Load::Closed(_) | Load::Observe { .. } => 1,
    };
    let turns = if scenario.warm_up_ns > 0 { 2 } else { 1 };
    let lists = [&scenario.before_each_user, &scenario.steps];
    let mut trends = BTreeSet::new();
    lists.iter().for_each(|steps| assumed.trends(steps, &mut trends));
    let steps = lists.iter().map(|steps| assumed.series(steps, SPLIT_MAX));
    kinds * turns + trends.len() as u64 + steps.fold(0, u64::saturating_add)
}
