//! Laws of the partition and of schedules, over random plans.

use compiler::artifact::{ClosedLoad, ClosedStage, OpenLoad, OpenStage};
use compiler::partition::{GroupShare, Partition, PartitionError, deal};
use compiler::schedule::{Closed, Due, Open, owned_below};
use compiler::seed::Seed;
use compiler::unit::{Rate, SECOND_NS};
use proptest::prelude::*;

/// Seats' weights and two turns of slots.
fn weights() -> impl Strategy<Value = Vec<u32>> {
    prop::collection::vec(1u32..60, 1..9)
}

/// Stages of a few nanoseconds with rates of at most one a nanosecond, for checking against a count by hand.
fn short_stages() -> impl Strategy<Value = Vec<OpenStage>> {
    let rate = (0u64..=12, prop::sample::select(vec![12u64, 15, 20, 30, 60]))
        .prop_map(|(count, per_ns)| Rate::new(count, per_ns));
    let ramp = (rate.clone(), rate.clone(), 0u64..30)
        .prop_map(|(from, to, length_ns)| OpenStage::Rate { from, to, length_ns });
    let flat = (rate.clone(), 0u64..30).prop_map(|(rate, length_ns)| OpenStage::Rate {
        from: rate,
        to: rate,
        length_ns,
    });
    let count = (rate, 0u64..6)
        .prop_filter("a count has a rate", |(rate, _)| rate.count > 0)
        .prop_map(|(rate, count)| OpenStage::Count { rate, count });
    let pause = (0u64..20).prop_map(|length_ns| OpenStage::Pause { length_ns });
    prop::collection::vec(prop_oneof![ramp, flat, count, pause], 0..6)
}

/// Stages as people write them.
fn long_stages() -> impl Strategy<Value = Vec<OpenStage>> {
    let rate = (0u64..2_000_000, prop::sample::select(vec![1u64, 60, 1000, 3600, 3_600_000]))
        .prop_map(|(count, seconds)| Rate::new(count, seconds * SECOND_NS));
    let ramp = (rate.clone(), rate.clone(), 1u64..20_000)
        .prop_map(|(from, to, ms)| OpenStage::Rate { from, to, length_ns: ms * 1_000_000 });
    let count = (rate, 0u64..900)
        .prop_filter("a count has a rate", |(rate, _)| rate.count > 0)
        .prop_map(|(rate, count)| OpenStage::Count { rate, count });
    let pause = (0u64..9).prop_map(|s| OpenStage::Pause { length_ns: s * SECOND_NS });
    prop::collection::vec(prop_oneof![3 => ramp, 1 => count, 1 => pause], 1..5)
}

fn open(stages: &[OpenStage]) -> Open {
    Open::new(&OpenLoad::even(stages.to_vec()), &Seed::root(0))
}

/// Arrivals in `1 / UNIT`: small enough for whole numbers, fine enough for every stage of [`short_stages`] but its
/// ramps' inner nanoseconds, which are compared as fractions of the ramp's length.
const UNIT: u128 = 120;

/// Returns when arrival `number` is due by trying one nanosecond after the other.
fn due_by_hand(stages: &[OpenStage], number: u64) -> Option<u64> {
    let (mut start_ns, mut base) = (0u64, 0u128);
    let scaled = |rate: Rate| UNIT * u128::from(rate.count) / u128::from(rate.per_ns);
    for stage in stages {
        let (from, to, length_ns, whole) = match *stage {
            OpenStage::Rate { from, to, length_ns } => {
                let (from, to) = (scaled(from), scaled(to));
                (from, to, length_ns, (from + to) * u128::from(length_ns) / 2)
            }
            OpenStage::Count { rate, count } => {
                let length = (count * rate.per_ns).div_ceil(rate.count);
                (scaled(rate), scaled(rate), length, u128::from(count) * UNIT)
            }
            OpenStage::Random { length_ns, .. } | OpenStage::Pause { length_ns } => {
                (0, 0, length_ns, 0)
            }
        };
        let wanted = u128::from(number) * UNIT;
        for x in 0..=length_ns {
            // Both sides times 2 * length: from * x + (to - from) * x² / (2 * length) against wanted - base.
            let (x, length) = (u128::from(x), u128::from(length_ns));
            let up = base * 2 * length + 2 * from * x * length + to * x * x;
            let here = (up - from * x * x).min((base + whole) * 2 * length);
            let limit = wanted * 2 * length;
            let flows = (from > 0 || to > 0) && x < length && base + whole > wanted;
            if here > limit || (here == limit && flows) {
                return Some(start_ns + u64::try_from(x).unwrap());
            }
        }
        start_ns += length_ns;
        base += whole;
    }
    None
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_prefix_is_less_than_one_from_its_share(weights in weights()) {
        let sum: u64 = weights.iter().map(|weight| u64::from(*weight)).sum();
        let slots = u32::try_from(2 * sum).unwrap();
        let mut taken = vec![0u64; weights.len()];
        for (slot, owner) in (1u64..).zip(deal(slots, &weights)) {
            taken[owner as usize] += 1;
            for (taken, weight) in taken.iter().zip(&weights) {
                // |taken - slot * weight / sum| < 1, times sum.
                prop_assert!((taken * sum).abs_diff(slot * u64::from(*weight)) < sum);
            }
        }
        let exact: Vec<u64> = weights.iter().map(|weight| 2 * u64::from(*weight)).collect();
        prop_assert_eq!(taken, exact);
    }

    #[test]
    fn seats_own_each_slot_once_in_proportion(
        groups in prop::collection::vec((1u32..9, 1u32..7), 1..5),
        base in 0u32..1000,
    ) {
        let names = ["a", "b", "c", "d"];
        let shares: Vec<GroupShare<'_>> = groups
            .iter()
            .zip(names)
            .map(|((weight, agents), name)| GroupShare { name, weight: *weight, agents: *agents })
            .collect();
        let partition = Partition::new(&shares).unwrap();
        let owned = partition.owned(base);
        let mut all: Vec<u32> = owned.values().flat_map(|set| set.as_slice()).copied().collect();
        all.sort_unstable();
        prop_assert_eq!(all, (base..base + partition.slots()).collect::<Vec<u32>>());
        let total: u64 = groups.iter().map(|(weight, _)| u64::from(*weight)).sum();
        for share in &shares {
            for seat in 0..share.agents {
                let slots = owned[&format!("{}/{seat}", share.name)].len() as u64;
                let whole = u64::from(partition.slots()) * u64::from(share.weight);
                prop_assert_eq!(slots * total * u64::from(share.agents), whole);
            }
        }
    }

    #[test]
    fn any_groups_are_dealt_or_refused(
        groups in prop::collection::vec((any::<u32>(), any::<u32>()), 0..4),
    ) {
        let shares: Vec<GroupShare<'_>> = groups
            .iter()
            .map(|(weight, agents)| GroupShare { name: "g", weight: *weight, agents: *agents })
            .collect();
        match Partition::new(&shares) {
            Ok(partition) => prop_assert!((256..=65_536).contains(&partition.slots())),
            Err(PartitionError::Empty) => {
                prop_assert!(groups.is_empty() || groups.iter().any(|(w, a)| *w == 0 || *a == 0));
            }
            Err(PartitionError::TooFine { weights }) => prop_assert!(weights > 65_536),
        }
    }

    #[test]
    fn due_times_are_those_counted_by_hand(stages in short_stages()) {
        let open = open(&stages);
        for number in 0..open.count() + 2 {
            prop_assert_eq!(open.due_ns(number), due_by_hand(&stages, number), "arrival {}", number);
        }
    }

    #[test]
    fn the_first_arrival_from_a_time_on_is_found(stages in short_stages()) {
        let open = open(&stages);
        let dues: Vec<u64> = (0..open.count()).map(|n| open.due_ns(n).unwrap()).collect();
        for t_ns in 0..open.length_ns() + 3 {
            let earlier = dues.iter().filter(|due| **due < t_ns).count() as u64;
            prop_assert_eq!(open.first_due_at_or_after(t_ns), earlier, "at {}", t_ns);
        }
    }

    #[test]
    fn counts_are_exact_and_due_times_rise(stages in long_stages()) {
        let open = open(&stages);
        let mut last = 0;
        let mut number = 0;
        while number < open.count() {
            let due = open.due_ns(number).unwrap();
            prop_assert!(due >= last && due <= open.length_ns());
            let first = open.first_due_at_or_after(due);
            prop_assert!(first <= number);
            prop_assert_eq!(open.due_ns(first), Some(due));
            last = due;
            number += 1 + open.count() / 997;
        }
        prop_assert_eq!(open.due_ns(open.count()), None);
    }

    #[test]
    fn seats_together_are_the_schedule_of_one_node(
        stages in short_stages(),
        weights in weights(),
    ) {
        let open = open(&stages);
        let sum: u32 = weights.iter().sum();
        let owners = deal(sum, &weights);
        let mut union: Vec<Due> = Vec::new();
        for seat in 0..u32::try_from(weights.len()).unwrap() {
            let owned: Vec<u32> = (0..sum).filter(|slot| owners[*slot as usize] == seat).collect();
            let part: Vec<Due> = open.cursor(&owned, sum).collect();
            prop_assert_eq!(part.len() as u64, owned_below(&owned, sum, open.count()));
            union.extend(part);
        }
        union.sort_by_key(|due| due.number);
        let alone: Vec<Due> = open.cursor(&[0], 1).collect();
        prop_assert_eq!(union, alone);
    }

    #[test]
    fn a_limit_is_dealt_without_loss(weights in weights(), limit in 0u64..5_000) {
        let sum: u32 = weights.iter().sum();
        let owners = deal(sum, &weights);
        let parts = (0..u32::try_from(weights.len()).unwrap()).map(|seat| {
            let owned: Vec<u32> = (0..sum).filter(|slot| owners[*slot as usize] == seat).collect();
            owned_below(&owned, sum, limit)
        });
        prop_assert_eq!(parts.sum::<u64>(), limit);
    }

    #[test]
    fn users_are_there_while_the_population_exceeds_them(
        stages in prop::collection::vec((0u32..9, 0u32..9, 0u64..25), 0..6),
    ) {
        let lines = stages.iter().map(|(from, to, length_ns)| ClosedStage::Users {
            from: *from,
            to: *to,
            length_ns: *length_ns,
        });
        let closed = Closed::new(&ClosedLoad { stages: lines.collect(), users_max: 9, pace_ns: 0 });
        for user in 0..9u32 {
            let spans = closed.user_spans(user);
            prop_assert!(spans.iter().all(|(start, end)| start < end));
            prop_assert!(spans.windows(2).all(|pair| pair[0].1 < pair[1].0));
            let mut start_ns = 0;
            for (from, to, length_ns) in &stages {
                for x in 0..*length_ns {
                    // Just after x the population is above the user, or on it and rising.
                    let (from, to) = (i64::from(*from), i64::from(*to));
                    let length = i64::try_from(*length_ns).unwrap();
                    let here = from * length + (to - from) * i64::try_from(x).unwrap();
                    let line = i64::from(user) * length;
                    let there = here > line || (here == line && to > from);
                    let at = start_ns + x;
                    let active = spans.iter().any(|(start, end)| (*start..*end).contains(&at));
                    prop_assert_eq!(active, there, "user {} at {}", user, at);
                }
                start_ns += length_ns;
            }
        }
    }
}
