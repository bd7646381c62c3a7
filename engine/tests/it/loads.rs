//! Plans whose loads the run itself steers, on real nodes and over HTTP: late starts, stops, overload.

use engine::metrics::threshold::Verdict;
use engine::report::{RunResult, laws};

use tempfile::tempdir;

use crate::results::run_plan;
use crate::stage::{Nats, Shop, result, run, write_plan};

const STEERED: &str = r#"
version: 1
name: steered
vars: { shop: "http://127.0.0.1:1" }
endpoints: { shop: { http: { base_url: "{{ vars.shop }}" } } }
nodes: { groups: { eu: { agents: 2 } } }
scenarios:
  broken:
    load: { open: [ { rate: 100/s, for: 60s } ], late_after: 30s }
    max_failures: 30
    steps: [ { step: nowhere, http: { get: /no-such-page } } ]
  well:
    load: { open: [ { rate: 50/s, for: 2s } ], late_after: 30s }
    steps: [ { step: list, http: { get: /products } } ]
  clerks:
    load: { closed: [ { users: 3, count_each: 5, within: 60s } ] }
    steps: [ { step: list, http: { get: /products } } ]
  after:
    start_after: [ { scenario: clerks, state: finished, delay: 100ms } ]
    load: { open: [ { rate: 100/s, for: 2s } ], late_after: 30s }
    steps: [ { step: list, http: { get: /products } } ]
thresholds:
  whole: { require: rate(started) > 50/s, scenario: after }
  windows: { require: p95(response) < 50s, scenario: after, window: 1s }
  none_lost: { require: count(unaccounted) == 0 }
"#;

const QUEUE: &str = r#"
version: 1
name: queue
vars: { shop: "http://127.0.0.1:1" }
endpoints: { shop: { http: { base_url: "{{ vars.shop }}" } } }
scenarios:
  burst:
    load: { open: [ { rate: 1000/s, for: 1s } ], max_in_flight: 2, on_overload: queue, late_after: 30s }
    steps: [ { step: list, http: { get: /products } } ]
delivery: { min: 1% }
"#;

#[track_caller]
fn holds(result: &RunResult) {
    assert_eq!(laws(result), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failing_scenario_is_stopped_and_a_late_one_starts_in_time() {
    for nodes in [1, 2] {
        let result = run_plan(STEERED, nodes, None).await;
        holds(&result);
        is_steered(&result);
    }
}

/// The shop's log is the witness: what was counted was sent, each arrival once.
#[test]
fn agents_over_nats_are_steered_alike() {
    let Some(nats) = Nats::start() else { return };
    let folder = tempdir().unwrap();
    let shop = Shop::start(folder.path(), &[]);
    let path = write_plan(folder.path(), &STEERED.replace("http://127.0.0.1:1", &shop.url), 1);
    let agents = [nats.agent("eu-a", "eu"), nats.agent("eu-b", "eu")];
    let out = folder.path().join("out");
    run(&["run", &path, "--nats", &nats.url, "--out", out.to_str().unwrap()]).exits(99);
    for mut agent in agents {
        assert_eq!(agent.0.wait().unwrap().code(), Some(0));
    }
    let result = result(&out);
    is_steered(&result);
    let seen = shop.requests();
    assert!(seen.values().all(|(times, ..)| *times == 1), "each arrival once");
    for scenario in &result.scenarios {
        let of = format!(".{}.", scenario.name);
        let sent = seen.keys().filter(|(arrival, _)| arrival.contains(&of)).count() as u64;
        assert_eq!(sent, scenario.arrivals.started, "{}", scenario.name);
    }
}

#[track_caller]
fn is_steered(result: &RunResult) {
    assert_eq!(result.run.exit_code, 99, "{:?}", result.warnings);
    assert_eq!(result.run.aborted_by.as_deref(), Some("broken.max_failures"));
    let said = |code: &str| result.warnings.iter().any(|warning| warning.code == code);
    assert!(said("too-many-failures"), "{:?}", result.warnings);
    let of = |name: &str| {
        result.scenarios.iter().find(|scenario| scenario.name == name).unwrap().arrivals
    };
    let broken = of("broken");
    assert_eq!((broken.planned, broken.succeeded), (6_000, 0));
    assert_eq!(broken.dropped, broken.dropped_by.stopped);
    assert!(broken.failed >= 30 && broken.dropped > 0, "{broken:?}");
    assert_eq!(of("well").succeeded, 100);
    assert_eq!((of("clerks").planned, of("clerks").succeeded), (15, 15));
    assert_eq!((of("after").planned, of("after").succeeded), (200, 200));
    for threshold in &result.thresholds {
        assert_eq!(threshold.verdict, Verdict::Pass, "{threshold:?}");
    }
    // The late scenario is planned in the seconds in which it ran, long before its latest start.
    let series = &result.series.scenarios["after"];
    assert_eq!(series.planned.iter().sum::<u64>(), 200, "{series:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queue_adds_up_on_real_nodes() {
    let result = run_plan(QUEUE, 1, None).await;
    holds(&result);
    let arrivals = result.arrivals;
    assert_eq!(result.run.exit_code, 0, "{:?}", result.warnings);
    assert!(arrivals.started > 2 && arrivals.dropped_by.full > 0, "{arrivals:?}");
    assert_eq!(arrivals.started + arrivals.dropped_by.full, 1_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_overload_ends_the_run_where_the_plan_says_fail() {
    let plan = QUEUE.replace("for: 1s", "for: 60s").replace("queue,", "fail,");
    let result = run_plan(&plan, 1, None).await;
    holds(&result);
    assert_eq!(result.run.exit_code, 98, "{:?}", result.warnings);
    assert_eq!(result.run.aborted_by.as_deref(), Some("burst.on_overload"));
    assert!(result.warnings.iter().any(|warning| warning.code == "overloaded"));
    let by = result.arrivals.dropped_by;
    // Each worker stops at its first.
    assert!((1..=2).contains(&by.full) && by.stopped > 0, "{by:?}");
}
