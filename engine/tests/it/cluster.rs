//! Runs of several nodes within this process: the real coordinator and agents, a model load.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use compiler::artifact::Artifact;
use engine::clock::Clock;
use engine::cluster::{Finished, Job, Seating, StopRequest, embedded};
use engine::event::{Happened, RunEvent};
use engine::metrics::Ending;
use tokio::sync::{mpsc, watch};

use crate::model::{ModelLoader, Sum};
use crate::sample;

const SECOND_NS: u64 = 1_000_000_000;

/// Returns a job of `artifact`, which every model load takes as it is.
pub(crate) fn job(artifact: Artifact, cluster: &str) -> Job {
    Job {
        run: "k3v9x0q2ab".to_owned(),
        cluster: cluster.to_owned(),
        artifact_bytes: Bytes::from(serde_json::to_vec(&artifact).unwrap()),
        signatures: None,
        artifact: Arc::new(artifact),
        files: BTreeMap::new(),
        vars: BTreeMap::new(),
        seed: None,
        dry_run: false,
        seating: Seating::OnePerAgent,
        join_timeout_ns: 10 * SECOND_NS,
        lease_ns: 10 * SECOND_NS,
        on_agent_loss: compiler::artifact::OnAgentLoss::Fail,
        journal: None,
    }
}

/// Returns every arrival of `artifact`, sorted.
pub(crate) fn every_arrival(artifact: &Artifact) -> Vec<(usize, u64)> {
    let scenarios = artifact.scenarios.values().enumerate();
    scenarios.flat_map(|(at, scenario)| (0..scenario.planned).map(move |n| (at, n))).collect()
}

struct Ran {
    finished: Finished<Sum>,
    log: Vec<(usize, u64)>,
    events: Vec<RunEvent>,
}

/// Runs `artifact` on `nodes` nodes; stops it when `stop_at` says so of an event.
async fn run(
    artifact: &Artifact,
    nodes: u32,
    sink: Sum,
    stop_at: impl Fn(&RunEvent) -> Option<StopRequest>,
) -> Ran {
    let loader = ModelLoader::new();
    let (stop, stopped) = watch::channel(None);
    let (sender, mut events) = mpsc::channel(10_000);
    let running = embedded::run(
        job(artifact.clone(), "c"),
        nodes,
        Arc::new(loader.clone()),
        Clock::real(),
        stopped,
        sender,
        sink,
    );
    let watching = async {
        let mut seen = Vec::new();
        while let Some(event) = events.recv().await {
            if let Some(request) = stop_at(&event) {
                stop.send_replace(Some(request));
            }
            seen.push(event);
        }
        seen
    };
    let (finished, events) = tokio::join!(running, watching);
    Ran { finished, log: loader.sorted(), events }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_nodes_start_the_schedule_of_one() {
    let artifact = sample::artifact(&[200, 50], 1, 4);
    for nodes in [1, 3] {
        let ran = run(&artifact, nodes, Sum::default(), |_| None).await;
        assert_eq!(ran.finished.record.ending, Ending::Complete, "{:?}", ran.events);
        assert_eq!(ran.log, every_arrival(&artifact));
        let record = &ran.finished.record;
        let started: Vec<u64> = record.arrivals.iter().map(|arrivals| arrivals.started).collect();
        assert_eq!(started, [200, 50]);
        assert_eq!(record.nodes.len(), nodes as usize);
        assert_eq!(record.nodes[0].start_error_us, 7);
        let seats: usize = record.nodes.iter().map(|node| node.seats.len()).sum();
        assert_eq!(seats, 4);
        let by_node: u64 = ran.finished.sink.started.values().sum();
        assert_eq!(by_node, 250, "each window counts once");
        let ticks: u64 = ran.events.iter().map(ticked).sum();
        assert_eq!(ticks, 250, "each second is told once and whole");
        assert!(record.warnings.is_empty(), "{:?}", record.warnings);
    }
}

fn ticked(event: &RunEvent) -> u64 {
    match &event.what {
        Happened::Tick(tick) => tick.started,
        _ => 0,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_drains_and_the_rest_counts_as_stopped() {
    let artifact = sample::artifact(&[100], 60, 2);
    let started =
        |event: &RunEvent| matches!(event.what, Happened::Tick(_)).then_some(StopRequest::Drain);
    let ran = run(&artifact, 2, Sum::default(), started).await;
    let record = ran.finished.record;
    assert_eq!(record.ending, Ending::Interrupted);
    let arrivals = record.arrivals[0];
    assert_eq!(arrivals.started, ran.log.len() as u64);
    assert_eq!(arrivals.dropped_by.stopped, 6_000 - arrivals.started);
    assert_eq!((arrivals.unaccounted, arrivals.dropped_by.lost), (0, 0));
    assert!(arrivals.started >= 100, "at least the second that was told");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missed_threshold_aborts() {
    let artifact = sample::artifact(&[100], 60, 1);
    let sink = Sum { abort_after: Some((3, "fast".to_owned())), ..Sum::default() };
    let ran = run(&artifact, 1, sink, |_| None).await;
    assert_eq!(ran.finished.record.ending, Ending::Aborted("fast".to_owned()));
    assert!(ran.finished.record.arrivals[0].dropped_by.stopped > 0);
}
