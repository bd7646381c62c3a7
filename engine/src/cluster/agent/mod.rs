//! The agent: enrols, prepares its share, executes it under a lease, and reports until everything is acknowledged.

use std::collections::BTreeMap;
use std::sync::Arc;

use compiler::exit::Exit;
use tokio::sync::watch;

use super::StopRequest;
use super::bus::Bus;
use super::load::Loader;
use crate::clock::Clock;

/// Who an agent is.
#[derive(Clone, Debug)]
pub struct AgentOptions {
    /// Its name, `[A-Za-z0-9_-]{1,64}`, one process each.
    pub name: String,
    /// Cluster id.
    pub cluster: String,
    /// Which group's seats it takes.
    pub group: String,
    /// Its labels, compared with what groups require.
    pub labels: BTreeMap<String, String>,
    /// Whether it ends after one run.
    pub once: bool,
}

/// How an agent ended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AgentEnd {
    /// What the process exits with.
    pub exit: Exit,
    /// Why, unless it is [`Exit::Passed`].
    pub message: Option<String>,
}

/// Serves runs until it is stopped, or after one run with `once`.
pub async fn run(
    options: AgentOptions,
    loader: Arc<dyn Loader>,
    bus: Bus,
    clock: Clock,
    stop: watch::Receiver<Option<StopRequest>>,
) -> AgentEnd {
    drop((options, loader, bus, clock, stop));
    AgentEnd { exit: Exit::Internal, message: Some("not built yet".to_owned()) }
}
