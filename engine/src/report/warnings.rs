//! (pure) What a reader of a result must know before believing its numbers.

use compiler::artifact::{Artifact, Load, OnOverload};
use compiler::unit::Length;

use super::build::nodes;
use super::model::Warning;
use crate::metrics::{Ending, RunRecord, Totals};

/// Lateness at the 99th percentile above which the generator itself is doubted, in microseconds.
///
/// Ten times what an unloaded node shows; above it latencies near a millisecond no longer mean what they say.
const LATENESS_P99_US_DOUBTFUL: u64 = 10_000;

/// Share of one core above which a generator is near its limit, in percent.
const CPU_PERCENT_HIGH: u32 = 90;

/// A scenario was stopped because of its `max_failures`.
pub(super) const TOO_MANY_FAILURES: &str = "too-many-failures";

/// The run was stopped because of an `on_overload: fail`.
pub(super) const OVERLOADED: &str = "overloaded";

/// Returns the warnings of a run, `shortfalls` of its delivery among them.
pub(super) fn warnings(
    artifact: &Artifact,
    record: &RunRecord,
    totals: &Totals,
    shortfalls: Vec<String>,
) -> Vec<Warning> {
    let mut all: Vec<Warning> = Vec::new();
    match &record.ending {
        Ending::ArtifactRefused(why) => all.push(warning("artifact-refused", why)),
        Ending::ClusterFailed(why) => all.push(warning("cluster-failed", why)),
        Ending::Internal(why) => all.push(warning("internal-error", why)),
        Ending::TooManyFailures(scenario) => all.push(warning(TOO_MANY_FAILURES, format!("`{scenario}` was stopped: as many of its transactions failed as its max_failures"))),
        Ending::Overloaded(scenario) => all.push(warning(OVERLOADED, format!("the run was stopped: an arrival of `{scenario}` found max_in_flight transactions running, and its plan says on_overload: fail"))),
        Ending::Complete | Ending::Interrupted | Ending::Aborted(_) => {}
    }
    all.extend(shortfalls.into_iter().map(|why| warning("not-delivered", why)));
    all.extend(record.warnings.iter().map(|(code, message)| warning(code, message)));
    all.extend(of_arrivals(artifact, record));
    for node in nodes(record, totals) {
        if node.lateness_us.p99 > LATENESS_P99_US_DOUBTFUL {
            let late = super::format::duration(node.lateness_us.p99);
            all.push(warning(
                "generator-late",
                format!("`{}` sent arrivals {late} late at the 99th percentile: response times have that wait in them, service times do not", node.name),
            ));
        }
        if node.cpu_percent_max >= CPU_PERCENT_HIGH {
            let percent = node.cpu_percent_max;
            all.push(warning(
                "cpu-high",
                format!("`{}` used {percent} % of one core: the generator may be the bottleneck, give it more seats", node.name),
            ));
        }
    }
    let counted = [
        ("clamped", totals.clamped(), "latencies were above one hour and count as one hour"),
        (
            "late-windows",
            totals.late_windows(),
            "windows came too late for the percentiles by second; every total has them",
        ),
        (
            "stray-rows",
            totals.stray_rows(),
            "rows from nodes named what the plan does not have; please report this",
        ),
    ];
    let counted = counted.into_iter().filter(|(_, count, _)| *count > 0);
    all.extend(counted.map(|(code, count, what)| warning(code, format!("{count} {what}"))));
    all
}

/// Returns what the arrivals of each scenario say against the generator, or against its measurements.
fn of_arrivals(artifact: &Artifact, record: &RunRecord) -> Vec<Warning> {
    let mut all = Vec::new();
    for ((name, scenario), it) in artifact.scenarios.iter().zip(&record.arrivals) {
        if it.dropped_by.late > 0 {
            let (n, after) = (it.dropped_by.late, late_after(&scenario.load));
            all.push(if queues(&scenario.load) {
                warning(
                    "waited-too-long",
                    format!("{n} arrivals of `{name}` were not sent because {after} after they were due there was still no place below max_in_flight"),
                )
            } else {
                warning(
                    "generator-late",
                    format!("{n} arrivals of `{name}` were not sent because the generator came to them more than {after} after they were due: it is overloaded, or its machine was held up"),
                )
            });
        }
        if it.unfinished > 0 {
            let (n, drain) = (it.unfinished, Length(scenario.graceful_stop_ns));
            all.push(warning(
                "unfinished",
                format!("{n} transactions of `{name}` were cut while they ran (graceful_stop is {drain}): how they would have ended is not known, and no latency has them"),
            ));
        }
    }
    all
}

/// Returns whether an arrival above `max_in_flight` waits.
fn queues(load: &Load) -> bool {
    matches!(load, Load::Open(load) if load.on_overload == OnOverload::Queue)
}

fn late_after(load: &Load) -> String {
    match load {
        Load::Open(load) => Length(load.late_after_ns).to_string(),
        Load::Closed(_) | Load::Observe { .. } => "allowed".to_owned(),
    }
}

pub(super) fn warning(code: &str, message: impl Into<String>) -> Warning {
    Warning { code: code.to_owned(), message: message.into() }
}
