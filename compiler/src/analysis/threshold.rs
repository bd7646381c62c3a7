//! (pure) Thresholds: what they select, and whether that can ever have data.

use crate::analysis::{load, whole};
use crate::artifact::{Counter, Load, Metric, OpenStage};
use crate::diagnostic::{Diagnostic, Diagnostics, did_you_mean};
use crate::model::{Block, Named, Plan, ScenarioPlan, StepPlan, Threshold};
use crate::source::{Span, Spanned};
use crate::unit::{Length, SECOND_NS};

const NO_DATA: &str = "plan::threshold::no-data";

pub(super) fn check(plan: &Plan, sink: &mut Diagnostics) {
    for (_, threshold) in plan.thresholds.whole() {
        let Some(selected) = selected(plan, threshold, sink) else { continue };
        if let Some(step) = &threshold.step {
            step_metric(threshold, step, sink);
            if step.value != "*" {
                for (item, scenario) in &selected {
                    one_step(plan, item, scenario, step, sink);
                }
            }
        } else {
            response(threshold, &selected, sink);
        }
        times(plan, threshold, sink);
        ramp(threshold, &selected, sink);
    }
}

type Selected<'a> = Vec<(&'a Named<ScenarioPlan>, &'a ScenarioPlan)>;

/// Returns the scenarios that a threshold selects; `None` if that is wrong or not known.
fn selected<'a>(
    plan: &'a Plan,
    threshold: &Threshold,
    sink: &mut Diagnostics,
) -> Option<Selected<'a>> {
    let Some(scenario) = &threshold.scenario else {
        if let Some(step) = &threshold.step {
            let message = "a step is one of a scenario, and this names none";
            let found = Diagnostic::error("plan::threshold::selector", step.span, message);
            sink.push(found.label("of which scenario?").help("add `scenario: …`"));
            return None;
        }
        return Some(whole(plan).collect());
    };
    if scenario.value == "*" {
        return Some(whole(plan).collect());
    }
    let Some(item) = plan.scenarios.get(&scenario.value) else {
        if plan.scenarios.complete {
            let help = match did_you_mean(&scenario.value, plan.scenarios.names()) {
                Some(close) => format!("did you mean `{close}`?"),
                None => {
                    "name one of the plan's scenarios, or `\"*\"` for each one alone".to_owned()
                }
            };
            let message = format!("the plan declares no scenario `{}`", scenario.value);
            let found = Diagnostic::error("plan::scenario::unknown", scenario.span, message);
            sink.push(found.label("unknown scenario").help(help));
        }
        return None;
    };
    item.value.as_ref().map(|value| vec![(item, value)])
}

fn step_metric(threshold: &Threshold, step: &Spanned<String>, sink: &mut Diagnostics) {
    let (message, help) = match threshold.require.metric {
        Metric::Response(_) => (
            "a step has no `response` time",
            "a step is never due: judge `service`, or leave `step` out to judge the transaction",
        ),
        Metric::Share(Counter::Started | Counter::Dropped)
        | Metric::Rate(Counter::Started | Counter::Dropped)
        | Metric::Count(Counter::Started | Counter::Dropped) => (
            "a step is neither started nor dropped; arrivals are",
            "judge `succeeded` or `failed`, or leave `step` out",
        ),
        _ => return,
    };
    sink.push(
        Diagnostic::error(NO_DATA, threshold.text.span, message)
            .label("never has data")
            .also(step.span, "selects a step")
            .help(help),
    );
}

/// Returns the step that is measured as `name`: `signed/login` is the step `login` of what `signed` calls.
fn measured<'a>(plan: &'a Plan, scenario: &'a ScenarioPlan, name: &str) -> Option<&'a StepPlan> {
    let mut known = scenario.before_each_user.all();
    known.extend(scenario.transaction.all());
    let mut found = None;
    for part in name.split('/') {
        let step = known.into_iter().find(|step| step.name == part)?;
        known = match &step.block {
            Some(Block::Call { transaction, .. }) => {
                let called = plan.transactions.value(&transaction.value);
                called.map_or_else(Vec::new, |called| called.list.all())
            }
            _ => Vec::new(),
        };
        found = Some(step);
    }
    found
}

fn one_step(
    plan: &Plan,
    item: &Named<ScenarioPlan>,
    scenario: &ScenarioPlan,
    step: &Spanned<String>,
    sink: &mut Diagnostics,
) {
    let Some(found) = measured(plan, scenario, &step.value) else {
        if scenario.transaction.is_whole() {
            let known =
                scenario.before_each_user.all().into_iter().chain(scenario.transaction.all());
            let known = known.filter(|step| step.is_named()).map(|step| step.name.as_str());
            let help = match did_you_mean(&step.value, known) {
                Some(close) => format!("did you mean `{close}`?"),
                None => "name one of its steps, or `\"*\"` for all together".to_owned(),
            };
            let message = format!("`{}` has no step `{}`", item.name, step.value);
            let found = Diagnostic::error("plan::threshold::selector", step.span, message);
            sink.push(found.label("unknown step").also(item.span, "the scenario").help(help));
        }
        return;
    };
    if found.is_wait() {
        let message = format!("`{}` is a wait and is not measured", step.value);
        sink.push(
            Diagnostic::error(NO_DATA, step.span, message)
                .label("never has data")
                .also(found.span, "the wait")
                .help("select a step that sends something"),
        );
    }
}

/// Reports `response` where every selected scenario is closed.
fn response(threshold: &Threshold, selected: &Selected<'_>, sink: &mut Diagnostics) {
    if !matches!(threshold.require.metric, Metric::Response(_)) {
        return;
    }
    let mut closed: Option<Span> = None;
    for (_, scenario) in selected {
        match &scenario.load {
            Some(load) if matches!(load.load, Load::Closed(_)) => {
                closed = closed.or(Some(load.span));
            }
            _ if threshold.scenario.as_ref().is_some_and(|scenario| scenario.value == "*") => {}
            _ => return,
        }
    }
    let Some(load) = closed else { return };
    sink.push(
        Diagnostic::error(NO_DATA, threshold.text.span, "a closed scenario has no `response` time")
            .label("never has data")
            .also(load, "a closed load: nothing is due at a time of its own")
            .help("judge `service`"),
    );
}

/// Checks window and grace against how long the selected scenarios last.
fn times(plan: &Plan, threshold: &Threshold, sink: &mut Diagnostics) {
    let span = threshold.text.span;
    if !threshold.window_ns.is_multiple_of(SECOND_NS) {
        let message = format!("the window {} is not whole seconds", Length(threshold.window_ns));
        let place = threshold.window.unwrap_or(span);
        let found = Diagnostic::error("plan::value::range", place, message);
        sink.push(found.label("out of range").help("windows are whole seconds, such as `30s`"));
        return;
    }
    let only = threshold.scenario.as_ref().map(|s| s.value.as_str()).filter(|name| *name != "*");
    // Without a scenario, grace counts from each one's start, and later ones last longer.
    let known = only.is_some() || whole(plan).all(|(_, scenario)| scenario.start_after.is_empty());
    let Some(length) = load::longest_ns(plan, only).filter(|_| known) else { return };
    let grace = threshold.grace_ns.unwrap_or(0);
    if grace.saturating_add(threshold.window_ns) < length {
        return;
    }
    let message =
        format!("nothing lasts long enough to be judged: it ends after {}", Length(length));
    sink.push(
        Diagnostic::error(NO_DATA, span, message)
            .label("`window` and `grace` leave nothing")
            .help("shorten the window or the grace"),
    );
}

/// Warns of an abort that a ramp's first moments could trigger.
fn ramp(threshold: &Threshold, selected: &Selected<'_>, sink: &mut Diagnostics) {
    let Some(abort) = threshold.abort.filter(|_| threshold.grace_ns.is_none()) else { return };
    let ramp = selected.iter().find_map(|(_, scenario)| {
        let load = scenario.load.as_ref()?;
        let Load::Open(open) = &load.load else { return None };
        let rises =
            |stage: &OpenStage| matches!(stage, OpenStage::Rate { from, to, .. } if from != to);
        open.stages.first().filter(|stage| rises(stage)).and(load.stages.first())
    });
    let Some(ramp) = ramp else { return };
    sink.push(
        Diagnostic::warning(
            "plan::threshold::grace",
            abort,
            "the first moments of a ramp can stop the run",
        )
        .label("stops the run from the first sample on")
        .also(*ramp, "the load begins with a ramp")
        .help("add `grace: 30s`, or `min_samples`"),
    );
}
