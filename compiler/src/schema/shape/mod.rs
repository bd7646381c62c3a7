//! (pure) What a schema says badly: exactly one of several keys, and keys that mean nothing beside others.

mod action;
mod load;
mod sections;
mod step;

use super::first_line;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::source::Source;
use crate::syntax::{ElementId, Entry, Kind, Node, Tree};

/// Reports what is not exactly one thing, and makes holes of it.
pub(super) fn check(source: &Source, tree: &mut Tree, sink: &mut Diagnostics) {
    let mut shape = Shape { source, sink, holes: Vec::new() };
    let top = tree.root();
    for (_, secret) in children(top, "secrets") {
        shape.one_of(secret, "secret", &["env", "file"], "plan::schema::source");
    }
    for (_, data) in children(top, "data") {
        shape.data(data);
    }
    action::connections(&mut shape, top);
    if let Some(nodes) = top.get("nodes") {
        for (entry, _) in children(nodes, "groups") {
            shape.group(entry);
        }
    }
    for (_, traffic) in children(top, "traffic") {
        if let Some(load) = traffic.get("load") {
            shape.load(load);
        }
    }
    shape.steps(top, "before");
    shape.steps(top, "after");
    for (_, transaction) in children(top, "transactions") {
        shape.steps(transaction, "steps");
    }
    for (entry, scenario) in children(top, "scenarios") {
        shape.one_load(top, entry, scenario);
        shape.scenario(scenario);
    }
    for id in shape.holes {
        tree.elements[id.0 as usize].kind = Kind::Hole;
    }
}

/// Reports what a part of plans cannot hold, and makes holes of it.
pub(super) fn check_part(source: &Source, tree: &mut Tree, sink: &mut Diagnostics) {
    let mut shape = Shape { source, sink, holes: Vec::new() };
    shape.part(tree.root());
    for id in shape.holes {
        tree.elements[id.0 as usize].kind = Kind::Hole;
    }
}

/// Returns the entries of the mapping at `key`.
fn children<'t>(node: Node<'t>, key: &str) -> impl Iterator<Item = (&'t Entry, Node<'t>)> {
    node.get(key).into_iter().flat_map(Node::entries)
}

struct Shape<'s> {
    source: &'s Source,
    sink: &'s mut Diagnostics,
    holes: Vec<ElementId>,
}

impl Shape<'_> {
    fn scenario(&mut self, scenario: Node<'_>) {
        if let Some(load) = scenario.get("load") {
            self.load(load);
        }
        self.steps(scenario, "before_each_user");
        self.steps(scenario, "steps");
    }

    /// Reports unless `node` has exactly one of `keys`; returns whether it has.
    fn one_of(&mut self, node: Node<'_>, thing: &str, keys: &[&str], code: &'static str) -> bool {
        if !matches!(node.kind(), Kind::Map(_)) {
            return false;
        }
        if node.entries().any(|(entry, _)| keys.contains(&entry.key.as_str())) {
            return self.at_most_one(node, thing, keys, code);
        }
        // An unknown key, already reported, may stand for one of them.
        if !has_broken(node) {
            let all = keys.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ");
            let span = first_line(self.source, node.span(), None);
            self.sink.push(
                Diagnostic::error(code, span, format!("the {thing} has none of {all}"))
                    .label(format!("this {thing}"))
                    .help("write exactly one of them"),
            );
        }
        self.holes.push(node.id());
        false
    }

    /// Reports if `node` has two of `keys`; returns whether it has not.
    fn at_most_one(
        &mut self,
        node: Node<'_>,
        thing: &str,
        keys: &[&str],
        code: &'static str,
    ) -> bool {
        // Of what is broken was said enough.
        let whole = node.entries().filter(|(_, value)| !value.is_hole()).map(|(entry, _)| entry);
        let mut found = whole.filter(|entry| keys.contains(&entry.key.as_str()));
        let (Some(first), Some(second)) = (found.next(), found.next()) else {
            return true;
        };
        let message = format!("the {thing} has both `{}` and `{}`", first.key, second.key);
        self.sink.push(
            Diagnostic::error(code, second.key_span, message)
                .label("second")
                .also(first.key_span, "first")
                .help("keep exactly one of them"),
        );
        self.holes.push(node.id());
        false
    }
}

/// Returns whether something in the mapping was reported already.
fn has_broken(node: Node<'_>) -> bool {
    node.is_hole() || node.entries().any(|(_, value)| value.is_hole())
}
