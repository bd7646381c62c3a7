//! The whole run as the coordinator knows it at the end: the one input of every report.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Histogram;

/// Arrivals of a scenario or of the whole run, by what became of them.
///
/// Invariant: `planned = started + dropped + unaccounted`; `started = succeeded + failed + unfinished`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Arrivals {
    /// The plan's whole schedule (for timed closed loads: what was started).
    pub planned: u64,
    /// Sent.
    pub started: u64,
    /// Ended well.
    pub succeeded: u64,
    /// Ended badly.
    pub failed: u64,
    /// Sent, outcome unknown.
    pub unfinished: u64,
    /// Nobody knows: due while their node was lost and could still have sent them.
    pub unaccounted: u64,
    /// Of `started`, those run away from their home seat.
    pub redistributed: u64,
    /// Not sent; the sum of `dropped_by`.
    pub dropped: u64,
    /// Not sent, by reason.
    pub dropped_by: DroppedBy,
}

/// Arrivals that were not sent, by reason.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct DroppedBy {
    /// Due longer ago than `late_after`.
    pub late: u64,
    /// `max_in_flight` was reached.
    pub full: u64,
    /// Their node was fenced, nobody took over.
    pub lease: u64,
    /// Their node was lost, nobody took over.
    pub lost: u64,
    /// The run or the scenario ended first.
    pub stopped: u64,
}

/// One node of a run.
#[derive(Clone, Debug, Default)]
pub struct NodeRecord {
    /// Its name.
    pub name: String,
    /// Seats it served.
    pub seats: Vec<String>,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// When it was enrolled, in microseconds since the run's start (negative: before).
    pub joined_us: i64,
    /// When it was declared lost, in microseconds since the run's start.
    pub lost_us: Option<i64>,
    /// How far from the agreed instant it started, in microseconds.
    pub start_error_us: i64,
    /// Its clock minus the coordinator's, in microseconds.
    pub clock_offset_us: i64,
    /// Uncertainty of `clock_offset_us`: half of the best round trip.
    pub clock_error_us: u64,
    /// Highest share of one core, in percent.
    pub cpu_percent_max: u32,
    /// Highest resident memory, in bytes.
    pub rss_bytes_max: u64,
    /// Most descriptors open, sockets and files.
    pub descriptors_max: u64,
    /// How late its workers' own timers woke them, in microseconds.
    pub lag: Option<Histogram>,
    /// How late it sent arrivals, in microseconds.
    pub lateness: Option<Histogram>,
}

/// How a run ended, beside what thresholds and delivery say.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// Every scenario came to its end.
    Complete,
    /// SIGINT or SIGTERM.
    Interrupted,
    /// A threshold with `abort`; its name.
    Aborted(String),
    /// A scenario was stopped because as many of its transactions failed as its `max_failures`; its name.
    TooManyFailures(String),
    /// A scenario whose plan says `on_overload: fail` reached its `max_in_flight`; its name.
    Overloaded(String),
    /// A node refused the artifact; why.
    ArtifactRefused(String),
    /// The cluster was not formed, or lost too much; why.
    ClusterFailed(String),
    /// A bug of ours; what to report.
    Internal(String),
}

/// A run at its end. What was measured is in `totals` beside it.
#[derive(Clone, Debug)]
pub struct RunRecord {
    /// Run id, ten of `[a-z0-9]`.
    pub run: String,
    /// Wall clock at the start of the load, in milliseconds since 1970.
    pub started_at_unix_ms: u64,
    /// From the start of the load to the end of the last drain, in microseconds.
    pub duration_us: u64,
    /// How it ended.
    pub ending: Ending,
    /// Whether load was started at all.
    pub load_started: bool,
    /// Nodes, by name.
    pub nodes: Vec<NodeRecord>,
    /// Arrivals by scenario, in the artifact's order, settled by the rules of loss.
    pub arrivals: Vec<Arrivals>,
    /// Closed scenarios: user time lost with nodes, in microseconds, in the artifact's order.
    pub users_lost_us: Vec<u64>,
    /// By scenario, in the artifact's order, and second of the run: arrivals due in it that nobody decided and that
    /// were dropped for it (`lease`, `lost`, `stopped`). May hold more or fewer seconds than the run.
    pub undecided: Vec<Vec<u64>>,
    /// What went wrong without failing the run: (code, message).
    pub warnings: Vec<(String, String)>,
    /// Software versions: `volley`, and `nats` where there is a broker.
    pub versions: BTreeMap<String, String>,
    /// Vars that overrode the plan's.
    pub vars: BTreeMap<String, String>,
    /// The seed that was used.
    pub seed: u64,
}
