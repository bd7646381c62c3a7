//! (pure) `thresholds` and `delivery`: when a run passes, and when it counts.

use crate::artifact::{Delivery, Metric, NoData};
use crate::diagnostic::Diagnostic;
use crate::expression::{Own, Require, is_builtin, parse_require};
use crate::model::lower::Lower;
use crate::model::name::Section;
use crate::model::step::StepList;
use crate::source::{Span, Spanned};
use crate::syntax::Node;
use crate::unit::Share;

/// Least share of arrivals that must start where the plan does not say.
const DELIVERY_MIN_DEFAULT: Share = Share(999_000);

/// One pass condition.
#[derive(Clone, Debug)]
pub struct Threshold {
    /// The condition as written.
    pub text: Spanned<String>,
    /// The condition.
    pub require: Require,
    /// Scenario, `*` for each one alone.
    pub scenario: Option<Spanned<String>>,
    /// Step, `*` for all together.
    pub step: Option<Spanned<String>>,
    /// Group, if not all.
    pub group: Option<Spanned<String>>,
    /// Value of the step's `split_by`, if not all.
    pub split: Option<Spanned<String>>,
    /// Judged over stretches of this length; 0 for the whole run.
    pub window_ns: u64,
    /// Where that stands.
    pub window: Option<Span>,
    /// Stretches that begin earlier are not judged; `None` if the plan does not say.
    pub grace_ns: Option<u64>,
    /// With fewer samples there is no data.
    pub min_samples: u64,
    /// Where `abort: true` stands.
    pub abort: Option<Span>,
    /// What no data means.
    pub on_no_data: NoData,
}

/// Lowers the section; `own` are the metrics that the plan's steps record.
pub(super) fn lower(top: Node<'_>, own: &Own, work: &mut Lower<'_>) -> Section<Threshold> {
    Section::lower(top, "thresholds", |_, node| threshold(node, own, work))
}

/// Returns the metrics that the steps of `lists` record; a name that stands for something else is reported.
pub(super) fn own_metrics<'a>(
    lists: impl Iterator<Item = &'a StepList>,
    work: &mut Lower<'_>,
) -> Own {
    let mut own = Own::default();
    for list in lists {
        own.incomplete |= !list.is_whole();
        let steps = list.all();
        own.incomplete |= steps.iter().any(|step| !step.complete);
        for metric in steps.iter().flat_map(|step| &step.control.metrics) {
            if is_builtin(&metric.name) {
                let message = format!("`{}` cannot be the name of a metric", metric.name);
                let found = Diagnostic::error("plan::name::reserved", metric.span, message);
                let help =
                    "thresholds read it as something that every run measures; choose another name";
                work.push(found.label("reserved").help(help));
            }
            let kind = metric.metric.as_ref().map(|metric| metric.kind);
            own.kinds.entry(metric.name.clone()).or_insert(kind);
        }
    }
    own
}

fn threshold(node: Node<'_>, own: &Own, work: &mut Lower<'_>) -> Option<Threshold> {
    let (text, require) = require(node.get("require")?, own, work)?;
    let scenario = node.get("scenario").map(|node| work.literal(node, "the name of a scenario"));
    let step = node.get("step").map(|node| work.literal(node, "the name of a step"));
    let group = node.get("group").map(|node| work.literal(node, "the name of a group"));
    let split = node.get("split").map(|node| work.literal(node, "a value of `split_by`"));
    let window_ns = match node.get("window") {
        Some(node) => work.positive_length(node)?.value,
        None => 0,
    };
    let grace_ns = match node.get("grace") {
        Some(node) => Some(work.length(node)?.value),
        None => None,
    };
    let min_samples = match node.get("min_samples") {
        Some(node) => work.whole(node, 0..1 << 40)?.value,
        // A counter that never fired reads 0; a distribution or a share of nothing is no data.
        None => u64::from(!matches!(
            require.metric,
            Metric::Rate(_) | Metric::Count(_) | Metric::OwnRate { .. } | Metric::OwnCount { .. }
        )),
    };
    let abort = match node.get("abort") {
        Some(node) => work.flag(node)?.then_some(node.span()),
        None => None,
    };
    let on_no_data = match node.get("on_no_data") {
        Some(node) => work.one_of(node, &[("no_data", NoData::NoData), ("pass", NoData::Pass)])?,
        None => NoData::NoData,
    };
    // A selector that is broken must not widen to the whole run.
    let selector = |written: Option<Option<Spanned<String>>>| {
        written.map_or(Some(None), |text| text.map(Some))
    };
    Some(Threshold {
        text,
        require,
        scenario: selector(scenario)?,
        step: selector(step)?,
        group: selector(group)?,
        split: selector(split)?,
        window_ns,
        window: node.get("window").map(Node::span),
        grace_ns,
        min_samples,
        abort,
        on_no_data,
    })
}

/// Reads a condition; a var in it is put in first, and a fault then lies at the whole scalar.
fn require(node: Node<'_>, own: &Own, work: &mut Lower<'_>) -> Option<(Spanned<String>, Require)> {
    let text = work.word(node, "a condition such as `p95(service) < 500ms`")?;
    match parse_require(&text.value, own) {
        Ok(require) => Some((text, require?)),
        Err(mut fault) => {
            if node.as_str() != Some(text.value.as_str()) {
                fault.range = 0..node.as_str().map_or(0, str::len);
            }
            work.fault(node, fault);
            None
        }
    }
}

pub(super) fn delivery(top: Node<'_>, work: &mut Lower<'_>) -> Delivery {
    let node = top.get("delivery");
    let get = |key: &str| node.and_then(|node| node.get(key));
    let min = get("min").and_then(|node| work.share(node));
    let mut us = |node: Option<Node<'_>>| {
        node.and_then(|node| work.length(node)).map(|length| length.value / 1_000)
    };
    Delivery {
        min: min.map_or(DELIVERY_MIN_DEFAULT, |share| share.value),
        max_lateness_p99_us: us(get("max_lateness").and_then(|node| node.get("p99"))),
        max_start_spread_us: us(get("max_start_spread")),
    }
}
