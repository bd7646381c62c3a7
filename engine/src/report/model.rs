//! (pure) `result.json`: the one source of every view. Field names and their order are part of the public contract.
//!
//! Latencies are whole microseconds; shares are fractions of one.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::metrics::Arrivals;
use crate::metrics::FailureKind;
use crate::metrics::threshold::Verdict;

/// The format of `result.json` that is written and read.
pub const FORMAT: u32 = 1;

/// A whole result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunResult {
    /// Format version, [`FORMAT`].
    pub format: u32,
    /// The run itself.
    pub run: Run,
    /// What executed it, by name.
    pub nodes: Vec<Node>,
    /// Arrivals over all scenarios.
    pub arrivals: Arrivals,
    /// Scenarios in the order of their names.
    pub scenarios: Vec<Scenario>,
    /// Pass conditions in the order of their names.
    pub thresholds: Vec<Threshold>,
    /// What happened by second.
    pub series: Series,
    /// What a reader should know before believing the numbers.
    pub warnings: Vec<Warning>,
}

/// The run itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// Ten of `[a-z0-9]`.
    pub id: String,
    /// Name of the plan.
    pub plan: String,
    /// Start of the load, RFC 3339 in UTC.
    pub started_at: String,
    /// From the start of the load to the end of the last drain.
    pub duration_us: u64,
    /// Name of the exit code.
    pub outcome: String,
    /// The exit code.
    pub exit_code: u8,
    /// What ended the run or stopped a scenario: the threshold with `abort`, or `<scenario>.max_failures`, or
    /// `<scenario>.on_overload`.
    pub aborted_by: Option<String>,
    /// Software.
    pub versions: BTreeMap<String, String>,
    /// What made this run this run.
    pub inputs: Inputs,
}

/// What made a run the run it was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inputs {
    /// Digest of the artifact.
    pub artifact: String,
    /// Root of every random draw.
    pub seed: u64,
    /// The plan's vars as the run used them.
    pub vars: BTreeMap<String, String>,
    /// Digests of data files, by name of the data.
    pub data: BTreeMap<String, String>,
}

/// One node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// Seats it served.
    pub seats: Vec<String>,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// When it was enrolled, since the run's start (negative: before).
    pub joined_us: i64,
    /// When it was declared lost.
    pub lost_us: Option<i64>,
    /// How far from the agreed instant it started.
    pub start_error_us: i64,
    /// Its clock minus the coordinator's.
    pub clock_offset_us: i64,
    /// Highest share of one core, in percent.
    pub cpu_percent_max: u32,
    /// Highest resident memory.
    pub rss_bytes_max: u64,
    /// How late it sent arrivals.
    pub lateness_us: Lateness,
    /// How late its workers' own timers woke them; absent in results of before this was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timer_lag_us: Option<Lateness>,
    /// Most descriptors open, sockets and files; absent in results of before this was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub descriptors_max: Option<u64>,
}

/// How late something was; zeros when nothing was.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lateness {
    /// Median.
    pub p50: u64,
    /// 99th percentile.
    pub p99: u64,
    /// Largest.
    pub max: u64,
}

/// One scenario.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Its name.
    pub name: String,
    /// `open` or `closed`.
    pub model: Model,
    /// Its arrivals.
    pub arrivals: Arrivals,
    /// User time; zeros for an open scenario.
    pub users: Users,
    /// From due to end, after the warm-up; `null` for a closed scenario.
    pub response_us: Option<Latency>,
    /// From send to end, after the warm-up.
    pub service_us: Latency,
    /// What the warm-up did, which the above leaves out.
    pub warm_up: WarmUp,
    /// Steps in plan order.
    pub steps: Vec<Step>,
    /// Correlations of `await` steps.
    pub correlations: Vec<Correlation>,
}

/// How a scenario's load is set.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Model {
    /// When transactions start.
    Open,
    /// How many users are active.
    Closed,
}

/// User time of a closed scenario.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Users {
    /// As the plan says; 0 for a load with a count.
    pub planned_us: u64,
    /// As it was.
    pub active_us: u64,
    /// Lost with nodes.
    pub lost_us: u64,
}

/// A distribution: summary and histogram always agree. Zeros when `count` is 0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Latency {
    /// Values.
    pub count: u64,
    /// Smallest.
    pub min: u64,
    /// Arithmetic mean, rounded.
    pub mean: u64,
    /// Median.
    pub p50: u64,
    /// 90th percentile.
    pub p90: u64,
    /// 95th percentile.
    pub p95: u64,
    /// 99th percentile.
    pub p99: u64,
    /// 99.9th percentile.
    pub p999: u64,
    /// Largest.
    pub max: u64,
    /// HdrHistogram V2, deflated, base64.
    pub histogram: String,
}

/// Transactions of the warm-up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WarmUp {
    /// Arrivals sent within it.
    pub arrivals: u64,
    /// From due to end; `null` for a closed scenario.
    pub response_us: Option<Latency>,
    /// From send to end.
    pub service_us: Latency,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Its name.
    pub name: String,
    /// Its action.
    pub kind: StepKind,
    /// Ended well.
    pub ok: u64,
    /// Ended badly.
    pub failed: u64,
    /// Not run.
    pub skipped: u64,
    /// Requests sent, without those that followed a redirect.
    pub attempts: u64,
    /// Redirects that were followed, each with a request of its own.
    #[serde(default)]
    pub redirects: u64,
    /// Answers by status code.
    pub status: BTreeMap<u16, u64>,
    /// Failures by kind, most frequent first.
    pub errors: Vec<ErrorGroup>,
    /// From send to end; `null` for a step that sends nothing.
    pub service_us: Option<Latency>,
    /// Parts of its requests' time, of those requests that needed them; `null` for a step that sends nothing.
    #[serde(default)]
    pub phases_us: Option<Phases>,
    /// Bytes of requests.
    pub bytes_sent: u64,
    /// Bytes of responses.
    pub bytes_received: u64,
    /// Which part of all transactions' time this step alone held up, as a fraction of one.
    pub critical_path_share: f64,
}

/// Parts of the time of requests; a redirected request has the sum over its hops.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Phases {
    /// Looking up the host's address; only of new connections to a name.
    pub dns: Latency,
    /// Opening a TCP connection; only of new connections.
    pub connect: Latency,
    /// Shaking hands over TLS; only of new connections.
    pub tls: Latency,
    /// From the request's last byte to the response's first.
    pub first_byte: Latency,
    /// From the response's first byte to its last.
    pub body: Latency,
}

/// What a step does.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepKind {
    /// Sends an HTTP request.
    Http,
    /// Lets time pass.
    Wait,
}

/// Failures of one kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ErrorGroup {
    /// Kind.
    pub kind: FailureKind,
    /// How many.
    pub count: u64,
    /// Detail of one of the first.
    pub sample: String,
}

/// What an `await` step matched.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Correlation {
    /// Name of the step.
    #[serde(rename = "await")]
    pub step: String,
    /// Events that ended a wait.
    pub matched: u64,
    /// Waits that ended without one.
    pub timed_out: u64,
    /// Events that matched again.
    pub duplicate: u64,
    /// Events that came after their wait had ended.
    pub late: u64,
    /// Events that matched nothing.
    pub unmatched: u64,
    /// From the send to the event.
    pub latency_us: Latency,
    /// The same by value of `split_by`.
    pub splits: Vec<Split>,
}

/// One value of a `split_by`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Split {
    /// The value.
    pub value: String,
    /// Events that ended a wait.
    pub matched: u64,
    /// Waits that ended without one.
    pub timed_out: u64,
    /// Events that matched again.
    pub duplicate: u64,
    /// Events that came after their wait had ended.
    pub late: u64,
    /// Events that matched nothing.
    pub unmatched: u64,
    /// From the send to the event.
    pub latency_us: Latency,
}

/// One pass condition and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Threshold {
    /// Its name.
    pub name: String,
    /// The condition as the plan writes it.
    pub require: String,
    /// The scenario it reads; `null` for the whole run.
    pub scenario: Option<String>,
    /// The step it reads; `*` for all together.
    pub step: Option<String>,
    /// The group it reads.
    pub group: Option<String>,
    /// The split it reads.
    pub split: Option<String>,
    /// Length of its windows, as `30s`.
    pub window: Option<String>,
    /// What was seen, in the worst window if there are windows; `null` without data.
    pub observed: Option<serde_json::Number>,
    /// Unit of `observed`.
    pub unit: Unit,
    /// What is said of it.
    pub verdict: Verdict,
}

/// Unit of what a threshold observed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Microseconds.
    Us,
    /// A fraction of one.
    Share,
    /// One per second.
    PerSecond,
    /// A plain number.
    Count,
}

/// What happened by second of the run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Series {
    /// Length of each place of the lists.
    pub interval_us: u64,
    /// By scenario.
    pub scenarios: BTreeMap<String, ScenarioSeries>,
}

/// One scenario by second; every list of a result has the same length.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScenarioSeries {
    /// Due in it by the plan; for a closed load what was started, since its plan sets users, not starts.
    pub planned: Vec<u64>,
    /// Sent in it.
    pub started: Vec<u64>,
    /// Ended well in it.
    pub succeeded: Vec<u64>,
    /// Ended badly in it.
    pub failed: Vec<u64>,
    /// Due in it and not sent.
    pub dropped: Vec<u64>,
    /// Running at its end.
    pub in_flight: Vec<u64>,
    /// Median of what ended in it, warm-up included; `null` when nothing did.
    pub p50: Vec<Option<u64>>,
    /// 95th percentile.
    pub p95: Vec<Option<u64>>,
    /// 99th percentile.
    pub p99: Vec<Option<u64>>,
}

/// Something to know before believing the numbers.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Warning {
    /// What kind, for programs.
    pub code: String,
    /// What happened, for people.
    pub message: String,
}
