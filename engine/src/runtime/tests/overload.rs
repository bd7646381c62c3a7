//! What becomes of arrivals above `max_in_flight`: they wait in order, or the first ends its scenario's load.

use compiler::artifact::OnOverload;
use proptest::prelude::*;

use super::open::check_frontiers;
use super::*;

fn overloaded(rate: &str, seconds: u64, max_in_flight: u64, on_overload: OnOverload) -> Artifact {
    let load = OpenLoad { max_in_flight, on_overload, ..constant(rate, seconds * SECOND) };
    plan(scenario(Load::Open(load), vec![get("a", &[])]))
}

fn late_after(mut artifact: Artifact, ns: u64) -> Artifact {
    for scenario in artifact.scenarios.values_mut() {
        if let Load::Open(load) = &mut scenario.load {
            load.late_after_ns = ns;
        }
    }
    artifact
}

/// Ten a second for two seconds, two places, each taken for 1.05 s: 0 and 1 start at once, 2 and 3 wait, the rest
/// finds no place to wait until then.
#[test]
fn as_many_again_wait_in_order_and_the_rest_is_dropped() {
    let artifact = late_after(overloaded("10/s", 2, 2, OnOverload::Queue), 60 * SECOND);
    for workers in [1, 2, 3] {
        let seen = run(&artifact, workers, |_| Answer::new(200, 1_050 * MS));
        let numbers: Vec<u64> = seen.sent.iter().map(|(number, _)| *number).collect();
        // Places are free at 1.05 and 1.15 s (2, 3 start, 11 and 12 wait), then at 2.1 and 2.2 s.
        assert_eq!(numbers, [0, 1, 2, 3, 11, 12], "{workers} workers");
        let row = seen.ledger(0);
        assert_eq!((row.started, row.succeeded, row.dropped_full), (6, 6, 14));
        assert_eq!((row.dropped_late, row.upto), (0, 20));
        // Number 11 was due at 1.1 s, started at 2.1 s and took until 3.15 s.
        let (count, min, max) = seen.latency(&artifact, None, SeriesKind::Response);
        assert!(count == 6 && min.abs_diff(1_050_000) < 5_000, "{count}, {min}");
        assert!(max.abs_diff(2_050_000) < 5_000, "{max}");
        let service = seen.latency(&artifact, None, SeriesKind::Service);
        assert!(service.2.abs_diff(1_050_000) < 5_000, "{service:?}");
        // Each drop is in the second in which it was due, also where it was held back.
        let dropped: Vec<u64> = seen.whole().seconds.iter().map(|row| row.dropped).collect();
        assert_eq!(dropped, [6, 8, 0, 0]);
        check_frontiers(&artifact, workers, &seen);
    }
}

#[test]
fn what_waits_too_long_is_late_even_if_no_place_becomes_free() {
    let artifact = late_after(overloaded("10/s", 1, 3, OnOverload::Queue), 500 * MS);
    let seen = run(&artifact, 1, |_| Answer::new(200, 20 * SECOND));
    let row = seen.ledger(0);
    // 0–2 run, 3–5 wait until 0.8, 0.9 and 1.0 s; 9, due at 0.9 s, waits in the place of 3.
    assert_eq!((row.started, row.dropped_late, row.dropped_full), (3, 4, 3));
    assert_eq!(row.upto, 10);
    check_frontiers(&artifact, 1, &seen);
}

#[test]
fn what_waits_when_the_graceful_stop_ends_has_found_no_place() {
    let mut artifact = late_after(overloaded("10/s", 1, 2, OnOverload::Queue), 60 * SECOND);
    artifact.scenarios.get_mut("load").unwrap().graceful_stop_ns = 5 * SECOND;
    let seen = run(&artifact, 2, |_| Answer::new(200, 30 * SECOND));
    let row = seen.ledger(0);
    assert_eq!((row.started, row.succeeded, row.dropped_full), (2, 0, 8));
    assert_eq!((row.upto, seen.finished), (10, 6 * SECOND));
    check_frontiers(&artifact, 2, &seen);
}

#[test]
fn a_stop_leaves_what_waits_undecided() {
    let artifact = late_after(overloaded("10/s", 2, 2, OnOverload::Queue), 60 * SECOND);
    let answer = |_: &Request| Answer::new(200, 30 * SECOND);
    let seen = simulate(&artifact, 1, answer, |node, _| async move {
        node.extend_lease(u64::MAX);
        node.start(0);
        tokio::time::sleep(std::time::Duration::from_millis(1_050)).await;
        node.stop(SECOND);
        Some(node)
    });
    let row = seen.ledger(0);
    // 2 and 3 wait; the seven dropped behind them stay uncounted with them.
    assert_eq!((row.started, row.dropped_full, row.upto), (2, 0, 2));
    check_frontiers(&artifact, 1, &seen);
}

#[test]
fn the_first_overload_ends_the_load_where_a_plan_says_fail() {
    let artifact = overloaded("10/s", 60, 4, OnOverload::Fail);
    let seen = run(&artifact, 1, |_| Answer::new(200, 3 * SECOND));
    let row = seen.ledger(0);
    assert_eq!((row.started, row.dropped_full, row.upto, row.succeeded), (4, 1, 5, 4));
    assert_eq!(seen.whole().ledger[0].over_ms, Some(400));
    check_frontiers(&artifact, 1, &seen);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// However long requests take: nothing is lost, nothing overtakes on a worker, no more run than may.
    #[test]
    fn a_queue_keeps_order_and_places(
        workers in 1_usize..4,
        max_in_flight in 1_u64..12,
        late_after_ms in 50_u64..3_000,
        latencies in prop::collection::vec(1_u64..900, 7),
        stop_ms in 500_u64..6_000,
    ) {
        let artifact = late_after(
            overloaded("40/s", 4, max_in_flight, OnOverload::Queue),
            late_after_ms * MS,
        );
        let latency = move |request: &Request| {
            let number = usize::try_from(arrival_of(request).0).unwrap();
            Answer::new(200, latencies[number % latencies.len()] * MS)
        };
        let seen = simulate(&artifact, workers, latency, move |node, _| async move {
            node.extend_lease(u64::MAX);
            node.start(0);
            tokio::time::sleep(std::time::Duration::from_millis(stop_ms)).await;
            node.stop(100 * MS);
            Some(node)
        });
        check_frontiers(&artifact, workers, &seen);
        let numbers: Vec<u64> = seen.sent.iter().map(|(number, _)| *number).collect();
        if workers == 1 {
            prop_assert!(numbers.is_sorted(), "{numbers:?}");
        }
        let unique: std::collections::BTreeSet<&u64> = numbers.iter().collect();
        prop_assert_eq!(unique.len(), numbers.len());
        // The two seats have at least one place each.
        let places = max_in_flight.max(2);
        prop_assert!(seen.whole().seconds.iter().all(|row| row.in_flight <= places));
        // A queued arrival is sent within `late_after` and the milliseconds of a test's clock.
        for (_, number, at) in &seen.sent_at {
            let due = number * SECOND / 40;
            prop_assert!(at - due <= (late_after_ms + 3) * MS, "{} at {}", number, at);
        }
        // The wait for a place is the target's, not the generator's.
        let lateness = seen.whole().lateness.map_or(0, |it| it.max());
        prop_assert!(lateness <= 5_000, "{} µs", lateness);
        if stop_ms > 4_000 + late_after_ms.max(900) {
            let row = seen.ledger(0);
            prop_assert_eq!(row.started + row.dropped_full + row.dropped_late, 160);
        }
    }
}
