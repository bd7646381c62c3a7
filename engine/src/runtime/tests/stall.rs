//! A worker that stands still: what comes too late is dropped, the rest is sent at once, and its lateness is recorded.

use std::time::Duration;

use compiler::artifact::{Arrivals, OnOverload, Share, SlotSet};
use proptest::prelude::*;

use super::open::check_frontiers;
use super::*;

/// What a test's clock and its timers may be late by.
const SLACK: u64 = 3 * MS;

/// Returns a load of every kind, each of 8 s or more.
fn kinds() -> Vec<OpenLoad> {
    let rate = |text: &str| Rate::parse(text).unwrap();
    let (slow, fast) = (rate("40/s"), rate("150/s"));
    let length_ns = 8 * SECOND;
    let constant = vec![OpenStage::Rate { from: fast, to: fast, length_ns }];
    let ramp = vec![OpenStage::Rate { from: Rate::ZERO, to: fast, length_ns }];
    let random = vec![OpenStage::Random { min: slow, max: fast, every_ns: SECOND, length_ns }];
    let count = vec![OpenStage::Count { rate: fast, count: 1_200 }];
    let second = 2 * SECOND;
    let paused = vec![
        OpenStage::Rate { from: fast, to: slow, length_ns: second },
        OpenStage::Pause { length_ns: second },
        OpenStage::Count { rate: slow, count: 200 },
    ];
    let share = Share { traffic: "t".to_owned(), of: 3, offsets: SlotSet::new(vec![0, 2]) };
    let mut kinds: Vec<OpenLoad> =
        [constant.clone(), ramp, random, count, paused].into_iter().map(OpenLoad::even).collect();
    let poisson = OpenLoad { arrivals: Arrivals::Poisson, ..OpenLoad::even(constant.clone()) };
    let mix = OpenLoad { share: Some(share), ..poisson.clone() };
    let queue = OpenLoad { on_overload: OnOverload::Queue, ..OpenLoad::even(constant.clone()) };
    let fail = OpenLoad { on_overload: OnOverload::Fail, ..OpenLoad::even(constant) };
    kinds.extend([poisson, mix, queue, fail]);
    kinds
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn after_a_stall_only_what_is_not_too_late_is_sent(
        kind in 0..kinds().len(),
        workers in 1_usize..4,
        stall_at_ms in 100_u64..6_000,
        stall_ms in 1_u64..5_000,
        late_after_ms in 50_u64..3_000,
    ) {
        let mut load = kinds().swap_remove(kind);
        load.late_after_ns = late_after_ms * MS;
        let late_after = load.late_after_ns;
        let open = Open::of(0, "load", &load);
        let artifact = plan(scenario(Load::Open(load), vec![get("a", &[])]));
        let seen = simulate(&artifact, workers, |_| Answer::new(200, MS), move |node, _| async move {
            node.extend_lease(u64::MAX);
            node.start(0);
            tokio::time::sleep(Duration::from_millis(stall_at_ms)).await;
            // Time goes on, and nobody has a turn.
            tokio::time::advance(Duration::from_millis(stall_ms)).await;
            Some(node)
        });
        let (from, to) = (stall_at_ms * MS, (stall_at_ms + stall_ms) * MS);
        let mut at = vec![None; usize::try_from(open.count()).unwrap()];
        for (_, number, tick) in &seen.sent_at {
            let place = &mut at[usize::try_from(*number).unwrap()];
            prop_assert!(place.is_none(), "{} twice", number);
            *place = Some(*tick);
        }
        let mut late = 0;
        for (number, at) in (0..).zip(&at) {
            let due = open.due_ns(number).unwrap();
            let held_up = due > from && due <= to;
            let too_late = held_up && to - due > late_after;
            let near = due.abs_diff(from) < SLACK || (to - late_after.min(to)).abs_diff(due) < SLACK;
            match at {
                None => prop_assert!(too_late || near, "{} due at {}", number, due),
                Some(_) if near => {}
                Some(at) => {
                    prop_assert!(!too_late, "{} due at {} was sent at {}", number, due, at);
                    let earliest = if held_up { to } else { due };
                    prop_assert!((earliest..=earliest + SLACK).contains(at), "{} at {}", due, at);
                    late += u64::from(held_up && to - due > SLACK);
                }
            }
        }
        let row = seen.ledger(0);
        let sent = at.iter().flatten().count() as u64;
        prop_assert_eq!((row.started, row.dropped_full, row.upto), (sent, 0, open.count()));
        prop_assert_eq!(row.started + row.dropped_late, open.count());
        check_frontiers(&artifact, workers, &seen);
        // Each sent arrival has its lateness, and nothing is later than the plan allows.
        let lateness = seen.whole().lateness.unwrap();
        prop_assert_eq!(lateness.len(), sent);
        let latest_us = (late_after + SLACK) / 1_000;
        // A histogram keeps three digits.
        prop_assert!(lateness.max() <= latest_us + latest_us / 500 + 1);
        let recorded = lateness.count_between(SLACK / 1_000 + 1, u64::MAX);
        prop_assert!(recorded + 3 >= late, "{} recorded of {}", recorded, late);
    }
}

/// A hundred a second, still from 2 s to 5 s, and a second of patience: 200 are too late, 100 are sent at once.
#[test]
fn a_stall_of_three_seconds_drops_two_and_catches_up_one() {
    let artifact = plan(scenario(Load::Open(constant("100/s", 8 * SECOND)), vec![get("a", &[])]));
    let seen = simulate(
        &artifact,
        1,
        |_| Answer::new(200, MS),
        |node, _| async move {
            node.extend_lease(u64::MAX);
            node.start(0);
            tokio::time::sleep(Duration::from_millis(2_005)).await;
            tokio::time::advance(Duration::from_millis(3_000)).await;
            Some(node)
        },
    );
    let row = seen.ledger(0);
    assert_eq!((row.started, row.dropped_late, row.dropped_full), (600, 200, 0));
    let at_once = seen.sent_at.iter().filter(|(.., at)| (5_005..5_008).contains(&(at / MS)));
    assert_eq!(at_once.count(), 100);
    let seconds = seen.whole().seconds;
    let dropped: Vec<u64> = seconds.iter().map(|row| row.dropped).collect();
    // Drops stand in the second in which they were due; what was caught up in the one in which it was sent.
    assert_eq!(dropped, [0, 0, 99, 100, 1, 0, 0, 0]);
    let started: Vec<u64> = seconds.iter().map(|row| row.started).collect();
    assert_eq!(started, [100, 100, 1, 0, 0, 199, 100, 100]);
    let lateness = seen.whole().lateness.unwrap();
    assert!(lateness.max().abs_diff(1_000_000) < 10_000, "{}", lateness.max());
    assert!(lateness.value_at_quantile(0.8) < 5_000);
}
