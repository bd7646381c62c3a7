//! `plan verify`: does an artifact hold, and who signed it.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::files::{self, FileError};
use super::{CliError, sign};
use crate::exit::Exit;
use crate::signature::{self, PublicKey};
use crate::verify;

/// Arguments of `plan verify`.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub struct VerifyArgs {
    /// The artifact; its signatures are in ARTIFACT.sig
    #[arg(value_name = "ARTIFACT")]
    artifact: PathBuf,
    /// A public key, or a file with one a line: one of them must have signed it; may be repeated
    #[arg(long, value_name = "KEY|FILE")]
    trust: Vec<String>,
}

const HELP: &str = "Exit codes: 0 everything holds, 95 something does not (or, with `--trust`, no \
trusted key signed it), 2 a file cannot be read.

Examples:
  plan verify checkout.json
  plan verify checkout.json --trust volley.key.pub
  plan verify checkout.json --trust ed25519:ZY7qD…";

pub(super) fn run(args: &VerifyArgs, out: &mut dyn Write) -> Result<Exit, CliError> {
    let trusted = trusted(&args.trust)?;
    let bytes = files::read(&args.artifact, verify::BYTES_MAX as u64)?;
    let signatures = sign::read_signatures(&sign::beside(&args.artifact))?;
    let path = args.artifact.display().to_string();
    let refused = |source| FileError::Artifact { path: path.clone(), source };
    let artifact = verify::load(&bytes).map_err(refused)?;
    writeln!(out, "artifact: `{}`, format {}", artifact.plan, artifact.artifact)?;
    writeln!(out, "digest: {} holds", artifact.digest)?;
    writeln!(out, "content: every rule of its format holds")?;
    let Some(signatures) = signatures else {
        writeln!(out, "signatures: none")?;
        return if trusted.is_empty() {
            Ok(Exit::Passed)
        } else {
            Err(CliError::Unsigned { path: path.clone() })
        };
    };
    let keys = signature::verify(&bytes, &signatures, &trusted);
    let keys = keys.map_err(|source| CliError::Signature { path: path.clone(), source })?;
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

/// Reads the values of `--trust`: keys as text, or files of them.
fn trusted(values: &[String]) -> Result<Vec<PublicKey>, CliError> {
    let mut keys = Vec::new();
    for value in values {
        let read = match value.starts_with("ed25519:") {
            true => value.parse().map(|key| vec![key]),
            false => signature::parse_public_keys(&sign::read_text(Path::new(value))?),
        };
        let read = read.map_err(|source| CliError::Key { path: value.clone(), source })?;
        if read.is_empty() {
            return Err(CliError::Flags("a file that `--trust` names holds no key"));
        }
        keys.extend(read);
    }
    Ok(keys)
}
