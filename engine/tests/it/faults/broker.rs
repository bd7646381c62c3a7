//! A broker that is not there, restarts, hangs, or stays away.

use std::thread::sleep;
use std::time::Duration;

use rustix::process::Signal;

use super::scene::{Ended, Plan, Scene, now};
use crate::stage::{dead_port, run, write_plan};

#[test]
fn without_a_broker_the_run_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let plan = "version: 1\nname: p\nendpoints: { e: { http: { base_url: \"http://127.0.0.1:1\" } } }\n\
                scenarios: { s: { load: { open: [ { rate: 1/s, for: 1s } ] }, steps: [ { step: a, http: { get: / } } ] } }\n";
    let path = write_plan(folder.path(), plan, 1);
    let url = format!("nats://127.0.0.1:{}", dead_port());
    let out = folder.path().join("out");
    let said = run(&["run", &path, "--nats", &url, "--out", out.to_str().unwrap()]).exits(96);
    let expected = format!("cannot reach {url} after 3 tries: connection refused");
    assert!(said.err.contains(&expected), "{}", said.err);
    assert!(!out.exists(), "nothing ran, so there are no results");
    let said = run(&["agent", "--nats", &url, "--once"]).exits(96);
    assert!(said.err.contains(&expected), "{}", said.err);
}

/// A plan whose lease outlasts a short outage.
fn patient() -> Plan {
    Plan { lease_s: 6, seconds: 9, ..Plan::default() }
}

/// The load never noticed: every arrival came once and nothing is missing.
#[track_caller]
fn costs_nothing(scene: Scene, ended: &Ended) {
    assert_eq!(ended.lost(), Vec::<&str>::new());
    assert_eq!(ended.result.arrivals.started, scene.plan.planned());
    let witness = scene.witness();
    witness.agrees_with(ended);
    witness.is_whole();
}

#[test]
fn a_broker_that_restarts_within_the_lease_changes_nothing() {
    let Some(mut scene) = Scene::new(patient()) else { return };
    let run = scene.run_until_second(2);
    scene.nats.process.0.kill().unwrap();
    sleep(Duration::from_millis(1_500));
    scene.nats.start_again();
    let ended = run.ends(0);
    assert!(ended.happened("broker_away", "") && ended.happened("broker_back", ""));
    costs_nothing(scene, &ended);
}

#[test]
fn a_broker_that_hangs_within_the_lease_changes_nothing() {
    let Some(scene) = Scene::new(patient()) else { return };
    let run = scene.run_until_second(2);
    scene.nats.process.signal(Signal::STOP);
    sleep(Duration::from_millis(2_000));
    scene.nats.process.signal(Signal::CONT);
    let ended = run.ends(0);
    costs_nothing(scene, &ended);
}

/// Takes the broker away for good with `away`; the load must end by itself, and so must the run.
///
/// The lease outlasts the three seconds in which a broker that hangs is found out: with a shorter one the agents are lost
/// before, one by one, which ends the run as well.
fn gone(away: impl Fn(&mut Scene)) -> Option<()> {
    let plan = Plan { seconds: 30, lease_s: 5, ..Plan::default() };
    let mut scene = Scene::new(plan)?;
    let run = scene.run_until_second(2);
    away(&mut scene);
    let at = now();
    let ended = run.ends(96);
    assert!(ended.err.contains("broker was away"), "{}", ended.err);
    assert!(ended.happened("broker_away", ""));
    assert_eq!(ended.lost(), ["a", "b", "c"]);
    for agent in &mut scene.agents {
        let code = agent.process.0.wait().unwrap().code();
        assert_eq!(code, Some(96), "an agent gives up its results after the final wait");
    }
    let witness = scene.witness();
    witness.agrees_with(&ended);
    witness.ends_a_lease_after(at);
    Some(())
}

#[test]
fn a_broker_that_stays_away_ends_the_load_with_the_lease() {
    gone(|scene| scene.nats.process.0.kill().unwrap());
}

#[test]
fn a_broker_that_hangs_for_good_ends_the_load_with_the_lease() {
    gone(|scene| scene.nats.process.signal(Signal::STOP));
}

#[test]
fn a_broker_that_returns_after_the_lease_brings_the_reports() {
    let plan = Plan { seconds: 30, final_wait_s: 20, ..Plan::default() };
    let Some(mut scene) = Scene::new(plan) else { return };
    let mut run = scene.run_until_second(2);
    scene.nats.process.0.kill().unwrap();
    run.until_named("lost", "c");
    sleep(Duration::from_secs(1));
    scene.nats.start_again();
    let ended = run.ends(96);
    assert!(ended.err.contains("broker was away"), "{}", ended.err);
    let arrivals = ended.result.arrivals;
    assert_eq!(arrivals.unaccounted, 0, "all three reported: {arrivals:?}");
    scene.witness().agrees_with(&ended);
}
