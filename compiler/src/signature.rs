//! (pure) Signatures of artifacts: ed25519, in a file beside the artifact, one a line.
//!
//! A line of `<artifact>.sig` is a JSON object:
//!
//! ```json
//! {"signature":1,"key":"ed25519:<base64>","digest":"blake3:<hex>","bytes":"<base64>"}
//! ```
//!
//! `signature` is the format number, `key` the public key, `digest` the digest that the artifact says it has, `bytes`
//! the signature itself. What is signed is one line of text that names the format, then every byte of the artifact's
//! file: not its digest, so that a signature can be checked before anything is parsed. `digest` only
//! serves to say which artifact a signature belongs to.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};

/// The format of signature lines that this program writes and reads.
pub const FORMAT: u32 = 1;

/// Most signatures that one artifact has.
pub const SIGNATURES_MAX: usize = 64;

/// Largest signature file or key file that is read, in bytes.
pub const BYTES_MAX: u64 = 64 << 10;

/// Goes before the artifact's bytes, so that a signature made for another purpose never fits.
const PURPOSE: &[u8] = b"volley artifact signature 1\n";

const PUBLIC_PREFIX: &str = "ed25519:";
const SECRET_PREFIX: &str = "ed25519-secret:";

/// Why a signature file does not make an artifact trusted.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SignatureError {
    /// A line is no signature.
    #[error("line {line} is no signature: {reason}")]
    Shape {
        /// From 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// There is no signature at all, or there are more than [`SIGNATURES_MAX`].
    #[error("it holds {count} signatures; an artifact has 1 to {SIGNATURES_MAX}")]
    Count {
        /// How many there are.
        count: usize,
    },
    /// A signature was made for an artifact with another digest.
    #[error("line {line} signs another artifact, `{digest}`")]
    Other {
        /// From 1.
        line: usize,
        /// The digest that it names.
        digest: String,
    },
    /// A signature does not fit the bytes.
    #[error("line {line} does not hold: these are not the bytes that `{key}` signed")]
    Broken {
        /// From 1.
        line: usize,
        /// Whose it says it is.
        key: PublicKey,
    },
    /// All signatures hold, but none is by a trusted key.
    #[error("no trusted key signed it; it is signed by {}", list(.keys))]
    Untrusted {
        /// Who signed it.
        keys: Vec<PublicKey>,
    },
}

fn list(keys: &[PublicKey]) -> String {
    keys.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ")
}

/// Why a text is no key. Never holds the text, which may be secret.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum KeyError {
    /// Not a public key.
    #[error("a public key is written as `ed25519:` and 44 characters of base64")]
    Public,
    /// A secret key where a public one belongs.
    #[error("this is a secret key; its public half is in the `.pub` file beside it")]
    SecretGiven,
    /// No secret key in the file.
    #[error("a secret key file holds one line of `ed25519-secret:` and 44 characters of base64")]
    Secret,
}

/// Who may have signed an artifact; written as `ed25519:` and base64.
///
/// Invariant: the bytes are a key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PublicKey([u8; 32]);

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PUBLIC_PREFIX}{}", STANDARD.encode(self.0))
    }
}

impl FromStr for PublicKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<PublicKey, KeyError> {
        if text.starts_with(SECRET_PREFIX) {
            return Err(KeyError::SecretGiven);
        }
        let bytes = text.strip_prefix(PUBLIC_PREFIX).and_then(decode::<32>);
        let key = bytes.and_then(|bytes| VerifyingKey::from_bytes(&bytes).ok());
        // With a weak key everybody's signature holds.
        key.filter(|key| !key.is_weak())
            .map(|key| PublicKey(key.to_bytes()))
            .ok_or(KeyError::Public)
    }
}

/// What signs; it shows its public half alone.
pub struct SecretKey(SigningKey);

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey({})", self.public())
    }
}

impl SecretKey {
    /// Returns the key that 32 random bytes stand for.
    pub fn from_random(bytes: &[u8; 32]) -> SecretKey {
        SecretKey(SigningKey::from_bytes(bytes))
    }

    /// Reads the text of a key file: one line with the key, besides empty ones and those that begin with `#`.
    ///
    /// # Errors
    /// It holds no secret key, or more than one.
    pub fn from_file_text(text: &str) -> Result<SecretKey, KeyError> {
        let mut keys = key_lines(text);
        let (Some(key), None) = (keys.next(), keys.next()) else { return Err(KeyError::Secret) };
        let bytes = key.strip_prefix(SECRET_PREFIX).and_then(decode::<32>);
        bytes.map(|bytes| SecretKey::from_random(&bytes)).ok_or(KeyError::Secret)
    }

    /// Returns the text of the key's file. It is secret.
    pub fn to_file_text(&self) -> String {
        format!(
            "# Signs Volley artifacts: keep it secret. Its public half is {}\n{SECRET_PREFIX}{}\n",
            self.public(),
            STANDARD.encode(self.0.to_bytes())
        )
    }

    /// Returns the half that others may know.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key().to_bytes())
    }
}

/// Reads public keys: one a line, besides empty lines and those that begin with `#`.
///
/// # Errors
/// A line is no public key.
pub fn parse_public_keys(text: &str) -> Result<Vec<PublicKey>, KeyError> {
    key_lines(text).map(PublicKey::from_str).collect()
}

fn key_lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// A line of a signature file.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Line {
    signature: u32,
    key: String,
    digest: String,
    bytes: String,
}

/// Returns the line of a signature file, without its line end, with which `key` signs the bytes of an artifact.
///
/// Whether the bytes are an artifact is for the caller to check first.
pub fn sign(artifact: &[u8], key: &SecretKey) -> String {
    let line = Line {
        signature: FORMAT,
        key: key.public().to_string(),
        digest: stated_digest(artifact).to_owned(),
        bytes: STANDARD.encode(key.0.sign(&message(artifact)).to_bytes()),
    };
    // A struct of text always has a JSON form.
    serde_json::to_string(&line).unwrap_or_default()
}

/// Returns who signed the bytes of an artifact, if every signature of `signatures` holds and one is by a key of `trusted`.
///
/// With no trusted keys it is enough that they hold. Whether the bytes are an artifact is not looked at.
///
/// # Errors
/// The first signature that does not hold, or no trusted key among them.
pub fn verify(
    artifact: &[u8],
    signatures: &str,
    trusted: &[PublicKey],
) -> Result<Vec<PublicKey>, SignatureError> {
    let count = signatures.lines().count();
    if count == 0 || count > SIGNATURES_MAX {
        return Err(SignatureError::Count { count });
    }
    let message = message(artifact);
    let digest = stated_digest(artifact);
    let mut keys = Vec::new();
    for (line, text) in (1..).zip(signatures.lines()) {
        keys.push(check_line(line, text, &message, digest)?);
    }
    if trusted.is_empty() || keys.iter().any(|key| trusted.contains(key)) {
        return Ok(keys);
    }
    Err(SignatureError::Untrusted { keys })
}

fn check_line(
    line: usize,
    text: &str,
    message: &[u8],
    digest: &str,
) -> Result<PublicKey, SignatureError> {
    let shape = |reason: String| SignatureError::Shape { line, reason };
    let found: Line = serde_json::from_str(text).map_err(|error| shape(error.to_string()))?;
    if found.signature != FORMAT {
        return Err(shape(format!("it has format {}, not {FORMAT}", found.signature)));
    }
    let key: PublicKey = found.key.parse().map_err(|error: KeyError| shape(error.to_string()))?;
    let Some(bytes) = decode::<64>(&found.bytes) else {
        return Err(shape("`bytes` is not 88 characters of base64".to_owned()));
    };
    if found.digest != digest {
        return Err(SignatureError::Other { line, digest: found.digest });
    }
    let signature = ed25519_dalek::Signature::from_bytes(&bytes);
    let holds = |key: VerifyingKey| key.verify_strict(message, &signature).is_ok();
    match VerifyingKey::from_bytes(&key.0).is_ok_and(holds) {
        true => Ok(key),
        false => Err(SignatureError::Broken { line, key }),
    }
}

fn message(artifact: &[u8]) -> Vec<u8> {
    [PURPOSE, artifact].concat()
}

/// Returns what the artifact says its digest is, without parsing it: the text behind the last `"digest": "`.
fn stated_digest(artifact: &[u8]) -> &str {
    // The last field of an artifact is its digest: 71 characters, of which all are ASCII.
    let tail = artifact.get(artifact.len().saturating_sub(200)..).unwrap_or_default();
    let start = tail.iter().rposition(|byte| !byte.is_ascii()).map_or(0, |at| at + 1);
    let text = tail.get(start..).and_then(|tail| std::str::from_utf8(tail).ok()).unwrap_or("");
    let value = text.rsplit_once("\"digest\": \"").map_or("", |(_, value)| value);
    value.split('"').next().unwrap_or("")
}

fn decode<const N: usize>(text: &str) -> Option<[u8; N]> {
    STANDARD.decode(text).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests;
