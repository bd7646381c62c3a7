//! (pure) What part of a run a threshold reads.

use compiler::artifact::{Aggregate, Artifact, Load, Metric, Selector, Threshold};
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

/// Returns the steps whose runs a threshold counts, as (scenario, step).
pub(super) fn steps(artifact: &Artifact, select: &Selector) -> Vec<(u32, u32)> {
    let mut steps = Vec::new();
    for (at, (name, scenario)) in artifact.scenarios.iter().enumerate() {
        if select.scenario.as_ref().is_none_or(|it| it == name) {
            let picked = scenario.steps.iter().enumerate();
            let picked = picked.filter(|(_, step)| picks(select, &step.name));
            steps.extend(picked.map(|(step, _)| (index(at), index(step))));
        }
    }
    steps
}

/// Returns the second of the run from which a selection's windows and grace are counted: the start of its scenario,
/// or of the first one.
pub(super) fn origin_second(artifact: &Artifact, select: &Selector) -> u64 {
    let scenarios = artifact.scenarios.iter();
    let picked =
        scenarios.filter(|(name, _)| select.scenario.as_ref().is_none_or(|it| it == *name));
    picked.map(|(_, it)| it.start_ns.div_ceil(SECOND_NS)).min().unwrap_or(0)
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

fn index(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}
