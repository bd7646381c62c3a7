//! Findings as SARIF 2.1.0, which code-scanning services read.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{self, Write};

use serde_json::{Value, json};

use super::checked::{Finding, Region, word};
use crate::code;
use crate::diagnostic::{Edit, Label};
use crate::source::{Source, Span};

/// Writes `findings`.
pub(super) fn write(findings: &[Finding<'_>], out: &mut dyn Write) -> io::Result<()> {
    let codes: BTreeSet<&str> = findings.iter().map(|one| one.found.code).collect();
    let rules = codes.into_iter().map(rule).collect::<Vec<Value>>();
    let results = findings.iter().map(|one| result(*one)).collect::<Vec<Value>>();
    let document = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "volley plan",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    serde_json::to_writer_pretty(&mut *out, &document)?;
    writeln!(out)
}

fn rule(code: &str) -> Value {
    let known = code::find(code);
    json!({
        "id": code,
        "shortDescription": { "text": known.map_or(code, |known| known.title) },
        "fullDescription": { "text": known.map_or(code, |known| known.explanation) },
    })
}

fn result(one: Finding<'_>) -> Value {
    let found = one.found;
    let related = found.more.iter().map(|label| location(one, label)).collect::<Vec<Value>>();
    let mut result = json!({
        "ruleId": found.code,
        "level": word(found.severity),
        "message": { "text": format!("{}; {}", found.message, found.help) },
        "locations": [location(one, &found.primary)],
        "relatedLocations": related,
    });
    if !found.fix.is_empty() {
        result["fixes"] = json!([fix(one)]);
    }
    result
}

fn fix(one: Finding<'_>) -> Value {
    let (source, found) = (one.own(), one.found);
    let replacement = |edit: &Edit| {
        json!({
            "deletedRegion": region(source, edit.span),
            "insertedContent": { "text": edit.text },
        })
    };
    json!({
        "description": { "text": found.help },
        "artifactChanges": [{
            "artifactLocation": { "uri": uri(source.name()) },
            "replacements": found.fix.iter().map(replacement).collect::<Vec<Value>>(),
        }],
    })
}

fn location(one: Finding<'_>, label: &Label) -> Value {
    let source = one.source(label.span);
    json!({
        "physicalLocation": {
            "artifactLocation": { "uri": uri(source.name()) },
            "region": region(source, label.span),
        },
        "message": { "text": label.message },
    })
}

fn region(source: &Source, span: Span) -> Value {
    let place = Region::of(source, span);
    json!({
        "startLine": place.line,
        "startColumn": place.column,
        "endLine": place.end_line,
        "endColumn": place.end_column,
    })
}

/// Returns a path as a relative reference of RFC 3986.
fn uri(path: &str) -> String {
    let path = path.replace('\\', "/");
    let mut uri = String::with_capacity(path.len());
    for byte in path.strip_prefix("./").unwrap_or(&path).bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _written = write!(uri, "%{byte:02X}");
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    #[test]
    fn paths_are_references() {
        assert_eq!(super::uri("./a b/é.yaml"), "a%20b/%C3%A9.yaml");
    }
}
