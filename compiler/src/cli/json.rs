//! Findings as one JSON document, format 1.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::checked::{Checked, Region, count, word};
use crate::diagnostic::{Diagnostic, Severity};
use crate::source::Source;

/// Writes everything found in `files`.
pub(super) fn write(files: &[Checked], out: &mut dyn Write) -> io::Result<()> {
    let findings = files
        .iter()
        .flat_map(|file| file.found.iter().map(|found| finding(&file.source, found)))
        .collect::<Vec<Value>>();
    let document = json!({
        "format": 1,
        "files": files.len(),
        "errors": count(files, Severity::Error),
        "warnings": count(files, Severity::Warning),
        "diagnostics": findings,
    });
    serde_json::to_writer_pretty(&mut *out, &document)?;
    writeln!(out)
}

fn finding(source: &Source, found: &Diagnostic) -> Value {
    let place = Region::of(source, found.primary.span);
    let labels = std::iter::once(&found.primary).chain(&found.more).map(|label| {
        let place = Region::of(source, label.span);
        json!({
            "message": label.message,
            "line": place.line,
            "column": place.column,
            "end_line": place.end_line,
            "end_column": place.end_column,
        })
    });
    json!({
        "code": found.code,
        "severity": word(found.severity),
        "message": found.message,
        "help": found.help,
        "file": source.name(),
        "line": place.line,
        "column": place.column,
        "end_line": place.end_line,
        "end_column": place.end_column,
        "labels": labels.collect::<Vec<Value>>(),
    })
}
