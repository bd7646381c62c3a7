//! (pure) Pass conditions as a plan spells them, whatever spaces it has.

use super::label::{length, length_us};
use crate::artifact::{Aggregate, Delivery, Metric, NoData, Quantity, Selector, Threshold};
use crate::unit::Share;

/// Returns what a threshold measures: `p95(service)`.
pub(crate) fn metric(threshold: &Threshold) -> String {
    let of = |aggregate: Aggregate, what: &str| format!("{}({what})", aggregate_word(aggregate));
    match &threshold.metric {
        Metric::Response(aggregate) => of(*aggregate, "response"),
        Metric::Service(aggregate) => of(*aggregate, "service"),
        Metric::Phase { phase, aggregate } => of(*aggregate, phase.word()),
        Metric::Vital { vital, aggregate } => of(*aggregate, vital.word()),
        Metric::Trend { metric, aggregate } => of(*aggregate, metric),
        Metric::Value { metric } => format!("value({metric})"),
        Metric::OwnCount { metric } => format!("count({metric})"),
        Metric::OwnRate { metric } => format!("rate({metric})"),
        Metric::Share(counter) => format!("share({})", counter.word()),
        Metric::Rate(counter) => format!("rate({})", counter.word()),
        Metric::Count(counter) => format!("count({})", counter.word()),
    }
}

/// Returns which values pass: `< 500ms`.
pub(crate) fn limit(threshold: &Threshold) -> String {
    let value = threshold.value;
    let value = match threshold.quantity {
        Quantity::Us => length_us(value),
        Quantity::Share => Share(value).to_string(),
        Quantity::PerSecond => format!("{}/s", millionths(value)),
        Quantity::Count => value.to_string(),
        Quantity::Number => millionths(value),
    };
    format!("{} {value}", threshold.bound.symbol())
}

/// Returns which part of the run is judged: `scenario checkout, step order`.
pub(crate) fn selected(select: &Selector) -> String {
    let Selector { scenario, step, group, split } = select;
    let mut parts = vec![match scenario {
        Some(scenario) => format!("scenario {scenario}"),
        None => "the whole run".to_owned(),
    }];
    parts.extend(step.as_deref().map(|step| match step {
        "*" => "all steps".to_owned(),
        step => format!("step {step}"),
    }));
    parts.extend(group.as_deref().map(|group| format!("group {group}")));
    parts.extend(split.as_deref().map(|split| format!("split {split}")));
    parts.join(", ")
}

/// Returns when a threshold is judged and what follows, as words; empty if it is judged once, at the end.
pub(crate) fn terms(threshold: &Threshold) -> Vec<String> {
    let Threshold { window_ns, grace_ns, min_samples, abort, on_no_data, .. } = threshold;
    let mut terms = Vec::new();
    if *window_ns > 0 {
        terms.push(format!("in every {}", length(*window_ns)));
    }
    if *grace_ns > 0 {
        terms.push(format!("after {}", length(*grace_ns)));
    }
    if *min_samples > 1 {
        terms.push(format!("from {min_samples} samples on"));
    }
    if *abort {
        terms.push("stops the run".to_owned());
    }
    match on_no_data {
        NoData::NoData => {}
        NoData::Pass => terms.push("passes without data".to_owned()),
    }
    terms
}

fn aggregate_word(aggregate: Aggregate) -> String {
    match aggregate {
        Aggregate::Percentile(thousandths) => {
            let text = format!("p{}.{:03}", thousandths / 1_000, thousandths % 1_000);
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        }
        Aggregate::Min => "min".to_owned(),
        Aggregate::Max => "max".to_owned(),
        Aggregate::Mean => "mean".to_owned(),
    }
}

/// Returns a number of millionths as a decimal.
pub(crate) fn millionths(n: u64) -> String {
    let text = format!("{}.{:06}", n / 1_000_000, n % 1_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Returns when a run counts as valid, as words.
pub(crate) fn delivery(delivery: &Delivery) -> Vec<String> {
    let Delivery { min, max_lateness_p99_us, max_start_spread_us } = delivery;
    let mut terms = vec![format!("{min} of the arrivals start")];
    if let Some(us) = max_lateness_p99_us {
        terms.push(format!("99% of them at most {} late", length_us(*us)));
    }
    if let Some(us) = max_start_spread_us {
        terms.push(format!("nodes start within {}", length_us(*us)));
    }
    terms
}
