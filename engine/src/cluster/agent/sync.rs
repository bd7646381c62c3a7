//! (pure) The agent's clock against the coordinator's: of many round trips the shortest tells most.

use std::collections::VecDeque;

use crate::clock::Ticks;

/// How many round trips are remembered: about a minute of beats, so that drift of the clocks stays small.
const SAMPLES_MAX: usize = 64;

/// Round trips seen lately.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sync {
    samples: VecDeque<Offset>,
    seen: u32,
}

/// One clock against another.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Offset {
    /// This clock minus the coordinator's, in nanoseconds.
    pub(crate) ns: i64,
    /// Half of the round trip: the offset is off by at most this, in nanoseconds.
    pub(crate) error_ns: u64,
}

impl Sync {
    /// Takes a round trip: sent and received on this clock, answered at `coord` on the other.
    pub(crate) fn sample(&mut self, sent: Ticks, received: Ticks, coord: Ticks) {
        let error_ns = received.saturating_sub(sent) / 2;
        let middle = i128::from(sent) + i128::from(error_ns);
        let ns = i64::try_from(middle - i128::from(coord)).unwrap_or(0);
        if self.samples.len() == SAMPLES_MAX {
            self.samples.pop_front();
        }
        self.samples.push_back(Offset { ns, error_ns });
        self.seen = self.seen.saturating_add(1);
    }

    /// Returns how many round trips there have been.
    pub(crate) fn seen(&self) -> u32 {
        self.seen
    }

    /// Returns the best known offset.
    pub(crate) fn best(&self) -> Option<Offset> {
        self.samples.iter().min_by_key(|sample| sample.error_ns).copied()
    }
}

impl Offset {
    /// Returns what this clock shows when the coordinator's shows `coord`.
    pub(crate) fn own(self, coord: Ticks) -> Ticks {
        coord.saturating_add_signed(self.ns)
    }
}

#[cfg(test)]
mod tests {
    use super::Sync;

    #[test]
    fn the_shortest_round_trip_wins() {
        let mut sync = Sync::default();
        sync.sample(1_000, 9_000, 900_000);
        sync.sample(20_000, 20_200, 920_000);
        sync.sample(30_000, 39_000, 940_000);
        let best = sync.best().unwrap();
        assert_eq!((best.ns, best.error_ns), (-899_900, 100));
        assert_eq!(best.own(920_000), 20_100);
        assert_eq!((best.own(5), sync.seen()), (0, 3));
    }
}
