//! (pure) The messages of protocol `volley/1`: one JSON line, then optional binary. Strict: an unknown kind or a missing
//! field is refused, an unknown field is ignored.

mod message;
mod presence;
mod window;

use std::collections::BTreeMap;

use bytes::{BufMut, Bytes, BytesMut};
use serde::Serialize;
use serde::de::DeserializeOwned;

pub use self::message::{
    Armed, Beat, Chunk, Delta, DeltaAck, Final, FinalAck, FinalReport, FromAgent, FromCoordinator,
    Get, Go, Hello, Hint, HintWant, Kept, Order, Phase, Range, ScenarioOrder, ShareOrder, Status,
    StopOrder, V, Verdict, Want, Welcome,
};
pub use self::presence::{Claimant, Presence};
pub use self::window::{decode_window, encode_window};

/// The protocol's version.
pub const VERSION: u32 = 1;

/// Longest JSON line in bytes; what is larger travels in the binary.
pub const HEAD_BYTES_MAX: usize = 64 * 1024;

/// Largest chunk of an artifact or data file, in bytes: a quarter of the smallest usual `max_payload`.
pub const CHUNK_BYTES_MAX: usize = 256 * 1024;

/// Most parts of one delta or final report: the parts that have come are one bit each.
pub const PARTS_MAX: u32 = 64;

/// Largest window or final report, in bytes.
pub const BODY_BYTES_MAX: usize = 32 << 20;

/// Room for the JSON line in a message of the broker's largest size, in bytes.
pub const HEAD_RESERVE: usize = 4 * 1024;

/// Why bytes are no message.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum WireError {
    /// No line end within [`HEAD_BYTES_MAX`].
    #[error("message without a head of at most {HEAD_BYTES_MAX} bytes")]
    NoHead,
    /// The head is no message of this protocol.
    #[error("bad message head: {0}")]
    Head(String),
    /// The binary is no window.
    #[error("bad window: {0}")]
    Window(String),
    /// The binary is larger than all parts may be.
    #[error("{0} bytes do not fit into {PARTS_MAX} parts, or are more than {BODY_BYTES_MAX}")]
    TooLarge(usize),
}

/// Returns `message` as a JSON line followed by `binary`.
///
/// # Errors
/// The line is longer than [`HEAD_BYTES_MAX`].
pub fn encode<T: Serialize>(message: &T, binary: &[u8]) -> Result<Bytes, WireError> {
    let head = serde_json::to_vec(message).map_err(|error| WireError::Head(error.to_string()))?;
    if head.len() > HEAD_BYTES_MAX {
        return Err(WireError::NoHead);
    }
    let mut bytes = BytesMut::with_capacity(head.len() + 1 + binary.len());
    bytes.put_slice(&head);
    bytes.put_u8(b'\n');
    bytes.put_slice(binary);
    Ok(bytes.freeze())
}

/// Returns the message at the start of `bytes` and the binary behind it, without copying that.
///
/// # Errors
/// No line, or it is no message of type `T`.
pub fn decode<T: DeserializeOwned>(bytes: &Bytes) -> Result<(T, Bytes), WireError> {
    let within = bytes.len().min(HEAD_BYTES_MAX + 1);
    let end = bytes[..within].iter().position(|byte| *byte == b'\n').ok_or(WireError::NoHead)?;
    let message = serde_json::from_slice(&bytes[..end])
        .map_err(|error| WireError::Head(error.to_string()))?;
    Ok((message, bytes.slice(end + 1..)))
}

/// Cuts `body` into parts that fit into messages of `payload_max` bytes; at least one part.
///
/// # Errors
/// It would take more than [`PARTS_MAX`] parts.
pub fn split(body: &Bytes, payload_max: usize) -> Result<Vec<Bytes>, WireError> {
    let size = payload_max.saturating_sub(HEAD_RESERVE).max(1024);
    if body.len() > size.saturating_mul(PARTS_MAX as usize).min(BODY_BYTES_MAX) {
        return Err(WireError::TooLarge(body.len()));
    }
    if body.is_empty() {
        return Ok(vec![Bytes::new()]);
    }
    let starts = (0..body.len()).step_by(size);
    Ok(starts.map(|from| body.slice(from..body.len().min(from + size))).collect())
}

/// Puts parts together again; what comes twice or out of order changes nothing.
#[derive(Clone, Debug, Default)]
pub struct Assembly {
    parts: BTreeMap<u32, Bytes>,
    count: u32,
    bytes: usize,
}

impl Assembly {
    /// Takes part `part` of `count`; one that contradicts the others, is out of range or would make the whole larger
    /// than [`BODY_BYTES_MAX`] is left out.
    pub fn put(&mut self, part: u32, count: u32, bytes: Bytes) {
        let fits = count > 0 && count <= PARTS_MAX && part < count;
        let fits = fits && (self.count == 0 || self.count == count);
        if fits && !self.parts.contains_key(&part) && self.bytes + bytes.len() <= BODY_BYTES_MAX {
            self.count = count;
            self.bytes += bytes.len();
            self.parts.insert(part, bytes);
        }
    }

    /// Returns one bit for each part that is here.
    pub fn have(&self) -> u64 {
        self.parts.keys().fold(0, |bits, part| bits | 1 << part)
    }

    /// Returns the whole once every part is here.
    pub fn whole(&self) -> Option<Bytes> {
        if self.count == 0 || self.parts.len() != self.count as usize {
            return None;
        }
        if let (1, Some(only)) = (self.count, self.parts.get(&0)) {
            return Some(only.clone());
        }
        let mut whole = BytesMut::with_capacity(self.parts.values().map(Bytes::len).sum());
        self.parts.values().for_each(|part| whole.put_slice(part));
        Some(whole.freeze())
    }
}

#[cfg(test)]
mod tests;
