//! All stages in a row: a plan's text and the files it names become diagnostics, and an artifact if there is no error.

use std::collections::BTreeMap;

use crate::artifact::Artifact;
use crate::diagnostic::Diagnostics;
use crate::source::{Files, Source};

/// What a caller changes of a plan before it is compiled; the command line's flags.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// `--var k=v`: texts, read as the type that the plan gives the var.
    pub vars: BTreeMap<String, String>,
    /// `--var-file`: a YAML mapping from names to values.
    pub var_file: Option<Source>,
    /// `--environment`: one of the plan's `environments`.
    pub environment: Option<String>,
    /// `--seed`: replaces the plan's.
    pub seed: Option<u64>,
}

/// Compiles the plan in `files`, or reports to `sink` why it cannot.
///
/// The artifact is sealed: its digest holds. `check` is this with the artifact thrown away.
pub fn compile(files: &Files, overrides: &Overrides, sink: &mut Diagnostics) -> Option<Artifact> {
    let _ = (files, overrides, sink);
    None
}

/// Returns the paths of the data and body files that `plan` names, as written, each once, in order of the text.
pub fn file_paths(plan: &Source) -> Vec<String> {
    let _ = plan;
    Vec::new()
}
