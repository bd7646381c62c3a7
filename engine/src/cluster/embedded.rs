//! A run within this process: the same coordinator and agents, on an in-process bus.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::agent::{self, AgentEnd, AgentOptions};
use super::bus::Bus;
use super::load::Loader;
use super::{Finished, Job, Seating, Sink, StopRequest, coordinator};
use crate::clock::Clock;
use crate::event::RunEvent;

/// Lease of nodes of this process, one hour: a debugger must not fence them.
const LEASE_NS: u64 = 3_600 * 1_000_000_000;

/// Longest wait for the nodes to end after the coordinator has.
const END_WAIT: Duration = Duration::from_secs(5);

/// Runs `job` on `nodes` nodes of this process; its seating and lease are set here.
pub async fn run<S: Sink>(
    job: Job,
    nodes: u32,
    loader: Arc<dyn Loader>,
    clock: Clock,
    stop: watch::Receiver<Option<StopRequest>>,
    events: mpsc::Sender<RunEvent>,
    sink: S,
) -> Finished<S> {
    let bus = Bus::local();
    let (keep, never) = watch::channel(None);
    let mut agents = JoinSet::new();
    for node in 0..nodes {
        let options = AgentOptions {
            // Nodes are ordered by name; four digits keep that the order of their numbers.
            name: format!("node-{node:04}"),
            cluster: job.cluster.clone(),
            group: String::new(),
            labels: BTreeMap::new(),
            once: true,
            keep: None,
            say: |_| {},
        };
        let (loader, bus) = (Arc::clone(&loader), bus.clone());
        agents.spawn(agent::run(options, loader, bus, clock.clone(), never.clone()));
    }
    let job = Job { seating: Seating::Dealt(nodes), lease_ns: LEASE_NS, ..job };
    let finished = coordinator::run(job, bus, clock, stop, events, sink).await;
    ended(agents).await;
    drop(keep);
    finished
}

/// Waits for the nodes of this process, which end with the run.
pub(super) async fn ended(mut agents: JoinSet<AgentEnd>) {
    let rest = async { while agents.join_next().await.is_some() {} };
    if tokio::time::timeout(END_WAIT, rest).await.is_err() {
        tracing::warn!("nodes did not end in time and are cut");
    }
}
