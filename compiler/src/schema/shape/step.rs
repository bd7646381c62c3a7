//! (pure) A step: exactly one action, and what that action has exactly one of.

use super::{Shape, children, has_broken};
use crate::diagnostic::Diagnostic;
use crate::schema::steps::{ACTIONS, METHODS};
use crate::schema::words;
use crate::syntax::{Entry, Kind, Node};

/// Keys that mean something only beside some actions: what sends, what runs other steps.
const SENDING: &[&str] = &["expect", "capture", "metrics", "split_by"];
const FAILING: &[&str] = &["timeout", "on_fail", "retry"];

const SOURCES: &[&str] = &["json", "header", "regex", "status", "key", "subject"];
const METRIC_SOURCES: &[&str] = &["json", "header", "regex", "status", "key", "subject", "value"];

impl Shape<'_> {
    /// Checks the list of steps at `key`.
    pub(super) fn steps(&mut self, owner: Node<'_>, key: &str) {
        for step in owner.get(key).into_iter().flat_map(Node::items) {
            self.step(step);
        }
    }

    fn step(&mut self, step: Node<'_>) {
        if step.is_hole() || !matches!(step.kind(), Kind::Map(_)) {
            return;
        }
        if self.beside_block(step) || !self.one_of(step, "step", ACTIONS, "plan::schema::action") {
            return;
        }
        let found = step.entries().find(|(entry, _)| ACTIONS.contains(&entry.key.as_str()));
        let Some((action, _)) = found else { return };
        self.strangers(step, action);
        let nameless = matches!(action.key.as_str(), "wait" | "for_each" | "repeat" | "choose");
        if !nameless && step.entry("step").is_none() && !has_broken(step) {
            self.sink.push(words::missing_key("step", "step", action.key_span));
        }
        match action.key.as_str() {
            "for_each" | "repeat" => {
                if step.entry("steps").is_none() && !has_broken(step) {
                    self.sink.push(words::missing_key("steps", "step", action.key_span));
                    self.holes.push(step.id());
                }
                self.steps(step, "steps");
            }
            "choose" => self.choose(step),
            _ => self.answer(step),
        }
    }

    /// Reports an action that stands beside a block instead of inside of it; returns whether one does.
    fn beside_block(&mut self, step: Node<'_>) -> bool {
        let of = |keys: &[&str]| {
            let mut found = step.entries().map(|(entry, _)| entry);
            found.find(|entry| keys.contains(&entry.key.as_str()))
        };
        let blocks = ["for_each", "repeat"];
        let others: Vec<&str> =
            ACTIONS.iter().copied().filter(|key| !blocks.contains(key)).collect();
        let (Some(block), Some(action)) = (of(&blocks), of(&others)) else { return false };
        let message = format!("`{}` stands beside `{}`, not inside of it", action.key, block.key);
        self.sink.push(
            Diagnostic::error("plan::schema::action", action.key_span, message)
                .label("not in the block")
                .also(block.key_span, "runs the steps of its `steps`")
                .help(format!(
                    "write `steps:` below `{}`, and this as a step of that list",
                    block.key
                )),
        );
        self.holes.push(step.id());
        true
    }

    /// Reports keys that mean nothing beside the action of a step.
    fn strangers(&mut self, step: Node<'_>, action: &Entry) {
        let (strange, what, help): (&[&[&str]], _, _) = match action.key.as_str() {
            "wait" => (
                &[SENDING, FAILING, &["with", "steps"]],
                ("on a wait", "nothing is sent", "this step waits"),
                "remove it, or move it to the step that sends the request",
            ),
            "for_each" | "repeat" => (
                &[SENDING, FAILING, &["with"]],
                ("on a block", "a block sends nothing itself", "this is a block of steps"),
                "remove it, or move it to the steps inside",
            ),
            "choose" => (
                &[SENDING, FAILING, &["with", "steps"]],
                ("on a `choose`", "a block sends nothing itself", "this is a block of steps"),
                "move it into the branches, which have the steps",
            ),
            "call" => (
                &[SENDING, &["steps"]],
                ("on a call", "a call sends nothing itself", "this step calls a transaction"),
                "move it to the steps of the transaction; what the caller reads stands in its `returns`",
            ),
            _ => (
                &[&["with", "steps"]],
                ("here", "belongs to other steps", "this step sends"),
                "`with` belongs to a `call`, `steps` to a `for_each` or `repeat`",
            ),
        };
        for (entry, value) in step.entries() {
            let stranger = strange.iter().any(|keys| keys.contains(&entry.key.as_str()));
            if !stranger || value.is_hole() {
                continue;
            }
            let message = format!("`{}` has no meaning {}", entry.key, what.0);
            self.sink.push(
                Diagnostic::error("plan::schema::action", entry.key_span, message)
                    .label(what.1)
                    .also(action.key_span, what.2)
                    .help(help),
            );
            self.holes.push(entry.value);
        }
    }

    fn choose(&mut self, step: Node<'_>) {
        for branch in step.get("choose").into_iter().flat_map(Node::items) {
            if self.one_of(branch, "branch", &["when", "weight"], "plan::schema::branch") {
                self.steps(branch, "steps");
            }
        }
    }

    /// Checks what is sent, and what is made of the answer.
    fn answer(&mut self, step: Node<'_>) {
        if let Some(http) = step.get("http") {
            self.one_of(http, "request", METHODS, "plan::schema::method");
        }
        self.action(step);
        for (_, capture) in children(step, "capture") {
            self.one_of(capture, "capture", SOURCES, "plan::schema::source");
        }
        for (_, metric) in children(step, "metrics") {
            let kinds = ["trend", "counter", "gauge"];
            if self.one_of(metric, "metric", &kinds, "plan::schema::source") {
                for (_, source) in metric.entries() {
                    self.one_of(source, "metric", METRIC_SOURCES, "plan::schema::source");
                }
            }
        }
        if let Some(split) = step.get("split_by") {
            self.one_of(split, "split", SOURCES, "plan::schema::source");
        }
    }
}
