//! (pure) What parts may hold, and where data is from.

use super::Shape;
use crate::diagnostic::Diagnostic;
use crate::parts::{self, FRAGMENT, SECTIONS};
use crate::schema::fault;
use crate::syntax::{Entry, Node};

/// The group of the node inside `volley run`.
const COORDINATOR: &str = "coordinator";

/// Keys of a part besides its sections.
const PART_KEYS: [&str; 3] = ["version", FRAGMENT, "include"];

impl Shape<'_> {
    /// Reports what a part of plans cannot hold.
    pub(super) fn part(&mut self, top: Node<'_>) {
        let Some((fragment, _)) = top.entry(FRAGMENT) else { return };
        for (entry, value) in top.entries() {
            let key = entry.key.as_str();
            let known = fault::known_keys("plan").iter().any(|known| known == key);
            // Other keys are no keys at all.
            if !known || value.is_hole() || PART_KEYS.contains(&key) || SECTIONS.contains(&key) {
                continue;
            }
            let help = match key {
                "vars" | "secrets" => {
                    format!(
                        "declare them in the plan: `{key}` of the plan are read in its parts too"
                    )
                }
                _ => format!("move it to the plan; a part holds {}", parts::sections()),
            };
            let message = format!("a part of plans cannot hold `{key}`");
            self.sink.push(
                Diagnostic::error("plan::include::content", entry.key_span, message)
                    .label("not in a part")
                    .also(fragment.key_span, "this file is a part")
                    .help(help),
            );
            self.holes.push(entry.value);
        }
    }

    /// Reports a group with the name of the coordinator's.
    pub(super) fn group(&mut self, entry: &Entry) {
        if entry.key != COORDINATOR {
            return;
        }
        let message = format!("the group `{COORDINATOR}` cannot be declared");
        self.sink.push(
            Diagnostic::error("plan::group::reserved", entry.key_span, message)
                .label("always there")
                .help("choose another name, or place scenarios with `runs_on: [coordinator]`: one seat, inside `volley run`"),
        );
        self.holes.push(entry.value);
    }

    /// Reports data that is not from exactly one place, and keys that belong to the other.
    pub(super) fn data(&mut self, data: Node<'_>) {
        if !self.one_of(data, "data", &["file", "from"], "plan::schema::source") {
            return;
        }
        let Some((entry, value)) = data.entry("on_end").filter(|(_, value)| !value.is_hole())
        else {
            return;
        };
        let take = data.get("take").and_then(Node::as_str);
        let (message, label, help, place) = match (data.entry("file"), take) {
            (Some((file, _)), _) => (
                "`on_end` has no meaning for a file",
                "for lists of `from` only",
                "remove it: that a file has rows enough is proven when compiling",
                file.key_span,
            ),
            (None, Some("circular" | "random")) => (
                "`on_end` has no meaning where rows are taken again",
                "for `take: unique` only",
                "remove it, or say `take: unique`",
                data.entry("take").map_or(entry.key_span, |(take, _)| take.key_span),
            ),
            _ => return,
        };
        self.sink.push(
            Diagnostic::error("plan::schema::source", entry.key_span, message)
                .label(label)
                .also(place, "because of this")
                .help(help),
        );
        self.holes.push(value.id());
    }
}
