//! (pure) `--environment`: a named overlay on the plan; maps merge, everything else is replaced, spans stay.

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostic::{Diagnostic, Diagnostics, did_you_mean, nearest};
use crate::source::Source;
use crate::syntax::{Element, ElementId, Entry, Kind, Node, Tree};

/// Deepest mapping that is merged; the language nests less.
const DEPTH_MAX: usize = 32;

/// Returns `tree` with the environment `name` merged over it; an unknown name is reported.
pub(super) fn overlay(
    tree: &Tree,
    name: &str,
    source: &Source,
    sink: &mut Diagnostics,
) -> Option<Tree> {
    let top = tree.root();
    let section = top.entry("environments");
    if section.is_some_and(|(_, node)| node.is_hole()) {
        return None;
    }
    let Some((_, over)) = section.and_then(|(_, node)| node.entry(name)) else {
        let known = section.map(|(_, node)| node.entries().map(|(entry, _)| entry.key.as_str()));
        let help = match did_you_mean(name, known.into_iter().flatten()) {
            // The name is on the command line, so there is nothing to replace here.
            Some(close) => format!("did you mean `{close}`?"),
            None => "declare it under `environments`".to_owned(),
        };
        let span = section.map_or(source.span(0, 0), |(entry, _)| entry.key_span);
        let message = format!("the plan has no environment `{name}`");
        sink.push(
            Diagnostic::error("plan::override::unknown", span, message)
                .label("not declared here")
                .help(help),
        );
        return None;
    };
    if over.is_hole() {
        return None;
    }
    let mut merged = tree.clone();
    let over = over.id();
    merged.root = merge(&mut merged, tree.root().id(), over, 0);
    Some(merged)
}

/// Returns the environments of a plan, or the chosen one alone.
pub(super) fn of<'a>(
    top: Node<'a>,
    chosen: Option<&str>,
) -> impl Iterator<Item = (&'a Entry, Node<'a>)> {
    let all = top.get("environments").into_iter().flat_map(Node::entries);
    all.filter(move |(entry, _)| chosen.is_none_or(|name| entry.key == name))
}

/// Reports thresholds of the chosen environment, or of every one, that are neither the plan's nor whole.
pub(super) fn check(top: Node<'_>, chosen: Option<&str>, sink: &mut Diagnostics) {
    let own = top.entry("thresholds").map(|(_, node)| node);
    // A part that cannot be read may declare what an environment changes.
    if own.is_some_and(Node::is_hole) || top.tree().gaps {
        return;
    }
    let names: BTreeSet<&str> =
        own.into_iter().flat_map(Node::entries).map(|(entry, _)| entry.key.as_str()).collect();
    for (environment, node) in of(top, chosen) {
        for (entry, node) in node.get("thresholds").into_iter().flat_map(Node::entries) {
            let name = &entry.key;
            let known = names.contains(name.as_str());
            if known || node.is_hole() || node.entry("require").is_some() {
                continue;
            }
            let giver = format!("the environment `{}`", environment.key);
            let message = format!("{giver} changes `{name}`, which the plan does not declare");
            let found = Diagnostic::error("plan::override::unknown", entry.key_span, message)
                .label("no such threshold");
            sink.push(match nearest(name, names.iter().copied()) {
                Some(near) => found.suggest(near),
                None => found.help("give it a `require`, or declare it under `thresholds`"),
            });
        }
    }
}

/// Returns a new element: the mapping `base` with the entries of the mapping `over`.
fn merge(tree: &mut Tree, base: ElementId, over: ElementId, depth: usize) -> ElementId {
    let kinds = (tree.node(base).kind().clone(), tree.node(over).kind().clone());
    let (Kind::Map(mut entries), Kind::Map(added)) = kinds else { return over };
    if depth > DEPTH_MAX {
        return over;
    }
    let places: BTreeMap<String, usize> =
        entries.iter().enumerate().map(|(at, entry)| (entry.key.clone(), at)).collect();
    for entry in added.iter().cloned() {
        match places.get(&entry.key).copied() {
            Some(at) => {
                let value = merge(tree, entries[at].value, entry.value, depth + 1);
                entries[at] = Entry { value, ..entry };
            }
            None => entries.push(entry),
        }
    }
    let span = tree.node(base).value_span();
    let id = ElementId(u32::try_from(tree.elements.len()).unwrap_or(u32::MAX));
    tree.elements.push(Element { span, kind: Kind::Map(entries) });
    id
}
