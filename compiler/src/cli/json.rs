//! Findings as one JSON document, format 1; keys in the order of the contract.

use std::io::{self, Write};

use serde::Serialize;

use super::checked::{Finding as Found, Region, count, word};
use crate::diagnostic::{Label, Severity};

#[derive(Serialize)]
struct Document<'c> {
    format: u32,
    files: usize,
    errors: usize,
    warnings: usize,
    diagnostics: Vec<Finding<'c>>,
}

#[derive(Serialize)]
struct Finding<'c> {
    code: &'static str,
    severity: &'static str,
    message: &'c str,
    help: &'c str,
    file: &'c str,
    line: u32,
    column: u32,
    end_line: u32,
    end_column: u32,
    labels: Vec<Marked<'c>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<Fix<'c>>,
}

/// Changes that end the finding, all of them together.
#[derive(Serialize)]
struct Fix<'c> {
    edits: Vec<Change<'c>>,
}

/// Text that replaces a place.
#[derive(Serialize)]
struct Change<'c> {
    line: u32,
    column: u32,
    end_line: u32,
    end_column: u32,
    text: &'c str,
}

/// A label; the first is the primary one.
#[derive(Serialize)]
struct Marked<'c> {
    message: &'c str,
    /// The file, if it is another than the finding's.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'c str>,
    line: u32,
    column: u32,
    end_line: u32,
    end_column: u32,
}

/// Writes `found`, which was found in that many files.
pub(super) fn write(found: &[Found<'_>], files: usize, out: &mut dyn Write) -> io::Result<()> {
    let document = Document {
        format: 1,
        files,
        errors: count(found, Severity::Error),
        warnings: count(found, Severity::Warning),
        diagnostics: found.iter().map(|one| finding(*one)).collect(),
    };
    serde_json::to_writer_pretty(&mut *out, &document)?;
    writeln!(out)
}

fn finding(one: Found<'_>) -> Finding<'_> {
    let (source, found) = (one.own(), one.found);
    let Region { line, column, end_line, end_column } = Region::of(source, found.primary.span);
    let labels = std::iter::once(&found.primary).chain(&found.more);
    Finding {
        code: found.code,
        severity: word(found.severity),
        message: &found.message,
        help: &found.help,
        file: source.name(),
        line,
        column,
        end_line,
        end_column,
        labels: labels.map(|label| marked(one, label)).collect(),
        fix: (!found.fix.is_empty()).then(|| fix(one)),
    }
}

fn fix(one: Found<'_>) -> Fix<'_> {
    let changes = one.found.fix.iter().map(|edit| {
        let Region { line, column, end_line, end_column } =
            Region::of(one.source(edit.span), edit.span);
        Change { line, column, end_line, end_column, text: &edit.text }
    });
    Fix { edits: changes.collect() }
}

fn marked<'c>(one: Found<'c>, label: &'c Label) -> Marked<'c> {
    let source = one.source(label.span);
    let Region { line, column, end_line, end_column } = Region::of(source, label.span);
    let elsewhere = label.span.file != one.found.primary.span.file;
    let file = elsewhere.then(|| source.name());
    Marked { message: &label.message, file, line, column, end_line, end_column }
}
