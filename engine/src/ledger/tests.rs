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

proptest! {
    /// A node is lost, two others take its slots over, one of them is lost too.
    #[test]
    fn what_is_handed_over_has_one_fate_all_the_same(
        rate in 1_u64..60,
        at_ns in 0_u64..5_000_000_000,
        later_ns in 0_u64..2_000_000_000,
        part in 0_u64..100,
        taken in 0_u64..100,
        reported in any::<bool>(),
        stopped in any::<bool>(),
    ) {
        let artifact = sample::artifact(&[rate], SECONDS, 3);
        let (due, planned) = (Due::new(&artifact), rate * SECONDS);
        let mut ledger = Ledger::new(&artifact, &seats(3));
        let of = |from: u64, until: u64, part| from + until.saturating_sub(from) * part / 100;
        let number = |t_ns| due.first_due_at_or_after(0, t_ns).unwrap_or(planned).min(planned);
        let row_of = |takeover: &Takeover, upto: u64| {
            let slots = takeover.slots(artifact.scenarios.values().next().unwrap());
            let ours = |n: &u64| slots.contains(&u32::try_from(n % u64::from(SLOTS)).unwrap());
            let started = (takeover.from..upto).filter(ours).count() as u64;
            LedgerRow { takeover: takeover.number, lanes: 1, upto, started, ..LedgerRow::default() }
        };
        let home = |seat: u32| Takeover { seat: format!("default/{seat}"), ..Takeover::default() };
        // The first node decides a part of what is due before the hand-over.
        ledger.apply(0, &[row_of(&home(0), of(0, number(at_ns), part))]).unwrap();
        let estates = ledger.hand_over(0, None, at_ns, &due, &|_| true);
        let mut fates = vec![Fate::Lost { horizon_ns: at_ns }, Fate::Reported, Fate::Lost { horizon_ns: 0 }];
        let then_ns = at_ns + later_ns;
        fates[2] = Fate::Lost { horizon_ns: then_ns };
        if reported { fates[0] = Fate::Fenced; }
        let mut takeovers = Vec::new();
        for estate in &estates {
            for (node, index) in [(1, 0), (2, 1)] {
                let takeover = Takeover {
                    number: index + 1,
                    seat: estate.seat.clone(),
                    parts: vec![(index, 2)],
                    from: estate.from,
                    at_ns,
                    ..Takeover::default()
                };
                ledger.take_over(node, &takeover, &artifact);
                ledger.told(node);
                takeovers.push(takeover);
            }
        }
        // The second one does all; the third a part of its own and of what it took over, then it is lost to the second.
        ledger.apply(1, &[row_of(&home(1), planned)]).unwrap();
        ledger.apply(2, &[row_of(&home(2), of(0, number(then_ns), part))]).unwrap();
        if let [first, second] = &takeovers[..] {
            ledger.apply(1, &[row_of(first, planned.max(first.from))]).unwrap();
            let upto = of(second.from, number(then_ns).max(second.from), taken);
            ledger.apply(2, &[row_of(second, upto)]).unwrap();
            let beyond = row_of(first, planned.max(first.from));
            prop_assert!(ledger.apply(0, &[beyond]).is_err(), "it does not hold that takeover");
        }
        let estates = ledger.hand_over(2, None, then_ns, &due, &|_| true);
        for (number, estate) in (11..).zip(estates) {
            let takeover = Takeover {
                number,
                seat: estate.seat,
                parts: estate.parts,
                from: estate.from,
                at_ns: then_ns,
                ..Takeover::default()
            };
            ledger.take_over(1, &takeover, &artifact);
            ledger.told(1);
            ledger.apply(1, &[row_of(&takeover, planned.max(takeover.from))]).unwrap();
        }
        let stop_ns = stopped.then_some(STOP_NS);
        let got = ledger.settle(&fates, &[stop_ns], &due).unwrap()[0];
        prop_assert_eq!(got.planned, got.started + got.dropped + got.unaccounted);
        prop_assert!(got.redistributed <= got.started);
        prop_assert_eq!(got.planned, planned);
        let undecided: u64 = ledger.undecided(&fates, SECONDS, &due)[0].iter().sum();
        let by = got.dropped_by;
        prop_assert_eq!(undecided, by.lease + by.lost + by.stopped);
    }
}

#[test]
fn what_is_handed_over_cannot_be_decided_any_more() {
    let artifact = sample::artifact(&[12], SECONDS, 1);
    let due = Due::new(&artifact);
    let mut ledger = Ledger::new(&artifact, &seats(1));
    ledger.apply(0, &[row(0, 1, 0, 1, None, 12)]).unwrap();
    let estates = ledger.hand_over(0, None, 2_000_000_000, &due, &|_| true);
    assert_eq!((estates.len(), estates[0].from, estates[0].slots), (1, 24, 12));
    let more = |upto| LedgerRow { started: upto - 12, upto, lanes: 1, ..LedgerRow::default() };
    let refused = ledger.clone().apply(0, &[more(25)]).unwrap_err();
    assert!(refused.to_string().contains("handed over"), "{refused}");
    ledger.apply(0, &[more(24)]).unwrap();
    assert!(ledger.hand_over(0, None, 0, &due, &|_| true).is_empty(), "it goes over once");
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
