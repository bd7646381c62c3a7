//! Closed loads: users, counts, user time.

use std::collections::BTreeSet;

use compiler::artifact::{ClosedLoad, ClosedStage};

use super::*;

fn closed(stages: Vec<ClosedStage>, users_max: u32) -> Artifact {
    plan(scenario(Load::Closed(ClosedLoad { stages, users_max, pace_ns: 0 }), vec![get("a", &[])]))
}

#[test]
fn users_iterate_until_their_stage_ends() {
    let stage = ClosedStage::Users { from: 10, to: 10, length_ns: 5 * SECOND };
    for workers in [1, 3] {
        let artifact = closed(vec![stage], 10);
        let seen = run(&artifact, workers, |_| Answer::new(200, 100 * MS));
        let row = seen.ledger(0);
        assert_eq!((row.started, row.succeeded, row.upto), (500, 500, 0));
        assert_eq!(row.active_us, 50_000_000);
        let numbers: BTreeSet<u64> = seen.sent.iter().map(|(number, _)| *number).collect();
        assert_eq!(numbers, (0..500).collect());
        assert_eq!(seen.latency(&artifact, None, SeriesKind::Service).0, 500);
        assert_eq!(seen.finished, 5 * SECOND);
    }
}

#[test]
fn a_pace_is_kept_from_start_to_start() {
    let stage = ClosedStage::Users { from: 2, to: 2, length_ns: 10 * SECOND };
    let paced = |pace_ns| {
        let load = ClosedLoad { stages: vec![stage], users_max: 2, pace_ns };
        let artifact = plan(scenario(Load::Closed(load), vec![get("a", &[])]));
        run(&artifact, 2, |_| Answer::new(200, 300 * MS))
    };
    // Starts at 0, 1, … 9 s; a pace that iterations outlast changes nothing.
    assert_eq!((paced(SECOND).ledger(0).started, paced(SECOND).finished), (20, 10 * SECOND));
    assert_eq!(paced(100 * MS).ledger(0).started, paced(0).ledger(0).started);
    assert_eq!(paced(SECOND).ledger(0).active_us, 20_000_000);
}

#[test]
fn users_come_go_and_come_again() {
    let up = ClosedStage::Users { from: 0, to: 4, length_ns: 4 * SECOND };
    let pause = ClosedStage::Pause { length_ns: 2 * SECOND };
    let again = ClosedStage::Users { from: 2, to: 2, length_ns: 2 * SECOND };
    let seen = run(&closed(vec![up, pause, again], 4), 2, |_| Answer::new(200, 250 * MS));
    // 4 + 3 + 2 + 1 seconds of users on the ramp, then 2 users for 2 seconds, four iterations a second.
    assert_eq!((seen.ledger(0).started, seen.ledger(0).active_us), (56, 14_000_000));
    let iterations = |user| seen.sent.iter().filter(|(number, _)| number % 4 == user).count();
    assert_eq!([0, 1, 2, 3].map(iterations), [24, 20, 8, 4]);
    let numbers: BTreeSet<u64> = seen.sent.iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers.len(), 56);
}

#[test]
fn a_running_iteration_ends_after_its_stage_and_is_cut_after_the_graceful_stop() {
    let stage = ClosedStage::Users { from: 2, to: 2, length_ns: SECOND };
    let mut artifact = closed(vec![stage], 2);
    let seen = run(&artifact, 1, |_| Answer::new(200, 1_500 * MS));
    assert_eq!((seen.ledger(0).started, seen.ledger(0).succeeded), (2, 2));
    assert_eq!(seen.ledger(0).active_us, 2_000_000);
    artifact.scenarios.get_mut("load").unwrap().graceful_stop_ns = 100 * MS;
    let seen = run(&artifact, 1, |_| Answer::new(200, 1_500 * MS));
    assert_eq!((seen.ledger(0).started, seen.ledger(0).succeeded), (2, 0));
    assert_eq!((seen.ledger(0).active_us, seen.finished), (2_000_000, 1_100 * MS));
}

#[test]
fn a_count_is_shared_by_idle_users_and_used_up_exactly() {
    let stage = ClosedStage::Count { users: 7, count: 100, within_ns: 60 * SECOND };
    for workers in [1, 2] {
        let seen = run(&closed(vec![stage], 7), workers, |request| {
            Answer::new(200, (10 + arrival_of(request).0 % 50) * MS)
        });
        let row = seen.ledger(0);
        assert_eq!((row.started, row.succeeded, row.upto), (100, 100, 100));
        let numbers: BTreeSet<u64> = seen.sent.iter().map(|(number, _)| *number).collect();
        assert_eq!(numbers, (0..100).collect());
        assert!(seen.finished < 2 * SECOND);
    }
}

#[test]
fn a_count_that_is_not_done_in_time_leaves_the_rest_undecided() {
    let stage = ClosedStage::Count { users: 2, count: 100, within_ns: SECOND };
    let seen = run(&closed(vec![stage], 2), 1, |_| Answer::new(200, 100 * MS));
    assert_eq!((seen.ledger(0).started, seen.ledger(0).upto), (20, 20));
}

#[test]
fn each_user_has_its_own_count() {
    let stage = ClosedStage::CountEach { users: 5, count: 8, within_ns: 60 * SECOND };
    for workers in [1, 2, 3] {
        let seen = run(&closed(vec![stage], 5), workers, |request| {
            // User 4 is ten times as slow as the others, and nobody takes its iterations.
            let slow = arrival_of(request).0 % 5 == 4;
            Answer::new(200, if slow { SECOND } else { 100 * MS })
        });
        let row = seen.ledger(0);
        assert_eq!((row.started, row.succeeded, row.upto), (40, 40, 0));
        let numbers: BTreeSet<u64> = seen.sent.iter().map(|(number, _)| *number).collect();
        assert_eq!(numbers, (0..40).collect());
        assert_eq!(seen.finished, 8 * SECOND);
    }
}

#[test]
fn a_count_each_keeps_its_pace_and_ends_in_time() {
    let stage = ClosedStage::CountEach { users: 2, count: 10, within_ns: 4_500 * MS };
    let load = ClosedLoad { stages: vec![stage], users_max: 2, pace_ns: SECOND };
    let mut load = scenario(Load::Closed(load), vec![get("a", &[])]);
    load.warm_up_ns = 2 * SECOND;
    let seen = run(&plan(load.clone()), 2, |_| Answer::new(200, 100 * MS));
    // Starts at 0, 1, 2, 3 and 4 s; those of the first two seconds are warm-up.
    assert_eq!((seen.ledger(0).started, seen.ledger(0).warm_up), (10, 4));
    assert_eq!(seen.finished, 4_500 * MS);
    // No pause is kept after the last iteration.
    let stage = ClosedStage::CountEach { users: 2, count: 3, within_ns: 60 * SECOND };
    load.load = Load::Closed(ClosedLoad { stages: vec![stage], users_max: 2, pace_ns: SECOND });
    assert_eq!(run(&plan(load), 1, |_| Answer::new(200, 100 * MS)).finished, 2_100 * MS);
}

#[test]
fn a_stop_wakes_sleeping_users_and_a_fence_ends_all() {
    let stages = vec![
        ClosedStage::Pause { length_ns: 1_000 * SECOND },
        ClosedStage::Users { from: 3, to: 3, length_ns: SECOND },
    ];
    let seen = simulate(
        &closed(stages, 3),
        2,
        |_| Answer::new(200, MS),
        |node, _| async move {
            node.extend_lease(u64::MAX);
            node.start(0);
            tokio::time::sleep(std::time::Duration::from_secs(5)).await;
            node.stop(SECOND);
            Some(node)
        },
    );
    assert_eq!((seen.sent.len(), seen.finished), (0, 5 * SECOND));
    let stage = ClosedStage::Users { from: 3, to: 3, length_ns: 60 * SECOND };
    let seen = simulate(
        &closed(vec![stage], 3),
        2,
        |_| Answer::new(200, 300 * MS),
        |node, _| async move {
            node.extend_lease(SECOND);
            node.start(0);
            Some(node)
        },
    );
    assert_eq!((seen.fenced, seen.ledger(0).started, seen.ledger(0).succeeded), (1, 12, 12));
    assert!(seen.finished <= 2 * SECOND);
}

#[test]
fn the_warm_up_goes_by_start() {
    let stage = ClosedStage::Users { from: 1, to: 1, length_ns: SECOND };
    let mut artifact = closed(vec![stage], 1);
    artifact.scenarios.get_mut("load").unwrap().warm_up_ns = 350 * MS;
    let seen = run(&artifact, 1, |_| Answer::new(200, 100 * MS));
    assert_eq!((seen.ledger(0).started, seen.ledger(0).warm_up), (10, 4));
    assert_eq!(seen.latency(&artifact, None, SeriesKind::WarmUpService).0, 4);
    assert_eq!(seen.latency(&artifact, None, SeriesKind::Service).0, 6);
}
