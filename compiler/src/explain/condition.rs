//! (pure) Pass conditions as a plan spells them, whatever spaces it has.

use super::label::{length, length_us};
use crate::artifact::{Aggregate, Counter, Metric, Quantity, Selector, Threshold};
use crate::unit::Share;

/// Returns what a threshold measures: `p95(service)`.
pub(crate) fn metric(threshold: &Threshold) -> String {
    match threshold.metric {
        Metric::Response(aggregate) => format!("{}(response)", aggregate_word(aggregate)),
        Metric::Service(aggregate) => format!("{}(service)", aggregate_word(aggregate)),
        Metric::Share(counter) => format!("share({})", counter_word(counter)),
        Metric::Rate(counter) => format!("rate({})", counter_word(counter)),
        Metric::Count(counter) => format!("count({})", counter_word(counter)),
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
    };
    format!("{} {value}", threshold.bound.symbol())
}

/// Returns which part of the run is judged: `scenario checkout, step order`.
pub(crate) fn selected(select: &Selector) -> String {
    let Selector { scenario, step } = select;
    let scenario = match scenario {
        Some(scenario) => format!("scenario {scenario}"),
        None => "the whole run".to_owned(),
    };
    match step.as_deref() {
        Some("*") => format!("{scenario}, all steps"),
        Some(step) => format!("{scenario}, step {step}"),
        None => scenario,
    }
}

/// Returns when a threshold is judged and what follows, as words; empty if it is judged once, at the end.
pub(crate) fn terms(threshold: &Threshold) -> Vec<String> {
    let Threshold { window_ns, grace_ns, min_samples, abort, .. } = threshold;
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

fn counter_word(counter: Counter) -> &'static str {
    match counter {
        Counter::Started => "started",
        Counter::Succeeded => "succeeded",
        Counter::Failed => "failed",
        Counter::Dropped => "dropped",
    }
}

/// Returns a number of millionths as a decimal.
pub(crate) fn millionths(n: u64) -> String {
    let text = format!("{}.{:06}", n / 1_000_000, n % 1_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
