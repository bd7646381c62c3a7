//! Coordinator and agents: one protocol over an in-process bus or NATS.
//!
//! Agents ask, the coordinator answers with the whole desired state; see `README.md` beside this file.

pub mod agent;
pub mod bus;
pub mod claim;
pub mod coordinator;
mod dry_run;
pub mod embedded;
pub mod inside;
pub mod load;
mod local;
mod machine;
#[cfg(test)]
mod mutation;
pub mod nats;
pub mod node;
pub mod nodes;
pub mod permissions;
pub mod permit;
#[cfg(test)]
#[path = "../../tests/it/sample.rs"]
pub(crate) mod sample;
#[cfg(test)]
mod simulation;
mod subject;
pub mod wire;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use compiler::artifact::{Artifact, OnAgentLoss};

pub use self::dry_run::dry_run;
pub(crate) use self::machine::host;
pub use self::subject::is_token;
use crate::metrics::{RunRecord, Window};

/// A run to be coordinated.
#[derive(Clone, Debug)]
pub struct Job {
    /// Run id, ten of `[a-z0-9]`.
    pub run: String,
    /// Cluster id, `[A-Za-z0-9_-]{1,64}`.
    pub cluster: String,
    /// The compiled plan.
    pub artifact: Arc<Artifact>,
    /// The same as canonical bytes; agents verify their digest.
    pub artifact_bytes: Bytes,
    /// The text with the artifact's signatures, one a line, if it is signed.
    pub signatures: Option<Bytes>,
    /// Data and body files by digest.
    pub files: BTreeMap<String, Bytes>,
    /// Vars that override the artifact's.
    pub vars: BTreeMap<String, String>,
    /// Seed that overrides the artifact's.
    pub seed: Option<u64>,
    /// Whether nodes derive a dry run from the artifact; `artifact` is one already.
    pub dry_run: bool,
    /// Who sits where.
    pub seating: Seating,
    /// Longest wait for every seat to be taken.
    pub join_timeout_ns: u64,
    /// How long an agent may send load after its last answered beat was sent.
    pub lease_ns: u64,
    /// What happens when an agent is lost.
    pub on_agent_loss: OnAgentLoss,
    /// Where the run's journal is written, from which another coordinator can go on collecting; `None` for no journal.
    pub journal: Option<PathBuf>,
}

/// How seats are taken.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Seating {
    /// An agent takes one seat of its group.
    OnePerAgent,
    /// Seat *i* goes to node *i* modulo this number, whatever its group; nodes in the order of their names.
    Dealt(u32),
}

/// How a run is asked to end early.
#[derive(Clone, Copy, Debug, Eq, PartialEq, PartialOrd, Ord)]
pub enum StopRequest {
    /// Start nothing more, let what runs end.
    Drain,
    /// Cut what runs.
    Abort,
}

/// Where merged windows go, and who says that the run must end.
pub trait Sink: Send {
    /// Takes what node `node` (its place in [`RunRecord::nodes`]) measured; each window once, in order.
    fn window(&mut self, node: usize, window: &Window);
    /// Takes when a scenario starts, in nanoseconds since the run's start, that waited for another's end.
    fn starts(&mut self, scenario: usize, start_ns: u64);
    /// Returns the name of a missed threshold that aborts the run; seconds below `complete_until` are complete on every node.
    fn missed_abort(&mut self, complete_until: u32) -> Option<String>;
}

/// A run at its end.
#[derive(Debug)]
pub struct Finished<S> {
    /// What the coordinator knows.
    pub record: RunRecord,
    /// What was measured.
    pub sink: S,
}

/// Returns 128 random bits in hex: the name of a process that nobody else can have.
pub fn nonce() -> String {
    format!("{:032x}", rand::random::<u128>())
}
