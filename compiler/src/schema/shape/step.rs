//! (pure) A step: exactly one action, and what that action has exactly one of.

use super::{Shape, children, has_broken};
use crate::diagnostic::Diagnostic;
use crate::schema::words;
use crate::syntax::{Kind, Node};

/// Keys of a step of which it has exactly one.
const ACTIONS: &[&str] = &["http", "wait"];

const METHODS: &[&str] = &["get", "post", "put", "patch", "delete", "head", "options"];
const BODIES: &[&str] = &["json", "form", "text", "file"];
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
            let span = step.entry("http").map_or(step.span(), |(entry, _)| entry.key_span);
            self.sink.push(words::missing_key("step", "step", span));
        }
        if let Some(http) = step.get("http") {
            self.one_of(http, "request", METHODS, "plan::schema::method");
            self.at_most_one(http, "request", BODIES, "plan::schema::body");
        }
        for (_, capture) in children(step, "capture") {
            self.one_of(capture, "capture", SOURCES, "plan::schema::source");
        }
    }
}
