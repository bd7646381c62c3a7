//! [pure] Whether a run sent the load that its plan asks for.

use compiler::artifact::Artifact;

use super::{Arrivals, Histogram, RunRecord, Totals, latency};

/// Returns why the planned load was not delivered, one sentence each; empty when it was.
///
/// The least share is judged for each scenario, so that a large one cannot hide that a small one was not sent;
/// what was `stopped` is left out. Lateness is judged over all nodes merged.
pub fn shortfalls(artifact: &Artifact, record: &RunRecord, totals: &Totals) -> Vec<String> {
    if !record.load_started {
        return Vec::new();
    }
    let bounds = &artifact.delivery;
    let names = artifact.scenarios.keys().zip(&record.arrivals);
    let mut reasons: Vec<String> =
        names.filter_map(|(name, it)| short_of(name, it, bounds.min.0)).collect();
    let lateness = lateness(record, totals);
    if let Some(max_us) = bounds.max_lateness_p99_us
        && !lateness.is_empty()
        && lateness.value_at_quantile(0.99) > max_us
    {
        let p99_us = lateness.value_at_quantile(0.99);
        reasons.push(format!(
            "arrivals were sent {p99_us} µs late at the 99th percentile, the plan allows {max_us} µs"
        ));
    }
    if let (Some(max_us), Some(spread_us)) = (bounds.max_start_spread_us, start_spread_us(record))
        && spread_us > max_us
    {
        reasons
            .push(format!("the nodes started {spread_us} µs apart, the plan allows {max_us} µs"));
    }
    reasons
}

/// Returns how late arrivals were sent, over all nodes: what they said at their end, else in their windows.
pub fn lateness(record: &RunRecord, totals: &Totals) -> Histogram {
    let mut sum = latency::new_histogram();
    for (at, node) in record.nodes.iter().enumerate() {
        let known = totals.node(at).and_then(|node| node.lateness.as_ref());
        if let Some(part) = node.lateness.as_ref().or(known) {
            // Every node's histogram has the same range, so the addition cannot fail.
            let added = sum.add(part);
            debug_assert!(added.is_ok());
        }
    }
    sum
}

/// Returns the distance between the first and the last node's start, in microseconds; `None` without nodes.
pub fn start_spread_us(record: &RunRecord) -> Option<u64> {
    let errors = || record.nodes.iter().map(|node| node.start_error_us);
    Some(errors().max()?.abs_diff(errors().min()?))
}

fn short_of(name: &str, arrivals: &Arrivals, min: u64) -> Option<String> {
    let decided = arrivals.planned.saturating_sub(arrivals.dropped_by.stopped);
    let sent = u128::from(arrivals.started) * 1_000_000;
    if sent >= u128::from(decided) * u128::from(min) {
        return None;
    }
    let by = &arrivals.dropped_by;
    let parts = [
        (by.late, "late"),
        (by.full, "above max_in_flight"),
        (by.lease, "without a lease"),
        (by.lost, "lost with their node"),
        (arrivals.unaccounted, "unaccounted"),
    ];
    let parts: Vec<String> =
        parts.iter().filter(|(n, _)| *n > 0).map(|(n, why)| format!("{n} {why}")).collect();
    Some(format!(
        "`{name}` sent {} of {decided} planned arrivals ({}), the plan requires {}: {}",
        arrivals.started,
        percent(sent / u128::from(decided.max(1))),
        percent(u128::from(min)),
        parts.join(", ")
    ))
}

/// Writes millionths as percent, never rounded up to a round number.
fn percent(millionths: u128) -> String {
    let text = format!("{}.{:04}", millionths / 10_000, millionths % 10_000);
    format!("{}%", text.trim_end_matches('0').trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::percent;

    #[test]
    fn a_share_just_below_is_not_rounded_up() {
        assert_eq!(percent(999_999), "99.9999%");
        assert_eq!(percent(1_000_000), "100%");
        assert_eq!(percent(500), "0.05%");
    }
}
