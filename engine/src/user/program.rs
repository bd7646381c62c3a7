//! [pure] An artifact made ready for one run.

use std::sync::Arc;

use compiler::artifact::Artifact;

use super::{Arrival, Inputs, Target};
use crate::exchange::{Failure, FailureKind, Outcome, Request};

/// Why an artifact cannot be run with these inputs.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// A var that the plan does not have.
    #[error("the plan has no var `{0}`")]
    UnknownVar(String),
}

/// An artifact made ready for one run.
#[derive(Debug)]
pub struct Program {
    artifact: Arc<Artifact>,
}

/// What a transaction has captured so far.
#[derive(Clone, Debug, Default)]
pub struct Values {}

impl Program {
    /// Makes an artifact ready.
    ///
    /// # Errors
    /// The inputs do not fit the artifact.
    pub fn prepare(artifact: Arc<Artifact>, inputs: Inputs) -> Result<Program, PrepareError> {
        drop(inputs);
        Ok(Program { artifact })
    }

    /// Returns the artifact.
    pub fn artifact(&self) -> &Arc<Artifact> {
        &self.artifact
    }

    /// Returns the servers, indexed by [`Request::target`].
    pub fn targets(&self) -> Vec<Target> {
        Vec::new()
    }

    /// Returns the empty values of a new transaction.
    pub fn values(&self, scenario: usize) -> Values {
        let _scenario = scenario;
        Values {}
    }

    /// Renders the request of a step; `unix_ms` is the wall clock in milliseconds since 1970.
    ///
    /// # Errors
    /// [`FailureKind::Render`]: a value is missing or has no text.
    pub fn request(
        &self,
        arrival: &Arrival,
        step: usize,
        values: &Values,
        unix_ms: u64,
    ) -> Result<Request, Failure> {
        let _inputs = (arrival, step, values, unix_ms);
        Err(Failure::new(FailureKind::Render, "not built yet"))
    }

    /// Returns how long a step waits, in nanoseconds; `None` if the step is no wait.
    pub fn wait_ns(&self, arrival: &Arrival, step: usize) -> Option<u64> {
        let _inputs = (arrival, step);
        None
    }

    /// Judges what came of a step's request, and keeps what it captures.
    ///
    /// # Errors
    /// The failure of the exchange itself, else the first expectation that does not hold, else the first capture that
    /// found nothing.
    pub fn judge(
        &self,
        arrival: &Arrival,
        step: usize,
        outcome: &Outcome,
        values: &mut Values,
    ) -> Result<(), Failure> {
        let _inputs = (arrival, step, values);
        outcome.failure.clone().map_or(Ok(()), Err)
    }
}
