//! (pure) Poisson arrivals: a place on the integral for each number, found without walking from the start.
//!
//! A Poisson process of rate r(t) is one of rate 1 in the integral Λ(t) of r, and given how many points of it lie in a
//! stretch of Λ, these are as many independent even draws, in order (the order statistics property; Kingman, *Poisson
//! Processes*, §2.4). So the integral is cut into blocks of [`BLOCK`] arrivals, each gets exactly as many as the even
//! schedule has in it, and they are drawn evenly in it. The number of arrivals is the plan's, not a draw; a gap is
//! exponential to within 1 / [`BLOCK`], because a block never holds one more.
//!
//! A seat, and a scenario of a mix, gets its stripes of the numbers, not its own draw: every *k*th arrival of a Poisson
//! process has gaps of the Erlang law of order *k*, and all seats together are Poisson.

use super::integral::Integral;
use crate::seed::Seed;

/// Arrivals of one block: the sorting of one takes some tens of microseconds.
pub(super) const BLOCK: u64 = 4096;

/// The places of one block's arrivals, as fractions of the block in 2⁻⁶⁴, ascending.
#[derive(Clone, Debug)]
pub(super) struct Block {
    number: u64,
    places: Vec<u64>,
    lo: u128,
    width: u128,
}

impl Block {
    /// Draws block `number` of a schedule.
    pub(super) fn new(integral: &Integral, seed: &Seed, number: u64) -> Block {
        let edge = |block: u64| {
            let arrivals = u128::from(block) * u128::from(BLOCK);
            arrivals.saturating_mul(integral.unit).min(integral.total)
        };
        let (lo, hi) = (edge(number), edge(number.saturating_add(1)));
        let count = usize::try_from(integral.arrivals(hi - lo)).unwrap_or(0);
        let mut places = seed.child("arrivals").draws(number, count);
        places.sort_unstable();
        Block { number, places, lo, width: hi - lo }
    }

    /// Returns the number of the block that holds arrival `number`.
    pub(super) fn of(number: u64) -> u64 {
        number / BLOCK
    }

    /// Returns whether it holds arrival `number`.
    pub(super) fn holds(&self, number: u64) -> bool {
        Block::of(number) == self.number
    }

    /// Returns the number of its first arrival.
    pub(super) fn first(&self) -> u64 {
        self.number.saturating_mul(BLOCK)
    }

    /// Returns how many of its arrivals lie, by `is_before`, before something; it must hold of a prefix.
    pub(super) fn count_before(&self, is_before: impl Fn(u128) -> bool) -> u64 {
        self.places.partition_point(|place| is_before(self.position(*place))) as u64
    }

    /// Returns where on the integral arrival `number` lies, in units, rounded down: finer than a nanosecond.
    pub(super) fn wanted(&self, number: u64) -> u128 {
        let place = usize::try_from(number % BLOCK).ok().and_then(|at| self.places.get(at));
        self.position(place.copied().unwrap_or(0))
    }

    fn position(&self, place: u64) -> u128 {
        // width * place / 2^64 in two products, because the width has more than 64 bits.
        let place = u128::from(place);
        let (high, low) = (self.width >> 64, self.width & u128::from(u64::MAX));
        self.lo + high * place + ((low * place) >> 64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::OpenStage;
    use crate::unit::{Rate, SECOND_NS};

    #[test]
    fn a_wide_block_is_divided_exactly() {
        let block = |width| Block { number: 0, places: Vec::new(), lo: 5, width };
        for place in [0, 1, 7, u64::MAX / 3, u64::MAX] {
            let wide = u128::from(place);
            assert_eq!(block(1_000_003).position(place), 5 + ((1_000_003 * wide) >> 64));
            assert_eq!(block(9 << 64).position(place), 5 + 9 * wide);
            let both = block((9 << 64) + 1_000_003).position(place);
            assert_eq!(both, 5 + 9 * wide + ((1_000_003 * wide) >> 64));
        }
    }

    #[test]
    fn a_block_holds_what_the_even_schedule_has_in_it() {
        let rate = Rate::new(3_000, SECOND_NS);
        let stage = OpenStage::Rate { from: rate, to: rate, length_ns: 3 * SECOND_NS };
        let integral = Integral::new(&[stage], &Seed::root(1));
        let blocks = (0..4).map(|number| Block::new(&integral, &Seed::root(1), number));
        let counts: Vec<u64> = blocks.map(|block| block.count_before(|_| true)).collect();
        assert_eq!(counts, [4096, 4096, 808, 0]);
    }
}
