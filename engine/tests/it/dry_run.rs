//! `volley run --dry-run`: one real arrival of each scenario, every endpoint from every node, an exit code that says it.

use std::path::Path;

use engine::report::RunResult;
use tempfile::tempdir;

use crate::stage::{Nats, Said, Shop, dead_port, result, run, write_plan};

/// An open and a closed scenario, each on two seats, under a load and thresholds that no dry run keeps.
fn plan(shop: &str, pay: &str, path: &str) -> String {
    format!(
        r#"version: 1
name: wet
endpoints:
  shop: {{ http: {{ base_url: "{shop}" }} }}
  pay: {{ http: {{ base_url: "{pay}" }} }}
nodes: {{ groups: {{ eu: {{ agents: 2 }} }} }}
scenarios:
  browse:
    load: {{ open: [ {{ rate: 500/s, for: 1h }} ] }}
    steps: [ {{ step: look, http: {{ use: shop, get: {path} }}, expect: {{ status: 200 }} }} ]
  pay:
    start_after: [ {{ scenario: browse, state: finished }} ]
    load: {{ closed: [ {{ users: 50, for: 1h }} ] }}
    steps: [ {{ step: pay, http: {{ use: pay, get: /health }} }} ]
thresholds:
  many: {{ require: count(succeeded) > 1000, scenario: browse }}
"#
    )
}

fn dry(folder: &Path, plan: &str, how: &[&str]) -> (Said, RunResult) {
    let path = write_plan(folder, plan, 1);
    let out = folder.join("out");
    let args = ["run", &path, "--dry-run", "--out", out.to_str().unwrap()];
    let said = run(&[&args[..], how].concat());
    (said, result(&out))
}

/// Runs a plan whose shop works as `how` says: one arrival of each scenario reaches it.
fn works(how: &[&str]) {
    let folder = tempdir().unwrap();
    let shop = Shop::start(folder.path(), &[]);
    let (said, result) = dry(folder.path(), &plan(&shop.url, &shop.url, "/health"), how);
    let said = said.exits(0);
    assert!(said.out.contains("dry run of wet: passed, exit 0"), "{}", said.out);
    assert!(said.out.contains("every endpoint is reached by: "), "{}", said.out);
    assert!(said.out.contains("scenario pay: its arrival succeeded"), "{}", said.out);
    assert_eq!((result.arrivals.planned, result.arrivals.succeeded), (2, 2));
    assert!(result.warnings.iter().any(|warning| warning.code == "dry-run"));
    let names: Vec<&str> = result.thresholds.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["dry_run.browse", "dry_run.pay"]);
    let seen = shop.requests();
    let sent: Vec<(&str, &str)> = seen
        .keys()
        .map(|(arrival, step)| (arrival.split_once('.').unwrap().1, step.as_str()))
        .collect();
    assert_eq!(sent, [("browse.0", "look"), ("pay.0", "pay")]);
    assert!(seen.values().all(|(times, _)| *times == 1));
}

#[test]
fn a_good_plan_passes_with_one_arrival_of_each_scenario() {
    works(&["--nodes", "2"]);
}

#[test]
fn agents_dry_run_what_one_process_does() {
    let Some(nats) = Nats::start() else { return };
    let agents = [nats.agent("eu-a", "eu"), nats.agent("eu-b", "eu")];
    works(&["--nats", &nats.url]);
    for mut agent in agents {
        assert_eq!(agent.0.wait().unwrap().code(), Some(0));
    }
}

#[test]
fn an_arrival_that_fails_is_a_missed_threshold_with_its_reason() {
    let folder = tempdir().unwrap();
    let shop = Shop::start(folder.path(), &[]);
    let (said, result) = dry(folder.path(), &plan(&shop.url, &shop.url, "/nowhere"), &[]);
    let said = said.exits(99);
    assert!(said.out.contains("scenario browse: its arrival FAILED"), "{}", said.out);
    assert!(said.out.contains("step look: status, "), "{}", said.out);
    assert_eq!((result.arrivals.failed, result.arrivals.succeeded), (1, 1));
}

#[test]
fn an_endpoint_that_is_not_there_is_named_before_anything_is_sent() {
    let folder = tempdir().unwrap();
    let shop = Shop::start(folder.path(), &[]);
    let pay = format!("http://127.0.0.1:{}", dead_port());
    let (said, result) = dry(folder.path(), &plan(&shop.url, &pay, "/health"), &[]);
    let said = said.exits(96);
    assert!(said.out.contains("endpoint `pay` (127.0.0.1:"), "{}", said.out);
    assert_eq!(result.arrivals.started, 0);
    assert!(shop.requests().is_empty());
}
