//! (pure) What parts may hold.

use super::Shape;
use crate::diagnostic::Diagnostic;
use crate::parts::{self, FRAGMENT, SECTIONS};
use crate::syntax::Node;

/// Keys of a part besides its sections.
const PART_KEYS: [&str; 3] = ["version", FRAGMENT, "include"];

impl Shape<'_> {
    /// Reports what a part of plans cannot hold.
    pub(super) fn part(&mut self, top: Node<'_>) {
        let Some((fragment, _)) = top.entry(FRAGMENT) else { return };
        for (entry, value) in top.entries() {
            let key = entry.key.as_str();
            if value.is_hole() || PART_KEYS.contains(&key) || SECTIONS.contains(&key) {
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
}
