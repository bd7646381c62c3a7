//! (pure) Entries that YAML puts elsewhere than they were meant: a step without its dash, a key one level too far left.

use std::collections::BTreeSet;

use super::fault::{Fault, Violation, known_keys};
use super::steps::{self, ACTIONS};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::source::Source;
use crate::syntax::{ElementId, Kind, Node, Tree, decoded};

/// Keys without a value whose neighbours are looked at.
const MET_MAX: usize = 100;

/// Reports steps that go on in the step before, and returns what is broken by that.
pub(super) fn dashes(source: &Source, tree: &Tree, sink: &mut Diagnostics) -> Vec<ElementId> {
    let mut broken = Vec::new();
    for step in steps::all(tree) {
        if let Some(found) = lost_dash(source, step) {
            sink.push(found);
            broken.push(step.id());
        }
    }
    broken
}

/// Reports a `step` that is not the first key of its entry, with an action above it and one below.
fn lost_dash(source: &Source, item: Node<'_>) -> Option<Diagnostic> {
    let is_action = |key: &str| ACTIONS.contains(&key);
    let at = item.entries().position(|(entry, _)| entry.key == "step").filter(|at| *at > 0)?;
    let above = item.entries().take(at).find(|(entry, _)| is_action(&entry.key))?.0;
    item.entries().skip(at).find(|(entry, _)| is_action(&entry.key))?;
    let (entry, _) = item.entries().nth(at)?;
    let lo = entry.key_span.lo as usize;
    let lead = source.text().get(lo.checked_sub(2)?..lo)?;
    let found = Diagnostic::error(
        "plan::schema::action",
        entry.key_span,
        "a step begins here without its dash",
    )
    .label("belongs to the entry above")
    .also(above.key_span, "which does this already")
    .help("begin each step with a dash: `- step: …`");
    Some(if lead == "  " { found.fix(source.span(lo - 2, lo), "- ") } else { found })
}

/// Reports keys that stand beside the mapping in which they are missing, and returns which `faults` are told by that.
pub(super) fn outdented(tree: &Tree, faults: &[Fault], sink: &mut Diagnostics) -> Vec<bool> {
    let mut told = vec![false; faults.len()];
    beside_nothing(tree, faults, &mut told, sink);
    for at in 0..faults.len() {
        let Violation::MissingKey(key) = &faults[at].violation else { continue };
        if told[at] {
            continue;
        }
        let Some((parent, _)) = faults[at].pointer.rsplit_once('/') else { continue };
        let beside = format!("{parent}/{key}");
        let follows = |fault: &Fault| {
            let below = fault.pointer.strip_prefix(&beside);
            let unknown = matches!(&fault.violation, Violation::UnknownKey(other) if other == key);
            below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
                || (unknown && fault.pointer == parent)
        };
        let (Some(holder), Some(moved)) =
            (tree.pointer(&faults[at].pointer), tree.pointer(&beside))
        else {
            continue;
        };
        let (Some(holder_span), Some(moved_span)) = (holder.key_span, moved.key_span) else {
            continue;
        };
        if moved_span < holder_span || !faults.iter().any(follows) {
            continue;
        }
        let name = faults[at].pointer.rsplit('/').next().unwrap_or_default();
        let message = format!("`{key}` stands beside `{name}` and not in it");
        sink.push(
            Diagnostic::error("plan::schema::missing-key", moved_span, message)
                .label("one level too far left")
                .also(holder_span, format!("has no `{key}`"))
                .help(format!("indent `{key}` and what belongs to it by two more spaces")),
        );
        for (told, fault) in told.iter_mut().zip(faults) {
            *told = *told || follows(fault);
        }
        told[at] = true;
    }
    told
}

/// Reports what stands beside a key without a value and was meant as that value; marks the faults that this tells.
fn beside_nothing(tree: &Tree, faults: &[Fault], told: &mut [bool], sink: &mut Diagnostics) {
    let unknown: BTreeSet<(&str, &str)> = faults
        .iter()
        .filter_map(|fault| match &fault.violation {
            Violation::UnknownKey(key) => Some((fault.pointer.as_str(), key.as_str())),
            _ => None,
        })
        .collect();
    let mut met = 0;
    for at in 0..faults.len() {
        let Violation::Type(types) = &faults[at].violation else { continue };
        let pointer = faults[at].pointer.as_str();
        let (Some((parent, name)), Some(holder)) =
            (pointer.rsplit_once('/'), tree.pointer(pointer))
        else {
            continue;
        };
        let null =
            matches!(holder.node.kind(), Kind::Null) && types.iter().any(|of| of == "object");
        let Some(siblings) = tree.pointer(parent).filter(|_| null) else { continue };
        let Some(holder_span) = holder.key_span else { continue };
        met += 1;
        if met > MET_MAX {
            return;
        }
        let inner = known_keys(&faults[at].context);
        // What follows and is known inside; of names, what the mapping around does not know.
        let after = siblings.node.entries().filter(|(entry, _)| entry.key_span > holder_span);
        let moved: Vec<_> = after
            .take_while(|(entry, _)| match inner.is_empty() {
                true => unknown.contains(&(parent, entry.key.as_str())),
                false => inner.contains(&entry.key),
            })
            .collect();
        let Some((first, _)) = moved.first() else { continue };
        let message = format!("`{}` stands beside `{name}` and not in it", first.key);
        sink.push(
            Diagnostic::error("plan::schema::type", first.key_span, message)
                .label("one level too far left")
                .also(holder_span, "has no value")
                .help(format!(
                    "indent it, and what follows, by two more spaces: it belongs to `{name}`"
                )),
        );
        told[at] = true;
        let moved: BTreeSet<&str> = moved.iter().map(|(entry, _)| entry.key.as_str()).collect();
        for (fault, told) in faults.iter().zip(told.iter_mut()) {
            let Some(below) = fault.pointer.strip_prefix(parent) else { continue };
            let inside = match (below.strip_prefix('/'), &fault.violation) {
                (Some(below), _) => {
                    let token = below.split('/').next().unwrap_or(below);
                    moved.contains(decoded(token).as_str())
                }
                (None, Violation::UnknownKey(key)) => {
                    below.is_empty() && moved.contains(key.as_str())
                }
                (None, _) => false,
            };
            *told = *told || inside;
        }
    }
}
