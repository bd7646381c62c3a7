//! (pure) When arrivals are due and which slot they belong to: functions of a number, in exact integers.
//!
//! Knows no clock, no seats and no engine; a node asks it for the next arrival and when that is due.

mod closed;
mod cursor;
mod integral;
mod open;
mod ramp;
mod scatter;
mod stripe;

pub use self::closed::Closed;
pub use self::cursor::{Cursor, Due};
pub use self::integral::INTERVALS_MAX;
pub use self::open::Open;
use crate::artifact::{ClosedStage, Load, OpenLoad, OpenStage, Scenario};

/// Returns the slot of arrival `number` of an open scenario: `base + number mod count`.
///
/// `count` 0 is read as 1, so that no input panics.
pub fn slot_of(base: u32, count: u32, number: u64) -> u32 {
    base.saturating_add(residue(number, count))
}

/// Returns the slot of arrival `number` of a closed scenario: `base + (number mod users_max) mod count`.
pub fn slot_of_user(base: u32, count: u32, users_max: u32, number: u64) -> u32 {
    base.saturating_add(residue(number % u64::from(users_max.max(1)), count))
}

/// Returns the slot of arrival `number` of `scenario`, by the rule of its load.
pub fn slot_in(scenario: &Scenario, number: u64) -> u32 {
    let (base, count) = (scenario.slot_base, scenario.slot_count);
    match &scenario.load {
        Load::Open(_) | Load::Observe { .. } => slot_of(base, count, number),
        Load::Closed(load) => slot_of_user(base, count, load.users_max, number),
    }
}

/// Returns how many numbers below `number` are, modulo `modulus`, one of `residues` (ascending, each below `modulus`).
///
/// Of an open scenario these are the arrivals below a frontier that a seat or lane owns; with the cluster's
/// `max_in_flight` as `number` they are the seat's share of it.
pub fn owned_below(residues: &[u32], modulus: u32, number: u64) -> u64 {
    let modulus = u64::from(modulus.max(1));
    let within = number % modulus;
    let part = residues.partition_point(|residue| u64::from(*residue) < within);
    (number / modulus) * residues.len() as u64 + part as u64
}

/// Returns a seat's share of the cluster's `max_in_flight`: dealt like slots, at least 1.
pub fn in_flight_share(residues: &[u32], modulus: u32, max_in_flight: u64) -> u64 {
    owned_below(residues, modulus, max_in_flight).max(1)
}

/// Returns how long the stages of `load` last, in nanoseconds; for a count of a closed load, at most that.
pub fn length_ns(load: &Load) -> u64 {
    match load {
        Load::Open(load) => load.stages.iter().map(open_length_ns).fold(0, u64::saturating_add),
        Load::Closed(load) => load.stages.iter().map(closed_length_ns).fold(0, u64::saturating_add),
        Load::Observe { length_ns } => *length_ns,
    }
}

/// Returns how many times a load draws a rate: its schedule has a piece for each.
pub fn intervals(load: &OpenLoad) -> u64 {
    let drawn = load.stages.iter().map(|stage| match stage {
        OpenStage::Random { every_ns, length_ns, .. } => length_ns.div_ceil((*every_ns).max(1)),
        OpenStage::Rate { .. } | OpenStage::Count { .. } | OpenStage::Pause { .. } => 0,
    });
    drawn.fold(0, u64::saturating_add)
}

/// Returns how long a stage of an open load lasts, in nanoseconds.
pub fn open_length_ns(stage: &OpenStage) -> u64 {
    match stage {
        OpenStage::Rate { length_ns, .. }
        | OpenStage::Random { length_ns, .. }
        | OpenStage::Pause { length_ns } => *length_ns,
        OpenStage::Count { rate, .. } if rate.count == 0 => 0,
        OpenStage::Count { rate, count } => {
            let ns =
                (u128::from(*count) * u128::from(rate.per_ns)).div_ceil(u128::from(rate.count));
            u64::try_from(ns).unwrap_or(u64::MAX)
        }
    }
}

/// Returns how long a stage of a closed load lasts at most, in nanoseconds.
pub fn closed_length_ns(stage: &ClosedStage) -> u64 {
    match stage {
        ClosedStage::Users { length_ns, .. } | ClosedStage::Pause { length_ns } => *length_ns,
        ClosedStage::Count { within_ns, .. } | ClosedStage::CountEach { within_ns, .. } => {
            *within_ns
        }
    }
}

fn residue(number: u64, count: u32) -> u32 {
    let residue = number % u64::from(count.max(1));
    u32::try_from(residue).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owned_numbers_are_counted_without_listing_them() {
        let residues = [0, 3, 4];
        for number in 0..40u64 {
            let listed = (0..number).filter(|n| residues.contains(&((n % 7) as u32))).count();
            assert_eq!(owned_below(&residues, 7, number), listed as u64, "{number}");
        }
        assert_eq!(in_flight_share(&[6], 7, 3), 1);
        assert_eq!(in_flight_share(&[6], 7, 21), 3);
    }

    #[test]
    fn users_keep_their_slot() {
        let slots: Vec<u32> = (0..5).map(|k| slot_of_user(100, 256, 300, k * 300 + 270)).collect();
        assert_eq!(slots, [114; 5]);
        assert_eq!(slot_of(100, 256, 513), 101);
    }
}
