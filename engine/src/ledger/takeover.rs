//! (pure) What a node takes over from a lost one.

use compiler::artifact::Scenario;
use serde::{Deserialize, Serialize};

/// Iterations that the users of one takeover may count; see [`Takeover::first_iteration`].
const ITERATIONS_MAX: u64 = 1 << 20;

/// A part of one seat's slots of one scenario, from an arrival on, as a node takes it over.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Takeover {
    /// Its number in the run, from 1: no two takeovers of a run have the same.
    pub number: u32,
    /// Scenario, by its place in the artifact.
    pub scenario: u32,
    /// The seat that the slots belong to by the plan.
    pub seat: String,
    /// Which of them: for each `(i, n)` in turn, of those in ascending order the ones whose place is *i* modulo *n*.
    pub parts: Vec<(u32, u32)>,
    /// First arrival that is taken over; 0 where users have numbers instead.
    pub from: u64,
    /// When it begins, in nanoseconds since the run's start.
    pub at_ns: u64,
}

/// The end of what a node held: others have it from an arrival on.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct HandedOver {
    /// Scenario, by its place in the artifact.
    pub scenario: u32,
    /// Number of the takeover that ended; 0 for the share of the node's seats.
    pub number: u32,
    /// First arrival that others have; 0 where users have numbers instead.
    pub from: u64,
    /// When they begin, in nanoseconds since the run's start.
    pub at_ns: u64,
}

impl Takeover {
    /// Returns the slots, counted from the scenario's first one, ascending; empty if the scenario is not on that seat.
    pub fn slots(&self, scenario: &Scenario) -> Vec<u32> {
        let mut slots = seat_slots(scenario, &self.seat);
        for (part, of) in &self.parts {
            slots = part_of(&slots, *part, *of);
        }
        slots
    }

    /// Returns the number of the first iteration that its users do: apart from those of everybody before them, so that no
    /// arrival number is used twice.
    pub fn first_iteration(&self) -> u64 {
        u64::from(self.number) * ITERATIONS_MAX
    }
}

/// Returns the slots of `seat` in `scenario`, counted from the scenario's first one, ascending.
pub fn seat_slots(scenario: &Scenario, seat: &str) -> Vec<u32> {
    let owned = scenario.seats.get(seat).map(|set| set.as_slice()).unwrap_or_default();
    let mut slots: Vec<u32> =
        owned.iter().filter_map(|slot| slot.checked_sub(scenario.slot_base)).collect();
    slots.sort_unstable();
    slots
}

/// Returns of `all` those whose place is `part` modulo `of`; an `of` of 0 is read as 1.
pub fn part_of<T: Copy>(all: &[T], part: u32, of: u32) -> Vec<T> {
    let part = usize::try_from(part).unwrap_or(usize::MAX);
    let of = usize::try_from(of.max(1)).unwrap_or(usize::MAX);
    all.iter().skip(part).step_by(of).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::sample;

    #[test]
    fn parts_of_parts_are_all_of_a_seat() {
        let artifact = sample::artifact(&[10, 10], 1, 2);
        let scenario = artifact.scenarios.values().nth(1).unwrap();
        let slots = |parts: &[(u32, u32)]| {
            let seat = "default/1".to_owned();
            Takeover { seat, parts: parts.to_vec(), ..Takeover::default() }.slots(scenario)
        };
        assert_eq!(slots(&[]), [1, 3, 5, 7, 9, 11]);
        assert_eq!((slots(&[(0, 2)]), slots(&[(1, 2)])), (vec![1, 5, 9], vec![3, 7, 11]));
        assert_eq!((slots(&[(1, 2), (0, 2)]), slots(&[(1, 2), (1, 2)])), (vec![3, 11], vec![7]));
        assert_eq!((slots(&[(9, 2)]), slots(&[(0, 0)]).len()), (vec![], 6), "total");
        let unknown = Takeover { seat: "x/0".to_owned(), ..Takeover::default() };
        assert!(unknown.slots(scenario).is_empty());
    }
}
