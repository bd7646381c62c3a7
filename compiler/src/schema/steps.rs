//! (pure) Where steps stand in the tree of a plan or part, and the keys that say what one does.

use crate::syntax::{Node, Tree};

/// Keys that say what a step does; a step has one of them.
pub(super) const ACTIONS: &[&str] = &[
    "http",
    "wait",
    "publish",
    "await",
    "browser",
    "websocket",
    "sse",
    "grpc",
    "sql",
    "tcp",
    "exec",
    "wasm",
    "call",
    "for_each",
    "repeat",
    "choose",
];

/// Keys of a request of which it has exactly one.
pub(super) const METHODS: &[&str] = &["get", "post", "put", "patch", "delete", "head", "options"];

/// Returns every entry of every list of steps, in blocks too, in the order of the lists; bodies and vars that look like steps are none.
pub(super) fn all(tree: &Tree) -> Vec<Node<'_>> {
    let mut steps = Vec::new();
    let top = tree.root();
    let under = |key: &str| top.get(key).into_iter().flat_map(Node::entries).map(|(_, node)| node);
    list(top, "before", &mut steps);
    list(top, "after", &mut steps);
    under("transactions").for_each(|transaction| list(transaction, "steps", &mut steps));
    for scenario in under("scenarios") {
        list(scenario, "before_each_user", &mut steps);
        list(scenario, "steps", &mut steps);
    }
    steps
}

/// Adds the steps of the list at `key` of `owner`, each before those inside of it.
fn list<'t>(owner: Node<'t>, key: &str, steps: &mut Vec<Node<'t>>) {
    for step in owner.get(key).into_iter().flat_map(Node::items) {
        steps.push(step);
        list(step, "steps", steps);
        for branch in step.get("choose").into_iter().flat_map(Node::items) {
            list(branch, "steps", steps);
        }
    }
}
