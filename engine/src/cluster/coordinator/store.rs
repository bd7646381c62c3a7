//! What agents fetch by digest: the artifact and its files, in chunks.

use std::collections::BTreeMap;

use bytes::Bytes;
use compiler::artifact::digest_of;

use crate::cluster::Job;
use crate::cluster::wire::{
    self, CHUNK_BYTES_MAX, Chunk, FromCoordinator, Get, HEAD_RESERVE, V, WireError,
};

/// Content by digest.
#[derive(Debug, Default)]
pub(crate) struct Store(BTreeMap<String, Bytes>);

impl Store {
    pub(crate) fn new(job: &Job) -> Store {
        let mut contents = job.files.clone();
        let signatures = job.signatures.iter();
        contents.extend(signatures.map(|text| (digest_of(text), text.clone())));
        contents.insert(job.artifact.digest.clone(), job.artifact_bytes.clone());
        Store(contents)
    }

    /// Answers `get` with a message of at most `payload_max` bytes; a count of 0 says that the digest is not known.
    ///
    /// The size of a chunk must not change during a run, so it does not depend on `payload_max` unless that is small.
    pub(crate) fn chunk(
        &self,
        nonce: &str,
        get: &Get,
        payload_max: usize,
    ) -> Result<Bytes, WireError> {
        let size = CHUNK_BYTES_MAX.min(payload_max.saturating_sub(HEAD_RESERVE)).max(1024);
        let content = self.0.get(&get.digest);
        let length = content.map_or(0, Bytes::len);
        let index = usize::try_from(get.index).unwrap_or(usize::MAX);
        let from = index.saturating_mul(size).min(length);
        let to = from.saturating_add(size).min(length);
        let count = content.map_or(0, |content| content.len().div_ceil(size).max(1));
        let head = FromCoordinator::Chunk(Chunk {
            v: V,
            nonce: nonce.to_owned(),
            digest: get.digest.clone(),
            index: get.index,
            count: u32::try_from(count).unwrap_or(u32::MAX),
            size: u64::try_from(length).unwrap_or(u64::MAX),
        });
        let chunk = content.map(|content| content.slice(from..to)).unwrap_or_default();
        wire::encode(&head, &chunk)
    }
}
