//! (pure) What the plan language has and this engine cannot execute yet: asked before anything is prepared.

use compiler::artifact::{Artifact, OnAgentLoss};

/// Returns what `artifact` asks for that this version cannot execute, in the words of a plan; empty if it can run.
pub fn unbuilt(artifact: &Artifact) -> Vec<String> {
    let mut found = Vec::new();
    match artifact.nodes.on_agent_loss {
        OnAgentLoss::Fail => {}
        OnAgentLoss::Continue => found.push("`on_agent_loss: continue`".to_owned()),
        OnAgentLoss::Redistribute => found.push("`on_agent_loss: redistribute`".to_owned()),
    }
    found
}
