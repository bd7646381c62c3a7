//! (pure) The last stage: a plan and what the analysis decided become an artifact.

mod step;

use std::collections::BTreeMap;

use crate::analysis::{Placed, Resolved, Since};
use crate::artifact::{
    Artifact, Connections, FORMAT, Group, Json, List, Nodes, Scenario, Selector, Threshold,
    Transaction, Var, seal_digest,
};
use crate::graph::Flow;
use crate::model::{self, DataPlan, Named, Origin, Plan, ScenarioPlan};

/// Writes the artifact of a plan without errors, with its digest.
///
/// `None` if a part is missing, which an error has reported.
pub fn seal(plan: &Plan, resolved: Resolved) -> Option<Artifact> {
    let (before, after) = resolved.around.as_ref().map(|(before, after)| (before, after))?;
    let since = &resolved.since;
    let mut base: u32 = 0;
    let mut scenarios = BTreeMap::new();
    let mut placed: Vec<(&Named<ScenarioPlan>, &ScenarioPlan, Placed)> = Vec::new();
    for (item, found) in plan.scenarios.items.iter().zip(resolved.scenarios) {
        placed.push((item, item.value.as_ref()?, found?));
    }
    // Slots are numbered by name, so that the order of scenarios in the text moves nothing but data rows.
    placed.sort_by(|a, b| a.0.name.cmp(&b.0.name));
    for (item, scenario, found) in placed {
        let sealed = scenario_of(scenario, found, base, since)?;
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
        lists: lists(plan)?,
        files: resolved.files,
        transactions: transactions(plan, &resolved.transactions, since)?,
        before: step::list(&plan.before, before, since)?,
        after: step::list(&plan.after, after, since)?,
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

fn lists(plan: &Plan) -> Option<BTreeMap<String, List>> {
    let mut lists = BTreeMap::new();
    for item in &plan.data.items {
        let DataPlan { origin, take, per, on_end } = item.value.as_ref()?;
        if let Origin::List { step, capture, .. } = origin {
            let (step, capture) = (step.clone(), capture.clone());
            let list = List { step, capture, take: *take, per: *per, on_end: *on_end };
            lists.insert(item.name.clone(), list);
        }
    }
    Some(lists)
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

fn transactions(
    plan: &Plan,
    flows: &[Option<Flow>],
    since: &Since,
) -> Option<BTreeMap<String, Transaction>> {
    let items = plan.transactions.items.iter().zip(flows);
    items
        .map(|(item, flow)| {
            let sealed = step::transaction(item.value.as_ref()?, flow.as_ref()?, since)?;
            Some((item.name.clone(), sealed))
        })
        .collect()
}

fn scenario_of(
    scenario: &ScenarioPlan,
    placed: Placed,
    base: u32,
    since: &Since,
) -> Option<Scenario> {
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
        before_each_user: step::list(&scenario.before_each_user, &placed.each_user, since)?,
        lets: step::lets(&scenario.lets)?,
        steps: step::list(&scenario.transaction, &placed.flow, since)?,
    })
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
        metric: threshold.require.metric.clone(),
        bound: threshold.require.bound,
        value: threshold.require.value,
        quantity: threshold.require.quantity,
        select: Selector {
            scenario: scenario.map(str::to_owned),
            step,
            group: threshold.group.as_ref().map(|group| group.value.clone()),
            split: threshold.split.as_ref().map(|split| split.value.clone()),
        },
        window_ns: threshold.window_ns,
        grace_ns: threshold.grace_ns.unwrap_or(0),
        min_samples: threshold.min_samples,
        abort: threshold.abort.is_some(),
        on_no_data: threshold.on_no_data,
    }
}
