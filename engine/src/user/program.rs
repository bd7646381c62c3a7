//! (pure) An artifact made ready for one run.

use std::fmt;
use std::sync::Arc;

use compiler::artifact::{Artifact, WaitAction};
use serde_json::Value as Tree;

use super::answer::Answer;
use super::capture::Capture;
use super::expect::{Complaint, Expectations};
use super::random::{self, Seed};
use super::redact::Redactor;
use super::render::RequestTemplate;
use super::template::Scope;
use super::{Arrival, Inputs, PrepareError, Target, prepare};
use crate::exchange::{Failure, FailureKind, Outcome, Request};

/// An artifact made ready for one run. It never changes; workers share it.
pub struct Program {
    pub(super) artifact: Arc<Artifact>,
    pub(super) targets: Vec<Target>,
    pub(super) scenarios: Vec<Scenario>,
    pub(super) redactor: Redactor,
}

/// What a transaction has captured so far; belongs to one scenario.
#[derive(Clone, Default)]
pub struct Values(Vec<Option<Tree>>);

pub(super) struct Scenario {
    pub(super) captures: usize,
    /// Steps as seen from each group; none for groups that it does not run on.
    pub(super) groups: Vec<Vec<Step>>,
}

pub(super) enum Step {
    Http(Box<HttpStep>),
    Wait(WaitAction, Seed),
}

pub(super) struct HttpStep {
    pub(super) request: RequestTemplate,
    pub(super) expectations: Expectations,
    pub(super) captures: Vec<Capture>,
}

impl Program {
    /// Makes an artifact ready.
    ///
    /// # Errors
    /// The inputs do not fit the artifact: a var it does not have or that is compiled in, a missing secret or file, an
    /// address that is none; or the artifact does not hold together.
    pub fn prepare(artifact: Arc<Artifact>, inputs: Inputs) -> Result<Program, PrepareError> {
        prepare::program(artifact, &inputs)
    }

    /// Returns the artifact.
    pub fn artifact(&self) -> &Arc<Artifact> {
        &self.artifact
    }

    /// Returns the servers, indexed by [`Request::target`].
    pub fn targets(&self) -> Vec<Target> {
        self.targets.clone()
    }

    /// Returns `text` without the secrets of this run.
    pub fn shown(&self, text: &str) -> String {
        self.redactor.redact(text).into_owned()
    }

    /// Returns the empty values of a new transaction.
    pub fn values(&self, scenario: usize) -> Values {
        Values(vec![None; self.scenarios.get(scenario).map_or(0, |scenario| scenario.captures)])
    }

    /// Renders the request of a step into `request`, whose buffer is used again; `unix_ms` is the wall clock in
    /// milliseconds since 1970.
    ///
    /// The same arrival with the same values gives the same request on every node, but for what reads the wall clock.
    ///
    /// # Errors
    /// [`FailureKind::Render`]: a value is missing or cannot stand where it should.
    pub fn request(
        &self,
        arrival: &Arrival,
        step: usize,
        values: &Values,
        unix_ms: u64,
        request: &mut Request,
    ) -> Result<(), Failure> {
        let Some(Step::Http(http)) = self.step(arrival, step) else {
            return Err(self.failure(no_http_step(arrival, step)));
        };
        let rendered =
            http.request.render(Scope { arrival, values, unix_ms: Some(unix_ms) }, request);
        rendered.map_err(|why| self.failure((FailureKind::Render, why)))
    }

    /// Returns how long a step waits, in nanoseconds; `None` if the step is no wait.
    pub fn wait_ns(&self, arrival: &Arrival, step: usize) -> Option<u64> {
        let Some(Step::Wait(wait, seed)) = self.step(arrival, step) else { return None };
        Some(match *wait {
            WaitAction::Constant { length_ns } => length_ns,
            WaitAction::Uniform { min_ns, max_ns } => {
                random::between_unsigned(seed, arrival.number, min_ns, max_ns)
            }
        })
    }

    /// Judges what came of a step's request, and keeps what it captures.
    ///
    /// # Errors
    /// The failure of the exchange itself, else the first expectation that does not hold, else the first capture that
    /// found nothing. Captures before that one are kept. An expectation that reads the wall clock fails: the clock
    /// belongs to the request.
    pub fn judge(
        &self,
        arrival: &Arrival,
        step: usize,
        outcome: &Outcome,
        values: &mut Values,
    ) -> Result<(), Failure> {
        if let Some(failure) = &outcome.failure {
            return Err(self.failure((failure.kind, failure.detail.clone())));
        }
        let Some(Step::Http(http)) = self.step(arrival, step) else {
            return Err(self.failure(no_http_step(arrival, step)));
        };
        let answer = Answer::new(outcome, &self.redactor);
        let scope = Scope { arrival, values, unix_ms: None };
        http.expectations.judge(&answer, scope).map_err(|complaint| self.failure(complaint))?;
        for capture in &http.captures {
            let scope = Scope { arrival, values, unix_ms: None };
            let value = capture.value(&answer, scope).map_err(|why| self.failure(why))?;
            values.set(capture.place(), value);
        }
        Ok(())
    }

    fn step(&self, arrival: &Arrival, step: usize) -> Option<&Step> {
        self.scenarios.get(arrival.scenario)?.groups.get(arrival.group)?.get(step)
    }

    fn failure(&self, (kind, detail): Complaint) -> Failure {
        Failure::new(kind, self.redactor.redact(&detail))
    }
}

impl Values {
    pub(super) fn get(&self, place: usize) -> Option<&Tree> {
        self.0.get(place)?.as_ref()
    }

    pub(super) fn set(&mut self, place: usize, value: Tree) {
        if let Some(slot) = self.0.get_mut(place) {
            *slot = Some(value);
        }
    }
}

impl fmt::Debug for Program {
    /// Writes what it is made of, never what it sends: secrets are written into it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Program")
            .field("plan", &self.artifact.plan)
            .field("digest", &self.artifact.digest)
            .field("targets", &self.targets.len())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Values {
    /// Writes how many there are: they may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let captured = self.0.iter().filter(|value| value.is_some()).count();
        f.debug_struct("Values").field("captured", &captured).field("of", &self.0.len()).finish()
    }
}

fn no_http_step(arrival: &Arrival, step: usize) -> Complaint {
    let Arrival { scenario, group, .. } = arrival;
    let why = format!("step {step} of scenario {scenario} sends nothing from group {group}");
    (FailureKind::Render, why)
}
