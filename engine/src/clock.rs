//! The one door to time. A handle is passed in; tests hold a fake one and move it by hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

/// A reading of the boot-time clock in nanoseconds: counts on while the machine sleeps, never goes back.
pub type Ticks = u64;

/// Reads time. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Clock(Inner);

#[derive(Clone, Debug)]
enum Inner {
    Real,
    Fake(Arc<AtomicU64>),
    Tokio(tokio::time::Instant),
    /// Reads `base` when the other reads `from`.
    Moved {
        clock: Box<Inner>,
        from: Ticks,
        base: Ticks,
    },
}

impl Clock {
    /// Returns the machine's clock.
    pub fn real() -> Clock {
        Clock(Inner::Real)
    }

    /// Returns a clock that stands still at 0 until [`Clock::advance`].
    pub fn fake() -> Clock {
        Clock(Inner::Fake(Arc::new(AtomicU64::new(0))))
    }

    /// Returns a clock that goes with tokio's time from 0 on, which a test can pause. Only within a runtime.
    pub fn tokio() -> Clock {
        #[expect(clippy::disallowed_methods, reason = "this is the door")]
        let now = tokio::time::Instant::now();
        Clock(Inner::Tokio(now))
    }

    /// Returns a clock that goes as this one does and reads `base` now.
    #[must_use]
    pub fn reading(self, base: Ticks) -> Clock {
        let from = self.now();
        Clock(Inner::Moved { clock: Box::new(self.0), from, base })
    }

    /// Returns whether this is the machine's clock.
    pub fn is_real(&self) -> bool {
        matches!(self.0, Inner::Real)
    }

    /// Returns the boot-time clock (`CLOCK_BOOTTIME`; the monotonic clock where there is none), in nanoseconds.
    pub fn now(&self) -> Ticks {
        self.0.now()
    }

    /// Returns the wall clock in milliseconds since 1970; other clocks count from their own start.
    pub fn unix_ms(&self) -> u64 {
        self.0.unix_ms()
    }

    /// Moves a fake clock on by `ns`; the real clock moves by itself.
    pub fn advance(&self, ns: u64) {
        if let Inner::Fake(ticks) = &self.0 {
            ticks.fetch_add(ns, Ordering::AcqRel);
        }
    }
}

impl Inner {
    fn now(&self) -> Ticks {
        match self {
            Inner::Real => boottime(),
            Inner::Fake(ticks) => ticks.load(Ordering::Acquire),
            Inner::Tokio(start) => u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX),
            Inner::Moved { clock, from, base } => {
                base.saturating_add(clock.now().saturating_sub(*from))
            }
        }
    }

    fn unix_ms(&self) -> u64 {
        match self {
            Inner::Real => {
                #[expect(clippy::disallowed_methods, reason = "this is the door")]
                let now = SystemTime::now();
                let since = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
                u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
            }
            Inner::Fake(_) | Inner::Tokio(_) => self.now() / 1_000_000,
            Inner::Moved { clock, .. } => clock.unix_ms(),
        }
    }
}

fn boottime() -> Ticks {
    #[cfg(target_os = "linux")]
    let id = rustix::time::ClockId::Boottime;
    #[cfg(not(target_os = "linux"))]
    let id = rustix::time::ClockId::Monotonic;
    let time = rustix::time::clock_gettime(id);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanos = u64::try_from(time.tv_nsec).unwrap_or(0);
    seconds * 1_000_000_000 + nanos
}

#[cfg(test)]
mod tests {
    use super::Clock;

    #[test]
    fn a_fake_clock_moves_by_hand_and_in_all_handles() {
        let clock = Clock::fake();
        let other = clock.clone();
        clock.advance(5_000_000);
        assert_eq!((other.now(), other.unix_ms()), (5_000_000, 5));
        assert!(Clock::real().now() > 0);
    }

    #[test]
    fn a_moved_clock_goes_on_from_where_it_was_set() {
        let clock = Clock::fake();
        clock.advance(7_000_000);
        let moved = clock.clone().reading(100);
        assert_eq!(moved.now(), 100);
        clock.advance(5);
        assert_eq!((moved.now(), moved.unix_ms()), (105, 7));
    }
}
