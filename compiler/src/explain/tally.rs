//! (pure) How many arrivals each seat of a scenario starts until when: exact for open loads, estimated for users.

use std::collections::BTreeMap;

use super::scenario::{residues, seat_order};
use crate::artifact::{ClosedLoad, Load, Scenario};
use crate::schedule::{Closed, Open, in_flight_share, owned_below};

/// A scenario's arrivals by seat.
pub(super) struct Tally<'a> {
    scenario: &'a Scenario,
    /// The schedule of an open load.
    pub(super) open: Option<Open>,
    /// The population of a closed load.
    pub(super) closed: Option<Closed>,
    /// Seats in order, with their slots counted from the scenario's first.
    pub(super) seats: Vec<(&'a str, Vec<u32>)>,
    /// Assumed time from a user's transaction to the next, in nanoseconds; 0 if nothing is known to take time.
    iteration_ns: u64,
}

impl<'a> Tally<'a> {
    /// Takes all seats of the scenario `name` in a plan with this seed.
    pub(super) fn new(
        plan_seed: u64,
        name: &str,
        scenario: &'a Scenario,
        transaction_ns: u64,
    ) -> Tally<'a> {
        let (open, closed, pace_ns) = match &scenario.load {
            Load::Open(load) => (Some(Open::of(plan_seed, name, load)), None, 0),
            Load::Closed(load) => (None, Some(Closed::new(load)), load.pace_ns),
            Load::Observe { .. } => (None, None, 0),
        };
        let iteration_ns = transaction_ns.max(pace_ns);
        let mut seats: Vec<(&str, Vec<u32>)> = scenario
            .seats
            .iter()
            .map(|(seat, owned)| (seat.as_str(), residues(scenario, owned)))
            .collect();
        seats.sort_by_key(|(seat, _)| seat_order(seat));
        Tally { scenario, open, closed, seats, iteration_ns }
    }

    /// Returns whether the numbers are exact, and not estimated from how long transactions are assumed to take.
    pub(super) fn exact(&self) -> bool {
        self.closed.is_none()
    }

    /// Returns each seat's arrivals in all; `None` where they are not known.
    pub(super) fn known(&self) -> Vec<Option<u64>> {
        let each = |(_, residues): &(&str, Vec<u32>)| match &self.scenario.load {
            Load::Open(_) => {
                Some(owned_below(residues, self.scenario.slot_count, self.scenario.planned))
            }
            Load::Closed(load) => self.counted(load, residues),
            Load::Observe { .. } => None,
        };
        self.seats.iter().map(each).collect()
    }

    /// Returns each seat's part of `max_in_flight`, or its users.
    pub(super) fn concurrency(&self) -> Vec<u64> {
        let each = |(_, residues): &(&str, Vec<u32>)| match &self.scenario.load {
            Load::Open(load) => {
                in_flight_share(residues, self.scenario.slot_count, load.max_in_flight)
            }
            Load::Closed(load) => self.users(load, residues),
            Load::Observe { .. } => 0,
        };
        self.seats.iter().map(each).collect()
    }

    /// Returns when each seat's first and last arrival are due, in nanoseconds since the scenario's start; open loads only.
    pub(super) fn ends(&self) -> Vec<Option<(u64, u64)>> {
        let modulus = u64::from(self.scenario.slot_count.max(1));
        let each = |(_, residues): &(&str, Vec<u32>)| {
            let open = self.open.as_ref()?;
            let first = residues.first().copied().map(u64::from)?;
            let last_number = open.count().checked_sub(1)?;
            let (turn, within) = (last_number / modulus, last_number % modulus);
            let below = residues.partition_point(|residue| u64::from(*residue) <= within);
            let last = match below.checked_sub(1) {
                Some(at) => turn * modulus + u64::from(residues[at]),
                None => turn.checked_sub(1)? * modulus + u64::from(*residues.last()?),
            };
            Some((open.due_ns(first)?, open.due_ns(last)?))
        };
        self.seats.iter().map(each).collect()
    }

    /// Returns for each seat how many arrivals start before each of `bounds_ns`, counted from the scenario's start.
    pub(super) fn before(&self, bounds_ns: &[u64]) -> Vec<Vec<u64>> {
        let slots = self.scenario.slot_count;
        match (&self.open, &self.closed, &self.scenario.load) {
            (Some(open), _, _) => {
                let numbers: Vec<u64> =
                    bounds_ns.iter().map(|bound| open.first_due_at_or_after(*bound)).collect();
                let seat = |(_, residues): &(&str, Vec<u32>)| {
                    numbers.iter().map(|number| owned_below(residues, slots, *number)).collect()
                };
                self.seats.iter().map(seat).collect()
            }
            (None, Some(closed), Load::Closed(load)) => match closed.count() {
                Some(_) => self.seats.iter().map(|(_, r)| self.paced(load, r, bounds_ns)).collect(),
                None => self.stays(closed, bounds_ns),
            },
            (None, _, _) => vec![vec![0; bounds_ns.len()]; self.seats.len()],
        }
    }

    /// Returns how many arrivals of all seats start before each of `bounds_ns`.
    pub(super) fn all_before(&self, bounds_ns: &[u64]) -> Vec<u64> {
        summed(self.before(bounds_ns), bounds_ns.len())
    }

    fn users(&self, load: &ClosedLoad, residues: &[u32]) -> u64 {
        owned_below(residues, self.scenario.slot_count, u64::from(load.users_max))
    }

    /// Returns the seat's arrivals where a count makes them known.
    fn counted(&self, load: &ClosedLoad, residues: &[u32]) -> Option<u64> {
        let count = self.closed.as_ref()?.count()?;
        let all = u64::from(load.users_max.max(1));
        let rest = owned_below(residues, self.scenario.slot_count, count % all);
        Some((count / all) * self.users(load, residues) + rest)
    }

    /// Users who share a count start one iteration after the other until it is used up.
    fn paced(&self, load: &ClosedLoad, residues: &[u32], bounds_ns: &[u64]) -> Vec<u64> {
        let (users, all) = (self.users(load, residues), self.counted(load, residues).unwrap_or(0));
        let within = |bound: &u64| match bound {
            0 => 0,
            bound => all.min(users.saturating_mul(self.turns(*bound))),
        };
        bounds_ns.iter().map(within).collect()
    }

    /// Returns for each seat how many users start before each of `bounds_ns`; none in an open load.
    pub(super) fn starts_before(&self, bounds_ns: &[u64]) -> Vec<Vec<u64>> {
        match &self.closed {
            Some(closed) => {
                self.users_by(closed, bounds_ns, |start_ns, end_ns| u64::from(end_ns > start_ns))
            }
            None => vec![vec![0; bounds_ns.len()]; self.seats.len()],
        }
    }

    /// Returns how many users of all seats start before each of `bounds_ns`.
    pub(super) fn all_starts_before(&self, bounds_ns: &[u64]) -> Vec<u64> {
        summed(self.starts_before(bounds_ns), bounds_ns.len())
    }

    /// Counts the iterations in the stays of all users.
    fn stays(&self, closed: &Closed, bounds_ns: &[u64]) -> Vec<Vec<u64>> {
        self.users_by(closed, bounds_ns, |start_ns, end_ns| {
            self.turns(end_ns.saturating_sub(start_ns))
        })
    }

    /// Sums up `of` each user's stay, cut at each of `bounds_ns`, in the seat that has the user's slot.
    fn users_by(
        &self,
        closed: &Closed,
        bounds_ns: &[u64],
        of: impl Fn(u64, u64) -> u64,
    ) -> Vec<Vec<u64>> {
        let owners: BTreeMap<u32, usize> = self
            .seats
            .iter()
            .enumerate()
            .flat_map(|(seat, (_, residues))| residues.iter().map(move |slot| (*slot, seat)))
            .collect();
        let mut sums = vec![vec![0u64; bounds_ns.len()]; self.seats.len()];
        for user in 0..closed.users_max() {
            let slot = user % self.scenario.slot_count.max(1);
            let Some(sums) = owners.get(&slot).and_then(|seat| sums.get_mut(*seat)) else {
                continue;
            };
            for (start_ns, end_ns) in closed.user_spans(user) {
                for (sum, bound) in sums.iter_mut().zip(bounds_ns) {
                    *sum = sum.saturating_add(of(start_ns, (*bound).min(end_ns)));
                }
            }
        }
        sums
    }

    /// Returns how many iterations one user starts in a stay.
    fn turns(&self, stay_ns: u64) -> u64 {
        match self.iteration_ns {
            0 => u64::from(stay_ns > 0),
            iteration_ns => stay_ns.div_ceil(iteration_ns),
        }
    }
}

/// Returns the sums over all seats.
fn summed(seats: Vec<Vec<u64>>, bounds: usize) -> Vec<u64> {
    let mut sums = vec![0u64; bounds];
    for seat in seats {
        for (sum, count) in sums.iter_mut().zip(seat) {
            *sum = sum.saturating_add(count);
        }
    }
    sums
}
