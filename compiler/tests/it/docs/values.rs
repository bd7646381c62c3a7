//! The page about kinds of values: durations, rates and the like, with their units.

use std::fmt::Write as _;

use super::Page;
use super::keys::{is_list, is_mapping};
use super::schema::Schema;

/// What the index says of the page.
pub(super) const WHAT: &str = "durations, rates, shares, sizes, names, texts";

pub(super) fn page(schema: &Schema) -> Page {
    let mut text = String::from(
        "# Values\n\nA quantity carries its unit. Every value may hold [templates](templates.md); in the quantities here a template is \
         decided\nwhen the plan is compiled.\n\n[All pages](../README.md)\n\n",
    );
    for name in schema
        .definitions()
        .iter()
        .filter(|name| !is_mapping(schema, name) && !is_list(schema, name))
    {
        let pointer = format!("/$defs/{name}");
        let own = schema.at(&pointer);
        writeln!(text, "## {name}\n\n{}\n", own["description"].as_str().unwrap_or_default())
            .unwrap();
        let examples = schema.examples(&pointer);
        let bounds = [("minimum", "at least"), ("maximum", "at most")];
        for (key, words) in bounds {
            if let Some(bound) = own[key].as_u64() {
                writeln!(text, "A number is {words} {bound}.\n").unwrap();
            }
        }
        if !examples.is_empty() {
            let examples: Vec<String> = examples.iter().map(|value| format!("`{value}`")).collect();
            writeln!(text, "Examples: {}\n", examples.join(", ")).unwrap();
        }
    }
    Page { path: "docs/language/values.md".into(), text: format!("{}\n", text.trim_end()) }
}
