//! (pure) The plan as a whole: what no single section can know, and what sealing needs to be decided.

mod address;
mod awaiting;
mod call;
mod condition;
mod data;
mod endpoint;
mod flow;
mod included;
mod load;
mod name;
mod observe;
mod place;
mod placement;
mod reads;
mod scope;
mod secret;
mod start;
mod table;
mod threshold;
mod unused;

use std::collections::BTreeMap;

pub use self::awaiting::Since;
pub use self::start::Start;
use crate::analysis::table::Column;
use crate::artifact::{Data, DataUse, FileRef};
use crate::diagnostic::Diagnostics;
use crate::graph::{self, Flow};
use crate::model::{Named, Plan, ScenarioPlan, StepList, StepPlan, Use};
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
    /// Flows of the transactions that are called, in plan order; `None` where one is broken.
    pub transactions: Vec<Option<Flow>>,
    /// Flows of `before` and `after`.
    pub around: Option<(Flow, Flow)>,
    /// For each await, by its number, the step that it counts from.
    pub since: Since,
}

/// A scenario with everything that follows from the rest of the plan.
#[derive(Clone, Debug)]
pub struct Placed {
    /// Its steps as a DAG.
    pub flow: Flow,
    /// The steps of `before_each_user` as a DAG.
    pub each_user: Flow,
    /// When it starts.
    pub start: Start,
    /// Arrivals in all; 0 for timed closed loads.
    pub planned: u64,
    /// Its slots and who owns them.
    pub partition: Partition,
    /// Rows that it takes.
    pub data: BTreeMap<String, DataUse>,
}

/// What the files hold that a plan names.
#[derive(Clone, Debug, Default)]
pub struct Tables {
    /// Data files by the name of the data.
    pub data: BTreeMap<String, Data>,
    /// Their columns.
    columns: BTreeMap<String, Vec<Column>>,
    /// Body files by path.
    pub files: BTreeMap<String, FileRef>,
}

/// Reads the files that `plan` names; what is wrong with them is reported.
pub fn read(plan: &Plan, files: &Files, sink: &mut Diagnostics) -> Tables {
    data::read(plan, files, sink)
}

/// Checks `plan` as a whole and decides starts, seats and rows.
pub fn check(plan: &Plan, tables: Tables, sink: &mut Diagnostics) -> Resolved {
    name::check(plan, sink);
    secret::check(plan, sink);
    endpoint::check(plan, sink);
    observe::check(plan, sink);
    let flows = flows(plan, sink);
    let ends = graph::transactions(plan, sink);
    call::check(plan, ends, sink);
    reads::check(plan, &flows, sink);
    condition::check(plan, sink);
    flow::check(plan, sink);
    let since = awaiting::check(plan, &flows, sink);
    threshold::check(plan, sink);
    awaiting::thresholds(plan, sink);
    let order = graph::scenarios(plan, sink);
    let starts = order.and_then(|order| start::starts(plan, &order, sink));
    let waits = if ends { graph::waits(plan, &flows.transactions) } else { graph::Waits::new() };
    let planned = load::check(plan, (&flows.scenarios, &waits), sink);
    let partitions = placement::partitions(plan, sink);
    let rows = data::rows(plan, &tables, &planned, sink);
    if sink.is_clean() {
        unused::check(plan, sink);
    }
    let mut scenarios = Vec::new();
    let parts = flows.scenarios.into_iter().zip(partitions).zip(planned).zip(rows);
    for (at, (((flow, partition), planned), data)) in parts.enumerate() {
        let start = starts.as_ref().map(|starts| starts[at].clone());
        let placed = || {
            let ((each_user, flow), partition, planned) = (flow?, partition?, planned?);
            let (start, data) = (start?, data?);
            Some(Placed { flow, each_user, start, planned, partition, data })
        };
        scenarios.push(placed());
    }
    let around = Some((flows.before, flows.after));
    let Tables { data, files, .. } = tables;
    Resolved { data, files, scenarios, transactions: flows.transactions, around, since }
}

/// Builds the DAGs of all lists of steps; unknown needs and cycles are reported.
fn flows(plan: &Plan, sink: &mut Diagnostics) -> reads::Flows {
    let transactions = plan.transactions.items.iter();
    let transactions = transactions
        .map(|item| item.value.as_ref().map(|called| graph::steps(&called.list, sink)))
        .collect();
    let scenarios = plan.scenarios.items.iter();
    let scenarios = scenarios
        .map(|item| {
            let scenario = item.value.as_ref()?;
            let each_user = graph::steps(&scenario.before_each_user, sink);
            Some((each_user, graph::steps(&scenario.transaction, sink)))
        })
        .collect();
    reads::Flows {
        before: graph::steps(&plan.before, sink),
        after: graph::steps(&plan.after, sink),
        transactions,
        scenarios,
    }
}

/// Returns every list of steps of the plan that stands in no other.
fn lists(plan: &Plan) -> impl Iterator<Item = &StepList> {
    let transactions = plan.transactions.whole().map(|(_, called)| &called.list);
    let scenarios = whole(plan);
    let scenarios = scenarios.flat_map(|(_, s)| [&s.before_each_user, &s.transaction]);
    [&plan.before, &plan.after].into_iter().chain(transactions).chain(scenarios)
}

/// Returns the steps that a scenario runs, those of the transactions that it calls among them.
fn scenario_steps<'a>(plan: &'a Plan, scenario: &'a ScenarioPlan) -> Vec<&'a StepPlan> {
    let mut steps = scenario.before_each_user.all();
    steps.extend(scenario.transaction.all());
    with_called(plan, steps)
}

/// Returns `steps` and those of the transactions that they call, each once.
fn with_called<'a>(plan: &'a Plan, mut steps: Vec<&'a StepPlan>) -> Vec<&'a StepPlan> {
    let called = call::reached(plan, &steps);
    steps.extend(called.into_iter().flat_map(|called| called.list.all()));
    steps
}

/// Returns everything that a scenario reads: its steps, the transactions that these call, `let`, and its endpoints.
fn scenario_uses<'a>(plan: &'a Plan, scenario: &'a ScenarioPlan) -> Vec<&'a Use> {
    let steps = scenario_steps(plan, scenario);
    let mut uses: Vec<&Use> = steps.iter().flat_map(|step| step.all_uses()).collect();
    let called = call::reached(plan, &steps);
    let values = scenario.lets.iter().chain(called.into_iter().flat_map(|called| &called.returns));
    uses.extend(values.flat_map(|value| &value.uses));
    uses.extend(endpoint_uses(plan, &steps));
    uses
}

/// Returns what the endpoints of `steps` read.
fn endpoint_uses<'a>(plan: &'a Plan, steps: &[&StepPlan]) -> impl Iterator<Item = &'a Use> {
    let named: std::collections::BTreeSet<&str> =
        steps.iter().copied().filter_map(endpoint_of).collect();
    let used = plan.endpoints.whole().filter(|(item, _)| named.contains(item.name.as_str()));
    used.flat_map(|(_, endpoint)| &endpoint.uses).collect::<Vec<_>>().into_iter()
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
