//! What a node's owner wants of single scenarios: late starts and stops.

use std::time::Duration;

use compiler::artifact::{ClosedLoad, ClosedStage, LateStart, Moment, StartAfter};

use super::open::check_frontiers;
use super::*;

fn late(latest_ns: u64) -> Option<LateStart> {
    let after = StartAfter { scenario: "load".to_owned(), state: Moment::Finished, delay_ns: 0 };
    Some(LateStart { latest_ns, after: vec![after] })
}

/// Returns a count of 20 iterations by 2 users, and what starts after it.
fn with_late(load: Load) -> Artifact {
    let stage = ClosedStage::Count { users: 2, count: 20, within_ns: 30 * SECOND };
    let count = ClosedLoad { stages: vec![stage], users_max: 2, pace_ns: 0 };
    let mut first = scenario(Load::Closed(count), vec![get("a", &[])]);
    first.planned = 20;
    let mut artifact = plan(first);
    let mut second = scenario(load, vec![get("b", &[])]);
    second.late_start = late(30 * SECOND);
    second.warm_up_ns = SECOND;
    second.graceful_stop_ns = 2 * SECOND;
    artifact.scenarios.insert("zlate".to_owned(), second);
    artifact
}

fn start(scenario: usize, start_ns: u64) -> Direction {
    Direction { scenario, start_ns: Some(start_ns), stop: false }
}

fn stop(scenario: usize) -> Direction {
    Direction { scenario, start_ns: None, stop: true }
}

#[test]
fn an_announced_start_begins_a_scenario_and_only_the_first_counts() {
    let artifact = with_late(Load::Open(constant("50/s", 3 * SECOND)));
    for workers in [1, 2] {
        let answer = |_: &Request| Answer::new(200, 100 * MS);
        let seen = simulate(&artifact, workers, answer, |node, _| async move {
            node.extend_lease(u64::MAX);
            node.start(0);
            tokio::time::sleep(Duration::from_secs(2)).await;
            node.direct(&[start(1, 4 * SECOND)]);
            tokio::time::sleep(Duration::from_secs(1)).await;
            node.direct(&[start(1, 9 * SECOND)]);
            Some(node)
        });
        let row = seen.ledger(1);
        assert_eq!((row.started, row.succeeded, row.dropped_late), (150, 150, 0));
        // The warm-up counts from the real start, and so do the seconds.
        assert_eq!(row.warm_up, 50);
        let seconds = seen.whole().seconds;
        let started: Vec<_> = seconds
            .iter()
            .filter(|row| row.scenario == 1 && row.started > 0)
            .map(|row| (row.second, row.started))
            .collect();
        assert_eq!(started, [(4, 50), (5, 50), (6, 50)]);
        // Two users at ten iterations a second each had 20 iterations: one second.
        let over: Vec<_> =
            seen.whole().ledger.iter().map(|row| (row.scenario, row.over_ms)).collect();
        assert!(over.iter().filter(|it| it.0 == 0).any(|it| it.1 == Some(1_000)), "{over:?}");
        assert!(over.iter().all(|it| it.1.is_some()), "{over:?}");
        let late: Vec<_> = over.iter().filter(|it| it.0 == 1).collect();
        assert!(late.iter().all(|it| (6_900..7_000).contains(&it.1.unwrap())), "{over:?}");
    }
}

#[test]
fn what_nobody_announces_starts_at_the_latest() {
    let stage = ClosedStage::Users { from: 3, to: 3, length_ns: SECOND };
    let users = ClosedLoad { stages: vec![stage], users_max: 3, pace_ns: 0 };
    let seen = run(&with_late(Load::Closed(users)), 2, |_| Answer::new(200, 100 * MS));
    assert_eq!((seen.ledger(0).started, seen.ledger(1).started), (20, 30));
    assert_eq!(seen.finished, 31 * SECOND);
    assert_eq!(seen.ledger(1).active_us, 3_000_000);
}

#[test]
fn a_late_scenario_has_its_graceful_stop_from_its_real_end() {
    let artifact = with_late(Load::Open(constant("10/s", SECOND)));
    let seen = simulate(
        &artifact,
        1,
        |request| {
            Answer::new(200, if request.head.path() == "/b" { 50 * SECOND } else { 100 * MS })
        },
        |node, _| async move {
            node.extend_lease(u64::MAX);
            node.start(0);
            tokio::time::sleep(Duration::from_secs(2)).await;
            node.direct(&[start(1, 5 * SECOND)]);
            Some(node)
        },
    );
    assert_eq!((seen.ledger(1).started, seen.ledger(1).succeeded), (10, 0));
    assert_eq!(seen.finished, 8 * SECOND);
}

#[test]
fn a_stopped_scenario_drains_and_the_others_go_on() {
    let mut artifact =
        plan(scenario(Load::Open(constant("100/s", 10 * SECOND)), vec![get("a", &[])]));
    let stage = ClosedStage::Users { from: 4, to: 4, length_ns: 10 * SECOND };
    let users = ClosedLoad { stages: vec![stage], users_max: 4, pace_ns: 3 * SECOND };
    let closed = scenario(Load::Closed(users), vec![get("b", &[])]);
    artifact.scenarios.insert("users".to_owned(), closed);
    let other = scenario(Load::Open(constant("10/s", 10 * SECOND)), vec![get("c", &[])]);
    artifact.scenarios.insert("zother".to_owned(), other);
    for workers in [1, 3] {
        let answer = |_: &Request| Answer::new(200, 500 * MS);
        let seen = simulate(&artifact, workers, answer, |node, _| async move {
            node.extend_lease(u64::MAX);
            node.start(0);
            tokio::time::sleep(Duration::from_millis(1_995)).await;
            node.direct(&[stop(0), stop(1)]);
            Some(node)
        });
        let row = seen.ledger(0);
        assert_eq!((row.started, row.succeeded, row.upto), (200, 200, 200 + row.upto - 200));
        assert!((200..210).contains(&row.upto), "the frontier stays: {}", row.upto);
        // The users slept until their pace was over; the stop woke them.
        assert_eq!((seen.ledger(1).started, seen.ledger(1).active_us), (4, 4 * 1_995_000));
        assert_eq!(seen.ledger(2).succeeded, 100);
        let over = |scenario| {
            let rows = seen.whole().ledger.into_iter();
            rows.filter(|row| row.scenario == scenario).map(|row| row.over_ms).max().unwrap()
        };
        assert_eq!((over(0), over(1)), (Some(1_995), Some(1_995)));
        assert_eq!(over(2), Some(9_900));
        if workers == 1 {
            check_frontiers(&artifact, workers, &seen_of(&seen, 0));
        }
    }
}

/// Returns what was told of one scenario.
fn seen_of(seen: &Seen, scenario: u32) -> Seen {
    let windows = seen.windows.iter().cloned().map(|mut window| {
        window.ledger.retain(|row| row.scenario == scenario);
        window
    });
    Seen { windows: windows.collect(), ..Seen::default() }
}

#[test]
fn a_stop_cuts_what_outlasts_the_graceful_stop_and_ends_what_never_began() {
    let mut artifact = with_late(Load::Open(constant("10/s", SECOND)));
    artifact.scenarios.get_mut("load").unwrap().graceful_stop_ns = SECOND;
    let answer = |_: &Request| Answer::new(200, 20 * SECOND);
    let seen = simulate(&artifact, 2, answer, |node, _| async move {
        node.extend_lease(u64::MAX);
        node.start(0);
        tokio::time::sleep(Duration::from_secs(3)).await;
        node.direct(&[stop(0), stop(1)]);
        Some(node)
    });
    assert_eq!((seen.ledger(0).started, seen.ledger(0).succeeded), (2, 0));
    assert_eq!((seen.ledger(1).started, seen.finished), (0, 4 * SECOND));
}
