//! The coordinator: forms the cluster, starts and stops the load, collects what was measured.

use tokio::sync::{mpsc, watch};

use super::bus::Bus;
use super::{Finished, Job, Sink, StopRequest};
use crate::clock::Clock;
use crate::event::RunEvent;
use crate::metrics::{Ending, RunRecord};

/// Coordinates `job` to its end. Events that find `events` full are left out and counted.
pub async fn run<S: Sink>(
    job: Job,
    bus: Bus,
    clock: Clock,
    stop: watch::Receiver<Option<StopRequest>>,
    events: mpsc::Sender<RunEvent>,
    sink: S,
) -> Finished<S> {
    drop((bus, stop, events));
    let record = RunRecord {
        run: job.run,
        started_at_unix_ms: clock.unix_ms(),
        duration_us: 0,
        ending: Ending::Internal("not built yet".to_owned()),
        load_started: false,
        nodes: Vec::new(),
        arrivals: Vec::new(),
        users_lost_us: Vec::new(),
        warnings: Vec::new(),
        versions: std::collections::BTreeMap::new(),
        vars: job.vars,
        seed: job.seed.unwrap_or(job.artifact.seed),
    };
    Finished { record, sink }
}
