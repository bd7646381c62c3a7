//! (pure) What a reader should know before a run, from the numbers alone.

use serde::Serialize;

use super::label::{length_us, number};
use super::scenario::ScenarioView;
use super::timeline::Timeline;
use crate::artifact::{Aggregate, Artifact, Metric, Threshold};

/// Requests a second above which one node's processor is likely to be the limit.
const NODE_RATE_MAX: u64 = 30_000;

/// Memory above which a node should be looked at first, in bytes.
const NODE_BYTES_MAX: u64 = 1_000_000_000;

/// Something that a reader should know.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Warning {
    /// What kind it is: `in_flight`, `seat_idle`, `few_samples`, `node_rate`, `node_memory`.
    pub kind: &'static str,
    /// In words.
    pub message: String,
}

/// Returns what is worth a warning.
pub(super) fn warnings(
    artifact: &Artifact,
    scenarios: &[ScenarioView],
    timeline: &Timeline,
) -> Vec<Warning> {
    let mut warnings = Vec::new();
    for view in scenarios {
        in_flight(view, &mut warnings);
        idle(view, &mut warnings);
    }
    for (name, threshold) in &artifact.thresholds {
        few_samples(name, threshold, scenarios, &mut warnings);
    }
    nodes(timeline, &mut warnings);
    warnings
}

fn in_flight(view: &ScenarioView, warnings: &mut Vec<Warning>) {
    let Some(limit) = view.max_in_flight.filter(|limit| view.in_flight > *limit) else { return };
    let message = format!(
        "scenario {}: {} transactions of {} each would run at the peak, more than `max_in_flight` {}: \
         arrivals above it are dropped",
        view.name,
        number(view.in_flight),
        length_us(view.transaction_us),
        number(limit),
    );
    warnings.push(Warning { kind: "in_flight", message });
}

fn idle(view: &ScenarioView, warnings: &mut Vec<Warning>) {
    if view.model == "observe" {
        return;
    }
    let idle: Vec<&str> = view
        .seats
        .iter()
        .filter(|seat| seat.arrivals_expected == 0)
        .map(|seat| seat.seat.as_str())
        .collect();
    let message = match idle.as_slice() {
        [] => return,
        [seat] => format!("scenario {}: seat {seat} gets none of its arrivals", view.name),
        [first, .., last] => format!(
            "scenario {}: {} seats, {first} to {last}, get none of its arrivals",
            view.name,
            number(idle.len() as u64)
        ),
    };
    warnings.push(Warning { kind: "seat_idle", message });
}

/// The 99th percentile of fewer than a hundred samples is their maximum.
fn few_samples(
    name: &str,
    threshold: &Threshold,
    scenarios: &[ScenarioView],
    warnings: &mut Vec<Warning>,
) {
    let (Metric::Response(Aggregate::Percentile(thousandths))
    | Metric::Service(Aggregate::Percentile(thousandths))) = threshold.metric
    else {
        return;
    };
    let wanted = 100_000u64.div_ceil(100_000u64.saturating_sub(u64::from(thousandths)).max(1));
    let chosen = threshold.select.scenario.as_deref();
    let Some(view) = scenarios.iter().find(|view| Some(view.name.as_str()) == chosen) else {
        return;
    };
    let samples = match (view.arrivals, view.warm_up_arrivals) {
        (Some(arrivals), warm_up) => arrivals.saturating_sub(warm_up.unwrap_or(0)),
        (None, _) => return,
    };
    if threshold.select.step.is_some() || samples >= wanted || threshold.window_ns > 0 {
        return;
    }
    let message = format!(
        "threshold {name}: at most {} samples, so {} is their maximum; it needs {} to be more",
        number(samples),
        super::condition::metric(threshold),
        number(wanted),
    );
    warnings.push(Warning { kind: "few_samples", message });
}

fn nodes(timeline: &Timeline, warnings: &mut Vec<Warning>) {
    let rate = |requests: u64| {
        let each = u128::from(requests) * 1_000_000 / u128::from(timeline.stretch_us.max(1));
        u64::try_from(each).unwrap_or(u64::MAX)
    };
    let peaks = timeline.seats.iter().map(|node| {
        (rate(node.requests_by_stretch.iter().copied().max().unwrap_or(0)), &node.seat)
    });
    if let Some((peak, seat)) = peaks.max_by_key(|(peak, _)| *peak).filter(|p| p.0 > NODE_RATE_MAX)
    {
        let message = format!(
            "seat {seat} sends up to {} requests a second, more than one node is likely to send in time: \
             add agents",
            number(peak)
        );
        warnings.push(Warning { kind: "node_rate", message });
    }
    let largest = timeline.seats.iter().max_by_key(|node| node.memory_bytes);
    if let Some(node) = largest.filter(|node| node.memory_bytes > NODE_BYTES_MAX) {
        let message = format!(
            "seat {} needs about {} MB of memory",
            node.seat,
            number(node.memory_bytes.div_ceil(1_000_000))
        );
        warnings.push(Warning { kind: "node_memory", message });
    }
}
