//! The shop's log against the run's result: what was sent, when, and how often.

use std::collections::BTreeMap;
use std::ops::Range;

use super::scene::{Ended, Plan, S};
use crate::stage::Seen;

/// What the shop saw of a run.
pub(super) struct Witness {
    plan: Plan,
    /// By arrival number: when it came, each time.
    came: BTreeMap<u64, Vec<u64>>,
}

impl Witness {
    pub(super) fn new(plan: Plan, seen: Vec<Seen>) -> Witness {
        let mut came: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
        for Seen { at_ns, arrival, .. } in seen {
            let number = arrival.rsplit('.').next().unwrap().parse().unwrap();
            came.entry(number).or_default().push(at_ns);
        }
        Witness { plan, came }
    }

    /// Holds the result against the log: nothing came twice, what came is what was started, give or take what nobody can
    /// account for, and that is no more than the agents that were lost can have sent unheard.
    #[track_caller]
    pub(super) fn agrees_with(&self, ended: &Ended) {
        let arrivals = ended.result.arrivals;
        assert_eq!(arrivals.planned, self.plan.planned());
        let twice: Vec<_> = self.came.iter().filter(|(_, times)| times.len() > 1).collect();
        assert!(twice.is_empty(), "arrivals that came more than once: {twice:?}");
        let came = self.came.len() as u64;
        assert!(arrivals.started <= came, "{came} came: {arrivals:?}");
        assert!(came <= arrivals.started + arrivals.unaccounted, "{came} came: {arrivals:?}");
        let most = self.plan.unaccounted_max() * ended.lost().len() as u64;
        assert!(arrivals.unaccounted <= most, "at most {most} unaccounted: {arrivals:?}");
    }

    /// Every planned arrival came.
    #[track_caller]
    pub(super) fn is_whole(&self) {
        let missing: Vec<u64> = self.missing(0..self.plan.planned());
        assert!(missing.is_empty(), "{} are missing: {missing:?}", missing.len());
    }

    /// From `from_ns` to the end of the plan every arrival came, and in each two seconds as many as planned.
    #[track_caller]
    pub(super) fn is_whole_from(&self, from_ns: u64) {
        let start = self.start_ns();
        let first = from_ns.saturating_sub(start).div_ceil(S);
        assert!(first + 2 <= self.plan.seconds, "the plan is too short for this test: {first}");
        let missing = self.missing(first * self.plan.rate..self.plan.planned());
        assert!(missing.is_empty(), "{} are missing: {missing:?}", missing.len());
        for second in first..self.plan.seconds - 1 {
            let (from, to) = (start + second * S, start + (second + 2) * S);
            let count = self.count(from..to);
            let wanted = 2 * self.plan.rate;
            assert!(
                count.abs_diff(wanted) <= wanted / 10,
                "{count} of {wanted} came in two seconds from {second} on"
            );
        }
    }

    /// Returns when the load started: the earliest start that any arrival can have had.
    pub(super) fn start_ns(&self) -> u64 {
        let starts = self.came.iter().map(|(number, times)| times[0] - number * S / self.plan.rate);
        starts.min().unwrap()
    }

    /// Nothing came later than a lease after `at_ns`, but for what a busy machine was late with.
    #[track_caller]
    pub(super) fn ends_a_lease_after(&self, at_ns: u64) {
        let last = self.came.values().flatten().copied().max().unwrap_or(0);
        let late = last.saturating_sub(at_ns + self.plan.lease_ns());
        assert!(late < S, "load went on for {late} ns after the lease");
    }

    /// Returns how many came in this time.
    pub(super) fn count(&self, time: Range<u64>) -> u64 {
        self.came.values().flatten().filter(|at| time.contains(at)).count() as u64
    }

    fn missing(&self, numbers: Range<u64>) -> Vec<u64> {
        numbers.filter(|number| !self.came.contains_key(number)).collect()
    }
}
