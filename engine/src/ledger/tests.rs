//! The laws of the ledger, against a count one by one.

use compiler::artifact::{ClosedLoad, ClosedStage, Load};
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::cluster::sample::{self, Due, SLOTS};
use crate::metrics::DroppedBy;

impl DueTimes for Due {
    fn first_due_at_or_after(&self, scenario: usize, t_ns: u64) -> Option<u64> {
        (0..)
            .find(|n| self.due_ns(scenario, *n).is_none_or(|due| due >= t_ns))
            .filter(|n| self.due_ns(scenario, *n).is_some())
    }
}

const SECONDS: u64 = 4;
const STOP_NS: u64 = 2_500_000_000;

/// Returns whether arrival `n` belongs to this lane of this node, of `agents`.
fn owns(node: u32, agents: u32, lane: u32, lanes: u32, users: Option<u64>, n: u64) -> bool {
    let slot = users.map_or(n, |users| n % users) % u64::from(SLOTS);
    let owned: Vec<u64> =
        (0..u64::from(SLOTS)).filter(|slot| slot % u64::from(agents) == u64::from(node)).collect();
    let place = owned.iter().position(|own| *own == slot);
    place.is_some_and(|place| place as u64 % u64::from(lanes) == u64::from(lane))
}

/// Returns a row whose counters are those of the arrivals below `upto`.
fn row(node: u32, agents: u32, lane: u32, lanes: u32, users: Option<u64>, upto: u64) -> LedgerRow {
    let decided = (0..upto).filter(|n| owns(node, agents, lane, lanes, users, *n)).count() as u64;
    LedgerRow {
        lane,
        lanes,
        upto,
        started: decided - decided / 4,
        dropped_late: decided / 4,
        succeeded: decided / 2,
        ..LedgerRow::default()
    }
}

/// Returns an artifact of one closed scenario: `count` iterations by `users` users.
fn counted(users: u32, count: u64, agents: u32) -> Artifact {
    let mut artifact = sample::artifact(&[1], 1, agents);
    let stage = ClosedStage::Count { users, count, within_ns: 60_000_000_000 };
    for scenario in artifact.scenarios.values_mut() {
        scenario.planned = count;
        scenario.load =
            Load::Closed(ClosedLoad { stages: vec![stage], users_max: users, pace_ns: 0 });
    }
    artifact
}

fn seats(agents: u32) -> Vec<Vec<String>> {
    (0..agents).map(|seat| vec![format!("default/{seat}")]).collect()
}

proptest! {
    #[test]
    fn each_arrival_has_one_fate(
        rate in 1_u64..60,
        agents in 1_u32..4,
        lanes in 1_u32..4,
        frontiers in vec(0_u64..300, 9),
        kinds in vec(0_u8..4, 3),
        horizon_ns in 0_u64..5_000_000_000,
        stopped in any::<bool>(),
    ) {
        let artifact = sample::artifact(&[rate], SECONDS, agents);
        let due = Due::new(&artifact);
        let planned = rate * SECONDS;
        let stop_ns = stopped.then_some(STOP_NS);
        let mut ledger = Ledger::new(&artifact, &seats(agents));
        let mut expected = Arrivals { planned, ..Arrivals::default() };
        let mut fates = Vec::new();
        let mut undecided = vec![0; 4];
        for node in 0..agents {
            let fate = match kinds[node as usize] {
                0 => Fate::Reported,
                1 => Fate::Fenced,
                2 => Fate::Left,
                _ => Fate::Lost { horizon_ns },
            };
            fates.push(fate);
            for lane in 0..lanes {
                let upto = frontiers[(node * 3 + lane) as usize].min(planned);
                let row = row(node, agents, lane, lanes, None, upto);
                ledger.apply(node as usize, &[row]).unwrap();
                expected.started += row.started;
                expected.succeeded += row.succeeded;
                expected.dropped_by.late += row.dropped_late;
                for n in (upto..planned).filter(|n| owns(node, agents, lane, lanes, None, *n)) {
                    let due_ns = due.due_ns(0, n).unwrap();
                    let after_stop = stop_ns.is_some_and(|stop_ns| due_ns >= stop_ns);
                    let is_known = !matches!(fate, Fate::Lost { horizon_ns } if due_ns < horizon_ns);
                    let second = usize::try_from(due_ns / 1_000_000_000).unwrap();
                    undecided[second] += u64::from(is_known);
                    match fate {
                        Fate::Lost { horizon_ns } if due_ns < horizon_ns => expected.unaccounted += 1,
                        Fate::Reported => expected.dropped_by.stopped += 1,
                        _ if after_stop => expected.dropped_by.stopped += 1,
                        Fate::Fenced => expected.dropped_by.lease += 1,
                        Fate::Left | Fate::Lost { .. } => expected.dropped_by.lost += 1,
                    }
                }
            }
        }
        let got = ledger.settle(&fates, &[stop_ns], &due).unwrap()[0];
        expected.unfinished = expected.started - expected.succeeded;
        let DroppedBy { late, full, lease, lost, stopped } = expected.dropped_by;
        expected.dropped = late + full + lease + lost + stopped;
        prop_assert_eq!(got, expected);
        prop_assert_eq!(got.planned, got.started + got.dropped + got.unaccounted);
        prop_assert_eq!(&ledger.undecided(&fates, SECONDS, &due)[0], &undecided);
    }

    #[test]
    fn counted_iterations_of_a_lost_node_are_unaccounted(
        users in 1_u32..30, count in 1_u64..200, upto in 0_u64..200,
    ) {
        let artifact = counted(users, count, 2);
        let mut ledger = Ledger::new(&artifact, &seats(2));
        let upto = upto.min(count);
        let users = Some(u64::from(users));
        for (node, upto) in [(0, count), (1, upto)] {
            ledger.apply(node as usize, &[row(node, 2, 0, 1, users, upto)]).unwrap();
        }
        let fates = [Fate::Reported, Fate::Lost { horizon_ns: 1 }];
        let got = ledger.settle(&fates, &[Some(1)], &Due::new(&artifact)).unwrap()[0];
        let rest = (upto..count).filter(|n| owns(1, 2, 0, 1, users, *n)).count();
        prop_assert_eq!(got.unaccounted, rest as u64);
        prop_assert_eq!(got.dropped_by.stopped, 0);
    }
}

proptest! {
    #[test]
    fn of_a_count_each_the_sums_say_what_is_left(
        users in 1_u32..20, count in 1_u64..9, part in 0_u64..200, fenced in any::<bool>(),
    ) {
        let mut artifact = counted(users, count, 2);
        let planned = u64::from(users) * count;
        for scenario in artifact.scenarios.values_mut() {
            let stage = ClosedStage::CountEach { users, count, within_ns: 60_000_000_000 };
            scenario.planned = planned;
            scenario.load =
                Load::Closed(ClosedLoad { stages: vec![stage], users_max: users, pace_ns: 0 });
        }
        let of = |node| {
            (0..planned).filter(|n| owns(node, 2, 0, 1, Some(u64::from(users)), *n)).count() as u64
        };
        let (whole, rest) = (of(0), of(1) - part.min(of(1)));
        let row = |started| LedgerRow { lanes: 1, started, ..LedgerRow::default() };
        let mut ledger = Ledger::new(&artifact, &seats(2));
        ledger.apply(0, &[row(whole)]).unwrap();
        ledger.apply(1, &[row(of(1) - rest)]).unwrap();
        prop_assert!(ledger.apply(1, &[row(rest + 1)]).is_err(), "more than there are");
        let fate = if fenced { Fate::Fenced } else { Fate::Lost { horizon_ns: 1 } };
        let got = ledger.settle(&[Fate::Reported, fate], &[], &Due::new(&artifact)).unwrap()[0];
        prop_assert_eq!(got.planned, planned);
        prop_assert_eq!(got.started, planned - rest);
        prop_assert_eq!((got.unaccounted, got.dropped_by.lease), if fenced { (0, rest) } else { (rest, 0) });
        // What a node that reported did not come to is `stopped`.
        ledger = Ledger::new(&artifact, &seats(2));
        ledger.apply(0, &[row(whole)]).unwrap();
        let got = ledger.settle(&[Fate::Reported; 2], &[], &Due::new(&artifact)).unwrap()[0];
        prop_assert_eq!(got.dropped_by.stopped, of(1));
    }
}

#[test]
fn rows_that_do_not_hold_are_refused_whole() {
    let artifact = sample::artifact(&[10], SECONDS, 1);
    let mut ledger = Ledger::new(&artifact, &seats(1));
    let good = row(0, 1, 0, 2, None, 20);
    ledger.apply(0, &[good]).unwrap();
    let other = LedgerRow { lane: 1, ..good };
    for bad in [
        LedgerRow { scenario: 1, ..other },
        LedgerRow { lane: 2, ..other },
        LedgerRow { lanes: 3, ..other },
        LedgerRow { upto: 19, started: 0, dropped_late: 0, succeeded: 0, ..good },
        LedgerRow { started: other.started + 1, ..other },
        LedgerRow { failed: u64::MAX, ..other },
        LedgerRow { failed: other.started, ..other },
    ] {
        assert!(ledger.apply(0, &[row(0, 1, 1, 2, None, 20), bad]).is_err(), "{bad:?}");
        assert_eq!(ledger.rows(0), [good], "nothing of the refused window is kept");
    }
}
