//! Markdown and YAML as the pages spell them.

use compiler::syntax::{Entry, Kind, Node};
use serde_json::Value;

/// Returns `text` as it stands in a cell of a table.
pub(super) fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

/// Returns `text` as code, also where it holds backticks.
pub(super) fn code(text: &str) -> String {
    if text.contains('`') { format!("`` {text} ``") } else { format!("`{text}`") }
}

/// Returns the anchor that a heading gets.
pub(super) fn anchor(heading: &str) -> String {
    let kept = heading.trim().chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

/// Returns the lines of `text` outside of code blocks.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut fenced = false;
    text.lines().filter(move |line| {
        let fence = line.starts_with("```");
        fenced ^= fence;
        !fenced && !fence && !line.starts_with("    ")
    })
}

/// Returns the anchors of all headings of a page.
pub(super) fn anchors(text: &str) -> impl Iterator<Item = String> {
    let headings = prose(text).filter(|line| line.starts_with('#'));
    headings.map(|line| anchor(line.trim_start_matches('#')))
}

/// Returns the targets of all links and pictures of a page.
pub(super) fn links(text: &str) -> Vec<String> {
    let targets = prose(text).flat_map(|line| line.split("](").skip(1));
    targets.filter_map(|rest| Some(rest.split_once(')')?.0.to_owned())).collect()
}

/// Returns `node` as YAML on one line.
pub(super) fn inline(node: Node<'_>) -> String {
    match node.kind() {
        Kind::Null => "null".to_owned(),
        Kind::Bool(value) => value.to_string(),
        Kind::Int(text) | Kind::Number(text) => text.clone(),
        Kind::Str { value, .. } => scalar(value),
        Kind::Seq(_) => {
            let items: Vec<String> = node.items().map(inline).collect();
            format!("[{}]", items.join(", "))
        }
        Kind::Map(entries) if entries.is_empty() => "{}".to_owned(),
        Kind::Map(_) => {
            let entry = |(entry, node): (&Entry, Node<'_>)| {
                format!("{}: {}", scalar(&entry.key), inline(node))
            };
            let entries: Vec<String> = node.entries().map(entry).collect();
            format!("{{ {} }}", entries.join(", "))
        }
        Kind::Alias(_) | Kind::Hole => panic!("the schema is plain JSON"),
    }
}

/// Returns `text` as it is written in a flow collection: plain where that is read back as the same text.
fn scalar(text: &str) -> String {
    const WORDS: [&str; 10] = ["true", "false", "null", "yes", "no", "on", "off", "y", "n", "~"];
    let starts = text.starts_with(|c: char| c.is_alphanumeric() || "/$<.".contains(c));
    let plain = text.chars().all(|c| c.is_alphanumeric() || "/$<=._%+-()*^@!; ".contains(c));
    let other = text.parse::<f64>().is_ok() || WORDS.contains(&text.to_lowercase().as_str());
    let address = text.starts_with(|c: char| c.is_alphabetic())
        && text.chars().all(|c| c.is_alphanumeric() || "/:._-".contains(c))
        && !text.ends_with(':');
    if (starts && plain || address) && !other && text == text.trim() {
        text.to_owned()
    } else if text.contains(['\\', '"']) && !text.contains(['\'', '\n']) {
        format!("'{text}'")
    } else {
        Value::String(text.to_owned()).to_string()
    }
}

#[test]
fn what_is_written_inline_is_read_back() {
    let texts = [
        "200/s",
        "007",
        "true",
        "a: b",
        "{{ vars.x }}",
        "$.items[0].id",
        "it's \"so\"",
        "x,y",
        "http://127.0.0.1:8080",
        "",
        "a #b",
        "> 0",
        "< 800ms",
        "(\\d+)",
        "*",
        "a:",
        "1e3",
        "- x",
    ];
    for text in texts {
        let line = format!("{{ key: {} }}", scalar(text));
        let source = compiler::source::Source::new(compiler::source::FileId(0), "x", line.clone());
        let mut sink = compiler::diagnostic::Diagnostics::new();
        let tree = compiler::syntax::parse(&source, &mut sink).unwrap();
        assert_eq!(tree.root().get("key").unwrap().as_str(), Some(text), "{line}");
    }
}
