//! (pure) The one spelling of an artifact: JSON with one field a line, in the order of the structs.

use std::io;

use super::Artifact;

/// Returns the bytes of `artifact`: two spaces of indentation, one trailing newline.
pub fn to_bytes(artifact: &Artifact) -> Vec<u8> {
    let mut bytes = Vec::new();
    // Writing to memory cannot fail, and every map of an artifact has text keys.
    if write_to(artifact, &mut bytes).is_err() {
        bytes.clear();
    }
    bytes
}

/// Writes what [`to_bytes`] returns.
///
/// # Errors
/// Only those of `out`.
pub(super) fn write_to(artifact: &Artifact, mut out: impl io::Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut out, artifact)?;
    out.write_all(b"\n")
}
