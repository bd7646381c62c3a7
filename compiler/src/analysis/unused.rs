//! (pure) What nothing uses: warnings, given only for a plan without errors.

use std::collections::BTreeSet;

use crate::analysis::{endpoint_of, name, whole};
use crate::artifact::SlotSource;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::model::{Plan, Section};
use crate::source::FileId;

pub(super) fn check(plan: &Plan, sink: &mut Diagnostics) {
    let mut read: [BTreeSet<&str>; 3] = Default::default();
    for each in name::uses(plan) {
        match &each.from {
            SlotSource::Var(name) => read[0].insert(name),
            SlotSource::Secret(name) => read[1].insert(name),
            SlotSource::Data { data, .. } => read[2].insert(data),
            _ => false,
        };
    }
    let [vars, secrets, data] = read;
    let steps = whole(plan).flat_map(|(_, scenario)| &scenario.transaction.steps);
    let endpoints = steps.filter_map(endpoint_of).collect();
    section(&plan.vars, "plan::variable::unused", "var", &vars, sink);
    section(&plan.secrets, "plan::secret::unused", "secret", &secrets, sink);
    section(&plan.data, "plan::data::unused", "data", &data, sink);
    section(&plan.endpoints, "plan::endpoint::unused", "endpoint", &endpoints, sink);
    parts(plan, &data, &endpoints, sink);
    groups(plan, sink);
    for (_, scenario) in whole(plan) {
        let steps = &scenario.transaction.steps;
        let uses = steps.iter().flat_map(|step| &step.uses);
        let read: BTreeSet<(&str, &str)> = uses
            .filter_map(|read| match &read.from {
                SlotSource::Capture { step, name } => Some((step.as_str(), name.as_str())),
                _ => None,
            })
            .collect();
        for step in steps {
            for capture in &step.captures {
                if read.contains(&(step.name.as_str(), capture.name.as_str())) {
                    continue;
                }
                let message = format!("nothing reads `{}.{}`", step.name, capture.name);
                let help =
                    "read it in a later step or leave it out; an `expect` checks without keeping";
                sink.push(
                    Diagnostic::warning("plan::capture::unused", capture.span, message)
                        .label("never read")
                        .help(help),
                );
            }
        }
    }
}

/// Reports groups whose agents would have nothing to do.
fn groups(plan: &Plan, sink: &mut Diagnostics) {
    let mut named = BTreeSet::new();
    for (_, scenario) in whole(plan) {
        let Some(groups) = &scenario.runs_on else { return };
        named.extend(groups.iter().map(|group| group.value.as_str()));
    }
    let idle = plan.nodes.groups.items.iter().filter(|item| !named.contains(item.name.as_str()));
    for item in idle {
        let message = format!("no scenario runs on the group `{}`", item.name);
        sink.push(
            Diagnostic::warning("plan::group::unused", item.span, message)
                .label("its agents have nothing to do")
                .help("name it in `runs_on`, or leave it out: the run waits for its agents"),
        );
    }
}

/// Reports parts of which the plan uses nothing; of a part that it shares with other plans it may use a little.
fn parts(plan: &Plan, data: &BTreeSet<&str>, endpoints: &BTreeSet<&str>, sink: &mut Diagnostics) {
    let mut used: BTreeSet<FileId> = files(&plan.thresholds, |_| true).collect();
    used.extend(files(&plan.data, |name| data.contains(name)));
    used.extend(files(&plan.endpoints, |name| endpoints.contains(name)));
    // What includes a part that is used is of use; parts stand behind what includes them.
    for (file, span) in plan.includes.iter().rev() {
        if used.contains(file) {
            used.insert(span.file);
        }
    }
    for (file, span) in &plan.includes {
        // Of a part inside a part that is not used enough is said.
        if !used.contains(file) && (span.file == FileId::PLAN || used.contains(&span.file)) {
            let message = "the plan uses nothing of this part";
            sink.push(
                Diagnostic::warning("plan::include::unused", *span, message)
                    .label("never used")
                    .help("use what it declares, or do not include it"),
            );
        }
    }
}

/// Returns the files in which things of `section` are declared that `is_used`.
fn files<T>(section: &Section<T>, is_used: impl Fn(&str) -> bool) -> impl Iterator<Item = FileId> {
    let used = section.items.iter().filter(move |item| is_used(&item.name));
    used.map(|item| item.span.file)
}

/// Reports what the plan itself declares and does not use.
fn section<T>(
    section: &Section<T>,
    code: &'static str,
    what: &str,
    used: &BTreeSet<&str>,
    sink: &mut Diagnostics,
) {
    let own = section.items.iter().filter(|item| item.span.file == FileId::PLAN);
    for item in own.filter(|item| !used.contains(item.name.as_str())) {
        let message = format!("nothing uses the {what} `{}`", item.name);
        sink.push(
            Diagnostic::warning(code, item.span, message)
                .label("never used")
                .help("use it or leave it out"),
        );
    }
}
