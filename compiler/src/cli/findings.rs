//! Compiling for a command: what is found goes to standard error, rejected plans to the exit code.

use std::io::{self, Write};

use super::CliError;
use crate::Overrides;
use crate::artifact::Artifact;
use crate::diagnostic::{Diagnostic, Diagnostics, Severity};
use crate::source::{Files, Source};

/// Compiles the plan in `files` and writes what was found to `err`; `None` when the plan is rejected.
pub(super) fn compile(
    files: &Files,
    overrides: &Overrides,
    err: &mut dyn Write,
) -> Result<Option<Artifact>, CliError> {
    let mut sink = Diagnostics::new();
    let artifact = crate::compile(files, overrides, &mut sink);
    let clean = sink.is_clean();
    render(files, overrides, &sink.into_sorted(), err)?;
    Ok(artifact.filter(|_| clean))
}

/// Writes diagnostics for people.
///
/// # Errors
/// Only those of `out`.
pub fn render(
    files: &Files,
    overrides: &Overrides,
    diagnostics: &[Diagnostic],
    out: &mut dyn Write,
) -> io::Result<()> {
    for found in diagnostics {
        let severity = match found.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let span = found.primary.span;
        let known = [Some(files.plan()), overrides.var_file.as_ref()];
        let source: &Source = known
            .into_iter()
            .flatten()
            .find(|source| source.id() == span.file)
            .unwrap_or(files.plan());
        let place = source.place(span.lo);
        let (name, line, column) = (source.name(), place.line, place.column);
        writeln!(out, "{name}:{line}:{column}: {severity}[{}]: {}", found.code, found.message)?;
        if !found.help.is_empty() {
            writeln!(out, "  help: {}", found.help)?;
        }
    }
    Ok(())
}
