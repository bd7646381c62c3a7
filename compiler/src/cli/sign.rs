//! `plan sign`: writes a signature into the file beside an artifact.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::files::{self, FileError};
use super::{CliError, write_failed};
use crate::exit::Exit;
use crate::signature::{self, SecretKey, SignatureError};
use crate::verify;

/// Arguments of `plan sign`.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub struct SignArgs {
    /// The artifact; it is verified before it is signed
    #[arg(value_name = "ARTIFACT")]
    artifact: PathBuf,
    /// A secret key that `plan keygen` wrote; others than its owner must not be able to read it
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
}

const HELP: &str = "The signature becomes a line of ARTIFACT.sig. Signatures of other keys stay, \
as long as they hold for the artifact as it is now.";

pub(super) fn run(args: &SignArgs, err: &mut dyn Write) -> Result<Exit, CliError> {
    let key = read_key(&args.key)?;
    let bytes = files::read(&args.artifact, verify::BYTES_MAX as u64)?;
    let refused =
        |source| FileError::Artifact { path: args.artifact.display().to_string(), source };
    verify::load(&bytes).map_err(refused)?;
    let path = beside(&args.artifact);
    let mut lines = Vec::new();
    let mut stale = 0;
    let refused =
        |source| CliError::Signature { path: args.artifact.display().to_string(), source };
    let there = read_signatures(&path)?.unwrap_or_default();
    for line in there.lines().filter(|line| !line.trim().is_empty()) {
        match signature::verify(&bytes, line, &[]) {
            Ok(keys) if keys.contains(&key.public()) => {}
            Ok(_) => lines.push(line.to_owned()),
            Err(SignatureError::Other { .. } | SignatureError::Broken { .. }) => stale += 1,
            // What is not understood is not thrown away.
            Err(source) => return Err(refused(source)),
        }
    }
    lines.push(signature::sign(&bytes, &key));
    if lines.len() > signature::SIGNATURES_MAX {
        return Err(refused(SignatureError::Count { count: lines.len() }));
    }
    let text = format!("{}\n", lines.join("\n"));
    files::replace(&path, text.as_bytes()).map_err(|source| write_failed(&path, source))?;
    if stale > 0 {
        let noun = if stale == 1 { "signature" } else { "signatures" };
        writeln!(err, "dropped {stale} {noun} of the artifact as it was before")?;
    }
    writeln!(err, "signed `{}` with `{}`", args.artifact.display(), key.public())?;
    Ok(Exit::Passed)
}

/// Returns where the signatures of the artifact at `path` are.
pub(super) fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".sig");
    PathBuf::from(name)
}

/// Reads a signature file; `None` when there is none.
pub(super) fn read_signatures(path: &Path) -> Result<Option<String>, FileError> {
    match read_text(path) {
        Ok(text) => Ok(Some(text)),
        Err(FileError::Read { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Reads a small text file; bytes that are no text become characters that no key or signature has.
pub(super) fn read_text(path: &Path) -> Result<String, FileError> {
    let bytes = files::read(path, signature::BYTES_MAX)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn read_key(path: &Path) -> Result<SecretKey, CliError> {
    ensure_private(path)?;
    let failed = |source| CliError::Key { path: path.display().to_string(), source };
    SecretKey::from_file_text(&read_text(path)?).map_err(failed)
}

/// Fails if others than the owner can read the file.
#[cfg(unix)]
fn ensure_private(path: &Path) -> Result<(), CliError> {
    use std::os::unix::fs::PermissionsExt;
    let shown = || path.display().to_string();
    let read = |source| CliError::File(FileError::Read { path: shown(), source });
    let mode = std::fs::metadata(path).map_err(read)?.permissions().mode();
    if mode & 0o077 == 0 { Ok(()) } else { Err(CliError::Exposed { path: shown() }) }
}

/// Other systems have no such bits.
#[cfg(not(unix))]
fn ensure_private(_path: &Path) -> Result<(), CliError> {
    Ok(())
}
