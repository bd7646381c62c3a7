//! (pure) A scenario's part of a traffic: the arrivals whose number lies in its stripes.

use std::sync::Arc;

use super::owned_below;
use crate::artifact::Share;

/// The stripes of one scenario: arrival *k* of it is the *k*th number whose remainder by `of` is one of `offsets`.
#[derive(Clone, Debug)]
pub(super) struct Stripes {
    of: u32,
    offsets: Arc<[u32]>,
}

impl Stripes {
    pub(super) fn new(share: &Share) -> Stripes {
        let of = share.of.max(1);
        let offsets = share.offsets.as_slice().iter().copied().filter(|offset| *offset < of);
        Stripes { of, offsets: offsets.collect() }
    }

    /// Returns the number in the traffic of the scenario's arrival `number`.
    pub(super) fn in_traffic(&self, number: u64) -> Option<u64> {
        let own = self.offsets.len() as u64;
        let place = usize::try_from(number.checked_rem(own)?).ok()?;
        (number / own)
            .checked_mul(u64::from(self.of))?
            .checked_add(u64::from(*self.offsets.get(place)?))
    }

    /// Returns how many of the scenario's arrivals have a number in the traffic below `number`.
    pub(super) fn below(&self, number: u64) -> u64 {
        owned_below(&self.offsets, self.of, number)
    }

    /// Returns the scenario's part as a fraction.
    pub(super) fn part(&self) -> (u64, u64) {
        (self.offsets.len() as u64, u64::from(self.of))
    }
}
