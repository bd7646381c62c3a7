//! (pure) Open loads: arrival number → due time, exact over all stages.

use std::sync::Arc;

use super::Cursor;
use super::integral::Integral;
use super::scatter::{BLOCK, Block};
use super::stripe::Stripes;
use crate::artifact::{Arrivals, OpenLoad};
use crate::seed::Seed;
use crate::unit::{Rate, gcd_wide};

/// The schedule of an open load: arrivals are numbered from 0 in order of due time.
///
/// Arrival *n* is due at the infimum of *t* with ∫₀ᵗ rate > *n*, rounded up to a nanosecond, the integral exact over
/// all stages. So a constant rate starts at 0, a pause holds arrivals back, and there are ⌈∫⌉ arrivals. A stage with a
/// count contributes exactly that and lasts ⌈count ÷ rate⌉ nanoseconds. Poisson arrivals are as many, at places of the
/// integral that are drawn from the seed. A scenario of a traffic has its stripes of the traffic's arrivals and numbers them
/// from 0 for itself.
/// Cheap to clone.
#[derive(Clone, Debug)]
pub struct Open {
    pub(super) integral: Arc<Integral>,
    scatter: Option<Seed>,
    stripes: Option<Stripes>,
    /// Arrivals of the whole schedule.
    all: u64,
    count: u64,
}

impl Open {
    /// Lays out the stages of `load`, the load of `scenario` in a plan with this seed.
    pub fn of(plan_seed: u64, scenario: &str, load: &OpenLoad) -> Open {
        let root = Seed::root(plan_seed);
        let seed = match &load.share {
            Some(share) => root.for_traffic(&share.traffic),
            None => root.for_load(scenario),
        };
        Open::new(load, &seed)
    }

    /// Lays out the stages of `load`; what it draws is drawn below `seed`.
    ///
    /// Total for any input: a rate that is no whole number of millionths per hour, above one arrival a nanosecond, or a count at rate 0 is
    /// rounded down (a verified artifact has none of them).
    pub fn new(load: &OpenLoad, seed: &Seed) -> Open {
        let integral = Integral::new(&load.stages, seed);
        let stripes = load.share.as_ref().map(Stripes::new);
        let all = integral.arrivals(integral.total);
        Open {
            count: stripes.as_ref().map_or(all, |stripes| stripes.below(all)),
            integral: Arc::new(integral),
            scatter: (load.arrivals == Arrivals::Poisson).then(|| seed.clone()),
            stripes,
            all,
        }
    }

    /// Returns how many arrivals there are: ⌈∫⌉, or those of them in the scenario's stripes.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Returns how many arrivals the whole traffic has, that the scenario has a part of; without one its own.
    pub fn count_of_traffic(&self) -> u64 {
        self.all
    }

    /// Returns how many arrivals there are up to the end of each stage.
    pub fn counts_by_stage(&self) -> Vec<u64> {
        let own = |all| self.stripes.as_ref().map_or(all, |stripes| stripes.below(all));
        self.integral.arrivals_by_stage().map(own).collect()
    }

    /// Returns when arrival `number` is due, in nanoseconds since the scenario's start; `None` if there is no such arrival.
    ///
    /// For Poisson arrivals a block is drawn each time: to list many take [`Open::cursor`].
    pub fn due_ns(&self, number: u64) -> Option<u64> {
        if number >= self.count {
            return None;
        }
        self.integral.due_ns(self.wanted(number, &mut None)?)
    }

    /// Returns where on the integral an arrival lies; `block` is the last one drawn.
    pub(super) fn wanted(&self, number: u64, block: &mut Option<Block>) -> Option<u128> {
        let number = match &self.stripes {
            Some(stripes) => stripes.in_traffic(number)?,
            None => number,
        };
        let Some(seed) = &self.scatter else {
            return Some(u128::from(number) * self.integral.unit);
        };
        let found = match block.take().filter(|block| block.holds(number)) {
            Some(found) => found,
            None => Block::new(&self.integral, seed, Block::of(number)),
        };
        let wanted = found.wanted(number);
        *block = Some(found);
        Some(wanted)
    }

    /// Returns how long all stages last, in nanoseconds.
    pub fn length_ns(&self) -> u64 {
        self.integral.length_ns
    }

    /// Returns the highest rate; of a random rate the highest that it may be, of a mix the scenario's part.
    pub fn peak(&self) -> Rate {
        let whole = self.integral.peak;
        let Some((part, of)) = self.stripes.as_ref().map(Stripes::part) else { return whole };
        let count = u128::from(whole.count) * u128::from(part);
        let per_ns = u128::from(whole.per_ns) * u128::from(of);
        let divisor = gcd_wide(count, per_ns).max(1);
        let (mut count, mut per_ns) = (count / divisor, per_ns / divisor);
        // Rates too odd for 64 bits lose digits that nobody reads.
        while count > u128::from(u64::MAX) || per_ns > u128::from(u64::MAX) {
            (count, per_ns) = (count >> 1, (per_ns >> 1).max(1));
        }
        let narrow = |value: u128| u64::try_from(value).unwrap_or(u64::MAX);
        Rate::new(narrow(count), narrow(per_ns))
    }

    /// Returns the least number that is due at `t_ns` or later; [`Open::count`] if there is none.
    pub fn first_due_at_or_after(&self, t_ns: u64) -> u64 {
        let all = self.first_of_all(t_ns);
        self.stripes.as_ref().map_or(all, |stripes| stripes.below(all))
    }

    fn first_of_all(&self, t_ns: u64) -> u64 {
        let Some(before) = t_ns.checked_sub(1) else { return 0 };
        let Some((reached, still)) = self.integral.at(before) else { return self.all };
        let unit = self.integral.unit;
        let due = match &self.scatter {
            Some(seed) => {
                let block = u64::try_from(reached / unit).unwrap_or(u64::MAX) / BLOCK;
                let block = Block::new(&self.integral, seed, block);
                let is_due = |wanted| self.integral.due_ns(wanted).is_some_and(|due| due <= before);
                return block.first().saturating_add(block.count_before(is_due)).min(self.all);
            }
            // Where nothing flows, the arrival that the integral has just reached waits for the next stage.
            None if still => reached.div_ceil(unit),
            None => reached / unit + 1,
        };
        u64::try_from(due).unwrap_or(u64::MAX).min(self.all)
    }

    /// Returns the numbers whose remainder by `modulus` is one of `residues`, with their due times, in order.
    ///
    /// `residues` is ascending; what is not below `modulus` is left out.
    pub fn cursor(&self, residues: &[u32], modulus: u32) -> Cursor {
        Cursor::new(self.clone(), residues, modulus)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::OpenStage;
    use crate::unit::SECOND_NS;

    fn open(stages: Vec<OpenStage>) -> Open {
        Open::new(&OpenLoad::even(stages), &Seed::root(0))
    }

    fn rate(from: &str, to: &str, seconds: u64) -> OpenStage {
        let (from, to) = (Rate::parse(from).unwrap(), Rate::parse(to).unwrap());
        OpenStage::Rate { from, to, length_ns: seconds * SECOND_NS }
    }

    fn dues(open: &Open) -> Vec<u64> {
        (0..open.count()).map(|n| open.due_ns(n).unwrap()).collect()
    }

    #[test]
    fn a_constant_rate_starts_at_zero() {
        let open = open(vec![rate("3/s", "3/s", 1)]);
        assert_eq!(dues(&open), [0, 333_333_334, 666_666_667]);
        assert_eq!(open.due_ns(3), None);
        assert_eq!(open.peak(), Rate::parse("3/s").unwrap());
    }

    #[test]
    fn a_pause_holds_arrivals_back() {
        let pause = OpenStage::Pause { length_ns: 5 * SECOND_NS };
        let open = open(vec![rate("1/s", "1/s", 2), pause, rate("1/s", "1/s", 1)]);
        assert_eq!(dues(&open), [0, SECOND_NS, 7 * SECOND_NS]);
        assert_eq!(open.length_ns(), 8 * SECOND_NS);
    }

    #[test]
    fn fractions_are_carried_over_joints() {
        // 1.5 + 1.5 arrivals: the second stage's half completes the first one's.
        let open = open(vec![rate("1.5/s", "1.5/s", 1), rate("0.5/s", "0.5/s", 3)]);
        assert_eq!(dues(&open), [0, 666_666_667, 2 * SECOND_NS]);
    }

    #[test]
    fn a_count_is_exact_however_the_rate_divides() {
        let stage = OpenStage::Count { rate: Rate::parse("7/s").unwrap(), count: 10 };
        let open = open(vec![stage, rate("1/s", "1/s", 1)]);
        assert_eq!(open.count(), 11);
        assert_eq!(open.due_ns(9), Some(1_285_714_286));
        assert_eq!(open.due_ns(10), Some(1_428_571_429));
    }

    #[test]
    fn a_ramp_from_zero_follows_the_square_root() {
        let open = open(vec![rate("0/s", "10/s", 10)]);
        assert_eq!(open.count(), 50);
        // ∫ = t²/2, so arrival n is due at √(2n).
        assert_eq!(open.due_ns(0), Some(0));
        assert_eq!(open.due_ns(2), Some(2 * SECOND_NS));
        assert_eq!(open.due_ns(8), Some(4 * SECOND_NS));
        assert_eq!(open.due_ns(1), Some(1_414_213_563));
    }

    #[test]
    fn what_no_artifact_holds_does_not_panic() {
        let wild = Rate { count: u64::MAX, per_ns: 0 };
        let odd = Rate { count: u64::MAX, per_ns: u64::MAX - 1 };
        let stages = vec![
            OpenStage::Rate { from: wild, to: odd, length_ns: u64::MAX },
            OpenStage::Count { rate: Rate::ZERO, count: u64::MAX },
            OpenStage::Count { rate: odd, count: u64::MAX },
            OpenStage::Rate { from: odd, to: Rate::ZERO, length_ns: u64::MAX },
            OpenStage::Rate { from: Rate::ZERO, to: wild, length_ns: 0 },
            OpenStage::Random { min: odd, max: wild, every_ns: 0, length_ns: u64::MAX },
        ];
        let open = open(stages);
        for number in [0, 1, u64::MAX / 2, u64::MAX - 1, u64::MAX] {
            let due = open.due_ns(number);
            assert_eq!(due.is_some(), number < open.count());
            assert!(open.first_due_at_or_after(number) <= open.count());
        }
        assert_eq!(Open::new(&OpenLoad::even(vec![]), &Seed::root(0)).count(), 0);
    }
}
