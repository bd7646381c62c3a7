//! (pure) What the plan language has and this engine cannot execute yet: asked before anything is prepared.

mod driver;

use std::collections::BTreeSet;

use compiler::artifact::{
    Action, Artifact, Counter, Load, Metric, OnFail, Scenario, Step, Threshold,
};

/// Kinds of endpoints that a node can talk to, as plans name them.
pub const DRIVERS: [&str; 1] = ["http"];

/// Returns what `artifact` asks for that a node of this version cannot execute, in the words of a plan; empty if it can run.
pub fn unbuilt(artifact: &Artifact) -> Vec<String> {
    let mut found = Vec::new();
    driver::connections(artifact, &mut found);
    if !artifact.lists.is_empty() {
        found.push("data `from` a list".to_owned());
    }
    for (name, threshold) in &artifact.thresholds {
        found.extend(of_threshold(threshold).map(|what| format!("{what} in threshold `{name}`")));
    }
    for (name, scenario) in &artifact.scenarios {
        found.extend(of_load(scenario).map(|what| format!("{what} of `{name}`")));
    }
    around(artifact, &mut found);
    found.extend(flow(artifact).into_iter().map(|what| format!("`{what}`")));
    found
}

/// Adds what runs beside the transactions.
fn around(artifact: &Artifact, found: &mut Vec<String>) {
    let scenarios = || artifact.scenarios.values();
    let used = [
        ("before", !artifact.before.is_empty()),
        ("after", !artifact.after.is_empty()),
        ("before_each_user", scenarios().any(|scenario| !scenario.before_each_user.is_empty())),
        ("let", scenarios().any(|scenario| !scenario.lets.is_empty())),
    ];
    found.extend(used.iter().filter(|(_, used)| *used).map(|(what, _)| format!("`{what}`")));
}

/// Returns keys of steps, by name.
fn flow(artifact: &Artifact) -> BTreeSet<&'static str> {
    let mut found = BTreeSet::new();
    let scenarios = artifact.scenarios.values();
    let lists = scenarios.flat_map(|scenario| [&scenario.before_each_user, &scenario.steps]);
    let called = artifact.transactions.values().map(|called| &called.steps);
    for list in lists.chain(called).chain([&artifact.before, &artifact.after]) {
        steps(list, &mut found);
    }
    found
}

fn steps(list: &[Step], found: &mut BTreeSet<&'static str>) {
    for step in list {
        let used = [
            ("when", step.when.is_some()),
            ("on_fail", step.on_fail != OnFail::EndTransaction),
            ("retry", step.retry.is_some()),
            ("metrics", !step.metrics.is_empty()),
            ("split_by", step.split_by.is_some()),
            ("for_each", matches!(step.action, Action::ForEach(_))),
            ("repeat", matches!(step.action, Action::Repeat(_))),
            ("choose", matches!(step.action, Action::Choose(_))),
            ("call", matches!(step.action, Action::Call(_))),
        ];
        found.extend(used.iter().filter(|(_, used)| *used).map(|(what, _)| *what));
        found.extend(driver::action(&step.action));
        step.inner().into_iter().for_each(|inner| steps(inner, found));
    }
}

fn of_load(scenario: &Scenario) -> Option<&'static str> {
    match &scenario.load {
        Load::Open(_) | Load::Closed(_) => None,
        Load::Observe { .. } => Some("`observe`"),
    }
}

/// Returns what of a threshold is not measured yet.
fn of_threshold(threshold: &Threshold) -> Option<&'static str> {
    if threshold.select.group.is_some() {
        return Some("`group`");
    }
    if threshold.select.split.is_some() {
        return Some("`split`");
    }
    match &threshold.metric {
        Metric::Response(_) | Metric::Service(_) | Metric::Phase { .. } => None,
        Metric::Vital { .. } => Some("what a browser measures"),
        Metric::Trend { .. }
        | Metric::Value { .. }
        | Metric::OwnCount { .. }
        | Metric::OwnRate { .. } => Some("a metric of its own"),
        Metric::Share(counter) | Metric::Rate(counter) | Metric::Count(counter) => match counter {
            Counter::Unfinished | Counter::Unaccounted if threshold.window_ns > 0 => {
                Some("`unfinished` or `unaccounted` by `window`")
            }
            Counter::Started
            | Counter::Succeeded
            | Counter::Failed
            | Counter::Dropped
            | Counter::Unfinished
            | Counter::Unaccounted
            | Counter::Skipped => None,
            Counter::Matched
            | Counter::TimedOut
            | Counter::Duplicate
            | Counter::Unmatched
            | Counter::Late => Some("a counter of awaits"),
        },
    }
}
