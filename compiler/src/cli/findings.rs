//! Compiling for a command: what is found goes to standard error, rejected plans to the exit code.

use std::io::Write;

use super::{CliError, render};
use crate::Overrides;
use crate::artifact::Artifact;
use crate::diagnostic::Diagnostics;
use crate::source::Files;

/// Compiles the plan in `files` and writes what was found to `err`; `None` when the plan is rejected.
pub(super) fn compile(
    files: &Files,
    overrides: &Overrides,
    err: &mut dyn Write,
) -> Result<Option<Artifact>, CliError> {
    let mut sink = Diagnostics::new();
    let artifact = crate::compile(files, overrides, &mut sink);
    let clean = sink.is_clean();
    render::render(files, overrides, &sink.into_sorted(), err)?;
    Ok(artifact.filter(|_| clean))
}
