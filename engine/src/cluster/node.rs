//! The real load: a node of `runtime` behind the cluster's seam.

use std::fmt;
use std::sync::Arc;

use compiler::artifact::{Artifact, SecretSource};
use tokio::sync::mpsc;

use super::dry_run::{dry_run, reach};
use super::load::{Load, LoadError, LoadEvent, LoadFuture, LoadSummary, Loader, Share};
use super::permit::Permit;
use super::wire::ScenarioOrder;
use crate::clock::{Clock, Ticks};
use crate::ledger::Takeover;
use crate::runtime::{Direction, Node, NodeEvent, Pacing, Setup, StartDriver, check_descriptors};
use crate::user::{Inputs, Program, secrets};

/// Reads a secret on this machine; `None` if it is not there.
pub type ReadSecret = Arc<dyn Fn(&SecretSource) -> Option<String> + Send + Sync>;

/// Prepares nodes of this process.
#[derive(Clone)]
pub struct NodeLoader {
    /// The clock that all ticks are of.
    pub clock: Clock,
    /// How many threads of a node run load; at least 1.
    pub workers: usize,
    /// How they wait for arrivals.
    pub pacing: Pacing,
    /// What they may do.
    pub permit: Permit,
    /// Where secrets come from.
    pub read_secret: ReadSecret,
    /// How workers send requests.
    pub start_driver: StartDriver,
}

impl fmt::Debug for NodeLoader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NodeLoader").field("workers", &self.workers).finish_non_exhaustive()
    }
}

impl Loader for NodeLoader {
    fn load(&self, share: Share) -> Result<Box<dyn Load>, LoadError> {
        self.permit.check_signatures(&share.artifact, share.signatures.as_ref())?;
        let artifact = compiler::verify::load(&share.artifact)
            .map_err(|error| LoadError::Refused(chain(&error)))?;
        if artifact.digest != share.digest {
            let (found, wanted) = (&artifact.digest, &share.digest);
            return Err(LoadError::Refused(format!("the artifact is {found}, not {wanted}")));
        }
        let artifact = if share.dry_run { dry_run(&artifact) } else { artifact };
        let taken = share.takeovers.iter().map(|takeover| &takeover.seat);
        let mut all: Vec<String> = share.seats.iter().chain(taken).cloned().collect();
        all.sort_unstable();
        all.dedup();
        check_descriptors(&artifact, &all).map_err(LoadError::Failed)?;
        let program = self.program(artifact, &share)?;
        self.permit.check_targets(&program, &all)?;
        if share.dry_run {
            reach(&program.targets(), &all).map_err(LoadError::Failed)?;
        }
        let setup = Setup {
            program: Arc::new(program),
            seats: share.seats,
            clock: self.clock.clone(),
            workers: self.workers.max(1),
            pacing: self.pacing,
            start_driver: Arc::clone(&self.start_driver),
        };
        let (node, events) =
            Node::spawn(setup).map_err(|error| LoadError::Failed(chain(&error)))?;
        node.take_over(&share.takeovers).map_err(|error| LoadError::Failed(chain(&error)))?;
        Ok(Box::new(NodeLoad { node, events, finished: false }))
    }
}

impl NodeLoader {
    fn program(&self, artifact: Artifact, share: &Share) -> Result<Program, LoadError> {
        let read = |source: &SecretSource| (self.read_secret)(source);
        let secrets = secrets::resolve(&artifact.secrets, &read).map_err(|missing| {
            let named = missing.iter().map(|name| match artifact.secrets.get(name) {
                Some(SecretSource::Env(variable)) => {
                    format!("`{name}` (environment variable {variable})")
                }
                Some(SecretSource::File(path)) => format!("`{name}` (file {path})"),
                None => format!("`{name}`"),
            });
            let named = named.collect::<Vec<String>>().join(", ");
            LoadError::Failed(format!("secrets are missing here: {named}"))
        })?;
        let inputs = Inputs {
            run: share.run.clone(),
            vars: share.vars.clone(),
            secrets,
            files: share.files.clone(),
            seed: share.seed,
        };
        Program::prepare(Arc::new(artifact), inputs)
            .map_err(|error| LoadError::Failed(chain(&error)))
    }
}

/// A node, and what it reports.
struct NodeLoad {
    node: Node,
    events: mpsc::Receiver<NodeEvent>,
    finished: bool,
}

impl Load for NodeLoad {
    fn start(&mut self, start: Ticks) {
        self.node.start(start);
    }

    fn extend_lease(&mut self, end: Ticks) {
        self.node.extend_lease(end);
    }

    fn direct(&mut self, wanted: &[ScenarioOrder]) {
        let wanted = wanted.iter().map(|order| Direction {
            scenario: usize::try_from(order.scenario).unwrap_or(usize::MAX),
            start_ns: order.start_ns,
            stop: order.stop,
        });
        self.node.direct(&wanted.collect::<Vec<_>>());
    }

    fn take_over(&mut self, takeovers: &[Takeover]) {
        // What cannot be taken over is never spoken of, so that the coordinator gives it to somebody else.
        let taken = self.node.take_over(takeovers);
        taken.unwrap_or_else(|error| tracing::error!(%error, "nothing is taken over"));
    }

    fn stop(&mut self, drain_ns: u64) {
        self.node.stop(drain_ns);
    }

    fn abort(&mut self) {
        self.node.abort();
    }

    fn next(&mut self) -> LoadFuture<'_> {
        Box::pin(async {
            if self.finished {
                return std::future::pending().await;
            }
            let event = self.events.recv().await;
            self.finished = matches!(event, None | Some(NodeEvent::Finished(_)));
            match event {
                Some(NodeEvent::Window(window)) => LoadEvent::Window(Box::new(window)),
                Some(NodeEvent::Fenced) => LoadEvent::Fenced,
                Some(NodeEvent::Finished(summary)) => LoadEvent::Finished(LoadSummary {
                    start_error_us: summary.start_error_us,
                    broken: summary.workers_broken,
                }),
                // The node ended without a word: that is a worker that broke.
                None => LoadEvent::Finished(LoadSummary { start_error_us: 0, broken: 1 }),
            }
        })
    }
}

/// Returns an error and what caused it, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
