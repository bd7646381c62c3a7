//! (pure) Flow: branches of a `choose`, time-outs that another one hides, metrics of the plan's own.

use std::collections::{BTreeMap, BTreeSet};

use crate::analysis::{lists, whole, with_called};
use crate::artifact::OwnKind;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::model::{Block, BranchPlan, Plan, StepList, StepPlan};
use crate::source::Span;
use crate::unit::Length;

/// Checks the steps of every list.
pub(super) fn check(plan: &Plan, sink: &mut Diagnostics) {
    let mut metrics: BTreeMap<&str, (OwnKind, Span)> = BTreeMap::new();
    for step in lists(plan).flat_map(StepList::all) {
        if let Some(Block::Choose { branches, complete: true }) = &step.block {
            choose(step, branches, sink);
        }
        for metric in &step.control.metrics {
            let Some(own) = &metric.metric else { continue };
            match metrics.get(metric.name.as_str()) {
                Some((kind, first)) if *kind != own.kind => {
                    let message = format!("`{}` is two kinds of metric", metric.name);
                    sink.push(
                        Diagnostic::error("plan::metric::kind", metric.span, message)
                            .label(format!("a {} here", kind_name(own.kind)))
                            .also(*first, format!("a {} here", kind_name(*kind)))
                            .help("a metric's name stands for one thing in the whole plan: choose another name"),
                    );
                }
                Some(_) => {}
                None => {
                    metrics.insert(&metric.name, (own.kind, metric.span));
                }
            }
        }
    }
    let mut told = BTreeSet::new();
    for (_, scenario) in whole(plan) {
        if scenario.timeout_ns == 0 {
            continue;
        }
        for step in with_called(plan, scenario.transaction.all()) {
            let Some(span) = step.timeout.filter(|_| step.timeout_ns > scenario.timeout_ns) else {
                continue;
            };
            // Another scenario may call it too.
            if !told.insert(span) {
                continue;
            }
            let message = format!(
                "`{}` may take {}, and its transaction {}",
                step.name,
                Length(step.timeout_ns),
                Length(scenario.timeout_ns)
            );
            sink.push(
                Diagnostic::warning("plan::flow::timeout", span, message)
                    .label("never reached")
                    .help("shorten it, or lengthen the `timeout` of the scenario"),
            );
        }
    }
}

fn kind_name(kind: OwnKind) -> &'static str {
    match kind {
        OwnKind::Trend => "trend",
        OwnKind::Counter => "counter",
        OwnKind::Gauge => "gauge",
    }
}

fn choose(step: &StepPlan, branches: &[BranchPlan], sink: &mut Diagnostics) {
    const BRANCHES: &str = "plan::flow::branches";
    if let [only] = branches {
        let help = match &only.when {
            Some(_) => "put `when` on the step itself",
            None => "write its steps without `choose`",
        };
        let found = Diagnostic::error(BRANCHES, only.span, "there is one branch to choose from");
        sink.push(found.label("always this one").help(help));
        return;
    }
    let weighted = branches.iter().position(|branch| branch.weight.is_some());
    if let Some(first) = weighted
        && let Some(late) = branches[first..].iter().find(|branch| branch.when.is_some())
    {
        sink.push(
            Diagnostic::error(BRANCHES, late.span, "a `when` stands below a `weight`")
                .label("asked before the weights")
                .also(branches[first].span, "drawn when no `when` holds")
                .help("write the branches in the order that they are tried: `when` first"),
        );
    }
    let weights: Vec<u64> =
        branches.iter().filter_map(|branch| branch.weight).map(|weight| weight.value).collect();
    let known = branches.iter().all(|branch| branch.when.is_some() || branch.weight.is_some());
    if !weights.is_empty() && known && weights.iter().sum::<u64>() == 0 {
        let span = branches.iter().find_map(|branch| branch.weight).map_or(step.span, |w| w.span);
        sink.push(
            Diagnostic::error(BRANCHES, span, "every weight is 0")
                .label("never drawn")
                .help("give one of them a weight of at least 1"),
        );
    } else if known {
        let idle = branches.iter().filter_map(|branch| branch.weight);
        for weight in idle.filter(|weight| weight.value == 0) {
            let message = "this branch is never taken";
            sink.push(
                Diagnostic::warning("plan::flow::unreachable", weight.span, message)
                    .label("a weight of 0 is never drawn")
                    .help("give it a weight of at least 1, or take the branch out"),
            );
        }
    }
}
