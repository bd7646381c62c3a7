//! (pure) A step: exactly one action, and what that action has exactly one of.

use super::{Shape, children, has_broken};
use crate::diagnostic::Diagnostic;
use crate::schema::words;
use crate::syntax::{Kind, Node};

/// Keys of a step of which it has exactly one.
const ACTIONS: &[&str] = &[
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
];

const METHODS: &[&str] = &["get", "post", "put", "patch", "delete", "head", "options"];
const SOURCES: &[&str] = &["json", "header", "regex", "status"];

impl Shape<'_> {
    pub(super) fn step(&mut self, step: Node<'_>) {
        if step.is_hole() || !matches!(step.kind(), Kind::Map(_)) {
            return;
        }
        if !self.one_of(step, "step", ACTIONS, "plan::schema::action") {
            return;
        }
        if let Some((wait, _)) = step.entry("wait") {
            for key in ["expect", "capture", "timeout"] {
                if let Some((entry, _)) = step.entry(key) {
                    let message = format!("`{key}` has no meaning on a wait");
                    self.sink.push(
                        Diagnostic::error("plan::schema::action", entry.key_span, message)
                            .label("nothing is sent")
                            .also(wait.key_span, "this step waits")
                            .help("remove it, or move it to the step that sends the request"),
                    );
                }
            }
            return;
        }
        if step.entry("step").is_none() && !has_broken(step) {
            let mut actions = step.entries().map(|(entry, _)| entry);
            let action = actions.find(|entry| ACTIONS.contains(&entry.key.as_str()));
            let span = action.map_or(step.span(), |entry| entry.key_span);
            self.sink.push(words::missing_key("step", "step", span));
        }
        if let Some(http) = step.get("http") {
            self.one_of(http, "request", METHODS, "plan::schema::method");
        }
        self.action(step);
        for (_, capture) in children(step, "capture") {
            self.one_of(capture, "capture", SOURCES, "plan::schema::source");
        }
    }
}
