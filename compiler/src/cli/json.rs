//! Findings as one JSON document, format 1; keys in the order of the contract.

use std::io::{self, Write};

use serde::Serialize;

use super::checked::{Checked, Region, count, word};
use crate::diagnostic::{Diagnostic, Edit, Label, Severity};
use crate::source::Source;

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
    line: u32,
    column: u32,
    end_line: u32,
    end_column: u32,
}

/// Writes everything found in `files`.
pub(super) fn write(files: &[Checked], out: &mut dyn Write) -> io::Result<()> {
    let diagnostics = files
        .iter()
        .flat_map(|file| file.found.iter().map(|found| finding(&file.source, found)))
        .collect();
    let document = Document {
        format: 1,
        files: files.len(),
        errors: count(files, Severity::Error),
        warnings: count(files, Severity::Warning),
        diagnostics,
    };
    serde_json::to_writer_pretty(&mut *out, &document)?;
    writeln!(out)
}

fn finding<'c>(source: &'c Source, found: &'c Diagnostic) -> Finding<'c> {
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
        labels: labels.map(|label| marked(source, label)).collect(),
        fix: (!found.fix.is_empty()).then(|| fix(source, found)),
    }
}

fn fix<'c>(source: &Source, found: &'c Diagnostic) -> Fix<'c> {
    let change = |edit: &'c Edit| {
        let Region { line, column, end_line, end_column } = Region::of(source, edit.span);
        Change { line, column, end_line, end_column, text: &edit.text }
    };
    Fix { edits: found.fix.iter().map(change).collect() }
}

fn marked<'c>(source: &Source, label: &'c Label) -> Marked<'c> {
    let Region { line, column, end_line, end_column } = Region::of(source, label.span);
    Marked { message: &label.message, line, column, end_line, end_column }
}
