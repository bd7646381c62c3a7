//! (pure) All stages in a row: a plan's text and the files it names become diagnostics, and an artifact if there is no error.

use std::collections::BTreeMap;

use crate::artifact::Artifact;
use crate::diagnostic::{Diagnostic, Diagnostics, Label, Severity};
use crate::model::{self, Overrides};
use crate::parts::{self, Whole};
use crate::source::{FileId, Files, Span, Texts};
use crate::syntax::Node;
use crate::{analysis, schema, seal};

/// The code of a template as other tools write it.
const FOREIGN: &str = "plan::template::foreign";

/// Compiles the plan in `files`, or reports to `sink` why it cannot.
///
/// The artifact is sealed: its digest holds. Of the environments only the one that is asked for is compiled.
pub fn compile(files: &Files, overrides: &Overrides, sink: &mut Diagnostics) -> Option<Artifact> {
    let whole = parts::assemble(files, &schema::validate, sink)?;
    let artifact = compile_whole(files, &whole, overrides, sink);
    name_includes(&whole.includes, sink);
    settle(files, sink);
    artifact
}

fn compile_whole(
    files: &Files,
    whole: &Whole,
    overrides: &Overrides,
    sink: &mut Diagnostics,
) -> Option<Artifact> {
    if let Some((entry, _)) = whole.tree.root().entry(parts::FRAGMENT) {
        let message = "`scenarios` is missing: a part of plans cannot run alone";
        let found = Diagnostic::error("plan::schema::missing-key", entry.key_span, message);
        sink.push(found.label("this file is a part").help("name a plan that includes it"));
        return None;
    }
    let plan = model::lower(files, whole, overrides, sink)?;
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
/// A part of plans is judged as far as it can be alone.
pub fn check(files: &Files, sink: &mut Diagnostics) {
    let Some(whole) = parts::assemble(files, &schema::validate, sink) else {
        return settle(files, sink);
    };
    match parts::is_part(&whole.tree) {
        true => alone(files, &whole, sink),
        false => check_whole(files, &whole, sink),
    }
    name_includes(&whole.includes, sink);
    settle(files, sink);
}

/// Completes the fixes: the stages know the tree, the texts what is written.
fn settle(files: &Files, sink: &mut Diagnostics) {
    sink.amend(|found| found.settle(files.text_of(found.primary.span.file)));
    placeholders(sink);
}

/// Leaves out that `${x}` is sent as text, where the value that it stands in is wrong anyway.
fn placeholders(sink: &mut Diagnostics) {
    // Enough for what a person wrote.
    let errors: Vec<Span> = sink.errors().take(1000).collect();
    let told = |found: &Diagnostic| errors.iter().any(|error| error.holds(found.primary.span));
    sink.retain(|found| found.code != FOREIGN || found.severity == Severity::Error || !told(found));
}

fn check_whole(files: &Files, whole: &Whole, sink: &mut Diagnostics) {
    let Some(plan) = model::lower(files, whole, &Overrides::default(), sink) else { return };
    // No environment can change what the plan reads, so that files are read once.
    let tables = analysis::read(&plan, files, sink);
    analysis::check(&plan, tables.clone(), sink);
    let written = sink.again();
    let section = whole.tree.root().get("environments");
    for (entry, node) in section.into_iter().flat_map(Node::entries) {
        let mut own = written.clone();
        environment(files, whole, &entry.key, tables.clone(), &mut own);
        // What a broken value of the environment leads to elsewhere follows from what is reported here.
        let broken = written.touches(node.span());
        let follows = |found: &Diagnostic| {
            // What nothing uses is told once.
            let unused = found.code == "plan::variable::unused";
            unused || (broken && !node.span().holds(found.primary.span))
        };
        let new = own.into_sorted().into_iter();
        let new = new.filter(|found| !follows(found));
        sink.extend(new.map(|found| in_environment(found, &entry.key, entry.key_span)));
    }
}

/// Checks the plan of `whole` under the environment `name`; `sink` knows what was found without it.
fn environment(
    files: &Files,
    whole: &Whole,
    name: &str,
    tables: analysis::Tables,
    sink: &mut Diagnostics,
) {
    let overrides = Overrides { environment: Some(name.to_owned()), ..Overrides::default() };
    if let Some(plan) = model::lower(files, whole, &overrides, sink) {
        analysis::check(&plan, tables, sink);
    }
}

/// Says that `found` is wrong under one environment alone.
fn in_environment(mut found: Diagnostic, name: &str, span: Span) -> Diagnostic {
    found.message = format!("{}, in the environment `{name}`", found.message);
    found.also(span, "with this environment")
}

/// Checks the part `whole` as far as it can be judged without a plan: its shape, templates, and data files.
fn alone(files: &Files, whole: &Whole, sink: &mut Diagnostics) {
    if let Some(plan) = model::lower(files, whole, &Overrides::default(), sink) {
        analysis::read(&plan, files, sink);
    }
}

/// Adds to what is found in parts where they are included.
fn name_includes(includes: &[(FileId, Span)], sink: &mut Diagnostics) {
    let includes: BTreeMap<FileId, Span> = includes.iter().copied().collect();
    sink.amend(|found| {
        let mut at = found.primary.span.file;
        // A part is included by the plan or by a part that was met before it.
        while let Some(place) = includes.get(&at) {
            if !found.more.iter().any(|label| label.span == *place) {
                found.more.push(Label { span: *place, message: "included here".to_owned() });
            }
            at = place.file;
        }
    });
}

#[cfg(test)]
mod tests;
