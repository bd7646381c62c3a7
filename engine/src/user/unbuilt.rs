//! (pure) What the plan language has and this engine cannot execute yet: asked before anything is prepared.

use compiler::artifact::{Artifact, Format, OnAgentLoss};

/// Returns what `artifact` asks for that this version cannot execute, in the words of a plan; empty if it can run.
pub fn unbuilt(artifact: &Artifact) -> Vec<String> {
    let mut found = Vec::new();
    match artifact.nodes.on_agent_loss {
        OnAgentLoss::Fail => {}
        OnAgentLoss::Continue => found.push("`on_agent_loss: continue`".to_owned()),
        OnAgentLoss::Redistribute => found.push("`on_agent_loss: redistribute`".to_owned()),
    }
    if artifact.data.values().any(|data| data.format != Format::Csv) {
        found.push("data in JSON".to_owned());
    }
    if !artifact.lists.is_empty() {
        found.push("data `from` a list".to_owned());
    }
    if artifact.nodes.groups.contains_key("coordinator") {
        found.push("`runs_on: [coordinator]`".to_owned());
    }
    found
}
