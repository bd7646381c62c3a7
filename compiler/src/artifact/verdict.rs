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
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Metric {
    /// An aggregate of the time from due (open scenarios) to end.
    Response(Aggregate),
    /// An aggregate of the time from send to end.
    Service(Aggregate),
    /// An aggregate of a part of a request's time.
    Phase {
        /// Which part.
        phase: Phase,
        /// What is taken of it.
        aggregate: Aggregate,
    },
    /// An aggregate of what a browser measured of a page.
    Vital {
        /// What it measured.
        vital: Vital,
        /// What is taken of it.
        aggregate: Aggregate,
    },
    /// An aggregate of a trend of the plan's own.
    Trend {
        /// Its name.
        metric: String,
        /// What is taken of it.
        aggregate: Aggregate,
    },
    /// The latest value of a gauge of the plan's own.
    Value {
        /// Its name.
        metric: String,
    },
    /// The sum of a counter of the plan's own.
    OwnCount {
        /// Its name.
        metric: String,
    },
    /// The sum of a counter of the plan's own per second of the scenario's length, in millionths.
    OwnRate {
        /// Its name.
        metric: String,
    },
    /// A counter as a share: of arrivals planned for what becomes of them, of transactions (or step runs) ended for
    /// `succeeded` and `failed`, of step runs for `skipped`, of awaits for `matched` and `timed_out`, of events otherwise.
    Share(Counter),
    /// A counter per second of the scenario's length, in millionths.
    Rate(Counter),
    /// A counter.
    Count(Counter),
}

/// A part of a request's time.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Looking up the host's address.
    Dns,
    /// Opening a connection.
    Connect,
    /// Agreeing on keys.
    Tls,
    /// From the request's end to the answer's first byte.
    FirstByte,
    /// From the answer's first byte to its last.
    Body,
}

impl Phase {
    /// All phases, each with its word in a plan.
    pub const ALL: [(&'static str, Phase); 5] = [
        ("dns", Phase::Dns),
        ("connect", Phase::Connect),
        ("tls", Phase::Tls),
        ("first_byte", Phase::FirstByte),
        ("body", Phase::Body),
    ];

    /// Returns its word in a plan.
    pub fn word(self) -> &'static str {
        Phase::ALL.iter().find(|(_, known)| *known == self).map_or("", |(word, _)| word)
    }
}

/// What a browser measures of a page.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Vital {
    /// Largest contentful paint, a time.
    Lcp,
    /// First contentful paint, a time.
    Fcp,
    /// Time to first byte.
    Ttfb,
    /// Cumulative layout shift, a number.
    Cls,
    /// Interaction to next paint, a time.
    Inp,
}

impl Vital {
    /// All vitals, each with its word in a plan.
    pub const ALL: [(&'static str, Vital); 5] = [
        ("lcp", Vital::Lcp),
        ("fcp", Vital::Fcp),
        ("ttfb", Vital::Ttfb),
        ("cls", Vital::Cls),
        ("inp", Vital::Inp),
    ];

    /// Returns its word in a plan.
    pub fn word(self) -> &'static str {
        Vital::ALL.iter().find(|(_, known)| *known == self).map_or("", |(word, _)| word)
    }
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

/// A counter of arrivals, of a step's runs (`Succeeded`, `Failed`, `Skipped`), or of an await (from `Matched` on).
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
    /// Sent, and how it ended is not known.
    Unfinished,
    /// Nobody can say what became of it.
    Unaccounted,
    /// Not run, because of its `when`.
    Skipped,
    /// The event came.
    Matched,
    /// The event did not come in time.
    TimedOut,
    /// An event that had come before.
    Duplicate,
    /// An event that nobody waited for.
    Unmatched,
    /// An event that came after its time.
    Late,
}

impl Counter {
    /// All counters, each with its word in a plan.
    pub const ALL: [(&'static str, Counter); 12] = [
        ("started", Counter::Started),
        ("succeeded", Counter::Succeeded),
        ("failed", Counter::Failed),
        ("dropped", Counter::Dropped),
        ("unfinished", Counter::Unfinished),
        ("unaccounted", Counter::Unaccounted),
        ("skipped", Counter::Skipped),
        ("matched", Counter::Matched),
        ("timed_out", Counter::TimedOut),
        ("duplicate", Counter::Duplicate),
        ("unmatched", Counter::Unmatched),
        ("late", Counter::Late),
    ];

    /// Returns its word in a plan.
    pub fn word(self) -> &'static str {
        Counter::ALL.iter().find(|(_, known)| *known == self).map_or("", |(word, _)| word)
    }
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
    /// Millionths of a number without a unit.
    Number,
}

/// Which part of a run a threshold judges.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Selector {
    /// A scenario; `null` for the whole run merged. `"*"` is expanded by the compiler, one threshold each.
    pub scenario: Option<String>,
    /// A step of that scenario; `"*"` for all steps together; `null` for the transaction.
    pub step: Option<String>,
    /// What the agents of one group did; left out for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// One value of the step's `split_by`; left out for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split: Option<String>,
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
