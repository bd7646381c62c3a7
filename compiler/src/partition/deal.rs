//! (pure) Slots to seats, so that each seat is at every prefix less than one slot from its exact share.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Deals `slots` slots to seats by weight; the answer holds, for each slot, the seat's place in `weights`.
///
/// W is the sum of the weights. Slot *i* goes, among the seats with taken × W ≤ *i* × weight, to the one with the least
/// ⌈(taken + 1) × W ÷ weight⌉, then to the first: earliest deadline first among those whose next slot is released, which
/// meets every deadline, because the sum of the shares is exactly one slot a step.
/// Seats of weight 0 get nothing; without any weight nothing is dealt.
pub fn deal(slots: u32, weights: &[u32]) -> Vec<u32> {
    let sum: u64 = weights.iter().map(|weight| u64::from(*weight)).sum();
    // A seat's next slot may be dealt from ⌈taken × W ÷ weight⌉ on and is due by ⌈(taken + 1) × W ÷ weight⌉.
    let mut waiting: BinaryHeap<Reverse<(u64, u32)>> = (0u32..)
        .zip(weights)
        .filter(|(_, weight)| **weight > 0)
        .map(|(seat, _)| Reverse((0, seat)))
        .collect();
    let mut released: BinaryHeap<Reverse<(u64, u32)>> = BinaryHeap::new();
    let mut taken = vec![0u64; weights.len()];
    let mut owners = Vec::new();
    for slot in 0..u64::from(slots) {
        while let Some(Reverse((release, seat))) = waiting.peek().copied() {
            if release > slot {
                break;
            }
            waiting.pop();
            let weight = u64::from(weights[seat as usize]);
            released.push(Reverse((deadline(taken[seat as usize] + 1, sum, weight), seat)));
        }
        let Some(Reverse((_, seat))) = released.pop() else { break };
        owners.push(seat);
        let count = &mut taken[seat as usize];
        *count += 1;
        waiting.push(Reverse((deadline(*count, sum, u64::from(weights[seat as usize])), seat)));
    }
    owners
}

/// ⌈taken × W ÷ weight⌉: the step by which the exact share reaches `taken`.
fn deadline(taken: u64, sum: u64, weight: u64) -> u64 {
    let step = (u128::from(taken) * u128::from(sum)).div_ceil(u128::from(weight));
    u64::try_from(step).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::deal;

    /// The rule as it is written down, without heaps.
    fn by_the_letter(slots: u32, weights: &[u32]) -> Vec<u32> {
        let sum: u64 = weights.iter().map(|w| u64::from(*w)).sum();
        let mut taken = vec![0u64; weights.len()];
        (0..u64::from(slots))
            .map(|slot| {
                let ready = |seat: &usize| taken[*seat] * sum <= slot * u64::from(weights[*seat]);
                let due =
                    |seat: &usize| ((taken[*seat] + 1) * sum).div_ceil(u64::from(weights[*seat]));
                let seats = (0..weights.len()).filter(|seat| weights[*seat] > 0).filter(ready);
                let seat = seats.min_by_key(|seat| (due(seat), *seat)).unwrap();
                taken[seat] += 1;
                u32::try_from(seat).unwrap()
            })
            .collect()
    }

    #[test]
    fn the_heaps_follow_the_rule() {
        for weights in [vec![1], vec![1, 1], vec![3, 1, 2], vec![5, 0, 7, 7, 1], vec![100, 1, 1]] {
            let slots = 3 * weights.iter().sum::<u32>();
            assert_eq!(deal(slots, &weights), by_the_letter(slots, &weights), "{weights:?}");
        }
    }

    #[test]
    fn without_weight_nothing_is_dealt() {
        assert!(deal(10, &[]).is_empty());
        assert!(deal(10, &[0, 0]).is_empty());
    }
}
