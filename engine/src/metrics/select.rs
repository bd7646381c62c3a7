//! (pure) What part of a run a threshold reads.

use compiler::artifact::{Aggregate, Artifact, Load, Metric, Scenario, Selector, Threshold};
use compiler::unit::SECOND_NS;

use super::{Series, SeriesKind};

/// Returns the series that a latency threshold reads, as indices.
///
/// Transactions of closed scenarios, and steps, have only service times.
pub(super) fn latencies(artifact: &Artifact, series: &[Series], threshold: &Threshold) -> Vec<u32> {
    let select = &threshold.select;
    let wants_response = matches!(threshold.metric, Metric::Response(_));
    let scenarios: Vec<_> = artifact.scenarios.iter().collect();
    let matches = |it: &Series| {
        let Some((name, scenario)) = scenarios.get(it.scenario) else { return false };
        let step = it.step.and_then(|step| scenario.steps.get(step)).map(|step| &step.name);
        let kind = match (&threshold.metric, &scenario.load) {
            (Metric::Phase { phase, .. }, _) => SeriesKind::Phase(*phase),
            (_, Load::Open(_)) if wants_response && it.step.is_none() => SeriesKind::Response,
            (_, Load::Open(_) | Load::Closed(_) | Load::Observe { .. }) => SeriesKind::Service,
        };
        let step_fits = match select.step.as_deref() {
            // Phases are those of requests, whichever step sends them.
            None => step.is_none() || matches!(kind, SeriesKind::Phase(_)),
            Some("*") => step.is_some(),
            Some(wanted) => step.is_some_and(|step| step == wanted),
        };
        it.kind == kind && step_fits && select.scenario.as_ref().is_none_or(|it| it == *name)
    };
    series.iter().enumerate().filter(|(_, it)| matches(it)).map(|(at, _)| index(at)).collect()
}

/// Returns the steps whose runs a threshold counts, as (scenario, step); all, if it selects none.
pub(super) fn steps(artifact: &Artifact, select: &Selector) -> Vec<(u32, u32)> {
    let mut steps = Vec::new();
    for (at, (name, scenario)) in artifact.scenarios.iter().enumerate() {
        if select.scenario.as_ref().is_none_or(|it| it == name) {
            let picked = scenario.steps.iter().enumerate();
            let picked = picked.filter(|(_, step)| counts(select, &step.name));
            steps.extend(picked.map(|(step, _)| (index(at), index(step))));
        }
    }
    steps
}

/// Returns the scenarios that a threshold selects, by their places in the artifact.
pub(super) fn scenarios(artifact: &Artifact, select: &Selector) -> Vec<usize> {
    let names = artifact.scenarios.keys().enumerate();
    let picked = names.filter(|(_, name)| select.scenario.as_ref().is_none_or(|it| it == *name));
    picked.map(|(at, _)| at).collect()
}

/// Returns the second of the run from which the windows and the grace of selected scenarios are counted: the start of the
/// first one. `starts_ns` says when each scenario of the artifact starts.
pub(super) fn origin_second(scenarios: &[usize], starts_ns: &[u64]) -> u64 {
    let starts = scenarios.iter().filter_map(|at| starts_ns.get(*at));
    starts.map(|start_ns| start_ns.div_ceil(SECOND_NS)).min().unwrap_or(0)
}

/// Returns the latest start of a scenario, in nanoseconds since the run's.
pub(super) fn latest_ns(scenario: &Scenario) -> u64 {
    scenario.late_start.as_ref().map_or(scenario.start_ns, |late| late.latest_ns)
}

/// Returns whether a selection with a step takes this one.
pub(super) fn picks(select: &Selector, step: &str) -> bool {
    select.step.as_deref().is_some_and(|wanted| wanted == "*" || wanted == step)
}

/// Returns what a threshold takes of a distribution; `None` if it judges no latency.
pub(super) fn aggregate(metric: &Metric) -> Option<Aggregate> {
    match metric {
        Metric::Response(wanted)
        | Metric::Service(wanted)
        | Metric::Phase { aggregate: wanted, .. } => Some(*wanted),
        _ => None,
    }
}

/// Returns whether a selection counts the runs of this step: one that it takes, or any if it says nothing of steps.
pub(super) fn counts(select: &Selector, step: &str) -> bool {
    select.step.is_none() || picks(select, step)
}

fn index(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}
