//! A run on agents whose plan also places something on `coordinator`: a node of this process takes that seat.

use std::collections::BTreeMap;
use std::sync::Arc;

use compiler::artifact::COORDINATOR;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::agent::{self, AgentOptions};
use super::bus::Bus;
use super::embedded::ended;
use super::load::Loader;
use super::{Finished, Job, Sink, StopRequest, coordinator};
use crate::clock::Clock;
use crate::event::RunEvent;

/// Coordinates `job` over `bus`. If its plan has the group `coordinator`, an agent of this process takes that seat, under
/// the same protocol as all others but on a bus of its own: the coordinator's credentials let nobody speak as an agent.
pub async fn run<S: Sink>(
    job: Job,
    bus: Bus,
    loader: Arc<dyn Loader>,
    clock: Clock,
    stop: watch::Receiver<Option<StopRequest>>,
    events: mpsc::Sender<RunEvent>,
    sink: S,
) -> Finished<S> {
    if !job.artifact.nodes.groups.contains_key(COORDINATOR) {
        return coordinator::run(job, bus, clock, stop, events, sink).await;
    }
    let (inside, joined) = bus.with_inside();
    let options = AgentOptions {
        name: COORDINATOR.to_owned(),
        cluster: job.cluster.clone(),
        group: COORDINATOR.to_owned(),
        labels: BTreeMap::new(),
        once: true,
        keep: None,
        say: |_| {},
    };
    // A stop reaches it as an order, like everybody else.
    let (keep, never) = watch::channel(None);
    let mut agents = JoinSet::new();
    agents.spawn(agent::run(options, loader, inside, clock.clone(), never));
    let finished = coordinator::run(job, joined, clock, stop, events, sink).await;
    ended(agents).await;
    drop(keep);
    finished
}
