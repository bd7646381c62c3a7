//! (pure) One scenario explained: load, shares of seats, rows, steps, and what Little's law says of it.

use serde::Serialize;

use super::label;
use super::path::{Dag, mean_wait_ns};
use crate::artifact::{Action, Artifact, ClosedLoad, Load, Scenario, SlotSet, Take};
use crate::schedule::{Closed, Open, in_flight_share, owned_below};
use crate::unit::{Rate, SECOND_NS};

/// What a scenario will do. Times are in microseconds.
#[derive(Clone, Debug, Serialize)]
pub struct ScenarioView {
    /// Name.
    pub name: String,
    /// `open`, `closed` or `observe`.
    pub model: &'static str,
    /// Exact number of arrivals; `null` for a timed closed load, where it depends on the answers.
    pub arrivals: Option<u64>,
    /// Highest arrival rate as plans spell it; `null` for closed loads.
    pub peak_rate: Option<String>,
    /// Largest population; `null` for open loads.
    pub users_max: Option<u32>,
    /// Time of all users together; `null` for open loads, 0 where a count ends it.
    pub users_us: Option<u64>,
    /// From the run's start to its own.
    pub start_us: u64,
    /// Length of all stages.
    pub length_us: u64,
    /// Part of it that is warm-up.
    pub warm_up_us: u64,
    /// How long running transactions may go on after it.
    pub graceful_stop_us: u64,
    /// Cluster's limit of running transactions; `null` for closed loads.
    pub max_in_flight: Option<u64>,
    /// Transactions that run at peak because of their known waits alone, by Little's law, rounded up.
    pub in_flight_waiting: u64,
    /// How many more for each second of service time, by Little's law, rounded up; for closed loads 0.
    pub in_flight_per_service_second: u64,
    /// Service time at which `max_in_flight` is reached; `null` for closed loads.
    pub full_at_service_us: Option<u64>,
    /// Slots of the scenario.
    pub slots: u32,
    /// Seats and their shares.
    pub seats: Vec<SeatView>,
    /// Data that its steps read.
    pub data: Vec<DataView>,
    /// Steps, each after what it needs.
    pub steps: Vec<StepView>,
    /// Names of the steps of the longest path by known waits.
    pub longest_path: Vec<String>,
    /// Mean of the waits on it.
    pub longest_path_wait_us: u64,
    /// Latency histograms of the scenario.
    pub series: u64,
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

/// A step.
#[derive(Clone, Debug, Serialize)]
pub struct StepView {
    /// Name.
    pub name: String,
    /// `http` or `wait`.
    pub kind: &'static str,
    /// What it does, for people.
    pub action: String,
    /// Steps it waits for, without those that others imply.
    pub after: Vec<String>,
    /// Mean length of a wait; 0 for what sends.
    pub wait_us: u64,
}

impl ScenarioView {
    pub(super) fn new(
        artifact: &Artifact,
        name: &str,
        scenario: &Scenario,
        seat: Option<&str>,
    ) -> ScenarioView {
        let dag = Dag::new(&scenario.steps);
        let longest = dag.longest(&scenario.steps);
        let step_name = |at: &usize| scenario.steps[*at].name.clone();
        let mut view = ScenarioView {
            name: name.to_owned(),
            model: "open",
            arrivals: None,
            peak_rate: None,
            users_max: None,
            users_us: None,
            start_us: scenario.start_ns / 1_000,
            length_us: 0,
            warm_up_us: scenario.warm_up_ns / 1_000,
            graceful_stop_us: scenario.graceful_stop_ns / 1_000,
            max_in_flight: None,
            in_flight_waiting: 0,
            in_flight_per_service_second: 0,
            full_at_service_us: None,
            slots: scenario.slot_count,
            seats: seats(scenario, seat),
            data: data(artifact, scenario),
            steps: steps(scenario, &dag),
            longest_path: longest.steps.iter().map(step_name).collect(),
            longest_path_wait_us: longest.wait_ns / 1_000,
            series: series(scenario),
        };
        match &scenario.load {
            Load::Open(load) => {
                let open = Open::of(artifact.seed, name, load);
                view.fill_open(&open, load.max_in_flight, longest.wait_ns);
            }
            Load::Closed(load) => view.fill_closed(&Closed::new(load)),
            Load::Observe { length_ns } => {
                view.model = "observe";
                view.length_us = length_ns / 1_000;
            }
        }
        view
    }

    /// Little's law: transactions in flight = arrival rate × time that each stays.
    fn fill_open(&mut self, open: &Open, max_in_flight: u64, wait_ns: u64) {
        let peak = open.peak();
        self.arrivals = Some(open.count());
        self.peak_rate = Some(peak.to_string());
        self.length_us = open.length_ns() / 1_000;
        self.max_in_flight = Some(max_in_flight);
        self.in_flight_waiting = in_flight(peak, wait_ns);
        self.in_flight_per_service_second = in_flight(peak, SECOND_NS);
        self.full_at_service_us = (peak.count > 0).then(|| {
            let stay_ns =
                u128::from(max_in_flight) * u128::from(peak.per_ns) / u128::from(peak.count);
            let service_ns = stay_ns.saturating_sub(u128::from(wait_ns));
            u64::try_from(service_ns / 1_000).unwrap_or(u64::MAX)
        });
    }

    fn fill_closed(&mut self, closed: &Closed) {
        self.model = "closed";
        self.arrivals = closed.count();
        self.users_max = Some(closed.users_max());
        self.users_us = Some(closed.planned_us());
        self.length_us = closed.length_ns() / 1_000;
        self.in_flight_waiting = u64::from(closed.users_max());
    }
}

/// Rate × time, rounded up.
fn in_flight(rate: Rate, stay_ns: u64) -> u64 {
    let arrivals = u128::from(rate.count) * u128::from(stay_ns);
    u64::try_from(arrivals.div_ceil(u128::from(rate.per_ns.max(1)))).unwrap_or(u64::MAX)
}

fn seats(scenario: &Scenario, only: Option<&str>) -> Vec<SeatView> {
    let count = scenario.slot_count;
    let view = |(name, owned): (&String, &SlotSet)| {
        let residues = residues(scenario, owned);
        let (arrivals, concurrency_max) = match &scenario.load {
            Load::Open(load) => {
                let arrivals = owned_below(&residues, count, scenario.planned);
                (Some(arrivals), in_flight_share(&residues, count, load.max_in_flight))
            }
            Load::Closed(load) => closed_part(load, &residues, count),
            Load::Observe { .. } => (None, 0),
        };
        let slots = u32::try_from(owned.len()).unwrap_or(u32::MAX);
        let share = Rate::new(u64::from(slots), u64::from(count));
        let share = format!("{}/{}", share.count, share.per_ns);
        SeatView { seat: name.clone(), slots, share, arrivals, concurrency_max }
    };
    let mut seats: Vec<(&String, &SlotSet)> =
        scenario.seats.iter().filter(|(name, _)| only.is_none_or(|only| only == *name)).collect();
    seats.sort_by_key(|(name, _)| seat_order(name));
    seats.into_iter().map(view).collect()
}

/// Returns a key that sorts `eu/2` before `eu/10`.
pub(super) fn seat_order(seat: &str) -> (&str, u32) {
    let (group, number) = seat.rsplit_once('/').unwrap_or((seat, ""));
    (group, number.parse().unwrap_or(u32::MAX))
}

/// Returns the seat's arrivals, where a count makes them known, and its users.
fn closed_part(load: &ClosedLoad, residues: &[u32], slots: u32) -> (Option<u64>, u64) {
    let users = owned_below(residues, slots, u64::from(load.users_max));
    let arrivals = Closed::new(load).count().map(|count| {
        let all = u64::from(load.users_max.max(1));
        (count / all) * users + owned_below(residues, slots, count % all)
    });
    (arrivals, users)
}

/// Returns a seat's slots counted from the scenario's first.
pub(super) fn residues(scenario: &Scenario, owned: &SlotSet) -> Vec<u32> {
    owned.as_slice().iter().filter_map(|slot| slot.checked_sub(scenario.slot_base)).collect()
}

fn data(artifact: &Artifact, scenario: &Scenario) -> Vec<DataView> {
    let uses = scenario.data.iter().filter_map(|(name, used)| {
        let data = artifact.data.get(name)?;
        Some(DataView {
            name: name.clone(),
            take: data.take,
            first_row: used.first_row,
            rows: used.rows,
            rows_there: data.rows,
        })
    });
    uses.collect()
}

fn steps(scenario: &Scenario, dag: &Dag) -> Vec<StepView> {
    let view = |at: &usize| {
        let step = &scenario.steps[*at];
        StepView {
            name: step.name.clone(),
            kind: label::kind(step),
            action: label::action(step),
            after: dag.needs[*at].iter().map(|need| scenario.steps[*need].name.clone()).collect(),
            wait_us: mean_wait_ns(step) / 1_000,
        }
    };
    dag.order.iter().map(view).collect()
}

/// Transactions by response (open loads) and service, both again for a warm-up, and each step that sends.
fn series(scenario: &Scenario) -> u64 {
    let kinds = match &scenario.load {
        Load::Open(_) => 2,
        Load::Closed(_) | Load::Observe { .. } => 1,
    };
    let sending = scenario.steps.iter().filter(|step| !matches!(step.action, Action::Wait(_)));
    let turns = if scenario.warm_up_ns > 0 { 2 } else { 1 };
    kinds * turns + sending.count() as u64
}
