//! The cluster as the plan declares it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Json;

/// The group of the one node inside `volley run`; a scenario is placed on it by name only.
pub const COORDINATOR: &str = "coordinator";

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
    /// The run goes on without the agent's arrivals, which are dropped as `lost`.
    Continue,
    /// Agents of the same group take the agent's slots over.
    Redistribute,
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
    /// What an agent's lease may last longer than by the coordinator's clock, beside a thousandth of it.
    #[serde(default = "guard_ns", skip_serializing_if = "is_guard")]
    pub guard_ns: u64,
    /// From when an agent is declared lost until others have its arrivals; so long before the end of a lease its owner is
    /// judged.
    #[serde(default = "notice_ns", skip_serializing_if = "is_notice")]
    pub notice_ns: u64,
}

const MS: u64 = 1_000_000;

// What is as ever does not stand in an artifact: those of plans without it stay what they were.
const fn guard_ns() -> u64 {
    200 * MS
}

const fn notice_ns() -> u64 {
    500 * MS
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_guard(ns: &u64) -> bool {
    *ns == guard_ns()
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_notice(ns: &u64) -> bool {
    *ns == notice_ns()
}

impl Default for Tuning {
    fn default() -> Tuning {
        Tuning {
            ready_timeout_ns: 60_000 * MS,
            beat_ns: 1_000 * MS,
            suspect_ns: 2_500 * MS,
            start_delay_ns: 3_000 * MS,
            delta_ns: 1_000 * MS,
            retry_ns: 1_000 * MS,
            final_wait_ns: 30_000 * MS,
            get_timeout_ns: 2_000 * MS,
            guard_ns: guard_ns(),
            notice_ns: notice_ns(),
        }
    }
}
