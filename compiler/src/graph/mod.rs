//! (pure) Steps and scenarios as DAGs: who needs whom, who comes before whom, and every cycle.

mod cycle;

use std::collections::BTreeMap;

use crate::artifact::{Action, Json, WaitAction};
use crate::diagnostic::{Diagnostic, Diagnostics, nearest};
use crate::graph::cycle::Edge;
use crate::model::{Block, Named, Plan, ScenarioPlan, StepList, StepPlan};
use crate::source::Span;

/// The steps of one list as a DAG.
#[derive(Clone, Debug)]
pub struct Dag {
    /// For each step the steps that it needs, without those that follow from others, in plan order.
    pub needs: Vec<Vec<usize>>,
    /// Steps, each after all that it needs.
    pub order: Vec<usize>,
    before: Vec<Vec<bool>>,
}

/// A list of steps as a DAG, with the lists inside of its blocks.
#[derive(Clone, Debug)]
pub struct Flow {
    /// Its own steps; `None` if they need each other in a circle.
    pub dag: Option<Dag>,
    /// For each step the lists inside of it.
    pub inner: Vec<Vec<Flow>>,
}

impl Dag {
    /// Returns whether `first` has always ended when `second` starts.
    pub fn is_before(&self, first: usize, second: usize) -> bool {
        self.before[second][first]
    }
}

/// The least time in nanoseconds that the waits of each transaction take, by name.
pub type Waits<'a> = BTreeMap<&'a str, u64>;

/// Returns the least time that the waits of each transaction take; `flows` are theirs, in plan order.
pub fn waits<'a>(plan: &'a Plan, flows: &[Option<Flow>]) -> Waits<'a> {
    let mut waits = Waits::new();
    let places: BTreeMap<&str, usize> = plan
        .transactions
        .items
        .iter()
        .enumerate()
        .map(|(at, item)| (item.name.as_str(), at))
        .collect();
    for item in &plan.transactions.items {
        let mut open = vec![item.name.as_str()];
        // Those that it calls are known first; one that calls itself takes no time.
        while let Some(name) = open.last().copied() {
            let place = places.get(name).copied();
            let known = place.and_then(|at| {
                Some((plan.transactions.items[at].value.as_ref()?, flows.get(at)?.as_ref()?))
            });
            let Some((called, flow)) = known.filter(|_| !waits.contains_key(name)) else {
                waits.entry(name).or_insert(0);
                open.pop();
                continue;
            };
            let inner = called.list.all().into_iter().filter_map(|step| match &step.block {
                Some(Block::Call { transaction, .. }) => Some(transaction.value.as_str()),
                _ => None,
            });
            let first = inner
                .filter(|inner| !waits.contains_key(inner))
                .find(|inner| !open.contains(inner));
            match first {
                Some(inner) => open.push(inner),
                None => {
                    let shortest = flow.shortest_wait_ns(&called.list, &waits);
                    waits.insert(name, shortest);
                    open.pop();
                }
            }
        }
    }
    waits
}

impl Flow {
    /// Returns the least time in nanoseconds that waits alone make `list` last; 0 where a cycle hides it.
    pub fn shortest_wait_ns(&self, list: &StepList, waits: &Waits<'_>) -> u64 {
        let Some(dag) = &self.dag else { return 0 };
        let mut end = vec![0u64; list.steps.len()];
        for &at in &dag.order {
            let start = dag.needs[at].iter().map(|need| end[*need]).max().unwrap_or(0);
            end[at] = start.saturating_add(shortest_ns(&list.steps[at], &self.inner[at], waits));
        }
        end.into_iter().max().unwrap_or(0)
    }
}

/// Returns the least time that the waits of one step take.
fn shortest_ns(step: &StepPlan, inner: &[Flow], waits: &Waits<'_>) -> u64 {
    if step.when.is_some() {
        return 0;
    }
    match (&step.action, &step.block) {
        (Some(Action::Wait(WaitAction::Constant { length_ns })), _) => *length_ns,
        (Some(Action::Wait(WaitAction::Uniform { min_ns, .. })), _) => *min_ns,
        (_, Some(Block::Call { transaction, .. })) => {
            waits.get(transaction.value.as_str()).copied().unwrap_or(0)
        }
        (_, Some(block)) => {
            let times = block.lists().into_iter().zip(inner);
            let shortest =
                times.map(|(list, flow)| flow.shortest_wait_ns(list, waits)).min().unwrap_or(0);
            let turns = match block {
                Block::ForEach { list: Some(Json::List(items)), .. } => items.len() as u64,
                Block::Repeat { at_most: Some(turns), until: None, .. } => *turns,
                Block::Repeat { .. } => 1,
                Block::Choose { branches, .. } => {
                    u64::from(branches.iter().any(|branch| branch.when.is_none()))
                }
                Block::ForEach { .. } | Block::Call { .. } => 0,
            };
            shortest.saturating_mul(turns)
        }
        _ => 0,
    }
}

/// Builds the DAG of a list of steps and of those inside of it; unknown needs and cycles are reported.
pub fn steps(root: &StepList, sink: &mut Diagnostics) -> Flow {
    let elsewhere: BTreeMap<&str, Span> =
        root.all().into_iter().map(|step| (step.name.as_str(), step.span)).collect();
    list(root, &elsewhere, sink)
}

fn list(list: &StepList, elsewhere: &BTreeMap<&str, Span>, sink: &mut Diagnostics) -> Flow {
    let dag = dag(list, elsewhere, sink);
    let inner = list.steps.iter().map(|step| {
        step.inner().into_iter().map(|inner| self::list(inner, elsewhere, sink)).collect()
    });
    Flow { inner: inner.collect(), dag }
}

fn dag(list: &StepList, elsewhere: &BTreeMap<&str, Span>, sink: &mut Diagnostics) -> Option<Dag> {
    let steps = &list.steps;
    let places: BTreeMap<&str, usize> = steps
        .iter()
        .enumerate()
        .filter(|(_, step)| step.is_named())
        .rev()
        .map(|(at, step)| (step.name.as_str(), at))
        .collect();
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
            match places.get(need.value.as_str()) {
                Some(to) => {
                    let message = format!("`{}` needs `{}`", step.name, need.value);
                    edges.push(Edge { from: at, to: *to, span: need.span, message });
                    own.push(*to);
                }
                None if list.complete => {
                    sink.push(unknown_need(&need.value, need.span, list, elsewhere));
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

/// Reports transactions that call themselves, directly or over others; returns whether there is none.
pub fn transactions(plan: &Plan, sink: &mut Diagnostics) -> bool {
    let items = &plan.transactions.items;
    let places: BTreeMap<&str, usize> =
        items.iter().enumerate().map(|(at, item)| (item.name.as_str(), at)).collect();
    let mut edges = Vec::new();
    for (from, item) in items.iter().enumerate() {
        for step in item.value.iter().flat_map(|called| called.list.all()) {
            let Some(Block::Call { transaction, .. }) = &step.block else { continue };
            if let Some(to) = places.get(transaction.value.as_str()) {
                let message = format!("`{}` calls `{}`", item.name, transaction.value);
                edges.push(Edge { from, to: *to, span: transaction.span, message });
            }
        }
    }
    let cycles = cycle::find(items.len(), &edges);
    let ends = cycles.is_empty();
    for cycle in cycles {
        sink.push(cycle_found(
            "plan::transaction::cycle",
            ("the transactions call each other", "the transaction calls itself"),
            &cycle,
            |at| items[at].name.as_str(),
        ));
    }
    ends
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

fn unknown_need(
    name: &str,
    span: Span,
    list: &StepList,
    elsewhere: &BTreeMap<&str, Span>,
) -> Diagnostic {
    let steps = &list.steps;
    if let Some(place) = elsewhere.get(name) {
        let holds = |step: &&StepPlan| {
            step.inner().into_iter().flat_map(StepList::all).any(|inner| inner.name == name)
        };
        let help = match steps.iter().find(holds) {
            Some(block) if block.is_named() => {
                format!("need the block that it is in: `{}`", block.name)
            }
            Some(_) => "give the block that it is in a `step:` name, and need that".to_owned(),
            None => {
                "`needs` names steps of its own list; write it on the block that this step is in"
                    .to_owned()
            }
        };
        let message = format!("`{name}` is in another list of steps");
        return Diagnostic::error("plan::needs::unknown", span, message)
            .label("not in this list")
            .also(*place, "it is here")
            .help(help);
    }
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
