//! (pure) All stages in a row: a plan's text and the files it names become diagnostics, and an artifact if there is no error.

use std::collections::BTreeSet;

use crate::artifact::Artifact;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::model::{self, Overrides};
use crate::source::{Files, Source, Span};
use crate::syntax::{self, Node, Tree};
use crate::{analysis, schema, seal};

/// Compiles the plan in `files`, or reports to `sink` why it cannot.
///
/// The artifact is sealed: its digest holds. Of the environments only the one that is asked for is compiled.
pub fn compile(files: &Files, overrides: &Overrides, sink: &mut Diagnostics) -> Option<Artifact> {
    let source = files.plan();
    let mut tree = syntax::parse(source, sink)?;
    schema::validate(source, &mut tree, sink);
    let plan = model::lower(source, &tree, overrides, sink)?;
    let tables = analysis::read(&plan, files, sink);
    let resolved = analysis::check(&plan, tables, sink);
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

/// Reports everything that is wrong with the plan in `files`: as it is written, and under each of its environments.
///
/// What an environment alone breaks names the environment. A plan that compiles with any `--environment` is clean.
pub fn check(files: &Files, sink: &mut Diagnostics) {
    let source = files.plan();
    let Some(mut tree) = syntax::parse(source, sink) else { return };
    schema::validate(source, &mut tree, sink);
    let Some(plan) = model::lower(source, &tree, &Overrides::default(), sink) else { return };
    // No environment can change what the plan reads, so that files are read once.
    let tables = analysis::read(&plan, files, sink);
    analysis::check(&plan, tables.clone(), sink);
    let written = sink.again();
    let section = tree.root().get("environments");
    for (entry, node) in section.into_iter().flat_map(Node::entries) {
        let mut own = written.clone();
        environment(source, &tree, &entry.key, tables.clone(), &mut own);
        // What a broken value of the environment leads to elsewhere follows from what is reported here.
        let broken = written.touches(node.span());
        let follows = |found: &Diagnostic| broken && !node.span().holds(found.primary.span);
        let new = own.into_sorted().into_iter();
        let new = new.filter(|found| !follows(found));
        sink.extend(new.map(|found| in_environment(found, &entry.key, entry.key_span)));
    }
}

/// Checks the plan of `tree` under the environment `name`; `sink` knows what was found without it.
fn environment(
    source: &Source,
    tree: &Tree,
    name: &str,
    tables: analysis::Tables,
    sink: &mut Diagnostics,
) {
    let overrides = Overrides { environment: Some(name.to_owned()), ..Overrides::default() };
    if let Some(plan) = model::lower(source, tree, &overrides, sink) {
        analysis::check(&plan, tables, sink);
    }
}

/// Says that `found` is wrong under one environment alone.
fn in_environment(mut found: Diagnostic, name: &str, span: Span) -> Diagnostic {
    found.message = format!("{}, in the environment `{name}`", found.message);
    found.also(span, "with this environment")
}

/// Returns the paths of the data and body files that `plan` names, as written, each once, in order of the text.
pub fn file_paths(plan: &Source) -> Vec<String> {
    let mut paths: Vec<String> = Vec::new();
    let Some(tree) = syntax::parse(plan, &mut Diagnostics::new()) else { return paths };
    let mut seen = BTreeSet::new();
    let top = tree.root();
    let mut found = Vec::new();
    for section in ["endpoints", "data", "transactions", "before", "after", "scenarios"] {
        top.get(section).into_iter().for_each(|node| named_in(node, 0, &mut found));
    }
    for path in found {
        if seen.insert(path) {
            paths.push(path.to_owned());
        }
    }
    paths
}

/// Adds what the keys of files below `node` hold.
fn named_in<'t>(node: Node<'t>, depth: usize, found: &mut Vec<&'t str>) {
    const DEPTH_MAX: usize = 32;
    if depth > DEPTH_MAX {
        return;
    }
    for (entry, value) in node.entries() {
        match entry.key.as_str() {
            "file" | "json_file" => found.extend(value.as_str()),
            "protos" => found.extend(value.items().filter_map(Node::as_str)),
            // What a body holds is the user's own.
            "json" => {}
            _ => named_in(value, depth + 1, found),
        }
    }
    node.items().for_each(|item| named_in(item, depth + 1, found));
}

#[cfg(test)]
mod tests;
