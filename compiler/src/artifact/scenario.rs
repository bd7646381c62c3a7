//! Scenarios: a load, a transaction, and who executes which part of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::load::is_default;
use super::{DataUse, Let, Load, SlotSet, Step};

/// A load and the transaction that each of its arrivals runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// When its own clock starts, counted from the start of the run.
    pub start_ns: u64,
    /// Where the start is not known when compiling: what it waits for. `start_ns` is then the earliest start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub late_start: Option<LateStart>,
    /// When transactions start, or how many users there are.
    pub load: Load,
    /// Arrivals due before this, on the scenario's own clock, are warm-up.
    pub warm_up_ns: u64,
    /// How long running transactions may go on after the last stage.
    pub graceful_stop_ns: u64,
    /// Longest transaction; 0 for no limit of its own.
    pub timeout_ns: u64,
    /// As many failed transactions stop the scenario and fail the run; `null` for no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_failures: Option<u64>,
    /// Whose connections its users have.
    #[serde(default, skip_serializing_if = "is_default")]
    pub connections: Connections,
    /// Arrivals in all for open and counted loads; 0 for timed closed loads and observers, where it is not known.
    pub planned: u64,
    /// First plan-wide slot.
    pub slot_base: u32,
    /// How many slots the scenario has.
    pub slot_count: u32,
    /// Which seat owns which plan-wide slots. Invariant: disjoint, and together `slot_base..slot_base + slot_count`.
    pub seats: BTreeMap<String, SlotSet>,
    /// Data that its steps read.
    pub data: BTreeMap<String, DataUse>,
    /// Steps that run once for each user; their captures are read as `{{ user.step.capture }}`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub before_each_user: Vec<Step>,
    /// Values that are drawn once for each transaction, in plan order.
    #[serde(default, rename = "let", skip_serializing_if = "Vec::is_empty")]
    pub lets: Vec<Let>,
    /// The transaction's steps in plan order; `needs` makes them a DAG.
    pub steps: Vec<Step>,
}

/// A start that waits for other scenarios whose end is known in the run only.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LateStart {
    /// The latest start, counted from the start of the run: what is waited for is bounded by its `within`.
    pub latest_ns: u64,
    /// All of these must have come.
    pub after: Vec<StartAfter>,
}

/// A moment of another scenario, and a time after it.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StartAfter {
    /// The other scenario.
    pub scenario: String,
    /// Which moment of it.
    pub state: Moment,
    /// Time added to that moment, in nanoseconds.
    pub delay_ns: u64,
}

/// A moment of a scenario.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Moment {
    /// Its start.
    Started,
    /// The end of its last stage; of a counted load, of its last iteration.
    Finished,
    /// That, and its graceful stop.
    Drained,
}

/// Whose connections the users of an open scenario have.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Connections {
    /// Those of a pool that all share.
    #[default]
    Pool,
    /// Fresh ones for each user.
    PerUser,
}
