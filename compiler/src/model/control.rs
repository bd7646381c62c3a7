//! (pure) What a step's failure does, and what is measured of it besides its latency.

use crate::artifact::{CaptureFrom, OnFail, OwnFrom, OwnKind, OwnMetric, Retry, RetryWhen};
use crate::model::check;
use crate::model::lower::{Lower, Site};
use crate::source::Span;
use crate::syntax::{Entry, Node};

/// Most attempts of a step.
const ATTEMPTS_MAX: u64 = 100;

/// What a step's failure does, and what is measured of it.
#[derive(Clone, Debug, Default)]
pub struct Control {
    /// What a failure ends.
    pub on_fail: OnFail,
    /// Where that stands.
    pub on_fail_span: Option<Span>,
    /// Whether it is tried again.
    pub retry: Option<Retry>,
    /// Metrics of the plan's own.
    pub metrics: Vec<MetricPlan>,
    /// What it is measured apart by.
    pub split_by: Option<CaptureFrom>,
}

/// A metric of the plan's own, with its place.
#[derive(Clone, Debug)]
pub struct MetricPlan {
    /// Its name.
    pub name: String,
    /// Where the name stands.
    pub span: Span,
    /// As the artifact has it; `None` when it is broken.
    pub metric: Option<OwnMetric>,
}

/// Lowers `on_fail`, `retry`, `metrics` or `split_by`.
pub(super) fn lower(entry: &Entry, node: Node<'_>, out: &mut Control, work: &mut Lower<'_>) {
    match entry.key.as_str() {
        "on_fail" => {
            let words = [
                ("end_transaction", OnFail::EndTransaction),
                ("continue", OnFail::Continue),
                ("stop_scenario", OnFail::StopScenario),
                ("abort_run", OnFail::AbortRun),
            ];
            out.on_fail = work.one_of(node, &words).unwrap_or_default();
            out.on_fail_span = Some(node.span());
        }
        "retry" => out.retry = retry(node, work),
        "metrics" => {
            for (entry, node) in node.entries() {
                let metric = if node.is_hole() { None } else { metric(&entry.key, node, work) };
                let (name, span) = (entry.key.clone(), entry.key_span);
                out.metrics.push(MetricPlan { name, span, metric });
            }
        }
        _ => out.split_by = check::source(node, work),
    }
}

fn retry(node: Node<'_>, work: &mut Lower<'_>) -> Option<Retry> {
    let attempts = work.whole(node.get("attempts")?, 2..ATTEMPTS_MAX + 1);
    let when = node.get("when").into_iter().flat_map(Node::items);
    let when: Vec<Option<RetryWhen>> =
        when.filter(|item| !item.is_hole()).map(|item| retry_when(item, work)).collect();
    let wait_ns = match node.get("wait") {
        Some(wait) => work.length(wait).map(|length| length.value),
        None => Some(0),
    };
    Some(Retry {
        attempts: u32::try_from(attempts?.value).ok()?,
        when: when.into_iter().collect::<Option<Vec<_>>>()?,
        wait_ns: wait_ns?,
    })
}

fn retry_when(node: Node<'_>, work: &mut Lower<'_>) -> Option<RetryWhen> {
    match node.as_str() {
        Some("timeout") => Some(RetryWhen::Timeout),
        Some("connect") => Some(RetryWhen::Connect),
        Some("expect") => Some(RetryWhen::Expect),
        _ => check::status(node, work).map(RetryWhen::Status),
    }
}

fn metric(name: &str, node: Node<'_>, work: &mut Lower<'_>) -> Option<OwnMetric> {
    let kinds =
        [("trend", OwnKind::Trend), ("counter", OwnKind::Counter), ("gauge", OwnKind::Gauge)];
    let (kind, from) =
        kinds.iter().find_map(|(word, kind)| node.get(word).map(|from| (*kind, from)))?;
    let from = match from.get("value") {
        Some(value) => OwnFrom::Value(work.json(value, Site::Value)?),
        None => OwnFrom::Answer(check::source(from, work)?),
    };
    Some(OwnMetric { name: name.to_owned(), kind, from })
}
