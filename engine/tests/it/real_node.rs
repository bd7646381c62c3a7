//! Compiled plans on real nodes behind the real coordinator; only the network to the target is a script.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use compiler::artifact::{Artifact, to_bytes};
use compiler::diagnostic::Diagnostics;
use compiler::source::{FileId, Files, Source};
use compiler::{Overrides, compile};
use engine::clock::Clock;
use engine::cluster::node::NodeLoader;
use engine::cluster::permit::Permit;
use engine::cluster::{Job, StopRequest, embedded};
use engine::driver::{Answer, Driver, Script, ScriptDriver};
use engine::event::{Happened, RunEvent};
use engine::metrics::{Ending, RunRecord};
use tokio::sync::{mpsc, watch};

use crate::cluster::job;
use crate::model::Sum;

const OPEN: &str = "
version: 1
name: open
seed: 7
endpoints:
  shop: { http: { base_url: 'http://127.0.0.1:1' } }
nodes:
  groups:
    eu: { agents: 2 }
    us: { agents: 1 }
scenarios:
  browse:
    load: { open: [ { rate: 90/s, for: 1s }, { rate: { to: 200/s }, for: 1s } ], late_after: 30s }
    steps:
      - step: list
        http: { use: shop, get: '/list/{{ arrival.number }}' }
  order:
    load: { open: [ { rate: 10/s, for: 2s } ], late_after: 30s }
    steps:
      - step: order
        http: { use: shop, post: /order, json: { luck: '{{ rand.int(1, 1000000) }}' } }
";

const CLOSED: &str = "
version: 1
name: closed
seed: 7
endpoints:
  shop: { http: { base_url: 'http://127.0.0.1:1' } }
scenarios:
  counted:
    load: { closed: [ { users: 5, count: 60, within: 20s } ] }
    steps: [ { step: a, http: { use: shop, get: '/{{ arrival.number }}' } } ]
  timed:
    load: { closed: [ { users: 4, for: 1s } ] }
    steps: [ { step: a, http: { use: shop, get: /timed } } ]
";

fn compiled(text: &str) -> Artifact {
    let files = Files::new(Source::new(FileId(0), "plan.yaml", text));
    let mut sink = Diagnostics::new();
    let artifact = compile(&files, &Overrides::default(), &mut sink);
    artifact.unwrap_or_else(|| panic!("{:?}", sink.into_sorted()))
}

/// What one run showed: its record, and each request as method, path and body.
struct Ran {
    record: RunRecord,
    requests: Vec<(String, String, Bytes)>,
    started: u64,
}

async fn run(
    artifact: &Artifact,
    nodes: u32,
    stop_at: impl Fn(&RunEvent) -> Option<StopRequest>,
) -> Ran {
    let requests = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&requests);
    let script = Script::new(move |request| {
        let (method, path) = (request.method.to_string(), request.head.path().to_owned());
        log.lock().unwrap().push((method, path, request.body.clone()));
        Answer::new(200, 20_000_000)
    });
    let loader = NodeLoader {
        clock: Clock::real(),
        workers: 2,
        pacing: engine::runtime::Pacing::Precise,
        permit: Permit::default(),
        read_secret: Arc::new(|_| None),
        start_driver: Arc::new(move |_, clock| {
            Ok(Driver::Script(ScriptDriver::new(script.clone(), clock.clone())))
        }),
    };
    let bytes = Bytes::from(to_bytes(artifact));
    let job = Job { artifact_bytes: bytes, ..job(artifact.clone(), "c") };
    let (stop, stopped) = watch::channel(None);
    let (sender, mut events) = mpsc::channel(10_000);
    let clock = Clock::real();
    let loader = Arc::new(loader);
    let running = embedded::run(job, nodes, loader, clock, stopped, sender, Sum::default());
    let watching = async {
        while let Some(event) = events.recv().await {
            if let Some(request) = stop_at(&event) {
                stop.send_replace(Some(request));
            }
        }
    };
    let (finished, ()) = tokio::join!(running, watching);
    let mut requests = requests.lock().unwrap().clone();
    requests.sort();
    let started = finished.sink.started.values().sum();
    Ran { record: finished.record, requests, started }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_nodes_send_the_requests_of_one() {
    let artifact = compiled(OPEN);
    let planned: u64 = artifact.scenarios.values().map(|scenario| scenario.planned).sum();
    assert_eq!(planned, 90 + 145 + 20);
    let mut all = Vec::new();
    for nodes in [1, 3] {
        let ran = run(&artifact, nodes, |_| None).await;
        assert_eq!(ran.record.ending, Ending::Complete);
        let sums = ran.record.arrivals.iter();
        let succeeded = sums.map(|sum| sum.succeeded).sum::<u64>();
        assert_eq!(succeeded, planned, "{:?}", ran.record.arrivals);
        assert_eq!(ran.started, ran.requests.len() as u64);
        all.push(ran.requests);
    }
    assert_eq!(all[0], all[1], "paths, bodies and random values go by arrival");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closed_loads_are_counted_alike() {
    let artifact = compiled(CLOSED);
    let ran = run(&artifact, 1, |_| None).await;
    assert_eq!(ran.record.ending, Ending::Complete, "{:?}", ran.record.arrivals);
    let [counted, timed] = ran.record.arrivals.as_slice() else { panic!() };
    assert_eq!((counted.planned, counted.succeeded), (60, 60));
    assert_eq!((timed.planned, timed.dropped, timed.unaccounted), (timed.started, 0, 0));
    assert!(timed.started >= 4);
    let paths: BTreeMap<&str, usize> =
        ran.requests.iter().fold(BTreeMap::new(), |mut paths, one| {
            *paths.entry(one.1.as_str()).or_default() += 1;
            paths
        });
    let once = (0..60).all(|n| paths.get(format!("/{n}").as_str()) == Some(&1));
    assert!(once, "{paths:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_run_adds_up_on_real_nodes() {
    let artifact = compiled(&OPEN.replace("for: 1s", "for: 60s").replace("for: 2s", "for: 60s"));
    let ticked =
        |event: &RunEvent| matches!(event.what, Happened::Tick(_)).then_some(StopRequest::Drain);
    let ran = run(&artifact, 2, ticked).await;
    assert_eq!(ran.record.ending, Ending::Interrupted);
    for sum in &ran.record.arrivals {
        assert_eq!(sum.planned, sum.started + sum.dropped + sum.unaccounted, "{sum:?}");
        assert!(
            sum.dropped_by.stopped > 0 && sum.unaccounted == 0 && sum.unfinished == 0,
            "{sum:?}"
        );
    }
    assert_eq!(ran.started, ran.requests.len() as u64);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_artifact_is_refused() {
    let artifact = compiled(OPEN);
    let changed = Artifact { description: "changed".to_owned(), ..artifact };
    let ran = run(&changed, 2, |_| None).await;
    let Ending::ArtifactRefused(why) = &ran.record.ending else { panic!("{:?}", ran.record) };
    assert!(why.contains("digest"), "{why}");
    assert!(!ran.record.load_started && ran.requests.is_empty());
}
