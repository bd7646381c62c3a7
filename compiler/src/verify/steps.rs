//! (pure) Lists of steps: each is a DAG, names differ, calls end.

use std::collections::{BTreeMap, BTreeSet};

use super::ensure;
use super::names::is_public_name;
use crate::artifact::{Action, Artifact, Step};

/// Returns the step named `name`, in blocks too.
pub(super) fn find<'a>(steps: &'a [Step], name: &str) -> Option<&'a Step> {
    steps.iter().find_map(|step| {
        let inner = || step.inner().into_iter().find_map(|inner| find(inner, name));
        if step.name == name { Some(step) } else { inner() }
    })
}

/// Returns whether a step is measured as `name`: `signed/login` is the step `login` of what `signed` calls.
pub(super) fn is_measured(artifact: &Artifact, steps: &[Step], name: &str) -> bool {
    let (first, rest) = name.split_once('/').map_or((name, None), |(a, b)| (a, Some(b)));
    match (find(steps, first).map(|step| &step.action), rest) {
        (None, _) => false,
        (Some(_), None) => true,
        (Some(Action::Call(call)), Some(rest)) => {
            let called = artifact.transactions.get(&call.transaction);
            called.is_some_and(|called| is_measured(artifact, &called.steps, rest))
        }
        (Some(_), Some(_)) => false,
    }
}

/// Checks that the steps of one transaction have names, each its own.
pub(super) fn check_names(steps: &[Step]) -> Result<(), String> {
    collect(steps, &mut BTreeSet::new())
}

fn collect<'a>(steps: &'a [Step], known: &mut BTreeSet<&'a str>) -> Result<(), String> {
    for step in steps {
        let name = &step.name;
        let nameless = name.strip_prefix('#').is_some_and(|n| n.parse::<u32>().is_ok());
        ensure(nameless || is_public_name(name), || format!("`{name}` is no name of a step"))?;
        ensure(nameless || known.insert(name), || "step names differ".to_owned())?;
        step.inner().into_iter().try_for_each(|inner| collect(inner, known))?;
    }
    Ok(())
}

/// Checks that step names differ, `needs` are known, and no step needs itself over others.
pub(super) fn check_dag(steps: &[Step]) -> Result<(), String> {
    let places: BTreeMap<&str, usize> =
        steps.iter().enumerate().map(|(at, step)| (step.name.as_str(), at)).collect();
    ensure(places.len() == steps.len(), || "step names differ".to_owned())?;
    let mut open = vec![0usize; steps.len()];
    let mut after: Vec<Vec<usize>> = vec![Vec::new(); steps.len()];
    for (at, step) in steps.iter().enumerate() {
        let needs: BTreeSet<&str> = step.needs.iter().map(String::as_str).collect();
        for need in needs {
            let found = places.get(need);
            let before = found.ok_or_else(|| format!("step `{need}` that is needed exists"))?;
            after[*before].push(at);
            open[at] += 1;
        }
    }
    let mut ready: Vec<usize> = (0..steps.len()).filter(|at| open[*at] == 0).collect();
    let mut done = 0;
    while let Some(at) = ready.pop() {
        done += 1;
        for next in &after[at] {
            open[*next] -= 1;
            if open[*next] == 0 {
                ready.push(*next);
            }
        }
    }
    ensure(done == steps.len(), || "no step needs itself, directly or over others".to_owned())
}

/// Checks that no transaction calls itself, directly or over others.
pub(super) fn check_calls(artifact: &Artifact) -> Result<(), String> {
    let mut open: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (name, called) in &artifact.transactions {
        let mut calls = BTreeSet::new();
        callees(&called.steps, &mut calls);
        open.insert(name, calls);
    }
    // What calls nothing that is still open ends; whatever never gets there calls itself.
    while !open.is_empty() {
        let ends = |calls: &BTreeSet<&str>| !calls.iter().any(|name| open.contains_key(name));
        let done: Vec<&str> =
            open.iter().filter(|(_, calls)| ends(calls)).map(|(name, _)| *name).collect();
        ensure(!done.is_empty(), || "no transaction calls itself".to_owned())?;
        done.into_iter().for_each(|name| {
            open.remove(name);
        });
    }
    Ok(())
}

fn callees<'a>(steps: &'a [Step], calls: &mut BTreeSet<&'a str>) {
    for step in steps {
        if let Action::Call(call) = &step.action {
            calls.insert(&call.transaction);
        }
        step.inner().into_iter().for_each(|inner| callees(inner, calls));
    }
}
