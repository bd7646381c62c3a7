//! (pure) Whether what a threshold reads can ever have data.

use super::{NO_DATA, Selected, Steps};
use crate::artifact::{Action, Counter, Load, Metric};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::model::{Block, StepPlan, Threshold};
use crate::source::Span;

/// Reports a threshold that can never have data.
pub(super) fn check(
    threshold: &Threshold,
    selected: &Selected<'_>,
    steps: &Steps<'_>,
    sink: &mut Diagnostics,
) {
    let found = unmeasured(threshold, steps)
        .or_else(|| of_step(threshold))
        .or_else(|| response(threshold, selected))
        .or_else(|| recorded(threshold, steps))
        .or_else(|| split(threshold, steps));
    found.into_iter().for_each(|found| sink.push(found));
}

fn never(span: Span, message: impl Into<String>) -> Diagnostic {
    Diagnostic::error(NO_DATA, span, message).label("never has data")
}

/// Reports a named step that is not measured: a wait, or a block of steps.
fn unmeasured(threshold: &Threshold, steps: &Steps<'_>) -> Option<Diagnostic> {
    let name = threshold.step.as_ref()?;
    let block = |step: &&&StepPlan| {
        step.is_wait() || step.block.as_ref().is_some_and(|b| !matches!(b, Block::Call { .. }))
    };
    let step = steps.named.iter().find(block)?;
    let (what, label) =
        if step.is_wait() { ("a wait", "the wait") } else { ("a block", "the block") };
    let message = format!("`{}` is {what} and is not measured", name.value);
    let found = never(name.span, message).also(step.span, label);
    Some(found.help("select a step that sends something"))
}

/// Reports what only transactions have.
fn of_step(threshold: &Threshold) -> Option<Diagnostic> {
    let step = threshold.step.as_ref()?;
    let (message, help) = match threshold.require.metric {
        Metric::Response(_) => (
            "a step has no `response` time",
            "a step is never due: judge `service`, or leave `step` out to judge the transaction",
        ),
        Metric::Share(counter) | Metric::Rate(counter) | Metric::Count(counter) => match counter {
            Counter::Started | Counter::Dropped | Counter::Unaccounted => (
                "a step is neither started nor dropped; arrivals are",
                "judge `succeeded` or `failed`, or leave `step` out",
            ),
            Counter::Unfinished => (
                "a step is not left unfinished; transactions are",
                "judge `succeeded` or `failed`, or leave `step` out",
            ),
            _ => return None,
        },
        _ => return None,
    };
    Some(never(threshold.text.span, message).also(step.span, "selects a step").help(help))
}

/// Reports `response` where every selected scenario has none.
fn response(threshold: &Threshold, selected: &Selected<'_>) -> Option<Diagnostic> {
    if !matches!(threshold.require.metric, Metric::Response(_)) {
        return None;
    }
    let each = threshold.scenario.as_ref().is_some_and(|scenario| scenario.value == "*");
    let mut without: Option<(Span, &str)> = None;
    for (_, scenario) in selected {
        let reason = scenario.load.as_ref().and_then(|load| match load.load {
            Load::Open(_) => None,
            Load::Closed(_) => {
                Some((load.span, "a closed load: nothing is due at a time of its own"))
            }
            Load::Observe { .. } => Some((load.span, "observes: nothing is due")),
        });
        match reason {
            Some(_) => without = without.or(reason),
            None if each => {}
            None => return None,
        }
    }
    let (load, label) = without?;
    let message = if label.starts_with("observes") {
        "a scenario that observes has no `response` time"
    } else {
        "a closed scenario has no `response` time"
    };
    Some(never(threshold.text.span, message).also(load, label).help("judge `service`"))
}

/// Reports what none of the steps records.
fn recorded(threshold: &Threshold, steps: &Steps<'_>) -> Option<Diagnostic> {
    let any = |has: &dyn Fn(&StepPlan) -> bool| steps.all.iter().any(|step| has(step));
    let (there, message, help): (bool, String, &str) = match &threshold.require.metric {
        Metric::Response(_) | Metric::Service(_) => return None,
        Metric::Phase { .. } => (
            any(&is_http),
            "no step here sends an HTTP request, whose time has parts".to_owned(),
            "judge `service`, or select a step with `http`",
        ),
        Metric::Vital { .. } => (
            any(&is_browser),
            "no step here drives a browser, which measures pages".to_owned(),
            "select a step with `browser`",
        ),
        Metric::Trend { metric, .. }
        | Metric::Value { metric }
        | Metric::OwnCount { metric }
        | Metric::OwnRate { metric } => (
            any(&|step| step.control.metrics.iter().any(|own| own.name == *metric)),
            format!("no step here records `{metric}`"),
            "select the step whose `metrics` has it, or leave `step` out",
        ),
        Metric::Share(counter) | Metric::Rate(counter) | Metric::Count(counter) => match counter {
            Counter::Skipped => (
                any(&may_be_skipped),
                "no step here is ever skipped".to_owned(),
                "a step is skipped by its `when`, or inside a `choose`",
            ),
            Counter::Matched
            | Counter::TimedOut
            | Counter::Duplicate
            | Counter::Unmatched
            | Counter::Late => (
                any(&is_await),
                "no step here awaits an event".to_owned(),
                "select a step with `await`",
            ),
            _ => return None,
        },
    };
    if there || steps.incomplete {
        return None;
    }
    let found = never(threshold.text.span, message);
    let found = match &threshold.step {
        Some(step) => found.also(step.span, "selects a step"),
        None => found,
    };
    Some(found.help(help))
}

/// Reports a `split` where nothing is split.
fn split(threshold: &Threshold, steps: &Steps<'_>) -> Option<Diagnostic> {
    let split = threshold.split.as_ref()?;
    let whole = matches!(threshold.require.metric, Metric::Response(_) | Metric::Service(_));
    if threshold.step.is_none() && whole {
        let found = never(split.span, "a transaction is not measured apart by a value; a step is");
        return Some(found.help("name the step whose `split_by` it is: `step: …`"));
    }
    let apart = steps.all.iter().any(|step| step.control.split_by.is_some());
    if apart || steps.incomplete {
        return None;
    }
    let found = never(split.span, "no step here is measured apart by a value");
    let found = match steps.named.first() {
        Some(step) => found.also(step.span, "has no `split_by`"),
        None => found,
    };
    Some(found.help("give the step a `split_by`, or leave `split` out"))
}

fn may_be_skipped(step: &StepPlan) -> bool {
    step.when.is_some() || matches!(step.block, Some(Block::Choose { .. }))
}

fn is_http(step: &StepPlan) -> bool {
    matches!(step.action, Some(Action::Http(_)))
}

/// Returns whether a step drives a browser.
fn is_browser(step: &StepPlan) -> bool {
    matches!(step.action, Some(Action::Browser(_)))
}

/// Returns whether a step awaits events.
fn is_await(step: &StepPlan) -> bool {
    matches!(step.action, Some(Action::Await(_)))
}
