//! Whole runs against the demo shop: whatever happens in them, the result keeps its laws.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up is to fail")]

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use compiler::artifact::{Artifact, to_bytes};
use compiler::diagnostic::Diagnostics;
use compiler::source::{FileId, Files, Source};
use compiler::{Overrides, compile};
use engine::clock::Clock;
use engine::cluster::node::NodeLoader;
use engine::cluster::permit::Permit;
use engine::cluster::{Job, Seating, Sink, StopRequest, embedded};
use engine::demo::{self, DemoOptions};
use engine::driver::{Driver, HttpDriver};
use engine::event::Happened;
use engine::metrics::threshold::Judge;
use engine::metrics::{Totals, Window};
use engine::report::{RunResult, laws};
use tokio::sync::{mpsc, watch};

const SECOND_NS: u64 = 1_000_000_000;

/// An open scenario with warm-up, a wait and steps side by side; a closed one; an endless supply of 404s in the third.
const PLAN: &str = r#"
version: 1
name: shop
vars: { shop: "http://127.0.0.1:1" }
endpoints:
  shop: { http: { base_url: "{{ vars.shop }}", timeout: 5s } }
nodes:
  groups: { eu: { agents: 3 } }
scenarios:
  visit:
    load: { open: [ { rate: { from: 20/s, to: 60/s }, for: 2s }, { rate: 60/s, for: 1s } ], max_in_flight: 100 }
    warm_up: 1s
    graceful_stop: 5s
    steps:
      - step: look
        http: { use: shop, get: /products }
      - wait: 50ms
      - step: again
        http: { use: shop, get: /products }
      - step: beside
        needs: [look]
        http: { use: shop, get: /products }
  stay:
    load: { closed: [ { users: 4, for: 3s } ] }
    graceful_stop: 5s
    steps:
      - step: look
        http: { use: shop, get: /products }
      - wait: 20ms
  wrong:
    load: { open: [ { rate: 20/s, for: 3s } ] }
    graceful_stop: 5s
    steps:
      - step: nowhere
        http: { use: shop, get: /no-such-page }
      - step: never
        http: { use: shop, get: /products }
thresholds:
  seen: { require: share(failed) < 1%, scenario: visit }
  broken: { require: count(failed) > 10, scenario: wrong, step: nowhere }
delivery: { min: 1% }
"#;

struct Merged {
    totals: Totals,
    judge: Judge,
}

impl Sink for Merged {
    fn window(&mut self, node: usize, window: &Window) {
        self.totals.apply(node, window);
    }

    fn starts(&mut self, scenario: usize, start_ns: u64) {
        self.totals.start_at(scenario, start_ns);
    }

    fn missed_abort(&mut self, complete_until: u32) -> Option<String> {
        self.judge.missed_abort(&self.totals, u64::from(complete_until))
    }
}

fn artifact(plan: &str, shop: &str) -> Artifact {
    let files = Files::new(Source::new(FileId(0), "shop.yaml", plan));
    let vars = BTreeMap::from([("shop".to_owned(), shop.to_owned())]);
    let mut sink = Diagnostics::new();
    let artifact = compile(&files, &Overrides { vars, ..Overrides::default() }, &mut sink);
    artifact.unwrap_or_else(|| panic!("{:?}", sink.into_sorted()))
}

/// Runs the plan on `nodes` nodes of this process; stops it in its second second if asked to.
async fn run(nodes: u32, stop_early: Option<StopRequest>) -> RunResult {
    run_plan(PLAN, nodes, stop_early).await
}

pub(crate) async fn run_plan(plan: &str, nodes: u32, stop_early: Option<StopRequest>) -> RunResult {
    let clock = Clock::real();
    let options = DemoOptions { latency_ns: 5_000_000, ..DemoOptions::default() };
    let shop = demo::start(options, clock.clone()).unwrap();
    let artifact = Arc::new(artifact(plan, &format!("http://{}", shop.addr)));
    let loader = NodeLoader {
        clock: clock.clone(),
        workers: 2,
        pacing: engine::runtime::Pacing::Precise,
        permit: Permit::default(),
        read_secret: Arc::new(|_| None),
        start_driver: Arc::new(|program, clock| {
            Ok(Driver::Http(HttpDriver::new(program.targets(), clock.clone())?))
        }),
    };
    let job = Job {
        run: "k3v9x0q2ab".to_owned(),
        cluster: "default".to_owned(),
        artifact_bytes: Bytes::from(to_bytes(&artifact)),
        signatures: None,
        artifact: Arc::clone(&artifact),
        files: BTreeMap::new(),
        vars: BTreeMap::new(),
        seed: None,
        dry_run: false,
        seating: Seating::OnePerAgent,
        join_timeout_ns: 30 * SECOND_NS,
        lease_ns: 30 * SECOND_NS,
        on_agent_loss: compiler::artifact::OnAgentLoss::Fail,
        journal: None,
    };
    let sink = Merged { totals: Totals::new(&artifact), judge: Judge::new(Arc::clone(&artifact)) };
    let (stop, stopped) = watch::channel(None);
    let (sender, mut events) = mpsc::channel(10_000);
    let running = embedded::run(job, nodes, Arc::new(loader), clock, stopped, sender, sink);
    let watching = async {
        while let Some(event) = events.recv().await {
            if stop_early.is_some() && matches!(event.what, Happened::Tick(_)) {
                stop.send_replace(stop_early);
            }
        }
    };
    let (finished, ()) = tokio::join!(running, watching);
    shop.stop().unwrap();
    RunResult::build(&artifact, &finished.record, &finished.sink.totals)
}

fn check(result: &RunResult) {
    assert_eq!(laws(result), Vec::<String>::new());
    assert_ne!(result.run.outcome, "internal_error", "{:?}", result.warnings);
    let schema = include_str!("../../../schemas/result.schema.json");
    let schema = serde_json::from_str(schema).unwrap();
    let json = serde_json::to_value(result).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let errors: Vec<String> = validator.iter_errors(&json).map(|it| it.to_string()).collect();
    assert_eq!(errors, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_on_one_node_and_on_three_keeps_the_laws() {
    for nodes in [1, 3] {
        let result = run(nodes, None).await;
        check(&result);
        assert_eq!(result.run.outcome, "passed", "{:?} {:?}", result.thresholds, result.warnings);
        assert_eq!(result.nodes.len(), usize::try_from(nodes).unwrap());
        let [stay, visit, wrong] = &result.scenarios[..] else { panic!("three scenarios") };
        assert_eq!((visit.arrivals.planned, wrong.arrivals.planned), (140, 60));
        assert_eq!(visit.arrivals.failed, 0);
        assert!(visit.warm_up.arrivals > 0 && stay.arrivals.started > 0);
        assert_eq!(wrong.arrivals.succeeded, 0);
        let skipped = wrong.steps[1].skipped;
        assert_eq!((wrong.steps[1].ok, skipped), (0, wrong.arrivals.failed));
        if let Some(folder) = std::env::var_os("OUT") {
            let kinds = engine::report::Kind::ALL;
            engine::report::write(folder.as_ref(), &result, &kinds, None).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_is_stopped_or_cut_keeps_the_laws() {
    for stop in [StopRequest::Drain, StopRequest::Abort] {
        let result = run(2, Some(stop)).await;
        check(&result);
        assert_eq!(result.run.exit_code, 130);
        assert!(result.arrivals.dropped_by.stopped > 0);
    }
}

/// More iterations than two users can do in time.
const CUT: &str = r#"
version: 1
name: cut
vars: { shop: "http://127.0.0.1:1" }
endpoints:
  shop: { http: { base_url: "{{ vars.shop }}", timeout: 5s } }
scenarios:
  counted:
    load: { closed: [ { users: 2, count: 100000, within: 1s } ] }
    graceful_stop: 5s
    steps: [ { step: look, http: { use: shop, get: /products } } ]
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_count_that_is_not_reached_within_its_time_is_no_bug() {
    let result = run_plan(CUT, 1, None).await;
    check(&result);
    assert_eq!((result.run.outcome.as_str(), result.run.exit_code), ("passed", 0));
    let it = &result.arrivals;
    assert_eq!((it.planned, it.unaccounted, it.unfinished), (100_000, 0, 0));
    assert!(it.started > 0 && it.dropped_by.stopped > 0);
    assert_eq!(it.dropped, it.dropped_by.stopped);
    let shop = &result.run.inputs.vars["shop"];
    assert!(shop.starts_with("http://127.0.0.1:"), "{shop}");
}
