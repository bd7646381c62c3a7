//! Flow: what a step does when it fails, blocks of steps, and transactions that steps call.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{CaptureFrom, Condition, Json, StatusRange, Step};

/// What a failed step ends.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnFail {
    /// The transaction, which counts as failed.
    #[default]
    EndTransaction,
    /// Nothing: the steps after it run, without its captures.
    Continue,
    /// The scenario: no further arrival starts.
    StopScenario,
    /// The run, on every node.
    AbortRun,
}

impl OnFail {
    /// Returns whether it is what a plan need not say.
    pub fn is_default(&self) -> bool {
        *self == OnFail::default()
    }
}

/// A step that is tried again; one sample, from the first send to the last end.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retry {
    /// Attempts in all, at least 2.
    pub attempts: u32,
    /// Failures that are tried again; empty for any.
    pub when: Vec<RetryWhen>,
    /// Time between the end of an attempt and the next send.
    pub wait_ns: u64,
}

/// A failure that is tried again.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RetryWhen {
    /// Nothing came in time.
    Timeout,
    /// No connection.
    Connect,
    /// The answer was not as expected.
    Expect,
    /// The answer has one of these status codes.
    Status(StatusRange),
}

/// A metric of the plan's own, of each answer of a step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnMetric {
    /// Its name; the same name in another step is the same metric.
    pub name: String,
    /// How its values are put together.
    pub kind: OwnKind,
    /// Where a value is from.
    pub from: OwnFrom,
}

/// How the values of a metric are put together.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OwnKind {
    /// A distribution.
    Trend,
    /// A sum.
    Counter,
    /// The latest value.
    Gauge,
}

/// Where a value of a metric is from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum OwnFrom {
    /// The answer.
    Answer(CaptureFrom),
    /// A number, or a template that is one.
    Value(Json),
}

/// Steps that run once for each item of a list, one after the other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForEach {
    /// The list: literal, or one slot.
    pub list: Json,
    /// What runs; reads the item as `{{ item }}`.
    pub steps: Vec<Step>,
}

/// Steps that run several times, at least once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Repeat {
    /// Turns at most; without `until`, exactly. At least 1.
    pub at_most: u64,
    /// Asked after each turn; when it holds, no other follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Condition>,
    /// What runs.
    pub steps: Vec<Step>,
}

/// Steps of which one list runs: that of the first `when` that holds, else one drawn by weight, else none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choose {
    /// Those with `when` come first.
    pub branches: Vec<Branch>,
}

/// A list of steps that may be chosen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Branch {
    /// When it is chosen; without it, by weight.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Condition>,
    /// Share among the branches without `when`; 0 with it.
    pub weight: u64,
    /// What runs.
    pub steps: Vec<Step>,
}

/// Runs the steps of a transaction of [`super::Artifact::transactions`]; inner steps are named `<step>/<inner>`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// Its name.
    pub transaction: String,
    /// A value for each of its params.
    pub with: BTreeMap<String, Json>,
}

/// Steps that are called by name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transaction {
    /// What a call hands over; read as `{{ params.x }}`.
    pub params: Vec<String>,
    /// What runs; reads no capture of its caller.
    pub steps: Vec<Step>,
    /// What the caller reads as captures of its own step.
    pub returns: BTreeMap<String, Json>,
}

/// A value that is drawn once for a transaction.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Let {
    /// Its name; read as `{{ let.x }}`.
    pub name: String,
    /// The value; may read those before it.
    pub value: Json,
}
