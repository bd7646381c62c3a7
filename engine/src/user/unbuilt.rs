//! (pure) What the plan language has and this engine cannot execute yet: asked before anything is prepared.

mod driver;

use compiler::artifact::{
    Artifact, ClosedStage, Connections, Load, OnAgentLoss, OnOverload, Scenario,
};

/// Returns what `artifact` asks for that this version cannot execute, in the words of a plan; empty if it can run.
pub fn unbuilt(artifact: &Artifact) -> Vec<String> {
    let mut found = Vec::new();
    match artifact.nodes.on_agent_loss {
        OnAgentLoss::Fail => {}
        OnAgentLoss::Continue => found.push("`on_agent_loss: continue`".to_owned()),
        OnAgentLoss::Redistribute => found.push("`on_agent_loss: redistribute`".to_owned()),
    }
    driver::connections(artifact, &mut found);
    for step in artifact.scenarios.values().flat_map(|scenario| &scenario.steps) {
        driver::action(&step.action, &mut found);
    }
    for (name, scenario) in &artifact.scenarios {
        found.extend(of_load(scenario).into_iter().map(|what| format!("{what} of `{name}`")));
    }
    // Each is said once, however often it is used.
    let mut known = std::collections::BTreeSet::new();
    found.retain(|each| known.insert(each.clone()));
    found
}

fn of_load(scenario: &Scenario) -> Vec<&'static str> {
    let mut found = Vec::new();
    match &scenario.load {
        Load::Open(load) => match load.on_overload {
            OnOverload::Drop => {}
            OnOverload::Queue => found.push("`on_overload: queue`"),
            OnOverload::Fail => found.push("`on_overload: fail`"),
        },
        Load::Closed(load) => {
            let each = |stage: &ClosedStage| matches!(stage, ClosedStage::CountEach { .. });
            if load.stages.iter().any(each) {
                found.push("`count_each`");
            }
            if load.pace_ns > 0 {
                found.push("`pace`");
            }
        }
        Load::Observe { .. } => found.push("`observe`"),
    }
    if scenario.late_start.is_some() {
        found.push("`start_after` the end of a closed count");
    }
    if scenario.max_failures.is_some() {
        found.push("`max_failures`");
    }
    match scenario.connections {
        Connections::Pool => {}
        Connections::PerUser => found.push("`connections: per_user`"),
    }
    found
}
