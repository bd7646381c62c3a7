//! (pure) Lists of steps: each is a DAG, names differ, calls end.

use std::collections::{BTreeMap, BTreeSet};

use super::ensure;
use super::names::is_public_name;
use crate::artifact::limits::EXPANDED_MAX;
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

/// What a list of steps is made of once calls are written out.
#[derive(Default)]
struct Written<'a> {
    /// Steps of its own, those in blocks among them.
    steps: u64,
    /// How often each transaction is called.
    calls: BTreeMap<&'a str, u64>,
}

impl<'a> Written<'a> {
    fn of(steps: &'a [Step]) -> Written<'a> {
        let mut written = Written::default();
        written.add(steps);
        written
    }

    fn add(&mut self, steps: &'a [Step]) {
        for step in steps {
            self.steps += 1;
            if let Action::Call(call) = &step.action {
                *self.calls.entry(&call.transaction).or_default() += 1;
            }
            step.inner().into_iter().for_each(|inner| self.add(inner));
        }
    }

    /// Returns how many steps there are with those of what is called, whose numbers are `known`.
    fn expanded(&self, known: &BTreeMap<&str, u64>) -> u64 {
        let called = self.calls.iter().map(|(name, times)| {
            let steps = known.get(name).copied().unwrap_or(0);
            steps.saturating_mul(*times)
        });
        called.fold(self.steps, u64::saturating_add)
    }
}

/// Checks that no transaction calls itself, directly or over others, and that no list is endless once calls are written out.
pub(super) fn check_calls(artifact: &Artifact) -> Result<(), String> {
    let written: BTreeMap<&str, Written<'_>> = (artifact.transactions.iter())
        .map(|(name, called)| (name.as_str(), Written::of(&called.steps)))
        .collect();
    let mut open: BTreeMap<&str, usize> =
        written.iter().map(|(name, it)| (*name, it.calls.len())).collect();
    let mut callers: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, it) in &written {
        it.calls.keys().for_each(|called| callers.entry(called).or_default().push(name));
    }
    let few = |steps: u64| {
        let rule = || format!("a list has at most {EXPANDED_MAX} steps with those that it calls");
        ensure(steps <= EXPANDED_MAX, rule)
    };
    // What calls nothing that is still open ends; whatever never gets there calls itself.
    let mut ready: Vec<&str> =
        open.iter().filter(|(_, calls)| **calls == 0).map(|(name, _)| *name).collect();
    let mut known: BTreeMap<&str, u64> = BTreeMap::new();
    while let Some(name) = ready.pop() {
        let steps = written[name].expanded(&known);
        few(steps)?;
        known.insert(name, steps);
        for caller in callers.get(name).into_iter().flatten() {
            let Some(calls) = open.get_mut(caller) else { continue };
            *calls -= 1;
            if *calls == 0 {
                ready.push(caller);
            }
        }
    }
    ensure(known.len() == written.len(), || "no transaction calls itself".to_owned())?;
    let scenarios = artifact.scenarios.values();
    let lists = scenarios.flat_map(|scenario| [&scenario.before_each_user, &scenario.steps]);
    let lists = lists.chain([&artifact.before, &artifact.after]);
    lists.into_iter().try_for_each(|list| few(Written::of(list).expanded(&known)))
}
