//! (pure) Scenarios: loads, shares, rows, steps and everything else that one has.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Change, json, load, more, seats, steps, values};
use crate::artifact::{Artifact, Scenario};
use crate::explain::label::number;

/// Keys of a scenario that are compared in words of their own, or follow from others.
const OWN: [&str; 7] = ["load", "planned", "slot_base", "slot_count", "seats", "data", "steps"];

/// Compares all scenarios.
pub(super) fn compare(old: &Artifact, new: &Artifact, changes: &mut Vec<Change>) {
    let renamed = renamed(old, new);
    let names: BTreeSet<&String> = old.scenarios.keys().chain(new.scenarios.keys()).collect();
    for name in names {
        let subject = format!("scenario {name}");
        match (old.scenarios.get(name), new.scenarios.get(name)) {
            (Some(before), Some(after)) => {
                scenario(&subject, name, (old.seed, before), (new.seed, after), changes);
            }
            (None, Some(after)) if !renamed.iter().any(|(_, to)| *to == name) => {
                let note = more(0, after.planned, "arrivals");
                changes
                    .push(Change::added(subject, summary(new.seed, name, after)).with_note(note));
            }
            (Some(before), None) => match renamed.iter().find(|(from, _)| *from == name) {
                Some((_, to)) => changes.push(Change::renamed(subject, to)),
                None => {
                    let note = more(before.planned, 0, "arrivals");
                    let was = summary(old.seed, name, before);
                    changes.push(Change::removed(subject, was).with_note(note));
                }
            },
            (None, _) => {}
        }
    }
}

/// Returns pairs of a name that is gone and a new one that stands for the same scenario.
fn renamed<'a>(old: &'a Artifact, new: &'a Artifact) -> Vec<(&'a String, &'a String)> {
    let gone = old.scenarios.iter().filter(|(name, _)| !new.scenarios.contains_key(*name));
    let mut fresh: Vec<(&String, Value)> = new
        .scenarios
        .iter()
        .filter(|(name, _)| !old.scenarios.contains_key(*name))
        .map(|(name, scenario)| (name, without_place(scenario)))
        .collect();
    let mut pairs = Vec::new();
    for (name, scenario) in gone {
        let body = without_place(scenario);
        if let Some(at) = fresh.iter().position(|(_, other)| *other == body) {
            pairs.push((name, fresh.remove(at).0));
        }
    }
    pairs
}

/// Returns a scenario without the numbers of its slots and rows, which go by all scenarios.
fn without_place(scenario: &Scenario) -> Value {
    let mut value = json(scenario);
    if let Value::Object(map) = &mut value {
        map.remove("slot_base");
        for used in map.get_mut("data").and_then(Value::as_object_mut).into_iter().flatten() {
            used.1.as_object_mut().map(|used| used.remove("first_row"));
        }
        let shares: Vec<(String, String)> = seats::shares(scenario)
            .map(|(seat, share)| (seat.to_owned(), share.to_string()))
            .collect();
        map.insert("seats".to_owned(), json(&shares));
    }
    value
}

fn summary(plan_seed: u64, name: &str, scenario: &Scenario) -> String {
    let load = load::text(load::Loaded { plan_seed, name, load: &scenario.load });
    let steps: Vec<&str> = scenario.steps.iter().map(|step| step.name.as_str()).collect();
    format!("{load}; steps {}", steps.join(", "))
}

/// Compares two scenarios, each with the seed of its plan.
fn scenario(
    subject: &str,
    name: &str,
    (old_seed, old): (u64, &Scenario),
    (new_seed, new): (u64, &Scenario),
    changes: &mut Vec<Change>,
) {
    if old == new {
        return;
    }
    let before = changes.len();
    let (was, is) = (
        load::Loaded { plan_seed: old_seed, name, load: &old.load },
        load::Loaded { plan_seed: new_seed, name, load: &new.load },
    );
    load::compare(subject, was, is, changes);
    if old.planned != new.planned && changes[before..].iter().all(|change| change.note.is_empty()) {
        let note = more(old.planned, new.planned, "arrivals");
        let planned = |planned: u64| Some(number(planned));
        let change = Change::value(subject, "arrivals", planned(old.planned), planned(new.planned));
        changes.push(change.with_note(note));
    }
    values(subject, old, new, &OWN, changes);
    seats::compare(subject, name, old, new, changes);
    rows(subject, old, new, changes);
    steps::compare(subject, &listed(old), &listed(new), changes);
}

fn listed(scenario: &Scenario) -> Vec<Value> {
    scenario.steps.iter().map(json).collect()
}

/// Compares how many rows a scenario takes. Where they begin follows from the order in which the plan writes its scenarios.
fn rows(subject: &str, old: &Scenario, new: &Scenario, changes: &mut Vec<Change>) {
    let names: BTreeSet<&String> = old.data.keys().chain(new.data.keys()).collect();
    for name in names {
        let rows = |scenario: &Scenario| scenario.data.get(name).map(|used| number(used.rows));
        let (old, new) = (rows(old), rows(new));
        if old != new {
            changes.push(Change::value(subject, format!("rows of {name}"), old, new));
        }
    }
}
