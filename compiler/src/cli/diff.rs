//! `plan diff`: what changed between two plans or artifacts, by meaning.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::explain::write_json;
use super::files::{self, Input};
use super::{CliError, OverrideArgs, findings};
use crate::artifact::Artifact;
use crate::diff;
use crate::exit::Exit;

/// Arguments of `plan diff`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct DiffArgs {
    /// The plan or artifact as it was
    #[arg(value_name = "OLD")]
    old: PathBuf,
    /// The plan or artifact as it is
    #[arg(value_name = "NEW")]
    new: PathBuf,
    /// How it is written
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
    #[command(flatten)]
    overrides: OverrideArgs,
}

const EXAMPLES: &str = "Examples:
  plan diff old.yaml new.yaml
  plan diff checkout.json plans/checkout.yaml --format markdown
  plan diff old.yaml new.yaml --var peak=50/s --environment prod

Exit codes: 0 no difference, 1 they differ or a plan is rejected, 2 a file or flag cannot be used, \
95 an artifact is refused.";

/// How a difference is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
enum Format {
    /// Lines for people
    Human,
    /// A table for a pull request
    Markdown,
    /// JSON for programs
    Json,
}

pub(super) fn run(
    args: &DiffArgs,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<Exit, CliError> {
    // Both are read before either decides: a report of two broken plans is worth one run.
    let old = side(&args.old, &args.overrides, err)?;
    let new = side(&args.new, &args.overrides, err)?;
    let (Some(old), Some(new)) = (old, new) else { return Ok(Exit::Rejected) };
    let difference = diff::compare(&old, &new);
    match args.format {
        Format::Human => diff::human(&difference, out)?,
        Format::Markdown => diff::markdown(&difference, out)?,
        Format::Json => write_json(&difference, out)?,
    }
    Ok(if difference.equal { Exit::Passed } else { Exit::Rejected })
}

/// Reads one of the two; the flags change it if it is a plan.
fn side(
    path: &Path,
    overrides: &OverrideArgs,
    err: &mut dyn Write,
) -> Result<Option<Artifact>, CliError> {
    match files::open(path, None)? {
        Input::Artifact(artifact) => Ok(Some(*artifact)),
        Input::Plan(files) => findings::compile(&files, &overrides.load()?, err),
    }
}
