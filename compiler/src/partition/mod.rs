//! (pure) Who executes which arrivals: groups → weights → slots → seats.
//!
//! The number of nodes is no input: nodes take seats when a run starts.

mod deal;
mod row;

use std::collections::BTreeMap;

pub use self::deal::deal;
pub use self::row::row;
use crate::artifact::SlotSet;
use crate::unit::{gcd, gcd_wide};

/// Fewest slots of a scenario, so that a lost seat's share can be spread.
pub const SLOTS_MIN: u32 = 256;

/// Largest sum of a scenario's seat weights after reduction.
pub const WEIGHTS_MAX: u32 = 65_536;

/// A group that a scenario is placed on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct GroupShare<'a> {
    /// Name of the group.
    pub name: &'a str,
    /// Its share against the other groups' weights; at least 1.
    pub weight: u32,
    /// How many seats split it evenly; at least 1.
    pub agents: u32,
}

/// How a scenario's arrivals are split: seats in declaration order with whole weights, and the owner of each slot.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Partition {
    /// Seats and their weights in lowest terms, group by group as given, then by number.
    pub seats: Vec<(String, u32)>,
    /// For each slot, the place of its owner in `seats`. Its length is the number of slots.
    pub owners: Vec<u32>,
}

/// Why groups cannot be dealt to.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PartitionError {
    /// No group, or one without agents or weight.
    #[error("no seat has a share")]
    Empty,
    /// The exact shares need more slots than [`WEIGHTS_MAX`].
    #[error("the exact shares need {weights} slots, more than {WEIGHTS_MAX}")]
    TooFine {
        /// Sum of the weights in lowest terms.
        weights: u128,
    },
}

impl Partition {
    /// Deals a scenario to the seats of `groups`, exactly in proportion.
    ///
    /// A seat's weight is its group's × L ÷ agents, L the least common multiple of all agents, in lowest terms; the number of
    /// slots is the least multiple of their sum that is at least [`SLOTS_MIN`].
    ///
    /// # Errors
    /// No seats, or shares so odd that they need more than [`WEIGHTS_MAX`] slots.
    pub fn new(groups: &[GroupShare<'_>]) -> Result<Partition, PartitionError> {
        if groups.is_empty() || groups.iter().any(|group| group.agents == 0 || group.weight == 0) {
            return Err(PartitionError::Empty);
        }
        let weights = reduced(groups)?;
        let seats: Vec<(String, u32)> = groups
            .iter()
            .zip(&weights)
            .flat_map(|(group, weight)| {
                (0..group.agents).map(move |seat| (format!("{}/{seat}", group.name), *weight))
            })
            .collect();
        let each: Vec<u32> = seats.iter().map(|(_, weight)| *weight).collect();
        let sum: u32 = each.iter().sum();
        let slots = SLOTS_MIN.div_ceil(sum) * sum;
        Ok(Partition { seats, owners: deal(slots, &each) })
    }

    /// Returns how many slots there are.
    pub fn slots(&self) -> u32 {
        u32::try_from(self.owners.len()).unwrap_or(u32::MAX)
    }

    /// Returns which seat owns which plan-wide slots, the scenario's first being `base`.
    pub fn owned(&self, base: u32) -> BTreeMap<String, SlotSet> {
        let mut slots: Vec<Vec<u32>> = vec![Vec::new(); self.seats.len()];
        for (slot, owner) in (base..).zip(&self.owners) {
            slots[*owner as usize].push(slot);
        }
        let names = self.seats.iter().map(|(name, _)| name.clone());
        names.zip(slots.into_iter().map(SlotSet::new)).collect()
    }
}

/// Returns the weight of one seat of each group, in lowest terms, if their sum over all seats is small enough.
fn reduced(groups: &[GroupShare<'_>]) -> Result<Vec<u32>, PartitionError> {
    // More seats than slots can never work, and fewer keep the multiple below within reach.
    let seats: u128 = groups.iter().map(|group| u128::from(group.agents)).sum();
    if seats > u128::from(WEIGHTS_MAX) {
        return Err(PartitionError::TooFine { weights: seats });
    }
    // Weights as fractions weight / agents: scale by the common multiple of the reduced denominators.
    let mut multiple: u128 = 1;
    for group in groups {
        let agents = u64::from(group.agents);
        let denominator = u128::from(agents / gcd(u64::from(group.weight), agents));
        multiple = multiple / gcd_wide(multiple, denominator) * denominator;
        if multiple > u128::from(u64::MAX) {
            return Err(PartitionError::TooFine { weights: multiple });
        }
    }
    let scaled = groups.iter().map(|group| {
        // In this order the division is exact, and at most 2³² × 2⁶⁴ fits.
        u128::from(group.weight) * multiple / u128::from(group.agents)
    });
    let scaled: Vec<u128> = scaled.collect();
    let divisor = scaled.iter().copied().fold(0, gcd_wide).max(1);
    let sum: u128 =
        groups.iter().zip(&scaled).map(|(group, w)| u128::from(group.agents) * (w / divisor)).sum();
    if sum > u128::from(WEIGHTS_MAX) {
        return Err(PartitionError::TooFine { weights: sum });
    }
    let narrow = |weight: &u128| u32::try_from(weight / divisor).unwrap_or(WEIGHTS_MAX);
    Ok(scaled.iter().map(narrow).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(name: &str, weight: u32, agents: u32) -> GroupShare<'_> {
        GroupShare { name, weight, agents }
    }

    #[test]
    fn a_group_splits_its_weight_evenly() {
        let partition = Partition::new(&[group("eu", 3, 2), group("us", 1, 1)]).unwrap();
        let seats = [("eu/0".to_owned(), 3), ("eu/1".to_owned(), 3), ("us/0".to_owned(), 2)];
        assert_eq!(partition.seats, seats);
        assert_eq!(partition.slots(), 256);
        let owned = partition.owned(1000);
        assert_eq!(owned["eu/0"].len(), 96);
        assert_eq!(owned["us/0"].len(), 64);
        assert!(owned["us/0"].as_slice().iter().all(|slot| (1000..1256).contains(slot)));
    }

    #[test]
    fn equal_seats_take_turns() {
        let partition = Partition::new(&[group("eu", 2, 2), group("us", 1, 1)]).unwrap();
        assert_eq!(partition.slots(), 258);
        assert_eq!(partition.owners[..6], [0, 1, 2, 0, 1, 2]);
    }

    #[test]
    fn shares_that_no_table_holds_are_refused() {
        assert_eq!(Partition::new(&[]), Err(PartitionError::Empty));
        assert_eq!(Partition::new(&[group("eu", 0, 1)]), Err(PartitionError::Empty));
        let odd = [group("a", 65_521, 65_519), group("b", 1, 2)];
        assert!(matches!(Partition::new(&odd), Err(PartitionError::TooFine { .. })));
        let many = [group("a", u32::MAX, u32::MAX)];
        assert!(matches!(Partition::new(&many), Err(PartitionError::TooFine { .. })));
        let primes = [group("a", 1, 65_521), group("b", u32::MAX, 3), group("c", 7, 11)];
        assert!(matches!(Partition::new(&primes), Err(PartitionError::TooFine { .. })));
    }
}
