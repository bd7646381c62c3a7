//! Pass conditions: thresholds and the bounds of delivery.

use serde::{Deserialize, Serialize};

use crate::unit::Share;

/// One pass condition, judged on merged data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Threshold {
    /// The condition as the plan writes it.
    pub require: String,
    /// What is measured.
    pub metric: Metric,
    /// Which side of `value` passes.
    pub bound: Bound,
    /// The limit, in the unit of `quantity`.
    pub value: u64,
    /// Unit of `value` and of what is observed.
    pub quantity: Quantity,
    /// Which part of the run is judged.
    pub select: Selector,
    /// Judged over each stretch of this length; 0 for the whole run.
    pub window_ns: u64,
    /// Stretches that begin earlier, counted from the scenario's start, are not judged.
    pub grace_ns: u64,
    /// With fewer samples there is no data.
    pub min_samples: u64,
    /// Whether missing it stops the run.
    pub abort: bool,
    /// What no data means.
    pub on_no_data: NoData,
}

/// What a threshold measures.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Metric {
    /// An aggregate of the time from due (open scenarios) to end.
    Response(Aggregate),
    /// An aggregate of the time from send to end.
    Service(Aggregate),
    /// A counter as a share: of arrivals planned for `started` and `dropped`, of transactions (or step runs) ended otherwise.
    Share(Counter),
    /// A counter per second of the scenario's length, in millionths.
    Rate(Counter),
    /// A counter.
    Count(Counter),
}

/// What is taken of a distribution.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Aggregate {
    /// A percentile in thousandths of a percent: p99.9 is 99 900.
    Percentile(u32),
    /// Smallest.
    Min,
    /// Largest.
    Max,
    /// Arithmetic mean.
    Mean,
}

/// A counter of arrivals, or of a step's runs (`Succeeded` and `Failed` only).
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Counter {
    /// Arrivals that were sent.
    Started,
    /// Ended well.
    Succeeded,
    /// Ended badly.
    Failed,
    /// Not sent.
    Dropped,
}

/// Which side of a limit passes.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    Greater,
    /// `>=`
    AtLeast,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
}

/// A bound of a number.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Comparison {
    /// Which side passes.
    pub bound: Bound,
    /// The limit.
    pub value: u64,
}

/// Unit of a threshold's limit.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quantity {
    /// Microseconds.
    Us,
    /// Millionths of one.
    Share,
    /// Millionths of one per second.
    PerSecond,
    /// A plain number.
    Count,
}

/// Which part of a run a threshold judges.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Selector {
    /// A scenario; `null` for the whole run merged. `"*"` is expanded by the compiler, one threshold each.
    pub scenario: Option<String>,
    /// A step of that scenario; `"*"` for all steps together; `null` for the transaction.
    pub step: Option<String>,
}

/// What it means when a threshold has no data.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoData {
    /// Its verdict is `no_data`.
    NoData,
    /// It passes.
    Pass,
}

/// When the run itself counts as valid; a bound that is `null` is not judged.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delivery {
    /// Least share of decided arrivals (planned without `stopped`) that were started.
    pub min: Share,
    /// Largest lateness at the 99th percentile, in microseconds.
    pub max_lateness_p99_us: Option<u64>,
    /// Largest distance between the first and the last node's start, in microseconds.
    pub max_start_spread_us: Option<u64>,
}

impl Bound {
    /// Returns whether `observed` passes against `limit`.
    pub fn holds<T: PartialOrd>(self, observed: T, limit: T) -> bool {
        match self {
            Bound::Less => observed < limit,
            Bound::AtMost => observed <= limit,
            Bound::Greater => observed > limit,
            Bound::AtLeast => observed >= limit,
            Bound::Equal => observed == limit,
            Bound::NotEqual => observed != limit,
        }
    }

    /// Returns the operator as the plan spells it.
    pub fn symbol(self) -> &'static str {
        match self {
            Bound::Less => "<",
            Bound::AtMost => "<=",
            Bound::Greater => ">",
            Bound::AtLeast => ">=",
            Bound::Equal => "==",
            Bound::NotEqual => "!=",
        }
    }
}
