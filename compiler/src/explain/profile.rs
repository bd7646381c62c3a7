//! (pure) How high a load is over its time, in parts fine enough to draw and coarse enough to be even.

use super::scenario::between;
use super::tally::Tally;
use crate::artifact::{ClosedLoad, ClosedStage, Load, Scenario};

/// Parts of a load's time in a drawing of it.
const PARTS: u64 = 60;

/// Arrivals that a part should have, so that one more or less is not seen as a step.
const ARRIVALS_MIN: u64 = 15;

/// Numbers of parts that divide [`PARTS`].
const DIVISIONS: [u64; 7] = [60, 30, 20, 15, 12, 10, 6];

/// Returns [`PARTS`] heights: arrivals of an open load, users of a closed one.
pub(super) fn profile(scenario: &Scenario, tally: &Tally<'_>, length_ns: u64) -> Vec<u64> {
    let place = |part: u64, of: u64| {
        let ns = u128::from(length_ns) * u128::from(part) / u128::from(of.max(1));
        u64::try_from(ns).unwrap_or(u64::MAX)
    };
    match &scenario.load {
        Load::Open(_) => {
            let fine = |parts: &&u64| scenario.planned / **parts >= ARRIVALS_MIN;
            let parts = DIVISIONS.iter().find(fine).copied().unwrap_or(6);
            let ends: Vec<u64> = (1..=parts).map(|part| place(part, parts)).collect();
            let heights = between(&tally.all_before(&ends)).into_iter();
            let wide = usize::try_from(PARTS / parts).unwrap_or(1);
            heights.flat_map(|height| std::iter::repeat_n(height, wide)).collect()
        }
        Load::Observe { .. } => Vec::new(),
        Load::Closed(load) => {
            (0..PARTS).map(|part| users_at(load, place(2 * part + 1, 2 * PARTS))).collect()
        }
    }
}

/// Returns how many users there are at a time of the scenario.
fn users_at(load: &ClosedLoad, at_ns: u64) -> u64 {
    let mut start_ns = 0u64;
    for stage in &load.stages {
        let (from, to, length_ns) = match *stage {
            ClosedStage::Users { from, to, length_ns } => (from, to, length_ns),
            ClosedStage::Count { users, within_ns, .. }
            | ClosedStage::CountEach { users, within_ns, .. } => (users, users, within_ns),
            ClosedStage::Pause { length_ns } => (0, 0, length_ns),
        };
        let within = at_ns.saturating_sub(start_ns);
        if within < length_ns {
            let (from, to) = (i128::from(from), i128::from(to));
            let users = from + (to - from) * i128::from(within) / i128::from(length_ns.max(1));
            return u64::try_from(users).unwrap_or(0);
        }
        start_ns = start_ns.saturating_add(length_ns);
    }
    0
}
