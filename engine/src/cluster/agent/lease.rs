//! (pure) The right to start arrivals: it counts from when a beat was sent, never from when its answer came.

use std::collections::BTreeMap;

use crate::clock::Ticks;

/// How many beats may wait for their answer; older ones are forgotten, their answers then extend nothing.
const BEATS_OPEN_MAX: usize = 64;

/// A lease, and the beats that may extend it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lease {
    end: Ticks,
    sent: BTreeMap<u64, Ticks>,
}

impl Lease {
    /// Notes that beat `seq` leaves now.
    pub(crate) fn beat(&mut self, seq: u64, now: Ticks) {
        self.sent.insert(seq, now);
        while self.sent.len() > BEATS_OPEN_MAX {
            self.sent.pop_first();
        }
    }

    /// Takes the answer to beat `seq` and returns when that was sent; `None` if it was answered before or is forgotten.
    pub(crate) fn answered(&mut self, seq: u64, lease_ns: u64) -> Option<Ticks> {
        let sent = self.sent.remove(&seq)?;
        if lease_ns > 0 {
            self.end = self.end.max(sent.saturating_add(lease_ns));
        }
        Some(sent)
    }

    /// Returns when it ends; 0 if there never was one.
    pub(crate) fn end(&self) -> Ticks {
        self.end
    }
}

#[cfg(test)]
mod tests {
    use super::Lease;

    #[test]
    fn it_counts_from_the_sending_and_never_shrinks() {
        let mut lease = Lease::default();
        lease.beat(1, 100);
        lease.beat(2, 200);
        lease.beat(3, 300);
        assert_eq!((lease.answered(2, 1_000), lease.end()), (Some(200), 1_200));
        assert_eq!((lease.answered(1, 1_000), lease.end()), (Some(100), 1_200));
        assert_eq!((lease.answered(3, 0), lease.end()), (Some(300), 1_200));
        assert_eq!((lease.answered(2, 9_000), lease.end()), (None, 1_200), "twice");
    }
}
