//! (pure) What each step reads: captures that must come before it on every path, and users that must exist.

use crate::artifact::{Load, SlotSource};
use crate::diagnostic::{Diagnostic, Diagnostics, Near, nearest};
use crate::graph::Dag;
use crate::model::{Named, Plan, ScenarioPlan, StepPlan, Use};
use crate::source::Spanned;
use crate::template::ROOTS;

pub(super) fn check(
    plan: &Plan,
    item: &Named<ScenarioPlan>,
    scenario: &ScenarioPlan,
    dag: Option<&Dag>,
    sink: &mut Diagnostics,
) {
    let steps = &scenario.transaction.steps;
    for (at, step) in steps.iter().enumerate() {
        for read in &step.uses {
            if let SlotSource::Capture { step: from, name } = &read.from {
                capture(scenario, at, (from, name), read, dag, sink);
            }
        }
    }
    let open = scenario.load.as_ref().filter(|load| matches!(load.load, Load::Open(_)));
    let Some(load) = open else { return };
    for read in super::scenario_uses(plan, scenario) {
        if read.from == SlotSource::UserNumber {
            let message = format!("`{}` is open and has no users to number", item.name);
            sink.push(
                Diagnostic::error("plan::variable::user", read.span, message)
                    .label("closed scenarios only")
                    .also(load.span, "an open load")
                    .help("every arrival of an open load is a new user: read `arrival.number`"),
            );
        }
    }
}

/// Checks that `step.name` is captured, and before the step at `at` on every path.
fn capture(
    scenario: &ScenarioPlan,
    at: usize,
    (from, name): (&str, &str),
    read: &Use,
    dag: Option<&Dag>,
    sink: &mut Diagnostics,
) {
    let steps: &[StepPlan] = &scenario.transaction.steps;
    let Some(source) = steps.iter().position(|step| step.name == from) else {
        if scenario.transaction.complete {
            sink.push(unknown_step(steps, from, name, read));
        }
        return;
    };
    if !steps[source].complete && !steps[source].captures.iter().any(|known| known.name == name) {
        return;
    }
    let Some(captured) = steps[source].captures.iter().find(|capture| capture.name == name) else {
        let known = steps[source].captures.iter().map(|capture| capture.name.as_str());
        let near = nearest(name, known);
        let help =
            || format!("capture it in `{from}`: `capture: {{ {name}: {{ json: \"$.{name}\" }} }}`");
        let message = format!("the step `{from}` captures no `{name}`");
        let found = Diagnostic::error("plan::capture::unknown", read.span, message)
            .label("never captured")
            .also(steps[source].span, "the step");
        sink.push(match near {
            Some(near) => {
                let word = format!("{from}.{}", near.word);
                found.suggest(Near { word: &word, sure: near.sure })
            }
            None => found.help(help()),
        });
        return;
    };
    if read.as_text && captured.capture.as_ref().is_some_and(|capture| capture.all) {
        let message = format!("`{from}.{name}` is a list, which has no text");
        sink.push(
            Diagnostic::error("plan::value::kind", read.span, message)
                .label("a text is sent here")
                .also(captured.span, "`all: true` captures a list")
                .help(format!(
                    "write it as JSON, `{{{{ {from}.{name} | json }}}}`, or leave `all` out"
                )),
        );
    }
    let Some(dag) = dag.filter(|dag| !dag.is_before(source, at)) else { return };
    // What a step needs is not known where a need of it, or of a step before it, is broken.
    let broken = |step: usize| {
        let needs = steps[step].needs.iter().flatten();
        let unknown = |need: &Spanned<String>| !steps.iter().any(|known| known.name == need.value);
        !steps[step].complete || needs.into_iter().any(unknown)
    };
    if (0..steps.len()).any(|step| (step == at || dag.is_before(step, at)) && broken(step)) {
        return;
    }
    let help = if source == at {
        "a step cannot read what it captures itself; read it in a later step".to_owned()
    } else if source < at {
        format!("add `{from}` to the `needs` of `{}`", steps[at].name)
    } else {
        "capture it in an earlier step, or declare it under `data` or `vars`".to_owned()
    };
    let message = format!("`{from}.{name}` is read before `{from}` is sure to have captured it");
    sink.push(
        Diagnostic::error("plan::variable::unbound", read.span, message)
            .label("read here")
            .also(captured.span, "captured here")
            .help(help),
    );
}

fn unknown_step(steps: &[StepPlan], from: &str, name: &str, read: &Use) -> Diagnostic {
    let message = format!("there is no step `{from}` to read `{name}` of");
    let known = steps.iter().map(|step| step.name.as_str()).filter(|name| !name.starts_with('#'));
    let found =
        Diagnostic::error("plan::capture::unknown", read.span, message).label("unknown step");
    match nearest(from, known.chain(ROOTS)) {
        Some(near) => {
            let word = format!("{}.{name}", near.word);
            found.suggest(Near { word: &word, sure: near.sure })
        }
        None => found.help("a capture is read as `<step>.<capture>`, in a step that comes after"),
    }
}
