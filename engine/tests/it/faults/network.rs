//! Agents that can be reached no more, although they and the shop are well.

use std::thread::sleep;
use std::time::Duration;

use super::scene::{Ended, Plan, S, Scene, now};

/// Cuts agent `b` off the broker for good.
fn cut_off(plan: Plan, code: i32) -> Option<Ended> {
    let scene = Scene::new(plan)?;
    let run = scene.run_until_second(2);
    scene.agents[1].link.cut();
    let at = now();
    let ended = run.ends(code);
    assert_eq!(ended.lost(), ["b"]);
    let arrivals = ended.result.arrivals;
    // It went on under its lease: the shop saw what nobody can account for, and nothing after the lease.
    let witness = scene.witness();
    witness.agrees_with(&ended);
    assert!(arrivals.unaccounted > plan.rate / 3, "{arrivals:?}");
    let share = plan.rate / 3;
    let sent = witness.count(at..at + S);
    assert!(sent > 2 * share + share / 2, "{sent} in the second after the cut");
    match plan.policy {
        "redistribute" => witness.is_whole_from(at + plan.lease_ns() + 3 * S),
        "continue" => {
            let over = at + plan.lease_ns() + S;
            let sent = witness.count(over..over + S);
            assert!(sent.abs_diff(2 * share) < share / 2, "{sent} in a second after its lease");
        }
        _ => {}
    }
    Some(ended)
}

#[test]
fn an_agent_that_is_cut_off_fails_the_run() {
    let plan = Plan { seconds: 30, ..Plan::default() };
    let Some(ended) = cut_off(plan, 96) else { return };
    assert!(ended.err.contains("agent `b`"), "the agent is named: {}", ended.err);
}

#[test]
fn without_an_agent_that_is_cut_off_the_others_continue() {
    let plan = Plan { policy: "continue", ..Plan::default() };
    let Some(ended) = cut_off(plan, 98) else { return };
    assert!(ended.result.arrivals.dropped_by.lost > 0, "{:?}", ended.result.arrivals);
}

#[test]
fn the_others_take_over_from_an_agent_that_is_cut_off() {
    let plan = Plan { policy: "redistribute", seconds: 13, delivery: 50, ..Plan::default() };
    let Some(ended) = cut_off(plan, 0) else { return };
    assert!(ended.result.arrivals.redistributed > 0, "{:?}", ended.result.arrivals);
}

#[test]
fn a_cut_that_heals_after_the_lease_is_resolved() {
    let plan = Plan { policy: "redistribute", delivery: 50, final_wait_s: 15, ..Plan::default() };
    let Some(scene) = Scene::new(plan) else { return };
    let mut run = scene.run_until_second(2);
    scene.agents[1].link.cut();
    run.until_named("lost", "b");
    sleep(Duration::from_secs(1));
    scene.agents[1].link.heal();
    let ended = run.ends(0);
    assert_eq!(ended.lost(), ["b"]);
    assert_eq!(ended.result.arrivals.unaccounted, 0, "{:?}", ended.result.arrivals);
    scene.witness().agrees_with(&ended);
}

#[test]
fn a_cut_within_the_lease_costs_nothing() {
    let Some(scene) = Scene::new(Plan::default()) else { return };
    let run = scene.run_until_second(2);
    scene.agents[1].link.cut();
    sleep(Duration::from_millis(1_300));
    scene.agents[1].link.heal();
    let ended = run.ends(0);
    assert!(ended.happened("suspect", "b") && ended.happened("back", "b"));
    assert_eq!(ended.result.arrivals.started, scene.plan.planned());
    let witness = scene.witness();
    witness.agrees_with(&ended);
    witness.is_whole();
}
