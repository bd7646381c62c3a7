//! (pure) What `check` found in all its files, and the counts that every format gives.

use std::collections::BTreeSet;

use crate::diagnostic::{Diagnostic, Severity};
use crate::source::{Files, Source, Span, Texts};

/// One plan with its parts, and what was found in them.
#[derive(Debug)]
pub(super) struct Checked {
    /// Their texts.
    pub(super) files: Files,
    /// What was found.
    pub(super) found: Vec<Diagnostic>,
}

/// One finding and the texts that its spans are in.
#[derive(Clone, Copy)]
pub(super) struct Finding<'c> {
    /// The texts.
    pub(super) files: &'c Files,
    /// What was found.
    pub(super) found: &'c Diagnostic,
}

impl<'c> Finding<'c> {
    /// Returns the text that `span` is in.
    pub(super) fn source(self, span: Span) -> &'c Source {
        self.files.text_of(span.file)
    }

    /// Returns the text that the finding is in.
    pub(super) fn own(self) -> &'c Source {
        self.source(self.found.primary.span)
    }
}

/// Returns what was found in all files by file, place and code; what several plans find in one part is there once.
pub(super) fn findings(checked: &[Checked]) -> Vec<Finding<'_>> {
    let mut all: Vec<Finding<'_>> = Vec::new();
    for plan in checked {
        all.extend(plan.found.iter().map(|found| Finding { files: &plan.files, found }));
    }
    let key = |one: &Finding<'_>| {
        let span = one.found.primary.span;
        (one.own().name().to_owned(), span.lo, span.hi, one.found.code, one.found.message.clone())
    };
    all.sort_by_cached_key(key);
    all.dedup_by(|b, a| key(a) == key(b));
    all
}

/// Returns how many files were checked.
pub(super) fn files(checked: &[Checked]) -> usize {
    let names = checked.iter().flat_map(|plan| plan.files.sources()).map(Source::name);
    names.collect::<BTreeSet<_>>().len()
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
pub(super) fn count(findings: &[Finding<'_>], severity: Severity) -> usize {
    findings.iter().filter(|finding| finding.found.severity == severity).count()
}

/// Returns the word of a severity, the same in every format.
pub(super) fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}
