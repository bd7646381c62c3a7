//! (pure) Steps of one list: added, removed, renamed, moved, changed; lists inside of them too.

use std::collections::BTreeMap;

use serde_json::Value;

use super::fields::{Fields, differing, said};
use super::{Change, json, summary};
use crate::explain::label;
use crate::explain::path::Dag;

/// Keys of a step that are compared in words of their own.
const OWN: [&str; 2] = ["name", "needs"];

/// A pair of steps, as places in the two lists.
type Pair = (usize, usize);

/// Compares two lists of steps.
pub(super) fn compare(subject: &str, old: &[Value], new: &[Value], changes: &mut Vec<Change>) {
    if old == new {
        return;
    }
    let pairs = paired(old, new);
    let renames: BTreeMap<&str, &str> =
        pairs.iter().map(|(from, to)| (name(&old[*from]), name(&new[*to]))).collect();
    let (old_needs, new_needs) = (needs(old), needs(new));
    for (from, step) in old.iter().enumerate() {
        let subject = format!("{subject}, step {}", name(step));
        let Some((_, to)) = pairs.iter().find(|(place, _)| *place == from) else {
            changes.push(Change::removed(subject, described(step, &old_needs[from])));
            continue;
        };
        let other = &new[*to];
        if name(step) != name(other) && !(anonymous(step) && anonymous(other)) {
            changes.push(Change::renamed(subject.clone(), name(other)));
        }
        let waits_for =
            |need: &String| renames.get(need.as_str()).map_or(need.clone(), |to| (*to).to_owned());
        let mut before: Vec<String> = old_needs[from].iter().map(waits_for).collect();
        let mut after = new_needs[*to].clone();
        before.sort_unstable();
        after.sort_unstable();
        if before != after {
            changes.push(Change::value(&subject, "runs", Some(runs(&before)), Some(runs(&after))));
        }
        let step = with_names(step, &renames);
        fields(&subject, &step, other, changes);
    }
    for (to, step) in new.iter().enumerate() {
        if !pairs.iter().any(|(_, place)| *place == to) {
            let subject = format!("{subject}, step {}", name(step));
            changes.push(Change::added(subject, described(step, &new_needs[to])));
        }
    }
    order(subject, old, new, &pairs, changes);
}

/// Compares the step lists inside of two parts.
pub(super) fn nested(subject: &str, old: &Fields, new: &Fields, changes: &mut Vec<Change>) {
    let paths: std::collections::BTreeSet<_> = old.lists.keys().chain(new.lists.keys()).collect();
    for path in paths {
        let list = |fields: &Fields| fields.lists.get(path).cloned().unwrap_or_default();
        let inside: Vec<&str> =
            path.iter().map(String::as_str).filter(|word| *word != "steps").collect();
        let subject = match inside.as_slice() {
            [] => subject.to_owned(),
            inside => format!("{subject}, {}", inside.join(" ")),
        };
        compare(&subject, &list(old), &list(new), changes);
    }
}

/// Compares two steps but for names and needs. Another action, or a wait, is one change without its fields.
fn fields(subject: &str, old: &Value, new: &Value, changes: &mut Vec<Change>) {
    if old == new {
        return;
    }
    let (mut without, mut lists) = (OWN.to_vec(), true);
    let is_wait = action_kind(old).is_some_and(|kind| kind == "wait");
    if action_kind(old) != action_kind(new) || is_wait {
        let does = |step: &Value| Some(action(step));
        if old.get("action") != new.get("action") {
            changes.push(Change::value(subject, "", does(old), does(new)));
        }
        without.push("action");
        lists = false;
    }
    let of =
        |step: &Value| Fields::of(&said(step.clone(), &[("on_fail", "end_transaction")]), &without);
    let (mut old, mut new) = (of(old), of(new));
    let differing = differing(&mut old, &mut new);
    changes.extend(
        differing.into_iter().map(|(label, old, new)| Change::value(subject, label, old, new)),
    );
    if lists {
        nested(subject, &old, &new, changes);
    }
}

/// Pairs steps by name; then steps that only a rename tells apart; then waits and blocks without a name, in order.
fn paired(old: &[Value], new: &[Value]) -> Vec<Pair> {
    let place = |wanted: &Value| new.iter().position(|step| name(step) == name(wanted));
    let mut pairs: Vec<Pair> = Vec::new();
    for (from, step) in old.iter().enumerate().filter(|(_, step)| !anonymous(step)) {
        pairs.extend(place(step).map(|to| (from, to)));
    }
    let body = |step: &Value| {
        let mut step = step.clone();
        if let Value::Object(map) = &mut step {
            OWN.iter().for_each(|key| drop(map.remove(*key)));
        }
        step
    };
    for exact in [true, false] {
        let alike = |a: &Value, b: &Value| match exact {
            true => anonymous(a) == anonymous(b) && body(a) == body(b),
            false => anonymous(a) && anonymous(b) && action_kind(a) == action_kind(b),
        };
        for (from, step) in old.iter().enumerate() {
            if pairs.iter().any(|(place, _)| *place == from) {
                continue;
            }
            let free = |to: &usize| !pairs.iter().any(|(_, place)| place == to);
            let to = (0..new.len()).filter(free).find(|to| alike(step, &new[*to]));
            pairs.extend(to.map(|to| (from, to)));
        }
    }
    pairs.sort_unstable();
    pairs
}

/// Says so if steps that both lists have stand in another order: of two that may run, the first in the list does.
fn order(subject: &str, old: &[Value], new: &[Value], pairs: &[Pair], changes: &mut Vec<Change>) {
    if pairs.is_sorted_by_key(|(_, to)| *to) {
        return;
    }
    let names = |steps: &[Value], places: &mut dyn Iterator<Item = usize>| {
        places.map(|at| name(&steps[at]).to_owned()).collect::<Vec<_>>().join(", ")
    };
    let before = names(old, &mut pairs.iter().map(|(from, _)| *from));
    let mut places: Vec<usize> = pairs.iter().map(|(_, to)| *to).collect();
    places.sort_unstable();
    let after = names(new, &mut places.into_iter());
    changes.push(Change::value(subject, "order of steps", Some(before), Some(after)));
}

/// Returns for each step the names of what it waits for, without what others imply.
fn needs(steps: &[Value]) -> Vec<Vec<String>> {
    let all: Vec<Vec<String>> = steps
        .iter()
        .map(|step| {
            step.get("needs")
                .and_then(|needs| serde_json::from_value(needs.clone()).ok())
                .unwrap_or_default()
        })
        .collect();
    let entries: Vec<(&str, &[String])> =
        steps.iter().zip(&all).map(|(step, needs)| (name(step), needs.as_slice())).collect();
    let dag = Dag::of(&entries);
    let names =
        |needs: &Vec<usize>| needs.iter().map(|need| name(&steps[*need]).to_owned()).collect();
    dag.needs.iter().map(names).collect()
}

fn runs(needs: &[String]) -> String {
    match needs {
        [] => "at once".to_owned(),
        needs => format!("after {}", needs.join(", ")),
    }
}

/// Returns `step` with the captures it reads, and the step it counts from, under the new names of their steps.
fn with_names(step: &Value, renames: &BTreeMap<&str, &str>) -> Value {
    match step {
        Value::Object(map) => {
            let mut map = map.clone();
            if let Some(capture) = map.get_mut("capture").and_then(Value::as_object_mut) {
                let to =
                    capture.get("step").and_then(Value::as_str).and_then(|from| renames.get(from));
                if let Some(to) = to {
                    capture.insert("step".to_owned(), Value::String((*to).to_owned()));
                }
            }
            if let Some(since) = map.get_mut("await").and_then(|wait| wait.get_mut("since"))
                && let Some(to) = since.as_str().and_then(|from| renames.get(from))
            {
                *since = Value::String((*to).to_owned());
            }
            Value::Object(
                map.iter().map(|(key, value)| (key.clone(), with_names(value, renames))).collect(),
            )
        }
        Value::Array(items) => items.iter().map(|item| with_names(item, renames)).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => step.clone(),
    }
}

/// Returns a step's name.
pub(super) fn name(step: &Value) -> &str {
    step.get("name").and_then(Value::as_str).unwrap_or_default()
}

/// Returns whether a step is called by its place.
fn anonymous(step: &Value) -> bool {
    name(step).starts_with('#')
}

/// Returns the word of a step's action.
fn action_kind(step: &Value) -> Option<&String> {
    step.get("action").and_then(Value::as_object).and_then(|action| action.keys().next())
}

fn action(step: &Value) -> String {
    serde_json::from_value(step.clone())
        .map_or_else(|_| summary(&json(step)), |step| label::action(&step))
}

fn described(step: &Value, needs: &[String]) -> String {
    format!("{}, {}", action(step), runs(needs))
}
