//! [pure] What nothing uses: warnings, given only for a plan without errors.

use std::collections::BTreeSet;

use crate::analysis::{endpoint_of, name, whole};
use crate::artifact::SlotSource;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::model::{Plan, Section};

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

fn section<T>(
    section: &Section<T>,
    code: &'static str,
    what: &str,
    used: &BTreeSet<&str>,
    sink: &mut Diagnostics,
) {
    for item in section.items.iter().filter(|item| !used.contains(item.name.as_str())) {
        let message = format!("nothing uses the {what} `{}`", item.name);
        sink.push(
            Diagnostic::warning(code, item.span, message)
                .label("never used")
                .help("use it or leave it out"),
        );
    }
}
