//! `--trust`: whose signatures count; and the signatures beside an artifact.

use std::path::Path;

use super::{CliError, sign};
use crate::signature::{self, PublicKey};

/// Keys whose signatures count, for every command that has `--trust`.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct TrustArgs {
    /// A public key, or a file with one a line: one of them must have signed the artifact; may be repeated
    #[arg(long, value_name = "KEY|FILE")]
    trust: Vec<String>,
}

impl TrustArgs {
    /// Returns the keys; none without the flag.
    ///
    /// # Errors
    /// A file cannot be read or holds no key, or a text is no public key.
    pub fn keys(&self) -> Result<Vec<PublicKey>, CliError> {
        let mut keys = Vec::new();
        for value in &self.trust {
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
}

/// Returns the text of the file with the signatures of the artifact at `path`, whose bytes are `artifact`, and who
/// signed it; `None` without such a file.
///
/// # Errors
/// A signature does not hold for these bytes; with trusted keys also: none of them signed it.
pub fn signatures(
    path: &Path,
    artifact: &[u8],
    trusted: &[PublicKey],
) -> Result<Option<(String, Vec<PublicKey>)>, CliError> {
    let shown = || path.display().to_string();
    let Some(text) = sign::read_signatures(&sign::beside(path))? else {
        return if trusted.is_empty() {
            Ok(None)
        } else {
            Err(CliError::Unsigned { path: shown() })
        };
    };
    let keys = signature::verify(artifact, &text, trusted);
    let keys = keys.map_err(|source| CliError::Signature { path: shown(), source })?;
    Ok(Some((text, keys)))
}
