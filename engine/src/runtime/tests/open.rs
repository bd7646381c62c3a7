//! Open loads: exact counts, frontiers, drops, fences and cuts.

use compiler::schedule::owned_below;
use proptest::prelude::*;

use super::*;
use crate::runtime::share::NodeShare;

fn hundred_a_second(seconds: u64) -> Artifact {
    plan(scenario(Load::Open(constant("100/s", seconds * SECOND)), vec![get("a", &[])]))
}

/// Checks that the rows speak of exactly the owned arrivals below their frontiers, in every prefix of the windows.
pub(super) fn check_frontiers(artifact: &Artifact, workers: usize, seen: &Seen) {
    let share = NodeShare::new(artifact, &seats(), workers).unwrap();
    let mut whole = Window { from_ms: u64::MAX, ..Window::default() };
    let mut at_ms = 0;
    for window in &seen.windows {
        assert_eq!(window.from_ms, at_ms, "windows join");
        at_ms = window.to_ms;
        whole.absorb(window.clone());
        for row in &whole.ledger {
            let lane = &share.lanes[row.lane as usize][0];
            let owned = owned_below(&lane.residues, lane.modulus, row.upto);
            assert_eq!(row.started + row.dropped_late + row.dropped_full, owned);
            assert!(row.succeeded + row.failed <= row.started);
        }
    }
}

#[test]
fn an_hour_of_ramp_is_delivered_to_the_last_arrival() {
    let rate = |text| Rate::parse(text).unwrap();
    let stage = OpenStage::Rate { from: Rate::ZERO, to: rate("10/s"), length_ns: 3_600 * SECOND };
    let load =
        OpenLoad { max_in_flight: 100, late_after_ns: SECOND, ..OpenLoad::even(vec![stage]) };
    let mut artifact = plan(scenario(Load::Open(load), vec![get("a", &[])]));
    artifact.nodes.tuning.delta_ns = 60 * SECOND;
    let seen = run(&artifact, 2, |_| Answer::new(200, 20 * MS));
    assert_eq!(seen.windows.len(), 60);
    let row = seen.ledger(0);
    assert_eq!((row.started, row.succeeded, row.failed, row.upto), (18_000, 18_000, 0, 18_000));
    assert_eq!((row.dropped_late, row.dropped_full), (0, 0));
    let mut numbers: Vec<u64> = seen.sent.iter().map(|(number, _)| *number).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..18_000).collect::<Vec<_>>());
    check_frontiers(&artifact, 2, &seen);
    assert_eq!(seen.latency(&artifact, None, SeriesKind::Response).0, 18_000);
    assert!(seen.whole().lateness.unwrap().max() <= 2_000);
    let seconds = seen.whole().seconds;
    assert_eq!(seconds.iter().map(|row| row.started).sum::<u64>(), 18_000);
    assert_eq!(seconds.iter().map(|row| row.succeeded).sum::<u64>(), 18_000);
    assert_eq!(seen.summary, Some(NodeSummary::default()));
}

#[test]
fn a_part_of_a_poisson_mix_is_delivered_when_it_is_due() {
    use compiler::artifact::{Arrivals, Share, SlotSet};
    let share = Share { traffic: "all".to_owned(), of: 3, offsets: SlotSet::new(vec![0, 2]) };
    let rate = |text| Rate::parse(text).unwrap();
    let (min, max) = (rate("20/s"), rate("60/s"));
    let stages = vec![
        OpenStage::Rate { from: min, to: max, length_ns: 5 * SECOND },
        OpenStage::Random { min, max, every_ns: SECOND, length_ns: 5 * SECOND },
    ];
    let load =
        OpenLoad { arrivals: Arrivals::Poisson, share: Some(share), ..OpenLoad::even(stages) };
    let open = Open::of(0, "load", &load);
    let artifact = plan(scenario(Load::Open(load), vec![get("a", &[])]));
    for workers in [1, 3] {
        let seen = run(&artifact, workers, |_| Answer::new(200, 20 * MS));
        let row = seen.ledger(0);
        assert_eq!((row.started, row.upto), (open.count(), open.count()));
        let mut numbers: Vec<u64> = seen.sent.iter().map(|(number, _)| *number).collect();
        numbers.sort_unstable();
        assert!(numbers.into_iter().eq(0..open.count()));
        assert!(seen.whole().lateness.unwrap().max() <= 2_000);
        check_frontiers(&artifact, workers, &seen);
    }
}

#[test]
fn what_finds_no_place_is_dropped_and_counted() {
    let mut load = constant("10/s", 10 * SECOND);
    load.max_in_flight = 4;
    let artifact = plan(scenario(Load::Open(load), vec![get("a", &[])]));
    let seen = run(&artifact, 1, |_| Answer::new(200, 60 * SECOND));
    let row = seen.ledger(0);
    assert_eq!((row.started, row.dropped_full, row.upto), (4, 96, 100));
    // Cut after the graceful stop: sent, outcome unknown.
    assert_eq!((row.succeeded, row.failed), (0, 0));
    assert_eq!(seen.finished, 40 * SECOND);
    assert_eq!(seen.whole().seconds.iter().map(|row| row.dropped).sum::<u64>(), 96);
    let running: Vec<u64> = seen.whole().seconds.iter().map(|row| row.in_flight).collect();
    assert_eq!(running[..39], [4; 39]);
    check_frontiers(&artifact, 1, &seen);
}

#[test]
fn a_late_start_drops_what_is_too_late_and_goes_on_in_the_present() {
    let artifact = hundred_a_second(10);
    let seen = simulate(
        &artifact,
        2,
        |_| Answer::new(200, MS),
        |node, clock| async move {
            tokio::time::sleep(std::time::Duration::from_secs(5)).await;
            node.extend_lease(u64::MAX);
            node.start(clock.now() - 4 * SECOND);
            Some(node)
        },
    );
    let row = seen.ledger(0);
    // Due in [0, 3 s) is more than a second ago; what is due in [3 s, 4 s] starts at once.
    assert_eq!((row.dropped_late, row.started), (300, 700));
    assert_eq!(row.upto, 1_000);
    let lateness = seen.whole().lateness.unwrap();
    assert_eq!(lateness.len(), 700);
    assert!(lateness.max() >= 1_000_000);
    assert_eq!(seen.summary.unwrap().start_error_us, 4_000_000);
    check_frontiers(&artifact, 2, &seen);
}

#[test]
fn without_a_lease_nothing_starts() {
    let seen = simulate(
        &hundred_a_second(10),
        2,
        |_| Answer::new(200, MS),
        |node, _| async move {
            node.start(0);
            Some(node)
        },
    );
    assert_eq!(seen.fenced, 1);
    assert_eq!((seen.sent.len(), seen.ledger(0).started), (0, 0));
    assert!(seen.summary.is_some());
}

#[test]
fn a_fence_is_for_good_and_lets_what_runs_end() {
    let artifact = hundred_a_second(20);
    let seen = simulate(
        &artifact,
        2,
        |_| Answer::new(200, 3 * SECOND),
        |node, _| async move {
            node.extend_lease(5 * SECOND);
            node.extend_lease(4 * SECOND);
            node.start(0);
            tokio::time::sleep(std::time::Duration::from_secs(6)).await;
            node.extend_lease(u64::MAX);
            Some(node)
        },
    );
    let row = seen.ledger(0);
    assert_eq!(seen.fenced, 1);
    assert_eq!((row.started, row.succeeded), (500, 500));
    assert!(seen.finished < 9 * SECOND);
    check_frontiers(&artifact, 2, &seen);
}

#[test]
fn a_drain_that_is_over_cuts_what_runs() {
    let artifact = hundred_a_second(20);
    let answer = |request: &Request| {
        let slow = arrival_of(request).0.is_multiple_of(2);
        Answer::new(200, if slow { 30 * SECOND } else { 10 * MS })
    };
    let seen = simulate(&artifact, 2, answer, |node, _| async move {
        node.extend_lease(u64::MAX);
        node.start(0);
        tokio::time::sleep(std::time::Duration::from_millis(1_995)).await;
        node.stop(3 * SECOND);
        node.stop(9 * SECOND);
        Some(node)
    });
    let row = seen.ledger(0);
    assert_eq!((row.started, row.succeeded, row.failed), (200, 100, 0));
    assert_eq!(seen.finished, 4_995 * MS);
    check_frontiers(&artifact, 2, &seen);
}

#[test]
fn an_abort_and_a_dropped_node_end_at_once() {
    for dropped in [false, true] {
        let seen = simulate(
            &hundred_a_second(20),
            2,
            |_| Answer::new(200, 9 * SECOND),
            move |node, _| async move {
                node.extend_lease(u64::MAX);
                node.start(0);
                tokio::time::sleep(std::time::Duration::from_millis(995)).await;
                node.abort();
                (!dropped).then_some(node)
            },
        );
        assert_eq!((seen.ledger(0).started, seen.ledger(0).succeeded), (100, 0));
        assert_eq!(seen.finished, 995 * MS);
    }
}

#[test]
fn a_stop_before_the_start_ends_without_load() {
    let seen = simulate(
        &hundred_a_second(1),
        2,
        |_| Answer::new(200, MS),
        |node, _| async move {
            node.extend_lease(u64::MAX);
            node.start(5 * SECOND);
            node.stop(SECOND);
            Some(node)
        },
    );
    assert_eq!((seen.sent.len(), seen.finished), (0, 0));
    assert!(seen.summary.is_some());
}

#[test]
fn warm_up_is_measured_apart() {
    let mut load = scenario(Load::Open(constant("100/s", 10 * SECOND)), vec![get("a", &[])]);
    load.warm_up_ns = 4 * SECOND;
    let artifact = plan(load);
    let seen = run(&artifact, 1, |_| Answer::new(200, 5 * MS));
    assert_eq!((seen.ledger(0).started, seen.ledger(0).warm_up), (1_000, 400));
    let count = |step, kind| seen.latency(&artifact, step, kind).0;
    assert_eq!(count(None, SeriesKind::WarmUpResponse), 400);
    assert_eq!(count(None, SeriesKind::WarmUpService), 400);
    assert_eq!(count(None, SeriesKind::Response), 600);
    assert_eq!(count(None, SeriesKind::Service), 600);
    assert_eq!(count(Some(0), SeriesKind::Service), 600);
    assert_eq!(seen.step(0).ok, 1_000);
}

#[test]
fn scenarios_start_at_their_own_time_and_windows_need_not_be_seconds() {
    let mut later = scenario(Load::Open(constant("50/s", 2 * SECOND)), vec![get("b", &[])]);
    later.start_ns = 3 * SECOND + 500 * MS;
    let mut artifact = hundred_a_second(2);
    artifact.nodes.tuning.delta_ns = 700 * MS;
    artifact.scenarios.insert("zlater".to_owned(), later);
    let seen = run(&artifact, 2, |_| Answer::new(200, MS));
    assert_eq!((seen.ledger(0).started, seen.ledger(1).started), (200, 100));
    let started: Vec<_> =
        seen.whole().seconds.iter().map(|row| (row.second, row.scenario, row.started)).collect();
    assert_eq!(started, [(0, 0, 100), (1, 0, 100), (3, 1, 25), (4, 1, 50), (5, 1, 25)]);
    let ends: Vec<u64> = seen.windows.iter().map(|window| window.to_ms).collect();
    assert_eq!(ends[..7], [700, 1_400, 2_100, 2_800, 3_500, 4_200, 4_900]);
    assert_eq!(seen.windows.len(), 8);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn counters_speak_of_exactly_what_is_below_the_frontier(
        workers in 1_usize..4,
        stop_ms in 0_u64..6_000,
        drain_ms in 0_u64..500,
        lease_ms in 0_u64..8_000,
        max_in_flight in 1_u64..60,
        start_late_ms in 0_u64..3_000,
    ) {
        let mut load = constant("137/s", 5 * SECOND);
        load.max_in_flight = max_in_flight;
        load.late_after_ns = 200 * MS;
        let artifact = plan(scenario(Load::Open(load), vec![get("a", &[]), get("b", &["a"])]));
        let answer = |request: &Request| {
            let number = arrival_of(request).0;
            Answer::new(if number.is_multiple_of(7) { 500 } else { 200 }, (number % 300) * MS)
        };
        let seen = simulate(&artifact, workers, answer, move |node, clock| async move {
            let ms = std::time::Duration::from_millis;
            tokio::time::sleep(ms(start_late_ms)).await;
            node.extend_lease(lease_ms * MS);
            node.start(clock.now().saturating_sub(start_late_ms * MS));
            tokio::time::sleep(ms(stop_ms)).await;
            node.stop(drain_ms * MS);
            Some(node)
        });
        check_frontiers(&artifact, workers, &seen);
        let row = seen.ledger(0);
        let mut sent: Vec<u64> =
            seen.sent.iter().filter(|(_, step)| step == "a").map(|(number, _)| *number).collect();
        sent.sort_unstable();
        let before = sent.len();
        sent.dedup();
        prop_assert_eq!(before, sent.len(), "no arrival twice");
        prop_assert!(sent.iter().all(|number| *number < row.upto));
        prop_assert!(sent.len() as u64 <= row.started);
        if drain_ms > 2 {
            prop_assert_eq!(sent.len() as u64, row.started);
        }
        prop_assert!(seen.finished <= (start_late_ms + stop_ms + drain_ms + 2) * MS);
        let (a, b) = (seen.step(0), seen.step(1));
        prop_assert!(a.ok + a.failed + a.skipped >= row.succeeded + row.failed);
        prop_assert_eq!(a.failed + b.failed, row.failed);
        prop_assert_eq!(b.ok, row.succeeded);
    }
}

/// A target that answers nothing from second 4 to second 6, a thousand arrivals a second for ten seconds: an arrival
/// due during the stall takes until its end. A tenth of all is due in its first half, so p90 is 1 s, p99 1.9 s.
#[test]
fn a_stall_shows_in_response_times_as_its_closed_form_says() {
    let load = Load::Open(constant("1000/s", 10 * SECOND));
    let artifact = plan(scenario(load, vec![get("a", &[])]));
    let due_ns = |number: u64| number * MS;
    let seen = run(&artifact, 2, move |request| {
        let due_ns = due_ns(arrival_of(request).0);
        let is_stalled = (4 * SECOND..6 * SECOND).contains(&due_ns);
        Answer::new(200, if is_stalled { 6 * SECOND - due_ns } else { MS })
    });
    let histograms = seen.whole().histograms;
    for kind in [SeriesKind::Response, SeriesKind::Service] {
        let wanted = Series { scenario: 0, step: None, kind };
        let index = series(&artifact).iter().position(|series| *series == wanted).unwrap();
        let histogram = &histograms[&u32::try_from(index).unwrap()];
        assert_eq!(histogram.len(), 10_000);
        for (quantile, us) in [(0.9, 1_000_000), (0.95, 1_500_000), (0.99, 1_900_000)] {
            let seen_us = histogram.value_at_quantile(quantile);
            assert!(seen_us.abs_diff(us) * 200 < us, "p{quantile}: {seen_us} µs, not {us}");
        }
        assert!(histogram.value_at_quantile(0.5) < 5_000);
    }
}
