//! (pure) All stages in a row: a plan's text and the files it names become diagnostics, and an artifact if there is no error.

use std::collections::BTreeSet;

use crate::artifact::Artifact;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::model::{self, Overrides};
use crate::source::{Files, Source};
use crate::syntax::{self, Node};
use crate::{analysis, schema, seal};

/// Compiles the plan in `files`, or reports to `sink` why it cannot.
///
/// The artifact is sealed: its digest holds. `check` is this with the artifact thrown away.
pub fn compile(files: &Files, overrides: &Overrides, sink: &mut Diagnostics) -> Option<Artifact> {
    let source = files.plan();
    let mut tree = syntax::parse(source, sink)?;
    schema::validate(source, &mut tree, sink);
    let plan = model::lower(source, &tree, overrides, sink)?;
    let resolved = analysis::check(&plan, files, sink);
    if !sink.is_clean() {
        return None;
    }
    let sealed = seal::seal(&plan, resolved);
    if sealed.is_none() {
        // A gap between the stages must be an error, never a plan that is neither good nor bad.
        let message = "the plan lacks a part that no check has named";
        let found = Diagnostic::error("plan::value::kind", plan.span, message);
        sink.push(found.label("this plan").help("report this plan: the compiler should say more"));
    }
    sealed
}

/// Returns the paths of the data and body files that `plan` names, as written, each once, in order of the text.
pub fn file_paths(plan: &Source) -> Vec<String> {
    let mut paths: Vec<String> = Vec::new();
    let Some(tree) = syntax::parse(plan, &mut Diagnostics::new()) else { return paths };
    let mut seen = BTreeSet::new();
    let top = tree.root();
    let under = |key: &str| top.get(key).into_iter().flat_map(Node::entries).map(|(_, node)| node);
    let data = under("data");
    let steps = under("scenarios").filter_map(|node| node.get("steps")).flat_map(Node::items);
    let bodies = steps.filter_map(|step| step.get("http"));
    for path in data.chain(bodies).filter_map(|node| node.get("file")?.as_str()) {
        if seen.insert(path) {
            paths.push(path.to_owned());
        }
    }
    paths
}

#[cfg(test)]
mod tests;
