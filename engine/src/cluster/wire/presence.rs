//! (pure) Who holds a place of which there is one: an agent's name, or the lock of a cluster's coordinator.

use serde::{Deserialize, Serialize};

use super::message::V;

/// What is said about a place. Published, not asked: everybody who wants or holds it listens.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "t", rename_all = "snake_case")]
pub enum Presence {
    /// I want it; who has it?
    Claim(Claimant),
    /// I have it.
    Held(Claimant),
    /// Who has it? I do not want it.
    Who {
        /// Protocol version.
        v: V,
        /// The process that asks.
        nonce: String,
    },
}

/// A process that wants or holds a place.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Claimant {
    /// Protocol version.
    pub v: V,
    /// The process: 128 random bits in hex.
    pub nonce: String,
    /// Host name.
    pub host: String,
    /// Process id.
    pub pid: u32,
    /// Run id of a coordinator; an agent has none.
    pub run: Option<String>,
    /// Since when, on its wall clock, in milliseconds since 1970.
    pub since_ms: u64,
}

impl Claimant {
    /// Returns how a person finds the process.
    pub fn title(&self) -> String {
        format!("host {}, pid {}", self.host, self.pid)
    }
}
