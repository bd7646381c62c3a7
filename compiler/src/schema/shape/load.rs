//! (pure) `load`: one kind of load, and stages that are one thing each.

use super::{Shape, has_broken};
use crate::diagnostic::Diagnostic;
use crate::schema::first_line;
use crate::syntax::{Kind, Node};

impl Shape<'_> {
    pub(super) fn load(&mut self, load: Node<'_>) {
        if !self.one_of(load, "load", &["open", "closed"], "plan::schema::load") {
            return;
        }
        for stage in load.get("open").into_iter().flat_map(Node::items) {
            self.open_stage(stage);
        }
        let Some(closed) = load.get("closed") else {
            return;
        };
        for key in ["max_in_flight", "late_after"] {
            if let Some((entry, _)) = load.entry(key) {
                let message = format!("`{key}` has no meaning in a closed load");
                self.sink.push(
                    Diagnostic::error("plan::schema::load", entry.key_span, message)
                        .label("for open loads only")
                        .help("remove it: a closed load never has more in flight than users"),
                );
            }
        }
        let count = closed.items().filter(|stage| stage.entry("count").is_some()).count();
        for stage in closed.items() {
            self.closed_stage(stage);
            if count > 0 && closed.items().count() > 1 && stage.entry("count").is_some() {
                let help = "give the other stages a scenario of their own";
                self.stage(stage, "a stage with `count` must be the only one", help);
            }
        }
    }

    fn open_stage(&mut self, stage: Node<'_>) {
        const HELP: &str = "write `{ rate: 20/s, for: 2m }`, `{ rate: { to: 20/s }, for: 2m }`, \
                            `{ rate: 20/s, count: 100 }` or `{ pause: 10s }`";
        let has = |key: &str| stage.entry(key).is_some();
        let ramp = stage.get("rate").is_some_and(|rate| matches!(rate.kind(), Kind::Map(_)));
        let message = match (has("pause"), has("rate"), has("for"), has("count")) {
            (true, false, false, false) => return,
            (true, ..) => "a pause has nothing beside it",
            (_, false, ..) => "the stage has no `rate`",
            (_, _, true, true) => "the stage has both `for` and `count`",
            (_, _, false, false) => "the stage has no length",
            _ if ramp && has("count") => "a ramp cannot have a `count`",
            _ => return,
        };
        self.stage(stage, message, HELP);
    }

    fn closed_stage(&mut self, stage: Node<'_>) {
        const HELP: &str = "write `{ users: 5, for: 2m }`, `{ users: { to: 5 }, for: 2m }`, \
                            `{ users: 5, count: 100, within: 5m }` or `{ pause: 10s }`";
        let has = |key: &str| stage.entry(key).is_some();
        let ramp = stage.get("users").is_some_and(|users| matches!(users.kind(), Kind::Map(_)));
        let beside = has("for") || has("count") || has("within");
        let message = match (has("pause"), has("users"), has("for"), has("count"), has("within")) {
            (true, false, ..) if !beside => return,
            (true, ..) => "a pause has nothing beside it",
            (_, false, ..) => "the stage has no `users`",
            (_, _, true, true, _) => "the stage has both `for` and `count`",
            (_, _, true, _, true) => "the stage has both `for` and `within`",
            (_, _, _, true, false) => "the stage has a `count` but no `within`",
            (_, _, false, false, _) => "the stage has no length",
            _ if ramp && has("count") => "a ramp cannot have a `count`",
            _ => return,
        };
        self.stage(stage, message, HELP);
    }

    fn stage(&mut self, stage: Node<'_>, message: &str, help: &str) {
        if has_broken(stage) || self.holes.contains(&stage.id()) {
            return;
        }
        let span = first_line(self.source, stage.span(), None);
        self.sink.push(
            Diagnostic::error("plan::schema::stage", span, message).label("this stage").help(help),
        );
        self.holes.push(stage.id());
    }
}
