//! A coordinator that stands still or dies: the load ends by itself.

use std::thread::sleep;
use std::time::Duration;

use rustix::process::Signal;

use super::scene::{Plan, Scene, now};

#[test]
fn a_coordinator_that_stands_still_for_a_lease_finds_its_agents_fenced() {
    let plan = Plan { seconds: 30, final_wait_s: 20, ..Plan::default() };
    let Some(scene) = Scene::new(plan) else { return };
    let run = scene.run_until_second(2);
    run.process.signal(Signal::STOP);
    let at = now();
    sleep(Duration::from_secs(plan.lease_s + 2));
    run.process.signal(Signal::CONT);
    let ended = run.ends(96);
    assert!(ended.warned("coordinator-still"), "{:?}", ended.result.warnings);
    assert!(ended.err.contains("its lease") || ended.err.contains("the lease"), "{}", ended.err);
    let arrivals = ended.result.arrivals;
    assert_eq!(arrivals.unaccounted, 0, "all agents live, and report: {arrivals:?}");
    let witness = scene.witness();
    witness.agrees_with(&ended);
    witness.ends_a_lease_after(at);
}

#[test]
fn without_a_coordinator_the_load_ends_with_the_lease() {
    let plan = Plan { seconds: 30, ..Plan::default() };
    let Some(mut scene) = Scene::new(plan) else { return };
    let mut run = scene.run_until_second(2);
    run.process.0.kill().unwrap();
    let at = now();
    for agent in &mut scene.agents {
        let code = agent.process.0.wait().unwrap().code();
        assert_eq!(code, Some(96), "an agent gives up its results after the final wait");
    }
    scene.witness().ends_a_lease_after(at);
}
