//! (pure) Names that point elsewhere: groups, scenarios, endpoints, and what templates read of top-level sections.

use crate::analysis::{lists, whole};
use crate::artifact::SlotSource;
use crate::diagnostic::{Diagnostic, Diagnostics, nearest};
use crate::model::{Plan, Section, StepList, Use};
use crate::source::Span;

pub(super) fn check(plan: &Plan, sink: &mut Diagnostics) {
    for (_, scenario) in whole(plan) {
        for group in scenario.runs_on.iter().flatten() {
            let help = "declare it under `nodes.groups`";
            known(
                &plan.nodes.groups,
                &group.value,
                group.span,
                ("plan::group::unknown", "group", help),
                sink,
            );
        }
        for after in &scenario.start_after {
            let name = &after.scenario;
            let help = "name one of the plan's scenarios";
            known(
                &plan.scenarios,
                &name.value,
                name.span,
                ("plan::scenario::unknown", "scenario", help),
                sink,
            );
        }
    }
    for step in lists(plan).flat_map(StepList::all) {
        if let Some((name, span)) = &step.endpoint {
            let what = ("plan::endpoint::unknown", "endpoint", "declare it under `endpoints`");
            known(&plan.endpoints, name, *span, what, sink);
        }
    }
    for read in uses(plan) {
        match &read.from {
            SlotSource::Var(name) => {
                let help = "declare it under `vars`";
                known(&plan.vars, name, read.span, ("plan::variable::unknown", "var", help), sink);
            }
            SlotSource::Secret(name) => {
                let help = "declare it under `secrets`";
                known(
                    &plan.secrets,
                    name,
                    read.span,
                    ("plan::secret::unknown", "secret", help),
                    sink,
                );
            }
            SlotSource::Data { data, .. } => {
                let help = "declare it under `data`";
                known(&plan.data, data, read.span, ("plan::data::unknown", "data", help), sink);
            }
            _ => {}
        }
    }
    group_overlays(plan, sink);
}

/// Returns every name that any template of the plan reads.
pub(super) fn uses(plan: &Plan) -> impl Iterator<Item = &Use> {
    let endpoints = plan.endpoints.whole().flat_map(|(_, endpoint)| &endpoint.uses);
    let steps = lists(plan).flat_map(StepList::uses);
    let lets = whole(plan).flat_map(|(_, scenario)| &scenario.lets);
    let returns = plan.transactions.whole().flat_map(|(_, called)| &called.returns);
    let values = lets.chain(returns).flat_map(|value| &value.uses);
    let sinks = plan.sinks.whole().flat_map(|(_, sink)| &sink.uses);
    plan.fixed_uses.iter().chain(endpoints).chain(sinks).chain(steps).chain(values)
}

fn known<T>(
    section: &Section<T>,
    name: &str,
    span: Span,
    (code, what, otherwise): (&'static str, &str, &str),
    sink: &mut Diagnostics,
) {
    if section.get(name).is_some() || !section.complete {
        return;
    }
    let found = Diagnostic::error(code, span, format!("the plan declares no {what} `{name}`"))
        .label(format!("unknown {what}"));
    sink.push(match nearest(name, section.names()) {
        Some(near) => found.suggest_part(name, near),
        None => found.help(otherwise),
    });
}

/// A var that shapes the plan is the same for every group, so no group can change it.
fn group_overlays(plan: &Plan, sink: &mut Diagnostics) {
    for (group, var, span) in &plan.nodes.overlays {
        if !plan.fixed.contains(var) {
            continue;
        }
        let message = format!("the group `{group}` cannot change `{var}`");
        let mut found = Diagnostic::error("plan::variable::fixed", *span, message)
            .label("changed for one group only");
        let source = SlotSource::Var(var.clone());
        let fixing = uses(plan).find(|read| read.from == source && fixes(read));
        if let Some(read) = fixing {
            found = found.also(read.span, "decided here when compiling, for all groups");
        }
        sink.push(found.help("use a var of its own for what differs by group"));
    }
}

fn fixes(read: &Use) -> bool {
    read.inside || read.site == crate::model::Site::Fixed
}
