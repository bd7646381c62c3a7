//! (pure) The plan as a whole: what no single section can know, and what sealing needs to be decided.

mod address;
mod awaiting;
mod data;
mod endpoint;
mod load;
mod name;
mod observe;
mod placement;
mod reads;
mod start;
mod threshold;
mod unused;

use std::collections::BTreeMap;

pub use self::start::Start;
use crate::artifact::{Data, DataUse, FileRef};
use crate::diagnostic::Diagnostics;
use crate::graph::{self, Dag};
use crate::model::{Named, Plan, ScenarioPlan, StepPlan, Use};
use crate::partition::Partition;
use crate::source::Files;

/// What the analysis decided, besides what it found wrong.
#[derive(Clone, Debug, Default)]
pub struct Resolved {
    /// Data by name.
    pub data: BTreeMap<String, Data>,
    /// Body files by path.
    pub files: BTreeMap<String, FileRef>,
    /// Scenarios in plan order; `None` where something is wrong.
    pub scenarios: Vec<Option<Placed>>,
}

/// A scenario with everything that follows from the rest of the plan.
#[derive(Clone, Debug)]
pub struct Placed {
    /// Its steps as a DAG.
    pub dag: Dag,
    /// When it starts.
    pub start: Start,
    /// Arrivals in all; 0 for timed closed loads.
    pub planned: u64,
    /// Its slots and who owns them.
    pub partition: Partition,
    /// Rows that it takes.
    pub data: BTreeMap<String, DataUse>,
    /// For each await, by name, the step that it counts from.
    pub since: BTreeMap<String, String>,
}

/// What the files hold that a plan names.
#[derive(Clone, Debug, Default)]
pub struct Tables {
    /// Data by name.
    pub data: BTreeMap<String, Data>,
    /// Body files by path.
    pub files: BTreeMap<String, FileRef>,
}

/// Reads the files that `plan` names; what is wrong with them is reported.
pub fn read(plan: &Plan, files: &Files, sink: &mut Diagnostics) -> Tables {
    let (data, files) = data::read(plan, files, sink);
    Tables { data, files }
}

/// Checks `plan` as a whole and decides starts, seats and rows.
pub fn check(plan: &Plan, tables: Tables, sink: &mut Diagnostics) -> Resolved {
    let Tables { data, files: body_files } = tables;
    name::check(plan, sink);
    endpoint::check(plan, sink);
    observe::check(plan, sink);
    let dags: Vec<Option<Dag>> = plan
        .scenarios
        .items
        .iter()
        .map(|item| item.value.as_ref().and_then(|scenario| graph::steps(scenario, sink)))
        .collect();
    let mut since = BTreeMap::new();
    for (item, dag) in plan.scenarios.items.iter().zip(&dags) {
        if let Some(scenario) = &item.value {
            reads::check(plan, item, scenario, dag.as_ref(), sink);
            if let Some(dag) = dag {
                since.insert(item.name.as_str(), awaiting::check(item, scenario, dag, sink));
            }
        }
    }
    threshold::check(plan, sink);
    awaiting::thresholds(plan, sink);
    let order = graph::scenarios(plan, sink);
    let starts = order.and_then(|order| start::starts(plan, &order, sink));
    let planned = load::check(plan, &dags, sink);
    let partitions = placement::partitions(plan, sink);
    let rows = data::rows(plan, &data, &planned, sink);
    if sink.is_clean() {
        unused::check(plan, sink);
    }
    let mut scenarios = Vec::new();
    let parts = dags.into_iter().zip(partitions).zip(planned).zip(rows);
    for (at, (((dag, partition), planned), data)) in parts.enumerate() {
        let start = starts.as_ref().map(|starts| starts[at].clone());
        let placed = || {
            let (dag, partition, planned) = (dag?, partition?, planned?);
            let since = since.remove(plan.scenarios.items[at].name.as_str()).unwrap_or_default();
            Some(Placed { dag, start: start?, planned, partition, data: data?, since })
        };
        scenarios.push(placed());
    }
    Resolved { data, files: body_files, scenarios }
}

/// Returns everything that the requests of a scenario read: its steps', then its endpoints'.
fn scenario_uses<'a>(plan: &'a Plan, scenario: &'a ScenarioPlan) -> Vec<&'a Use> {
    let steps = &scenario.transaction.steps;
    let mut uses: Vec<&Use> = steps.iter().flat_map(|step| &step.uses).collect();
    let endpoints = plan
        .endpoints
        .whole()
        .filter(|(item, _)| steps.iter().any(|step| endpoint_of(step) == Some(item.name.as_str())));
    uses.extend(endpoints.flat_map(|(_, endpoint)| &endpoint.uses));
    uses
}

/// Returns the name of the endpoint that a step uses.
fn endpoint_of(step: &StepPlan) -> Option<&str> {
    step.endpoint.as_ref().map(|(name, _)| name.as_str())
}

/// Returns the scenarios that are whole, in plan order.
fn whole(plan: &Plan) -> impl Iterator<Item = (&Named<ScenarioPlan>, &ScenarioPlan)> {
    plan.scenarios.whole()
}

#[cfg(test)]
mod tests;
