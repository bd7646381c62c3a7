//! (pure) Scenarios that observe: they start nothing and send nothing.

use crate::analysis::scenario_steps;
use crate::artifact::{Action, Load};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::model::{LoadPlan, Plan, StepPlan};

/// Reports steps of an observing scenario that send.
pub(super) fn check(plan: &Plan, sink: &mut Diagnostics) {
    for (_, scenario) in plan.scenarios.whole() {
        let Some(load) = &scenario.load else { continue };
        if let Load::Observe { .. } = load.load {
            let steps = scenario_steps(plan, scenario).into_iter();
            steps.filter(|step| sends(step)).for_each(|step| sink.push(sent(step, load)));
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

fn sent(step: &StepPlan, load: &LoadPlan) -> Diagnostic {
    let message = format!("`{}` sends, and a scenario that observes does not", step.name);
    Diagnostic::error("plan::load::observe", step.span, message)
        .label("sends something")
        .also(load.span, "observes traffic that exists")
        .help("give it a `load` in place of `observe`, or take the step out")
}
