//! The compiled plan: the contract between compiler and engine.
//!
//! Everything that can be decided before a run is decided here. No spans, no floats, no secrets, no paths but data
//! files' names as written; every map is ordered, so the same plan gives the same bytes.
//! Rates are exact fractions, lengths are nanoseconds, shares are millionths.

mod canonical;
mod digest;
mod request;
mod slots;
mod verdict;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use self::canonical::to_bytes;
pub(crate) use self::digest::expected;
pub use self::digest::{digest_of, seal_digest};
pub use self::request::{
    Action, Body, Capture, CaptureFrom, Expect, Filter, HttpAction, Json, JsonCheck, JsonExpect,
    Method, NameValue, Piece, Place, Pointer, Slot, SlotSource, StatusRange, Step, Text, TextCheck,
    WaitAction,
};
pub use self::slots::SlotSet;
pub use self::verdict::{
    Aggregate, Bound, Comparison, Counter, Delivery, Metric, NoData, Quantity, Selector, Threshold,
};
use crate::unit::Rate;

/// The artifact format that this compiler writes and this engine reads.
pub const FORMAT: u32 = 1;

/// The published JSON Schema of that format.
pub const ARTIFACT_SCHEMA: &str = include_str!("../../../schemas/artifact.schema.json");

/// A compiled plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Artifact {
    /// Format version, [`FORMAT`]; the first key of the file.
    pub artifact: u32,
    /// Name of the plan.
    pub plan: String,
    /// What the plan says it is for; empty if it does not.
    pub description: String,
    /// Root of every random draw.
    pub seed: u64,
    /// The plan's vars with their compiled values.
    pub vars: BTreeMap<String, Var>,
    /// Names of secrets, and where each node reads them.
    pub secrets: BTreeMap<String, SecretSource>,
    /// Endpoints by name.
    pub endpoints: BTreeMap<String, Endpoint>,
    /// Data by name.
    pub data: BTreeMap<String, Data>,
    /// Files that bodies send, by name as written.
    pub files: BTreeMap<String, FileRef>,
    /// The cluster that the plan is dealt to.
    pub nodes: Nodes,
    /// Scenarios by name.
    pub scenarios: BTreeMap<String, Scenario>,
    /// Slots over all scenarios.
    pub slots: u32,
    /// Pass conditions by name.
    pub thresholds: BTreeMap<String, Threshold>,
    /// When the run itself counts as valid.
    pub delivery: Delivery,
    /// `blake3:` and 64 hex digits over the same bytes with this field empty; the last key of the file.
    pub digest: String,
}

/// A variable with its compiled value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Var {
    /// A JSON value without templates.
    pub value: Json,
    /// Whether something that was decided when compiling depends on it, so that a run cannot override it.
    pub fixed: bool,
}

/// Where a node reads a secret when a run starts.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum SecretSource {
    /// Name of an environment variable.
    Env(String),
    /// Path of a file; its content without the last line end.
    File(String),
}

/// A connection of one kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Endpoint {
    /// An HTTP/1.1 server.
    Http(HttpEndpoint),
}

/// An HTTP server as seen by its steps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpEndpoint {
    /// `http://host:port/prefix`; rendered once per node when a run starts: vars and secrets only.
    pub base_url: Text,
    /// Headers of every request; rendered as a step's are, vars, secrets and everything else an arrival knows.
    pub headers: Vec<NameValue>,
    /// Longest wait for one response, for steps that do not say.
    pub timeout_ns: u64,
    /// Whether requests carry `x-volley-arrival` and `x-volley-step`.
    pub tracking: bool,
    /// Largest response body that is read, in bytes; a larger one fails the step.
    pub max_body_bytes: u64,
}

/// A data file, pinned by digest.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Data {
    /// The file, format csv.
    pub file: FileRef,
    /// Column names, from the header line.
    pub columns: Vec<String>,
    /// Rows after the header line.
    pub rows: u64,
    /// How rows are taken.
    pub take: Take,
    /// What a row is fixed for.
    pub per: Per,
}

/// A file that nodes fetch by digest.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileRef {
    /// The path as the plan writes it, relative to the plan's file.
    pub path: String,
    /// Size in bytes.
    pub bytes: u64,
    /// `blake3:` and 64 hex digits over the content.
    pub digest: String,
}

/// How rows are taken from data.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Take {
    /// Each row at most once in a run.
    Unique,
    /// Row = number modulo rows.
    Circular,
    /// Row drawn from the seed.
    Random,
}

/// What a data row is fixed for.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Per {
    /// The row goes by arrival number.
    Arrival,
    /// The row goes by user number (closed scenarios).
    User,
}

/// The cluster as the plan declares it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nodes {
    /// Groups in the order of their names.
    pub groups: BTreeMap<String, Group>,
    /// How long the coordinator waits for every seat to be taken.
    pub join_timeout_ns: u64,
    /// How long an agent may send load after its last answered beat was sent.
    pub lease_ns: u64,
    /// What happens when an agent is lost.
    pub on_agent_loss: OnAgentLoss,
    /// Times of the cluster protocol.
    pub tuning: Tuning,
}

/// What happens when an agent is lost.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnAgentLoss {
    /// The run stops with exit 96.
    Fail,
}

/// A group of interchangeable seats.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// How many seats it has: `name/0` to `name/agents-1`.
    pub agents: u32,
    /// Its share of each scenario placed on it, against the other groups' weights.
    pub weight: u32,
    /// Labels that an agent must have, compared as text.
    pub requires: BTreeMap<String, String>,
    /// Vars that overlay the plan's for the slots of this group.
    pub vars: BTreeMap<String, Json>,
}

/// Waits and intervals of the cluster protocol, each settable under `nodes.tuning`.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tuning {
    /// Longest wait for every agent to be ready.
    pub ready_timeout_ns: u64,
    /// Time between two beats.
    pub beat_ns: u64,
    /// Without a beat for this long an agent is shown as suspect.
    pub suspect_ns: u64,
    /// From the order to start until the start.
    pub start_delay_ns: u64,
    /// Time between two deltas.
    pub delta_ns: u64,
    /// A delta or final part is sent again after this long without an ack.
    pub retry_ns: u64,
    /// Longest wait for one agent's final report.
    pub final_wait_ns: u64,
    /// Longest wait for one chunk of an artifact or data file.
    pub get_timeout_ns: u64,
}

impl Default for Tuning {
    fn default() -> Tuning {
        const MS: u64 = 1_000_000;
        Tuning {
            ready_timeout_ns: 60_000 * MS,
            beat_ns: 1_000 * MS,
            suspect_ns: 2_500 * MS,
            start_delay_ns: 3_000 * MS,
            delta_ns: 1_000 * MS,
            retry_ns: 1_000 * MS,
            final_wait_ns: 30_000 * MS,
            get_timeout_ns: 2_000 * MS,
        }
    }
}

/// A load and the transaction that each of its arrivals runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// When its own clock starts, counted from the start of the run.
    pub start_ns: u64,
    /// When transactions start, or how many users there are.
    pub load: Load,
    /// Arrivals due before this, on the scenario's own clock, are warm-up.
    pub warm_up_ns: u64,
    /// How long running transactions may go on after the last stage.
    pub graceful_stop_ns: u64,
    /// Longest transaction; 0 for no limit of its own.
    pub timeout_ns: u64,
    /// Arrivals in all for open and counted loads; 0 for timed closed loads, where it is not known.
    pub planned: u64,
    /// First plan-wide slot.
    pub slot_base: u32,
    /// How many slots the scenario has.
    pub slot_count: u32,
    /// Which seat owns which plan-wide slots. Invariant: disjoint, and together `slot_base..slot_base + slot_count`.
    pub seats: BTreeMap<String, SlotSet>,
    /// Data that its steps read.
    pub data: BTreeMap<String, DataUse>,
    /// The transaction's steps in plan order; `needs` makes them a DAG.
    pub steps: Vec<Step>,
}

/// Which rows of a data file a scenario takes.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataUse {
    /// First row, from 0; always 0 unless the data is unique.
    pub first_row: u64,
    /// How many rows it may take.
    pub rows: u64,
}

/// When transactions start, or how many users are active.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Load {
    /// Stages set when transactions start, whether or not earlier ones have finished.
    Open(OpenLoad),
    /// Stages set how many users are active, each starting its next transaction when the last one ended.
    Closed(ClosedLoad),
}

/// An open workload.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenLoad {
    /// Stages, one after the other.
    pub stages: Vec<OpenStage>,
    /// Transactions that may run at one time, over the whole cluster; an arrival above it is dropped.
    pub max_in_flight: u64,
    /// An arrival due longer ago than this is dropped.
    pub late_after_ns: u64,
}

/// One stage of an open workload.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum OpenStage {
    /// The rate goes in a straight line from `from` to `to`; equal for a constant rate.
    Rate {
        /// Rate at the start.
        from: Rate,
        /// Rate at the end.
        to: Rate,
        /// Length.
        length_ns: u64,
    },
    /// A fixed number of arrivals at a rate.
    Count {
        /// The rate.
        rate: Rate,
        /// The number.
        count: u64,
    },
    /// Nothing starts.
    Pause {
        /// Length.
        length_ns: u64,
    },
}

/// A closed workload.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClosedLoad {
    /// Stages, one after the other; `Count` is always alone.
    pub stages: Vec<ClosedStage>,
    /// The largest population, U; iteration *k* of user *u* is arrival `k * U + u`.
    pub users_max: u32,
}

/// One stage of a closed workload.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ClosedStage {
    /// The population goes in a straight line from `from` to `to`; equal for a constant one.
    Users {
        /// Users at the start.
        from: u32,
        /// Users at the end.
        to: u32,
        /// Length.
        length_ns: u64,
    },
    /// `count` iterations shared by `users` users.
    Count {
        /// Users.
        users: u32,
        /// Iterations in all.
        count: u64,
        /// The stage ends after this long, finished or not.
        within_ns: u64,
    },
    /// Nobody is active.
    Pause {
        /// Length.
        length_ns: u64,
    },
}
