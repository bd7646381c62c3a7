//! (pure) Steps and scenarios as DAGs: who needs whom, who comes before whom, and every cycle.

mod cycle;

use crate::artifact::{Action, WaitAction};
use crate::diagnostic::{Diagnostic, Diagnostics, nearest};
use crate::graph::cycle::Edge;
use crate::model::{Named, Plan, ScenarioPlan, StepPlan};

/// The steps of one transaction as a DAG.
#[derive(Clone, Debug)]
pub struct Dag {
    /// For each step the steps that it needs, without those that follow from others, in plan order.
    pub needs: Vec<Vec<usize>>,
    /// Steps, each after all that it needs.
    pub order: Vec<usize>,
    before: Vec<Vec<bool>>,
}

impl Dag {
    /// Returns whether `first` has always ended when `second` starts.
    pub fn is_before(&self, first: usize, second: usize) -> bool {
        self.before[second][first]
    }

    /// Returns the least time in nanoseconds that waits alone make the transaction last.
    pub fn shortest_wait_ns(&self, steps: &[StepPlan]) -> u64 {
        let mut end = vec![0u64; steps.len()];
        for &at in &self.order {
            let start = self.needs[at].iter().map(|need| end[*need]).max().unwrap_or(0);
            let own = match steps[at].action {
                Some(Action::Wait(WaitAction::Constant { length_ns })) => length_ns,
                Some(Action::Wait(WaitAction::Uniform { min_ns, .. })) => min_ns,
                _ => 0,
            };
            end[at] = start.saturating_add(own);
        }
        end.into_iter().max().unwrap_or(0)
    }
}

/// Builds the DAG of a scenario's steps; unknown needs and cycles are reported, and a cycle gives `None`.
pub fn steps(scenario: &ScenarioPlan, sink: &mut Diagnostics) -> Option<Dag> {
    let steps = &scenario.transaction.steps;
    let mut needs: Vec<Vec<usize>> = Vec::with_capacity(steps.len());
    let mut edges = Vec::new();
    for (at, step) in steps.iter().enumerate() {
        let Some(written) = &step.needs else {
            let message = format!("`{}` says no `needs`, so it needs everything above", step.name);
            edges.extend((0..at).map(|to| Edge {
                from: at,
                to,
                span: step.span,
                message: message.clone(),
            }));
            needs.push((0..at).collect());
            continue;
        };
        let mut own = Vec::new();
        for need in written {
            let known = |step: &StepPlan| step.name == need.value && !step.name.starts_with('#');
            match steps.iter().position(known) {
                Some(to) => {
                    let message = format!("`{}` needs `{}`", step.name, need.value);
                    edges.push(Edge { from: at, to, span: need.span, message });
                    own.push(to);
                }
                None if scenario.transaction.complete => {
                    sink.push(unknown_need(&need.value, need.span, steps));
                }
                None => {}
            }
        }
        own.sort_unstable();
        own.dedup();
        needs.push(own);
    }
    let cycles = cycle::find(steps.len(), &edges);
    let Some(order) = cycle::order(steps.len(), &needs).filter(|_| cycles.is_empty()) else {
        for cycle in cycles {
            sink.push(cycle_found(
                "plan::needs::cycle",
                ("the steps need each other", "the step needs itself"),
                &cycle,
                |at| steps[at].name.as_str(),
            ));
        }
        return None;
    };
    let (before, needs) = ancestors(&needs, &order);
    let dag = Dag { needs, order, before };
    warn_of_jumps(steps, &dag, sink);
    Some(dag)
}

/// Returns the scenarios of a plan, each after all that it starts after; cycles are reported and give `None`.
///
/// Unknown scenarios are for the analysis to report.
pub fn scenarios(plan: &Plan, sink: &mut Diagnostics) -> Option<Vec<usize>> {
    let items: &[Named<ScenarioPlan>] = &plan.scenarios.items;
    let mut edges = Vec::new();
    let mut after = vec![Vec::new(); items.len()];
    for (from, item) in items.iter().enumerate() {
        for entry in item.value.iter().flat_map(|scenario| &scenario.start_after) {
            let name = &entry.scenario.value;
            if let Some(to) = items.iter().position(|other| other.name == *name) {
                let message = format!("`{}` starts after `{name}`", item.name);
                edges.push(Edge { from, to, span: entry.scenario.span, message });
                after[from].push(to);
            }
        }
    }
    let cycles = cycle::find(items.len(), &edges);
    let whole = cycles.is_empty();
    for cycle in cycles {
        sink.push(cycle_found(
            "plan::scenario::cycle",
            ("the scenarios wait for each other", "the scenario waits for itself"),
            &cycle,
            |at| items[at].name.as_str(),
        ));
    }
    if whole { cycle::order(items.len(), &after) } else { None }
}

fn unknown_need(name: &str, span: crate::source::Span, steps: &[StepPlan]) -> Diagnostic {
    let named = steps.iter().map(|step| step.name.as_str()).filter(|name| !name.starts_with('#'));
    let found =
        Diagnostic::error("plan::needs::unknown", span, format!("there is no step `{name}` here"))
            .label("unknown step");
    match nearest(name, named) {
        Some(near) => found.suggest(near),
        None => found
            .help("`needs` names steps of the same list; give a `wait` a `step:` name to need it"),
    }
}

fn cycle_found<'a>(
    code: &'static str,
    (what, alone): (&str, &str),
    cycle: &[Edge],
    name: impl Fn(usize) -> &'a str,
) -> Diagnostic {
    let mut path: Vec<String> = cycle.iter().map(|edge| format!("`{}`", name(edge.from))).collect();
    path.extend(path.first().cloned());
    let what = if cycle.len() == 1 { alone } else { what };
    let mut places: Vec<&Edge> = cycle.iter().collect();
    places.sort_by_key(|edge| edge.span);
    let mut found = match places.first() {
        Some(first) => Diagnostic::error(code, first.span, format!("{what}: {}", path.join(" → ")))
            .label(first.message.clone()),
        // A cycle has an edge; kept total for the type.
        None => Diagnostic::error(
            code,
            crate::source::Span { file: crate::source::FileId(0), lo: 0, hi: 0 },
            what,
        ),
    };
    for edge in places.into_iter().skip(1) {
        found = found.also(edge.span, edge.message.clone());
    }
    found.help("take one of these away")
}

/// Returns for each step which steps come before it, and which of its needs do not follow from others.
///
/// Needs are taken latest first, so that what follows from one is known before it is looked at: a chain costs one
/// row for each step, not one for each need.
fn ancestors(needs: &[Vec<usize>], order: &[usize]) -> (Vec<Vec<bool>>, Vec<Vec<usize>>) {
    let mut rank = vec![0; needs.len()];
    for (place, at) in order.iter().enumerate() {
        rank[*at] = place;
    }
    let mut before = vec![Vec::new(); needs.len()];
    let mut reduced = vec![Vec::new(); needs.len()];
    for &at in order {
        let mut own = vec![false; needs.len()];
        let mut latest_first = needs[at].clone();
        latest_first.sort_unstable_by_key(|need| std::cmp::Reverse(rank[*need]));
        for need in latest_first {
            if own[need] {
                continue;
            }
            own[need] = true;
            reduced[at].push(need);
            for (mine, theirs) in own.iter_mut().zip(&before[need]) {
                *mine |= *theirs;
            }
        }
        reduced[at].sort_unstable();
        before[at] = own;
    }
    (before, reduced)
}

fn warn_of_jumps(steps: &[StepPlan], dag: &Dag, sink: &mut Diagnostics) {
    for (at, step) in steps.iter().enumerate() {
        let Some(first) = step.needs.as_ref().and_then(|needs| needs.first()) else { continue };
        let last = dag.needs[at].iter().max().copied();
        let jumped = last.and_then(|last| {
            (last + 1..at).find(|between| steps[*between].is_wait() && !dag.is_before(*between, at))
        });
        let Some(jumped) = jumped else { continue };
        let message = format!("`{}` does not wait for the `wait` above it", step.name);
        sink.push(
            Diagnostic::warning("plan::needs::jumps-wait", first.span, message)
                .label("needs a step above the wait")
                .also(steps[jumped].span, "this wait is jumped over")
                .help(
                    "give the wait a `step:` name and need it, or say `needs: []` to start at once",
                ),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn needs_are_reduced_and_ancestors_found() {
        // 0 ← 1 ← 2, and 3 needs all of them.
        let needs = vec![vec![], vec![0], vec![0, 1], vec![0, 1, 2]];
        let order = cycle::order(4, &needs).unwrap();
        assert_eq!(order, [0, 1, 2, 3]);
        let (before, reduced) = ancestors(&needs, &order);
        assert_eq!(before[3], [true, true, true, false]);
        assert_eq!(reduced, [vec![], vec![0], vec![1], vec![2]]);
    }
}
