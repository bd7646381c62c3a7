//! (pure) Scenarios: loads, shares, rows, steps and everything else that one has.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Change, fields, json, load, more, parts, seats, steps};
use crate::artifact::{Artifact, Scenario};
use crate::explain::label::number;
use crate::explain::notes;

/// Keys of a scenario that are compared in words of their own, or follow from others.
const OWN: [&str; 9] = [
    "start_ns",
    "late_start",
    "load",
    "planned",
    "slot_base",
    "slot_count",
    "seats",
    "data",
    "steps",
];

/// Compares all scenarios.
pub(super) fn compare(old: &Artifact, new: &Artifact, changes: &mut Vec<Change>) {
    let renamed = renamed(old, new);
    let names: BTreeSet<&String> = old.scenarios.keys().chain(new.scenarios.keys()).collect();
    for name in names {
        let subject = format!("scenario {name}");
        match (old.scenarios.get(name), new.scenarios.get(name)) {
            (Some(before), Some(after)) => {
                scenario(&subject, name, (old, before), (new, after), changes);
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

/// Compares two scenarios, each with its plan.
fn scenario(
    subject: &str,
    name: &str,
    (old_plan, old): (&Artifact, &Scenario),
    (new_plan, new): (&Artifact, &Scenario),
    changes: &mut Vec<Change>,
) {
    if old == new {
        return;
    }
    let before = changes.len();
    let (was, is) = (
        load::Loaded { plan_seed: old_plan.seed, name, load: &old.load },
        load::Loaded { plan_seed: new_plan.seed, name, load: &new.load },
    );
    load::compare(subject, was, is, changes);
    if old.planned != new.planned && changes[before..].iter().all(|change| change.note.is_empty()) {
        let note = more(old.planned, new.planned, "arrivals");
        if let Some(share) = changes[before..]
            .iter_mut()
            .find(|change| [load::WHOLE, load::SHARE].contains(&change.label.as_str()))
        {
            share.note = note;
        } else {
            let planned = |planned: u64| Some(number(planned));
            let (was, is) = (planned(old.planned), planned(new.planned));
            changes.push(Change::value(subject, "arrivals", was, is).with_note(note));
        }
    }
    if (old.start_ns, &old.late_start) != (new.start_ns, &new.late_start) {
        let [was, is] = [old, new].map(|scenario| Some(notes::start(scenario)));
        changes.push(Change::value(subject, "starts", was, is));
    }
    let [was, is] = [old, new].map(|each| fields::said(json(each), &[("connections", "pool")]));
    parts(subject, &was, &is, &OWN, changes);
    seats::compare(subject, name, old, new, changes);
    rows(subject, (old_plan, old), (new_plan, new), changes);
    steps::compare(subject, &listed(old), &listed(new), changes);
}

fn listed(scenario: &Scenario) -> Vec<Value> {
    scenario.steps.iter().map(json).collect()
}

/// Compares how many rows a scenario takes. Where they begin follows from the order in which the plan writes its scenarios.
///
/// That it takes all of them before and after is said where the data is.
fn rows(
    subject: &str,
    (old_plan, old): (&Artifact, &Scenario),
    (new_plan, new): (&Artifact, &Scenario),
    changes: &mut Vec<Change>,
) {
    let names: BTreeSet<&String> = old.data.keys().chain(new.data.keys()).collect();
    for name in names {
        let rows = |scenario: &Scenario| scenario.data.get(name).map(|used| used.rows);
        let all = |plan: &Artifact| plan.data.get(name).map(|data| data.rows);
        let (was, is) = (rows(old), rows(new));
        let takes_all =
            was.is_some() && was == all(old_plan) && is.is_some() && is == all(new_plan);
        if was != is && !takes_all {
            let label = format!("rows of {name}");
            changes.push(Change::value(subject, label, was.map(number), is.map(number)));
        }
    }
}
