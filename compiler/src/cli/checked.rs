//! [pure] What `check` found in all its files, and the counts that every format gives.

use crate::diagnostic::{Diagnostic, Severity};
use crate::source::{Source, Span};

/// One file and what was found in it, in source order.
#[derive(Debug)]
pub(super) struct Checked {
    /// Its text.
    pub(super) source: Source,
    /// What was found.
    pub(super) found: Vec<Diagnostic>,
}

/// A place as every machine format gives it: all four from 1, columns in characters, the end exclusive.
#[derive(Clone, Copy, Debug)]
pub(super) struct Region {
    pub(super) line: u32,
    pub(super) column: u32,
    pub(super) end_line: u32,
    pub(super) end_column: u32,
}

impl Region {
    /// Returns where `span` is in `source`.
    pub(super) fn of(source: &Source, span: Span) -> Region {
        let (lo, hi) = (source.place(span.lo), source.place(span.hi));
        Region { line: lo.line, column: lo.column, end_line: hi.line, end_column: hi.column }
    }
}

/// Returns how many findings have `severity`.
pub(super) fn count(files: &[Checked], severity: Severity) -> usize {
    files.iter().flat_map(|file| &file.found).filter(|found| found.severity == severity).count()
}

/// Returns the word of a severity, the same in every format.
pub(super) fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}
