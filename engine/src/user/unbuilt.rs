//! (pure) What the plan language has and this engine cannot execute yet: asked before anything is prepared.

mod driver;

use compiler::artifact::{Artifact, OnAgentLoss};

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
    // Each is said once, however often it is used.
    let mut known = std::collections::BTreeSet::new();
    found.retain(|each| known.insert(each.clone()));
    found
}
