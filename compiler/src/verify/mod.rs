//! (pure) Reading an artifact back: format, digest, then everything that the engine takes for granted.
//!
//! The pair of sealing: the compiler promises, this checks, on every machine that is handed an artifact.

mod driver;
mod load;
mod names;
mod placement;
mod scope;
mod steps;
mod traffic;

use serde::Deserialize;

use crate::artifact::{Artifact, FORMAT, expected, to_bytes};

/// Largest artifact that is read, in bytes.
pub const BYTES_MAX: usize = 64 << 20;

/// Why bytes are no artifact that may run.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ArtifactError {
    /// More than [`BYTES_MAX`].
    #[error("it has {bytes} bytes, more than the {BYTES_MAX} that are read")]
    TooLarge {
        /// How many it has.
        bytes: usize,
    },
    /// Not JSON, or JSON without a format version.
    #[error("it is no artifact: {reason}")]
    NotAnArtifact {
        /// What the parser says.
        reason: String,
    },
    /// A format of another time.
    #[error("it has artifact format {found}; this program reads format {FORMAT}")]
    Format {
        /// What it has.
        found: String,
    },
    /// A field too many, too few, or of another type.
    #[error("it does not have the shape of artifact format {FORMAT}: {reason}")]
    Shape {
        /// What the parser says, with line and column.
        reason: String,
    },
    /// The bytes are not those that were sealed.
    #[error("its digest does not hold: it says `{stated}`, its content gives `{actual}`")]
    Digest {
        /// What it says.
        stated: String,
        /// What it should say.
        actual: String,
    },
    /// The digest holds, but the bytes are spelled in another way than the sealed ones.
    #[error("its digest does not hold: line {line} is not spelled as it was sealed")]
    Spelling {
        /// First line that differs, from 1.
        line: usize,
    },
    /// Sealed, but not what a compiler of this format makes.
    #[error("it breaks a rule of its format: {rule}")]
    Invariant {
        /// Which rule, and where.
        rule: String,
    },
}

/// The first thing that is read, so that another format is named instead of its shape blamed.
#[derive(Deserialize)]
struct Head {
    artifact: Option<serde_json::Value>,
}

/// Returns the artifact in `bytes` after checking format, digest and invariants. Never panics.
///
/// # Errors
/// The first check that fails.
pub fn load(bytes: &[u8]) -> Result<Artifact, ArtifactError> {
    if bytes.len() > BYTES_MAX {
        return Err(ArtifactError::TooLarge { bytes: bytes.len() });
    }
    let no_artifact = |reason: String| ArtifactError::NotAnArtifact { reason };
    let head: Head = serde_json::from_slice(bytes).map_err(|e| no_artifact(e.to_string()))?;
    match head.artifact {
        None => return Err(no_artifact("it has no `artifact` field with a format version".into())),
        Some(format) if format.as_u64() == Some(u64::from(FORMAT)) => {}
        Some(format) => return Err(ArtifactError::Format { found: format.to_string() }),
    }
    let artifact: Artifact = serde_json::from_slice(bytes)
        .map_err(|error| ArtifactError::Shape { reason: error.to_string() })?;
    let actual = expected(&artifact);
    if actual != artifact.digest {
        return Err(ArtifactError::Digest { stated: artifact.digest, actual });
    }
    check_spelling(bytes, &to_bytes(&artifact))?;
    verify(&artifact)?;
    Ok(artifact)
}

/// Checks what every artifact of this format keeps; its digest is not looked at.
///
/// # Errors
/// The first rule that is broken.
pub fn verify(artifact: &Artifact) -> Result<(), ArtifactError> {
    let checks = [names::check, placement::check, load::check];
    checks
        .iter()
        .try_for_each(|check| check(artifact).map_err(|rule| ArtifactError::Invariant { rule }))
}

fn check_spelling(bytes: &[u8], sealed: &[u8]) -> Result<(), ArtifactError> {
    if bytes == sealed {
        return Ok(());
    }
    let same = bytes.iter().zip(sealed).take_while(|(a, b)| a == b);
    let line = same.filter(|(byte, _)| **byte == b'\n').count() + 1;
    Err(ArtifactError::Spelling { line })
}

/// Fails with `rule` unless it holds.
fn ensure(holds: bool, rule: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(rule()) }
}
