//! Agents that die, stand still, and come back.

use std::thread::sleep;
use std::time::Duration;

use rustix::process::Signal;

use super::scene::{Ended, Plan, S, Scene, now};

/// What becomes of agent `b` in the third second.
#[derive(Clone, Copy)]
enum Fault {
    Kill,
    Stand,
}

/// Breaks agent `b` for good; the run must exit with `code`. Returns how it ended, after what holds for every policy.
fn broken(plan: Plan, fault: Fault, code: i32) -> Option<Ended> {
    let mut scene = Scene::new(plan)?;
    let run = scene.run_until_second(2);
    let victim = &mut scene.agents[1].process;
    match fault {
        Fault::Kill => victim.0.kill().unwrap(),
        Fault::Stand => victim.signal(Signal::STOP),
    }
    let at = now();
    let ended = run.ends(code);
    assert_eq!(ended.lost(), ["b"]);
    assert!(ended.happened("suspect", "b") && ended.happened("lost", "b"));
    assert!(ended.warned("final-missing"), "{:?}", ended.result.warnings);
    assert!(ended.result.arrivals.unaccounted > 0, "{:?}", ended.result.arrivals);
    let witness = scene.witness();
    witness.agrees_with(&ended);
    if plan.policy == "redistribute" {
        witness.is_whole_from(at + plan.lease_ns() + 3 * S);
    }
    Some(ended)
}

fn fails(fault: Fault) {
    let plan = Plan { seconds: 30, ..Plan::default() };
    let Some(ended) = broken(plan, fault, 96) else { return };
    assert!(ended.err.contains("agent `b`"), "the agent is named: {}", ended.err);
    assert_eq!(ended.result.run.outcome, "cluster_failed");
    let by = ended.result.arrivals.dropped_by;
    assert!(by.stopped > 0 && by.lost == 0, "{by:?}");
}

fn continues(fault: Fault) {
    let plan = Plan { policy: "continue", ..Plan::default() };
    let Some(ended) = broken(plan, fault, 98) else { return };
    let arrivals = ended.result.arrivals;
    assert!(arrivals.dropped_by.lost > 0, "{arrivals:?}");
    assert_eq!((arrivals.dropped_by.stopped, arrivals.redistributed), (0, 0), "{arrivals:?}");
}

fn redistributes(fault: Fault) {
    let plan = Plan { policy: "redistribute", seconds: 13, delivery: 50, ..Plan::default() };
    let Some(ended) = broken(plan, fault, 0) else { return };
    let arrivals = ended.result.arrivals;
    assert!(arrivals.redistributed > 0, "{arrivals:?}");
    let by = arrivals.dropped_by;
    // Between the horizon and the takeover, of which the others have to learn: less than a second of its share.
    assert!(by.lost < plan.rate / 3, "{arrivals:?}");
    assert_eq!((by.lease, by.stopped), (0, 0), "{arrivals:?}");
}

#[test]
fn a_killed_agent_fails_the_run() {
    fails(Fault::Kill);
}

#[test]
fn without_a_killed_agent_the_others_continue() {
    continues(Fault::Kill);
}

#[test]
fn the_others_take_over_from_a_killed_agent() {
    redistributes(Fault::Kill);
}

#[test]
fn who_stands_by_takes_over_before_the_others() {
    let plan = Plan { policy: "redistribute", delivery: 50, seconds: 13, ..Plan::default() };
    let Some(mut scene) = Scene::new(plan) else { return };
    let mut run = scene.run_until_second(1);
    scene.add_agent("d");
    run.until_named("joined", "d");
    scene.agents[1].process.0.kill().unwrap();
    let at = now();
    let ended = run.ends(0);
    assert_eq!(ended.lost(), ["b"]);
    assert!(ended.happened("takes_over", "d"));
    assert!(!ended.happened("takes_over", "a") && !ended.happened("takes_over", "c"));
    assert!(ended.result.arrivals.redistributed > 0, "{:?}", ended.result.arrivals);
    let witness = scene.witness();
    witness.agrees_with(&ended);
    witness.is_whole_from(at + plan.lease_ns() + 3 * S);
}

#[test]
fn an_agent_that_stands_still_fails_the_run() {
    fails(Fault::Stand);
}

#[test]
fn without_an_agent_that_stands_still_the_others_continue() {
    continues(Fault::Stand);
}

#[test]
fn the_others_take_over_from_an_agent_that_stands_still() {
    redistributes(Fault::Stand);
}

/// Stops agent `b` until it is lost, then lets it go on; its report must tell what nobody else can know.
fn returns(plan: Plan, code: i32) -> Option<Ended> {
    let scene = Scene::new(plan)?;
    let mut run = scene.run_until_second(2);
    let victim = &scene.agents[1].process;
    victim.signal(Signal::STOP);
    run.until_named("lost", "b");
    // Until its lease has certainly ended.
    sleep(Duration::from_secs(1));
    victim.signal(Signal::CONT);
    let ended = run.ends(code);
    assert_eq!(ended.lost(), ["b"]);
    assert_eq!(ended.result.arrivals.unaccounted, 0, "{:?}", ended.result.arrivals);
    assert!(!ended.warned("final-missing"), "{:?}", ended.result.warnings);
    scene.witness().agrees_with(&ended);
    Some(ended)
}

#[test]
fn a_lost_agent_that_returns_tells_what_it_did() {
    let plan = Plan { seconds: 30, final_wait_s: 15, ..Plan::default() };
    let Some(ended) = returns(plan, 96) else { return };
    assert!(ended.err.contains("agent `b`"), "the agent is named: {}", ended.err);
}

#[test]
fn a_lost_agent_that_returns_does_not_take_its_load_back() {
    let plan = Plan { policy: "redistribute", delivery: 50, final_wait_s: 15, ..Plan::default() };
    let Some(ended) = returns(plan, 0) else { return };
    assert!(ended.result.arrivals.redistributed > 0, "{:?}", ended.result.arrivals);
}

#[test]
fn an_agent_that_stands_still_within_its_lease_comes_back() {
    let plan = Plan { delivery: 50, ..Plan::default() };
    let Some(scene) = Scene::new(plan) else { return };
    let mut run = scene.run_until_second(2);
    let victim = &scene.agents[1].process;
    victim.signal(Signal::STOP);
    run.until_named("suspect", "b");
    sleep(Duration::from_millis(500));
    victim.signal(Signal::CONT);
    let ended = run.ends(0);
    assert!(ended.happened("back", "b"));
    assert_eq!(ended.lost(), Vec::<&str>::new());
    let arrivals = ended.result.arrivals;
    // What was due more than a second before it woke is late; nothing else is missing.
    assert!(arrivals.dropped_by.late > 0, "{arrivals:?}");
    assert_eq!(arrivals.started + arrivals.dropped_by.late, arrivals.planned, "{arrivals:?}");
    scene.witness().agrees_with(&ended);
}
