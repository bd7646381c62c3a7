//! (pure) Scenarios that observe: they start nothing and send nothing.

use crate::analysis::scenario_steps;
use crate::artifact::{Action, AwaitAction, AwaitSource, Load};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::model::{LoadPlan, Plan, StepPlan};

/// Reports observing scenarios that see no events first, and their steps that send.
pub(super) fn check(plan: &Plan, sink: &mut Diagnostics) {
    for (_, scenario) in plan.scenarios.whole() {
        let Some(load) = &scenario.load else { continue };
        if let Load::Observe { .. } = load.load {
            let steps = scenario_steps(plan, scenario).into_iter();
            let sending: Vec<&StepPlan> = steps.filter(|step| sends(step)).collect();
            sending.iter().for_each(|step| sink.push(sent(step, load)));
            if sending.is_empty() && scenario.transaction.complete {
                sink.extend(first(scenario.transaction.steps.first(), load));
            }
        }
    }
}

/// Returns whether a step sends something of its own accord.
fn sends(step: &StepPlan) -> bool {
    // What a block runs stands in the list too.
    !matches!(
        &step.action,
        Some(
            Action::Wait(_)
                | Action::Await(_)
                | Action::ForEach(_)
                | Action::Repeat(_)
                | Action::Choose(_)
                | Action::Call(_),
        ) | None
    )
}

/// Reports a first step that does not take each event for a transaction.
fn first(step: Option<&StepPlan>, load: &LoadPlan) -> Option<Diagnostic> {
    let step = step?;
    let (message, help) = match &step.action {
        None if step.block.is_none() => return None,
        Some(Action::Await(AwaitAction {
            source: AwaitSource::Message { matching: None, .. },
            ..
        })) => {
            return None;
        }
        Some(Action::Await(_)) => (
            format!("`{}` does not take every event", step.name),
            "take its `match` out: each event of the first step is a transaction; later ones may match",
        ),
        _ => (
            format!("`{}` is no `await`, so nothing begins a transaction", step.name),
            "begin with an `await` of the events: each one is a transaction",
        ),
    };
    let found = Diagnostic::error("plan::load::observe", step.span, message);
    Some(found.label("the first step").also(load.span, "observes traffic that exists").help(help))
}

fn sent(step: &StepPlan, load: &LoadPlan) -> Diagnostic {
    let message = format!("`{}` sends, and a scenario that observes does not", step.name);
    Diagnostic::error("plan::load::observe", step.span, message)
        .label("sends something")
        .also(load.span, "observes traffic that exists")
        .help("give it a `load` in place of `observe`, or take the step out")
}
