//! The proof about captures, held against every way that a small transaction can go: whatever is accepted reads no capture
//! that was not made.

use std::collections::BTreeSet;

use arbtest::arbitrary::{Result, Unstructured};
use compiler::artifact::{Action, Artifact, Body, Filter, Json, OnFail, Slot, SlotSource, Step};
use compiler::diagnostic::Diagnostics;
use compiler::source::{FileId, Files, Source};
use compiler::{Overrides, compile};

/// Ways of one transaction that are tried at most.
const WAYS_MAX: usize = 20_000;

/// Writes a list of steps, `depth` blocks deep; `names` counts the steps.
fn list(u: &mut Unstructured<'_>, depth: usize, names: &mut usize, out: &mut String) -> Result<()> {
    let indent = " ".repeat(6 + 6 * depth);
    for _ in 0..u.int_in_range(1..=3)? {
        let own = *names;
        *names += 1;
        let when = if u.ratio(1, 4)? { ", when: vars.w" } else { "" };
        let kind = if depth < 2 && *names < 8 { u.int_in_range(0..=6)? } else { 6 };
        match kind {
            0 => out.push_str(&format!("{indent}- {{ for_each: vars.l{when}, steps: [ ")),
            1 => out.push_str(&format!("{indent}- {{ repeat: 2{when}, steps: [ ")),
            2 => out.push_str(&format!("{indent}- {{ choose: [ {{ when: vars.w, steps: [ ")),
            _ => {}
        }
        match kind {
            0 | 1 => {
                flow_list(u, depth + 1, names, out)?;
                out.push_str(" ] }\n");
            }
            2 => {
                flow_list(u, depth + 1, names, out)?;
                out.push_str(" ] }, { weight: 1, steps: [ ");
                flow_list(u, depth + 1, names, out)?;
                out.push_str(" ] } ] }\n");
            }
            _ => {
                let step = step(u, own, when)?;
                out.push_str(&format!("{indent}- {step}\n"));
            }
        }
    }
    Ok(())
}

/// Writes the same in brackets.
fn flow_list(
    u: &mut Unstructured<'_>,
    depth: usize,
    names: &mut usize,
    out: &mut String,
) -> Result<()> {
    for at in 0..u.int_in_range(1..=2)? {
        if at > 0 {
            out.push_str(", ");
        }
        let own = *names;
        *names += 1;
        let when = if u.ratio(1, 4)? { ", when: vars.w" } else { "" };
        let nested = depth < 3 && *names < 8 && u.ratio(1, 3)?;
        if nested {
            out.push_str(&format!("{{ repeat: 2{when}, steps: [ "));
            flow_list(u, depth + 1, names, out)?;
            out.push_str(" ] }");
        } else {
            out.push_str(&step(u, own, when)?);
        }
    }
    Ok(())
}

/// Writes a step that captures, and may read what another one captures.
fn step(u: &mut Unstructured<'_>, own: usize, when: &str) -> Result<String> {
    let on_fail = if u.ratio(1, 5)? { ", on_fail: continue" } else { "" };
    let default = if u.ratio(1, 5)? { ", default: 1" } else { "" };
    let mut body = String::new();
    if own > 0 && u.ratio(1, 2)? {
        let last = if u.ratio(1, 6)? { own + 1 } else { own - 1 };
        let from = u.int_in_range(0..=last)?;
        let filter = if u.ratio(1, 5)? { " | default(1)" } else { "" };
        body = format!(", json: \"{{{{ s{from}.x{filter} }}}}\"");
    }
    Ok(format!(
        "{{ step: s{own}{when}{on_fail}, http: {{ post: /{body} }}, capture: {{ x: {{ json: $.x{default} }} }} }}"
    ))
}

fn plan(steps: &str) -> String {
    format!(
        "version: 1\nname: p\nvars: {{ w: true, l: [1] }}\nendpoints: {{ e: {{ http: {{ base_url: http://a }} }} }}\nscenarios:\n  one:\n    load: {{ closed: [ {{ users: 1, for: 9s }} ] }}\n    steps:\n{steps}"
    )
}

/// Decisions of one way through a transaction, and the next way.
#[derive(Default)]
struct Way {
    taken: Vec<(usize, usize)>,
    at: usize,
}

impl Way {
    /// Returns which of `count` things happens here.
    fn decide(&mut self, count: usize) -> usize {
        if self.at == self.taken.len() {
            self.taken.push((0, count));
        }
        self.at += 1;
        self.taken[self.at - 1].0
    }

    /// Goes to the next way; `false` behind the last.
    fn next(&mut self) -> bool {
        self.at = 0;
        while let Some((choice, count)) = self.taken.pop() {
            if choice + 1 < count {
                self.taken.push((choice + 1, count));
                return true;
            }
        }
        false
    }
}

/// Runs a list; `Err` if it reads what was not captured.
fn run(steps: &[Step], way: &mut Way, made: &mut BTreeSet<String>) -> std::result::Result<(), ()> {
    for step in steps {
        if step.when.is_some() && way.decide(2) == 1 {
            continue;
        }
        match &step.action {
            Action::ForEach(block) => {
                for _ in 0..way.decide(3) {
                    run(&block.steps, way, &mut made.clone())?;
                }
            }
            Action::Repeat(block) => {
                // What a turn captured is gone in the next one.
                let outside = made.clone();
                for turn in 0..2 {
                    let mut own = outside.clone();
                    run(&block.steps, way, &mut own)?;
                    if turn == 1 {
                        *made = own;
                    }
                }
            }
            Action::Choose(choose) => {
                let branch = way.decide(choose.branches.len());
                run(&choose.branches[branch].steps, way, made)?;
            }
            Action::Http(http) => {
                if let Body::Json(Json::Slot(slot)) = &http.body {
                    reads(slot, made)?;
                }
                if step.on_fail != OnFail::Continue || way.decide(2) == 0 {
                    made.insert(step.name.clone());
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// Returns the steps whose capture has a default: it is there whether or not its step ran.
fn defaults(steps: &[Step]) -> BTreeSet<String> {
    let own = steps.iter().filter(|step| step.capture.iter().any(|c| c.default.is_some()));
    let inner = steps.iter().flat_map(Step::inner).flat_map(defaults);
    own.map(|step| step.name.clone()).chain(inner).collect()
}

fn reads(slot: &Slot, made: &BTreeSet<String>) -> std::result::Result<(), ()> {
    let SlotSource::Capture { step, .. } = &slot.from else { return Ok(()) };
    let has_default = slot.filters.iter().any(|filter| matches!(filter, Filter::Default(_)));
    if has_default || made.contains(step) { Ok(()) } else { Err(()) }
}

fn compiled(text: &str) -> (Option<Artifact>, Vec<&'static str>) {
    let mut sink = Diagnostics::new();
    let artifact = compile(
        &Files::new(Source::new(FileId(0), "p.yaml", text)),
        &Overrides::default(),
        &mut sink,
    );
    let errors = sink.into_sorted().into_iter();
    let errors = errors.filter(|found| found.severity == compiler::diagnostic::Severity::Error);
    (artifact, errors.map(|found| found.code).collect())
}

#[test]
fn what_is_accepted_reads_no_capture_that_is_missing() {
    let mut accepted = 0;
    arbtest::arbtest(|u| {
        let (mut steps, mut names) = (String::new(), 0);
        list(u, 0, &mut names, &mut steps)?;
        let text = plan(&steps);
        let (artifact, errors) = compiled(&text);
        let Some(artifact) = artifact else {
            let known = [
                "plan::variable::unbound",
                "plan::variable::maybe-unbound",
                "plan::capture::unknown",
            ];
            assert!(errors.iter().all(|code| known.contains(code)), "{text}\n{errors:?}");
            return Ok(());
        };
        accepted += 1;
        let steps = &artifact.scenarios["one"].steps;
        let mut way = Way::default();
        for _ in 0..WAYS_MAX {
            let ran = run(steps, &mut way, &mut defaults(steps));
            assert!(ran.is_ok(), "{text}\n{:?}", way.taken);
            if !way.next() {
                break;
            }
        }
        Ok(())
    })
    .budget_ms(1_500);
    assert!(accepted > 0);
}
