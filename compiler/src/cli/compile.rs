//! `plan compile`: writes the artifact, or says whether one is stale.

use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use similar::TextDiff;

use super::files::{self, FileError};
use super::{CliError, OverrideArgs, findings};
use crate::artifact::{self, Artifact};
use crate::exit::Exit;
use crate::verify;

/// Unchanged lines around a change in a diff.
const CONTEXT_LINES: usize = 3;

/// Most lines of a diff that are shown.
const DIFF_LINES_MAX: usize = 400;

/// A diff that would take longer is given less finely.
const DIFF_TIME_MAX: Duration = Duration::from_secs(5);

/// Arguments of `plan compile`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
#[group(id = "target", required = true, multiple = false, args = ["output", "check"])]
pub struct CompileArgs {
    /// The plan
    #[arg(value_name = "PLAN")]
    plan: PathBuf,
    /// Writes the artifact to FILE; `-` is the standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Compares the artifact with FILE and exits 1 with a diff if FILE is stale
    #[arg(long, value_name = "FILE")]
    check: Option<PathBuf>,
    #[command(flatten)]
    overrides: OverrideArgs,
}

const EXAMPLES: &str = "Examples:
  plan compile plans/checkout.yaml -o checkout.json
  plan compile plans/checkout.yaml --check checkout.json
  plan compile plans/checkout.yaml -o - --var peak=50/s --seed 7";

pub(super) fn run(
    args: &CompileArgs,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<Exit, CliError> {
    let files = files::load_plan(&args.plan, None)?;
    let overrides = args.overrides.load()?;
    let Some(artifact) = findings::compile(&files, &overrides, err)? else {
        return Ok(Exit::Rejected);
    };
    // The pair of what a node checks: better here than on twenty machines.
    verify::verify(&artifact).map_err(CliError::Bug)?;
    match (&args.output, &args.check) {
        (Some(path), _) => write(&artifact, path, out),
        (None, Some(path)) => check(&artifact, path, out, err),
        (None, None) => Err(CliError::Flags("one of `-o FILE` and `--check FILE` is needed")),
    }
}

#[expect(clippy::disallowed_methods, reason = "the command line writes files for the compiler")]
fn write(artifact: &Artifact, path: &Path, out: &mut dyn Write) -> Result<Exit, CliError> {
    let bytes = artifact::to_bytes(artifact);
    if path == Path::new("-") {
        out.write_all(&bytes)?;
        return Ok(Exit::Passed);
    }
    let failed = |source| CliError::Write { path: path.display().to_string(), source };
    std::fs::write(path, bytes).map_err(failed)?;
    Ok(Exit::Passed)
}

fn check(
    artifact: &Artifact,
    path: &Path,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<Exit, CliError> {
    let shown = path.display();
    let there = match files::read(path, verify::BYTES_MAX as u64) {
        Ok(there) => there,
        Err(FileError::Read { source, .. }) if source.kind() == ErrorKind::NotFound => {
            writeln!(err, "`{shown}` is not there: compile the plan with `-o {shown}`")?;
            return Ok(Exit::Rejected);
        }
        Err(error) => return Err(error.into()),
    };
    let wanted = artifact::to_bytes(artifact);
    if there == wanted {
        return Ok(Exit::Passed);
    }
    let (old, new) = (String::from_utf8_lossy(&there), String::from_utf8_lossy(&wanted));
    let mut config = TextDiff::configure();
    let diff = config.timeout(DIFF_TIME_MAX).diff_lines(old.as_ref(), new.as_ref());
    let mut unified = diff.unified_diff();
    let compiled = format!("{shown} (compiled)");
    unified.context_radius(CONTEXT_LINES).header(&shown.to_string(), &compiled);
    let unified = unified.to_string();
    for line in unified.lines().take(DIFF_LINES_MAX) {
        writeln!(out, "{line}")?;
    }
    let more = unified.lines().count().saturating_sub(DIFF_LINES_MAX);
    if more > 0 {
        writeln!(err, "the diff has {more} more lines")?;
    }
    writeln!(err, "`{shown}` is stale: compile the plan again with `-o {shown}`")?;
    Ok(Exit::Rejected)
}
