//! `plan diff`: what changed between two plans or artifacts, by meaning.

use std::io::Write;
use std::path::PathBuf;

use super::explain::{FOR_PLANS, write_json};
use super::files::{self, Input};
use super::{CliError, OverrideArgs, findings};
use crate::artifact::Artifact;
use crate::diff;
use crate::exit::Exit;
use crate::model::Overrides;

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
    let (old, new) = (files::open(&args.old, None)?, files::open(&args.new, None)?);
    let plan = |input: &Input| matches!(input, Input::Plan(_));
    if args.overrides.any() && !plan(&old) && !plan(&new) {
        return Err(CliError::Flags(FOR_PLANS));
    }
    let overrides = args.overrides.load()?;
    let (old, new) = (side(old, &overrides, err)?, side(new, &overrides, err)?);
    let (Some(old), Some(new)) = (old, new) else { return Ok(Exit::Rejected) };
    let difference = diff::compare(&old, &new);
    match args.format {
        Format::Human => diff::human(&difference, out)?,
        Format::Markdown => diff::markdown(&difference, out)?,
        Format::Json => write_json(&difference, out)?,
    }
    Ok(if difference.equal { Exit::Passed } else { Exit::Rejected })
}

/// Returns one of the two, compiled with `overrides` if it is a plan.
fn side(
    input: Input,
    overrides: &Overrides,
    err: &mut dyn Write,
) -> Result<Option<Artifact>, CliError> {
    match input {
        Input::Artifact(artifact) => Ok(Some(*artifact)),
        Input::Plan(files) => findings::compile(&files, overrides, err),
    }
}
