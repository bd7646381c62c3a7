//! (pure) `load`: one kind of load, and stages that are one thing each.

use super::{Shape, has_broken};
use crate::diagnostic::Diagnostic;
use crate::schema::{first_line, words};
use crate::syntax::{Entry, Kind, Node};

/// Keys of an open load alone.
const OPEN_KEYS: [&str; 4] = ["arrivals", "max_in_flight", "on_overload", "late_after"];

impl Shape<'_> {
    /// Reports a scenario that has two loads, or none and is in no mix; what is in a mix and has a load too is for the model.
    pub(super) fn one_load(&mut self, top: Node<'_>, entry: &Entry, scenario: Node<'_>) {
        match (scenario.entry("load"), scenario.entry("observe")) {
            (Some((load, _)), Some((observe, node))) => {
                self.sink.push(
                    Diagnostic::error(
                        "plan::schema::load",
                        observe.key_span,
                        "the scenario has both `load` and `observe`",
                    )
                    .label("starts nothing of its own")
                    .also(load.key_span, "starts transactions")
                    .help("keep one of them: a scenario that observes has no load"),
                );
                self.holes.push(node.id());
            }
            (None, None) if !has_broken(scenario) && matches!(scenario.kind(), Kind::Map(_)) => {
                let traffic = top.entry("traffic").map(|(_, node)| node);
                let mut mixes = traffic.into_iter().flat_map(Node::entries);
                let scenarios = top.get("scenarios");
                let exists = |name: &str| scenarios.is_some_and(|all| all.entry(name).is_some());
                // A name that is no scenario's may be this one's, misspelt.
                let strange =
                    |mix: Node<'_>| mix.entries().any(|(portion, _)| !exists(&portion.key));
                let holds = |node: Node<'_>| {
                    // A traffic that is broken may have held it.
                    let mix = node.entry("mix").map(|(_, mix)| mix);
                    mix.is_none_or(|mix| {
                        mix.is_hole() || mix.entry(&entry.key).is_some() || strange(mix)
                    })
                };
                let known =
                    traffic.is_some_and(Node::is_hole) || mixes.any(|(_, node)| holds(node));
                if !known {
                    self.sink.push(words::missing_key("load", "scenario", entry.key_span));
                }
            }
            _ => {}
        }
    }

    pub(super) fn load(&mut self, load: Node<'_>) {
        if !self.one_of(load, "load", &["open", "closed"], "plan::schema::load") {
            return;
        }
        for stage in load.get("open").into_iter().flat_map(Node::items) {
            self.open_stage(stage);
        }
        let Some(closed) = load.get("closed") else {
            let help = "remove it: users of an open load do not come again";
            self.only_for(load, &["pace"], ("an open", "closed"), help);
            return;
        };
        let help = "remove it: a closed load never has more in flight than users";
        self.only_for(load, &OPEN_KEYS, ("a closed", "open"), help);
        let count = closed.items().filter(|stage| is_counted(*stage)).count();
        for stage in closed.items() {
            self.closed_stage(stage);
            if count > 0 && closed.items().count() > 1 && is_counted(stage) {
                let help = "give the other stages a scenario of their own";
                let key = if stage.entry("count").is_some() { "count" } else { "count_each" };
                self.stage(stage, &format!("a stage with `{key}` must be the only one"), help);
            }
        }
    }

    /// Reports keys that a load of this kind does not have.
    fn only_for(&mut self, load: Node<'_>, keys: &[&str], (here, there): (&str, &str), help: &str) {
        for key in keys {
            if let Some((entry, _)) = load.entry(key) {
                let message = format!("`{key}` has no meaning in {here} load");
                self.sink.push(
                    Diagnostic::error("plan::schema::load", entry.key_span, message)
                        .label(format!("for {there} loads only"))
                        .help(help),
                );
            }
        }
    }

    fn open_stage(&mut self, stage: Node<'_>) {
        const HELP: &str = "write `{ rate: 20/s, for: 2m }`, `{ rate: { to: 20/s }, for: 2m }`, \
                            `{ rate: { min: 10/s, max: 20/s, every: 5s }, for: 2m }`, \
                            `{ rate: 20/s, count: 100 }` or `{ pause: 10s }`";
        let has = |key: &str| stage.entry(key).is_some();
        let ramp = stage.get("rate").is_some_and(|rate| matches!(rate.kind(), Kind::Map(_)));
        let message = match (has("pause"), has("rate"), has("for"), has("count")) {
            (true, false, false, false) => return,
            (true, ..) => "a pause has nothing beside it",
            (_, false, ..) => "the stage has no `rate`",
            (_, _, true, true) => "the stage has both `for` and `count`",
            (_, _, false, false) => "the stage has no length",
            _ if ramp && has("count") => "a rate that changes cannot have a `count`",
            _ => return self.changing_rate(stage, HELP),
        };
        self.stage(stage, message, HELP);
    }

    /// Reports a rate that is neither a whole ramp nor whole bounds of a draw.
    fn changing_rate(&mut self, stage: Node<'_>, help: &str) {
        let Some(rate) = stage.get("rate").filter(|rate| matches!(rate.kind(), Kind::Map(_)))
        else {
            return;
        };
        if has_broken(rate) {
            return;
        }
        let has = |key: &str| rate.entry(key).is_some();
        let drawn = has("min") || has("max") || has("every");
        if drawn && (has("from") || has("to")) {
            self.stage(stage, "a rate is a ramp or drawn between two, not both", help);
        } else if drawn {
            let missing = ["min", "max", "every"].into_iter().find(|key| !has(key));
            if let Some(missing) = missing {
                self.stage(stage, &format!("a rate that is drawn has no `{missing}`"), help);
            }
        } else if !has("to") {
            self.stage(stage, "a ramp has no `to`", help);
        }
    }

    fn closed_stage(&mut self, stage: Node<'_>) {
        const HELP: &str = "write `{ users: 5, for: 2m }`, `{ users: { to: 5 }, for: 2m }`, \
                            `{ users: 5, count: 100, within: 5m }`, \
                            `{ users: 5, count_each: 20, within: 5m }` or `{ pause: 10s }`";
        let has = |key: &str| stage.entry(key).is_some();
        let ramp = stage.get("users").is_some_and(|users| matches!(users.kind(), Kind::Map(_)));
        let counted = is_counted(stage);
        let count = if has("count_each") { "count_each" } else { "count" };
        let beside = has("for") || counted || has("within");
        let (both, no_within, ramp_count) = (
            format!("the stage has both `for` and `{count}`"),
            format!("the stage has a `{count}` but no `within`"),
            format!("a ramp cannot have a `{count}`"),
        );
        if has("count") && has("count_each") {
            return self.stage(stage, "the stage has both `count` and `count_each`", HELP);
        }
        let message = match (has("pause"), has("users"), has("for"), counted, has("within")) {
            (true, false, ..) if !beside => return,
            (true, ..) => "a pause has nothing beside it",
            (_, false, ..) => "the stage has no `users`",
            (_, _, true, true, _) => &both,
            (_, _, true, _, true) => "the stage has both `for` and `within`",
            (_, _, _, true, false) => &no_within,
            (_, _, false, false, _) => "the stage has no length",
            _ if ramp && counted => &ramp_count,
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

/// Returns whether a stage of a closed load ends by a number of iterations.
fn is_counted(stage: Node<'_>) -> bool {
    stage.entry("count").is_some() || stage.entry("count_each").is_some()
}
