//! `plan verify`: does an artifact hold, and who signed it.

use std::io::Write;
use std::path::PathBuf;

use super::CliError;
use super::files::{self, FileError};
use super::trust::{self, TrustArgs};
use crate::exit::Exit;
use crate::verify;

/// Arguments of `plan verify`.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub struct VerifyArgs {
    /// The artifact; its signatures are in ARTIFACT.sig
    #[arg(value_name = "ARTIFACT")]
    artifact: PathBuf,
    #[command(flatten)]
    trust: TrustArgs,
}

const HELP: &str = "Exit codes: 0 everything holds, 95 something does not (or, with `--trust`, no \
trusted key signed it), 2 a file cannot be read.

Examples:
  plan verify checkout.json
  plan verify checkout.json --trust volley.key.pub
  plan verify checkout.json --trust ed25519:ZY7qD…";

pub(super) fn run(args: &VerifyArgs, out: &mut dyn Write) -> Result<Exit, CliError> {
    let trusted = args.trust.keys()?;
    let bytes = files::read(&args.artifact, verify::BYTES_MAX as u64)?;
    let path = args.artifact.display().to_string();
    let refused = |source| FileError::Artifact { path: path.clone(), source };
    let artifact = verify::load(&bytes).map_err(refused)?;
    writeln!(out, "artifact: `{}`, format {}", artifact.plan, artifact.artifact)?;
    writeln!(out, "digest: {} holds", artifact.digest)?;
    writeln!(out, "content: every rule of its format holds")?;
    let signatures = trust::signatures(&args.artifact, &bytes, &trusted);
    if matches!(signatures, Ok(None) | Err(CliError::Unsigned { .. })) {
        writeln!(out, "signatures: none")?;
    }
    let Some((_, keys)) = signatures? else { return Ok(Exit::Passed) };
    for key in keys {
        let trust = match (trusted.is_empty(), trusted.contains(&key)) {
            (true, _) => "holds; whom to trust was not said (`--trust`)",
            (false, true) => "holds, trusted",
            (false, false) => "holds, not trusted",
        };
        writeln!(out, "signature: {key} {trust}")?;
    }
    Ok(Exit::Passed)
}
