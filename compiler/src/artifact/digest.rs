//! (pure) Content digests: `blake3:` and 64 hex digits.

use super::{Artifact, canonical};

/// Returns the digest of some content, as artifacts and results spell it.
pub fn digest_of(bytes: &[u8]) -> String {
    spell(&blake3::hash(bytes))
}

/// Sets `artifact.digest` to the digest of its bytes with an empty digest; the last step of compiling.
pub fn seal_digest(artifact: &mut Artifact) {
    artifact.digest.clear();
    artifact.digest = digest_of(&canonical::to_bytes(artifact));
}

/// Returns the digest that `artifact` should have.
pub(crate) fn expected(artifact: &Artifact) -> String {
    let mut copy = artifact.clone();
    seal_digest(&mut copy);
    copy.digest
}

fn spell(hash: &blake3::Hash) -> String {
    format!("blake3:{}", hash.to_hex())
}

#[cfg(test)]
mod tests {
    use super::digest_of;

    #[test]
    fn a_digest_names_its_function() {
        let empty = "blake3:af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262";
        assert_eq!(digest_of(b""), empty);
    }
}
