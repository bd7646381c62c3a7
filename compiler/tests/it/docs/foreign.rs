//! The page about the words of other tools, written from the table that `plan check` answers from.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use compiler::schema::foreign_words;

use super::Page;
use super::markdown::cell;

/// Words of no tool in particular.
const ANY: &str = "other tools";

pub(super) fn page() -> Page {
    let mut tools: BTreeMap<&str, Vec<[&str; 2]>> = BTreeMap::new();
    for [tool, word, ours] in foreign_words() {
        tools.entry(tool).or_default().push([word, ours]);
    }
    let shared = tools.remove(ANY).unwrap_or_default();
    let mut text = String::from(
        "# Words of other tools\n\nWho writes one of these into a plan is told what stands here; `plan check --fix` replaces those that only have \
         another\nname. Spelling does not matter: `RampingVUs`, `ramping-vus` and `ramping_vus` are one word.\n\n[All pages](README.md)\n",
    );
    for (tool, words) in tools.into_iter().chain([("Several tools", shared)]) {
        writeln!(text, "\n## {tool}\n\n| there | in a plan |\n|---|---|").unwrap();
        for [word, ours] in words {
            // One of our values is given bare.
            let ours = if ours.contains('`') { ours.to_owned() } else { format!("`{ours}`") };
            writeln!(text, "| `{word}` | {} |", cell(&ours)).unwrap();
        }
    }
    Page { path: "docs/other-tools.md".into(), text }
}
