//! A node that takes over what others lost: from the named arrival on, nothing twice, nothing caught up on.

use std::collections::BTreeSet;
use std::time::Duration;

use compiler::artifact::{ClosedLoad, ClosedStage};
use compiler::schedule::Closed;
use proptest::prelude::*;

use super::*;
use crate::ledger::{DueTimes, Ledger, Takeover};

/// Due times of the one scenario of a plan.
struct Due(Open);

impl DueTimes for Due {
    fn first_due_at_or_after(&self, _: usize, t_ns: u64) -> Option<u64> {
        Some(self.0.first_due_at_or_after(t_ns))
    }
}

fn takeover(number: u32, part: u32, from: u64) -> Takeover {
    let seat = "all/1".to_owned();
    Takeover { number, scenario: 0, seat, parts: vec![(part, 2)], from, at_ns: 0 }
}

/// Returns the numbers from `from` on that belong to these slots, counted from the scenario's first.
fn owned(scenario: &Scenario, slots: &[u32], from: u64) -> BTreeSet<u64> {
    let ours =
        |n: &u64| slots.contains(&(u32::try_from(n % u64::from(scenario.slot_count)).unwrap()));
    (from..scenario.planned).filter(ours).collect()
}

fn sent(seen: &Seen) -> BTreeSet<u64> {
    let numbers: BTreeSet<u64> = seen.sent.iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers.len(), seen.sent.len(), "no arrival twice");
    numbers
}

/// Every window's rows must be what a ledger takes that knows of the takeovers.
fn check_rows(artifact: &Artifact, seen: &Seen, takeovers: &[Takeover]) {
    let mut ledger = Ledger::new(artifact, &[vec!["all/0".to_owned()]]);
    takeovers.iter().for_each(|takeover| ledger.take_over(0, takeover, artifact));
    for window in &seen.windows {
        ledger.apply(0, &window.ledger).unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_takeover_is_executed_from_its_first_arrival_on(
        workers in 1_usize..4,
        told_ms in 0_u64..5_500,
        froms in (0_u64..700, 0_u64..700),
    ) {
        let load = constant("137/s", 5 * SECOND);
        let artifact = plan(scenario(Load::Open(load), vec![get("a", &[])]));
        let takeovers = [takeover(1, 0, froms.0), takeover(2, 1, froms.1)];
        let wanted = takeovers.clone();
        let answer = |_: &Request| Answer::new(200, 20 * MS);
        let one = vec!["all/0".to_owned()];
        let seen = simulate_on(&artifact, one, workers, answer, move |node, _| async move {
            node.extend_lease(u64::MAX);
            node.take_over(&wanted[..1]).unwrap();
            node.start(0);
            tokio::time::sleep(Duration::from_millis(told_ms)).await;
            // All that it is to have is said each time.
            node.take_over(&wanted).unwrap();
            Some(node)
        });
        let scenario = &artifact.scenarios["load"];
        let due = Due(Open::of(artifact.seed, "load", match &scenario.load {
            Load::Open(load) => load,
            Load::Closed(_) | Load::Observe { .. } => unreachable!(),
        }));
        let home = owned(scenario, &crate::ledger::seat_slots(scenario, "all/0"), 0);
        let first = owned(scenario, &takeovers[0].slots(scenario), froms.0);
        let second = owned(scenario, &takeovers[1].slots(scenario), froms.1);
        let rows = seen.whole().ledger;
        let taken = rows.iter().any(|row| row.takeover == 2);
        let late: BTreeSet<u64> = second
            .iter()
            .copied()
            .filter(|n| *n < due.first_due_at_or_after(0, told_ms * MS).unwrap())
            .collect();
        let mut expected: BTreeSet<u64> = home.union(&first).copied().collect();
        if taken {
            expected.extend(second.difference(&late));
        } else {
            prop_assert!(told_ms >= 5_000, "a node that has something left takes over");
        }
        prop_assert_eq!(sent(&seen), expected);
        let dropped: u64 = rows.iter().map(|row| row.dropped_late).sum();
        prop_assert_eq!(dropped, if taken { late.len() as u64 } else { 0 });
        let known = if taken { &takeovers[..] } else { &takeovers[..1] };
        check_rows(&artifact, &seen, known);
    }
}

#[test]
fn a_node_without_seats_starts_what_it_takes_over() {
    let artifact = plan(scenario(Load::Open(constant("100/s", 4 * SECOND)), vec![get("a", &[])]));
    for workers in [1, 2] {
        let takeovers = [Takeover { parts: Vec::new(), ..takeover(7, 0, 200) }];
        let wanted = takeovers.clone();
        let answer = |_: &Request| Answer::new(200, MS);
        let seen = simulate_on(&artifact, Vec::new(), workers, answer, move |node, _| async move {
            node.extend_lease(u64::MAX);
            node.take_over(&wanted).unwrap();
            // It joins half a second after the first arrival that it takes over was due.
            tokio::time::sleep(Duration::from_millis(2_500)).await;
            node.start(0);
            Some(node)
        });
        let scenario = &artifact.scenarios["load"];
        let all = owned(scenario, &takeovers[0].slots(scenario), 200);
        let in_time: BTreeSet<u64> = all.iter().copied().filter(|n| *n >= 250).collect();
        assert_eq!(sent(&seen), in_time, "nothing is caught up on");
        assert_eq!(seen.ledger(0).dropped_late, (all.len() - in_time.len()) as u64);
        assert!((3_990 * MS..=4 * SECOND).contains(&seen.finished), "{}", seen.finished);
    }
}

#[test]
fn users_that_are_taken_over_begin_anew_with_numbers_of_their_own() {
    let stage = ClosedStage::Users { from: 8, to: 8, length_ns: 4 * SECOND };
    let load = ClosedLoad { stages: vec![stage], users_max: 8, pace_ns: 0 };
    let users = u64::from(Closed::new(&load).users_max());
    let artifact = plan(scenario(Load::Closed(load), vec![get("a", &[])]));
    let at_ns = 2 * SECOND + 500 * MS;
    let wanted = [Takeover { at_ns, parts: Vec::new(), ..takeover(3, 0, 0) }];
    let answer = |_: &Request| Answer::new(200, 100 * MS);
    let one = vec!["all/0".to_owned()];
    let seen = simulate_on(&artifact, one, 2, answer, move |node, _| async move {
        node.extend_lease(u64::MAX);
        node.start(0);
        tokio::time::sleep(Duration::from_secs(2)).await;
        node.take_over(&wanted).unwrap();
        Some(node)
    });
    let (own, taken): (Vec<_>, Vec<_>) =
        seen.sent_at.iter().partition(|(_, number, _)| number / users < 1 << 20);
    assert_eq!((own.len(), taken.len()), (160, 60), "four users each, for 4 s and for 1.5 s");
    assert!(taken.iter().all(|(_, number, at)| *at >= at_ns && number / users >= 3 << 20));
    assert_eq!(sent(&seen).len(), 220);
    assert_eq!(seen.ledger(0).active_us, 4 * 4_000_000 + 4 * 1_500_000);
}

#[test]
fn places_come_with_what_is_taken_over() {
    let mut load = constant("100/s", 4 * SECOND);
    load.max_in_flight = 40;
    let artifact = plan(scenario(Load::Open(load), vec![get("a", &[])]));
    let wanted = [Takeover { parts: Vec::new(), ..takeover(1, 0, 200) }];
    // Nothing is answered: 20 places for half of the slots, 40 for all of them.
    let answer = |_: &Request| Answer::new(200, 60 * SECOND);
    let one = vec!["all/0".to_owned()];
    let seen = simulate_on(&artifact, one, 2, answer, move |node, _| async move {
        node.extend_lease(u64::MAX);
        node.start(0);
        tokio::time::sleep(Duration::from_secs(1)).await;
        node.take_over(&wanted).unwrap();
        Some(node)
    });
    let row = seen.ledger(0);
    assert_eq!((row.started, row.dropped_full), (40, 300 - 40));
}
