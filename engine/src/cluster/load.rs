//! The seam between an agent and what executes its share: the node of `runtime`, or a model of it in a simulation.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;

use bytes::Bytes;

use super::wire::ScenarioOrder;
use crate::clock::Ticks;
use crate::ledger::Takeover;
use crate::metrics::Window;

/// A future that borrows from its load.
pub type LoadFuture<'a> = Pin<Box<dyn Future<Output = LoadEvent> + Send + 'a>>;

/// Turns a share into a load that is ready to start. May block and take long; called off the event loop.
pub trait Loader: Send + Sync + 'static {
    /// Verifies and prepares `share`.
    ///
    /// # Errors
    /// [`LoadError::Refused`] if the artifact or a file does not hold, [`LoadError::Failed`] for everything else.
    fn load(&self, share: Share) -> Result<Box<dyn Load>, LoadError>;
}

/// What executes a share. Dropping it cuts what still runs.
pub trait Load: Send {
    /// Starts the arrivals at `start` on this machine's clock; if that has passed, at the schedule's present place.
    fn start(&mut self, start: Ticks);
    /// Lets arrivals start until `end`; an earlier end than before changes nothing.
    fn extend_lease(&mut self, end: Ticks);
    /// Takes all that is wanted of single scenarios beside the plan: late starts, of which the first word counts, and
    /// scenarios that are stopped, which they stay.
    fn direct(&mut self, wanted: &[ScenarioOrder]);
    /// Takes over what lost nodes had, from the arrival that each names on; what it has already is told by its number.
    /// A load that has nothing left may leave it: then its windows never speak of it.
    fn take_over(&mut self, takeovers: &[Takeover]);
    /// Starts nothing more, lets what runs end within `drain_ns`, then cuts it.
    fn stop(&mut self, drain_ns: u64);
    /// Cuts what runs now.
    fn abort(&mut self);
    /// Returns what happens next; may be dropped and called again. Never ready again after [`LoadEvent::Finished`].
    fn next(&mut self) -> LoadFuture<'_>;
}

/// What a load reports.
#[derive(Clone, Debug)]
pub enum LoadEvent {
    /// What was measured in one window; windows follow each other without a gap.
    Window(Box<Window>),
    /// The lease has ended: nothing will ever start again.
    Fenced,
    /// The last window has been given and nothing runs.
    Finished(LoadSummary),
}

/// What is known of a load at its end.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct LoadSummary {
    /// How far from the agreed instant the load started, in microseconds.
    pub start_error_us: i64,
    /// Workers that broke off without handing on what they knew: a bug of ours.
    pub broken: u64,
}

/// What a node is to execute, with everything it needs.
#[derive(Clone, Debug)]
pub struct Share {
    /// Run id.
    pub run: String,
    /// Digest that the artifact must have.
    pub digest: String,
    /// The artifact's bytes.
    pub artifact: Bytes,
    /// The text with the artifact's signatures, if it is signed.
    pub signatures: Option<Bytes>,
    /// Data and body files by digest, verified.
    pub files: BTreeMap<String, Bytes>,
    /// Vars that override the artifact's.
    pub vars: BTreeMap<String, String>,
    /// Seed that overrides the artifact's.
    pub seed: Option<u64>,
    /// Whether it is a dry run.
    pub dry_run: bool,
    /// The seats to execute; none for a node that only takes over.
    pub seats: Vec<String>,
    /// What it takes over from lost nodes.
    pub takeovers: Vec<Takeover>,
}

/// Why a share cannot be executed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum LoadError {
    /// Digest, format, signature or a data file's digest does not hold.
    #[error("{0}")]
    Refused(String),
    /// Something the machine lacks, such as a secret.
    #[error("{0}")]
    Failed(String),
}
