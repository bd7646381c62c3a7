//! (pure) The last stage: a plan and what the analysis decided become an artifact.

use std::collections::BTreeMap;

use crate::analysis::{Placed, Resolved};
use crate::artifact::{
    Action, Artifact, Connections, FORMAT, Group, Json, Nodes, Scenario, Selector, Step, Threshold,
    Var, seal_digest,
};
use crate::model::{self, Named, Plan, ScenarioPlan, StepPlan};

/// Writes the artifact of a plan without errors, with its digest.
///
/// `None` if a part is missing, which an error has reported.
pub fn seal(plan: &Plan, resolved: Resolved) -> Option<Artifact> {
    let mut base: u32 = 0;
    let mut scenarios = BTreeMap::new();
    let mut placed: Vec<(&Named<ScenarioPlan>, &ScenarioPlan, Placed)> = Vec::new();
    for (item, found) in plan.scenarios.items.iter().zip(resolved.scenarios) {
        placed.push((item, item.value.as_ref()?, found?));
    }
    // Slots are numbered by name, so that the order of scenarios in the text moves nothing but data rows.
    placed.sort_by(|a, b| a.0.name.cmp(&b.0.name));
    for (item, scenario, found) in placed {
        let sealed = scenario_of(scenario, found, base)?;
        base = base.checked_add(sealed.slot_count)?;
        scenarios.insert(item.name.clone(), sealed);
    }
    let mut artifact = Artifact {
        artifact: FORMAT,
        plan: plan.name.clone()?,
        description: plan.description.clone(),
        seed: plan.seed,
        vars: vars(plan)?,
        secrets: section(&plan.secrets.items, |source| Some(source.clone()))?,
        endpoints: section(&plan.endpoints.items, |endpoint| Some(endpoint.value.clone()))?,
        data: resolved.data,
        files: resolved.files,
        nodes: nodes(&plan.nodes)?,
        scenarios,
        slots: base,
        thresholds: thresholds(plan)?,
        delivery: plan.delivery,
        sinks: section(&plan.sinks.items, |sink| Some(sink.value.clone()))?,
        digest: String::new(),
    };
    seal_digest(&mut artifact);
    Some(artifact)
}

fn section<T, U>(
    items: &[Named<T>],
    each: impl Fn(&T) -> Option<U>,
) -> Option<BTreeMap<String, U>> {
    items.iter().map(|item| Some((item.name.clone(), each(item.value.as_ref()?)?))).collect()
}

fn vars(plan: &Plan) -> Option<BTreeMap<String, Var>> {
    let var = |item: &Named<Json>| {
        let value = item.value.clone()?;
        Some((item.name.clone(), Var { value, fixed: plan.fixed.contains(&item.name) }))
    };
    plan.vars.items.iter().map(var).collect()
}

fn nodes(nodes: &model::Nodes) -> Option<Nodes> {
    Some(Nodes {
        groups: section(&nodes.groups.items, |group: &Group| Some(group.clone()))?,
        join_timeout_ns: nodes.join_timeout_ns,
        lease_ns: nodes.lease_ns,
        on_agent_loss: nodes.on_agent_loss,
        tuning: nodes.tuning,
    })
}

fn scenario_of(scenario: &ScenarioPlan, placed: Placed, base: u32) -> Option<Scenario> {
    let steps = &scenario.transaction.steps;
    let sealed = steps.iter().enumerate().map(|(at, step)| step_of(steps, at, step, &placed));
    let sealed = sealed.collect::<Option<Vec<_>>>()?;
    Some(Scenario {
        start_ns: placed.start.earliest_ns,
        late_start: placed.start.late,
        load: scenario.load.as_ref()?.load.clone(),
        warm_up_ns: scenario.warm_up.map_or(0, |length| length.value),
        graceful_stop_ns: scenario.graceful_stop_ns,
        timeout_ns: scenario.timeout_ns,
        max_failures: scenario.max_failures,
        connections: scenario.connections.map_or(Connections::Pool, |written| written.value),
        planned: placed.planned,
        slot_base: base,
        slot_count: placed.partition.slots(),
        seats: placed.partition.owned(base),
        data: placed.data,
        steps: sealed,
    })
}

fn step_of(steps: &[StepPlan], at: usize, step: &StepPlan, placed: &Placed) -> Option<Step> {
    let captures = step.captures.iter().map(|capture| capture.capture.clone());
    Some(Step {
        name: step.name.clone(),
        needs: placed.dag.needs[at].iter().map(|need| steps[*need].name.clone()).collect(),
        timeout_ns: step.timeout_ns,
        action: action_of(step, placed)?,
        expect: step.expect.clone(),
        capture: captures.collect::<Option<Vec<_>>>()?,
    })
}

/// Returns what a step does; an await says from where it counts.
fn action_of(step: &StepPlan, placed: &Placed) -> Option<Action> {
    let mut action = step.action.clone()?;
    if let Action::Await(wait) = &mut action {
        wait.since.clone_from(placed.since.get(&step.name)?);
    }
    Some(action)
}

/// Seals thresholds; `scenario: "*"` becomes one for each scenario, named `<threshold>.<scenario>`.
fn thresholds(plan: &Plan) -> Option<BTreeMap<String, Threshold>> {
    let mut out = BTreeMap::new();
    for item in &plan.thresholds.items {
        let threshold = item.value.as_ref()?;
        match threshold.scenario.as_ref().map(|scenario| scenario.value.as_str()) {
            Some("*") => {
                for scenario in &plan.scenarios.items {
                    let name = format!("{}.{}", item.name, scenario.name);
                    out.insert(name, threshold_of(threshold, Some(&scenario.name)));
                }
            }
            scenario => {
                out.insert(item.name.clone(), threshold_of(threshold, scenario));
            }
        }
    }
    Some(out)
}

fn threshold_of(threshold: &model::Threshold, scenario: Option<&str>) -> Threshold {
    let step = threshold.step.as_ref().map(|step| step.value.clone());
    Threshold {
        require: threshold.text.value.trim().to_owned(),
        metric: threshold.require.metric,
        bound: threshold.require.bound,
        value: threshold.require.value,
        quantity: threshold.require.quantity,
        select: Selector { scenario: scenario.map(str::to_owned), step },
        window_ns: threshold.window_ns,
        grace_ns: threshold.grace_ns.unwrap_or(0),
        min_samples: threshold.min_samples,
        abort: threshold.abort.is_some(),
        on_no_data: threshold.on_no_data,
    }
}
