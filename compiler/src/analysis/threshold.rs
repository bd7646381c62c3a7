//! (pure) Thresholds: what they select, and whether that can ever have data.

mod data;
mod sense;

use crate::analysis::{scenario_steps, whole};
use crate::diagnostic::{Diagnostic, Diagnostics, Near, did_you_mean, nearest};
use crate::model::{Block, Named, Plan, ScenarioPlan, StepPlan, Threshold};
use crate::source::Spanned;

const NO_DATA: &str = "plan::threshold::no-data";

pub(super) fn check(plan: &Plan, sink: &mut Diagnostics) {
    for (_, threshold) in plan.thresholds.whole() {
        let found = selected(plan, threshold, sink);
        let group = group(plan, threshold, found.as_ref(), sink);
        let Some(selected) = found else { continue };
        let Some(steps) = steps(plan, threshold, &selected, sink) else { continue };
        if group {
            data::check(threshold, &selected, &steps, sink);
        }
        sense::times(plan, threshold, sink);
        sense::ramp(threshold, &selected, sink);
        sense::always(threshold, sink);
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
            let message = format!("the plan declares no scenario `{}`", scenario.value);
            let found = Diagnostic::error("plan::scenario::unknown", scenario.span, message)
                .label("unknown scenario");
            sink.push(match nearest(&scenario.value, plan.scenarios.names()) {
                Some(near) => found.suggest(near),
                None => {
                    found.help("name one of the plan's scenarios, or `\"*\"` for each one alone")
                }
            });
        }
        return None;
    };
    item.value.as_ref().map(|value| vec![(item, value)])
}

/// Reports a group that is not there, or that runs nothing of what is selected; returns whether it is good.
fn group(
    plan: &Plan,
    threshold: &Threshold,
    selected: Option<&Selected<'_>>,
    sink: &mut Diagnostics,
) -> bool {
    let Some(group) = &threshold.group else { return true };
    let groups = &plan.nodes.groups;
    if groups.get(&group.value).is_none() {
        if groups.complete {
            let help = match did_you_mean(&group.value, groups.names()) {
                Some(close) => format!("did you mean `{close}`?"),
                None => "declare it under `nodes.groups`".to_owned(),
            };
            let message = format!("the plan declares no group `{}`", group.value);
            let found = Diagnostic::error("plan::group::unknown", group.span, message);
            sink.push(found.label("unknown group").help(help));
        }
        return false;
    }
    let Some(selected) = selected else { return false };
    let runs = |scenario: &ScenarioPlan| {
        let on = scenario.runs_on.as_ref();
        on.is_none_or(|on| on.iter().any(|name| name.value == group.value))
    };
    if selected.iter().any(|(_, scenario)| runs(scenario)) {
        return true;
    }
    let message = format!("the group `{}` runs nothing of what is judged", group.value);
    let mut found = Diagnostic::error(NO_DATA, group.span, message).label("never has data");
    let placed = selected.iter().find_map(|(_, scenario)| scenario.runs_on.as_ref()?.first());
    if let Some(placed) = placed {
        found = found.also(placed.span, "runs here");
    }
    sink.push(found.help("name a group that the scenario runs on, or leave `group` out"));
    false
}

/// The steps that a threshold reads.
struct Steps<'a> {
    /// The step that it names, by scenario; empty if it names none, or all of them.
    named: Vec<&'a StepPlan>,
    /// All that count: those named, or all steps of what is selected.
    all: Vec<&'a StepPlan>,
    /// Whether steps may be among them that an error has hidden.
    incomplete: bool,
}

/// Returns the steps that a threshold reads; `None` if one is unknown.
fn steps<'a>(
    plan: &'a Plan,
    threshold: &Threshold,
    selected: &Selected<'a>,
    sink: &mut Diagnostics,
) -> Option<Steps<'a>> {
    let mut steps = Steps { named: Vec::new(), all: Vec::new(), incomplete: false };
    let name = threshold.step.as_ref().filter(|step| step.value != "*");
    for (item, scenario) in selected {
        steps.incomplete |= !scenario.transaction.is_whole();
        match name {
            None => steps.all.extend(scenario_steps(plan, scenario)),
            Some(name) => match measured(plan, scenario, &name.value) {
                Some(step) => steps.named.push(step),
                None if steps.incomplete => return None,
                None => {
                    sink.push(unknown_step(plan, item, scenario, name));
                    return None;
                }
            },
        }
    }
    steps.all.extend(steps.named.iter().copied());
    Some(steps)
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

fn unknown_step(
    plan: &Plan,
    item: &Named<ScenarioPlan>,
    scenario: &ScenarioPlan,
    name: &Spanned<String>,
) -> Diagnostic {
    let mut all = scenario.before_each_user.all();
    all.extend(scenario.transaction.all());
    let known: Vec<&str> =
        all.iter().filter(|step| step.is_named()).map(|step| step.name.as_str()).collect();
    // Steps of what is called are measured by the call's name too.
    let inner: Vec<String> = all.iter().flat_map(|step| inside(plan, step)).collect();
    let last = name.value.rsplit('/').next().unwrap_or_default();
    let same = inner.iter().find(|path| path.rsplit('/').next() == Some(last));
    let message = format!("`{}` has no step `{}`", item.name, name.value);
    let found = Diagnostic::error("plan::threshold::selector", name.span, message)
        .label("unknown step")
        .also(item.span, "the scenario");
    if let Some(path) = same {
        return found.suggest(Near { word: path, sure: false });
    }
    match nearest(&name.value, known.into_iter().chain(inner.iter().map(String::as_str))) {
        Some(near) => found.suggest(near),
        None => found.help("name one of its steps, or `\"*\"` for all together"),
    }
}

/// Returns the steps of the transaction that `step` calls, as they are measured.
fn inside(plan: &Plan, step: &StepPlan) -> Vec<String> {
    let Some(Block::Call { transaction, .. }) = &step.block else { return Vec::new() };
    let called = plan.transactions.value(&transaction.value);
    let steps = called.into_iter().flat_map(|called| called.list.all());
    steps
        .filter(|inner| inner.is_named())
        .map(|inner| format!("{}/{}", step.name, inner.name))
        .collect()
}
