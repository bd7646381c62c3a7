//! (pure) Parts and groups that the plan makes no use of: warnings.

use std::collections::BTreeSet;

use crate::analysis::whole;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::model::{Plan, Section};
use crate::source::FileId;

/// Names that the plan uses of what parts may declare.
pub(super) struct Used<'a> {
    /// Data that templates read.
    pub(super) data: &'a BTreeSet<&'a str>,
    /// Endpoints that steps use.
    pub(super) endpoints: &'a BTreeSet<&'a str>,
    /// Transactions that steps call.
    pub(super) transactions: &'a BTreeSet<&'a str>,
}

/// Reports parts of which the plan uses nothing; of a part that it shares with other plans it may use a little.
pub(super) fn parts(plan: &Plan, names: &Used<'_>, sink: &mut Diagnostics) {
    let mut used: BTreeSet<FileId> = files(&plan.thresholds, |_| true).collect();
    used.extend(files(&plan.data, |name| names.data.contains(name)));
    used.extend(files(&plan.endpoints, |name| names.endpoints.contains(name)));
    used.extend(files(&plan.transactions, |name| names.transactions.contains(name)));
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

/// Reports groups whose agents would have nothing to do.
pub(super) fn groups(plan: &Plan, sink: &mut Diagnostics) {
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
