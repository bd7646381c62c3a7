//! (pure) What each arrival sends, what it expects of the answer, and what it keeps of it.
//!
//! A [`Program`] is an artifact made ready for one run: names became indices, regular expressions and JSONPaths are
//! compiled, data files are parsed. It depends on nothing but its inputs, so every node renders an arrival alike.
//! Absent on purpose: sockets, clocks, tasks.

mod allowed;
mod answer;
mod capture;
mod encode;
mod expect;
mod prepare;
mod program;
mod random;
mod redact;
mod render;
mod rows;
pub mod secrets;
mod slot;
mod target;
mod template;
mod unbuilt;
mod value;

use std::collections::BTreeMap;

use bytes::Bytes;

pub use self::allowed::{AllowedTarget, AllowedTargets, NoTarget};
pub use self::prepare::PrepareError;
pub use self::program::{Program, Values};
pub use self::rows::TableError;
pub use self::target::{ClientTls, Hidden, Target};
pub use self::unbuilt::{DRIVERS, unbuilt};

/// What a run adds to its artifact.
#[derive(Clone, Default)]
pub struct Inputs {
    /// Run id, ten of `[a-z0-9]`.
    pub run: String,
    /// Vars of the command line; they win over the plan's and the groups'.
    pub vars: BTreeMap<String, String>,
    /// Secrets by name.
    pub secrets: BTreeMap<String, String>,
    /// Content of data and body files by digest, as the artifact names it; whoever fetched them has checked the digest.
    pub files: BTreeMap<String, Bytes>,
    /// Replaces the artifact's seed for draws that requests make.
    pub seed: Option<u64>,
}

/// One numbered start of a scenario's transaction.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Arrival {
    /// Scenario, by place in the artifact.
    pub scenario: usize,
    /// Number, from 0 for each scenario over the whole cluster.
    pub number: u64,
    /// User number, closed scenarios only.
    pub user: Option<u32>,
    /// Group of its home seat, by place in the artifact.
    pub group: usize,
}

#[cfg(test)]
mod tests;
